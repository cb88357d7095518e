//! `GET /deals`: the deals that the caller sees, archived ones included, filtered, sorted, and with what hangs on them.

use super::shown;
use crate::call::{Call, Reply};
use crate::problem::Problem;
use keyward_core::list::CursorList;
use keyward_core::permit::{Permit, ReadDeals};
use lev_deals::Include;
use lev_deals::list::DEALS;
use serde_json::value::RawValue;

pub(crate) async fn handle(mut call: Call, permit: Permit<ReadDeals>) -> Result<Reply, Problem> {
    let asked = call.ask(&DEALS)?;
    let filter = asked.filter.canonical();
    let list = CursorList { name: DEALS.name, account: permit.member()?.account, filter: &filter };
    let window = call.window(list, &asked)?;
    let listed = call.reads().list_deals(&permit, asked.filter.clone(), window, Include::of(&asked)).await?;
    let deals: Vec<Box<RawValue>> =
        listed.items.iter().filter_map(|(deal, included)| shown(deal, included, &asked)).collect();
    let pagination = call.pagination(list, &asked, &listed, |(deal, _)| deal.id.0);
    Ok(Reply::page(&deals, &pagination))
}

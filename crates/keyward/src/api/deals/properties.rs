//! `GET /deals/{deal_id}/properties`: what a deal is about.

use super::no_deal;
use crate::call::{Call, Reply};
use crate::problem::Problem;
use keyward_core::list::CursorList;
use keyward_core::permit::{Permit, ReadDeals};
use lev_deals::DealId;
use lev_deals::list::PROPERTIES;

pub(crate) async fn handle(mut call: Call, permit: Permit<ReadDeals>) -> Result<Reply, Problem> {
    let asked = call.ask(&PROPERTIES)?;
    let of = call.path_id().to_owned();
    let list = CursorList { name: PROPERTIES.name, account: permit.member()?.account, filter: &of };
    let window = call.window(list, &asked)?;
    let deal = DealId::parse(&of).ok_or_else(|| no_deal(&call))?;
    let listed = call.reads().properties(&permit, deal, window).await?.ok_or_else(|| no_deal(&call))?;
    let pagination = call.pagination(list, &asked, &listed, |property| property.id);
    Ok(Reply::page(&listed.items, &pagination))
}

//! `GET /deals`: the deals that the caller sees, archived ones included.

use crate::call::{Call, Reply};
use crate::problem::Problem;
use keyward_core::page::{CursorList, take_limit};
use keyward_core::permit::{Permit, ReadDeals};
use lev_deals::{Deal, DealView};

pub(crate) async fn handle(mut call: Call, permit: Permit<ReadDeals>) -> Result<Reply, Problem> {
    let list = CursorList { name: "deals", account: permit.member()?.account, filter: "" };
    let limit = take_limit(&mut call.query)?;
    let cursor = call.query.take("cursor");
    call.finish_query()?;
    let after = call.after(list, cursor.as_deref())?;
    let listed = call.reads().list_deals(&permit, after, limit).await?;
    let views: Vec<DealView<'_>> = listed.items.iter().map(Deal::view).collect();
    let pagination = call.pagination(list, (limit, cursor), &listed, |deal| deal.id.0);
    Ok(Reply::page(&views, &pagination))
}

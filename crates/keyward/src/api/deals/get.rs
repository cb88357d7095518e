//! `GET /deals/{deal_id}`: one deal, archived or not, with its `ETag`.

use super::{no_deal, shown};
use crate::call::{Call, Reply};
use crate::problem::Problem;
use keyward_core::permit::{Permit, ReadDeals};
use lev_deals::list::DEAL;
use lev_deals::{DealId, Include};

pub(crate) async fn handle(mut call: Call, permit: Permit<ReadDeals>) -> Result<Reply, Problem> {
    let asked = call.ask(&DEAL)?;
    let found = match DealId::parse(call.path_id()) {
        Some(id) => call.reads().get_deal(&permit, id, Include::of(&asked)).await?,
        None => None,
    };
    let (deal, included) = found.ok_or_else(|| no_deal(&call))?;
    let reply = Reply::new(&shown(&deal, &included, &asked));
    Ok(match asked.include.is_empty() {
        true => reply.with_etag(deal.etag()),
        false => reply.with_etag_and_related(&deal.etag()),
    })
}

//! `GET /deals/{deal_id}`: one deal, archived or not, with its `ETag`.

use crate::call::{Call, Reply};
use crate::problem::Problem;
use keyward_core::denial::Denial;
use keyward_core::permit::{Permit, ReadDeals};
use lev_deals::DealId;

pub(crate) async fn handle(mut call: Call, permit: Permit<ReadDeals>) -> Result<Reply, Problem> {
    call.finish_query()?;
    let found = match DealId::parse(call.path_id()) {
        Some(id) => call.reads().get_deal(&permit, id).await?,
        None => None,
    };
    let deal = found.ok_or_else(|| Denial::not_found("Deal", call.path_id()))?;
    Ok(Reply::new(&deal.view()).with_etag(deal.etag()))
}

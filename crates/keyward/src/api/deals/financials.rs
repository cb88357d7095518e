//! `GET /deals/{deal_id}/financials`: the figures of a deal.

use super::no_deal;
use crate::call::{Call, Reply};
use crate::problem::Problem;
use keyward_core::denial::Denial;
use keyward_core::permit::{Permit, ReadDeals};
use lev_deals::DealId;

pub(crate) async fn handle(mut call: Call, permit: Permit<ReadDeals>) -> Result<Reply, Problem> {
    call.finish_query()?;
    let found = match DealId::parse(call.path_id()) {
        Some(id) => call.reads().financials(&permit, id).await?,
        None => None,
    };
    let financials = found.ok_or_else(|| no_deal(&call))?;
    let none = || Denial::not_found_by("Financials", "deal id", call.path_id());
    Ok(Reply::new(&financials.ok_or_else(none)?))
}

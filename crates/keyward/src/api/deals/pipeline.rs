//! `POST /deals/{deal_id}/pipeline`: puts a deal into a status of a pipeline.

use crate::call::Call;
use crate::problem::Problem;
use keyward_core::denial::Denial;
use keyward_core::permit::{Permit, WriteDeals};
use lev_deals::DealId;
use lev_deals::pipeline::Target;
use lev_deals::write::MoveDeal;

pub(crate) fn handle(call: &Call, _: &Permit<WriteDeals>) -> Result<MoveDeal, Problem> {
    let conditions = call.conditions.clone();
    let to = Target::read(call.body()?).map_err(Denial::Invalid)?;
    Ok(MoveDeal { deal: DealId::parse(call.path_id()), as_sent: call.path_id().to_owned(), to, conditions })
}

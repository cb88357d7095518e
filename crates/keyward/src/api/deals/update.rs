//! `PATCH /deals/{deal_id}`: changes the fields that are sent; `If-Match` guards against changing another's change.

use crate::call::Call;
use crate::problem::Problem;
use keyward_core::denial::Denial;
use keyward_core::permit::{Permit, WriteDeals};
use lev_deals::write::UpdateDeal;
use lev_deals::{DealChanges, DealId};

pub(crate) fn handle(call: &Call, _: &Permit<WriteDeals>) -> Result<UpdateDeal, Problem> {
    let conditions = call.conditions.clone();
    let changes = DealChanges::read(call.body()?).map_err(Denial::Invalid)?;
    Ok(UpdateDeal {
        deal: DealId::parse(call.path_id()),
        as_sent: call.path_id().to_owned(),
        conditions,
        changes,
    })
}

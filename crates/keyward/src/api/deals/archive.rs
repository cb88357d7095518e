//! `DELETE /deals/{deal_id}`: archives a deal; reading it by id still shows it.

use crate::call::Call;
use crate::problem::Problem;
use keyward_core::permit::{Permit, WriteDeals};
use lev_deals::DealId;
use lev_deals::write::ArchiveDeal;

pub(crate) fn handle(call: &Call, _: &Permit<WriteDeals>) -> Result<ArchiveDeal, Problem> {
    let conditions = call.conditions.clone();
    call.no_members()?;
    Ok(ArchiveDeal { deal: DealId::parse(call.path_id()), as_sent: call.path_id().to_owned(), conditions })
}

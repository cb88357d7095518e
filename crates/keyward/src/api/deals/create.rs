//! `POST /deals`: makes a deal in the caller's account, with its maker on the team.

use crate::call::Call;
use crate::problem::Problem;
use keyward_core::denial::Denial;
use keyward_core::permit::{Permit, WriteDeals};
use lev_deals::NewDeal;
use lev_deals::write::CreateDeal;

pub(crate) fn handle(call: &Call, _: &Permit<WriteDeals>) -> Result<CreateDeal, Problem> {
    Ok(CreateDeal(NewDeal::read(call.body()?).map_err(Denial::Invalid)?))
}

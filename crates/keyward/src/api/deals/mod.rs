//! Deals, and what hangs on them.

pub(crate) mod archive;
pub(crate) mod create;
pub(crate) mod financials;
pub(crate) mod get;
pub(crate) mod list;
pub(crate) mod pipeline;
pub(crate) mod properties;
pub(crate) mod team;
pub(crate) mod update;

use crate::call::Call;
use keyward_core::denial::Denial;
use keyward_core::list::{Asked, project};
use lev_deals::list::DEALS;
use lev_deals::{Deal, Included};
use serde_json::value::{RawValue, to_raw_value};

/// A deal with the fields that were asked for, its id, and whatever was to be included.
fn shown(deal: &Deal, included: &Included, asked: &Asked) -> Option<Box<RawValue>> {
    let view = deal.view_with(included);
    match &asked.fields {
        // Absent: never, plain structs always serialise; nothing is shown then.
        None => to_raw_value(&view).ok(),
        Some(fields) => {
            project(&view, |name| name == "id" || fields.contains(&name) || DEALS.includes.contains(&name))
        }
    }
}

/// There is no deal of the id in the path, as far as the caller sees.
fn no_deal(call: &Call) -> Denial {
    Denial::not_found("Deal", call.path_id())
}

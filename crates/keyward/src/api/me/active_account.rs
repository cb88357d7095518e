//! `PATCH /me/active-account`: the account that further requests of this user by this client act in. A key is bound to its
//! account, so for it nothing changes; the answer says whether the caller would be where it wants to be.

use crate::call::Call;
use crate::problem::Problem;
use keyward_core::denial::Denial;
use keyward_core::input::Fields;
use keyward_core::permit::{Permit, ReadAccount};
use keyward_core::write::active_account::ChooseAccount;

pub(crate) fn handle(call: &Call, _: &Permit<ReadAccount>) -> Result<ChooseAccount, Problem> {
    Ok(ChooseAccount { slug: slug(call)? })
}

/// Takes the members of the body.
pub(crate) fn take(fields: &mut Fields<'_>) -> Option<String> {
    let slug = fields.string("slug", 1, 255);
    fields.required("slug", slug)
}

fn slug(call: &Call) -> Result<String, Denial> {
    let mut fields = Fields::of(call.body()?).map_err(Denial::Invalid)?;
    let slug = take(&mut fields);
    fields.finish().map_err(Denial::Invalid)?;
    slug.ok_or_else(|| Denial::invalid("slug", "slug is required"))
}

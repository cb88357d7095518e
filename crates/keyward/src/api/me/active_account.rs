//! `PATCH /me/active-account`: a key is bound to its account, so there is nothing to change for it; the answer says
//! whether the caller would be where it wants to be.

use super::AccountRef;
use crate::call::{Call, Reply};
use crate::problem::Problem;
use keyward_core::denial::Denial;
use keyward_core::input::Fields;
use keyward_core::permit::{Permit, ReadAccount};
use serde::Serialize;
use utoipa::ToSchema;

/// The account that requests act in.
#[derive(Serialize, ToSchema)]
pub(crate) struct ActiveAccount<'a> {
    /// The account.
    account: AccountRef<'a>,
}

pub(crate) async fn handle(mut call: Call, permit: Permit<ReadAccount>) -> Result<Reply, Problem> {
    call.finish_query()?;
    let slug = slug(&call)?;
    let (who, member) = (permit.principal()?, permit.member()?);
    let live = call.live();
    let named = live.accounts_of(who.user).map(|(account, _)| account).find(|account| account.slug == slug);
    let account = named.ok_or_else(|| Denial::not_found_by("Account", "slug", &slug))?;
    if account.id != member.account {
        return Err(Denial::AccountForeign.into());
    }
    Ok(Reply::new(&ActiveAccount { account: AccountRef::of(account) }))
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

//! `GET /me/accounts`: every account that the caller's user is an active member of.

use crate::call::{Call, Reply};
use crate::problem::Problem;
use keyward_core::account::AccountRef;
use keyward_core::id::AccountId;
use keyward_core::permit::{Permit, ReadAccount};
use serde::Serialize;
use utoipa::ToSchema;

/// The accounts of a user.
#[derive(Serialize, ToSchema)]
#[schema(as = AccountMemberships)]
pub(crate) struct Memberships<'a> {
    /// Every active account that the user is a member of.
    accounts: Vec<Membership<'a>>,
}

/// An account that the user is a member of.
#[derive(Serialize, ToSchema)]
#[schema(as = AccountMembership)]
struct Membership<'a> {
    #[serde(flatten)]
    account: AccountRef<'a>,
    /// The user's role there.
    #[schema(extensions(("enum" = json!(["admin", "editor", "viewer"]))))]
    role: &'static str,
    /// Whether it is the account of this request.
    is_active: bool,
}

pub(crate) async fn handle(mut call: Call, permit: Permit<ReadAccount>) -> Result<Reply, Problem> {
    call.finish_query()?;
    let who = permit.principal()?;
    let active: Option<AccountId> = who.member.map(|member| member.account);
    let live = call.live();
    let accounts: Vec<Membership<'_>> = live
        .within_reach(&who.credential, who.user)
        .map(|(account, role)| Membership {
            account: AccountRef::of(account),
            role: role.name(),
            is_active: active == Some(account.id),
        })
        .collect();
    Ok(Reply::new(&Memberships { accounts }))
}

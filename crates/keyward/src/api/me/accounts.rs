//! `GET /me/accounts`: every account that the caller's user is an active member of.

use super::AccountRef;
use crate::call::{Call, Reply};
use crate::problem::Problem;
use keyward_core::id::AccountId;
use keyward_core::permit::{Permit, ReadAccount};
use serde::Serialize;
use serde_json::json;

#[derive(Serialize)]
struct Membership<'a> {
    #[serde(flatten)]
    account: AccountRef<'a>,
    role: &'static str,
    is_active: bool,
}

pub(crate) async fn handle(mut call: Call, permit: Permit<ReadAccount>) -> Result<Reply, Problem> {
    call.finish_query()?;
    let who = permit.principal()?;
    let active: Option<AccountId> = who.member.map(|member| member.account);
    let live = call.live();
    let accounts: Vec<Membership<'_>> = live
        .accounts_of(who.user)
        .map(|(account, role)| Membership {
            account: AccountRef::of(account),
            role: role.name(),
            is_active: active == Some(account.id),
        })
        .collect();
    Ok(Reply::new(&json!({ "accounts": accounts })))
}

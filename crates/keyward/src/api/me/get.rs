//! `GET /me`: who I am here, and what I may do now.

use super::AccountRef;
use crate::call::{Call, Reply, Standings};
use crate::problem::Problem;
use keyward_core::account::{Account, User};
use keyward_core::clock::Timestamp;
use keyward_core::denial::Denial;
use keyward_core::limits::{Limits, Rate};
use keyward_core::live::Live;
use keyward_core::permit::{Permit, SeeSelf};
use keyward_core::principal::{Credential, Principal};
use keyward_core::rate_limit::Standing;
use keyward_core::role::Role;
use serde_json::{Value, json};

pub(crate) async fn handle(mut call: Call, permit: Permit<SeeSelf>) -> Result<Reply, Problem> {
    call.finish_query()?;
    let (who, member) = (permit.principal()?, permit.member()?);
    let (now, limits) = (call.now(), call.limits(who));
    let live = call.live();
    // Both were there when the caller was admitted; accounts and users are never taken out.
    let user = live.user(who.user).ok_or(Denial::UserDisabled)?;
    let account = live.account(member.account).ok_or(Denial::AccountDisabled)?;
    Ok(Reply::new(&json!({
        "user": user_view(user, member.role),
        "account": AccountRef::of(account),
        "profile": { "title": user.title, "photo_url": user.photo_url },
        "subscription": { "type": account.tier.name(), "status": "active", "billing_cycle": null, "end_date": null },
        "platform": platform(who, account, (&live, now), &limits),
    })))
}

fn user_view(user: &User, role: Role) -> Value {
    json!({
        "id": user.id,
        "uuid": user.uuid,
        "email": user.email,
        "first_name": user.first_name,
        "last_name": user.last_name,
        "full_name": user.full_name(),
        "role": role.name(),
        "photo_url": user.photo_url,
        "last_login_at": user.last_login_at,
    })
}

fn platform(
    who: &Principal,
    account: &Account,
    (live, now): (&Live, Timestamp),
    (limits, [reads, writes]): &(Limits, Standings),
) -> Value {
    let rate = |rate: Rate, standing: &Option<Standing>| {
        json!({
            "limit": rate,
            "remaining": standing.map(|standing| standing.remaining),
            "window_seconds": 60,
        })
    };
    json!({
        "api_tier": account.tier.name(),
        "granted_scopes": who.scopes.names(),
        "rate_limits": { "reads": rate(limits.reads, reads), "writes": rate(limits.writes, writes) },
        "api_keys": { "current_count": live.live_keys(account.id, now), "max_allowed": limits.keys },
        "credential": credential(&who.credential, live),
    })
}

fn credential(credential: &Credential, live: &Live) -> Value {
    let Credential::ApiKey(key) = credential;
    json!({
        "kind": credential.kind(),
        "id": key.id,
        "label": live.key(key.id).map(|key| &key.label),
        "expires_at": key.expires_at,
    })
}

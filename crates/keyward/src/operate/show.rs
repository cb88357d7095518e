//! One account, and one user, with what there is of them.

use super::desk::Desk;
use super::error::AdminError;
use super::rate::shown_rate;
use super::to_end;
use keyward_core::api_key::WhoseKeys;
use keyward_core::store::UserDetails;
use serde_json::{Value, json};

fn unreadable(what: &str) -> AdminError {
    AdminError::refused(format!("{what} cannot be read: keyward doctor --database names what is wrong"))
}

/// An account, by its slug or `id:` and its id.
pub(super) async fn account(desk: &Desk, slug: &str) -> Result<Value, AdminError> {
    let (id, now) = (to_end::account(&desk.operator(), slug).await?, desk.clock.now());
    let figures = desk.store.account_figures(id, now).await?;
    let figures = figures.ok_or_else(|| AdminError::not_found(format!("there is no account {slug}")))?;
    let live = desk.store.directory().read();
    let account = live.account(id).ok_or_else(|| unreadable("the account"))?;
    let limits = account.limits(&desk.tiers.get());
    Ok(json!({
        "id": id,
        "slug": account.slug,
        "name": account.name,
        "account_type": account.account_type,
        "tier": account.tier.name(),
        "disabled": account.disabled,
        "created_at": figures.created_at,
        "members": figures.members,
        "admins": figures.admins,
        "invitations": figures.invitations,
        "live_keys": live.live_keys(id, now),
        "max_keys": limits.keys,
        "reads_per_minute": shown_rate(limits.reads),
        "writes_per_minute": shown_rate(limits.writes),
    }))
}

/// A user, by the address or `id:` and the id. It is all that is kept, but for secrets and the audit trail.
pub(super) async fn user(desk: &Desk, email: &str) -> Result<Value, AdminError> {
    let (id, now) = (to_end::user(&desk.operator(), email).await?, desk.clock.now());
    let details = desk.store.user_details(id, now).await?;
    let details = details.ok_or_else(|| AdminError::not_found(format!("there is no user {email}")))?;
    let live = desk.store.directory().read();
    let user = live.user(id).ok_or_else(|| unreadable("the user"))?;
    let UserDetails { created_at, password, accounts, invitations, identities, applications, sessions } =
        details;
    let places = |places: Vec<(String, String)>| {
        let place = |(slug, role): (String, String)| json!({ "account": slug, "role": role });
        places.into_iter().map(place).collect::<Vec<_>>()
    };
    let link = |(issuer, subject): (String, String)| json!({ "issuer": issuer, "subject": subject });
    Ok(json!({
        "id": id,
        "uuid": user.uuid,
        "email": user.email,
        "email_verified": user.email_verified,
        "first_name": user.first_name,
        "last_name": user.last_name,
        "title": user.title,
        "photo_url": user.photo_url,
        "disabled": user.disabled,
        "created_at": created_at,
        "last_login_at": user.last_login_at,
        "has_password": password,
        "accounts": places(accounts),
        "invitations": places(invitations),
        "identities": identities.into_iter().map(link).collect::<Vec<_>>(),
        "applications": applications,
        "sessions": sessions,
        "keys": live.keys_of(WhoseKeys::User(id)).len(),
    }))
}

//! Carrying an order out. When it returns, what it changed holds for every request.

use super::audit;
use super::clock;
use super::desk::Desk;
use super::error::AdminError;
use super::explain::explain;
use super::if_absent::{there, with_word};
use super::left_out;
use super::lists;
use super::named::{account_named, plain, role_named, tier_named, user_named};
use super::offers::at_once;
use super::operator::Operator;
use super::order::Order;
use super::place;
use super::rate::shown_rate;
use super::revoke;
use super::secret;
use super::show;
use super::sign_in::about_sign_in;
use super::to_end;
use super::whole;
use keyward_core::account::is_slug;
use keyward_core::id::KeyId;
use keyward_core::identity;
use keyward_core::limits::{Overrides, Rate, Tiers};
use keyward_core::write::account::SetTier;
use keyward_core::write::disabling::SetUserDisabled;
use keyward_core::write::identity::LinkIdentity;
use keyward_core::write::limits::SetLimits;
use keyward_core::write::member::RemoveMember;
use serde_json::{Value, json};

/// Carries it out; what to tell the operator.
pub(crate) async fn carry_out(desk: &Desk, order: Order) -> Result<Value, AdminError> {
    let operator = &desk.operator();
    match order {
        order if order.shows_secret() => at_once(desk, order).await,
        Order::IfAbsent { of, any_tier } => match there(desk, &of, any_tier).await? {
            Some(there) => Ok(there),
            None => Ok(with_word(Box::pin(carry_out(desk, *of)).await?, true)),
        },
        Order::KeyList(list) => lists::keys(desk, list).await,
        Order::AccountList { after } => lists::accounts(desk, after).await,
        Order::AccountShow { slug } => show::account(desk, &slug).await,
        Order::UserList { account, after } => lists::users(desk, account, after).await,
        Order::UserShow { email } => show::user(desk, &email).await,
        Order::UserDelete { email } => whole::user_deleted(operator, &email, desk.clock.now()).await,
        Order::ClientList { after } => lists::clients(desk, after.as_deref()),
        Order::KeyRevoke { key, descendants } => revoke::by_id(operator, KeyId(key), descendants).await,
        Order::KeyRevokeText { text, descendants } => revoke::by_text(desk, &text, descendants).await,
        Order::KeyRevokeAll { whose } => revoke::all_of(operator, &whose).await,
        Order::Audit(order) => audit::rows(desk, order).await,
        Order::Served => Ok(json!(operator.store().served().await?)),
        Order::SecretRotate { revoke_unmoved } => secret::rotate(desk, revoke_unmoved).await,
        Order::Addresses => Ok(json!(desk.addresses)),
        Order::LeftOut => left_out::tell(operator.store()).await,
        Order::SecretStatus => Ok(secret::status(desk).await),
        Order::ClockAccept => clock::accept(desk).await,
        Order::Explain { request_id, seen } => explain(desk, request_id, seen).await,
        Order::ClientDelete { .. } | Order::SigningKeyList | Order::SigningKeyRotate { .. } => {
            about_sign_in(desk, order).await
        }
        order => about_people(operator, &desk.tiers.get(), order).await,
    }
}

async fn about_people(operator: &Operator<'_>, tiers: &Tiers, order: Order) -> Result<Value, AdminError> {
    match order {
        Order::UserDisabled { email, disabled } => {
            let user =
                if disabled { to_end::user(operator, &email).await? } else { user_named(operator, &email)? };
            operator.commit(SetUserDisabled { user, disabled }).await?;
            Ok(json!({ "id": user, "email": email, "disabled": disabled }))
        }
        Order::UserRole { email, account, role } => {
            let role = role_named(&role)?;
            let user = place::give(operator, (&account, &email), role).await?;
            Ok(json!({ "id": user, "email": email, "account": account, "role": role.name() }))
        }
        Order::UserRemove { email, account } => {
            let (id, user) =
                (to_end::account(operator, &account).await?, to_end::user(operator, &email).await?);
            operator.commit(RemoveMember { account: id, user }).await?;
            Ok(json!({ "id": user, "email": email, "account": account, "removed": true }))
        }
        Order::AccountDisabled { slug, disabled } => whole::account_disabled(operator, &slug, disabled).await,
        Order::AccountCreate { slug, name, tier } => {
            let tier = tier_named(&tier)?;
            plain("a name", &name)?;
            if !is_slug(&slug) {
                return Err(AdminError::refused("a slug is lower-case letters, digits and inner hyphens"));
            }
            if operator.live().account_named(&slug).is_some() {
                return Err(AdminError::conflict("slug is already in use"));
            }
            let id = operator.account(&slug, &name, None, tier).await?;
            Ok(json!({ "id": id, "slug": slug, "tier": tier.name() }))
        }
        Order::AccountTier { slug, tier } => {
            let (account, tier) = (account_named(operator, &slug)?, tier_named(&tier)?);
            operator.commit(SetTier { account, tier }).await?;
            Ok(json!({ "id": account, "slug": slug, "tier": tier.name() }))
        }
        Order::AccountLimits { slug, reads, writes, keys } => {
            limits((operator, tiers), &slug, (reads.as_deref(), writes.as_deref(), keys.as_deref())).await
        }
        Order::UserLink { email, issuer, subject, linked } => {
            for (what, text) in [("an issuer", &issuer), ("a subject", &subject)] {
                plain(what, text)?;
                if text.len() > identity::MOST {
                    return Err(AdminError::refused(format!("{what} has at most {} bytes", identity::MOST)));
                }
            }
            let user =
                if linked { user_named(operator, &email)? } else { to_end::user(operator, &email).await? };
            let done = operator.commit(LinkIdentity { user, issuer, subject, linked }).await?;
            let LinkIdentity { issuer, subject, linked, .. } = done.wanted;
            Ok(json!({ "id": user, "email": email, "issuer": issuer, "subject": subject, "linked": linked }))
        }
        // Absent: nothing is done.
        _ => Err(AdminError::refused("this order is not about people")),
    }
}

/// Changes the figures that are named; all that applies then.
async fn limits(
    (operator, tiers): (&Operator<'_>, &Tiers),
    slug: &str,
    (reads, writes, keys): (Option<&str>, Option<&str>, Option<&str>),
) -> Result<Value, AdminError> {
    let account = account_named(operator, slug)?;
    // Absent: the account was found above; without it the commit refuses.
    let mut overrides = operator.live().account(account).map(|account| account.overrides).unwrap_or_default();
    let rate = |text: &str| {
        Rate::parse(text)
            .ok_or_else(|| AdminError::refused("a rate is 1 to 100000 a minute, unlimited (not 0), or tier"))
    };
    let ceiling = |text: &str| {
        // Absent: no figure, which is a mistake.
        let keys = text.parse().ok().filter(|keys| (1..=Overrides::MOST_KEYS).contains(keys));
        keys.ok_or_else(|| {
            AdminError::refused("an account may have 1 to 10000 live keys, or as its tier says")
        })
    };
    overrides.reads = named(reads, overrides.reads, rate)?;
    overrides.writes = named(writes, overrides.writes, rate)?;
    overrides.keys = named(keys, overrides.keys, ceiling)?;
    let now = operator.commit(SetLimits { account, overrides }).await?;
    let (applies, said_here) = (now.limits(tiers), now.overrides);
    Ok(json!({
        "id": account,
        "slug": slug,
        "tier": now.tier.name(),
        "reads_per_minute": shown_rate(applies.reads),
        "writes_per_minute": shown_rate(applies.writes),
        "keys": applies.keys,
        "own": {
            "reads": said_here.reads.is_some(), "writes": said_here.writes.is_some(), "keys": said_here.keys.is_some(),
        },
    }))
}

/// What is named, `tier` for nothing of its own; what is not named stays.
fn named<T>(
    text: Option<&str>,
    now: Option<T>,
    read: impl Fn(&str) -> Result<T, AdminError>,
) -> Result<Option<T>, AdminError> {
    match text {
        None => Ok(now),
        Some("tier") => Ok(None),
        Some(text) => read(text).map(Some),
    }
}

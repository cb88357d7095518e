//! Orders that make something only where it is absent, so that a script can be run again. What is there already must be what was
//! asked for, as far as that was named; it is not changed, and its secret is not shown again.

use super::desk::Desk;
use super::error::AdminError;
use super::keys;
use super::named::{account_named, role_named, user_named};
use super::new_key::NewKey;
use super::operator::Operator;
use super::order::Order;
use keyward_core::api_key::WhoseKeys;
use keyward_core::oauth::ClientOrigin;
use serde_json::{Value, json};
use std::collections::BTreeSet;

impl Order {
    /// The order to make it where it is absent; `any_tier`: an account that is there is taken with any tier.
    pub(crate) fn if_absent(self, any_tier: bool) -> Self {
        Self::IfAbsent { of: Box::new(self), any_tier }
    }
}

/// With whether it was made now.
pub(super) fn with_word(mut told: Value, created: bool) -> Value {
    if let Some(members) = told.as_object_mut() {
        members.insert("created".to_owned(), json!(created));
    }
    told
}

/// What is there of what the order would make; `None`: nothing.
pub(super) async fn there(desk: &Desk, order: &Order, any_tier: bool) -> Result<Option<Value>, AdminError> {
    let operator = &desk.operator();
    let there = match order {
        Order::AccountCreate { slug, tier, .. } => {
            account(operator, slug, if any_tier { None } else { Some(tier) })
        }
        Order::UserCreate { email, member, .. } => {
            user(operator, &email.to_lowercase(), member.as_ref()).await
        }
        Order::KeyCreate(new) => key(desk, new),
        Order::ClientCreate { name, redirect_uris, confidential } => {
            client(operator, name, redirect_uris, *confidential)
        }
        // Absent: nothing is done.
        _ => Err(AdminError::malformed("this order makes nothing that could be there already")),
    };
    Ok(there?.map(|there| with_word(there, false)))
}

fn account(operator: &Operator<'_>, slug: &str, tier: Option<&String>) -> Result<Option<Value>, AdminError> {
    let live = operator.live();
    let Some(there) = live.account_named(slug) else { return Ok(None) };
    if there.disabled {
        return Err(another(format!("account {slug} is there already, and it is disabled")));
    }
    let own = there.tier.name();
    match tier {
        Some(tier) if tier != own => Err(another(format!(
            "account {slug} is there already, with the tier {own}: keyward account tier changes it"
        ))),
        Some(_) | None => Ok(Some(json!({ "id": there.id, "slug": slug, "tier": own }))),
    }
}

async fn user(
    operator: &Operator<'_>,
    email: &str,
    member: Option<&(String, String)>,
) -> Result<Option<Value>, AdminError> {
    let known = operator.live().user_named(email).map(|user| (user.id, user.disabled));
    let Some((id, disabled)) = known else { return Ok(None) };
    // Somebody who was only invited is no user yet, and becomes one by this order.
    let has_place = operator.live().accounts_of(id).next().is_some();
    if !has_place && !operator.store().has_password(id).await? {
        return Ok(None);
    }
    if disabled {
        return Err(another(format!("user {email} is there already, and is disabled")));
    }
    if let Some((account, role)) = member {
        let (place, role) = (account_named(operator, account)?, role_named(role)?);
        if operator.live().role(place, id) != Some(role) {
            let is = format!("user {email} is there already, and is no {} of {account}", role.name());
            return Err(another(format!("{is}: keyward user role gives it a role")));
        }
    }
    Ok(Some(json!({ "id": id, "email": email })))
}

/// A live key of this name, whose secret somebody was shown.
fn key(desk: &Desk, new: &NewKey) -> Result<Option<Value>, AdminError> {
    let operator = &desk.operator();
    let (account, user) = (account_named(operator, &new.account)?, user_named(operator, &new.user)?);
    let wanted = keys::bounds(desk, new)?;
    let (live, now) = (operator.live(), desk.clock.now());
    let own = live.keys_of(WhoseKeys::Member(account, user));
    let own = own.into_iter().filter_map(|id| live.key(id));
    let found: Vec<_> =
        own.filter(|key| key.label == new.label && key.is_live(now) && live.has_secret(key.id)).collect();
    let Some(first) = found.first() else { return Ok(None) };
    let same = found.iter().find(|key| key.grant == wanted.grant && key.allowed_ips == wanted.allowed_ips);
    let Some(key) = same else {
        return Err(another(format!(
            "key {} is there already with this label, and with other rights or address ranges",
            first.id
        )));
    };
    // Such a key opens nothing. Absent: what is there no more has none.
    if live.account(account).is_some_and(|account| account.disabled) {
        return Err(another(format!(
            "key {} is there already, and account {} is disabled",
            key.id, new.account
        )));
    }
    if live.user(user).is_some_and(|user| user.disabled) {
        return Err(another(format!("key {} is there already, and user {} is disabled", key.id, new.user)));
    }
    Ok(Some(json!({ "id": key.id, "label": key.label })))
}

fn client(
    operator: &Operator<'_>,
    name: &str,
    uris: &[String],
    confidential: bool,
) -> Result<Option<Value>, AdminError> {
    let live = operator.live();
    let own = live.clients().filter(|client| client.origin == ClientOrigin::Operator && client.name == name);
    let mut of_name: Vec<_> = own.collect();
    of_name.sort_by_key(|client| client.created_at);
    let Some(first) = of_name.first() else { return Ok(None) };
    let set = |uris: &[String]| uris.iter().cloned().collect::<BTreeSet<_>>();
    let same = |secret: bool, own: &[String]| secret == confidential && set(own) == set(uris);
    match of_name.iter().find(|client| same(client.secret.is_some(), &client.redirect_uris)) {
        Some(client) => Ok(Some(json!({
            "client_id": &*client.id, "name": client.name, "redirect_uris": &*client.redirect_uris,
        }))),
        None => Err(another(format!(
            "client {} is there already with this name, and with other redirect URIs, or of the other kind (--confidential)",
            first.id
        ))),
    }
}

fn another(text: String) -> AdminError {
    AdminError::conflict(text)
}

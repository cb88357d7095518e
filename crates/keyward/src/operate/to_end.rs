//! Who and what is meant where something ends. Also one that was left out at the start is found, by its address or slug in the
//! database, or by its id, as the log and `/readyz` name it: `id:7`.

use super::error::AdminError;
use super::operator::Operator;
use keyward_core::id::{AccountId, UserId};

/// The user with this address, or `id:` and its id.
pub(super) async fn user(operator: &Operator<'_>, named: &str) -> Result<UserId, AdminError> {
    if let Some(id) = numbered(named) {
        return Ok(UserId(id));
    }
    let email = named.to_lowercase();
    let known = operator.live().user_named(&email).map(|user| user.id);
    let found = match known {
        None => operator.store().user_to_end(email).await?,
        known => known,
    };
    found.ok_or_else(|| AdminError::not_found(format!("there is no user {named}")))
}

/// The account of this slug, or `id:` and its id.
pub(super) async fn account(operator: &Operator<'_>, named: &str) -> Result<AccountId, AdminError> {
    if let Some(id) = numbered(named) {
        return Ok(AccountId(id));
    }
    let known = operator.live().account_named(named).map(|account| account.id);
    let found = match known {
        None => operator.store().account_to_end(named.to_owned()).await?,
        known => known,
    };
    found.ok_or_else(|| AdminError::not_found(format!("there is no account {named}")))
}

/// No address and no slug has a colon and nothing but digits after it.
fn numbered(named: &str) -> Option<i64> {
    named.strip_prefix("id:").and_then(keyward_core::id::parse)
}

//! What an order names: accounts, users, roles, tiers and texts.

use super::error::AdminError;
use super::operator::Operator;
use keyward_core::id::{AccountId, UserId};
use keyward_core::role::Role;
use keyward_core::tier::Tier;

pub(super) fn account_named(operator: &Operator<'_>, slug: &str) -> Result<AccountId, AdminError> {
    let live = operator.live();
    live.account_named(slug)
        .map(|account| account.id)
        .ok_or_else(|| AdminError::not_found(format!("there is no account {slug}")))
}

pub(super) fn user_named(operator: &Operator<'_>, email: &str) -> Result<UserId, AdminError> {
    let live = operator.live();
    let user = live.user_named(&email.to_lowercase());
    user.map(|user| user.id).ok_or_else(|| AdminError::not_found(format!("there is no user {email}")))
}

pub(super) fn role_named(name: &str) -> Result<Role, AdminError> {
    Role::parse(name).ok_or_else(|| AdminError::refused("a role is admin, editor or viewer"))
}

pub(super) fn tier_named(name: &str) -> Result<Tier, AdminError> {
    Tier::parse(name).ok_or_else(|| AdminError::refused("a tier is free, standard or enterprise"))
}

/// As on the API: 1 to 255 characters, and here no control character either, since people will read it in a terminal.
pub(super) fn plain(what: &str, text: &str) -> Result<(), AdminError> {
    let length = text.chars().count();
    if (1..=255).contains(&length) && !text.trim().is_empty() && !text.contains(char::is_control) {
        return Ok(());
    }
    Err(AdminError::refused(format!("{what} has 1 to 255 characters, none of them a control character")))
}

//! Rows as the words of the core. A row that does not say what it must is an error, never a guess.

use crate::error::store_error;
use keyward_core::account::{Account, User};
use keyward_core::active_account::ChosenAccount;
use keyward_core::address;
use keyward_core::api_key::{ApiKey, Digest, KeySecret};
use keyward_core::clock::Timestamp;
use keyward_core::id::{AccountId, KeyId, UserId};
use keyward_core::identity::Identity;
use keyward_core::limits::{Overrides, Rate};
use keyward_core::principal::Grant;
use keyward_core::role::Role;
use keyward_core::scope::ScopeSet;
use keyward_core::store::StoreError;
use keyward_core::tier::Tier;
use rusqlite::Row;
use rusqlite::types::{FromSql, ValueRef};
use std::sync::Arc;

pub(crate) const ACCOUNT: &str =
    "id, slug, name, account_type, tier, reads_per_minute, writes_per_minute, max_keys, disabled_at";
pub(crate) const USER: &str =
    "id, uuid, email, first_name, last_name, title, photo_url, last_login_at, disabled_at";
pub(crate) const KEY: &str = "id, account_id, user_id, label, prefix, permission, scopes, allowed_ips, created_at, \
                              expires_at, revoked_at, last_used_at";
pub(crate) const SECRET: &str = "key_id, digest, pepper_version, ends_at";

pub(crate) const IDENTITY: &str = "id, issuer, subject, user_id";
pub(crate) const CHOSEN: &str = "user_id, issuer, client, account_id";

pub(crate) fn identity(row: &Row<'_>) -> Result<Identity, StoreError> {
    Ok(Identity {
        id: get(row, "id")?,
        user: UserId(get(row, "user_id")?),
        issuer: text(row, "issuer")?.into(),
        subject: text(row, "subject")?.into(),
    })
}

pub(crate) fn chosen(row: &Row<'_>) -> Result<ChosenAccount, StoreError> {
    Ok(ChosenAccount {
        user: UserId(get(row, "user_id")?),
        issuer: text(row, "issuer")?.into(),
        client: text(row, "client")?.into(),
        account: AccountId(get(row, "account_id")?),
    })
}

pub(crate) fn get<T: FromSql>(row: &Row<'_>, column: &str) -> Result<T, StoreError> {
    row.get(column).map_err(store_error)
}

/// The longest text of a row, in bytes, and of the ranges of a key.
const TEXT: usize = 4 * 1024;
const RANGES: usize = 64 * 1024;

/// A text of at most so many bytes: nothing is kept in memory, or shown to anyone, that nobody could have put there.
fn text_within(row: &Row<'_>, column: &str, most: usize) -> Result<Option<String>, StoreError> {
    let value = row.get_ref(column).map_err(store_error)?;
    if matches!(value, ValueRef::Text(text) if text.len() > most) {
        return Err(StoreError::Corrupt { table: "a row", what: format!("{column} is too long") });
    }
    Option::<String>::column_result(value)
        .map_err(|error| StoreError::Corrupt { table: "a row", what: format!("{column}: {error}") })
}

fn text_if_any(row: &Row<'_>, column: &str) -> Result<Option<String>, StoreError> {
    text_within(row, column, TEXT)
}

fn text(row: &Row<'_>, column: &str) -> Result<String, StoreError> {
    let missing = || StoreError::Corrupt { table: "a row", what: format!("{column} is null") };
    text_if_any(row, column)?.ok_or_else(missing)
}

pub(crate) fn time(row: &Row<'_>, column: &str) -> Result<Option<Timestamp>, StoreError> {
    Ok(get::<Option<i64>>(row, column)?.map(Timestamp::from_unix))
}

fn corrupt(table: &'static str, id: i64, what: &str) -> StoreError {
    StoreError::Corrupt { table, what: format!("{what} of row {id}") }
}

pub(crate) fn account(row: &Row<'_>) -> Result<Account, StoreError> {
    let id = get(row, "id")?;
    let tier = text(row, "tier")?;
    Ok(Account {
        id: AccountId(id),
        slug: text(row, "slug")?,
        name: text(row, "name")?,
        account_type: text_if_any(row, "account_type")?,
        tier: Tier::parse(&tier).ok_or_else(|| corrupt("accounts", id, "tier"))?,
        overrides: overrides(row, id)?,
        disabled: time(row, "disabled_at")?.is_some(),
    })
}

fn overrides(row: &Row<'_>, id: i64) -> Result<Overrides, StoreError> {
    let rate = |column: &'static str| match get::<Option<u32>>(row, column)? {
        None => Ok(None),
        Some(0) => Ok(Some(Rate::Unlimited)),
        Some(figure) => Rate::of(figure).map(Some).ok_or_else(|| corrupt("accounts", id, column)),
    };
    Ok(Overrides {
        reads: rate("reads_per_minute")?,
        writes: rate("writes_per_minute")?,
        keys: match get::<Option<u32>>(row, "max_keys")? {
            Some(keys) if !(1..=Overrides::MOST_KEYS).contains(&keys) => {
                return Err(corrupt("accounts", id, "max_keys"));
            }
            keys => keys,
        },
    })
}

/// A rate as a column holds it.
pub(crate) fn column_of(rate: Option<Rate>) -> Option<u32> {
    rate.map(|rate| match rate {
        Rate::PerMinute(figure) => figure,
        Rate::Unlimited => 0,
    })
}

pub(crate) fn user(row: &Row<'_>) -> Result<User, StoreError> {
    Ok(User {
        id: UserId(get(row, "id")?),
        uuid: text(row, "uuid")?,
        email: text(row, "email")?,
        first_name: text(row, "first_name")?,
        last_name: text(row, "last_name")?,
        title: text_if_any(row, "title")?,
        photo_url: text_if_any(row, "photo_url")?,
        last_login_at: time(row, "last_login_at")?,
        disabled: time(row, "disabled_at")?.is_some(),
    })
}

pub(crate) fn role(row: &Row<'_>) -> Result<Role, StoreError> {
    let role = text(row, "role")?;
    Role::parse(&role).ok_or_else(|| StoreError::Corrupt { table: "memberships", what: "role".to_owned() })
}

pub(crate) fn key(row: &Row<'_>) -> Result<ApiKey, StoreError> {
    let id = get(row, "id")?;
    let (permission, scopes) = (text_if_any(row, "permission")?, text_if_any(row, "scopes")?);
    let grant = match (permission.as_deref(), scopes) {
        (Some("full_access"), None) => Grant::FullAccess,
        (Some("read_only"), None) => Grant::ReadOnly,
        (None, Some(scopes)) => {
            Grant::Fixed(ScopeSet::from_text(&scopes).ok_or_else(|| corrupt("api_keys", id, "scopes"))?)
        }
        _ => return Err(corrupt("api_keys", id, "permission")),
    };
    let ranges = |text: String| -> Option<Arc<[_]>> { text.split(' ').map(address::parse_range).collect() };
    let allowed_ips = match text_within(row, "allowed_ips", RANGES)? {
        None => None,
        Some(text) => Some(ranges(text).ok_or_else(|| corrupt("api_keys", id, "allowed_ips"))?),
    };
    Ok(ApiKey {
        id: KeyId(id),
        account: AccountId(get(row, "account_id")?),
        user: UserId(get(row, "user_id")?),
        label: text(row, "label")?,
        prefix: text(row, "prefix")?,
        grant,
        created_at: Timestamp::from_unix(get(row, "created_at")?),
        expires_at: time(row, "expires_at")?,
        allowed_ips,
        revoked_at: time(row, "revoked_at")?,
        last_used_at: time(row, "last_used_at")?,
    })
}

pub(crate) fn secret(row: &Row<'_>) -> Result<KeySecret, StoreError> {
    let key = get(row, "key_id")?;
    let digest: Vec<u8> = get(row, "digest")?;
    Ok(KeySecret {
        key: KeyId(key),
        digest: Digest::from_bytes(&digest).ok_or_else(|| corrupt("api_key_secrets", key, "digest"))?,
        pepper_version: get(row, "pepper_version")?,
        ends_at: time(row, "ends_at")?,
    })
}

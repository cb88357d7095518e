//! Rows as the words of the core. A row that does not say what it must is an error, never a guess.

use crate::error::store_error;
use keyward_core::account::{Account, User};
use keyward_core::address;
use keyward_core::api_key::{ApiKey, Digest, KeySecret};
use keyward_core::clock::Timestamp;
use keyward_core::id::{AccountId, KeyId, UserId};
use keyward_core::principal::Grant;
use keyward_core::role::Role;
use keyward_core::scope::ScopeSet;
use keyward_core::store::StoreError;
use keyward_core::tier::Tier;
use rusqlite::Row;
use rusqlite::types::FromSql;
use std::sync::Arc;

pub(crate) const ACCOUNT: &str = "id, slug, name, account_type, tier, disabled_at";
pub(crate) const USER: &str =
    "id, uuid, email, first_name, last_name, title, photo_url, last_login_at, disabled_at";
pub(crate) const KEY: &str = "id, account_id, user_id, label, prefix, permission, scopes, allowed_ips, created_at, \
                              expires_at, revoked_at, last_used_at";
pub(crate) const SECRET: &str = "key_id, digest, pepper_version, ends_at";

pub(crate) fn get<T: FromSql>(row: &Row<'_>, column: &str) -> Result<T, StoreError> {
    row.get(column).map_err(store_error)
}

pub(crate) fn time(row: &Row<'_>, column: &str) -> Result<Option<Timestamp>, StoreError> {
    Ok(get::<Option<i64>>(row, column)?.map(Timestamp::from_unix))
}

fn corrupt(table: &'static str, id: i64, what: &str) -> StoreError {
    StoreError::Corrupt { table, what: format!("{what} of row {id}") }
}

pub(crate) fn account(row: &Row<'_>) -> Result<Account, StoreError> {
    let id = get(row, "id")?;
    let tier: String = get(row, "tier")?;
    Ok(Account {
        id: AccountId(id),
        slug: get(row, "slug")?,
        name: get(row, "name")?,
        account_type: get(row, "account_type")?,
        tier: Tier::parse(&tier).ok_or_else(|| corrupt("accounts", id, "tier"))?,
        disabled: time(row, "disabled_at")?.is_some(),
    })
}

pub(crate) fn user(row: &Row<'_>) -> Result<User, StoreError> {
    Ok(User {
        id: UserId(get(row, "id")?),
        uuid: get(row, "uuid")?,
        email: get(row, "email")?,
        first_name: get(row, "first_name")?,
        last_name: get(row, "last_name")?,
        title: get(row, "title")?,
        photo_url: get(row, "photo_url")?,
        last_login_at: time(row, "last_login_at")?,
        disabled: time(row, "disabled_at")?.is_some(),
    })
}

pub(crate) fn role(row: &Row<'_>) -> Result<Role, StoreError> {
    let role: String = get(row, "role")?;
    Role::parse(&role).ok_or_else(|| StoreError::Corrupt { table: "memberships", what: "role".to_owned() })
}

pub(crate) fn key(row: &Row<'_>) -> Result<ApiKey, StoreError> {
    let id = get(row, "id")?;
    let (permission, scopes): (Option<String>, Option<String>) =
        (get(row, "permission")?, get(row, "scopes")?);
    let grant = match (permission.as_deref(), scopes) {
        (Some("full_access"), None) => Grant::FullAccess,
        (Some("read_only"), None) => Grant::ReadOnly,
        (None, Some(scopes)) => {
            Grant::Fixed(ScopeSet::from_text(&scopes).ok_or_else(|| corrupt("api_keys", id, "scopes"))?)
        }
        _ => return Err(corrupt("api_keys", id, "permission")),
    };
    let ranges = |text: String| -> Option<Arc<[_]>> { text.split(' ').map(address::parse_range).collect() };
    let allowed_ips = match get::<Option<String>>(row, "allowed_ips")? {
        None => None,
        Some(text) => Some(ranges(text).ok_or_else(|| corrupt("api_keys", id, "allowed_ips"))?),
    };
    Ok(ApiKey {
        id: KeyId(id),
        account: AccountId(get(row, "account_id")?),
        user: UserId(get(row, "user_id")?),
        label: get(row, "label")?,
        prefix: get(row, "prefix")?,
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

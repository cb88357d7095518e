//! Rows as the words of the core. A row that does not say what it must is an error, never a guess.

use crate::driver::Row;
use crate::value::{FromValue, Value};
use keyward_core::account::{Account, User};
use keyward_core::active_account::ChosenAccount;
use keyward_core::address;
use keyward_core::api_key::{ApiKey, Digest, KeySecret};
use keyward_core::clock::Timestamp;
use keyward_core::grant::Grant;
use keyward_core::id::{AccountId, KeyId, UserId};
use keyward_core::identity::Identity;
use keyward_core::limits::{Overrides, Rate};
use keyward_core::made_by::MadeBy;
use keyward_core::oauth::{Client, ClientOrigin, Family, GrantId, OAuthGrant, Resources};
use keyward_core::opaque::TokenDigest;
use keyward_core::role::Role;
use keyward_core::scope::ScopeSet;
use keyward_core::session::Session;
use keyward_core::signing::SealedKey;
use keyward_core::store::StoreError;
use keyward_core::team::OpenInvitation;
use keyward_core::tier::Tier;
use std::sync::Arc;

pub(crate) const ACCOUNT: &str =
    "id, tier, slug, name, account_type, reads_per_minute, writes_per_minute, max_keys, disabled_at";
pub(crate) const USER: &str =
    "id, uuid, email, email_verified_at, first_name, last_name, title, photo_url, last_login_at, disabled_at";
pub(crate) const KEY: &str = "id, permission, scopes, allowed_ips, account_id, user_id, label, prefix, created_at, made_by, \
                              expires_at, revoked_at, last_used_at";
pub(crate) const SECRET: &str = "key_id, digest, pepper_version, ends_at";

pub(crate) const IDENTITY: &str = "id, issuer, subject, user_id";
pub(crate) const CHOSEN: &str = "user_id, issuer, client, account_id";

pub(crate) const CLIENT: &str =
    "id, redirect_uris, client_id, name, origin, secret_digest, refreshes, created_at";
pub(crate) const GRANT: &str = "id, user_id, client_id, client_name, scopes, openid, email, profile, offline, for_api, for_mcp, account_id, \
                                bound, nonce, number, secret_version, rotated_at, created_at, ends_at, last_used_at, ended_at";
pub(crate) const SESSION: &str = "id, digest, user_id, created_at, ends_at";
pub(crate) const SIGNING_KEY: &str = "id, kid, sealed, nonce, secret_version, created_at, signs_from";

fn digest(row: &Row<'_>, column: &'static str) -> Result<Option<TokenDigest>, StoreError> {
    let bytes: Option<Vec<u8>> = get(row, column)?;
    let wrong = || StoreError::Corrupt { table: "a row", what: column.to_owned() };
    bytes.map(|bytes| TokenDigest::from_bytes(&bytes).ok_or_else(wrong)).transpose()
}

pub(crate) fn client(row: &Row<'_>) -> Result<Client, StoreError> {
    let id = get(row, "id")?;
    // Absent: no address to go back to, so nobody can be sent there.
    let uris = text_within(row, "redirect_uris", RANGES)?.unwrap_or_default();
    Ok(Client {
        id: text(row, "client_id")?.into(),
        name: text(row, "name")?,
        redirect_uris: uris.split('\n').map(str::to_owned).collect(),
        origin: ClientOrigin::parse(&text(row, "origin")?)
            .ok_or_else(|| corrupt("oauth_clients", id, "origin"))?,
        secret: digest(row, "secret_digest")?,
        refreshes: get(row, "refreshes")?,
        created_at: Timestamp::from_unix(get(row, "created_at")?),
    })
}

pub(crate) fn grant(row: &Row<'_>) -> Result<OAuthGrant, StoreError> {
    let id = get(row, "id")?;
    let wrong = |what| corrupt("oauth_grants", id, what);
    let nonce: Vec<u8> = get(row, "nonce")?;
    let moment = |column| Ok::<_, StoreError>(Timestamp::from_unix(get(row, column)?));
    let family = match (get(row, "number")?, get(row, "secret_version")?, time(row, "rotated_at")?) {
        (Some(number), Some(version), Some(rotated_at)) => Some(Family { number, version, rotated_at }),
        (None, None, None) => None,
        // Absent: the row is left out.
        _ => return Err(wrong("refresh tokens")),
    };
    Ok(OAuthGrant {
        id: GrantId(id),
        user: UserId(get(row, "user_id")?),
        client: text(row, "client_id")?.into(),
        client_name: text(row, "client_name")?,
        scopes: ScopeSet::from_text(&text(row, "scopes")?).ok_or_else(|| wrong("scopes"))?,
        openid: get(row, "openid")?,
        email: get(row, "email")?,
        profile: get(row, "profile")?,
        offline: get(row, "offline")?,
        resources: Resources { api: get(row, "for_api")?, mcp: get(row, "for_mcp")? },
        account: get::<Option<i64>>(row, "account_id")?.map(AccountId),
        bound: get(row, "bound")?,
        nonce: nonce.as_slice().try_into().map_err(|_| wrong("nonce"))?,
        family,
        created_at: moment("created_at")?,
        ends_at: moment("ends_at")?,
        last_used_at: time(row, "last_used_at")?,
        ended: time(row, "ended_at")?.is_some(),
    })
}

pub(crate) fn session(row: &Row<'_>) -> Result<Session, StoreError> {
    let id = get(row, "id")?;
    Ok(Session {
        id,
        digest: digest(row, "digest")?.ok_or_else(|| corrupt("sessions", id, "digest"))?,
        user: UserId(get(row, "user_id")?),
        created_at: Timestamp::from_unix(get(row, "created_at")?),
        ends_at: Timestamp::from_unix(get(row, "ends_at")?),
    })
}

pub(crate) fn signing_key(row: &Row<'_>) -> Result<SealedKey, StoreError> {
    let id = get(row, "id")?;
    let nonce: Vec<u8> = get(row, "nonce")?;
    Ok(SealedKey {
        id,
        kid: text(row, "kid")?.into(),
        sealed: get::<Vec<u8>>(row, "sealed")?.into(),
        nonce: nonce.as_slice().try_into().map_err(|_| corrupt("signing_keys", id, "nonce"))?,
        version: get(row, "secret_version")?,
        created_at: Timestamp::from_unix(get(row, "created_at")?),
        signs_from: Timestamp::from_unix(get(row, "signs_from")?),
    })
}

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

pub(crate) fn get<T: FromValue>(row: &Row<'_>, column: &str) -> Result<T, StoreError> {
    row.get(column)
}

/// The longest text of a row, in bytes, and of the ranges of a key.
const TEXT: usize = 4 * 1024;
const RANGES: usize = 64 * 1024;

/// A text of at most so many bytes: nothing is kept in memory, or shown to anyone, that nobody could have put there.
fn text_within(row: &Row<'_>, column: &str, most: usize) -> Result<Option<String>, StoreError> {
    let value = row.value(column)?;
    if matches!(value, Value::Text(text) if text.len() > most) {
        return Err(StoreError::Corrupt { table: "a row", what: format!("{column} is too long") });
    }
    Option::<String>::from_value(value)
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
        // What cannot be read verifies nothing.
        email_verified: matches!(get::<Option<i64>>(row, "email_verified_at"), Ok(Some(_))),
        first_name: text(row, "first_name")?,
        last_name: text(row, "last_name")?,
        title: text_if_any(row, "title")?,
        photo_url: text_if_any(row, "photo_url")?,
        last_login_at: time(row, "last_login_at")?,
        disabled: time(row, "disabled_at")?.is_some(),
    })
}

/// The role that an invitation offers, and its end.
pub(crate) fn invitation(row: &Row<'_>) -> Result<OpenInvitation, StoreError> {
    Ok(OpenInvitation { role: role(row)?, ends_at: Timestamp::from_unix(get(row, "expires_at")?) })
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
        // Absent: the row is left out.
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
        made_by: made_by(row, "api_keys", id)?,
        expires_at: time(row, "expires_at")?,
        allowed_ips,
        revoked_at: time(row, "revoked_at")?,
        last_used_at: time(row, "last_used_at")?,
    })
}

/// By what something was made.
pub(crate) fn made_by(row: &Row<'_>, table: &'static str, id: i64) -> Result<Option<MadeBy>, StoreError> {
    let Some(text) = text_if_any(row, "made_by")? else { return Ok(None) };
    Ok(Some(MadeBy::parse(&text).ok_or_else(|| corrupt(table, id, "made_by"))?))
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::driver::first;
    use rusqlite::Connection;

    /// The rate of reads that an account with this value in the column has.
    fn reads(column: &str) -> Result<Option<Rate>, StoreError> {
        let row = format!(
            "SELECT 1 AS id, 'a' AS slug, 'A' AS name, NULL AS account_type, 'free' AS tier, {column} AS reads_per_minute,
             NULL AS writes_per_minute, NULL AS max_keys, NULL AS disabled_at"
        );
        let read = |row: &Row<'_>| Ok(account(row));
        let found = first(&Connection::open_in_memory().unwrap(), &row, [], read).unwrap().unwrap();
        found.map(|account| account.overrides.reads)
    }

    #[test]
    fn a_stored_zero_is_the_word_unlimited_and_what_nobody_wrote_is_no_rate() {
        assert_eq!(reads("0").unwrap(), Some(Rate::Unlimited));
        assert_eq!(column_of(Some(Rate::Unlimited)), Some(0), "and nothing else is written so");
        assert_eq!((reads("7").unwrap(), reads("NULL").unwrap()), (Some(Rate::PerMinute(7)), None));
        assert_eq!((column_of(Some(Rate::PerMinute(7))), column_of(None)), (Some(7), None));
        for broken in ["-1", "100001", "4294967296", "'unlimited'", "''", "0.0", "x''"] {
            assert!(reads(broken).is_err(), "{broken}");
        }
    }
}

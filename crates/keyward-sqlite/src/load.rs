//! What the directory must know before the first request.
//!
//! A row that cannot be read, or of which there are two where one must be, is left out with an alarm: whoever depended on it
//! is refused, and nobody gains a right. The rest of the store goes on.

use crate::open::OpenError;
use crate::reader::all;
use crate::rows;
use crate::to_end::{Named, Place};
use keyward_core::api_key::{Digest, KeySecret};
use keyward_core::id::{AccountId, KeyId, UserId};
use keyward_core::left_out::{LeftOut, LeftOutRow};
use keyward_core::live::{Change, RETIRED, RetiredKey};
use keyward_core::role::Role;
use keyward_core::store::StoreError;
use keyward_core::team::OpenInvitation;
use rusqlite::{Connection, Row};
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// What was learnt.
pub(crate) struct Learnt {
    /// Every account, user, membership, identity, choice of an account and invitation, every key that was not revoked with its
    /// secrets, and the newest digests of those that were.
    pub(crate) changes: Vec<Change>,
    /// The rows that were left out.
    pub(crate) left_out: LeftOut,
}

/// Reads everything.
pub(crate) fn everything(connection: &Connection) -> Result<Learnt, OpenError> {
    let mut loading = Loading { connection, left_out: LeftOut::default() };
    let accounts = loading.table(("accounts", ID), rows::ACCOUNT, rows::account, |account| {
        vec![Name::id(account.id.0), Name::text(&account.slug)]
    })?;
    let users = loading.of(("users", ID), &known_users(), rows::user, |user| {
        vec![Name::id(user.id.0), Name::text(&user.email)]
    })?;
    let members = loading.table(
        ("memberships", PLACE),
        "account_id, user_id, role",
        member,
        |(account, user, _)| vec![Name::Ids(user.0, account.0)],
    )?;
    let unread_members = unread_members(connection, &members)?;
    let keys = loading.of(("api_keys", ID), &live_keys(), rows::key, |key| vec![Name::id(key.id.0)])?;
    let mut secrets: BTreeMap<KeyId, Vec<KeySecret>> = BTreeMap::new();
    for secret in loading.of(("api_key_secrets", &["key_id"]), &live_secrets(), rows::secret, |secret| {
        vec![Name::Digest(secret.digest.as_bytes().into())]
    })? {
        secrets.entry(secret.key).or_default().push(secret);
    }
    let retired =
        loading.of(("api_key_secrets", &["key_id"]), &retired_secrets(), retired, |_| Vec::new())?;
    let identities = loading.of(("identities", ID), &known_identities(), rows::identity, |identity| {
        vec![Name::Texts([&*identity.issuer, &*identity.subject, ""].map(Box::from))]
    })?;
    let chosen = loading.table(("active_accounts", PLACE), rows::CHOSEN, rows::chosen, |chosen| {
        vec![Name::Texts([&*chosen.user.to_string(), &*chosen.issuer, &*chosen.client].map(Box::from))]
    })?;
    let invited =
        loading.table(("invitations", PLACE), "account_id, user_id, role, expires_at", invitation, |_| {
            Vec::new()
        })?;
    let clients = loading
        .table(("oauth_clients", ID), rows::CLIENT, rows::client, |client| vec![Name::text(&client.id)])?;
    let grants = loading.of(("oauth_grants", ID), &live_grants(), rows::grant, |_| Vec::new())?;
    let sessions = loading.table(("sessions", ID), rows::SESSION, rows::session, |_| Vec::new())?;
    let signing = loading.table(("signing_keys", ID), rows::SIGNING_KEY, rows::signing_key, |key| {
        vec![Name::text(&key.kid)]
    })?;
    let changes = accounts
        .into_iter()
        .map(Change::Account)
        .chain(users.into_iter().map(Change::User))
        .chain(members.into_iter().map(|(account, user, role)| Change::Member(account, user, Some(role))))
        .chain(unread_members)
        // The oldest first: the newest are the last to be forgotten.
        .chain(retired.into_iter().rev().map(|(digest, key)| Change::Retired(digest, key)))
        .chain(keys.into_iter().map(Change::Key))
        .chain(secrets.into_iter().map(|(key, secrets)| Change::Secrets(key, secrets)))
        .chain(identities.into_iter().map(Change::Linked))
        .chain(chosen.into_iter().map(Change::Chosen))
        .chain(invited.into_iter().map(|(account, user, open)| Change::Invited(account, user, Some(open))))
        .chain(clients.into_iter().map(Change::Client))
        .chain(grants.into_iter().map(Change::Grant))
        .chain(sessions.into_iter().map(Change::Session))
        .chain(signing.into_iter().map(Change::SigningKey))
        .collect();
    Ok(Learnt { changes, left_out: loading.left_out })
}

fn invitation(row: &Row<'_>) -> Result<(AccountId, UserId, OpenInvitation), StoreError> {
    let (account, user) = (rows::get(row, "account_id")?, rows::get(row, "user_id")?);
    Ok((AccountId(account), UserId(user), rows::invitation(row)?))
}

fn member(row: &Row<'_>) -> Result<(AccountId, UserId, Role), StoreError> {
    let (account, user) = (rows::get(row, "account_id")?, rows::get(row, "user_id")?);
    Ok((AccountId(account), UserId(user), rows::role(row)?))
}

/// The memberships of which only the account and the user can be read. They give no right, and where one is, no other account of
/// its user is the only one.
fn unread_members(
    connection: &Connection,
    read: &[(AccountId, UserId, Role)],
) -> Result<Vec<Change>, OpenError> {
    let read: BTreeSet<_> = read.iter().map(|(account, user, _)| (*account, *user)).collect();
    let sql = "SELECT account_id, user_id FROM memberships
               WHERE typeof(account_id) = 'integer' AND typeof(user_id) = 'integer'";
    let named =
        |row: &Row<'_>| Ok((AccountId(rows::get(row, "account_id")?), UserId(rows::get(row, "user_id")?)));
    let all = all(connection, sql, [], named).map_err(open_error)?;
    let unread = all.into_iter().filter(|named| !read.contains(named));
    Ok(unread.map(|(account, user)| Change::MemberUnread(account, user)).collect())
}

const ID: Named = &["id"];
const PLACE: Named = &["account_id", "user_id"];

/// The users who were not erased.
fn known_users() -> String {
    format!("SELECT {} FROM users WHERE typeof(erased_at) <> 'integer'", rows::USER)
}

/// A link whose row did not say whose it was, when its user was erased, is nobody's.
fn known_identities() -> String {
    format!(
        "SELECT {} FROM identities
         WHERE NOT EXISTS (SELECT 1 FROM users WHERE id = identities.user_id AND typeof(erased_at) = 'integer')",
        rows::IDENTITY
    )
}

/// The grants that were not ended. What is no time at all is no end, and no grant that can be read either.
fn live_grants() -> String {
    format!("SELECT {} FROM oauth_grants WHERE typeof(ended_at) <> 'integer'", rows::GRANT)
}

/// The keys that were not revoked. One of which another row says that it was is not among them; what is no time at all is no
/// revocation, and no key that can be read either.
fn live_keys() -> String {
    let revoked = "SELECT 1 FROM api_keys o WHERE o.id = k.id AND typeof(o.revoked_at) = 'integer'";
    format!("SELECT {} FROM api_keys k WHERE NOT EXISTS ({revoked})", rows::KEY)
}

/// Their secrets, and those of no key.
fn live_secrets() -> String {
    let revoked = "SELECT 1 FROM api_keys k WHERE k.id = s.key_id AND typeof(k.revoked_at) = 'integer'";
    format!("SELECT {} FROM api_key_secrets s WHERE NOT EXISTS ({revoked})", rows::SECRET)
}

/// The digests of the keys that were revoked last.
fn retired_secrets() -> String {
    format!(
        "SELECT s.digest, s.key_id, k.id, k.user_id, k.account_id FROM api_keys k JOIN api_key_secrets s ON s.key_id = k.id
         WHERE k.revoked_at IS NOT NULL AND typeof(k.revoked_at) = 'integer' ORDER BY k.revoked_at DESC LIMIT {RETIRED}"
    )
}

fn retired(row: &Row<'_>) -> Result<(Digest, RetiredKey), StoreError> {
    let (id, user, account) =
        (rows::get(row, "id")?, rows::get(row, "user_id")?, rows::get(row, "account_id")?);
    let retired = RetiredKey { id: KeyId(id), user: UserId(user), account: AccountId(account), ended: None };
    let digest: Vec<u8> = rows::get(row, "digest")?;
    let wrong = || StoreError::Corrupt { table: "api_key_secrets", what: format!("digest of key {id}") };
    Ok((Digest::from_bytes(&digest).ok_or_else(wrong)?, retired))
}

/// What no other row of a table may be named too.
#[derive(PartialEq, Eq, Hash)]
enum Name {
    Ids(i64, i64),
    Digest(Box<[u8]>),
    Texts([Box<str>; 3]),
}

impl Name {
    fn id(id: i64) -> Self {
        Self::Ids(id, 0)
    }

    fn text(text: &str) -> Self {
        Self::Texts([text, "", ""].map(Box::from))
    }
}

struct Loading<'c> {
    connection: &'c Connection,
    left_out: LeftOut,
}

impl Loading<'_> {
    /// The rows of a table that can be read and are named once. `names`: what no other row may be named too.
    fn table<T>(
        &mut self,
        (table, named): (&'static str, Named),
        columns: &str,
        read: fn(&Row<'_>) -> Result<T, StoreError>,
        names: fn(&T) -> Vec<Name>,
    ) -> Result<Vec<T>, OpenError> {
        self.of((table, named), &format!("SELECT {columns} FROM {table}"), read, names)
    }

    /// The same, of the rows that a query of the table finds.
    fn of<T>(
        &mut self,
        (table, named): (&'static str, Named),
        sql: &str,
        read: fn(&Row<'_>) -> Result<T, StoreError>,
        names: fn(&T) -> Vec<Name>,
    ) -> Result<Vec<T>, OpenError> {
        let found = all(self.connection, sql, [], |row| Ok((Place::of(row, named), read(row))));
        let mut readable = Vec::new();
        for (row, read) in found.map_err(open_error)? {
            match read {
                Ok(value) => readable.push((row, value)),
                Err(error) => {
                    let row = row.name();
                    tracing::error!(table, row, %error, "a row was left out");
                    self.left_out.add(LeftOutRow { table, row });
                }
            }
        }
        let mut times: HashMap<Name, u32> = HashMap::new();
        for name in readable.iter().flat_map(|(_, value)| names(value)) {
            *times.entry(name).or_default() += 1;
        }
        let values = |rows: Vec<(Place, T)>| rows.into_iter().map(|(_, value)| value).collect();
        // As nearly always.
        if times.values().all(|times| *times == 1) {
            return Ok(values(readable));
        }
        let is_twice = |(_, value): &(Place, T)| {
            names(value).iter().any(|name| times.get(name).is_some_and(|times| *times > 1))
        };
        let (twice, once): (Vec<_>, Vec<_>) = readable.into_iter().partition(is_twice);
        for (row, _) in twice {
            let row = row.name();
            // Its names may be a digest: they are not shown.
            tracing::error!(table, row, "a row was left out: there is another with its name");
            self.left_out.add(LeftOutRow { table, row });
        }
        Ok(values(once))
    }
}

pub(crate) fn open_error(error: StoreError) -> OpenError {
    match error {
        StoreError::Unavailable(source) | StoreError::Held(source) | StoreError::Failed(source) => {
            match source.downcast() {
                Ok(error) => OpenError::Sqlite(*error),
                Err(_) => OpenError::Sqlite(rusqlite::Error::InvalidQuery),
            }
        }
        StoreError::Corrupt { .. } | StoreError::Busy => OpenError::Sqlite(rusqlite::Error::InvalidQuery),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_membership_of_which_only_the_names_can_be_read_is_known_to_be_there() {
        let connection = Connection::open_in_memory().unwrap();
        let rows = "CREATE TABLE memberships (account_id, user_id, role);
            INSERT INTO memberships VALUES (1, 1, 'admin'), (2, 1, 'emperor'), (3, 2, 'viewer'), (NULL, 1, 'admin'), (4, 'x', 'admin')";
        connection.execute_batch(rows).unwrap();
        let read = [(AccountId(1), UserId(1), Role::Admin), (AccountId(3), UserId(2), Role::Viewer)];
        let unread = unread_members(&connection, &read).unwrap();
        assert!(matches!(unread[..], [Change::MemberUnread(AccountId(2), UserId(1))]), "{unread:?}");
    }
}

//! What the directory must know before the first request.
//!
//! A row that cannot be read, or of which there are two where one must be, is left out with an alarm: whoever depended on it
//! is refused, and nobody gains a right. The rest of the store goes on.

use crate::driver::Row;
use crate::driver::{Driver, all};
use crate::rows;
use crate::to_end::{Named, Place};
use keyward_core::api_key::{Digest, KeySecret};
use keyward_core::id::{AccountId, KeyId, UserId};
use keyward_core::left_out::{LeftOut, LeftOutRow};
use keyward_core::live::{Change, Directory, RETIRED, RetiredKey};
use keyward_core::role::Role;
use keyward_core::store::StoreError;
use keyward_core::team::OpenInvitation;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// What a list asks for besides its rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Listed {
    /// Nothing.
    Rows,
    /// The OAuth clients.
    Clients,
    /// The accounts and users that have keys.
    Keys,
}

/// Publishes all that requests are judged by. The rows that were left out.
pub fn everything(driver: &dyn Driver, directory: &Directory) -> Result<LeftOut, StoreError> {
    let mut loading = Loading { driver, left_out: LeftOut::default() };
    directory.publish(loading.team()?);
    directory.publish(loading.credentials()?);
    directory.publish(loading.clients()?);
    Ok(loading.left_out)
}

/// Publishes what a list asks for besides its rows. The rows that were left out.
pub fn listed(driver: &dyn Driver, directory: &Directory, listed: Listed) -> Result<LeftOut, StoreError> {
    let mut loading = Loading { driver, left_out: LeftOut::default() };
    match listed {
        Listed::Rows => {}
        Listed::Clients => directory.publish(loading.clients()?),
        Listed::Keys => directory.publish(loading.team()?),
    }
    Ok(loading.left_out)
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
    driver: &dyn Driver,
    read: &[(AccountId, UserId, Role)],
) -> Result<Vec<Change>, StoreError> {
    let read: BTreeSet<_> = read.iter().map(|(account, user, _)| (*account, *user)).collect();
    let sql = "SELECT account_id, user_id FROM memberships
               WHERE typeof(account_id) = 'integer' AND typeof(user_id) = 'integer'";
    let named =
        |row: &Row<'_>| Ok((AccountId(rows::get(row, "account_id")?), UserId(rows::get(row, "user_id")?)));
    let all = all(driver, sql, [], named)?;
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
enum Name<'v> {
    Ids(i64, i64),
    Digest(&'v [u8]),
    Texts(&'v str, &'v str),
    Choice(i64, &'v str, &'v str),
}

/// The names of a row: at most so many.
type Names<'v> = [Option<Name<'v>>; 2];

/// Of a row that may be there more than once.
const UNNAMED: Names<'_> = [None, None];

impl<'v> Name<'v> {
    fn id(id: i64) -> Option<Self> {
        Some(Self::Ids(id, 0))
    }

    fn text(text: &'v str) -> Option<Self> {
        Some(Self::Texts(text, ""))
    }
}

struct Loading<'c> {
    driver: &'c dyn Driver,
    left_out: LeftOut,
}

impl Loading<'_> {
    /// Every OAuth client.
    fn clients(&mut self) -> Result<impl Iterator<Item = Change> + use<>, StoreError> {
        let clients = self.table(("oauth_clients", ID), rows::CLIENT, rows::client, |client| {
            [Name::text(&client.id), None]
        })?;
        Ok(clients.into_iter().map(Change::Client))
    }

    /// Every account, user and membership.
    fn team(&mut self) -> Result<impl Iterator<Item = Change> + use<>, StoreError> {
        let accounts = self.table(("accounts", ID), rows::ACCOUNT, rows::account, |account| {
            [Name::id(account.id.0), Name::text(&account.slug)]
        })?;
        let users = self.of(("users", ID), &known_users(), rows::user, |user| {
            [Name::id(user.id.0), Name::text(&user.email)]
        })?;
        let before = self.left_out.count();
        let members =
            self.table(("memberships", PLACE), "account_id, user_id, role", member, |(account, user, _)| {
                [Some(Name::Ids(user.0, account.0)), None]
            })?;
        // As nearly always.
        let unread_members =
            if self.left_out.count() == before { Vec::new() } else { unread_members(self.driver, &members)? };
        let member = |(account, user, role)| Change::Member(account, user, Some(role));
        Ok(accounts
            .into_iter()
            .map(Change::Account)
            .chain(users.into_iter().map(Change::User))
            .chain(members.into_iter().map(member))
            .chain(unread_members))
    }

    /// Every identity, choice of an account, invitation, grant, session and signing key, every key that was not revoked with its
    /// secrets, and the newest digests of those that were.
    fn credentials(&mut self) -> Result<impl Iterator<Item = Change> + use<>, StoreError> {
        let keys = self.of(("api_keys", ID), &live_keys(), rows::key, |key| [Name::id(key.id.0), None])?;
        let of_key: Named = &["key_id"];
        let live = self.of(("api_key_secrets", of_key), &live_secrets(), rows::secret, |secret| {
            [Some(Name::Digest(secret.digest.as_bytes())), None]
        })?;
        let mut secrets: BTreeMap<KeyId, Vec<KeySecret>> = BTreeMap::new();
        for secret in live {
            secrets.entry(secret.key).or_default().push(secret);
        }
        let retired = self.of(("api_key_secrets", of_key), &retired_secrets(), retired, |_| UNNAMED)?;
        let identities = self.of(("identities", ID), &known_identities(), rows::identity, |identity| {
            [Some(Name::Texts(&identity.issuer, &identity.subject)), None]
        })?;
        let chosen = self.table(("active_accounts", PLACE), rows::CHOSEN, rows::chosen, |chosen| {
            [Some(Name::Choice(chosen.user.0, &chosen.issuer, &chosen.client)), None]
        })?;
        let invited =
            self.table(("invitations", PLACE), "account_id, user_id, role, expires_at", invitation, |_| {
                UNNAMED
            })?;
        let grants = self.of(("oauth_grants", ID), &live_grants(), rows::grant, |_| UNNAMED)?;
        let sessions = self.table(("sessions", ID), rows::SESSION, rows::session, |_| UNNAMED)?;
        let signing = self.table(("signing_keys", ID), rows::SIGNING_KEY, rows::signing_key, |key| {
            [Name::text(&key.kid), None]
        })?;
        let invited_as = |(account, user, open)| Change::Invited(account, user, Some(open));
        // The oldest first: the newest are the last to be forgotten.
        let retired = retired.into_iter().rev().map(|(digest, key)| Change::Retired(digest, key));
        Ok(retired
            .chain(keys.into_iter().map(Change::Key))
            .chain(secrets.into_iter().map(|(key, secrets)| Change::Secrets(key, secrets)))
            .chain(identities.into_iter().map(Change::Linked))
            .chain(chosen.into_iter().map(Change::Chosen))
            .chain(invited.into_iter().map(invited_as))
            .chain(grants.into_iter().map(Change::Grant))
            .chain(sessions.into_iter().map(Change::Session))
            .chain(signing.into_iter().map(Change::SigningKey)))
    }

    /// The rows of a table that can be read and are named once. `names`: what no other row may be named too.
    fn table<T>(
        &mut self,
        (table, named): (&'static str, Named),
        columns: &str,
        read: fn(&Row<'_>) -> Result<T, StoreError>,
        names: fn(&T) -> Names<'_>,
    ) -> Result<Vec<T>, StoreError> {
        self.of((table, named), &format!("SELECT {columns} FROM {table}"), read, names)
    }

    /// The same, of the rows that a query of the table finds.
    fn of<T>(
        &mut self,
        (table, named): (&'static str, Named),
        sql: &str,
        read: fn(&Row<'_>) -> Result<T, StoreError>,
        names: fn(&T) -> Names<'_>,
    ) -> Result<Vec<T>, StoreError> {
        let (mut places, mut values) = (Vec::new(), Vec::new());
        let keep = |row: &Row<'_>| {
            let place = Place::of(row, named);
            match read(row) {
                Ok(value) => {
                    places.push(place);
                    values.push(value);
                }
                Err(error) => {
                    let row = place.name();
                    tracing::error!(table, row, %error, "a row was left out");
                    self.left_out.add(LeftOutRow { table, row });
                }
            }
            Ok(())
        };
        all(self.driver, sql, [], keep)?;
        let twice = twice(&values, names);
        for place in twice.iter().filter_map(|place| places.get(*place)) {
            let row = place.name();
            // Its names may be a digest: they are not shown.
            tracing::error!(table, row, "a row was left out: there is another with its name");
            self.left_out.add(LeftOutRow { table, row });
        }
        if twice.is_empty() {
            return Ok(values);
        }
        let once = values.into_iter().enumerate().filter(|(place, _)| !twice.contains(place));
        Ok(once.map(|(_, value)| value).collect())
    }
}

/// The places of the rows that have a name in common with another one.
fn twice<T>(rows: &[T], names: fn(&T) -> Names<'_>) -> BTreeSet<usize> {
    let mut named = HashMap::with_capacity(rows.len());
    let mut twice = BTreeSet::new();
    for (place, row) in rows.iter().enumerate() {
        for name in names(row).into_iter().flatten() {
            if let Some(other) = named.insert(name, place) {
                twice.extend([other, place]);
            }
        }
    }
    twice
}

#[cfg(test)]
mod tests {
    use super::*;
    use rusqlite::Connection;

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

//! Making a copy of the database fit to take its place: nothing that ended since it was made comes back to life.

use crate::checks::{Faults, look_through, of_damage};
use crate::driver::Row;
use crate::fail_point::fail_point;
use crate::grant_endings::end;
use crate::journal::{self, Applied, Book, Entry, Journal, Kept, apply};
use crate::migrate::{Component, IDENTITY, migrate, recognise};
use crate::open::{connect, own, prepare, recognise_secret};
use crate::params;
use crate::tx::Tx;
use crate::{OpenError, Options, Schema, rows, to_end};
use keyward_core::clock::{Moment, Timestamp};
use keyward_core::oauth::{GrantEnd, GrantId, Grants};
use keyward_core::store::StoreError;
use rusqlite::{Connection, TransactionBehavior};
use std::path::Path;

/// What to do where the journal of revocations does not say all that ended since the copy was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WithoutJournal {
    /// Nothing is restored.
    Refuse,
    /// It is restored, and what nobody knows anything of ends too, as far as it can be given again.
    Accept,
}

/// What a restored copy came to.
#[derive(Clone, Debug, Default)]
pub struct Restored {
    /// Why it is not known what ended since the copy was made; `None`: it is.
    pub unknown: Option<&'static str>,
    /// When the last thing ended of which the journal knows.
    pub until: Option<Timestamp>,
    /// What ended since, and is ended again, a line each.
    pub ended: Vec<String>,
    /// Entries of the journal that could not be done, each by its number and what it ends. The next start tries them again.
    pub failed: Vec<String>,
    /// Sessions that ended.
    pub sessions: usize,
    /// Grants of applications that ended.
    pub grants: usize,
    /// Links to choose a password, and invitations, that ended because nobody knows whether they were used.
    pub links: usize,
    /// The keys that open the API again.
    pub keys: Vec<LiveKey>,
    /// Users who can sign in with their password.
    pub passwords: usize,
    /// Versions of the root secret that were given up since.
    pub secrets: Vec<u32>,
    /// Rows of the copy that are not as the schema says, a line each. They are restored as they are.
    pub faults: Vec<String>,
}

/// A key that would be admitted. A text that cannot be read is empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LiveKey {
    /// Its id.
    pub id: i64,
    /// The first characters of its secret.
    pub prefix: String,
    /// Its user's address.
    pub email: String,
    /// Its account's slug.
    pub account: String,
    /// Its label.
    pub label: String,
}

impl std::fmt::Display for LiveKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { id, prefix, email, account, label } = self;
        write!(f, "API key {id} ({prefix}…) of {email} in {account}: {label}")
    }
}

/// Ids that were given after the copy was made are not given again: a token or an `ETag` that names one must not name another row.
/// So many are left out.
const IDS_LEFT_OUT: i64 = 1_000_000;

/// Ends in a copy what ended since it was made, and all that it cannot know: sessions, grants, signing keys. It lies under another name
/// than the database `to`, beside which the journal is: under its own a server could take it before that is done.
///
/// # Errors
/// [`OpenError`]; the copy is then not to be used.
pub fn restore(options: &Options<'_>, to: &Path, without: WithoutJournal) -> Result<Restored, OpenError> {
    let now = options.clock.now();
    let lock = own(options.path, Schema::BringUpToDate)?;
    let mut connection = connect(options.path)?;
    if recognise(&connection).map_err(|error| of_damage(error, options.path))? {
        return Err(OpenError::NotOurs);
    }
    let Faults { structure, rows: faults } = look_through(&connection)?;
    if !structure.is_empty() {
        return Err(OpenError::Damaged { path: options.path.to_owned(), faults: structure });
    }
    prepare(&connection, false)?;
    let components: Vec<Component> = [&[IDENTITY], options.components].concat();
    migrate(&mut connection, &components, now)?;
    recognise_secret(&connection, options.root_secret_checks, now)?;
    let Known { unknown, until, .. } = known(&journal::path(to), &Kept::read(&connection))?;
    if let (Some(why), WithoutJournal::Refuse) = (unknown, without) {
        let keys = live_keys(&connection, now)?.len();
        return Err(OpenError::NoJournal { path: journal::path(to), why, keys });
    }
    let begin_or_find = if unknown.is_some() { Journal::begin_other } else { Journal::find };
    let journal = begin_or_find(to, &connection, now);
    let secrets = journal::secrets(journal.missing());
    let inner = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let mut tx = Tx::new(inner, *options.tiers.get(), true).at(Moment::fixed(now));
    let Applied { done, failed } = apply(&mut tx, journal.missing(), now);
    let failures = failed.iter().map(undone).collect();
    let mut restored =
        Restored { unknown, until, ended: done, failed: failures, faults, ..end_what_is_open(&mut tx, now)? };
    if unknown.is_some() {
        restored.links = end_what_may_be_used(&tx)?;
    }
    leave_ids_out(&tx)?;
    journal.kept(failed).write(&tx)?;
    fail_point("restore");
    tx.finish(Ok(())).written?;
    restored.keys = live_keys(&connection, now)?;
    restored.passwords = count(&connection, PASSWORDS)?;
    restored.secrets = brought_back(&connection, &secrets)?;
    // Closing the last connection moves the log into the database.
    connection.close().map_err(|(_, error)| error)?;
    drop(lock);
    Ok(restored)
}

/// An entry that could not be done.
fn undone(entry: &Entry) -> String {
    // Absent: never, plain enums of numbers and texts always serialise.
    let ended = serde_json::to_string(&entry.ended.about()).unwrap_or_default();
    format!("entry {}: {ended}", entry.n)
}

/// What the journal says of a copy.
pub(crate) struct Known {
    /// Why it does not say all that ended since; `None`: it does.
    pub(crate) unknown: Option<&'static str>,
    /// When the last thing ended of which it knows.
    pub(crate) until: Option<Timestamp>,
    /// How many entries the copy does not have.
    pub(crate) missing: usize,
}

/// Holds what a copy says of its journal against a journal.
pub(crate) fn known(at: &Path, kept: &Kept) -> Result<Known, OpenError> {
    let book = Book::read(at).map_err(|source| OpenError::File { path: at.to_owned(), source })?;
    let last = book.as_ref().and_then(|book| book.entries.last()).map(|entry| Timestamp::from_unix(entry.at));
    // Absent: without a journal no entry is known.
    let missing = book.as_ref().map_or(0, |book| kept.missing_of(book));
    let unknown = match book {
        Some(book) if book.header.journal == kept.id => book.gap_after(kept.applied),
        Some(_) => Some("it is another database's, or the copy is of a version that kept none"),
        None if at.exists() => Some("its first line is damaged"),
        None => Some("it is missing"),
    };
    Ok(Known { unknown, until: last, missing })
}

/// Sessions, grants with their codes, and the keys that sign tokens: a copy has what was before, and what was given since is known
/// to nobody.
fn end_what_is_open(tx: &mut Tx<'_>, now: Timestamp) -> Result<Restored, StoreError> {
    let sessions = tx.change("DELETE FROM sessions", [])?;
    let sql = "SELECT id FROM oauth_grants WHERE typeof(ended_at) <> 'integer'";
    let open = tx.all(sql, [], |row| rows::get(row, "id").map(GrantId))?;
    for grant in &open {
        end(tx, Grants::One(*grant), GrantEnd::Revoked, now)?;
    }
    tx.change("DELETE FROM oauth_codes", [])?;
    tx.change("DELETE FROM signing_keys", [])?;
    Ok(Restored { sessions, grants: open.len(), ..Restored::default() })
}

fn end_what_may_be_used(tx: &Tx<'_>) -> Result<usize, StoreError> {
    let links = tx.change("DELETE FROM password_links", [])?;
    Ok(links + tx.change("DELETE FROM invitations", [])?)
}

fn leave_ids_out(tx: &Tx<'_>) -> Result<(), StoreError> {
    let sql = "SELECT t.name AS name, coalesce(max(s.seq), 0) AS seq FROM sqlite_schema t
               LEFT JOIN sqlite_sequence s ON s.name = t.name
               WHERE t.type = 'table' AND upper(t.sql) LIKE '%AUTOINCREMENT%' GROUP BY t.name";
    let tables =
        tx.all(sql, [], |row| Ok((rows::get::<String>(row, "name")?, rows::get::<i64>(row, "seq")?)))?;
    for (table, last) in tables {
        tx.change("DELETE FROM sqlite_sequence WHERE name = ?1", [&table])?;
        let next = last.saturating_add(IDS_LEFT_OUT);
        tx.change("INSERT INTO sqlite_sequence (name, seq) VALUES (?1, ?2)", params![table, next])?;
    }
    Ok(())
}

/// The keys that would be admitted.
pub(crate) fn live_keys(connection: &Connection, now: Timestamp) -> Result<Vec<LiveKey>, StoreError> {
    let sql = "SELECT k.id, k.prefix, k.label, u.email, a.slug FROM api_keys k
               JOIN users u ON u.id = k.user_id JOIN accounts a ON a.id = k.account_id
               JOIN memberships m ON m.account_id = k.account_id AND m.user_id = k.user_id
               WHERE k.revoked_at IS NULL AND (k.expires_at IS NULL OR k.expires_at > ?1)
               AND u.disabled_at IS NULL AND a.disabled_at IS NULL
               AND EXISTS (SELECT 1 FROM api_key_secrets s WHERE s.key_id = k.id
                           AND (s.ends_at IS NULL OR s.ends_at > ?1)) ORDER BY k.id";
    let key = |row: &Row<'_>| {
        // Absent: a key that cannot be read opens nothing, and what can be read of it is shown.
        let text = |column| to_end::text(row, column).unwrap_or_default();
        Ok(LiveKey {
            id: rows::get(row, "id")?,
            prefix: text("prefix"),
            email: text("email"),
            account: text("slug"),
            label: text("label"),
        })
    };
    crate::driver::all(connection, sql, [now.unix()], key)
}

const PASSWORDS: &str =
    "SELECT count(*) AS n FROM users WHERE password_hash IS NOT NULL AND disabled_at IS NULL";

fn count(connection: &Connection, sql: &str) -> Result<usize, OpenError> {
    let n: i64 = connection.query_row(sql, [], |row| row.get(0))?;
    // Absent: no count is negative.
    Ok(usize::try_from(n).unwrap_or(0))
}

/// Of the versions that were given up since, those that the copy belongs to.
fn brought_back(connection: &Connection, given_up: &[u32]) -> Result<Vec<u32>, OpenError> {
    let mut statement = connection.prepare("SELECT 1 FROM root_secret_versions WHERE version = ?1")?;
    let mut back = Vec::new();
    for version in given_up {
        if statement.exists([version])? {
            back.push(*version);
        }
    }
    Ok(back)
}

//! Making a copy of the database fit to take its place: nothing that ended since it was made comes back to life.

use crate::checks::{Faults, look_through, of_damage};
use crate::connect::{connect, prepare};
use crate::connection::{Begun, Reading};
use crate::migrate::{IDENTITY, migrate, recognise};
use crate::open_error::OpenError;
use crate::options::{Options, Schema};
use crate::own::own;
use crate::revocations::{self, Book, Revocations};
use keyward_core::clock::{Moment, Timestamp};
use keyward_core::store::StoreError;
use keyward_sql::Component;
use keyward_sql::Tx;
use keyward_sql::fail_point;
use keyward_sql::journal::{Applied, Entry, Kept, apply};
use keyward_sql::own_secret;
use keyward_sql::params;
use keyward_sql::restored::{
    EndedOpen, LiveKey, end_what_is_open, end_what_may_be_used, live_keys, passwords,
};
use rusqlite::TransactionBehavior;
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
    own_secret::recognise(&Reading(&connection), options.root_secret_checks, now)?;
    let Known { unknown, until, .. } = known(&revocations::path(to), &Kept::read(&Reading(&connection)))?;
    if let (Some(why), WithoutJournal::Refuse) = (unknown, without) {
        let keys = live_keys(&Reading(&connection), now)?.len();
        return Err(OpenError::NoJournal { path: revocations::path(to), why, keys });
    }
    let begin_or_find = if unknown.is_some() { Revocations::begin_other } else { Revocations::find };
    let journal = begin_or_find(to, &Reading(&connection), now);
    let secrets = revocations::secrets(journal.missing());
    let inner = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let mut tx = Tx::new(Begun(inner), *options.tiers.get(), true).at(Moment::fixed(now));
    let Applied { done, failed } = apply(&mut tx, journal.missing(), now);
    let failures = failed.iter().map(undone).collect();
    let EndedOpen { sessions, grants } = end_what_is_open(&mut tx, now)?;
    let mut restored = Restored {
        unknown,
        until,
        ended: done,
        failed: failures,
        faults,
        sessions,
        grants,
        ..Restored::default()
    };
    if unknown.is_some() {
        restored.links = end_what_may_be_used(&tx)?;
    }
    leave_ids_out(&tx)?;
    journal.kept(failed).write(&tx)?;
    fail_point("restore");
    tx.finish(Ok(())).written?;
    restored.keys = live_keys(&Reading(&connection), now)?;
    restored.passwords = passwords(&Reading(&connection))?;
    restored.secrets = own_secret::brought_back(&Reading(&connection), &secrets)?;
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
    let missing = book.as_ref().map_or(0, |book| book.missing_of(kept));
    let unknown = match book {
        Some(book) if book.header.journal == kept.id => book.gap_after(kept.applied),
        Some(_) => Some("it is another database's, or the copy is of a version that kept none"),
        None if at.exists() => Some("its first line is damaged"),
        None => Some("it is missing"),
    };
    Ok(Known { unknown, until: last, missing })
}

fn leave_ids_out(tx: &Tx<'_>) -> Result<(), StoreError> {
    let sql = "SELECT t.name AS name, coalesce(max(s.seq), 0) AS seq FROM sqlite_schema t
               LEFT JOIN sqlite_sequence s ON s.name = t.name
               WHERE t.type = 'table' AND upper(t.sql) LIKE '%AUTOINCREMENT%' GROUP BY t.name";
    let tables = tx.all(sql, [], |row| Ok((row.get::<String>("name")?, row.get::<i64>("seq")?)))?;
    for (table, last) in tables {
        tx.change("DELETE FROM sqlite_sequence WHERE name = ?1", [&table])?;
        let next = last.saturating_add(IDS_LEFT_OUT);
        tx.change("INSERT INTO sqlite_sequence (name, seq) VALUES (?1, ?2)", params![table, next])?;
    }
    Ok(())
}

//! What a database does not have yet of what its journal says, done when it opens, and, where that failed, as soon as the database can
//! be written: it was put back, or what ended could not be written into it.

use super::Revocations;
use keyward_core::clock::{Moment, Timestamp};
use keyward_core::limits::Tiers;
use keyward_core::live::Change;
use keyward_core::store::StoreError;
use keyward_sql::driver::{Begin, Connection};
use keyward_sql::journal::{Applied, Entry, Kept, Unwritten, apply, hold};
use keyward_sql::{Finished, Tx};
use std::path::Path;

/// Finds the journal, and does it. Nothing of that stops a start: what could not be written holds in memory, by these changes.
pub(crate) fn catch_up(
    database: &Path,
    connection: &mut dyn Connection,
    tiers: Tiers,
    now: Timestamp,
) -> (Revocations, Vec<Change>) {
    let mut journal = Revocations::find(database, connection, now);
    let changes = if journal.behind {
        journal.do_missing(connection, tiers, now, Unwritten::default())
    } else {
        Vec::new()
    };
    (journal, changes)
}

impl Revocations {
    /// Does what is missing, and writes what the database is to say of the journal; what memory must learn, be it written or not.
    pub(super) fn do_missing(
        &mut self,
        connection: &mut dyn Connection,
        tiers: Tiers,
        now: Timestamp,
        unwritten: Unwritten,
    ) -> Vec<Change> {
        // Absent: what could not be written holds in memory.
        self.written(connection, tiers, now, unwritten).unwrap_or_else(|error| {
            tracing::error!(%error, "what the journal of revocations says holds in memory, and could not be written");
            self.held(connection, tiers, now)
        })
    }

    fn written(
        &mut self,
        connection: &mut dyn Connection,
        tiers: Tiers,
        now: Timestamp,
        unwritten: Unwritten,
    ) -> Result<Vec<Change>, StoreError> {
        let inner = connection.begin(Begin::Write)?;
        let mut tx = Tx::new(inner, tiers, true).at(Moment::fixed(now));
        let Applied { done, failed } = apply(&mut tx, &self.missing, now);
        let undone = [self.undone.as_slice(), &failed].concat();
        let so_far = self.kept_without(undone.clone(), unwritten).write(&tx);
        let Finished { changes, written, .. } = tx.finish(so_far);
        written?;
        for done in &done {
            tracing::warn!(what = %done, "the database did not have it; the journal of revocations did");
        }
        (self.missing, self.undone, self.behind) = (Vec::new(), undone, false);
        Ok(changes)
    }

    /// What the database should say if it has all but these, and what endings have that are not written.
    fn kept_without(&self, mut undone: Vec<Entry>, unwritten: Unwritten) -> Kept {
        undone.extend(unwritten.refused);
        let kept = self.kept(undone);
        // Absent: none waits, and the rows have all.
        let applied = unwritten.first.map_or(kept.applied, |first| first.saturating_sub(1));
        Kept { applied, ..kept }
    }

    /// What memory must learn where nothing can be written: by what can be read.
    fn held(&self, connection: &mut dyn Connection, tiers: Tiers, now: Timestamp) -> Vec<Change> {
        let inner = match connection.begin(Begin::Read) {
            Ok(inner) => inner,
            Err(error) => {
                tracing::error!(%error, "what the journal of revocations says does not even hold in memory");
                return Vec::new();
            }
        };
        let mut tx = Tx::new(inner, tiers, false).at(Moment::fixed(now));
        self.missing.iter().for_each(|entry| hold(&mut tx, entry, now));
        // Nothing was written.
        tx.finish(Err(StoreError::Busy)).changes
    }
}

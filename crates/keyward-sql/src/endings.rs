//! Writes that took a right away while the database could not be written: they hold in memory, and wait here until they are
//! written. No other write goes before them: the rows still say what was before, and a write that reads them would give back
//! what was taken.

use crate::desk::{Desk, State};
use crate::health::Health;
use crate::journal::{CatchUp, Entry, Unwritten};
use crate::take_in::take_in;
use keyward_core::denial::{Denial, OAuthDenial};
use keyward_core::effect::Stop;
use keyward_core::store::StoreError;
use std::collections::{HashMap, HashSet, VecDeque};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// As many wait at most; further ones are refused, and do not hold.
const MOST: usize = 10_000;

/// Writes one.
pub(crate) type Again = Box<dyn Fn(&mut Desk<'_>) -> Result<(), Stop> + Send>;

struct Ending {
    name: String,
    again: Again,
    /// What the journal has of it.
    entries: Vec<Entry>,
}

/// Those that wait, oldest first.
#[derive(Default)]
pub struct Endings {
    waiting: VecDeque<Ending>,
    names: HashSet<String>,
    /// Those that the database refuses for another reason than that it cannot be written. They hold until the restart, are
    /// counted, and stop no other write; one that is repeated is executed again. The database keeps what the journal has of them.
    refused: Vec<Ending>,
}

impl std::fmt::Debug for Endings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Endings")
    }
}

impl Endings {
    pub(crate) fn has_room(&self) -> bool {
        self.waiting.len() + self.refused.len() < MOST
    }

    /// Whether none waits and none was refused: the rows say all that was ended.
    pub(crate) fn is_empty(&self) -> bool {
        self.waiting.is_empty() && self.refused.is_empty()
    }

    /// Has one wait. One of the same name waits already, if it was asked for before; the journal has it once more since.
    pub(crate) fn hold(&mut self, name: String, again: Again, entries: Vec<Entry>) {
        if self.names.insert(name.clone()) {
            tracing::warn!(what = %name, "it holds in memory, and is written as soon as the database can be");
            self.waiting.push_back(Ending { name, again, entries });
        } else if let Some(ending) = self.waiting.iter_mut().find(|ending| ending.name == name) {
            ending.entries = entries;
        }
    }

    /// What the journal has of them.
    fn unwritten(&self) -> Unwritten {
        let waiting = self.waiting.iter().flat_map(|ending| &ending.entries);
        let refused = self.refused.iter().flat_map(|ending| &ending.entries);
        Unwritten { first: waiting.map(|entry| entry.n).min(), refused: refused.cloned().collect() }
    }

    /// The journal has given entries these numbers instead of those.
    fn renumber(&mut self, numbers: &HashMap<u64, u64>) {
        let all = self.waiting.iter_mut().chain(&mut self.refused);
        for entry in all.flat_map(|ending| &mut ending.entries) {
            // Absent: it has the same one.
            entry.n = numbers.get(&entry.n).copied().unwrap_or(entry.n);
        }
    }

    /// How many wait, and how many were refused.
    fn count(&self) -> (usize, usize) {
        (self.waiting.len(), self.refused.len())
    }
}

impl State {
    /// Whether all that was ended is in the rows, or kept beside them because they refuse it.
    pub(crate) fn is_caught_up(&self) -> bool {
        self.journal.is_settled() && self.endings.waiting.is_empty()
    }

    /// Says how many endings are not written, those of the journal among them, and how many are not in the journal.
    pub fn report(&self, health: &Health) {
        let (waiting, refused) = self.endings.count();
        let of_journal = self.journal.not_in_rows();
        // A journal that cannot be read has at least one, for all that is known.
        let unread = usize::from(self.journal.is_unread());
        health.unwritten(self.fault(), waiting + refused + of_journal + unread);
        health.unjournaled(self.journal.waiting());
    }

    /// Why nothing is written that gives a right.
    fn fault(&self) -> Option<&'static str> {
        if self.journal.is_unread() {
            Some("its journal of revocations cannot be read")
        } else {
            (!self.is_caught_up()).then_some("what was revoked is not written yet")
        }
    }
}

/// What came of an attempt to write one.
enum Attempt {
    Written,
    /// The database cannot be written yet.
    Later(StoreError),
    /// It is so already.
    AlreadyOver(Denial),
    Refused(String),
}

fn attempt(ending: &Ending, desk: &mut Desk<'_>) -> Attempt {
    // A panic rolls its transaction back on the way.
    match catch_unwind(AssertUnwindSafe(|| (ending.again)(desk))) {
        Ok(Ok(())) => Attempt::Written,
        Ok(Err(Stop::Failed(error))) if is_transient(&error) => Attempt::Later(error),
        Ok(Err(Stop::Denied(denial))) if is_over(&denial) => Attempt::AlreadyOver(denial),
        Ok(Err(stop)) => Attempt::Refused(format!("{stop:?}")),
        Err(_) => Attempt::Refused("it panicked".to_owned()),
    }
}

/// Whether it may be otherwise the next time, or needs no other time.
pub(crate) fn passes(stop: &Stop) -> bool {
    match stop {
        Stop::Failed(error) => is_transient(error),
        Stop::Denied(denial) => is_over(denial),
    }
}

fn is_transient(error: &StoreError) -> bool {
    matches!(error, StoreError::Unavailable(_) | StoreError::Held(_) | StoreError::Busy)
}

/// Whether there is nothing left to end.
fn is_over(denial: &Denial) -> bool {
    matches!(
        denial,
        Denial::NotFound { .. } | Denial::OAuth(OAuthDenial::GrantOver | OAuthDenial::CodeUnknown)
    )
}

/// Writes those that wait, and what the journal has and the rows do not; whether none is left.
pub(crate) fn settle(desk: &mut Desk<'_>) -> bool {
    settle_journal(desk);
    let waited = desk.state.endings.waiting.len();
    while let Some(ending) = desk.state.endings.waiting.pop_front() {
        let what = &ending.name;
        match attempt(&ending, desk) {
            Attempt::Later(error) => {
                desk.health.failed(&error);
                desk.state.endings.waiting.push_front(ending);
                break;
            }
            Attempt::Written => tracing::info!(%what, "what held in memory is written"),
            Attempt::AlreadyOver(denial) => {
                tracing::info!(%what, reason = denial.word(), "what held in memory is over already")
            }
            Attempt::Refused(why) => {
                tracing::error!(%what, why, "what holds in memory cannot be written: repeat it before a restart");
                desk.state.endings.names.remove(what);
                desk.state.endings.refused.push(ending);
                // The next one must not count it as done before the database keeps its entries.
                desk.state.journal.fall_behind();
                continue;
            }
        }
        desk.state.endings.names.remove(&ending.name);
    }
    if desk.state.endings.waiting.len() < waited {
        // Before anything else is written: what is given from now on must not be taken by what was done before it.
        desk.state.journal.fall_behind();
        settle_journal(desk);
    }
    desk.state.report(desk.health);
    if !desk.state.is_caught_up() {
        return false;
    }
    desk.state.journal.shorten();
    true
}

/// Does what the journal has, and could not be done before.
fn settle_journal(desk: &mut Desk<'_>) {
    // What is written into the wrong file is not done.
    if desk.place.fault().is_some() {
        return;
    }
    let now = CatchUp { tiers: *desk.tiers.get(), now: desk.clock.now(), elapsed: desk.clock.elapsed() };
    let State { journal, endings, .. } = &mut *desk.state;
    endings.renumber(&journal.look(&*desk.connection, now.now));
    let changes = journal.catch_up(desk.connection, now, endings.unwritten());
    take_in(desk.directory, changes);
}

/// Tries once more those that the rows refused. What the database keeps of them stays until they are written.
fn try_refused(desk: &mut Desk<'_>) {
    let refused = std::mem::take(&mut desk.state.endings.refused);
    let before = refused.len();
    for ending in refused {
        if !matches!(attempt(&ending, desk), Attempt::Written | Attempt::AlreadyOver(_)) {
            desk.state.endings.refused.push(ending);
        }
    }
    if desk.state.endings.refused.len() < before {
        desk.state.journal.fall_behind();
        settle_journal(desk);
        desk.state.report(desk.health);
    }
}

/// The last attempt before the process ends. Says what is lost.
pub fn settle_at_stop(desk: &mut Desk<'_>) {
    desk.place.look();
    settle(desk);
    try_refused(desk);
    desk.state.journal.retry();
    let Endings { waiting, refused, .. } = &desk.state.endings;
    for ending in waiting.iter().chain(refused) {
        tracing::error!(what = %ending.name, "it held in memory and could not be written: the next start does it if the journal of revocations has it; repeat it to be sure");
    }
}

//! Writes that took a right away while the database could not be written: they hold in memory, and wait here until they are
//! written. No other write goes before them: the rows still say what was before, and a write that reads them would give back
//! what was taken.

use crate::health::Health;
use crate::writer::Desk;
use keyward_core::denial::{Denial, OAuthDenial};
use keyward_core::effect::Stop;
use keyward_core::store::StoreError;
use std::collections::{HashSet, VecDeque};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// As many wait at most; further ones are refused, and do not hold.
const MOST: usize = 10_000;

/// Writes one.
pub(crate) type Again = Box<dyn Fn(&mut Desk<'_>) -> Result<(), Stop> + Send>;

struct Ending {
    name: String,
    again: Again,
}

/// Those that wait, oldest first.
#[derive(Default)]
pub(crate) struct Endings {
    waiting: VecDeque<Ending>,
    names: HashSet<String>,
    /// Those that the database refuses for another reason than that it cannot be written. They hold until the restart, are
    /// counted, and stop no other write; one that is repeated is executed again.
    refused: Vec<Ending>,
}

impl Endings {
    pub(crate) fn has_room(&self) -> bool {
        self.waiting.len() + self.refused.len() < MOST
    }

    /// Whether none waits and none was refused: the rows say all that was ended.
    pub(crate) fn is_empty(&self) -> bool {
        self.waiting.is_empty() && self.refused.is_empty()
    }

    /// Has one wait. One of the same name waits already, if it was asked for before.
    pub(crate) fn hold(&mut self, name: String, again: Again) {
        if self.names.insert(name.clone()) {
            tracing::warn!(what = %name, "it holds in memory, and is written as soon as the database can be");
            self.waiting.push_back(Ending { name, again });
        }
    }

    /// Says how many wait.
    pub(crate) fn report(&self, health: &Health) {
        health.unwritten(self.waiting.len(), self.refused.len());
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

/// Writes those that wait; whether none is left.
pub(crate) fn settle(desk: &mut Desk<'_>) -> bool {
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
                continue;
            }
        }
        desk.state.endings.names.remove(&ending.name);
    }
    desk.state.endings.report(desk.health);
    desk.state.endings.waiting.is_empty()
}

/// The last attempt before the process ends. Says what is lost.
pub(crate) fn settle_at_stop(desk: &mut Desk<'_>) {
    let refused = std::mem::take(&mut desk.state.endings.refused);
    desk.state.endings.waiting.extend(refused);
    settle(desk);
    let Endings { waiting, refused, .. } = &desk.state.endings;
    for ending in waiting.iter().chain(refused) {
        tracing::error!(what = %ending.name, "it held in memory, could not be written, and is lost with this process: repeat it");
    }
}

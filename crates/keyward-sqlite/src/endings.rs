//! Writes that took a right away while the database could not be written: they hold in memory, and wait here until they are
//! written. No other write goes before them: the rows still say what was before, and a write that reads them would give back
//! what was taken.

use crate::writer::Desk;
use keyward_core::effect::Stop;
use keyward_core::store::StoreError;
use std::collections::{HashSet, VecDeque};

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
}

impl Endings {
    pub(crate) fn has_room(&self) -> bool {
        self.len() < MOST
    }

    pub(crate) fn len(&self) -> usize {
        self.waiting.len()
    }

    /// Has one wait. One of the same name waits already, if it was asked for before.
    pub(crate) fn hold(&mut self, name: String, again: Again) {
        if self.names.insert(name.clone()) {
            tracing::warn!(what = %name, "it holds in memory, and is written as soon as the database can be");
            self.waiting.push_back(Ending { name, again });
        }
    }
}

/// Writes those that wait; whether none is left.
pub(crate) fn settle(desk: &mut Desk<'_>) -> bool {
    while let Some(ending) = desk.state.endings.waiting.pop_front() {
        match (ending.again)(desk) {
            Err(Stop::Failed(
                error @ (StoreError::Unavailable(_) | StoreError::Held(_) | StoreError::Busy),
            )) => {
                desk.health.failed(&error);
                desk.state.endings.waiting.push_front(ending);
                break;
            }
            Ok(()) => tracing::info!(what = %ending.name, "what held in memory is written"),
            // It is so already, or a row is in the way that nobody foresaw: in memory it holds until the restart.
            Err(stop) => {
                tracing::error!(what = %ending.name, ?stop, "what holds in memory cannot be written")
            }
        }
        desk.state.endings.names.remove(&ending.name);
    }
    let left = desk.state.endings.len();
    desk.health.unwritten(left);
    left == 0
}

/// Says what is lost when the process ends now.
pub(crate) fn give_up(desk: &Desk<'_>) {
    for ending in &desk.state.endings.waiting {
        tracing::error!(what = %ending.name, "it held in memory, could not be written, and is lost with this process: repeat it");
    }
}

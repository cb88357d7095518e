//! What a piece of work of the writer sees, and what it remembers from one to the next.

use crate::driver::Connection;
use crate::endings::Endings;
use crate::health::Health;
use crate::journal::Journal;
use crate::kept::Kept;
use keyward_core::clock::Clock;
use keyward_core::id::UserId;
use keyward_core::limits::Tiers;
use keyward_core::live::Directory;
use keyward_core::store::StoreError;
use keyward_core::swap::Swap;

/// What a piece of work sees.
pub struct Desk<'d> {
    /// The connection that writes.
    pub connection: &'d mut dyn Connection,
    /// What requests are judged by.
    pub directory: &'d Directory,
    /// The clock.
    pub clock: &'d dyn Clock,
    /// What every tier may have.
    pub tiers: &'d Swap<Tiers>,
    /// Whether the database can be written.
    pub health: &'d Health,
    /// Where it is.
    pub place: &'d dyn Place,
    /// What is remembered.
    pub state: &'d mut State,
}

/// Where the database is, as far as the store can tell.
pub trait Place {
    /// Looks; why nothing is written now, if so.
    fn look(&self) -> Option<&'static str>;

    /// The same, as it was at the last look.
    fn fault(&self) -> Option<&'static str>;

    /// Fails where not even what is read is right.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    fn has_its_content(&self) -> Result<(), StoreError>;

    /// A write failed, the first since one succeeded: says in the log what can be seen of why.
    fn report(&self);
}

/// What the writer remembers from one piece of work to the next.
pub struct State {
    /// The newest version of the root secret that a claim was named by: the claims of a process that came before know
    /// nothing of records under it.
    pub(crate) newest_claim: u32,
    pub(crate) kept: Kept,
    pub(crate) endings: Endings,
    pub(crate) journal: Box<dyn Journal>,
    /// Up to this user it was looked whether somebody is nobody.
    pub(crate) users_after: UserId,
    /// The counters that the server before left were read, and still lie there as if nobody had.
    pub(crate) limits_untaken: bool,
}

impl State {
    /// That of a start.
    pub fn new(kept: Kept, journal: Box<dyn Journal>) -> Self {
        Self {
            newest_claim: 0,
            kept,
            endings: Endings::default(),
            journal,
            users_after: UserId(0),
            limits_untaken: false,
        }
    }

    /// Whether what is counted of kept answers is what the database has.
    ///
    /// # Errors
    /// [`StoreError`] when it cannot be read.
    #[cfg(feature = "fault-injection")]
    pub fn counts_answers_right(&self, driver: &dyn crate::driver::Driver) -> Result<bool, StoreError> {
        self.kept.same_as(driver)
    }
}

impl std::fmt::Debug for Desk<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Desk")
    }
}

impl std::fmt::Debug for State {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("State")
    }
}

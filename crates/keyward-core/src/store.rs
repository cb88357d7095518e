//! What the program asks of a store besides [`crate::effect::Commit`]: reads that take the permit, and upkeep.
//!
//! A method is one whole operation. Absence is an `Option` or an empty page; [`StoreError`] means that *we* failed.

mod after_end;
mod audit;
mod error;
mod lists;
mod operator;

pub use after_end::Over;
pub use audit::{AuditActor, AuditPage, AuditQuery, AuditRow};
pub use error::{Source, StoreError};
pub use lists::{AccountEntry, AccountFigures, Page, UserDetails, UserEntry};
pub use operator::{OperatorReads, Served};

use crate::BoxFuture;
use crate::api_key::{ApiKey, Move};
use crate::clock::{At, Timestamp};
use crate::id::{KeyId, UserId};
use crate::left_out::LeftOut;
use crate::list::{Listed, Window};
use crate::live::{Directory, KeyUse};
use crate::oauth::GrantId;
use crate::opaque::TokenDigest;
use crate::permit::{Permit, ReadAccount};
use crate::secret::Secret;
use crate::session::LinkKind;
use crate::team::TeamMember;

/// Which keys a list shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeysOf {
    /// The caller's own.
    Caller,
    /// All of the account, if the caller is its admin; else the caller's own.
    Account,
}

/// Reads of keys.
pub trait KeyReads: Send + Sync {
    /// A page of keys that were not revoked, by id; the newest first where the order begins with its field turned around. With a
    /// label, only those that have it, to the letter.
    fn list_keys<'a>(
        &'a self,
        permit: &'a Permit<ReadAccount>,
        of: KeysOf,
        label: Option<String>,
        window: Window,
    ) -> BoxFuture<'a, Result<Listed<ApiKey>, StoreError>>;

    /// A key that was not revoked: the caller's own, or, of its admin, any of the account.
    fn get_key<'a>(
        &'a self,
        permit: &'a Permit<ReadAccount>,
        key: KeyId,
    ) -> BoxFuture<'a, Result<Option<ApiKey>, StoreError>>;
}

/// Reads of the team.
pub trait TeamReads: Send + Sync {
    /// A page of the members of the caller's account and of those who are invited to it, by user id.
    fn list_team<'a>(
        &'a self,
        permit: &'a Permit<ReadAccount>,
        window: Window,
        now: Timestamp,
    ) -> BoxFuture<'a, Result<Listed<TeamMember>, StoreError>>;
}

/// Reads of whoever signs in.
pub trait SignInReads: Send + Sync {
    /// The user with this address, in lower case, who is not disabled and has a password; with its hash.
    fn password_of(&self, email: String) -> BoxFuture<'_, Result<Option<(UserId, Secret)>, StoreError>>;

    /// Whose link this is, and what for, if it can be used now.
    fn link(
        &self,
        digest: TokenDigest,
        now: Timestamp,
    ) -> BoxFuture<'_, Result<Option<(UserId, LinkKind)>, StoreError>>;

    /// What the refresh tokens of a grant are derived from, whatever else its row holds: for one that was left out at the start,
    /// so that its tokens can still end it.
    fn nonce_to_end(&self, grant: GrantId) -> BoxFuture<'_, Result<Option<[u8; 16]>, StoreError>>;

    /// Whether this code was given once, and is not forgotten: it may have been redeemed, and may be too old.
    fn knows_code(&self, digest: TokenDigest) -> BoxFuture<'_, Result<bool, StoreError>>;
}

/// How a store is doing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Figures {
    /// Bytes of the database.
    pub bytes: u64,
    /// Bytes of what is written and not yet moved into it.
    pub log_bytes: u64,
    /// Writes that wait for their turn.
    pub writes_waiting: u64,
    /// Reads that wait for their turn, or are being done.
    pub reads_waiting: u64,
    /// Rows that were left out because they were not as they must be, at the start and of lists ([`Upkeep::left_out`],
    /// [`Upkeep::left_out_of_lists`]).
    pub rows_left_out: u64,
    /// Writes that took a right away, hold in memory, and could not be written yet.
    pub endings_unwritten: u64,
    /// Entries of the journal of revocations that its file does not have yet.
    pub endings_unjournaled: u64,
}

/// How long rows of the audit trail are kept, in days.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retention {
    /// Of changes; `None`: as long as there is room.
    pub changes: Option<u32>,
    /// Of what strangers cause ([`crate::effect::Effect::ATTEMPT`]): registrations of clients, sign-ins that failed.
    pub attempts: u32,
}

impl Default for Retention {
    fn default() -> Self {
        Self { changes: None, attempts: 90 }
    }
}

/// The counters of limits as they were kept: the ages of admissions by bucket, and when that was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SavedLimits {
    /// By the name of the bucket, in milliseconds, oldest first.
    pub ages: Vec<(String, Vec<u64>)>,
    /// How many buckets were kept that cannot be read: of what they admitted, nothing is known.
    pub unreadable: usize,
    /// When they were taken, in milliseconds since the Unix epoch.
    pub at_ms: u64,
}

/// What is written in batches and changes no right.
pub trait Upkeep: Send + Sync {
    /// What the store knows, for synchronous look-ups.
    fn directory(&self) -> &Directory;

    /// How it is doing. Without waiting for anything.
    fn figures(&self) -> Figures;

    /// The rows that were left out at the start, because they were not as they must be.
    fn left_out(&self) -> &LeftOut;

    /// The rows that lists have left out since.
    fn left_out_of_lists(&self) -> LeftOut;

    /// Looks at every row that a list can show, so that those which cannot be read are known.
    fn look_through(&self) -> BoxFuture<'_, Result<(), StoreError>>;

    /// Whether the store answers: one trivial read.
    fn ping(&self) -> BoxFuture<'_, Result<(), StoreError>>;

    /// Writes when keys were last used. Older moments than the stored ones change nothing. Kept answers that show the secret
    /// that was used are taken away.
    fn write_uses<'a>(&'a self, uses: &'a [KeyUse]) -> BoxFuture<'a, Result<(), StoreError>>;

    /// Takes answers of idempotent writes away that are older than they are kept, and closes those with secrets that are older
    /// than those are kept. As many as fit into one short transaction; how many.
    fn purge(&self, now: At) -> BoxFuture<'_, Result<usize, StoreError>>;

    /// Takes away what nobody needs any more: rows of the audit trail that are older than they are kept, users of whom nothing
    /// but an address was ever known and whose invitations are over, sessions and grants that ended, and from memory keys
    /// whose end has passed. As much as fits into one short transaction; how much.
    fn forget(&self, now: At, keep: Retention) -> BoxFuture<'_, Result<usize, StoreError>>;

    /// Records the newest time that was read from the clock, so that the next start knows it.
    fn record_clock(&self) -> BoxFuture<'_, Result<(), StoreError>>;

    /// Why the database cannot be written, or that something was revoked which is not written yet; `None`: as far as is known
    /// all is well.
    fn write_fault(&self) -> Option<&'static str>;

    /// Writes what was taken away while the database could not be written, and one small row, to find out whether it can be.
    fn try_writing(&self) -> BoxFuture<'_, Result<(), StoreError>>;

    /// Keeps the counters of limits over a clean stop: the ages of admissions by bucket, and when they were taken, in
    /// milliseconds since the Unix epoch.
    fn save_limits(
        &self,
        saved: Vec<(String, Vec<u64>)>,
        at_ms: u64,
    ) -> BoxFuture<'_, Result<(), StoreError>>;

    /// What was kept, and when; they are gone then. `None`: the server before did not stop cleanly.
    fn take_limits(&self) -> BoxFuture<'_, Result<Option<SavedLimits>, StoreError>>;

    /// Gives secrets their digests under the current version of the root secret. One that is gone, or has been moved, is left
    /// as it is. The directory knows the new digests when this returns.
    fn move_digests(&self, moves: Vec<Move>) -> BoxFuture<'_, Result<(), StoreError>>;
}

//! A write as a value. A handler returns an [`Effect`] and cannot execute it; one `commit` of the store does all in
//! one transaction: renews the permit, executes, renders, writes the audit row, commits, publishes, and only
//! then answers. The record of an idempotent write is part of the same transaction.

use crate::BoxFuture;
use crate::clock::{At, Timestamp};
use crate::denial::Denial;
use crate::id::{AccountId, UserId};
use crate::idempotency::Claim;
use crate::permit::{Action, Permit};
use crate::store::StoreError;
use serde::Serialize;
use std::net::IpAddr;
use uuid::Uuid;

/// What a write is about, for the audit row.
#[derive(Clone, Copy, Debug)]
pub struct Subject {
    /// `deal`, `api_key`, `user`, `account`.
    pub kind: &'static str,
    /// Its id.
    pub id: i64,
    /// The account that it belongs to, if it belongs to one.
    pub account: Option<AccountId>,
}

impl Subject {
    /// The kind of an API key.
    pub const API_KEY: &'static str = "api_key";

    /// A user, apart from any account.
    #[must_use]
    pub fn user(user: UserId) -> Self {
        Self { kind: "user", id: user.0, account: None }
    }
}

/// A write, not yet executed.
pub trait Effect: Send + Sync + 'static {
    /// What its holder must be permitted to do.
    type Action: Action;
    /// What it comes to.
    type Done: Send;
    /// The word for it in the audit trail, such as `deal.create`.
    const AUDIT: &'static str;
    /// Whether it is done in the request's account. What changes that account is not: its retry, which already acts in the new
    /// one, must still be known as the same write.
    const IN_ACCOUNT: bool = true;

    /// Whether what it changes has an `ETag`, so that it evaluates [`crate::preconditions::Preconditions`]. Others refuse them.
    const CONDITIONAL: bool = false;

    /// Whether its answer shows a secret. It is kept sealed by the client's `Idempotency-Key`, which must be one that nobody can
    /// guess then: [`crate::idempotency::is_unguessable`].
    const SHOWS_SECRET: bool = false;

    /// The flag that its request takes in the query, if it takes one.
    const FLAG: Option<&'static str> = None;

    /// Whether strangers can cause it as often as they like. Its audit row is kept for a shorter time
    /// ([`crate::store::Retention`]).
    const ATTEMPT: bool = false;

    /// What it was about.
    fn subject(done: &Self::Done) -> Subject;

    /// Whether it took a right away, and gave none. Where the database cannot be written, such a write holds in memory all
    /// the same, and is written later ([`crate::store::StoreError::Held`]).
    fn ends(_done: &Self::Done) -> bool {
        false
    }

    /// Whether anything changed: repeating a deletion does not, and leaves no audit row.
    fn changed(_done: &Self::Done) -> bool {
        true
    }

    /// Whose deed it was, where its holder is nobody that is known by a credential.
    fn actor(_done: &Self::Done) -> Option<UserId> {
        None
    }

    /// What else the audit row should say. Never a secret.
    fn detail(_done: &Self::Done) -> Option<serde_json::Value> {
        None
    }

    /// The answer to whoever asked for it.
    fn render(done: &Self::Done) -> Rendered;
}

/// How a store's transaction executes an effect. Implemented where the SQL lives.
pub trait Execute<E: Effect>: Replay<E> {
    /// Does it.
    ///
    /// # Errors
    /// [`Stop`]: it was refused, or the store failed. Either way the transaction is rolled back.
    fn execute(&mut self, effect: &E, permit: &Permit<E::Action>, now: Timestamp) -> Result<E::Done, Stop>;
}

/// An effect that is executed for a request with an `Idempotency-Key`, or for a form of the console that is done once: its answer is kept,
/// and may be sent again. What claims an execution takes no other effect, and a store cannot list it in [`crate::never_replayed`].
pub trait Repeatable: Effect {}

/// Whether a store's transaction may send the kept answer of an effect again.
///
/// It has no default, so that the compiler asks where a kept answer can be sent again: one that goes to a caller who may not see its
/// subject any more gives something away, and one that never goes lets a client do a write twice. Each [`Repeatable`] effect has a rule
/// of its own in each store; the others are listed in [`crate::never_replayed`].
pub trait Replay<E: Effect> {
    /// Checks that a kept answer may be sent to this caller. The caller must still be able to see the subject; an answer that shows a
    /// secret must also be within the caller's own bounds.
    ///
    /// # Errors
    /// [`Stop`]: what the caller receives instead.
    fn may_replay(
        &mut self,
        effect: &E,
        subject: i64,
        permit: &Permit<E::Action>,
        now: Timestamp,
    ) -> Result<(), Stop>;
}

/// Implements [`effect::Replay`](crate::effect::Replay) for the effects of a store's transaction that nothing claims: if an answer of theirs
/// is kept all the same, its repetition is refused as [`Denial::OperatorOnly`](crate::denial::Denial::OperatorOnly).
///
/// ```
/// struct Tx;
/// keyward_core::never_replayed!(Tx: keyward_core::write::member::AddMember);
/// ```
///
/// An effect that is [`Repeatable`](crate::effect::Repeatable) is refused by the compiler:
///
/// ```compile_fail,E0283
/// struct Tx;
/// keyward_core::never_replayed!(Tx: keyward_core::write::key::CreateKey);
/// ```
#[macro_export]
macro_rules! never_replayed {
    ($transaction:ty: $($effect:ty),+ $(,)?) => {$(
        impl $crate::effect::Replay<$effect> for $transaction {
            fn may_replay(
                &mut self,
                _: &$effect,
                _: i64,
                _: &$crate::permit::Permit<<$effect as $crate::effect::Effect>::Action>,
                _: $crate::clock::Timestamp,
            ) -> ::core::result::Result<(), $crate::effect::Stop> {
                ::core::result::Result::Err($crate::denial::Denial::OperatorOnly.into())
            }
        }
        // Of a repeatable effect there are two of these, and the compiler cannot choose.
        const _: fn() = || {
            trait Never<Reason> {
                fn repeated() {}
            }
            struct Repeatable;
            impl<T> Never<()> for T {}
            impl<T: $crate::effect::Repeatable> Never<Repeatable> for T {}
            let _ = <$effect as Never<_>>::repeated;
        };
    )+};
}

/// Why an execution stopped.
#[derive(Debug)]
pub enum Stop {
    /// It was refused.
    Denied(Denial),
    /// The store failed.
    Failed(StoreError),
}

impl From<Denial> for Stop {
    fn from(denial: Denial) -> Self {
        Self::Denied(denial)
    }
}

impl From<StoreError> for Stop {
    fn from(error: StoreError) -> Self {
        Self::Failed(error)
    }
}

/// Where a write came from, for the audit row and the envelope.
#[derive(Clone, Debug)]
pub struct Context {
    /// The request's id.
    pub request_id: Uuid,
    /// The client's address; `None` for the operator.
    pub address: Option<IpAddr>,
    /// The value of `X-Origin-App`.
    pub origin_app: String,
}

/// The one way to execute an effect. Object-safe for each effect.
pub trait Commit<E: Effect>: Send + Sync {
    /// Executes in one transaction, or, where the claim says that this was done before, finds its answer. Once begun it goes
    /// on, even if the caller no longer waits.
    fn commit(
        &self,
        effect: E,
        permit: Permit<E::Action>,
        context: Context,
        claim: Option<Claim>,
        at: At,
    ) -> BoxFuture<'_, Result<Ended<E::Done>, StoreError>>;
}

/// How a commit ended.
#[derive(Debug)]
pub enum Ended<D> {
    /// It is done, durable and published.
    Done(D, Answer),
    /// It was done before; this is the answer that it had, byte for byte.
    Replayed(Answer),
    /// It was refused, and nothing changed.
    Refused(Denial),
}

/// What an effect answers: the status and the `data`, not yet in the envelope.
#[derive(PartialEq, Eq)]
pub struct Rendered {
    /// The HTTP status.
    pub status: u16,
    /// The JSON of `data`.
    pub data: Vec<u8>,
    /// The `ETag`, quotes included.
    pub etag: Option<String>,
    /// The path of what was made, relative to the API's base.
    pub location: Option<String>,
}

impl std::fmt::Debug for Rendered {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Rendered {{ status: {}, data: {} bytes }}", self.status, self.data.len())
    }
}

impl Rendered {
    /// 200 with this data.
    pub fn ok<T: Serialize>(data: &T) -> Self {
        // Absent: never, our shapes are plain structs and maps with text keys, which always serialise.
        Self::of(serde_json::to_vec(data).unwrap_or_default())
    }

    fn of(data: Vec<u8>) -> Self {
        Self { status: 200, data, etag: None, location: None }
    }

    /// 201 with this data.
    pub fn created<T: Serialize>(data: &T) -> Self {
        Self { status: 201, ..Self::ok(data) }
    }

    /// 200 with no data: what was asked for is answered in a form of its own, outside the API's envelope.
    #[must_use]
    pub fn empty() -> Self {
        Self::of(b"{}".to_vec())
    }

    /// 200 with `{"deleted":true}`.
    #[must_use]
    pub fn deleted() -> Self {
        Self::of(br#"{"deleted":true}"#.to_vec())
    }

    /// With an `ETag`.
    #[must_use]
    pub fn with_etag(self, etag: String) -> Self {
        Self { etag: Some(etag), ..self }
    }

    /// With a `Location`.
    #[must_use]
    pub fn with_location(self, path: String) -> Self {
        Self { location: Some(path), ..self }
    }
}

/// A whole answer, in the envelope: what is sent, and what a replay will send again.
#[derive(Clone, PartialEq, Eq)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The envelope's bytes. They can hold a secret that is shown once, so they are not printed.
    pub body: Vec<u8>,
    /// The `ETag`, quotes included.
    pub etag: Option<String>,
    /// The path of what was made, relative to the API's base.
    pub location: Option<String>,
}

impl std::fmt::Debug for Answer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Answer {{ status: {}, body: {} bytes }}", self.status, self.body.len())
    }
}

//! A store that makes one mistake: it wraps one that makes none. Each rule of the contract must be able to fail.
//!
//! | file | what |
//! | --- | --- |
//! | `wrong/reads.rs` | what it reads, and the upkeep |

mod reads;

use super::store::{Home, IdentityStore};
use keyward_core::BoxFuture;
use keyward_core::api_key::ApiKey;
use keyward_core::clock::{At, Timestamp};
use keyward_core::denial::Denial;
use keyward_core::effect::{Answer, Commit, Context, Effect, Ended, Rendered};
use keyward_core::id::UserId;
use keyward_core::idempotency::Claim;
use keyward_core::list::{Listed, Window};
use keyward_core::live::Directory;
use keyward_core::permit::{Permit, operator};
use keyward_core::secret::Secret;
use keyward_core::session::LinkKind;
use keyward_core::store::{
    AccountEntry, AccountFigures, AuditPage, AuditQuery, KeysOf, Page, SavedLimits, Served, StoreError,
    Upkeep, UserDetails, UserEntry,
};
use keyward_core::team::TeamMember;
use std::any::Any;
use std::collections::HashMap;
use std::future::poll_fn;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::Poll;

/// One mistake. What is not named here is done as the wrapped store does it.
#[derive(Clone, Copy, Debug)]
pub enum Mistake {
    /// None: with it every rule holds.
    None,
    /// Another effect is executed than the one that was given ([`edit`]).
    Effect(fn(&mut dyn Any)),
    /// What an effect came to is shown, or published, in another way ([`edit`]).
    Done(fn(&mut dyn Any, &Directory)),
    /// An effect is answered and not executed, if this says what it would have come to.
    Pretended(fn(&dyn Any) -> Option<Box<dyn Any>>),
    /// Every write is done with the operator's right.
    OperatorsRight,
    /// The origin of a write is not what was given.
    Context(fn(&mut Context)),
    /// The effect of this name in the audit trail is executed at a moment so many seconds later.
    Moment(&'static str, i64),
    /// The store's own moment is what its clock shows, whatever is known of that.
    ClockBelieved,
    /// What was done once is answered in another way.
    Replayed(fn(&mut Answer)),
    /// Claims are not looked at.
    ClaimDropped,
    /// A write is begun only if its caller still waits after a moment.
    BegunForWhoWaits,
    /// A claim with the key of an earlier one counts as that one, whatever its request says.
    FingerprintIgnored,
    /// Every claim counts as the first one.
    OneClaim,
    /// What was done once is answered again without a look at who asks, when, and what became of it.
    AnsweredFromMemory,
    /// What was refused once is refused again.
    RefusalKept,
    /// Other keys are listed than those that were asked for.
    KeysAsked(fn(&mut KeysOf, &mut Option<String>, &mut Window)),
    /// A list of keys is shown in another way.
    KeysFound(fn(&mut Listed<ApiKey>)),
    /// Labels are compared without regard to case.
    LabelInAnyCase,
    /// One key is shown to everybody who asks for it, if it passes this.
    KeyOfAnybody(fn(&ApiKey) -> bool),
    /// Another page of the team is read than the one that was asked for.
    TeamAsked(fn(&mut Window, &mut Timestamp)),
    /// A page of the team is shown in another way.
    TeamFound(fn(&mut Listed<TeamMember>)),
    /// The password of an address stays what it was when it was read first.
    PasswordKept,
    /// Links are looked up as of another moment.
    LinkAsked(fn(&mut Timestamp)),
    /// A link is shown in another way.
    LinkFound(fn(&mut Option<(UserId, LinkKind)>)),
    /// Whether a code was given is answered in another way.
    CodeKnown(fn(bool) -> bool),
    /// Other rows of the audit trail are read than those that were asked for.
    AuditAsked(fn(&mut AuditQuery)),
    /// Rows of the audit trail are shown in another way.
    AuditFound(fn(&mut AuditPage)),
    /// Accounts are listed in another way.
    AccountsFound(fn(&mut Page<AccountEntry>)),
    /// Users are listed in another way.
    UsersFound(fn(&mut Page<UserEntry>)),
    /// The keys of all accounts are listed in another way.
    OperatorKeysFound(fn(&mut Page<ApiKey>)),
    /// The figures of an account are others.
    FiguresFound(fn(&mut Option<AccountFigures>)),
    /// What is kept of a user is shown in another way.
    DetailsFound(fn(&mut Option<UserDetails>)),
    /// Whether a user has a place is answered in another way.
    PlaceFound(fn(bool) -> bool),
    /// Whether a user has a password is answered in another way.
    HasPassword(fn(bool) -> bool),
    /// What is served is shown in another way.
    ServedFound(fn(&mut Served)),
    /// A key can be found by no secret.
    NoKeyToEnd,
    /// An address or a slug names nobody whose rights could be ended.
    NobodyToEnd,
    /// The store does not answer.
    NoAnswer,
    /// Uses of keys are not written.
    UsesLost,
    /// Digests are not moved.
    MovesLost,
    /// Old answers are not taken away.
    NothingPurged,
    /// Answers are taken away so many seconds too early.
    PurgedEarly(i64),
    /// What nobody needs is not taken away, and so many rows are said to be gone.
    NothingForgotten(usize),
    /// What is old is taken away so many seconds too early.
    ForgottenEarly(i64),
    /// The counters of limits are still there after they were taken.
    LimitsStay,
    /// The counters of limits are not kept.
    LimitsLost,
}

/// Changes a value if it is of this type: for [`Mistake::Effect`] and [`Mistake::Done`].
pub fn edit<T: Any>(value: &mut dyn Any, change: impl FnOnce(&mut T)) {
    if let Some(value) = value.downcast_mut() {
        change(value);
    }
}

/// How an effect ends that is answered and not executed.
fn pretended<E: Effect>(effect: &E, done: fn(&dyn Any) -> Option<Box<dyn Any>>) -> Option<Ended<E::Done>> {
    let done = *done(effect)?.downcast().ok()?;
    let Rendered { status, data, etag, location } = E::render(&done);
    Some(Ended::Done(done, Answer { status, body: data, etag, location }))
}

/// A store that makes one mistake.
#[derive(Debug)]
pub struct Wrong<S> {
    inner: S,
    mistake: Mistake,
    held: Mutex<Held>,
}

/// What a mistake keeps from one call to the next.
#[derive(Debug, Default)]
struct Held {
    claims: HashMap<[u8; 32], Claim>,
    first_claim: Option<Claim>,
    answers: HashMap<[u8; 32], Answer>,
    refusals: HashMap<[u8; 32], Denial>,
    passwords: HashMap<String, Option<(UserId, Secret)>>,
    limits: Option<SavedLimits>,
}

impl<S> Wrong<S> {
    /// With this mistake.
    pub fn new(inner: S, mistake: Mistake) -> Self {
        Self { inner, mistake, held: Mutex::default() }
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The claim that the mistake makes of one.
    fn claim(&self, claim: Claim) -> Option<Claim> {
        match (self.mistake, claim.lock()) {
            (Mistake::ClaimDropped, _) => None,
            (Mistake::FingerprintIgnored, Some(name)) => {
                Some(self.held().claims.entry(name).or_insert(claim).clone())
            }
            (Mistake::OneClaim, _) => Some(self.held().first_claim.get_or_insert(claim).clone()),
            _ => Some(claim),
        }
    }

    /// What the mistake answers to a claim of this name without asking the store.
    fn known<D>(&self, name: [u8; 32]) -> Option<Ended<D>> {
        match self.mistake {
            Mistake::AnsweredFromMemory => self.held().answers.get(&name).cloned().map(Ended::Replayed),
            Mistake::RefusalKept => self.held().refusals.get(&name).cloned().map(Ended::Refused),
            _ => None,
        }
    }

    /// Keeps how a write of this name ended.
    fn note<D>(&self, name: [u8; 32], ended: &Ended<D>) {
        match ended {
            Ended::Done(_, answer) => drop(self.held().answers.insert(name, answer.clone())),
            Ended::Refused(denial) => drop(self.held().refusals.insert(name, denial.clone())),
            Ended::Replayed(_) => {}
        }
    }
}

impl<S, E> Commit<E> for Wrong<S>
where
    S: Commit<E> + Upkeep,
    E: Effect,
{
    fn commit(
        &self,
        mut effect: E,
        mut permit: Permit<E::Action>,
        mut context: Context,
        claim: Option<Claim>,
        mut at: At,
    ) -> BoxFuture<'_, Result<Ended<E::Done>, StoreError>> {
        let claim = claim.and_then(|claim| self.claim(claim));
        match (self.mistake, &mut at) {
            (Mistake::Effect(change), _) => change(&mut effect),
            (Mistake::Pretended(done), _) => {
                if let Some(ended) = pretended(&effect, done) {
                    return Box::pin(async move { Ok(ended) });
                }
            }
            (Mistake::OperatorsRight, _) => permit = operator(),
            (Mistake::Context(change), _) => change(&mut context),
            (Mistake::Moment(name, seconds), At::Fixed(at)) if name == E::AUDIT => {
                *at = at.plus_seconds(seconds);
            }
            (Mistake::ClockBelieved, At::Store) => at = At::Fixed(self.inner.directory().clock().wall()),
            _ => {}
        }
        let name = claim.as_ref().and_then(Claim::lock);
        if let Some(known) = name.and_then(|name| self.known(name)) {
            return Box::pin(async move { Ok(known) });
        }
        let committed = self.inner.commit(effect, permit, context, claim, at);
        let waits = matches!(self.mistake, Mistake::BegunForWhoWaits);
        Box::pin(async move {
            if waits {
                once_more().await;
            }
            let mut ended = committed.await?;
            if let Some(name) = name {
                self.note(name, &ended);
            }
            match (self.mistake, &mut ended) {
                (Mistake::Done(change), Ended::Done(done, _)) => change(done, self.inner.directory()),
                (Mistake::Replayed(change), Ended::Replayed(answer)) => change(answer),
                _ => {}
            }
            Ok(ended)
        })
    }
}

/// Is ready when it is asked for the second time.
async fn once_more() {
    let mut asked = false;
    poll_fn(|cx| {
        if asked {
            return Poll::Ready(());
        }
        asked = true;
        cx.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

/// A home whose store makes one mistake, each time that it is opened.
#[derive(Debug)]
pub struct WrongHome<H> {
    home: H,
    mistake: Mistake,
}

impl<H> WrongHome<H> {
    /// The home of the wrapped store, and the mistake.
    pub fn new(home: H, mistake: Mistake) -> Self {
        Self { home, mistake }
    }
}

impl<H: Home> Home for WrongHome<H>
where
    Wrong<H::Store>: IdentityStore,
{
    type Store = Wrong<H::Store>;

    fn open(&self) -> Self::Store {
        Wrong::new(self.home.open(), self.mistake)
    }
}

//! The one `commit`: renew the permit, execute, render, audit, commit, publish, answer.

use crate::error::{store_error, unavailable};
use crate::fail_point::fail_point;
use crate::payer::Payer;
use crate::tx::{Finished, Tx};
use crate::writer::Desk;
use crate::{Sqlite, endings, idempotency};
use keyward_core::BoxFuture;
use keyward_core::clock::{At, Timestamp};
use keyward_core::denial::Denial;
use keyward_core::effect::{Answer, Commit, Context, Effect, Ended, Execute, Stop, Subject};
use keyward_core::envelope;
use keyward_core::id::KeyId;
use keyward_core::idempotency::Claim;
use keyward_core::limits::Tiers;
use keyward_core::live::Change;
use keyward_core::permit::{Holder, Permit};
use keyward_core::store::StoreError;
use rusqlite::{Connection, TransactionBehavior, params};

impl<E: Effect> Commit<E> for Sqlite
where
    for<'c> Tx<'c>: Execute<E>,
{
    fn commit(
        &self,
        effect: E,
        permit: Permit<E::Action>,
        context: Context,
        claim: Option<Claim>,
        at: At,
    ) -> BoxFuture<'_, Result<Ended<E::Done>, StoreError>>
    where
        E::Done: 'static,
    {
        Box::pin(async move {
            // One execution of a claim at a time. The lock is the process's own, so it ends with it; it is given back by
            // the work itself, whoever still waits.
            let turn = match claim.as_ref().and_then(Claim::lock).map(|name| self.in_progress.take(name)) {
                Some(None) => return Ok(Ended::Refused(Denial::IdempotencyInProgress)),
                Some(Some(turn)) => Some(turn),
                None => None,
            };
            let payer = Payer::of_write(&permit, &context);
            let work = move |desk: &mut Desk<'_>| {
                let now = match at {
                    At::Store => desk.clock.now(),
                    At::Fixed(moment) => moment,
                };
                let ended = commit(desk, Write { effect, permit, context, claim, now });
                drop(turn);
                match ended {
                    Ok(ended) => Ok(ended),
                    Err(Stop::Denied(denial)) => Ok(Ended::Refused(denial)),
                    Err(Stop::Failed(error)) => Err(error),
                }
            };
            self.writer.run_for(payer, work).await
        })
    }
}

/// A write that is to be done.
struct Write<E: Effect> {
    effect: E,
    permit: Permit<E::Action>,
    context: Context,
    claim: Option<Claim>,
    now: Timestamp,
}

/// Dropping the transaction before its commit rolls it back, so every early return changes nothing.
fn commit<E: Effect>(desk: &mut Desk<'_>, write: Write<E>) -> Result<Ended<E::Done>, Stop>
where
    for<'c> Tx<'c>: Execute<E>,
{
    let now = write.now;
    if let Some((version, _)) = write.claim.as_ref().and_then(Claim::record) {
        // It was made just before a rotation of the root secret, and its duplicate just after may have been here already.
        if version < desk.state.newest_claim {
            return Err(Denial::IdempotencyInProgress.into());
        }
        desk.state.newest_claim = version;
    }
    let settled = endings::settle(desk);
    let mut tx = begin(desk.connection, *desk.tiers.get())?;
    // This thread alone publishes, so what the directory says now holds until this commit.
    let permit = write.permit.renew(&desk.directory.read(), now)?;
    let write = Write { permit, ..write };
    fail_point("claim");
    if let Some(claim) = &write.claim
        && let Some(found) = idempotency::find(&mut tx, claim, now)?
    {
        tx.may_replay(&write.effect, found.subject, &write.permit, now)?;
        let used = idempotency::shows_used(&tx, desk.directory.unwritten_use(KeyId(found.subject)))?;
        let answer = found.answer(claim, used, now)?;
        // An old record that made room, or a refusal, changes nothing of that.
        return Ok(Ended::Replayed(answer));
    }
    fail_point("effect");
    let claim = write.claim.as_ref();
    let full = claim.is_some_and(|claim| desk.state.kept.is_full(Payer::of_claim(claim)));
    let Executed { done, answer, finished } = execute(tx, &write, Terms { claim, settled, full })?;
    let Finished { changes, kept, written } = finished;
    match written {
        Ok(()) => {
            fail_point("committed");
            take_in(desk, changes);
            desk.state.kept.take_in(&kept);
            desk.health.wrote();
            fail_point("published");
            Ok(Ended::Done(done, answer))
        }
        Err(StoreError::Unavailable(source))
            if E::ends(&done) && E::changed(&done) && desk.state.endings.has_room() =>
        {
            take_in(desk, changes);
            hold(desk, &done, write);
            Err(StoreError::Held(source).into())
        }
        Err(error) => Err(error.into()),
    }
}

fn begin(connection: &mut Connection, tiers: Tiers) -> Result<Tx<'_>, StoreError> {
    let inner = connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(store_error)?;
    Ok(Tx::new(inner, tiers))
}

/// What a write is executed under.
struct Terms<'w> {
    claim: Option<&'w Claim>,
    /// No ending waits that must be written first.
    settled: bool,
    /// The payer's kept answers fill their space.
    full: bool,
}

/// What a write came to.
struct Executed<D> {
    done: D,
    answer: Answer,
    finished: Finished,
}

/// Executes, records and commits.
fn execute<E: Effect>(mut tx: Tx<'_>, write: &Write<E>, terms: Terms<'_>) -> Result<Executed<E::Done>, Stop>
where
    for<'c> Tx<'c>: Execute<E>,
{
    let Write { effect, permit, context, now, .. } = write;
    let done = tx.execute(effect, permit, *now)?;
    fail_point("executed");
    // Where there is no room for its answer, nothing is done, but that what must end does end: its record is small.
    if terms.full && !(E::ends(&done) && E::changed(&done)) {
        return Err(Denial::IdempotencyFull(RETRY_FULL).into());
    }
    let rendered = E::render(&done);
    let answer = Answer {
        status: rendered.status,
        body: envelope::success(context.request_id, *now, &rendered.data, None),
        etag: rendered.etag.clone(),
        location: rendered.location.clone(),
    };
    let first = if terms.settled || E::ends(&done) {
        Ok(())
    } else {
        Err(unavailable("what was revoked while the database could not be written is written first"))
    };
    let recorded = first.and_then(|()| match terms.claim {
        Some(claim) => idempotency::keep(&mut tx, claim, E::subject(&done), &rendered, &answer, *now),
        None => Ok(()),
    });
    fail_point("recorded");
    let recorded =
        recorded.and_then(|()| if E::changed(&done) { audit::<E>(&tx, &done, write) } else { Ok(()) });
    fail_point("commit");
    let finished = tx.finish(recorded);
    Ok(Executed { done, answer, finished })
}

/// Has what took a right away wait until it can be written. It is written with the rights of the moment at which it was done:
/// the credential may be one that it ended.
fn hold<E: Effect>(desk: &mut Desk<'_>, done: &E::Done, write: Write<E>)
where
    for<'c> Tx<'c>: Execute<E>,
{
    let name = name_of::<E>(done, &write.permit);
    let again = move |desk: &mut Desk<'_>| match write_again(desk, &write, write.claim.as_ref()) {
        // The claim was used for something else meanwhile: what ends must not be lost for the sake of its answer.
        Err(stop) if write.claim.is_some() && !endings::passes(&stop) => write_again(desk, &write, None),
        written => written,
    };
    desk.state.endings.hold(name, Box::new(again));
    desk.state.endings.report(desk.health);
}

/// What tells endings apart: two that have the same name are one that was repeated.
fn name_of<E: Effect>(done: &E::Done, permit: &Permit<E::Action>) -> String {
    let Subject { kind, id, account } = E::subject(done);
    let account = account.map(|account| format!(" of account {account}")).unwrap_or_default();
    let detail = E::detail(done).map(|detail| format!(" {detail}")).unwrap_or_default();
    let by = match permit.holder() {
        Holder::Principal(who) => format!(" by {} {}", who.credential.kind(), who.credential.id()),
        Holder::Bearer | Holder::Presenter(_) | Holder::Operator | Holder::Background => String::new(),
    };
    format!("{} {kind} {id}{account}{detail}{by}", E::AUDIT)
}

/// Writes what holds in memory.
fn write_again<E: Effect>(desk: &mut Desk<'_>, write: &Write<E>, claim: Option<&Claim>) -> Result<(), Stop>
where
    for<'c> Tx<'c>: Execute<E>,
{
    let mut tx = begin(desk.connection, *desk.tiers.get())?;
    if let Some(claim) = claim {
        // An old record makes room. Where there is one that stays, the answer of this one cannot be kept.
        idempotency::find(&mut tx, claim, write.now)?;
    }
    let Executed { finished, .. } = execute(tx, write, Terms { claim, settled: true, full: false })?;
    finished.written?;
    take_in(desk, finished.changes);
    desk.state.kept.take_in(&finished.kept);
    desk.health.wrote();
    Ok(())
}

/// What is committed must be known before anything else happens: a process that could not take it in must not go on judging by
/// what was before.
fn take_in(desk: &Desk<'_>, changes: Vec<Change>) {
    let unknown = AbortUnlessKnown;
    desk.directory.publish(changes);
    std::mem::forget(unknown);
}

/// Ends the process when it is dropped.
struct AbortUnlessKnown;

impl Drop for AbortUnlessKnown {
    fn drop(&mut self) {
        std::process::abort();
    }
}

/// After so many seconds an account whose kept answers fill their space may ask again: answers go when they are a day old, one
/// by one.
const RETRY_FULL: u64 = 600;

fn audit<E: Effect>(tx: &Tx<'_>, done: &E::Done, write: &Write<E>) -> Result<(), StoreError> {
    let (subject, detail, context) = (E::subject(done), E::detail(done), &write.context);
    let (user, kind, id) = match write.permit.holder() {
        Holder::Principal(who) => (Some(who.user.0), who.credential.kind(), Some(who.credential.id())),
        Holder::Bearer => (None, "jwt", None),
        Holder::Presenter(what) => (E::actor(done).map(|user| user.0), what.word(), None),
        Holder::Operator => (None, "operator", None),
        Holder::Background => (None, "background", None),
    };
    tx.insert(
        "INSERT INTO audit (at, account_id, account_seq, actor_user_id, credential_kind, credential_id, action,
                            subject_kind, subject_id, detail, address, origin_app, request_id, attempt)
         SELECT ?1, ?2, CASE WHEN ?2 IS NULL THEN NULL ELSE
                    max(coalesce((SELECT max(account_seq) FROM audit WHERE account_id = ?2), 0),
                        coalesce((SELECT audit_forgotten FROM accounts WHERE id = ?2), 0)) + 1 END,
                ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13",
        params![
            write.now.unix(),
            subject.account.map(|account| account.0),
            user,
            kind,
            id,
            E::AUDIT,
            subject.kind,
            subject.id,
            detail.map(|detail| detail.to_string()),
            context.address.map(|address| address.to_string()),
            context.origin_app,
            context.request_id.to_string(),
            E::ATTEMPT.then_some(1),
        ],
    )?;
    Ok(())
}

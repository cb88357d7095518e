//! The one `commit`: renew the permit, execute, render, audit, commit, publish, answer.

use crate::desk::{Desk, State};
use crate::driver::{Begin, Connection};
use crate::error::{is_constraint, is_of_a_row, unavailable};
use crate::fail_point::fail_point;
use crate::idempotency::Record;
use crate::journal::{Entry, Journal, Noted};
use crate::params;
use crate::payer::Payer;
use crate::store::{Backend, Store};
use crate::take_in::take_in;
use crate::tx::{Finished, Tx};
use crate::{clock, endings, idempotency};
use keyward_core::BoxFuture;
use keyward_core::clock::{At, Moment, Timestamp};
use keyward_core::denial::Denial;
use keyward_core::effect::{Answer, Commit, Context, Effect, Ended, Execute, Stop, Subject};
use keyward_core::envelope;
use keyward_core::id::{AccountId, KeyId, UserId};
use keyward_core::idempotency::Claim;
use keyward_core::limits::Tiers;
use keyward_core::permit::{Holder, Permit};
use keyward_core::store::StoreError;
use serde_json::json;

impl<B: Backend, E: Effect> Commit<E> for Store<B>
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
                let clock = clock::moment(desk, at);
                let ended = commit(desk, Write { effect, permit, context, claim, clock, now: clock.now });
                drop(turn);
                match ended {
                    Ok(ended) => Ok(ended),
                    Err(Stop::Denied(denial)) => Ok(Ended::Refused(denial)),
                    Err(Stop::Failed(error)) => Err(error),
                }
            };
            self.run_for(payer, work).await
        })
    }
}

/// A write that is to be done.
struct Write<E: Effect> {
    effect: E,
    permit: Permit<E::Action>,
    context: Context,
    claim: Option<Claim>,
    clock: Moment,
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
    let place = desk.place.look();
    desk.place.has_its_content()?;
    let settled = endings::settle(desk);
    let newest = clock::read(desk);
    let mut tx = begin(desk.connection, desk.state, *desk.tiers.get())?.at(write.clock);
    clock::record_in(&tx, newest)?;
    // This thread alone publishes, so what the directory says now holds until this commit.
    let permit = write.permit.renew(&desk.directory.read(), now)?;
    let write = Write { permit, ..write };
    fail_point("claim");
    let (found, unread) = find(&mut tx, &write)?;
    if let (Some(claim), Some(found)) = (&write.claim, found) {
        tx.may_replay(&write.effect, found.subject, &write.permit, now)?;
        let used = idempotency::shows_used(&tx, desk.directory.unwritten_use(KeyId(found.subject)))?;
        if found.shows_secret() {
            write.clock.judges_ends()?;
        }
        let answer = found.answer(claim, used, now)?;
        // An old record that made room, or a refusal, changes nothing of that.
        return Ok(Ended::Replayed(answer));
    }
    write.permit.gives_authority()?;
    fail_point("effect");
    let claim = write.claim.as_ref().filter(|_| unread.is_none());
    let full = claim.is_some_and(|claim| desk.state.kept.is_full(Payer::of_claim(claim)));
    let journal = &*desk.state.journal;
    let terms = Terms { claim, settled, full, unread, journal, all: settled, place };
    let Executed { done, answer, finished, noted } = execute(tx, &write, terms)?;
    let Finished { changes, kept, written } = finished;
    match written {
        Ok(()) => {
            fail_point("committed");
            take_in(desk.directory, changes);
            append(desk, noted);
            desk.state.kept.take_in(&kept);
            desk.health.wrote();
            fail_point("published");
            Ok(Ended::Done(done, answer))
        }
        Err(StoreError::Unavailable(source))
            if E::ends(&done) && E::changed(&done) && desk.state.endings.has_room() =>
        {
            take_in(desk.directory, changes);
            let entries = noted.entries.clone();
            append(desk, noted);
            hold(desk, &done, write, entries);
            Err(StoreError::Held(source).into())
        }
        Err(error) => Err(error.into()),
    }
}

/// Opens a transaction. What it takes away for good depends on whether other endings still wait.
fn begin<'c>(connection: &'c mut dyn Connection, state: &State, tiers: Tiers) -> Result<Tx<'c>, StoreError> {
    let inner = connection.begin(Begin::Write)?;
    Ok(Tx::new(inner, tiers, state.endings.is_empty() && state.journal.is_settled()))
}

/// The record of a claim; or, second, why it cannot be read. Then its answer is given to nobody, and what must end does end,
/// without it.
fn find<E: Effect>(tx: &mut Tx<'_>, write: &Write<E>) -> Result<(Option<Record>, Option<StoreError>), Stop> {
    let Some(claim) = &write.claim else { return Ok((None, None)) };
    match idempotency::find(tx, claim, write.clock.settled) {
        Ok(found) => Ok((found, None)),
        Err(Stop::Failed(error)) if is_of_a_row(&error) => Ok((None, Some(error))),
        Err(stop) => Err(stop),
    }
}

/// What a write is executed under.
struct Terms<'w> {
    claim: Option<&'w Claim>,
    /// No ending waits that must be written first.
    settled: bool,
    /// The payer's kept answers fill their space.
    full: bool,
    /// Why the record of the claim cannot be read.
    unread: Option<StoreError>,
    journal: &'w dyn Journal,
    /// The rows have all that the journal says so far, or keep what they refuse.
    all: bool,
    /// Why nothing is written into the file that is open.
    place: Option<&'static str>,
}

/// What a write came to.
struct Executed<D> {
    done: D,
    answer: Answer,
    finished: Finished,
    noted: Noted,
}

/// Executes, records and commits.
fn execute<E: Effect>(mut tx: Tx<'_>, write: &Write<E>, terms: Terms<'_>) -> Result<Executed<E::Done>, Stop>
where
    for<'c> Tx<'c>: Execute<E>,
{
    let Write { effect, permit, context, now, .. } = write;
    let done = tx.execute(effect, permit, *now)?;
    fail_point("executed");
    if let Some(error) = terms.unread
        && !E::ends(&done)
    {
        return Err(error.into());
    }
    // Where there is no room for its answer, nothing is done, but that what must end does end: its record is small.
    if terms.full && !(E::ends(&done) && E::changed(&done)) {
        return Err(Denial::IdempotencyFull(RETRY_FULL).into());
    }
    let noted =
        if E::changed(&done) { terms.journal.note(&tx, E::ends(&done), *now) } else { Noted::default() };
    let rendered = E::render(&done);
    let answer = Answer {
        status: rendered.status,
        body: envelope::success(context.request_id, *now, &rendered.data, None),
        etag: rendered.etag.clone(),
        location: rendered.location.clone(),
    };
    let first = match terms.place {
        Some(fault) => Err(unavailable(fault)),
        None if terms.settled || E::ends(&done) => Ok(()),
        None => Err(unavailable("what was revoked while the database could not be written is written first")),
    };
    let recorded = first.and_then(|()| match terms.claim {
        Some(claim) => idempotency::keep(&mut tx, claim, E::subject(&done), E::SHOWS_SECRET, &answer, *now),
        None => Ok(()),
    });
    fail_point("recorded");
    let recorded =
        recorded.and_then(|()| if E::changed(&done) { audit::<E>(&tx, &done, write) } else { Ok(()) });
    let recorded = recorded.and_then(|()| terms.journal.keep(&tx, &noted, terms.all));
    fail_point("commit");
    let finished = tx.finish(recorded);
    Ok(Executed { done, answer, finished, noted })
}

/// Has what took a right away wait until it can be written. It is written with the rights of the moment at which it was done:
/// the credential may be one that it ended.
fn hold<E: Effect>(desk: &mut Desk<'_>, done: &E::Done, write: Write<E>, entries: Vec<Entry>)
where
    for<'c> Tx<'c>: Execute<E>,
{
    let name = name_of::<E>(done, &write.permit);
    let again = move |desk: &mut Desk<'_>| match write_again(desk, &write, write.claim.as_ref()) {
        // The claim was used for something else meanwhile: what ends must not be lost for the sake of its answer.
        Err(stop) if write.claim.is_some() && !endings::passes(&stop) => write_again(desk, &write, None),
        written => written,
    };
    desk.state.endings.hold(name, Box::new(again), entries);
    desk.state.report(desk.health);
}

/// What tells endings apart: two that have the same name are one that was repeated.
fn name_of<E: Effect>(done: &E::Done, permit: &Permit<E::Action>) -> String {
    let Subject { kind, id, account } = E::subject(done);
    // Absent: of no account; its kind and id tell it apart.
    let account = account.map(|account| format!(" of account {account}")).unwrap_or_default();
    // Absent: nothing else tells it apart.
    let detail = E::detail(done).map(|detail| format!(" {detail}")).unwrap_or_default();
    let by = match permit.holder() {
        Holder::Principal(who) => format!(" by {} {}", who.credential.kind(), who.credential.id()),
        Holder::Bearer | Holder::Presenter(_) | Holder::Operator(_) | Holder::Background => String::new(),
    };
    format!("{} {kind} {id}{account}{detail}{by}", E::AUDIT)
}

/// Writes what holds in memory.
fn write_again<E: Effect>(desk: &mut Desk<'_>, write: &Write<E>, claim: Option<&Claim>) -> Result<(), Stop>
where
    for<'c> Tx<'c>: Execute<E>,
{
    let newest = clock::read(desk);
    let mut tx = begin(desk.connection, desk.state, *desk.tiers.get())?.at(write.clock);
    // No row of the audit trail is newer than the record of the time.
    clock::record_in(&tx, newest)?;
    if let Some(claim) = claim {
        // An old record makes room. Where there is one that stays, the answer of this one cannot be kept.
        idempotency::find(&mut tx, claim, write.clock.settled)?;
    }
    let (journal, all) = (&*desk.state.journal, desk.state.is_caught_up());
    let place = desk.place.look();
    desk.place.has_its_content()?;
    let terms = Terms { claim, settled: true, full: false, unread: None, journal, all, place };
    let Executed { finished, noted, .. } = execute(tx, write, terms)?;
    finished.written?;
    take_in(desk.directory, finished.changes);
    append(desk, noted);
    desk.state.kept.take_in(&finished.kept);
    desk.health.wrote();
    Ok(())
}

/// Brings what ended to the journal, and counts what could not be brought there.
fn append(desk: &mut Desk<'_>, noted: Noted) {
    desk.state.journal.append(noted);
    desk.health.unjournaled(desk.state.journal.waiting());
}

/// After so many seconds an account whose kept answers fill their space may ask again: answers go when they are a day old, one
/// by one.
const RETRY_FULL: u64 = 600;

fn audit<E: Effect>(tx: &Tx<'_>, done: &E::Done, write: &Write<E>) -> Result<(), StoreError> {
    let (account, user) = (E::subject(done).account, actor(done, write));
    let row = AuditRow { account, user, detail: E::detail(done) };
    match audit_row(tx, done, write, row) {
        // What ends does not live on for the sake of a row that its record would have to point to, or to go on from.
        Err(error) if E::ends(done) && is_constraint(&error) => {
            tracing::error!(action = E::AUDIT, %error, "an ending is recorded outside its account's audit trail");
            let detail = json!({ "account_id": account, "actor_user_id": user, "detail": E::detail(done) });
            audit_row(tx, done, write, AuditRow { account: None, user: None, detail: Some(detail) })
        }
        written => written,
    }
}

/// Whose deed it was.
fn actor<E: Effect>(done: &E::Done, write: &Write<E>) -> Option<UserId> {
    match write.permit.holder() {
        Holder::Principal(who) => Some(who.user),
        Holder::Presenter(_) => E::actor(done),
        Holder::Bearer | Holder::Operator(_) | Holder::Background => None,
    }
}

/// What of a row of the audit trail points to other rows, and what it says besides.
struct AuditRow {
    account: Option<AccountId>,
    user: Option<UserId>,
    detail: Option<serde_json::Value>,
}

/// Numbers of an account's rows that are no numbers are not gone on from: they sort after all that are.
fn audit_row<E: Effect>(
    tx: &Tx<'_>,
    done: &E::Done,
    write: &Write<E>,
    row: AuditRow,
) -> Result<(), StoreError> {
    let (subject, context) = (E::subject(done), &write.context);
    let (kind, id, operator) = match write.permit.holder() {
        Holder::Principal(who) => (who.credential.kind(), Some(who.credential.id()), None),
        Holder::Bearer => ("jwt", None, None),
        Holder::Presenter(what) => (what.word(), None, None),
        Holder::Operator(name) => ("operator", None, name.as_deref()),
        Holder::Background => ("background", None, None),
    };
    tx.insert(
        "INSERT INTO audit (at, account_id, account_seq, actor_user_id, credential_kind, credential_id, action,
                            subject_kind, subject_id, detail, address, origin_app, request_id, attempt, operator)
         SELECT ?1, ?2, CASE WHEN CAST(?2 AS BIGINT) IS NULL THEN NULL ELSE
                    (SELECT max(last) FROM (
                        SELECT coalesce((SELECT max(account_seq) FROM audit
                                         WHERE account_id = ?2 AND account_seq < 9223372036854775807), 0) AS last
                        UNION ALL
                        SELECT coalesce((SELECT audit_forgotten FROM accounts
                                         WHERE id = ?2 AND typeof(audit_forgotten) = 'integer'), 0)) AS numbers) + 1 END,
                ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14",
        params![
            write.now.unix(),
            row.account.map(|account| account.0),
            row.user.map(|user| user.0),
            kind,
            id,
            E::AUDIT,
            subject.kind,
            subject.id,
            row.detail.map(|detail| detail.to_string()),
            context.address.map(|address| address.to_string()),
            context.origin_app,
            context.request_id.to_string(),
            E::ATTEMPT.then_some(1),
            operator,
        ],
    )?;
    Ok(())
}

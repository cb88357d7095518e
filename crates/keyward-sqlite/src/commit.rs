//! The one `commit`: renew the permit, execute, render, audit, commit, publish, answer.

use crate::error::store_error;
use crate::fail_point::fail_point;
use crate::tx::Tx;
use crate::writer::Desk;
use crate::{Sqlite, idempotency};
use keyward_core::BoxFuture;
use keyward_core::clock::{At, Timestamp};
use keyward_core::denial::Denial;
use keyward_core::effect::{Answer, Commit, Context, Effect, Ended, Execute, Stop, Subject};
use keyward_core::envelope;
use keyward_core::id::{KeyId, UserId};
use keyward_core::idempotency::Claim;
use keyward_core::permit::{Holder, Permit};
use keyward_core::store::StoreError;
use rusqlite::{TransactionBehavior, params};

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
            let work = move |desk: &mut Desk<'_>| {
                let ended = commit(desk, &effect, permit, &context, claim.as_ref(), at);
                drop(turn);
                match ended {
                    Ok(ended) => Ok(ended),
                    Err(Stop::Denied(denial)) => Ok(Ended::Refused(denial)),
                    Err(Stop::Failed(error)) => Err(error),
                }
            };
            self.writer.run(work).await
        })
    }
}

/// Dropping the transaction before its commit rolls it back, so every early return changes nothing.
fn commit<E: Effect>(
    desk: &mut Desk<'_>,
    effect: &E,
    permit: Permit<E::Action>,
    context: &Context,
    claim: Option<&Claim>,
    at: At,
) -> Result<Ended<E::Done>, Stop>
where
    for<'c> Tx<'c>: Execute<E>,
{
    let now = match at {
        At::Store => desk.clock.now(),
        At::Fixed(moment) => moment,
    };
    if let Some((version, _)) = claim.and_then(Claim::record) {
        // It was made just before a rotation of the root secret, and its duplicate just after may have been here already.
        if version < *desk.newest_claim {
            return Err(Denial::IdempotencyInProgress.into());
        }
        *desk.newest_claim = version;
    }
    let inner =
        desk.connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(store_error)?;
    // This thread alone publishes, so what the directory says now holds until this commit.
    let permit = permit.renew(&desk.directory.read(), now)?;
    let mut tx = Tx::new(inner, *desk.tiers.get());
    fail_point("claim");
    if let Some(claim) = claim
        && let Some(found) = idempotency::find(&tx, claim, now)?
    {
        tx.may_replay(effect, found.subject, &permit, now)?;
        let used = idempotency::shows_used(&tx, desk.directory.unwritten_use(KeyId(found.subject)))?;
        let answer = found.answer(claim, used, now)?;
        // An old record that made room, or a refusal, changes nothing of that.
        return Ok(Ended::Replayed(answer));
    }
    fail_point("effect");
    let done = tx.execute(effect, &permit, now)?;
    fail_point("executed");
    let rendered = E::render(&done);
    let answer = Answer {
        status: rendered.status,
        body: envelope::success(context.request_id, now, &rendered.data, None),
        etag: rendered.etag.clone(),
        location: rendered.location.clone(),
    };
    if let Some(claim) = claim {
        idempotency::keep(&tx, claim, E::subject(&done), &rendered, &answer, now)?;
    }
    fail_point("recorded");
    if E::changed(&done) {
        let who = (permit.holder(), E::actor(&done));
        audit(&tx, E::AUDIT, (E::subject(&done), E::detail(&done)), who, context, now)?;
    }
    fail_point("commit");
    let changes = tx.commit()?;
    fail_point("committed");
    // What is committed must be known before anything else happens: a process that could not take it in must not go on
    // judging by what was before.
    let unknown = AbortUnlessKnown;
    desk.directory.publish(changes);
    std::mem::forget(unknown);
    fail_point("published");
    Ok(Ended::Done(done, answer))
}

/// Ends the process when it is dropped.
struct AbortUnlessKnown;

impl Drop for AbortUnlessKnown {
    fn drop(&mut self) {
        std::process::abort();
    }
}

fn audit(
    tx: &Tx<'_>,
    action: &str,
    (subject, detail): (Subject, Option<serde_json::Value>),
    (holder, actor): (&Holder, Option<UserId>),
    context: &Context,
    now: Timestamp,
) -> Result<(), StoreError> {
    let (user, kind, id) = match holder {
        Holder::Principal(who) => (Some(who.user.0), who.credential.kind(), Some(who.credential.id())),
        Holder::Bearer => (None, "jwt", None),
        Holder::Presenter(what) => (actor.map(|user| user.0), what.word(), None),
        Holder::Operator => (None, "operator", None),
        Holder::Background => (None, "background", None),
    };
    tx.insert(
        "INSERT INTO audit (at, account_id, account_seq, actor_user_id, credential_kind, credential_id, action,
                            subject_kind, subject_id, detail, address, origin_app, request_id)
         SELECT ?1, ?2, CASE WHEN ?2 IS NULL THEN NULL ELSE
                    (SELECT coalesce(max(account_seq), 0) + 1 FROM audit WHERE account_id = ?2) END,
                ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12",
        params![
            now.unix(),
            subject.account.map(|account| account.0),
            user,
            kind,
            id,
            action,
            subject.kind,
            subject.id,
            detail.map(|detail| detail.to_string()),
            context.address.map(|address| address.to_string()),
            context.origin_app,
            context.request_id.to_string(),
        ],
    )?;
    Ok(())
}

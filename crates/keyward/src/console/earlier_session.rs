//! The session that a browser had before it got another one. Its cookie is replaced, so nobody could end it any more: it is ended
//! here. Where that fails the new session holds anyway, the log says so, and it is tried again.

use crate::browser::Visit;
use crate::problem::Problem;
use crate::store::Store;
use keyward_core::clock::At;
use keyward_core::denial::Denial;
use keyward_core::effect::{Commit, Context, Ended};
use keyward_core::permit::{EndSignIns, check};
use keyward_core::principal::{Caller, Principal};
use keyward_core::write::session::EndSession;
use std::sync::Arc;
use std::time::Duration;

/// The pauses before it is tried again.
const PAUSES: [Duration; 4] =
    [Duration::from_secs(1), Duration::from_secs(10), Duration::from_secs(60), Duration::from_secs(600)];

/// Ends the session that this browser had before.
pub(super) async fn end(visit: &Visit) {
    let Some(before) = visit.session.clone() else { return };
    let leaving = Arc::new(Leaving { store: Arc::clone(&visit.web.store), context: visit.context(), before });
    if let Err(problem) = leaving.end().await {
        leaving.note(&problem, false);
        // Apart: the person does not wait for it.
        drop(tokio::spawn(async move {
            let attempt = || {
                let leaving = Arc::clone(&leaving);
                async move { leaving.end().await }
            };
            if let Err(problem) = again(attempt).await {
                leaving.note(&problem, true);
            }
        }));
    }
}

/// A session that is to end.
struct Leaving {
    store: Arc<dyn Store>,
    context: Context,
    before: Caller,
}

impl Leaving {
    async fn end(&self) -> Result<(), Problem> {
        let ended = match check::<EndSignIns>(Principal::of(self.before.clone())) {
            Ok(permit) => {
                let (store, context) = (&*self.store, self.context.clone());
                Commit::<EndSession>::commit(store, EndSession, permit, context, None, At::Store).await?
            }
            Err(denial) => Ended::Refused(denial),
        };
        match ended {
            // It is over already.
            Ended::Done(..) | Ended::Replayed(_) | Ended::Refused(Denial::SessionEnded) => Ok(()),
            Ended::Refused(denial) => Err(denial.into()),
        }
    }

    /// `given_up`: it was tried for the last time.
    fn note(&self, problem: &Problem, given_up: bool) {
        let (user, session) = (self.before.user, self.before.credential.id());
        let (reason, causes) = (problem.word(), problem.causes());
        tracing::warn!(
            %user, session, reason, causes, given_up,
            "the session that a browser had before could not be ended; without its cookie nobody uses it, and it ends by itself"
        );
    }
}

/// Tries it again after each pause, until it succeeds; the last failure.
async fn again<F>(attempt: impl Fn() -> F) -> Result<(), Problem>
where
    F: Future<Output = Result<(), Problem>>,
{
    let mut last = Ok(());
    for pause in PAUSES {
        tokio::time::sleep(pause).await;
        last = attempt().await;
        if last.is_ok() {
            break;
        }
    }
    last
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;

    #[tokio::test(start_paused = true)]
    async fn what_fails_is_tried_after_each_pause_until_it_succeeds_or_all_have_passed() {
        for (failures, tries, ended) in [(0, 1, true), (3, 4, true), (9, 4, false)] {
            let tried = Cell::new(0);
            let outcome = again(|| async {
                tried.set(tried.get() + 1);
                if tried.get() > failures { Ok(()) } else { Err(Denial::Overloaded.into()) }
            });
            assert_eq!(outcome.await.is_ok(), ended, "{failures} failures");
            assert_eq!(tried.get(), tries);
        }
    }
}

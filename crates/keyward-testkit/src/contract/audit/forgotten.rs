//! What of the audit trail is forgotten, when, and what goes on as if it were there.

use super::people::client;
use super::trail::trail;
use super::writes::{account, ada, user};
use crate::contract::{Bench, FROM, IdentityStore, at, commit, must};
use keyward_core::clock::At;
use keyward_core::id::AccountId;
use keyward_core::oauth::ClientOrigin;
use keyward_core::permit::{background, operator, register};
use keyward_core::store::{AuditRow, Retention};
use keyward_core::tier::Tier;
use keyward_core::write::account::SetTier;
use keyward_core::write::client::RegisterClient;
use keyward_core::write::session::NoteFailedSignIns;

const DAY: i64 = 86_400;
/// A round takes away as much as fits into a short transaction; so many take all of it here.
const ROUNDS: usize = 20;

/// Forgets all that is old at a moment.
async fn forget<S: IdentityStore>(bench: &Bench<'_, S>, keep: Retention, seconds: i64) {
    for _ in 0..ROUNDS {
        if must("what is old goes", bench.store.forget(At::Fixed(at(seconds)), keep).await) == 0 {
            return;
        }
    }
    panic!("{ROUNDS} rounds take all that is old");
}

/// Strangers cause two rows: at 10 a sign-in that fails, at 20 a registration.
async fn attempts<S: IdentityStore>(bench: &Bench<'_, S>) {
    let user = Some(bench.admin.key.user);
    let failed = NoteFailedSignIns { user, wrong: 7, refused: 90, networks: 3 };
    must("it is noted", commit(bench.store, failed, background(), 10).await);
    let client = client("app", ClientOrigin::Registered);
    let new = RegisterClient { client, same: None, network: FROM, most: 10, share: 10 };
    must("a client registers", commit(bench.store, new, register(), 20).await);
}

/// Against a store that forgets a second too early or late, the changes with the attempts, or those that came after.
pub(crate) async fn rows_that_strangers_cause_are_forgotten_after_their_days_and_changes_are_not<
    S: IdentityStore,
>(
    bench: &Bench<'_, S>,
) {
    attempts(bench).await;
    must("a change", commit(bench.store, user("later"), ada(), 30).await);
    let all = trail(bench).await;
    let without = |gone: &[&str]| -> Vec<AuditRow> {
        all.iter().filter(|row| !gone.contains(&row.action.as_str())).cloned().collect()
    };
    let (first, second) = ("sign_in.failed", "oauth_client.register");
    let keep = Retention { changes: None, attempts: 2 };
    let table = [
        (2 * DAY + 9, &[] as &[&str], "kept for two days to the second"),
        (2 * DAY + 10, &[first], "and no longer"),
        (2 * DAY + 19, &[first], "each by its own moment"),
        (2 * DAY + 20, &[first, second], "both kinds"),
        (40_000 * DAY, &[first, second], "and never a change"),
    ];
    for (seconds, gone, why) in table {
        forget(bench, keep, seconds).await;
        assert_eq!(trail(bench).await, without(gone), "{why}");
    }
}

/// Against a store that goes by ids or stops at the first row that is younger: after a clock that went back, a row can be older than
/// the one before it.
pub(crate) async fn rows_are_forgotten_after_their_days_where_the_operator_says_so<S: IdentityStore>(
    bench: &Bench<'_, S>,
) {
    attempts(bench).await;
    for (name, seconds) in [("late", 500), ("early", 5), ("last", 600)] {
        must("a user", commit(bench.store, user(name), ada(), seconds).await);
    }
    let all = trail(bench).await;
    let keep = Retention { changes: Some(3), attempts: 3 };
    for limit in [-1, 0, 4, 5, 9, 10, 19, 20, 499, 500, 599, 600] {
        forget(bench, keep, 3 * DAY + limit).await;
        let kept: Vec<AuditRow> = all.iter().filter(|row| row.at > at(limit)).cloned().collect();
        assert_eq!(trail(bench).await, kept, "what is younger than three days at {limit} stays");
    }
}

async fn set_tier<S: IdentityStore>(bench: &Bench<'_, S>, account: AccountId, seconds: i64) {
    let effect = SetTier { account, tier: Tier::Free };
    must("a tier is set", commit(bench.store, effect, operator(), seconds).await);
}

/// The id and the number of the newest row of an account.
async fn newest<S: IdentityStore>(bench: &Bench<'_, S>, account: AccountId) -> (i64, Option<i64>) {
    let rows = trail(bench).await;
    let row = rows.iter().rfind(|row| row.account_id == Some(account.0));
    must("a row of the account", row.map(|row| (row.id, row.account_seq)).ok_or("none"))
}

/// Against a store that numbers by what is left, in which a gap that somebody made could not be seen, or that gives an id again: who
/// reads on from a row would not see the new one.
pub(crate) async fn numbers_and_ids_go_on_after_rows_were_forgotten<S: IdentityStore>(bench: &Bench<'_, S>) {
    let keep = Retention { changes: Some(1), attempts: 1 };
    let other = must("an account", commit(bench.store, account("other"), ada(), 0).await);
    for seconds in 1..4 {
        set_tier(bench, other, seconds).await;
    }
    let of_bench = newest(bench, bench.account).await;
    let mut last = newest(bench, other).await;
    assert_eq!(last.1, Some(4), "one row made it, and three changed it");
    for round in 1..3 {
        forget(bench, keep, (2 * round) * DAY).await;
        assert_eq!(trail(bench).await, Vec::new(), "all are forgotten");
        set_tier(bench, other, 2 * round * DAY).await;
        let next = newest(bench, other).await;
        assert!(next.0 > last.0, "no id is given again");
        assert_eq!(next.1, last.1.map(|number| number + 1), "the number is the next one");
        last = next;
    }
    set_tier(bench, bench.account, 4 * DAY).await;
    let next = newest(bench, bench.account).await;
    assert_eq!(next.1, of_bench.1.map(|number| number + 1), "and so it is in each account");
}

/// The number of a row that was forgotten before one with a lower number, of a time that was taken back: it is not given again.
pub(crate) async fn a_number_is_not_given_again_where_a_later_row_was_forgotten_first<S: IdentityStore>(
    bench: &Bench<'_, S>,
) {
    let keep = Retention { changes: Some(1), attempts: 1 };
    let other = must("an account", commit(bench.store, account("other"), ada(), 100).await);
    set_tier(bench, other, 100).await;
    set_tier(bench, other, 0).await;
    assert_eq!(newest(bench, other).await.1, Some(3), "by the order in which they were written");
    forget(bench, keep, DAY).await;
    assert_eq!(newest(bench, other).await.1, Some(2), "the last one is gone");
    set_tier(bench, other, 101).await;
    assert_eq!(newest(bench, other).await.1, Some(4), "and its number with it");
}

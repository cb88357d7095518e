//! The rules of what happens once: of two who are at it at the same time, and of a request that is sent again.

use super::bench::{Bench, archive, commit_with, go, if_match, join, leave, must, new_deal, no_deal, update};
use super::store::DealStore;
use keyward_core::denial::Denial;
use keyward_core::effect::{Answer, Commit, Effect, Ended};
use keyward_core::idempotency::{Claim, Claims, Fingerprint, Scope};
use keyward_core::json;
use keyward_core::permit::WriteDeals;
use keyward_core::preconditions::Preconditions;
use keyward_core::write::key::KeyMade;
use lev_deals::{Deal, DealId};
use uuid::Uuid;

/// A store that looks at the version outside the transaction that changes it.
pub(crate) async fn two_who_change_one_version_do_not_both_win<S: DealStore>(bench: &Bench<'_, S>) {
    let (admin, editor) = (&bench.people.admin, &bench.people.editor);
    let mut deal = bench.make(r#"{"title":"A"}"#).await;
    for round in 0..10 {
        let only = if_match(&deal.etag());
        let title = |who: &str| format!(r#"{{"title":"{who} {round}"}}"#);
        let (one, other) = tokio::join!(
            bench.by(admin, update(deal.id, &title("admin"), only.clone()), 1),
            bench.by(editor, update(deal.id, &title("editor"), only.clone()), 1),
        );
        let (won, lost) = match (one, other) {
            (Ok(won), Err(lost)) | (Err(lost), Ok(won)) => (won, lost),
            (one, other) => panic!("one of two wins: {one:?}, {other:?}"),
        };
        assert_eq!(lost, Denial::PreconditionFailed, "the other one is told that the state is over");
        assert_eq!(won.version, deal.version + 1, "it is one change");
        assert_eq!(bench.deal(admin, deal.id).await.as_ref(), Some(&won), "the winner's");
        deal = won;
    }
}

/// A store that looks at the team outside the transaction that changes it, or fails where it should refuse.
pub(crate) async fn who_is_put_on_a_team_twice_at_once_is_on_it_once<S: DealStore>(bench: &Bench<'_, S>) {
    let (people, none) = (&bench.people, Preconditions::NONE);
    let viewer = people.viewer.key.user;
    for _ in 0..5 {
        let deal = bench.make(r#"{"title":"A"}"#).await.id;
        let (one, other) = tokio::join!(
            bench.by(&people.admin, join(deal, viewer, none.clone()), 1),
            bench.by(&people.editor, join(deal, viewer, none.clone()), 1),
        );
        let refused = match (&one, &other) {
            (Ok(_), Err(refused)) | (Err(refused), Ok(_)) => refused,
            (one, other) => panic!("one of two puts it there: {one:?}, {other:?}"),
        };
        assert!(matches!(refused, Denial::Invalid(_)), "the other one is refused: {refused:?}");
        let team = must("a team", bench.team(&people.admin, deal).await.ok_or("none"));
        assert_eq!(team.total, 2, "it is there once, beside the maker");
    }
}

/// The claim of a request to make a deal.
pub(crate) fn claim<S>(bench: &Bench<'_, S>, who: &KeyMade, key: u128, body: &str) -> Claim {
    let parsed = must("a body", json::parse(body.as_bytes()));
    let print = Fingerprint::of("POST", "/deals", "", Some(&parsed));
    let scope = Scope { account: Some(who.key.account), user: who.key.user };
    let (people, key) = (&bench.people, Uuid::from_u128(key));
    must("a claim", Claims::new(&people.root).claim(scope, key, print, &people.random))
}

/// Makes a deal with an `Idempotency-Key`.
pub(crate) async fn make_once<S: DealStore>(
    bench: &Bench<'_, S>,
    who: &KeyMade,
    key: u128,
    body: &str,
    seconds: i64,
) -> Ended<Deal> {
    let claim = claim(bench, who, key, body);
    let ended = commit_with(bench.store, new_deal(body), bench.permit(who), Some(claim), seconds).await;
    must("a commit works", ended)
}

/// The answer of one that was executed.
pub(crate) fn first(ended: Ended<Deal>) -> (Deal, Answer) {
    let Ended::Done(deal, answer) = ended else { panic!("it is executed: {ended:?}") };
    (deal, answer)
}

const BODY: &str = r#"{"title":"Once"}"#;

/// A store that keeps no answer, keeps it apart from the write, or looks keys up without their user.
pub(crate) async fn a_deal_is_made_once_for_one_key<S: DealStore>(bench: &Bench<'_, S>) {
    let people = &bench.people;
    let (made, answer) = first(make_once(bench, &people.editor, 1, BODY, 0).await);
    for seconds in [0, 5, 3_600] {
        let again = make_once(bench, &people.editor, 1, BODY, seconds).await;
        let Ended::Replayed(replayed) = again else { panic!("it is not executed again: {again:?}") };
        assert_eq!(replayed, answer, "the answer is the first one, byte for byte");
    }
    assert_eq!(bench.ids(&people.admin, "").await, [made.id], "there is one deal");
    assert_eq!(bench.audit("deal.create").await.len(), 1, "and one row");
    let reused = make_once(bench, &people.editor, 1, r#"{"title":"Twice"}"#, 6).await;
    assert!(
        matches!(reused, Ended::Refused(Denial::IdempotencyKeyReused)),
        "another request with that key is refused: {reused:?}"
    );
    let (others, _) = first(make_once(bench, &people.admin, 1, BODY, 7).await);
    assert_ne!(others.id, made.id, "another user's key is another one");
    let (abroad, _) = first(make_once(bench, &people.abroad, 1, BODY, 8).await);
    assert_eq!(abroad.owner_account, people.other_account, "and so is the same user's in another account");
    let (one, other) = tokio::join!(
        make_once(bench, &people.second, 2, BODY, 9),
        make_once(bench, &people.second, 2, BODY, 9)
    );
    let made = [&one, &other].into_iter().filter(|ended| matches!(ended, Ended::Done(..))).count();
    assert_eq!(made, 1, "two at once make one: {one:?}, {other:?}");
    assert_eq!(bench.list(&people.second, "").await.total, 1, "as is read");
}

/// A write of a deal is done, and its retry changes nothing and is answered by the first answer.
async fn done_once<S, E>(bench: &Bench<'_, S>, deal: DealId, key: u128, what: &str, effect: impl Fn() -> E)
where
    S: DealStore + Commit<E>,
    E: Effect<Action = WriteDeals>,
{
    let editor = &bench.people.editor;
    let version = bench.whole(deal).await.0.version;
    let send = async |seconds| {
        let claim = claim(bench, editor, key, "{}");
        let sent = commit_with(bench.store, effect(), bench.permit(editor), Some(claim), seconds).await;
        must(what, sent)
    };
    let Ended::Done(_, answer) = send(1).await else { panic!("{what} is done") };
    let after = bench.whole(deal).await;
    assert_eq!(after.0.version, version + 1, "{what} is a change");
    let Ended::Replayed(again) = send(2).await else { panic!("{what} is not done again") };
    assert_eq!(again, answer, "{what} is answered as it was");
    assert_eq!(bench.whole(deal).await, after, "{what} changes nothing when it is sent again");
    let (admin, user) = (&bench.people.admin, editor.key.user);
    must("the editor leaves the team", bench.by(admin, leave(deal, user, Preconditions::NONE), 3).await);
    let Ended::Refused(denial) = send(4).await else { panic!("{what} is not answered to everyone") };
    assert_eq!(denial, no_deal(deal), "the answer to {what} is for those who see the deal");
    must("and comes back", bench.by(admin, join(deal, user, Preconditions::NONE), 5).await);
}

/// A store that forgets one of the writes: its retry would be done again, or refused.
pub(crate) async fn each_write_of_a_deal_is_done_once_for_one_key<S: DealStore>(bench: &Bench<'_, S>) {
    let (deal, none) = (bench.make(BODY).await.id, || Preconditions::NONE);
    let viewer = bench.people.viewer.key.user;
    let (pipeline, _) = bench.both_pipelines().await;
    done_once(bench, deal, 1, "a change", || update(deal, r#"{"title":"B"}"#, none())).await;
    done_once(bench, deal, 2, "a new team member", || join(deal, viewer, none())).await;
    done_once(bench, deal, 3, "a move", || go(deal, pipeline.id, None, none())).await;
    done_once(bench, deal, 4, "a team member who leaves", || leave(deal, viewer, none())).await;
    done_once(bench, deal, 5, "an archiving", || archive(deal, none())).await;
}

/// A store that answers by the key alone, whatever its user has lost since.
pub(crate) async fn an_answer_is_replayed_only_to_who_still_sees_the_deal<S: DealStore>(
    bench: &Bench<'_, S>,
) {
    let people = &bench.people;
    let (made, _) = first(make_once(bench, &people.editor, 1, BODY, 0).await);
    let editor = people.editor.key.user;
    let off = leave(made.id, editor, Preconditions::NONE);
    must("its maker is taken off", bench.by(&people.admin, off, 1).await);
    let again = make_once(bench, &people.editor, 1, BODY, 2).await;
    let Ended::Refused(denial) = again else { panic!("it is shown no more: {again:?}") };
    assert_eq!(denial, no_deal(made.id), "it is as if there were no such deal");
    assert_eq!(bench.list(&people.admin, "").await.total, 1, "and it is not made again");
}

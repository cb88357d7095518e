//! The rules of pipelines: which there are, and where deals stand in them.

use super::bench::{Bench, after, at, go, must, new_account, new_deal, operate, refused_field};
use super::store::DealStore;
use keyward_core::permit::ReadPipelines;
use keyward_core::preconditions::Preconditions;
use keyward_core::write::member::RemoveMember;
use lev_deals::Pipeline;
use lev_deals::pipeline::Place;
use lev_deals::write::GivePipelines;

/// The id of a status, by its key.
fn status(pipeline: &Pipeline, key: &str) -> i64 {
    let found = pipeline.statuses.iter().find(|status| status.status == key);
    must("a usual status", found.ok_or(key)).id
}

/// A store that gives twice, misses an account, or does not keep the order.
pub(crate) async fn every_account_without_pipelines_is_given_the_usual_ones<S: DealStore>(
    bench: &Bench<'_, S>,
) {
    let people = &bench.people;
    let lacks = async || must("it is known", bench.store.lacks_pipelines().await);
    assert!(!lacks().await, "no account lacks pipelines");
    let rows = bench.audit("pipelines.give").await;
    let told: Vec<_> = rows.iter().map(|row| (row.account_id, row.detail.clone())).collect();
    assert_eq!(told, [(None, Some(serde_json::json!({ "accounts": 2 })))], "both were given some at once");
    assert_eq!(operate(bench.store, GivePipelines).await.0, 0, "who has some is given none");
    assert_eq!(bench.audit("pipelines.give").await, rows, "which leaves no row");
    let before = bench.pipelines(&people.admin).await;
    new_account(bench.store, "initech").await;
    assert!(lacks().await, "a new account lacks them");
    assert_eq!(operate(bench.store, GivePipelines).await.0, 1, "and is given them");
    assert!(!lacks().await, "then it has them");
    assert_eq!(bench.pipelines(&people.admin).await, before, "and others have those that they had");
    let kinds: Vec<_> = before.iter().map(|one| (one.pipeline_type.as_deref(), one.order)).collect();
    assert_eq!(kinds, [(Some("financing"), 1), (Some("acquisition"), 2)], "the usual ones, in their order");
    for (pipeline, keys) in before.iter().zip([
        ["new", "quoting", "term_sheet", "closing", "closed"],
        ["new", "underwriting", "offer", "diligence", "closed"],
    ]) {
        let statuses = pipeline.statuses.iter().map(|status| (status.status.as_str(), status.order));
        let expected: Vec<_> = keys.into_iter().zip(1..).collect();
        assert_eq!(statuses.collect::<Vec<_>>(), expected, "and their statuses in theirs");
    }
}

/// A store that lets a deal stand in two statuses of a pipeline, or in one pipeline only, or tells of a move that is none.
pub(crate) async fn a_deal_stands_in_one_status_of_each_pipeline<S: DealStore>(bench: &Bench<'_, S>) {
    let (editor, none) = (&bench.people.editor, Preconditions::NONE);
    let (first, second) = bench.both_pipelines().await;
    let deal = bench.make(r#"{"title":"A"}"#).await.id;
    let other = bench.make(&format!(r#"{{"title":"B","pipeline_ids":[{}]}}"#, first.id)).await.id;
    let to = async |pipeline, status, seconds| {
        must("a move", bench.by(editor, go(deal, pipeline, status, none.clone()), seconds).await)
    };
    let at_first = to(first.id, None, 1).await;
    let told = (at_first.pipeline_status_id, at_first.status_name.as_str(), at_first.now);
    assert_eq!(told, (status(&first, "new"), "new", true), "without a status it is the first");
    let closing = status(&first, "closing");
    let moved = to(first.id, Some(closing), 2).await;
    assert_eq!(
        (moved.status_name.as_str(), moved.updated_at, moved.now),
        ("closing", at(2), true),
        "it moves"
    );
    let before = bench.whole(deal).await;
    let stays = to(first.id, Some(closing), 3).await;
    assert_eq!((stays.updated_at, stays.now), (at(2), false), "where it stands already it stays, since then");
    assert_eq!(bench.whole(deal).await, before, "and nothing has changed");
    to(second.id, Some(status(&second, "offer")), 4).await;
    let place = |pipeline: &Pipeline, status: &str, seconds| Place {
        pipeline_id: pipeline.id,
        status_name: status.to_owned(),
        updated_at: at(seconds),
    };
    let places = bench.whole(deal).await.1.pipelines;
    let expected = vec![place(&second, "offer", 4), place(&first, "closing", 2)];
    assert_eq!(places, Some(expected), "it stands in both pipelines, the newest first");
    to(first.id, Some(status(&first, "new")), 5).await;
    let places = bench.whole(deal).await.1.pipelines;
    let expected = vec![place(&first, "new", 5), place(&second, "offer", 4)];
    assert_eq!(places, Some(expected), "and can go back");
    let places = bench.whole(other).await.1.pipelines;
    assert_eq!(places, Some(vec![place(&first, "new", 0)]), "another deal stands where it stood");
}

/// A store that takes any status or any pipeline that there is.
pub(crate) async fn a_target_is_a_status_of_a_pipeline_of_the_account<S: DealStore>(bench: &Bench<'_, S>) {
    let (people, none) = (&bench.people, Preconditions::NONE);
    let (first, second) = bench.both_pipelines().await;
    let theirs = bench.pipelines(&people.stranger).await;
    let foreign = must("a pipeline", theirs.first().ok_or("none"));
    let deal = bench.make(r#"{"title":"A"}"#).await.id;
    let before = bench.whole(deal).await;
    for (pipeline, status, field) in [
        (foreign.id, None, "pipeline_id"),
        (foreign.id, Some(status(foreign, "new")), "pipeline_id"),
        (foreign.id + 1_000, None, "pipeline_id"),
        (first.id, Some(status(&second, "offer")), "pipeline_status_id"),
        (first.id, Some(status(foreign, "new")), "pipeline_status_id"),
        (first.id, Some(status(foreign, "new") + 1_000), "pipeline_status_id"),
    ] {
        let refused = bench.by(&people.editor, go(deal, pipeline, status, none.clone()), 1).await;
        assert_eq!(refused_field(refused).as_deref(), Some(field), "{status:?} of pipeline {pipeline}");
        assert_eq!(bench.whole(deal).await, before, "a refusal moves nothing");
    }
    let abroad = format!(r#"{{"title":"B","pipeline_ids":[{},{}]}}"#, first.id, foreign.id);
    let refused = refused_field(bench.by(&people.editor, new_deal(&abroad), 1).await);
    assert_eq!(refused.as_deref(), Some("pipeline_ids"), "nor does a new deal stand in another account's");
}

/// A store that shows pipelines by their id alone, or to who left.
pub(crate) async fn pipelines_are_shown_to_the_members_of_their_account<S: DealStore>(bench: &Bench<'_, S>) {
    let people = &bench.people;
    let (first, second) = bench.both_pipelines().await;
    assert_eq!(first.owner_account_id, people.account.0, "a pipeline is of its account");
    let permit = bench.permit::<ReadPipelines>(&people.viewer);
    let page = async |from| must("a page", bench.store.list_pipelines(&permit, after(from, 1)).await);
    let one = async |id| must("a pipeline", bench.store.get_pipeline(&permit, id).await);
    let (head, tail) = (page(0).await, page(first.id).await);
    assert_eq!((head.items, head.total, head.has_more), (vec![first.clone()], 2, true), "a page of them");
    assert_eq!((tail.items, tail.total, tail.has_more), (vec![second], 2, false), "and the last one");
    assert_eq!(one(first.id).await.as_ref(), Some(&first), "one alone is the same");
    let theirs = bench.pipelines(&people.abroad).await;
    assert!(
        theirs.iter().all(|pipeline| pipeline.owner_account_id == people.other_account.0),
        "each has its own"
    );
    for foreign in theirs {
        assert_eq!(one(foreign.id).await, None, "another account's is not there");
    }
    operate(bench.store, RemoveMember { account: people.account, user: people.viewer.key.user }).await;
    assert_eq!(one(first.id).await, None, "nor is any for who left");
    assert_eq!(page(0).await.total, 0, "not even in number");
}

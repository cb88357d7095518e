//! The rules of what is there after the store was closed and opened again.

use super::bench::{Bench, archive, go, if_match, join, must, update};
use super::once::{first, make_once};
use super::store::DealHome;
use keyward_core::effect::Ended;
use keyward_core::preconditions::Preconditions;

/// A store that answers before what it did is kept, or keeps a part of it in memory alone.
pub(crate) async fn all_is_there_after_the_store_was_opened_again<H: DealHome>(home: &H) {
    let store = home.open();
    let bench = Bench::new(&store).await;
    let (editor, none) = (&bench.people.editor, Preconditions::NONE);
    let (pipeline, _) = bench.both_pipelines().await;
    let status = pipeline.statuses.last().map(|status| status.id);
    let deal = bench.make(r#"{"title":"A","loan_amount":0.01}"#).await.id;
    let figures = r#"{"title":"B","deal_financials":{"land_cost":1.5}}"#;
    must("changed", bench.by(editor, update(deal, figures, none.clone()), 1).await);
    must("joined", bench.by(editor, join(deal, bench.people.viewer.key.user, none.clone()), 2).await);
    must("moved", bench.by(editor, go(deal, pipeline.id, status, none.clone()), 3).await);
    let archived = bench.make(r#"{"title":"C"}"#).await.id;
    must("archived", bench.by(editor, archive(archived, none.clone()), 4).await);
    let before = (bench.whole(deal).await, bench.whole(archived).await, bench.pipelines(editor).await);
    let trail = bench.audit("*").await;
    let people = bench.leave();
    drop(store);
    let store = home.open();
    let bench = people.on(&store);
    let after =
        (bench.whole(deal).await, bench.whole(archived).await, bench.pipelines(&bench.people.editor).await);
    assert_eq!(after, before, "everything is as it was");
    assert_eq!(bench.audit("*").await, trail, "with its trail");
    assert!(bench.deal(&bench.people.viewer, deal).await.is_some(), "who was on a team is on it");
    let next = bench.make(r#"{"title":"D"}"#).await.id;
    assert!(next > archived, "ids go on from where they were");
    let (current, _) = bench.whole(deal).await;
    let change = update(deal, r#"{"title":"E"}"#, if_match(&current.etag()));
    let changed = must("it can be changed", bench.by(&bench.people.editor, change, 5).await);
    assert_eq!(changed.version, current.version + 1, "and its versions go on, too");
}

/// A store that keeps answers in memory alone.
pub(crate) async fn a_key_that_was_used_before_the_store_was_opened_again_makes_nothing<H: DealHome>(
    home: &H,
) {
    const BODY: &str = r#"{"title":"Once"}"#;
    let store = home.open();
    let bench = Bench::new(&store).await;
    let (made, answer) = first(make_once(&bench, &bench.people.editor, 1, BODY, 0).await);
    let people = bench.leave();
    drop(store);
    let store = home.open();
    let bench = people.on(&store);
    let again = make_once(&bench, &bench.people.editor, 1, BODY, 5).await;
    let Ended::Replayed(replayed) = again else { panic!("it was made before: {again:?}") };
    assert_eq!(replayed, answer, "the answer is the first one");
    assert_eq!(bench.ids(&bench.people.editor, "").await, [made.id], "and there is one deal");
}

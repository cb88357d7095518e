//! The rules of a deal: it is made, read, changed and archived.

use super::bench::{
    Bench, archive, at, commit_with, go, if_match, if_none_match, join, leave, must, new_deal, no_deal,
    operate, refused_field, update,
};
use super::store::DealStore;
use keyward_core::denial::Denial;
use keyward_core::effect::{Commit, Effect, Ended};
use keyward_core::input::Field;
use keyward_core::money::Cents;
use keyward_core::permit::WriteDeals;
use keyward_core::preconditions::Preconditions;
use lev_deals::financials::{Figure, FinancialChanges};
use lev_deals::pipeline::Place;
use lev_deals::write::{ArchiveDeal, SeedDeal, SeedDeals};
use lev_deals::{Deal, DealId};
use serde_json::{Value, json};

const EVERYTHING: &str = r#""title":"123 Main St","loan_amount":5000000.5,"loan_type":"land",
    "transaction_type":"purchase","business_plan":"value_add","description":"","estimated_close_date":"2026-06-01""#;

/// A store that loses a field, mixes two up, or forgets the maker.
pub(crate) async fn a_deal_is_made_as_it_was_asked_for_and_its_maker_leads_it<S: DealStore>(
    bench: &Bench<'_, S>,
) {
    let editor = &bench.people.editor;
    let (pipeline, _) = bench.both_pipelines().await;
    let body =
        format!(r#"{{{EVERYTHING},"deal_financials":{{"land_cost":1.5}},"pipeline_ids":[{}]}}"#, pipeline.id);
    let ended = commit_with(bench.store, new_deal(&body), bench.permit(editor), None, 5).await;
    let Ended::Done(made, answer) = must("a deal is made", ended) else { panic!("an editor makes deals") };
    let expected = Deal {
        id: made.id,
        loan_amount: Cents::new(500_000_050),
        loan_type: Some("land"),
        transaction_type: Some("purchase"),
        business_plan: Some("value_add"),
        description: Some(String::new()),
        estimated_close_date: Some("2026-06-01".to_owned()),
        ..Deal::new(bench.people.account, "123 Main St".to_owned(), at(5))
    };
    assert_eq!(made, expected, "a deal is what was asked for");
    let told = (answer.status, answer.etag, answer.location);
    assert_eq!(told, (201, Some(made.etag()), Some(made.path())), "the answer names state and place");
    assert_eq!(bench.deal(editor, made.id).await.as_ref(), Some(&expected), "and is read like that");
    let (_, hanging) = bench.whole(made.id).await;
    let team = must("a team", hanging.team.ok_or("none"));
    let team: Vec<_> = team.iter().map(|m| (m.user_id, m.deal_role.as_deref(), m.is_primary)).collect();
    assert_eq!(team, [(editor.key.user.0, Some("deal_lead"), true)], "its maker leads it");
    let place = Place { pipeline_id: pipeline.id, status_name: "new".to_owned(), updated_at: at(5) };
    assert_eq!(hanging.pipelines, Some(vec![place]), "it stands at the first status");
    let record = must("financials", hanging.financials.flatten().ok_or("none"));
    let known: Vec<_> = record.figures.iter().flatten().collect();
    assert_eq!((record.deal, known.len()), (made.id, 1), "it has the figure that was sent");
    assert_eq!(hanging.properties, Some(Vec::new()), "and no property");
    let other = bench.make(r#"{"title":"Other"}"#).await;
    assert_ne!(other.id, made.id, "each deal has an id of its own");
}

/// A store that takes what is absent for null, counts no version, or changes a second row.
pub(crate) async fn a_change_touches_what_was_sent_and_is_a_new_version<S: DealStore>(bench: &Bench<'_, S>) {
    let editor = &bench.people.editor;
    let made = bench.make(&format!("{{{EVERYTHING}}}")).await;
    let other = bench.make(r#"{"title":"Other"}"#).await;
    let change = update(made.id, r#"{"loan_amount":100.10,"loan_type":null}"#, Preconditions::NONE);
    let ended = commit_with(bench.store, change, bench.permit(editor), None, 10).await;
    let Ended::Done(done, answer) = must("a change", ended) else { panic!("an editor changes its deals") };
    let expected = Deal {
        loan_amount: Cents::new(10_010),
        loan_type: None,
        version: made.version + 1,
        updated_at: at(10),
        ..made.clone()
    };
    assert_eq!(done, expected, "what was sent is changed, null clears, and the rest stays");
    assert_eq!(answer.etag, Some(expected.etag()), "the answer names the new state");
    assert_ne!(expected.etag(), made.etag(), "which is not the old one");
    assert_eq!(bench.deal(editor, made.id).await, Some(expected), "it is read like that");
    let rest = r#"{"title":"New","transaction_type":"tbd","business_plan":"land","description":"d","estimated_close_date":null}"#;
    let done = must("a change", bench.by(editor, update(made.id, rest, Preconditions::NONE), 20).await);
    let read = bench.deal(editor, made.id).await;
    assert_eq!((read.as_ref(), done.version), (Some(&done), made.version + 2), "every change counts");
    assert_eq!(
        (done.title.as_str(), done.transaction_type, done.business_plan, done.description.as_deref()),
        ("New", Some("tbd"), Some("land"), Some("d")),
        "each field is changed by its name"
    );
    assert_eq!(done.estimated_close_date, None, "a date can be cleared");
    assert_eq!(bench.deal(editor, other.id).await, Some(other), "another deal is as it was");
}

/// A write is guarded by the state of its deal, and counts as a change of it.
async fn guarded<S, E>(bench: &Bench<'_, S>, deal: DealId, what: &str, effect: impl Fn(Preconditions) -> E)
where
    S: DealStore + Commit<E>,
    E: Effect<Action = WriteDeals>,
{
    let people = &bench.people;
    let before = bench.whole(deal).await;
    let (now, over) = (before.0.etag(), deal.etag(before.0.version - 1));
    let stale = bench.by(&people.editor, effect(if_match(&over)), 1).await.err();
    assert_eq!(stale, Some(Denial::PreconditionFailed), "{what}: a state that is over is not changed");
    let not_this = bench.by(&people.editor, effect(if_none_match(&now)), 1).await.err();
    assert_eq!(not_this, Some(Denial::PreconditionFailed), "{what}: nor one that was excluded");
    let unseen = bench.by(&people.second, effect(if_match(&over)), 1).await.err();
    assert_eq!(unseen, Some(no_deal(deal)), "{what}: what is not seen is not there, whatever its state");
    assert_eq!(bench.whole(deal).await, before, "{what}: a refusal changes nothing");
    // Each at a moment of its own.
    let version = before.0.version;
    must(what, bench.by(&people.editor, effect(if_match(&now)), version).await.map(drop));
    let (after, _) = bench.whole(deal).await;
    assert_eq!(
        (after.version, after.updated_at),
        (version + 1, at(version)),
        "{what} is a new state of the deal"
    );
    let again = bench.by(&people.editor, effect(if_match(&now)), 9).await.err();
    assert_eq!(again, Some(Denial::PreconditionFailed), "{what}: the state before is over");
}

/// A store that does not look at a condition, looks before it knows who asks, or forgets to count a change of what hangs on a deal.
pub(crate) async fn a_condition_is_held_against_the_state_of_now<S: DealStore>(bench: &Bench<'_, S>) {
    let deal = bench.make(r#"{"title":"A"}"#).await.id;
    let viewer = bench.people.viewer.key.user;
    let (pipeline, _) = bench.both_pipelines().await;
    guarded(bench, deal, "a change", |only| update(deal, r#"{"title":"B"}"#, only)).await;
    let figures = r#"{"deal_financials":{"land_cost":1}}"#;
    guarded(bench, deal, "a change of figures", |only| update(deal, figures, only)).await;
    guarded(bench, deal, "a new team member", |only| join(deal, viewer, only)).await;
    guarded(bench, deal, "a move", |only| go(deal, pipeline.id, None, only)).await;
    guarded(bench, deal, "a team member who leaves", |only| leave(deal, viewer, only)).await;
    guarded(bench, deal, "an archiving", |only| archive(deal, only)).await;
}

pub(crate) async fn what_is_no_deal_is_not_found_as_it_was_sent<S: DealStore>(bench: &Bench<'_, S>) {
    let admin = &bench.people.admin;
    let deal = bench.make(r#"{"title":"A"}"#).await.id;
    let nobodys = DealId(deal.0 + 1_000);
    assert_eq!(bench.deal(admin, nobodys).await, None, "an id that no deal has");
    let missing = bench.by(admin, archive(nobodys, if_match("\"d1-1\"")), 1).await.err();
    assert_eq!(missing, Some(no_deal(nobodys)), "is not found, whatever the condition");
    let unread = ArchiveDeal { deal: None, as_sent: "x".to_owned(), conditions: Preconditions::NONE };
    let missing = bench.by(admin, unread, 1).await.err();
    assert_eq!(missing, Some(Denial::not_found("Deal", "x")), "nor is what is no id");
    assert!(bench.whole(deal).await.0.archived_at.is_none(), "and no other deal is taken for it");
}

/// A store that takes an archived deal away, moves its moment, or tells twice of one archiving.
pub(crate) async fn an_archived_deal_is_listed_and_archived_once<S: DealStore>(bench: &Bench<'_, S>) {
    let editor = &bench.people.editor;
    let made = bench.make(r#"{"title":"A"}"#).await;
    let kept = bench.make(r#"{"title":"B"}"#).await.id;
    let end = |seconds| bench.by(editor, archive(made.id, Preconditions::NONE), seconds);
    assert!(must("a deal is archived", end(7).await).now, "the first time archives it");
    let archived =
        Deal { archived_at: Some(at(7)), updated_at: at(7), version: made.version + 1, ..made.clone() };
    assert_eq!(bench.deal(editor, made.id).await.as_ref(), Some(&archived), "it can still be read");
    assert!(!must("again", end(9).await).now, "the second time changes nothing");
    assert_eq!(bench.deal(editor, made.id).await.as_ref(), Some(&archived), "nor its moment");
    assert_eq!(bench.audit("deal.archive").await.len(), 1, "and leaves no row");
    for (query, shown) in [
        ("", vec![made.id, kept]),
        ("filter[archived]=true", vec![made.id]),
        ("filter[archived]=false", vec![kept]),
    ] {
        assert_eq!(bench.ids(editor, query).await, shown, "a list shows it where it belongs: {query}");
    }
    let change = update(made.id, r#"{"title":"C"}"#, Preconditions::NONE);
    let changed = must("an archived deal can be changed", bench.by(editor, change, 11).await);
    assert_eq!(changed.archived_at, Some(at(7)), "and stays archived");
    assert_eq!(bench.deal(editor, made.id).await, Some(changed), "as it is read");
}

/// A store that keeps money as a float, or in units.
pub(crate) async fn money_is_kept_to_the_cent<S: DealStore>(bench: &Bench<'_, S>) {
    let editor = &bench.people.editor;
    let largest = Cents::MAX.get();
    for cents in [0, 1, 10, 99, 10_010, 650_000_025, largest - 1, largest] {
        let amount = must("an amount", Cents::new(cents).ok_or(cents));
        let mut deal = new_deal(r#"{"title":"A"}"#);
        deal.0.fields.loan_amount = Field::Value(amount);
        let nothing = Field::Absent;
        deal.0.fields.financials =
            Field::Value(FinancialChanges([Field::Value(amount), nothing, nothing, nothing, nothing]));
        let ended = commit_with(bench.store, deal, bench.permit(editor), None, 0).await;
        let Ended::Done(made, answer) = must("a deal", ended) else { panic!("it is made") };
        let (read, hanging) = bench.whole(made.id).await;
        assert_eq!(read.loan_amount, Some(amount), "an amount is read as it was written");
        let figures = hanging.financials.flatten().map(|record| record.figures);
        let first = figures.into_iter().flatten().next().flatten();
        assert_eq!(first, Some(Figure::Money(amount)), "and so is a figure");
        let text = amount.to_json_text();
        let body = must("a text", String::from_utf8(answer.body));
        assert!(body.contains(&format!("\"loan_amount\":{text},")), "it is answered to the cent: {body}");
        let equal = format!("filter[loan_amount]={text}");
        assert_eq!(bench.ids(editor, &equal).await, [made.id], "and is found by it");
    }
}

/// A store that executes in more than one transaction, or commits what it refuses.
pub(crate) async fn a_refused_write_leaves_nothing_of_itself<S: DealStore>(bench: &Bench<'_, S>) {
    let editor = &bench.people.editor;
    let made = bench.make(r#"{"title":"A"}"#).await;
    let before = bench.whole(made.id).await;
    let trail = bench.audit("deal.*").await;
    let nothing_to_clear = r#"{"title":"B","deal_financials":{"land_cost":null}}"#;
    let refused = bench.by(editor, update(made.id, nothing_to_clear, Preconditions::NONE), 5).await;
    let field = refused_field(refused);
    assert_eq!(field.as_deref(), Some("deal_financials"), "there is nothing to clear");
    assert_eq!(bench.whole(made.id).await, before, "so the title stays, too");
    let (pipeline, _) = bench.both_pipelines().await;
    let nowhere = format!(r#"{{"title":"C","pipeline_ids":[{},{}]}}"#, pipeline.id, pipeline.id + 1_000);
    let refused = refused_field(bench.by(editor, new_deal(&nowhere), 5).await);
    assert_eq!(refused.as_deref(), Some("pipeline_ids"), "one of the pipelines is none");
    assert_eq!(bench.list(&bench.people.admin, "").await.total, 1, "so no deal is made");
    assert_eq!(bench.audit("deal.*").await, trail, "a refusal leaves no row");
}

/// A store that forgets a row, tells the wrong deed or person, or tells of what changed nothing.
pub(crate) async fn each_effect_leaves_its_row_in_the_trail<S: DealStore>(bench: &Bench<'_, S>) {
    let (people, none) = (&bench.people, Preconditions::NONE);
    let (editor, admin, viewer) = (&people.editor, &people.admin, people.viewer.key.user);
    let (pipeline, _) = bench.both_pipelines().await;
    let status = must("a status", pipeline.statuses.first().ok_or("none")).id;
    let deal = must("made", bench.by(editor, new_deal(r#"{"title":"A"}"#), 1).await).id;
    must("changed", bench.by(admin, update(deal, r#"{"title":"B"}"#, none.clone()), 2).await);
    must("joined", bench.by(editor, join(deal, viewer, none.clone()), 3).await);
    must("moved", bench.by(editor, go(deal, pipeline.id, None, none.clone()), 4).await);
    must("it stays", bench.by(editor, go(deal, pipeline.id, Some(status), none.clone()), 5).await);
    must("left", bench.by(editor, leave(deal, viewer, none.clone()), 6).await);
    must("archived", bench.by(admin, archive(deal, none.clone()), 7).await);
    must("it is", bench.by(admin, archive(deal, none.clone()), 8).await);
    let (account, seeded) = (people.other_account, "Sample".to_owned());
    let seeds = vec![SeedDeal::plain(Deal::new(account, seeded, at(0)), vec![people.stranger.key.user])];
    operate(bench.store, SeedDeals { account, deals: seeds }).await;
    let rows = bench.audit("deal.*").await;
    let row = |action: &'static str, seconds, who: Option<i64>, detail: Value| {
        let about =
            if who.is_some() { ("deal", deal.0, people.account) } else { ("account", account.0, account) };
        (action, at(seconds), who, about.0, about.1, Some(about.2.0), Some(detail).filter(|d| !d.is_null()))
    };
    let (by_editor, by_admin) = (Some(editor.key.user.0), Some(admin.key.user.0));
    let expected = [
        row("deal.create", 1, by_editor, Value::Null),
        row("deal.update", 2, by_admin, Value::Null),
        row(
            "deal.team_add",
            3,
            by_editor,
            json!({ "user_id": viewer, "deal_role": "closer", "is_primary": false }),
        ),
        row("deal.move", 4, by_editor, json!({ "pipeline_id": pipeline.id, "pipeline_status_id": status })),
        row("deal.team_remove", 6, by_editor, json!({ "user_id": viewer })),
        row("deal.archive", 7, by_admin, Value::Null),
        row("deal.seed", 0, None, Value::Null),
    ];
    let told: Vec<_> = rows
        .iter()
        .map(|r| {
            let about = (r.subject_kind.as_str(), r.subject_id, r.account_id);
            (r.action.as_str(), r.at, r.actor_user_id, about.0, about.1, about.2, r.detail.clone())
        })
        .collect();
    assert_eq!(told, expected, "each deed has its row, and what changed nothing has none");
    let by_key =
        (rows.first().map(|row| row.credential_kind.as_str()), rows.first().map(|row| row.credential_id));
    assert_eq!(by_key, (Some("api_key"), Some(Some(editor.key.id.0))), "with the key that was used");
}

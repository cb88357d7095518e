//! The list grammar over HTTP, against a plain model: what is filtered, how it is sorted, and what a crawl by cursor promises.

use super::support::{Key, Persona, TestApp};
use keyward_core::clock::{Clock, Timestamp};
use keyward_core::grant::Grant;
use keyward_core::money::Cents;
use lev_deals::Deal;
use lev_deals::values::{BUSINESS_PLANS, LOAN_TYPES};
use lev_deals::write::{SeedDeal, SeedDeals};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;

/// Runs a law over generated input; each case on an app of its own.
fn law<S: Strategy, F: Future<Output = ()>>(cases: u32, strategy: S, law: impl Fn(S::Value) -> F) {
    let config = Config { cases, failure_persistence: None, ..Config::default() };
    let runtime = || tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    TestRunner::new(config)
        .run(&strategy, |value| {
            runtime().block_on(law(value));
            Ok(())
        })
        .unwrap();
}

/// A deal as the model knows it.
#[derive(Clone, Debug)]
struct Known {
    id: i64,
    title: String,
    amount: Option<i64>,
    loan_type: Option<&'static str>,
    plan: Option<&'static str>,
    created: i64,
    archived: bool,
    /// Whether the crawl of who is no admin sees it: whether its team includes them.
    seen: bool,
}

fn some_deal() -> impl Strategy<Value = Known> {
    let title =
        prop::sample::select(vec!["Alder", "alder", "Birch", "Canal Row", "Zürich", "ähre", "Alder 2"]);
    // Few values, so that many are equal.
    let amount =
        prop::option::weighted(0.8, prop::sample::select(vec![0, 1, 100, 150, 5_000_000, Cents::MAX.get()]));
    let loan_type = prop::option::weighted(0.8, prop::sample::select(LOAN_TYPES));
    let plan = prop::option::weighted(0.8, prop::sample::select(BUSINESS_PLANS));
    (title, amount, loan_type, plan, 0_i64..5, any::<bool>(), prop::bool::weighted(0.7)).prop_map(
        |(title, amount, loan_type, plan, created, archived, seen)| Known {
            id: 0,
            title: title.to_owned(),
            amount,
            loan_type,
            plan,
            created,
            archived,
            seen,
        },
    )
}

/// Makes these deals in harbor, which has one already; what the model knows of all.
async fn seeded(app: &TestApp, deals: Vec<Known>) -> Vec<Known> {
    let now = app.clock.now();
    let seed = |known: &Known| {
        let created = now.plus_seconds(known.created * 60);
        let mut deal = Deal::new(app.harbor, known.title.clone(), created);
        (deal.loan_amount, deal.loan_type) =
            (known.amount.map(|cents| Cents::new(cents).unwrap()), known.loan_type);
        (deal.business_plan, deal.archived_at) = (known.plan, known.archived.then_some(created));
        SeedDeal::plain(deal, known.seen.then_some(app.both.user).into_iter().collect())
    };
    let deals_to_make = deals.iter().map(seed).collect();
    app.operate(SeedDeals { account: app.harbor, deals: deals_to_make }).await;
    let first = Known {
        id: 5,
        title: "Harbor".to_owned(),
        amount: None,
        loan_type: None,
        plan: None,
        created: 0,
        archived: false,
        seen: false,
    };
    let numbered = deals.into_iter().zip(6..).map(|(deal, id)| Known { id, ..deal });
    std::iter::once(first).chain(numbered).collect()
}

async fn page(app: &TestApp, query: &str) -> Value {
    page_by(app, &app.stranger.key, query).await
}

async fn page_by(app: &TestApp, key: &Key, query: &str) -> Value {
    app.get(&format!("/deals?{query}")).key(key).expect(200).await.json()
}

fn ids(page: &Value) -> Vec<i64> {
    page["data"].as_array().unwrap().iter().map(|deal| deal["id"].as_i64().unwrap()).collect()
}

/// A condition of a filter.
#[derive(Clone, Debug)]
enum Condition {
    Amount(&'static str, i64),
    Kinds(Vec<&'static str>),
    Archived(bool),
    Created(&'static str, i64),
}

impl Condition {
    /// Name and value of its parameter.
    fn parameter(&self) -> (String, String) {
        match self {
            Self::Amount(operator, cents) => {
                (format!("filter[loan_amount][{operator}]"), Cents::new(*cents).unwrap().to_json_text())
            }
            Self::Kinds(kinds) => ("filter[loan_type]".to_owned(), kinds.join(",")),
            Self::Archived(wanted) => ("filter[archived]".to_owned(), wanted.to_string()),
            Self::Created(operator, at) => {
                // 15:30:45 is when the clock of the tests begins.
                let moment = Timestamp::from_unix(1_774_020_645 + at);
                (format!("filter[created_at][{operator}]"), moment.to_string())
            }
        }
    }

    fn passes(&self, deal: &Known) -> bool {
        match self {
            Self::Amount(operator, cents) => {
                deal.amount.is_some_and(|amount| compare(operator, amount, *cents))
            }
            Self::Kinds(kinds) => deal.loan_type.is_some_and(|kind| kinds.contains(&kind)),
            Self::Archived(wanted) => deal.archived == *wanted,
            Self::Created(operator, at) => compare(operator, deal.created * 60, *at),
        }
    }
}

fn some_condition() -> impl Strategy<Value = Condition> {
    let operator = || prop::sample::select(vec!["gt", "gte", "lt", "lte"]);
    let amounts = prop::sample::select(vec![0_i64, 1, 120, 5_000_000]);
    prop_oneof![
        (operator(), amounts).prop_map(|(operator, cents)| Condition::Amount(operator, cents)),
        prop::sample::subsequence(LOAN_TYPES, 1..3).prop_map(Condition::Kinds),
        any::<bool>().prop_map(Condition::Archived),
        (operator(), -30_i64..300).prop_map(|(operator, at)| Condition::Created(operator, at)),
    ]
}

fn compare(operator: &str, left: i64, right: i64) -> bool {
    match operator {
        "gt" => left > right,
        "gte" => left >= right,
        "lt" => left < right,
        _ => left <= right,
    }
}

#[test]
fn filters_and_orders_are_those_of_a_plain_model() {
    let orders = prop::sample::subsequence(vec!["title", "loan_amount", "created_at"], 0..4).prop_shuffle();
    let order = (orders, prop::collection::vec(any::<bool>(), 3));
    let conditions = prop::collection::vec(some_condition(), 0..4);
    let input = (prop::collection::vec(some_deal(), 0..25), conditions, order, 1_usize..30, 0_usize..30);
    law(60, input, async |(deals, conditions, (order, turned), limit, offset)| {
        let app = TestApp::new().await;
        let known = seeded(&app, deals).await;
        // Each parameter once.
        let by_name: BTreeMap<String, Condition> =
            conditions.into_iter().map(|condition| (condition.parameter().0, condition)).collect();
        let mut expected: Vec<&Known> =
            known.iter().filter(|deal| by_name.values().all(|condition| condition.passes(deal))).collect();
        let keys: Vec<(&str, bool)> = order.into_iter().zip(turned).collect();
        // The sort is stable, so equal ones stay in the order of their ids.
        expected.sort_by(|left, right| {
            let by = |(field, descending): &(&str, bool)| {
                let ordering = match *field {
                    "title" => left.title.as_bytes().cmp(right.title.as_bytes()),
                    "loan_amount" => left.amount.cmp(&right.amount),
                    _ => left.created.cmp(&right.created),
                };
                if *descending { ordering.reverse() } else { ordering }
            };
            keys.iter().map(by).find(|ordering| ordering.is_ne()).unwrap_or(std::cmp::Ordering::Equal)
        });
        let mut query: Vec<String> =
            by_name.iter().map(|(name, condition)| format!("{name}={}", condition.parameter().1)).collect();
        query.push(format!("limit={limit}"));
        let skipped = if keys.is_empty() { 0 } else { offset };
        if !keys.is_empty() {
            let names = keys
                .iter()
                .map(|(field, descending)| format!("{}{field}", if *descending { "-" } else { "" }));
            query.push(format!("sort={}&offset={offset}", names.collect::<Vec<_>>().join(",")));
        }
        let query = query.join("&");
        let answer = page(&app, &query).await;
        let shown: Vec<i64> = expected.iter().skip(skipped).take(limit).map(|deal| deal.id).collect();
        assert_eq!(ids(&answer), shown, "{query}");
        assert_eq!(answer["pagination"]["total"], expected.len(), "{query}");
        assert_eq!(answer["pagination"]["has_more"], expected.len() > skipped + limit, "{query}");
    });
}

/// What happens between two pages of a crawl.
#[derive(Clone, Debug)]
enum Meanwhile {
    Make(Known),
    Archive(prop::sample::Index),
    Retype(prop::sample::Index, Option<&'static str>),
    /// Out of sight, or into it: as a deletion or an insertion would be to who crawls, anywhere in the list.
    Turn(prop::sample::Index),
}

fn meanwhile() -> impl Strategy<Value = Meanwhile> {
    let which = || any::<prop::sample::Index>();
    prop_oneof![
        some_deal().prop_map(Meanwhile::Make),
        which().prop_map(Meanwhile::Archive),
        which().prop_map(Meanwhile::Turn),
        (which(), prop::option::of(prop::sample::select(LOAN_TYPES)))
            .prop_map(|(at, kind)| Meanwhile::Retype(at, kind)),
    ]
}

/// A crawl sees every deal that was there, and passed the filter, from its first page to its last: once. It sees none twice,
/// and none that never passed.
#[test]
fn a_crawl_by_cursor_sees_everything_that_stayed_once() {
    let filters = prop::sample::select(vec![
        "",
        "&filter[archived]=false",
        "&filter[loan_type]=construction,permanent,land",
    ]);
    let turmoil = prop::collection::vec(prop::collection::vec(meanwhile(), 0..4), 0..12);
    let input = (prop::collection::vec(some_deal(), 0..20), filters, 1_u32..7, turmoil, any::<bool>());
    law(60, input, async |(deals, filter, limit, turmoil, as_admin)| {
        let app = TestApp::new().await;
        let passes = |deal: &Known| {
            let filtered = match filter {
                "" => true,
                "&filter[archived]=false" => !deal.archived,
                _ => deal.loan_type.is_some_and(|kind| ["construction", "permanent", "land"].contains(&kind)),
            };
            filtered && (as_admin || deal.seen)
        };
        let viewer = Persona { account: app.harbor, ..app.both.clone() };
        let key = if as_admin { app.stranger.key.clone() } else { app.key(&viewer, Grant::FullAccess).await };
        let mut known = seeded(&app, deals).await;
        let mut stayed: BTreeSet<i64> =
            known.iter().filter(|deal| passes(deal)).map(|deal| deal.id).collect();
        let mut ever = stayed.clone();
        let (mut seen, mut cursor, mut turmoil) = (Vec::new(), String::new(), turmoil.into_iter());
        loop {
            let answer = page_by(&app, &key, &format!("limit={limit}{filter}{cursor}")).await;
            let next = ids(&answer);
            // Or it would never end.
            assert!(
                seen.last() < next.first() || next.is_empty(),
                "a page goes on where the one before ended"
            );
            seen.extend(next);
            let Some(next) = answer["pagination"]["next_cursor"].as_str() else { break };
            cursor = format!("&cursor={next}");
            for change in turmoil.next().unwrap_or_default() {
                happen(&app, &mut known, change).await;
            }
            let passing: BTreeSet<i64> =
                known.iter().filter(|deal| passes(deal)).map(|deal| deal.id).collect();
            stayed.retain(|id| passing.contains(id));
            ever.extend(passing);
        }
        let once: BTreeSet<i64> = seen.iter().copied().collect();
        assert_eq!(once.len(), seen.len(), "none is seen twice: {seen:?}");
        assert!(seen.is_sorted(), "in the order of their ids");
        assert!(stayed.is_subset(&once), "what stayed is seen: {stayed:?} in {seen:?}");
        assert!(once.is_subset(&ever), "what never passed is not seen: {seen:?} in {ever:?}");
    });
}

async fn happen(app: &TestApp, known: &mut Vec<Known>, change: Meanwhile) {
    match change {
        Meanwhile::Make(deal) => {
            let body = json!({"title": deal.title, "loan_type": deal.loan_type});
            let made = app.post("/deals").by(&app.stranger).json(body).expect(201).await.data();
            known.push(Known { id: made["id"].as_i64().unwrap(), archived: false, seen: false, ..deal });
        }
        Meanwhile::Turn(at) => {
            let at = at.index(known.len());
            let (team, user) = (format!("/deals/{}/team", known[at].id), app.both.user);
            if known[at].seen {
                app.delete(&format!("{team}/{user}")).by(&app.stranger).expect(200).await;
            } else {
                app.post(&team).by(&app.stranger).json(json!({"user_id": user})).expect(201).await;
            }
            known[at].seen = !known[at].seen;
        }
        Meanwhile::Archive(at) => {
            let at = at.index(known.len());
            app.delete(&format!("/deals/{}", known[at].id)).by(&app.stranger).expect(200).await;
            known[at].archived = true;
        }
        Meanwhile::Retype(at, kind) => {
            let at = at.index(known.len());
            let ask = app.patch(&format!("/deals/{}", known[at].id)).by(&app.stranger);
            ask.json(json!({"loan_type": kind})).expect(200).await;
            known[at].loan_type = kind;
        }
    }
}

#[tokio::test]
async fn a_cursor_belongs_to_its_list_its_account_and_its_filter() {
    let app = TestApp::new().await;
    let message =
        "cursor is not valid for this list; send next_cursor of the previous page, with the same filters";
    let first = app.get("/deals?limit=1&filter[archived]=false").by(&app.admin).expect(200).await.json();
    let cursor = first["pagination"]["next_cursor"].as_str().unwrap().to_owned();
    // The same filter in other words, another limit, other fields.
    let same = format!("/deals?fields=title&cursor={cursor}&filter%5Barchived%5D=false&limit=2");
    app.get(&same).by(&app.admin).expect(200).await;
    let cut = cursor[..cursor.len() - 1].to_owned();
    let turned: String = cursor.chars().rev().collect();
    for other in [
        format!("/deals?cursor={cursor}"),
        format!("/deals?cursor={cursor}&filter[archived]=true"),
        format!("/deals?cursor={cursor}&filter[archived]=false&filter[loan_type]=land"),
        format!("/account/team?cursor={cursor}"),
        format!("/pipelines?cursor={cursor}"),
        format!("/deals/1/team?cursor={cursor}"),
        format!("/deals?cursor={cut}&filter[archived]=false"),
        format!("/deals?cursor={turned}&filter[archived]=false"),
    ] {
        app.get(&other).by(&app.admin).refused(400, "BAD_REQUEST", message).await;
    }
    let elsewhere = format!("/deals?cursor={cursor}&filter[archived]=false");
    app.get(&elsewhere).by(&app.stranger).refused(400, "BAD_REQUEST", message).await;
    // Of another deal's team.
    let team = app.get("/deals/1/team?limit=1").by(&app.admin).expect(200).await.json();
    let cursor = team["pagination"]["next_cursor"].as_str().unwrap();
    app.get(&format!("/deals/1/team?cursor={cursor}")).by(&app.admin).expect(200).await;
    app.get(&format!("/deals/2/team?cursor={cursor}"))
        .by(&app.admin)
        .refused(400, "BAD_REQUEST", message)
        .await;
}

#[tokio::test]
async fn every_mistake_of_a_query_is_named() {
    let app = TestApp::new().await;
    for (query, message) in [
        (
            "sort=name",
            "Unknown sort field 'name'; sort takes title, loan_amount, created_at, updated_at, each with - for descending",
        ),
        ("sort=title&cursor=x", "cursor and sort cannot be combined; use offset pagination when sorting"),
        ("offset=5", "offset needs sort; without sort, use cursor pagination"),
        (
            "fields=title,secret",
            "Unknown field 'secret'; fields takes id, title, loan_amount, loan_type, transaction_type, business_plan, description, estimated_close_date, close_date, owner_account_id, created_at, updated_at, archived, archived_at",
        ),
        ("include=notes", "Unknown include 'notes'; include takes financials, properties, team, pipelines"),
        (
            "filter[title]=x",
            "Unknown filter 'title'; this list can be filtered by loan_type, transaction_type, business_plan, archived, loan_amount, created_at, updated_at",
        ),
        (
            "filter[loan_type][gt]=land",
            "Unknown operator 'gt' for filter[loan_type]; it takes filter[loan_type]",
        ),
        (
            "filter[loan_type]=house",
            "Invalid value 'house' for filter[loan_type]: must be of [construction, heavy_bridge, light_bridge, permanent, land, predevelopment, tbd, acquisition, refinance]",
        ),
        ("filter[loan_amount][gte]=a", "Invalid value 'a' for filter[loan_amount][gte]: must be a number"),
        (
            "filter[created_at]=2026-03-20",
            "filter[created_at] needs an operator: filter[created_at][gt], filter[created_at][gte], filter[created_at][lt], filter[created_at][lte]",
        ),
        (
            "filter[created_at][gte]=20.3.2026",
            "Invalid value '20.3.2026' for filter[created_at][gte]: must be a time with Z or an offset, such as 2026-03-20T15:30:45Z, or a date such as 2026-03-20",
        ),
        ("filter[archived]=2", "Invalid value '2' for filter[archived]: must be true or false"),
        ("limit=500", "limit must be an integer from 1 to 200"),
        ("colour=red", "Unknown query parameter 'colour'"),
    ] {
        app.get(&format!("/deals?{query}")).by(&app.admin).refused(400, "BAD_REQUEST", message).await;
    }
    let told = "Unknown include 'notes'; include takes financials, properties, team, pipelines";
    app.get("/deals/1?include=notes").by(&app.admin).refused(400, "BAD_REQUEST", told).await;
    app.get("/deals/1?limit=1")
        .by(&app.admin)
        .refused(400, "BAD_REQUEST", "Unknown query parameter 'limit'")
        .await;
    let told = "Unknown filter 'role'; this list takes no filters";
    app.get("/account/team?filter[role]=admin").by(&app.admin).refused(400, "BAD_REQUEST", told).await;
}

#[tokio::test]
async fn fields_leave_the_rest_out_and_keep_the_id() {
    let app = TestApp::new().await;
    let deal = app.get("/deals/1?fields=loan_amount,title").by(&app.admin).expect(200).await;
    assert!(
        deal.text()
            .contains(r#""data":{"id":1,"title":"100 Alder Street Apartments","loan_amount":4500000.5}"#)
    );
    assert_eq!(deal.header("etag"), Some("\"d1-1\""));
    let list = app.get("/deals?fields=id&include=pipelines&limit=2").by(&app.admin).expect(200).await.data();
    assert_eq!(
        list,
        json!([
            {"id": 1, "pipelines": [{"pipeline_id": 1, "status_name": "quoting", "updated_at": "2026-03-20T15:30:45Z"}]},
            {"id": 2, "pipelines": []},
        ])
    );
}

#[tokio::test]
async fn a_page_with_everything_on_it_takes_a_fixed_number_of_queries() {
    let app = TestApp::new().await;
    let everything = "include=financials,properties,team,pipelines";
    let queries = async |limit: u32| {
        let before = app.store.queries();
        let answer = page(&app, &format!("limit={limit}&{everything}")).await;
        (ids(&answer).len(), app.store.queries() - before)
    };
    assert_eq!(queries(1).await, (1, 6), "a count, a page, and one for each kind of what hangs on it");
    let deal = Deal::new(app.harbor, "One of many".to_owned(), app.clock.now());
    let deals = (0..250)
        .map(|_| SeedDeal { place: Some((0, 0)), ..SeedDeal::plain(deal.clone(), vec![app.stranger.user]) });
    app.operate(SeedDeals { account: app.harbor, deals: deals.collect() }).await;
    assert_eq!(queries(200).await, (200, 6), "however many there are");
}

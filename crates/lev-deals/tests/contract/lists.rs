//! The rules of the list of deals: pages, orders, conditions, and what is included.

use super::bench::{Bench, archive, at, join, must, new_deal, operate};
use super::store::DealStore;
use keyward_core::money::Cents;
use keyward_core::preconditions::Preconditions;
use lev_deals::values::{BUSINESS_PLANS, LOAN_TYPES, TRANSACTION_TYPES};
use lev_deals::write::{SeedDeal, SeedDeals};
use lev_deals::{Deal, DealId, Included};

/// A store that skips or repeats a deal at the edge of a page, counts what is not seen, or stops too early.
pub(crate) async fn a_crawl_sees_every_deal_once_and_only_those_in_sight<S: DealStore>(bench: &Bench<'_, S>) {
    let people = &bench.people;
    let mut own = Vec::new();
    for number in 0..7 {
        own.push(bench.make(&format!(r#"{{"title":"{number}"}}"#)).await.id);
        for who in [&people.second, &people.stranger] {
            must("others make theirs", bench.by(who, new_deal(r#"{"title":"x"}"#), 0).await);
        }
    }
    let (mut seen, mut last) = (Vec::new(), 0);
    for (length, has_more) in [(3, true), (3, true), (2, false)] {
        if last > 0 && seen.len() == 3 {
            // One that is made meanwhile comes at the end.
            own.push(bench.make(r#"{"title":"late"}"#).await.id);
        }
        let page = bench.page(&people.editor, "limit=3", last).await;
        assert_eq!((page.items.len(), page.has_more), (length, has_more), "a page has what was asked for");
        assert_eq!(page.total, i64::try_from(own.len()).unwrap_or(-1), "all that are seen are counted");
        seen.extend(page.items.iter().map(|(deal, _)| deal.id));
        last = seen.last().map_or(0, |deal| deal.0);
    }
    assert_eq!(seen, own, "every deal is on one page");
    let beyond = bench.page(&people.editor, "limit=3", last).await;
    assert_eq!((beyond.items.len(), beyond.has_more), (0, false), "after the last there is none");
    let exact = bench.page(&people.editor, "limit=8", 0).await;
    assert_eq!((exact.items.len(), exact.has_more), (8, false), "a page that is just full is the last");
    assert_eq!(bench.list(&people.admin, "").await.total, 15, "an admin sees all of the account");
    let none = bench.list(&people.viewer, "").await;
    assert_eq!((none.items.len(), none.total, none.has_more), (0, 0, false), "a viewer on no team none");
}

/// Deals of all sorts, with ties and with values that are not known.
async fn many<S: DealStore>(bench: &Bench<'_, S>) -> Vec<Deal> {
    let account = bench.people.account;
    let titles = ["b", "B", "a", "Z", "a", "ä", "b", "10", "9", "~", "a b", ""];
    // The last is none.
    let amounts = [250, 100, 99, 100, 250, -1];
    let deal = |(number, title): (usize, &str)| {
        let part = |of: usize| number.checked_rem(of);
        let moment = at(i64::try_from(number * 7 % 5).unwrap_or(0) * 100);
        let word = |set: &'static [&'static str]| {
            if part(4) == Some(0) { None } else { set.get(number % 3).copied() }
        };
        let deal = Deal {
            loan_amount: amounts.get(number % 6).copied().and_then(Cents::new),
            loan_type: word(LOAN_TYPES),
            transaction_type: word(TRANSACTION_TYPES),
            business_plan: word(BUSINESS_PLANS),
            updated_at: moment.plus_seconds(i64::from(part(2) == Some(0))),
            ..Deal::new(account, format!("{title}."), moment)
        };
        SeedDeal::plain(deal, vec![bench.people.editor.key.user])
    };
    let deals: Vec<SeedDeal> = titles.into_iter().enumerate().map(deal).collect();
    operate(bench.store, SeedDeals { account, deals }).await;
    let all = bench.ids(&bench.people.editor, "").await;
    for deal in all.iter().copied().step_by(5) {
        let done = bench.by(&bench.people.editor, archive(deal, Preconditions::NONE), 1_000).await;
        must("some are archived", done);
    }
    bench.list(&bench.people.editor, "").await.items.into_iter().map(|(deal, _)| deal).collect()
}

type Key = fn(&Deal, &Deal) -> std::cmp::Ordering;

/// A store with another order of texts or of what is not known, without an order of its own for ties, or one that sorts a page alone.
pub(crate) async fn a_sorted_list_has_one_order_over_all_pages<S: DealStore>(bench: &Bench<'_, S>) {
    let editor = &bench.people.editor;
    let all = many(bench).await;
    // Texts by their bytes; what is not known comes first.
    let title: Key = |a, b| a.title.as_bytes().cmp(b.title.as_bytes());
    let amount: Key = |a, b| a.loan_amount.cmp(&b.loan_amount);
    let created: Key = |a, b| a.created_at.cmp(&b.created_at);
    let updated: Key = |a, b| a.updated_at.cmp(&b.updated_at);
    let orders: [(&str, Vec<(Key, bool)>); 10] = [
        ("title", vec![(title, false)]),
        ("-title", vec![(title, true)]),
        ("loan_amount", vec![(amount, false)]),
        ("-loan_amount", vec![(amount, true)]),
        ("created_at", vec![(created, false)]),
        ("-created_at", vec![(created, true)]),
        ("updated_at", vec![(updated, false)]),
        ("-updated_at", vec![(updated, true)]),
        ("-loan_amount,title", vec![(amount, true), (title, false)]),
        ("created_at,-title,loan_amount", vec![(created, false), (title, true), (amount, false)]),
    ];
    for (sort, keys) in orders {
        let mut expected: Vec<&Deal> = all.iter().collect();
        // It is stable, and they are in the order of their ids.
        expected.sort_by(|a, b| {
            let step = |(key, turned): &(Key, bool)| if *turned { key(b, a) } else { key(a, b) };
            keys.iter().map(step).find(|order| order.is_ne()).unwrap_or(std::cmp::Ordering::Equal)
        });
        let expected: Vec<DealId> = expected.into_iter().map(|deal| deal.id).collect();
        let mut seen = Vec::new();
        for (offset, has_more) in [(0, true), (5, true), (10, false)] {
            let page = bench.list(editor, &format!("sort={sort}&limit=5&offset={offset}")).await;
            assert_eq!((page.total, page.has_more), (12, has_more), "a page of what is sorted by {sort}");
            seen.extend(page.items.into_iter().map(|(deal, _)| deal.id));
        }
        assert_eq!(seen, expected, "one order by {sort}, with ids last");
    }
    let beyond = bench.list(editor, "sort=title&offset=12").await;
    assert_eq!((beyond.items.len(), beyond.total, beyond.has_more), (0, 12, false), "after the last is none");
}

/// A store that lets through what is not known, mixes up two comparisons or fields, or joins conditions by "or".
pub(crate) async fn filters_leave_those_of_which_every_condition_holds<S: DealStore>(bench: &Bench<'_, S>) {
    let editor = &bench.people.editor;
    let all = many(bench).await;
    let hundred = Cents::new(100);
    let (early, late) = (at(100), at(300));
    let moment = |moment| format!("{moment}").replace('+', "%2B");
    let compared =
        |field: &str, operator: &str, time| format!("filter[{field}][{operator}]={}", moment(time));
    type Holds<'a> = Box<dyn Fn(&Deal) -> bool + 'a>;
    let known = |deal: &Deal| deal.loan_amount.is_some();
    let cases: Vec<(String, Holds<'_>)> = vec![
        ("filter[loan_type]=construction".to_owned(), Box::new(|d| d.loan_type == Some("construction"))),
        (
            "filter[loan_type]=construction,light_bridge".to_owned(),
            Box::new(|d| matches!(d.loan_type, Some("construction" | "light_bridge"))),
        ),
        (
            "filter[transaction_type]=refinance".to_owned(),
            Box::new(|d| d.transaction_type == Some("refinance")),
        ),
        ("filter[business_plan]=value_add".to_owned(), Box::new(|d| d.business_plan == Some("value_add"))),
        ("filter[business_plan]=land".to_owned(), Box::new(|d| d.business_plan == Some("land"))),
        ("filter[archived]=true".to_owned(), Box::new(|d| d.archived_at.is_some())),
        ("filter[archived]=false".to_owned(), Box::new(|d| d.archived_at.is_none())),
        (
            "filter[loan_amount]=1,2.5".to_owned(),
            Box::new(|d| [hundred, Cents::new(250)].contains(&d.loan_amount)),
        ),
        ("filter[loan_amount][gt]=1".to_owned(), Box::new(|d| known(d) && d.loan_amount > hundred)),
        ("filter[loan_amount][gte]=1".to_owned(), Box::new(|d| known(d) && d.loan_amount >= hundred)),
        ("filter[loan_amount][lt]=1".to_owned(), Box::new(|d| known(d) && d.loan_amount < hundred)),
        ("filter[loan_amount][lte]=1".to_owned(), Box::new(|d| known(d) && d.loan_amount <= hundred)),
        (compared("created_at", "gt", early), Box::new(|d| d.created_at > early)),
        (compared("created_at", "gte", early), Box::new(|d| d.created_at >= early)),
        (compared("updated_at", "lt", late), Box::new(|d| d.updated_at < late)),
        (compared("updated_at", "lte", late), Box::new(|d| d.updated_at <= late)),
        (
            "filter[archived]=false&filter[loan_amount][gte]=0.99&filter[loan_amount][lt]=2.5".to_owned(),
            Box::new(|d| d.archived_at.is_none() && known(d) && d.loan_amount < Cents::new(250)),
        ),
    ];
    for (filter, holds) in cases {
        let expected: Vec<DealId> = all.iter().filter(|deal| holds(deal)).map(|deal| deal.id).collect();
        let page = bench.list(editor, &filter).await;
        let shown: Vec<DealId> = page.items.iter().map(|(deal, _)| deal.id).collect();
        assert_eq!(shown, expected, "those of which it holds: {filter}");
        assert_eq!(page.total, i64::try_from(expected.len()).unwrap_or(-1), "and they are counted: {filter}");
        let mut sorted = bench.ids(editor, &format!("{filter}&sort=-title")).await;
        sorted.sort_unstable();
        assert_eq!(sorted, expected, "sorted they are the same: {filter}");
    }
    assert_eq!(
        bench.ids(&bench.people.stranger, "filter[archived]=false").await,
        [],
        "nobody else's are found"
    );
}

/// A store that hands the parts of one deal to another, or reads what was not asked for.
pub(crate) async fn what_is_included_hangs_on_its_own_deal<S: DealStore>(bench: &Bench<'_, S>) {
    let people = &bench.people;
    let (pipeline, _) = bench.both_pipelines().await;
    bench.make(r#"{"title":"bare"}"#).await;
    let body =
        format!(r#"{{"title":"full","deal_financials":{{"land_cost":1}},"pipeline_ids":[{}]}}"#, pipeline.id);
    let full = bench.make(&body).await.id;
    let viewer = people.viewer.key.user;
    must("one joins", bench.by(&people.editor, join(full, viewer, Preconditions::NONE), 0).await);
    bench.make(r#"{"title":"figures","deal_financials":{"total_cost":2}}"#).await;
    for query in ["", "sort=-title&"] {
        let all =
            bench.list(&people.editor, &format!("{query}include=financials,properties,team,pipelines")).await;
        assert_eq!(all.items.len(), 3, "all are listed");
        for (deal, included) in all.items {
            let alone = bench.whole(deal.id).await;
            assert_eq!((deal, included), alone, "each has what it has alone");
        }
    }
    let shape = |included: &Included| {
        let Included { financials, properties, team, pipelines } = included;
        [financials.is_some(), properties.is_some(), team.is_some(), pipelines.is_some()]
    };
    for (asked, expected) in [
        ("", [false; 4]),
        ("include=financials", [true, false, false, false]),
        ("include=properties", [false, true, false, false]),
        ("include=team", [false, false, true, false]),
        ("include=pipelines", [false, false, false, true]),
    ] {
        let items = bench.list(&people.editor, asked).await.items;
        assert!(items.iter().all(|(_, included)| shape(included) == expected), "what was asked for: {asked}");
    }
}

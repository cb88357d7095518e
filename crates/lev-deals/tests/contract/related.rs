//! The rules of what hangs on a deal: its financials and properties, and the pages of what is many.

use super::bench::{Bench, after, at, join, must, operate, refused_field, update};
use super::store::DealStore;
use keyward_core::money::Cents;
use keyward_core::permit::ReadDeals;
use keyward_core::preconditions::Preconditions;
use lev_deals::financials::{FIGURES, Figure, Financials, Kind};
use lev_deals::pipeline::Place;
use lev_deals::write::{SeedDeal, SeedDeals};
use lev_deals::{Deal, DealId, Property};

/// The figures of a deal that are known, by name, and when they were changed.
async fn figures<S: DealStore>(
    bench: &Bench<'_, S>,
    deal: DealId,
) -> Option<(Vec<(&'static str, i64)>, i64)> {
    let permit = bench.permit::<ReadDeals>(&bench.people.editor);
    let read = must("financials", bench.store.financials(&permit, deal).await);
    let record = must("the deal is seen", read.ok_or("it is not"))?;
    assert_eq!(record.deal, deal, "a record is of its deal");
    assert_eq!(
        bench.whole(deal).await.1.financials,
        Some(Some(record.clone())),
        "with the deal it is the same"
    );
    let known = FIGURES.iter().zip(record.figures).filter_map(|((name, _), figure)| match figure? {
        Figure::Money(cents) => Some((*name, cents.get())),
        other => panic!("only money was written: {other:?}"),
    });
    Some((known.collect(), record.updated_at.unix() - at(0).unix()))
}

/// A store that takes an absent figure for null, mixes figures up, or those of two deals.
pub(crate) async fn figures_are_changed_one_by_one<S: DealStore>(bench: &Bench<'_, S>) {
    let editor = &bench.people.editor;
    let deal = bench.make(r#"{"title":"A"}"#).await.id;
    let other = bench.make(r#"{"title":"B","deal_financials":{"total_cost":7}}"#).await.id;
    let change = async |text: &str, seconds| {
        let body = format!(r#"{{"deal_financials":{{{text}}}}}"#);
        bench.by(editor, update(deal, &body, Preconditions::NONE), seconds).await
    };
    assert_eq!(figures(bench, deal).await, None, "a deal begins without financials");
    let nothing = refused_field(change(r#""land_cost":null"#, 1).await);
    assert_eq!(nothing.as_deref(), Some("deal_financials"), "null alone makes no record");
    assert_eq!(figures(bench, deal).await, None, "and leaves none");
    must("some figures", change(r#""land_cost":12.5,"purchase_price":1,"total_cost":null"#, 2).await);
    let known = vec![("purchase_price", 100), ("land_cost", 1_250)];
    assert_eq!(figures(bench, deal).await, Some((known, 2)), "those that were sent are known");
    must(
        "more of them",
        change(r#""purchase_price":null,"estimated_value":2,"total_cost_basis":3"#, 3).await,
    );
    let known = vec![("estimated_value", 200), ("land_cost", 1_250), ("total_cost_basis", 300)];
    let read = figures(bench, deal).await.map(|(mut known, at)| {
        known.sort_unstable();
        (known, at)
    });
    assert_eq!(read, Some((known, 3)), "null clears one, and what was not sent stays");
    must("the last", change(r#""estimated_value":null,"land_cost":null,"total_cost_basis":null"#, 4).await);
    assert_eq!(figures(bench, deal).await, Some((Vec::new(), 4)), "a record stays, with nothing in it");
    assert_eq!(
        figures(bench, other).await,
        Some((vec![("total_cost", 700)], 0)),
        "another deal's are as they were"
    );
}

fn figure(place: i64, kind: Kind) -> Figure {
    match kind {
        Kind::Money => Figure::Money(must("an amount", Cents::new(place * 101 + 1).ok_or("too much"))),
        Kind::Ratio => Figure::Ratio(0.0625),
        Kind::Whole => Figure::Whole(place * 3),
        Kind::Date => Figure::Date(format!("2026-01-{place:02}")),
        Kind::Flag => Figure::Flag(place % 2 == 0),
    }
}

fn property(number: i64) -> Property {
    let text = |what: &str| Some(format!("{what} {number}"));
    Property {
        id: 0,
        name: text("name"),
        address: text("address"),
        city: text("city"),
        state: Some("OR".to_owned()),
        zip: text("zip"),
        asset_type_id: Some(number),
        units: Some(number + 10),
        square_footage: Some(1_000.5),
        year_built: Some(1_990 + number),
    }
}

/// A property of which nothing is known.
fn unknown() -> Property {
    Property {
        id: 0,
        name: None,
        address: None,
        city: None,
        state: None,
        zip: None,
        asset_type_id: None,
        units: None,
        square_footage: None,
        year_built: None,
    }
}

/// Makes one deal of sample data in the account.
async fn seed<S: DealStore>(bench: &Bench<'_, S>, seed: SeedDeal) -> DealId {
    let account = bench.people.account;
    operate(bench.store, SeedDeals { account, deals: vec![seed] }).await;
    must("the deal", bench.ids(&bench.people.admin, "").await.pop().ok_or("none"))
}

/// A store that lacks a column, or has one in the place of another.
pub(crate) async fn what_hangs_on_a_seeded_deal_comes_back_as_it_was<S: DealStore>(bench: &Bench<'_, S>) {
    let people = &bench.people;
    let (_, pipeline) = bench.both_pipelines().await;
    let deal = Deal {
        close_date: Some("2026-02-03".to_owned()),
        archived_at: Some(at(3)),
        updated_at: at(2),
        ..Deal::new(people.account, "Sample".to_owned(), at(1))
    };
    let places: Vec<Option<Figure>> =
        (1..).zip(FIGURES).map(|(place, (_, kind))| Some(figure(place, *kind))).collect();
    let record = Financials { id: 0, deal: DealId(0), figures: places.clone(), updated_at: at(0) };
    let seeded = SeedDeal {
        financials: Some(record),
        properties: vec![property(1), unknown()],
        place: Some((1, 2)),
        ..SeedDeal::plain(deal.clone(), vec![people.editor.key.user, people.viewer.key.user])
    };
    let id = seed(bench, seeded).await;
    let (read, hanging) = bench.whole(id).await;
    assert_eq!(read, Deal { id, ..deal }, "a sample deal is as it was given");
    let figures = hanging.financials.flatten().map(|record| record.figures);
    assert_eq!(figures, Some(places), "each figure stands in its place");
    let properties: Vec<Property> = hanging.properties.into_iter().flatten().collect();
    let nameless = properties.iter().map(|property| Property { id: 0, ..property.clone() });
    assert_eq!(nameless.collect::<Vec<_>>(), [property(1), unknown()], "each property is as it was");
    let team: Vec<_> =
        hanging.team.into_iter().flatten().map(|member| (member.user_id, member.is_primary)).collect();
    let expected = [(people.editor.key.user.0, true), (people.viewer.key.user.0, false)];
    assert_eq!(team, expected, "the first of the team leads it");
    let status = must("a status", pipeline.statuses.get(2).ok_or("none"));
    let place = Place { pipeline_id: pipeline.id, status_name: status.status.clone(), updated_at: at(2) };
    assert_eq!(hanging.pipelines, Some(vec![place]), "it stands where it was put");
}

/// A store that skips, repeats or miscounts at the edge of a page, or pages over other deals' rows.
pub(crate) async fn what_hangs_on_a_deal_is_shown_page_by_page<S: DealStore>(bench: &Bench<'_, S>) {
    let people = &bench.people;
    let plain = |title: &str| {
        let deal = Deal::new(people.account, title.to_owned(), at(0));
        SeedDeal::plain(deal, vec![people.editor.key.user])
    };
    seed(bench, SeedDeal { properties: vec![property(9)], ..plain("Before") }).await;
    let properties = (1..=4).map(property).collect();
    let deal = seed(bench, SeedDeal { properties, ..plain("This") }).await;
    seed(bench, SeedDeal { properties: vec![property(9)], ..plain("After") }).await;
    for user in [people.admin.key.user, people.second.key.user, people.viewer.key.user] {
        must("it joins", bench.by(&people.editor, join(deal, user, Preconditions::NONE), 1).await);
    }
    let permit = bench.permit::<ReadDeals>(&people.editor);
    let (store, mut last, mut seen) = (bench.store, (0, 0), (Vec::new(), Vec::new()));
    for has_more in [true, false] {
        let page = must("a page", store.properties(&permit, deal, after(last.0, 2)).await);
        let page = must("the deal is seen", page.ok_or("it is not"));
        assert_eq!((page.total, page.has_more, page.items.len()), (4, has_more, 2), "a page of properties");
        last.0 = page.items.last().map_or(0, |property| property.id);
        seen.0.extend(page.items.into_iter().filter_map(|property| property.asset_type_id));
        let page = must("a page", store.deal_team(&permit, deal, after(last.1, 2)).await);
        let page = must("the deal is seen", page.ok_or("it is not"));
        assert_eq!((page.total, page.has_more, page.items.len()), (4, has_more, 2), "a page of the team");
        last.1 = page.items.last().map_or(0, |member| member.id);
        seen.1.extend(page.items.into_iter().map(|member| member.user_id));
    }
    assert_eq!(seen.0, [1, 2, 3, 4], "each property is on one page");
    let users = [&people.editor, &people.admin, &people.second, &people.viewer].map(|who| who.key.user.0);
    assert_eq!(seen.1, users, "and each member");
    let beyond = must("a page", store.properties(&permit, deal, after(last.0, 2)).await);
    let beyond = beyond.map(|page| (page.items.len(), page.total, page.has_more));
    assert_eq!(beyond, Some((0, 4, false)), "after the last there is none");
}

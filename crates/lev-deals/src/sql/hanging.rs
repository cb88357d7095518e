//! What hangs on deals, read for many of them at once: one query for each kind, however many deals there are.

use super::{ID, get};
use crate::deal::{Deal, Included};
use crate::financials::{FIGURES, Figure, Financials, Kind};
use crate::id::DealId;
use crate::pipeline::{MAX_SHOWN, Place};
use crate::property::Property;
use crate::reads::Include;
use crate::team::TeamMember;
use keyward_core::clock::Timestamp;
use keyward_core::list::Found;
use keyward_core::money::Cents;
use keyward_core::store::StoreError;
use keyward_sql::{Named, Reads, Row};
use std::collections::HashMap;

/// The deals with what was asked for.
pub(super) fn with(
    reads: &Reads<'_>,
    deals: Vec<Deal>,
    include: Include,
) -> Result<Vec<(Deal, Included)>, StoreError> {
    let ids: Vec<String> = deals.iter().map(|deal| deal.id.0.to_string()).collect();
    // The ids in ?1.
    let (ids, numbers) = (format!("[{}]", ids.join(",")), reads.dialect().numbers());
    let mut financials = only(include.financials, || records(reads, &ids))?;
    let mut properties = only(include.properties, || {
        let sql = format!("SELECT p.* FROM deal_properties p WHERE p.deal_id IN ({numbers}) ORDER BY p.id");
        all(reads, ("deal_properties", ID), &sql, &ids, property)
    })?;
    let mut team = only(include.team, || {
        let sql = format!("SELECT {MEMBER} {TEAM} AND t.deal_id IN ({numbers}) ORDER BY t.id");
        all(reads, ("deal_team", ID), &sql, &ids, member)
    })?;
    let mut pipelines = only(include.pipelines, || {
        let sql = format!(
            "SELECT * FROM (
                SELECT dp.*, coalesce(s.custom_status_name, s.status) AS status_name,
                    row_number() OVER (PARTITION BY dp.deal_id ORDER BY dp.updated_at DESC, dp.pipeline_id) AS place
                FROM deal_pipelines dp JOIN pipeline_statuses s ON s.id = dp.pipeline_status_id
                WHERE dp.deal_id IN ({numbers})) AS places
             WHERE place <= {MAX_SHOWN} ORDER BY deal_id, place"
        );
        all(reads, ("deal_pipelines", PLACE), &sql, &ids, place)
    })?;
    let of = |deal: Deal| {
        let id = deal.id;
        let financials = match &mut financials {
            // A deal whose record cannot be read is left out with it: shown without, it would have none.
            Some(all) => Some(match all.remove(&id).and_then(|mut found| found.pop()) {
                Some(record) => Some(record?),
                None => None,
            }),
            None => None,
        };
        let included = Included {
            financials,
            properties: of_one(&mut properties, id),
            team: of_one(&mut team, id),
            pipelines: of_one(&mut pipelines, id),
        };
        Some((deal, included))
    };
    Ok(deals.into_iter().filter_map(of).collect())
}

/// The records of financials; within, `None`: the record cannot be read.
fn records(reads: &Reads<'_>, ids: &str) -> Result<ByDeal<Option<Financials>>, StoreError> {
    let numbers = reads.dialect().numbers();
    let sql = format!("SELECT f.* FROM deal_financials f WHERE f.deal_id IN ({numbers})");
    let mut found: ByDeal<Option<Financials>> = HashMap::new();
    for Found { id, item } in reads.readable(("deal_financials", RECORD), &sql, [ids], record)? {
        if let Some(deal) = id {
            found.entry(DealId(deal)).or_default().push(item);
        }
    }
    Ok(found)
}

/// Looks at every row that a list can show.
pub(super) fn look_through(reads: &Reads<'_>) -> Result<(), StoreError> {
    reads.look_at(("deal_financials", RECORD), "SELECT * FROM deal_financials", record)?;
    reads.look_at(("deal_properties", ID), "SELECT * FROM deal_properties", property)?;
    reads.look_at(("deal_team", ID), &format!("SELECT {MEMBER} {TEAM}"), member)?;
    let places = "SELECT dp.*, coalesce(s.custom_status_name, s.status) AS status_name
        FROM deal_pipelines dp JOIN pipeline_statuses s ON s.id = dp.pipeline_status_id";
    reads.look_at(("deal_pipelines", PLACE), places, place)
}

/// What names a record, and the place of a deal.
const RECORD: Named = &["deal_id"];
const PLACE: Named = &["deal_id", "pipeline_id"];

/// The columns of a team member.
pub(super) const MEMBER: &str = "t.*, u.first_name, u.last_name, u.email, u.photo_url, m.role";

/// Teams, without those who are no longer members of the deal's account.
pub(super) const TEAM: &str =
    "FROM deal_team t JOIN deals d ON d.id = t.deal_id JOIN users u ON u.id = t.user_id
    JOIN memberships m ON m.account_id = d.owner_account_id AND m.user_id = t.user_id WHERE TRUE";

type ByDeal<T> = HashMap<DealId, Vec<T>>;

fn of_one<T>(all: &mut Option<ByDeal<T>>, deal: DealId) -> Option<Vec<T>> {
    // Absent: the deal has none.
    all.as_mut().map(|all| all.remove(&deal).unwrap_or_default())
}

fn only<T>(
    wanted: bool,
    read: impl FnOnce() -> Result<ByDeal<T>, StoreError>,
) -> Result<Option<ByDeal<T>>, StoreError> {
    if wanted { read().map(Some) } else { Ok(None) }
}

fn all<T>(
    reads: &Reads<'_>,
    of: (&'static str, Named),
    sql: &str,
    ids: &str,
    map: fn(&Row<'_>) -> Result<T, StoreError>,
) -> Result<ByDeal<T>, StoreError> {
    let mut found: ByDeal<T> = HashMap::new();
    let rows = reads.readable(of, sql, [ids], |row| Ok((DealId(get(row, "deal_id")?), map(row)?)))?;
    for (deal, item) in rows.into_iter().filter_map(|row| row.item) {
        found.entry(deal).or_default().push(item);
    }
    Ok(found)
}

/// A row of `deal_financials`.
pub(super) fn record(row: &Row<'_>) -> Result<Financials, StoreError> {
    let id: i64 = get(row, "id")?;
    let corrupt = |column: &str| StoreError::Corrupt {
        table: "deal_financials",
        what: format!("{column} of row {id}"),
    };
    let figure = |(name, kind): &(&str, Kind)| -> Result<Option<Figure>, StoreError> {
        Ok(match kind {
            Kind::Money => match get::<Option<i64>>(row, name)? {
                Some(cents) => Some(Figure::Money(Cents::new(cents).ok_or_else(|| corrupt(name))?)),
                None => None,
            },
            Kind::Ratio => get::<Option<f64>>(row, name)?.map(Figure::Ratio),
            Kind::Whole => get::<Option<i64>>(row, name)?.map(Figure::Whole),
            Kind::Date => get::<Option<String>>(row, name)?.map(Figure::Date),
            Kind::Flag => get::<Option<bool>>(row, name)?.map(Figure::Flag),
        })
    };
    Ok(Financials {
        id,
        deal: DealId(get(row, "deal_id")?),
        figures: FIGURES.iter().map(figure).collect::<Result<_, _>>()?,
        updated_at: Timestamp::from_unix(get(row, "updated_at")?),
    })
}

/// A row of `deal_properties`.
pub(super) fn property(row: &Row<'_>) -> Result<Property, StoreError> {
    Ok(Property {
        id: get(row, "id")?,
        name: get(row, "name")?,
        address: get(row, "address")?,
        city: get(row, "city")?,
        state: get(row, "state")?,
        zip: get(row, "zip")?,
        asset_type_id: get(row, "asset_type_id")?,
        units: get(row, "units")?,
        square_footage: get(row, "square_footage")?,
        year_built: get(row, "year_built")?,
    })
}

/// A row of [`MEMBER`].
pub(super) fn member(row: &Row<'_>) -> Result<TeamMember, StoreError> {
    let role: String = get(row, "role")?;
    let permission = if role == "viewer" { "view" } else { "edit" };
    Ok(TeamMember {
        id: get(row, "id")?,
        user_id: get(row, "user_id")?,
        first_name: get(row, "first_name")?,
        last_name: get(row, "last_name")?,
        email: get(row, "email")?,
        deal_role: get(row, "deal_role")?,
        is_primary: get(row, "is_primary")?,
        permission: Some(permission.to_owned()),
        photo_url: get(row, "photo_url")?,
    })
}

fn place(row: &Row<'_>) -> Result<Place, StoreError> {
    Ok(Place {
        pipeline_id: get(row, "pipeline_id")?,
        status_name: get(row, "status_name")?,
        updated_at: Timestamp::from_unix(get(row, "updated_at")?),
    })
}

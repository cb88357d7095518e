//! Sample data.

use super::{get, insert, join_team};
use crate::deal::Deal;
use crate::financials::{FIGURES, Figure, Financials};
use crate::id::DealId;
use crate::property::Property;
use crate::write::{SeedDeal, SeedDeals, Seeded};
use keyward_core::clock::Timestamp;
use keyward_core::effect::{Execute, Stop};
use keyward_core::money::Cents;
use keyward_core::permit::{Administer, Permit};
use keyward_core::store::StoreError;
use keyward_sql::{Owned, Tx, params, params_from_iter};

// The operator's command.
keyward_core::never_replayed!(Tx<'_>: SeedDeals);

impl Execute<SeedDeals> for Tx<'_> {
    fn execute(&mut self, e: &SeedDeals, _: &Permit<Administer>, _: Timestamp) -> Result<Seeded, Stop> {
        for seed in &e.deals {
            let SeedDeal { deal, team, financials, properties, place } = seed;
            let id = insert(self, &Deal { owner_account: e.account, ..deal.clone() })?;
            for (place, user) in team.iter().enumerate() {
                join_team(self, id, *user, place == 0, deal.created_at)?;
            }
            if let Some(record) = financials {
                add_financials(self, id, record, deal.updated_at)?;
            }
            for property in properties {
                add_property(self, id, property)?;
            }
            if let Some((pipeline, status)) = place {
                stand(self, e, id, (*pipeline, *status), deal.updated_at)?;
            }
        }
        Ok(Seeded { account: e.account, deals: e.deals.len() })
    }
}

fn add_financials(tx: &Tx<'_>, deal: DealId, record: &Financials, at: Timestamp) -> Result<(), StoreError> {
    let known =
        FIGURES.iter().zip(&record.figures).filter_map(|((name, _), figure)| Some((*name, figure.as_ref()?)));
    let (names, values): (Vec<&str>, Vec<&Figure>) = known.unzip();
    let mut params: Vec<Owned> = vec![deal.0.into(), at.unix().into()];
    params.extend(values.into_iter().map(stored));
    let places: Vec<String> = (3..=params.len()).map(|number| format!(", ?{number}")).collect();
    let names: Vec<String> = names.iter().map(|name| format!(", {name}")).collect();
    let sql = format!(
        "INSERT INTO deal_financials (deal_id, updated_at{}) VALUES (?1, ?2{})",
        names.concat(),
        places.concat()
    );
    tx.insert(&sql, params_from_iter(params)).map(drop)
}

fn stored(figure: &Figure) -> Owned {
    match figure {
        Figure::Money(cents) => Cents::get(*cents).into(),
        Figure::Ratio(ratio) => (*ratio).into(),
        Figure::Whole(number) => (*number).into(),
        Figure::Date(date) => date.clone().into(),
        Figure::Flag(flag) => i64::from(*flag).into(),
    }
}

fn add_property(tx: &Tx<'_>, deal: DealId, p: &Property) -> Result<(), StoreError> {
    tx.insert(
        "INSERT INTO deal_properties (deal_id, name, address, city, state, zip, asset_type_id, units, square_footage,
            year_built)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
        params![
            deal.0,
            p.name,
            p.address,
            p.city,
            p.state,
            p.zip,
            p.asset_type_id,
            p.units,
            p.square_footage,
            p.year_built
        ],
    )
    .map(drop)
}

/// Puts a deal into the status of that place, in the pipeline of that place, if the account has them.
fn stand(
    tx: &Tx<'_>,
    e: &SeedDeals,
    deal: DealId,
    (pipeline, status): (usize, usize),
    at: Timestamp,
) -> Result<(), StoreError> {
    let nth = |sql: &str, of: i64, place: usize| {
        // Absent: never, a sample deal stands at a small place.
        tx.first(sql, params![of, i64::try_from(place).unwrap_or(0)], |row| get::<i64>(row, "id"))
    };
    let sql = "SELECT id FROM pipelines WHERE owner_account_id = ?1 ORDER BY \"order\", id LIMIT 1 OFFSET ?2";
    let Some(pipeline) = nth(sql, e.account.0, pipeline)? else { return Ok(()) };
    let sql =
        "SELECT id FROM pipeline_statuses WHERE pipeline_id = ?1 ORDER BY \"order\", id LIMIT 1 OFFSET ?2";
    let Some(status) = nth(sql, pipeline, status)? else { return Ok(()) };
    tx.change(
        "INSERT INTO deal_pipelines (deal_id, pipeline_id, pipeline_status_id, updated_at) VALUES (?1, ?2, ?3, ?4)",
        params![deal.0, pipeline, status, at.unix()],
    )?;
    Ok(())
}

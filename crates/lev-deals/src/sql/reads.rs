//! What can be read.

use super::conditions::Query;
use super::hanging::{self, MEMBER, TEAM};
use super::{ID, VISIBLE, deal, get, pipelines, sight};
use crate::deal::{Deal, Included};
use crate::financials::Financials;
use crate::id::DealId;
use crate::pipeline::Pipeline;
use crate::property::Property;
use crate::reads::{DealReads, Include, OfDeal};
use crate::team::TeamMember;
use keyward_core::BoxFuture;
use keyward_core::id::{AccountId, UserId};
use keyward_core::list::{Filter, From, Listed, Window};
use keyward_core::permit::{Permit, ReadDeals, ReadPipelines};
use keyward_core::store::StoreError;
use keyward_sql::{Backend, Owned, Params, Reads, Row, Store, params, params_from_iter};

/// Looks at every row that a list can show.
pub(super) fn look_through(reads: &Reads<'_>) -> Result<(), StoreError> {
    reads.look_at(("deals", ID), "SELECT * FROM deals", deal)?;
    hanging::look_through(reads)?;
    pipelines::look_through(reads)
}

impl<B: Backend> DealReads for Store<B> {
    fn list_deals<'a>(
        &'a self,
        permit: &'a Permit<ReadDeals>,
        filter: Filter,
        window: Window,
        include: Include,
    ) -> BoxFuture<'a, Result<Listed<(Deal, Included)>, StoreError>> {
        Box::pin(async move {
            let Some((account, user)) = sight(permit) else { return Ok(Listed::empty()) };
            let holder: Vec<Owned> = vec![account.0.into(), user.0.into()];
            self.read_for(permit, move |reads| {
                let mut count = Query::new(&format!("SELECT count(*) AS n {VISIBLE}"), holder.clone());
                count.filter(&filter);
                let total = count_of(reads, &count.sql, params_from_iter(count.params))?;
                let mut page = Query::new(&format!("SELECT d.* {VISIBLE}"), holder);
                page.filter(&filter);
                page.window(&window.from, window.limit);
                let found = reads.readable(("deals", ID), &page.sql, params_from_iter(page.params), deal)?;
                let Listed { items, total, has_more, up_to } = Listed::readable(found, total, window.limit);
                Ok(Listed { items: hanging::with(reads, items, include)?, total, has_more, up_to })
            })
            .await
        })
    }

    fn get_deal<'a>(
        &'a self,
        permit: &'a Permit<ReadDeals>,
        id: DealId,
        include: Include,
    ) -> BoxFuture<'a, OfDeal<(Deal, Included)>> {
        Box::pin(async move {
            let Some((account, user)) = sight(permit) else { return Ok(None) };
            let sql = format!("SELECT d.* {VISIBLE} AND d.id = ?3");
            self.read_for(permit, move |reads| {
                let Some(found) = reads.first(&sql, params![account.0, user.0, id.0], deal)? else {
                    return Ok(None);
                };
                let whole = hanging::with(reads, vec![found], include)?.pop();
                let what = || format!("the record of deal {}", id.0);
                Ok(Some(whole.ok_or_else(|| StoreError::Corrupt { table: "deal_financials", what: what() })?))
            })
            .await
        })
    }

    fn financials<'a>(
        &'a self,
        permit: &'a Permit<ReadDeals>,
        deal: DealId,
    ) -> BoxFuture<'a, OfDeal<Option<Financials>>> {
        Box::pin(async move {
            self.of_deal(permit, deal, move |reads| {
                reads.first("SELECT * FROM deal_financials WHERE deal_id = ?1", [deal.0], hanging::record)
            })
            .await
        })
    }

    fn properties<'a>(
        &'a self,
        permit: &'a Permit<ReadDeals>,
        deal: DealId,
        window: Window,
    ) -> BoxFuture<'a, OfDeal<Listed<Property>>> {
        let table = Hanging {
            name: "deal_properties",
            columns: "p.*",
            from: "FROM deal_properties p WHERE p.deal_id = ?1",
            id: "p.id",
            map: hanging::property,
        };
        Box::pin(async move {
            self.of_deal(permit, deal, move |reads| table.page(reads, &[deal.0], &window)).await
        })
    }

    fn deal_team<'a>(
        &'a self,
        permit: &'a Permit<ReadDeals>,
        deal: DealId,
        window: Window,
    ) -> BoxFuture<'a, OfDeal<Listed<TeamMember>>> {
        Box::pin(async move {
            self.of_deal(permit, deal, move |reads| {
                let from = format!("{TEAM} AND t.deal_id = ?1");
                let table = Hanging {
                    name: "deal_team",
                    columns: MEMBER,
                    from: &from,
                    id: "t.id",
                    map: hanging::member,
                };
                table.page(reads, &[deal.0], &window)
            })
            .await
        })
    }

    fn list_pipelines<'a>(
        &'a self,
        permit: &'a Permit<ReadPipelines>,
        window: Window,
    ) -> BoxFuture<'a, Result<Listed<Pipeline>, StoreError>> {
        Box::pin(async move {
            let Some(holder) = sight(permit) else { return Ok(Listed::empty()) };
            self.read_for(permit, move |reads| pipelines::page(reads, holder, &window)).await
        })
    }

    fn get_pipeline<'a>(
        &'a self,
        permit: &'a Permit<ReadPipelines>,
        id: i64,
    ) -> BoxFuture<'a, Result<Option<Pipeline>, StoreError>> {
        Box::pin(async move {
            let Some(holder) = sight(permit) else { return Ok(None) };
            self.read_for(permit, move |reads| pipelines::one(reads, holder, id)).await
        })
    }
}

/// Reads what belongs to one deal, if the permit's holder sees that.
trait OneDeal {
    async fn of_deal<T, F>(&self, permit: &Permit<ReadDeals>, deal: DealId, read: F) -> OfDeal<T>
    where
        T: Send + 'static,
        F: FnOnce(&Reads<'_>) -> Result<T, StoreError> + Send + 'static;
}

impl<B: Backend> OneDeal for Store<B> {
    async fn of_deal<T, F>(&self, permit: &Permit<ReadDeals>, deal: DealId, read: F) -> OfDeal<T>
    where
        T: Send + 'static,
        F: FnOnce(&Reads<'_>) -> Result<T, StoreError> + Send + 'static,
    {
        let Some(holder) = sight(permit) else { return Ok(None) };
        self.read_for(
            permit,
            move |reads| if sees(reads, holder, deal)? { read(reads).map(Some) } else { Ok(None) },
        )
        .await
    }
}

fn sees(reads: &Reads<'_>, (account, user): (AccountId, UserId), deal: DealId) -> Result<bool, StoreError> {
    let sql = format!("SELECT 1 {VISIBLE} AND d.id = ?3");
    Ok(reads.first(&sql, params![account.0, user.0, deal.0], |_| Ok(()))?.is_some())
}

/// Rows that hang on one thing.
pub(super) struct Hanging<'s, T> {
    /// Their table, whose rows are named by their `id`.
    pub(super) name: &'static str,
    pub(super) columns: &'s str,
    /// The tables and the conditions, with parameters from ?1 on.
    pub(super) from: &'s str,
    /// The column of their ids.
    pub(super) id: &'s str,
    pub(super) map: fn(&Row<'_>) -> Result<T, StoreError>,
}

impl<T> Hanging<'_, T> {
    /// A page of them, by id. `on` are the parameters of the conditions.
    pub(super) fn page(
        &self,
        reads: &Reads<'_>,
        on: &[i64],
        window: &Window,
    ) -> Result<Listed<T>, StoreError> {
        let Self { name, columns, from, id, map } = self;
        let total = count_of(reads, &format!("SELECT count(*) AS n {from}"), params_from_iter(on))?;
        let after = match window.from {
            From::After(after) => after,
            From::Offset(..) => 0,
        };
        let (last, most) = (on.len() + 1, on.len() + 2);
        let sql = format!("SELECT {columns} {from} AND {id} > ?{last} ORDER BY {id} LIMIT ?{most} + 1");
        let params = params_from_iter(on.iter().copied().chain([after, i64::from(window.limit)]));
        Ok(Listed::readable(reads.readable((name, ID), &sql, params, map)?, total, window.limit))
    }
}

pub(super) fn count_of<P: Params>(reads: &Reads<'_>, sql: &str, params: P) -> Result<i64, StoreError> {
    // Absent: a count always has its row.
    Ok(reads.first(sql, params, |row| get(row, "n"))?.unwrap_or(0))
}

//! Pipelines, and the moves of deals in them.

use super::reads::Hanging;
use super::{ID, changeable, get, touch, visible};
use crate::id::DealId;
use crate::pipeline::{Pipeline, Status, Target, USUAL};
use crate::reads::DealUpkeep;
use crate::write::{GivePipelines, MoveDeal, Moved, PipelinesGiven};
use keyward_core::BoxFuture;
use keyward_core::clock::Timestamp;
use keyward_core::denial::Denial;
use keyward_core::effect::{Execute, Replay, Stop};
use keyward_core::id::{AccountId, UserId};
use keyward_core::list::{Listed, Window};
use keyward_core::permit::{Administer, Permit, WriteDeals};
use keyward_core::store::StoreError;
use keyward_sql::{Backend, Reads, Row, Store, Tx, params};
use std::collections::HashMap;

/// A page of an account's pipelines, for a member of it.
pub(super) fn page(
    reads: &Reads<'_>,
    (account, user): (AccountId, UserId),
    window: &Window,
) -> Result<Listed<Pipeline>, StoreError> {
    let table = Hanging { name: "pipelines", columns: "p.*", from: VISIBLE, id: "p.id", map: pipeline };
    let mut listed = table.page(reads, &[account.0, user.0], window)?;
    fill(reads, &mut listed.items)?;
    Ok(listed)
}

/// One of them.
pub(super) fn one(
    reads: &Reads<'_>,
    (account, user): (AccountId, UserId),
    id: i64,
) -> Result<Option<Pipeline>, StoreError> {
    let sql = format!("SELECT p.* {VISIBLE} AND p.id = ?3");
    let mut found: Vec<Pipeline> =
        reads.first(&sql, params![account.0, user.0, id], pipeline)?.into_iter().collect();
    fill(reads, &mut found)?;
    Ok(found.pop())
}

/// The pipelines of account ?1, for its member ?2: whoever is none sees nothing of it.
const VISIBLE: &str = "FROM pipelines p WHERE p.owner_account_id = ?1
    AND EXISTS (SELECT 1 FROM memberships m WHERE m.account_id = ?1 AND m.user_id = ?2)";

fn pipeline(row: &Row<'_>) -> Result<Pipeline, StoreError> {
    Ok(Pipeline {
        id: get(row, "id")?,
        pipeline_type: get(row, "pipeline_type")?,
        pipeline_name: get(row, "pipeline_name")?,
        description: get(row, "description")?,
        owner_account_id: get(row, "owner_account_id")?,
        order: get(row, "order")?,
        statuses: Vec::new(),
    })
}

/// Reads the statuses of all of them at once.
fn fill(reads: &Reads<'_>, pipelines: &mut [Pipeline]) -> Result<(), StoreError> {
    let ids: Vec<String> = pipelines.iter().map(|pipeline| pipeline.id.to_string()).collect();
    let numbers = reads.dialect().numbers();
    let sql =
        format!("SELECT * FROM pipeline_statuses WHERE pipeline_id IN ({numbers}) ORDER BY \"order\", id");
    let mut by_pipeline: HashMap<i64, Vec<Status>> = HashMap::new();
    let ids = format!("[{}]", ids.join(","));
    let status = |row: &Row<'_>| Ok((get(row, "pipeline_id")?, status(row)?));
    let found = reads.readable(("pipeline_statuses", ID), &sql, [ids], status)?;
    for (of, status) in found.into_iter().filter_map(|row| row.item) {
        by_pipeline.entry(of).or_default().push(status);
    }
    for pipeline in pipelines {
        // Absent: a pipeline without statuses, where no deal can stand.
        pipeline.statuses = by_pipeline.remove(&pipeline.id).unwrap_or_default();
    }
    Ok(())
}

/// Looks at every row that a list can show.
pub(super) fn look_through(reads: &Reads<'_>) -> Result<(), StoreError> {
    reads.look_at(("pipelines", ID), "SELECT * FROM pipelines", pipeline)?;
    reads.look_at(("pipeline_statuses", ID), "SELECT * FROM pipeline_statuses", status)
}

fn status(row: &Row<'_>) -> Result<Status, StoreError> {
    Ok(Status {
        id: get(row, "id")?,
        status: get(row, "status")?,
        custom_status_name: get(row, "custom_status_name")?,
        description: get(row, "description")?,
        order: get(row, "order")?,
        icon: get(row, "icon")?,
    })
}

impl Execute<MoveDeal> for Tx<'_> {
    fn execute(&mut self, e: &MoveDeal, permit: &Permit<WriteDeals>, now: Timestamp) -> Result<Moved, Stop> {
        let deal = changeable(self, permit, e.deal, &e.as_sent, &e.conditions)?;
        let moved = put(self, deal.owner_account, deal.id, e.to, "pipeline_id", now)?;
        if moved.now {
            touch(self, deal.id, now)?;
        }
        Ok(moved)
    }
}

impl Replay<MoveDeal> for Tx<'_> {
    fn may_replay(
        &mut self,
        _: &MoveDeal,
        subject: i64,
        permit: &Permit<WriteDeals>,
        _: Timestamp,
    ) -> Result<(), Stop> {
        visible(self, subject, permit)
    }
}

/// Puts a deal into a status of a pipeline of its account. `field` is what named the pipeline.
pub(super) fn put(
    tx: &Tx<'_>,
    account: AccountId,
    deal: DealId,
    to: Target,
    field: &str,
    now: Timestamp,
) -> Result<Moved, Stop> {
    let pipeline = tx.first(
        "SELECT 1 FROM pipelines WHERE id = ?1 AND owner_account_id = ?2",
        params![to.pipeline, account.0],
        |_| Ok(()),
    )?;
    pipeline
        .ok_or_else(|| Denial::invalid(field, format!("{field}: there is no pipeline {}", to.pipeline)))?;
    // The one that is asked for, or the first.
    let found: Option<(i64, String)> = tx.first(
        "SELECT id, coalesce(custom_status_name, status) AS status_name FROM pipeline_statuses
         WHERE pipeline_id = ?1 AND (CAST(?2 AS BIGINT) IS NULL OR id = ?2) ORDER BY \"order\", id LIMIT 1",
        params![to.pipeline, to.status],
        |row| Ok((get(row, "id")?, get(row, "status_name")?)),
    )?;
    let (status, status_name) = found.ok_or_else(|| {
        Denial::invalid("pipeline_status_id", "pipeline_status_id must be a status of that pipeline")
    })?;
    let before: Option<(i64, i64)> = tx.first(
        "SELECT pipeline_status_id, updated_at FROM deal_pipelines WHERE deal_id = ?1 AND pipeline_id = ?2",
        params![deal.0, to.pipeline],
        |row| Ok((get(row, "pipeline_status_id")?, get(row, "updated_at")?)),
    )?;
    let stays = before.filter(|(at, _)| *at == status).map(|(_, since)| since);
    if stays.is_none() {
        tx.change(
            "INSERT INTO deal_pipelines (deal_id, pipeline_id, pipeline_status_id, updated_at) VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT (deal_id, pipeline_id) DO UPDATE SET pipeline_status_id = ?3, updated_at = ?4",
            params![deal.0, to.pipeline, status, now.unix()],
        )?;
    }
    Ok(Moved {
        deal_id: deal,
        pipeline_id: to.pipeline,
        pipeline_status_id: status,
        status_name,
        // Absent: it moves, and does so now.
        updated_at: Timestamp::from_unix(stays.unwrap_or_else(|| now.unix())),
        account,
        now: stays.is_none(),
    })
}

/// The accounts that have no pipeline.
const WITHOUT: &str = "SELECT a.id FROM accounts a
    WHERE NOT EXISTS (SELECT 1 FROM pipelines p WHERE p.owner_account_id = a.id)";

impl<B: Backend> DealUpkeep for Store<B> {
    fn lacks_pipelines(&self) -> BoxFuture<'_, Result<bool, StoreError>> {
        Box::pin(self.read(|reads| Ok(reads.first(WITHOUT, [], |_| Ok(()))?.is_some())))
    }
}

// The program gives them when it makes an account.
keyward_core::never_replayed!(Tx<'_>: GivePipelines);

impl Execute<GivePipelines> for Tx<'_> {
    fn execute(
        &mut self,
        _: &GivePipelines,
        _: &Permit<Administer>,
        _: Timestamp,
    ) -> Result<PipelinesGiven, Stop> {
        let without: Vec<i64> = self.all(WITHOUT, [], |row| get(row, "id"))?;
        for account in &without {
            for (place, usual) in (1_i64..).zip(USUAL) {
                let pipeline = self.insert(
                    "INSERT INTO pipelines (owner_account_id, pipeline_type, pipeline_name, description, \"order\")
                     VALUES (?1, ?2, ?3, ?4, ?5)",
                    params![account, usual.kind, usual.name, usual.description, place],
                )?;
                for (place, (status, description, icon)) in (1_i64..).zip(usual.statuses) {
                    self.insert(
                        "INSERT INTO pipeline_statuses (pipeline_id, status, description, \"order\", icon)
                         VALUES (?1, ?2, ?3, ?4, ?5)",
                        params![pipeline, status, description, place, icon],
                    )?;
                }
            }
        }
        Ok(PipelinesGiven(without.len()))
    }
}

//! The SQL of deals. Tenancy and visibility stand in the SQL itself: a forgotten check finds nothing.
//!
//! | file | what |
//! | --- | --- |
//! | `mod.rs` | who sees and may change which deal; the writes of deals |
//! | `endings.rs` | what is ended of a deal, whatever its row holds |
//! | `reads.rs`, `conditions.rs` | what can be read, and the SQL of filters and orders |
//! | `hanging.rs` | what hangs on deals, read for many at once |
//! | `team.rs`, `pipelines.rs`, `financials.rs` | the writes of these |
//! | `seed.rs` | sample data |

mod conditions;
mod endings;
mod financials;
mod hanging;
mod pipelines;
mod reads;
mod seed;
mod team;

use crate::deal::Deal;
use crate::id::DealId;
use crate::pipeline::Target;
use crate::values::{BUSINESS_PLANS, LOAN_TYPES, TRANSACTION_TYPES, known};
use crate::write::{CreateDeal, UpdateDeal};
use keyward_core::account::Membership;
use keyward_core::clock::Timestamp;
use keyward_core::denial::Denial;
use keyward_core::effect::{Execute, Replay, Stop};
use keyward_core::id::{AccountId, UserId};
use keyward_core::money::Cents;
use keyward_core::permit::{Action, Permit, WriteDeals};
use keyward_core::preconditions::Preconditions;
use keyward_core::scope::Scope;
use keyward_core::store::StoreError;
use keyward_sql::{Component, FromValue, Migration, Named, Row, Tx, params};

/// The tables of this crate, for the components that a store is opened with.
pub const COMPONENT: Component = Component {
    name: "lev-deals",
    migrations: &[
        Migration { name: "deals", sql: include_str!("../../migrations/sqlite/0001_deals.sql") },
        Migration {
            name: "what hangs on a deal",
            sql: include_str!("../../migrations/sqlite/0002_what_hangs_on_a_deal.sql"),
        },
    ],
    look_through: reads::look_through,
};

/// What names a row of most tables.
const ID: Named = &["id"];

/// The deals of account ?1 that its member ?2 sees: an admin all, everyone else those whose team includes them.
const VISIBLE: &str = "FROM deals d JOIN memberships m ON m.account_id = d.owner_account_id
    WHERE d.owner_account_id = ?1 AND m.user_id = ?2
    AND (m.role = 'admin' OR EXISTS (SELECT 1 FROM deal_team t WHERE t.deal_id = d.id AND t.user_id = ?2))";

/// As [`VISIBLE`], where a viewer sees nothing: what may be changed.
const CHANGEABLE: &str = "FROM deals d JOIN memberships m ON m.account_id = d.owner_account_id
    WHERE d.owner_account_id = ?1 AND m.user_id = ?2
    AND (m.role = 'admin' OR (m.role = 'editor'
         AND EXISTS (SELECT 1 FROM deal_team t WHERE t.deal_id = d.id AND t.user_id = ?2)))";

impl Execute<CreateDeal> for Tx<'_> {
    fn execute(&mut self, e: &CreateDeal, permit: &Permit<WriteDeals>, now: Timestamp) -> Result<Deal, Stop> {
        let (user, member) = (permit.principal()?.user, permit.member()?);
        let deal = e.0.fields.clone().applied_to(Deal::new(member.account, e.0.title.clone(), now));
        let may = self.first(
            "SELECT 1 FROM memberships WHERE account_id = ?1 AND user_id = ?2 AND role IN ('admin', 'editor')",
            params![member.account.0, user.0],
            |_| Ok(()),
        )?;
        may.ok_or(Denial::ScopeMissing(Scope::DealsWrite))?;
        let id = insert(self, &deal)?;
        join_team(self, id, user, true, now)?;
        for pipeline in &e.0.pipelines {
            pipelines::put(
                self,
                member.account,
                id,
                Target { pipeline: *pipeline, status: None },
                "pipeline_ids",
                now,
            )?;
        }
        financials::change(self, id, &e.0.fields.financials, now)?;
        Ok(Deal { id, ..deal })
    }
}

impl Replay<CreateDeal> for Tx<'_> {
    fn may_replay(
        &mut self,
        _: &CreateDeal,
        subject: i64,
        permit: &Permit<WriteDeals>,
        _: Timestamp,
    ) -> Result<(), Stop> {
        visible(self, subject, permit)
    }
}

impl Execute<UpdateDeal> for Tx<'_> {
    fn execute(&mut self, e: &UpdateDeal, permit: &Permit<WriteDeals>, now: Timestamp) -> Result<Deal, Stop> {
        let current = changeable(self, permit, e.deal, &e.as_sent, &e.conditions)?;
        let next =
            e.changes.clone().applied_to(Deal { version: current.version + 1, updated_at: now, ..current });
        self.change(
            "UPDATE deals SET title = ?2, loan_amount_cents = ?3, loan_type = ?4, transaction_type = ?5,
                business_plan = ?6, description = ?7, estimated_close_date = ?8, version = ?9, updated_at = ?10
             WHERE id = ?1",
            params![
                next.id.0,
                next.title,
                next.loan_amount.map(Cents::get),
                next.loan_type,
                next.transaction_type,
                next.business_plan,
                next.description,
                next.estimated_close_date,
                next.version,
                next.updated_at.unix(),
            ],
        )?;
        financials::change(self, next.id, &e.changes.financials, now)?;
        Ok(next)
    }
}

impl Replay<UpdateDeal> for Tx<'_> {
    fn may_replay(
        &mut self,
        _: &UpdateDeal,
        subject: i64,
        permit: &Permit<WriteDeals>,
        _: Timestamp,
    ) -> Result<(), Stop> {
        visible(self, subject, permit)
    }
}

/// What is answered again must be within the holder's sight, else 404.
fn visible(tx: &Tx<'_>, id: i64, permit: &Permit<WriteDeals>) -> Result<(), Stop> {
    let (account, user) = (permit.member()?.account, permit.principal()?.user);
    let sql = format!("SELECT 1 {VISIBLE} AND d.id = ?3");
    let found = tx.first(&sql, params![account.0, user.0, id], |_| Ok(()))?;
    Ok(found.ok_or_else(|| Denial::not_found("Deal", &id.to_string()))?)
}

/// The deal to change: found within the holder's sight, else 404; in a state that it asked for, else 412.
fn changeable(
    tx: &Tx<'_>,
    permit: &Permit<WriteDeals>,
    id: Option<DealId>,
    as_sent: &str,
    conditions: &Preconditions,
) -> Result<Deal, Stop> {
    let Membership { account, .. } = permit.member()?;
    let user = permit.principal()?.user;
    let sql = format!("SELECT d.* {CHANGEABLE} AND d.id = ?3");
    let found = tx.first(&sql, params![account.0, user.0, id.map(|id| id.0)], deal)?;
    let current = found.ok_or_else(|| Denial::not_found("Deal", as_sent))?;
    conditions.check(&current.etag())?;
    Ok(current)
}

fn insert(tx: &Tx<'_>, deal: &Deal) -> Result<DealId, StoreError> {
    let id = tx.insert(
        "INSERT INTO deals (owner_account_id, title, loan_amount_cents, loan_type, transaction_type, business_plan,
            description, estimated_close_date, close_date, created_at, updated_at, archived_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
        params![
            deal.owner_account.0,
            deal.title,
            deal.loan_amount.map(Cents::get),
            deal.loan_type,
            deal.transaction_type,
            deal.business_plan,
            deal.description,
            deal.estimated_close_date,
            deal.close_date,
            deal.created_at.unix(),
            deal.updated_at.unix(),
            deal.archived_at.map(Timestamp::unix),
        ],
    )?;
    Ok(DealId(id))
}

fn join_team(tx: &Tx<'_>, deal: DealId, user: UserId, leads: bool, now: Timestamp) -> Result<(), StoreError> {
    let role = if leads { "deal_lead" } else { "originator" };
    tx.insert(
        "INSERT INTO deal_team (deal_id, user_id, deal_role, is_primary, created_at) VALUES (?1, ?2, ?3, ?4, ?5)",
        params![deal.0, user.0, role, leads, now.unix()],
    )?;
    Ok(())
}

fn sight<A: Action>(permit: &Permit<A>) -> Option<(AccountId, UserId)> {
    // Absent: a caller without a place in an account sees no deal.
    Some((permit.member().ok()?.account, permit.principal().ok()?.user))
}

/// Counts a change of what hangs on a deal as one of the deal: its `ETag` and `updated_at` are new.
fn touch(tx: &Tx<'_>, deal: DealId, now: Timestamp) -> Result<(), StoreError> {
    tx.change(TOUCH, params![deal.0, now.unix()]).map(drop)
}

/// A version that cannot be read is followed by one that nobody has seen.
const TOUCH: &str = "UPDATE deals SET version = CASE typeof(version) WHEN 'integer' THEN version + 1 ELSE ?2 END, updated_at = ?2
    WHERE id = ?1";

fn get<T: FromValue>(row: &Row<'_>, column: &str) -> Result<T, StoreError> {
    row.get(column)
}

fn deal(row: &Row<'_>) -> Result<Deal, StoreError> {
    let id: i64 = get(row, "id")?;
    let corrupt =
        |column: &str| StoreError::Corrupt { table: "deals", what: format!("{column} of row {id}") };
    let value = |column: &str, set| match get::<Option<String>>(row, column)? {
        None => Ok(None),
        Some(text) => known(set, &text).map(Some).ok_or_else(|| corrupt(column)),
    };
    let loan_amount = match get::<Option<i64>>(row, "loan_amount_cents")? {
        None => None,
        Some(cents) => Some(Cents::new(cents).ok_or_else(|| corrupt("loan_amount_cents"))?),
    };
    Ok(Deal {
        id: DealId(id),
        owner_account: AccountId(get(row, "owner_account_id")?),
        title: get(row, "title")?,
        loan_amount,
        loan_type: value("loan_type", LOAN_TYPES)?,
        transaction_type: value("transaction_type", TRANSACTION_TYPES)?,
        business_plan: value("business_plan", BUSINESS_PLANS)?,
        description: get(row, "description")?,
        estimated_close_date: get(row, "estimated_close_date")?,
        close_date: get(row, "close_date")?,
        version: get(row, "version")?,
        created_at: Timestamp::from_unix(get(row, "created_at")?),
        updated_at: Timestamp::from_unix(get(row, "updated_at")?),
        archived_at: get::<Option<i64>>(row, "archived_at")?.map(Timestamp::from_unix),
    })
}

//! The writes of a deal's team.

use super::endings::{ToEnd, to_end};
use super::hanging::{self, MEMBER, TEAM};
use super::{TOUCH, changeable, get, touch, visible};
use crate::team::{MAX_TEAM, NewTeamMember};
use crate::write::{JoinTeam, Joined, LeaveTeam, Left};
use keyward_core::clock::Timestamp;
use keyward_core::denial::Denial;
use keyward_core::effect::{Execute, Replay, Stop};
use keyward_core::permit::{Permit, WriteDeals};
use keyward_core::store::StoreError;
use keyward_sql::{Tx, params};

impl Execute<JoinTeam> for Tx<'_> {
    fn execute(&mut self, e: &JoinTeam, permit: &Permit<WriteDeals>, now: Timestamp) -> Result<Joined, Stop> {
        let deal = changeable(self, permit, e.deal, &e.as_sent, &e.conditions)?;
        let NewTeamMember { user, role, is_primary } = &e.member;
        let member = self.first(
            "SELECT 1 FROM memberships WHERE account_id = ?1 AND user_id = ?2",
            params![deal.owner_account.0, user.0],
            |_| Ok(()),
        )?;
        member.ok_or_else(|| Denial::invalid("user_id", "user_id must be a member of the account"))?;
        let on = |sql: &str| -> Result<i64, StoreError> {
            // Absent: no count, so no room.
            Ok(self.first(sql, params![deal.id.0, user.0], |row| get(row, "n"))?.unwrap_or(i64::MAX))
        };
        if on("SELECT count(*) AS n FROM deal_team WHERE deal_id = ?1 AND user_id = ?2")? > 0 {
            return Err(Denial::invalid("user_id", "user_id is on the team already").into());
        }
        // Who is no longer a member of the account is not counted, as it is not shown.
        if on(&format!("SELECT count(*) AS n {TEAM} AND t.deal_id = ?1 AND ?2 > 0"))? >= MAX_TEAM as i64 {
            let text = format!("The team has {MAX_TEAM} members, which is the most that it can have");
            return Err(Denial::invalid("user_id", text).into());
        }
        if *is_primary {
            self.change(
                "UPDATE deal_team SET is_primary = 0 WHERE deal_id = ?1 AND is_primary = 1",
                [deal.id.0],
            )?;
        }
        let id = self.insert(
            "INSERT INTO deal_team (deal_id, user_id, deal_role, is_primary, created_at) VALUES (?1, ?2, ?3, ?4, ?5)",
            params![deal.id.0, user.0, role, is_primary, now.unix()],
        )?;
        touch(self, deal.id, now)?;
        let sql = format!("SELECT {MEMBER} {TEAM} AND t.id = ?1");
        let member = self.first(&sql, [id], hanging::member)?;
        let gone = || StoreError::Failed("a row that was just inserted is not there".into());
        Ok(Joined { deal: deal.id, account: deal.owner_account, member: member.ok_or_else(gone)? })
    }
}

impl Replay<JoinTeam> for Tx<'_> {
    fn may_replay(
        &mut self,
        _: &JoinTeam,
        subject: i64,
        permit: &Permit<WriteDeals>,
        _: Timestamp,
    ) -> Result<(), Stop> {
        visible(self, subject, permit)
    }
}

impl Execute<LeaveTeam> for Tx<'_> {
    fn execute(&mut self, e: &LeaveTeam, permit: &Permit<WriteDeals>, now: Timestamp) -> Result<Left, Stop> {
        let ToEnd { deal, account, .. } = to_end(self, permit, e.deal, &e.as_sent, &e.conditions)?;
        let no_member = || Denial::not_found("Team member", &e.user_as_sent);
        let user = e.user.ok_or_else(no_member)?;
        let removed = self.change(
            &format!(
                "DELETE FROM deal_team WHERE id IN (SELECT t.id {TEAM} AND t.deal_id = ?1 AND t.user_id = ?2)"
            ),
            params![deal.0, user.0],
        )?;
        if removed == 0 {
            return Err(no_member().into());
        }
        // A deal whose row cannot be changed keeps its `ETag`, which nobody has where it cannot be shown.
        self.change_readable(("deals", deal.0), TOUCH, params![deal.0, now.unix()])?;
        Ok(Left { deal, account, user })
    }
}

impl Replay<LeaveTeam> for Tx<'_> {
    fn may_replay(
        &mut self,
        _: &LeaveTeam,
        subject: i64,
        permit: &Permit<WriteDeals>,
        _: Timestamp,
    ) -> Result<(), Stop> {
        visible(self, subject, permit)
    }
}

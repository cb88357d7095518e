//! `/deals/{deal_id}/team`: who works on a deal. Whoever does, sees it.

use super::no_deal;
use crate::call::{Call, Reply};
use crate::problem::Problem;
use keyward_core::denial::Denial;
use keyward_core::id::UserId;
use keyward_core::list::CursorList;
use keyward_core::permit::{Permit, ReadDeals, WriteDeals};
use lev_deals::list::TEAM;
use lev_deals::write::{JoinTeam, LeaveTeam};
use lev_deals::{DealId, NewTeamMember};

pub(crate) async fn list(mut call: Call, permit: Permit<ReadDeals>) -> Result<Reply, Problem> {
    let asked = call.ask(&TEAM)?;
    let of = call.path_id().to_owned();
    let list = CursorList { name: TEAM.name, account: permit.member()?.account, filter: &of };
    let window = call.window(list, &asked)?;
    let deal = DealId::parse(&of).ok_or_else(|| no_deal(&call))?;
    let listed = call.reads().deal_team(&permit, deal, window).await?.ok_or_else(|| no_deal(&call))?;
    let pagination = call.pagination(list, &asked, &listed, |member| member.id);
    Ok(Reply::page(&listed.items, &pagination))
}

pub(crate) fn join(call: &Call, _: &Permit<WriteDeals>) -> Result<JoinTeam, Problem> {
    let conditions = call.conditions.clone();
    let member = NewTeamMember::read(call.body()?).map_err(Denial::Invalid)?;
    Ok(JoinTeam {
        deal: DealId::parse(call.path_id()),
        as_sent: call.path_id().to_owned(),
        member,
        conditions,
    })
}

pub(crate) fn leave(call: &Call, _: &Permit<WriteDeals>) -> Result<LeaveTeam, Problem> {
    let conditions = call.conditions.clone();
    call.no_members()?;
    Ok(LeaveTeam {
        deal: DealId::parse(call.path_id()),
        as_sent: call.path_id().to_owned(),
        user: UserId::parse(call.second_path_id()),
        user_as_sent: call.second_path_id().to_owned(),
        conditions,
    })
}

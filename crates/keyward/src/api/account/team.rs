//! `/account/team`: the members of the account, and what its admins do with them.

use crate::call::{Call, Reply};
use crate::problem::Problem;
use keyward_core::denial::Denial;
use keyward_core::id::UserId;
use keyward_core::list::{CursorList, Grammar};
use keyward_core::permit::{ManageTeam, Permit, ReadAccount};
use keyward_core::team::{Invitation, TeamMember, TeamMemberView, read_role};
use keyward_core::write::team::{ChangeRole, Dismiss, Invite};

/// What the list can be asked.
pub(crate) const TEAM: Grammar = Grammar::plain("team");

pub(crate) async fn list(mut call: Call, permit: Permit<ReadAccount>) -> Result<Reply, Problem> {
    let asked = call.ask(&TEAM)?;
    let list = CursorList { name: TEAM.name, account: permit.member()?.account, filter: "" };
    let window = call.window(list, &asked)?;
    let listed = call.reads().list_team(&permit, window, call.now()).await?;
    let members: Vec<TeamMemberView<'_>> = listed.items.iter().map(TeamMember::view).collect();
    let pagination = call.pagination(list, &asked, &listed, |member| member.user.0);
    Ok(Reply::page(&members, &pagination))
}

pub(crate) fn invite(call: &Call, _: &Permit<ManageTeam>) -> Result<Invite, Problem> {
    let Invitation { email, role } = Invitation::read(call.body()?).map_err(Denial::Invalid)?;
    Ok(Invite { uuid: call.uuid()?.to_string(), email, role })
}

pub(crate) fn change(call: &Call, _: &Permit<ManageTeam>) -> Result<ChangeRole, Problem> {
    let role = read_role(call.body()?).map_err(Denial::Invalid)?;
    Ok(ChangeRole { user: UserId::parse(call.path_id()), as_sent: call.path_id().to_owned(), role })
}

pub(crate) fn dismiss(call: &Call, _: &Permit<ManageTeam>) -> Result<Dismiss, Problem> {
    call.no_members()?;
    Ok(Dismiss { user: UserId::parse(call.path_id()), as_sent: call.path_id().to_owned() })
}

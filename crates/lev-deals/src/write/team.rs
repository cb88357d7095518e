//! Who joins the team of a deal, and who leaves it.

use crate::id::DealId;
use crate::team::{NewTeamMember, TeamMember};
use keyward_core::effect::{Effect, Rendered, Repeatable, Subject};
use keyward_core::id::{AccountId, UserId};
use keyward_core::permit::WriteDeals;
use keyward_core::preconditions::Preconditions;
use serde_json::json;

/// Puts a member of the account on a deal's team.
#[derive(Debug)]
pub struct JoinTeam {
    /// The deal; `None` when the path named no id at all.
    pub deal: Option<DealId>,
    /// The id as it was sent, for the refusal.
    pub as_sent: String,
    /// Who, as what.
    pub member: NewTeamMember,
    /// The states of the deal in which it may be done.
    pub conditions: Preconditions,
}

/// Someone is on a team.
#[derive(Clone, Debug)]
pub struct Joined {
    /// The deal.
    pub deal: DealId,
    /// Its account.
    pub account: AccountId,
    /// The member.
    pub member: TeamMember,
}

impl Repeatable for JoinTeam {}

impl Effect for JoinTeam {
    type Action = WriteDeals;
    type Done = Joined;
    const AUDIT: &'static str = "deal.team_add";
    const CONDITIONAL: bool = true;

    fn subject(done: &Joined) -> Subject {
        Subject { kind: "deal", id: done.deal.0, account: Some(done.account) }
    }

    fn detail(done: &Joined) -> Option<serde_json::Value> {
        let TeamMember { user_id, deal_role, is_primary, .. } = &done.member;
        Some(json!({ "user_id": user_id, "deal_role": deal_role, "is_primary": is_primary }))
    }

    fn render(done: &Joined) -> Rendered {
        Rendered::created(&done.member)
    }
}

/// Takes someone off a deal's team.
#[derive(Debug)]
pub struct LeaveTeam {
    /// The deal; `None` when the path named no id at all.
    pub deal: Option<DealId>,
    /// The id as it was sent, for the refusal.
    pub as_sent: String,
    /// The user; `None` when the path named no id at all.
    pub user: Option<UserId>,
    /// The user's id as it was sent.
    pub user_as_sent: String,
    /// The states of the deal in which it may be done.
    pub conditions: Preconditions,
}

/// Someone is off a team.
#[derive(Clone, Copy, Debug)]
pub struct Left {
    /// The deal.
    pub deal: DealId,
    /// Its account.
    pub account: AccountId,
    /// The user.
    pub user: UserId,
}

impl Repeatable for LeaveTeam {}

impl Effect for LeaveTeam {
    type Action = WriteDeals;
    type Done = Left;
    const AUDIT: &'static str = "deal.team_remove";
    const CONDITIONAL: bool = true;

    fn subject(done: &Left) -> Subject {
        Subject { kind: "deal", id: done.deal.0, account: Some(done.account) }
    }

    fn detail(done: &Left) -> Option<serde_json::Value> {
        Some(json!({ "user_id": done.user }))
    }

    fn render(_: &Left) -> Rendered {
        Rendered::deleted()
    }
}

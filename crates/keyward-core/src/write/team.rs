//! What the admins of an account do with its team: invite, change roles, take places away.

use crate::effect::{Effect, Rendered, Repeatable, Subject};
use crate::id::{AccountId, UserId};
use crate::permit::ManageTeam;
use crate::role::Role;
use crate::team::TeamMember;
use serde_json::json;

/// A change of someone on the team.
#[derive(Clone, Debug)]
pub struct TeamChanged {
    /// The account.
    pub account: AccountId,
    /// Who, as it is now.
    pub member: TeamMember,
    /// The role before, where there was one that can be read.
    pub before: Option<Role>,
    /// Whether anything is different.
    pub now: bool,
}

fn subject(account: AccountId, user: UserId) -> Subject {
    Subject { kind: "user", id: user.0, account: Some(account) }
}

/// Invites a person into the caller's account. Who is unknown becomes a user; who is invited already has a new week.
#[derive(Clone, Debug)]
pub struct Invite {
    /// A random UUID, for a new user.
    pub uuid: String,
    /// The address, in lower case.
    pub email: String,
    /// The role that is offered.
    pub role: Role,
}

impl Repeatable for Invite {}

impl Effect for Invite {
    type Action = ManageTeam;
    type Done = TeamChanged;
    const AUDIT: &'static str = "member.invite";

    fn subject(done: &TeamChanged) -> Subject {
        subject(done.account, done.member.user)
    }

    fn detail(done: &TeamChanged) -> Option<serde_json::Value> {
        Some(json!({ "role": done.member.role.name() }))
    }

    fn render(done: &TeamChanged) -> Rendered {
        Rendered::created(&done.member.view())
    }
}

/// Changes the role of a member, or the one that is offered to who is invited.
#[derive(Clone, Debug)]
pub struct ChangeRole {
    /// The user; `None` when the path named no id at all.
    pub user: Option<UserId>,
    /// The id as it was sent, for the refusal.
    pub as_sent: String,
    /// The new role.
    pub role: Role,
}

impl Repeatable for ChangeRole {}

impl Effect for ChangeRole {
    type Action = ManageTeam;
    type Done = TeamChanged;
    const AUDIT: &'static str = "member.role";

    fn subject(done: &TeamChanged) -> Subject {
        subject(done.account, done.member.user)
    }

    fn changed(done: &TeamChanged) -> bool {
        done.now
    }

    fn detail(done: &TeamChanged) -> Option<serde_json::Value> {
        let TeamMember { role, invited, .. } = &done.member;
        Some(json!({ "role": role.name(), "before": done.before.map(Role::name), "invited": invited }))
    }

    fn render(done: &TeamChanged) -> Rendered {
        Rendered::ok(&done.member.view())
    }
}

/// Takes a member's place away, and with it its keys in the account; or an invitation back.
#[derive(Clone, Debug)]
pub struct Dismiss {
    /// The user; `None` when the path named no id at all.
    pub user: Option<UserId>,
    /// The id as it was sent, for the refusal.
    pub as_sent: String,
}

/// Someone is off the team.
#[derive(Clone, Copy, Debug)]
pub struct Dismissed {
    /// The account.
    pub account: AccountId,
    /// The user.
    pub user: UserId,
    /// The role that it had, or was offered; `None`: that cannot be read.
    pub role: Option<Role>,
    /// Whether it was only invited.
    pub invited: bool,
}

impl Repeatable for Dismiss {}

impl Effect for Dismiss {
    type Action = ManageTeam;
    type Done = Dismissed;
    const AUDIT: &'static str = "member.remove";

    fn ends(_: &Dismissed) -> bool {
        true
    }

    fn subject(done: &Dismissed) -> Subject {
        subject(done.account, done.user)
    }

    fn detail(done: &Dismissed) -> Option<serde_json::Value> {
        Some(json!({ "role": done.role.map(Role::name), "invited": done.invited }))
    }

    fn render(_: &Dismissed) -> Rendered {
        Rendered::deleted()
    }
}

//! The team of an account, and what its admins do with it: invite, change roles, take places away.

mod inviting;
mod role_change;

pub use inviting::{INVITATION_SECONDS, Invitee, MAX_INVITATIONS, OpenInvitation, may_give_up_an_admin};
pub use role_change::RoleChange;

use crate::effect::{Effect, Rendered, Subject};
use crate::id::{AccountId, UserId};
use crate::input::{Fields, Invalid};
use crate::json::Json;
use crate::made_by::{MadeBy, MadeByView};
use crate::permit::ManageTeam;
use crate::role::Role;
use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;

/// Someone who is on the team, or invited to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TeamMember {
    /// The user.
    pub user: UserId,
    /// Given name; told once the person is a member.
    pub first_name: Option<String>,
    /// Family name; told once the person is a member.
    pub last_name: Option<String>,
    /// The address.
    pub email: String,
    /// The role in the account, or the one that is offered.
    pub role: Role,
    /// Where a picture is.
    pub photo_url: Option<String>,
    /// By what the person was invited or became a member; `None`: before that was recorded.
    pub made_by: Option<MadeBy>,
    /// Whether the person has not come yet.
    pub invited: bool,
}

/// A member of the account's team, or someone who is invited to it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AccountTeamMember)]
pub struct TeamMemberView<'a> {
    /// The user's id.
    #[schema(value_type = i64, minimum = 1)]
    pub user_id: UserId,
    /// Given name; null until an invitation is accepted.
    #[schema(required)]
    pub first_name: Option<&'a str>,
    /// Family name; null until an invitation is accepted.
    #[schema(required)]
    pub last_name: Option<&'a str>,
    /// The address.
    pub email: &'a str,
    /// The role in the account, or the one that is offered: `admin`, `editor` or `viewer`.
    #[schema(extensions(("enum" = json!(["admin", "editor", "viewer"]))))]
    pub role: &'static str,
    /// Where a picture is.
    #[schema(required)]
    pub photo_url: Option<&'a str>,
    /// `active`, or `invited`: the invitation is open. Keyward's own.
    #[schema(extensions(("enum" = json!(["active", "invited"]))))]
    pub status: &'static str,
    /// By which credential the person was invited, or made a member; null: before that was recorded. Keyward's own.
    #[schema(required)]
    pub made_by: Option<MadeByView>,
}

impl TeamMember {
    /// As the account's admins see it. Who only invites somebody does not receive the name and the picture that other accounts know.
    #[must_use]
    pub fn as_the_team_sees_it(self) -> Self {
        if !self.invited {
            return self;
        }
        Self { first_name: None, last_name: None, photo_url: None, ..self }
    }

    /// How the API shows it.
    #[must_use]
    pub fn view(&self) -> TeamMemberView<'_> {
        TeamMemberView {
            user_id: self.user,
            first_name: self.first_name.as_deref(),
            last_name: self.last_name.as_deref(),
            email: &self.email,
            role: self.role.name(),
            photo_url: self.photo_url.as_deref(),
            status: if self.invited { "invited" } else { "active" },
            made_by: self.made_by.map(MadeBy::view),
        }
    }
}

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

/// Whom to invite, as what.
#[derive(Clone, Debug)]
pub struct Invitation {
    /// The address, in lower case.
    pub email: String,
    /// The role.
    pub role: Role,
}

const ROLES: &[&str] = &["admin", "editor", "viewer"];

impl Invitation {
    /// Reads the body of `POST /account/team`.
    ///
    /// # Errors
    /// [`Invalid`] with every mistake.
    pub fn read(body: &Json) -> Result<Self, Invalid> {
        let mut fields = Fields::of(body)?;
        let read = Self::take(&mut fields);
        fields.finish()?;
        // `finish` has reported what is missing.
        read.ok_or_else(|| Invalid::one("email", "email and role are required"))
    }

    /// Takes the members of the body.
    pub fn take(fields: &mut Fields<'_>) -> Option<Self> {
        let email = fields.email("email");
        let email = fields.required("email", email);
        let role = take_role(fields);
        Some(Self { email: email?, role: role? })
    }
}

/// Reads the body of `PATCH /account/team/{user_id}`.
///
/// # Errors
/// [`Invalid`] with every mistake.
pub fn read_role(body: &Json) -> Result<Role, Invalid> {
    let mut fields = Fields::of(body)?;
    let role = take_role(&mut fields);
    fields.finish()?;
    // `finish` has reported a missing one.
    role.ok_or_else(|| Invalid::one("role", "role is required"))
}

/// Takes the member `role`.
pub fn take_role(fields: &mut Fields<'_>) -> Option<Role> {
    let role = fields.choice("role", ROLES);
    fields.required("role", role).and_then(Role::parse)
}

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

//! The team of an account: its members, who is invited, and how an invitation is read.

mod inviting;
mod role_change;

pub use inviting::{INVITATION_SECONDS, Invitee, MAX_INVITATIONS, OpenInvitation, may_give_up_an_admin};
pub use role_change::RoleChange;

use crate::id::UserId;
use crate::input::{Fields, Invalid};
use crate::json::Json;
use crate::made_by::{MadeBy, MadeByView};
use crate::role::Role;
use serde::Serialize;
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

//! The team of a deal: who works on it, and so who sees it.

use crate::deal::DealId;
use keyward_core::effect::{Effect, Rendered, Subject};
use keyward_core::id::{AccountId, MAX_ID, UserId};
use keyward_core::input::{Fields, Invalid};
use keyward_core::json::Json;
use keyward_core::permit::WriteDeals;
use keyward_core::preconditions::Preconditions;
use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;

/// The most people on one team.
pub const MAX_TEAM: usize = 100;
/// The role of someone of whom none is said.
pub const DEFAULT_ROLE: &str = "originator";
/// The roles that are known; the set is open.
pub const KNOWN_ROLES: &[&str] = &["deal_lead", "originator", "closer"];

/// A member of a deal's team.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = DealTeamMember)]
pub struct TeamMember {
    /// The id of the assignment.
    #[schema(minimum = 1)]
    pub id: i64,
    /// The user.
    #[schema(minimum = 1)]
    pub user_id: i64,
    /// Given name.
    pub first_name: String,
    /// Family name.
    pub last_name: String,
    /// Address.
    pub email: String,
    /// What the member does on this deal. More roles may come: treat an unknown one as a name.
    #[schema(required, extensions(("x-extensible-enum" = json!(KNOWN_ROLES))))]
    pub deal_role: Option<String>,
    /// Whether this is who to ask first. One at most.
    pub is_primary: bool,
    /// What the member may do with the deal now, by its role in the account: `edit` or `view`. More may come.
    #[schema(required, extensions(("x-extensible-enum" = json!(["edit", "view"]))))]
    pub permission: Option<String>,
    /// Where a picture is.
    #[schema(required)]
    pub photo_url: Option<String>,
}

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

/// Who is to be on a team.
#[derive(Clone, Debug)]
pub struct NewTeamMember {
    /// The user, a member of the account.
    pub user: UserId,
    /// 1 to 64 characters.
    pub role: String,
    /// Whether this is who to ask first, in place of who was.
    pub is_primary: bool,
}

impl NewTeamMember {
    /// Reads the body of `POST /deals/{deal_id}/team`.
    ///
    /// # Errors
    /// [`Invalid`] with every mistake.
    pub fn read(body: &Json) -> Result<Self, Invalid> {
        let mut fields = Fields::of(body)?;
        let read = Self::take(&mut fields);
        fields.finish()?;
        // `finish` has reported a missing one.
        read.ok_or_else(|| Invalid::one("user_id", "user_id is required"))
    }

    /// Takes the members of the body.
    pub fn take(fields: &mut Fields<'_>) -> Option<Self> {
        let user = fields.integer("user_id", 1..=MAX_ID);
        let user = fields.required("user_id", user);
        let role = fields.string("deal_role", 1, 64).value();
        let is_primary = fields.boolean("is_primary").value();
        Some(Self {
            user: UserId(user?),
            // Absent: the usual one, which gives no more than another.
            role: role.unwrap_or_else(|| DEFAULT_ROLE.to_owned()),
            // Absent: not the primary member.
            is_primary: is_primary.unwrap_or(false),
        })
    }
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

//! The team of a deal: who works on it, and so who sees it.

use keyward_core::id::{MAX_ID, UserId};
use keyward_core::input::{Fields, Invalid};
use keyward_core::json::Json;
use serde::Serialize;
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

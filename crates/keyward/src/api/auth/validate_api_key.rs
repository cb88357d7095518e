//! `POST /auth/validate-api-key`: public; 200 either way.
//!
//! The body wins; with no body at all, the bearer token is validated. Whatever is wrong with a key, the answer is the
//! same, and takes the same time.

use crate::call::{Call, Reply};
use crate::problem::Problem;
use keyward_core::denial::Denial;
use keyward_core::header::bearer;
use keyward_core::id::{AccountId, UserId};
use keyward_core::input::Fields;
use keyward_core::principal::Principal;
use keyward_core::secret::Secret;
use serde::Serialize;
use utoipa::ToSchema;

pub(crate) async fn handle(mut call: Call) -> Result<Reply, Problem> {
    call.finish_query()?;
    let key = presented(&call)?;
    let now = call.now();
    let live = call.live();
    let admitted = call.ring().admit_evenly(key.expose(), call.address, &live, now).map(Principal::of);
    if let Err(denial @ Denial::ClockBehind) = admitted {
        // Whether it is good is not known.
        return Err(denial.into());
    }
    // Absent: the answer says that the key is not valid.
    let account = admitted.as_ref().ok().and_then(|who| live.account(who.member?.account));
    let (Ok(who), Some(account)) = (&admitted, account) else {
        return Ok(Reply::new(&Validation::default()));
    };
    Ok(Reply::new(&Validation {
        valid: true,
        user_id: Some(who.user),
        account_id: Some(account.id),
        scopes: Some(who.scopes.names()),
        tier: Some(account.tier.name()),
    }))
}

/// What is known of an API key. Of one that is not good: that it is not, and nothing else.
#[derive(Default, Serialize, ToSchema)]
#[schema(as = ApiKeyValidation)]
pub(crate) struct Validation {
    /// Whether a request with this key, from this address, would be authenticated now. The rest is there only then.
    valid: bool,
    /// The user that the key acts for.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = i64, minimum = 1, required = false)]
    user_id: Option<UserId>,
    /// The account that the key is bound to.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = i64, minimum = 1, required = false)]
    account_id: Option<AccountId>,
    /// What the key may do now: its scopes within those of its user's role, sorted.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Vec<String>, required = false)]
    scopes: Option<Vec<&'static str>>,
    /// The account's tier. More may come.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, required = false, extensions(("x-extensible-enum" = json!(["free", "standard", "enterprise"]))))]
    tier: Option<&'static str>,
}

/// Takes the members of the body. Any text may be asked about; only what is no text at all is a mistake of the question.
pub(crate) fn take(fields: &mut Fields<'_>) -> Option<String> {
    let key = fields.string("api_key", 0, usize::MAX);
    fields.required("api_key", key)
}

fn presented(call: &Call) -> Result<Secret, Denial> {
    if let Some(body) = call.body_if_any() {
        let mut fields = Fields::of(body).map_err(Denial::Invalid)?;
        let key = take(&mut fields);
        fields.finish().map_err(Denial::Invalid)?;
        return key.map(Secret::new).ok_or_else(|| Denial::invalid("api_key", "api_key is required"));
    }
    match call.authorization() {
        None => Err(Denial::invalid("api_key", "api_key is required, in the body or as the bearer token")),
        // Absent: no key is empty, so the answer says that it is not valid.
        Some(header) => Ok(Secret::new(bearer(header.as_bytes()).unwrap_or_default().to_owned())),
    }
}

//! `GET /me`: who I am here, and what I may do now.

use crate::call::{Call, Reply, Standings};
use crate::problem::Problem;
use keyward_core::account::{Account, AccountRef, User};
use keyward_core::clock::Timestamp;
use keyward_core::denial::Denial;
use keyward_core::id::UserId;
use keyward_core::limits::{Limits, Rate};
use keyward_core::live::Live;
use keyward_core::permit::{Permit, SeeSelf};
use keyward_core::principal::{Credential, JwtCredential, Principal, TokenOf};
use keyward_core::rate_limit::Standing;
use keyward_core::role::Role;
use serde::Serialize;
use utoipa::ToSchema;

pub(crate) async fn handle(mut call: Call, permit: Permit<SeeSelf>) -> Result<Reply, Problem> {
    call.finish_query()?;
    let who = permit.principal()?;
    let (now, limits) = (call.now(), call.limits(who));
    let live = call.live();
    // Users and accounts are never taken out, so those of an admitted caller are there.
    let user = live.user(who.user).ok_or(Denial::UserDisabled)?;
    let Some(member) = who.member else {
        let available_accounts =
            live.within_reach(&who.credential, who.user).map(|(account, _)| AccountRef::of(account));
        let available_accounts = available_accounts.collect();
        return Ok(Reply::new(&MeNowhere { user: UserView::of(user, None), available_accounts }));
    };
    let account = live.account(member.account).ok_or(Denial::AccountDisabled)?;
    Ok(Reply::new(&Me {
        user: UserView::of(user, Some(member.role)),
        account: AccountRef::of(account),
        profile: Profile { title: user.title.as_deref(), photo_url: user.photo_url.as_deref() },
        subscription: Subscription {
            kind: account.tier.name(),
            status: "active",
            billing_cycle: None,
            end_date: None,
        },
        platform: platform(who, account, (&live, now), &limits),
    }))
}

fn platform<'a>(
    who: &'a Principal,
    account: &Account,
    (live, now): (&'a Live, Timestamp),
    (limits, [reads, writes]): &(Limits, Standings),
) -> Platform<'a> {
    let rate = |rate: Rate, standing: &Option<Standing>| RateLimit {
        limit: rate,
        remaining: standing.map(|standing| standing.remaining),
        window_seconds: 60,
    };
    Platform {
        api_tier: account.tier.name(),
        granted_scopes: who.scopes.names(),
        rate_limits: RateLimits { reads: rate(limits.reads, reads), writes: rate(limits.writes, writes) },
        api_keys: KeyCount { current_count: live.live_keys(account.id, now), max_allowed: limits.keys },
        credential: credential(&who.credential, live),
    }
}

fn credential<'a>(credential: &'a Credential, live: &'a Live) -> CredentialView<'a> {
    let label = match credential {
        Credential::ApiKey(key) => live.key(key.id).map(|key| key.label.as_str()),
        Credential::Jwt(JwtCredential { of: TokenOf::Grant(grant), .. }) => {
            live.grant(*grant).map(|grant| grant.client_name.as_str())
        }
        Credential::Jwt(jwt) => jwt.token.client.as_deref(),
        Credential::Session(_) => None,
    };
    CredentialView {
        // What a client sent, in its words: a token of ours is a JWT like any other.
        kind: if let Credential::Jwt(_) = credential { "jwt" } else { credential.kind() },
        id: credential.id(),
        label,
        expires_at: credential.expires_at(),
    }
}

/// Who calls, where no account is named and the credential is bound to none.
#[derive(Serialize, ToSchema)]
#[schema(as = CurrentUserWithoutAccount)]
pub(crate) struct MeNowhere<'a> {
    /// The user behind the credential.
    #[schema(inline)]
    user: UserView<'a>,
    /// The accounts that `X-Active-Account` can name.
    available_accounts: Vec<AccountRef<'a>>,
}

/// Who calls, where, and what it may do now.
#[derive(Serialize, ToSchema)]
#[schema(as = CurrentUser)]
pub(crate) struct Me<'a> {
    /// The user behind the credential.
    #[schema(inline)]
    user: UserView<'a>,
    /// The account of the request.
    account: AccountRef<'a>,
    /// What the user says of itself.
    #[schema(inline)]
    profile: Profile<'a>,
    /// What the account has subscribed to.
    #[schema(inline)]
    subscription: Subscription,
    /// What the API grants: scopes, limits, keys, and the credential itself.
    #[schema(inline)]
    platform: Platform<'a>,
}

#[derive(Serialize, ToSchema)]
struct UserView<'a> {
    /// The user's id.
    #[schema(value_type = i64, minimum = 1)]
    id: UserId,
    /// The same as a UUID.
    uuid: &'a str,
    /// The address.
    email: &'a str,
    /// Given name.
    first_name: &'a str,
    /// Family name.
    last_name: &'a str,
    /// Both.
    full_name: String,
    /// The role in the account; absent where there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, extensions(("enum" = json!(["admin", "editor", "viewer"]))))]
    role: Option<&'static str>,
    /// Where a picture is.
    #[schema(required)]
    photo_url: Option<&'a str>,
    /// The last sign-in.
    #[schema(required, value_type = Option<String>, format = DateTime)]
    last_login_at: Option<Timestamp>,
}

impl<'a> UserView<'a> {
    fn of(user: &'a User, role: Option<Role>) -> Self {
        Self {
            id: user.id,
            uuid: &user.uuid,
            email: &user.email,
            first_name: &user.first_name,
            last_name: &user.last_name,
            full_name: user.full_name(),
            role: role.map(Role::name),
            photo_url: user.photo_url.as_deref(),
            last_login_at: user.last_login_at,
        }
    }
}

#[derive(Serialize, ToSchema)]
struct Profile<'a> {
    /// Job title.
    #[schema(required)]
    title: Option<&'a str>,
    /// Where a picture is.
    #[schema(required)]
    photo_url: Option<&'a str>,
}

#[derive(Serialize, ToSchema)]
struct Subscription {
    /// The tier. More may come.
    #[serde(rename = "type")]
    #[schema(extensions(("x-extensible-enum" = json!(["free", "standard", "enterprise"]))))]
    kind: &'static str,
    /// How it stands. More may come.
    #[schema(extensions(("x-extensible-enum" = json!(["active"]))))]
    status: &'static str,
    /// How it is billed.
    #[schema(required)]
    billing_cycle: Option<&'static str>,
    /// When it ends.
    #[schema(required)]
    end_date: Option<&'static str>,
}

#[derive(Serialize, ToSchema)]
struct Platform<'a> {
    /// The account's tier. More may come.
    #[schema(extensions(("x-extensible-enum" = json!(["free", "standard", "enterprise"]))))]
    api_tier: &'static str,
    /// What the credential may do now, sorted.
    granted_scopes: Vec<&'static str>,
    /// The limits that apply, and how they stand. They belong to the account and its tier: read them, do not hard-code them.
    #[schema(inline)]
    rate_limits: RateLimits,
    /// The account's live keys.
    #[schema(inline)]
    api_keys: KeyCount,
    /// The credential of this request.
    #[schema(inline)]
    credential: CredentialView<'a>,
}

#[derive(Serialize, ToSchema)]
struct RateLimits {
    /// GET.
    #[schema(inline)]
    reads: RateLimit,
    /// POST, PATCH and DELETE.
    #[schema(inline)]
    writes: RateLimit,
}

#[derive(Serialize, ToSchema)]
struct RateLimit {
    /// Requests in any 60 seconds; null: as many as one likes.
    #[schema(required, value_type = Option<u32>, minimum = 1)]
    limit: Rate,
    /// How many of them are left now; null: as many as one likes.
    #[schema(required, minimum = 0)]
    remaining: Option<u32>,
    /// The length of the window, in seconds.
    #[schema(minimum = 1)]
    window_seconds: u32,
}

#[derive(Serialize, ToSchema)]
struct KeyCount {
    /// How many there are.
    #[schema(value_type = u32, minimum = 0)]
    current_count: usize,
    /// How many there may be.
    #[schema(minimum = 1)]
    max_allowed: u32,
}

#[derive(Serialize, ToSchema)]
struct CredentialView<'a> {
    /// Its kind. More may come.
    #[schema(extensions(("x-extensible-enum" = json!(["api_key", "jwt"]))))]
    kind: &'static str,
    /// Its id within its kind: a key's own; of a JWT, that of the link between its subject and the user.
    #[schema(minimum = 1)]
    id: i64,
    /// What it is called: a key's label, a JWT's client.
    #[schema(required)]
    label: Option<&'a str>,
    /// Its end, if it has one.
    #[schema(required, value_type = Option<String>, format = DateTime)]
    expires_at: Option<Timestamp>,
}

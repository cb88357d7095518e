//! What each operation takes and answers.

use crate::api::{account, api_keys, auth, me};
use crate::routes::OperationId;
use keyward_core::input::describe;
use keyward_core::list::Grammar;
use keyward_core::team::{Invitation, take_role};
use lev_deals::list as deal_lists;
use lev_deals::pipeline::Target;
use lev_deals::{DealChanges, NewDeal, NewTeamMember};
use serde_json::{Value, json};

/// The groups of operations, in the order of the document.
pub(super) const TAGS: &[(&str, &str)] = &[
    ("Authentication", "Is a key good, and what may it do?"),
    ("Account", "Who calls, its accounts, and the account's team."),
    ("API keys", "Keys for servers, made and ended by their users."),
    ("Deals", "Deals, and what hangs on them."),
    ("Pipelines", "The steps that deals go through."),
    ("Health", "Whether the API answers."),
];

/// What is known of an operation beside its row.
pub(super) struct Facts {
    pub(super) tag: &'static str,
    /// The page that tells of it, below `/platform`.
    pub(super) page: &'static str,
    pub(super) summary: &'static str,
    pub(super) description: &'static str,
    /// What its query can ask, if it is a list or shows one object by fields.
    pub(super) grammar: Option<Grammar>,
    /// Parameters of its query that are `true` or `false`: name, meaning.
    pub(super) flags: &'static [(&'static str, &'static str)],
    pub(super) body: Option<Body>,
    /// The status of success.
    pub(super) status: u16,
    /// The shape of `data`, by its name; of its items where it is a list.
    pub(super) schema: &'static str,
    /// Whether `data` is a page of a list.
    pub(super) is_list: bool,
    /// Whether the answer has a strong `ETag`.
    pub(super) etag: bool,
    /// Whether the request may have `If-Match`.
    pub(super) if_match: bool,
    /// Whether the answer has a `Location`.
    pub(super) location: bool,
    /// Whether something that is named may not be there.
    pub(super) not_found: bool,
}

/// A request's body.
pub(super) struct Body {
    pub(super) schema: fn() -> Value,
    pub(super) required: bool,
    example: fn() -> Value,
}

impl Body {
    pub(super) fn example(&self) -> Value {
        (self.example)()
    }
}

const fn facts(
    (tag, page): (&'static str, &'static str),
    schema: &'static str,
    summary: &'static str,
    description: &'static str,
) -> Facts {
    Facts {
        tag,
        page,
        summary,
        description,
        grammar: None,
        flags: &[],
        body: None,
        status: 200,
        schema,
        is_list: false,
        etag: false,
        if_match: false,
        location: false,
        not_found: false,
    }
}

impl Facts {
    const fn list(self, grammar: Grammar) -> Self {
        Self { grammar: Some(grammar), is_list: true, ..self }
    }

    const fn body(self, schema: fn() -> Value, example: fn() -> Value) -> Self {
        Self { body: Some(Body { schema, required: true, example }), ..self }
    }

    const fn body_if_any(self, schema: fn() -> Value, example: fn() -> Value) -> Self {
        Self { body: Some(Body { schema, required: false, example }), ..self }
    }

    /// Whether the answer has an `ETag`, a list's weak one included.
    pub(super) const fn has_etag(&self) -> bool {
        self.etag || self.is_list
    }

    /// `If-Match` guards it.
    const fn guarded(self) -> Self {
        Self { if_match: true, ..self }
    }

    const fn created(self) -> Self {
        Self { status: 201, ..self }
    }

    const fn of_one(self) -> Self {
        Self { not_found: true, ..self }
    }

    /// What is known of that operation.
    pub(super) fn of(id: OperationId) -> Self {
        const AUTH: (&str, &str) = ("Authentication", "/authentication");
        const ACCOUNT: (&str, &str) = ("Account", "/account");
        const KEYS: (&str, &str) = ("API keys", "/api-keys");
        const DEALS: (&str, &str) = ("Deals", "/deals");
        const PIPELINES: (&str, &str) = ("Pipelines", "/pipelines");
        match id {
            OperationId::GetHealth => facts(("Health", ""), "Health", "Whether the API answers", "Asks for nothing, not even `X-Origin-App`."),
            OperationId::PostAuthValidateApiKey => facts(
                AUTH, "ApiKeyValidation", "Validate an API key",
                "Tells whether a key is good, and what it may do now. 200 either way. The key in the \
                 body is looked at; with no body at all, the one in `Authorization`. Whatever is wrong \
                 with a key, the answer is the same.",
            )
            .body_if_any(|| describe(auth::validate_api_key::take), || json!({ "api_key": "lev_sk_abc123def456" })),
            OperationId::GetMe => facts(
                ACCOUNT, "CurrentUser", "Who am I, and what may I do",
                "The user, the account of the request, the effective scopes, the limits and how they \
                 stand, and the credential itself. Needs no scope. With a JWT that names no account, \
                 where there are several or none: the user and the accounts that can be named.",
            ),
            OperationId::GetMeAccounts => facts(ACCOUNT, "AccountMemberships", "List my accounts", "Every active account that the user is a member of. Later edition."),
            OperationId::PatchMeActiveAccount => Self { not_found: true, ..facts(
                ACCOUNT, "ActiveAccount", "Choose the active account",
                "The account that further requests of this user by this client act in, where they name none \
                 themselves. An account that the user is not in is refused with 404. An API key is bound to \
                 its account: naming that one changes nothing, and another is refused with 403. Later edition.",
            ) }
            .body(|| describe(me::active_account::take), || json!({ "slug": "acme-capital" })),
            OperationId::GetAccountTeam => facts(ACCOUNT, "AccountTeamMember", "List the account's team", "Members, and those whose invitation is open.").list(account::team::TEAM),
            OperationId::PostAccountTeam => facts(
                ACCOUNT, "AccountTeamMember", "Invite someone into the account",
                "The invitation can be accepted once, for 7 days. No secret is returned. Inviting the \
                 same person again begins a new week. Keyward's own.",
            )
            .created()
            .body(|| describe(Invitation::take), || json!({ "email": "sam@acme.example", "role": "editor" })),
            OperationId::PatchAccountTeamUserId => facts(
                ACCOUNT, "AccountTeamMember", "Change a member's role",
                "Holds from the member's next request. Of someone who is invited, the role that is \
                 offered. The account keeps an active admin. Keyward's own.",
            )
            .of_one()
            .body(|| describe(take_role), || json!({ "role": "viewer" })),
            OperationId::DeleteAccountTeamUserId => facts(
                ACCOUNT, "Deleted", "Remove a member, or take an invitation back",
                "The member's keys in the account end with it. The account keeps an active admin. Keyward's own.",
            )
            .of_one(),
            OperationId::GetApiKeys => Self {
                flags: &[("all", "`true`: every key of the account; for admins. Keyward's own.")],
                ..facts(KEYS, "ApiKey", "List API keys", "The caller's own keys that are not revoked. Never a secret.").list(api_keys::list::KEYS)
            },
            OperationId::PostApiKeys => facts(
                KEYS, "ApiKeyWithSecret", "Make an API key",
                "A key for the caller itself. Its secret is shown this once. Never wider than what makes \
                 it: neither in scopes, nor in its end or its address ranges.",
            )
            .created()
            .body(|| describe(api_keys::create::take), || json!({ "label": "Nightly report", "permission": "read_only" })),
            OperationId::GetApiKeysKeyId => Self {
                etag: true,
                ..facts(
                    KEYS, "ApiKey", "Get an API key",
                    "One key as in the list, never a secret: the caller's own, or, for an admin, any key of the account. A revoked \
                     key is not found. Keyward's own.",
                )
                .of_one()
            },
            OperationId::PatchApiKeysKeyId => Self {
                etag: true,
                ..facts(
                    KEYS, "ApiKey", "Change the label of an API key",
                    "One of the caller's own keys. For another end, other ranges or other rights, make a new key. Keyward's own.",
                )
                .of_one()
                .guarded()
                .body(|| describe(api_keys::relabel::take), || json!({ "label": "Nightly report (EU)" }))
            },
            OperationId::PostApiKeysKeyIdRotate => facts(
                KEYS, "ApiKeyWithSecret", "Give an API key a new secret",
                "Same id, label and rights. The secret before lives on for `grace_seconds`. A key that \
                 rotates itself keeps at least 60 seconds, 300 if it does not say. Keyward's own.",
            )
            .of_one()
            .body_if_any(|| describe(api_keys::rotate::take), || json!({ "grace_seconds": 3600 })),
            OperationId::DeleteApiKeysKeyId => Self {
                flags: &[("descendants", "`true`: what the key made ends with it, as far as the caller may: keys that it made or rotated, theirs, and open invitations.")],
                ..facts(
                    KEYS, "RevokedApiKey", "Revoke an API key",
                    "Dead from the next request on, for good. Answers the same when it is repeated. A key \
                     may always revoke itself.",
                )
                .of_one()
            },
            OperationId::GetDeals => facts(
                DEALS, "Deal", "List deals",
                "The deals that the caller sees, archived ones included unless `filter[archived]=false`. \
                 By id and `cursor`, or by `sort` and `offset`.",
            )
            .list(deal_lists::DEALS),
            OperationId::PostDeals => Self { etag: true, location: true, ..facts(DEALS, "Deal", "Create a deal", "In the caller's account, with the caller on its team.") }
                .created()
                .body(|| describe(NewDeal::take), || json!({ "title": "12 Quarry Road Lofts", "loan_amount": 4_250_000, "loan_type": "construction" })),
            OperationId::GetDealsDealId => Self {
                grammar: Some(deal_lists::DEAL),
                etag: true,
                ..facts(DEALS, "Deal", "Read a deal", "Archived or not. The `ETag` names its state, for `If-Match` and `If-None-Match`.").of_one()
            },
            OperationId::PatchDealsDealId => Self {
                etag: true,
                if_match: true,
                ..facts(
                    DEALS, "Deal", "Change a deal",
                    "The fields that are sent; null clears one. With `If-Match`, only if the deal is still \
                 as it was read.",
                )
                .of_one()
                .body(|| describe(DealChanges::take), || json!({ "loan_amount": 35_000_000 }))
            },
            OperationId::DeleteDealsDealId => Self {
                if_match: true,
                ..facts(DEALS, "Deleted", "Archive a deal", "It can still be read by its id. Answers the same when it is repeated.").of_one()
            },
            OperationId::GetDealsDealIdFinancials => facts(DEALS, "DealFinancials", "Read a deal's financials", "404 as well when the deal has none.").of_one(),
            OperationId::GetDealsDealIdProperties => facts(DEALS, "DealProperty", "List a deal's properties", "In the order of their ids.").of_one().list(deal_lists::PROPERTIES),
            OperationId::GetDealsDealIdTeam => facts(DEALS, "DealTeamMember", "List a deal's team", "Who works on it, and so sees it.").of_one().list(deal_lists::TEAM),
            OperationId::PostDealsDealIdTeam => facts(
                DEALS, "DealTeamMember", "Put someone on a deal's team",
                "A member of the account, who sees the deal from then on. A new primary member takes the \
                 place of the one before. Counts as a change of the deal. Keyward's own.",
            )
            .of_one()
            .guarded()
            .created()
            .body(|| describe(NewTeamMember::take), || json!({ "user_id": 3, "deal_role": "closer" })),
            OperationId::DeleteDealsDealIdTeamUserId => facts(
                DEALS, "Deleted", "Take someone off a deal's team",
                "Whoever is no admin sees the deal no longer. Counts as a change of the deal. Keyward's own.",
            )
            .of_one()
            .guarded(),
            OperationId::PostDealsDealIdPipeline => facts(
                PIPELINES, "DealPlace", "Move a deal in a pipeline",
                "To a status of the pipeline, its first if none is named. Counts as a change of the \
                 deal, unless it is there already. A pipeline that is not the account's is 422.",
            )
            .of_one()
            .guarded()
            .body(|| describe(Target::take), || json!({ "pipeline_id": 1, "pipeline_status_id": 3 })),
            OperationId::GetPipelines => facts(PIPELINES, "Pipeline", "List pipelines", "With their statuses. Which there are belongs to the account: look them up, do not \
                 hard-code them.").list(deal_lists::PIPELINES),
            OperationId::GetPipelinesPipelineId => facts(PIPELINES, "Pipeline", "Read a pipeline", "With its statuses.").of_one(),
        }
    }
}

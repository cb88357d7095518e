//! Every reason to say no: a stable word for logs, a code for machines, a text for people.
//!
//! What the outside may not tell apart (all the ways in which a credential can be bad) shares code and text;
//! the words stay apart, for the operator.

mod oauth;
mod samples;
mod severity;

pub use oauth::OAuthDenial;
pub use severity::Severity;

use crate::credential_form::CredentialForm;
use crate::input::Invalid;
use crate::json::JsonError;
use crate::role::Role;
use crate::scope::Scope;
use serde_json::{Value, json};

/// The code of an error on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "each variant is its code; the contract says when each is used")]
pub enum Code {
    BadRequest,
    Unauthorized,
    Forbidden,
    NotFound,
    MethodNotAllowed,
    Conflict,
    PreconditionFailed,
    PayloadTooLarge,
    UnsupportedMediaType,
    ValidationError,
    RateLimited,
    HeadersTooLarge,
    InternalError,
    ServiceUnavailable,
}

impl Code {
    /// Every code, in the order of their statuses.
    pub const ALL: &'static [Self] = &[
        Self::BadRequest,
        Self::Unauthorized,
        Self::Forbidden,
        Self::NotFound,
        Self::MethodNotAllowed,
        Self::Conflict,
        Self::PreconditionFailed,
        Self::PayloadTooLarge,
        Self::UnsupportedMediaType,
        Self::ValidationError,
        Self::RateLimited,
        Self::HeadersTooLarge,
        Self::InternalError,
        Self::ServiceUnavailable,
    ];

    /// The code as it is written in `error.code`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::BadRequest => "BAD_REQUEST",
            Self::Unauthorized => "UNAUTHORIZED",
            Self::Forbidden => "FORBIDDEN",
            Self::NotFound => "NOT_FOUND",
            Self::MethodNotAllowed => "METHOD_NOT_ALLOWED",
            Self::Conflict => "CONFLICT",
            Self::PreconditionFailed => "PRECONDITION_FAILED",
            Self::PayloadTooLarge => "PAYLOAD_TOO_LARGE",
            Self::UnsupportedMediaType => "UNSUPPORTED_MEDIA_TYPE",
            Self::ValidationError => "VALIDATION_ERROR",
            Self::RateLimited => "RATE_LIMITED",
            Self::HeadersTooLarge => "HEADERS_TOO_LARGE",
            Self::InternalError => "INTERNAL_ERROR",
            Self::ServiceUnavailable => "SERVICE_UNAVAILABLE",
        }
    }
}

/// A reason to refuse a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Denial {
    // What the request looks like.
    /// The request's framing can be read in two ways.
    FramingAmbiguous(&'static str),
    /// The path can be read in two ways.
    PathAmbiguous(&'static str),
    /// A header that may stand once stands twice.
    HeaderDoubled(&'static str),
    /// A header's name or value is not of its form; the text says which and what form.
    HeaderMalformed(String),
    /// Too many header fields, or too many bytes of them.
    HeadersTooLarge(String),
    /// The body is longer than we read.
    BodyTooLarge(usize),
    /// The body did not arrive whole.
    BodyUnreadable,
    /// More bodies are being read than there is room for.
    Overloaded,
    /// The address, or the account, has its share of the room for bodies that are being read.
    TooManyBodies,
    /// There is no such route.
    RouteUnknown,
    /// The route has no such method; these it has.
    MethodNotAllowed(String),
    /// `X-Origin-App` is missing or empty.
    OriginAppMissing,
    /// There is a body, and it is not declared to be JSON; what was declared.
    ContentTypeUnsupported(String),
    /// There is a body, and it is compressed; how.
    ContentEncodingUnsupported(String),
    /// The body is not JSON as we take it.
    JsonMalformed(JsonError),
    /// The query is malformed, or a parameter is unknown or bad.
    QueryMalformed(String),
    /// `Idempotency-Key` is not a UUID.
    IdempotencyKeyMalformed,
    /// The answer shows a secret, and the `Idempotency-Key` that would seal it could be guessed.
    IdempotencyKeyGuessable,
    /// The `Idempotency-Key` was used for another request.
    IdempotencyKeyReused,
    /// The request with this `Idempotency-Key` is being executed.
    IdempotencyInProgress,
    /// The answers that are kept for the account's keys take all the space that it has; try again after so many seconds.
    IdempotencyFull(u64),
    /// The first answer showed a secret, and cannot be opened any more; the key that it was about.
    SecretAlreadyShown(i64),
    /// The limit of this name is reached; seconds until the next is admitted.
    RateLimited(&'static str, u64),

    // Who is calling.
    /// No credential was sent.
    CredentialMissing,
    /// No credential was sent in `Authorization`, but one stands elsewhere, where none is read.
    CredentialElsewhere(CredentialForm),
    /// `Authorization` is not `Bearer`, spaces, token.
    CredentialMalformed(CredentialForm),
    /// The token is of no kind that is read here.
    CredentialUnknownKind(CredentialForm),
    /// It begins like an API key, but length, alphabet or checksum are wrong.
    KeyMalformed,
    /// No key has this secret.
    KeyUnknown,
    /// The key was revoked.
    KeyRevoked,
    /// The secret was replaced by rotation, and its grace is over.
    KeyRotated,
    /// The key's end has passed.
    KeyExpired,
    /// The key may not be used from this address.
    AddressNotAllowed,
    /// The JWT is longer than is read.
    TokenTooLong,
    /// It has the form of a JWT, and its parts cannot be read, or not in one way only.
    TokenMalformed,
    /// The JWT asks for something beyond a plain signature: `crit`, `b64`, `zip`, `enc`, a token in a token.
    TokenExtension,
    /// No configured issuer is the JWT's `iss`.
    TokenIssuer,
    /// The JWT is signed in a way that its issuer's entry does not allow.
    TokenAlgorithm,
    /// The JWT is no access token: an ID token, a logout token, or a `typ` that its issuer's entry does not allow.
    TokenType,
    /// The issuer has no such key, or more than one that could be meant.
    TokenKeyUnknown,
    /// The signature is not the key's.
    TokenSignature,
    /// A claim is missing, of the wrong type, or makes no sense.
    TokenClaims,
    /// The JWT was issued for another API.
    TokenAudience,
    /// The JWT's end has passed.
    TokenExpired,
    /// The JWT's beginning is still to come.
    TokenNotYetValid,
    /// The JWT lives longer than its issuer's entry allows.
    TokenLifetime,
    /// The JWT is bound to a key of its client (`cnf`), and nothing here proves that the client has it.
    TokenBound,
    /// The JWT names scopes of ours in a claim that its issuer's entry does not list.
    TokenScopesUnread,
    /// The JWT is good, and its subject is no user's.
    TokenUnlinked,
    /// The grant that the JWT was issued for is no more.
    GrantEnded,
    /// Whether the JWT's key is its issuer's is not known: no fetch that began after the token arrived has ended, or it failed.
    /// Seconds until it is worth asking again.
    IssuerUnavailable(u64),
    /// The clock is behind a time that was recorded, or that cannot be read, so nobody knows whether what has an end has ended.
    ClockBehind,
    /// The browser is not signed in, or not any more.
    SessionEnded,
    /// The address and the password do not belong together.
    PasswordWrong,
    /// The user is disabled.
    UserDisabled,
    /// The account is disabled.
    AccountDisabled,
    /// The user is no longer a member of the account.
    NotAMember,

    // What it may do.
    /// The request names an account that the caller is not in, or that its key is not bound to.
    AccountForeign,
    /// No account is named, and more than one is possible.
    AccountRequired,
    /// The effective scopes lack this one.
    ScopeMissing(Scope),
    /// The user lacks this role.
    RoleMissing(Role),
    /// A secret in its grace is not the key's own any more: it makes, raises and ends no authority but its own.
    SecretInGrace,
    /// A role would be given by a credential that is bound more narrowly than the role.
    RoleBeyondGiver(Role),
    /// A key would be wider than its maker; the text says in what.
    WiderThanMaker(String),
    /// Only the operator may do this.
    OperatorOnly,
    /// Only a person in a browser may do this.
    InPersonOnly,
    /// A form is not ours, too old, of another browser, or was sent before.
    FormUnusable,
    /// The host or the origin of an MCP request is not one by which this server is called.
    PlaceForeign,
    /// A link is not ours, was used, or is too old.
    LinkUnusable,
    /// A reason of the authorization server.
    OAuth(OAuthDenial),

    // What it asks for.
    /// Absent, or not visible: the same answer.
    NotFound {
        /// What it would be: `Deal`, `API key`.
        what: &'static str,
        /// What it was named by: `id`, `slug`.
        by: &'static str,
        /// The id as it was sent.
        id: String,
    },
    /// `If-Match` does not name the current `ETag`.
    PreconditionFailed,
    /// Well-formed, with a bad meaning.
    Invalid(Invalid),
}

/// What to send as `Idempotency-Key`.
const UUID_HINT: &str = "Send 36 characters such as 0b0f6b3e-6ad2-4f3e-9a57-2f9a4b1c7d10: uuidgen, uuid.uuid4() and \
                         crypto.randomUUID() make them. Keep it with the request, and send the same one when you retry.";

impl Denial {
    /// A [`Denial::NotFound`]; an id that cannot be one is cut, so that the answer stays short.
    #[must_use]
    pub fn not_found(what: &'static str, id: &str) -> Self {
        Self::not_found_by(what, "id", id)
    }

    /// As [`Denial::not_found`], for what is named by something else than an id.
    #[must_use]
    pub fn not_found_by(what: &'static str, by: &'static str, id: &str) -> Self {
        Self::NotFound { what, by, id: id.chars().take(64).collect() }
    }

    /// One field, one rule.
    #[must_use]
    pub fn invalid(field: &str, message: impl Into<String>) -> Self {
        Self::Invalid(Invalid::one(field, message))
    }

    /// The stable word for logs and metrics.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self {
            Self::FramingAmbiguous(_) => "framing_ambiguous",
            Self::PathAmbiguous(_) => "path_ambiguous",
            Self::HeaderDoubled(_) => "header_doubled",
            Self::HeaderMalformed(_) => "header_malformed",
            Self::HeadersTooLarge(_) => "headers_too_large",
            Self::BodyTooLarge(_) => "body_too_large",
            Self::BodyUnreadable => "body_unreadable",
            Self::Overloaded => "overloaded",
            Self::TooManyBodies => "too_many_bodies",
            Self::RouteUnknown => "route_unknown",
            Self::MethodNotAllowed(_) => "method_not_allowed",
            Self::OriginAppMissing => "origin_app_missing",
            Self::ContentTypeUnsupported(_) => "content_type_unsupported",
            Self::ContentEncodingUnsupported(_) => "content_encoding_unsupported",
            Self::JsonMalformed(_) => "json_malformed",
            Self::QueryMalformed(_) => "query_malformed",
            Self::IdempotencyKeyMalformed => "idempotency_key_malformed",
            Self::IdempotencyKeyGuessable => "idempotency_key_guessable",
            Self::IdempotencyKeyReused => "idempotency_key_reused",
            Self::IdempotencyInProgress => "idempotency_in_progress",
            Self::IdempotencyFull(_) => "idempotency_full",
            Self::SecretAlreadyShown(_) => "secret_already_shown",
            Self::RateLimited(..) => "rate_limited",
            Self::CredentialMissing => "credential_missing",
            Self::CredentialElsewhere(_) => "credential_elsewhere",
            Self::CredentialMalformed(_) => "credential_malformed",
            Self::CredentialUnknownKind(_) => "credential_unknown_kind",
            Self::KeyMalformed => "key_malformed",
            Self::KeyUnknown => "key_unknown",
            Self::KeyRevoked => "key_revoked",
            Self::KeyRotated => "key_rotated",
            Self::KeyExpired => "key_expired",
            Self::AddressNotAllowed => "address_not_allowed",
            Self::TokenTooLong => "token_too_long",
            Self::TokenMalformed => "token_malformed",
            Self::TokenExtension => "token_extension",
            Self::TokenIssuer => "token_issuer",
            Self::TokenAlgorithm => "token_algorithm",
            Self::TokenType => "token_type",
            Self::TokenKeyUnknown => "token_key_unknown",
            Self::TokenSignature => "token_signature",
            Self::TokenClaims => "token_claims",
            Self::TokenAudience => "token_audience",
            Self::TokenExpired => "token_expired",
            Self::TokenNotYetValid => "token_not_yet_valid",
            Self::TokenLifetime => "token_lifetime",
            Self::TokenBound => "token_bound",
            Self::TokenScopesUnread => "token_scopes_unread",
            Self::TokenUnlinked => "token_unlinked",
            Self::GrantEnded => "grant_ended",
            Self::IssuerUnavailable(_) => "issuer_unavailable",
            Self::ClockBehind => "clock_behind",
            Self::SessionEnded => "session_ended",
            Self::PasswordWrong => "password_wrong",
            Self::UserDisabled => "user_disabled",
            Self::AccountDisabled => "account_disabled",
            Self::NotAMember => "not_a_member",
            Self::AccountForeign => "account_foreign",
            Self::AccountRequired => "account_required",
            Self::ScopeMissing(_) => "scope_missing",
            Self::RoleMissing(_) => "role_missing",
            Self::SecretInGrace => "secret_in_grace",
            Self::RoleBeyondGiver(_) => "role_beyond_giver",
            Self::WiderThanMaker(_) => "wider_than_maker",
            Self::OperatorOnly => "operator_only",
            Self::InPersonOnly => "in_person_only",
            Self::FormUnusable => "form_unusable",
            Self::PlaceForeign => "place_foreign",
            Self::LinkUnusable => "link_unusable",
            Self::OAuth(denial) => denial.word(),
            Self::NotFound { .. } => "not_found",
            Self::PreconditionFailed => "precondition_failed",
            Self::Invalid(_) => "invalid",
        }
    }

    /// The code on the wire.
    #[must_use]
    pub const fn code(&self) -> Code {
        match self {
            Self::FramingAmbiguous(_)
            | Self::PathAmbiguous(_)
            | Self::HeaderDoubled(_)
            | Self::HeaderMalformed(_)
            | Self::BodyUnreadable
            | Self::OriginAppMissing
            | Self::JsonMalformed(_)
            | Self::QueryMalformed(_)
            | Self::IdempotencyKeyMalformed
            | Self::IdempotencyKeyGuessable
            | Self::AccountRequired => Code::BadRequest,
            Self::HeadersTooLarge(_) => Code::HeadersTooLarge,
            Self::BodyTooLarge(_) => Code::PayloadTooLarge,
            Self::RouteUnknown | Self::NotFound { .. } | Self::LinkUnusable => Code::NotFound,
            Self::OAuth(OAuthDenial::ClientUnknown | OAuthDenial::ClientSecretWrong) => Code::Unauthorized,
            Self::OAuth(OAuthDenial::ClientUnreachable | OAuthDenial::TooManyClients) => {
                Code::ServiceUnavailable
            }
            Self::OAuth(OAuthDenial::OpenidMissing) => Code::Forbidden,
            Self::OAuth(_) => Code::BadRequest,
            Self::MethodNotAllowed(_) => Code::MethodNotAllowed,
            Self::ContentTypeUnsupported(_) | Self::ContentEncodingUnsupported(_) => {
                Code::UnsupportedMediaType
            }
            Self::Overloaded | Self::IssuerUnavailable(_) | Self::ClockBehind => Code::ServiceUnavailable,
            Self::IdempotencyKeyReused | Self::IdempotencyInProgress | Self::SecretAlreadyShown(_) => {
                Code::Conflict
            }
            Self::RateLimited(..) | Self::IdempotencyFull(_) | Self::TooManyBodies => Code::RateLimited,
            Self::CredentialMissing
            | Self::CredentialElsewhere(_)
            | Self::CredentialMalformed(_)
            | Self::CredentialUnknownKind(_)
            | Self::KeyMalformed
            | Self::KeyUnknown
            | Self::KeyRevoked
            | Self::KeyRotated
            | Self::KeyExpired
            | Self::AddressNotAllowed
            | Self::TokenTooLong
            | Self::TokenMalformed
            | Self::TokenExtension
            | Self::TokenIssuer
            | Self::TokenAlgorithm
            | Self::TokenType
            | Self::TokenKeyUnknown
            | Self::TokenSignature
            | Self::TokenClaims
            | Self::TokenAudience
            | Self::TokenExpired
            | Self::TokenNotYetValid
            | Self::TokenLifetime
            | Self::TokenBound
            | Self::TokenScopesUnread
            | Self::TokenUnlinked
            | Self::GrantEnded
            | Self::SessionEnded
            | Self::PasswordWrong
            | Self::UserDisabled
            | Self::AccountDisabled
            | Self::NotAMember => Code::Unauthorized,
            Self::AccountForeign
            | Self::ScopeMissing(_)
            | Self::RoleMissing(_)
            | Self::SecretInGrace
            | Self::RoleBeyondGiver(_)
            | Self::WiderThanMaker(_)
            | Self::OperatorOnly
            | Self::InPersonOnly
            | Self::FormUnusable
            | Self::PlaceForeign => Code::Forbidden,
            Self::PreconditionFailed => Code::PreconditionFailed,
            Self::Invalid(_) => Code::ValidationError,
        }
    }

    /// The text for people. It tells what to do, and nothing that a stranger should not know.
    #[must_use]
    pub fn message(&self) -> String {
        match self {
            Self::FramingAmbiguous(rule) | Self::PathAmbiguous(rule) => (*rule).to_owned(),
            Self::HeaderDoubled(name) => format!("Header {name} must be sent only once"),
            Self::HeaderMalformed(text)
            | Self::HeadersTooLarge(text)
            | Self::QueryMalformed(text)
            | Self::WiderThanMaker(text) => text.clone(),
            Self::BodyTooLarge(limit) => format!("Request body must be at most {limit} bytes"),
            Self::BodyUnreadable => "Request body could not be read to its end".to_owned(),
            Self::Overloaded | Self::IssuerUnavailable(_) => {
                "The service cannot do this now; try again in a few seconds".to_owned()
            }
            Self::ClockBehind => {
                "The server's clock is behind a time that it recorded earlier, or that time cannot be read, so a credential with an \
                 end cannot be judged; a credential without an end works. The operator must correct the clock, or run keyward \
                 clock accept."
                    .to_owned()
            }
            Self::TooManyBodies => {
                "Too many request bodies are being sent at once; wait for the requests that are open, then retry".to_owned()
            }
            Self::RouteUnknown => "There is no such route".to_owned(),
            Self::MethodNotAllowed(allowed) => format!("Method not allowed; this route has {allowed}"),
            Self::OriginAppMissing => {
                "Missing required header: X-Origin-App. Send your application's name, for \
                                       example X-Origin-App: my-integration"
                    .to_owned()
            }
            Self::ContentTypeUnsupported(got) => format!("Content-Type must be application/json (got {got})"),
            Self::ContentEncodingUnsupported(got) => format!("Content-Encoding must be identity (got {got})"),
            Self::JsonMalformed(error) => error.to_string(),
            Self::IdempotencyKeyMalformed => "Idempotency-Key must be a UUID".to_owned(),
            Self::IdempotencyKeyGuessable => "Idempotency-Key must be a UUID of version 4 or 7 here: the answer shows a secret, \
                                              which is kept sealed under it"
                .to_owned(),
            Self::IdempotencyKeyReused => {
                "This Idempotency-Key was used for another request; send a new one".to_owned()
            }
            Self::IdempotencyInProgress => {
                "The request with this Idempotency-Key is being executed; retry in a second".to_owned()
            }
            Self::IdempotencyFull(seconds) => format!(
                "This account has no space left for stored idempotent responses. Send the request without Idempotency-Key, or \
                 retry after {seconds} seconds."
            ),
            Self::SecretAlreadyShown(key) => format!(
                "This was done, and its secret was shown once and cannot be shown again; it is API key {key}: rotate it for \
                 a new secret"
            ),
            Self::RateLimited(_, seconds) => format!("Rate limit exceeded. Retry after {seconds} seconds."),
            Self::CredentialMissing | Self::CredentialElsewhere(_) => "Authentication required".to_owned(),
            Self::CredentialMalformed(_)
            | Self::CredentialUnknownKind(_)
            | Self::KeyMalformed
            | Self::KeyUnknown
            | Self::KeyRevoked
            | Self::KeyRotated
            | Self::KeyExpired
            | Self::AddressNotAllowed
            | Self::TokenTooLong
            | Self::TokenMalformed
            | Self::TokenExtension
            | Self::TokenIssuer
            | Self::TokenAlgorithm
            | Self::TokenType
            | Self::TokenKeyUnknown
            | Self::TokenSignature
            | Self::TokenClaims
            | Self::TokenAudience
            | Self::TokenExpired
            | Self::TokenNotYetValid
            | Self::TokenLifetime
            | Self::TokenBound
            | Self::TokenScopesUnread
            | Self::TokenUnlinked
            | Self::GrantEnded
            | Self::SessionEnded
            | Self::UserDisabled
            | Self::AccountDisabled
            | Self::NotAMember => "Invalid or expired authentication token".to_owned(),
            Self::AccountForeign => "This credential may not act in that account".to_owned(),
            Self::AccountRequired => {
                "Active account required. Provide X-Active-Account header or use an API key.".to_owned()
            }
            Self::ScopeMissing(scope) => format!("Missing required scope: {scope}"),
            Self::RoleMissing(role) => format!("Requires role: {}", role.name()),
            Self::SecretInGrace => {
                "This secret was replaced and is in its grace; only the key's new secret may make, rotate or end keys and \
                 change the team"
                    .to_owned()
            }
            Self::RoleBeyondGiver(role) => format!(
                "The role {} can be given only in the console, by a full_access key without expires_at and allowed_ips, or by a \
                 token whose scopes name everything that the role may do",
                role.name()
            ),
            Self::OperatorOnly => "Only the operator of this server may do this".to_owned(),
            Self::PasswordWrong => "The e-mail address or the password is wrong".to_owned(),
            Self::InPersonOnly => "Only a person who is signed in may do this".to_owned(),
            Self::FormUnusable => {
                "This form was used, is too old, or comes from another browser; open the page again"
                    .to_owned()
            }
            Self::PlaceForeign => "This server is not called by that host, or from that origin".to_owned(),
            Self::LinkUnusable => "This link was used, or is too old; ask for a new one".to_owned(),
            Self::OAuth(denial) => denial.message().to_owned(),
            Self::NotFound { what, by, id } => format!("{what} with {by} {id} not found"),
            Self::PreconditionFailed => {
                "If-Match or If-None-Match does not hold for the current ETag; read the resource again and retry"
                    .to_owned()
            }
            Self::Invalid(invalid) => invalid.to_string(),
        }
    }

    /// In which form the credential was sent, where the form is what is wrong with it.
    #[must_use]
    pub const fn form(&self) -> Option<CredentialForm> {
        match self {
            Self::CredentialElsewhere(form)
            | Self::CredentialMalformed(form)
            | Self::CredentialUnknownKind(form) => Some(*form),
            // Absent: every other denial is about something else.
            _ => None,
        }
    }

    /// What `error.details` holds: only where there is something for a machine to read, or a way out that the fixed message does
    /// not show.
    #[must_use]
    pub fn details(&self) -> Option<Value> {
        let invalid = match self {
            Self::Invalid(invalid) => invalid,
            Self::SecretAlreadyShown(key) => return Some(json!({ "reason": self.word(), "key_id": key })),
            Self::IdempotencyKeyReused | Self::IdempotencyInProgress | Self::IdempotencyFull(_) => {
                return Some(json!({ "reason": self.word() }));
            }
            Self::IdempotencyKeyMalformed => return Some(json!({ "hint": UUID_HINT })),
            other if other.form().is_some() => {
                return other.form().map(|form| json!({ "hint": form.hint() }));
            }
            // Absent: no other denial has details.
            _ => return None,
        };
        let fields: Vec<Value> = invalid
            .errors
            .iter()
            .map(|error| json!({ "field": error.field, "message": error.message }))
            .collect();
        Some(json!({ "fields": fields }))
    }
}

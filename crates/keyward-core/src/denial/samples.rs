//! One sample of every denial, for the reference page.

use super::{Denial, OAuthDenial};
use crate::credential_form::CredentialForm;
use crate::input::Invalid;
use crate::json::JsonError;
use crate::role::Role;
use crate::scope::Scope;
use std::iter::successors;

impl Denial {
    /// One of each kind, in the order of the enum. The texts that a denial carries are samples.
    pub fn samples() -> impl Iterator<Item = Self> {
        successors(Some(Self::FramingAmbiguous("The request can be read in two ways")), Self::next_kind)
    }

    /// A sample of the kind after this one. The match has no wildcard: a new kind does not compile until it has a place.
    fn next_kind(&self) -> Option<Self> {
        Some(match self {
            Self::FramingAmbiguous(_) => {
                Self::PathAmbiguous("The path must not contain empty, . or .. segments")
            }
            Self::PathAmbiguous(_) => Self::HeaderDoubled("X-Origin-App"),
            Self::HeaderDoubled(_) => Self::HeaderMalformed("Missing required header: Host".to_owned()),
            Self::HeaderMalformed(_) => {
                Self::HeadersTooLarge("Request has 101 header fields; at most 100 are read".to_owned())
            }
            Self::HeadersTooLarge(_) => Self::BodyTooLarge(256 * 1024),
            Self::BodyTooLarge(_) => Self::BodyUnreadable,
            Self::BodyUnreadable => Self::Overloaded,
            Self::Overloaded => Self::TooManyBodies,
            Self::TooManyBodies => Self::RouteUnknown,
            Self::RouteUnknown => Self::MethodNotAllowed("GET, HEAD, OPTIONS".to_owned()),
            Self::MethodNotAllowed(_) => Self::OriginAppMissing,
            Self::OriginAppMissing => Self::ContentTypeUnsupported("text/plain".to_owned()),
            Self::ContentTypeUnsupported(_) => Self::ContentEncodingUnsupported("gzip".to_owned()),
            Self::ContentEncodingUnsupported(_) => {
                Self::JsonMalformed(JsonError::Syntax { line: 1, column: 7 })
            }
            Self::JsonMalformed(_) => Self::QueryMalformed("Unknown query parameter 'colour'".to_owned()),
            Self::QueryMalformed(_) => Self::IdempotencyKeyMalformed,
            Self::IdempotencyKeyMalformed => Self::IdempotencyKeyGuessable,
            Self::IdempotencyKeyGuessable => Self::IdempotencyKeyReused,
            Self::IdempotencyKeyReused => Self::IdempotencyInProgress,
            Self::IdempotencyInProgress => Self::IdempotencyFull(3_600),
            Self::IdempotencyFull(_) => Self::SecretAlreadyShown(7),
            Self::SecretAlreadyShown(_) => Self::RateLimited("reads", 12),
            Self::RateLimited(..) => Self::CredentialMissing,
            Self::CredentialMissing => Self::CredentialElsewhere(CredentialForm::OtherHeader),
            Self::CredentialElsewhere(_) => Self::CredentialMalformed(CredentialForm::NoScheme),
            Self::CredentialMalformed(_) => Self::CredentialUnknownKind(CredentialForm::UnknownKind),
            Self::CredentialUnknownKind(_) => Self::KeyMalformed,
            Self::KeyMalformed => Self::KeyUnknown,
            Self::KeyUnknown => Self::KeyRevoked,
            Self::KeyRevoked => Self::KeyRotated,
            Self::KeyRotated => Self::KeyExpired,
            Self::KeyExpired => Self::AddressNotAllowed,
            Self::AddressNotAllowed => Self::TokenTooLong,
            Self::TokenTooLong => Self::TokenMalformed,
            Self::TokenMalformed => Self::TokenExtension,
            Self::TokenExtension => Self::TokenIssuer,
            Self::TokenIssuer => Self::TokenAlgorithm,
            Self::TokenAlgorithm => Self::TokenType,
            Self::TokenType => Self::TokenKeyUnknown,
            Self::TokenKeyUnknown => Self::TokenSignature,
            Self::TokenSignature => Self::TokenClaims,
            Self::TokenClaims => Self::TokenAudience,
            Self::TokenAudience => Self::TokenExpired,
            Self::TokenExpired => Self::TokenNotYetValid,
            Self::TokenNotYetValid => Self::TokenLifetime,
            Self::TokenLifetime => Self::TokenBound,
            Self::TokenBound => Self::TokenScopesUnread,
            Self::TokenScopesUnread => Self::TokenUnlinked,
            Self::TokenUnlinked => Self::GrantEnded,
            Self::GrantEnded => Self::IssuerUnavailable(2),
            Self::IssuerUnavailable(_) => Self::ClockBehind,
            Self::ClockBehind => Self::SessionEnded,
            Self::SessionEnded => Self::PasswordWrong,
            Self::PasswordWrong => Self::UserDisabled,
            Self::UserDisabled => Self::AccountDisabled,
            Self::AccountDisabled => Self::NotAMember,
            Self::NotAMember => Self::AccountForeign,
            Self::AccountForeign => Self::AccountRequired,
            Self::AccountRequired => Self::ScopeMissing(Scope::DealsWrite),
            Self::ScopeMissing(_) => Self::RoleMissing(Role::Admin),
            Self::RoleMissing(_) => Self::SecretInGrace,
            Self::SecretInGrace => Self::RoleBeyondGiver(Role::Editor),
            Self::RoleBeyondGiver(_) => Self::WiderThanMaker(
                "A key cannot be wider than its maker: it does not have deals:write".to_owned(),
            ),
            Self::WiderThanMaker(_) => Self::OperatorOnly,
            Self::OperatorOnly => Self::InPersonOnly,
            Self::InPersonOnly => Self::FormUnusable,
            Self::FormUnusable => Self::PlaceForeign,
            Self::PlaceForeign => Self::LinkUnusable,
            Self::LinkUnusable => Self::OAuth(OAuthDenial::RequestMalformed("code is missing")),
            Self::OAuth(denial) => match denial {
                OAuthDenial::RequestMalformed(_) => Self::OAuth(OAuthDenial::ResponseTypeUnsupported),
                OAuthDenial::ResponseTypeUnsupported => Self::OAuth(OAuthDenial::GrantTypeUnsupported),
                OAuthDenial::GrantTypeUnsupported => {
                    Self::OAuth(OAuthDenial::ParameterUnsupported("request_not_supported"))
                }
                OAuthDenial::ParameterUnsupported(_) => Self::OAuth(OAuthDenial::ClientUnknown),
                OAuthDenial::ClientUnknown => Self::OAuth(OAuthDenial::ClientUnreachable),
                OAuthDenial::ClientUnreachable => Self::OAuth(OAuthDenial::ClientSecretWrong),
                OAuthDenial::ClientSecretWrong => Self::OAuth(OAuthDenial::RedirectUriUnknown),
                OAuthDenial::RedirectUriUnknown => Self::OAuth(OAuthDenial::PkceMissing),
                OAuthDenial::PkceMissing => Self::OAuth(OAuthDenial::PkceMethodUnsupported),
                OAuthDenial::PkceMethodUnsupported => Self::OAuth(OAuthDenial::CodeUnknown),
                OAuthDenial::CodeUnknown => Self::OAuth(OAuthDenial::CodeExpired),
                OAuthDenial::CodeExpired => Self::OAuth(OAuthDenial::CodeOfAnother),
                OAuthDenial::CodeOfAnother => Self::OAuth(OAuthDenial::VerifierWrong),
                OAuthDenial::VerifierWrong => Self::OAuth(OAuthDenial::CodeReplayed),
                OAuthDenial::CodeReplayed => Self::OAuth(OAuthDenial::RefreshUnknown),
                OAuthDenial::RefreshUnknown => Self::OAuth(OAuthDenial::RefreshReused),
                OAuthDenial::RefreshReused => Self::OAuth(OAuthDenial::GrantOver),
                OAuthDenial::GrantOver => Self::OAuth(OAuthDenial::ResourceUnknown),
                OAuthDenial::ResourceUnknown => Self::OAuth(OAuthDenial::ScopeUnknown),
                OAuthDenial::ScopeUnknown => Self::OAuth(OAuthDenial::ScopeWider),
                OAuthDenial::ScopeWider => Self::OAuth(OAuthDenial::OpenidMissing),
                OAuthDenial::OpenidMissing => Self::OAuth(OAuthDenial::LoginRequired),
                OAuthDenial::LoginRequired => Self::OAuth(OAuthDenial::ConsentRequired),
                OAuthDenial::ConsentRequired => Self::OAuth(OAuthDenial::ConsentRefused),
                OAuthDenial::ConsentRefused => Self::OAuth(OAuthDenial::RedirectUriUnfit),
                OAuthDenial::RedirectUriUnfit => {
                    Self::OAuth(OAuthDenial::MetadataUnfit("redirect_uris must be a list of texts"))
                }
                OAuthDenial::MetadataUnfit(_) => Self::OAuth(OAuthDenial::TooManyClients),
                OAuthDenial::TooManyClients => Self::not_found("Deal", "999"),
            },
            Self::NotFound { .. } => Self::PreconditionFailed,
            Self::PreconditionFailed => Self::Invalid(Invalid::one("title", "title is required")),
            Self::Invalid(_) => return None,
        })
    }

    /// What the operator, reading the word in a log, may want to do about it.
    #[must_use]
    pub fn advice(&self) -> &'static str {
        match self {
            Self::FramingAmbiguous(_)
            | Self::PathAmbiguous(_)
            | Self::HeaderDoubled(_)
            | Self::HeaderMalformed(_) => {
                "Look at the client and at the proxies in front: one of them writes what another could misread."
            }
            Self::HeadersTooLarge(_) | Self::BodyTooLarge(_) | Self::BodyUnreadable => {
                "The client sends too much, or stops in the middle."
            }
            Self::Overloaded => {
                "More bodies were being sent at once than there is room for: see who sends so much."
            }
            Self::TooManyBodies => {
                "One address, network or account has its share of the room for bodies: a client that sends slowly or far too \
                 much at once, or many clients behind a proxy that is not in trusted_proxies."
            }
            Self::RouteUnknown | Self::MethodNotAllowed(_) => {
                "The client asks for what this server does not have."
            }
            Self::OriginAppMissing
            | Self::ContentTypeUnsupported(_)
            | Self::ContentEncodingUnsupported(_)
            | Self::JsonMalformed(_)
            | Self::QueryMalformed(_)
            | Self::IdempotencyKeyMalformed
            | Self::IdempotencyKeyGuessable
            | Self::PreconditionFailed
            | Self::Invalid(_) => "The client's request is at fault; the text of the answer says in what.",
            Self::GrantEnded => {
                "The person disconnected the application, changed the password, or a code or refresh token was used twice; the \
                 audit trail says which. The application must sign its user in again."
            }
            Self::SessionEnded => "The person has to sign in again.",
            Self::PasswordWrong => "Many of them from one address: somebody guesses.",
            Self::InPersonOnly => "An application tried what only its user may do in the console.",
            Self::FormUnusable => {
                "Mostly a page that was open for long, or sent twice; many of them: a forged form."
            }
            Self::PlaceForeign => {
                "The Host of an MCP request is not that of public_url, or a page of another origin sent it: set public_url, or [cors] \
                 origins."
            }
            Self::LinkUnusable => "Print a new one: keyward user invite, or keyward user reset-password.",
            Self::OAuth(OAuthDenial::CodeReplayed | OAuthDenial::RefreshReused) => {
                "Somebody used a code or a refresh token a second time: the grant is ended. Its user should look at where it was used."
            }
            Self::OAuth(OAuthDenial::TooManyClients) => {
                "Somebody registers clients without end; those that nobody uses go by themselves after a day."
            }
            Self::OAuth(OAuthDenial::ClientUnreachable) => {
                "The host of a client's document does not answer, or too many are asked at once. Clients that are connected stay so."
            }
            Self::OAuth(_) => "The application's request is at fault; the text of the answer says in what.",
            Self::IdempotencyKeyReused => "The client uses one Idempotency-Key for two requests.",
            Self::IdempotencyInProgress => {
                "The client repeats a write before the first answer; it will get that answer."
            }
            Self::IdempotencyFull(_) => {
                "The account sends so many writes with an Idempotency-Key that their answers fill [limits] idempotency_mib; raise it, if \
                 the disk has room."
            }
            Self::SecretAlreadyShown(_) => {
                "The client lost an answer with a secret, which was used, replaced or an hour old by then; rotate the key."
            }
            Self::RateLimited(..) => {
                "The account, or the address, sends more than it may; keyward account limits says otherwise for an account."
            }
            Self::CredentialMissing
            | Self::CredentialElsewhere(_)
            | Self::CredentialMalformed(_)
            | Self::CredentialUnknownKind(_) => {
                "The client sends no credential, or not as Authorization: Bearer with a token of a kind that is read here; \
                 error.details.hint of the response says which form to send."
            }
            Self::KeyMalformed => "The key was cut, mistyped or invented.",
            Self::KeyUnknown => "The key is of another installation, was replaced long ago, or is a guess.",
            Self::KeyRevoked => "The key was revoked, or its user removed from the account; make a new one.",
            Self::KeyRotated => {
                "The client still uses the secret from before a rotation; give it the new one."
            }
            Self::KeyExpired => "The key's end has passed; make a new one.",
            Self::AddressNotAllowed => {
                "The request came from outside the key's allowed_ips; behind a proxy, see trusted_proxies."
            }
            Self::TokenTooLong => "Raise max_token_bytes of the issuer, or have it put less into its tokens.",
            Self::TokenMalformed | Self::TokenExtension | Self::TokenSignature => {
                "The token was cut, changed or made by someone else than its issuer."
            }
            Self::TokenIssuer => {
                "[[issuers]] has no entry with this token's iss, to the letter: look at the slash at the end."
            }
            Self::TokenAlgorithm => {
                "See algorithms of the issuer: keyward doctor --issuer says what it signs with."
            }
            Self::TokenType => {
                "The client sends an ID token, or the issuer's typ is not in accept_typ: the usual tokens of Auth0, Keycloak, Hydra and Entra need JWT there."
            }
            Self::TokenKeyUnknown => {
                "The key was taken out of the issuer's set, or is not there yet: keyward doctor --issuer shows the set."
            }
            Self::TokenClaims | Self::TokenLifetime | Self::TokenBound => {
                "The issuer makes tokens that this server cannot take; the guide to issuers says what they must be."
            }
            Self::TokenScopesUnread => {
                "The token limits itself in a claim that scope_claims of its issuer leaves out: list the claim there, or have the issuer \
                 leave it out of its tokens."
            }
            Self::TokenAudience => {
                "The client asked for a token for another API: compare aud with audience of the issuer. For issuers that write no aud there is \
                 audience_claim."
            }
            Self::TokenExpired => "The client must get a new token; if it just did, compare the clocks.",
            Self::TokenNotYetValid => "The issuer's clock is ahead of this machine's; see leeway_seconds.",
            Self::TokenUnlinked => {
                "Nobody is this subject yet: invite the address that its issuer has verified, or use keyward user link."
            }
            Self::IssuerUnavailable(_) => {
                "The issuer's keys could not be fetched, or not yet since the token came: keyward doctor --issuer names the obstacle."
            }
            Self::ClockBehind => {
                "Correct the machine's clock. If it is right, it was ahead before: keyward clock accept takes the wrong time back."
            }
            Self::UserDisabled => {
                "The credential is good, but its user is disabled, or was deleted. Look with keyward user show; keyward user enable enables it again."
            }
            Self::AccountDisabled => {
                "The credential is good, but its account is disabled. Look with keyward account show; keyward account enable enables it again."
            }
            Self::NotAMember => {
                "The credential is good, but its user is no member of its account: keyward user role gives a place."
            }
            Self::AccountForeign | Self::AccountRequired => {
                "The client names the wrong account, or none where it must."
            }
            Self::ScopeMissing(_) | Self::RoleMissing(_) | Self::OperatorOnly => {
                "The caller may not do this now: look at the key's scopes and at its user's role."
            }
            Self::SecretInGrace => {
                "The old secret of a key is used to make or end keys, or to change the team: find out by what."
            }
            Self::RoleBeyondGiver(_) => {
                "A role may not be given by a credential that is narrower than the role."
            }
            Self::WiderThanMaker(_) => "A key may not be given more than the one that makes it has.",
            Self::NotFound { .. } => "It is not there, or this caller does not see it.",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn every_denial_has_a_word_of_its_own_and_a_text() {
        let samples: Vec<Denial> = Denial::samples().collect();
        let words: HashSet<&str> = samples.iter().map(Denial::word).collect();
        assert_eq!(words.len(), samples.len());
        for denial in samples {
            assert!(!denial.message().is_empty() && !denial.advice().is_empty(), "{}", denial.word());
        }
    }

    #[test]
    fn what_makes_a_credential_bad_cannot_be_told_from_outside() {
        let bad: Vec<Denial> = Denial::samples()
            .filter(|d| d.code() == super::super::Code::Unauthorized)
            .filter(|d| !matches!(d, Denial::CredentialMissing | Denial::CredentialElsewhere(_)))
            // A person's password and a client's secret are no credentials of the API.
            .filter(|d| !matches!(d, Denial::PasswordWrong | Denial::OAuth(_)))
            .collect();
        assert_eq!(bad.len(), 29);
        assert!(bad.iter().all(|denial| denial.message() == "Invalid or expired authentication token"));
    }
}

//! How grave a refusal is for the operator: the level of its log line.

use super::{Denial, OAuthDenial};

/// How grave a refusal is. A failure of the server (5xx) is graver than either, whatever its reason.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Severity {
    /// A request that anybody could have sent: no credential, an invented one, or one that was used in the wrong way.
    #[default]
    Routine,
    /// A credential that belongs to somebody was refused: it has leaked, or its owner has lost something.
    Credential,
}

impl Denial {
    /// How grave it is. The match has no wildcard: a new denial does not compile until it has a place.
    #[must_use]
    pub const fn severity(&self) -> Severity {
        match self {
            Self::KeyRevoked
            | Self::KeyRotated
            | Self::KeyExpired
            | Self::AddressNotAllowed
            // Of a JWT what comes after the signature: before it, everything in the token may be invented.
            | Self::TokenAudience
            | Self::TokenExpired
            | Self::TokenNotYetValid
            | Self::TokenLifetime
            | Self::TokenBound
            | Self::TokenScopesUnread
            | Self::TokenUnlinked
            | Self::GrantEnded
            | Self::UserDisabled
            | Self::AccountDisabled
            | Self::NotAMember
            | Self::AccountForeign
            | Self::ScopeMissing(_)
            | Self::RoleMissing(_)
            | Self::SecretInGrace
            | Self::RoleBeyondGiver(_)
            | Self::WiderThanMaker(_)
            | Self::OperatorOnly
            | Self::InPersonOnly => Severity::Credential,
            Self::FramingAmbiguous(_)
            | Self::PathAmbiguous(_)
            | Self::HeaderDoubled(_)
            | Self::HeaderMalformed(_)
            | Self::HeadersTooLarge(_)
            | Self::BodyTooLarge(_)
            | Self::BodyUnreadable
            | Self::Overloaded
            | Self::TooManyBodies
            | Self::RouteUnknown
            | Self::MethodNotAllowed(_)
            | Self::OriginAppMissing
            | Self::ContentTypeUnsupported(_)
            | Self::ContentEncodingUnsupported(_)
            | Self::JsonMalformed(_)
            | Self::QueryMalformed(_)
            | Self::IdempotencyKeyMalformed
            | Self::IdempotencyKeyGuessable
            | Self::IdempotencyKeyReused
            | Self::IdempotencyInProgress
            | Self::IdempotencyFull(_)
            | Self::SecretAlreadyShown(_)
            | Self::RateLimited(..)
            | Self::CredentialMissing
            | Self::CredentialElsewhere(_)
            | Self::CredentialMalformed(_)
            | Self::CredentialUnknownKind(_)
            | Self::KeyMalformed
            | Self::KeyUnknown
            | Self::TokenTooLong
            | Self::TokenMalformed
            | Self::TokenExtension
            | Self::TokenIssuer
            | Self::TokenAlgorithm
            | Self::TokenType
            | Self::TokenKeyUnknown
            | Self::TokenSignature
            | Self::TokenClaims
            | Self::IssuerUnavailable(_)
            | Self::ClockBehind
            // Every visitor without a session gets it.
            | Self::SessionEnded
            | Self::PasswordWrong
            | Self::AccountRequired
            | Self::FormUnusable
            | Self::PlaceForeign
            | Self::LinkUnusable
            | Self::NotFound { .. }
            | Self::PreconditionFailed
            | Self::Invalid(_) => Severity::Routine,
            Self::OAuth(denial) => denial.severity(),
        }
    }
}

impl OAuthDenial {
    /// How grave it is.
    #[must_use]
    pub const fn severity(self) -> Severity {
        match self {
            Self::CodeOfAnother
            | Self::VerifierWrong
            | Self::CodeReplayed
            | Self::RefreshReused
            | Self::GrantOver
            | Self::ScopeWider => Severity::Credential,
            Self::RequestMalformed(_)
            | Self::ResponseTypeUnsupported
            | Self::GrantTypeUnsupported
            | Self::ParameterUnsupported(_)
            | Self::ClientUnknown
            | Self::ClientUnreachable
            | Self::ClientSecretWrong
            | Self::RedirectUriUnknown
            | Self::PkceMissing
            | Self::PkceMethodUnsupported
            | Self::CodeUnknown
            | Self::CodeExpired
            | Self::RefreshUnknown
            | Self::ResourceUnknown
            | Self::ScopeUnknown
            | Self::OpenidMissing
            | Self::LoginRequired
            | Self::ConsentRequired
            | Self::ConsentRefused
            | Self::RedirectUriUnfit
            | Self::MetadataUnfit(_)
            | Self::TooManyClients => Severity::Routine,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_denial_of_a_credential_that_is_somebodys_is_graver_than_one_of_a_stranger() {
        let of = |severity| {
            let words = Denial::samples().filter(move |denial| denial.severity() == severity);
            words.map(|denial| denial.word()).collect::<Vec<_>>()
        };
        assert_eq!(
            of(Severity::Credential),
            [
                "key_revoked",
                "key_rotated",
                "key_expired",
                "address_not_allowed",
                "token_audience",
                "token_expired",
                "token_not_yet_valid",
                "token_lifetime",
                "token_bound",
                "token_scopes_unread",
                "token_unlinked",
                "grant_ended",
                "user_disabled",
                "account_disabled",
                "not_a_member",
                "account_foreign",
                "scope_missing",
                "role_missing",
                "secret_in_grace",
                "role_beyond_giver",
                "wider_than_maker",
                "operator_only",
                "in_person_only",
                "code_of_another",
                "verifier_wrong",
                "code_replayed",
                "refresh_reused",
                "grant_over",
                "scope_wider",
            ]
        );
        for stranger in
            ["route_unknown", "credential_missing", "key_unknown", "token_signature", "password_wrong"]
        {
            assert!(of(Severity::Routine).contains(&stranger), "{stranger}");
        }
    }
}

//! Reasons of the authorization server, and how RFC 6749 §5.2 and its kin name them.

/// A reason to refuse an OAuth request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "each variant is its word; its text says it for people")]
pub enum OAuthDenial {
    RequestMalformed(&'static str),
    ResponseTypeUnsupported,
    GrantTypeUnsupported,
    ParameterUnsupported(&'static str),
    ClientUnknown,
    ClientUnreachable,
    ClientSecretWrong,
    RedirectUriUnknown,
    PkceMissing,
    PkceMethodUnsupported,
    CodeUnknown,
    CodeExpired,
    CodeOfAnother,
    VerifierWrong,
    CodeReplayed,
    RefreshUnknown,
    RefreshReused,
    GrantOver,
    ResourceUnknown,
    ScopeUnknown,
    ScopeWider,
    OpenidMissing,
    LoginRequired,
    ConsentRequired,
    ConsentRefused,
    RedirectUriUnfit,
    MetadataUnfit(&'static str),
    TooManyClients,
}

impl OAuthDenial {
    /// The stable word for logs and metrics.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::RequestMalformed(_) => "oauth_request_malformed",
            Self::ResponseTypeUnsupported => "response_type_unsupported",
            Self::GrantTypeUnsupported => "grant_type_unsupported",
            Self::ParameterUnsupported(_) => "oauth_parameter_unsupported",
            Self::ClientUnknown => "client_unknown",
            Self::ClientUnreachable => "client_unreachable",
            Self::ClientSecretWrong => "client_secret_wrong",
            Self::RedirectUriUnknown => "redirect_uri_unknown",
            Self::PkceMissing => "pkce_missing",
            Self::PkceMethodUnsupported => "pkce_method_unsupported",
            Self::CodeUnknown => "code_unknown",
            Self::CodeExpired => "code_expired",
            Self::CodeOfAnother => "code_of_another",
            Self::VerifierWrong => "verifier_wrong",
            Self::CodeReplayed => "code_replayed",
            Self::RefreshUnknown => "refresh_unknown",
            Self::RefreshReused => "refresh_reused",
            Self::GrantOver => "grant_over",
            Self::ResourceUnknown => "resource_unknown",
            Self::ScopeUnknown => "scope_unknown",
            Self::ScopeWider => "scope_wider",
            Self::OpenidMissing => "openid_missing",
            Self::LoginRequired => "login_required",
            Self::ConsentRequired => "consent_required",
            Self::ConsentRefused => "consent_refused",
            Self::RedirectUriUnfit => "redirect_uri_unfit",
            Self::MetadataUnfit(_) => "metadata_unfit",
            Self::TooManyClients => "too_many_clients",
        }
    }

    /// The `error` of the answer.
    #[must_use]
    pub const fn error(self) -> &'static str {
        match self {
            Self::RequestMalformed(_)
            | Self::RedirectUriUnknown
            | Self::PkceMissing
            | Self::PkceMethodUnsupported => "invalid_request",
            Self::ResponseTypeUnsupported => "unsupported_response_type",
            Self::GrantTypeUnsupported => "unsupported_grant_type",
            // Each has its own (OpenID Connect Core §3.1.2.6).
            Self::ParameterUnsupported(error) => error,
            Self::ClientUnknown | Self::ClientSecretWrong => "invalid_client",
            Self::CodeUnknown
            | Self::CodeExpired
            | Self::CodeOfAnother
            | Self::VerifierWrong
            | Self::CodeReplayed
            | Self::RefreshUnknown
            | Self::RefreshReused
            | Self::GrantOver => "invalid_grant",
            Self::ResourceUnknown => "invalid_target",
            Self::ScopeUnknown | Self::ScopeWider => "invalid_scope",
            Self::OpenidMissing => "insufficient_scope",
            Self::LoginRequired => "login_required",
            Self::ConsentRequired => "consent_required",
            Self::ConsentRefused => "access_denied",
            Self::RedirectUriUnfit => "invalid_redirect_uri",
            Self::MetadataUnfit(_) => "invalid_client_metadata",
            Self::ClientUnreachable | Self::TooManyClients => "temporarily_unavailable",
        }
    }

    /// The text for people.
    #[must_use]
    pub const fn message(self) -> &'static str {
        match self {
            Self::RequestMalformed(text) | Self::MetadataUnfit(text) => text,
            Self::ResponseTypeUnsupported => "response_type must be code",
            Self::GrantTypeUnsupported => "grant_type must be authorization_code or refresh_token",
            Self::ParameterUnsupported(_) => "request, request_uri and registration are not taken",
            Self::ClientUnknown => "There is no such client here; register again",
            Self::ClientUnreachable => {
                "The document of the client cannot be had now; try again in a few seconds"
            }
            Self::ClientSecretWrong => "The client could not be authenticated",
            Self::RedirectUriUnknown => "redirect_uri is none of the client's",
            Self::PkceMissing => "code_challenge is missing: PKCE with S256 is required",
            Self::PkceMethodUnsupported => "code_challenge_method must be S256",
            Self::CodeUnknown
            | Self::CodeExpired
            | Self::CodeOfAnother
            | Self::VerifierWrong
            | Self::CodeReplayed => "The code is not valid, was used, or belongs to another request",
            Self::RefreshUnknown | Self::RefreshReused | Self::GrantOver => {
                "The refresh token is not valid any more; sign in again"
            }
            Self::ResourceUnknown => "resource is none of this server's, or was not granted",
            Self::ScopeUnknown => "None of the scopes is known here",
            Self::ScopeWider => "scope asks for more than was granted",
            Self::OpenidMissing => {
                "The access token lacks the scope openid; ask for it when the user signs in"
            }
            Self::LoginRequired => "The person is not signed in",
            Self::ConsentRequired => "The person must be asked",
            Self::ConsentRefused => "The person refused",
            Self::RedirectUriUnfit => {
                "No redirect_uri can be used: https, http on loopback, or a native application's scheme"
            }
            Self::TooManyClients => "Too many clients have registered; try again later",
        }
    }
}

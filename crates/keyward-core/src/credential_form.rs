//! Forms in which a credential is not read, each with the form to send instead. They are about how the request is written, never
//! about whether the credential exists: the scheme and the place of a credential are no secret.

/// What a client sent instead of `Authorization: Bearer <token>`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CredentialForm {
    /// `Bearer` without a token.
    NoToken,
    /// A token without a scheme.
    NoScheme,
    /// `Bearer Bearer <token>`.
    SchemeTwice,
    /// The token, or the whole value, in quotes.
    Quoted,
    /// After `Bearer`, characters that no token has (RFC 6750 §2.1).
    NotAToken,
    /// `Basic` with user and password.
    Basic,
    /// Any other scheme.
    OtherScheme,
    /// No `Authorization`, but a header such as `X-API-Key`.
    OtherHeader,
    /// No `Authorization`, but a query parameter such as `api_key`.
    InQuery,
    /// A token that is neither an API key nor a JWT.
    UnknownKind,
    /// A JWT where only API keys are read.
    JwtForKeysOnly,
}

impl CredentialForm {
    /// Every form.
    pub const ALL: &'static [Self] = &[
        Self::NoToken,
        Self::NoScheme,
        Self::SchemeTwice,
        Self::Quoted,
        Self::NotAToken,
        Self::Basic,
        Self::OtherScheme,
        Self::OtherHeader,
        Self::InQuery,
        Self::UnknownKind,
        Self::JwtForKeysOnly,
    ];

    /// What is wrong with it, and what to send instead.
    #[must_use]
    pub const fn hint(self) -> &'static str {
        match self {
            Self::NoToken => "The token after Bearer is missing. Send it as: Authorization: Bearer lev_sk_…",
            Self::NoScheme => {
                "The word Bearer and a space are missing before the token. Send it as: Authorization: Bearer lev_sk_…"
            }
            Self::SchemeTwice => "The word Bearer is there twice. Send it as: Authorization: Bearer lev_sk_…",
            Self::Quoted => "The token must not be in quotes. Send it as: Authorization: Bearer lev_sk_…",
            Self::NotAToken => {
                "After Bearer there must be one token, without spaces, brackets or a placeholder such as $KEY. Send it as: \
                 Authorization: Bearer lev_sk_…"
            }
            Self::Basic => {
                "Basic authentication is not supported. Send the API key as: Authorization: Bearer lev_sk_…"
            }
            Self::OtherScheme => {
                "The only supported scheme is Bearer. Send the token as: Authorization: Bearer lev_sk_…"
            }
            Self::OtherHeader => {
                "API keys are read from the Authorization header only. Send the key as: Authorization: Bearer lev_sk_…"
            }
            Self::InQuery => {
                "Credentials in the query string are not read. Send the key as: Authorization: Bearer lev_sk_…"
            }
            Self::UnknownKind => {
                "The token is neither an API key nor a JWT. Send it as: Authorization: Bearer lev_sk_…"
            }
            Self::JwtForKeysOnly => {
                "Only API keys are read here, not JWTs. Send it as: Authorization: Bearer lev_sk_…"
            }
        }
    }

    /// The same as `error_description` of a challenge, which is printable ASCII without quotes (RFC 6750 §3).
    #[must_use]
    pub fn description(self) -> String {
        self.hint().replace('…', "...")
    }

    /// Whether the client used the supported scheme, or none. The challenge names the error only then (RFC 6750 §3.1).
    #[must_use]
    pub const fn is_bearer(self) -> bool {
        !matches!(self, Self::Basic | Self::OtherScheme | Self::OtherHeader | Self::InQuery)
    }

    /// The form of an `Authorization` that is not `Bearer`, spaces, token.
    #[must_use]
    pub fn of(value: &[u8]) -> Self {
        let value = value.trim_ascii();
        if value.starts_with(b"\"") || value.starts_with(b"'") {
            return Self::Quoted;
        }
        let end = value.iter().position(u8::is_ascii_whitespace);
        // Absent: one word alone, which is a scheme or a token.
        let (scheme, rest) = end.map_or((value, b"".as_slice()), |end| value.split_at(end));
        let rest = rest.trim_ascii();
        if is_bearer(scheme) {
            return Self::after_bearer(rest);
        }
        match (scheme, rest) {
            (scheme, _) if scheme.eq_ignore_ascii_case(b"basic") => Self::Basic,
            (scheme, b"") if is_long(scheme) => Self::NoScheme,
            // Absent: a scheme, with or without its parameters.
            _ => Self::OtherScheme,
        }
    }

    fn after_bearer(token: &[u8]) -> Self {
        // Absent: no word, which is matched first below.
        let word = token.split(u8::is_ascii_whitespace).next().unwrap_or_default();
        match token {
            b"" => Self::NoToken,
            [b'"' | b'\'', ..] => Self::Quoted,
            _ if is_bearer(word) => Self::SchemeTwice,
            // Absent: it has characters that no token has.
            _ => Self::NotAToken,
        }
    }

    /// The form of a credential beside a missing `Authorization`, if the names of headers and of query parameters show one.
    pub fn elsewhere<'n>(mut headers: impl Iterator<Item = &'n str>, query: Option<&'n str>) -> Option<Self> {
        if headers.any(|name| HEADERS.iter().any(|known| name.eq_ignore_ascii_case(known))) {
            return Some(Self::OtherHeader);
        }
        // Absent: no query, so no parameter of it.
        let mut names = query.into_iter().flat_map(|query| query.split('&')).map(|one| one.split('=').next());
        let is_key = |name: Option<&str>| name.is_some_and(|name| PARAMETERS.contains(&name));
        names.any(is_key).then_some(Self::InQuery)
    }
}

/// Headers in which other APIs take a key.
const HEADERS: &[&str] = &["x-api-key", "api-key", "apikey", "x-auth-token", "x-access-token", "x-api-token"];
/// Query parameters in which other APIs take a key.
const PARAMETERS: &[&str] = &["api_key", "apikey", "apiKey", "access_token"];

fn is_bearer(word: &[u8]) -> bool {
    word.eq_ignore_ascii_case(b"bearer")
}

/// Whether a word is too long for the name of a scheme, or has what a key or a JWT has and no registered scheme.
fn is_long(word: &[u8]) -> bool {
    word.len() > 20 || word.iter().any(|byte| matches!(byte, b'_' | b'.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_wrong_form_is_recognised_and_has_a_way_out() {
        use CredentialForm::*;
        for (value, form) in [
            ("Bearer", NoToken),
            ("Bearer  ", NoToken),
            ("lev_sk_abc", NoScheme),
            ("eyJhbGciOiJSUzI1NiJ9.e30.c2ln", NoScheme),
            ("0b0f6b3e-6ad2-4f3e-9a57-2f9a4b1c7d10", NoScheme),
            ("Bearer Bearer lev_sk_abc", SchemeTwice),
            ("Bearer bearer", SchemeTwice),
            ("Bearer \"lev_sk_abc\"", Quoted),
            ("Bearer 'lev_sk_abc'", Quoted),
            ("\"Bearer lev_sk_abc\"", Quoted),
            ("Bearer lev_sk_abc def", NotAToken),
            ("Bearer <api_key>", NotAToken),
            ("Bearer $KEY", NotAToken),
            ("Bearer a,Bearer b", NotAToken),
            ("Bearer\tlev_sk_abc", NotAToken),
            ("Bearer: lev_sk_abc", OtherScheme),
            ("Basic bGV2X3NrX2FiYw==", Basic),
            ("basic", Basic),
            ("Token lev_sk_abc", OtherScheme),
            ("ApiKey lev_sk_abc", OtherScheme),
            ("Negotiate", OtherScheme),
            ("Digest username=\"a\"", OtherScheme),
            ("", OtherScheme),
        ] {
            assert_eq!(CredentialForm::of(value.as_bytes()), form, "{value}");
        }
        assert_eq!(CredentialForm::of(b"Bearer \xff\xfe"), NotAToken);
    }

    #[test]
    fn a_hint_can_stand_in_a_challenge_and_shows_the_header() {
        for form in CredentialForm::ALL {
            // What error_description is made of.
            let fits = |byte: u8| matches!(byte, 0x20..=0x21 | 0x23..=0x5b | 0x5d..=0x7e);
            assert!(form.description().bytes().all(fits), "{form:?}");
            assert!(form.hint().ends_with("Authorization: Bearer lev_sk_…"), "{form:?}");
        }
    }

    #[test]
    fn a_key_beside_a_missing_header_is_noticed_by_its_name_alone() {
        let of = |headers: &[&'static str], query| CredentialForm::elsewhere(headers.iter().copied(), query);
        assert_eq!(of(&["accept", "X-API-Key"], None), Some(CredentialForm::OtherHeader));
        assert_eq!(of(&[], Some("limit=1&api_key=lev_sk_abc")), Some(CredentialForm::InQuery));
        assert_eq!(of(&["accept"], Some("limit=1&filter[x]=api_key")), None);
        assert_eq!(of(&[], None), None);
    }
}

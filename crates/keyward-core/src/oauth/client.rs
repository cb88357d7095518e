//! OAuth clients: the applications that people let act for them.

use super::redirect;
use crate::clock::Timestamp;
use crate::opaque::TokenDigest;
use std::sync::Arc;

/// The client of `keyward login`, which every server knows.
pub const KEYWARD_CLI: &str = "keyward-cli";

/// Who made a client known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClientOrigin {
    /// This program: there before any other.
    BuiltIn,
    /// The operator.
    Operator,
    /// The client itself (RFC 7591).
    Registered,
    /// A document at the https URL that is its id.
    Document,
}

impl ClientOrigin {
    /// The name, in the store and in lists.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::BuiltIn => "built_in",
            Self::Operator => "operator",
            Self::Registered => "registered",
            Self::Document => "document",
        }
    }

    /// The origin of this name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        [Self::BuiltIn, Self::Operator, Self::Registered, Self::Document]
            .into_iter()
            .find(|origin| origin.name() == name)
    }
}

/// An application.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Client {
    /// Its `client_id`.
    pub id: Arc<str>,
    /// The name that it gave itself, or that the operator gave it.
    pub name: String,
    /// Where people may be sent back to.
    pub redirect_uris: Arc<[String]>,
    /// Who made it known.
    pub origin: ClientOrigin,
    /// The digest of its secret; `None`: a public client.
    pub secret: Option<TokenDigest>,
    /// Whether it is given refresh tokens without asking for `offline_access`.
    pub refreshes: bool,
    /// When it was made known.
    pub created_at: Timestamp,
}

impl Client {
    /// Whether people may be sent back there: one of its redirect URIs to the letter, but for the port of a loopback one.
    #[must_use]
    pub fn may_redirect(&self, uri: &str) -> bool {
        self.redirect_uris.iter().any(|own| redirect::matches(own, uri))
    }

    /// Whether people may be sent there after a sign-out: a redirect URI of it, or an address on the origin of one. No code is sent
    /// there, and the page after a sign-out is seldom the one that takes codes.
    #[must_use]
    pub fn may_return_to(&self, uri: &str) -> bool {
        self.may_redirect(uri) || self.redirect_uris.iter().any(|own| redirect::is_on_origin_of(own, uri))
    }

    /// Whether nobody but the client has made it known: then nobody answers for where it has people sent.
    #[must_use]
    pub fn is_by_itself(&self) -> bool {
        matches!(self.origin, ClientOrigin::Registered | ClientOrigin::Document)
    }
}

/// The client of `keyward login`.
#[must_use]
pub fn keyward_cli() -> Client {
    Client {
        id: KEYWARD_CLI.into(),
        name: "keyward login".to_owned(),
        redirect_uris: ["http://127.0.0.1/callback".to_owned()].into(),
        origin: ClientOrigin::BuiltIn,
        secret: None,
        refreshes: false,
        created_at: Timestamp::from_unix(0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn after_a_sign_out_people_return_to_the_origin_of_a_redirect_uri_and_nowhere_else() {
        let uris = ["https://app.example/callback", "http://127.0.0.1/cb", "myapp://cb"];
        let client = Client { redirect_uris: uris.map(str::to_owned).into(), ..keyward_cli() };
        for good in [
            "https://app.example/callback",
            "https://app.example/",
            "https://app.example/bye?x=1",
            "http://127.0.0.1:4000/bye",
            "myapp://cb",
        ] {
            assert!(client.may_return_to(good), "{good}");
        }
        for bad in [
            "https://evil.example/",
            "https://app.example:8443/",
            "https://app.example@evil.example/",
            "https://app.example.evil.example/",
            "https://app.example\\@evil.example/",
            "http://app.example/",
            "http://localhost/bye",
            "http://127.0.0.1@evil.example/",
            "myapp://other",
            "javascript:alert(1)",
            "",
        ] {
            assert!(!client.may_return_to(bad), "{bad}");
        }
    }
}

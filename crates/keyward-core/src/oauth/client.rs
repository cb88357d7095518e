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

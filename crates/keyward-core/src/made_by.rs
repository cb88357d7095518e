//! By what something was made that gives rights: the credential that its maker used, so that after a leak it is known what came of it.

use crate::principal::{Credential, JwtCredential, TokenOf};
use serde::Serialize;
use utoipa::ToSchema;

/// The credential by which a key, an invitation, a membership or a grant was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MadeBy {
    /// An order of the operator.
    Operator,
    /// An API key, by its id.
    ApiKey(i64),
    /// A token of an outside issuer, by the id of the link between its subject and its user.
    Jwt(i64),
    /// A token of our own, by its grant's id.
    Grant(i64),
    /// A person in a browser, by the session's id.
    Session(i64),
}

/// How the API shows by what something was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = MadeBy)]
pub struct MadeByView {
    /// The kind of the credential: `api_key`, `jwt`, `grant`, `session`, or `operator`.
    #[schema(extensions(("enum" = json!(["api_key", "jwt", "grant", "session", "operator"]))))]
    pub kind: &'static str,
    /// Its id within its kind; null: the operator.
    #[schema(required, minimum = 1)]
    pub id: Option<i64>,
}

impl MadeBy {
    /// Of a caller's credential.
    #[must_use]
    pub fn of(credential: &Credential) -> Self {
        match credential {
            Credential::ApiKey(key) => Self::ApiKey(key.id.0),
            Credential::Jwt(JwtCredential { of: TokenOf::Link(id), .. }) => Self::Jwt(*id),
            Credential::Jwt(JwtCredential { of: TokenOf::Grant(grant), .. }) => Self::Grant(grant.0),
            Credential::Session(session) => Self::Session(session.id),
        }
    }

    /// The kind and the id.
    #[must_use]
    pub fn view(self) -> MadeByView {
        let (kind, id) = match self {
            Self::Operator => ("operator", None),
            Self::ApiKey(id) => ("api_key", Some(id)),
            Self::Jwt(id) => ("jwt", Some(id)),
            Self::Grant(id) => ("grant", Some(id)),
            Self::Session(id) => ("session", Some(id)),
        };
        MadeByView { kind, id }
    }

    /// For the person who reads a list: `the operator`, `API key 12`, `the console`.
    #[must_use]
    pub fn words(self) -> String {
        match self {
            Self::Operator => "the operator".to_owned(),
            Self::ApiKey(id) => format!("API key {id}"),
            Self::Jwt(_) => "a token of an outside issuer".to_owned(),
            Self::Grant(_) => "a connected application".to_owned(),
            Self::Session(_) => "the console".to_owned(),
        }
    }

    /// As the store keeps it: `api_key:12`, `operator`.
    #[must_use]
    pub fn text(self) -> String {
        match self.view() {
            MadeByView { kind, id: Some(id) } => format!("{kind}:{id}"),
            MadeByView { kind, id: None } => kind.to_owned(),
        }
    }

    /// Reads what [`Self::text`] writes.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let Some((kind, id)) = text.split_once(':') else {
            return (text == "operator").then_some(Self::Operator);
        };
        // Absent: what is no number is refused, with the row that holds it.
        let id: i64 = id.parse().ok()?;
        let made_by = match kind {
            "api_key" => Self::ApiKey(id),
            "jwt" => Self::Jwt(id),
            "grant" => Self::Grant(id),
            "session" => Self::Session(id),
            // Absent: a kind that is not known is refused, with the row that holds it.
            _ => return None,
        };
        (made_by.text() == text).then_some(made_by)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_and_nothing_else_is() {
        for made_by in [
            MadeBy::Operator,
            MadeBy::ApiKey(12),
            MadeBy::Jwt(1),
            MadeBy::Grant(i64::MAX),
            MadeBy::Session(3),
        ] {
            assert_eq!(MadeBy::parse(&made_by.text()), Some(made_by));
        }
        for other in
            ["", "api_key", "api_key:", "api_key:x", "api_key:012", "operator:1", "user:1", "Operator"]
        {
            assert_eq!(MadeBy::parse(other), None, "{other}");
        }
    }
}

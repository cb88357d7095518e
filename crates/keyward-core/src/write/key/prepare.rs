//! A key in two steps, so that its secret opens nothing before somebody has it.

use super::make::{IssueKey, KeyMade};
use crate::api_key::NewSecret;
use crate::effect::{Effect, Rendered, Subject};
use crate::id::{AccountId, KeyId};
use crate::permit::Administer;
use serde_json::json;

/// The operator makes a key that has no secret yet: until [`ActivateKey`] gives it one, it opens nothing.
#[derive(Debug)]
pub struct PrepareKey(pub IssueKey);

/// A key that was prepared gets its secret: its operator has it by now.
#[derive(Debug)]
pub struct ActivateKey {
    /// The key.
    pub key: KeyId,
    /// The secret that was made for it.
    pub secret: NewSecret,
}

/// A key has its secret.
#[derive(Clone, Copy, Debug)]
pub struct KeyActivated {
    /// The key.
    pub key: KeyId,
    /// Its account.
    pub account: AccountId,
}

impl Effect for PrepareKey {
    type Action = Administer;
    type Done = KeyMade;
    const AUDIT: &'static str = IssueKey::AUDIT;
    const SHOWS_SECRET: bool = true;

    fn subject(done: &KeyMade) -> Subject {
        IssueKey::subject(done)
    }

    fn detail(done: &KeyMade) -> Option<serde_json::Value> {
        IssueKey::detail(done)
    }

    fn render(done: &KeyMade) -> Rendered {
        IssueKey::render(done)
    }
}

impl Effect for ActivateKey {
    type Action = Administer;
    type Done = KeyActivated;
    const AUDIT: &'static str = "api_key.activate";

    fn subject(done: &KeyActivated) -> Subject {
        Subject { kind: Subject::API_KEY, id: done.key.0, account: Some(done.account) }
    }

    fn render(done: &KeyActivated) -> Rendered {
        Rendered::ok(&json!({ "id": done.key }))
    }
}

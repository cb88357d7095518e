//! Every key of an account, of a user or of an installation, ended at once after a leak.

use crate::api_key::WhoseKeys;
use crate::effect::{Effect, Rendered, Subject};
use crate::id::KeyId;
use crate::permit::Administer;
use serde_json::json;

/// The operator ends every key of somebody, in one transaction.
#[derive(Clone, Debug)]
pub struct RevokeKeysOf {
    /// Whose.
    pub whose: WhoseKeys,
    /// Those that memory knows as such. They end too, whatever their rows say.
    pub known: Vec<KeyId>,
}

/// Every key of somebody is revoked.
#[derive(Clone, Debug)]
pub struct KeysRevoked {
    /// Whose.
    pub whose: WhoseKeys,
    /// Those that this revoked, by id. What was revoked before is not among them.
    pub keys: Vec<KeyId>,
}

impl Effect for RevokeKeysOf {
    type Action = Administer;
    type Done = KeysRevoked;
    const AUDIT: &'static str = "api_key.revoke_all";

    fn ends(_: &KeysRevoked) -> bool {
        true
    }

    fn subject(done: &KeysRevoked) -> Subject {
        subject(done.whose)
    }

    fn changed(done: &KeysRevoked) -> bool {
        !done.keys.is_empty()
    }

    fn detail(done: &KeysRevoked) -> Option<serde_json::Value> {
        Some(json!({ "keys": done.keys }))
    }

    fn render(_: &KeysRevoked) -> Rendered {
        Rendered::deleted()
    }
}

/// What the audit row is about.
fn subject(whose: WhoseKeys) -> Subject {
    match whose {
        WhoseKeys::User(user) => Subject::user(user),
        WhoseKeys::Account(account) => Subject { kind: "account", id: account.0, account: Some(account) },
        WhoseKeys::Member(account, user) => Subject { kind: "user", id: user.0, account: Some(account) },
        WhoseKeys::All => Subject { kind: "installation", id: 1, account: None },
    }
}

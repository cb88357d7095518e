//! A key that signs access tokens: added, sealed again, taken away.

use crate::effect::{Effect, Rendered, Subject};
use crate::permit::Administer;
use crate::signing::SealedKey;
use serde_json::{Value, json};

fn of_key(id: i64) -> Subject {
    Subject { kind: "signing_key", id, account: None }
}

/// Adds a signing key.
#[derive(Clone, Debug)]
pub struct AddSigningKey {
    /// The key, its id not yet known.
    pub key: SealedKey,
    /// Whether all others go at once, and every token that they signed with them.
    pub alone: bool,
}

impl Effect for AddSigningKey {
    type Action = Administer;
    type Done = SealedKey;
    const AUDIT: &'static str = "signing_key.add";

    fn subject(done: &SealedKey) -> Subject {
        of_key(done.id)
    }

    fn detail(done: &SealedKey) -> Option<Value> {
        Some(json!({ "kid": &*done.kid, "signs_from": done.signs_from }))
    }

    fn render(done: &SealedKey) -> Rendered {
        Rendered::ok(&json!({ "kid": &*done.kid }))
    }
}

/// Takes a signing key away.
#[derive(Clone, Copy, Debug)]
pub struct RemoveSigningKey(pub i64);

impl Effect for RemoveSigningKey {
    type Action = Administer;
    type Done = i64;
    const AUDIT: &'static str = "signing_key.remove";

    fn subject(done: &i64) -> Subject {
        of_key(*done)
    }

    fn render(done: &i64) -> Rendered {
        Rendered::ok(&json!({ "id": done }))
    }
}

/// Seals a key under another version of the root secret.
#[derive(Clone, Debug)]
pub struct ResealSigningKey(pub SealedKey);

impl Effect for ResealSigningKey {
    type Action = Administer;
    type Done = i64;
    const AUDIT: &'static str = "signing_key.reseal";

    fn subject(done: &i64) -> Subject {
        of_key(*done)
    }

    fn render(done: &i64) -> Rendered {
        Rendered::ok(&json!({ "id": done }))
    }
}

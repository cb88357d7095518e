//! A key's label, and the `ETag` by which a change of it can be guarded.

use super::{ApiKey, KeyView};
use crate::effect::{Effect, Rendered, Subject};
use crate::id::KeyId;
use crate::permit::LabelKeys;
use crate::preconditions::Preconditions;
use crate::role::Role;
use serde_json::json;
use sha2::{Digest, Sha256};

/// The owner gives a key another label. Its end, its ranges and its rights stay: authority is made once.
#[derive(Debug)]
pub struct RelabelKey {
    /// The key; `None` when the path named no id at all.
    pub key: Option<KeyId>,
    /// The id as it was sent, for the refusal.
    pub as_sent: String,
    /// The states in which it may be changed.
    pub conditions: Preconditions,
    /// 1 to 255 characters.
    pub label: String,
}

/// A key has this label, now or already before.
#[derive(Debug)]
pub struct KeyRelabelled {
    /// The key.
    pub key: ApiKey,
    /// Its user's role now.
    pub role: Role,
    /// Whether this was what changed it.
    pub now: bool,
}

impl Effect for RelabelKey {
    type Action = LabelKeys;
    type Done = KeyRelabelled;
    const AUDIT: &'static str = "api_key.label";
    const CONDITIONAL: bool = true;

    fn subject(done: &KeyRelabelled) -> Subject {
        Subject { kind: "api_key", id: done.key.id.0, account: Some(done.key.account) }
    }

    fn changed(done: &KeyRelabelled) -> bool {
        done.now
    }

    fn detail(done: &KeyRelabelled) -> Option<serde_json::Value> {
        Some(json!({ "label": done.key.label }))
    }

    fn render(done: &KeyRelabelled) -> Rendered {
        Rendered::ok(&done.key.view(done.role)).with_etag(done.key.etag(done.role))
    }
}

impl ApiKey {
    /// Names the state of the key as the API shows it, quotes included. The last use stands at its end, as a proxy puts a coding
    /// there: [`Preconditions`] against [`ApiKey::state_tag`] hold however often the key was used meanwhile, and a client that
    /// has the key with an earlier use is sent it again.
    #[must_use]
    pub fn etag(&self, role: Role) -> String {
        // Absent: it was never used, so there is no use to name.
        let used = self.last_used_at.map(|at| format!("-u{}", at.unix())).unwrap_or_default();
        format!("\"{}{used}\"", self.state(role))
    }

    /// The same without its last use: what a change of the key is conditional on.
    #[must_use]
    pub fn state_tag(&self, role: Role) -> String {
        format!("\"{}\"", self.state(role))
    }

    /// In digits, since tags of ours have no letter behind a hyphen but where the last use begins.
    fn state(&self, role: Role) -> String {
        let shown = KeyView { last_used_at: None, ..self.view(role) };
        // Absent: never, our shapes always serialise.
        let digest = Sha256::digest(serde_json::to_vec(&shown).unwrap_or_default());
        let first = digest.iter().take(8).fold(0_u64, |number, byte| (number << 8) | u64::from(*byte));
        format!("k{}-{first}", self.id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Timestamp;
    use crate::grant::Grant;
    use crate::id::{AccountId, UserId};

    fn key() -> ApiKey {
        ApiKey {
            id: KeyId(7),
            account: AccountId(1),
            user: UserId(1),
            label: "CI".to_owned(),
            prefix: "lev_sk_abcd".to_owned(),
            grant: Grant::FullAccess,
            created_at: Timestamp::from_unix(1),
            made_by: None,
            expires_at: None,
            allowed_ips: None,
            revoked_at: None,
            last_used_at: None,
        }
    }

    #[test]
    fn a_use_changes_the_tag_and_no_condition() {
        let conditions =
            |tag: String| Preconditions::parse([tag.as_bytes()].into_iter(), std::iter::empty()).unwrap();
        let (fresh, used) =
            (key(), ApiKey { last_used_at: Some(Timestamp::from_unix(1_774_020_645)), ..key() });
        let (old, new) = (fresh.etag(Role::Admin), used.etag(Role::Admin));
        assert_ne!(old, new);
        for tag in [old, new, used.etag(Role::Admin).replace("\"k", "W/\"k")] {
            assert_eq!(conditions(tag).check(&used.state_tag(Role::Admin)), Ok(()));
        }
        let renamed = ApiKey { label: "CD".to_owned(), ..key() };
        for other in [renamed.etag(Role::Admin), fresh.etag(Role::Viewer), "\"k7\"".to_owned()] {
            assert!(conditions(other).check(&used.state_tag(Role::Admin)).is_err());
        }
    }
}

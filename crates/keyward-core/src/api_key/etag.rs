//! The `ETag` of a key, by which a change of it can be guarded.

use super::{ApiKey, KeyView};
use crate::role::Role;
use sha2::{Digest, Sha256};

impl ApiKey {
    /// Names the state of the key as the API shows it, quotes included. The last use stands at its end, as a proxy puts a coding
    /// there: [`crate::preconditions::Preconditions`] against [`ApiKey::state_tag`] hold however often the key was used meanwhile,
    /// and a client that has the key with an earlier use is sent it again.
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
    use crate::id::{AccountId, KeyId, UserId};
    use crate::preconditions::Preconditions;

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

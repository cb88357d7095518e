//! Changing the label of a key.

use super::ApiKey;
use crate::denial::Denial;
use crate::preconditions::Preconditions;
use crate::role::Role;

impl ApiKey {
    /// Gives it a label, if its state is the one that the caller knows; whether that is another label. `role` is its user's role now.
    ///
    /// # Errors
    /// [`Denial::PreconditionFailed`], also for the label that it has.
    pub fn relabel(&mut self, label: &str, role: Role, conditions: &Preconditions) -> Result<bool, Denial> {
        conditions.check(&self.state_tag(role))?;
        let changes = self.label != label;
        if changes {
            label.clone_into(&mut self.label);
        }
        Ok(changes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Timestamp;
    use crate::grant::Grant;
    use crate::id::{AccountId, KeyId, UserId};

    fn key(label: &str) -> ApiKey {
        ApiKey {
            id: KeyId(7),
            account: AccountId(1),
            user: UserId(1),
            label: label.to_owned(),
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
    fn a_label_is_changed_if_the_key_is_as_the_caller_knows_it() {
        let tag = |label: &str| key(label).state_tag(Role::Admin);
        let only_if = |tag: &str| Preconditions::parse([tag.as_bytes()].into_iter(), std::iter::empty());
        for (what, conditions, label, outcome) in [
            ("without a condition", Preconditions::NONE, "CD", Ok(true)),
            ("the same label", Preconditions::NONE, "CI", Ok(false)),
            ("its state", only_if(&tag("CI")).unwrap(), "CD", Ok(true)),
            ("its state, the same label", only_if(&tag("CI")).unwrap(), "CI", Ok(false)),
            ("another state", only_if(&tag("CD")).unwrap(), "CD", Err(Denial::PreconditionFailed)),
            (
                "another state, the same label",
                only_if(&tag("CD")).unwrap(),
                "CI",
                Err(Denial::PreconditionFailed),
            ),
        ] {
            let mut key = key("CI");
            let relabelled = key.relabel(label, Role::Admin, &conditions);
            assert_eq!(relabelled, outcome, "{what}");
            assert_eq!(key.label, if outcome == Ok(true) { label } else { "CI" }, "{what}");
        }
    }
}

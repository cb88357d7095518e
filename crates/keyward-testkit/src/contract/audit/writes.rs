//! Writes that leave rows, and who does them.

use crate::contract::{Bench, must};
use keyward_core::api_key::{Wanted, WantedGrant};
use keyward_core::grant::Grant;
use keyward_core::input::Field;
use keyward_core::permit::{Action, Permit, operator_named};
use keyward_core::preconditions::Preconditions;
use keyward_core::tier::Tier;
use keyward_core::write::account::CreateAccount;
use keyward_core::write::key::{CreateKey, IssueKey, KeyMade, RelabelKey, RevokeKey};
use keyward_core::write::user::CreateUser;

/// The permit of the operator whose name is known.
pub(super) fn ada<A: Action>() -> Permit<A> {
    operator_named(Some("ada".into()))
}

pub(super) fn account(slug: &str) -> CreateAccount {
    CreateAccount { slug: slug.to_owned(), name: slug.to_owned(), account_type: None, tier: Tier::Standard }
}

pub(super) fn user(name: &str) -> CreateUser {
    CreateUser {
        uuid: format!("uuid of {name}"),
        email: format!("{name}@acme.example"),
        first_name: name.to_owned(),
        last_name: String::new(),
        title: None,
        password_hash: None,
    }
}

/// A key that the operator makes for the viewer.
pub(super) fn issued<S>(bench: &Bench<'_, S>, label: &str) -> IssueKey {
    IssueKey {
        account: bench.account,
        user: bench.viewer.key.user,
        label: label.to_owned(),
        grant: Grant::FullAccess,
        expires_at: None,
        allowed_ips: None,
        secret: must("a secret", bench.ring.mint(&bench.random)),
    }
}

pub(super) fn created<S>(bench: &Bench<'_, S>, label: &str) -> CreateKey {
    let wanted =
        Wanted { grant: WantedGrant::AsMaker, expires_at: Field::Absent, allowed_ips: Field::Absent };
    CreateKey { label: label.to_owned(), wanted, secret: must("a secret", bench.ring.mint(&bench.random)) }
}

pub(super) fn relabelled(key: &KeyMade, label: &str) -> RelabelKey {
    let (key, label) = (key.key.id, label.to_owned());
    RelabelKey { key: Some(key), as_sent: key.to_string(), conditions: Preconditions::NONE, label }
}

pub(super) fn revoked(key: &KeyMade, descendants: bool) -> RevokeKey {
    RevokeKey { key: Some(key.key.id), as_sent: key.key.id.to_string(), descendants }
}

//! The rules of the audit trail.
//!
//! | file | what |
//! | --- | --- |
//! | `audit/book.rs` | a trail that is read on, write by write |
//! | `audit/forgotten.rs` | what is forgotten, and when |
//! | `audit/people.rs` | who signs in, and the tokens that they bring |
//! | `audit/reading.rs` | filters and pages |
//! | `audit/unwritten.rs` | what leaves no row, and what no row shows |
//! | `audit/written.rs` | the row that each write leaves |

mod book;
mod forgotten;
mod people;
mod reading;
mod unwritten;
mod written;

pub(super) use forgotten::*;
pub(super) use reading::*;
pub(super) use unwritten::*;
pub(super) use written::*;

use super::{Bench, IdentityStore, at, must};
use keyward_core::account::{CreateAccount, CreateUser};
use keyward_core::api_key::{CreateKey, IssueKey, KeyMade, RelabelKey, RevokeKey, Wanted, WantedGrant};
use keyward_core::input::Field;
use keyward_core::permit::{Action, Permit, operator_named};
use keyward_core::preconditions::Preconditions;
use keyward_core::principal::Grant;
use keyward_core::store::{AuditQuery, AuditRow};
use keyward_core::tier::Tier;

/// Every row that a query asks for, from all pages.
async fn rows<S: IdentityStore>(bench: &Bench<'_, S>, mut query: AuditQuery) -> Vec<AuditRow> {
    let mut rows = Vec::new();
    loop {
        let page = must("a page of the trail", bench.store.audit(query.clone()).await);
        rows.extend(page.items);
        let Some(next) = page.next else { return rows };
        assert!(next > query.after, "the next page begins behind this one");
        query.after = next;
    }
}

/// The whole trail.
async fn trail<S: IdentityStore>(bench: &Bench<'_, S>) -> Vec<AuditRow> {
    rows(bench, AuditQuery::first(100)).await
}

/// The permit of the operator whose name is known.
fn ada<A: Action>() -> Permit<A> {
    operator_named(Some("ada".into()))
}

fn account(slug: &str) -> CreateAccount {
    CreateAccount { slug: slug.to_owned(), name: slug.to_owned(), account_type: None, tier: Tier::Standard }
}

fn user(name: &str) -> CreateUser {
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
fn issued<S>(bench: &Bench<'_, S>, label: &str) -> IssueKey {
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

fn created<S>(bench: &Bench<'_, S>, label: &str) -> CreateKey {
    let wanted =
        Wanted { grant: WantedGrant::AsMaker, expires_at: Field::Absent, allowed_ips: Field::Absent };
    CreateKey { label: label.to_owned(), wanted, secret: must("a secret", bench.ring.mint(&bench.random)) }
}

fn relabelled(key: &KeyMade, label: &str) -> RelabelKey {
    let (key, label) = (key.key.id, label.to_owned());
    RelabelKey { key: Some(key), as_sent: key.to_string(), conditions: Preconditions::NONE, label }
}

fn revoked(key: &KeyMade, descendants: bool) -> RevokeKey {
    RevokeKey { key: Some(key.key.id), as_sent: key.key.id.to_string(), descendants }
}

//! The order that reads the audit trail.

use super::desk::Desk;
use super::error::AdminError;
use super::operator::Operator;
use super::to_end;
use keyward_core::clock::Timestamp;
use keyward_core::store::{AuditActor, AuditQuery};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// The most rows in one answer.
pub(crate) const MOST: u32 = 500;

/// Which rows are read. What is not named does not matter.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct AuditOrder {
    pub(crate) since_unix: i64,
    /// After the row of this id.
    pub(crate) after: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) until_unix: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) account: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) actor: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) subject: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) action: Option<String>,
    /// The last rows, so many, instead of the first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) newest: Option<u32>,
}

/// Rows of the trail, and after which the next begin.
pub(super) async fn rows(desk: &Desk, order: AuditOrder) -> Result<Value, AdminError> {
    let operator = &desk.operator();
    let most = desk.rows(MOST, order.after == 0);
    let query = AuditQuery {
        since: Timestamp::from_unix(order.since_unix),
        until: order.until_unix.map(Timestamp::from_unix),
        account: match &order.account {
            Some(account) => Some(to_end::account(operator, account).await?),
            None => None,
        },
        actor: match &order.actor {
            Some(actor) => Some(self::actor(operator, actor).await?),
            None => None,
        },
        subject: match &order.subject {
            Some(subject) => Some(self::subject(operator, subject).await?),
            None => None,
        },
        action: order.action,
        after: order.after,
        // Absent: as many as fit into one answer.
        limit: order.newest.unwrap_or(most).min(most),
        newest: order.newest.is_some(),
    };
    let found = desk.store.audit(query).await?;
    Ok(json!({ "items": found.items, "next": found.next }))
}

/// The kinds of credentials in the trail.
const CREDENTIALS: [&str; 9] =
    ["api_key", "grant", "jwt", "session", "password", "link", "oauth_client", "operator", "background"];

/// The kinds of what rows of the trail are about.
const SUBJECTS: [&str; 11] = [
    "account",
    "api_key",
    "clock",
    "deal",
    "installation",
    "oauth_client",
    "oauth_grant",
    "pipelines",
    "root_secret",
    "signing_key",
    "user",
];

/// Who is meant: a user, a credential, or an operator.
async fn actor(operator: &Operator<'_>, text: &str) -> Result<AuditActor, AdminError> {
    if text.contains('@') || text.starts_with("id:") {
        return Ok(AuditActor::User(to_end::user(operator, text).await?));
    }
    // Absent: a kind alone, whatever the id is.
    let (kind, id) = text.split_once(':').map_or((text, None), |(kind, id)| (kind, Some(id)));
    let number = id.and_then(keyward_core::id::parse);
    match (kind, id) {
        ("operator", Some(name)) if !name.is_empty() => Ok(AuditActor::Operator(name.to_owned())),
        (kind, id) if CREDENTIALS.contains(&kind) && id.is_some() == number.is_some() => {
            Ok(AuditActor::Credential(kind.to_owned(), number))
        }
        // Absent: what names nobody would find nothing, and look as if nothing had happened.
        _ => Err(AdminError::malformed(format!(
            "{text:?} names no actor: give an e-mail address, id:7 for a user's id, operator:NAME, or a kind of credential with or \
             without its id, as api_key:12; there are {}",
            CREDENTIALS.join(", ")
        ))),
    }
}

/// What is meant: by its kind and its id, a user or an account also by its name.
async fn subject(operator: &Operator<'_>, text: &str) -> Result<(String, i64), AdminError> {
    let (kind, name) = match text.split_once(':') {
        Some(("key", name)) => ("api_key", name),
        Some((kind, name)) => (kind, name),
        None if text.contains('@') => ("user", text),
        None => ("", text),
    };
    let id = match (kind, keyward_core::id::parse(name)) {
        (kind, Some(id)) if SUBJECTS.contains(&kind) => Some(id),
        ("user", None) => Some(to_end::user(operator, name).await?.0),
        ("account", None) => Some(to_end::account(operator, name).await?.0),
        // Absent: it names nothing.
        _ => None,
    };
    let unknown = || {
        AdminError::malformed(format!(
            "{text:?} names nothing: give a kind and an id, as api_key:12, user:ada@acme.example or account:acme; there are {}",
            SUBJECTS.join(", ")
        ))
    };
    id.map(|id| (kind.to_owned(), id)).ok_or_else(unknown)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::operate::Order;

    #[test]
    fn the_whole_trail_is_ordered_as_in_an_earlier_version_and_no_filter_is_ignored() {
        let sent = json!({ "order": "audit", "since_unix": 0, "after": 0 });
        assert_eq!(serde_json::to_value(Order::Audit(AuditOrder::default())).unwrap(), sent);
        let unknown = json!({ "order": "audit", "since_unix": 0, "after": 0, "who": "ada" });
        assert!(serde_json::from_value::<Order>(unknown).is_err());
    }

    /// What a row is about, as its effect says it: each kind can be asked for.
    #[test]
    fn every_kind_of_thing_in_the_trail_can_be_asked_for() {
        let crates = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        let mut kinds = std::collections::BTreeSet::new();
        let mut open = vec![crates.join("keyward-core/src"), crates.join("lev-deals/src")];
        while let Some(path) = open.pop() {
            if path.is_dir() {
                open.extend(std::fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path()));
                continue;
            }
            let text = std::fs::read_to_string(path).unwrap();
            let named = text.split("Subject { kind: \"").skip(1);
            kinds.extend(named.map(|rest| rest.split('"').next().unwrap().to_owned()));
        }
        assert!(kinds.len() > 5, "{kinds:?}");
        let unknown: Vec<_> = kinds.iter().filter(|kind| !SUBJECTS.contains(&kind.as_str())).collect();
        assert!(unknown.is_empty(), "{unknown:?}");
    }
}

//! What became of a request, in words for the operator.

use super::desk::Desk;
use super::error::AdminError;
use crate::problem::{FAULTS, Fault};
use crate::watch::{CUT, Seen};
use keyward_core::api_key::ApiKey;
use keyward_core::clock::Timestamp;
use keyward_core::denial::Denial;
use keyward_core::id::{AccountId, KeyId, UserId};
use keyward_core::jwt::RefusedToken;
use keyward_core::live::Live;
use keyward_core::store::AuditRow;
use serde_json::{Map, Value, json};

/// Looks at what the server remembers, at what a log says, and at the audit trail.
pub(super) async fn explain(
    desk: &Desk,
    request_id: String,
    logged: Option<Box<Seen>>,
) -> Result<Value, AdminError> {
    let changes = desk.store.audit_of(request_id.clone()).await?;
    let remembered = desk.recent.find(&request_id);
    let (found_in, seen) = match (remembered, logged, changes.first()) {
        (Some(seen), ..) => ("the server's memory", seen),
        (None, Some(seen), _) => ("the log", *seen),
        (None, None, Some(change)) => ("the audit trail", of_change(change)),
        (None, None, None) => {
            let text = "nothing is known of this request: it changed nothing, and the server does not remember refusing it; \
                        give its log with --log FILE";
            return Err(AdminError::not_found(text));
        }
    };
    let key = match (seen.credential_kind.as_deref(), seen.credential_id) {
        (Some("api_key"), Some(id)) => desk.store.key(KeyId(id)).await?,
        // Absent: by no key, or it is not known by which.
        _ => None,
    };
    let live = desk.store.directory().read();
    let mut told = json!({
        "request_id": request_id,
        "found_in": found_in,
        "at": seen.timestamp,
        // Absent: no operation was found.
        "request": format!("{} {}", seen.method, seen.operation.as_deref().unwrap_or("(no operation)")).trim(),
        "route": seen.route,
        "answer": answer(&seen),
        "why": why(&seen),
        "user": seen.user_id.map(|id| user(&live, UserId(id))),
        "account": seen.account_id.map(|id| account(&live, AccountId(id))),
        "credential": credential(&live, &seen, (key, desk.clock.now())),
        "token": token(&seen),
        "from": from(&seen),
        "changes": changes.iter().map(change).collect::<Vec<_>>(),
    });
    // Most requests have no refused token, and the audit trail has no route.
    for name in ["route", "token"] {
        if let Some(fields) = told.as_object_mut()
            && fields.get(name).is_some_and(Value::is_null)
        {
            fields.shift_remove(name);
        }
    }
    Ok(told)
}

/// What the audit trail says of the request that made a change.
fn of_change(change: &AuditRow) -> Seen {
    Seen {
        timestamp: change.at.to_string(),
        user_id: change.actor_user_id,
        account_id: change.account_id,
        credential_kind: Some(change.credential_kind.clone()),
        credential_id: change.credential_id,
        origin_app: Some(change.origin_app.clone()),
        address: change.address.clone(),
        ..Seen::default()
    }
}

fn answer(seen: &Seen) -> String {
    match (seen.status, &seen.denial) {
        (Some(status), Some(denial)) => format!("{status} {denial}"),
        (Some(status), None) => status.to_string(),
        (None, Some(denial)) => denial.clone(),
        (None, None) => "done".to_owned(),
    }
}

/// Which check said no, and what to do.
fn why(seen: &Seen) -> String {
    let Some(word) = seen.denial.as_deref() else { return "it was not refused".to_owned() };
    let refused = Denial::samples().into_iter().find(|denial| denial.word() == word);
    let fault = FAULTS.iter().find(|fault| fault.word == word);
    let said = match (refused, fault) {
        (Some(denial), _) => denial.advice(),
        (None, Some(Fault { meaning, .. })) => meaning,
        (None, None) => "this version does not know the word",
    };
    // Absent: nothing more is known.
    seen.cause.as_ref().map_or_else(|| said.to_owned(), |cause| format!("{said} ({cause})"))
}

fn user(live: &Live, id: UserId) -> String {
    match live.user(id) {
        Some(user) => {
            format!("{} (id {id}, {})", user.email, if user.disabled { "disabled" } else { "active" })
        }
        None => format!("id {id}, not known any more"),
    }
}

fn account(live: &Live, id: AccountId) -> String {
    match live.account(id) {
        Some(account) => {
            format!("{} (id {id}, {})", account.slug, if account.disabled { "disabled" } else { "active" })
        }
        None => format!("id {id}, not known any more"),
    }
}

/// Which it was, and how it stands now.
fn credential(live: &Live, seen: &Seen, (key, now): (Option<ApiKey>, Timestamp)) -> Option<String> {
    let kind = seen.credential_kind.as_deref()?;
    let Some(id) = seen.credential_id else { return Some(kind.to_owned()) };
    let Some(key) = key else { return Some(format!("{kind} {id}")) };
    let state = match (key.revoked_at, key.expires_at) {
        (Some(at), _) => format!("revoked {at}"),
        (None, Some(at)) if at <= now => format!("expired {at}"),
        _ if live.role(key.account, key.user).is_none() => "its user is no member of its account".to_owned(),
        (None, _) => "live".to_owned(),
    };
    Some(format!("{kind} {id} {:?} ({state})", key.label))
}

/// What a refused token says of itself, and the setting that would take it; of one that lacks a scope, what narrows it. `user link` needs `iss` and `sub` exactly.
fn token(seen: &Seen) -> Option<Value> {
    let advice = advice(seen);
    let claims = [
        ("iss", &seen.token_iss),
        ("aud", &seen.token_aud),
        ("sub", &seen.token_sub),
        ("sub_hash", &seen.token_sub_hash),
        ("typ", &seen.token_typ),
        ("alg", &seen.token_alg),
        ("advice", &advice),
        ("scopes", &seen.token_scopes),
    ];
    let found =
        claims.into_iter().filter_map(|(name, value)| Some((name.to_owned(), json!(value.as_ref()?))));
    let found: Map<String, Value> = found.collect();
    (!found.is_empty()).then_some(Value::Object(found))
}

/// With the subject, where it is known exactly: the log has a hash of it, or cuts it. A shell reads it as one word.
fn advice(seen: &Seen) -> Option<String> {
    let advice = seen.token_advice.as_ref()?;
    let exact = seen.token_sub.as_ref().filter(|sub| !sub.ends_with(CUT));
    // Absent: the placeholder stays, for the operator to fill in.
    Some(exact.map_or_else(
        || advice.clone(),
        |sub| advice.replace(RefusedToken::SUBJECT, &format!("--subject '{}'", sub.replace('\'', r"'\''"))),
    ))
}

fn from(seen: &Seen) -> Option<String> {
    match (&seen.address, &seen.origin_app) {
        (Some(address), Some(app)) => Some(format!("{address} as {app}")),
        (Some(one), None) | (None, Some(one)) => Some(one.clone()),
        (None, None) => None,
    }
}

fn change(row: &AuditRow) -> String {
    format!("{} {} {}", row.action, row.subject_kind, row.subject_id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_that_links_is_whole_where_the_subject_is_known_exactly() {
        let advice = |sub: Option<&str>| {
            let token_advice = Some("keyward user link EMAIL --subject SUBJECT.".to_owned());
            super::advice(&Seen { token_advice, token_sub: sub.map(str::to_owned), ..Seen::default() })
                .unwrap()
        };
        assert_eq!(advice(Some("auth0|ada")), "keyward user link EMAIL --subject 'auth0|ada'.");
        assert_eq!(advice(Some("$(x)'y")), r"keyward user link EMAIL --subject '$(x)'\''y'.");
        for unknown in [None, Some("cut…")] {
            assert_eq!(advice(unknown), "keyward user link EMAIL --subject SUBJECT.");
        }
    }
}

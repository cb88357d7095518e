//! The operator's lists, a page at a time. A page has the rows that fit, and where the next one begins, if there is one.

use super::desk::Desk;
use super::error::AdminError;
use super::to_end;
use keyward_core::api_key::ApiKey;
use keyward_core::clock::Timestamp;
use keyward_core::id::{AccountId, KeyId, UserId};
use keyward_core::live::Live;
use keyward_core::oauth::Client;
use keyward_core::store::{AccountEntry, UserEntry};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// Rows that are looked at for one page of a server's.
const ROWS: u32 = 1_000;

/// Which keys are listed. What is `None` does not matter.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct KeyList {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) account: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) user: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) unused_since: Option<When>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) expires_before: Option<When>,
    /// After this key; 0: from the first on.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub(crate) after: i64,
}

fn is_zero(id: &i64) -> bool {
    *id == 0
}

/// A moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum When {
    /// So many seconds from now, by the clock of the one that answers; before now if there are fewer than none.
    InSeconds(i64),
    /// In seconds since the Unix epoch.
    AtUnix(i64),
}

impl When {
    fn at(self, now: Timestamp) -> Timestamp {
        match self {
            Self::InSeconds(seconds) => now.plus_seconds(seconds),
            Self::AtUnix(seconds) => Timestamp::from_unix(seconds),
        }
    }
}

/// Which of the keys that were looked at are shown.
struct Wanted {
    user: Option<UserId>,
    unused_since: Option<Timestamp>,
    expires_before: Option<Timestamp>,
}

impl Wanted {
    /// A key that was never used counts as used when it was made: before that nobody could have used it.
    fn is(&self, key: &ApiKey) -> bool {
        // Absent: it was never used.
        let used = key.last_used_at.unwrap_or(key.created_at);
        // Absent: that does not matter; but a key without an end ends before no moment.
        self.user.is_none_or(|user| user == key.user)
            && self.unused_since.is_none_or(|since| used < since)
            && self.expires_before.is_none_or(|before| key.expires_at.is_some_and(|end| end < before))
    }
}

fn page(items: Vec<Value>, next: Option<i64>) -> Value {
    json!({ "items": items, "next": next })
}

/// Keys that were not revoked.
pub(super) async fn keys(desk: &Desk, list: KeyList) -> Result<Value, AdminError> {
    let (operator, now) = (&desk.operator(), desk.clock.now());
    let account = match &list.account {
        Some(account) => Some(to_end::account(operator, account).await?),
        None => None,
    };
    let user = match &list.user {
        Some(user) => Some(to_end::user(operator, user).await?),
        None => None,
    };
    let at = |when: Option<When>| when.map(|when| when.at(now));
    let wanted =
        Wanted { user, unused_since: at(list.unused_since), expires_before: at(list.expires_before) };
    // Absent: never, it is a small number.
    let most = usize::try_from(desk.rows(ROWS, list.after == 0)).unwrap_or(usize::MAX);
    let (mut shown, mut next) = (Vec::new(), Some(list.after));
    // Where few of the rows are shown, more of them make a page.
    for _ in 0..desk.pages {
        let Some(after) = next.filter(|_| shown.len() < most) else { break };
        let mut found = desk.store.keys(account, KeyId(after), ROWS).await?;
        for key in &mut found.items {
            // What is not written yet is known too.
            let noted = desk.store.directory().unwritten_use(key.id).map(|noted| noted.at);
            key.last_used_at = key.last_used_at.max(noted);
        }
        let live = operator.live();
        shown.extend(found.items.iter().filter(|key| wanted.is(key)).filter_map(|key| shown_key(&live, key)));
        next = found.next;
    }
    Ok(page(shown, next))
}

fn shown_key(live: &Live, key: &ApiKey) -> Option<Value> {
    let (user, account) = (live.user(key.user)?, live.account(key.account)?);
    let mut view = json!(key.view(live.role(key.account, key.user)?));
    let members = view.as_object_mut()?;
    members.insert("user_email".to_owned(), json!(user.email));
    members.insert("account".to_owned(), json!(account.slug));
    Some(view)
}

/// Accounts after that one.
pub(super) async fn accounts(desk: &Desk, after: i64) -> Result<Value, AdminError> {
    let found = desk.store.accounts(AccountId(after), desk.rows(ROWS, after == 0)).await?;
    let shown = found.items.iter().map(|AccountEntry { account, created_at }| {
        json!({
            "id": account.id,
            "slug": account.slug,
            "name": account.name,
            "account_type": account.account_type,
            "tier": account.tier.name(),
            "disabled": account.disabled,
            "created_at": created_at,
        })
    });
    Ok(page(shown.collect(), found.next))
}

/// Users after that one; of an account, its members with their roles.
pub(super) async fn users(desk: &Desk, account: Option<String>, after: i64) -> Result<Value, AdminError> {
    let of = match &account {
        Some(account) => Some(to_end::account(&desk.operator(), account).await?),
        None => None,
    };
    let found = desk.store.users(of, UserId(after), desk.rows(ROWS, after == 0)).await?;
    Ok(page(found.items.iter().map(shown_user).collect(), found.next))
}

fn shown_user(UserEntry { user, created_at, role }: &UserEntry) -> Value {
    let mut shown = json!({
        "id": user.id,
        "email": user.email,
        "first_name": user.first_name,
        "last_name": user.last_name,
        "disabled": user.disabled,
        "created_at": created_at,
        "last_login_at": user.last_login_at,
    });
    if let (Some(role), Some(members)) = (role, shown.as_object_mut()) {
        members.insert("role".to_owned(), json!(role.name()));
    }
    shown
}

/// OAuth clients after the one of that `client_id`, in the order in which they were made known.
pub(super) fn clients(desk: &Desk, after: Option<&str>) -> Result<Value, AdminError> {
    let live = desk.store.directory().read();
    let mut clients: Vec<&Client> = live.clients().collect();
    clients.sort_by_key(|client| (client.created_at, client.id.clone()));
    if let Some(after) = after {
        let place = clients.iter().position(|client| &*client.id == after);
        let place = place.ok_or_else(|| {
            AdminError::not_found(format!(
                "there is no OAuth client {after} after which the list could go on"
            ))
        })?;
        clients.drain(..=place);
    }
    // Absent: never, it is a small number.
    let most = usize::try_from(desk.rows(ROWS, after.is_none())).unwrap_or(usize::MAX);
    let next =
        if clients.len() > most { clients.get(most - 1).map(|client| client.id.clone()) } else { None };
    let items: Vec<Value> = clients.into_iter().take(most).map(shown_client).collect();
    Ok(json!({ "items": items, "next": next.as_deref() }))
}

fn shown_client(client: &Client) -> Value {
    json!({
        "client_id": &*client.id,
        "name": client.name,
        "redirect_uris": &*client.redirect_uris,
        "origin": client.origin.name(),
        "confidential": client.secret.is_some(),
        "created_at": client.created_at,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::operate::Order;
    use keyward_core::grant::Grant;

    fn key(used: Option<i64>, end: Option<i64>) -> ApiKey {
        ApiKey {
            id: KeyId(1),
            account: AccountId(1),
            user: UserId(1),
            label: String::new(),
            prefix: String::new(),
            grant: Grant::ReadOnly,
            created_at: Timestamp::from_unix(100),
            made_by: None,
            expires_at: end.map(Timestamp::from_unix),
            allowed_ips: None,
            revoked_at: None,
            last_used_at: used.map(Timestamp::from_unix),
        }
    }

    #[test]
    fn a_key_is_unused_since_its_last_use_or_since_it_was_made_and_one_without_an_end_ends_before_nothing() {
        let at = |seconds: i64| Some(Timestamp::from_unix(seconds));
        let is = |key: &ApiKey, user: Option<i64>, unused_since, expires_before| {
            Wanted { user: user.map(UserId), unused_since, expires_before }.is(key)
        };
        let table = [
            (key(None, None), None, None, None, true),
            (key(None, None), Some(2), None, None, false),
            (key(Some(150), None), None, at(151), None, true),
            (key(Some(150), None), None, at(150), None, false),
            (key(None, None), None, at(101), None, true),
            (key(None, None), None, at(100), None, false),
            (key(None, None), None, None, at(i64::MAX), false),
            (key(None, Some(200)), None, None, at(201), true),
            (key(None, Some(200)), None, None, at(200), false),
            (key(Some(150), Some(200)), Some(1), at(151), at(201), true),
            (key(Some(150), Some(200)), Some(1), at(151), at(200), false),
        ];
        for (key, user, unused_since, expires_before, wanted) in table {
            assert_eq!(
                is(&key, user, unused_since, expires_before),
                wanted,
                "{key:?} {unused_since:?} {expires_before:?}"
            );
        }
    }

    #[test]
    fn a_list_of_one_account_is_ordered_as_in_an_earlier_version_and_nothing_unknown_is_taken() {
        let list = KeyList { account: Some("acme".to_owned()), ..KeyList::default() };
        let sent = json!({ "order": "key_list", "account": "acme" });
        assert_eq!(serde_json::to_value(Order::KeyList(list.clone())).unwrap(), sent);
        assert_eq!(serde_json::from_value::<Order>(sent).unwrap(), Order::KeyList(list));
        let unknown = json!({ "order": "key_list", "account": "acme", "unused": 1 });
        assert!(serde_json::from_value::<Order>(unknown).is_err(), "a filter is never ignored");
    }
}

//! What a store is seen to have: its rows, as they are read, and its directory.
//!
//! Ids of what the write made are not shown: a store may leave a number out that a transaction had which did not come to its end.

use super::writes::{self, SESSION};
use crate::contract::accounts::people::bearer;
use crate::contract::{Bench, IdentityStore, at, first_page, must};
use keyward_core::api_key::ApiKey;
use keyward_core::id::{AccountId, KeyId, UserId};
use keyward_core::opaque::TokenDigest;
use keyward_core::permit::ReadAccount;
use keyward_core::principal::{Credential, Principal};
use keyward_core::store::{AuditQuery, AuditRow};
use keyward_core::team::TeamMember;

/// The moment at which it is looked.
const NOW: i64 = 60;
/// More than there is of anything.
const ALL: u32 = 100;
/// What has no number of its own here.
const NEW: i64 = -1;

/// The newest ids before the write.
#[derive(Debug)]
pub(super) struct Newest {
    key: i64,
    user: i64,
}

impl Newest {
    pub(super) async fn of<S: IdentityStore>(store: &S) -> Self {
        let keys = must("the keys", store.keys(None, KeyId(0), ALL).await).items;
        let users = must("the users", store.users(None, UserId(0), ALL).await).items;
        // Absent: there is none, so every one is new.
        let key = keys.iter().map(|key| key.id.0).max().unwrap_or(0);
        let user = users.iter().map(|entry| entry.user.id.0).max().unwrap_or(0);
        Self { key, user }
    }

    fn key(&self, id: KeyId) -> KeyId {
        KeyId(if id.0 > self.key { NEW } else { id.0 })
    }

    fn user(&self, id: UserId) -> UserId {
        UserId(if id.0 > self.user { NEW } else { id.0 })
    }
}

/// A line for each thing that is there.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Seen(Vec<String>);

impl Seen {
    /// The lines that another one does not have as often.
    pub(super) fn lines_beside<'s>(&'s self, other: &Self) -> Vec<&'s str> {
        let mut others: Vec<&String> = other.0.iter().collect();
        let mut own = Vec::new();
        for line in &self.0 {
            match others.iter().position(|other| *other == line) {
                Some(place) => drop(others.swap_remove(place)),
                None => own.push(line.as_str()),
            }
        }
        own
    }
}

/// Looks at everything.
pub(super) async fn look<S: IdentityStore>(bench: &Bench<'_, S>, newest: &Newest) -> Seen {
    let mut lines = Vec::new();
    accounts(bench, newest, &mut lines).await;
    users(bench, newest, &mut lines).await;
    keys(bench, newest, &mut lines).await;
    secrets(bench, newest, &mut lines).await;
    sign_ins(bench, &mut lines).await;
    trail(bench, newest, &mut lines).await;
    Seen(lines)
}

async fn accounts<S: IdentityStore>(bench: &Bench<'_, S>, newest: &Newest, lines: &mut Vec<String>) {
    let page = must("the accounts", bench.store.accounts(AccountId(0), ALL).await);
    for entry in page.items {
        let id = entry.account.id;
        lines.push(format!("account {entry:?}"));
        let figures = must("its figures", bench.store.account_figures(id, at(NOW)).await);
        lines.push(format!("figures {id} {figures:?}"));
        let known = bench.store.directory().read().account(id).cloned();
        lines.push(format!("known account {known:?}"));
        for entry in must("its members", bench.store.users(Some(id), UserId(0), ALL).await).items {
            lines.push(format!("member {id} {} {:?}", newest.user(entry.user.id), entry.role));
        }
    }
    let permit = bench.permit::<ReadAccount>(&bench.admin);
    let team = must("the team", bench.store.list_team(&permit, first_page(), at(NOW)).await);
    for member in team.items {
        let user = newest.user(member.user);
        lines.push(format!("team {:?}", TeamMember { user, ..member }));
    }
}

async fn users<S: IdentityStore>(bench: &Bench<'_, S>, newest: &Newest, lines: &mut Vec<String>) {
    for mut entry in must("the users", bench.store.users(None, UserId(0), ALL).await).items {
        let id = entry.user.id;
        let shown = newest.user(id);
        entry.user.id = shown;
        lines.push(format!("user {entry:?}"));
        let details = must("its details", bench.store.user_details(id, at(NOW)).await);
        lines.push(format!("details {shown} {details:?}"));
        let live = bench.store.directory().read();
        let known = live.user(id).map(|user| (&user.email, user.disabled));
        let accounts: Vec<_> = live.accounts_of(id).map(|(account, role)| (account.id, role)).collect();
        let invited: Vec<_> =
            live.invitations_of(id, at(NOW)).map(|(account, role)| (account.id, role)).collect();
        lines.push(format!("known user {shown} {known:?} in {accounts:?}, invited to {invited:?}"));
        let mut grants: Vec<_> = live.grants_of(id, at(NOW)).collect();
        grants.sort_by_key(|grant| grant.id.0);
        lines.push(format!("grants {shown} {grants:?}"));
    }
}

async fn keys<S: IdentityStore>(bench: &Bench<'_, S>, newest: &Newest, lines: &mut Vec<String>) {
    let show = |key: ApiKey| ApiKey { id: newest.key(key.id), ..key };
    let listed = must("the keys", bench.store.keys(None, KeyId(0), ALL).await).items;
    let mut ids: Vec<KeyId> = listed.iter().map(|key| key.id).collect();
    ids.extend([bench.admin.key.id, bench.viewer.key.id]);
    ids.sort_unstable();
    ids.dedup();
    lines.extend(listed.into_iter().map(|key| format!("key in the list {:?}", show(key))));
    for id in ids {
        let key = must("a key", bench.store.key(id).await);
        lines.push(format!("key {:?}", key.map(show)));
        let live = bench.store.directory().read();
        let known = live.key(id).cloned().map(show);
        lines.push(format!("known key {known:?}, with a secret: {}", live.has_secret(id)));
    }
    let permit = bench.permit::<ReadAccount>(&bench.admin);
    let own = must("a key", bench.store.get_key(&permit, bench.viewer.key.id).await);
    lines.push(format!("shown to the admin {:?}", own.map(show)));
}

/// What each secret opens that was made, or would be by one of the requests.
async fn secrets<S: IdentityStore>(bench: &Bench<'_, S>, newest: &Newest, lines: &mut Vec<String>) {
    let mut all = vec![("the admin's".to_owned(), bench.admin.secret.clone())];
    all.push(("the viewer's".to_owned(), bench.viewer.secret.clone()));
    for number in 1..=3 {
        all.push((format!("that of request {number}"), writes::secret(bench, number).secret));
    }
    for (name, secret) in all {
        let admitted = bench.admit(&secret, NOW).map(|caller| match Principal::of(caller) {
            Principal { credential: Credential::ApiKey(key), user, .. } => {
                (user, newest.key(key.id), key.current, key.member, key.grant)
            }
            other => panic!("a secret is a key's: {other:?}"),
        });
        lines.push(format!("secret, {name}: {admitted:?}"));
    }
    for number in 1..=3 {
        let digest = writes::secret(bench, number).digest;
        let found = must("a search", bench.store.key_to_end(vec![digest]).await);
        let found = found.map(|found| (newest.key(found.key), found.replaced));
        lines.push(format!("the key of the secret of request {number}: {found:?}"));
    }
}

async fn sign_ins<S: IdentityStore>(bench: &Bench<'_, S>, lines: &mut Vec<String>) {
    let session = bench.store.directory().read().admit_session(&TokenDigest::of(SESSION), at(NOW));
    lines.push(format!("session {:?}", session.map(|caller| caller.user)));
    let acts_in = bearer(bench, &writes::token(), true).map(|who| who.member);
    lines.push(format!("a token acts in {acts_in:?}"));
    for code in writes::CODES {
        let known = must("a code", bench.store.knows_code(TokenDigest::of(code)).await);
        lines.push(format!("the code {code} is known: {known}"));
    }
}

async fn trail<S: IdentityStore>(bench: &Bench<'_, S>, newest: &Newest, lines: &mut Vec<String>) {
    let page = must("the trail", bench.store.audit(AuditQuery::first(ALL)).await);
    assert_eq!(page.next, None, "the trail is one page");
    for row in page.items {
        let subject_id = match row.subject_kind.as_str() {
            "api_key" => newest.key(KeyId(row.subject_id)).0,
            "user" => newest.user(UserId(row.subject_id)).0,
            _ => row.subject_id,
        };
        lines.push(format!("row {:?}", AuditRow { id: NEW, subject_id, ..row }));
    }
}

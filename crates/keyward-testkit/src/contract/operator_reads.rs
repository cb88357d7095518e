//! The rules of what the operator reads: lists, what hangs on one account or one user, and what is to be ended.
//!
//! | file | what |
//! | --- | --- |
//! | `operator_reads/to_end.rs` | what the operator looks for to end it |

mod to_end;

pub(super) use to_end::*;

use super::accounts::people::{LIVES, account, consents, member, signs_in, user, with_password};
use super::{Bench, IdentityStore, at, commit, must};
use keyward_core::api_key::ApiKey;
use keyward_core::grant::Grant;
use keyward_core::id::{AccountId, KeyId, UserId};
use keyward_core::made_by::MadeBy;
use keyward_core::permit::{self, Presented as What, operator};
use keyward_core::role::Role;
use keyward_core::session::SESSION_SECONDS;
use keyward_core::store::{AccountEntry, AccountFigures, AuditQuery, KeysOf, Page, StoreError, UserEntry};
use keyward_core::team::INVITATION_SECONDS;
use keyward_core::tier::Tier;
use keyward_core::write::account::SetTier;
use keyward_core::write::disabling::{SetAccountDisabled, SetUserDisabled};
use keyward_core::write::erasing::EraseUser;
use keyward_core::write::grant::RevokeGrant;
use keyward_core::write::identity::LinkIdentity;
use keyward_core::write::invitation::InviteByOperator;
use keyward_core::write::key::{IssueKey, KeyMade, PrepareKey};

/// All that a list has, from pages of this many rows.
async fn all<T>(limit: u32, page: impl AsyncFn(i64, u32) -> Result<Page<T>, StoreError>) -> Vec<T> {
    let (mut items, mut after) = (Vec::new(), 0);
    // More pages than any list here has rows.
    for _ in 0..20 {
        let found = must("a page", page(after, limit).await);
        let count = u32::try_from(found.items.len()).unwrap_or(u32::MAX);
        assert!(count <= limit, "no page is longer than was asked for");
        assert!(count == limit || found.next.is_none(), "a page that is not full is the last");
        items.extend(found.items);
        let Some(next) = found.next else { return items };
        after = next;
    }
    panic!("the list does not end")
}

async fn accounts<S: IdentityStore>(bench: &Bench<'_, S>, limit: u32) -> Vec<AccountEntry> {
    all(limit, async |after, limit| bench.store.accounts(AccountId(after), limit).await).await
}

async fn users<S: IdentityStore>(bench: &Bench<'_, S>, of: Option<AccountId>, limit: u32) -> Vec<UserEntry> {
    all(limit, async |after, limit| bench.store.users(of, UserId(after), limit).await).await
}

async fn keys<S: IdentityStore>(bench: &Bench<'_, S>, of: Option<AccountId>, limit: u32) -> Vec<ApiKey> {
    all(limit, async |after, limit| bench.store.keys(of, KeyId(after), limit).await).await
}

fn ids(keys: &[ApiKey]) -> Vec<KeyId> {
    keys.iter().map(|key| key.id).collect()
}

fn key<S>(bench: &Bench<'_, S>, (account, user): (AccountId, UserId), lives: Option<i64>) -> IssueKey {
    IssueKey {
        account,
        user,
        label: "a key".to_owned(),
        grant: Grant::ReadOnly,
        expires_at: lives.map(at),
        allowed_ips: None,
        secret: must("a secret", bench.ring.mint(&bench.random)),
    }
}

async fn issue<S: IdentityStore>(
    bench: &Bench<'_, S>,
    place: (AccountId, UserId),
    lives: Option<i64>,
) -> KeyMade {
    must("a key", commit(bench.store, key(bench, place, lives), operator(), 0).await)
}

async fn invite<S: IdentityStore>(
    bench: &Bench<'_, S>,
    account: AccountId,
    (name, role): (&str, Role),
    seconds: i64,
) -> UserId {
    let (uuid, email) = (format!("uuid of {name}"), format!("{name}@acme.example"));
    let effect = InviteByOperator { uuid, email, account, role };
    must("an invitation", commit(bench.store, effect, operator(), seconds).await).0
}

async fn disable<S: IdentityStore>(bench: &Bench<'_, S>, user: UserId) {
    let effect = SetUserDisabled { user, disabled: true };
    must("a user is disabled", commit(bench.store, effect, operator(), 5).await);
}

async fn shut<S: IdentityStore>(bench: &Bench<'_, S>, account: AccountId) {
    let effect = SetAccountDisabled { account, disabled: true };
    must("an account is disabled", commit(bench.store, effect, operator(), 5).await);
}

/// Against a store whose next page begins too early or too late, or that hides what is disabled.
pub(super) async fn the_pages_of_accounts_have_each_once_also_those_that_are_disabled<S: IdentityStore>(
    bench: &Bench<'_, S>,
) {
    let mut expected = vec![bench.account];
    for slug in ["zeta", "beta", "alpha"] {
        expected.push(account(bench, slug).await);
    }
    let Some(beta) = expected.get(2).copied() else { panic!("there are four") };
    shut(bench, beta).await;
    let tier = SetTier { account: beta, tier: Tier::Enterprise };
    must("a tier", commit(bench.store, tier, operator(), 6).await);
    for limit in [1, 2, 3, 4, 50] {
        let listed = accounts(bench, limit).await;
        let found: Vec<_> = listed.iter().map(|entry| entry.account.id).collect();
        assert_eq!(found, expected, "each once, in the order of their ids, by {limit}");
        let disabled: Vec<_> = listed.iter().map(|entry| entry.account.disabled).collect();
        assert_eq!(disabled, [false, false, true, false], "and as they are");
    }
    let one = must("a page", bench.store.accounts(AccountId(beta.0 - 1), 1).await);
    let Some(AccountEntry { account, created_at }) = one.items.first() else { panic!("it begins after") };
    assert_eq!((account.slug.as_str(), account.name.as_str()), ("beta", "The account beta"));
    assert_eq!((account.tier, *created_at), (Tier::Enterprise, at(0)), "as it is now, made when it was");
}

/// Against a store that shows who is erased, hides who is disabled or was never here, or gives a role of another account.
pub(super) async fn the_pages_of_users_have_each_once_but_nobody_who_is_erased<S: IdentityStore>(
    bench: &Bench<'_, S>,
) {
    let (admin, viewer, acme) = (bench.admin.key.user, bench.viewer.key.user, bench.account);
    let other = account(bench, "other").await;
    let (lone, gone) = (user(bench, "lone").await, user(bench, "gone").await);
    let invited = invite(bench, other, ("invited", Role::Admin), 0).await;
    let last = user(bench, "last").await;
    for (place, role) in
        [((other, viewer), Role::Editor), ((other, gone), Role::Admin), ((acme, last), Role::Viewer)]
    {
        member(bench, place, role).await;
    }
    disable(bench, viewer).await;
    must("a user is erased", commit(bench.store, EraseUser { user: gone }, operator(), 5).await);
    let lists = [
        (None, vec![(admin, None), (viewer, None), (lone, None), (invited, None), (last, None)]),
        (
            Some(acme),
            vec![(admin, Some(Role::Admin)), (viewer, Some(Role::Viewer)), (last, Some(Role::Viewer))],
        ),
        (Some(other), vec![(viewer, Some(Role::Editor))]),
        (Some(AccountId(i64::MAX)), Vec::new()),
    ];
    for (of, expected) in lists {
        for limit in [1, 2, 3, 50] {
            let listed = users(bench, of, limit).await;
            let found: Vec<_> = listed.iter().map(|entry| (entry.user.id, entry.role)).collect();
            assert_eq!(found, expected, "each once, in the order of their ids, of {of:?} by {limit}");
            assert!(
                listed.iter().all(|entry| entry.user.disabled == (entry.user.id == viewer)),
                "as they are"
            );
        }
    }
    let one = must("a page", bench.store.users(None, viewer, 1).await);
    let Some(entry) = one.items.first() else { panic!("it begins after") };
    assert_eq!((entry.user.email.as_str(), entry.user.uuid.as_str()), ("lone@acme.example", "uuid of lone"));
    assert_eq!((entry.user.first_name.as_str(), entry.created_at), ("lone", at(0)));
}

/// Against a store that goes on after an id where the order is by account first, or stops after a key that was revoked meanwhile.
pub(super) async fn the_pages_of_keys_have_each_once_one_account_after_the_other<S: IdentityStore>(
    bench: &Bench<'_, S>,
) {
    let (acme, other, admin) = (bench.account, account(bench, "other").await, bench.admin.key.user);
    let empty = account(bench, "empty").await;
    member(bench, (other, admin), Role::Admin).await;
    let first = issue(bench, (other, admin), None).await.key.id;
    let ending = issue(bench, (acme, admin), Some(10)).await.key.id;
    let revoked = issue(bench, (acme, admin), None).await.key.id;
    let second = issue(bench, (other, admin), None).await.key.id;
    let waits = PrepareKey(key(bench, (acme, admin), None));
    let waits = must("a key that waits", commit(bench.store, waits, operator(), 0).await).key.id;
    must("one is revoked", bench.revoke(operator(), revoked).await);
    let of_acme = vec![bench.admin.key.id, bench.viewer.key.id, ending, waits];
    let of_all: Vec<KeyId> = of_acme.iter().copied().chain([first, second]).collect();
    for limit in [1, 2, 3, 4, 50] {
        for (of, expected) in [
            (None, &of_all),
            (Some(acme), &of_acme),
            (Some(other), &vec![first, second]),
            (Some(empty), &Vec::new()),
        ] {
            let found = ids(&keys(bench, of, limit).await);
            assert_eq!(&found, expected, "each that was not revoked, once, of {of:?} by {limit}");
        }
    }
    for of in [None, Some(acme)] {
        let rest = must("a page", bench.store.keys(of, revoked, 50).await);
        let found = ids(&rest.items);
        let expected = if of.is_none() { vec![waits, first, second] } else { vec![waits] };
        assert_eq!(found, expected, "a key that was revoked between two pages ends no list");
    }
}

/// Against a store that hides a key that is over: the trail names it.
pub(super) async fn one_key_is_shown_whether_or_not_it_is_revoked<S: IdentityStore>(bench: &Bench<'_, S>) {
    let place = (bench.account, bench.viewer.key.user);
    let made = issue(bench, place, Some(1_000)).await.key;
    let shown = async |id| must("a key", bench.store.key(id).await);
    let of =
        |key: ApiKey| (key.account, key.user, key.label, key.prefix, key.grant, key.expires_at, key.made_by);
    let is = of(made.clone());
    assert_eq!(is.6, Some(MadeBy::Operator));
    let before = must("it is there", shown(made.id).await.ok_or("not"));
    assert_eq!((before.revoked_at, before.created_at), (None, at(0)));
    assert_eq!(of(before), is, "as it was made");
    must("it is revoked", bench.revoke(operator(), made.id).await);
    let after = must("it is still there", shown(made.id).await.ok_or("not"));
    assert_eq!(after.revoked_at, Some(at(0)), "with its end");
    assert_eq!(of(after), is, "and is otherwise as it was");
    assert!(shown(KeyId(i64::MAX)).await.is_none(), "what is not there is not shown");
    let permit = bench.permit(&bench.admin);
    let get = must("a key", bench.store.get_key(&permit, made.id).await);
    let list =
        must("a list", bench.store.list_keys(&permit, KeysOf::Account, None, super::first_page()).await);
    let listed = list.items.iter().any(|key| key.id == made.id);
    assert!(get.is_none() && !listed, "but to nobody else than the operator");
}

/// Against a store that counts who is disabled among the admins, leaves such a member out, or counts an invitation that is over.
pub(super) async fn the_figures_of_an_account_count_what_holds_now<S: IdentityStore>(bench: &Bench<'_, S>) {
    let (acme, other) = (bench.account, account(bench, "other").await);
    let figures =
        async |account, seconds| must("figures", bench.store.account_figures(account, at(seconds)).await);
    let counts = |members, admins, invitations| {
        Some(AccountFigures { created_at: at(0), members, admins, invitations })
    };
    assert_eq!(figures(acme, 0).await, counts(2, 1, 0), "a new one");
    let second = user(bench, "second").await;
    member(bench, (acme, second), Role::Admin).await;
    member(bench, (other, second), Role::Viewer).await;
    invite(bench, acme, ("one", Role::Admin), 0).await;
    invite(bench, acme, ("two", Role::Viewer), 10).await;
    invite(bench, other, ("one", Role::Viewer), 10).await;
    assert_eq!(figures(acme, 10).await, counts(3, 2, 2), "its own members, admins and invitations");
    assert_eq!(figures(other, 10).await, counts(1, 0, 1), "and not another's");
    disable(bench, second).await;
    assert_eq!(
        figures(acme, 10).await,
        counts(3, 1, 2),
        "who is disabled is a member, and no admin who can act"
    );
    for (seconds, open) in [
        (INVITATION_SECONDS - 1, 2),
        (INVITATION_SECONDS, 1),
        (INVITATION_SECONDS + 9, 1),
        (INVITATION_SECONDS + 10, 0),
    ] {
        assert_eq!(figures(acme, seconds).await, counts(3, 1, open), "to the second, at {seconds}");
    }
    shut(bench, acme).await;
    assert_eq!(figures(acme, 10).await, counts(3, 1, 2), "an account that is disabled has what it has");
    must("a user is erased", commit(bench.store, EraseUser { user: second }, operator(), 10).await);
    assert_eq!(figures(acme, 10).await, counts(2, 1, 2), "who is erased is in none");
    assert_eq!(figures(AccountId(i64::MAX), 0).await, None, "one that is not there has none");
}

/// Against a store that leaves out an account that is disabled, or shows what is over or another's.
pub(super) async fn what_is_kept_of_a_user_is_shown_whole_and_to_the_second<S: IdentityStore>(
    bench: &Bench<'_, S>,
) {
    let (admin, acme) = (bench.admin.key.user, bench.account);
    let details = async |user, seconds| {
        let found = must("details", bench.store.user_details(user, at(seconds)).await);
        must("there is such a user", found.ok_or("none"))
    };
    let pair = |one: &str, two: &str| (one.to_owned(), two.to_owned());
    let (shut_one, third) = (account(bench, "shut").await, account(bench, "third").await);
    member(bench, (shut_one, admin), Role::Viewer).await;
    shut(bench, shut_one).await;
    invite(bench, third, ("admin", Role::Editor), 20).await;
    for (issuer, subject) in [("https://two.example/", "b"), ("https://one.example/", "a")] {
        let (issuer, subject) = (issuer.to_owned(), subject.to_owned());
        let link = LinkIdentity { user: admin, issuer, subject, linked: true };
        must("a link", commit(bench.store, link, operator(), 0).await);
    }
    let has = async || must("an answer", bench.store.has_password(admin).await);
    assert!(!has().await && !details(admin, 30).await.password, "it has no password");
    let password = with_password(bench).await;
    assert!(has().await && details(admin, 30).await.password, "and then it has");
    signs_in(bench, &password, "one", 20).await;
    signs_in(bench, &password, "two", 30).await;
    let ended = consents(bench, ("one", "ended", 20), (Some(acme), true)).await;
    consents(bench, ("one", "app", 20), (Some(acme), true)).await;
    consents(bench, ("one", "later", 30), (Some(acme), true)).await;
    let gone = RevokeGrant { grant: ended, client: "ended".into() };
    must("one ends", commit(bench.store, gone, permit::present(What::Client), 25).await);

    let all = details(admin, 30).await;
    assert_eq!(all.created_at, at(0));
    assert_eq!(all.accounts, [pair("acme", "admin"), pair("shut", "viewer")], "where it is");
    assert_eq!(all.invitations, [pair("third", "editor")], "where it is invited");
    let subjects = [pair("https://two.example/", "b"), pair("https://one.example/", "a")];
    assert_eq!(all.identities, subjects, "the subjects, in the order in which they were linked");
    assert_eq!(all.applications, ["The application app", "The application later"], "what acts for it");
    assert_eq!(all.sessions, 2, "its browsers");
    for (seconds, left) in [(19, 2), (20, 1), (29, 1), (30, 0)] {
        let at = LIVES + seconds;
        assert_eq!(details(admin, at).await.applications.len(), left, "applications at {at}");
    }
    for (seconds, left) in [(19, 2), (20, 1), (29, 1), (30, 0)] {
        let at = SESSION_SECONDS + seconds;
        assert_eq!(details(admin, at).await.sessions, left, "sessions at {at}");
    }
    let last = details(admin, INVITATION_SECONDS + 19).await.invitations.len();
    let over = details(admin, INVITATION_SECONDS + 20).await.invitations.len();
    assert_eq!((last, over), (1, 0), "an invitation for its week");

    let of_viewer = details(bench.viewer.key.user, 30).await;
    assert_eq!(of_viewer.accounts, [pair("acme", "viewer")], "another user has its own");
    let nothing = of_viewer.invitations.len() + of_viewer.identities.len() + of_viewer.applications.len();
    assert_eq!((nothing, of_viewer.sessions, of_viewer.password), (0, 0, false), "and nothing of this one's");
    disable(bench, bench.viewer.key.user).await;
    assert_eq!(details(bench.viewer.key.user, 30).await, of_viewer, "who is disabled is kept as it was");
}

/// Against a store that says it serves less, or more, than was acknowledged: a copy would be held against the wrong change.
pub(super) async fn what_is_served_is_as_new_as_the_last_change<S: IdentityStore>(bench: &Bench<'_, S>) {
    let served = async || must("what is served", bench.store.served().await);
    let newest = async || {
        let page = bench.store.audit(AuditQuery { newest: true, ..AuditQuery::first(1) }).await;
        must("the trail", page).items.last().map(|row| row.id)
    };
    let before = served().await;
    assert_eq!(Some(before.newest_change), newest().await, "the newest row of the trail");
    let absent = SetTier { account: AccountId(i64::MAX), tier: Tier::Free };
    assert!(commit(bench.store, absent, operator(), 0).await.is_err(), "a write is refused");
    assert_eq!(served().await, before, "which changes nothing");
    for tier in [Tier::Free, Tier::Enterprise] {
        let last = served().await;
        let tier = SetTier { account: bench.account, tier };
        must("a change", commit(bench.store, tier, operator(), 0).await);
        let now = served().await;
        assert!(now.newest_change > last.newest_change, "a change is there when it is acknowledged");
        assert_eq!(Some(now.newest_change), newest().await, "and is the newest one");
        assert_eq!(now.file, before.file, "the file is the one that was opened");
    }
}

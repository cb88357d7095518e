//! The rules of a store that is closed and opened again: what was answered is there. A store that keeps it in memory alone, or reads it
//! back otherwise than it was, is found here.

use super::{Bench, Home, at, commit, commit_with, must};
use keyward_core::denial::Denial;
use keyward_core::effect::{Answer, Ended};
use keyward_core::idempotency::{Claim, Claims, Fingerprint, Scope};
use keyward_core::live::KeyUse;
use keyward_core::opaque::TokenDigest;
use keyward_core::permit::{LabelKeys, operator};
use keyward_core::preconditions::Preconditions;
use keyward_core::principal::Principal;
use keyward_core::role::Role;
use keyward_core::session::LinkKind;
use keyward_core::store::{OperatorReads, SignInReads, Upkeep};
use keyward_core::tier::Tier;
use keyward_core::write::account::CreateAccount;
use keyward_core::write::disabling::{SetAccountDisabled, SetUserDisabled};
use keyward_core::write::key::RelabelKey;
use keyward_core::write::link::IssueLink;
use keyward_core::write::member::{AddMember, SetRole};
use uuid::Uuid;

pub(super) async fn keys_and_people_are_as_they_were_when_the_store_was_closed<H: Home>(home: &H) {
    let store = home.open();
    let bench = Bench::new(&store).await;
    let second = must("a rotation", bench.try_rotate(&bench.admin.secret, 100, 0).await);
    let revoked = must("a key", bench.create(bench.permit(&bench.viewer), 0).await);
    must("it is revoked", bench.revoke(bench.permit(&bench.viewer), revoked.key.id).await);
    let user = bench.viewer.key.user;
    let role = SetRole { account: bench.account, user, role: Role::Editor };
    must("a role", commit(&store, role, operator(), 0).await);
    let other = CreateAccount {
        slug: "other".to_owned(),
        name: "Other".to_owned(),
        account_type: None,
        tier: Tier::Free,
    };
    let other = must("an account", commit(&store, other, operator(), 0).await);
    let member = AddMember { account: other, user, role: Role::Viewer };
    must("a member", commit(&store, member, operator(), 0).await);
    let disabled = SetAccountDisabled { account: other, disabled: true };
    must("it is disabled", commit(&store, disabled, operator(), 0).await);
    let used = KeyUse { key: bench.viewer.key.id, at: at(7), current: None };
    must("a use is written", store.write_uses(&[used]).await);
    let left = bench.leave();
    drop(store);

    let store = home.open();
    let bench = left.on(&store);
    must("the new secret lives", bench.admit(&second, 50));
    must("the old one in its grace", bench.admit(&bench.admin.secret, 99));
    assert_eq!(bench.admit(&bench.admin.secret, 100).err(), Some(Denial::KeyRotated), "to the second");
    assert_eq!(bench.admit(&revoked.secret, 0).err(), Some(Denial::KeyRevoked), "what was revoked is");
    let caller = must("another key lives", bench.admit(&bench.viewer.secret, 0));
    assert_eq!(Principal::of(caller).member.map(|member| member.role), Some(Role::Editor), "with its role");
    let key = must("a key is read", store.key(bench.viewer.key.id).await);
    assert_eq!(key.and_then(|key| key.last_used_at), Some(at(7)), "and its last use");
    let is_disabled = |id| store.directory().read().account(id).map(|account| account.disabled);
    assert_eq!((is_disabled(bench.account), is_disabled(other)), (Some(false), Some(true)));
    let disabled = SetUserDisabled { user, disabled: true };
    must("a user is disabled", commit(&store, disabled, operator(), 0).await);
    let left = bench.leave();
    drop(store);

    let store = home.open();
    let bench = left.on(&store);
    assert_eq!(bench.admit(&bench.viewer.secret, 0).err(), Some(Denial::UserDisabled), "and stays so");
}

/// The claim of a request to relabel the admin's key.
fn claim<S>(bench: &Bench<'_, S>) -> Claim {
    let scope = Scope { account: Some(bench.account), user: bench.admin.key.user };
    let says = Fingerprint::of("PATCH", "/label", "", None);
    let key = Uuid::from_u128(0x550e_8400_e29b_41d4_a716_4466_5544_0000);
    must("a claim", Claims::new(&bench.root).claim(scope, key, says, &bench.random))
}

/// The admin's key has this label, under its claim; whether that was done before, and the answer.
async fn relabel<H: Home>(bench: &Bench<'_, H::Store>, seconds: i64) -> (bool, Answer) {
    let key = bench.admin.key.id;
    let label = "kept".to_owned();
    let effect =
        RelabelKey { key: Some(key), as_sent: key.to_string(), conditions: Preconditions::NONE, label };
    let permit = bench.permit::<LabelKeys>(&bench.admin);
    match must("it works", commit_with(bench.store, effect, permit, Some(claim(bench)), seconds).await) {
        Ended::Done(_, answer) => (false, answer),
        Ended::Replayed(answer) => (true, answer),
        Ended::Refused(denial) => panic!("a repetition is answered: {denial:?}"),
    }
}

pub(super) async fn a_write_is_repeated_after_the_store_was_opened_again<H: Home>(home: &H) {
    let store = home.open();
    let bench = Bench::new(&store).await;
    let (before, answer) = relabel::<H>(&bench, 0).await;
    assert!(!before, "it is new");
    let rows = async |store: &H::Store| must("its rows", store.audit_of(Uuid::nil().to_string()).await).len();
    let written = rows(&store).await;
    let left = bench.leave();
    drop(store);

    let store = home.open();
    let bench = left.on(&store);
    assert_eq!(relabel::<H>(&bench, 60).await, (true, answer), "the answer of then, byte for byte");
    assert_eq!(rows(&store).await, written, "and no row more in the trail");
}

pub(super) async fn what_was_used_up_stays_so_when_the_store_is_opened_again<H: Home>(home: &H) {
    let store = home.open();
    let bench = Bench::new(&store).await;
    let user = bench.admin.key.user;
    for text in ["first", "second"] {
        let effect = IssueLink { user, kind: LinkKind::Reset, digest: TokenDigest::of(text) };
        must("a link is made", commit(&store, effect, operator(), 0).await);
    }
    let ages = vec![("bucket".to_owned(), vec![1, 2])];
    must("counters are kept", store.save_limits(ages.clone(), 5).await);
    let left = bench.leave();
    drop(store);

    let store = home.open();
    let _bench = left.on(&store);
    let known = async |text| must("a look", store.link(TokenDigest::of(text), at(0)).await);
    assert_eq!(known("first").await, None, "a link that another one ended");
    assert_eq!(known("second").await, Some((user, LinkKind::Reset)), "the last one");
    let saved = must("they are taken", store.take_limits().await);
    assert_eq!(saved.map(|saved| (saved.ages, saved.at_ms)), Some((ages, 5)), "what was counted");
    drop(store);

    let store = home.open();
    assert_eq!(must("again", store.take_limits().await), None, "and taken once");
}

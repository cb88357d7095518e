//! Keys that the operator makes in two steps: a secret that reached nobody opens nothing.

use super::people::{account, user};
use crate::contract::{Bench, IdentityStore, at, commit, must};
use keyward_core::api_key::NewSecret;
use keyward_core::clock::Timestamp;
use keyward_core::denial::Denial;
use keyward_core::grant::Grant;
use keyward_core::id::{AccountId, KeyId, UserId};
use keyward_core::permit::operator;
use keyward_core::write::key::{ActivateKey, IssueKey, KeyActivated, KeyMade, PrepareKey};

fn secret<S>(bench: &Bench<'_, S>) -> NewSecret {
    must("a secret", bench.ring.mint(&bench.random))
}

async fn prepare<S: IdentityStore>(
    bench: &Bench<'_, S>,
    (account, user): (AccountId, UserId),
    (secret, expires_at): (&NewSecret, Option<Timestamp>),
) -> Result<KeyMade, Denial> {
    let (label, grant, secret) = ("prepared".to_owned(), Grant::ReadOnly, secret.clone());
    let key = IssueKey { account, user, label, grant, expires_at, allowed_ips: None, secret };
    commit(bench.store, PrepareKey(key), operator(), 10).await
}

async fn activate<S: IdentityStore>(
    bench: &Bench<'_, S>,
    key: KeyId,
    secret: &NewSecret,
) -> Result<KeyActivated, Denial> {
    commit(bench.store, ActivateKey { key, secret: secret.clone() }, operator(), 20).await
}

fn absent(key: KeyId) -> Option<Denial> {
    Some(Denial::not_found("API key", &key.to_string()))
}

/// Against a store that keeps the secret at the first step, or that takes the second one as often as it comes.
pub(in crate::contract) async fn a_key_in_two_steps_opens_nothing_before_the_second<S: IdentityStore>(
    bench: &Bench<'_, S>,
) {
    let (place, first) = ((bench.account, bench.viewer.key.user), secret(bench));
    let end = Some(at(1_000));
    let key = must("the first step", prepare(bench, place, (&first, end)).await).key.id;
    assert_eq!(bench.admit(&first.secret, 10).err(), Some(Denial::KeyUnknown), "it opens nothing");
    assert!(!bench.store.directory().read().has_secret(key), "it has no secret yet");
    let found = must("a search", bench.store.key_to_end(vec![first.digest]).await);
    assert_eq!(found, None, "nor is one written");
    let shown = must("the key", bench.store.key(key).await).map(|key| (key.label, key.prefix, key.grant));
    assert_eq!(shown, Some(("prepared".to_owned(), first.prefix.clone(), Grant::ReadOnly)), "it is there");

    let done = must("the second step", activate(bench, key, &first).await);
    assert_eq!((done.key, done.account), (key, bench.account), "of that key");
    let caller = must("it opens at once", bench.admit(&first.secret, 20));
    assert!(caller.credential.is_key(key) && caller.user == bench.viewer.key.user, "as its user");
    assert_eq!(bench.admit(&first.secret, 1_000).err(), Some(Denial::KeyExpired), "until its end");
    let second = secret(bench);
    for secret in [&first, &second] {
        assert_eq!(activate(bench, key, secret).await.err(), absent(key), "there is one second step");
    }
    assert_eq!(bench.admit(&second.secret, 20).err(), Some(Denial::KeyUnknown), "and one secret");
    must("the first one lives", bench.admit(&first.secret, 20));
}

/// Against a store whose second step gives a key another secret, or gives one back its life.
pub(in crate::contract) async fn only_a_key_that_waits_for_its_secret_is_given_one<S: IdentityStore>(
    bench: &Bench<'_, S>,
) {
    let (place, first) = ((bench.account, bench.viewer.key.user), secret(bench));
    let taken_back = must("the first step", prepare(bench, place, (&first, None)).await).key.id;
    must("it is taken back", bench.revoke(operator(), taken_back).await);
    for (key, why) in [
        (taken_back, "one that was taken back stays so"),
        (bench.admin.key.id, "one that has a secret keeps that"),
        (KeyId(i64::MAX), "and one that is not there is not made"),
    ] {
        assert_eq!(activate(bench, key, &first).await.err(), absent(key), "{why}");
        assert!(bench.admit(&first.secret, 20).is_err(), "{why}");
    }
    must("the admin's secret lives", bench.admit(&bench.admin.secret, 20));
    let written = must("the key", bench.store.key(taken_back).await).and_then(|key| key.revoked_at);
    assert_eq!(written, Some(at(0)), "since when it was taken back");
}

/// Against a store that judges the first step less than a key that is made in one, or that counts no key which waits.
pub(in crate::contract) async fn the_first_step_of_a_key_is_refused_where_the_key_would_be<
    S: IdentityStore,
>(
    bench: &Bench<'_, S>,
) {
    let (place, first) = ((bench.account, bench.viewer.key.user), secret(bench));
    let other = account(bench, "other").await;
    let outsider = user(bench, "outsider").await;
    for outside in [(other, place.1), (place.0, outsider), (AccountId(i64::MAX), place.1)] {
        let refused = prepare(bench, outside, (&first, None)).await.err();
        let member = Some(Denial::not_found("Member", &outside.1.to_string()));
        assert_eq!(refused, member, "a key is a member's");
    }
    let over = prepare(bench, place, (&first, Some(at(10)))).await.err();
    assert!(matches!(over, Some(Denial::Invalid(_))), "its end is to come: {over:?}");
    let mut prepared = Vec::new();
    for _ in 2..keyward_core::limits::Tiers::default().standard.keys {
        let step = prepare(bench, place, (&secret(bench), None)).await;
        prepared.push(must("below the ceiling", step).key.id);
    }
    let refused = prepare(bench, place, (&first, None)).await.err();
    assert!(matches!(refused, Some(Denial::Invalid(_))), "those that wait are counted: {refused:?}");
    let Some(one) = prepared.first() else { panic!("some were prepared") };
    must("one is taken back", bench.revoke(operator(), *one).await);
    must("and its place is free", prepare(bench, place, (&first, None)).await);
}

//! The rules of what the operator does: limits, links, and the rotation of the root secret.

use super::{Bench, FROM, IdentityStore, at, commit, must};
use keyward_core::api_key::{Admitted, Move, WhoseKeys};
use keyward_core::denial::Denial;
use keyward_core::id::AccountId;
use keyward_core::limits::{Overrides, Rate};
use keyward_core::permit::operator;
use keyward_core::root_secret::RootSecret;
use keyward_core::secret::Secret;
use keyward_core::write::identity::LinkIdentity;
use keyward_core::write::key::RevokeKeysOf;
use keyward_core::write::limits::SetLimits;
use keyward_core::write::root_secret::{AddVersion, RetireVersion};

pub(super) async fn every_key_of_somebody_ends_at_once_and_nobody_elses<S: IdentityStore>(
    bench: &Bench<'_, S>,
) {
    let end = async |whose| {
        let known = bench.store.directory().read().keys_of(whose);
        must("keys end", commit(bench.store, RevokeKeysOf { whose, known }, operator(), 0).await).keys
    };
    let more = must("another key", bench.create(bench.permit(&bench.admin), 0).await);
    let (admin, viewer) = (&bench.admin, &bench.viewer);
    let elsewhere = WhoseKeys::Member(AccountId(i64::MAX), admin.key.user);
    assert_eq!(end(elsewhere).await, Vec::new(), "not in another account");
    assert_eq!(end(WhoseKeys::User(viewer.key.user)).await, [viewer.key.id], "a user's");
    assert_eq!(bench.admit(&viewer.secret, 0).err(), Some(Denial::KeyRevoked), "is dead at once");
    must("nobody else's", bench.admit(&admin.secret, 0));
    assert_eq!(end(WhoseKeys::Account(bench.account)).await, [admin.key.id, more.key.id], "what was left");
    for key in [admin, &more] {
        assert_eq!(bench.admit(&key.secret, 0).err(), Some(Denial::KeyRevoked), "is dead at once");
    }
    assert_eq!(end(WhoseKeys::All).await, Vec::new(), "what was revoked is not revoked again");
}

pub(super) async fn limits_of_an_account_go_before_its_tier<S: IdentityStore>(bench: &Bench<'_, S>) {
    let set = async |overrides: Overrides| {
        let effect = SetLimits { account: bench.account, overrides };
        must("limits are set", commit(bench.store, effect, operator(), 0).await)
    };
    let own = Overrides { reads: Some(Rate::Unlimited), writes: Some(Rate::PerMinute(1)), keys: Some(3) };
    assert_eq!(set(own).await.overrides, own, "what was said is what is kept");
    let known = bench.store.directory().read().account(bench.account).map(|account| account.overrides);
    assert_eq!(known, Some(own), "and what is known at once");
    must("a third key", bench.create(bench.permit(&bench.admin), 0).await);
    let refused = bench.create(bench.permit(&bench.admin), 0).await.err();
    assert!(matches!(refused, Some(Denial::Invalid(_))), "no fourth: {refused:?}");
    set(Overrides::default()).await;
    must("and as the tier says again", bench.create(bench.permit(&bench.admin), 0).await);
    assert_eq!(
        bench.store.directory().read().live_keys(bench.account, at(0)),
        4,
        "nothing was lost on the way"
    );
}

pub(super) async fn a_subject_is_one_users<S: IdentityStore>(bench: &Bench<'_, S>) {
    let link = async |of, subject: &str, linked| {
        let (issuer, subject) = ("https://issuer.example/".to_owned(), subject.to_owned());
        commit(bench.store, LinkIdentity { user: of, issuer, subject, linked }, operator(), 0).await
    };
    let (admin, viewer) = (bench.admin.key.user, bench.viewer.key.user);
    assert!(must("a link", link(admin, "one", true).await).now, "it is new");
    assert!(!must("the same again", link(admin, "one", true).await).now, "and then not");
    let taken = link(viewer, "one", true).await.err();
    assert!(matches!(taken, Some(Denial::Invalid(_))), "nobody else's: {taken:?}");
    assert!(must("a second subject", link(admin, "two", true).await).now, "a user may have several");
    assert!(!must("not the viewer's", link(viewer, "one", false).await).now, "only its own is taken away");
    assert!(must("taken away", link(admin, "one", false).await).now, "it was there");
    assert!(must("and free", link(viewer, "one", true).await).now, "for another");
}

/// Rotates as the program does: gives up the older version, and takes up the next.
async fn rotate<S: IdentityStore>(bench: &Bench<'_, S>, now: &RootSecret) -> Result<RootSecret, Denial> {
    if let Some(version) = now.older() {
        commit(bench.store, RetireVersion { version, forget_answers: false }, operator(), 0).await?;
    }
    let next = must("a next secret", now.next(&bench.random));
    let check = next.check_values().into_iter().find(|(version, _)| *version == next.current());
    let (version, check) = must("its check value", check.ok_or("none"));
    must("a version is added", commit(bench.store, AddVersion { version, check }, operator(), 0).await);
    bench.ring.take_up(&next);
    Ok(next)
}

/// Presents a secret, and moves it if it is to move.
async fn present<S: IdentityStore>(bench: &Bench<'_, S>, secret: &Secret) -> Option<Move> {
    let admitted = bench.ring.admit(secret.expose(), FROM, &bench.store.directory().read(), at(0));
    let Admitted { to_move, .. } = must("the secret is admitted", admitted);
    let moves = to_move.into_iter().collect();
    must("it is moved", bench.store.move_digests(moves).await);
    to_move
}

pub(super) async fn a_secret_moves_to_the_next_version_and_lives_on<S: IdentityStore>(bench: &Bench<'_, S>) {
    let secret = must("a rotation", rotate(bench, &bench.root).await);
    assert!(present(bench, &bench.admin.secret).await.is_some(), "by its old digest at first");
    assert!(present(bench, &bench.admin.secret).await.is_none(), "and by its new one then");
    must("a permit of before is good", bench.create(bench.permit(&bench.admin), 0).await);
    assert!(present(bench, &bench.viewer.secret).await.is_some(), "the other one moves too");
    let made = must("a key of the new version", bench.create(bench.permit(&bench.viewer), 0).await);
    must("the next rotation: nothing was left behind", rotate(bench, &secret).await);
    for key in [&bench.admin.secret, &bench.viewer.secret, &made.secret] {
        must("every key lives on", bench.admit(key, 0));
    }
}

pub(super) async fn a_version_with_keys_on_it_is_not_retired<S: IdentityStore>(bench: &Bench<'_, S>) {
    let secret = must("a rotation", rotate(bench, &bench.root).await);
    present(bench, &bench.admin.secret).await;
    let refused = rotate(bench, &secret).await.err();
    let Some(Denial::Invalid(invalid)) = refused else { panic!("it is refused: {refused:?}") };
    let named = format!("ids {})", bench.viewer.key.id);
    assert!(invalid.to_string().contains(&named), "it names the key: {invalid}");
    must("and changes nothing", bench.admit(&bench.viewer.secret, 0));
    must("until it is revoked", bench.revoke(operator(), bench.viewer.key.id).await);
    must("then it is", rotate(bench, &secret).await);
    assert!(bench.admit(&bench.viewer.secret, 0).is_err(), "that one is dead");
    must("the other lives", bench.admit(&bench.admin.secret, 0));
    assert!(bench.store.directory().read().key(bench.viewer.key.id).is_none(), "and takes no memory");
}

pub(super) async fn a_secret_in_its_grace_ends_with_its_version<S: IdentityStore>(bench: &Bench<'_, S>) {
    let secret = must("a rotation of the root", rotate(bench, &bench.root).await);
    present(bench, &bench.viewer.secret).await;
    let rotated = must("a rotation of the key", bench.try_rotate(&bench.admin.secret, 1_000, 0).await);
    must("the old secret has its grace", bench.admit(&bench.admin.secret, 10));
    must("it does not hold the next rotation up", rotate(bench, &secret).await);
    assert!(bench.admit(&bench.admin.secret, 10).is_err(), "its version is gone, and it with it");
    must("the key lives on", bench.admit(&rotated, 10));
}

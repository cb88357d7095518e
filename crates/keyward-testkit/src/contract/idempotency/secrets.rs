//! The rules of answers that show a secret: they are given again for an hour, until the secret is used, replaced or ended.

use super::*;
use keyward_core::idempotency::{KEPT_SECONDS, SECRET_SECONDS};
use keyward_core::live::KeyUse;
use keyward_core::permit::{ManageKeys, check};
use keyward_core::principal::{Credential, Principal};
use keyward_core::scope::{Scope as Right, ScopeSet};
use keyward_core::secret::Secret;
use keyward_core::write::key::RotateKey;
use keyward_core::write::member::RemoveMember;

/// A key, made under its maker's claim of this number.
pub(super) async fn made<S: IdentityStore>(
    bench: &Bench<'_, S>,
    by: &KeyMade,
    number: u128,
) -> (KeyMade, Answer) {
    let claim = Some(claim(bench, by, number, "/keys"));
    let made = commit_with(bench.store, new_key(bench), bench.permit(by), claim, 0).await;
    let Ended::Done(key, answer) = must("a write works", made) else { panic!("a key is made") };
    let told = String::from_utf8_lossy(&answer.body).contains(key.secret.expose());
    assert!(told, "the answer shows the secret");
    (key, answer)
}

/// The same again.
pub(super) async fn remade<S: IdentityStore>(
    bench: &Bench<'_, S>,
    by: &KeyMade,
    number: u128,
    seconds: i64,
) -> Came {
    ask(bench, new_key(bench), bench.permit(by), claim(bench, by, number, "/keys"), seconds).await
}

/// That an answer about this key is not given again.
pub(super) fn shown(key: &KeyMade) -> Came {
    Came::Refused(Denial::SecretAlreadyShown(key.key.id.0))
}

/// A use of a secret, as a request makes it.
fn use_of<S: IdentityStore>(bench: &Bench<'_, S>, secret: &Secret) -> KeyUse {
    let caller = must("the secret is admitted", bench.admit(secret, 0));
    let Credential::ApiKey(key) = caller.credential else { panic!("it is a key's") };
    KeyUse { key: key.id, at: at(0), current: key.current.then_some(key.digest) }
}

/// Against a store that shows the secret until its use is written, or for good; and one that makes another key instead.
pub(in crate::contract) async fn a_secret_is_shown_again_until_it_is_used<S: IdentityStore>(
    bench: &Bench<'_, S>,
) {
    let admin = &bench.admin;
    let (noted, first) = made(bench, admin, 0).await;
    let (written, second) = made(bench, admin, 1).await;
    let count = keys(bench).await;
    bench.store.directory().note_use(use_of(bench, &admin.secret));
    assert_eq!(remade(bench, admin, 0, 1).await, Came::Before(first), "another key's use changes nothing");
    bench.store.directory().note_use(use_of(bench, &noted.secret));
    assert_eq!(remade(bench, admin, 0, 1).await, shown(&noted), "from the use on, written or not");
    assert_eq!(remade(bench, admin, 1, 1).await, Came::Before(second.clone()), "the other is shown");
    let write = async |uses: &[KeyUse]| must("uses are written", bench.store.write_uses(uses).await);
    let uses = bench.store.directory().unwritten_uses();
    write(&uses).await;
    bench.store.directory().uses_written(&uses);
    assert_eq!(remade(bench, admin, 1, 1).await, Came::Before(second), "also when the uses are written");
    write(&[use_of(bench, &written.secret)]).await;
    for (number, key) in [(0, &noted), (1, &written)] {
        assert_eq!(remade(bench, admin, number, 1).await, shown(key), "and after it was written");
    }
    assert_eq!(keys(bench).await, count, "no repetition made a key");
}

/// Against a store that shows secrets as long as other answers, or keeps them when it no longer shows them.
pub(in crate::contract) async fn a_secret_is_shown_again_for_an_hour_to_the_second_and_then_taken_away<
    S: IdentityStore,
>(
    bench: &Bench<'_, S>,
) {
    let admin = &bench.admin;
    let (key, first) = made(bench, admin, 0).await;
    let relabel = async |seconds| {
        let claim = claim(bench, admin, 1, "/label");
        ask(bench, labelled(admin.key.id, "other"), bench.permit(admin), claim, seconds).await
    };
    let label = relabel(0).await.done("a label is changed");
    let purge = async |seconds| must("a purge", bench.store.purge(At::Fixed(at(seconds))).await);
    assert_eq!(purge(SECRET_SECONDS - 1).await, 0, "nothing is old");
    assert_eq!(remade(bench, admin, 0, SECRET_SECONDS - 1).await, Came::Before(first), "to the last second");
    assert_eq!(remade(bench, admin, 0, SECRET_SECONDS).await, shown(&key), "and no longer");
    assert_eq!(purge(SECRET_SECONDS).await, 1, "the secret is taken away");
    assert_eq!(remade(bench, admin, 0, SECRET_SECONDS - 1).await, shown(&key), "for good");
    assert_eq!(purge(SECRET_SECONDS).await, 0, "once");
    assert_eq!(relabel(SECRET_SECONDS).await, Came::Before(label), "an answer without a secret stays");
}

/// Against a store that closes the answer because the replaced secret, whose client lost it, is still used; and one that gives it
/// to a secret whose grace is over.
pub(in crate::contract) async fn a_rotation_is_answered_again_to_the_replaced_secret_in_its_grace<
    S: IdentityStore,
>(
    bench: &Bench<'_, S>,
) {
    let key = bench.admin.key.id;
    let permit = |seconds| -> Permit<ManageKeys> {
        let caller = must("it is in its grace", bench.admit(&bench.admin.secret, seconds));
        must("a permit", check(Principal::of(caller)))
    };
    let rotate = async |permit, seconds| {
        let secret = must("a secret", bench.ring.mint(&bench.random));
        let effect = RotateKey { key: Some(key), as_sent: key.to_string(), grace_seconds: 100, secret };
        let claim = Some(claim(bench, &bench.admin, 0, "/rotate"));
        must("a write works", commit_with(bench.store, effect, permit, claim, seconds).await)
    };
    let Ended::Done(rotated, first) = rotate(permit(0), 0).await else { panic!("a key is rotated") };
    let replaced = use_of(bench, &bench.admin.secret);
    assert_eq!(replaced.current, None, "the replaced secret is not the current one");
    bench.store.directory().note_use(replaced);
    let again = async |permit, seconds| Came::from(rotate(permit, seconds).await);
    assert_eq!(again(permit(50), 50).await, Came::Before(first.clone()), "its use changes nothing");
    must("uses are written", bench.store.write_uses(&[replaced]).await);
    assert_eq!(again(permit(99), 99).await, Came::Before(first), "nor when it is written");
    assert_eq!(again(permit(99), 100).await, Came::Refused(Denial::KeyRotated), "after its grace");
    bench.store.directory().note_use(use_of(bench, &rotated.secret));
    let shown = Came::Refused(Denial::SecretAlreadyShown(key.0));
    assert_eq!(again(permit(99), 99).await, shown, "nor once the new one is used");
}

/// Against a store that gives out a secret which its owner has ended.
pub(in crate::contract) async fn a_secret_that_was_replaced_or_ended_is_not_shown_again<S: IdentityStore>(
    bench: &Bench<'_, S>,
) {
    let (admin, viewer) = (&bench.admin, &bench.viewer);
    let ((replaced, _), (ended, _)) = (made(bench, admin, 0).await, made(bench, admin, 1).await);
    let (left, _) = made(bench, viewer, 0).await;
    let secret = must("a secret", bench.ring.mint(&bench.random));
    let id = replaced.key.id;
    let rotate = RotateKey { key: Some(id), as_sent: id.to_string(), grace_seconds: 1_000, secret };
    must("a rotation", commit(bench.store, rotate, bench.permit(admin), 0).await);
    must("a revocation", bench.revoke(bench.permit(admin), ended.key.id).await);
    for (number, key) in [(0, &replaced), (1, &ended)] {
        assert_eq!(remade(bench, admin, number, 1).await, shown(key), "it is not the key's any more");
    }
    let (account, user) = (bench.account, viewer.key.user);
    must("a member leaves", commit(bench.store, RemoveMember { account, user }, operator(), 0).await);
    let member = AddMember { account, user, role: Role::Viewer };
    must("and comes back", commit(bench.store, member, operator(), 0).await);
    let secret = must("a secret", bench.ring.mint(&bench.random));
    let (label, grant) = ("back".to_owned(), Grant::FullAccess);
    let issue = IssueKey { account, user, label, grant, expires_at: None, allowed_ips: None, secret };
    let back = must("with a new key", commit(bench.store, issue, operator(), 0).await);
    assert_eq!(remade(bench, &back, 0, 1).await, shown(&left), "what ended with its place is not shown");
}

/// Against a store that bounds a made key by its maker and not the answer that shows it.
pub(in crate::contract) async fn a_secret_is_not_shown_to_a_credential_that_could_not_have_made_it<
    S: IdentityStore,
>(
    bench: &Bench<'_, S>,
) {
    let admin = &bench.admin;
    let (_, first) = made(bench, admin, 0).await;
    let rights = ScopeSet::NONE.with(Right::AccountRead).with(Right::AccountWrite);
    let mut narrow = new_key(bench);
    narrow.wanted.grant = WantedGrant::Scopes(rights);
    let narrow = must("a narrow key", commit(bench.store, narrow, bench.permit(admin), 0).await);
    let refused = remade(bench, &narrow, 0, 1).await;
    assert!(matches!(refused, Came::Refused(Denial::WiderThanMaker(_))), "its user has it: {refused:?}");
    assert_eq!(remade(bench, admin, 0, 1).await, Came::Before(first), "but by the wide one alone");
}

/// Against a store that shows the secret to one who tries keys, or makes another key.
pub(in crate::contract) async fn under_a_key_that_could_be_guessed_no_secret_is_kept<S: IdentityStore>(
    bench: &Bench<'_, S>,
) {
    let admin = &bench.admin;
    let guessed = |says| {
        let scope = Scope { account: Some(bench.account), user: admin.key.user };
        let says = Fingerprint::of("POST", says, "", None);
        must("a claim", Claims::new(&bench.root).claim(scope, Uuid::nil(), says, &bench.random))
    };
    let make = async || ask(bench, new_key(bench), bench.permit(admin), guessed("/keys"), 0).await;
    make().await.done("a key is made");
    let count = keys(bench).await;
    let refused = make().await;
    assert!(matches!(refused, Came::Refused(Denial::SecretAlreadyShown(_))), "not again: {refused:?}");
    assert_eq!(keys(bench).await, count, "and no other is made");
    let relabel =
        async || ask(bench, labelled(admin.key.id, "kept"), bench.permit(admin), guessed("/label"), 0).await;
    assert_eq!(relabel().await, Came::Refused(Denial::IdempotencyKeyReused), "its record is there");
    must("a day later it is taken", bench.store.purge(At::Fixed(at(KEPT_SECONDS))).await);
    let first = relabel().await.done("a label is changed");
    assert_eq!(relabel().await, Came::Before(first), "an answer without a secret is kept under any key");
}

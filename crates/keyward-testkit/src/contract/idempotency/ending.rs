//! The rules of how records end: after a day, with the person whom they are about, and with a version of the root secret.

use super::super::FROM;
use super::*;
use keyward_core::api_key::Admitted;
use keyward_core::idempotency::KEPT_SECONDS;
use keyward_core::root_secret::RootSecret;
use keyward_core::write::erasing::EraseUser;
use keyward_core::write::root_secret::{AddVersion, RetireVersion};

/// Relabels the admin's key, under its claim of this number.
async fn relabel<S: IdentityStore>(
    bench: &Bench<'_, S>,
    claims: &Claims,
    number: u128,
    seconds: i64,
) -> Came {
    let effect = labelled(bench.admin.key.id, "kept");
    ask(bench, effect, bench.permit(&bench.admin), by(bench, claims, number), seconds).await
}

/// The admin's claim to relabel its key.
fn by<S>(bench: &Bench<'_, S>, claims: &Claims, number: u128) -> Claim {
    let scope = Scope { account: Some(bench.account), user: bench.admin.key.user };
    let says = Fingerprint::of("PATCH", "/label", "", None);
    must("a claim", claims.claim(scope, Uuid::from_u128(KEY + number), says, &bench.random))
}

/// Against a store that keeps a record a second too long or too short, or that does not keep the second write's.
pub(in crate::contract) async fn a_claim_is_free_after_a_day_to_the_second<S: IdentityStore>(
    bench: &Bench<'_, S>,
) {
    let claims = Claims::new(&bench.root);
    let first = relabel(bench, &claims, 0, 0).await.done("a label is changed");
    assert_eq!(relabel(bench, &claims, 0, KEPT_SECONDS - 1).await, Came::Before(first.clone()), "kept a day");
    let second = relabel(bench, &claims, 0, KEPT_SECONDS).await.done("a new write");
    assert_ne!(second, first, "with an answer of its own");
    let last = 2 * KEPT_SECONDS - 1;
    assert_eq!(relabel(bench, &claims, 0, last).await, Came::Before(second), "kept a day from then");
}

/// Against a store whose purge takes an answer from a repetition that has a right to it, or leaves what is old.
pub(in crate::contract) async fn a_purge_takes_what_is_a_day_old_and_nothing_else<S: IdentityStore>(
    bench: &Bench<'_, S>,
) {
    let claims = Claims::new(&bench.root);
    let purge = async |seconds| must("a purge", bench.store.purge(At::Fixed(at(seconds))).await);
    let old = relabel(bench, &claims, 0, 0).await.done("a label is changed");
    let young = relabel(bench, &claims, 1, 10).await.done("and again");
    assert_eq!(purge(KEPT_SECONDS - 1).await, 0, "nothing is old");
    assert_eq!(relabel(bench, &claims, 0, KEPT_SECONDS - 1).await, Came::Before(old), "both are there");
    assert_eq!(purge(KEPT_SECONDS).await, 1, "the older one is taken");
    relabel(bench, &claims, 0, KEPT_SECONDS - 1).await.done("it is gone: this is a new write");
    assert_eq!(relabel(bench, &claims, 1, KEPT_SECONDS + 9).await, Came::Before(young), "the other is there");
    assert_eq!(purge(KEPT_SECONDS).await, 0, "and nothing is old any more");
}

/// Against a store that keeps the number of what an answer is about without its kind, or leaves what others were answered.
pub(in crate::contract) async fn answers_about_a_person_go_with_it_and_others_stay<S: IdentityStore>(
    bench: &Bench<'_, S>,
) {
    let admin = &bench.admin;
    let invite = async || {
        let claim = Some(claim(bench, admin, 0, "/team"));
        let effect = invitation("new@elsewhere.example");
        let invited = commit_with(bench.store, effect, bench.permit(admin), claim, 0).await;
        must("a write works", invited)
    };
    let Ended::Done(invited, _) = invite().await else { panic!("somebody is invited") };
    let user = invited.member.user;
    assert!(matches!(invite().await, Ended::Replayed(_)), "the answer is kept");
    // Where each kind is numbered by itself, one of these keys has the person's number.
    let mut others = Vec::new();
    for number in 1..5 {
        others.push((number, made(bench, admin, number).await.1));
    }
    must("the person is erased", commit(bench.store, EraseUser { user }, operator(), 0).await);
    for (number, answer) in others {
        assert_eq!(
            remade(bench, admin, number, 1).await,
            Came::Before(answer),
            "an answer about a key stays"
        );
    }
    let Ended::Done(again, _) = invite().await else { panic!("nothing is kept of who was erased") };
    assert_ne!(again.member.user, user, "it is another user");
}

/// Takes up the next root secret, as the program does.
async fn next<S: IdentityStore>(bench: &Bench<'_, S>, claims: &Claims, root: &RootSecret) -> RootSecret {
    let next = must("a next secret", root.next(&bench.random));
    let check = next.check_values().into_iter().find(|(version, _)| *version == next.current());
    let (version, check) = must("its check value", check.ok_or("none"));
    must("a version is added", commit(bench.store, AddVersion { version, check }, operator(), 0).await);
    bench.ring.take_up(&next);
    claims.take_up(&next);
    next
}

/// Presents a key's secret, which moves it to the current version.
async fn present<S: IdentityStore>(bench: &Bench<'_, S>, key: &KeyMade) {
    let admitted = bench.ring.admit(key.secret.expose(), FROM, &bench.store.directory().read(), at(0));
    let Admitted { to_move, .. } = must("the secret is admitted", admitted);
    must("it is moved", bench.store.move_digests(to_move.into_iter().collect()).await);
}

/// Against a store that looks under the newest name alone, and does a write again after a rotation; or that takes a secret which
/// moved for one that was not used.
pub(in crate::contract) async fn a_record_is_found_under_the_next_root_secret<S: IdentityStore>(
    bench: &Bench<'_, S>,
) {
    let claims = Claims::new(&bench.root);
    let again = async |number, seconds| {
        let scope = Scope { account: Some(bench.account), user: bench.admin.key.user };
        let says = Fingerprint::of("POST", "/keys", "", None);
        let key = Uuid::from_u128(KEY + number);
        let claim = must("a claim", claims.claim(scope, key, says, &bench.random));
        ask(bench, new_key(bench), bench.permit(&bench.admin), claim, seconds).await
    };
    let first = relabel(bench, &claims, 0, 0).await.done("a label is changed");
    let (key, sealed) = made(bench, &bench.admin, 1).await;
    next(bench, &claims, &bench.root).await;
    assert_eq!(relabel(bench, &claims, 0, 1).await, Came::Before(first), "an answer");
    assert_eq!(
        again(1, 1).await,
        Came::Before(sealed),
        "also one with a secret, which is opened as it was sealed"
    );
    present(bench, &key).await;
    assert_eq!(again(1, 1).await, shown(&key), "a secret that moved was used");
    let second = relabel(bench, &claims, 2, 1).await.done("a new write");
    assert_eq!(relabel(bench, &claims, 2, 2).await, Came::Before(second), "is kept as any");
}

/// Against a store that does a write again whose repetition, named by the next version, was there first: it does not look under a
/// name that the claim does not have.
pub(in crate::contract) async fn a_claim_that_a_rotation_overtook_is_to_come_again<S: IdentityStore>(
    bench: &Bench<'_, S>,
) {
    let claims = Claims::new(&bench.root);
    let late = by(bench, &claims, 0);
    next(bench, &claims, &bench.root).await;
    let first = relabel(bench, &claims, 0, 0).await.done("the repetition was first");
    let effect = labelled(bench.admin.key.id, "late");
    let came = ask(bench, effect, bench.permit(&bench.admin), late, 0).await;
    assert_eq!(came, Came::Refused(Denial::IdempotencyInProgress), "the first one is put off");
    assert_eq!(label(bench, bench.admin.key.id).await.as_deref(), Some("kept"), "and changes nothing");
    assert_eq!(
        relabel(bench, &claims, 0, 1).await,
        Came::Before(first),
        "and has its answer when it comes again"
    );
}

/// Against a store that loses records with a version, so that their writes are done again within the day.
pub(in crate::contract) async fn a_version_is_retired_when_its_answers_are_a_day_old_or_given_up<
    S: IdentityStore,
>(
    bench: &Bench<'_, S>,
) {
    let claims = Claims::new(&bench.root);
    let retire = async |version, forget_answers, seconds| {
        commit(bench.store, RetireVersion { version, forget_answers }, operator(), seconds).await
    };
    let first = relabel(bench, &claims, 0, 0).await.done("a label is changed");
    let second = next(bench, &claims, &bench.root).await;
    for key in [&bench.admin, &bench.viewer] {
        present(bench, key).await;
    }
    let refused = retire(1, false, KEPT_SECONDS - 1).await.map(|retired| retired.now);
    assert!(matches!(refused, Err(Denial::Invalid(_))), "an answer is kept under it: {refused:?}");
    assert_eq!(relabel(bench, &claims, 0, KEPT_SECONDS - 1).await, Came::Before(first), "as before");
    must("it is given up", retire(1, true, 1).await);
    relabel(bench, &claims, 0, 1).await.done("then the repetition is a new write");
    next(bench, &claims, &second).await;
    for key in [&bench.admin, &bench.viewer] {
        present(bench, key).await;
    }
    must("after a day nothing is to be given up", retire(2, false, 1 + KEPT_SECONDS).await);
}

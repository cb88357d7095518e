//! The rules of two who write at the same time: what comes of it is what came of one after the other. A store that looks first and
//! writes then, in two transactions, lets both.

use super::{Bench, IdentityStore, at, both, commit, must};
use keyward_core::denial::Denial;
use keyward_core::id::UserId;
use keyward_core::limits::Tiers;
use keyward_core::permit::operator;
use keyward_core::role::Role;
use keyward_core::tier::Tier;
use keyward_core::write::account::CreateAccount;
use keyward_core::write::team::ChangeRole;

pub(super) async fn of_two_rotations_at_once_one_is_made<S: IdentityStore>(bench: &Bench<'_, S>) {
    let secret = &bench.admin.secret;
    let (one, other) = both(bench.try_rotate(secret, 100, 0), bench.try_rotate(secret, 100, 0)).await;
    let (made, refused) = match (one, other) {
        (Ok(made), Err(refused)) | (Err(refused), Ok(made)) => (made, refused),
        both => panic!("one of two rotations is made: {both:?}"),
    };
    assert_eq!(refused, Denial::SecretInGrace, "the other came with a secret that was replaced");
    must("the new secret lives", bench.admit(&made, 0));
    must("and the old one in its grace", bench.admit(secret, 99));
}

pub(super) async fn of_two_keys_for_the_last_place_one_is_made<S: IdentityStore>(bench: &Bench<'_, S>) {
    let most = bench.store.directory().read().live_keys(bench.account, at(0));
    let ceiling = must("a number", usize::try_from(Tiers::default().standard.keys));
    for _ in most + 1..ceiling {
        must("below the ceiling", bench.create(bench.permit(&bench.admin), 0).await);
    }
    let create = || bench.create(bench.permit(&bench.admin), 0);
    let (one, other) = both(create(), create()).await;
    assert!(one.is_ok() != other.is_ok(), "one place, one key: {:?}, {:?}", one.err(), other.err());
    let live = bench.store.directory().read().live_keys(bench.account, at(0));
    assert_eq!(live, ceiling, "and no more than may be");
}

pub(super) async fn of_two_accounts_with_one_slug_one_is_made<S: IdentityStore>(bench: &Bench<'_, S>) {
    let create = |name: &str| {
        let (slug, name) = ("new".to_owned(), name.to_owned());
        let effect = CreateAccount { slug, name, account_type: None, tier: Tier::Standard };
        commit(bench.store, effect, operator(), 0)
    };
    let (one, other) = both(create("One"), create("Other")).await;
    let made = match (one, other) {
        (Ok(made), Err(Denial::Invalid(_))) | (Err(Denial::Invalid(_)), Ok(made)) => made,
        both => panic!("one of two accounts is made: {both:?}"),
    };
    let live = bench.store.directory().read();
    assert_eq!(live.account_named("new").map(|account| account.id), Some(made), "and it is known");
}

pub(super) async fn of_two_admins_who_demote_each_other_one_stays<S: IdentityStore>(bench: &Bench<'_, S>) {
    let (first, second) = (&bench.admin, &bench.viewer);
    let change = |by, user: UserId, role| {
        let effect = ChangeRole { user: Some(user), as_sent: user.to_string(), role };
        commit(bench.store, effect, bench.permit(by), 0)
    };
    must("a second admin", change(first, second.key.user, Role::Admin).await);
    let demote = |by, user| change(by, user, Role::Viewer);
    let (one, other) = both(demote(first, second.key.user), demote(second, first.key.user)).await;
    assert!(one.is_ok() != other.is_ok(), "one of them: {:?}, {:?}", one.err(), other.err());
    let live = bench.store.directory().read();
    let roles = [first, second].map(|key| live.role(bench.account, key.key.user));
    assert_eq!(
        roles.iter().filter(|role| **role == Some(Role::Admin)).count(),
        1,
        "an admin stays: {roles:?}"
    );
}

//! The rules of a user that the operator makes in two steps.

use super::{Bench, IdentityStore, at, commit, must};
use keyward_core::clock::At;
use keyward_core::denial::Denial;
use keyward_core::id::{AccountId, UserId};
use keyward_core::permit::operator;
use keyward_core::role::Role;
use keyward_core::secret::Secret;
use keyward_core::store::Retention;
use keyward_core::team::INVITATION_SECONDS;
use keyward_core::write::team::Invite;
use keyward_core::write::user::{AddUser, CreateUser, ReserveUser, UserAdded};

const EMAIL: &str = "new@acme.example";

async fn reserve<S: IdentityStore>(bench: &Bench<'_, S>, uuid: &str) -> Result<UserId, Denial> {
    let effect = ReserveUser { uuid: uuid.to_owned(), email: EMAIL.to_owned() };
    commit(bench.store, effect, operator(), 0).await
}

async fn add<S: IdentityStore>(
    bench: &Bench<'_, S>,
    id: UserId,
    place: Option<(AccountId, Role)>,
) -> Result<UserAdded, Denial> {
    let user = CreateUser {
        uuid: "a new user".to_owned(),
        email: EMAIL.to_owned(),
        first_name: "Ada".to_owned(),
        last_name: String::new(),
        title: None,
        password_hash: Some(Secret::new("a hash".to_owned())),
    };
    commit(bench.store, AddUser { id, user, place }, operator(), 0).await
}

async fn invite<S: IdentityStore>(bench: &Bench<'_, S>) -> UserId {
    let effect = Invite { uuid: "an invited user".to_owned(), email: EMAIL.to_owned(), role: Role::Viewer };
    must("an invitation", commit(bench.store, effect, bench.permit(&bench.admin), 0).await).member.user
}

/// The user of the address, and whether more than that is known of it.
fn known<S: IdentityStore>(bench: &Bench<'_, S>) -> Option<(UserId, bool)> {
    bench.store.directory().read().user_named(EMAIL).map(|user| (user.id, user.is_known()))
}

pub(super) async fn a_user_in_two_steps_is_there_after_the_second_or_not_at_all<S: IdentityStore>(
    bench: &Bench<'_, S>,
) {
    let first = must("an id is reserved", reserve(bench, "first").await);
    assert_eq!(known(bench), None, "and nothing else");
    assert!(bench.store.directory().read().user(first).is_none());
    let second = must("the address is still free", reserve(bench, "second").await);
    assert!(second > first, "an id is never another's");
    let nowhere = add(bench, second, Some((AccountId(i64::MAX), Role::Admin))).await;
    assert!(matches!(nowhere, Err(Denial::NotFound { .. })), "without its place: {nowhere:?}");
    assert_eq!(known(bench), None, "there is no user");
    let place = Some((bench.account, Role::Editor));
    let added = must("the second step", add(bench, second, place).await);
    assert_eq!(added, UserAdded { id: second, place });
    assert_eq!(known(bench), Some((second, true)));
    assert_eq!(bench.store.directory().read().role(bench.account, second), Some(Role::Editor));
    let late = add(bench, first, None).await;
    assert!(matches!(late, Err(Denial::Invalid(_))), "the address was somebody's first: {late:?}");
    let taken = reserve(bench, "third").await;
    assert!(matches!(taken, Err(Denial::Invalid(_))), "and it is said before anything is shown: {taken:?}");
}

pub(super) async fn an_invited_stranger_stays_one_until_it_is_made_a_user<S: IdentityStore>(
    bench: &Bench<'_, S>,
) {
    let before = must("an id is reserved", reserve(bench, "first").await);
    let invited = invite(bench).await;
    assert_ne!(invited, before);
    let meanwhile = add(bench, before, None).await;
    assert!(matches!(meanwhile, Err(Denial::Invalid(_))), "the id that was shown is another: {meanwhile:?}");
    assert_eq!(must("its own id", reserve(bench, "second").await), invited);
    assert_eq!(known(bench), Some((invited, false)), "nothing is known of it");
    let ended = At::Fixed(at(INVITATION_SECONDS + 31 * 86_400));
    for _ in 0..3 {
        must("what is old goes", bench.store.forget(ended, Retention::default()).await);
    }
    assert_eq!(known(bench), None, "so it is forgotten");
    let invited = invite(bench).await;
    assert_eq!(must("its own id", reserve(bench, "third").await), invited);
    must("it is made a user", add(bench, invited, Some((bench.account, Role::Admin))).await);
    assert_eq!(known(bench), Some((invited, true)));
    let role = bench.store.directory().read().role(bench.account, invited);
    assert_eq!(role, Some(Role::Admin), "as the operator says, not as the invitation does");
}

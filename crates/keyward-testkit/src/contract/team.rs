//! The rules of a team: invitations, roles, and the admin that an account keeps.

use super::{Bench, IdentityStore, at, commit, must};
use keyward_core::clock::At;
use keyward_core::denial::Denial;
use keyward_core::id::UserId;
use keyward_core::list::{From, Window};
use keyward_core::permit::{ReadAccount, operator};
use keyward_core::role::Role;
use keyward_core::secret::Secret;
use keyward_core::store::Retention;
use keyward_core::team::{INVITATION_SECONDS, MAX_INVITATIONS, TeamMember};
use keyward_core::write::disabling::SetUserDisabled;
use keyward_core::write::member::AddMember;
use keyward_core::write::team::{ChangeRole, Dismiss, Invite};
use keyward_core::write::user::CreateUser;

async fn team<S: IdentityStore>(
    bench: &Bench<'_, S>,
    after: i64,
    limit: u32,
    seconds: i64,
) -> Vec<TeamMember> {
    let permit = bench.permit::<ReadAccount>(&bench.admin);
    let window = Window { limit, from: From::After(after) };
    must("a page of the team", bench.store.list_team(&permit, window, at(seconds)).await).items
}

async fn invite<S: IdentityStore>(
    bench: &Bench<'_, S>,
    email: &str,
    role: Role,
    seconds: i64,
) -> Result<TeamMember, Denial> {
    let effect = Invite { uuid: format!("uuid of {email} at {seconds}"), email: email.to_owned(), role };
    commit(bench.store, effect, bench.permit(&bench.admin), seconds).await.map(|done| done.member)
}

async fn change<S: IdentityStore>(bench: &Bench<'_, S>, user: UserId, role: Role) -> Result<bool, Denial> {
    let effect = ChangeRole { user: Some(user), as_sent: user.to_string(), role };
    commit(bench.store, effect, bench.permit(&bench.admin), 0).await.map(|done| done.now)
}

async fn dismiss<S: IdentityStore>(
    bench: &Bench<'_, S>,
    user: UserId,
    seconds: i64,
) -> Result<UserId, Denial> {
    let effect = Dismiss { user: Some(user), as_sent: user.to_string() };
    commit(bench.store, effect, bench.permit(&bench.admin), seconds).await.map(|done| done.user)
}

pub(super) async fn an_invitation_is_open_for_a_week_and_gives_no_right<S: IdentityStore>(
    bench: &Bench<'_, S>,
) {
    let invited = must("an invitation", invite(bench, "new@acme.example", Role::Editor, 0).await);
    assert!(invited.invited && invited.first_name.is_none(), "nothing is told of who has not come");
    let user = invited.user;
    assert_eq!(bench.store.directory().read().role(bench.account, user), None, "it gives no right");
    assert_eq!(team(bench, 0, 50, 0).await.last(), Some(&invited), "it is on the list");
    assert_eq!(team(bench, 0, 50, INVITATION_SECONDS - 1).await.len(), 3, "until its last second");
    assert_eq!(team(bench, 0, 50, INVITATION_SECONDS).await.len(), 2, "and no longer");
    let gone = Err(Denial::not_found("Team member", &user.to_string()));
    assert_eq!(dismiss(bench, user, INVITATION_SECONDS).await, gone, "one that ended is nobody's");
    let again = must("a new week", invite(bench, "new@acme.example", Role::Viewer, INVITATION_SECONDS).await);
    assert_eq!((again.user, again.role), (user, Role::Viewer), "the same person, as the new invitation says");
    assert!(
        must("a role", change(bench, user, Role::Admin).await),
        "the role that is offered can be changed"
    );
    assert_eq!(dismiss(bench, user, INVITATION_SECONDS).await, Ok(user), "and it can be taken back");
    assert_eq!(team(bench, 0, 50, INVITATION_SECONDS).await.len(), 2, "then it is gone");
    let user = must("once more", invite(bench, "new@acme.example", Role::Viewer, 0).await).user;
    let member = AddMember { account: bench.account, user, role: Role::Viewer };
    must("the operator makes it a member", commit(bench.store, member, operator(), 0).await);
    let listed = team(bench, 0, 50, 0).await;
    assert_eq!(
        listed.iter().filter(|member| member.user == user).count(),
        1,
        "who is a member is not invited too"
    );
    let twice = invite(bench, "new@acme.example", Role::Viewer, 0).await;
    assert!(matches!(twice, Err(Denial::Invalid(_))), "and is not invited again: {twice:?}");
}

/// A user of whom nothing but an address was ever known.
fn is_known<S: IdentityStore>(bench: &Bench<'_, S>, user: UserId, email: &str) -> (bool, bool) {
    let live = bench.store.directory().read();
    (live.user(user).is_some(), live.user_named(email).is_some())
}

pub(super) async fn a_stranger_whom_nobody_invites_any_more_is_forgotten<S: IdentityStore>(
    bench: &Bench<'_, S>,
) {
    let forget = async |seconds| {
        must("what is old goes", bench.store.forget(At::Fixed(at(seconds)), Retention::default()).await)
    };
    let email = "stranger@elsewhere.example";
    let first = must("an invitation", invite(bench, email, Role::Viewer, 0).await).user;
    assert_eq!(forget(0).await, 0, "an invitation that is open keeps its user");
    must("it is taken back", dismiss(bench, first, 0).await);
    assert_eq!(is_known(bench, first, email), (false, false), "and nothing of the stranger stays");
    let second = must("invited again", invite(bench, email, Role::Viewer, 0).await).user;
    assert_ne!(first, second, "an id is never used again");
    let ended = INVITATION_SECONDS + 31 * 86_400;
    // A round takes the invitation, and perhaps the next one its user.
    assert!(forget(ended).await > 0, "nor of one who did not come");
    forget(ended).await;
    forget(ended).await;
    assert_eq!(is_known(bench, second, email), (false, false), "for a month");
    let known = [bench.admin.key.user, bench.viewer.key.user];
    assert!(known.iter().all(|user| bench.store.directory().read().user(*user).is_some()), "members stay");
}

pub(super) async fn a_former_member_is_not_forgotten<S: IdentityStore>(bench: &Bench<'_, S>) {
    let user = bench.viewer.key.user;
    must("a member is dismissed", dismiss(bench, user, 0).await);
    must("a round", bench.store.forget(At::Fixed(at(0)), Retention::default()).await);
    assert!(bench.store.directory().read().user(user).is_some(), "its deeds stand in the audit trail");
}

pub(super) async fn an_address_that_was_only_invited_stays_free<S: IdentityStore>(bench: &Bench<'_, S>) {
    let invited = must("an invitation", invite(bench, "sam@other.example", Role::Viewer, 0).await);
    let person = |first_name: &str| CreateUser {
        uuid: first_name.to_owned(),
        email: "sam@other.example".to_owned(),
        first_name: first_name.to_owned(),
        last_name: String::new(),
        title: None,
        password_hash: Some(Secret::new("a hash".to_owned())),
    };
    let user = must("the person whose it is", commit(bench.store, person("Sam"), operator(), 0).await);
    assert_eq!(user, invited.user, "is that one");
    let known = bench.store.directory().read().user(user).map(|user| user.first_name.clone());
    assert_eq!(known.as_deref(), Some("Sam"), "and known by name at once");
    assert_eq!(team(bench, 0, 50, 0).await.len(), 3, "the invitation is still open");
    let taken = commit(bench.store, person("Another"), operator(), 0).await;
    assert!(matches!(taken, Err(Denial::Invalid(_))), "and now it is taken: {taken:?}");
}

pub(super) async fn invitations_are_bounded<S: IdentityStore>(bench: &Bench<'_, S>) {
    for number in 0..MAX_INVITATIONS {
        must("one of many", invite(bench, &format!("{number}@acme.example"), Role::Viewer, 0).await);
    }
    let more = invite(bench, "more@acme.example", Role::Viewer, 0).await;
    assert!(matches!(more, Err(Denial::Invalid(_))), "there is no room: {more:?}");
    must("but for a new week", invite(bench, "0@acme.example", Role::Viewer, 0).await);
    must(
        "and when theirs is over",
        invite(bench, "more@acme.example", Role::Viewer, INVITATION_SECONDS).await,
    );
}

pub(super) async fn an_account_keeps_an_active_admin<S: IdentityStore>(bench: &Bench<'_, S>) {
    let (admin, viewer) = (bench.admin.key.user, bench.viewer.key.user);
    let is_kept = |outcome: &Result<bool, Denial>| matches!(outcome, Err(Denial::Invalid(_)));
    assert!(is_kept(&change(bench, admin, Role::Viewer).await), "the last one is not demoted");
    assert!(is_kept(&dismiss(bench, admin, 0).await.map(|_| true)), "nor taken away");
    must("an invited admin", invite(bench, "new@acme.example", Role::Admin, 0).await);
    assert!(is_kept(&change(bench, admin, Role::Viewer).await), "one who is only invited does not count");
    assert_eq!(change(bench, viewer, Role::Admin).await, Ok(true), "a second one");
    let disabled = |disabled| commit(bench.store, SetUserDisabled { user: viewer, disabled }, operator(), 0);
    must("it is disabled", disabled(true).await);
    assert!(is_kept(&change(bench, admin, Role::Viewer).await), "and does not count then");
    must("and enabled", disabled(false).await);
    assert_eq!(change(bench, viewer, Role::Admin).await, Ok(false), "again changes nothing");
    assert_eq!(dismiss(bench, admin, 0).await, Ok(admin), "now the first may go");
    assert_eq!(bench.admit(&bench.admin.secret, 0).err(), Some(Denial::KeyRevoked), "with its keys");
}

pub(super) async fn a_team_is_shown_page_by_page<S: IdentityStore>(bench: &Bench<'_, S>) {
    let ids = |page: Vec<TeamMember>| page.into_iter().map(|member| member.user).collect::<Vec<_>>();
    let (admin, viewer) = (bench.admin.key.user, bench.viewer.key.user);
    assert_eq!(ids(team(bench, 0, 1, 0).await), [admin]);
    assert_eq!(ids(team(bench, admin.0, 1, 0).await), [viewer]);
}

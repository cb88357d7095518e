//! The account that a user's client has chosen: one choice for each user, issuer and client, and one for each grant.

use super::people::{self, account, bearer, consents, member, signs_in, token, with_password};
use crate::contract::{Bench, IdentityStore, commit, must};
use keyward_core::denial::Denial;
use keyward_core::id::{AccountId, UserId};
use keyward_core::jwt::Verified;
use keyward_core::permit::{Permit, ReadAccount, check, operator};
use keyward_core::role::Role;
use keyward_core::write::active_account::{AccountChosen, ChooseAccount};
use keyward_core::write::disabling::SetAccountDisabled;
use keyward_core::write::erasing::EraseUser;
use keyward_core::write::identity::LinkIdentity;
use keyward_core::write::member::{AddMember, RemoveMember};
use std::sync::Arc;

/// So many choices of one user are kept.
const KEPT: usize = 100;

async fn links<S: IdentityStore>(bench: &Bench<'_, S>, user: UserId, token: &Verified) {
    let (issuer, subject) = (token.issuer.to_string(), token.subject.to_string());
    let effect = LinkIdentity { user, issuer, subject, linked: true };
    must("a link", commit(bench.store, effect, operator(), 0).await);
}

/// The admin is an editor of another account too, and a token of its is taken.
async fn of_two_accounts<S: IdentityStore>(bench: &Bench<'_, S>) -> (AccountId, Arc<Verified>) {
    let other = account(bench, "other").await;
    member(bench, (other, bench.admin.key.user), Role::Editor).await;
    let token = token(|_| {});
    links(bench, bench.admin.key.user, &token).await;
    (other, token)
}

/// The same token, but for this.
fn with(token: &Arc<Verified>, edit: impl FnOnce(&mut Verified)) -> Arc<Verified> {
    let mut token = (**token).clone();
    edit(&mut token);
    Arc::new(token)
}

async fn choose_by<S: IdentityStore>(
    bench: &Bench<'_, S>,
    permit: Permit<ReadAccount>,
    slug: &str,
) -> Result<AccountChosen, Denial> {
    commit(bench.store, ChooseAccount { slug: slug.to_owned() }, permit, 1).await
}

/// Chooses by a token; whether another account was chosen before.
async fn choose<S: IdentityStore>(
    bench: &Bench<'_, S>,
    token: &Arc<Verified>,
    slug: &str,
) -> Result<bool, Denial> {
    let who = must("it is admitted", bearer(bench, token, false));
    let chosen = choose_by(bench, must("a permit", check(who.clone())), slug).await?;
    assert_eq!((chosen.user, chosen.account.slug.as_str()), (who.user, slug), "what was asked for");
    Ok(chosen.now)
}

/// The account that a token acts in where nothing names one.
fn acts_in<S: IdentityStore>(bench: &Bench<'_, S>, token: &Arc<Verified>) -> Result<AccountId, Denial> {
    let member = bearer(bench, token, true)?.member;
    Ok(must("it is in an account", member.ok_or("in none")).account)
}

/// Against a store that keeps one choice for each user, for each client of whatever issuer, or for each client of whatever user.
pub(in crate::contract) async fn an_account_is_chosen_for_one_user_by_one_client_of_one_issuer<
    S: IdentityStore,
>(
    bench: &Bench<'_, S>,
) {
    let (other, app) = of_two_accounts(bench).await;
    let second = with(&app, |token| token.client = Some("another app".into()));
    let elsewhere = with(&app, |token| token.issuer = "https://elsewhere.example/".into());
    links(bench, bench.admin.key.user, &elsewhere).await;
    let viewer = with(&app, |token| token.subject = "viewer".into());
    links(bench, bench.viewer.key.user, &viewer).await;
    member(bench, (other, bench.viewer.key.user), Role::Viewer).await;
    for token in [&app, &second, &elsewhere, &viewer] {
        assert_eq!(acts_in(bench, token), Err(Denial::AccountRequired), "of two none is chosen");
    }
    assert!(must("it chooses", choose(bench, &app, "other").await), "it is new");
    assert!(!must("and again", choose(bench, &app, "other").await), "which changes nothing");
    assert_eq!(acts_in(bench, &app), Ok(other), "it acts there from now on");
    for token in [&second, &elsewhere, &viewer] {
        assert_eq!(acts_in(bench, token), Err(Denial::AccountRequired), "nobody else does");
    }
    let tokens = [(&second, "acme"), (&elsewhere, "acme"), (&viewer, "other")];
    for (token, slug) in tokens {
        assert!(must("it chooses too", choose(bench, token, slug).await), "a choice of its own");
    }
    let acme = bench.account;
    assert_eq!(
        [&app, &second, &elsewhere, &viewer].map(|token| acts_in(bench, token)),
        [Ok(other), Ok(acme), Ok(acme), Ok(other)]
    );
    assert!(must("it chooses back", choose(bench, &app, "acme").await), "the last choice is the one");
    assert_eq!((acts_in(bench, &app), acts_in(bench, &viewer)), (Ok(acme), Ok(other)), "and its own alone");
}

/// Against a store that looks at the account alone, or at the membership alone.
pub(in crate::contract) async fn an_account_is_chosen_only_where_one_is_a_member_and_it_is_open<
    S: IdentityStore,
>(
    bench: &Bench<'_, S>,
) {
    let (other, app) = of_two_accounts(bench).await;
    account(bench, "foreign").await;
    let shut = account(bench, "shut").await;
    member(bench, (shut, bench.admin.key.user), Role::Admin).await;
    let close = SetAccountDisabled { account: shut, disabled: true };
    must("an account is shut", commit(bench.store, close, operator(), 0).await);
    must("it chooses", choose(bench, &app, "other").await);
    let absent = |slug: &str| Some(Denial::not_found_by("Account", "slug", slug));
    for slug in ["foreign", "shut", "absent", "OTHER", ""] {
        assert_eq!(choose(bench, &app, slug).await.err(), absent(slug), "{slug} is none of its own");
    }
    let confined = with(&app, |token| token.accounts = ["acme".to_owned()].into());
    assert_eq!(choose(bench, &confined, "other").await.err(), absent("other"), "nor beyond its issuer");
    let nameless = with(&app, |token| token.client = None);
    let refused = choose(bench, &nameless, "acme").await;
    assert!(matches!(refused, Err(Denial::Invalid(_))), "without a client nothing: {refused:?}");
    assert_eq!(acts_in(bench, &app), Ok(other), "the choice before is as it was");
}

/// Against a store by which a key leaves its account.
pub(in crate::contract) async fn a_key_stays_in_the_account_that_it_is_bound_to<S: IdentityStore>(
    bench: &Bench<'_, S>,
) {
    let (_, app) = of_two_accounts(bench).await;
    let chosen = choose_by(bench, bench.permit(&bench.admin), "acme").await;
    assert!(!must("its own", chosen).now, "is what it has");
    let refused = choose_by(bench, bench.permit(&bench.admin), "other").await.err();
    assert_eq!(refused, Some(Denial::AccountForeign), "no other, also where its user is a member");
    let refused = choose_by(bench, bench.permit(&bench.viewer), "other").await.err();
    assert_eq!(refused, Some(Denial::not_found_by("Account", "slug", "other")), "nor where it is not");
    let by_key = must("it lives", bench.admit(&bench.admin.secret, 1));
    let member = keyward_core::principal::Principal::of(by_key).member;
    assert_eq!(member.map(|member| member.account), Some(bench.account), "it is where it was");
    assert_eq!(acts_in(bench, &app), Err(Denial::AccountRequired), "and a key chooses for no token");
}

/// Against a store that takes the choice away with the place: the next request would act in an account that nobody chose.
pub(in crate::contract) async fn a_choice_outlives_the_place_and_opens_nothing_without_it<
    S: IdentityStore,
>(
    bench: &Bench<'_, S>,
) {
    let (other, app) = of_two_accounts(bench).await;
    must("it chooses", choose(bench, &app, "other").await);
    let (account, user) = (other, bench.admin.key.user);
    must("its place is gone", commit(bench.store, RemoveMember { account, user }, operator(), 1).await);
    assert_eq!(acts_in(bench, &app), Err(Denial::AccountForeign), "it acts nowhere, also not in the other");
    let back = AddMember { account, user, role: Role::Viewer };
    must("it comes back", commit(bench.store, back, operator(), 1).await);
    assert_eq!(acts_in(bench, &app), Ok(other), "what its client had chosen still is");
    must("it can leave", choose(bench, &app, "acme").await);
    assert_eq!(acts_in(bench, &app), Ok(bench.account), "for the other one");
    must("a user is erased", commit(bench.store, EraseUser { user }, operator(), 1).await);
    let next = people::user(bench, "admin").await;
    links(bench, next, &app).await;
    for place in [bench.account, other] {
        member(bench, (place, next), Role::Viewer).await;
    }
    assert_eq!(
        acts_in(bench, &app),
        Err(Denial::AccountRequired),
        "the next one of that subject chose nothing"
    );
}

/// Against a store that moves every grant of the client, or one that is for one account alone.
pub(in crate::contract) async fn a_grant_for_one_account_is_moved_to_no_other<S: IdentityStore>(
    bench: &Bench<'_, S>,
) {
    let (other, _) = of_two_accounts(bench).await;
    let hash = with_password(bench).await;
    signs_in(bench, &hash, "a session", 0).await;
    let acme = bench.account;
    let bound = consents(bench, ("a session", "app", 0), (Some(acme), true)).await;
    let free = consents(bench, ("a session", "app", 0), (None, false)).await;
    let third = consents(bench, ("a session", "app", 1), (None, false)).await;
    let [of_bound, of_free, of_third] =
        [bound, free, third].map(|id| token(|token| token.grant_id = Some(id)));
    assert_eq!(choose(bench, &of_bound, "acme").await, Ok(false), "it is there");
    let refused = choose(bench, &of_bound, "other").await.err();
    assert_eq!(refused, Some(Denial::not_found_by("Account", "slug", "other")), "and stays there");
    assert_eq!(choose(bench, &of_free, "other").await, Ok(true), "one that is for all is moved");
    assert_eq!(choose(bench, &of_free, "other").await, Ok(false), "once");
    assert_eq!(acts_in(bench, &of_bound), Ok(acme), "the first is where it was");
    assert_eq!(acts_in(bench, &of_free), Ok(other), "the second is where it was moved to");
    assert_eq!(acts_in(bench, &of_third), Err(Denial::AccountRequired), "and the third has chosen nothing");
}

/// Against a store that keeps every choice, or that bounds those of all users together: an issuer can give its client a new name each
/// time.
pub(in crate::contract) async fn a_hundred_choices_of_a_user_are_kept_and_the_oldest_goes_first<
    S: IdentityStore,
>(
    bench: &Bench<'_, S>,
) {
    let (other, app) = of_two_accounts(bench).await;
    let viewer = with(&app, |token| token.subject = "viewer".into());
    links(bench, bench.viewer.key.user, &viewer).await;
    member(bench, (other, bench.viewer.key.user), Role::Viewer).await;
    must("another user chooses first", choose(bench, &viewer, "acme").await);
    let named = |number: usize| with(&app, |token| token.client = Some(format!("client {number}").into()));
    for number in 0..=KEPT {
        let who = must("it is admitted", bearer(bench, &named(number), false));
        let permit: Permit<ReadAccount> = must("a permit", check(who));
        let (effect, seconds) =
            (ChooseAccount { slug: "other".to_owned() }, i64::try_from(number).unwrap_or(0));
        must("a choice", commit(bench.store, effect, permit, seconds + 1).await);
    }
    assert_eq!(acts_in(bench, &named(0)), Err(Denial::AccountRequired), "the oldest is forgotten");
    for number in 1..=KEPT {
        assert_eq!(acts_in(bench, &named(number)), Ok(other), "and no other: {number}");
    }
    assert_eq!(acts_in(bench, &viewer), Ok(bench.account), "another user's is another's");
}

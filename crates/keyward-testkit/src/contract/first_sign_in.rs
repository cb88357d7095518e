//! The rules of a subject's first sign-in: whose it becomes by an address that its issuer has verified, and which invitation that
//! accepts. What an issuer may say of whom is decided by `Addressee::claimed_by`; here a store must ask it the right things.

use super::accounts::people::{account, member, token, user};
use super::accounts::{accept, shown, shows};
use super::{Bench, IdentityStore, at, commit, must};
use keyward_core::clock::At;
use keyward_core::denial::Denial;
use keyward_core::effect::{Context, Ended};
use keyward_core::id::{AccountId, UserId};
use keyward_core::identity::IssuerAccounts;
use keyward_core::jwt::{Link, Rules};
use keyward_core::permit::{operator, sign_in};
use keyward_core::role::Role;
use keyward_core::team::INVITATION_SECONDS;
use keyward_core::write::disabling::{SetAccountDisabled, SetUserDisabled};
use keyward_core::write::erasing::EraseUser;
use keyward_core::write::identity::{LinkByEmail, LinkedByEmail};
use keyward_core::write::invitation::InviteByOperator;
use keyward_core::write::team::Dismiss;
use std::sync::Arc;
use uuid::Uuid;

/// Speaks for all accounts.
const OF_ALL: &str = "https://id.example/";
/// Speaks for the account `acme` alone.
const OF_ACME: &str = "https://id.acme.example/";
/// Speaks for the account `other` alone.
const OF_OTHER: &str = "https://id.other.example/";

/// The issuers that are trusted, and what each speaks for.
fn issuers() -> IssuerAccounts {
    let of = |issuer: &str, accounts: Arc<[String]>| Rules {
        issuer: issuer.to_owned(),
        accounts,
        ..super::accounts::people::rules()
    };
    IssuerAccounts::of(&[
        of(OF_ALL, Arc::default()),
        of(OF_ACME, ["acme".to_owned()].into()),
        of(OF_OTHER, ["other".to_owned()].into()),
    ])
}

/// What a token does whose issuer says that this subject has this address.
fn claim(issuer: &str, subject: &str, name: &str, link: Link) -> LinkByEmail {
    let accounts: Arc<[String]> = match issuer {
        OF_ACME => ["acme".to_owned()].into(),
        OF_OTHER => ["other".to_owned()].into(),
        _ => Arc::default(),
    };
    let email = format!("{name}@acme.example").into();
    LinkByEmail { issuer: issuer.into(), subject: subject.into(), email, link, accounts, issuers: issuers() }
}

async fn claims_at<S: IdentityStore>(
    bench: &Bench<'_, S>,
    effect: LinkByEmail,
    seconds: i64,
) -> Result<LinkedByEmail, Denial> {
    let named = (Arc::clone(&effect.issuer), Arc::clone(&effect.subject));
    let before = whose(bench, &named.0, &named.1);
    let done = commit(bench.store, effect, sign_in(&token(|_| {})), seconds).await;
    match &done {
        Ok(done) => {
            let of = (Arc::clone(&done.identity.issuer), Arc::clone(&done.identity.subject));
            assert_eq!(of, named, "the subject of the token is linked");
            assert_eq!(whose(bench, &named.0, &named.1), Some(done.identity.user), "it holds at once");
        }
        Err(_) => assert_eq!(whose(bench, &named.0, &named.1), before, "a refusal links nobody"),
    }
    done
}

/// The user, the account that was joined, and whether it is new.
async fn claims<S: IdentityStore>(
    bench: &Bench<'_, S>,
    effect: LinkByEmail,
) -> Result<(UserId, Option<AccountId>, bool), Denial> {
    let done = claims_at(bench, effect, 1).await?;
    Ok((done.identity.user, done.joined, done.now))
}

/// Whose a subject is.
fn whose<S: IdentityStore>(bench: &Bench<'_, S>, issuer: &str, subject: &str) -> Option<UserId> {
    bench.store.directory().read().identity(issuer, subject).map(|identity| identity.user)
}

/// The operator invites somebody; who.
async fn invite<S: IdentityStore>(
    bench: &Bench<'_, S>,
    account: AccountId,
    (name, role): (&str, Role),
) -> UserId {
    let (uuid, email) = (format!("uuid of {name}"), format!("{name}@acme.example"));
    let effect = InviteByOperator { uuid, email, account, role };
    must("an invitation", commit(bench.store, effect, operator(), 0).await).0
}

/// Where a user is, and where it is invited to.
async fn places<S: IdentityStore>(bench: &Bench<'_, S>, user: UserId) -> (Vec<String>, Vec<String>) {
    let details = must("details", bench.store.user_details(user, at(1)).await);
    let details = must("there is such a user", details.ok_or("none"));
    let known: Vec<(String, Role)> = {
        let live = bench.store.directory().read();
        live.accounts_of(user).map(|(account, role)| (account.slug.clone(), role)).collect()
    };
    let written: Vec<_> = known.iter().map(|(slug, role)| (slug.clone(), role.name().to_owned())).collect();
    assert_eq!(details.accounts, written, "a place that is known is written");
    let slugs = |pairs: Vec<(String, String)>| pairs.into_iter().map(|(slug, _)| slug).collect();
    (slugs(details.accounts), slugs(details.invitations))
}

/// Against a store that links a subject again, gives a user a second one of the same issuer, or takes a subject from its user.
pub(super) async fn a_verified_address_makes_a_subject_its_users_once<S: IdentityStore>(
    bench: &Bench<'_, S>,
) {
    let (admin, viewer) = (bench.admin.key.user, bench.viewer.key.user);
    let by = |issuer: &str, subject: &str, name: &str| claim(issuer, subject, name, Link::VerifiedEmail);
    let linked = |user, now| Ok((user, None, now));
    assert_eq!(claims(bench, by(OF_ALL, "one", "admin")).await, linked(admin, true), "it is linked");
    assert_eq!(claims(bench, by(OF_ALL, "one", "admin")).await, linked(admin, false), "once");
    let refused = Err(Denial::TokenUnlinked);
    let second = claims(bench, by(OF_ALL, "two", "admin")).await;
    assert_eq!(second, refused, "an issuer has one subject for a user");
    let moved = claims(bench, by(OF_ALL, "one", "viewer")).await;
    assert_eq!(moved, refused, "a subject stays its user's, whatever address it has next");
    assert_eq!(whose(bench, OF_ALL, "one"), Some(admin), "and no refusal changed it");
    assert_eq!(claims(bench, by(OF_ALL, "three", "viewer")).await, linked(viewer, true), "its own subject");
    let elsewhere = claims(bench, by(OF_ACME, "one", "viewer")).await;
    assert_eq!(elsewhere, linked(viewer, true), "another issuer's subject of the same name is another");
    let details = must("details", bench.store.user_details(viewer, at(1)).await);
    let pair = |issuer: &str, subject: &str| (issuer.to_owned(), subject.to_owned());
    let written = details.map(|details| details.identities);
    assert_eq!(written, Some(vec![pair(OF_ALL, "three"), pair(OF_ACME, "one")]), "each is written");
    assert_eq!(places(bench, admin).await, (vec!["acme".to_owned()], Vec::new()), "nobody's place changed");
}

/// Against a store that links who is disabled, or whose refusal tells such a user from nobody.
pub(super) async fn an_address_of_nobody_who_is_active_links_nobody<S: IdentityStore>(bench: &Bench<'_, S>) {
    let viewer = bench.viewer.key.user;
    let claim = |name: &str| claim(OF_ALL, "one", name, Link::VerifiedEmail);
    let disable = async |disabled| {
        let effect = SetUserDisabled { user: viewer, disabled };
        must("a user is disabled or enabled", commit(bench.store, effect, operator(), 0).await);
    };
    let refused = Err(Denial::TokenUnlinked);
    assert_eq!(claims(bench, claim("nobody")).await, refused, "nobody has it");
    disable(true).await;
    assert_eq!(claims(bench, claim("viewer")).await, refused, "who is disabled counts as nobody");
    disable(false).await;
    assert_eq!(claims(bench, claim("viewer")).await, Ok((viewer, None, true)), "until it is enabled");
    disable(true).await;
    assert_eq!(claims(bench, claim("viewer")).await, refused, "also where it is linked");
    must("a user is erased", commit(bench.store, EraseUser { user: viewer }, operator(), 0).await);
    for name in ["viewer", &format!("erased-{viewer}")] {
        assert_eq!(claims(bench, claim(name)).await, refused, "who is erased is nobody: {name}");
    }
    assert_eq!(whose(bench, OF_ALL, "one"), None, "the subject is free");
    let next = user(bench, "viewer").await;
    assert_eq!(claims(bench, claim("viewer")).await, Ok((next, None, true)), "for the next one");
}

/// Against a store that gives another role than the one that was offered, leaves the invitation open, or judges one that is over.
pub(super) async fn by_invitation_a_stranger_joins_while_the_invitation_is_open<S: IdentityStore>(
    bench: &Bench<'_, S>,
) {
    let acme = bench.account;
    let claim = |name: &str| claim(OF_ALL, name, name, Link::Invitation);
    let new = invite(bench, acme, ("new", Role::Editor)).await;
    assert_eq!(claims(bench, claim("new")).await, Ok((new, Some(acme), true)), "it is linked, and joins");
    let role = bench.store.directory().read().role(acme, new);
    assert_eq!(role, Some(Role::Editor), "with the role that was offered");
    assert_eq!(places(bench, new).await, (vec!["acme".to_owned()], Vec::new()), "the invitation is used up");
    assert_eq!(claims(bench, claim("new")).await, Ok((new, None, false)), "once");

    let refused = Some(Denial::TokenUnlinked);
    let late = invite(bench, acme, ("late", Role::Viewer)).await;
    let over = claims_at(bench, claim("late"), INVITATION_SECONDS).await;
    assert_eq!(over.err(), refused, "a week is over to the second");
    let last = claims_at(bench, claim("late"), INVITATION_SECONDS - 1).await;
    assert_eq!(must("its last second", last).joined, Some(acme), "until then it is open");
    assert_eq!(bench.store.directory().read().role(acme, late), Some(Role::Viewer));

    let gone = invite(bench, acme, ("gone", Role::Viewer)).await;
    let dismiss = Dismiss { user: Some(gone), as_sent: gone.to_string() };
    must("it is taken back", commit(bench.store, dismiss, bench.permit(&bench.admin), 0).await);
    assert_eq!(claims(bench, claim("gone")).await.err(), refused, "what was taken back lets nobody in");
    user(bench, "uninvited").await;
    for name in ["uninvited", "viewer"] {
        assert_eq!(
            claims(bench, claim(name)).await.err(),
            refused,
            "who is not invited stays outside: {name}"
        );
    }
}

/// Against a store that does not look at the account of an invitation.
pub(super) async fn an_invitation_into_an_account_that_is_disabled_waits<S: IdentityStore>(
    bench: &Bench<'_, S>,
) {
    let account = bench.account;
    let claim = || claim(OF_ALL, "new", "new", Link::Invitation);
    let new = invite(bench, account, ("new", Role::Editor)).await;
    let disable = async |disabled| {
        let effect = SetAccountDisabled { account, disabled };
        must("an account is disabled or enabled", commit(bench.store, effect, operator(), 0).await);
    };
    disable(true).await;
    assert_eq!(claims(bench, claim()).await, Err(Denial::TokenUnlinked), "it cannot be entered");
    assert_eq!(bench.store.directory().read().role(account, new), None, "and is not");
    disable(false).await;
    assert_eq!(claims(bench, claim()).await, Ok((new, Some(account), true)), "until it is enabled");
}

/// Against a store that accepts the first invitation, or all: another inviter would choose for the person.
pub(super) async fn of_several_open_invitations_none_is_accepted<S: IdentityStore>(bench: &Bench<'_, S>) {
    let (acme, other) = (bench.account, account(bench, "other").await);
    let new = invite(bench, acme, ("new", Role::Editor)).await;
    invite(bench, other, ("new", Role::Viewer)).await;
    let claim = || claim(OF_ALL, "new", "new", Link::Invitation);
    assert_eq!(claims(bench, claim()).await, Ok((new, None, true)), "it is linked, and joins none");
    assert_eq!(claims(bench, claim()).await, Ok((new, None, false)), "nor the second time");
    let both = vec!["acme".to_owned(), "other".to_owned()];
    assert_eq!(places(bench, new).await, (Vec::new(), both), "both stay open");
    let dismiss = Dismiss { user: Some(new), as_sent: new.to_string() };
    must("one is taken back", commit(bench.store, dismiss, bench.permit(&bench.admin), 0).await);
    assert_eq!(claims(bench, claim()).await, Ok((new, Some(other), true)), "the one that is left is its own");
    assert_eq!(bench.store.directory().read().role(other, new), Some(Role::Viewer), "with its role");
}

/// Against a store that does not look where the user is already, or at what it is linked to.
pub(super) async fn who_is_somebody_already_is_moved_into_no_account<S: IdentityStore>(bench: &Bench<'_, S>) {
    let other = account(bench, "other").await;
    let viewer = bench.viewer.key.user;
    invite(bench, other, ("viewer", Role::Admin)).await;
    let stays = (vec!["acme".to_owned()], vec!["other".to_owned()]);
    let by_invitation = claims(bench, claim(OF_ALL, "one", "viewer", Link::Invitation)).await;
    assert_eq!(by_invitation, Err(Denial::TokenUnlinked), "an invitation hands no member over");
    let by_address = claims(bench, claim(OF_ALL, "one", "viewer", Link::VerifiedEmail)).await;
    assert_eq!(by_address, Ok((viewer, None, true)), "its address makes it known, and moves it nowhere");
    assert_eq!(places(bench, viewer).await, stays, "the invitation waits for the person's own word");
    let again = claims(bench, claim(OF_ALL, "one", "viewer", Link::VerifiedEmail)).await;
    assert_eq!(again, Ok((viewer, None, false)), "also the second time");
    assert_eq!(places(bench, viewer).await, stays);

    let new = user(bench, "new").await;
    must("linked", claims(bench, claim(OF_ALL, "new", "new", Link::VerifiedEmail)).await);
    invite(bench, other, ("new", Role::Viewer)).await;
    let elsewhere = claims(bench, claim("https://gone.example/", "new", "new", Link::Invitation)).await;
    assert_eq!(elsewhere, Err(Denial::TokenUnlinked), "nor does it hand over who has a subject elsewhere");
    let own = claims(bench, claim(OF_ALL, "new", "new", Link::Invitation)).await;
    assert_eq!(own, Ok((new, Some(other), true)), "by its own subject it comes");
}

/// Against a store that does not ask for the slugs of the accounts, or takes those of all users for one's own.
pub(super) async fn an_issuer_that_speaks_for_one_account_links_its_people_alone<S: IdentityStore>(
    bench: &Bench<'_, S>,
) {
    let (acme, other) = (bench.account, account(bench, "other").await);
    let outside = user(bench, "outside").await;
    member(bench, (other, outside), Role::Viewer).await;
    user(bench, "known").await;
    invite(bench, acme, ("known", Role::Viewer)).await;
    invite(bench, acme, ("outside", Role::Viewer)).await;
    let stranger = invite(bench, acme, ("stranger", Role::Editor)).await;
    invite(bench, other, ("stranger", Role::Admin)).await;
    invite(bench, other, ("elsewhere", Role::Viewer)).await;
    let claims = async |name: &str, link| claims(bench, claim(OF_ACME, name, name, link)).await;
    let refused = Err(Denial::TokenUnlinked);
    for (name, why) in [
        ("outside", "a member of another account, also if it is invited"),
        ("known", "who is known, and in none of its accounts"),
        ("elsewhere", "who is invited elsewhere"),
        ("nobody", "an address that nobody has"),
    ] {
        for link in [Link::VerifiedEmail, Link::Invitation] {
            assert_eq!(claims(name, link).await, refused, "{why}");
        }
    }
    let viewer = bench.viewer.key.user;
    assert_eq!(claims("viewer", Link::Invitation).await, refused, "a member is not invited");
    assert_eq!(claims("viewer", Link::VerifiedEmail).await, Ok((viewer, None, true)), "but is its own");
    let joined = claims("stranger", Link::Invitation).await;
    assert_eq!(joined, Ok((stranger, Some(acme), true)), "of two invitations one is its own");
    let places = places(bench, stranger).await;
    assert_eq!(places, (vec!["acme".to_owned()], vec!["other".to_owned()]), "the other stays open");
}

/// Against a store that asks for one issuer's subjects alone: no tenant takes an address that is another's by saying it first.
pub(super) async fn what_one_tenants_issuer_has_said_keeps_nobody_from_another_account<S: IdentityStore>(
    bench: &Bench<'_, S>,
) {
    let (acme, other) = (bench.account, account(bench, "other").await);
    let bob = invite(bench, other, ("bob", Role::Admin)).await;
    let taken = claims(bench, claim(OF_OTHER, "taken", "bob", Link::Invitation)).await;
    assert_eq!(taken, Ok((bob, Some(other), true)), "the other account's issuer says that it is bob");
    let real = || claim(OF_ACME, "bob", "bob", Link::Invitation);
    assert_eq!(claims(bench, real()).await, Err(Denial::TokenUnlinked), "nobody of acme has invited him");
    invite(bench, acme, ("bob", Role::Editor)).await;
    assert_eq!(claims(bench, real()).await, Ok((bob, Some(acme), true)), "and then he comes");
    let both = vec!["acme".to_owned(), "other".to_owned()];
    assert_eq!(places(bench, bob).await, (both, Vec::new()), "each account has what its issuer says");
    // What an issuer says that speaks for all accounts counts in all.
    let carol = invite(bench, other, ("carol", Role::Viewer)).await;
    let first = claims(bench, claim(OF_ALL, "carol", "carol", Link::Invitation)).await;
    assert_eq!(first, Ok((carol, Some(other), true)));
    invite(bench, acme, ("carol", Role::Viewer)).await;
    let second = claims(bench, claim(OF_ACME, "attacker", "carol", Link::Invitation)).await;
    assert_eq!(second, Err(Denial::TokenUnlinked), "so a second invitation hands nobody over");
}

/// Against a store that does not ask whether ends can be judged: an invitation that is over would be open.
pub(super) async fn while_the_clock_is_behind_nobody_is_linked<S: IdentityStore>(bench: &Bench<'_, S>) {
    let new = invite(bench, bench.account, ("new", Role::Editor)).await;
    let claims = async || {
        let effect = claim(OF_ALL, "new", "new", Link::Invitation);
        let context = Context { request_id: Uuid::nil(), address: None, origin_app: "contract".to_owned() };
        let permit = sign_in(&token(|_| {}));
        must("a commit works", bench.store.commit(effect, permit, context, None, At::Store).await)
    };
    let right = shown(bench);
    shows(bench, right + 3_600);
    let Ended::Refused(denial) = claims().await else { panic!("an hour is not known to have passed") };
    assert_eq!(denial, Denial::ClockBehind, "it is to come again");
    assert_eq!(whose(bench, OF_ALL, "new"), None, "nobody is linked");
    accept(bench, at(right)).await;
    let Ended::Done(done, _) = claims().await else { panic!("the clock is right") };
    assert_eq!((done.identity.user, done.joined), (new, Some(bench.account)), "and then it is");
}

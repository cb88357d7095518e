//! The rules of signing in: passwords and links, browsers, consent, codes, refresh tokens, and what ends them.

mod at_once;
mod refreshing;
mod registering;
mod steps;

pub(super) use at_once::*;
pub(super) use refreshing::*;
pub(super) use registering::*;

use super::{Bench, IdentityStore, at, commit, must};
use keyward_core::denial::{Denial, OAuthDenial};
use keyward_core::oauth::{Asked, Client, ClientOrigin, LONGEST_DAYS, Resources};
use keyward_core::opaque::TokenDigest;
use keyward_core::password;
use keyward_core::permit::{self, ManageSignIns, Permit, Presented as What, check, operator};
use keyward_core::principal::Principal;
use keyward_core::role::Role;
use keyward_core::secret::Secret;
use keyward_core::session::{
    INVITATION_LINK_SECONDS, LinkKind, RESET_LINK_SECONDS, SESSION_SECONDS, ShownInvitation,
};
use keyward_core::signing::SealedKey;
use keyward_core::tier::Tier;
use keyward_core::write::account::CreateAccount;
use keyward_core::write::client::DeleteClient;
use keyward_core::write::disabling::SetUserDisabled;
use keyward_core::write::grant::{CONSENT_SECONDS, Disconnect, Redeemed, RevokeGrant};
use keyward_core::write::invitation::{AcceptInvitation, InviteByOperator};
use keyward_core::write::member::{AddMember, RemoveMember};
use keyward_core::write::session::{EndSession, NoteFailedSignIns};
use keyward_core::write::signing_key::{AddSigningKey, RemoveSigningKey, ResealSigningKey};
use std::sync::Arc;
use steps::*;

pub(super) async fn a_session_is_begun_by_the_password_of_now<S: IdentityStore>(bench: &Bench<'_, S>) {
    let user = bench.admin.key.user;
    let (word, hash) = bench.with_password("correct horse battery").await;
    let kept = must("it is kept", bench.store.password_of("admin@acme.example".to_owned()).await);
    assert_eq!(kept, Some((user, hash.clone())), "what was chosen is what is kept");
    let proof = || must("it proves", password::verify(&word, Some((user, &hash))).ok_or("no"));
    must("a session begins", bench.start(proof(), "one", 0).await);
    must("and is admitted at once", bench.in_person("one", SESSION_SECONDS - 1));
    let over = bench.in_person("one", SESSION_SECONDS).err();
    assert_eq!(over, Some(Denial::SessionEnded), "for twelve hours to the second");
    let permit = must("it is there in person", bench.in_person_to_end("one", 1));
    must("it ends itself", commit(bench.store, EndSession, permit, 1).await);
    assert_eq!(bench.in_person("one", 1).err(), Some(Denial::SessionEnded), "and is dead at once");

    must("another begins", bench.start(proof(), "two", 0).await);
    let late = must("in person", bench.in_person_to_end("two", 1));
    let before = proof();
    bench.with_password("another horse battery").await;
    assert_eq!(bench.in_person("two", 1).err(), Some(Denial::SessionEnded), "a new password ends them all");
    let refused = commit(bench.store, EndSession, late, 1).await.err();
    assert_eq!(refused, Some(Denial::SessionEnded), "and what they had begun");
    let refused = bench.start(before, "three", 1).await.err();
    assert_eq!(refused, Some(Denial::PasswordWrong), "what the one before has proved proves nothing now");
    let disabled = SetUserDisabled { user, disabled: true };
    must("the user is disabled", commit(bench.store, disabled, operator(), 0).await);
    let kept = must("a look", bench.store.password_of("admin@acme.example".to_owned()).await);
    assert_eq!(kept, None, "and has no password that counts");
}

pub(super) async fn a_link_is_good_once_and_only_the_last_one<S: IdentityStore>(bench: &Bench<'_, S>) {
    let (user, hash) = (bench.admin.key.user, Secret::new("a hash".to_owned()));
    let known = async |token: &str, seconds| {
        must("a look", bench.store.link(TokenDigest::of(token), at(seconds)).await)
    };
    bench.link(user, LinkKind::Reset, "first", 0).await;
    bench.link(user, LinkKind::Invitation, "second", 0).await;
    let other = bench.viewer.key.user;
    bench.link(other, LinkKind::Reset, "the viewer's", 0).await;
    assert_eq!(known("first", 0).await, None, "another link ends the one before");
    assert_eq!(bench.choose("first", &hash, 0).await.err(), Some(Denial::LinkUnusable), "it opens nothing");
    assert_eq!(known("second", INVITATION_LINK_SECONDS - 1).await, Some((user, LinkKind::Invitation)));
    assert_eq!(known("second", INVITATION_LINK_SECONDS).await, None, "a week to the second");
    assert_eq!(known("the viewer's", RESET_LINK_SECONDS).await, None, "a reset's is good for a day");
    let late = bench.choose("the viewer's", &hash, RESET_LINK_SECONDS).await.err();
    assert_eq!(late, Some(Denial::LinkUnusable), "and not a second longer");
    must("it is used", bench.choose("second", &hash, 1).await);
    let again = bench.choose("second", &hash, 1).await.err();
    assert_eq!(again, Some(Denial::LinkUnusable), "and used up");
    assert_eq!(known("the viewer's", 0).await, Some((other, LinkKind::Reset)), "another's is not touched");
}

pub(super) async fn an_operators_invitation_is_accepted_by_its_link_or_in_person<S: IdentityStore>(
    bench: &Bench<'_, S>,
) {
    let invite = async |email: &str| {
        let (uuid, email) = (format!("uuid of {email}"), email.to_owned());
        let effect = InviteByOperator { uuid, email, account: bench.account, role: Role::Editor };
        commit(bench.store, effect, operator(), 0).await.map(|(user, ..)| user)
    };
    let role = |user| bench.store.directory().read().role(bench.account, user);
    let new = must("somebody is invited", invite("new@acme.example").await);
    assert_eq!(role(new), None, "which gives no right");
    let hash = Secret::new("a hash".to_owned());
    let shown = |role| ShownInvitation { account: bench.account, role };
    for (accept, what) in [(vec![], "not shown"), (vec![shown(Role::Viewer)], "shown with another role")] {
        bench.link(new, LinkKind::Invitation, what, 0).await;
        let joined = must("comes", bench.choose_and_accept(what, (&hash, &accept), 1).await);
        assert_eq!((joined, role(new)), (0, None), "what the person did not see is not accepted: {what}");
    }
    bench.link(new, LinkKind::Reset, "reset", 0).await;
    let joined = must("resets", bench.choose_and_accept("reset", (&hash, &[shown(Role::Editor)]), 1).await);
    assert_eq!((joined, role(new)), (0, None), "another kind of link accepts nothing");
    bench.link(new, LinkKind::Invitation, "come", 0).await;
    let joined = must("comes", bench.choose_and_accept("come", (&hash, &[shown(Role::Editor)]), 1).await);
    assert_eq!((joined, role(new)), (1, Some(Role::Editor)), "and is a member");
    let refused = invite("new@acme.example").await.err();
    assert!(matches!(refused, Some(Denial::Invalid(_))), "a member is not invited again");

    bench.signed_in().await;
    let other = CreateAccount {
        slug: "other".to_owned(),
        name: "Other".to_owned(),
        account_type: None,
        tier: Tier::Free,
    };
    let other = must("an account", commit(bench.store, other, operator(), 0).await);
    let accept_as = async |role| {
        let permit = must("in person", bench.in_person("session", 1));
        commit(bench.store, AcceptInvitation(ShownInvitation { account: other, role }), permit, 1).await
    };
    let accept = async || accept_as(Role::Viewer).await;
    assert!(matches!(accept().await, Err(Denial::NotFound { .. })), "nobody joins uninvited");
    let (uuid, email) = ("not used".to_owned(), "admin@acme.example".to_owned());
    let effect = InviteByOperator { uuid, email, account: other, role: Role::Viewer };
    let user = must("a known person", commit(bench.store, effect, operator(), 0).await).0;
    assert_eq!(user, bench.admin.key.user, "stays who it is");
    let wider = accept_as(Role::Admin).await;
    assert!(matches!(wider, Err(Denial::NotFound { .. })), "nor with a role that is not offered");
    must("accepts", accept().await);
    let known = bench.store.directory().read().role(other, user);
    assert_eq!(known, Some(Role::Viewer), "with the role that was offered");
    assert!(matches!(accept().await, Err(Denial::NotFound { .. })), "once");
}

pub(super) async fn consent_is_given_in_person_where_one_is_a_member_and_once_a_form<S: IdentityStore>(
    bench: &Bench<'_, S>,
) {
    bench.signed_in().await;
    let app = bench.registered("app").await;
    let id = must("consent is given", bench.consent(&app, 1, 0).await);
    let grant = must("it is known", bench.known(id).ok_or("not"));
    assert_eq!(grant.user, bench.admin.key.user);
    assert_eq!((grant.account, grant.bound, grant.openid), (Some(bench.account), true, true));
    assert_eq!(grant.scopes, Asked::usual().scopes, "as it was given");
    assert_eq!(bench.consent(&app, 1, 0).await.err(), Some(Denial::FormUnusable), "a form is answered once");
    let by_key: Result<Permit<ManageSignIns>, _> =
        check(Principal::of(must("a key", bench.admit(&bench.admin.secret, 0))));
    assert_eq!(by_key.err(), Some(Denial::InPersonOnly), "a key gives no consent");
    let member = RemoveMember { account: bench.account, user: bench.admin.key.user };
    // Another admin must be left.
    let role = keyward_core::write::member::SetRole {
        account: bench.account,
        user: bench.viewer.key.user,
        role: Role::Admin,
    };
    must("another admin", commit(bench.store, role, operator(), 0).await);
    must("the member is removed", commit(bench.store, member, operator(), 0).await);
    assert_eq!(bench.consent(&app, 2, 0).await.err(), Some(Denial::AccountForeign), "nor one from outside");
}

pub(super) async fn a_code_is_good_once_for_a_minute_and_only_for_its_client<S: IdentityStore>(
    bench: &Bench<'_, S>,
) {
    bench.signed_in().await;
    let app = bench.registered("app").await;
    let first = must("consent", bench.consent(&app, 1, 0).await);
    let unfit = [
        (bench.redeem(9, 0).await, OAuthDenial::CodeUnknown),
        (
            bench.redeem_with(|e| e.client = client("other", ClientOrigin::Operator), 1, 0).await,
            OAuthDenial::CodeOfAnother,
        ),
        (
            bench.redeem_with(|e| e.redirect_uri = Some(format!("{REDIRECT}/")), 1, 0).await,
            OAuthDenial::CodeOfAnother,
        ),
        (bench.redeem_with(|e| e.verifier = VERIFIER.to_uppercase(), 1, 0).await, OAuthDenial::VerifierWrong),
        (
            bench.redeem_with(|e| e.resources = Some(Resources { api: false, mcp: true }), 1, 0).await,
            OAuthDenial::ResourceUnknown,
        ),
        (bench.redeem(1, CONSENT_SECONDS).await, OAuthDenial::CodeExpired),
    ];
    for (answer, denial) in unfit {
        assert_eq!(answer.err(), refused(denial), "what does not fit is refused");
    }
    let Ok(Redeemed::Granted { grant, oidc_nonce, signed_in_at }) =
        bench.redeem(1, CONSENT_SECONDS - 1).await
    else {
        panic!("and uses nothing up")
    };
    assert_eq!(
        (grant.id, oidc_nonce.as_deref(), signed_in_at),
        (first, Some("n-1"), at(0)),
        "all is as it was asked for"
    );
    assert_eq!(grant.family.map(|family| family.number), Some(1), "the first refresh token is current");
    let second = bench.granted(&app, 2).await;
    let replayed = bench.redeem_with(|e| e.verifier = VERIFIER.to_uppercase(), 1, 100).await;
    assert!(matches!(replayed, Ok(Redeemed::Replayed(_))), "a used code is told from an unknown one");
    assert!(bench.is_dead(first), "and ends what came of it");
    assert!(!bench.is_dead(second), "but nothing else");
    let after = bench.refresh(first, 1, 101).await.err();
    assert_eq!(after, refused(OAuthDenial::GrantOver), "its refresh token is dead too");
}

pub(super) async fn a_grant_lives_while_it_is_used_and_a_year_at_most<S: IdentityStore>(
    bench: &Bench<'_, S>,
) {
    bench.signed_in().await;
    let app = bench.registered("app").await;
    let (idle, busy) = (bench.granted(&app, 1).await, bench.granted(&app, 2).await);
    assert_eq!(bench.refresh(idle, 1, LIVES.0).await.err(), refused(OAuthDenial::GrantOver), "without use");
    let (mut number, mut seconds) = (1, 0);
    while seconds + LIVES.0 <= LONGEST_DAYS * DAY {
        seconds += LIVES.0 - 1;
        must("it is used", bench.refresh(busy, number, seconds).await);
        number += 1;
    }
    let last = bench.refresh(busy, number, LONGEST_DAYS * DAY).await.err();
    assert_eq!(last, refused(OAuthDenial::GrantOver), "a year is over");
    let once = Client { refreshes: false, ..app };
    let plain = bench.granted(&once, 3).await;
    let grant = must("it is known", bench.known(plain).ok_or("not"));
    assert!(grant.family.is_none(), "who does not refresh has no refresh token");
    assert_eq!(grant.ends_at, at(LIVES.1), "and its grant ends with its access token");
}

pub(super) async fn a_grant_that_is_long_over_is_forgotten<S: IdentityStore>(bench: &Bench<'_, S>) {
    bench.signed_in().await;
    let app = bench.registered("app").await;
    let once = Client { refreshes: false, ..app.clone() };
    let (over, ended, lives) =
        (bench.granted(&once, 1).await, bench.granted(&app, 2).await, bench.granted(&app, 3).await);
    let effect = RevokeGrant { grant: ended, client: "app".into() };
    must("one is given up", commit(bench.store, effect, permit::present(What::Client), 1).await);
    assert!(bench.known(over).is_some(), "what ran out is known for a while");
    let permit = must("in person", bench.in_person_to_end("session", 1));
    must("it ends", commit(bench.store, EndSession, permit, 1).await);
    // The next consent but one, since the codes go first.
    let word = Secret::new("correct horse battery".to_owned());
    let kept = must("its password", bench.store.password_of("admin@acme.example".to_owned()).await);
    let at_last = 3 * DAY;
    for number in [4, 5] {
        let proof = password::verify(&word, kept.as_ref().map(|(user, hash)| (*user, hash)));
        let proof = must("it proves", proof.ok_or("no"));
        let seconds = at_last + i64::try_from(number).unwrap_or(0);
        must("a session begins", bench.start(proof, "session", seconds).await);
        must("consent", bench.consent(&app, number, seconds).await);
        let permit = must("in person", bench.in_person_to_end("session", seconds));
        must("it ends", commit(bench.store, EndSession, permit, seconds).await);
    }
    assert!(bench.known(over).is_none() && bench.known(ended).is_none(), "and then no more");
    assert!(bench.known(lives).is_some(), "but one that holds");
}

pub(super) async fn a_grant_ends_with_what_it_stands_on<S: IdentityStore>(bench: &Bench<'_, S>) {
    bench.signed_in().await;
    let (app, other) = (bench.registered("app").await, bench.registered("other").await);
    let (revoked, disconnected) = (bench.granted(&app, 1).await, bench.granted(&app, 2).await);
    let (deleted, left) = (bench.granted(&other, 3).await, bench.granted(&app, 4).await);
    let give_up = async |client: &str| {
        let effect = RevokeGrant { grant: revoked, client: Arc::from(client) };
        commit(bench.store, effect, permit::present(What::Client), 1).await.map(|done| done.now)
    };
    assert_eq!(give_up("other").await.err(), refused(OAuthDenial::RefreshUnknown), "not another's");
    assert!(!bench.is_dead(revoked));
    assert!(must("its client gives it up", give_up("app").await) && bench.is_dead(revoked));
    assert!(!must("again", give_up("app").await), "which changes nothing the second time");
    let delete = DeleteClient { id: "other".into() };
    let gone = must("a client goes", commit(bench.store, delete.clone(), operator(), 1).await);
    assert_eq!(gone.grants, 1, "and its grant with it");
    assert!(bench.is_dead(deleted) && !bench.is_dead(left), "but no other");
    assert!(bench.store.directory().read().client("other").is_none(), "nobody knows it any more");
    let again = commit(bench.store, delete, operator(), 1).await.err();
    assert!(matches!(again, Some(Denial::NotFound { .. })), "it is gone");
    let document = bench.granted(&client("https://app.example/client", ClientOrigin::Document), 7).await;
    let delete = || DeleteClient { id: "https://app.example/client".into() };
    let gone = must("a document's grants go", commit(bench.store, delete(), operator(), 1).await);
    assert!(gone.row.is_none() && gone.grants == 1 && bench.is_dead(document), "it has no row of its own");
    let again = commit(bench.store, delete(), operator(), 1).await.err();
    assert!(matches!(again, Some(Denial::NotFound { .. })), "nothing is left of it");
    let permit = must("in person", bench.in_person_to_end("session", 2));
    let done =
        must("disconnected", commit(bench.store, Disconnect { client: "app".into() }, permit, 2).await);
    assert_eq!(done.grants, 2, "every grant that was left");
    assert!(bench.is_dead(disconnected) && bench.is_dead(left), "at once");

    let of_member = bench.granted(&app, 5).await;
    let (account, user) = (bench.account, bench.admin.key.user);
    let role =
        keyward_core::write::member::SetRole { account, user: bench.viewer.key.user, role: Role::Admin };
    must("another admin", commit(bench.store, role, operator(), 3).await);
    must("a member goes", commit(bench.store, RemoveMember { account, user }, operator(), 3).await);
    assert!(bench.is_dead(of_member), "what was for that account ends");
    let back = AddMember { account, user, role: Role::Admin };
    must("it comes back", commit(bench.store, back, operator(), 3).await);
    assert_eq!(bench.refresh(of_member, 1, 3).await.err(), refused(OAuthDenial::GrantOver), "none revives");
    let of_user = bench.granted(&app, 6).await;
    let disabled = |disabled| SetUserDisabled { user, disabled };
    must("a user is disabled", commit(bench.store, disabled(true), operator(), 4).await);
    assert!(bench.is_dead(of_user), "what it gave ends");
    let ended = bench.in_person("session", 4).err();
    assert_eq!(ended, Some(Denial::SessionEnded), "and so does its browser's session");
    must("it is active again", commit(bench.store, disabled(false), operator(), 5).await);
    assert_eq!(bench.refresh(of_user, 1, 5).await.err(), refused(OAuthDenial::GrantOver), "none revives");
    assert_eq!(bench.in_person("session", 5).err(), Some(Denial::SessionEnded));
}

pub(super) async fn failed_sign_ins_leave_one_row_for_each_user<S: IdentityStore>(bench: &Bench<'_, S>) {
    let noted = NoteFailedSignIns { user: Some(bench.admin.key.user), wrong: 7, refused: 90, networks: 3 };
    let done = must("it is noted", commit(bench.store, noted, permit::background(), 0).await);
    assert_eq!(done, noted);
    let nobody = NoteFailedSignIns { user: None, ..noted };
    must("also of addresses that are nobody's", commit(bench.store, nobody, permit::background(), 0).await);
}

pub(super) async fn a_code_is_known_from_when_it_is_given<S: IdentityStore>(bench: &Bench<'_, S>) {
    let client = bench.registered("app").await;
    bench.signed_in().await;
    let knows = async |code| must("it is looked up", bench.store.knows_code(TokenDigest::of(code)).await);
    assert!(!knows("code 1").await);
    must("consent is given", bench.consent(&client, 1, 0).await);
    assert!(knows("code 1").await && !knows("code 2").await);
    must("it is redeemed", bench.redeem(1, 0).await);
    assert!(knows("code 1").await, "its replay must end the grant");
}

pub(super) async fn signing_keys_are_known_at_once<S: IdentityStore>(bench: &Bench<'_, S>) {
    let key = |kid: &str, version| SealedKey {
        id: 0,
        kid: kid.into(),
        sealed: vec![version; 3].into(),
        nonce: [version; 12],
        version: u32::from(version),
        created_at: at(0),
        signs_from: at(10),
    };
    let add = async |kid: &str, alone| {
        let effect = AddSigningKey { key: key(kid, 1), alone };
        must("a key is added", commit(bench.store, effect, operator(), 5).await)
    };
    let known =
        || -> Vec<SealedKey> { bench.store.directory().read().signing_keys().into_iter().cloned().collect() };
    let first = add("k1", false).await;
    assert_eq!((first.created_at, first.signs_from), (at(5), at(10)), "made now, to sign later");
    let second = add("k2", false).await;
    assert_eq!(known(), [first.clone(), second.clone()], "as they were given");
    let sealed = SealedKey { id: first.id, created_at: at(5), ..key("k1", 2) };
    must("sealed again", commit(bench.store, ResealSigningKey(sealed.clone()), operator(), 6).await);
    assert_eq!(known(), [sealed, second.clone()], "under the next version");
    must("removed", commit(bench.store, RemoveSigningKey(first.id), operator(), 7).await);
    assert_eq!(known(), [second], "one is left");
    let alone = add("k3", true).await;
    assert_eq!(known(), [alone], "and then another, alone");
}

//! The row that each write leaves: what was done to what, by whom, from where, when, and under which number of its account.

use super::book::{Book, By};
use super::people::{
    CODE, ISSUER, PASSWORD, SESSION, bearer, client, consent, hashed, in_person, proof, redemption,
    refresh_token, refreshing, signed_in, token,
};
use super::trail::trail;
use super::writes::{account, ada, created, issued, relabelled, revoked, user};
use crate::contract::{Bench, FROM, IdentityStore, at, commit, must};
use keyward_core::api_key::WhoseKeys;
use keyward_core::id::UserId;
use keyward_core::identity::IssuerAccounts;
use keyward_core::jwt::Link;
use keyward_core::limits::{Overrides, Rate};
use keyward_core::oauth::{ClientOrigin, GRACE_SECONDS};
use keyward_core::opaque::TokenDigest;
use keyward_core::permit::{Presented as What, background, operator, present, register, sign_in};
use keyward_core::role::Role;
use keyward_core::session::{LinkKind, ShownInvitation};
use keyward_core::signing::SealedKey;
use keyward_core::tier::Tier;
use keyward_core::write::account::SetTier;
use keyward_core::write::active_account::ChooseAccount;
use keyward_core::write::client::{CreateClient, DeleteClient, RegisterClient};
use keyward_core::write::disabling::{SetAccountDisabled, SetUserDisabled};
use keyward_core::write::erasing::EraseUser;
use keyward_core::write::grant::{Disconnect, RevokeGrant};
use keyward_core::write::identity::{LinkByEmail, LinkIdentity};
use keyward_core::write::invitation::{AcceptInvitation, InviteByOperator};
use keyward_core::write::key::{ActivateKey, PrepareKey, RevokeKeysOf, RotateKey};
use keyward_core::write::limits::SetLimits;
use keyward_core::write::link::{ChoosePassword, IssueLink};
use keyward_core::write::member::{AddMember, RemoveMember, SetRole};
use keyward_core::write::root_secret::AddVersion;
use keyward_core::write::session::{EndSession, NoteFailedSignIns, StartSession};
use keyward_core::write::signing_key::{AddSigningKey, RemoveSigningKey, ResealSigningKey};
use keyward_core::write::team::{ChangeRole, Dismiss, Invite};
use keyward_core::write::user::{AddUser, ReserveUser};
use serde_json::{Value, json};
use std::sync::Arc;

fn invited(email: &str, role: Role) -> Invite {
    Invite { uuid: format!("uuid of {email}"), email: email.to_owned(), role }
}

/// Against a store that numbers an account's rows with those of others, or that leaves a row for each part of a write.
pub(crate) async fn what_the_operator_does_to_accounts_and_users_leaves_one_row_each<S: IdentityStore>(
    bench: &Bench<'_, S>,
) {
    let mut book = Book::open(bench).await;
    let by = By::ADA;
    let other = book.leaves(account("other"), ada(), by, ("account.create", "account")).await;
    let (account, disabled) = (other, true);
    book.leaves(SetTier { account, tier: Tier::Free }, ada(), by, ("account.tier", "account")).await;
    let overrides =
        Overrides { reads: Some(Rate::Unlimited), writes: Some(Rate::PerMinute(7)), keys: Some(3) };
    book.leaves(SetLimits { account, overrides }, ada(), by, ("account.limits", "account")).await;
    let shut = SetAccountDisabled { account, disabled };
    book.leaves(shut, ada(), by, ("account.disabled", "account")).await;

    let one = book.leaves(user("one"), ada(), by, ("user.create", "user")).await;
    let reserved = ReserveUser { uuid: "reserved".to_owned(), email: "two@acme.example".to_owned() };
    let id = book.leaves(reserved, ada(), by, ("user.reserve", "user")).await;
    let added = AddUser { id, user: user("two"), place: Some((account, Role::Admin)) };
    book.leaves(added, ada(), by, ("user.create", "user")).await;
    let member = AddMember { account: bench.account, user: one, role: Role::Viewer };
    book.leaves(member, ada(), by, ("member.add", "user")).await;
    let role = SetRole { account: bench.account, user: one, role: Role::Editor };
    book.leaves(role, ada(), by, ("member.role", "user")).await;
    let (uuid, email) = ("three".to_owned(), "three@acme.example".to_owned());
    let invitation = InviteByOperator { uuid, email, account, role: Role::Viewer };
    book.leaves(invitation, ada(), by, ("member.invite", "user")).await;
    let (issuer, subject) = (ISSUER.to_owned(), "one".to_owned());
    let link = LinkIdentity { user: one, issuer, subject, linked: true };
    book.leaves(link, ada(), by, ("user.link", "user")).await;
    let link = IssueLink { user: one, kind: LinkKind::Reset, digest: TokenDigest::of("a link") };
    book.leaves(link, ada(), by, ("user.link_issued", "user")).await;
    let shut = SetUserDisabled { user: one, disabled };
    book.leaves(shut, operator(), By::OPERATOR, ("user.disabled", "user")).await;
    let member = RemoveMember { account: bench.account, user: one };
    book.leaves(member, ada(), by, ("member.remove", "user")).await;
    // Its place, its keys and its address go with it.
    let erased = EraseUser { user: bench.viewer.key.user };
    book.leaves(erased, ada(), by, ("user.delete", "user")).await;
}

/// Against a store that leaves a row for each key that ends, or takes the number of an account where the write has none.
pub(crate) async fn what_the_operator_does_to_keys_and_clients_leaves_one_row_each<S: IdentityStore>(
    bench: &Bench<'_, S>,
) {
    let mut book = Book::open(bench).await;
    let by = By::ADA;
    let made = book.leaves(issued(bench, "one"), ada(), by, ("api_key.create", "api_key")).await;
    let prepared = issued(bench, "two");
    let secret = prepared.secret.clone();
    let key = book.leaves(PrepareKey(prepared), ada(), by, ("api_key.create", "api_key")).await.key.id;
    book.leaves(ActivateKey { key, secret }, ada(), by, ("api_key.activate", "api_key")).await;
    let child = created(bench, "of the first");
    let key = By::key(&made);
    book.leaves(child, bench.permit(&made), key, ("api_key.create", "api_key")).await;
    let ended = book.leaves(revoked(&made, true), ada(), by, ("api_key.revoke", "api_key")).await;
    assert_eq!(ended.descendants.map(|made| made.keys.len()), Some(1), "the row says what ended with it");
    let whose = WhoseKeys::User(bench.viewer.key.user);
    let known = bench.store.directory().read().keys_of(whose);
    let ended = RevokeKeysOf { whose, known };
    let ended = book.leaves(ended, ada(), by, ("api_key.revoke_all", "user")).await;
    assert_eq!(ended.keys.len(), 2, "one row for all of them");

    let new = CreateClient(client("app", ClientOrigin::Operator));
    book.leaves(new, ada(), by, ("oauth_client.create", "oauth_client")).await;
    let gone = DeleteClient { id: "app".into() };
    book.leaves(gone, ada(), by, ("oauth_client.delete", "oauth_client")).await;
    let add = AddVersion { version: 2, check: "a check value".to_owned() };
    book.leaves(add, ada(), by, ("root_secret.add", "root_secret")).await;

    let (sealed, nonce) = ([7; 40].into(), [7; 12]);
    let (created_at, signs_from) = (at(0), at(10));
    let key = SealedKey { id: 0, kid: "k1".into(), sealed, nonce, version: 1, created_at, signs_from };
    let add = AddSigningKey { key, alone: false };
    let key = book.leaves(add, background(), By::BACKGROUND, ("signing_key.add", "signing_key")).await;
    let id = key.id;
    let resealed = ResealSigningKey(SealedKey { version: 2, ..key });
    book.leaves(resealed, operator(), By::OPERATOR, ("signing_key.reseal", "signing_key")).await;
    let removed = RemoveSigningKey(id);
    book.leaves(removed, background(), By::BACKGROUND, ("signing_key.remove", "signing_key")).await;
    let failed = NoteFailedSignIns { user: None, wrong: 7, refused: 90, networks: 3 };
    book.leaves(failed, background(), By::BACKGROUND, ("sign_in.failed", "user")).await;
}

/// Against a store that names the owner of a key where another one acts, or the key that is made instead of the one that makes it.
pub(crate) async fn what_a_key_does_leaves_one_row_each_that_names_it<S: IdentityStore>(
    bench: &Bench<'_, S>,
) {
    let mut book = Book::open(bench).await;
    let (admin, viewer) = (&bench.admin, &bench.viewer);
    let (by_admin, by_viewer) = (By::key(admin), By::key(viewer));
    let new = created(bench, "new");
    let made = book.leaves(new, bench.permit(admin), by_admin, ("api_key.create", "api_key")).await;
    let label = relabelled(viewer, "mine");
    book.leaves(label, bench.permit(viewer), by_viewer, ("api_key.label", "api_key")).await;
    let secret = must("a secret", bench.ring.mint(&bench.random));
    let (key, as_sent) = (Some(made.key.id), made.key.id.to_string());
    let rotation = RotateKey { key, as_sent, grace_seconds: 100, secret };
    book.leaves(rotation, bench.permit(admin), by_admin, ("api_key.rotate", "api_key")).await;
    let ended = revoked(&made, false);
    book.leaves(ended, bench.permit(admin), by_admin, ("api_key.revoke", "api_key")).await;

    let new = invited("new@acme.example", Role::Viewer);
    let invite = ("member.invite", "user");
    let changed = book.leaves(new, bench.permit(admin), by_admin, invite).await;
    let again = invited("new@acme.example", Role::Viewer);
    book.leaves(again, bench.permit(admin), by_admin, invite).await;
    let who = |user: UserId| (Some(user), user.to_string());
    let (user, as_sent) = who(changed.member.user);
    let role = ChangeRole { user, as_sent, role: Role::Editor };
    book.leaves(role, bench.permit(admin), by_admin, ("member.role", "user")).await;
    let (user, as_sent) = who(changed.member.user);
    book.leaves(Dismiss { user, as_sent }, bench.permit(admin), by_admin, ("member.remove", "user")).await;
    let itself = revoked(viewer, false);
    book.leaves(itself, bench.permit(viewer), by_viewer, ("api_key.revoke", "api_key")).await;
}

/// A user, by something of this kind.
fn by<S>(bench: &Bench<'_, S>, kind: &'static str) -> By {
    By { user: Some(bench.admin.key.user.0), kind, id: None, operator: None }
}

/// Against a store that does not ask the effect whose deed it was, or that names no session.
pub(crate) async fn what_a_person_does_who_signs_in_leaves_one_row_each<S: IdentityStore>(
    bench: &Bench<'_, S>,
) {
    let mut book = Book::open(bench).await;
    let user = bench.admin.key.user;
    let link = IssueLink { user, kind: LinkKind::Reset, digest: TokenDigest::of("a link") };
    book.leaves(link, ada(), By::ADA, ("user.link_issued", "user")).await;
    let hash = hashed(bench, PASSWORD);
    let choice = ChoosePassword { link: TokenDigest::of("a link"), hash: hash.clone(), accept: Vec::new() };
    book.leaves(choice, present(What::Link), by(bench, "link"), ("user.password", "user")).await;
    let start = StartSession { proof: proof(bench, PASSWORD, &hash), digest: TokenDigest::of("session") };
    let by_password = by(bench, "password");
    let session = book.leaves(start, present(What::Password), by_password, ("user.sign_in", "user")).await;
    let in_session = By { id: Some(session.id), ..by(bench, "session") };

    let other = book.leaves(account("other"), ada(), By::ADA, ("account.create", "account")).await;
    let (uuid, email) = ("not used".to_owned(), "admin@acme.example".to_owned());
    let invitation = InviteByOperator { uuid, email, account: other, role: Role::Viewer };
    book.leaves(invitation, ada(), By::ADA, ("member.invite", "user")).await;
    let accept = AcceptInvitation(ShownInvitation { account: other, role: Role::Viewer });
    book.leaves(accept, in_person(bench, "session", 0), in_session, ("member.add", "user")).await;
    let app = client("app", ClientOrigin::Operator);
    for (code, bound) in [("one", true), ("two", false)] {
        let (given, person) = (consent(bench, &app, bound, code), in_person(bench, "session", 0));
        book.leaves(given, person, in_session, ("oauth_grant.create", "oauth_grant")).await;
    }
    let (gone, person) = (Disconnect { client: "app".into() }, in_person(bench, "session", 0));
    book.leaves(gone, person, in_session, ("oauth_grant.disconnect", "user")).await;
    book.leaves(EndSession, in_person(bench, "session", 0), in_session, ("user.sign_out", "user")).await;
}

/// Against a store that takes a client for a user, or that leaves no row where what is presented ends a grant.
pub(crate) async fn what_a_client_presents_leaves_one_row_each_of_whose_deed_it_was<S: IdentityStore>(
    bench: &Bench<'_, S>,
) {
    let mut grants = vec![signed_in(bench, &hashed(bench, PASSWORD), true).await];
    let app = client("app", ClientOrigin::Operator);
    for code in ["code two", "code three"] {
        let (given, person) = (consent(bench, &app, true, code), in_person(bench, SESSION, 0));
        grants.push(must("consent", commit(bench.store, given, person, 0).await).0.id);
    }
    let [replayed, reused, given_up] = grants.as_slice() else { panic!("three grants were given") };
    let of_client = by(bench, "oauth_client");
    let mut book = Book::open(bench).await;
    let redeemed = ("oauth_grant.redeem", "oauth_grant");
    book.leaves(redemption(&app, "code two"), present(What::Client), of_client, redeemed).await;
    book.leaves(redemption(&app, CODE), present(What::Client), of_client, redeemed).await;
    let ended = bench.store.directory().read().grant(*replayed).is_none();
    assert!(ended, "a code that comes again ends its grant, and the row is of that");

    let refresh = || refreshing(&app, &refresh_token(bench, *reused, 1));
    book.is_as_it_was(refresh(), present(What::Client)).await;
    book.seconds += GRACE_SECONDS;
    let reuse = ("oauth_grant.refresh", "oauth_grant");
    book.leaves(refresh(), present(What::Client), of_client, reuse).await;
    let gone = RevokeGrant { grant: *given_up, client: "app".into() };
    book.leaves(gone, present(What::Client), of_client, ("oauth_grant.revoke", "oauth_grant")).await;
    let client = client("new", ClientOrigin::Registered);
    let new = RegisterClient { client, same: None, network: FROM, most: 10, share: 10 };
    let stranger = By { user: None, ..of_client };
    book.leaves(new, register(), stranger, ("oauth_client.register", "oauth_client")).await;
}

/// Against a store that takes a token for a key, or names the grant where the link is meant.
pub(crate) async fn what_a_token_does_leaves_one_row_each_that_names_its_link_or_its_grant<
    S: IdentityStore,
>(
    bench: &Bench<'_, S>,
) {
    let user = bench.admin.key.user;
    let grant = signed_in(bench, &hashed(bench, PASSWORD), false).await;
    let mut book = Book::open(bench).await;
    let of_issuer = token("the admin", Value::Null);
    let link = LinkByEmail {
        issuer: Arc::clone(&of_issuer.issuer),
        subject: Arc::clone(&of_issuer.subject),
        email: "admin@acme.example".into(),
        link: Link::VerifiedEmail,
        accounts: Arc::default(),
        issuers: IssuerAccounts::default(),
    };
    let nobody = By { user: None, kind: "jwt", id: None, operator: None };
    let linked = book.leaves(link, sign_in(&of_issuer), nobody, ("user.link", "user")).await;
    let choice = || ChooseAccount { slug: "acme".to_owned() };
    let chosen = ("user.active_account", "user");
    let by = By { user: Some(user.0), id: Some(linked.identity.id), ..nobody };
    book.leaves(choice(), bearer(bench, &of_issuer, 1), by, chosen).await;

    let own = token("admin", json!({ "grant_id": grant.0 }));
    let by = By { kind: "grant", id: Some(grant.0), ..by };
    book.leaves(choice(), bearer(bench, &own, 1), by, chosen).await;
}

/// Against a store that takes a number from another account, from the whole trail, or from a write that was rolled back.
pub(crate) async fn the_rows_of_an_account_are_numbered_from_one_without_a_gap<S: IdentityStore>(
    bench: &Bench<'_, S>,
) {
    let mut book = Book::open(bench).await;
    let other = book.leaves(account("other"), ada(), By::ADA, ("account.create", "account")).await;
    for turn in 0..4 {
        for account in [other, bench.account] {
            let (effect, said) = (SetTier { account, tier: Tier::Free }, ("account.tier", "account"));
            book.leaves(effect, ada(), By::ADA, said).await;
        }
        book.is_refused(account("other"), ada()).await;
        let unknown = SetRole { account: other, user: bench.admin.key.user, role: Role::Viewer };
        book.is_refused(unknown, ada()).await;
        book.leaves(user(&format!("user {turn}")), ada(), By::ADA, ("user.create", "user")).await;
    }
    let rows = trail(bench).await;
    for of in [other, bench.account] {
        let numbers: Vec<_> =
            rows.iter().filter(|row| row.account_id == Some(of.0)).map(|row| row.account_seq).collect();
        let count = i64::try_from(numbers.len()).unwrap_or(0);
        assert_eq!(numbers, (1..=count).map(Some).collect::<Vec<_>>(), "each number once, in order");
    }
    assert!(rows.iter().all(|row| row.account_id.is_some() == row.account_seq.is_some()), "no other has one");
    assert!(rows.is_sorted_by(|one, next| one.id < next.id), "the trail is in the order of its ids");
}

//! What leaves no row in the audit trail, and what no row shows.

use super::book::{Book, By};
use super::people::{
    CLIENT_SECRET, CODE, ISSUER, LINK, NONCE, OIDC_NONCE, PASSWORD, SESSION, VERIFIER, client, hashed,
    in_person, refresh_token, refreshing, signed_in,
};
use super::trail::trail;
use super::writes::{account, ada, created, issued, relabelled, revoked, user};
use crate::contract::{Bench, FROM, IdentityStore, at, commit, commit_with, must};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use keyward_core::api_key::{NewSecret, WhoseKeys};
use keyward_core::denial::Denial;
use keyward_core::effect::Ended;
use keyward_core::idempotency::{Claim, Claims, Fingerprint, Scope};
use keyward_core::oauth::ClientOrigin;
use keyward_core::opaque::TokenDigest;
use keyward_core::permit::{ManageKeys, ManageTeam, Presented as What, operator, present, register};
use keyward_core::preconditions::Preconditions;
use keyward_core::role::Role;
use keyward_core::secret::Secret;
use keyward_core::signing::SealedKey;
use keyward_core::store::AuditRow;
use keyward_core::tier::Tier;
use keyward_core::write::account::SetTier;
use keyward_core::write::active_account::ChooseAccount;
use keyward_core::write::client::RegisterClient;
use keyward_core::write::clock::AcceptClock;
use keyward_core::write::erasing::EraseUser;
use keyward_core::write::grant::{Disconnect, RevokeGrant};
use keyward_core::write::identity::LinkIdentity;
use keyward_core::write::key::{KeyMade, RelabelKey, RevokeKeysOf, RotateKey};
use keyward_core::write::link::ChoosePassword;
use keyward_core::write::member::{AddMember, RemoveMember, SetRole};
use keyward_core::write::root_secret::RetireVersion;
use keyward_core::write::signing_key::AddSigningKey;
use keyward_core::write::team::{ChangeRole, Invite};
use uuid::Uuid;

/// A key that a client sends with a write that is to be done once. It seals an answer, so it is secret.
const CLAIMED: Uuid = Uuid::from_u128(0x550e_8400_e29b_41d4_a716_4466_5544_0000);

/// Against a store that leaves a row for what was so before.
pub(crate) async fn what_changes_nothing_leaves_no_row<S: IdentityStore>(bench: &Bench<'_, S>) {
    let (admin, viewer) = (&bench.admin, &bench.viewer);
    let grant = signed_in(bench, &hashed(bench, PASSWORD), true).await;
    must("a key ends", bench.revoke(bench.permit(admin), viewer.key.id).await);
    let same = Some(TokenDigest::of("metadata"));
    let registered = |id| {
        let client = client(id, ClientOrigin::Registered);
        RegisterClient { client, same, network: FROM, most: 10, share: 10 }
    };
    must("a client registers", commit(bench.store, registered("one"), register(), 0).await);
    let new = must("a user", commit(bench.store, user("new"), operator(), 0).await);
    must("it is erased", commit(bench.store, EraseUser { user: new }, operator(), 0).await);

    let mut book = Book::open(bench).await;
    book.is_as_it_was(revoked(viewer, false), bench.permit(admin)).await;
    book.is_as_it_was(revoked(viewer, true), ada()).await;
    book.is_as_it_was(relabelled(admin, "admin"), bench.permit(admin)).await;
    let whose = WhoseKeys::User(viewer.key.user);
    book.is_as_it_was(RevokeKeysOf { whose, known: Vec::new() }, ada()).await;
    let (user, as_sent) = (Some(viewer.key.user), viewer.key.user.to_string());
    book.is_as_it_was(ChangeRole { user, as_sent, role: Role::Viewer }, bench.permit(admin)).await;
    let (issuer, subject) = (ISSUER.to_owned(), "nobody".to_owned());
    let unlinked = LinkIdentity { user: admin.key.user, issuer, subject, linked: false };
    book.is_as_it_was(unlinked, ada()).await;
    book.is_as_it_was(EraseUser { user: new }, ada()).await;
    book.is_as_it_was(RetireVersion { version: 7, forget_answers: false }, ada()).await;
    book.is_as_it_was(AcceptClock { to: at(0) }, ada()).await;
    book.is_as_it_was(ChooseAccount { slug: "acme".to_owned() }, bench.permit(admin)).await;
    book.is_as_it_was(registered("two"), register()).await;
    let app = client("app", ClientOrigin::Operator);
    book.is_as_it_was(refreshing(&app, &refresh_token(bench, grant, 1)), present(What::Client)).await;
    let gone = RevokeGrant { grant, client: "app".into() };
    let done = ("oauth_grant.revoke", "oauth_grant");
    let by = By { user: Some(admin.key.user.0), kind: "oauth_client", id: None, operator: None };
    book.leaves(gone.clone(), present(What::Client), by, done).await;
    book.is_as_it_was(gone, present(What::Client)).await;
    let disconnected = Disconnect { client: "app".into() };
    book.is_as_it_was(disconnected, in_person(bench, SESSION, 0)).await;
    let tier = SetTier { account: bench.account, tier: Tier::Free };
    book.leaves(tier, ada(), By::ADA, ("account.tier", "account")).await;
}

/// Against a store that writes the row before it is known that the write is done, or keeps the number that the row would have had.
pub(crate) async fn a_refusal_leaves_no_row<S: IdentityStore>(bench: &Bench<'_, S>) {
    let (admin, viewer) = (&bench.admin, &bench.viewer);
    let late = bench.permit::<ManageKeys>(viewer);
    let first = admin.secret.clone();
    must("a rotation", bench.try_rotate(&first, 100, 0).await);
    let in_grace = bench.permit::<ManageTeam>(&KeyMade { secret: first, ..again(admin) });
    must("a key ends", bench.revoke(operator(), viewer.key.id).await);
    let before = trail(bench).await;

    let mut book = Book::open(bench).await;
    let invalid = |denial: Denial| assert!(matches!(denial, Denial::Invalid(_)), "{denial:?}");
    let absent = |denial: Denial| assert!(matches!(denial, Denial::NotFound { .. }), "{denial:?}");
    invalid(book.is_refused(account("acme"), ada()).await);
    invalid(book.is_refused(user("admin"), ada()).await);
    let (account, user) = (bench.account, admin.key.user);
    invalid(book.is_refused(AddMember { account, user, role: Role::Viewer }, ada()).await);
    let nobody = keyward_core::id::UserId(i64::MAX);
    absent(book.is_refused(RemoveMember { account, user: nobody }, ada()).await);
    absent(book.is_refused(SetRole { account, user: nobody, role: Role::Viewer }, ada()).await);
    absent(book.is_refused(EraseUser { user: nobody }, ada()).await);
    let lowered = ChangeRole { user: Some(user), as_sent: user.to_string(), role: Role::Viewer };
    assert_eq!(book.is_refused(lowered, in_grace).await, Denial::SecretInGrace, "what may not be begun");
    assert_eq!(book.is_refused(created(bench, "new"), late).await, Denial::KeyRevoked, "what came too late");
    let choice = ChoosePassword {
        link: TokenDigest::of("no link"),
        hash: Secret::new("a hash".to_owned()),
        accept: Vec::new(),
    };
    assert_eq!(book.is_refused(choice, present(What::Link)).await, Denial::LinkUnusable, "what is not known");
    assert_eq!(trail(bench).await, before, "the trail is what it was");
    let tier = SetTier { account, tier: Tier::Free };
    book.leaves(tier, ada(), By::ADA, ("account.tier", "account")).await;
}

/// A key that was made, once more: its secret can be another one.
fn again(made: &KeyMade) -> KeyMade {
    KeyMade { key: made.key.clone(), role: made.role, secret: made.secret.clone() }
}

fn claim<S>(bench: &Bench<'_, S>, of: &KeyMade, says: &str) -> Claim {
    let scope = Scope { account: Some(of.key.account), user: of.key.user };
    let says = Fingerprint::of("POST", says, "", None);
    must("a claim", Claims::new(&bench.root).claim(scope, CLAIMED, says, &bench.random))
}

/// Against a store that leaves a row for each time that a write is asked for.
pub(crate) async fn a_write_that_is_repeated_leaves_one_row<S: IdentityStore>(bench: &Bench<'_, S>) {
    let admin = &bench.admin;
    let mut book = Book::open(bench).await;
    let invite = |role| {
        let (uuid, email) = ("uuid of new".to_owned(), "new@acme.example".to_owned());
        Invite { uuid, email, role }
    };
    let said = (By::key(admin), ("member.invite", "user"));
    let once = Some(claim(bench, admin, "/team"));
    book.leaves_once(invite(Role::Viewer), bench.permit(admin), once, said).await;
    for _ in 0..2 {
        book.is_replayed(invite(Role::Viewer), bench.permit(admin), claim(bench, admin, "/team")).await;
    }
    let other = Some(claim(bench, admin, "/other"));
    let refused = book.leaves_nothing(invite(Role::Editor), bench.permit(admin), other).await;
    let Ended::Refused(denial) = refused else { panic!("another request is refused") };
    assert_eq!(denial, Denial::IdempotencyKeyReused);
    let (by, done) = said;
    book.leaves(invite(Role::Editor), bench.permit(admin), by, done).await;
}

/// How bytes could stand in a text.
fn spelled(bytes: &[u8]) -> Vec<String> {
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    let numbers: Vec<String> = bytes.iter().map(u8::to_string).collect();
    vec![
        hex.to_uppercase(),
        hex,
        numbers.join(","),
        STANDARD_NO_PAD.encode(bytes),
        URL_SAFE_NO_PAD.encode(bytes),
    ]
}

/// Texts that no row may have in it.
struct Hidden(Vec<String>);

impl Hidden {
    fn text(&mut self, text: &str) {
        self.0.push(text.to_owned());
        self.0.extend(spelled(text.as_bytes()));
    }

    /// A token, and what is kept of it.
    fn token(&mut self, text: &str) {
        self.text(text);
        self.0.extend(spelled(TokenDigest::of(text).as_bytes()));
    }

    fn secret(&mut self, secret: &NewSecret) {
        self.text(secret.secret.expose());
        self.0.extend(spelled(secret.digest.as_bytes()));
    }

    fn stands_in(&self, row: &AuditRow) -> Option<&String> {
        let text = must("a row is a text", serde_json::to_string(row));
        self.0.iter().find(|hidden| text.contains(hidden.as_str()))
    }
}

/// A person signs in, and a client has a grant; what nobody may see of it.
async fn hide_a_sign_in<S: IdentityStore>(bench: &Bench<'_, S>, hidden: &mut Hidden) {
    let hash = hashed(bench, PASSWORD);
    let grant = signed_in(bench, &hash, true).await;
    let refresh = refresh_token(bench, grant, 1);
    let challenge = keyward_core::oauth::pkce::challenge(VERIFIER);
    for text in [PASSWORD, hash.expose(), refresh.expose(), VERIFIER, &challenge, OIDC_NONCE] {
        hidden.text(text);
    }
    [LINK, SESSION, CODE, CLIENT_SECRET].into_iter().for_each(|token| hidden.token(token));
    hidden.0.extend(spelled(&NONCE));
    let (client, metadata) = (client("new", ClientOrigin::Registered), "metadata of a client");
    let same = Some(TokenDigest::of(metadata));
    hidden.token(metadata);
    let new = RegisterClient { client, same, network: FROM, most: 10, share: 10 };
    must("a client", commit(bench.store, new, register(), 0).await);
}

/// Keys are made, and one has a new secret; what nobody may see of it.
async fn hide_keys<S: IdentityStore>(bench: &Bench<'_, S>, hidden: &mut Hidden) {
    hidden.text(bench.admin.secret.expose());
    let made = created(bench, "a label that may stand there");
    hidden.secret(&made.secret);
    let once = Some(claim(bench, &bench.admin, "/keys"));
    hidden.text(&CLAIMED.to_string());
    hidden.0.extend(once.iter().flat_map(Claim::names).flat_map(spelled));
    must("a key", commit_with(bench.store, made, bench.permit(&bench.admin), once, 0).await);
    let made = issued(bench, "one more");
    hidden.secret(&made.secret);
    must("a key", commit(bench.store, made, operator(), 0).await);
    let secret = must("a secret", bench.ring.mint(&bench.random));
    hidden.secret(&secret);
    let key = bench.admin.key.id;
    let rotation = RotateKey { key: Some(key), as_sent: key.to_string(), grace_seconds: 100, secret };
    must("a rotation", commit(bench.store, rotation, bench.permit(&bench.admin), 0).await);

    let (sealed, nonce): (Vec<u8>, _) = ((1..41).collect(), [0xB5; 12]);
    hidden.0.extend([sealed.as_slice(), &nonce].into_iter().flat_map(spelled));
    let (kid, sealed, created_at) = ("k1".into(), sealed.into(), at(0));
    let key = SealedKey { id: 0, kid, sealed, nonce, version: 1, created_at, signs_from: created_at };
    must("a key", commit(bench.store, AddSigningKey { key, alone: true }, operator(), 0).await);
}

/// Against a store that writes the effect, or its answer, into the row.
pub(crate) async fn no_row_shows_a_secret_or_a_digest<S: IdentityStore>(bench: &Bench<'_, S>) {
    let mut hidden = Hidden(Vec::new());
    hide_a_sign_in(bench, &mut hidden).await;
    hide_keys(bench, &mut hidden).await;
    let rows = trail(bench).await;
    for row in &rows {
        assert_eq!(hidden.stands_in(row), None, "{row:?}");
    }
    let label = Hidden(vec!["a label that may stand there".to_owned()]);
    assert!(rows.iter().any(|row| label.stands_in(row).is_some()), "what may stand there is found");
}

/// The rows of an erased user stay, under its number, and what people have written of it does not: against a store that forgets
/// the trail, or leaves the name in it.
pub(crate) async fn the_trail_of_a_user_who_is_erased_stays_without_names<S: IdentityStore>(
    bench: &Bench<'_, S>,
) {
    let user = bench.viewer.key.user;
    let (issuer, subject) = (ISSUER.to_owned(), "viewers-subject".to_owned());
    let link = LinkIdentity { user, issuer: issuer.clone(), subject: subject.clone(), linked: true };
    must("a link", commit(bench.store, link, operator(), 0).await);
    must("a key", commit(bench.store, issued(bench, "the viewer's laptop"), operator(), 0).await);
    let key = bench.viewer.key.id;
    let relabel = RelabelKey {
        key: Some(key),
        as_sent: key.to_string(),
        conditions: Preconditions::NONE,
        label: "the viewer's phone".to_owned(),
    };
    must("a label", commit(bench.store, relabel, bench.permit(&bench.viewer), 0).await);
    let subject_of_admin = "admins-subject".to_owned();
    let link =
        LinkIdentity { user: bench.admin.key.user, issuer, subject: subject_of_admin.clone(), linked: true };
    must("a link", commit(bench.store, link, operator(), 0).await);
    must(
        "a key",
        commit(bench.store, created(bench, "the admin's laptop"), bench.permit(&bench.admin), 0).await,
    );
    let before = trail(bench).await;
    must("the viewer is erased", commit(bench.store, EraseUser { user }, operator(), 1).await);

    let after = trail(bench).await;
    let bare = |row: &AuditRow| AuditRow { detail: None, ..row.clone() };
    let kept: Vec<_> = after.iter().take(before.len()).map(bare).collect();
    assert_eq!(kept, before.iter().map(bare).collect::<Vec<_>>(), "who did what, and when, stays");
    assert_eq!(after.len(), before.len() + 1, "and that the user was erased is one row");
    let shows = |text: &str| {
        let text = Hidden(vec![text.to_owned()]);
        after.iter().any(|row| text.stands_in(row).is_some())
    };
    for text in ["the viewer's laptop", "the viewer's phone", &subject] {
        assert!(!shows(text), "nothing names the person: {text}");
    }
    assert!(shows("the admin's laptop") && shows(&subject_of_admin), "of others all stays");
}

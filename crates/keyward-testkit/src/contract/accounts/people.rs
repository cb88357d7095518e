//! People in two accounts, the tokens that they bring, and their browsers.

use crate::contract::{Bench, IdentityStore, at, commit, must};
use crate::issuer::{SigningKey, key_set};
use keyward_core::denial::Denial;
use keyward_core::id::{AccountId, UserId};
use keyward_core::jwt::{
    Algorithm, Email, Found, KeySet, Link, Rules, SCOPE_CLAIMS, ScopeNames, Scopes, Token, Typ, Verified,
};
use keyward_core::oauth::{Asked, Client, ClientOrigin, GrantId, Resources, pkce};
use keyward_core::opaque::TokenDigest;
use keyward_core::password;
use keyward_core::permit::{Action, Permit, Presented as What, check, operator, present};
use keyward_core::principal::Principal;
use keyward_core::role::Role;
use keyward_core::secret::Secret;
use keyward_core::session::LinkKind;
use keyward_core::tier::Tier;
use keyward_core::write::account::CreateAccount;
use keyward_core::write::grant::GiveConsent;
use keyward_core::write::link::{ChoosePassword, IssueLink};
use keyward_core::write::member::AddMember;
use keyward_core::write::session::StartSession;
use keyward_core::write::user::CreateUser;
use serde_json::json;
use std::sync::Arc;
use uuid::Uuid;

/// The issuer of [`token`].
pub(in crate::contract) const ISSUER: &str = "https://id.example/";
const AUDIENCE: &str = "https://api.example";
/// A grant's life, in seconds.
pub(in crate::contract) const LIVES: i64 = 86_400;

pub(in crate::contract) async fn account<S: IdentityStore>(bench: &Bench<'_, S>, slug: &str) -> AccountId {
    let (name, tier) = (format!("The account {slug}"), Tier::Standard);
    let effect = CreateAccount { slug: slug.to_owned(), name, account_type: None, tier };
    must("an account", commit(bench.store, effect, operator(), 0).await)
}

/// A user with a name, in no account.
pub(in crate::contract) async fn user<S: IdentityStore>(bench: &Bench<'_, S>, name: &str) -> UserId {
    let effect = CreateUser {
        uuid: format!("uuid of {name}"),
        email: format!("{name}@acme.example"),
        first_name: name.to_owned(),
        last_name: String::new(),
        title: None,
        password_hash: None,
    };
    must("a user", commit(bench.store, effect, operator(), 0).await)
}

pub(in crate::contract) async fn member<S: IdentityStore>(
    bench: &Bench<'_, S>,
    (account, user): (AccountId, UserId),
    role: Role,
) {
    must("a member", commit(bench.store, AddMember { account, user, role }, operator(), 0).await);
}

pub(in crate::contract) fn rules() -> Rules {
    Rules {
        issuer: ISSUER.to_owned(),
        audiences: vec![AUDIENCE.to_owned()],
        audience_setting: "audience",
        audience_claim: None,
        algorithms: vec![Algorithm::Es256],
        kinds: vec![Typ::AccessToken],
        payload_typ: None,
        leeway: 0,
        max_bytes: 8192,
        max_lifetime: 86_400,
        scopes: Scopes::Ignore,
        accounts: Arc::default(),
        scope_claims: SCOPE_CLAIMS.map(str::to_owned).to_vec(),
        scope_names: ScopeNames::default(),
        link: Link::VerifiedEmail,
        email: Email { claim: "email".to_owned(), verified_claim: "email_verified".to_owned() },
        own: false,
    }
}

/// A verified token for the subject `admin` by the client `app`, or what this makes of it.
pub(in crate::contract) fn token(edit: impl FnOnce(&mut Verified)) -> Arc<Verified> {
    let key = SigningKey::ec("k1");
    let (from, until) = (at(-1).unix(), at(3_600).unix());
    let claims = json!({ "iss": ISSUER, "aud": AUDIENCE, "sub": "admin", "client_id": "app", "jti": "1",
                         "iat": from, "exp": until, "scope": "account:read" });
    let text = key.token(&claims);
    let read = must("a token", Token::read(&text, 8192));
    let keys = must("a key set", KeySet::parse(&key_set(&[&key])));
    let Found::One(key) = keys.find(read.kid(), Algorithm::Es256) else { panic!("there is one key") };
    let mut verified = must("it is verified", rules().claims(&read, &key, at(0)));
    edit(&mut verified);
    Arc::new(verified)
}

/// The bearer of a token in the account that it acts in; `needed`: there must be one.
pub(in crate::contract) fn bearer<S: IdentityStore>(
    bench: &Bench<'_, S>,
    token: &Arc<Verified>,
    needed: bool,
) -> Result<Principal, Denial> {
    let live = bench.store.directory().read();
    live.act_in(live.admit_bearer(token, at(1))?, None, needed)
}

/// The admin has a password from now on; with its hash.
pub(in crate::contract) async fn with_password<S: IdentityStore>(bench: &Bench<'_, S>) -> (Secret, Secret) {
    let word = Secret::new("correct horse battery".to_owned());
    let hash = must("a hash", password::hash(&word, &bench.random));
    let link = TokenDigest::of("the admin's first link");
    let issue = IssueLink { user: bench.admin.key.user, kind: LinkKind::Reset, digest: link };
    must("a link", commit(bench.store, issue, operator(), 0).await);
    let choice = ChoosePassword { link, hash: hash.clone(), accept: Vec::new() };
    must("a password", commit(bench.store, choice, present(What::Link), 0).await);
    (word, hash)
}

/// The admin signs in with its password, at a moment.
pub(in crate::contract) async fn signs_in<S: IdentityStore>(
    bench: &Bench<'_, S>,
    (word, hash): &(Secret, Secret),
    session: &str,
    seconds: i64,
) {
    let proof = password::verify(word, Some((bench.admin.key.user, hash)));
    let proof = must("it proves", proof.ok_or("no"));
    let start = StartSession { proof, digest: TokenDigest::of(session) };
    must("a session", commit(bench.store, start, present(What::Password), seconds).await);
}

/// The permit of the browser with this session.
pub(in crate::contract) fn in_person<S: IdentityStore, A: Action>(
    bench: &Bench<'_, S>,
    session: &str,
    seconds: i64,
) -> Result<Permit<A>, Denial> {
    let live = bench.store.directory().read();
    check(Principal::of(live.admit_session(&TokenDigest::of(session), at(seconds))?))
}

/// The admin lets an application act for it, in this account; `bound`: and in no other.
pub(in crate::contract) async fn consents<S: IdentityStore>(
    bench: &Bench<'_, S>,
    (session, app, seconds): (&str, &str, i64),
    (account, bound): (Option<AccountId>, bool),
) -> GrantId {
    let client = Client {
        id: app.into(),
        name: format!("The application {app}"),
        redirect_uris: ["https://app.example/back".to_owned()].into(),
        origin: ClientOrigin::Operator,
        secret: None,
        refreshes: true,
        created_at: at(0),
    };
    let code = format!("{app} {bound} {seconds}");
    let digest = TokenDigest::of(&code);
    let effect = GiveConsent {
        client,
        asked: Asked::usual(),
        resources: Resources { api: true, mcp: false },
        account,
        bound,
        redirect_uri: "https://app.example/back".to_owned(),
        challenge: pkce::challenge("a-verifier-that-has-at-least-43-characters-in-it"),
        oidc_nonce: None,
        form: Uuid::from_bytes(std::array::from_fn(|place| {
            digest.as_bytes().get(place).copied().unwrap_or(0)
        })),
        code: digest,
        nonce: [7; 16],
        lives: LIVES,
    };
    let person = must("in person", in_person(bench, session, seconds));
    must("consent is given", commit(bench.store, effect, person, seconds).await).0.id
}

//! Who signs in, the clients that act for them, and the tokens that they bring.

use crate::contract::{Bench, IdentityStore, at, commit, must};
use crate::issuer::{SigningKey, key_set};
use keyward_core::jwt::{
    Algorithm, Email, Found, KeySet, Link, Rules, SCOPE_CLAIMS, ScopeNames, Scopes, Token, Typ, Verified,
};
use keyward_core::oauth::{Asked, Client, ClientOrigin, GRACE_SECONDS, GrantId, Resources, pkce, refresh};
use keyward_core::opaque::TokenDigest;
use keyward_core::password::{self, Proof};
use keyward_core::permit::{Action, Permit, Presented as What, check, operator, present};
use keyward_core::principal::Principal;
use keyward_core::secret::Secret;
use keyward_core::session::LinkKind;
use keyward_core::write::client::CreateClient;
use keyward_core::write::grant::{GiveConsent, RedeemCode, RefreshGrant};
use keyward_core::write::link::{ChoosePassword, IssueLink};
use keyward_core::write::session::StartSession;
use serde_json::{Value, json};
use std::sync::Arc;
use uuid::Uuid;

/// The password of the admin.
pub(super) const PASSWORD: &str = "correct horse battery";
/// What the admin and its client have after [`signed_in`].
pub(super) const LINK: &str = "a link that was sent";
pub(super) const SESSION: &str = "the token of a session";
pub(super) const CODE: &str = "the code of a client";
pub(super) const OIDC_NONCE: &str = "nonce-of-a-client";
pub(super) const CLIENT_SECRET: &str = "the secret of a client";
const REDIRECT: &str = "https://app.example/back";
pub(super) const VERIFIER: &str = "a-verifier-that-has-at-least-43-characters-in-it";
pub(super) const NONCE: [u8; 16] = [0xA7; 16];
pub(super) const ISSUER: &str = "https://id.example/";
const AUDIENCE: &str = "https://api.example";
const LIVES: i64 = 30 * 86_400;

pub(super) fn client(id: &str, origin: ClientOrigin) -> Client {
    Client {
        id: id.into(),
        name: format!("the client {id}"),
        redirect_uris: [REDIRECT.to_owned()].into(),
        origin,
        secret: Some(TokenDigest::of(CLIENT_SECRET)),
        refreshes: true,
        created_at: at(0),
    }
}

/// The permit of the browser with this session, at a moment.
pub(super) fn in_person<S: IdentityStore, A: Action>(
    bench: &Bench<'_, S>,
    session: &str,
    seconds: i64,
) -> Permit<A> {
    let caller = bench.store.directory().read().admit_session(&TokenDigest::of(session), at(seconds));
    must("a permit", check(Principal::of(must("a session is admitted", caller))))
}

/// A password's hash.
pub(super) fn hashed<S>(bench: &Bench<'_, S>, word: &str) -> Secret {
    must("a hash", password::hash(&Secret::new(word.to_owned()), &bench.random))
}

/// That the admin has this password.
pub(super) fn proof<S>(bench: &Bench<'_, S>, word: &str, hash: &Secret) -> Proof {
    let proof = password::verify(&Secret::new(word.to_owned()), Some((bench.admin.key.user, hash)));
    must("it proves", proof.ok_or("no"))
}

/// The admin has a password and is signed in, and a client has a grant, whose first refresh token is current.
pub(super) async fn signed_in<S: IdentityStore>(bench: &Bench<'_, S>, hash: &Secret, bound: bool) -> GrantId {
    let digest = TokenDigest::of(LINK);
    let link = IssueLink { user: bench.admin.key.user, kind: LinkKind::Reset, digest };
    must("a link", commit(bench.store, link, operator(), 0).await);
    let choice = ChoosePassword { link: digest, hash: hash.clone(), accept: Vec::new() };
    must("a password", commit(bench.store, choice, present(What::Link), 0).await);
    let digest = TokenDigest::of(SESSION);
    let start = StartSession { proof: proof(bench, PASSWORD, hash), digest };
    must("a session", commit(bench.store, start, present(What::Password), 0).await);
    let app = client("app", ClientOrigin::Operator);
    must("a client", commit(bench.store, CreateClient(app.clone()), operator(), 0).await);
    let given = consent(bench, &app, bound, CODE);
    let person = in_person(bench, SESSION, 0);
    let grant = must("consent", commit(bench.store, given, person, 0).await).0.id;
    let redeemed = redemption(&app, CODE);
    must("it is redeemed", commit(bench.store, redeemed, present(What::Client), 0).await);
    grant
}

/// Consent to this client, for the code of this text.
pub(super) fn consent<S>(bench: &Bench<'_, S>, to: &Client, bound: bool, code: &str) -> GiveConsent {
    GiveConsent {
        client: to.clone(),
        asked: Asked { openid: true, ..Asked::usual() },
        resources: Resources { api: true, mcp: false },
        account: Some(bench.account).filter(|_| bound),
        bound,
        redirect_uri: REDIRECT.to_owned(),
        challenge: pkce::challenge(VERIFIER),
        oidc_nonce: Some(OIDC_NONCE.to_owned()),
        form: Uuid::from_bytes(std::array::from_fn(|at| code.as_bytes().get(at).copied().unwrap_or(0))),
        code: TokenDigest::of(code),
        nonce: NONCE,
        lives: LIVES,
    }
}

pub(super) fn redemption(by: &Client, code: &str) -> RedeemCode {
    RedeemCode {
        code: TokenDigest::of(code),
        client: by.clone(),
        redirect_uri: Some(REDIRECT.to_owned()),
        verifier: VERIFIER.to_owned(),
        resources: None,
        version: 1,
        lives: (LIVES, 900),
    }
}

/// The refresh token of this number.
pub(super) fn refresh_token<S>(bench: &Bench<'_, S>, grant: GrantId, number: u32) -> Secret {
    let tokens = refresh::RefreshTokens::new(&bench.root);
    must("a token", tokens.token((grant, &NONCE), number, 1).ok_or("none"))
}

pub(super) fn refreshing(by: &Client, token: &Secret) -> RefreshGrant {
    RefreshGrant {
        presented: must("it is read", refresh::Presented::read(token.expose()).ok_or("no")),
        client: Arc::clone(&by.id),
        scopes: None,
        resources: None,
        version: 1,
        lives: LIVES,
        grace: GRACE_SECONDS,
    }
}

fn rules(own: bool) -> Rules {
    Rules {
        issuer: ISSUER.to_owned(),
        audiences: vec![AUDIENCE.to_owned()],
        audience_setting: "audience",
        audience_claim: None,
        algorithms: vec![Algorithm::Rs256],
        kinds: vec![Typ::AccessToken],
        payload_typ: None,
        leeway: 10,
        max_bytes: 8192,
        max_lifetime: 86_400,
        scopes: if own { Scopes::Require } else { Scopes::Ignore },
        accounts: Arc::default(),
        scope_claims: SCOPE_CLAIMS.map(str::to_owned).to_vec(),
        scope_names: ScopeNames::default(),
        link: Link::VerifiedEmail,
        email: Email { claim: "email".to_owned(), verified_claim: "email_verified".to_owned() },
        own,
    }
}

/// A token of this subject with these claims besides; one that names a grant is of our own issuer.
pub(super) fn token(subject: &str, claims: Value) -> Arc<Verified> {
    let key = SigningKey::rsa(0, "k1");
    let (from, until) = (at(-1).unix(), at(3_600).unix());
    let mut all = json!({ "iss": ISSUER, "aud": AUDIENCE, "sub": subject, "client_id": "app", "jti": "1",
                          "iat": from, "exp": until, "scope": "account:read" });
    if let (Some(all), Value::Object(more)) = (all.as_object_mut(), claims) {
        all.extend(more);
    }
    let (rules, text) = (rules(all.get("grant_id").is_some()), key.token(&all));
    let read = must("a token", Token::read(&text, 8192));
    let keys = must("a key set", KeySet::parse(&key_set(&[&key])));
    let Found::One(key) = keys.find(read.kid(), Algorithm::Rs256) else { panic!("there is one key") };
    Arc::new(must("it is verified", rules.claims(&read, &key, at(0))))
}

/// The permit of the bearer of a token, in the account that it acts in.
pub(super) fn bearer<S: IdentityStore, A: Action>(
    bench: &Bench<'_, S>,
    token: &Arc<Verified>,
    seconds: i64,
) -> Permit<A> {
    let live = bench.store.directory().read();
    let caller = must("a token is admitted", live.admit_bearer(token, at(seconds)));
    must("a permit", check(must("it acts in an account", live.act_in(caller, None, false))))
}

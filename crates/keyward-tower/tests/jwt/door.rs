//! The scheme under test, with issuers whose keys the test holds.

use keyward_core::BoxFuture;
use keyward_core::account::User;
use keyward_core::address::ClientAddress;
use keyward_core::denial::Denial;
use keyward_core::id::UserId;
use keyward_core::identity::Identity;
use keyward_core::jwt::{
    Algorithm, Email, KeySet, Link, Rules, SCOPE_CLAIMS, ScopeNames, Scopes, Typ, Verified,
};
use keyward_core::live::{Change, Directory};
use keyward_core::principal::{Caller, Credential};
use keyward_core::swap::Swap;
use keyward_testkit::issuer::{SigningKey, key_set};
use keyward_testkit::{FakeClock, START};
use keyward_tower::authenticate::{IssuerKeys, Jwts, KeyFetch, KeyQuery, Links, Scheme, Trusted, Verdict};
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

pub(crate) const ISSUER: &str = "https://id.example/";
pub(crate) const API: &str = "https://api.example";

/// Rules of an issuer as strict as they are by default.
pub(crate) fn rules(issuer: &str) -> Rules {
    Rules {
        issuer: issuer.to_owned(),
        audiences: vec![API.to_owned()],
        audience_setting: "audience",
        audience_claim: None,
        algorithms: vec![Algorithm::Rs256],
        kinds: vec![Typ::AccessToken],
        payload_typ: None,
        leeway: 10,
        max_bytes: 8192,
        max_lifetime: 30 * 86_400,
        scopes: Scopes::Narrow,
        accounts: Arc::default(),
        scope_claims: SCOPE_CLAIMS.map(str::to_owned).to_vec(),
        scope_names: ScopeNames::default(),
        link: Link::Invitation,
        email: Email { claim: "email".to_owned(), verified_claim: "email_verified".to_owned() },
        own: false,
    }
}

/// Claims that are as they must be.
pub(crate) fn good() -> Value {
    json!({
        "iss": ISSUER,
        "aud": API,
        "sub": "alice",
        "client_id": "app",
        "iat": START,
        "exp": START + 300,
        "jti": "1",
        "scope": "deals:read",
    })
}

/// The same with one claim otherwise; `null` here takes it away.
pub(crate) fn with(claim: &str, value: Value) -> Value {
    let mut claims = good();
    let members = claims.as_object_mut().unwrap();
    if value.is_null() {
        members.remove(claim);
    } else {
        members.insert(claim.to_owned(), value);
    }
    claims
}

/// Keys that a test changes, and how often newer ones were asked for.
#[derive(Debug)]
pub(crate) struct Held {
    pub(crate) set: Swap<Option<Arc<KeySet>>>,
    pub(crate) asked: AtomicU64,
    /// What asking comes to.
    pub(crate) fetch: Swap<KeyFetch>,
}

impl IssuerKeys for Held {
    fn known(&self) -> Option<Arc<KeySet>> {
        self.set.glance(Clone::clone)
    }

    fn refresh<'a>(&'a self, _: KeyQuery<'a>) -> BoxFuture<'a, KeyFetch> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        Box::pin(std::future::ready(self.fetch.glance(|fetch| *fetch)))
    }
}

#[derive(Debug)]
struct Nobody;

impl Links for Nobody {
    fn link<'a>(&'a self, _: &'a Verified, _: Link, _: ClientAddress) -> BoxFuture<'a, Result<(), Denial>> {
        Box::pin(std::future::ready(Err(Denial::TokenUnlinked)))
    }
}

/// The scheme.
pub(crate) struct Door {
    pub(crate) jwts: Jwts,
    pub(crate) clock: FakeClock,
    pub(crate) directory: Directory,
    pub(crate) keys: Vec<Arc<Held>>,
}

pub(crate) fn set(keys: &[&SigningKey]) -> Option<Arc<KeySet>> {
    Some(Arc::new(KeySet::parse(&key_set(keys)).unwrap()))
}

impl Door {
    /// Of these issuers. `alice` is a user at each.
    pub(crate) fn of(issuers: Vec<(Rules, Option<Arc<KeySet>>)>) -> Self {
        let (directory, clock) = (Directory::default(), FakeClock::new());
        let mut changes = vec![Change::User(user())];
        let (mut trusted, mut keys) = (Vec::new(), Vec::new());
        for (id, (rules, set)) in issuers.into_iter().enumerate() {
            changes.push(Change::Linked(identity(id, &rules.issuer, "alice")));
            let held = Arc::new(Held {
                set: Swap::new(set),
                asked: AtomicU64::new(0),
                fetch: Swap::new(KeyFetch::Current),
            });
            keys.push(Arc::clone(&held));
            trusted.push(Trusted { rules, keys: held });
        }
        directory.publish(changes);
        let jwts = Jwts::new(trusted.into(), directory.clone(), Arc::new(Nobody), Arc::new(clock.clone()));
        Self { jwts, clock, directory, keys }
    }

    /// Of one issuer with the usual rules and this key.
    pub(crate) fn usual(key: &SigningKey) -> Self {
        Self::of(vec![(rules(ISSUER), set(&[key]))])
    }

    /// What it says of a token.
    pub(crate) fn ask(&self, token: &str) -> Result<Caller, Option<Denial>> {
        let judging = self.jwts.judge(token, ClientAddress::Known([127, 0, 0, 1].into()));
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        match runtime.block_on(judging) {
            Verdict::Yes(caller) => Ok(caller),
            Verdict::No(denial, ..) => Err(Some(denial)),
            Verdict::NotMine => Err(None),
        }
    }

    /// Expects that it is taken.
    #[track_caller]
    pub(crate) fn takes(&self, token: &str) -> Arc<Verified> {
        match self.ask(token) {
            Ok(Caller { credential: Credential::Jwt(jwt), .. }) => jwt.token,
            other => panic!("a good token is not taken: {other:?}\n{token}"),
        }
    }

    /// Expects that it is refused as a JWT, and why.
    #[track_caller]
    pub(crate) fn refuses(&self, token: &str) -> Denial {
        match self.ask(token) {
            Err(Some(denial)) => denial,
            other => panic!("not refused as a JWT: {other:?}\n{token}"),
        }
    }
}

pub(crate) fn identity(id: usize, issuer: &str, subject: &str) -> Identity {
    let id = i64::try_from(id).unwrap() + 1;
    Identity { id, user: UserId(1), issuer: issuer.into(), subject: subject.into() }
}

pub(crate) fn user() -> User {
    User {
        id: UserId(1),
        uuid: String::new(),
        email: "alice@acme.example".to_owned(),
        email_verified: false,
        first_name: "Alice".to_owned(),
        last_name: String::new(),
        title: None,
        photo_url: None,
        last_login_at: None,
        disabled: false,
    }
}

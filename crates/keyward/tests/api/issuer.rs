//! The issuer whose tokens the app under test takes: its keys, and what its network does.

use crate::support::TestApp;
use keyward::config::IssuerConfig;
use keyward::issuers::{Document, FetchError, KeySource};
use keyward_core::BoxFuture;
use keyward_core::id::UserId;
use keyward_core::write::identity::LinkIdentity;
use keyward_testkit::START;
use keyward_testkit::issuer::{SigningKey, key_set};
use serde_json::{Value, json};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

pub(crate) const ISSUER: &str = "https://id.example/";
pub(crate) const AUDIENCE: &str = "https://api.keyward.test";

/// Clones share what they do.
#[derive(Clone, Debug)]
pub(crate) struct Issuer(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    key: Mutex<SigningKey>,
    /// What its keys' address answers; `None`: nothing.
    answer: Mutex<Option<Vec<u8>>>,
    fetches: AtomicU64,
}

impl Issuer {
    pub(crate) fn new() -> Self {
        let key = SigningKey::rsa(0, "first");
        let answer = Mutex::new(Some(key_set(&[&key])));
        let inner = Inner { key: Mutex::new(key), answer, fetches: AtomicU64::new(0) };
        Self(Arc::new(inner))
    }

    /// How it is configured.
    pub(crate) fn entry(&self) -> IssuerConfig {
        IssuerConfig {
            issuer: ISSUER.to_owned(),
            audience: vec![AUDIENCE.to_owned()],
            ..IssuerConfig::default()
        }
    }

    pub(crate) fn key(&self) -> SigningKey {
        self.0.key.lock().unwrap().clone()
    }

    /// Signs with another key from now on, whose set is another matter.
    pub(crate) fn sign_with(&self, key: SigningKey) {
        *self.0.key.lock().unwrap() = key;
    }

    /// Publishes these keys.
    pub(crate) fn publish(&self, keys: &[&SigningKey]) {
        self.answer(Some(key_set(keys)));
    }

    /// Answers this for its keys.
    pub(crate) fn answer(&self, answer: Option<Vec<u8>>) {
        *self.0.answer.lock().unwrap() = answer;
    }

    pub(crate) fn fetches(&self) -> u64 {
        self.0.fetches.load(Ordering::SeqCst)
    }

    /// The usual claims of this subject.
    pub(crate) fn claims(&self, subject: &str) -> Value {
        json!({
            "iss": ISSUER,
            "aud": AUDIENCE,
            "sub": subject,
            "client_id": "spa",
            "iat": START,
            "exp": START + 3_600,
            "jti": "1",
        })
    }

    /// A token of this subject, with these claims besides.
    pub(crate) fn token(&self, subject: &str, more: Value) -> String {
        let mut claims = self.claims(subject);
        claims.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        self.key().token(&claims)
    }
}

impl KeySource for Issuer {
    fn fetch(&self) -> BoxFuture<'_, Result<Document, FetchError>> {
        self.0.fetches.fetch_add(1, Ordering::SeqCst);
        let answer = self.0.answer.lock().unwrap().clone();
        let unreachable = || FetchError::Unreachable { url: ISSUER.to_owned(), cause: "nobody".to_owned() };
        Box::pin(std::future::ready(
            answer.map(|body| Document { body, max_age: None }).ok_or_else(unreachable),
        ))
    }
}

impl TestApp {
    /// Says that this subject is this user, as the operator does.
    pub(crate) async fn link(&self, user: UserId, subject: &str) {
        let (issuer, subject) = (ISSUER.to_owned(), subject.to_owned());
        self.operate(LinkIdentity { user, issuer, subject, linked: true }).await;
    }
}

//! The life of an issuer's keys: rotation, removal, outages, bad documents, floods. On a clock that the test moves.

use crate::issuer::Issuer;
use crate::support::TestApp;
use keyward_core::address::ClientAddress;
use keyward_core::denial::Denial;
use keyward_testkit::issuer::{SigningKey, base64url};
use serde_json::json;
use std::time::Duration;
use tokio::task::JoinSet;

const BAD: &str = "Invalid or expired authentication token";
const LATER: &str = "The service cannot do this now; try again in a few seconds";

/// An app, and a subject whose tokens it takes.
async fn app() -> TestApp {
    let app = TestApp::new().await;
    app.link(app.editor.user, "alice").await;
    app
}

async fn status(app: &TestApp, token: &str) -> u16 {
    app.get("/deals").bearer(token).send().await.status.as_u16()
}

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

#[tokio::test]
async fn a_new_key_is_good_at_its_first_use_and_the_one_before_as_long_as_it_is_published() {
    let app = app().await;
    let old = app.issuer.token("alice", json!({}));
    assert_eq!(status(&app, &old).await, 200);
    assert_eq!(app.issuer.fetches(), 1, "the first token fetched them");
    app.clock.pass(seconds(10));
    let (first, second) = (app.issuer.key(), SigningKey::rsa(1, "second"));
    app.issuer.publish(&[&first, &second]);
    app.issuer.sign_with(second.clone());
    let new = app.issuer.token("alice", json!({}));
    assert_eq!(status(&app, &new).await, 200);
    assert_eq!(status(&app, &old).await, 200);
    assert_eq!(app.issuer.fetches(), 2);
    // It is taken away, and the set is fetched anew in its time: `keep_fresh` is what does so in a server.
    app.issuer.publish(&[&second]);
    assert_eq!(status(&app, &old).await, 200, "nothing has told us yet");
    let fresh = tokio::time::timeout(Duration::from_millis(200), async {
        app.clock.pass(seconds(300));
        app.issuers.keep_fresh().await;
    });
    assert!(fresh.await.is_err(), "it never ends");
    assert_eq!(app.issuer.fetches(), 3);
    app.get("/deals").bearer(&old).refused(401, "UNAUTHORIZED", BAD).await;
    assert_eq!(status(&app, &new).await, 200);
}

#[tokio::test]
async fn the_operator_has_a_withdrawn_key_forgotten_at_once() {
    let app = app().await;
    let old = app.issuer.token("alice", json!({}));
    assert_eq!(status(&app, &old).await, 200);
    app.issuer.publish(&[&SigningKey::rsa(1, "second")]);
    let keeping = {
        let issuers = app.issuers.clone();
        tokio::spawn(async move { issuers.keep_fresh().await })
    };
    app.issuers.fetch_anew();
    for _ in 0..100 {
        tokio::time::sleep(Duration::from_millis(10)).await;
        if app.issuer.fetches() == 2 {
            break;
        }
    }
    app.clock.pass(seconds(2));
    app.get("/deals").bearer(&old).refused(401, "UNAUTHORIZED", BAD).await;
    keeping.abort();
}

#[tokio::test]
async fn a_bad_document_never_takes_the_place_of_a_good_one() {
    let app = app().await;
    let token = app.issuer.token("alice", json!({}));
    assert_eq!(status(&app, &token).await, 200);
    let key = app.issuer.key();
    let many: Vec<_> = (0..10_000).map(|_| key.jwk()).collect();
    let bad = [
        None,
        Some(Vec::new()),
        Some(b"<html>Service Unavailable</html>".to_vec()),
        Some(b"{\"keys\":null}".to_vec()),
        Some(json!({ "keys": many }).to_string().into_bytes()),
        Some(vec![b' '; 10 * 1024 * 1024]),
    ];
    let unknown = SigningKey::rsa(2, "unknown").token(&app.issuer.claims("alice"));
    for (round, answer) in bad.into_iter().enumerate() {
        app.issuer.answer(answer);
        app.clock.pass(seconds(10));
        let before = app.issuer.fetches();
        app.get("/deals").bearer(&unknown).refused(503, "SERVICE_UNAVAILABLE", LATER).await;
        assert_eq!(app.issuer.fetches(), before + 1, "round {round}: it was looked for");
        assert_eq!(status(&app, &token).await, 200, "round {round}: the good set is believed");
    }
    // A set with a bad key beside a good one is a good set.
    let beside = json!({ "keys": [key.jwk(), { "kty": "oct", "k": base64url("secret"), "kid": "shared" }] });
    app.issuer.answer(Some(beside.to_string().into_bytes()));
    app.clock.pass(seconds(10));
    app.get("/deals").bearer(&unknown).refused(401, "UNAUTHORIZED", BAD).await;
    assert_eq!(status(&app, &token).await, 200);
}

/// Sets in which no key can be used: well-formed, and the issuer's word.
fn withdrawn(app: &TestApp) -> [serde_json::Value; 3] {
    let twice = [app.issuer.key().jwk(), SigningKey::rsa(1, "first").jwk()];
    let oct = json!({ "kty": "oct", "k": base64url("secret"), "kid": "first", "alg": "RS256" });
    [json!([]), json!(twice), json!([oct])].map(|keys| json!({ "keys": keys }))
}

#[tokio::test]
async fn a_key_that_the_issuer_withdrew_without_another_is_refused_once_it_has_said_so_twice() {
    for round in 0..3 {
        let app = app().await;
        let token = app.issuer.token("alice", json!({}));
        assert_eq!(status(&app, &token).await, 200);
        let unknown = SigningKey::rsa(2, "unknown").token(&app.issuer.claims("alice"));
        app.issuer.answer(Some(withdrawn(&app)[round].to_string().into_bytes()));
        app.clock.pass(seconds(10));
        app.get("/deals").bearer(&unknown).refused(503, "SERVICE_UNAVAILABLE", LATER).await;
        assert_eq!(status(&app, &token).await, 200, "a mistake of a moment does no harm");
        app.clock.pass(seconds(2));
        app.get("/deals").bearer(&unknown).refused(401, "UNAUTHORIZED", BAD).await;
        app.clock.pass(seconds(2));
        app.get("/deals").bearer(&token).refused(401, "UNAUTHORIZED", BAD).await;
        // Another set is taken at once.
        app.issuer.publish(&[&app.issuer.key()]);
        app.clock.pass(seconds(2));
        assert_eq!(status(&app, &token).await, 200);
    }
}

#[tokio::test]
async fn the_operator_has_a_key_forgotten_at_once_that_was_withdrawn_without_another() {
    for round in 0..3 {
        let app = app().await;
        let token = app.issuer.token("alice", json!({}));
        assert_eq!(status(&app, &token).await, 200);
        app.issuer.answer(Some(withdrawn(&app)[round].to_string().into_bytes()));
        let issuers = app.issuers.clone();
        let keeping = tokio::spawn(async move { issuers.keep_fresh().await });
        app.issuers.fetch_anew();
        for _ in 0..100 {
            tokio::time::sleep(Duration::from_millis(10)).await;
            if app.issuer.fetches() == 2 {
                break;
            }
        }
        app.clock.pass(seconds(2));
        app.get("/deals").bearer(&token).refused(401, "UNAUTHORIZED", BAD).await;
        keeping.abort();
    }
}

#[tokio::test]
async fn through_an_outage_the_last_good_set_is_believed_for_a_day_and_then_nothing_is() {
    let app = app().await;
    let token = app.issuer.token("alice", json!({ "exp": keyward_testkit::START + 172_800 }));
    assert_eq!(status(&app, &token).await, 200);
    app.issuer.answer(None);
    app.clock.pass(seconds(86_399));
    assert_eq!(status(&app, &token).await, 200);
    app.clock.pass(seconds(1));
    let refused = app.get("/deals").bearer(&token).refused(503, "SERVICE_UNAVAILABLE", LATER).await;
    assert_eq!(refused.header("retry-after"), Some("2"));
    // Keys are another matter.
    app.get("/deals").by(&app.editor).expect(200).await;
    // It comes back, and is asked again after the cool-down.
    app.issuer.publish(&[&app.issuer.key()]);
    assert_eq!(status(&app, &token).await, 503);
    app.clock.pass(seconds(10));
    assert_eq!(status(&app, &token).await, 200);
}

#[tokio::test]
async fn an_issuer_that_was_never_reached_takes_nobody_in() {
    let app = app().await;
    app.issuer.answer(None);
    let token = app.issuer.token("alice", json!({}));
    for _ in 0..5 {
        assert_eq!(status(&app, &token).await, 503);
    }
    assert_eq!(app.issuer.fetches(), 1);
    // What is no token of its is not worth a question, nor a 503.
    app.get("/deals").bearer("a.b.c").refused(401, "UNAUTHORIZED", BAD).await;
}

/// The keys are rotated just after they were fetched for a token, so the next fetch must wait for the cool-down.
#[tokio::test]
async fn a_token_with_a_new_key_waits_for_the_next_fetch_and_is_taken() {
    let app = app().await;
    assert_eq!(status(&app, &app.issuer.token("alice", json!({}))).await, 200);
    let second = SigningKey::rsa(1, "second");
    app.issuer.publish(&[&app.issuer.key(), &second]);
    app.issuer.sign_with(second);
    let token = app.issuer.token("alice", json!({}));
    let mut request = std::pin::pin!(status(&app, &token));
    let early = tokio::time::timeout(Duration::from_millis(200), &mut request).await;
    assert!(early.is_err(), "it waits: {early:?}");
    app.clock.pass(seconds(2));
    assert_eq!(request.await, 200);
    assert_eq!(app.issuer.fetches(), 2);
}

/// A client that gets 401 throws its token away, and 429 follows after some of them.
#[tokio::test]
async fn while_the_issuer_is_out_of_reach_an_unknown_key_is_503_and_never_a_failed_credential() {
    let app = app().await;
    let known = app.issuer.token("alice", json!({}));
    assert_eq!(status(&app, &known).await, 200);
    app.issuer.sign_with(SigningKey::rsa(1, "second"));
    app.issuer.answer(None);
    app.clock.pass(seconds(2));
    let fresh = app.issuer.token("alice", json!({}));
    for _ in 0..200 {
        let refused = app.get("/deals").bearer(&fresh).refused(503, "SERVICE_UNAVAILABLE", LATER).await;
        assert_eq!(refused.header("retry-after"), Some("2"));
        app.clock.pass(Duration::from_millis(1));
    }
    assert_eq!(app.issuer.fetches(), 2);
    assert_eq!(status(&app, &known).await, 200);
    // The moment that Retry-After names is true.
    app.issuer.publish(&[&app.issuer.key()]);
    app.clock.pass(Duration::from_millis(1_800));
    assert_eq!(status(&app, &fresh).await, 200);
}

#[tokio::test]
async fn a_flood_of_made_up_keys_fetches_once_in_a_cool_down() {
    let app = app().await;
    let token = app.issuer.token("alice", json!({}));
    assert_eq!(status(&app, &token).await, 200);
    let forger = SigningKey::rsa(2, "forged");
    let claims = app.issuer.claims("alice").to_string();
    let forged = |n: usize| {
        let header = json!({ "alg": "RS256", "typ": "at+jwt", "kid": format!("made-up-{n}") });
        format!("{}.{}.{}", base64url(header.to_string()), base64url(&claims), base64url(forger.sign(b"x")))
    };
    let (mut asked, mut waiting) = (0, JoinSet::new());
    for second in 0..30 {
        for _ in 0..100 {
            asked += 1;
            let (jwts, token) = (app.app.jwts.clone(), forged(asked));
            waiting.spawn(async move { jwts.verify(&token, ClientAddress::Unknown).await });
        }
        assert_eq!(status(&app, &token).await, 200, "second {second}");
        app.clock.pass(seconds(1));
    }
    // What still waits need not wait in the test.
    tokio::time::pause();
    let judged = waiting.join_all().await;
    tokio::time::resume();
    let absent = judged.iter().filter(|judged| matches!(judged, Err(Denial::TokenKeyUnknown))).count();
    let later =
        judged.iter().filter(|judged| matches!(judged, Err(Denial::IssuerUnavailable(1..=7)))).count();
    assert!(
        absent >= 64 && absent + later == asked,
        "{absent} were looked for, {later} found no place to wait"
    );
    let fetches = app.issuer.fetches();
    assert!((2..=16).contains(&fetches), "30 s of {asked} made-up keys, and the first token: {fetches}");
    // The same with nothing to believe.
    let empty = TestApp::new().await;
    empty.issuer.answer(None);
    for n in 0..1_000 {
        let judged = empty.app.jwts.verify(&forged(n), ClientAddress::Unknown).await;
        assert!(matches!(judged, Err(Denial::IssuerUnavailable(1..=7))), "{judged:?}");
        empty.clock.pass(Duration::from_millis(30));
    }
    assert_eq!(empty.issuer.fetches(), 15, "30 s");
}

#[tokio::test]
async fn a_key_set_in_any_order_and_with_strangers_in_it_is_understood() {
    let issuer = Issuer::new();
    let strangers = json!({ "keys": [
        { "kty": "EC", "crv": "P-521", "x": "AA", "y": "AA", "kid": "ec" },
        { "kty": "AKP", "alg": "ML-DSA-44", "pub": "AA", "kid": "pq" },
        { "kty": "RSA", "use": "enc", "n": "AA", "e": "AQAB", "kid": "enc" },
        issuer.key().jwk(),
    ] });
    let set = keyward_core::jwt::KeySet::parse(strangers.to_string().as_bytes()).unwrap();
    assert_eq!(set.keys().count(), 1);
    assert_eq!(set.unusable.len(), 3);
}

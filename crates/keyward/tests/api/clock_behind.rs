//! The clock goes back: every kind of credential and secret, at every distance, and then the clock is right again.
//!
//! | mistake | the test that catches it |
//! | --- | --- |
//! | something ended opens again with an earlier hour | `what_has_ended_opens_nothing_whatever_the_clock_shows` |
//! | an end is judged by a clock that is wrong | `what_has_an_end_is_503_while_the_clock_is_behind_and_works_once_it_is_right` |
//! | a wrong future shuts everybody out for good | `a_wrong_future_is_taken_back_by_the_operator` |
//! | what was made in a wrong future lives until then | `what_was_made_in_a_wrong_future_ends_when_it_is_taken_back` |
//! | what ends between the clock and the newest time is refused for good | `what_ends_after_the_time_that_the_clock_shows_waits` |
//! | a retry of a refresh ends the grant | `a_refresh_token_that_was_just_replaced_ends_nothing_while_the_clock_is_behind` |
//! | a wrong future takes away what had not ended | `a_wrong_future_forgets_nothing` |
//! | one that is over does, a day later | `a_wrong_future_that_is_over_forgets_nothing_however_long_it_waits` |
//! | a clock that is hours ahead takes links away | `a_link_for_one_takes_no_link_of_another_away` |
//! | nobody can leave, or stop an application | `what_is_ones_own_can_be_ended_while_the_clock_is_behind` |

use crate::browser::{Browser, call, code, encoded, fields, form_to, redeem, refresh, text, tokens};
use crate::mcp;
use crate::support::{Answer, Key, PASSWORD, TestApp};
use keyward_core::clock::{At, Clock, Timestamp};
use keyward_core::grant::Grant;
use keyward_core::opaque::{TokenKind, mint};
use keyward_core::session::LinkKind;
use keyward_core::store::{AuditQuery, OperatorReads, Retention, Upkeep};
use keyward_core::write::clock::AcceptClock;
use keyward_core::write::link::IssueLink;
use keyward_testkit::{START, SeededRandom};
use serde_json::json;
use std::collections::BTreeMap;
use std::time::Duration;

const HOUR: i64 = 3_600;
const DAY: i64 = 24 * HOUR;
/// 2106-02-07T06:28:15Z, the last second of 32 bits.
const LAST_OF_32_BITS: i64 = 4_294_967_295;

/// How far the clock is behind, in seconds, and whether it is believed.
const BACK: [(i64, bool); 8] = [
    (0, true),
    (60, true),
    (61, false),
    (HOUR, false),
    (DAY, false),
    (START, false),
    (i64::MAX / 2, false),
    (0, true),
];

/// One credential or secret of every kind.
struct Everything {
    plain: Key,
    ending: Key,
    replaced: Key,
    outside: String,
    own: String,
    refresh: String,
    code: String,
    cookies: BTreeMap<String, String>,
    link: String,
}

const ONCE: &str = "550e8400-e29b-41d4-a716-446655440077";

async fn link(app: &TestApp, seed: u64) -> String {
    let (token, digest) = mint(TokenKind::Link, &SeededRandom::new(seed)).unwrap();
    app.operate(IssueLink { user: app.viewer.user, kind: LinkKind::Reset, digest }).await;
    format!("/welcome?token={}", token.expose())
}

async fn ending(app: &TestApp, end: Timestamp) -> Key {
    let wanted = json!({"label": "ending", "expires_at": end.to_string()});
    app.post("/api-keys").by(&app.admin).json(wanted).expect(201).await.new_key()
}

impl Everything {
    async fn of(app: &TestApp) -> Self {
        let plain = app.key(&app.admin, Grant::FullAccess).await;
        let replaced = app.key(&app.admin, Grant::FullAccess).await;
        let rotate = app.post(&format!("/api-keys/{}/rotate", replaced.id)).by(&app.admin);
        rotate.json(json!({"grace_seconds": HOUR})).expect(200).await;
        let granted = tokens(app, "editor", &[("scope", "openid deals:read")]).await;
        let mut browser = Browser::new(app);
        assert_eq!(browser.sign_in("admin", "/console").await.status, 303);
        make_once(app).await.assert(201);
        Self {
            plain,
            ending: ending(app, app.clock.now().plus_seconds(HOUR)).await,
            replaced,
            outside: app.token_of(&app.viewer, json!({})).await,
            own: text(&granted, "access_token").to_owned(),
            refresh: text(&granted, "refresh_token").to_owned(),
            code: code(app, "editor", &[]).await,
            cookies: browser.cookies.clone(),
            link: link(app, 11).await,
        }
    }

    /// What each of them is answered.
    async fn asked(&self, app: &TestApp) -> Vec<(&'static str, u16)> {
        let me = async |token: &str| status(&app.get("/me").bearer(token).send().await);
        let mut browser = Browser { app, cookies: self.cookies.clone() };
        let validate = app.post("/auth/validate-api-key").json(json!({"api_key": self.ending.secret}));
        let listed = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {}});
        vec![
            ("a key with an end", me(&self.ending.secret).await),
            ("a secret in its grace period", me(&self.replaced.secret).await),
            ("a token of another issuer", me(&self.outside).await),
            ("a token of our own", me(&self.own).await),
            ("a refresh token", status(&refresh(app, &self.refresh).await)),
            ("a session", status(&browser.get("/console/acme/keys").await)),
            ("a link", status(&Browser::new(app).get(&self.link).await)),
            ("the question about a key", status(&validate.send().await)),
            (
                "a key with an end at /mcp",
                status(&mcp::send(app, "/mcp", &self.ending.secret, &listed).await),
            ),
            ("a kept answer with a secret", status(&make_once(app).await)),
        ]
    }
}

trait Assert {
    fn assert(self, status: u16);
}

impl Assert for Answer {
    fn assert(self, status: u16) {
        assert_eq!(self.status.as_u16(), status, "{}", self.text());
    }
}

fn status(answer: &Answer) -> u16 {
    let status = answer.status.as_u16();
    if status == 503 {
        assert_eq!(answer.header("retry-after"), Some("60"), "{}", answer.text());
        assert!(answer.text().contains("keyward clock accept"), "it names the way out: {}", answer.text());
    }
    status
}

/// Makes a key, once, whose answer shows its secret.
async fn make_once(app: &TestApp) -> Answer {
    app.post("/api-keys")
        .by(&app.admin)
        .json(json!({"label": "once"}))
        .header("idempotency-key", ONCE)
        .send()
        .await
}

#[tokio::test]
async fn what_has_an_end_is_503_while_the_clock_is_behind_and_works_once_it_is_right() {
    let app = TestApp::new().await;
    let all = Everything::of(&app).await;
    let right = all.asked(&app).await;
    assert!(right.iter().all(|(kind, status)| matches!(status, 200 | 201) || panic!("{kind}: {status}")));
    for (back, believed) in BACK {
        app.clock.advance(-back);
        for ((kind, before), (_, now)) in right.iter().zip(all.asked(&app).await) {
            assert_eq!(now, if believed { *before } else { 503 }, "{kind}, {back} s behind");
        }
        // What has no end serves, reads and writes.
        app.get("/me").key(&all.plain).expect(200).await;
        app.post("/deals").key(&all.plain).json(json!({"title": "x"})).expect(201).await;
        app.get("/health").expect(200).await;
        if !believed {
            let signing_in = Browser::new(&app).sign_in("admin", "/console").await;
            assert_eq!(status(&signing_in), 503, "a sign-in, {back} s behind");
            assert_eq!(status(&redeem(&app, &all.code).await), 503, "a code, {back} s behind");
        }
        app.clock.advance(START - app.clock.now().unix());
    }
    assert_eq!(redeem(&app, &all.code).await.status, 200, "nothing was used up");
}

#[tokio::test]
async fn what_has_ended_opens_nothing_whatever_the_clock_shows() {
    let app = TestApp::new().await;
    let all = Everything::of(&app).await;
    app.clock.advance(13 * HOUR + DAY);
    let ended = |kind: &str, status: u16| match kind {
        // A grant that is refreshed lives on, and an answer with a secret says that it was shown.
        "a refresh token" => status == 200,
        "the question about a key" => status == 200,
        "a kept answer with a secret" => matches!(status, 201 | 409),
        _ => matches!(status, 303 | 401 | 404),
    };
    let over = all.asked(&app).await;
    assert!(over.iter().all(|(kind, status)| ended(kind, *status) || panic!("{kind}: {status}")));
    let now = app.clock.now().unix();
    for back in [1, 60, 61, HOUR, DAY, 13 * HOUR + DAY, now, 0] {
        app.clock.advance(now - back - app.clock.now().unix());
        for (kind, status) in all.asked(&app).await {
            assert!(status == 503 || ended(kind, status), "{kind}, {back} s behind: {status}");
        }
        let asked =
            app.post("/auth/validate-api-key").json(json!({"api_key": all.ending.secret})).send().await;
        assert!(asked.status == 503 || asked.data()["valid"] == false, "its end is not judged by the hour");
        assert_ne!(redeem(&app, &all.code).await.status, 200, "{back} s behind");
    }
}

#[tokio::test]
async fn a_wrong_future_is_taken_back_by_the_operator() {
    let app = TestApp::new().await;
    let all = Everything::of(&app).await;
    let later = ending(&app, Timestamp::from_unix(LAST_OF_32_BITS + HOUR)).await;
    let right = all.asked(&app).await;
    app.clock.advance(LAST_OF_32_BITS - START);
    app.get("/me").key(&all.ending).expect(401).await;
    app.clock.advance(START + 10 - LAST_OF_32_BITS);
    assert_eq!(status(&app.get("/me").bearer(&all.own).send().await), 503, "by this clock it has not ended");
    app.get("/me").key(&later).expect(503).await;
    let wanted = json!({"label": "ending", "expires_at": Timestamp::from_unix(LAST_OF_32_BITS + HOUR)});
    let made = app.post("/api-keys").by(&app.admin).json(wanted).send().await;
    assert_eq!(status(&made), 503, "nobody knows what the future is");
    let to = app.clock.now();
    let done = app.operate(AcceptClock { to }).await;
    assert_eq!((done.from.unix(), done.to), (LAST_OF_32_BITS, to));
    app.get("/me").key(&later).expect(200).await;
    for ((kind, before), (_, now)) in right.iter().zip(all.asked(&app).await) {
        // The secret of the answer was used long ago, as far as anybody knew.
        let closed = *kind == "a kept answer with a secret" && now == 409;
        assert!(now == *before || closed, "{kind}: {now}");
    }
    let trail = app.store.audit(AuditQuery::first(1_000)).await.unwrap().items;
    let said = trail.iter().position(|row| row.action == "clock.accept").unwrap();
    let detail = json!({"from": "2106-02-07T06:28:15Z", "to": to});
    assert_eq!((trail[said].at.unix(), trail[said].detail.as_ref()), (LAST_OF_32_BITS, Some(&detail)));
    assert!(trail[..=said].is_sorted_by(|one, next| one.at <= next.at), "only that row takes the time back");
    // Once is enough, and nothing more is taken back.
    assert_eq!(app.operate(AcceptClock { to: app.clock.now() }).await.from, to);
    assert_eq!(app.store.audit(AuditQuery::first(1_000)).await.unwrap().items.len(), trail.len());
}

#[tokio::test]
async fn what_was_made_in_a_wrong_future_ends_when_it_is_taken_back() {
    let app = TestApp::new().await;
    app.clock.advance(LAST_OF_32_BITS - START);
    let all = Everything::of(&app).await;
    app.clock.advance(START + 10 - LAST_OF_32_BITS);
    app.operate(AcceptClock { to: app.clock.now() }).await;
    for (kind, status) in all.asked(&app).await {
        let is_open = match kind {
            "the question about a key" => status == 200,
            // Made by an issuer whose clock is right.
            "a token of another issuer" => true,
            "a kept answer with a secret" => status == 409,
            _ => matches!(status, 303 | 400 | 401 | 404),
        };
        assert!(is_open, "{kind}: {status}");
    }
    let asked = app.post("/auth/validate-api-key").json(json!({"api_key": all.ending.secret})).send().await;
    assert_eq!(asked.data()["valid"], false, "nobody knows whether its end was named or counted");
    assert_eq!(redeem(&app, &all.code).await.status, 400);
    // And everything can be made again.
    let mut browser = Browser::new(&app);
    assert_eq!(browser.sign_in("admin", "/console").await.status, 303);
    assert_eq!(browser.get("/console/acme/keys").await.status, 200);
    let granted = tokens(&app, "editor", &[]).await;
    app.get("/me").bearer(text(&granted, "access_token")).expect(200).await;
}

#[tokio::test]
async fn a_wrong_future_forgets_nothing() {
    let app = TestApp::new().await;
    let all = Everything::of(&app).await;
    let right = all.asked(&app).await;
    app.clock.advance(LAST_OF_32_BITS - START);
    let tidy = async || {
        let keep = Retention { changes: Some(30), ..Retention::default() };
        (app.store.purge(At::Store).await.unwrap(), app.store.forget(At::Store, keep).await.unwrap())
    };
    for round in 0..24 {
        assert_eq!(tidy().await, (0, 0), "in round {round}");
        // A sign-in tidies up too.
        let mut browser = Browser::new(&app);
        assert_eq!(browser.sign_in("viewer", "/console").await.status, 303);
        app.clock.pass(Duration::from_secs(100));
    }
    app.clock.advance(START + 10 - LAST_OF_32_BITS);
    app.operate(AcceptClock { to: app.clock.now() }).await;
    for ((kind, before), (_, now)) in right.iter().zip(all.asked(&app).await) {
        let closed = *kind == "a kept answer with a secret" && now == 409;
        assert!(now == *before || closed, "{kind}: {now}");
    }
}

#[tokio::test]
async fn a_link_and_a_form_are_used_up_by_nothing_while_the_clock_is_behind() {
    let app = TestApp::new().await;
    let link = link(&app, 12).await;
    let mut browser = Browser::new(&app);
    let form = form_to(&browser.get(&link).await.text(), "/welcome").with("password", PASSWORD);
    app.clock.advance(-DAY);
    assert_eq!(status(&browser.send(&form).await), 503);
    app.clock.advance(DAY);
    assert_eq!(browser.send(&form).await.status, 303);
}

#[tokio::test]
async fn what_ends_after_the_time_that_the_clock_shows_waits() {
    let app = TestApp::new().await;
    let all = Everything::of(&app).await;
    app.clock.advance(LAST_OF_32_BITS - START);
    app.get("/me").key(&all.plain).expect(200).await;
    // Two hours after all of it was made.
    app.clock.advance(START + 2 * HOUR - LAST_OF_32_BITS);
    for (kind, status) in all.asked(&app).await {
        let ended = matches!(
            kind,
            "a key with an end" | "a key with an end at /mcp" | "a secret in its grace period"
        );
        let expected = match kind {
            _ if ended => 401,
            "a token of our own" | "a token of another issuer" => 401,
            "the question about a key" => 200,
            _ => 503,
        };
        assert_eq!(status, expected, "{kind}");
    }
    let code = redeem(&app, &all.code).await;
    assert_eq!((code.status.as_u16(), code.json()["error"].as_str()), (400, Some("invalid_grant")));
    let granted = refresh(&app, &all.refresh).await;
    assert_eq!(granted.json()["error"], "temporarily_unavailable", "a client keeps its refresh token");
    app.operate(AcceptClock { to: app.clock.now() }).await;
    assert_eq!(refresh(&app, &all.refresh).await.status, 200);
}

#[tokio::test]
async fn a_refresh_token_that_was_just_replaced_ends_nothing_while_the_clock_is_behind() {
    let app = TestApp::new().await;
    let granted = tokens(&app, "editor", &[]).await;
    let first = text(&granted, "refresh_token");
    let second = refresh(&app, first).await.json();
    let second = text(&second, "refresh_token");
    for (ahead, shows) in [(LAST_OF_32_BITS, START + 5), (LAST_OF_32_BITS, START - DAY)] {
        app.clock.advance(ahead - app.clock.now().unix());
        app.get("/me").by(&app.admin).expect(200).await;
        app.clock.advance(shows - app.clock.now().unix());
        assert_eq!(status(&refresh(&app, first).await), 503, "it may have been replaced just now");
    }
    app.clock.advance(START + 10 - app.clock.now().unix());
    app.operate(AcceptClock { to: app.clock.now() }).await;
    assert_eq!(refresh(&app, second).await.status, 200, "the grant lives");
    // An older one was replaced for certain, whatever the clock shows.
    app.clock.advance(-DAY);
    assert_eq!(refresh(&app, first).await.json()["error"], "invalid_grant");
}

#[tokio::test]
async fn a_wrong_future_that_is_over_forgets_nothing_however_long_it_waits() {
    let app = TestApp::new().await;
    let granted = tokens(&app, "editor", &[("scope", "openid deals:read")]).await;
    let key = ending(&app, app.clock.now().plus_seconds(30 * DAY)).await;
    let trail = async || app.store.audit(AuditQuery::first(1_000)).await.unwrap().items.len();
    let before = trail().await;
    app.clock.advance(LAST_OF_32_BITS - START);
    let keep = Retention { changes: Some(30), ..Retention::default() };
    let tidy = async || {
        app.store.purge(At::Store).await.unwrap();
        app.store.forget(At::Store, keep).await.unwrap()
    };
    assert_eq!(tidy().await, 0);
    app.clock.advance(START - LAST_OF_32_BITS);
    for hour in 0..50 {
        tidy().await;
        assert_eq!(trail().await, before, "hour {hour}");
        app.clock.run(HOUR);
    }
    app.operate(AcceptClock { to: app.clock.now() }).await;
    tidy().await;
    app.get("/me").key(&key).expect(200).await;
    assert_eq!(refresh(&app, text(&granted, "refresh_token")).await.status, 200);
}

#[tokio::test]
async fn a_link_for_one_takes_no_link_of_another_away() {
    let app = TestApp::new().await;
    let first = link(&app, 13).await;
    app.clock.run(5 * HOUR);
    app.clock.advance(20 * HOUR);
    let (_, digest) = mint(TokenKind::Link, &SeededRandom::new(14)).unwrap();
    app.operate(IssueLink { user: app.editor.user, kind: LinkKind::Reset, digest }).await;
    app.clock.advance(-20 * HOUR);
    app.operate(AcceptClock { to: app.clock.now() }).await;
    assert_eq!(Browser::new(&app).get(&first).await.status, 200);
}

#[tokio::test]
async fn what_is_ones_own_can_be_ended_while_the_clock_is_behind() {
    let app = TestApp::new().await;
    let granted = tokens(&app, "admin", &[]).await;
    let other = tokens(&app, "editor", &[]).await;
    let key = ending(&app, app.clock.now().plus_seconds(HOUR)).await;
    let mut browser = Browser::new(&app);
    browser.sign_in("admin", "/console").await;
    let stolen = browser.cookies.clone();
    let applications = browser.get("/console/acme/applications").await.text();
    let keys = browser.get("/console/acme/keys").await.text();
    app.clock.advance(-DAY);
    let revoke = form_to(&keys, &format!("/console/acme/keys/{}/revoke", app.admin.key.id));
    assert_eq!(status(&browser.send(&revoke).await), 503, "what is another's is not ended by it");
    let disconnect = form_to(&applications, "/console/acme/applications/disconnect");
    assert_eq!(browser.send(&disconnect).await.status, 303);
    // A session beside it says nothing.
    let pairs = [("client_id", "app"), ("token", text(&other, "refresh_token"))];
    let ask = app.request(http::Method::POST, "/oauth/revoke").header("cookie", &browser.cookie());
    let ask = ask.header("content-type", "application/x-www-form-urlencoded");
    assert_eq!(ask.raw(encoded(&fields(&pairs))).send().await.status, 200);
    assert_eq!(browser.send(&form_to(&keys, "/sign-out")).await.status, 303);
    assert!(!browser.cookies.keys().any(|name| name.ends_with("session")), "{:?}", browser.cookies);
    // A key ends itself, and nothing else.
    let other_key = format!("/api-keys/{}", app.viewer.key.id);
    assert_eq!(status(&app.delete(&other_key).key(&key).send().await), 503);
    app.delete(&format!("/api-keys/{}", key.id)).key(&key).expect(200).await;
    app.clock.advance(DAY);
    app.get("/me").key(&key).expect(401).await;
    app.get("/me").by(&app.viewer).expect(200).await;
    let mut thief = Browser { app: &app, cookies: stolen };
    assert_eq!(thief.get("/console/acme/keys").await.status, 303, "the session has ended");
    for ended in [&granted, &other] {
        assert_eq!(refresh(&app, text(ended, "refresh_token")).await.json()["error"], "invalid_grant");
    }
    assert_eq!(call(&app, "/oauth/revoke", &[("client_id", "app"), ("token", "x")]).await.status, 200);
}

/// Somebody who has a secret that was replaced must not end the one that replaced it.
#[tokio::test]
async fn a_replaced_secret_whose_end_cannot_be_judged_ends_nothing() {
    let app = TestApp::new().await;
    let key = app.key(&app.admin, Grant::FullAccess).await;
    let path = format!("/api-keys/{}", key.id);
    let body = json!({ "grace_seconds": HOUR });
    let next = app.post(&format!("{path}/rotate")).by(&app.admin).json(body).expect(200).await.new_key();
    app.clock.advance(2 * HOUR);
    app.delete(&path).key(&key).expect(401).await;
    app.clock.advance(-2 * HOUR);
    assert_eq!(status(&app.delete(&path).key(&key).send().await), 503);
    app.get("/me").key(&next).expect(200).await;
    app.delete(&path).key(&next).expect(200).await;
}

//! The clock goes back: every kind of credential and secret, at every distance, and then the clock is right again.
//!
//! | mistake | the test that catches it |
//! | --- | --- |
//! | something ended opens again with an earlier hour | `what_has_ended_opens_nothing_whatever_the_clock_shows` |
//! | an end is judged by a clock that is wrong | `what_has_an_end_is_503_while_the_clock_is_behind_and_works_once_it_is_right` |
//! | a wrong future shuts everybody out for good | `a_wrong_future_is_taken_back_by_the_operator` |
//! | what was made in a wrong future lives until then | `what_was_made_in_a_wrong_future_ends_when_it_is_taken_back` |
//! | a wrong future takes away what had not ended | `a_wrong_future_forgets_nothing` |

use crate::browser::{Browser, code, form_to, redeem, refresh, text, tokens};
use crate::mcp;
use crate::support::{Answer, Key, PASSWORD, TestApp};
use keyward_core::clock::{AcceptClock, At, Clock, Timestamp};
use keyward_core::opaque::{TokenKind, mint};
use keyward_core::principal::Grant;
use keyward_core::session::{IssueLink, LinkKind};
use keyward_core::store::{OperatorReads, Retention, Upkeep};
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
        assert_eq!(asked.data()["valid"], false, "its end is not judged by the hour");
        assert_ne!(redeem(&app, &all.code).await.status, 200, "{back} s behind");
    }
}

#[tokio::test]
async fn a_wrong_future_is_taken_back_by_the_operator() {
    let app = TestApp::new().await;
    let all = Everything::of(&app).await;
    let right = all.asked(&app).await;
    app.clock.advance(LAST_OF_32_BITS - START);
    app.get("/me").key(&all.ending).expect(401).await;
    app.clock.advance(START + 10 - LAST_OF_32_BITS);
    assert_eq!(status(&app.get("/me").bearer(&all.own).send().await), 401, "what has ended stays ended");
    let later = ending(&app, Timestamp::from_unix(LAST_OF_32_BITS + HOUR)).await;
    app.get("/me").key(&later).expect(503).await;
    let to = app.clock.now();
    let done = app.operate(AcceptClock { to }).await;
    assert_eq!((done.from.unix(), done.to), (LAST_OF_32_BITS, to));
    app.get("/me").key(&later).expect(200).await;
    for ((kind, before), (_, now)) in right.iter().zip(all.asked(&app).await) {
        // The secret of the answer was used long ago, as far as anybody knew.
        let closed = *kind == "a kept answer with a secret" && now == 409;
        assert!(now == *before || closed, "{kind}: {now}");
    }
    let trail = app.store.audit(Timestamp::from_unix(0), 0, 1_000).await.unwrap();
    let said = trail.iter().position(|row| row.action == "clock.accept").unwrap();
    let detail = json!({"from": "2106-02-07T06:28:15Z", "to": to});
    assert_eq!((trail[said].at.unix(), trail[said].detail.as_ref()), (LAST_OF_32_BITS, Some(&detail)));
    assert!(trail[..=said].is_sorted_by(|one, next| one.at <= next.at), "only that row takes the time back");
    // Once is enough, and nothing more is taken back.
    assert_eq!(app.operate(AcceptClock { to: app.clock.now() }).await.from, to);
    assert_eq!(app.store.audit(Timestamp::from_unix(0), 0, 1_000).await.unwrap().len(), trail.len());
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
            // Its end was named, and stays what it is.
            "a key with an end" | "a key with an end at /mcp" | "the question about a key" => status == 200,
            // Made by an issuer whose clock is right.
            "a token of another issuer" => true,
            "a kept answer with a secret" => status == 409,
            _ => matches!(status, 303 | 400 | 401 | 404),
        };
        assert!(is_open, "{kind}: {status}");
    }
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

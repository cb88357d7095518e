//! One request is one event, with a stable word for every refusal, and no secret.

use super::support::TestApp;
use http::Method;
use serde_json::{Value, json};
use std::future::poll_fn;
use std::io::Write;
use std::sync::{Arc, Mutex};
use std::task::Poll;
use std::time::Duration;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;

#[derive(Clone, Default)]
pub(crate) struct Lines(Arc<Mutex<Vec<u8>>>);

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Lines {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}

impl Lines {
    pub(crate) fn take(&self) -> Vec<Value> {
        let text = String::from_utf8(std::mem::take(&mut *self.0.lock().unwrap())).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

pub(crate) fn listen() -> (Lines, tracing::subscriber::DefaultGuard) {
    let lines = Lines::default();
    let subscriber = keyward::telemetry::json(lines.clone(), EnvFilter::new("trace"));
    (lines, tracing::subscriber::set_default(subscriber))
}

#[tokio::test]
async fn an_answer_leaves_one_event_with_who_what_and_how() {
    let app = TestApp::new().await;
    let (lines, _guard) = listen();
    let answer = app.get("/deals/1?").by(&app.editor).from("203.0.113.9").expect(200).await;
    let events = lines.take();
    assert_eq!(events.len(), 1);
    let event = &events[0];
    assert_eq!(event["request_id"].as_str(), answer.header("x-request-id"));
    assert_eq!((&event["operation"], &event["level"]), (&json!("getDealsDealId"), &json!("INFO")));
    assert_eq!(event["route"], "/api/external/v2/deals/{deal_id}", "the template, not the path as sent");
    assert_eq!((&event["method"], &event["status"]), (&json!("GET"), &json!(200)));
    assert_eq!((&event["user_id"], &event["account_id"]), (&json!(app.editor.user), &json!(app.acme)));
    assert_eq!(
        (&event["credential_kind"], &event["credential_id"]),
        (&json!("api_key"), &json!(app.editor.key.id))
    );
    assert_eq!((&event["origin_app"], &event["address"]), (&json!("tests"), &json!("203.0.113.9")));
    assert!(event.get("denial").is_none());
    assert!(!event.to_string().contains(&app.editor.key.secret));
}

#[tokio::test]
async fn every_way_in_which_a_key_is_bad_has_its_own_word() {
    let app = TestApp::new().await;
    let make =
        async |body: Value| app.post("/api-keys").by(&app.admin).json(body).expect(201).await.new_key();
    let revoked = make(json!({"label": "x"})).await;
    app.delete(&format!("/api-keys/{}", revoked.id)).by(&app.admin).expect(200).await;
    let expired = make(json!({"label": "x", "expires_at": "2026-03-20T15:30:46Z"})).await;
    let elsewhere = make(json!({"label": "x", "allowed_ips": ["203.0.113.0/24"]})).await;
    let rotated = make(json!({"label": "x"})).await;
    let at_once = make(json!({"label": "x"})).await;
    for (key, grace) in [(&rotated, 1), (&at_once, 0)] {
        let path = format!("/api-keys/{}/rotate", key.id);
        app.post(&path).by(&app.admin).json(json!({"grace_seconds": grace})).expect(200).await;
    }
    let mut malformed = app.admin.key.secret.clone();
    malformed.pop();
    let unknown = app.unknown_key();
    app.clock.advance(1);
    let (lines, _guard) = listen();
    for (token, word) in [
        (malformed.as_str(), "key_malformed"),
        (&unknown, "key_unknown"),
        (&revoked.secret, "key_revoked"),
        (&expired.secret, "key_expired"),
        (&elsewhere.secret, "address_not_allowed"),
        (&rotated.secret, "key_rotated"),
        (&at_once.secret, "key_rotated"),
        ("eyJh.eyJz.c2ln", "token_malformed"),
        ("eyJh.eyJz", "credential_unknown_kind"),
    ] {
        app.get("/me")
            .bearer(token)
            .refused(401, "UNAUTHORIZED", "Invalid or expired authentication token")
            .await;
        let events = lines.take();
        assert_eq!((events.len(), &events[0]["denial"]), (1, &json!(word)));
        assert!(!events[0].to_string().contains(token), "{word}");
    }
}

#[tokio::test]
async fn a_flood_of_strangers_is_sampled_and_a_denial_of_somebodys_credential_is_a_warning_beside_it() {
    let app = TestApp::new().await;
    let body = json!({"label": "x", "allowed_ips": ["203.0.113.0/24"]});
    let elsewhere = app.post("/api-keys").by(&app.admin).json(body).expect(201).await.new_key();
    let (lines, _guard) = listen();
    for _ in 0..150 {
        app.get("/nowhere").from("198.51.100.7").expect(404).await;
    }
    let events = lines.take();
    assert_eq!(events.len(), 100);
    assert!(events.iter().all(|event| event["level"] == "INFO" && event.get("left_out").is_none()));
    app.get("/me").bearer(&elsewhere.secret).from("198.51.100.7").expect(401).await;
    app.clock.pass(Duration::from_secs(1));
    app.get("/nowhere").from("198.51.100.7").expect(404).await;
    let events = lines.take();
    assert_eq!((&events[0]["denial"], &events[0]["level"]), (&json!("address_not_allowed"), &json!("WARN")));
    assert_eq!((&events[1]["denial"], &events[1]["left_out"]), (&json!("route_unknown"), &json!(50)));
}

/// Begins something and leaves, whatever has become of it.
async fn abandon<T>(begun: impl Future<Output = T>) {
    let mut begun = Box::pin(begun);
    let first_look = poll_fn(|cx| Poll::Ready(begun.as_mut().poll(cx)));
    drop(first_look.await);
}

#[tokio::test]
async fn a_client_that_leaves_leaves_an_event_and_takes_no_ones_place() {
    let app = TestApp::new().await;
    // Every reading connection is at work, for clients who have left.
    let (release, held): (Vec<_>, Vec<_>) = (0..4).map(|_| std::sync::mpsc::channel::<()>()).unzip();
    for held in held {
        let (begun, at_work) = tokio::sync::oneshot::channel();
        let read = app.store.read(move |_| {
            let _ = begun.send(());
            Ok(held.recv().is_err())
        });
        tokio::select! {
            _ = read => panic!("the read is held"),
            // A client who leaves before its read has begun takes it away.
            at_work = at_work => at_work.unwrap(),
        }
    }
    let (lines, _guard) = listen();
    abandon(app.get("/deals").by(&app.admin).send()).await;
    let events = lines.take();
    assert_eq!((events.len(), &events[0]["denial"]), (1, &json!("client_gone")));
    assert_eq!((&events[0]["operation"], events[0].get("status")), (&json!("getDeals"), None));
    let waiting = app.get("/deals/1").by(&app.admin).expect(200);
    let releasing = async { drop(release) };
    // The next client waits for its turn and is answered.
    tokio::join!(waiting, releasing);
}

#[tokio::test]
async fn every_refusal_says_its_word_and_hostile_text_stays_out() {
    let app = TestApp::new().await;
    let (lines, _guard) = listen();
    let hostile = "evil%1b[31mline";
    for (ask, word) in [
        (app.get(&format!("/{hostile}")), "path_ambiguous"),
        (app.get("/secret-in-the-path"), "route_unknown"),
        (app.anonymous(Method::from_bytes(b"X-HOSTILE").unwrap(), "/me"), "method_not_allowed"),
        (app.get("/me"), "credential_missing"),
        (app.request(Method::GET, "/api/external/v2/me").by(&app.admin), "origin_app_missing"),
        (app.get("/me").by(&app.admin).header("x-active-account", "harbor"), "account_foreign"),
        (app.post("/deals").by(&app.viewer), "scope_missing"),
        (app.post("/deals").by(&app.admin).raw("x"), "content_type_unsupported"),
        (app.post("/deals").by(&app.admin).text("x"), "json_malformed"),
        (app.get("/deals?hostile=1").by(&app.admin), "query_malformed"),
        (app.post("/deals").by(&app.admin).json(json!({"hostile": 1})), "invalid"),
        (app.get("/deals/99").by(&app.admin), "not_found"),
    ] {
        ask.send().await;
        let events = lines.take();
        assert_eq!((events.len(), &events[0]["denial"]), (1, &json!(word)));
        let text = events[0].to_string();
        assert!(
            !text.contains("evil")
                && !text.contains("secret-in")
                && !text.contains("hostile")
                && !text.contains("HOSTILE"),
            "{text}"
        );
    }
}

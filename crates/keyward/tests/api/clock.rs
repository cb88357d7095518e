//! The wall clock steps while the store is open, by an hour and by a month, forth and back, or stands. What has ended, by the
//! clock or by somebody, does not come back with an earlier hour; while the clock is behind, what has an end is answered 503, and
//! everything else goes on.

use super::support::{Key, TestApp};
use keyward_core::clock::{Clock, Timestamp};
use keyward_core::grant::Grant;
use keyward_core::store::{AuditQuery, OperatorReads, Upkeep};
use keyward_core::write::member::RemoveMember;
use serde_json::json;

const HOUR: i64 = 3_600;
const MONTH: i64 = 30 * 24 * HOUR;

/// From one moment to the next, in seconds. They pass the end of what ends after 100 s several times, to the second.
const STEPS: [i64; 13] =
    [99, 1, -1, 1, -100, HOUR, 0, -HOUR, -HOUR, HOUR + MONTH, -MONTH, -MONTH, MONTH + 99];

/// What a key is answered; the public question about it must be answered alike.
async fn status(app: &TestApp, key: &Key) -> u16 {
    let me = app.get("/me").key(key).send().await.status.as_u16();
    let ask = app.post("/auth/validate-api-key").json(json!({"api_key": key.secret}));
    if me == 503 {
        ask.expect(503).await;
        return me;
    }
    assert_eq!(ask.expect(200).await.data()["valid"], me == 200);
    assert!(me == 200 || me == 401, "{me}");
    me
}

async fn is_admitted(app: &TestApp, key: &Key) -> bool {
    let status = status(app, key).await;
    assert_ne!(status, 503, "it has no end, or was ended by somebody");
    status == 200
}

#[tokio::test]
async fn an_end_and_a_grace_are_measured_to_the_second_and_by_no_earlier_hour() {
    let app = TestApp::new().await;
    let (start, end) = (app.clock.now(), app.clock.now().plus_seconds(100));
    let until = async |end: Timestamp| {
        let wanted = json!({"label": "ending", "expires_at": end.to_string()});
        app.post("/api-keys").by(&app.admin).json(wanted).expect(201).await.new_key()
    };
    let (ending, later) = (until(end).await, until(end.plus_seconds(10 * MONTH)).await);
    let replaced = app.key(&app.admin, Grant::FullAccess).await;
    let rotate = app.post(&format!("/api-keys/{}/rotate", replaced.id)).by(&app.admin);
    let next = rotate.json(json!({"grace_seconds": 100})).expect(200).await.new_key();
    let mut newest = start;
    for step in STEPS {
        app.clock.advance(step);
        let now = app.clock.now();
        newest = newest.max(now);
        // While the clock is behind, only what ended before the time that it shows has surely ended.
        let behind = now.plus_seconds(60) < newest;
        let in_time = if behind { 503 } else { 200 };
        let passed = if behind { now } else { newest };
        let expected = if passed < end { in_time } else { 401 };
        assert_eq!(status(&app, &ending).await, expected, "the key's end, at {now}, from {start}");
        assert_eq!(status(&app, &replaced).await, expected, "the secret's grace, at {now}, from {start}");
        assert_eq!(status(&app, &later).await, in_time, "a later end, at {now}, from {start}");
        assert!(is_admitted(&app, &next).await && is_admitted(&app, &app.viewer.key).await, "{now}");
    }
    // It is the same clock that says what lies in the future, once it is right again.
    app.clock.advance(newest.unix() - app.clock.now().unix());
    for (seconds, status) in [(0, 422), (1, 201)] {
        let end = newest.plus_seconds(seconds).to_string();
        let body = json!({"label": "x", "expires_at": end});
        app.post("/api-keys").by(&app.admin).json(body).expect(status).await;
    }
}

#[tokio::test]
async fn what_somebody_has_ended_stays_ended_at_every_hour() {
    let app = TestApp::new().await;
    let revoked = app.key(&app.admin, Grant::FullAccess).await;
    app.delete(&format!("/api-keys/{}", revoked.id)).by(&app.admin).expect(200).await;
    app.operate(RemoveMember { account: app.acme, user: app.viewer.user }).await;
    // A second rotation ends the first secret, whose grace had not run out.
    let first = app.key(&app.admin, Grant::FullAccess).await;
    let rotate = format!("/api-keys/{}/rotate", first.id);
    for _ in 0..2 {
        app.post(&rotate).by(&app.admin).json(json!({"grace_seconds": 604_800})).expect(200).await;
    }
    for step in STEPS {
        app.clock.advance(step);
        for (key, why) in [(&revoked, "revoked"), (&app.viewer.key, "no member"), (&first, "replaced twice")]
        {
            assert!(!is_admitted(&app, key).await, "{why}, at {}", app.clock.now());
        }
    }
}

/// A secret is replaced at once because it has leaked: nobody gave it an hour to come back in.
#[tokio::test]
async fn a_secret_that_was_replaced_without_grace_stays_dead_when_the_clock_goes_back() {
    for step in [-1, -HOUR, -MONTH] {
        let app = TestApp::new().await;
        let leaked = app.key(&app.admin, Grant::FullAccess).await;
        let rotate = app.post(&format!("/api-keys/{}/rotate", leaked.id)).by(&app.admin);
        let next = rotate.expect(200).await.new_key();
        assert!(!is_admitted(&app, &leaked).await && is_admitted(&app, &next).await);
        app.clock.advance(step);
        assert!(is_admitted(&app, &next).await);
        assert!(!is_admitted(&app, &leaked).await, "by {step} s");
    }
}

#[tokio::test]
async fn the_last_use_of_a_key_never_goes_back() {
    let app = TestApp::new().await;
    let mut latest = app.clock.now();
    for (number, step) in STEPS.into_iter().chain(STEPS).enumerate() {
        app.clock.advance(step);
        latest = latest.max(app.clock.now());
        for _ in 0..2 {
            let rows = app.get("/api-keys").by(&app.admin).expect(200).await.data();
            assert_eq!(rows[0]["last_used_at"], latest.to_string(), "at {}", app.clock.now());
            // What was noted is written now and then, and the next use is noted after that.
            if number % 3 == 2 {
                let uses = app.store.directory().unwritten_uses();
                app.store.write_uses(&uses).await.unwrap();
                app.store.directory().uses_written(&uses);
            }
        }
    }
}

#[tokio::test]
async fn every_write_succeeds_at_every_hour_and_the_trail_keeps_the_order_in_which_they_were_done() {
    let app = TestApp::new().await;
    let trail = async || app.store.audit(AuditQuery::first(1_000)).await.unwrap().items;
    let before = trail().await.len();
    let (mut done, mut newest) = (Vec::new(), app.clock.now());
    // To both ends of what can be written, too.
    for step in STEPS.into_iter().chain([-100_000_000_000, 1_000_000_000_000, -100_000_000_000]) {
        app.clock.advance(step);
        newest = newest.max(app.clock.now());
        let now = newest;
        let deal = app.post("/deals").by(&app.admin).json(json!({"title": "x"})).expect(201).await.data();
        assert_eq!(deal["created_at"], now.to_string());
        let deal = format!("/deals/{}", deal["id"]);
        app.patch(&deal).by(&app.admin).json(json!({"title": "y"})).expect(200).await;
        let read = app.get(&deal).by(&app.admin).expect(200).await.data();
        assert_eq!((&read["title"], &read["updated_at"]), (&json!("y"), &json!(now.to_string())));
        app.delete(&deal).by(&app.admin).expect(200).await;
        let made = app.post("/api-keys").by(&app.admin).json(json!({"label": "x"})).expect(201).await;
        let key = format!("/api-keys/{}", made.data()["id"]);
        app.post(&format!("{key}/rotate"))
            .by(&app.admin)
            .json(json!({"grace_seconds": 604_800}))
            .expect(200)
            .await;
        app.delete(&key).by(&app.admin).expect(200).await;
        for action in [
            "deal.create",
            "deal.update",
            "deal.archive",
            "api_key.create",
            "api_key.rotate",
            "api_key.revoke",
        ] {
            done.push((action.to_owned(), now));
        }
        for list in ["/deals?limit=200", "/api-keys?all=true", "/account/team", "/me/accounts", "/me"] {
            app.get(list).by(&app.admin).expect(200).await;
        }
    }
    let rows = trail().await.split_off(before);
    let told: Vec<_> = rows.iter().map(|row| (row.action.clone(), row.at)).collect();
    assert_eq!(told, done, "the rows stand as they were done");
    assert!(rows.is_sorted_by(|one, next| one.at <= next.at), "none is dated before an older one");
    assert!(rows.is_sorted_by(|one, next| one.id < next.id));
    assert!(
        rows.is_sorted_by(|one, next| one.account_seq.map(|seq| seq + 1) == next.account_seq),
        "an account's rows are numbered without a gap"
    );
}

//! A write that carries an `Idempotency-Key` happens once: the retry gets the first answer, as far as it may still see it.
//!
//! What layers like this one get wrong, and the test that says what ours does:
//!
//! | Mistake | Test |
//! |--|--|
//! | check, then insert: two first requests both run | `of_many_at_once_one_is_executed_...` |
//! | a crash leaves the key in progress; a lease ends before the work; a late worker writes over the answer | `process/once.rs` `a_write_that_was_cut_off_at_any_place_happens_once_...`: a claim ends with its process, a record is one with its effect |
//! | a failure after the effect frees the key, or is stored | `keyward-sqlite` `faults.rs` `a_panic_in_an_effect_is_rolled_back_and_frees_its_key` |
//! | 401, 403, 429 or 5xx is stored | `only_what_was_done_is_kept`, `a_limit_that_refused_a_write_frees_its_key`, `process/faults.rs` `a_write_that_a_locked_database_refused_is_done_by_its_retry` |
//! | another user, or another account, reads the answer | `a_key_is_of_one_user_in_one_account_...` |
//! | a rotated or another key of the user executes again | the same |
//! | a replay shows what its caller may not see any more | `a_replay_has_the_rights_and_the_sight_of_now` |
//! | the key on another route, method or query | `a_key_that_was_used_for_another_request_is_refused` |
//! | order and spelling make another body; 1 and 1.0; doubled members | `a_body_that_says_the_same_is_the_same_...`, `a_body_that_says_a_thing_twice_is_refused_...` |
//! | large and compressed bodies | `a_body_that_is_too_large_or_compressed_is_refused_...` |
//! | quoted, upper case, empty, long, doubled, not ASCII | `a_retry_gets_...`, `a_key_that_is_none_is_refused_and_nothing_is_done` |
//! | an expired key executes again; a clock that jumps; a purge that races a replay | `after_a_day_the_key_is_free_...`, `a_purge_takes_no_answer_from_a_replay` |
//! | replays are free | `a_replay_counts_against_the_limit_like_any_write` |
//! | secrets lie open in the store | `nothing_in_the_store_opens_a_sealed_answer` |
//! | header fields are lost, or are those of then | `is_replay`, in every test |
//! | who disconnects cancels the effect | `process/once.rs` `a_client_that_goes_away_does_not_cancel_...` |
//! | a store that is down executes without protection | `process/faults.rs`, as above |
//! | the key on a GET; a deletion that is sent again is 404 | `only_what_was_done_is_kept`, `a_retry_gets_...` |
//! | a replay of 201 is sent as 200 | `is_replay` |

use super::support::{Answer, Ask, Key, TestApp};
use http::{HeaderValue, Method};
use keyward_core::clock::{At, Clock};
use keyward_core::denial::Denial;
use keyward_core::effect::Ended;
use keyward_core::grant::Grant;
use keyward_core::idempotency as claims;
use keyward_core::limits::{Overrides, Rate};
use keyward_core::role::Role;
use keyward_core::root_secret::RootSecret;
use keyward_core::scope::Scope;
use keyward_core::store::Upkeep;
use keyward_core::write::limits::SetLimits;
use keyward_core::write::member::{RemoveMember, SetRole};
use keyward_sqlite::faults::number;
use keyward_testkit::SeededRandom;
use serde_json::{Value, json};
use std::time::Duration;

const KEY: &str = "550e8400-e29b-41d4-a716-446655440000";
const OTHER: &str = "550e8400-e29b-41d4-a716-446655440001";
/// A UUID by the time, of which 62 bits at least are random.
const BY_TIME: &str = "018f3c2a-9100-7abc-8def-0123456789ab";
/// Well-formed UUIDs that could be guessed: nil, of version 1, 3, 5, 6 and 8, and one that says 4 in another variant.
const GUESSABLE: [&str; 7] = [
    "00000000-0000-0000-0000-000000000000",
    "6ba7b810-9dad-11d1-80b4-00c04fd430c8",
    "5df41881-3aed-3515-88a7-2f4a814cf09e",
    "2ed6657d-e927-568b-95e1-2665a8aea6a2",
    "1ec9414c-232a-6b00-b3c8-9f6bdeced846",
    "320c3d4d-cc00-875b-8ec9-32d5f69181c0",
    "550e8400-e29b-41d4-c716-446655440000",
];

impl Ask<'_> {
    fn once(self, key: &str) -> Self {
        self.header("idempotency-key", key)
    }
}

fn create<'a>(app: &'a TestApp, key: &Key, body: Value) -> Ask<'a> {
    app.post("/deals").key(key).json(body)
}

/// How many deals of that title there are.
async fn deals(app: &TestApp, title: &str) -> usize {
    let all = app.get("/deals?limit=200").by(&app.admin).expect(200).await.data();
    all.as_array().unwrap().iter().filter(|deal| deal["title"] == title).count()
}

/// The same answer, byte for byte, marked as one that is sent again.
fn is_replay(again: &Answer, first: &Answer) {
    assert_eq!((again.status, again.text()), (first.status, first.text()));
    assert_eq!(again.header("idempotency-replayed"), Some("true"));
    assert_eq!(first.header("idempotency-replayed"), None);
    for name in ["etag", "location", "content-type", "cache-control"] {
        assert_eq!(again.header(name), first.header(name), "{name}");
    }
    assert_ne!(again.header("x-request-id"), first.header("x-request-id"), "each request has its own");
    assert_eq!(first.json()["request_id"].as_str(), first.header("x-request-id"));
}

fn reason(answer: &Answer) -> String {
    answer.json()["error"]["details"]["reason"].as_str().unwrap_or_default().to_owned()
}

#[tokio::test]
async fn a_retry_gets_the_first_answer_and_changes_nothing() {
    let app = TestApp::new().await;
    let body = json!({"title": "once", "loan_amount": 12.5});
    let first = create(&app, &app.admin.key, body.clone()).once(KEY).expect(201).await;
    for spelled in [KEY.to_owned(), format!("\"{KEY}\""), KEY.to_uppercase()] {
        app.clock.advance(100);
        is_replay(&create(&app, &app.admin.key, body.clone()).once(&spelled).expect(201).await, &first);
    }
    assert_eq!(deals(&app, "once").await, 1);
    let id = &first.data()["id"];
    let change =
        || app.patch(&format!("/deals/{id}")).by(&app.admin).json(json!({"title": "twice"})).once(OTHER);
    let first = change().expect(200).await;
    app.patch(&format!("/deals/{id}")).by(&app.admin).json(json!({"title": "later"})).expect(200).await;
    is_replay(&change().expect(200).await, &first);
    assert_eq!(deals(&app, "later").await, 1, "what came after stays");
    // A deletion too, with a condition that does not hold any more.
    let third = "550e8400-e29b-41d4-a716-446655440002";
    let archive = || app.delete(&format!("/deals/{id}")).by(&app.admin).once(third);
    let first = archive().expect(200).await;
    is_replay(&archive().expect(200).await, &first);
}

#[tokio::test]
async fn a_body_that_says_the_same_is_the_same_and_one_that_does_not_is_refused() {
    let app = TestApp::new().await;
    let post = |text: &str| app.post("/deals").by(&app.admin).text(text.to_owned()).once(KEY);
    let first = post(r#"{"title":"a","description":"b","loan_amount":1.5}"#).expect(201).await;
    is_replay(
        &post(r#"{ "loan_amount": 1.5, "description": "\u0062", "title": "a" }"#).expect(201).await,
        &first,
    );
    for other in [
        r#"{"title":"a","description":"c","loan_amount":1.5}"#,
        r#"{"title":"a","description":"b","loan_amount":1.50}"#,
        r#"{"title":"a","description":"b"}"#,
    ] {
        let refused = post(other).expect(409).await;
        assert_eq!(
            (refused.code().as_str(), reason(&refused).as_str()),
            ("CONFLICT", "idempotency_key_reused")
        );
    }
    assert_eq!(deals(&app, "a").await, 1);
}

#[tokio::test]
async fn a_key_that_was_used_for_another_request_is_refused() {
    let app = TestApp::new().await;
    let body = || json!({"title": "a"});
    create(&app, &app.admin.key, body()).once(KEY).expect(201).await;
    let before = app.get("/deals?limit=200").by(&app.admin).expect(200).await.data();
    for (other, body) in [
        (app.patch("/deals/1"), body()),
        (app.delete("/deals/1"), json!({})),
        (app.post("/api-keys"), json!({"label": "x"})),
        (app.post(&format!("/api-keys/{}/rotate", app.editor.key.id)), json!({})),
    ] {
        let refused = other.by(&app.admin).json(body).once(KEY).expect(409).await;
        assert_eq!(reason(&refused), "idempotency_key_reused");
    }
    assert_eq!(app.get("/deals?limit=200").by(&app.admin).expect(200).await.data(), before);
    app.get("/me").by(&app.editor).expect(200).await;
}

#[tokio::test]
async fn a_body_that_says_a_thing_twice_is_refused_and_frees_the_key() {
    let app = TestApp::new().await;
    let post = |text: &str| app.post("/deals").by(&app.admin).text(text.to_owned()).once(KEY);
    for doubled in
        [r#"{"title":"a","title":"a"}"#, r#"{"title":"a","title":"b"}"#, r#"{"title":"a","\u0074itle":"b"}"#]
    {
        let refused = post(doubled).send().await;
        assert!([400, 422].contains(&refused.status.as_u16()), "{}", refused.text());
    }
    assert_eq!(deals(&app, "a").await + deals(&app, "b").await, 0);
    post(r#"{"title":"a"}"#).expect(201).await;
}

#[tokio::test]
async fn a_body_that_is_too_large_or_compressed_is_refused_and_frees_the_key() {
    let app = TestApp::new().await;
    let large = json!({"title": "a", "description": "x".repeat(2 << 20)});
    create(&app, &app.admin.key, large).once(KEY).expect(413).await;
    let packed = create(&app, &app.admin.key, json!({"title": "a"})).once(KEY);
    packed.header("content-encoding", "gzip").expect(415).await;
    assert_eq!(deals(&app, "a").await, 0);
    create(&app, &app.admin.key, json!({"title": "a"})).once(KEY).expect(201).await;
}

#[tokio::test]
async fn a_limit_that_refused_a_write_frees_its_key() {
    let app = TestApp::new().await;
    let overrides = Overrides { reads: None, writes: Some(Rate::PerMinute(1)), keys: None };
    app.operate(SetLimits { account: app.acme, overrides }).await;
    let ask = |title: &str, once: &str| create(&app, &app.admin.key, json!({"title": title})).once(once);
    ask("first", OTHER).expect(201).await;
    ask("later", KEY).expect(429).await;
    app.clock.pass(Duration::from_millis(60_001));
    let done = ask("later", KEY).expect(201).await;
    assert_eq!(done.header("idempotency-replayed"), None);
    app.clock.pass(Duration::from_millis(60_001));
    is_replay(&ask("later", KEY).expect(201).await, &done);
    assert_eq!(deals(&app, "later").await, 1);
}

#[tokio::test]
async fn a_purge_takes_no_answer_from_a_replay() {
    let app = TestApp::new().await;
    let again = || create(&app, &app.admin.key, json!({"title": "purged"})).once(KEY);
    let first = again().expect(201).await;
    app.clock.run(86_399);
    for _ in 0..20 {
        let (replay, purged) = futures_util::join!(again().expect(201), app.store.purge(At::Store));
        is_replay(&replay, &first);
        assert_eq!(purged.unwrap(), 0);
    }
    // From its end on either of them may be first: the key is free, once.
    app.clock.run(1);
    let (second, _) = futures_util::join!(again().expect(201), app.store.purge(At::Store));
    assert_eq!(second.header("idempotency-replayed"), None);
    app.store.purge(At::Store).await.unwrap();
    is_replay(&again().expect(201).await, &second);
    assert_eq!(deals(&app, "purged").await, 2);
}

#[tokio::test]
async fn a_key_is_of_one_user_in_one_account_whatever_credential_it_has() {
    let app = TestApp::new().await;
    let body = || json!({"title": "scoped"});
    let first = create(&app, &app.admin.key, body()).once(KEY).expect(201).await;
    let another = app.key(&app.admin, Grant::FullAccess).await;
    is_replay(&create(&app, &another, body()).once(KEY).expect(201).await, &first);
    // Another user of the account, and the same key in another account, are others.
    let second = create(&app, &app.editor.key, body()).once(KEY).expect(201).await;
    assert_ne!(second.data()["id"], first.data()["id"]);
    create(&app, &app.stranger.key, body()).once(KEY).expect(201).await;
    assert_eq!(deals(&app, "scoped").await, 2);
    // A retry after the key was rotated.
    let rotate = app.post(&format!("/api-keys/{}/rotate", app.admin.key.id)).by(&app.admin);
    let rotated = rotate.json(json!({})).expect(200).await.new_key();
    is_replay(&create(&app, &rotated, body()).once(KEY).expect(201).await, &first);
}

#[tokio::test]
async fn a_replay_has_the_rights_and_the_sight_of_now() {
    let app = TestApp::new().await;
    let body = || json!({"title": "mine"});
    let again = || create(&app, &app.editor.key, body()).once(KEY);
    let first = again().expect(201).await;
    app.operate(SetRole { account: app.acme, user: app.editor.user, role: Role::Viewer }).await;
    again().refused(403, "FORBIDDEN", "Missing required scope: deals:write").await;
    app.operate(SetRole { account: app.acme, user: app.editor.user, role: Role::Editor }).await;
    is_replay(&again().expect(201).await, &first);
    app.store.on_writer("DELETE FROM deal_team WHERE deal_id = (SELECT max(id) FROM deals)").await.unwrap();
    again().expect(404).await;
    let narrow = app.scoped(&app.editor, &[Scope::DealsRead]).await;
    create(&app, &narrow, body()).once(KEY).expect(403).await;
    app.operate(RemoveMember { account: app.acme, user: app.editor.user }).await;
    again().expect(401).await;
}

#[tokio::test]
async fn only_what_was_done_is_kept() {
    let app = TestApp::new().await;
    // Refusals of every kind free the key.
    create(&app, &app.admin.key, json!({"title": ""})).once(KEY).expect(422).await;
    create(&app, &app.viewer.key, json!({"title": "x"})).once(KEY).expect(403).await;
    app.patch("/deals/999").by(&app.admin).json(json!({"title": "x"})).once(KEY).expect(404).await;
    let stale = app.patch("/deals/1").by(&app.admin).json(json!({"title": "x"})).once(KEY);
    stale.header("if-match", "\"d1-99\"").expect(412).await;
    let first = create(&app, &app.admin.key, json!({"title": "at last"})).once(KEY).expect(201).await;
    is_replay(&create(&app, &app.admin.key, json!({"title": "at last"})).once(KEY).expect(201).await, &first);
    // Where nothing is written it is only looked at.
    app.get("/deals/1").by(&app.admin).once("not a UUID").expect(200).await;
    app.get("/health").once("not a UUID").expect(200).await;
}

#[tokio::test]
async fn a_key_that_is_none_is_refused_and_nothing_is_done() {
    let app = TestApp::new().await;
    let long = "a".repeat(300);
    let ask = || create(&app, &app.admin.key, json!({"title": "never"}));
    for bad in [
        "",
        "abc",
        "550e8400e29b41d4a716446655440000",
        "\"550e8400-e29b-41d4-a716-446655440000",
        &long,
        "\"\"",
    ] {
        ask().once(bad).refused(400, "BAD_REQUEST", "Idempotency-Key must be a UUID").await;
    }
    let foreign = HeaderValue::from_bytes("550e8400-e29b-41d4-a716-44665544000é".as_bytes()).unwrap();
    ask()
        .raw_header("idempotency-key", foreign)
        .refused(400, "BAD_REQUEST", "Idempotency-Key must be a UUID")
        .await;
    ask()
        .once(KEY)
        .once(OTHER)
        .refused(400, "BAD_REQUEST", "Header Idempotency-Key must be sent only once")
        .await;
    app.get("/me").by(&app.admin).once(KEY).once(KEY).expect(400).await;
    assert_eq!(deals(&app, "never").await, 0);
}

#[tokio::test]
async fn after_a_day_the_key_is_free_and_a_clock_that_jumps_back_keeps_it() {
    let app = TestApp::new().await;
    let again = || create(&app, &app.admin.key, json!({"title": "daily"})).once(KEY);
    let first = again().expect(201).await;
    app.clock.run(86_399);
    is_replay(&again().expect(201).await, &first);
    app.clock.advance(-7_200);
    is_replay(&again().expect(201).await, &first);
    app.clock.advance(3_600);
    is_replay(&again().expect(201).await, &first);
    app.store.purge(At::Store).await.unwrap();
    is_replay(&again().expect(201).await, &first);
    app.clock.advance(3_601);
    let second = again().expect(201).await;
    assert_ne!(second.data()["id"], first.data()["id"]);
    assert_eq!(second.header("idempotency-replayed"), None);
    app.clock.run(86_400);
    assert_eq!(app.store.purge(At::Store).await.unwrap(), 1);
    assert_eq!(deals(&app, "daily").await, 2);
}

#[tokio::test]
async fn a_clock_that_is_hours_ahead_executes_nothing_twice() {
    let app = TestApp::new().await;
    let again = || create(&app, &app.admin.key, json!({"title": "once"})).once(KEY);
    let first = again().expect(201).await;
    app.clock.run(5 * 3_600);
    app.clock.advance(20 * 3_600);
    app.store.purge(At::Store).await.unwrap();
    is_replay(&again().expect(201).await, &first);
    // Once a day has passed the key is free, whatever the clock shows.
    app.clock.run(19 * 3_600);
    app.store.purge(At::Store).await.unwrap();
    assert_eq!(again().expect(201).await.header("idempotency-replayed"), None);
    assert_eq!(deals(&app, "once").await, 2);
}

#[tokio::test]
async fn a_made_key_is_shown_again_only_to_its_own_maker_within_the_hour_and_before_it_is_used() {
    let app = TestApp::new().await;
    let make = |key: &Key, once: &str| app.post("/api-keys").key(key).json(json!({"label": "k"})).once(once);
    let first = make(&app.admin.key, KEY).expect(201).await;
    is_replay(&make(&app.admin.key, KEY).expect(201).await, &first);
    // Another user has another key by the same name; a narrower credential of the same user may not see this one.
    let theirs = make(&app.stranger.key, KEY).expect(201).await;
    assert_ne!(theirs.data()["api_key"], first.data()["api_key"]);
    let narrow = app.scoped(&app.admin, &[Scope::AccountWrite, Scope::AccountRead]).await;
    let wide = json!({"label": "wide", "permission": "full_access"});
    let made = app.post("/api-keys").by(&app.admin).json(wide.clone()).once(OTHER).expect(201).await;
    app.post("/api-keys").key(&narrow).json(wide.clone()).once(OTHER).expect(403).await;
    is_replay(&app.post("/api-keys").by(&app.admin).json(wide.clone()).once(OTHER).expect(201).await, &made);
    // What is left out is what its maker left out, not what this one would.
    let third = "550e8400-e29b-41d4-a716-446655440002";
    let made = make(&app.admin.key, third).expect(201).await;
    make(&narrow, third).expect(403).await;
    is_replay(&make(&app.admin.key, third).expect(201).await, &made);
    // Once it is used, or an hour old, it is not shown any more; that it was made is said, and which it is.
    app.get("/me").key(&first.new_key()).expect(200).await;
    let shown = make(&app.admin.key, KEY).expect(409).await;
    assert_eq!(
        shown.json()["error"]["details"],
        json!({"reason": "secret_already_shown", "key_id": first.data()["id"]})
    );
    app.clock.advance(3_600);
    let shown = app.post("/api-keys").by(&app.admin).json(wide).once(OTHER).expect(409).await;
    assert_eq!(reason(&shown), "secret_already_shown");
}

#[tokio::test]
async fn a_uuid_of_version_7_seals_the_secret_that_an_answer_shows() {
    let app = TestApp::new().await;
    let make = || app.post("/api-keys").by(&app.admin).json(json!({"label": "by time"})).once(BY_TIME);
    let first = make().expect(201).await;
    is_replay(&make().expect(201).await, &first);
    let sealed = "SELECT count(*) FROM idempotency WHERE salt IS NOT NULL";
    assert_eq!(number(&app.database(), sealed).unwrap(), 1, "and nothing but the key opens it");
    app.clock.advance(3_600);
    assert_eq!(reason(&make().expect(409).await), "secret_already_shown");
}

/// O-16g: else the retry of a lost answer would be told that it was done, and the secret would be nobody's.
#[tokio::test]
async fn a_key_that_could_be_guessed_is_refused_where_the_answer_shows_a_secret_before_anything_is_made() {
    let app = TestApp::new().await;
    let text = "Idempotency-Key must be a UUID of version 4 or 7 here: the answer shows a secret, which is kept sealed under it";
    let own = app.editor.key.id;
    let rows =
        || number(&app.database(), "SELECT count(*) FROM audit WHERE action LIKE 'api_key.%'").unwrap();
    let before = rows();
    for guessable in GUESSABLE {
        let made = app.post("/api-keys").by(&app.editor).json(json!({"label": "k"})).once(guessable);
        made.refused(400, "BAD_REQUEST", text).await;
        let rotated = app.post(&format!("/api-keys/{own}/rotate")).by(&app.editor).once(guessable);
        rotated.refused(400, "BAD_REQUEST", text).await;
        // Before what the body says is judged, and after the right to it is.
        app.post("/api-keys").by(&app.editor).json(json!({})).once(guessable).expect(400).await;
        let narrow = app.scoped(&app.editor, &[Scope::DealsRead]).await;
        app.post("/api-keys").key(&narrow).json(json!({"label": "k"})).once(guessable).expect(403).await;
    }
    let narrow = i64::try_from(GUESSABLE.len()).unwrap();
    assert_eq!(rows(), before + narrow, "nothing but the narrow keys was made");
    app.get("/me").by(&app.editor).expect(200).await;
    // Elsewhere every UUID is good: what is kept shows no secret.
    let deal = || create(&app, &app.admin.key, json!({"title": "by name"})).once(GUESSABLE[3]);
    let first = deal().expect(201).await;
    is_replay(&deal().expect(201).await, &first);
    app.delete(&format!("/api-keys/{own}")).by(&app.editor).once(GUESSABLE[1]).expect(200).await;
}

/// Every operation whose answer shows a secret says so in the document, and no other does.
#[tokio::test]
async fn the_document_says_where_the_key_must_be_one_that_nobody_can_guess() {
    let app = TestApp::new().await;
    let document = app.request(Method::GET, "/platform/openapi.json").send().await.json();
    let sealing = json!({ "$ref": "#/components/parameters/Sealing-Idempotency-Key" });
    let mut found = Vec::new();
    for said in
        document["paths"].as_object().unwrap().values().flat_map(|verbs| verbs.as_object().unwrap().values())
    {
        if said["parameters"].as_array().is_some_and(|all| all.contains(&sealing)) {
            found.push(said["operationId"].as_str().unwrap());
        }
    }
    found.sort_unstable();
    assert_eq!(found, ["postApiKeys", "postApiKeysKeyIdRotate"]);
    let about =
        document["components"]["parameters"]["Sealing-Idempotency-Key"]["description"].as_str().unwrap();
    assert!(about.contains("version 4 or 7") && about.contains("hour"), "{about}");
}

#[tokio::test]
async fn a_lost_answer_of_a_rotation_is_had_again_by_the_secret_that_was_replaced() {
    let app = TestApp::new().await;
    let rotate = |key: &Key| {
        app.post(&format!("/api-keys/{}/rotate", app.editor.key.id)).key(key).json(json!({})).once(KEY)
    };
    let first = rotate(&app.editor.key).expect(200).await;
    // The old one is in its grace, and goes on being used.
    app.get("/me").by(&app.editor).expect(200).await;
    is_replay(&rotate(&app.editor.key).expect(200).await, &first);
    app.get("/me").key(&first.new_key()).expect(200).await;
    assert_eq!(reason(&rotate(&app.editor.key).expect(409).await), "secret_already_shown");
}

#[tokio::test]
async fn a_made_key_that_was_replaced_or_ended_is_not_shown_again() {
    let app = TestApp::new().await;
    let make = |once: &str| app.post("/api-keys").by(&app.admin).json(json!({"label": "short"})).once(once);
    let replaced = make(KEY).expect(201).await;
    let path = format!("/api-keys/{}", replaced.data()["id"]);
    app.post(&format!("{path}/rotate")).by(&app.admin).json(json!({})).expect(200).await;
    let ended = make(OTHER).expect(201).await;
    app.delete(&format!("/api-keys/{}", ended.data()["id"])).by(&app.admin).expect(200).await;
    for (once, first) in [(KEY, replaced), (OTHER, ended)] {
        let again = make(once).expect(409).await;
        assert_eq!(reason(&again), "secret_already_shown");
        assert!(!again.text().contains(first.data()["api_key"].as_str().unwrap()));
    }
}

#[tokio::test]
async fn a_made_key_is_answered_again_when_its_own_end_has_come() {
    let app = TestApp::new().await;
    let ends_at = app.clock.now().plus_seconds(1_800).to_string();
    let make = |once: &str| {
        app.post("/api-keys").by(&app.admin).json(json!({"label": "k", "expires_at": ends_at})).once(once)
    };
    let first = make(KEY).expect(201).await;
    app.clock.advance(1_801);
    is_replay(&make(KEY).expect(201).await, &first);
    make(OTHER).refused(422, "VALIDATION_ERROR", "expires_at must be in the future").await;
}

#[tokio::test]
async fn who_leaves_the_account_leaves_no_sealed_answer_in_it() {
    let app = TestApp::new().await;
    app.post("/api-keys").by(&app.editor).json(json!({"label": "k"})).once(KEY).expect(201).await;
    let sealed = "SELECT count(*) FROM idempotency WHERE salt IS NOT NULL";
    assert_eq!(number(&app.database(), sealed).unwrap(), 1);
    app.operate(RemoveMember { account: app.acme, user: app.editor.user }).await;
    assert_eq!(number(&app.database(), sealed).unwrap(), 0);
}

#[tokio::test]
async fn nothing_in_the_store_opens_a_sealed_answer() {
    let app = TestApp::new().await;
    let made =
        app.post("/api-keys").by(&app.admin).json(json!({"label": "sealed"})).once(KEY).expect(201).await;
    let secret = made.data()["api_key"].as_str().unwrap().to_owned();
    let database = app.database();
    let bytes = |path: &std::path::Path| std::fs::read(path).unwrap_or_default();
    let wal = database.with_extension("db-wal");
    let kept = [bytes(&database), bytes(&wal)].concat();
    let holds = |wanted: &[u8]| kept.windows(wanted.len()).any(|part| part == wanted);
    assert!(holds(b"sealed"), "the search finds what is there");
    assert!(!holds(secret.as_bytes()) && !holds(&secret.as_bytes()[7..]) && !holds(KEY.as_bytes()));
    let raw = uuid::Uuid::parse_str(KEY).unwrap();
    assert!(!holds(raw.as_bytes()), "nor is the client's key there");
}

#[tokio::test]
async fn a_retry_finds_its_answer_after_the_root_secret_was_rotated() {
    let app = TestApp::new().await;
    let again = || create(&app, &app.admin.key, json!({"title": "rotated"})).once(KEY);
    let sealed = || app.post("/api-keys").by(&app.admin).json(json!({"label": "rotated"})).once(OTHER);
    let (first, made) = (again().expect(201).await, sealed().expect(201).await);
    // The root secret of the tests is the first that their randomness gives.
    let next = RootSecret::generate(&SeededRandom::new(7)).unwrap().next(&SeededRandom::new(8)).unwrap();
    app.app.claims.take_up(&next);
    is_replay(&again().expect(201).await, &first);
    is_replay(&sealed().expect(201).await, &made);
}

#[tokio::test]
async fn a_claim_that_a_rotation_of_the_root_secret_overtook_is_told_to_come_again() {
    let app = TestApp::new().await;
    let scope = claims::Scope { account: Some(app.acme), user: app.admin.user };
    let fingerprint = claims::Fingerprint::of("POST", "/", "", None);
    let key = uuid::Uuid::parse_str(KEY).unwrap();
    let claim = || app.app.claims.claim(scope, key, fingerprint, &SeededRandom::new(1)).unwrap();
    let before = claim();
    let next = RootSecret::generate(&SeededRandom::new(7)).unwrap().next(&SeededRandom::new(8)).unwrap();
    app.app.claims.take_up(&next);
    // The duplicate, which is named by the new version, is in the queue first.
    let done = app.claimed(SetRole { account: app.acme, user: app.editor.user, role: Role::Viewer }, claim());
    assert!(matches!(done.await, Ended::Done(..)));
    let late = app.claimed(SetRole { account: app.acme, user: app.editor.user, role: Role::Admin }, before);
    assert!(matches!(late.await, Ended::Refused(Denial::IdempotencyInProgress)));
}

#[tokio::test]
async fn of_many_at_once_one_is_executed_and_the_others_get_its_answer_or_are_told_to_wait() {
    let app = TestApp::new().await;
    for round in 0..30 {
        let key = format!("550e8400-e29b-41d4-a716-{round:012}");
        let title = format!("round {round}");
        let asks = (0..64).map(|_| create(&app, &app.admin.key, json!({"title": title})).once(&key).send());
        let answers = futures_util::future::join_all(asks).await;
        let made: Vec<&Answer> = answers.iter().filter(|answer| answer.status == 201).collect();
        let waiting: Vec<&Answer> = answers.iter().filter(|answer| answer.status == 409).collect();
        assert_eq!(made.len() + waiting.len(), 64);
        assert_eq!(made.iter().filter(|answer| answer.header("idempotency-replayed").is_none()).count(), 1);
        assert!(made.iter().all(|answer| answer.text() == made[0].text()));
        for answer in waiting {
            assert_eq!(
                (reason(answer).as_str(), answer.header("retry-after")),
                ("idempotency_in_progress", Some("1"))
            );
        }
        assert_eq!(deals(&app, &title).await, 1, "{title}");
    }
}

#[tokio::test]
async fn a_replay_counts_against_the_limit_like_any_write() {
    let app = TestApp::new().await;
    let limits = keyward::config::LimitsConfig::default();
    app.app.current.replace(keyward::reload::Reloadable { limits, ..keyward::reload::Reloadable::default() });
    let again = || create(&app, &app.stranger.key, json!({"title": "counted"})).once(KEY);
    let first = again().expect(201).await;
    assert_eq!(first.header("ratelimit"), Some("\"writes\";r=29;t=60"));
    let replay = again().expect(201).await;
    assert_eq!(replay.header("ratelimit"), Some("\"writes\";r=28;t=60"), "told as it stands now");
    assert_eq!(app.request(Method::GET, "/nowhere").send().await.status, 404);
}

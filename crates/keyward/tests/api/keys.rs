//! The life of a key: made, listed, rotated, revoked, bounded.

use super::support::TestApp;
use keyward_core::grant::Grant;
use keyward_core::scope::Scope;
use serde_json::json;

const BAD: (u16, &str, &str) = (401, "UNAUTHORIZED", "Invalid or expired authentication token");

#[tokio::test]
async fn a_made_key_is_shown_once_and_works_at_once() {
    let app = TestApp::new().await;
    let answer =
        app.post("/api-keys").by(&app.editor).json(json!({"label": "CI Pipeline Key"})).expect(201).await;
    let (data, key) = (answer.data(), answer.new_key());
    assert_eq!(data["label"], "CI Pipeline Key");
    assert_eq!(data["created_at"], "2026-03-20T15:30:45Z");
    assert_eq!(data["permission"], "full_access");
    assert!(key.secret.starts_with("lev_sk_") && key.secret.len() == 56);
    assert_eq!(data["key_prefix"], key.secret[..11]);
    app.get("/me").key(&key).expect(200).await;
    let listed = app.get("/api-keys").by(&app.editor).expect(200).await;
    assert!(!listed.text().contains(&key.secret));
    let row = listed.data().as_array().unwrap().iter().find(|row| row["id"] == key.id).unwrap().clone();
    assert!(row.get("api_key").is_none());
    assert_eq!(row["key_prefix"], data["key_prefix"]);
}

#[tokio::test]
async fn a_key_is_described_in_full() {
    let app = TestApp::new().await;
    let body = json!({
        "label": "Nightly", "scopes": ["deals:read", "account:read", "deals:read"],
        "expires_at": "2026-04-20T17:30:45+02:00", "allowed_ips": ["203.0.113.7/24", "2001:db8::1"],
    });
    let data = app.post("/api-keys").by(&app.admin).json(body).expect(201).await.data();
    assert_eq!(data["scopes"], json!(["account:read", "deals:read"]));
    assert_eq!(data["permission"], json!(null));
    assert_eq!(data["expires_at"], "2026-04-20T15:30:45Z");
    assert_eq!(data["allowed_ips"], json!(["203.0.113.0/24", "2001:db8::1/128"]));
    assert_eq!(data["last_used_at"], json!(null));
}

#[tokio::test]
async fn every_mistake_in_a_key_is_named() {
    let app = TestApp::new().await;
    let cases = [
        (json!({}), "label", "label is required"),
        (json!({"label": ""}), "label", "label must not be blank"),
        (
            json!({"label": "x", "permission": "root"}),
            "permission",
            "Invalid value for field 'permission': must be one of [full_access, read_only]",
        ),
        (
            json!({"label": "x", "permission": "read_only", "scopes": ["deals:read"]}),
            "scopes",
            "permission and scopes cannot be combined; send one of them",
        ),
        (
            json!({"label": "x", "expires_at": "2026-03-20T15:30:45Z"}),
            "expires_at",
            "expires_at must be in the future",
        ),
        (
            json!({"label": "x", "allowed_ips": ["everywhere"]}),
            "allowed_ips",
            "allowed_ips must be address ranges such as 203.0.113.0/24 or 2001:db8::/32",
        ),
        (json!({"label": "x", "account_id": 2}), "account_id", "Unknown member 'account_id'"),
        (json!({"label": "x", "user_id": 2}), "user_id", "Unknown member 'user_id'"),
        (json!({"label": "x".repeat(256)}), "label", "label must be at most 255 characters"),
    ];
    for (body, field, message) in cases {
        let answer = app
            .post("/api-keys")
            .by(&app.admin)
            .json(body.clone())
            .refused(422, "VALIDATION_ERROR", message)
            .await;
        assert_eq!(answer.json()["error"]["details"]["fields"][0]["field"], field, "{body}");
    }
    let unknown = app
        .post("/api-keys")
        .by(&app.admin)
        .json(json!({"label": "x", "scopes": ["deals:admin"]}))
        .expect(422)
        .await;
    assert!(unknown.message().contains("deals:write"), "the allowed values are listed");
    app.post("/api-keys").by(&app.admin).json(json!({"label": "x", "scopes": []})).expect(422).await;
    app.post("/api-keys").by(&app.admin).json(json!({"label": "x".repeat(255)})).expect(201).await;
}

#[tokio::test]
async fn no_key_is_wider_than_its_maker() {
    let app = TestApp::new().await;
    let fixed = app.scoped(&app.admin, &[Scope::AccountWrite, Scope::AccountRead, Scope::DealsRead]).await;
    let make = |body| app.post("/api-keys").key(&fixed).json(body);
    let same = make(json!({"label": "same"})).expect(201).await.data();
    assert_eq!(same["scopes"], json!(["account:read", "account:write", "deals:read"]));
    make(json!({"label": "less", "scopes": ["deals:read"]})).expect(201).await;
    for wider in [
        json!({"permission": "full_access"}),
        json!({"permission": "read_only"}),
        json!({"scopes": ["deals:write"]}),
    ] {
        let mut body = wider;
        body["label"] = json!("wider");
        let answer = make(body).expect(403).await;
        assert!(answer.message().starts_with("A key cannot be wider than its maker"), "{}", answer.message());
    }
    let viewers =
        app.post("/api-keys").by(&app.viewer).json(json!({"label": "x", "scopes": ["deals:write"]}));
    viewers
        .refused(
            403,
            "FORBIDDEN",
            "A key cannot be wider than its maker: the credential that makes it does not have deals:write",
        )
        .await;
}

#[tokio::test]
async fn an_end_and_ranges_are_passed_on_to_the_keys_that_a_key_makes() {
    let app = TestApp::new().await;
    let body =
        json!({"label": "bound", "expires_at": "2026-03-21T00:00:00Z", "allowed_ips": ["127.0.0.0/8"]});
    let bound = app.post("/api-keys").by(&app.admin).json(body).expect(201).await.new_key();
    let make = |body| app.post("/api-keys").key(&bound).json(body);
    let child = make(json!({"label": "child"})).expect(201).await.data();
    assert_eq!(
        (&child["expires_at"], &child["allowed_ips"]),
        (&json!("2026-03-21T00:00:00Z"), &json!(["127.0.0.0/8"]))
    );
    make(json!({"label": "x", "expires_at": "2026-03-20T20:00:00Z", "allowed_ips": ["127.0.0.1"]}))
        .expect(201)
        .await;
    for wider in [
        json!({"label": "x", "expires_at": null}),
        json!({"label": "x", "expires_at": "2026-03-21T00:00:01Z"}),
        json!({"label": "x", "allowed_ips": null}),
        json!({"label": "x", "allowed_ips": ["0.0.0.0/0"]}),
    ] {
        make(wider).expect(403).await;
    }
    let unbound = app.key(&app.admin, Grant::FullAccess).await;
    let rotate = app.post(&format!("/api-keys/{}/rotate", unbound.id)).key(&bound);
    rotate.expect(403).await;
}

#[tokio::test]
async fn a_key_ends_at_its_second_and_works_from_its_ranges_only() {
    let app = TestApp::new().await;
    let body = json!({"label": "x", "expires_at": "2026-03-20T15:30:55Z", "allowed_ips": ["203.0.113.0/24"]});
    let key = app.post("/api-keys").by(&app.admin).json(body).expect(201).await.new_key();
    app.get("/me").key(&key).from("203.0.113.9").expect(200).await;
    app.get("/me").key(&key).from("::ffff:203.0.113.9").expect(200).await;
    app.get("/me").key(&key).from("203.0.114.9").refused(BAD.0, BAD.1, BAD.2).await;
    app.clock.advance(9);
    app.get("/me").key(&key).from("203.0.113.9").expect(200).await;
    app.clock.advance(1);
    app.get("/me").key(&key).from("203.0.113.9").refused(BAD.0, BAD.1, BAD.2).await;
}

#[tokio::test]
async fn rotation_keeps_the_key_and_replaces_the_secret() {
    let app = TestApp::new().await;
    let key = app.key(&app.admin, Grant::ReadOnly).await;
    let path = format!("/api-keys/{}/rotate", key.id);
    let answer = app.post(&path).by(&app.admin).expect(200).await;
    let (data, next) = (answer.data(), answer.new_key());
    assert_eq!(
        (&data["id"], &data["label"], &data["permission"]),
        (&json!(key.id), &json!("Server of the tests"), &json!("read_only"))
    );
    assert_eq!(data["key_prefix"], next.secret[..11]);
    app.get("/me").key(&next).expect(200).await;
    app.get("/me").key(&key).refused(BAD.0, BAD.1, BAD.2).await;

    let graced = app.post(&path).by(&app.admin).json(json!({"grace_seconds": 10})).expect(200).await;
    assert_eq!(graced.data()["previous_secret_expires_at"], "2026-03-20T15:30:55Z");
    app.clock.advance(9);
    app.get("/me").key(&next).expect(200).await;
    app.clock.advance(1);
    app.get("/me").key(&next).refused(BAD.0, BAD.1, BAD.2).await;
    for bad in [
        json!({"grace_seconds": -1}),
        json!({"grace_seconds": 604_801}),
        json!({"grace_seconds": 1.5}),
        json!({"x": 1}),
    ] {
        app.post(&path).by(&app.admin).json(bad).expect(422).await;
    }
    app.post(&path).by(&app.admin).json(json!({"grace_seconds": 604_800})).expect(200).await;
}

#[tokio::test]
async fn a_key_that_rotates_itself_keeps_time_to_learn_its_new_secret() {
    let app = TestApp::new().await;
    let path = format!("/api-keys/{}/rotate", app.editor.key.id);
    let short = app.post(&path).by(&app.editor).json(json!({"grace_seconds": 59}));
    short
        .refused(422, "VALIDATION_ERROR", "grace_seconds must be at least 60 when a key rotates itself")
        .await;
    let next = app.post(&path).by(&app.editor).expect(200).await;
    assert_eq!(next.data()["previous_secret_expires_at"], "2026-03-20T15:35:45Z");
    app.clock.advance(299);
    app.get("/me").by(&app.editor).expect(200).await;
    app.clock.advance(1);
    app.get("/me").by(&app.editor).expect(401).await;
    app.get("/me").key(&next.new_key()).expect(200).await;
}

#[tokio::test]
async fn only_the_owner_rotates_and_only_what_lives() {
    let app = TestApp::new().await;
    let editors = app.editor.key.id;
    app.post(&format!("/api-keys/{editors}/rotate"))
        .by(&app.admin)
        .refused(404, "NOT_FOUND", &format!("API key with id {editors} not found"))
        .await;
    let soon = json!({"label": "x", "expires_at": "2026-03-20T15:30:50Z"});
    let key = app.post("/api-keys").by(&app.admin).json(soon).expect(201).await.new_key();
    app.clock.advance(5);
    app.post(&format!("/api-keys/{}/rotate", key.id)).by(&app.admin).expect(422).await;
    app.delete(&format!("/api-keys/{}", key.id)).by(&app.admin).expect(200).await;
    app.post(&format!("/api-keys/{}/rotate", key.id)).by(&app.admin).expect(404).await;
    for bad in ["0", "-1", "abc", "01", "9007199254740992"] {
        app.post(&format!("/api-keys/{bad}/rotate")).by(&app.admin).expect(404).await;
    }
}

#[tokio::test]
async fn revocation_holds_from_the_next_request_and_repeats() {
    let app = TestApp::new().await;
    let key = app.key(&app.editor, Grant::FullAccess).await;
    app.get("/me").key(&key).expect(200).await;
    let path = format!("/api-keys/{}", key.id);
    let deleted = app.delete(&path).by(&app.editor).expect(200).await;
    assert_eq!(deleted.data(), json!({"deleted": true}));
    app.get("/me").key(&key).refused(BAD.0, BAD.1, BAD.2).await;
    assert_eq!(app.delete(&path).by(&app.editor).expect(200).await.data(), json!({"deleted": true}));
    assert_eq!(
        app.delete(&path).by(&app.admin).expect(200).await.data(),
        json!({"deleted": true}),
        "an admin reaches every key of the account"
    );
    app.delete(&path).by(&app.stranger).expect(404).await;
    let listed = app.get("/api-keys").by(&app.editor).expect(200).await;
    assert!(listed.data().as_array().unwrap().iter().all(|row| row["id"] != key.id));
}

#[tokio::test]
async fn a_credential_may_always_end_itself_and_nothing_else() {
    let app = TestApp::new().await;
    let narrow = app.scoped(&app.admin, &[Scope::DealsRead]).await;
    let read_only = app.key(&app.admin, Grant::ReadOnly).await;
    let other = format!("/api-keys/{}", app.admin.key.id);
    for key in [&narrow, &read_only] {
        app.delete(&other).key(key).refused(403, "FORBIDDEN", "Missing required scope: account:write").await;
        app.delete(&format!("/api-keys/{}", key.id)).key(key).expect(200).await;
        app.get("/me").key(key).expect(401).await;
    }
}

#[tokio::test]
async fn an_admin_lists_the_whole_account_when_it_asks() {
    let app = TestApp::new().await;
    let ids = async |path: &str, who| -> Vec<i64> {
        let rows = app.get(path).by(who).expect(200).await.data();
        rows.as_array().unwrap().iter().map(|row| row["id"].as_i64().unwrap()).collect()
    };
    assert_eq!(ids("/api-keys", &app.admin).await, [app.admin.key.id]);
    assert_eq!(ids("/api-keys?all=true", &app.admin).await.len(), 4);
    assert_eq!(ids("/api-keys?all=false", &app.editor).await, [app.editor.key.id]);
    app.get("/api-keys?all=true").by(&app.editor).refused(403, "FORBIDDEN", "Requires role: admin").await;
    app.get("/api-keys?all=true&z=1").by(&app.editor).refused(403, "FORBIDDEN", "Requires role: admin").await;
    app.get("/api-keys?all=yes")
        .by(&app.admin)
        .refused(400, "BAD_REQUEST", "all must be true or false")
        .await;
    let page = app.get("/api-keys?all=true&limit=3&offset=2").by(&app.admin).expect(200).await.json();
    assert_eq!(page["pagination"], json!({"total": 4, "limit": 3, "offset": 2, "has_more": false}));
    assert_eq!(page["data"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn a_tier_has_a_ceiling_of_live_keys() {
    let app = TestApp::new().await;
    for _ in 1..10 {
        app.post("/api-keys").by(&app.stranger).json(json!({"label": "x"})).expect(201).await;
    }
    let over = app.post("/api-keys").by(&app.stranger).json(json!({"label": "x"})).expect(422).await;
    assert_eq!(
        over.message(),
        "API key limit reached: an account of tier standard may have 10 live keys; revoke one first"
    );
}

#[tokio::test]
async fn the_last_use_is_seen_before_it_is_written() {
    let app = TestApp::new().await;
    app.clock.advance(60);
    let rows = app.get("/api-keys").by(&app.admin).expect(200).await.data();
    assert_eq!(rows[0]["last_used_at"], "2026-03-20T15:31:45Z");
}

#[tokio::test]
async fn one_key_is_read_as_in_the_list_by_its_owner_and_its_admin() {
    let app = TestApp::new().await;
    let id = app.editor.key.id;
    let path = format!("/api-keys/{id}");
    let one = app.get(&path).by(&app.editor).expect(200).await;
    let listed = app.get("/api-keys").by(&app.editor).expect(200).await.data();
    assert_eq!(Some(&one.data()), listed.as_array().unwrap().iter().find(|key| key["id"] == id));
    assert!(one.data().get("api_key").is_none() && !one.text().contains(&app.editor.key.secret));
    app.get(&path).by(&app.admin).expect(200).await;
    for (who, path) in
        [(&app.viewer, path.clone()), (&app.stranger, path.clone()), (&app.editor, "/api-keys/0".to_owned())]
    {
        let message = format!("API key with id {} not found", path.rsplit('/').next().unwrap());
        app.get(&path).by(who).refused(404, "NOT_FOUND", &message).await;
    }
    let without = app.scoped(&app.editor, &[Scope::DealsRead]).await;
    app.get(&path).key(&without).refused(403, "FORBIDDEN", "Missing required scope: account:read").await;
    app.delete(&path).by(&app.admin).expect(200).await;
    app.get(&path).by(&app.admin).expect(404).await;
}

#[tokio::test]
async fn the_tag_of_a_key_changes_with_what_is_shown_and_a_use_breaks_no_condition() {
    let app = TestApp::new().await;
    let key = app.key(&app.admin, Grant::ReadOnly).await;
    let path = format!("/api-keys/{}", key.id);
    let read = async || app.get(&path).by(&app.admin).expect(200).await.header("etag").unwrap().to_owned();
    let fresh = read().await;
    let unchanged = app.get(&path).by(&app.admin).header("if-none-match", &fresh).expect(304).await;
    assert!(unchanged.bytes.is_empty());
    app.get("/me").key(&key).expect(200).await;
    assert_ne!(read().await, fresh, "its last use is shown");
    app.get(&path).by(&app.admin).header("if-none-match", &fresh).expect(200).await;
    let label = |text: &str| app.patch(&path).by(&app.admin).json(json!({ "label": text }));
    let renamed = label("first").header("if-match", &fresh).expect(200).await;
    // The answer to a write shows the use that is written so far.
    let tag = renamed.header("etag").unwrap().trim_end_matches('"').to_owned();
    assert!(read().await.starts_with(&tag), "{tag}");
    label("second").header("if-match", &fresh).expect(412).await;
    label("second").header("if-match", &read().await).expect(200).await;
}

#[tokio::test]
async fn a_label_changes_alone_and_a_list_finds_it() {
    let app = TestApp::new().await;
    let path = format!("/api-keys/{}", app.editor.key.id);
    let before = app.get(&path).by(&app.editor).expect(200).await.data();
    let mut after =
        app.patch(&path).by(&app.editor).json(json!({"label": "CI, nightly"})).expect(200).await.data();
    assert_eq!(after["label"], "CI, nightly");
    // A use is written a few seconds later.
    for other in ["label", "last_used_at"] {
        after[other] = before[other].clone();
    }
    assert_eq!(after, before, "nothing else");
    app.get("/me").by(&app.editor).expect(200).await;
    let found = async |query: &str| {
        let listed = app.get(&format!("/api-keys?{query}")).by(&app.admin).expect(200).await.json();
        assert_eq!(listed["pagination"]["total"], listed["data"].as_array().unwrap().len());
        listed["data"].as_array().unwrap().iter().map(|key| key["id"].as_i64().unwrap()).collect::<Vec<_>>()
    };
    assert_eq!(found("all=true&filter[label]=CI,%20nightly").await, [app.editor.key.id]);
    assert!(found("filter[label]=CI,%20nightly").await.is_empty(), "its own alone");
    assert!(found("all=true&filter[label]=CI").await.is_empty(), "the whole label");
    let empty = "Invalid value '' for filter[label]: must not be empty";
    app.get("/api-keys?filter[label]=").by(&app.admin).refused(400, "BAD_REQUEST", empty).await;
    // Who may: the owner with account:write, not an admin.
    let label = json!({"label": "theirs"});
    app.patch(&path).by(&app.admin).json(label.clone()).expect(404).await;
    let reads = app.key(&app.editor, Grant::ReadOnly).await;
    app.patch(&path)
        .key(&reads)
        .json(label)
        .refused(403, "FORBIDDEN", "Missing required scope: account:write")
        .await;
    for (body, field, message) in [
        (json!({}), "label", "label is required"),
        (json!({"label": ""}), "label", "label must not be blank"),
        (
            json!({"label": "x", "expires_at": null}),
            "expires_at",
            "expires_at is set when a key is made; make a new key with POST /api-keys",
        ),
        (
            json!({"label": "x", "scopes": ["deals:read"]}),
            "scopes",
            "scopes is set when a key is made; make a new key with POST /api-keys",
        ),
        (json!({"label": "x", "tier": "x"}), "tier", "Unknown member 'tier'"),
    ] {
        let answer =
            app.patch(&path).by(&app.editor).json(body).refused(422, "VALIDATION_ERROR", message).await;
        assert_eq!(answer.json()["error"]["details"]["fields"][0]["field"], field);
    }
}

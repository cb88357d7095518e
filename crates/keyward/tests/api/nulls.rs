//! What null means in the bodies that make authority: never more than leaving the member out.

use super::support::TestApp;
use http::Method;
use keyward_core::grant::Grant;
use serde_json::{Value, json};

#[tokio::test]
async fn null_never_gives_more_than_leaving_a_member_out() {
    let app = TestApp::new().await;
    let rotated = app.key(&app.admin, Grant::ReadOnly).await;
    let bounds =
        json!({"label": "bound", "expires_at": "2026-03-21T00:00:00Z", "allowed_ips": ["127.0.0.0/8"]});
    let bounded = app.post("/api-keys").by(&app.admin).json(bounds).expect(201).await.new_key();
    let (rotation, member) =
        (format!("/api-keys/{}/rotate", rotated.id), format!("/account/team/{}", app.viewer.user.0));
    let (post, patch) = (Method::POST, Method::PATCH);
    let (named, listed) =
        (json!({"label": "x", "permission": "read_only"}), json!({"label": "x", "scopes": ["deals:read"]}));
    let silent = json!({"label": "x"});
    // What is asked, the member that is null in it, and the answer to a maker without bounds and to one with an end and ranges.
    let table: Vec<(&Method, &str, &Value, &str, u16, u16)> = vec![
        (&post, "/api-keys", &named, "label", 422, 422),
        // They would stand for all that the maker may do.
        (&post, "/api-keys", &silent, "permission", 422, 422),
        (&post, "/api-keys", &silent, "scopes", 422, 422),
        (&post, "/api-keys", &listed, "permission", 422, 422),
        (&post, "/api-keys", &named, "scopes", 422, 422),
        // No end, and everywhere: what only a maker without them can give.
        (&post, "/api-keys", &named, "expires_at", 201, 403),
        (&post, "/api-keys", &named, "allowed_ips", 201, 403),
        (&patch, &member, &silent, "role", 422, 422),
        (&post, "/account/team", &silent, "email", 422, 422),
        (&post, "/account/team", &silent, "role", 422, 422),
        (&patch, "/me/active-account", &silent, "slug", 422, 422),
    ];
    for (method, path, body, null, free, bound) in table {
        let mut body = body.clone();
        body[null] = Value::Null;
        for (key, status) in [(&app.admin.key, free), (&bounded, bound)] {
            let answer = app.anonymous(method.clone(), path).key(key).json(body.clone()).send().await;
            assert_eq!(answer.status.as_u16(), status, "{path} {body}: {}", answer.text());
            if status == 422 {
                assert!(
                    answer.text().contains(&format!("{null} must not be null")),
                    "{path} {body}: {}",
                    answer.text()
                );
            }
        }
    }
    // As where nothing is said: the old secret ends at once.
    let answer = app.post(&rotation).by(&app.admin).json(json!({"grace_seconds": null})).expect(200).await;
    assert_eq!(answer.data().get("previous_secret_expires_at"), None);
    // And as where nothing is sent: a generated client of Go writes null for a body that it is not given.
    let answer = app.post(&rotation).by(&app.admin).json(json!(null)).expect(200).await;
    assert_eq!(answer.data().get("previous_secret_expires_at"), None);
}

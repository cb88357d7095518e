//! A refusal shows the way out: what is wrong with the form of a request, and what to send instead; and what is no mistake is taken.

use super::support::{Answer, TestApp};
use http::{HeaderValue, Method};
use keyward::config::LimitsConfig;
use keyward::reload::Reloadable;
use serde_json::{Value, json};

const BAD: &str = "Invalid or expired authentication token";
const PLAIN: &str = r#"Bearer realm="lev""#;
const JWT: &str = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln";

fn hint(answer: &Answer) -> String {
    answer.json()["error"]["details"]["hint"].as_str().unwrap_or_default().to_owned()
}

#[tokio::test]
async fn a_good_key_in_a_wrong_form_is_refused_with_the_form_to_send() {
    let app = TestApp::new().await;
    let key = &app.admin.key.secret;
    let basic = "Basic bGV2X3NrX2FiYzo=";
    for (value, says, names_error) in [
        (key.clone(), "The word Bearer and a space are missing", true),
        (JWT.to_owned(), "The word Bearer and a space are missing", true),
        (format!("Bearer Bearer {key}"), "The word Bearer is there twice", true),
        (format!("Bearer \"{key}\""), "must not be in quotes", true),
        (format!("\"Bearer {key}\""), "must not be in quotes", true),
        (format!("Bearer <{key}>"), "one token, without spaces, brackets or a placeholder", true),
        ("Bearer".to_owned(), "The token after Bearer is missing", true),
        ("Bearer undefined".to_owned(), "neither an API key nor a JWT", true),
        (basic.to_owned(), "Basic authentication is not supported", false),
        (format!("Token {key}"), "The only supported scheme is Bearer", false),
        (format!("ApiKey {key}"), "The only supported scheme is Bearer", false),
        (format!("Bearer: {key}"), "The only supported scheme is Bearer", false),
    ] {
        let answer = app.get("/me").header("authorization", &value).refused(401, "UNAUTHORIZED", BAD).await;
        let (hint, challenge) = (hint(&answer), answer.header("www-authenticate").unwrap());
        assert!(hint.contains(says) && hint.contains("Authorization: Bearer lev_sk_…"), "{value}: {hint}");
        assert!(!answer.text().contains(key), "no credential is sent back");
        let described =
            format!(r#"{PLAIN}, error="invalid_token", error_description="{}""#, hint.replace('…', "..."));
        assert_eq!(challenge, if names_error { described.as_str() } else { PLAIN }, "{value}");
    }
    app.get("/me").header("authorization", &format!("bearer   {key}")).expect(200).await;
}

#[tokio::test]
async fn a_key_in_another_place_is_no_credential_and_the_hint_says_where_it_is_read() {
    let app = TestApp::new().await;
    let key = &app.admin.key.secret;
    let named =
        app.get("/me").header("x-api-key", key).refused(401, "UNAUTHORIZED", "Authentication required");
    let named = named.await;
    assert_eq!(named.header("www-authenticate"), Some(PLAIN));
    assert!(hint(&named).starts_with("API keys are read from the Authorization header only."));
    let path = format!("/me?api_key={key}");
    let in_query = app.get(&path).refused(401, "UNAUTHORIZED", "Authentication required").await;
    assert!(hint(&in_query).starts_with("Credentials in the query string are not read."));
    let none = app.get("/me").refused(401, "UNAUTHORIZED", "Authentication required").await;
    assert_eq!(none.json()["error"].get("details"), None);
    // The first that stands in Authorization decides.
    app.get("/me").by(&app.admin).header("x-api-key", "anything").expect(200).await;
    // Nothing that was judged: the throttle of failed authentication does not count it.
    let limits = LimitsConfig { failed_auth_per_minute: 1, ..LimitsConfig::default() };
    app.app.current.replace(Reloadable { limits, ..Reloadable::default() });
    for _ in 0..5 {
        app.get("/me").header("x-api-key", "anything").expect(401).await;
    }
}

#[tokio::test]
async fn a_jwt_where_only_keys_are_read_gets_a_hint_and_validate_says_only_that_it_is_no_key() {
    let app = TestApp::new().await;
    let body = json!({ "jsonrpc": "2.0", "id": 1, "method": "ping" });
    let mcp = app.request(Method::POST, "/mcp/key").bearer(JWT).json(body).expect(401).await;
    assert!(hint(&mcp).starts_with("Only API keys are read here, not JWTs."), "{}", mcp.text());
    let validate = app.post("/auth/validate-api-key").json(json!({ "api_key": JWT })).expect(200).await;
    assert_eq!(validate.data(), json!({ "valid": false }));
}

/// What was judged, and found to be bad, is refused by the letters of the March page and nothing else.
#[tokio::test]
async fn of_a_credential_that_was_judged_nothing_is_said() {
    let app = TestApp::new().await;
    for token in [app.unknown_key(), "lev_sk_short".to_owned(), JWT.to_owned()] {
        let answer = app.get("/me").bearer(&token).refused(401, "UNAUTHORIZED", BAD).await;
        assert_eq!(answer.json()["error"].get("details"), None, "{token}");
        assert_eq!(
            answer.header("www-authenticate"),
            Some(r#"Bearer realm="lev", error="invalid_token""#),
            "{token}"
        );
    }
}

#[tokio::test]
async fn an_idempotency_key_that_is_no_uuid_is_refused_with_one_that_is() {
    let app = TestApp::new().await;
    for bad in [
        "order-1",
        "",
        "01ARZ3NDEKTSV4RRFFQ69G5FAV",
        "0b0f6b3e6ad24f3e9a572f9a4b1c7d10",
        "{0b0f6b3e-6ad2-4f3e-9a57-2f9a4b1c7d10}",
    ] {
        let ask =
            app.post("/deals").by(&app.admin).header("idempotency-key", bad).json(json!({"title": "x"}));
        let answer = ask.refused(400, "BAD_REQUEST", "Idempotency-Key must be a UUID").await;
        assert!(hint(&answer).contains("0b0f6b3e-6ad2-4f3e-9a57-2f9a4b1c7d10"), "{bad}");
    }
}

#[tokio::test]
async fn json_is_taken_under_every_media_type_that_means_it() {
    let app = TestApp::new().await;
    let send = |kind: &str, body: &str| {
        let ask = app.post("/deals").by(&app.admin).header("content-type", kind);
        ask.raw(body.as_bytes().to_vec())
    };
    for kind in [
        "application/json",
        "application/json; charset=utf-8",
        "application/json; version=2",
        "application/json;odata.metadata=minimal;charset=\"UTF-8\"",
        "application/vnd.api+json",
        "application/vnd.lev.v2+json; profile=deal",
        "application/merge-patch+json",
    ] {
        let answer = send(kind, r#"{"title": "x"}"#).send().await;
        assert_eq!(answer.status.as_u16(), 201, "{kind}: {}", answer.text());
    }
    for kind in
        ["text/plain", "application/json; charset=utf-16", "application/json-patch+json", "application/xml"]
    {
        let message = format!("Content-Type must be application/json (got {kind})");
        send(kind, r#"{"title": "x"}"#).refused(415, "UNSUPPORTED_MEDIA_TYPE", &message).await;
    }
}

#[tokio::test]
async fn a_hint_is_no_place_for_what_was_sent() {
    let app = TestApp::new().await;
    let odd = HeaderValue::from_bytes(b"Bearer \xff\"\\<script>").unwrap();
    let answer = app.get("/me").raw_header("authorization", odd).expect(401).await;
    assert!(!answer.text().contains("script"), "{}", answer.text());
    let details: Value = answer.json()["error"]["details"].clone();
    assert_eq!(details.as_object().unwrap().keys().collect::<Vec<_>>(), ["hint"]);
}

//! Bad input gets a clear error and changes nothing.

use super::support::{Answer, TestApp};
use serde_json::json;

/// Sends a body to both writing operations of deals; checks that nothing changed; gives back the first answer.
async fn refused(app: &TestApp, body: impl Into<Vec<u8>>, status: u16, code: &str) -> Answer {
    let body = body.into();
    let made = app.post("/deals").by(&app.admin).text(body.clone()).send().await;
    let changed = app.patch("/deals/1").by(&app.admin).text(body.clone()).send().await;
    for answer in [&made, &changed] {
        let sent = String::from_utf8_lossy(&body[..body.len().min(100)]).into_owned();
        assert_eq!(
            (answer.status.as_u16(), answer.code().as_str()),
            (status, code),
            "{sent}: {}",
            answer.text()
        );
        assert!(answer.json().get("timestamp").is_none());
    }
    let list = app.get("/deals").by(&app.admin).expect(200).await.json();
    assert_eq!(list["pagination"]["total"], 4, "nothing was made");
    assert_eq!(
        app.get("/deals/1").by(&app.admin).expect(200).await.header("etag"),
        Some("\"d1-1\""),
        "nothing was changed"
    );
    made
}

#[tokio::test]
async fn malformed_json_is_400() {
    let app = TestApp::new().await;
    let too_deep = format!("{{\"title\":{}{}}}", "[".repeat(5_000), "]".repeat(5_000));
    let cases: [&[u8]; 14] = [
        b"{",
        b"{\"title\":\"x\",}",
        b"{'title':'x'}",
        b"{\"title\":\"x\"} x",
        b"{\"title\":01}",
        b"{\"title\":NaN}",
        b"{\"title\":\"\xff\"}",
        b"{\"title\":\"\\ud800\"}",
        b"{\"title\":\"a\nb\"}",
        b"\xef\xbb\xbf{}",
        b" ",
        b"{\"title\":\"a\",\"title\":\"b\"}",
        b"{\"title\":\"a\",\"t\\u0069tle\":\"b\"}",
        too_deep.as_bytes(),
    ];
    for body in cases {
        refused(&app, body, 400, "BAD_REQUEST").await;
    }
    let twice = refused(&app, r#"{"title":"a","x":{"y":1,"y":2}}"#, 400, "BAD_REQUEST").await;
    assert_eq!(twice.message(), "Duplicate member 'y' in the JSON body");
    app.post("/deals")
        .by(&app.admin)
        .refused(400, "BAD_REQUEST", "Request body is empty; send a JSON object")
        .await;
}

#[tokio::test]
async fn well_formed_json_with_a_bad_meaning_is_422() {
    let app = TestApp::new().await;
    let deep = format!("{}{}", "[".repeat(64), "]".repeat(64));
    let cases = [
        "[]",
        "null",
        "\"x\"",
        "1",
        &deep,
        r#"{"title":null}"#,
        r#"{"title":1}"#,
        r#"{"title":{}}"#,
        r#"{"title":"a\u0000b"}"#,
        r#"{"title":"  "}"#,
        r#"{"title":"x","loan_amount":"5"}"#,
        r#"{"title":"x","loan_amount":-1}"#,
        r#"{"title":"x","loan_amount":1.005}"#,
        r#"{"title":"x","loan_amount":1e400}"#,
        r#"{"title":"x","loan_amount":90071992547409.92}"#,
        r#"{"title":"x","loan_type":"LAND"}"#,
        r#"{"title":"x","loan_type":1}"#,
        r#"{"title":"x","estimated_close_date":"2026-02-30"}"#,
        r#"{"title":"x","estimated_close_date":"2026-06-01T00:00:00Z"}"#,
        r#"{"title":"x","id":7}"#,
        r#"{"title":"x","owner_account_id":2}"#,
        r#"{"title":"x","archived":true}"#,
        r#"{"title":"x","version":9}"#,
        r#"{"title":"x","Title":"y"}"#,
    ];
    for body in cases {
        refused(&app, body, 422, "VALIDATION_ERROR").await;
    }
    let listed = refused(&app, r#"{"title":"x","loan_type":"bogus"}"#, 422, "VALIDATION_ERROR").await;
    assert!(
        listed
            .message()
            .starts_with("Invalid value for field 'loan_type': must be one of [construction, heavy_bridge"),
        "{}",
        listed.message()
    );
    let many = refused(&app, r#"{"title":"","loan_amount":"x","surprise":1}"#, 422, "VALIDATION_ERROR").await;
    let fields = many.json()["error"]["details"]["fields"].clone();
    let names: Vec<&str> =
        fields.as_array().unwrap().iter().map(|field| field["field"].as_str().unwrap()).collect();
    assert_eq!(names, ["title", "loan_amount", "surprise"]);
    app.patch("/deals/1")
        .by(&app.admin)
        .json(json!({}))
        .refused(422, "VALIDATION_ERROR", "Request body must contain at least one field to update")
        .await;
}

#[tokio::test]
async fn numbers_at_the_edge_of_2_53_are_exact() {
    let app = TestApp::new().await;
    for (amount, kept) in
        [("90071992547409.91", "90071992547409.91"), ("0", "0"), ("-0", "0"), ("1e2", "100"), ("0.10", "0.1")]
    {
        let body = format!(r#"{{"title":"x","loan_amount":{amount}}}"#);
        let answer = app.post("/deals").by(&app.admin).text(body).expect(201).await;
        assert!(answer.text().contains(&format!("\"loan_amount\":{kept},")), "{amount}: {}", answer.text());
    }
    for id in [
        "9007199254740991",
        "9007199254740992",
        "9007199254740993",
        "18446744073709551616",
        "-1",
        "0",
        "1.0",
        "1e0",
        "abc",
    ] {
        let answer = app.get(&format!("/deals/{id}")).by(&app.admin).expect(404).await;
        assert_eq!(answer.message(), format!("Deal with id {id} not found"));
    }
}

#[tokio::test]
async fn the_content_type_is_json_where_there_is_a_body() {
    let app = TestApp::new().await;
    let post = |content_type: &str| {
        app.post("/deals").by(&app.admin).header("content-type", content_type).raw(r#"{"title":"x"}"#)
    };
    let form = "Content-Type must be application/json (got application/x-www-form-urlencoded)";
    post("application/x-www-form-urlencoded").refused(415, "UNSUPPORTED_MEDIA_TYPE", form).await;
    let none = app.post("/deals").by(&app.admin).raw(r#"{"title":"x"}"#);
    none.refused(415, "UNSUPPORTED_MEDIA_TYPE", "Content-Type must be application/json (got none)").await;
    post("application/json; charset=utf-8").expect(201).await;
    post("application/json;").expect(201).await;
    let zipped = post("application/json").header("content-encoding", "gzip");
    zipped.refused(415, "UNSUPPORTED_MEDIA_TYPE", "Content-Encoding must be identity (got gzip)").await;
    app.delete("/deals/1").by(&app.admin).header("content-type", "text/plain").expect(200).await;
    app.delete("/deals/1").by(&app.admin).json(json!({})).expect(200).await;
    app.delete("/deals/1").by(&app.admin).json(json!({"force": true})).expect(422).await;
}

#[tokio::test]
async fn a_body_is_read_to_its_limit_and_not_beyond() {
    let app = TestApp::new().await;
    let limit = 256 * 1024;
    let padded = |length: usize| {
        let body = r#"{"title":"x"}"#;
        format!("{body}{}", " ".repeat(length - body.len()))
    };
    app.post("/deals").by(&app.admin).text(padded(limit)).expect(201).await;
    let over = app.post("/deals").by(&app.admin).text(padded(limit + 1));
    let over = over.refused(413, "PAYLOAD_TOO_LARGE", "Request body must be at most 262144 bytes").await;
    assert_eq!(over.header("connection"), Some("close"));
}

#[tokio::test]
async fn anothers_ids_in_path_and_body_reach_nothing() {
    let app = TestApp::new().await;
    // Deal 5 and the stranger's key are harbor's.
    app.get("/deals/5").by(&app.admin).expect(404).await;
    app.patch("/deals/5").by(&app.admin).json(json!({"title": "mine"})).expect(404).await;
    app.delete("/deals/5").by(&app.admin).expect(404).await;
    app.delete(&format!("/api-keys/{}", app.stranger.key.id)).by(&app.admin).expect(404).await;
    app.post(&format!("/api-keys/{}/rotate", app.stranger.key.id)).by(&app.admin).expect(404).await;
    app.get("/deals").by(&app.admin).header("x-active-account", "harbor").expect(403).await;
    assert_eq!(app.get("/deals/5").by(&app.stranger).expect(200).await.data()["title"], "Harbor");
    app.get("/me").by(&app.stranger).expect(200).await;
}

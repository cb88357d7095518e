//! Deals: list, read, make, change, archive.

use super::support::TestApp;
use serde_json::{Value, json};

#[tokio::test]
async fn a_deal_is_made_with_its_maker_on_the_team() {
    let app = TestApp::new().await;
    let body = json!({
        "title": "123 Main St Acquisition", "loan_amount": 5_000_000.5, "loan_type": "acquisition",
        "transaction_type": "purchase", "business_plan": "value_add", "description": "", "estimated_close_date": "2026-06-01",
    });
    let answer = app.post("/deals").by(&app.editor).json(body).expect(201).await;
    assert_eq!(
        answer.data(),
        json!({
            "id": 6, "title": "123 Main St Acquisition", "loan_amount": 5_000_000.5, "loan_type": "acquisition",
            "transaction_type": "purchase", "business_plan": "value_add", "description": "",
            "estimated_close_date": "2026-06-01", "close_date": null, "owner_account_id": app.acme,
            "created_at": "2026-03-20T15:30:45Z", "updated_at": "2026-03-20T15:30:45Z", "archived": false, "archived_at": null,
        })
    );
    assert_eq!(answer.header("location"), Some("http://keyward.test/api/external/v2/deals/6"));
    assert_eq!(answer.header("etag"), Some("\"d6-1\""));
    let read = app.get("/deals/6").by(&app.editor).expect(200).await;
    assert_eq!((read.data(), read.header("etag")), (answer.data(), Some("\"d6-1\"")));
    app.get("/deals/6").by(&app.viewer).expect(404).await;
}

#[tokio::test]
async fn a_change_touches_what_was_sent() {
    let app = TestApp::new().await;
    app.patch("/deals/1")
        .by(&app.editor)
        .json(json!({"loan_amount": 100.10, "loan_type": "land"}))
        .expect(200)
        .await;
    app.clock.advance(5);
    let answer = app.patch("/deals/1").by(&app.editor).json(json!({"loan_type": null})).expect(200).await;
    let deal = answer.data();
    assert_eq!(
        (&deal["loan_amount"], &deal["loan_type"], &deal["title"]),
        (&json!(100.1), &json!(null), &json!("100 Alder Street Apartments"))
    );
    assert_eq!(
        (&deal["created_at"], &deal["updated_at"]),
        (&json!("2026-03-20T15:30:45Z"), &json!("2026-03-20T15:30:50Z"))
    );
    assert_eq!(answer.header("etag"), Some("\"d1-3\""));
}

#[tokio::test]
async fn if_match_guards_a_change_and_an_archiving() {
    let app = TestApp::new().await;
    let patch =
        |tag: &str| app.patch("/deals/1").by(&app.admin).json(json!({"title": "x"})).header("if-match", tag);
    let message =
        "If-Match or If-None-Match does not hold for the current ETag; read the resource again and retry";
    patch("\"d1-1\"").expect(200).await;
    patch("\"d1-1\"").refused(412, "PRECONDITION_FAILED", message).await;
    patch("\"d1-1\", \"d1-2\"").expect(200).await;
    patch("*").expect(200).await;
    // A proxy that compressed the answer has changed the tag.
    patch("W/\"d1-4\"").expect(200).await;
    patch("\"d1-5-gzip\"").expect(200).await;
    patch("\"d1-5-gzip\"").refused(412, "PRECONDITION_FAILED", message).await;
    patch("d1-4").expect(400).await;
    let delete = |tag: &str| app.delete("/deals/1").by(&app.admin).header("if-match", tag);
    delete("\"d1-1\"").refused(412, "PRECONDITION_FAILED", message).await;
    delete("\"d1-6\"").expect(200).await;
    let missing = app.delete("/deals/999").by(&app.admin).header("if-match", "\"d1-6\"");
    missing.refused(404, "NOT_FOUND", "Deal with id 999 not found").await;
}

#[tokio::test]
async fn deleting_archives_and_repeats() {
    let app = TestApp::new().await;
    app.clock.advance(10);
    for _ in 0..2 {
        assert_eq!(app.delete("/deals/1").by(&app.editor).expect(200).await.data(), json!({"deleted": true}));
        app.clock.advance(10);
    }
    let deal = app.get("/deals/1").by(&app.editor).expect(200).await.data();
    assert_eq!((&deal["archived"], &deal["archived_at"]), (&json!(true), &json!("2026-03-20T15:30:55Z")));
    let list = app.get("/deals").by(&app.editor).expect(200).await.json();
    assert_eq!(list["pagination"]["total"], 2, "the list holds archived deals too");
}

#[tokio::test]
async fn a_crawl_by_cursor_sees_every_deal_once() {
    let app = TestApp::new().await;
    for number in 0..20 {
        app.post("/deals").by(&app.editor).json(json!({"title": format!("n{number}")})).expect(201).await;
    }
    let (mut seen, mut cursor) = (Vec::new(), None::<String>);
    loop {
        let path =
            cursor.as_ref().map_or("/deals?limit=7".to_owned(), |c| format!("/deals?limit=7&cursor={c}"));
        let page = app.get(&path).by(&app.editor).expect(200).await.json();
        let pagination: &Value = &page["pagination"];
        assert_eq!(
            (&pagination["total"], &pagination["limit"], &pagination["cursor"]),
            (&json!(22), &json!(7), &json!(cursor))
        );
        seen.extend(page["data"].as_array().unwrap().iter().map(|deal| deal["id"].as_i64().unwrap()));
        assert_eq!(pagination["has_more"].as_bool().unwrap(), !pagination["next_cursor"].is_null());
        let Some(next) = pagination["next_cursor"].as_str() else { break };
        cursor = Some(next.to_owned());
    }
    let expected: Vec<i64> = [1, 2].into_iter().chain(6..=25).collect();
    assert_eq!(seen, expected);
}

#[tokio::test]
async fn a_cursor_is_refused_wherever_it_was_not_given() {
    let app = TestApp::new().await;
    let page = app.get("/deals?limit=1").by(&app.admin).expect(200).await.json();
    let cursor = page["pagination"]["next_cursor"].as_str().unwrap().to_owned();
    let message =
        "cursor is not valid for this list; send next_cursor of the previous page, with the same filters";
    app.get(&format!("/account/team?cursor={cursor}"))
        .by(&app.admin)
        .refused(400, "BAD_REQUEST", message)
        .await;
    app.get(&format!("/deals?cursor={cursor}")).by(&app.stranger).refused(400, "BAD_REQUEST", message).await;
    for bad in ["x", "eyJpZCI6IDEwfQ", &cursor[1..], &format!("{cursor}A")] {
        app.get(&format!("/deals?cursor={bad}")).by(&app.admin).refused(400, "BAD_REQUEST", message).await;
    }
    for bad in ["limit=0", "limit=201", "limit=x", "limit=", "offset=1", "sort=name", "limit=1&limit=2"] {
        let answer = app.get(&format!("/deals?{bad}")).by(&app.admin).expect(400).await;
        assert_eq!(answer.code(), "BAD_REQUEST", "{bad}");
    }
}

#[tokio::test]
async fn head_is_get_without_a_body() {
    let app = TestApp::new().await;
    let head = app.anonymous(http::Method::HEAD, "/deals/1").by(&app.admin).expect(200).await;
    assert_eq!((head.header("etag"), head.bytes.len()), (Some("\"d1-1\""), 0));
    let absent = app.anonymous(http::Method::HEAD, "/deals/99").by(&app.admin).expect(404).await;
    assert_eq!(absent.bytes.len(), 0);
}

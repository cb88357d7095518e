//! What hangs on a deal: financials, properties, its team, and its place in pipelines.

use super::support::TestApp;
use http::Method;
use keyward_core::write::member::RemoveMember;
use serde_json::{Value, json};

/// The ETag and `updated_at` of a deal.
async fn state(app: &TestApp, deal: i64) -> (String, String) {
    let answer = app.get(&format!("/deals/{deal}")).by(&app.admin).expect(200).await;
    let updated = answer.data()["updated_at"].as_str().unwrap().to_owned();
    (answer.header("etag").unwrap().to_owned(), updated)
}

#[tokio::test]
async fn financials_come_with_a_deal_and_change_with_it() {
    let app = TestApp::new().await;
    let read = app.get("/deals/1/financials").by(&app.viewer).expect(200).await.data();
    assert_eq!(
        (&read["deal_id"], &read["purchase_price"], &read["cash_out"]),
        (&json!(1), &json!(6_500_000.25), &json!(null))
    );
    assert_eq!(read.as_object().unwrap().len(), 42, "every figure is there, known or not");
    app.get("/deals/2/financials")
        .by(&app.editor)
        .refused(404, "NOT_FOUND", "Financials with deal id 2 not found")
        .await;
    app.get("/deals/2/financials")
        .by(&app.viewer)
        .refused(404, "NOT_FOUND", "Deal with id 2 not found")
        .await;
    let (before, _) = state(&app, 1).await;
    app.clock.advance(60);
    let change = |deal: i64, figures: Value| {
        app.patch(&format!("/deals/{deal}")).by(&app.editor).json(json!({"deal_financials": figures}))
    };
    change(1, json!({"land_cost": 12.5, "purchase_price": null})).expect(200).await;
    let read =
        app.get("/deals/1?include=financials").by(&app.viewer).expect(200).await.data()["financials"].take();
    assert_eq!((&read["land_cost"], &read["purchase_price"]), (&json!(12.5), &json!(null)));
    assert_eq!(read["updated_at"], "2026-03-20T15:31:45Z");
    let (after, updated) = state(&app, 1).await;
    assert!(
        after != before && updated == "2026-03-20T15:31:45Z",
        "a change of its figures is one of the deal"
    );
    let message = "deal_financials must have an amount: there is nothing to clear yet";
    change(2, json!({"land_cost": null})).refused(422, "VALIDATION_ERROR", message).await;
    let message = "deal_financials: land_cost must have at most two decimal places";
    change(1, json!({"land_cost": 1.005})).refused(422, "VALIDATION_ERROR", message).await;
    app.get("/deals/2/financials").by(&app.editor).expect(404).await;
    let made = json!({"title": "New", "deal_financials": {"total_cost": 7, "land_cost": null}, "pipeline_ids": [2, 1, 2]});
    let made = app.post("/deals").by(&app.editor).json(made).expect(201).await.data();
    let read = app
        .get(&format!("/deals/{}?include=financials,pipelines", made["id"]))
        .by(&app.editor)
        .expect(200)
        .await
        .data();
    assert_eq!(read["financials"]["total_cost"], 7);
    let places: Vec<&Value> =
        read["pipelines"].as_array().unwrap().iter().map(|place| &place["pipeline_id"]).collect();
    assert_eq!(places, [&json!(1), &json!(2)], "each once");
}

#[tokio::test]
async fn a_deal_is_not_made_in_a_pipeline_that_is_not_there() {
    let app = TestApp::new().await;
    // Pipeline 3 is harbor's.
    for pipeline in [3, 99] {
        let message = format!("pipeline_ids: there is no pipeline {pipeline}");
        let body = json!({"title": "New", "pipeline_ids": [1, pipeline]});
        app.post("/deals").by(&app.admin).json(body).refused(422, "VALIDATION_ERROR", &message).await;
    }
    assert_eq!(app.get("/deals").by(&app.admin).expect(200).await.json()["pagination"]["total"], 4);
}

#[tokio::test]
async fn properties_are_a_list_of_their_deal() {
    let app = TestApp::new().await;
    let first = app.get("/deals/1/properties?limit=1").by(&app.viewer).expect(200).await.json();
    assert_eq!(
        first["data"],
        json!([{"id": 1, "name": null, "address": "Alder Street 1", "city": "Portland", "state": "OR", "zip": null,
                "asset_type_id": null, "units": 12, "square_footage": 10_500.5, "year_built": 1931}])
    );
    let cursor = first["pagination"]["next_cursor"].as_str().unwrap();
    let second =
        app.get(&format!("/deals/1/properties?cursor={cursor}")).by(&app.viewer).expect(200).await.json();
    assert_eq!((&second["data"][0]["id"], &second["pagination"]["total"]), (&json!(2), &json!(2)));
    let other = app.get("/deals/2/properties").by(&app.editor).expect(200).await.json();
    assert_eq!((&other["data"], &other["pagination"]["total"]), (&json!([]), &json!(0)));
}

#[tokio::test]
async fn who_joins_a_team_sees_the_deal_and_who_leaves_does_not() {
    let app = TestApp::new().await;
    app.get("/deals/2").by(&app.viewer).expect(404).await;
    let join = |body: Value| app.post("/deals/2/team").by(&app.editor).json(body);
    let (before, _) = state(&app, 2).await;
    let joined = join(json!({"user_id": app.viewer.user, "deal_role": "closer", "is_primary": true}))
        .expect(201)
        .await
        .data();
    assert_eq!(
        (&joined["deal_role"], &joined["is_primary"], &joined["permission"], &joined["email"]),
        (&json!("closer"), &json!(true), &json!("view"), &json!("viewer@acme.example"))
    );
    assert_ne!(state(&app, 2).await.0, before, "a change of its team is one of the deal");
    app.get("/deals/2").by(&app.viewer).expect(200).await;
    let team = app.get("/deals/2/team").by(&app.viewer).expect(200).await.data();
    let primary: Vec<&Value> = team.as_array().unwrap().iter().map(|member| &member["is_primary"]).collect();
    assert_eq!(primary, [&json!(false), &json!(true)], "one is primary");
    for (user, message) in [
        (app.viewer.user.0, "user_id is on the team already"),
        (app.stranger.user.0, "user_id must be a member of the account"),
        (999, "user_id must be a member of the account"),
    ] {
        join(json!({"user_id": user})).refused(422, "VALIDATION_ERROR", message).await;
    }
    join(json!({"deal_role": " "}))
        .refused(422, "VALIDATION_ERROR", "user_id is required (and 1 more)")
        .await;
    let path = format!("/deals/2/team/{}", app.viewer.user);
    app.delete(&path).by(&app.viewer).refused(403, "FORBIDDEN", "Missing required scope: deals:write").await;
    assert_eq!(app.delete(&path).by(&app.editor).expect(200).await.data(), json!({"deleted": true}));
    app.get("/deals/2").by(&app.viewer).expect(404).await;
    let message = format!("Team member with id {} not found", app.viewer.user);
    app.delete(&path).by(&app.editor).refused(404, "NOT_FOUND", &message).await;
    // An editor who takes itself off can do no more.
    app.delete(&format!("/deals/2/team/{}", app.editor.user)).by(&app.editor).expect(200).await;
    app.get("/deals/2").by(&app.editor).expect(404).await;
    join(json!({"user_id": app.editor.user})).refused(404, "NOT_FOUND", "Deal with id 2 not found").await;
}

#[tokio::test]
async fn who_is_no_longer_a_member_is_on_no_team() {
    let app = TestApp::new().await;
    app.operate(RemoveMember { account: app.acme, user: app.editor.user }).await;
    let team = app.get("/deals/1/team").by(&app.admin).expect(200).await.json();
    assert_eq!((team["data"].as_array().unwrap().len(), &team["pagination"]["total"]), (1, &json!(1)));
    let included = app.get("/deals/1?include=team").by(&app.admin).expect(200).await.data();
    assert_eq!(included["team"], team["data"]);
    // Nor can it be taken off one.
    let path = format!("/deals/1/team/{}", app.editor.user);
    let message = format!("Team member with id {} not found", app.editor.user);
    app.delete(&path).by(&app.admin).refused(404, "NOT_FOUND", &message).await;
}

#[tokio::test]
async fn pipelines_belong_to_the_account_and_a_deal_moves_in_them() {
    let app = TestApp::new().await;
    let pipelines = app.get("/pipelines").by(&app.viewer).expect(200).await.json();
    assert_eq!(pipelines["pagination"]["total"], 2);
    let keys: Vec<&str> = pipelines["data"][0]["statuses"]
        .as_array()
        .unwrap()
        .iter()
        .map(|s| s["status"].as_str().unwrap())
        .collect();
    assert_eq!(keys, ["new", "quoting", "term_sheet", "closing", "closed"]);
    assert_eq!(app.get("/pipelines/1").by(&app.viewer).expect(200).await.data(), pipelines["data"][0]);
    for foreign in ["3", "999", "x", "0"] {
        let message = format!("Pipeline with id {foreign} not found");
        app.get(&format!("/pipelines/{foreign}")).by(&app.admin).refused(404, "NOT_FOUND", &message).await;
    }
    let go = |body: Value| app.post("/deals/1/pipeline").by(&app.editor).json(body);
    let (before, _) = state(&app, 1).await;
    app.clock.advance(60);
    let moved = go(json!({"pipeline_id": 1, "pipeline_status_id": 4})).expect(200).await.data();
    let place = json!({"deal_id": 1, "pipeline_id": 1, "pipeline_status_id": 4, "status_name": "closing", "updated_at": "2026-03-20T15:31:45Z"});
    assert_eq!(moved, place);
    let (after, updated) = state(&app, 1).await;
    assert!(after != before && updated == "2026-03-20T15:31:45Z", "a move is a change of the deal");
    app.clock.advance(60);
    assert_eq!(
        go(json!({"pipeline_id": 1, "pipeline_status_id": 4})).expect(200).await.data(),
        place,
        "it is there already"
    );
    assert_eq!(state(&app, 1).await.0, after, "and nothing has changed");
    let first = go(json!({"pipeline_id": 2})).expect(200).await.data();
    assert_eq!(
        (&first["pipeline_status_id"], &first["status_name"]),
        (&json!(6), &json!("new")),
        "the first, if none is named"
    );
    for (body, message) in [
        (json!({"pipeline_id": 3}), "pipeline_id: there is no pipeline 3"),
        (
            json!({"pipeline_id": 1, "pipeline_status_id": 6}),
            "pipeline_status_id must be a status of that pipeline",
        ),
        (json!({"pipeline_status_id": 1}), "pipeline_id is required"),
        (json!({"pipeline_id": "1"}), "pipeline_id must be an integer"),
    ] {
        go(body).refused(422, "VALIDATION_ERROR", message).await;
    }
    app.post("/deals/4/pipeline")
        .by(&app.editor)
        .json(json!({"pipeline_id": 1}))
        .refused(404, "NOT_FOUND", "Deal with id 4 not found")
        .await;
}

#[tokio::test]
async fn if_match_guards_what_hangs_on_a_deal() {
    let app = TestApp::new().await;
    let stale = "\"d1-0\"";
    let message =
        "If-Match or If-None-Match does not hold for the current ETag; read the resource again and retry";
    let joins = json!({"user_id": app.both.user});
    for (method, path, body) in [
        (Method::POST, "/deals/1/team".to_owned(), Some(joins)),
        (Method::DELETE, format!("/deals/1/team/{}", app.viewer.user), None),
        (Method::POST, "/deals/1/pipeline".to_owned(), Some(json!({"pipeline_id": 2}))),
    ] {
        let ask = |tag: &str| {
            let ask = app.anonymous(method.clone(), &path).by(&app.editor).header("if-match", tag);
            body.iter().fold(ask, |ask, body| ask.json(body.clone()))
        };
        ask(stale).refused(412, "PRECONDITION_FAILED", message).await;
        let (current, _) = state(&app, 1).await;
        let answer = ask(&current).send().await;
        assert!(answer.status.is_success(), "{}", answer.text());
        ask(&current).refused(412, "PRECONDITION_FAILED", message).await;
    }
}

#[tokio::test]
async fn the_writes_of_what_hangs_on_a_deal_happen_once() {
    let app = TestApp::new().await;
    let key = "0b0f6b3e-6ad2-4f3e-9a57-2f9a4b1c7d10";
    let join = || {
        let ask = app.anonymous(Method::POST, "/deals/2/team").by(&app.editor).header("idempotency-key", key);
        ask.json(json!({"user_id": app.viewer.user}))
    };
    let first = join().expect(201).await;
    let again = join().expect(201).await;
    assert_eq!((again.header("idempotency-replayed"), again.text()), (Some("true"), first.text()));
    // A replay shows the deal's team, so whoever no longer sees the deal is not shown it.
    app.delete(&format!("/deals/2/team/{}", app.editor.user)).by(&app.admin).expect(200).await;
    join().refused(404, "NOT_FOUND", "Deal with id 2 not found").await;
}

//! A key is never stronger than its user is right now.

use super::support::TestApp;
use keyward_core::role::Role;
use keyward_core::scope::Scope;
use keyward_core::write::disabling::SetUserDisabled;
use keyward_core::write::member::{RemoveMember, SetRole};
use serde_json::json;

#[tokio::test]
async fn a_changed_role_holds_from_the_next_request() {
    let app = TestApp::new().await;
    let create = || app.post("/deals").by(&app.editor).json(json!({"title": "x"}));
    create().expect(201).await;
    app.operate(SetRole { account: app.acme, user: app.editor.user, role: Role::Viewer }).await;
    let refused = create().refused(403, "FORBIDDEN", "Missing required scope: deals:write").await;
    assert_eq!(
        refused.header("www-authenticate"),
        Some(r#"Bearer realm="lev", error="insufficient_scope", scope="deals:write""#)
    );
    app.operate(SetRole { account: app.acme, user: app.editor.user, role: Role::Admin }).await;
    assert_eq!(app.get("/deals").by(&app.editor).expect(200).await.json()["pagination"]["total"], 5);
}

#[tokio::test]
async fn a_fixed_list_does_not_outlive_the_role_that_gave_it() {
    let app = TestApp::new().await;
    let key = app.scoped(&app.editor, &[Scope::DealsRead, Scope::DealsWrite]).await;
    app.post("/deals").key(&key).json(json!({"title": "x"})).expect(201).await;
    app.operate(SetRole { account: app.acme, user: app.editor.user, role: Role::Viewer }).await;
    app.post("/deals").key(&key).json(json!({"title": "x"})).expect(403).await;
    app.get("/deals").key(&key).expect(200).await;
}

#[tokio::test]
async fn who_is_disabled_or_removed_is_nobody() {
    let app = TestApp::new().await;
    let me = || app.get("/me").by(&app.viewer);
    let bad = "Invalid or expired authentication token";
    app.operate(SetUserDisabled { user: app.viewer.user, disabled: true }).await;
    me().refused(401, "UNAUTHORIZED", bad).await;
    app.operate(SetUserDisabled { user: app.viewer.user, disabled: false }).await;
    me().expect(200).await;
    app.operate(RemoveMember { account: app.acme, user: app.viewer.user }).await;
    me().refused(401, "UNAUTHORIZED", bad).await;
}

#[tokio::test]
async fn what_is_not_visible_looks_exactly_like_what_is_not_there() {
    let app = TestApp::new().await;
    // 3: not on the team. 5: another account's. 999: not there.
    let mut answers = Vec::new();
    for id in ["3", "5", "999"] {
        for ask in [
            app.get(&format!("/deals/{id}")).by(&app.editor),
            app.patch(&format!("/deals/{id}")).by(&app.editor).json(json!({"title": "x"})),
            app.delete(&format!("/deals/{id}")).by(&app.editor),
        ] {
            let answer = ask.expect(404).await;
            answers.push(answer.without_id().replace(&format!("id {id} "), "id N "));
        }
    }
    answers.dedup();
    assert_eq!(
        answers,
        [r#"{"request_id":"ID","error":{"code":"NOT_FOUND","message":"Deal with id N not found"}}"#]
    );
}

#[tokio::test]
async fn a_viewer_reads_its_deals_and_changes_none() {
    let app = TestApp::new().await;
    let list = app.get("/deals").by(&app.viewer).expect(200).await.json();
    assert_eq!((&list["pagination"]["total"], &list["data"][0]["id"]), (&json!(1), &json!(1)));
    app.get("/deals/1").by(&app.viewer).expect(200).await;
    app.get("/deals/2").by(&app.viewer).expect(404).await;
    // Scope is judged before the resource: a deal that it cannot see is no different.
    for id in [1, 3, 999] {
        app.delete(&format!("/deals/{id}")).by(&app.viewer).expect(403).await;
    }
}

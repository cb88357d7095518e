//! Who may do what: every operation by every kind of caller. An operation that is missing here does not compile.

use super::support::{Ask, Key, TestApp};
use keyward::routes::{Access, OperationId, table};
use keyward_core::grant::Grant;
use serde_json::{Value, json};

/// The callers, in the order of the columns.
const CALLERS: [&str; 9] =
    ["nobody", "garbage", "revoked", "expired", "read-only", "viewer", "editor", "admin", "other account"];

/// How to call an operation, and the status for each caller.
struct Case {
    path: &'static str,
    body: Option<Value>,
    expected: [u16; 9],
}

fn case(path: &'static str, body: Option<Value>, expected: [u16; 9]) -> Case {
    Case { path, body, expected }
}

/// Deal 1 is acme's, with editor and viewer on its team; key 1 is the acme admin's.
#[rustfmt::skip]
fn matrix(operation: OperationId) -> Case {
    use OperationId::*;
    //                                                                                     none garb rev  exp  ro   view edit adm  other
    match operation {
        GetHealth => case("/health", None,                                                [200, 200, 200, 200, 200, 200, 200, 200, 200]),
        PostAuthValidateApiKey => case("/auth/validate-api-key", Some(json!({"api_key": "x"})), [200, 200, 200, 200, 200, 200, 200, 200, 200]),
        GetMe => case("/me", None,                                                        [401, 401, 401, 401, 200, 200, 200, 200, 200]),
        GetMeAccounts => case("/me/accounts", None,                                       [401, 401, 401, 401, 200, 200, 200, 200, 200]),
        PatchMeActiveAccount => case("/me/active-account", Some(json!({"slug": "acme"})), [401, 401, 401, 401, 200, 200, 200, 200, 404]),
        GetAccountTeam => case("/account/team", None,                                     [401, 401, 401, 401, 200, 200, 200, 200, 200]),
        PostAccountTeam => case("/account/team", Some(json!({"email": "new@acme.example", "role": "viewer"})), [401, 401, 401, 401, 403, 403, 403, 201, 201]),
        PatchAccountTeamUserId => case("/account/team/3", Some(json!({"role": "editor"})), [401, 401, 401, 401, 403, 403, 403, 200, 404]),
        DeleteAccountTeamUserId => case("/account/team/5", None,                          [401, 401, 401, 401, 403, 403, 403, 200, 200]),
        GetApiKeys => case("/api-keys", None,                                             [401, 401, 401, 401, 200, 200, 200, 200, 200]),
        PostApiKeys => case("/api-keys", Some(json!({"label": "new"})),                   [401, 401, 401, 401, 403, 201, 201, 201, 201]),
        GetApiKeysKeyId => case("/api-keys/1", None,                                      [401, 401, 401, 401, 200, 404, 404, 200, 404]),
        PatchApiKeysKeyId => case("/api-keys/1", Some(json!({"label": "other"})),         [401, 401, 401, 401, 403, 404, 404, 200, 404]),
        PostApiKeysKeyIdRotate => case("/api-keys/1/rotate", None,                        [401, 401, 401, 401, 403, 404, 404, 200, 404]),
        DeleteApiKeysKeyId => case("/api-keys/1", None,                                   [401, 401, 401, 401, 403, 404, 404, 200, 404]),
        GetDeals => case("/deals", None,                                                  [401, 401, 401, 401, 200, 200, 200, 200, 200]),
        PostDeals => case("/deals", Some(json!({"title": "New"})),                        [401, 401, 401, 401, 403, 403, 201, 201, 201]),
        GetDealsDealId => case("/deals/1", None,                                          [401, 401, 401, 401, 200, 200, 200, 200, 404]),
        PatchDealsDealId => case("/deals/1", Some(json!({"title": "Changed"})),           [401, 401, 401, 401, 403, 403, 200, 200, 404]),
        DeleteDealsDealId => case("/deals/1", None,                                       [401, 401, 401, 401, 403, 403, 200, 200, 404]),
        GetDealsDealIdFinancials => case("/deals/1/financials", None,                     [401, 401, 401, 401, 200, 200, 200, 200, 404]),
        GetDealsDealIdProperties => case("/deals/1/properties", None,                     [401, 401, 401, 401, 200, 200, 200, 200, 404]),
        GetDealsDealIdTeam => case("/deals/1/team", None,                                 [401, 401, 401, 401, 200, 200, 200, 200, 404]),
        PostDealsDealIdTeam => case("/deals/1/team", Some(json!({"user_id": 1})),         [401, 401, 401, 401, 403, 403, 201, 422, 404]),
        DeleteDealsDealIdTeamUserId => case("/deals/1/team/3", None,                      [401, 401, 401, 401, 403, 403, 200, 404, 404]),
        PostDealsDealIdPipeline => case("/deals/1/pipeline", Some(json!({"pipeline_id": 1})), [401, 401, 401, 401, 403, 403, 200, 200, 404]),
        GetPipelines => case("/pipelines", None,                                          [401, 401, 401, 401, 200, 200, 200, 200, 200]),
        GetPipelinesPipelineId => case("/pipelines/1", None,                              [401, 401, 401, 401, 200, 200, 200, 200, 404]),
    }
}

/// The callers' credentials, in the order of the columns.
async fn credentials(app: &TestApp) -> [Option<String>; 9] {
    let revoked = app.key(&app.admin, Grant::FullAccess).await;
    app.delete(&format!("/api-keys/{}", revoked.id)).by(&app.admin).expect(200).await;
    let soon = json!({"label": "short", "expires_at": "2026-03-20T15:30:46Z"});
    let expired: Key = app.post("/api-keys").by(&app.admin).json(soon).expect(201).await.new_key();
    let read_only = app.key(&app.admin, Grant::ReadOnly).await;
    app.clock.advance(1);
    [
        None,
        Some("garbage".to_owned()),
        Some(revoked.secret),
        Some(expired.secret),
        Some(read_only.secret),
        Some(app.viewer.key.secret.clone()),
        Some(app.editor.key.secret.clone()),
        Some(app.admin.key.secret.clone()),
        Some(app.stranger.key.secret.clone()),
    ]
}

#[tokio::test]
async fn every_operation_admits_exactly_whom_it_should() {
    let mut wrong = Vec::new();
    for row in table() {
        let case = matrix(row.id);
        // The other account first, the admin last: an admin's own deletion must not stand in another's way.
        let app = TestApp::new().await;
        let credentials = credentials(&app).await;
        for column in [8, 0, 1, 2, 3, 4, 5, 6, 7] {
            let ask: Ask<'_> = app.anonymous(row.method.clone(), case.path);
            let ask = credentials[column].iter().fold(ask, |ask, token| ask.bearer(token));
            let ask = case.body.iter().fold(ask, |ask, body| ask.json(body.clone()));
            let answer = ask.send().await;
            let got = answer.status.as_u16();
            if got != case.expected[column] {
                let expected = case.expected[column];
                wrong.push(format!(
                    "{row:?} by {}: {got} instead of {expected}: {}",
                    CALLERS[column],
                    answer.text()
                ));
            }
            assert_eq!(
                answer.json()["request_id"].as_str(),
                answer.header("x-request-id"),
                "every answer has its id"
            );
            assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
            assert_eq!(answer.header("cache-control"), Some("no-store"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// A JWT may do what its user's full_access key may, but make and rotate keys; and where it names no account, nothing but find
/// one.
#[tokio::test]
async fn a_jwt_may_do_what_its_user_may_and_without_an_account_nothing_but_find_one() {
    use OperationId::*;
    let mut wrong = Vec::new();
    for row in table() {
        let case = matrix(row.id);
        let by_role = match row.id {
            PostApiKeys | PostApiKeysKeyIdRotate => 403,
            _ => case.expected[6],
        };
        let nowhere = match (row.id, row.access) {
            (GetMe | GetMeAccounts | PatchMeActiveAccount, _) | (_, Access::Public { .. }) => 200,
            _ => 400,
        };
        for (who, expected) in [("nobody's", 401), ("two accounts", nowhere), ("editor", by_role)] {
            let app = TestApp::new().await;
            app.link(app.editor.user, "editor").await;
            app.link(app.both.user, "two accounts").await;
            let expected = if matches!(row.access, Access::Public { .. }) { 200 } else { expected };
            let ask = app.anonymous(row.method.clone(), case.path).bearer(&app.issuer.token(who, json!({})));
            let answer = case.body.iter().fold(ask, |ask, body| ask.json(body.clone())).send().await;
            if answer.status.as_u16() != expected {
                wrong.push(format!("{row:?} by {who}: {expected} expected: {}", answer.text()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_operation_stands_in_the_table_once() {
    let rows = table();
    for operation in OperationId::ALL {
        assert_eq!(rows.iter().filter(|row| row.id == *operation).count(), 1, "{}", operation.name());
    }
    assert_eq!(rows.len(), OperationId::ALL.len());
}

/// The list of public operations may only shrink.
#[test]
fn two_operations_are_public() {
    let public = table().into_iter().filter(|row| matches!(row.access, Access::Public { .. }));
    assert_eq!(public.map(|row| row.id.name()).collect::<Vec<_>>(), ["getHealth", "postAuthValidateApiKey"]);
}

#[tokio::test]
async fn every_operation_refuses_a_query_parameter_that_it_does_not_know() {
    let app = TestApp::new().await;
    for row in table() {
        let case = matrix(row.id);
        let ask = app.anonymous(row.method.clone(), &format!("{}?surprise=1", case.path)).by(&app.admin);
        let ask = case.body.iter().fold(ask, |ask, body| ask.json(body.clone()));
        ask.refused(400, "BAD_REQUEST", "Unknown query parameter 'surprise'").await;
    }
}

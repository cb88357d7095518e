//! `If-Match` and `If-None-Match` on every operation that writes (RFC 9110 §13.1.1, §13.1.2): evaluated where the resource has an
//! `ETag`, refused elsewhere, and never left aside.

use crate::support::{Ask, TestApp};
use keyward::routes::{OperationId, Row, table};
use serde_json::{Value, json};

/// A good request of an admin, and the resource whose `ETag` it can name, if there is one. An operation that writes and is missing
/// here fails the test.
fn write(id: OperationId) -> Option<(&'static str, Option<Value>, Option<&'static str>)> {
    use OperationId::*;
    let of_deal = |path, body| Some((path, body, Some("/deals/1")));
    let other = |path, body| Some((path, body, None));
    match id {
        PatchDealsDealId => of_deal("/deals/1", Some(json!({ "title": "Changed" }))),
        DeleteDealsDealId => of_deal("/deals/1", None),
        PostDealsDealIdTeam => of_deal("/deals/1/team", Some(json!({ "user_id": 1, "deal_role": "closer" }))),
        DeleteDealsDealIdTeamUserId => of_deal("/deals/1/team/3", None),
        PostDealsDealIdPipeline => {
            of_deal("/deals/1/pipeline", Some(json!({ "pipeline_id": 1, "pipeline_status_id": 3 })))
        }
        PostDeals => other("/deals", Some(json!({ "title": "New" }))),
        PatchMeActiveAccount => other("/me/active-account", Some(json!({ "slug": "acme" }))),
        PostAccountTeam => {
            other("/account/team", Some(json!({ "email": "new@acme.example", "role": "viewer" })))
        }
        PatchAccountTeamUserId => other("/account/team/3", Some(json!({ "role": "editor" }))),
        DeleteAccountTeamUserId => other("/account/team/5", None),
        PostApiKeys => other("/api-keys", Some(json!({ "label": "k", "permission": "read_only" }))),
        PatchApiKeysKeyId => Some(("/api-keys/1", Some(json!({ "label": "Changed" })), Some("/api-keys/1"))),
        PostApiKeysKeyIdRotate => other("/api-keys/1/rotate", None),
        DeleteApiKeysKeyId => other("/api-keys/1", None),
        _ => None,
    }
}

/// The headers `If-Match` and `If-None-Match`, where `E` stands for the current tag and `G` for what a proxy that compresses makes
/// of it, and what a write to a deal answers.
const CONDITIONS: [(Option<&str>, Option<&str>, u16); 15] = [
    (Some("\"x\""), None, 412),
    (Some("W/\"x\""), None, 412),
    (Some("\"x\", \"y\""), None, 412),
    (None, Some("*"), 412),
    (None, Some("E"), 412),
    (None, Some("W/E"), 412),
    (None, Some("G"), 412),
    (None, Some("\"x\", W/G"), 412),
    (None, Some("\"x\", E"), 412),
    (Some("E"), Some("*"), 412),
    (Some("\"x\""), Some("\"x\""), 412),
    (Some("x"), None, 400),
    (Some(""), None, 400),
    (None, Some("x"), 400),
    (Some("E"), Some("*, E"), 400),
];
/// Those that hold.
const HOLDING: [(Option<&str>, Option<&str>); 8] = [
    (Some("E"), None),
    (Some("W/E"), None),
    (Some("G"), None),
    (Some("\"x\", W/G"), None),
    (Some("*"), None),
    (Some("\"x\", E"), None),
    (None, Some("\"x\"")),
    (Some("E"), Some("\"x\"")),
];

fn ask<'a>(app: &'a TestApp, row: &Row, (matches, none): (Option<&str>, Option<&str>), tag: &str) -> Ask<'a> {
    let (path, body, _) = write(row.id).unwrap();
    let ask = app.anonymous(row.method.clone(), path).by(&app.admin);
    let ask = body.into_iter().fold(ask, |ask, body| ask.json(body));
    let named = [("if-match", matches), ("if-none-match", none)];
    let compressed = tag.strip_suffix('"').map(|tag| format!("{tag}-gzip\"")).unwrap();
    named.into_iter().fold(ask, |ask, (name, value)| {
        value
            .map(|value| value.replace('E', tag).replace('G', &compressed))
            .iter()
            .fold(ask, |ask, value| ask.header(name, value))
    })
}

#[tokio::test]
async fn no_write_is_carried_out_under_a_condition_that_does_not_hold_or_is_not_evaluated() {
    let (mut wrong, mut tried) = (Vec::new(), 0);
    for row in table().into_iter().filter(|row| row.commits) {
        let (_, _, resource) = write(row.id).unwrap_or_else(|| panic!("{row:?} is missing here"));
        let app = TestApp::new().await;
        let state = async || {
            let all = ["/deals", "/deals/1", "/deals/1/team", "/account/team", "/api-keys"]
                .map(|path| app.get(path));
            let mut state = Vec::new();
            for one in all {
                state.push(one.by(&app.admin).expect(200).await.data());
            }
            state
        };
        let tagged = app.get(resource.unwrap_or("/deals/1")).by(&app.admin).expect(200).await;
        let tag = tagged.header("etag").unwrap().to_owned();
        let before = state().await;
        let holding = HOLDING.map(|(matches, none)| (matches, none, 400));
        let elsewhere = CONDITIONS.map(|(matches, none, _)| (matches, none, 400)).into_iter().chain(holding);
        let refused: Vec<_> = if resource.is_some() { CONDITIONS.to_vec() } else { elsewhere.collect() };
        for (matches, none, expected) in refused {
            tried += 1;
            let answer = ask(&app, &row, (matches, none), &tag).send().await;
            if answer.status.as_u16() != expected {
                wrong.push(format!("{row:?} {matches:?} {none:?}: {}", answer.text()));
            }
        }
        assert_eq!(state().await, before, "{row:?}: nothing has happened");
        // The same request is good without a condition, or under one that holds.
        for condition in if resource.is_some() { HOLDING.to_vec() } else { vec![(None, None)] } {
            tried += 1;
            let app = TestApp::new().await;
            let answer = ask(&app, &row, condition, &tag).send().await;
            if !answer.status.is_success() {
                wrong.push(format!("{row:?} {condition:?}: {}", answer.text()));
            }
        }
    }
    println!("conditions on writes: {tried}, wrongly judged: {}", wrong.len());
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

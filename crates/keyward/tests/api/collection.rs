//! The Postman collection, run as a whole as Postman's runner does it: it reads, and changes only what it made itself.

use super::support::{Key, TestApp};
use http::Method;
use keyward::routes::table;
use keyward_core::grant::Grant;
use serde_json::{Value, json};
use std::collections::BTreeMap;

type Variables = BTreeMap<String, String>;

async fn collection(app: &TestApp) -> Value {
    app.request(Method::GET, "/platform/lev-api-v2.postman_collection.json").expect(200).await.json()
}

/// The requests in the order of a run.
fn items(folder: &Value) -> Vec<&Value> {
    let within = folder["item"].as_array().unwrap().iter();
    within.flat_map(|item| if item.get("item").is_some() { items(item) } else { vec![item] }).collect()
}

/// A text with its variables filled in. `{{$guid}}` is another UUID each time.
fn filled(text: &str, variables: &Variables, requests: u128) -> String {
    let guid = uuid::Builder::from_random_bytes(requests.to_be_bytes()).into_uuid().to_string();
    let all = variables.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    all.chain([("$guid", guid.as_str())])
        .fold(text.to_owned(), |text, (name, value)| text.replace(&format!("{{{{{name}}}}}"), value))
}

/// Sends one request, and does what its script says. The answer's status.
async fn run(app: &TestApp, item: &Value, variables: &mut Variables, requests: u128) -> u16 {
    let request = &item["request"];
    let text = |value: &Value| filled(value.as_str().unwrap(), variables, requests);
    let ids = request["url"]["variable"].as_array().unwrap();
    let part = |part: &Value| match part.as_str().unwrap().strip_prefix(':') {
        Some(name) => text(&ids.iter().find(|id| id["key"] == name).unwrap()["value"]),
        None => text(part),
    };
    let parts: Vec<String> = request["url"]["path"].as_array().unwrap().iter().map(part).collect();
    let method: Method = request["method"].as_str().unwrap().parse().unwrap();
    let mut ask = app.request(method, &format!("/{}", parts.join("/")));
    if request["auth"]["type"] != "noauth" {
        ask = ask.bearer(&variables["api_key"]);
    }
    for header in request["header"].as_array().unwrap().iter().filter(|header| header["disabled"] != true) {
        ask = ask.header(header["key"].as_str().unwrap(), &text(&header["value"]));
    }
    if let Some(raw) = request["body"].get("raw") {
        ask = ask.raw(text(raw));
    }
    let answer = ask.send().await;
    let data = serde_json::from_slice::<Value>(&answer.bytes).unwrap()["data"].clone();
    for line in
        item["event"][0]["script"]["exec"].as_array().unwrap().iter().map(|line| line.as_str().unwrap())
    {
        // `try { pm.collectionVariables.set("deal_id", String(pm.response.json().data[0].id)); }`
        let Some(set) = line.strip_prefix("try { pm.collectionVariables.set(\"") else { continue };
        let (name, rest) = set.split_once("\", String(pm.response.json().data").unwrap();
        let place = rest.strip_suffix(")); }").unwrap().replace("[0]", "/0").replace('.', "/");
        let value = data.pointer(&place).map(ToString::to_string).unwrap_or_default();
        variables.insert(name.to_owned(), value.trim_matches('"').to_owned());
    }
    answer.status.as_u16()
}

/// Runs the whole collection with a key: each request's name with the status of its answer. No two runs have the same number.
async fn run_all(app: &TestApp, key: &Key, number: u128) -> Vec<(String, u16)> {
    let collection = collection(app).await;
    let own = collection["variable"].as_array().unwrap().iter();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let mut variables: Variables = own.map(|one| (text(&one["key"]), text(&one["value"]))).collect();
    variables.insert("api_key".to_owned(), key.secret.clone());
    let mut answers = Vec::new();
    for (count, item) in items(&collection).into_iter().enumerate() {
        let status = run(app, item, &mut variables, count as u128 + number * 1_000).await;
        answers.push((text(&item["name"]), status));
    }
    answers
}

/// What a run must leave as it is: keys, deals, and who is in the account and on the deals' teams.
async fn state(app: &TestApp) -> Value {
    let mut state = Vec::new();
    for path in [
        "/api-keys?all=true",
        "/account/team",
        "/deals?filter[archived]=false&include=financials,team,pipelines",
        "/me/accounts",
    ] {
        let mut data = app.get(path).by(&app.admin).expect(200).await.data();
        for one in data.as_array_mut().into_iter().flatten() {
            // A key that is used was used.
            one.as_object_mut().unwrap().remove("last_used_at");
        }
        state.push(data);
    }
    json!(state)
}

#[tokio::test]
async fn a_run_of_the_postman_collection_succeeds_and_leaves_everything_as_it_was() {
    let app = TestApp::new().await;
    let before = state(&app).await;
    // Twice, with the same key: it works after the first run, too.
    for number in 1..=2 {
        let answers = run_all(&app, &app.admin.key, number).await;
        let refused: Vec<_> = answers.into_iter().filter(|(_, status)| *status >= 300).collect();
        assert_eq!(refused, []);
    }
    assert_eq!(state(&app).await, before);
}

#[tokio::test]
async fn a_run_of_the_postman_collection_by_one_who_may_not_write_changes_nothing() {
    let app = TestApp::new().await;
    let readers = app.key(&app.admin, Grant::ReadOnly).await;
    for (number, key) in (1..).zip([&app.editor.key, &app.viewer.key, &app.stranger.key, &readers]) {
        let before = state(&app).await;
        let answers = run_all(&app, key, number).await;
        assert!(answers.iter().all(|(_, status)| *status < 500), "{answers:?}");
        assert_eq!(state(&app).await, before);
    }
    // Without any id: what stands in a fresh import, before its first run.
    let mut variables = Variables::from([
        ("api_key".to_owned(), app.admin.key.secret.clone()),
        ("origin_app".to_owned(), "tests".to_owned()),
    ]);
    let collection = collection(&app).await;
    for one in collection["variable"].as_array().unwrap() {
        variables.entry(one["key"].as_str().unwrap().to_owned()).or_default();
    }
    let before = state(&app).await;
    for (count, item) in items(&collection).into_iter().enumerate() {
        let request = &item["request"];
        let names_one = !request["url"]["variable"].as_array().unwrap().is_empty();
        if request["method"] != "GET" && names_one {
            let status = run(&app, item, &mut variables, count as u128).await;
            assert!((400..500).contains(&status), "{}: {status}", item["name"]);
        }
    }
    assert_eq!(state(&app).await, before);
}

#[tokio::test]
async fn the_postman_collection_has_every_operation() {
    let app = TestApp::new().await;
    let collection = collection(&app).await;
    assert!(collection["info"]["schema"].as_str().unwrap().ends_with("/collection/v2.1.0/collection.json"));
    let mut told: Vec<(String, String)> = Vec::new();
    for item in items(&collection) {
        let request = &item["request"];
        let path: Vec<&str> =
            request["url"]["path"].as_array().unwrap().iter().map(|part| part.as_str().unwrap()).collect();
        told.push((request["method"].as_str().unwrap().to_owned(), format!("/{}", path.join("/"))));
        let mut headers = request["header"].as_array().unwrap().iter();
        let named = headers.any(|header| header["key"] == "X-Origin-App");
        assert_eq!(named, item["name"] != "Whether the API answers", "{}", item["name"]);
    }
    let mut served: Vec<(String, String)> = table()
        .iter()
        .map(|row| {
            let path = row.path.replace('{', ":").replace('}', "");
            (row.method.to_string(), format!("/api/external/v2{path}"))
        })
        .collect();
    told.sort();
    served.sort();
    assert_eq!(told, served);
}

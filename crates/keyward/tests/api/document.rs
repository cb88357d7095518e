//! The OpenAPI document tells the truth, both ways: every answer that it tells of is given, and every answer that is given is as
//! it tells. What is answered here is what the document shows as examples.

use super::support::{Answer, Ask, TestApp};
use http::Method;
use keyward::reload::Reloadable;
use keyward::routes::{Access, OperationId, Row, table};
use keyward_core::grant::Grant;
use keyward_core::limits::{Overrides, Rate};
use keyward_core::scope::Scope;
use keyward_core::write::limits::SetLimits;
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// The id of every request in the examples.
const REQUEST_ID: &str = "7f0f8a5e-9d1b-4c56-8f3e-2d1a6b4c9e70";
/// What stands in an example where a secret was shown.
const SECRET: &str = "lev_sk_abc123def456ghi789";

/// A path that is there for the admin, and a body that is good.
fn good(id: OperationId) -> (&'static str, Option<Value>) {
    use OperationId::*;
    match id {
        GetHealth => ("/health", None),
        PostAuthValidateApiKey => ("/auth/validate-api-key", None),
        GetMe => ("/me", None),
        GetMeAccounts => ("/me/accounts", None),
        PatchMeActiveAccount => ("/me/active-account", Some(json!({"slug": "acme"}))),
        GetAccountTeam => ("/account/team?limit=2", None),
        PostAccountTeam => ("/account/team", Some(json!({"email": "sam@acme.example", "role": "editor"}))),
        PatchAccountTeamUserId => ("/account/team/3", Some(json!({"role": "editor"}))),
        DeleteAccountTeamUserId => ("/account/team/5", None),
        GetApiKeys => ("/api-keys?limit=1", None),
        PostApiKeys => ("/api-keys", Some(json!({"label": "Nightly report", "permission": "read_only"}))),
        GetApiKeysKeyId => ("/api-keys/1", None),
        PatchApiKeysKeyId => ("/api-keys/1", Some(json!({"label": "Nightly report (EU)"}))),
        PostApiKeysKeyIdRotate => ("/api-keys/1/rotate", Some(json!({"grace_seconds": 3600}))),
        DeleteApiKeysKeyId => ("/api-keys/1", None),
        GetDeals => ("/deals?limit=1", None),
        PostDeals => (
            "/deals",
            Some(
                json!({"title": "12 Quarry Road Lofts", "loan_amount": 4_250_000, "loan_type": "construction"}),
            ),
        ),
        GetDealsDealId => ("/deals/1", None),
        PatchDealsDealId => ("/deals/1", Some(json!({"loan_amount": 35_000_000}))),
        DeleteDealsDealId => ("/deals/1", None),
        GetDealsDealIdFinancials => ("/deals/1/financials", None),
        GetDealsDealIdProperties => ("/deals/1/properties?limit=1", None),
        GetDealsDealIdTeam => ("/deals/1/team?limit=1", None),
        PostDealsDealIdTeam => ("/deals/1/team", Some(json!({"user_id": 1, "deal_role": "closer"}))),
        DeleteDealsDealIdTeamUserId => ("/deals/1/team/3", None),
        PostDealsDealIdPipeline => {
            ("/deals/1/pipeline", Some(json!({"pipeline_id": 1, "pipeline_status_id": 3})))
        }
        GetPipelines => ("/pipelines?limit=1", None),
        GetPipelinesPipelineId => ("/pipelines/1", None),
    }
}

/// What every server answers to no particular request: `panics.rs`, `time_limit.rs` and the tests of the program show them.
const FAULTS: [&str; 2] = ["500", "503"];

fn with<'a>(ask: Ask<'a>, body: Option<&Value>) -> Ask<'a> {
    body.into_iter().fold(ask, |ask, body| ask.json(body.clone()))
}

/// Asks so that the answer must have this status.
async fn provoked(app: &TestApp, row: &Row, status: &str) -> Answer {
    let (path, body) = good(row.id);
    let bare = path.split('?').next().unwrap();
    let ask = |path: &str| app.anonymous(row.method.clone(), path);
    let body = body.as_ref();
    let by_admin = |path: &str| ask(path).by(&app.admin);
    match status {
        "200" if row.id == OperationId::GetMe => {
            // With the limits that a server has if nothing is said.
            app.app.current.replace(Reloadable::default());
            by_admin(path).send().await
        }
        "200" | "201" => with(by_admin(path), body).send().await,
        "304" => by_admin(path).header("if-none-match", "*").send().await,
        "400" => with(by_admin(&format!("{bare}?surprise=1")), body).send().await,
        "401" => with(ask(path).bearer("lev_sk_abc123def456"), body).send().await,
        "403" => match row.access {
            Access::Caller(Some(scope)) => {
                let other = if scope == Scope::AiActions { Scope::MarketRead } else { Scope::AiActions };
                let key = app.scoped(&app.editor, &[other]).await;
                with(ask(path).key(&key), body).send().await
            }
            _ => with(by_admin(path).header("x-active-account", "harbor"), body).send().await,
        },
        "404" if row.id == OperationId::PatchMeActiveAccount => {
            by_admin(path).json(json!({"slug": "nowhere"})).send().await
        }
        "404" => {
            let nowhere =
                bare.replace("/1", "/999").replace("/team/3", "/team/999").replace("/team/5", "/team/999");
            with(by_admin(&nowhere), body).send().await
        }
        "409" => {
            let key = "0b0f6b3e-6ad2-4f3e-9a57-2f9a4b1c7d10";
            if row.id == OperationId::PatchMeActiveAccount {
                // It is done in no account, so only what is done in none is known to it.
                by_admin(path).header("idempotency-key", key).json(json!({"slug": "acme"})).expect(200).await;
                return by_admin(path).header("idempotency-key", key).json(json!({"slug": "x"})).send().await;
            }
            let other = app.post("/deals").by(&app.admin).header("idempotency-key", key);
            other.json(json!({"title": "Another request"})).expect(201).await;
            with(by_admin(path).header("idempotency-key", key), body).send().await
        }
        "412" => with(by_admin(path).header("if-match", "\"d1-0\""), body).send().await,
        "413" => by_admin(path).text(vec![b' '; 300 * 1024]).send().await,
        "415" => {
            by_admin(path)
                .header("content-type", "application/x-www-form-urlencoded")
                .raw("title=x")
                .send()
                .await
        }
        "422" => by_admin(path).json(json!({"surprise": 1})).send().await,
        "429" => {
            // By another key than the one that the first request may end.
            let key = app.key(&app.admin, Grant::FullAccess).await;
            limited(app).await;
            let first = with(ask(path).key(&key), body).send().await;
            assert!(first.status.as_u16() != 429, "one is admitted");
            with(ask(path).key(&key), body).send().await
        }
        "431" => {
            let many = (0..101).fold(by_admin(path), |ask, n| ask.header(&format!("x-filler-{n}"), "x"));
            with(many, body).send().await
        }
        other => panic!("{}: nothing is known to provoke {other}", row.id.name()),
    }
}

/// From now on one request a minute, of each kind.
async fn limited(app: &TestApp) {
    let one = Some(Rate::PerMinute(1));
    let overrides = Overrides { reads: one, writes: one, ..Overrides::default() };
    app.operate(SetLimits { account: app.acme, overrides }).await;
    let mut now = Reloadable::default();
    (now.limits.validate_per_minute, now.limits.health_per_minute) = (1, 1);
    app.app.current.replace(now);
}

/// An answer's body as an example: with one id, and no secret.
fn example(answer: &Answer) -> Value {
    let mut body = answer.json();
    body["request_id"] = json!(REQUEST_ID);
    if let Some(secret) = body.pointer_mut("/data/api_key") {
        *secret = json!(SECRET);
    }
    if let Some(prefix) = body.pointer_mut("/data/key_prefix") {
        *prefix = json!("lev_sk_abc1");
    }
    if let Some(cursor) = body.pointer_mut("/pagination/next_cursor").filter(|cursor| cursor.is_string()) {
        *cursor = json!("AAAAAQAAAAAAAAAByVQ1qfDHGV3uzhE8p3jH9Q");
    }
    if let Some(prefix) = body.pointer_mut("/data/0/key_prefix") {
        *prefix = json!("lev_sk_abc1");
    }
    body
}

async fn document(app: &TestApp) -> Value {
    app.request(Method::GET, "/platform/openapi.json").expect(200).await.json()
}

fn operation<'d>(document: &'d Value, row: &Row) -> &'d Map<String, Value> {
    let path = format!("/api/external/v2{}", row.path);
    document["paths"][path][row.method.as_str().to_ascii_lowercase()].as_object().unwrap()
}

#[tokio::test]
async fn routes_and_document_have_the_same_operations() {
    let app = TestApp::new().await;
    let document = document(&app).await;
    let told: BTreeSet<String> = document["paths"]
        .as_object()
        .unwrap()
        .values()
        .flat_map(|verbs| verbs.as_object().unwrap().values())
        .map(|operation| operation["operationId"].as_str().unwrap().to_owned())
        .collect();
    let served: BTreeSet<String> = table().iter().map(|row| row.id.name().to_owned()).collect();
    assert_eq!(told, served);
    for row in table() {
        let operation = operation(&document, &row);
        let scope = operation.get("x-required-scope").and_then(Value::as_str);
        match row.access {
            Access::Public { .. } => assert_eq!(scope, None),
            Access::Caller(needed) => assert_eq!(scope, needed.map(Scope::name), "{}", row.id.name()),
        }
    }
}

/// The names follow Lev's rule: the verb, then every part of the path, ids included.
#[test]
fn operations_are_named_by_verb_and_path() {
    for row in table() {
        let parts = row.path.split(['/', '-', '_', '{', '}']).filter(|part| !part.is_empty());
        let capitalised = parts.map(|part| part[..1].to_ascii_uppercase() + &part[1..]);
        let name = row.method.as_str().to_ascii_lowercase() + &capitalised.collect::<String>();
        assert_eq!(row.id.name(), name);
    }
}

#[tokio::test]
async fn me_without_an_account_is_as_it_is_told() {
    let app = TestApp::new().await;
    let document = document(&app).await;
    app.link(app.both.user, "both").await;
    let token = app.issuer.token("both", json!({}));
    let answer = app.get("/me").bearer(&token).expect(200).await;
    assert!(answer.data().get("available_accounts").is_some());
    let told = &document["paths"]["/api/external/v2/me"]["get"]["responses"]["200"];
    assert_eq!(faults(&document, told, &answer), Vec::<String>::new());
}

#[tokio::test]
async fn every_answer_of_the_document_is_given_and_is_as_it_tells() {
    let (mut examples, mut wrong) = (Map::new(), Vec::new());
    for row in table() {
        let app = TestApp::new().await;
        let document = document(&app).await;
        let answers = operation(&document, &row)["responses"].as_object().unwrap();
        let mut of_operation = BTreeMap::new();
        // What goes well, and what limits everything after it, come last.
        let order = |status: &&String| (status.as_str() == "429", status.starts_with('2'), (*status).clone());
        let mut statuses: Vec<&String> =
            answers.keys().filter(|status| !FAULTS.contains(&status.as_str())).collect();
        statuses.sort_by_key(order);
        for status in statuses {
            // A deletion, or a rotation of the very key, leaves nothing to be refused.
            let fresh = if status == "429" { Some(TestApp::new().await) } else { None };
            let answer = provoked(fresh.as_ref().unwrap_or(&app), &row, status).await;
            let what = format!("{} {status}", row.id.name());
            assert_eq!(answer.status.as_str(), status, "{what}: {}", answer.text());
            wrong.extend(
                faults(&document, &answers[status], &answer)
                    .into_iter()
                    .map(|fault| format!("{what}: {fault}")),
            );
            if !answer.text().is_empty() {
                of_operation.insert(status.clone(), example(&answer));
            }
        }
        examples.insert(row.id.name().to_owned(), json!(of_operation));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    as_shown(&Value::Object(examples));
}

/// The examples of the document are what was answered; with `KEYWARD_WRITE_EXAMPLES` they become it.
fn as_shown(examples: &Value) {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/document/examples.json");
    let text = serde_json::to_string_pretty(examples).unwrap() + "\n";
    if std::env::var_os("KEYWARD_WRITE_EXAMPLES").is_some() {
        std::fs::write(&file, text).unwrap();
        return;
    }
    let shown = std::fs::read_to_string(&file).unwrap();
    assert!(shown == text, "{} is not what is answered; run cargo xtask generate", file.display());
}

/// What in an answer is not as the document tells.
fn faults(document: &Value, told: &Value, answer: &Answer) -> Vec<String> {
    let told = match told["$ref"].as_str() {
        Some(reference) => document.pointer(&reference[1..]).unwrap(),
        None => told,
    };
    let mut faults = of_headers(document, told, answer);
    if told.get("content").is_none() {
        faults.extend((!answer.text().is_empty()).then(|| "there is a body that is not told of".to_owned()));
        return faults;
    }
    let mut schema = json!({ "components": document["components"] });
    schema
        .as_object_mut()
        .unwrap()
        .extend(told["content"]["application/json"]["schema"].as_object().unwrap().clone());
    strictly(&mut schema);
    let validator = jsonschema::draft202012::options().should_validate_formats(true).build(&schema).unwrap();
    faults.extend(
        validator.iter_errors(&answer.json()).map(|error| format!("{error} at {}", error.instance_path())),
    );
    faults
}

fn of_headers(document: &Value, told: &Value, answer: &Answer) -> Vec<String> {
    let mut faults = Vec::new();
    let headers = told["headers"].as_object().unwrap();
    for name in [
        "x-request-id",
        "ratelimit",
        "ratelimit-policy",
        "retry-after",
        "etag",
        "location",
        "link",
        "www-authenticate",
    ] {
        let is_told = headers.keys().any(|told| told.eq_ignore_ascii_case(name));
        if answer.header(name).is_some() && !is_told {
            faults.push(format!("the header {name} is not told of"));
        }
    }
    for (name, header) in headers {
        let header = document.pointer(&header["$ref"].as_str().unwrap()[1..]).unwrap();
        if header["required"] == true && answer.header(name).is_none() {
            faults.push(format!("the header {name} is missing"));
        }
    }
    faults
}

/// Clients may get more than the document says some day; today they do not.
fn strictly(schema: &mut Value) {
    match schema {
        Value::Object(members) => {
            if members.get("additionalProperties") == Some(&json!(true)) {
                members.insert("additionalProperties".to_owned(), json!(false));
            }
            members.values_mut().for_each(strictly);
        }
        Value::Array(items) => items.iter_mut().for_each(strictly),
        _ => {}
    }
}

/// Every list takes what the document says that it takes, and nothing else.
#[tokio::test]
async fn every_parameter_of_a_query_is_taken() {
    let app = TestApp::new().await;
    let document = document(&app).await;
    for row in table().into_iter().filter(|row| row.method == Method::GET) {
        let (path, _) = good(row.id);
        let bare = path.split('?').next().unwrap();
        let told = operation(&document, &row)["parameters"].as_array().unwrap();
        for parameter in told.iter().filter(|parameter| parameter["in"] == "query") {
            let name = parameter["name"].as_str().unwrap();
            let schema = &parameter["schema"];
            let values: Vec<String> = match (name, schema["type"].as_str()) {
                ("cursor", _) => continue,
                ("offset", _) if row.id == OperationId::GetDeals => vec!["1&sort=title".to_owned()],
                (_, Some("array")) => match schema["items"]["enum"].as_array() {
                    Some(values) => values.iter().map(|value| value.as_str().unwrap().to_owned()).collect(),
                    None => vec!["1.5,2".to_owned()],
                },
                (_, Some("integer")) => vec![schema["minimum"].to_string(), schema["maximum"].to_string()],
                (_, Some("number")) => vec!["0".to_owned(), "1.25".to_owned()],
                (_, Some("boolean")) => vec!["true".to_owned(), "false".to_owned()],
                _ => vec![
                    "2026-03-20T15:30:45Z".to_owned(),
                    "2026-03-20T15:30:45.5%2B01:00".to_owned(),
                    "2026-03-20".to_owned(),
                ],
            };
            for value in values {
                app.get(&format!("{bare}?{name}={value}")).by(&app.admin).expect(200).await;
            }
        }
    }
}

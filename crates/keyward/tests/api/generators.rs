//! The document as generators of clients read it: what makes some of them fail stands nowhere in it, in 3.1 and in 3.0.

use super::support::TestApp;
use http::Method;
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;

/// A schema of the document, and where it stands.
struct Schema<'d> {
    at: String,
    members: &'d Map<String, Value>,
    /// Whether it is of an answer, and not of a request.
    is_answer: bool,
}

impl Schema<'_> {
    fn has(&self, name: &str) -> bool {
        self.members.contains_key(name)
    }

    fn is(&self, kind: &str) -> bool {
        self.kinds().contains(&kind)
    }

    fn kinds(&self) -> Vec<&str> {
        match &self.members.get("type") {
            Some(Value::Array(kinds)) => kinds.iter().map(|kind| kind.as_str().unwrap()).collect(),
            Some(kind) => vec![kind.as_str().unwrap()],
            None => Vec::new(),
        }
    }

    fn text(&self, name: &str) -> Option<&str> {
        self.members.get(name).and_then(Value::as_str)
    }

    fn list(&self, name: &str) -> &[Value] {
        self.members.get(name).and_then(Value::as_array).map_or(&[], Vec::as_slice)
    }

    fn object(&self, name: &str) -> Option<&Map<String, Value>> {
        self.members.get(name).and_then(Value::as_object)
    }

    fn maximum(&self) -> f64 {
        self.members.get("maximum").and_then(Value::as_f64).unwrap_or(f64::INFINITY)
    }
}

const INT32: f64 = 2_147_483_647.0;
/// The formats that a value can have: those of OpenAPI, and of a list's cursor.
const FORMATS: [&str; 8] =
    ["int32", "int64", "double", "date", "date-time", "uuid", "email", "keyward-cursor"];

type Breaks = fn(&Schema<'_>) -> bool;

/// The rule, and whether a schema breaks it.
const RULES: &[(&str, Breaks)] = &[
    ("no constant", |schema| schema.has("const")),
    ("no set of one value", |schema| {
        schema.has("enum") && schema.list("enum").iter().filter(|value| !value.is_null()).count() < 2
    }),
    ("no composition", |schema| {
        ["anyOf", "not", "if", "dependentSchemas"].iter().any(|name| schema.has(name))
    }),
    ("a choice is a reference or null", |schema| {
        let choices = schema.list("oneOf");
        schema.has("oneOf")
            && (choices.len() != 2
                || choices[0].get("$ref").is_none()
                || choices[1] != json!({"type": "null"}))
    }),
    ("answers are written out flat", |schema| {
        let parts = schema.list("allOf");
        let is_nullable = schema.members.get("nullable") == Some(&json!(true));
        schema.has("allOf") && (parts.len() != 1 || parts[0].get("$ref").is_none() || !is_nullable)
    }),
    ("nothing beside a reference", |schema| schema.has("$ref") && schema.members.len() > 1),
    ("a number is a double", |schema| schema.is("number") && schema.text("format") != Some("double")),
    ("an integer says how long it is", |schema| {
        schema.is("integer") && !["int32", "int64"].contains(&schema.text("format").unwrap_or_default())
    }),
    ("int64 only where a value can pass 2^31", |schema| match schema.text("format") {
        Some("int64") => schema.maximum() <= INT32,
        Some("int32") => schema.maximum() > INT32 && schema.maximum() < f64::INFINITY,
        _ => false,
    }),
    ("a format that is known", |schema| {
        schema.text("format").is_some_and(|format| !FORMATS.contains(&format))
    }),
    ("an array says of what", |schema| schema.is("array") && !schema.has("items")),
    // What PCRE, RE2, ECMA-262, Python and .NET read alike: classes written out, no escapes, no looking around.
    ("a pattern that every language reads", |schema| {
        schema.text("pattern").is_some_and(|pattern| {
            pattern.contains('\\')
                || pattern.contains("(?")
                || !pattern.is_ascii()
                || pattern.contains(['/', '"'])
        })
    }),
    ("an answer may grow, a request does not", |schema| {
        let open = schema.members.get("additionalProperties");
        schema.object("properties").is_some() && open != Some(&json!(schema.is_answer))
    }),
    ("what is required is there", |schema| {
        let known = |name: &Value| {
            schema.object("properties").is_some_and(|all| all.contains_key(name.as_str().unwrap()))
        };
        schema.list("required").iter().any(|name| !known(name))
    }),
];

/// Every schema that is written in the document.
fn schemas<'d>(document: &'d Value) -> Vec<Schema<'d>> {
    let mut all = Vec::new();
    let mut add = |at: String, schema: Option<&'d Value>, is_answer: bool| {
        if let Some(schema) = schema {
            within(at, schema, is_answer, &mut all);
        }
    };
    let components = &document["components"];
    for (name, schema) in components["schemas"].as_object().unwrap() {
        add(name.clone(), Some(schema), true);
    }
    for (name, header) in components["headers"].as_object().unwrap() {
        add(name.clone(), header.get("schema"), true);
    }
    for (name, answer) in components["responses"].as_object().unwrap() {
        add(name.clone(), answer.pointer("/content/application~1json/schema"), true);
    }
    for (name, parameter) in components["parameters"].as_object().unwrap() {
        add(name.clone(), parameter.get("schema"), false);
    }
    for operation in operations(document) {
        let id = operation["operationId"].as_str().unwrap();
        for parameter in operation["parameters"].as_array().unwrap() {
            add(format!("{id} {}", parameter["name"]), parameter.get("schema"), false);
        }
        add(format!("{id} body"), operation.pointer("/requestBody/content/application~1json/schema"), false);
        for (status, answer) in operation["responses"].as_object().unwrap() {
            add(format!("{id} {status}"), answer.pointer("/content/application~1json/schema"), true);
        }
    }
    all
}

fn operations(document: &Value) -> impl Iterator<Item = &Value> {
    document["paths"].as_object().unwrap().values().flat_map(|verbs| verbs.as_object().unwrap().values())
}

fn within<'d>(at: String, schema: &'d Value, is_answer: bool, all: &mut Vec<Schema<'d>>) {
    let Some(members) = schema.as_object() else { return };
    for (name, member) in members.get("properties").and_then(Value::as_object).into_iter().flatten() {
        within(format!("{at}.{name}"), member, is_answer, all);
    }
    for name in ["items", "additionalProperties", "not"] {
        members.get(name).into_iter().for_each(|inner| within(format!("{at} {name}"), inner, is_answer, all));
    }
    for name in ["oneOf", "anyOf", "allOf"] {
        for part in members.get(name).and_then(Value::as_array).into_iter().flatten() {
            within(format!("{at} {name}"), part, is_answer, all);
        }
    }
    all.push(Schema { at, members, is_answer });
}

/// What in the document breaks a rule.
fn faults(document: &Value) -> Vec<String> {
    let mut found = Vec::new();
    for schema in schemas(document) {
        let broken = RULES.iter().filter(|(_, breaks)| breaks(&schema));
        found.extend(broken.map(|(rule, _)| format!("{rule}: {}", schema.at)));
    }
    found.extend(names(document));
    found.extend(references(document));
    if document["openapi"].as_str().unwrap().starts_with("3.0") {
        found.extend(only_in_31(document));
    }
    found
}

/// Names that languages derive of others: Go has a function `NewX` for a type `X`, generators make `XRequest` of bodies.
fn names(document: &Value) -> Vec<String> {
    let all = document["components"]["schemas"].as_object().unwrap();
    let derived = |name: &str| {
        name.strip_prefix("New").is_some_and(|rest| all.contains_key(rest))
            || ["Request", "Response", "Inner"].iter().any(|end| name.ends_with(end))
    };
    all.keys().filter(|name| derived(name)).map(|name| format!("a name of its own: {name}")).collect()
}

/// References lead somewhere, and nothing is there that no reference leads to.
fn references(document: &Value) -> Vec<String> {
    fn walk<'d>(value: &'d Value, found: &mut BTreeSet<&'d str>) {
        match value {
            Value::Object(members) => {
                found.extend(members.get("$ref").and_then(Value::as_str));
                members.values().for_each(|member| walk(member, found));
            }
            Value::Array(items) => items.iter().for_each(|item| walk(item, found)),
            _ => {}
        }
    }
    let mut used = BTreeSet::new();
    walk(document, &mut used);
    let mut faults: Vec<String> = used
        .iter()
        .filter(|reference| document.pointer(&reference[1..]).is_none())
        .map(|reference| format!("a reference leads somewhere: {reference}"))
        .collect();
    for (kind, all) in document["components"].as_object().unwrap() {
        for name in all.as_object().unwrap().keys().filter(|_| kind != "securitySchemes") {
            let reference = format!("#/components/{kind}/{name}");
            if !used.contains(reference.as_str()) {
                faults.push(format!("every component is used: {name}"));
            }
        }
    }
    faults
}

/// What 3.0 does not have.
fn only_in_31(document: &Value) -> Vec<String> {
    let mut faults = Vec::new();
    for schema in schemas(document) {
        if schema.members.get("type").is_some_and(Value::is_array) || schema.is("null") || schema.has("oneOf")
        {
            faults.push(format!("null is written as 3.0 does: {}", schema.at));
        }
    }
    let scopes = operations(document).filter_map(|operation| operation["security"].as_array()).flatten();
    if scopes.flat_map(|one| one.as_object().unwrap().values()).any(|scopes| *scopes != json!([])) {
        faults.push("only OAuth has scopes in 3.0".to_owned());
    }
    for pointer in ["/info/summary", "/info/license/identifier"] {
        faults.extend(document.pointer(pointer).map(|_| format!("not in 3.0: {pointer}")));
    }
    faults
}

async fn served(app: &TestApp, file: &str) -> Value {
    app.request(Method::GET, &format!("/platform/{file}")).expect(200).await.json()
}

#[tokio::test]
async fn nothing_in_the_document_makes_a_generator_fail() {
    let app = TestApp::new().await;
    for file in ["openapi.json", "openapi-3.0.json"] {
        assert_eq!(faults(&served(&app, file).await), Vec::<String>::new(), "{file}");
    }
}

/// The mistake, and the rule that finds it.
#[tokio::test]
async fn every_rule_for_generators_finds_its_mistake() {
    let app = TestApp::new().await;
    let document = served(&app, "openapi.json").await;
    let reference = || json!({"$ref": "#/components/schemas/Account"});
    for (mistake, rule) in [
        (json!({"type": "boolean", "const": true}), "no constant"),
        (json!({"type": ["string", "null"], "enum": ["ok", null]}), "no set of one value"),
        (json!({"anyOf": [reference(), {"type": "null"}]}), "no composition"),
        (json!({"type": "string", "not": {"type": "array", "items": {}}}), "no composition"),
        (json!({"oneOf": [reference(), reference()]}), "a choice is a reference or null"),
        (json!({"allOf": [reference(), {"type": "object"}]}), "answers are written out flat"),
        (json!({"$ref": "#/components/schemas/Account", "description": "x"}), "nothing beside a reference"),
        (json!({"type": ["number", "null"]}), "a number is a double"),
        (json!({"type": "integer"}), "an integer says how long it is"),
        (
            json!({"type": "integer", "format": "int64", "maximum": 604_800}),
            "int64 only where a value can pass 2^31",
        ),
        (
            json!({"type": "integer", "format": "int32", "maximum": 1e12}),
            "int64 only where a value can pass 2^31",
        ),
        (json!({"type": "string", "format": "ipv4-network"}), "a format that is known"),
        (json!({"type": "array"}), "an array says of what"),
        (json!({"type": "string", "pattern": r"^[^\u0000]*$"}), "a pattern that every language reads"),
        (json!({"type": "string", "pattern": r"^(?=.{1,64}@).*$"}), "a pattern that every language reads"),
        (json!({"type": "object", "properties": {}}), "an answer may grow, a request does not"),
        (json!({"required": ["nowhere"]}), "what is required is there"),
        (json!({"$ref": "#/components/schemas/Nowhere"}), "a reference leads somewhere"),
    ] {
        let mut spoilt = document.clone();
        spoilt["components"]["schemas"]["Deal"]["properties"]["spoilt"] = mistake.clone();
        let found = faults(&spoilt);
        assert!(found.iter().any(|fault| fault.starts_with(rule)), "{mistake}: {found:?}");
    }
    let mut named = document.clone();
    named["components"]["schemas"]["NewDeal"] = json!({"type": "string"});
    let found = faults(&named);
    assert!(found.contains(&"a name of its own: NewDeal".to_owned()), "{found:?}");
    assert!(found.contains(&"every component is used: NewDeal".to_owned()), "{found:?}");
    let mut called = document;
    called["openapi"] = json!("3.0.3");
    for rule in ["null is written as 3.0 does", "only OAuth has scopes in 3.0", "not in 3.0: /info/summary"] {
        assert!(faults(&called).iter().any(|fault| fault.starts_with(rule)), "{rule}");
    }
}

/// Both are one document: the same operations, parameters, answers and names.
#[tokio::test]
async fn the_document_of_3_0_says_the_same_as_that_of_3_1() {
    fn keys(value: &Value) -> Vec<&String> {
        value.as_object().unwrap().keys().collect()
    }
    let app = TestApp::new().await;
    let (newer, older) = (served(&app, "openapi.json").await, served(&app, "openapi-3.0.json").await);
    assert_eq!(older["openapi"], "3.0.3");
    assert_eq!(keys(&newer["paths"]), keys(&older["paths"]));
    for (new, old) in operations(&newer).zip(operations(&older)) {
        assert_eq!(keys(new), keys(old));
        assert_eq!(new["operationId"], old["operationId"]);
        assert_eq!(keys(&new["responses"]), keys(&old["responses"]));
        assert_eq!(new["parameters"].as_array().unwrap().len(), old["parameters"].as_array().unwrap().len());
    }
    assert_eq!(keys(&newer["components"]["schemas"]), keys(&older["components"]["schemas"]));
    let deal = &older["components"]["schemas"]["Deal"]["properties"];
    assert_eq!(deal["loan_amount"]["type"], "number");
    assert_eq!(deal["loan_amount"]["nullable"], true);
    assert_eq!(deal["financials"]["allOf"], json!([{"$ref": "#/components/schemas/DealFinancials"}]));
}

/// What a client writes is what every client reads, also where a float of 32 bits would not hold it, or a double no cents.
#[tokio::test]
async fn money_comes_back_as_it_was_sent_to_the_cent() {
    let app = TestApp::new().await;
    for amount in ["16777217.25", "0.05", "123456789.01", "70368744177664.01", "90071992547409.91"] {
        let body = format!(
            r#"{{"title":"t","loan_amount":{amount},"deal_financials":{{"purchase_price":{amount}}}}}"#
        );
        let key = uuid::Uuid::from_u128(amount.bytes().map(u128::from).sum()).to_string();
        let send = || {
            app.post("/deals").by(&app.admin).header("idempotency-key", &key).text(body.clone()).expect(201)
        };
        let made = send().await;
        let id = made.data()["id"].clone();
        let shows = |text: &str, name: &str| {
            let rest = text.split_once(&format!("\"{name}\":{amount}")).map(|(_, rest)| rest);
            assert!(rest.is_some_and(|rest| rest.starts_with([',', '}'])), "{name} {amount}: {text}");
        };
        shows(&made.text(), "loan_amount");
        shows(&send().await.text(), "loan_amount");
        for path in [
            format!("/deals/{id}"),
            format!("/deals/{id}?fields=loan_amount,title"),
            format!("/deals?filter[loan_amount]={amount}"),
        ] {
            let read = app.get(&path).by(&app.admin).expect(200).await;
            shows(&read.text(), "loan_amount");
        }
        let financials = app.get(&format!("/deals/{id}/financials")).by(&app.admin).expect(200).await;
        shows(&financials.text(), "purchase_price");
        let path = format!("/deals/{id}");
        let changed =
            app.patch(&path).by(&app.admin).text(format!(r#"{{"loan_amount":{amount}}}"#)).expect(200).await;
        shows(&changed.text(), "loan_amount");
    }
}

/// `Date.toISOString`, Go's `RFC3339Nano`, Python's `isoformat`: a fraction is rounded down.
#[tokio::test]
async fn the_end_of_a_key_is_taken_as_clients_write_a_time() {
    let app = TestApp::new().await;
    for (sent, kept) in [
        ("2027-01-01T00:00:00.000Z", "2027-01-01T00:00:00Z"),
        ("2027-01-01T00:00:00.999999999+01:00", "2026-12-31T23:00:00Z"),
        ("2027-01-01T05:30:00.123456+05:30", "2027-01-01T00:00:00Z"),
        ("2027-06-30T23:59:60Z", "2027-06-30T23:59:59Z"),
    ] {
        let made = app
            .post("/api-keys")
            .by(&app.admin)
            .json(json!({"label": "t", "expires_at": sent}))
            .expect(201)
            .await;
        assert_eq!(made.data()["expires_at"], kept, "{sent}");
    }
    let naive = json!({"label": "t", "expires_at": "2027-01-01T00:00:00"});
    let told = "expires_at must be a time with Z or an offset, such as 2026-03-20T15:30:45Z";
    app.post("/api-keys").by(&app.admin).json(naive).refused(422, "VALIDATION_ERROR", told).await;
}

/// What axios, PHP, requests, Ruby, `URLSearchParams` and Python's generated client send.
#[tokio::test]
async fn a_query_is_taken_as_clients_write_it() {
    let app = TestApp::new().await;
    let ids = async |query: &str| app.get(&format!("/deals?{query}")).by(&app.admin).expect(200).await.data();
    let told = ids("filter[loan_type]=construction,permanent&sort=title,-created_at").await;
    for query in [
        "filter[loan_type]=construction&filter[loan_type]=permanent&sort=title&sort=-created_at",
        "filter[loan_type][]=construction&filter[loan_type][]=permanent&sort[]=title&sort[]=-created_at",
        "filter%5Bloan_type%5D%5B0%5D=construction&filter%5Bloan_type%5D%5B1%5D=permanent&sort%5B0%5D=title&sort%5B1%5D=-created_at",
    ] {
        assert_eq!(ids(query).await, told, "{query}");
    }
    let since = ids("filter[created_at][gte]=2026-01-01T00:00:00Z").await;
    for time in
        ["2026-01-01T00:00:00.000000%2B0000", "2026-01-01+00:00:00+00:00", "2026-01-01%2000:00:00%20%2B0000"]
    {
        assert_eq!(ids(&format!("filter[created_at][gte]={time}")).await, since, "{time}");
    }
    let first = app.get("/deals?limit=1&cursor=").by(&app.admin).expect(200).await.json();
    assert_eq!(first["pagination"]["cursor"], Value::Null);
    let told = "Query parameter 'limit' must be sent only once; send one value: limit=value";
    app.get("/deals?limit=1&limit=2").by(&app.admin).refused(400, "BAD_REQUEST", told).await;
}

#[tokio::test]
async fn a_byte_order_mark_is_named() {
    let app = TestApp::new().await;
    let told = "Request body begins with a byte order mark (BOM); send it as UTF-8 without one";
    for body in [&b"\xef\xbb\xbf{\"title\":\"t\"}"[..], b"\xff\xfe{\0}\0"] {
        app.post("/deals").by(&app.admin).text(body).refused(400, "BAD_REQUEST", told).await;
    }
}

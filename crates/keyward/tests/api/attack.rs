//! Hostile requests over every operation: the rows of the table are asked alike, so that a new one is asked too.

use super::log::listen;
use super::support::{Answer, Ask, BASE, TestApp};
use http::{Method, Uri};
use keyward::routes::{OperationId, Row, table};
use keyward_core::grant::Grant;
use keyward_core::store::{AuditQuery, OperatorReads};
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};

/// The path of a row, with this for every id.
fn path(row: &Row, id: &str) -> String {
    let parts = row.path.split('/').map(|part| if part.starts_with('{') { id } else { part });
    parts.collect::<Vec<_>>().join("/")
}

/// An operation, asked for by acme's admin, with this behind its path.
fn ask<'a>(app: &'a TestApp, row: &Row, id: &str, more: &str) -> Ask<'a> {
    app.anonymous(row.method.clone(), &format!("{}{more}", path(row, id))).by(&app.admin)
}

/// The operations that read a body.
fn writing() -> impl Iterator<Item = Row> {
    table().into_iter().filter(|row| row.method != Method::GET)
}

/// All that a refusal must leave as it was: what is listed in both accounts, and the audit trail.
async fn state(app: &TestApp) -> Vec<String> {
    let mut state = Vec::new();
    for who in [&app.admin, &app.stranger] {
        for list in [
            "/deals?limit=200",
            "/api-keys?all=true&limit=200",
            "/account/team?limit=200",
            "/me",
            "/deals?limit=200&include=financials,properties,team,pipelines",
        ] {
            state.push(app.get(list).by(who).expect(200).await.data().to_string());
        }
    }
    let trail = app.store.audit(AuditQuery::first(10_000)).await.unwrap().items;
    state.push(format!("{trail:?}"));
    state
}

/// Sends, and expects this refusal and that nothing has changed.
async fn refused(app: &TestApp, ask: Ask<'_>, status: u16, what: &str) -> Answer {
    let before = state(app).await;
    let answer = ask.send().await;
    let code = match status {
        400 => "BAD_REQUEST",
        404 => "NOT_FOUND",
        413 => "PAYLOAD_TOO_LARGE",
        415 => "UNSUPPORTED_MEDIA_TYPE",
        _ => "VALIDATION_ERROR",
    };
    let got = (answer.status.as_u16(), answer.code());
    assert_eq!(got, (status, code.to_owned()), "{what:.200}: {}", answer.text());
    assert_eq!(state(app).await, before, "{what:.200}");
    answer
}

const AMBIGUOUS: &str = r#"{"a":1,"a":1}
{"x":[{"y":{"z":[{"a":1,"b":2,"a":3}]}}]}
{"label":"x","scopes":["deals:read"],"scopes":["deals:write"]}
{"label":"x","permission":"read_only","permissi\u006fn":"full_access"}
{"api_key":"a","api_key":"b"}
{"😀":1,"\ud83d\ude00":2}
{"\u0000":1,"\u0000":2}
{"a":"\ud800"}
{"a":"\udc00\ud800"}
{"\udfff":1}
{"a":+1}
{"a":Infinity}
{}{}
label=x&label=y"#;

#[tokio::test]
async fn no_operation_reads_a_request_that_could_be_read_in_two_ways() {
    let app = TestApp::new().await;
    let nested = |depth: usize, open: &str, close: &str| {
        format!("{}1{}", open.repeat(depth), close.repeat(depth)).into_bytes()
    };
    let mut bodies: Vec<Vec<u8>> = AMBIGUOUS.lines().map(|line| line.as_bytes().to_vec()).collect();
    for depth in [65, 5_000] {
        bodies.extend([nested(depth, "[", "]"), nested(depth, "{\"a\":", "}"), nested(depth, "[", "")]);
    }
    for bytes in [
        b"{\"a\":\"\xed\xa0\x80\"}".as_slice(),
        b"{\"a\":\"\xc0\xaf\"}",
        b"{\"a\":\"\0\"}",
        b"\xef\xbb\xbf{}",
    ] {
        bodies.push(bytes.to_vec());
    }
    let deep = String::from_utf8(nested(64, "[", "]")).unwrap();
    for row in writing() {
        for body in &bodies {
            let what = format!("{row:?} {}", String::from_utf8_lossy(body));
            refused(&app, ask(&app, &row, "1", "").text(body.as_slice()), 400, &what).await;
        }
        // At the depth that is read, and whatever else is no object of known members.
        for body in [
            &deep,
            "null",
            "-0",
            "1e400",
            "{\"__proto__\":{}}",
            "{\"Label\":\"x\"}",
            "{\"scopes\\u0000\":[]}",
        ] {
            // Its body may be left out, which gives nothing more; without one `validate` would judge the credential instead.
            if body == "null" && row.id == OperationId::PostApiKeysKeyIdRotate {
                continue;
            }
            refused(&app, ask(&app, &row, "1", "").text(body), 422, &format!("{row:?} {body}")).await;
        }
    }
    for row in table() {
        for query in ["?a=1&a=1", "?a=1&b=2&%61=3", "?all=true&all=false", "?limit=1&l%69mit=2", "?a&a"] {
            let answer = refused(&app, ask(&app, &row, "1", query), 400, &format!("{row:?}{query}")).await;
            let told = answer.message();
            let unknown = told.starts_with("Unknown query parameter");
            assert!(unknown || told.contains(" must be sent only once; send one value: "), "{row:?}: {told}");
        }
        for query in ["?a=%00", "?a=%ed%a0%80", "?a=%c0%af", "?a=%"] {
            refused(&app, ask(&app, &row, "1", query), 400, &format!("{row:?}{query}")).await;
        }
    }
}

const TEXT: &str = r#"true 1 -0 1e400 9007199254740993 {} [] ["x"] "a\u0000b""#;
const LIST: &str = r#"true 1 "deals:read" {} [] [-0] [1e400] [null] [["deals:read"]] ["\u0000"]"#;
const WHOLE: &str = r#"true "1" {} [1] 1e400 -1e400 1e-400 1e6 1.5 -1 9007199254740991 9007199254740993"#;
const MONEY: &str = r#"true "1" {} [1] 1e400 -1e400 1e-400 1.005 -1 9007199254740991 9007199254740993"#;

#[tokio::test]
async fn no_field_takes_a_value_of_another_kind() {
    let app = TestApp::new().await;
    let rotate = format!("/api-keys/{}/rotate", app.key(&app.admin, Grant::ReadOnly).await.id);
    for (method, path, required, fields, wrong) in [
        ("POST", "/auth/validate-api-key", "", "api_key", TEXT),
        ("PATCH", "/me/active-account", "", "slug", TEXT),
        ("POST", "/api-keys", "", "label", TEXT),
        ("POST", "/api-keys", "label", "permission expires_at", TEXT),
        ("POST", "/api-keys", "label", "scopes allowed_ips", LIST),
        ("POST", &rotate, "", "grace_seconds", WHOLE),
        ("POST", "/deals", "", "title", TEXT),
        ("POST", "/deals", "title", "description loan_type transaction_type business_plan", TEXT),
        ("PATCH", "/deals/1", "", "title loan_type estimated_close_date", TEXT),
        ("PATCH", "/deals/1", "", "loan_amount", MONEY),
    ] {
        for (field, value) in fields.split(' ').flat_map(|field| wrong.split(' ').map(move |v| (field, v))) {
            let rest = if required.is_empty() { String::new() } else { format!("\"{required}\":\"x\",") };
            let body = format!("{{{rest}\"{field}\":{value}}}");
            let ask = app.anonymous(method.parse().unwrap(), path).by(&app.admin).text(body.as_str());
            let answer = refused(&app, ask, 422, &format!("{path} {body}")).await;
            assert_eq!(answer.json()["error"]["details"]["fields"][0]["field"], field, "{path} {body}");
        }
    }
}

#[tokio::test]
async fn tokens_names_and_texts_are_taken_to_their_measure_and_not_beyond() {
    let app = TestApp::new().await;
    let good = app.admin.key.secret.as_str();
    let (jwt, long) = (format!("{}.e30.e30", "a".repeat(8_184)), format!("lev_sk_{}", "a".repeat(8_185)));
    let bad = [&good[..55], &good[1..], &format!("{good}0"), &format!("{good}="), &jwt, &long];
    for (token, status) in bad.map(|token| (token, 401)).into_iter().chain([(good, 200)]) {
        app.get("/me").bearer(token).expect(status).await;
        let asked = app.post("/auth/validate-api-key").json(json!({"api_key": token})).expect(200).await;
        assert_eq!(asked.data()["valid"], status == 200, "{token}");
    }
    for (length, status) in [(0, 400), (1, 200), (64, 200), (65, 400)] {
        let named =
            app.request(Method::GET, &format!("{BASE}/me")).header("x-origin-app", &"a".repeat(length));
        named.by(&app.admin).expect(status).await;
    }
    for (method, path, rest, field, most, status) in [
        ("POST", "/api-keys", "", "label", 255, 201),
        ("PATCH", "/me/active-account", "", "slug", 255, 404),
        ("POST", "/deals", "", "title", 255, 201),
        ("PATCH", "/deals/1", "", "title", 255, 200),
        ("POST", "/deals", r#""title":"x","#, "description", 10_000, 201),
    ] {
        for character in ["x", "😀", "\\ud83d\\ude00"] {
            let of = |length| format!("{{{rest}\"{field}\":\"{}\"}}", character.repeat(length));
            let with = |text| app.anonymous(method.parse().unwrap(), path).by(&app.admin).text(text);
            with(of(most - 1)).expect(status).await;
            with(of(most)).expect(status).await;
            let over = refused(&app, with(of(most + 1)), 422, field).await;
            assert_eq!(over.message(), format!("{field} must be at most {most} characters"));
        }
    }
    let limit = 256 * 1024;
    for row in writing() {
        let of = |length: usize| ask(&app, &row, "999", "").text(format!("{{}}{}", " ".repeat(length - 2)));
        let within = of(limit).send().await.status.as_u16();
        assert!(within == 404 || within == 422, "{row:?}: {within}");
        refused(&app, of(limit + 1), 413, &format!("{row:?}")).await;
    }
}

#[tokio::test]
async fn numbers_and_counts_are_taken_to_their_measure_and_not_beyond() {
    let app = TestApp::new().await;
    let rotate = format!("/api-keys/{}/rotate", app.key(&app.admin, Grant::ReadOnly).await.id);
    let own = format!("/api-keys/{}/rotate", app.editor.key.id);
    let scopes = |count| json!({"label": "x", "scopes": vec!["deals:read"; count]});
    let ranges = |count| json!({"label": "x", "allowed_ips": vec!["203.0.113.0/24"; count]});
    let grace = |seconds| json!({"grace_seconds": seconds});
    for (who, path, body, status) in [
        (&app.admin, "/api-keys", scopes(21), 201),
        (&app.admin, "/api-keys", scopes(22), 201),
        (&app.admin, "/api-keys", scopes(23), 422),
        (&app.admin, "/api-keys", ranges(99), 201),
        (&app.admin, "/api-keys", ranges(100), 201),
        (&app.admin, "/api-keys", ranges(101), 422),
        (&app.admin, &rotate, grace(-1), 422),
        (&app.admin, &rotate, grace(0), 200),
        (&app.admin, &rotate, grace(604_800), 200),
        (&app.admin, &rotate, grace(604_801), 422),
        (&app.editor, &own, grace(59), 422),
        (&app.editor, &own, grace(60), 200),
    ] {
        app.post(path).by(who).json(body).expect(status).await;
    }
    let many = |count: usize| (0..count).map(|n| format!("p{n}=1")).collect::<Vec<_>>().join("&");
    for list in ["/deals", "/account/team", "/api-keys", "/pipelines", "/deals/1/team", "/deals/1/properties"]
    {
        let get = |query: &str| app.get(&format!("{list}?{query}")).by(&app.admin);
        for (limit, status) in [("0", 400), ("1", 200), ("200", 200), ("201", 400), ("9007199254740993", 400)]
        {
            get(&format!("limit={limit}")).expect(status).await;
        }
        get(&many(64)).refused(400, "BAD_REQUEST", "Unknown query parameter 'p0'").await;
        get(&many(65)).refused(400, "BAD_REQUEST", "The query must have at most 64 parameters").await;
    }
    for (offset, status) in [("0", 200), ("2147483647", 200), ("2147483648", 400), ("-1", 400)] {
        app.get(&format!("/api-keys?offset={offset}")).by(&app.admin).expect(status).await;
        app.get(&format!("/deals?sort=title&offset={offset}")).by(&app.admin).expect(status).await;
    }
    for row in table().into_iter().filter(|row| row.path.contains('{')) {
        for id in ["9007199254740990", "9007199254740991", "9007199254740992", "9007199254740993"] {
            let ask = ask(&app, &row, id, "");
            let body = match (row.method.as_str(), row.path) {
                ("PATCH", "/deals/{deal_id}") => Some(json!({"title": "x"})),
                ("PATCH", "/api-keys/{key_id}") => Some(json!({"label": "x"})),
                ("PATCH", "/account/team/{user_id}") => Some(json!({"role": "viewer"})),
                ("POST", "/deals/{deal_id}/team") => Some(json!({"user_id": 1})),
                ("POST", "/deals/{deal_id}/pipeline") => Some(json!({"pipeline_id": 1})),
                _ => None,
            };
            let ask = body.into_iter().fold(ask, |ask, body| ask.json(body));
            refused(&app, ask, 404, &format!("{row:?} {id}")).await;
        }
    }
}

const HEADERS: &str = "user-agent x-origin-app authorization x-active-account cookie referer x-request-id origin accept \
                       idempotency-key if-match content-type content-encoding x-forwarded-for forwarded traceparent \
                       tracestate host x-evil";

#[tokio::test]
async fn hostile_text_in_any_part_of_a_request_leaves_one_short_line() {
    let app = TestApp::new().await;
    let (lines, _guard) = listen();
    // Each from an address of its own: of one address, a flood is sampled.
    let sent = std::cell::Cell::new(0_u32);
    let one_line = async |ask: Ask<'_>, what: &str| {
        sent.set(sent.get() + 1);
        ask.from(&std::net::Ipv4Addr::from_bits(0x0a00_0000 + sent.get()).to_string()).send().await;
        let events = lines.take();
        assert_eq!(events.len(), 1, "{what:.200}: {events:?}");
        let line = events[0].to_string();
        assert!(line.len() < 700 && line.is_ascii() && !line.contains("evil"), "{what:.200}: {line:.2000}");
    };
    let long = "evil".repeat(1 << 18);
    for text in
        ["\u{202e}\u{2066}evil", "\u{85}\u{9b}31mevil\u{2028}", "\tevil\t", "evil\",\"level\":\"", &long]
    {
        for name in HEADERS.split_whitespace() {
            for bare in [true, false] {
                let ask = app.request(Method::PATCH, &format!("{BASE}/deals/1")).raw("{}").header(name, text);
                let ask = if bare { ask } else { ask.by(&app.admin).header("x-origin-app", "tests") };
                one_line(ask, name).await;
            }
        }
    }
    for text in ["evil%0d%0aevil", "evil%1b[31m", "%e2%80%aeevil", "evil%00", "%22evil", &long[..30_000]] {
        for target in
            [format!("/{text}"), format!("{BASE}/deals/{text}"), format!("{BASE}/deals?{text}={text}")]
        {
            let ask = app.request(Method::GET, &target).by(&app.admin).header("x-origin-app", "tests");
            one_line(ask, &target).await;
        }
    }
    for method in ["EVIL", "evil", &long] {
        one_line(app.anonymous(method.parse().unwrap(), "/deals").by(&app.admin), method).await;
    }
    for text in [r"evil\r\nevil\u001b[31m", r"\u202eevil", r"\u0000evil", &long[..200_000], &long] {
        for row in writing() {
            for field in ["label", "title", "slug", "api_key", text] {
                let body = format!("{{\"{field}\":\"{text}\"}}");
                one_line(ask(&app, &row, "999", "").text(body), &format!("{row:?}")).await;
            }
        }
    }
}

#[tokio::test]
async fn no_compressed_body_is_read() {
    let app = TestApp::new().await;
    // The head of a gzip file, then what could be a bomb.
    let zipped = [&[0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3][..], &[0xed; 16 * 1024]].concat();
    for row in writing() {
        let zipped = || ask(&app, &row, "1", "").text(zipped.as_slice());
        for coding in "gzip x-gzip GZIP deflate br zstd compress gzip,gzip identity,br br,identity".split(' ')
        {
            let answer = refused(&app, zipped().header("content-encoding", coding), 415, coding).await;
            assert_eq!(answer.message(), format!("Content-Encoding must be identity (got {coding})"));
        }
        let twice = zipped().header("content-encoding", "identity").header("content-encoding", "gzip");
        refused(&app, twice, 415, "twice").await;
        refused(&app, zipped(), 400, "not declared").await;
    }
    let plain = app.post("/deals").by(&app.admin).json(json!({"title": "x"}));
    plain.header("content-encoding", "identity").expect(201).await;
}

const ENDS: &str = r"/ // /. /.. /%2e %2f %5c \ %00 %20 %09 %0a . .json ; ;a=b %3b %3f %23 %25 %252f %c0%af %e0%80%af %c0%ae
                     %ef%bc%8f %u002f ~ * , ..;/ %ff";
const BETWEEN: &str = r"// /./ /x/../ /%2e/ /%2e%2e/ /.%2e/ %2f %2F %5c \ /\ ;x/ ;/ /;/ /%20 %20/ /%00 %c0%af %e0%80%af %252f
                        /..;/ /*/";

/// Paths that another reader could take for this one.
fn twins(path: &str) -> BTreeSet<String> {
    let mut twins: BTreeSet<String> = ENDS.split_whitespace().map(|end| format!("{path}{end}")).collect();
    twins.extend([path.to_uppercase(), format!("/{path}"), format!("/.{path}"), format!("/x/..{path}")]);
    for (at, _) in path.match_indices('/').skip(1) {
        let (before, after) = (&path[..at], &path[at + 1..]);
        twins.extend(BETWEEN.split_whitespace().map(|between| format!("{before}{between}{after}")));
        let (first, rest) = (after.as_bytes()[0], &after[1..]);
        if first.is_ascii_lowercase() {
            twins.insert(format!("{before}/%{first:02x}{rest}"));
            twins.insert(format!("{before}/{}{rest}", char::from(first).to_ascii_uppercase()));
        }
    }
    // What is no URI at all does not come as far as the routes.
    twins.retain(|twin| twin.parse::<Uri>().is_ok());
    twins
}

#[tokio::test]
async fn no_route_answers_to_a_path_that_only_looks_like_its_own() {
    let app = TestApp::new().await;
    let before = state(&app).await;
    let mut asked = 0;
    for row in table() {
        for twin in twins(&format!("{BASE}{}", path(&row, "1"))) {
            let ask = app.request(row.method.clone(), &twin).by(&app.admin).header("x-origin-app", "tests");
            let answer = ask.send().await;
            let got = (answer.status.as_u16(), answer.code());
            let refused = [(400, "BAD_REQUEST".to_owned()), (404, "NOT_FOUND".to_owned())].contains(&got);
            assert!(refused, "{row:?} {twin}: {}", answer.text());
            asked += 1;
        }
    }
    assert!(asked > 1_500, "{asked}");
    assert_eq!(state(&app).await, before);
}

#[tokio::test]
async fn an_escaped_id_is_the_same_id_to_the_check_and_to_the_deed() {
    let app = TestApp::new().await;
    let key = app.key(&app.admin, Grant::ReadOnly).await;
    let escaped = |id: i64| id.to_string().bytes().map(|digit| format!("%{digit:02x}")).collect::<String>();
    let other = app.delete(&format!("/api-keys/{}", escaped(app.admin.key.id))).key(&key);
    other.refused(403, "FORBIDDEN", "Missing required scope: account:write").await;
    app.get("/me").by(&app.admin).expect(200).await;
    app.delete(&format!("/api-keys/{}", escaped(key.id))).key(&key).expect(200).await;
    app.get("/me").key(&key).expect(401).await;
}

#[tokio::test]
async fn each_route_has_its_verbs_and_no_header_makes_another_of_them() {
    let app = TestApp::new().await;
    let mut verbs: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for row in table() {
        let more: &[&str] = if row.method == Method::GET { &["HEAD", "OPTIONS"] } else { &["OPTIONS"] };
        let declared = more.iter().copied().chain([row.method.as_str()]).map(ToOwned::to_owned);
        verbs.entry(path(&row, "1")).or_default().extend(declared);
    }
    let before = state(&app).await;
    for (path, declared) in &verbs {
        let allowed = declared.iter().cloned().collect::<Vec<_>>().join(", ");
        for verb in "GET HEAD POST PUT PATCH DELETE TRACE CONNECT PROPFIND QUERY get PRI".split(' ') {
            if !declared.contains(verb) {
                let ask = app.anonymous(verb.parse().unwrap(), path).by(&app.admin);
                let answer = ask.header("x-secret", "reflected").expect(405).await;
                assert_eq!(answer.header("allow"), Some(allowed.as_str()), "{verb} {path}");
                assert!(!answer.text().contains("reflected") && !answer.text().contains("lev_sk_"));
            }
        }
        for name in ["x-http-method-override", "x-http-method", "x-method-override", "x-original-method"] {
            for verb in ["DELETE", "PATCH", "POST"] {
                if declared.contains("GET") {
                    app.get(path).by(&app.admin).header(name, verb).expect(200).await;
                }
                let validate = app.post("/auth/validate-api-key").by(&app.admin).header(name, verb);
                assert_eq!(validate.expect(200).await.data()["valid"], true);
            }
        }
        app.get(&format!("{path}?_method=DELETE"))
            .by(&app.admin)
            .expect(if declared.contains("GET") { 400 } else { 405 })
            .await;
    }
    assert_eq!(state(&app).await, before);
}

#[tokio::test]
async fn head_says_what_get_says_without_its_body() {
    let app = TestApp::new().await;
    let keys = [&app.admin, &app.viewer, &app.stranger].map(|who| who.key.secret.as_str());
    for row in table().iter().filter(|row| row.method == Method::GET) {
        for target in [path(row, "1"), path(row, "999"), format!("{}?surprise=1", path(row, "1"))] {
            for key in ["", "lev_sk_wrong"].into_iter().chain(keys) {
                let ask = |method| {
                    let ask = app.anonymous(method, &target);
                    if key.is_empty() { ask } else { ask.bearer(key) }
                };
                let (mut get, mut head) = (ask(Method::GET).send().await, ask(Method::HEAD).send().await);
                assert_ne!(get.headers.remove("x-request-id"), head.headers.remove("x-request-id"));
                // Each of the two counts.
                assert_eq!(
                    get.headers.remove("ratelimit").is_some(),
                    head.headers.remove("ratelimit").is_some()
                );
                assert_eq!((get.status, get.headers), (head.status, head.headers), "{target} by {key}");
                assert!(head.bytes.is_empty() && !get.bytes.is_empty(), "{target}");
            }
        }
    }
}

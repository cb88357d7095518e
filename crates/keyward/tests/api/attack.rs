//! Hostile requests over every operation: the rows of the table are asked alike, so that a new one is asked too.

use super::log::listen;
use super::support::{Answer, Ask, BASE, TestApp};
use http::{Method, Uri};
use keyward::routes::{Row, table};
use keyward_core::clock::Timestamp;
use keyward_core::principal::Grant;
use keyward_core::store::OperatorReads;
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};

/// The path of a row, with this for every id.
fn path(row: &Row, id: &str) -> String {
    let parts = row.path.split('/').map(|part| if part.starts_with('{') { id } else { part });
    parts.collect::<Vec<_>>().join("/")
}

/// The operations that read a body.
fn writing() -> impl Iterator<Item = Row> {
    table().into_iter().filter(|row| row.method != Method::GET)
}

/// All that a refusal must leave as it was: what is listed in both accounts, and the audit trail.
async fn state(app: &TestApp) -> Vec<String> {
    let mut state = Vec::new();
    for who in [&app.admin, &app.stranger] {
        for list in ["/deals?limit=200", "/api-keys?all=true&limit=200", "/account/team?limit=200", "/me"] {
            state.push(app.get(list).by(who).expect(200).await.data().to_string());
        }
    }
    let trail = app.store.audit(Timestamp::from_unix(0), 0, 10_000).await.unwrap();
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
    let what = what.chars().take(200).collect::<String>();
    assert_eq!((answer.status.as_u16(), answer.code().as_str()), (status, code), "{what}: {}", answer.text());
    assert_eq!(state(app).await, before, "{what}");
    answer
}

#[tokio::test]
async fn no_operation_reads_a_body_that_could_be_read_in_two_ways() {
    let app = TestApp::new().await;
    let deep =
        |open: &str, close: &str, depth: usize| format!("{}1{}", open.repeat(depth), close.repeat(depth));
    let texts = [
        r#"{"a":1,"a":1}"#,
        r#"{"x":[{"y":{"z":[{"a":1,"b":2,"a":3}]}}]}"#,
        r#"{"label":"x","scopes":["deals:read"],"scopes":["deals:write"]}"#,
        r#"{"label":"x","permission":"read_only","permissi\u006fn":"full_access"}"#,
        r#"{"api_key":"a","api_key":"b"}"#,
        r#"{"😀":1,"\ud83d\ude00":2}"#,
        r#"{"\u0000":1,"\u0000":2}"#,
        r#"{"a":"\ud800"}"#,
        r#"{"a":"\udc00\ud800"}"#,
        r#"{"\udfff":1}"#,
        "{\"a\":\"\0\"}",
        r#"{"a":+1}"#,
        r#"{"a":Infinity}"#,
        "{}{}",
        "\u{feff}{}",
        "label=x&label=y",
    ];
    let deeps = [
        deep("[", "]", 65),
        deep("[", "]", 5_000),
        deep("{\"a\":", "}", 65),
        deep("{\"a\":", "}", 5_000),
        "[".repeat(5_000),
    ];
    let bytes: [&[u8]; 3] = [b"{\"a\":\"\xed\xa0\x80\"}", b"{\"a\":\"\xc0\xaf\"}", b"{\0}\0"];
    let texts = texts.iter().map(|text| text.as_bytes()).chain(deeps.iter().map(|text| text.as_bytes()));
    let bodies: Vec<&[u8]> = texts.chain(bytes).collect();
    for row in writing() {
        for body in &bodies {
            let ask = app.anonymous(row.method.clone(), &path(&row, "1")).by(&app.admin).text(*body);
            refused(&app, ask, 400, &format!("{row:?} {}", String::from_utf8_lossy(body))).await;
        }
        // At the depth that is read, and with whatever else is no object of known members.
        let meaningless =
            [&deep("[", "]", 64), "null", "-0", "1e400", "9007199254740993", r#"{"__proto__":{}}"#];
        for body in meaningless.into_iter().chain([r#"{"Label":"x"}"#, r#"{"scopes\u0000":[]}"#]) {
            let ask = app.anonymous(row.method.clone(), &path(&row, "1")).by(&app.admin).text(body);
            refused(&app, ask, 422, &format!("{row:?} {body}")).await;
        }
    }
    for row in table() {
        for query in ["a=1&a=1", "a=1&b=2&%61=3", "all=true&all=false", "limit=1&l%69mit=2", "cursor&cursor"]
        {
            let ask = app.anonymous(row.method.clone(), &format!("{}?{query}", path(&row, "1")));
            let answer = refused(&app, ask.by(&app.admin), 400, &format!("{row:?} {query}")).await;
            assert!(answer.message().ends_with("must be sent only once"), "{row:?}: {}", answer.message());
        }
        for query in ["a=%00", "a=%ed%a0%80", "a=%c0%af", "a=%"] {
            let ask = app.anonymous(row.method.clone(), &format!("{}?{query}", path(&row, "1")));
            refused(&app, ask.by(&app.admin), 400, &format!("{row:?} {query}")).await;
        }
    }
}

#[tokio::test]
async fn no_field_takes_a_value_of_another_kind() {
    let app = TestApp::new().await;
    const TEXT: &[&str] =
        &["true", "1", "-0", "1e400", "9007199254740993", "{}", "[]", r#"["x"]"#, r#""a\u0000b""#];
    const LIST: &[&str] = &[
        "true",
        "1",
        r#""deals:read""#,
        "{}",
        "[]",
        "[-0]",
        "[null]",
        r#"[["deals:read"]]"#,
        r#"["\u0000"]"#,
    ];
    const NUMBER: &[&str] =
        &["true", r#""1""#, "{}", "[1]", "1e400", "-1e400", "1e-400", "1.005", "-1", "9007199254740991"];
    const EDGE: &[&str] = &["9007199254740992", "9007199254740993", "1e2", "1.0", "18446744073709551616"];
    let keys = "/api-keys";
    let rotate = format!("/api-keys/{}/rotate", app.key(&app.admin, Grant::ReadOnly).await.id);
    let deal = r#""title":"x","#;
    for (method, path, rest, field, wrong) in [
        (Method::POST, "/auth/validate-api-key", "", "api_key", TEXT),
        (Method::PATCH, "/me/active-account", "", "slug", TEXT),
        (Method::POST, keys, "", "label", TEXT),
        (Method::POST, keys, r#""label":"x","#, "permission", TEXT),
        (Method::POST, keys, r#""label":"x","#, "expires_at", TEXT),
        (Method::POST, keys, r#""label":"x","#, "scopes", LIST),
        (Method::POST, keys, r#""label":"x","#, "allowed_ips", LIST),
        (Method::POST, &rotate, "", "grace_seconds", NUMBER),
        (Method::POST, &rotate, "", "grace_seconds", EDGE),
        (Method::POST, "/deals", "", "title", TEXT),
        (Method::POST, "/deals", deal, "description", TEXT),
        (Method::POST, "/deals", deal, "loan_type", TEXT),
        (Method::POST, "/deals", deal, "transaction_type", TEXT),
        (Method::POST, "/deals", deal, "business_plan", TEXT),
        (Method::POST, "/deals", deal, "estimated_close_date", TEXT),
        (Method::PATCH, "/deals/1", "", "title", TEXT),
        (Method::PATCH, "/deals/1", "", "loan_amount", NUMBER),
    ] {
        for value in wrong {
            let body = format!("{{{rest}\"{field}\":{value}}}");
            let ask = app.anonymous(method.clone(), path).by(&app.admin).text(body.as_str());
            let answer = refused(&app, ask, 422, &format!("{path} {body}")).await;
            let named = answer.json()["error"]["details"]["fields"][0]["field"].clone();
            assert_eq!(named, field, "{path} {body}");
        }
    }
}

#[tokio::test]
async fn each_measure_holds_at_its_edge() {
    let app = TestApp::new().await;
    let good = app.admin.key.secret.as_str();
    let (jwt, long) = (format!("{}.e30.e30", "a".repeat(8_184)), format!("lev_sk_{}", "a".repeat(8_185)));
    let tokens = [&good[..55], &format!("{good}0"), &format!("{good}="), &format!("0{good}"), &jwt, &long];
    for (token, status) in [(good, 200)].into_iter().chain(tokens.map(|token| (token, 401))) {
        app.get("/me").bearer(token).expect(status).await;
        let asked = app.post("/auth/validate-api-key").json(json!({"api_key": token})).expect(200).await;
        assert_eq!(asked.data()["valid"], status == 200, "{token}");
    }
    for (length, status) in [(0, 400), (1, 200), (64, 200), (65, 400)] {
        let ask = app.request(Method::GET, &format!("{BASE}/me")).by(&app.admin);
        ask.header("x-origin-app", &"a".repeat(length)).expect(status).await;
    }
    let (post, patch) = (Method::POST, Method::PATCH);
    for (method, path, rest, field, most, status) in [
        (&post, "/api-keys", "", "label", 255, 201),
        (&patch, "/me/active-account", "", "slug", 255, 404),
        (&post, "/deals", "", "title", 255, 201),
        (&patch, "/deals/1", "", "title", 255, 200),
        (&post, "/deals", r#""title":"x","#, "description", 10_000, 201),
    ] {
        let with = |text: String| {
            app.anonymous(method.clone(), path)
                .by(&app.admin)
                .text(format!("{{{rest}\"{field}\":\"{text}\"}}"))
        };
        for character in ["x", "😀", "\\ud83d\\ude00"] {
            with(character.repeat(most - 1)).expect(status).await;
            with(character.repeat(most)).expect(status).await;
            let over = refused(&app, with(character.repeat(most + 1)), 422, field).await;
            assert_eq!(over.message(), format!("{field} must be at most {most} characters"));
        }
    }
    let scopes = |count| json!({"label": "x", "scopes": vec!["deals:read"; count]});
    let ranges = |count| json!({"label": "x", "allowed_ips": vec!["203.0.113.0/24"; count]});
    for (body, status) in
        [(scopes(22), 201), (scopes(23), 422), (ranges(99), 201), (ranges(100), 201), (ranges(101), 422)]
    {
        app.post("/api-keys").by(&app.admin).json(body).expect(status).await;
    }
    let rotated = app.key(&app.admin, Grant::ReadOnly).await;
    for (who, key, seconds, status) in [
        (&app.admin, rotated.id, -1, 422),
        (&app.admin, rotated.id, 0, 200),
        (&app.admin, rotated.id, 604_800, 200),
        (&app.admin, rotated.id, 604_801, 422),
        (&app.editor, app.editor.key.id, 59, 422),
        (&app.editor, app.editor.key.id, 60, 200),
    ] {
        let ask = app.post(&format!("/api-keys/{key}/rotate")).by(who);
        ask.json(json!({"grace_seconds": seconds})).expect(status).await;
    }
    let parameters = |count: usize| (0..count).map(|n| format!("p{n}=1")).collect::<Vec<_>>().join("&");
    for list in ["/deals", "/account/team", "/api-keys"] {
        for (limit, status) in [("0", 400), ("1", 200), ("200", 200), ("201", 400), ("9007199254740993", 400)]
        {
            app.get(&format!("{list}?limit={limit}")).by(&app.admin).expect(status).await;
        }
        for (count, said) in
            [(64, "Unknown query parameter 'p0'"), (65, "The query must have at most 64 parameters")]
        {
            app.get(&format!("{list}?{}", parameters(count)))
                .by(&app.admin)
                .refused(400, "BAD_REQUEST", said)
                .await;
        }
    }
    for (offset, status) in [("0", 200), ("2147483647", 200), ("2147483648", 400), ("-1", 400)] {
        app.get(&format!("/api-keys?offset={offset}")).by(&app.admin).expect(status).await;
    }
    for row in table().into_iter().filter(|row| row.path.contains('{')) {
        for id in ["9007199254740991", "9007199254740992", "9007199254740993"] {
            let ask = app.anonymous(row.method.clone(), &path(&row, id)).by(&app.admin);
            let ask = if row.method == Method::PATCH { ask.json(json!({"title": "x"})) } else { ask };
            refused(&app, ask, 404, &format!("{row:?} {id}")).await;
        }
    }
    let limit = 256 * 1024;
    for row in writing() {
        let ask = |length: usize| {
            let body = format!("{{}}{}", " ".repeat(length - 2));
            app.anonymous(row.method.clone(), &path(&row, "999")).by(&app.admin).text(body)
        };
        let within = ask(limit).send().await.status.as_u16();
        assert!([404, 422].contains(&within), "{row:?}: {within}");
        refused(&app, ask(limit + 1), 413, &format!("{row:?}")).await;
    }
}

#[tokio::test]
async fn hostile_text_in_any_part_of_a_request_leaves_one_short_line() {
    let app = TestApp::new().await;
    let (lines, _guard) = listen();
    let one_line = async |ask: Ask<'_>, what: &str| {
        ask.send().await;
        let events = lines.take();
        assert_eq!(events.len(), 1, "{what}: {events:?}");
        let line = events[0].to_string();
        assert!(line.len() < 700 && line.is_ascii() && !line.contains("evil"), "{what}: {line:.2000}");
    };
    let long = "evil".repeat(1 << 18);
    for text in
        ["\u{202e}\u{2066}evil", "\u{85}\u{9b}31mevil\u{2028}", "\tevil\t", "evil\", \"level\":\"x", &long]
    {
        for name in [
            "user-agent",
            "x-origin-app",
            "authorization",
            "x-active-account",
            "cookie",
            "referer",
            "x-request-id",
            "idempotency-key",
            "if-match",
            "content-type",
            "content-encoding",
            "x-forwarded-for",
            "forwarded",
            "traceparent",
            "tracestate",
            "origin",
            "accept",
            "host",
            "x-evil",
        ] {
            let bare = app.request(Method::PATCH, &format!("{BASE}/deals/1")).raw("{}");
            one_line(bare.header(name, text), name).await;
            let known = app.patch("/deals/1").by(&app.admin).raw("{}");
            one_line(known.header(name, text), name).await;
        }
    }
    let long = "evil".repeat(15_000);
    for text in ["evil%0d%0aevil", "evil%1b[31m", "%e2%80%aeevil", "evil%00", "evil%5c", "%22evil%22", &long]
    {
        for target in
            [format!("/{text}"), format!("{BASE}/deals/{text}"), format!("{BASE}/deals?{text}={text}")]
        {
            one_line(app.request(Method::GET, &target).by(&app.admin).header("x-origin-app", "t"), &target)
                .await;
        }
    }
    for method in ["EVIL", "evil", &"EVIL".repeat(10_000)] {
        one_line(
            app.anonymous(Method::from_bytes(method.as_bytes()).unwrap(), "/deals").by(&app.admin),
            method,
        )
        .await;
    }
    for text in [
        r"evil\r\nevil\u001b[31m",
        r"\u202eevil",
        r"\u0000evil",
        &"evil".repeat(50_000),
        &"evil".repeat(1 << 18),
    ] {
        for row in writing() {
            for field in ["label", "title", "slug", "api_key", text] {
                let ask = app.anonymous(row.method.clone(), &path(&row, "999")).by(&app.admin);
                one_line(ask.text(format!("{{\"{field}\":\"{text}\"}}")), &format!("{row:?}")).await;
            }
        }
    }
}

#[tokio::test]
async fn no_compressed_body_is_read() {
    let app = TestApp::new().await;
    // Ten bytes of head, then what would be a bomb.
    let zipped = [&[0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3][..], &[0xed; 16 * 1024]].concat();
    for row in writing() {
        let ask = || app.anonymous(row.method.clone(), &path(&row, "1")).by(&app.admin);
        for coding in [
            "gzip",
            "x-gzip",
            "deflate",
            "br",
            "zstd",
            "compress",
            "gzip, gzip",
            "identity, br",
            "GZIP",
            "aws-chunked",
        ] {
            let answer =
                refused(&app, ask().text(zipped.as_slice()).header("content-encoding", coding), 415, coding)
                    .await;
            assert_eq!(answer.message(), format!("Content-Encoding must be identity (got {coding})"));
        }
        let twice =
            ask().text("{}").header("content-encoding", "identity").header("content-encoding", "gzip");
        refused(&app, twice, 415, "twice").await;
        refused(&app, ask().text(zipped.as_slice()), 400, "not declared").await;
    }
    app.post("/deals")
        .by(&app.admin)
        .json(json!({"title": "x"}))
        .header("content-encoding", "identity")
        .expect(201)
        .await;
}

/// Paths that another reader could take for this one.
fn twins(path: &str) -> BTreeSet<String> {
    let mut twins = BTreeSet::from([
        path.to_uppercase(),
        format!("/{path}"),
        format!("/.{path}"),
        format!("/x/..{path}"),
    ]);
    for end in [
        "/",
        "//",
        "/.",
        "/..",
        "/%2e",
        "%2f",
        "%5c",
        "\\",
        "%00",
        "%20",
        "%09",
        "%0a",
        ".",
        ".json",
        ";",
        ";a=b",
        "%3b",
        "%3f",
        "%23",
        "%25",
        "%252f",
        "%c0%af",
        "%e0%80%af",
        "%c0%ae",
        "%ef%bc%8f",
        "%u002f",
        "~",
        "*",
        ",",
        "..;/",
        "%ff",
    ] {
        twins.insert(format!("{path}{end}"));
    }
    for (at, _) in path.match_indices('/').skip(1) {
        let (before, after) = (&path[..at], &path[at + 1..]);
        for between in [
            "//",
            "/./",
            "/x/../",
            "/%2e/",
            "/%2e%2e/",
            "/.%2e/",
            "%2f",
            "%2F",
            "%5c",
            "\\",
            "/\\",
            ";x/",
            ";/",
            "/;/",
            "/%20",
            "%20/",
            "/%00",
            "%c0%af",
            "%e0%80%af",
            "%252f",
            "/..;/",
            "/*/",
        ] {
            twins.insert(format!("{before}{between}{after}"));
        }
        let first = after.as_bytes()[0];
        if first.is_ascii_lowercase() {
            twins.insert(format!("{before}/%{first:02x}{}", &after[1..]));
            twins.insert(format!("{before}/{}{}", char::from(first).to_ascii_uppercase(), &after[1..]));
        }
    }
    twins
}

#[tokio::test]
async fn no_route_answers_to_a_path_that_only_looks_like_its_own() {
    let app = TestApp::new().await;
    let routes = table();
    let own: BTreeSet<String> = routes.iter().map(|row| format!("{BASE}{}", path(row, "1"))).collect();
    let before = state(&app).await;
    let mut asked = 0;
    for row in &routes {
        for twin in twins(&format!("{BASE}{}", path(row, "1"))) {
            // What is no URI at all does not come this far.
            if own.contains(&twin) || twin.parse::<Uri>().is_err() {
                continue;
            }
            let ask = app.request(row.method.clone(), &twin).by(&app.admin).header("x-origin-app", "tests");
            let answer = ask.send().await;
            let (status, code) = (answer.status.as_u16(), answer.code());
            let refused = matches!((status, code.as_str()), (400, "BAD_REQUEST") | (404, "NOT_FOUND"));
            assert!(refused, "{row:?} {twin}: {}", answer.text());
            asked += 1;
        }
    }
    assert!(asked > 1_000, "{asked}");
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
async fn each_route_has_its_verbs_and_head_says_what_get_says() {
    let app = TestApp::new().await;
    let mut verbs: BTreeMap<String, BTreeSet<&str>> = BTreeMap::new();
    let routes = table();
    for row in &routes {
        let of_path = verbs.entry(path(row, "1")).or_insert_with(|| BTreeSet::from(["OPTIONS"]));
        of_path.insert(row.method.as_str());
        if row.method == Method::GET {
            of_path.insert("HEAD");
        }
    }
    // The first use of a key is seen in the lists.
    app.get("/me").by(&app.viewer).expect(200).await;
    let before = state(&app).await;
    for (path, declared) in &verbs {
        let allowed = declared.iter().copied().collect::<Vec<_>>().join(", ");
        for verb in
            ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "TRACE", "CONNECT", "PROPFIND", "get", "PRI"]
        {
            let ask = app.anonymous(Method::from_bytes(verb.as_bytes()).unwrap(), path).by(&app.admin);
            if !declared.contains(verb) {
                let answer = ask.header("x-secret", "reflected").expect(405).await;
                assert_eq!(answer.header("allow"), Some(allowed.as_str()), "{verb} {path}");
                assert!(!answer.text().contains("reflected") && !answer.text().contains("lev_sk_"));
            }
        }
    }
    for row in routes.iter().filter(|row| row.method == Method::GET) {
        for target in [path(row, "1"), path(row, "999"), format!("{}?surprise=1", path(row, "1"))] {
            for key in
                ["", "lev_sk_wrong", &app.admin.key.secret, &app.viewer.key.secret, &app.stranger.key.secret]
            {
                let ask = |method: Method| {
                    let ask = app.anonymous(method, &target);
                    if key.is_empty() { ask } else { ask.bearer(key) }
                };
                let (mut get, mut head) = (ask(Method::GET).send().await, ask(Method::HEAD).send().await);
                for answer in [&mut get, &mut head] {
                    assert!(answer.headers.remove("x-request-id").is_some());
                }
                assert_eq!((get.status, get.headers), (head.status, head.headers), "{target} by {key}");
                assert!(head.bytes.is_empty() && !get.bytes.is_empty(), "{target}");
            }
        }
        for name in ["x-http-method-override", "x-http-method", "x-method-override", "x-original-method"] {
            for verb in ["DELETE", "PATCH", "POST"] {
                app.anonymous(Method::GET, &path(row, "1"))
                    .by(&app.admin)
                    .header(name, verb)
                    .expect(200)
                    .await;
                let post = app.post("/auth/validate-api-key").by(&app.admin).header(name, verb);
                assert_eq!(post.expect(200).await.data()["valid"], true);
            }
        }
        app.get(&format!("{}?_method=DELETE", path(row, "1"))).by(&app.admin).expect(400).await;
    }
    assert_eq!(state(&app).await, before);
}

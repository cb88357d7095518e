//! The documentation that the program serves: what stands on its pages, and that it is so.

use super::support::{Answer, TestApp};
use http::Method;
use keyward::document::{EDITION, EDITION_IN_WORDS};
use keyward_core::denial::Code;
use serde_json::Value;
use std::collections::BTreeSet;

const PAGES: [&str; 12] = [
    "/",
    "/platform",
    "/platform/getting-started",
    "/platform/authentication",
    "/platform/account",
    "/platform/api-keys",
    "/platform/deals",
    "/platform/pipelines",
    "/platform/pagination",
    "/platform/filtering",
    "/platform/rate-limits",
    "/platform/errors",
];
/// The pages that begin with an Integration Summary, and whether they tell of writes.
const WITH_SUMMARY: [(&str, bool); 6] = [
    ("/platform/getting-started", true),
    ("/platform/authentication", true),
    ("/platform/account", true),
    ("/platform/api-keys", true),
    ("/platform/deals", true),
    ("/platform/pipelines", true),
];

fn twin(path: &str) -> String {
    if path == "/" { "/index.md".to_owned() } else { format!("{path}.md") }
}

async fn get(app: &TestApp, path: &str) -> Answer {
    app.request(Method::GET, path).expect(200).await
}

#[tokio::test]
async fn every_page_is_served_to_anyone_and_lets_nothing_in() {
    let app = TestApp::new().await;
    for path in PAGES {
        let page = get(&app, path).await;
        assert_eq!(page.header("content-type"), Some("text/html; charset=utf-8"), "{path}");
        let policy = page.header("content-security-policy").unwrap();
        assert!(
            policy.starts_with("default-src 'none'") && policy.contains("frame-ancestors 'none'"),
            "{path}"
        );
        assert!(!policy.contains("unsafe"), "{path}");
        let text = page.text();
        for inline in [" style=\"", "<style", " onclick=", "javascript:"] {
            assert!(!text.contains(inline), "{path} has {inline}");
        }
        assert!(!text.contains("]("), "{path}: a link that is none");
        // The only script that is written out holds data.
        let scripts = text.matches("<script").count();
        let known = text.matches("<script src=\"/platform/assets/explorer.js\" defer></script>").count()
            + text.matches("<script type=\"application/json\" id=\"explorer-data\">").count();
        assert_eq!(scripts, known, "{path}");
        let markdown = get(&app, &twin(path)).await;
        assert_eq!(markdown.header("content-type"), Some("text/markdown; charset=utf-8"), "{path}");
    }
}

#[tokio::test]
async fn a_page_is_a_resource_like_any_other() {
    let app = TestApp::new().await;
    let page = get(&app, "/platform/deals").await;
    let head = app.request(Method::HEAD, "/platform/deals").expect(200).await;
    assert_eq!((head.bytes.len(), head.header("etag")), (0, page.header("etag")));
    let etag = page.header("etag").unwrap();
    let known = app.request(Method::GET, "/platform/deals").header("if-none-match", etag).expect(304).await;
    assert_eq!(known.bytes.len(), 0);
    app.request(Method::GET, "/platform/deals").header("if-none-match", "\"other\"").expect(200).await;
    let moved = app.request(Method::GET, "/rate-limits").expect(301).await;
    assert_eq!(moved.header("location"), Some("http://keyward.test/platform/rate-limits"));
    let refused = app.request(Method::POST, "/platform/deals").send().await;
    assert_eq!((refused.status.as_u16(), refused.header("allow")), (405, Some("GET, HEAD, OPTIONS")));
    app.request(Method::GET, "/platform/nothing").refused(404, "NOT_FOUND", "There is no such route").await;
    app.request(Method::GET, "/platform/nothing.md")
        .refused(404, "NOT_FOUND", "There is no such route")
        .await;
}

#[tokio::test]
async fn no_directive_is_left_and_every_page_says_when_it_was_updated() {
    let app = TestApp::new().await;
    let document = get(&app, "/platform/openapi.json").await.json();
    assert_eq!(document["info"]["version"], EDITION);
    // 2026-03 is March 2026.
    let month = ["", "January", "February", "March"][EDITION[5..].parse::<usize>().unwrap()];
    assert_eq!(EDITION_IN_WORDS, format!("{month} {}", &EDITION[..4]));
    for path in PAGES {
        let markdown = get(&app, &twin(path)).await.text();
        assert!(!markdown.contains("{{"), "{path}: {:?}", markdown.lines().find(|line| line.contains("{{")));
        let html = get(&app, path).await.text();
        assert_eq!(html.matches("<h1").count(), 1, "{path}: one title");
        if path != "/" {
            let updated = format!("\nLast updated: {EDITION_IN_WORDS}\n");
            assert_eq!(markdown.matches(&updated).count(), 1, "{path}");
        }
    }
}

#[tokio::test]
async fn the_integration_summary_has_the_rows_of_the_seed_in_their_order() {
    let app = TestApp::new().await;
    for (path, writes) in WITH_SUMMARY {
        let markdown = get(&app, &twin(path)).await.text();
        let (summary, rest) = markdown.split_once("\n## Starter example: ").unwrap();
        assert!(summary.starts_with("## Integration Summary\n"), "{path}");
        let rows: Vec<&str> =
            summary.lines().filter_map(|line| line.strip_prefix("| ")?.split(" | ").next()).skip(2).collect();
        let mut expected = vec![
            "When to use",
            "Required scopes",
            "Headers",
            "Request schema",
            "Response schema",
            "Enums & values",
        ];
        expected.extend(writes.then_some("Idempotency"));
        expected.extend(["Rate limits", "Examples"]);
        assert_eq!(rows, expected, "{path}");
        assert!(summary.ends_with("| Examples | curl, TypeScript, Python |\n"), "{path}");
        let title = rest.find("\n# ").unwrap();
        assert!(rest.find("```sh\ncurl ").unwrap() < title, "{path}: the starter stands before the title");
    }
    for path in PAGES.iter().filter(|path| WITH_SUMMARY.iter().all(|(with, _)| with != *path)) {
        assert!(!get(&app, &twin(path)).await.text().contains("Integration Summary"), "{path}");
    }
}

/// The tables of a page: their heads, cell by cell.
fn tables(markdown: &str) -> Vec<Vec<String>> {
    let lines: Vec<&str> = markdown.lines().collect();
    let heads = lines.windows(2).filter(|pair| pair[1].starts_with("| ---")).map(|pair| pair[0]);
    heads.map(|head| head.trim_matches('|').split('|').map(|cell| cell.trim().to_owned()).collect()).collect()
}

#[tokio::test]
async fn the_four_tables_of_the_seed_stand_on_the_authentication_page() {
    let app = TestApp::new().await;
    let markdown = get(&app, "/platform/authentication.md").await.text();
    let heads = tables(&markdown);
    let mut at = 0;
    for head in [
        &["Token", "Use it for", "Lifetime"] as &[&str],
        &["Property", "Value"],
        &["Header", "Required", "Value"],
        &["Status", "Meaning"],
    ] {
        let found = heads.iter().skip(at).position(|known| known == head);
        at += found.unwrap_or_else(|| panic!("{head:?} in {heads:?}")) + 1;
    }
    for said in [
        "| API key | ",
        "| JWT | ",
        "| Prefix | `lev_sk_` |",
        "| `Authorization` | Yes | `Bearer <api_key_or_jwt>` |",
        "| `X-Origin-App` | Yes |",
        "`application/json`",
        "| `Idempotency-Key` | ",
        "| 401 | ",
        "| 403 | ",
    ] {
        assert!(markdown.contains(said), "{said}");
    }
}

#[tokio::test]
async fn the_authentication_page_prints_what_validate_answers() {
    let app = TestApp::new().await;
    let answer = app.post("/auth/validate-api-key").by(&app.admin).expect(200).await.json();
    let markdown = get(&app, "/platform/authentication.md").await.text();
    let printed: Vec<Value> = markdown
        .split("```json\n")
        .skip(1)
        .map(|rest| serde_json::from_str(rest.split("\n```").next().unwrap()).unwrap())
        .collect();
    assert!(printed.iter().any(|body| body["data"] == answer["data"]), "{}", answer["data"]);
    assert!(printed.iter().any(|body| body["data"] == serde_json::json!({"valid": false})));
}

#[tokio::test]
async fn tables_of_parameters_have_enums_and_operators_inline() {
    let app = TestApp::new().await;
    let deals = get(&app, "/platform/deals.md").await.text();
    let filtering = get(&app, "/platform/filtering.md").await.text();
    for said in [
        "`construction`, `heavy_bridge`, `light_bridge`, `permanent`, `land`, `predevelopment`, `tbd`, `acquisition`, `refinance`",
        "`filter[loan_amount][gte]`",
        "`filter[created_at][lt]`",
    ] {
        assert!(deals.contains(said) && filtering.contains(said), "{said}");
    }
    assert!(
        deals
            .contains("| `limit` | query | integer, 1 to 200, default 50 | no | Items on a page, at most. |")
    );
    assert!(deals.contains("| `Idempotency-Key` | header | UUID | no | "));
    let keys = get(&app, "/platform/api-keys.md").await.text();
    assert!(keys.contains("| `permission` | string, one of `full_access`, `read_only` | no | "));
    let limits = get(&app, "/platform/rate-limits.md").await.text();
    assert!(limits.contains("| `standard` | no limit | no limit | 10 |"), "as this server has them");
}

#[tokio::test]
async fn every_code_has_its_place_where_the_answers_link_to() {
    let app = TestApp::new().await;
    let page = get(&app, "/platform/errors").await.text();
    for code in Code::ALL {
        assert!(page.contains(&format!("<h2 id=\"{}\">", code.name())), "{}", code.name());
    }
    let refused = app.get("/me").expect(401).await;
    assert_eq!(
        refused.header("link"),
        Some("<http://keyward.test/platform/errors#UNAUTHORIZED>; rel=\"help\"")
    );
}

#[tokio::test]
async fn ids_are_unique_and_links_lead_somewhere() {
    let app = TestApp::new().await;
    let mut ids_of = std::collections::BTreeMap::new();
    let mut pages = Vec::new();
    for path in PAGES {
        let html = get(&app, path).await.text();
        let ids: Vec<String> =
            html.split(" id=\"").skip(1).map(|rest| rest.split('"').next().unwrap().to_owned()).collect();
        let unique: BTreeSet<String> = ids.iter().cloned().collect();
        let twice: Vec<&String> =
            unique.iter().filter(|id| ids.iter().filter(|other| other == id).count() > 1).collect();
        assert!(twice.is_empty(), "{path}: {twice:?}");
        ids_of.insert(path, unique);
        pages.push((path, html));
    }
    for (path, html) in &pages {
        for link in html.split(" href=\"").skip(1).map(|rest| rest.split('"').next().unwrap()) {
            let (to, anchor) = link.split_once('#').unwrap_or((link, ""));
            let to = to.strip_prefix("http://keyward.test").unwrap_or(to);
            if to.starts_with("data:") || to.starts_with("https://") {
                continue;
            }
            let to = if to.is_empty() { path } else { to };
            if !anchor.is_empty() {
                let ids = ids_of.get(to).unwrap_or_else(|| panic!("{path} links to {link}"));
                assert!(ids.contains(anchor), "{path} links to {link}");
            } else if !ids_of.contains_key(to) {
                get(&app, to).await;
            }
        }
    }
}

#[tokio::test]
async fn llms_txt_leads_to_every_page_and_the_full_one_holds_them() {
    let app = TestApp::new().await;
    let (index, full) = (get(&app, "/platform/llms.txt").await, get(&app, "/platform/llms-full.txt").await);
    assert_eq!(index.header("content-type"), Some("text/plain; charset=utf-8"));
    let (index, full) = (index.text(), full.text());
    assert!(!index.contains("{{"));
    for path in PAGES {
        let markdown = get(&app, &twin(path)).await.text();
        assert!(full.contains(markdown.trim_end()), "{path}");
        assert!(path == "/" || index.contains(&format!("(http://keyward.test{})", twin(path))), "{path}");
    }
}

#[tokio::test]
async fn the_limits_on_the_page_are_those_of_the_server_after_a_reload_too() {
    let app = TestApp::new().await;
    let before = get(&app, "/platform/rate-limits").await;
    app.app.current.replace(keyward::reload::Reloadable::default());
    let after = get(&app, "/platform/rate-limits").await;
    assert!(after.text().contains("<td>1000</td><td>150</td><td>50</td>"), "enterprise");
    assert_ne!(before.header("etag"), after.header("etag"));
}

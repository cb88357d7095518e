//! What the operator watches, judged by Prometheus' own promtool: the figures of a server at work, the alert rules, the dashboard.
//!
//! | mistake | test |
//! | --- | --- |
//! | a figure without help, or by a name that Prometheus advises against | `promtool_has_no_complaint_of_the_figures_of_a_server_at_work` |
//! | a figure of the process or of the build is missing | the same |
//! | an alert that never fires, or fires on a healthy server | `every_alert_fires_in_its_test_and_none_on_a_healthy_server` |
//! | an alert, or the dashboard, asks for a figure that there is not | `alerts_and_the_dashboard_ask_for_figures_that_there_are` |
//! | a query of the dashboard that is no PromQL | `the_dashboard_asks_in_promql` |
//! | an alert that leads to no page | `every_alert_leads_to_a_page` |

use crate::promtool::promtool;
use crate::support::{Client, Server, clean, keyward, run, text, unlimited};
use serde_json::Value;
use std::collections::BTreeSet;
use std::io::Write;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

fn packaging(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../packaging").join(name)
}

fn read(file: &Path) -> String {
    std::fs::read_to_string(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
}

/// Runs promtool in the folder of the rules.
fn judged(arguments: &[&str], input: &str) -> Output {
    let program = promtool();
    let mut command = Command::new(&program);
    clean(&mut command);
    command.args(arguments).current_dir(packaging("prometheus"));
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let missing =
        "promtool is missing: run `cargo xtask test`, which brings it, or name it by KEYWARD_PROMTOOL";
    let mut child =
        command.spawn().unwrap_or_else(|error| panic!("{}: {error}; {missing}", program.display()));
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    child.wait_with_output().unwrap()
}

/// What promtool prints; it must be content.
fn approved(arguments: &[&str], input: &str) -> String {
    let Output { status, stdout, stderr } = judged(arguments, input);
    let (stdout, stderr) = (String::from_utf8_lossy(&stdout), String::from_utf8_lossy(&stderr));
    assert!(status.success(), "promtool {arguments:?}: {status}\n{stdout}{stderr}");
    format!("{stdout}{stderr}")
}

/// A demo that is watched.
fn watched() -> (Server, SocketAddr) {
    let admin = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let mut command = unlimited(keyward(&Server::demo_arguments(None)));
    command.env("KEYWARD_SERVER_ADMIN_LISTEN", admin.to_string());
    (Server::demo_by(command), admin)
}

fn figures(admin: SocketAddr, accept: &[(&str, &str)]) -> (String, String) {
    let answer = Client::to(admin).send("GET", "/metrics", accept, b"").unwrap();
    assert_eq!(answer.status, 200);
    let kind = answer.header("content-type").unwrap().to_owned();
    (kind, String::from_utf8(answer.body).unwrap())
}

/// The value of a figure with these labels.
fn value(figures: &str, name: &str) -> f64 {
    let values = figures.lines().filter_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    let all: Vec<&str> = values.collect();
    assert_eq!(all.len(), 1, "{name}: {figures}");
    all[0].parse().unwrap()
}

#[test]
fn promtool_has_no_complaint_of_the_figures_of_a_server_at_work() {
    let (server, admin) = watched();
    let mut client = server.client(&server.admin());
    assert_eq!(client.get("/deals").status, 200);
    assert_eq!(client.get("/nowhere").status, 404);
    let soon = serde_json::json!({ "label": "ends", "expires_at": "2100-01-01T00:00:00Z" });
    assert_eq!(client.post("/api-keys", &soon).status, 201);
    let (kind, told) = figures(admin, &[]);
    assert_eq!(kind, "text/plain; version=0.0.4; charset=utf-8");
    assert_eq!(approved(&["check", "metrics"], &told), "", "of:\n{told}");
    for name in ["process_cpu_seconds_total", "process_start_time_seconds", "process_max_fds"] {
        assert!(value(&told, name) > 0.0, "{name}");
    }
    for name in ["process_open_fds", "process_resident_memory_bytes", "process_virtual_memory_bytes"] {
        let is_told = value(&told, name) > 0.0;
        assert!(is_told || !Path::new("/proc/self/fd").exists(), "{name}");
    }
    for within in ["1d", "7d", "30d"] {
        assert_eq!(value(&told, &format!("keyward_keys_expiring{{within=\"{within}\"}}")), 0.0);
    }
    let version = format!("keyward_build_info{{version=\"{}\",revision=\"", env!("CARGO_PKG_VERSION"));
    assert!(told.contains(&version), "{told}");
    assert!(told.contains("keyward_log_lines_waiting{lane=\"severe\"} "), "{told}");

    let (kind, openmetrics) = figures(admin, &[("Accept", "application/openmetrics-text;version=1.0.0")]);
    assert_eq!(kind, "application/openmetrics-text; version=1.0.0; charset=utf-8");
    assert!(openmetrics.ends_with("# EOF\n") && !told.contains("# EOF"));
    let names = |figures: &str| {
        let samples = figures.lines().filter(|line| !line.starts_with('#'));
        samples.map(|line| line.split(' ').next().unwrap().to_owned()).collect::<BTreeSet<_>>()
    };
    assert_eq!(names(&told), names(&openmetrics), "the same figures in both formats");
}

#[test]
fn every_alert_fires_in_its_test_and_none_on_a_healthy_server() {
    approved(&["check", "rules", "alerts.yml"], "");
    approved(&["test", "rules", "alerts_test.yml"], "");
    let (rules, tests) =
        (read(&packaging("prometheus/alerts.yml")), read(&packaging("prometheus/alerts_test.yml")));
    let alerts: Vec<&str> = rules.lines().filter_map(|line| line.trim().strip_prefix("- alert: ")).collect();
    assert!(alerts.len() > 20, "{alerts:?}");
    for alert in alerts {
        let fired = format!("alertname: {alert}\n        exp_alerts:\n          - exp_labels:\n");
        assert_eq!(tests.matches(&fired).count(), 1, "{alert} fires");
        let healthy = format!("alertname: {alert}, exp_alerts: [] }}");
        assert_eq!(tests.matches(&healthy).count(), 1, "{alert} does not fire on a healthy server");
    }
}

/// Names of the program's figures, as a query has them.
fn known() -> BTreeSet<String> {
    let page = run(&mut keyward(&["reference", "metrics"])).stdout;
    let page = String::from_utf8(page).unwrap();
    let rows = page.lines().filter_map(|line| line.strip_prefix("| `")?.split_once("` | "));
    rows.flat_map(|(name, rest)| {
        let ends: &[&str] = match rest.split(' ').next() {
            Some("counter") => &["_total"],
            Some("histogram") => &["_bucket", "_sum", "_count"],
            _ => &[""],
        };
        ends.iter().map(move |end| format!("{name}{end}"))
    })
    .collect()
}

/// The figures that a query asks for.
fn asked(query: &str) -> BTreeSet<String> {
    let words = query.split(|sign: char| !sign.is_ascii_alphanumeric() && sign != '_');
    let ours = words.filter(|word| word.starts_with("keyward_") || word.starts_with("process_"));
    ours.map(str::to_owned).collect()
}

fn dashboard() -> Value {
    serde_json::from_str(&read(&packaging("grafana/keyward.json"))).unwrap()
}

/// The queries of the dashboard.
fn queries(dashboard: &Value) -> Vec<String> {
    let panels = dashboard["panels"].as_array().unwrap().iter();
    let targets = panels.filter_map(|panel| panel["targets"].as_array()).flatten();
    targets.map(|target| target["expr"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn alerts_and_the_dashboard_ask_for_figures_that_there_are() {
    let known = known();
    assert!(known.len() > 30, "{known:?}");
    let rules = read(&packaging("prometheus/alerts.yml"));
    let dashboard = read(&packaging("grafana/keyward.json"));
    let tests = read(&packaging("prometheus/alerts_test.yml"));
    for (file, text) in [("alerts.yml", rules), ("keyward.json", dashboard), ("alerts_test.yml", tests)] {
        let unknown: Vec<String> = asked(&text).difference(&known).cloned().collect();
        assert_eq!(unknown, [""; 0], "{file}");
    }
}

#[test]
fn the_dashboard_asks_in_promql() {
    let dashboard = dashboard();
    let queries = queries(&dashboard);
    assert!(queries.len() > 30, "{queries:?}");
    let mut rules = String::from("groups:\n  - name: dashboard\n    rules:\n");
    for (number, query) in queries.iter().enumerate() {
        // As Grafana fills them in.
        let filled =
            query.replace("$__rate_interval", "5m").replace("$job", "keyward").replace("$instance", ".*");
        rules += &format!("      - record: panel:{number}\n        expr: {}\n", Value::String(filled));
    }
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("dashboard.yml");
    std::fs::write(&file, rules).unwrap();
    approved(&["check", "rules", text(&file)], "");
    let ids: BTreeSet<i64> =
        dashboard["panels"].as_array().unwrap().iter().map(|panel| panel["id"].as_i64().unwrap()).collect();
    assert_eq!(ids.len(), dashboard["panels"].as_array().unwrap().len(), "each panel has an id of its own");
}

#[test]
fn every_alert_leads_to_a_page() {
    let rules = read(&packaging("prometheus/alerts.yml"));
    let alerts = rules.matches("- alert: ").count();
    let books: Vec<&str> = rules.lines().filter_map(|line| line.trim().strip_prefix("runbook: ")).collect();
    assert_eq!(books.len(), alerts);
    for book in books {
        let (page, anchor) = book.split_once('#').unwrap_or((book, ""));
        let page = read(&packaging("..").join(page));
        let headings = page.lines().filter_map(|line| line.strip_prefix("## "));
        let mut anchors = headings.map(|heading| {
            let kept = heading.to_lowercase().replace(' ', "-");
            kept.replace(|sign: char| !sign.is_alphanumeric() && sign != '-', "")
        });
        assert!(anchor.is_empty() || anchors.any(|own| own == anchor), "{book}");
    }
}

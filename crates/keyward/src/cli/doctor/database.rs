//! Looks at the rows of the database that cannot be read.

use super::Findings;
use crate::cli::orders::rows_left_out;
use crate::cli::{CliError, Source};
use serde_json::Value;

/// Names each of them by table and id, never by what it holds.
pub(super) async fn examine(source: Source) -> Result<Findings, CliError> {
    let told = rows_left_out(source).await?;
    let mut findings = Findings::default();
    report(&mut findings, &told, "left out at the start, because it cannot be read");
    if findings.wrong > 0 {
        findings.note("credentials that depend on such a row are refused. What it stands for can be ended: users and accounts by id:7, keys by their id");
    } else if told.get("count").is_some() {
        findings.ok("every row of the database that rights depend on can be read");
    }
    if let Some(of_lists) = told.get("of_lists") {
        report(&mut findings, of_lists, "left out of lists, because it cannot be read");
    }
    if told.get("clock_unreadable").and_then(Value::as_bool) == Some(true) {
        findings.wrong("the time that was recorded cannot be read: credentials with an end are answered 503");
        findings.note("if the machine's clock is right, run keyward clock accept");
    }
    Ok(findings)
}

/// Those that are named, and how many there are besides.
fn report(findings: &mut Findings, told: &Value, why: &str) {
    let rows = told.get("rows").and_then(Value::as_array).into_iter().flatten();
    let rows: Vec<&str> = rows.filter_map(Value::as_str).collect();
    for row in &rows {
        findings.wrong(&format!("{row}: {why}"));
    }
    match told.get("count").and_then(Value::as_u64) {
        Some(count) if count > rows.len() as u64 => {
            findings.wrong(&format!("{} more", count - rows.len() as u64));
        }
        Some(_) => {}
        None => findings.wrong("the server does not say what it left out: it is of another version"),
    }
}

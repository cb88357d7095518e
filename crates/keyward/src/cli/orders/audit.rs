//! `keyward audit`.

use super::{Given, plain};
use crate::cli::CliError;
use crate::operate::{AUDIT_PAGE, Order};
use clap::Args;
use serde_json::Value;
use std::io::Write;

/// Tells the audit trail: who did what, by which credential, when and from where.
#[derive(Debug, Args)]
pub(crate) struct Audit {
    /// From this moment on (RFC 3339, such as 2026-03-20T15:30:45Z); from the beginning if it is not given.
    #[arg(long)]
    since: Option<String>,
    #[command(flatten)]
    given: Given,
}

impl Audit {
    pub(crate) async fn run(self) -> Result<(), CliError> {
        let since = self.since.map(|text| text.parse::<jiff::Timestamp>()).transpose();
        let since = since
            .map_err(|_| CliError::Said("--since must be a time such as 2026-03-20T15:30:45Z".to_owned()))?;
        // Absent: from the beginning, as the help says.
        let since_unix = since.map_or(0, jiff::Timestamp::as_second);
        let desk = self.given.addressee()?;
        let (mut after, mut out) = (0, std::io::stdout());
        loop {
            let page = desk.tell(Order::Audit { since_unix, after }).await?;
            let no_list = || CliError::Said("the server's answer is no list of rows".to_owned());
            let rows = page.as_array().ok_or_else(no_list)?;
            for row in rows {
                if self.given.json { writeln!(out, "{row}")? } else { writeln!(out, "{}", in_words(row))? }
            }
            match rows.last().and_then(|row| row.get("id")?.as_i64()) {
                Some(last) if rows.len() == AUDIT_PAGE as usize => after = last,
                // Absent: a page that is not full is the last.
                _ => return Ok(()),
            }
        }
    }
}

/// A row of the audit trail for people.
fn in_words(row: &Value) -> String {
    let field = |name: &str| {
        // Absent: shown as a dash.
        row.get(name).filter(|value| !value.is_null()).map(plain).unwrap_or_else(|| "-".to_owned())
    };
    format!(
        "{}  {:<16} {} {}  account {}  by user {} ({} {})  from {} ({})  request {}  {}",
        field("at"),
        field("action"),
        field("subject_kind"),
        field("subject_id"),
        field("account_id"),
        field("actor_user_id"),
        field("credential_kind"),
        field("credential_id"),
        field("address"),
        field("origin_app"),
        field("request_id"),
        field("detail"),
    )
}

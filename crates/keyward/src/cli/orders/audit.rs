//! `keyward audit`.

use super::Given;
use super::key::moment;
use super::lists::{Form, Paging, field, number};
use crate::cli::CliError;
use crate::operate::{AUDIT_MOST, AuditOrder, Order};
use clap::Args;
use serde_json::Value;

/// Tells the audit trail: who did what, by which credential, when and from where.
#[derive(Debug, Args)]
pub(crate) struct Audit {
    /// From this moment on (RFC 3339, such as 2026-03-20T15:30:45Z); from the beginning if it is not given.
    #[arg(long, value_name = "TIME")]
    since: Option<String>,
    /// Before this moment (RFC 3339); to the end if it is not given.
    #[arg(long, value_name = "TIME")]
    until: Option<String>,
    /// What was done in this account: the slug, or id: and its id.
    #[arg(long)]
    account: Option<String>,
    /// What was done by a user (the e-mail address, or id: and the id), by a credential (as api_key:12), or by an operator (operator,
    /// or operator:NAME).
    #[arg(long)]
    actor: Option<String>,
    /// What was done to something: its kind and its id, as api_key:12, user:ada@acme.example, account:acme or deal:7.
    #[arg(long)]
    subject: Option<String>,
    /// What was done: an action as the trail shows it, as user.delete, or api_key.* for all that begin like it.
    #[arg(long)]
    action: Option<String>,
    /// Goes on after the row of this id.
    #[arg(long, value_name = "ID")]
    after: Option<i64>,
    /// Prints the last rows, so many (500 at most), instead of the first.
    #[arg(long, value_name = "N", conflicts_with_all = ["after", "limit"],
          value_parser = clap::value_parser!(u32).range(1..=i64::from(AUDIT_MOST)))]
    newest: Option<u32>,
    #[command(flatten)]
    paging: Paging,
    #[command(flatten)]
    given: Given,
}

impl Audit {
    pub(crate) async fn run(self) -> Result<(), CliError> {
        let Self { since, until, account, actor, subject, action, after: begin, newest, paging, given } =
            self;
        let which = AuditOrder {
            // Absent: from the beginning, as the help says.
            since_unix: time("--since", since)?.unwrap_or(0),
            after: 0,
            until_unix: time("--until", until)?,
            account,
            actor,
            subject,
            action,
            newest,
        };
        let order = move |after| Order::Audit(AuditOrder { after: number(after, begin), ..which.clone() });
        given.list((Form { cursor: "id", line: in_words, by_line: true }, paging), order).await
    }
}

/// A moment in seconds since the Unix epoch.
fn time(flag: &str, text: Option<String>) -> Result<Option<i64>, CliError> {
    let moment = text.map(|text| moment(&text)).transpose();
    moment.map_err(|why| CliError::usage(format!("{flag} {}", why.trim_start_matches("it "))))
}

/// A row of the audit trail for people.
fn in_words(row: &Value) -> String {
    let field = |name: &str| field(row, name);
    // Whose order it was, where it was one; else the number of the credential.
    let by = if row.get("operator").is_some_and(Value::is_string) { "operator" } else { "credential_id" };
    format!(
        "{}  {:<16} {} {}  account {}  by user {} ({} {})  from {} ({})  request {}  {}",
        field("at"),
        field("action"),
        field("subject_kind"),
        field("subject_id"),
        field("account_id"),
        field("actor_user_id"),
        field("credential_kind"),
        field(by),
        field("address"),
        field("origin_app"),
        field("request_id"),
        field("detail"),
    )
}

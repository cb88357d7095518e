//! `keyward key list`.

use super::Given;
use super::key::{moment, span};
use super::lists::{Form, Paging, field, number};
use crate::cli::CliError;
use crate::operate::{KeyList, Order, When};
use clap::Args;
use serde_json::Value;

#[derive(Debug, Args)]
pub(crate) struct List {
    /// Keys of this account: the slug, or id: and its id. Without it, of every account.
    #[arg(long)]
    account: Option<String>,
    /// Keys of this user: the e-mail address, or id: and the user's id.
    #[arg(long)]
    user: Option<String>,
    /// Keys that were not used since then: a time (RFC 3339), or a span before now, such as 90d. A key that was never used counts
    /// from when it was made.
    #[arg(long, value_name = "TIME", value_parser = before)]
    unused_since: Option<When>,
    /// Keys that end before then: a time (RFC 3339), or a span from now, such as 30d. Those that have ended are among them.
    #[arg(long, value_name = "TIME", value_parser = ahead)]
    expires_before: Option<When>,
    /// Goes on after the key of this id.
    #[arg(long, value_name = "ID")]
    after: Option<i64>,
    #[command(flatten)]
    paging: Paging,
    #[command(flatten)]
    given: Given,
}

/// A moment, or a span before now.
fn before(text: &str) -> Result<When, String> {
    when(text, -1)
}

/// A moment, or a span from now.
fn ahead(text: &str) -> Result<When, String> {
    when(text, 1)
}

fn when(text: &str, sign: i64) -> Result<When, String> {
    let span = span(text).map(|seconds| When::InSeconds(sign * seconds));
    span.or_else(|_| moment(text).map(When::AtUnix)).map_err(|_| {
        "it must be a time such as 2027-03-20T15:30:45Z, or days, hours or minutes, such as 90d".to_owned()
    })
}

impl List {
    pub(super) async fn run(self) -> Result<(), CliError> {
        let Self { account, user, unused_since, expires_before, after: begin, paging, given } = self;
        let line = if account.is_some() { of_one } else { of_all };
        let order = move |after| {
            let (account, user) = (account.clone(), user.clone());
            Order::KeyList(KeyList {
                account,
                user,
                unused_since,
                expires_before,
                after: number(after, begin),
            })
        };
        given.list((Form { cursor: "id", line, by_line: false }, paging), order).await
    }
}

/// A key in a list of one account.
fn of_one(key: &Value) -> String {
    line(key, &field(key, "user_email"))
}

/// A key in a list of every account.
fn of_all(key: &Value) -> String {
    line(key, &format!("{}  {}", field(key, "account"), field(key, "user_email")))
}

fn line(key: &Value, whose: &str) -> String {
    format!("{:>6}  {}…  {whose}  {}", field(key, "id"), field(key, "key_prefix"), field(key, "label"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_counts_back_for_what_was_and_ahead_for_what_will_be() {
        assert_eq!(before("90d"), Ok(When::InSeconds(-90 * 86_400)));
        assert_eq!(ahead("30d"), Ok(When::InSeconds(30 * 86_400)));
        assert_eq!(before("1970-01-01T00:01:00Z"), Ok(When::AtUnix(60)));
        for bad in ["", "yesterday", "90", "-90d", "2027-03-20"] {
            assert!(before(bad).is_err() && ahead(bad).is_err(), "{bad}");
        }
    }
}

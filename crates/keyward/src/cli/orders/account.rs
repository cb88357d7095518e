//! `keyward account`.

use super::Given;
use super::lists::{Form, Paging, field, number};
use crate::cli::CliError;
use crate::operate::Order;
use clap::Subcommand;
use serde_json::Value;

#[derive(Debug, Subcommand)]
pub(crate) enum AccountOrder {
    /// Makes an account.
    Create {
        /// The slug: lower-case letters, digits and hyphens.
        slug: String,
        /// The name for people; the slug if it is not given.
        #[arg(long)]
        name: Option<String>,
        /// The tier; standard if it is not given.
        #[arg(long, value_parser = ["free", "standard", "enterprise"])]
        tier: Option<String>,
        /// Ends with 0 where the account is there already, and changes nothing. It must have the tier, if one is given.
        #[arg(long)]
        if_absent: bool,
        #[command(flatten)]
        given: Given,
    },
    /// Lists the accounts, in the order of their ids.
    List {
        /// Goes on after the account of this id.
        #[arg(long, value_name = "ID")]
        after: Option<i64>,
        #[command(flatten)]
        paging: Paging,
        #[command(flatten)]
        given: Given,
    },
    /// Shows an account: what it may have, and what it has.
    Show {
        /// The slug, or id: and the account's id, as id:7.
        slug: String,
        #[command(flatten)]
        given: Given,
    },
    /// Disables an account: from the next request on, no credential acts in it. Nothing of it is taken away.
    Disable {
        /// The slug, or id: and the account's id, as id:7.
        slug: String,
        #[command(flatten)]
        given: Given,
    },
    /// Enables an account again. Its keys and members have what they had.
    Enable {
        /// The slug, or id: and the account's id, as id:7.
        slug: String,
        #[command(flatten)]
        given: Given,
    },
    /// Changes an account's tier.
    Tier {
        /// The slug.
        slug: String,
        /// The new tier.
        #[arg(value_parser = ["free", "standard", "enterprise"])]
        tier: String,
        #[command(flatten)]
        given: Given,
    },
    /// Says for one account what it may have, whatever its tier is. `tier` gives a figure back to the tier.
    Limits {
        /// The slug.
        slug: String,
        /// Reads per minute: 1 to 100000, `unlimited` or `tier`.
        #[arg(long)]
        reads: Option<String>,
        /// Writes per minute: 1 to 100000, `unlimited` or `tier`.
        #[arg(long)]
        writes: Option<String>,
        /// Live keys: 1 to 10000, or `tier`.
        #[arg(long)]
        keys: Option<String>,
        #[command(flatten)]
        given: Given,
    },
}

impl AccountOrder {
    pub(crate) async fn run(self) -> Result<(), CliError> {
        let (order, given) = match self {
            Self::Create { slug, name, tier, if_absent, given } => {
                // Absent: its slug, which is shown and gives nothing.
                let name = name.unwrap_or_else(|| slug.clone());
                let any_tier = tier.is_none();
                // Absent: the usual one, as the help says.
                let tier = tier.unwrap_or_else(|| "standard".to_owned());
                let order = Order::AccountCreate { slug, name, tier };
                (if if_absent { order.if_absent(any_tier) } else { order }, given)
            }
            Self::List { after: begin, paging, given } => {
                let form = Form { cursor: "id", line, by_line: false };
                let order = move |after| Order::AccountList { after: number(after, begin) };
                return given.list((form, paging), order).await;
            }
            Self::Show { slug, given } => (Order::AccountShow { slug }, given),
            Self::Disable { slug, given } => (Order::AccountDisabled { slug, disabled: true }, given),
            Self::Enable { slug, given } => (Order::AccountDisabled { slug, disabled: false }, given),
            Self::Limits { slug, reads, writes, keys, given } => {
                (Order::AccountLimits { slug, reads, writes, keys }, given)
            }
            Self::Tier { slug, tier, given } => (Order::AccountTier { slug, tier }, given),
        };
        given.give(order).await
    }
}

fn line(account: &Value) -> String {
    let state = if account.get("disabled") == Some(&Value::Bool(true)) { "disabled" } else { "active" };
    let [id, slug, tier, name] = ["id", "slug", "tier", "name"].map(|name| field(account, name));
    format!("{id:>6}  {slug}  {tier}  {state}  {name}")
}

//! `keyward key`.

use super::Given;
use crate::cli::CliError;
use crate::operate::Order;
use clap::Subcommand;

#[derive(Debug, Subcommand)]
pub(crate) enum KeyOrder {
    /// Makes a key for a member and shows it once.
    Create {
        /// The account's slug.
        #[arg(long)]
        account: String,
        /// The user's e-mail address.
        #[arg(long)]
        user: String,
        /// The key's name.
        #[arg(long)]
        label: String,
        /// All that the user may do, or all that it may read; without it and without scopes, full_access.
        #[arg(long, value_parser = ["full_access", "read_only"])]
        permission: Option<String>,
        /// A scope; can be repeated.
        #[arg(long = "scope")]
        scopes: Vec<String>,
        #[command(flatten)]
        given: Given,
    },
    /// Lists the keys of an account.
    List {
        /// The account's slug.
        #[arg(long)]
        account: String,
        #[command(flatten)]
        given: Given,
    },
    /// Ends a key for good. When the command returns, the key is dead.
    Revoke {
        /// The key's id.
        key: i64,
        #[command(flatten)]
        given: Given,
    },
    /// Gives a key a new secret and shows it once.
    Rotate {
        /// The key's id.
        key: i64,
        /// Seconds that the old secret stays valid.
        #[arg(long, default_value_t = 0, value_parser = clap::value_parser!(i64).range(0..=604_800))]
        grace_seconds: i64,
        #[command(flatten)]
        given: Given,
    },
}

impl KeyOrder {
    pub(crate) async fn run(self) -> Result<(), CliError> {
        let (order, given) = match self {
            Self::Create { account, user, label, permission, scopes, given } => {
                (Order::KeyCreate { account, user, label, permission, scopes }, given)
            }
            Self::List { account, given } => (Order::KeyList { account }, given),
            Self::Revoke { key, given } => (Order::KeyRevoke { key }, given),
            Self::Rotate { key, grace_seconds, given } => (Order::KeyRotate { key, grace_seconds }, given),
        };
        given.give(order).await
    }
}

//! `keyward signing-key`.

use super::Given;
use crate::cli::CliError;
use crate::operate::Order;
use clap::Subcommand;

#[derive(Debug, Subcommand)]
pub(crate) enum SigningKeyOrder {
    /// Lists the keys that our own access tokens are signed with.
    List {
        #[command(flatten)]
        given: Given,
    },
    /// Publishes the next key, which signs an hour later. It happens by itself every 90 days.
    Rotate {
        /// At once, because a key has leaked: the others go, and every token that they signed with them.
        #[arg(long)]
        now: bool,
        #[command(flatten)]
        given: Given,
    },
}

impl SigningKeyOrder {
    pub(crate) async fn run(self) -> Result<(), CliError> {
        match self {
            Self::List { given } => given.give(Order::SigningKeyList).await,
            Self::Rotate { now, given } => given.give(Order::SigningKeyRotate { now }).await,
        }
    }
}

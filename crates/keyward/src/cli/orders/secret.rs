//! `keyward secret`.

use super::Given;
use crate::cli::CliError;
use crate::operate::Order;
use clap::Subcommand;

#[derive(Debug, Subcommand)]
pub(crate) enum SecretOrder {
    /// Makes a new version of the root secret. The one before it stays until the next rotation, so that keys can move: each
    /// moves at its next use.
    Rotate {
        /// Revokes the keys that have not moved since the last rotation, and forgets the answers that are kept under that
        /// version: a write with an Idempotency-Key that is sent again is then a new write. Without it they are reasons to
        /// refuse.
        #[arg(long)]
        revoke_unmoved: bool,
        #[command(flatten)]
        given: Given,
    },
    /// Tells the versions that there are, and the keys that have not moved to the current one yet.
    Status {
        #[command(flatten)]
        given: Given,
    },
}

impl SecretOrder {
    pub(crate) async fn run(self) -> Result<(), CliError> {
        let (order, given) = match self {
            Self::Rotate { revoke_unmoved, given } => (Order::SecretRotate { revoke_unmoved }, given),
            Self::Status { given } => (Order::SecretStatus, given),
        };
        given.give(order).await
    }
}

//! `keyward account`.

use super::Given;
use crate::cli::CliError;
use crate::operate::Order;
use clap::Subcommand;

#[derive(Debug, Subcommand)]
pub(crate) enum AccountOrder {
    /// Makes an account.
    Create {
        /// The slug: lower-case letters, digits and hyphens.
        slug: String,
        /// The name for people; the slug if it is not given.
        #[arg(long)]
        name: Option<String>,
        /// The tier.
        #[arg(long, default_value = "standard", value_parser = ["free", "standard", "enterprise"])]
        tier: String,
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
            Self::Create { slug, name, tier, given } => {
                // Absent: its slug, which is shown and gives nothing.
                let name = name.unwrap_or_else(|| slug.clone());
                (Order::AccountCreate { slug, name, tier }, given)
            }
            Self::Limits { slug, reads, writes, keys, given } => {
                (Order::AccountLimits { slug, reads, writes, keys }, given)
            }
            Self::Tier { slug, tier, given } => (Order::AccountTier { slug, tier }, given),
        };
        given.give(order).await
    }
}

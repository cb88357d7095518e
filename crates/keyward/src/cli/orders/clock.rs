//! `keyward clock`.

use super::Given;
use crate::cli::CliError;
use crate::operate::Order;
use clap::Subcommand;

#[derive(Debug, Subcommand)]
pub(crate) enum ClockOrder {
    /// Takes a wrong future back: the machine's clock was ahead, and is right now. Sessions, grants, invitations, links and grace
    /// periods that began in that future end, and keys with an end that were made in it. Look at the clock first: what ended after
    /// the time that it shows opens again.
    Accept {
        #[command(flatten)]
        given: Given,
    },
}

impl ClockOrder {
    pub(crate) async fn run(self) -> Result<(), CliError> {
        let Self::Accept { given } = self;
        given.give(Order::ClockAccept).await
    }
}

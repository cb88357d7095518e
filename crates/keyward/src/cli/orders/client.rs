//! `keyward client`.

use super::Given;
use crate::cli::CliError;
use crate::operate::Order;
use clap::Subcommand;

#[derive(Debug, Subcommand)]
pub(crate) enum ClientOrder {
    /// Makes an OAuth client known. Its client_id is printed, and its secret if it has one, shown once.
    Create {
        /// The application's name, as people are told it.
        name: String,
        /// Where people are sent back to; can be repeated. The port of a loopback address does not matter.
        #[arg(long = "redirect-uri", required = true)]
        redirect_uris: Vec<String>,
        /// With a secret: for an application that runs on a server.
        #[arg(long)]
        confidential: bool,
        #[command(flatten)]
        given: Given,
    },
    /// Lists the OAuth clients, those that registered themselves included.
    List {
        #[command(flatten)]
        given: Given,
    },
    /// Takes an OAuth client away. Everyone who is signed in with it is signed out; of one that is a document, no more than that.
    Delete {
        /// Its client_id.
        client_id: String,
        #[command(flatten)]
        given: Given,
    },
}

impl ClientOrder {
    pub(crate) async fn run(self) -> Result<(), CliError> {
        let (order, given) = match self {
            Self::Create { name, redirect_uris, confidential, given } => {
                (Order::ClientCreate { name, redirect_uris, confidential }, given)
            }
            Self::List { given } => (Order::ClientList, given),
            Self::Delete { client_id, given } => (Order::ClientDelete { client_id }, given),
        };
        given.give(order).await
    }
}

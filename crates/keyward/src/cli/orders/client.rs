//! `keyward client`.

use super::Given;
use super::lists::{Form, Paging, field};
use crate::cli::CliError;
use crate::operate::Order;
use clap::Subcommand;
use serde_json::Value;

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
        /// Ends with 0 where an application of this name is there already, with these addresses and with or without a secret
        /// as asked for. It is not changed, and its secret not shown again.
        #[arg(long)]
        if_absent: bool,
        #[command(flatten)]
        given: Given,
    },
    /// Lists the OAuth clients, those that registered themselves included.
    List {
        /// Goes on after this client_id.
        #[arg(long, value_name = "CLIENT_ID")]
        after: Option<String>,
        #[command(flatten)]
        paging: Paging,
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
            Self::Create { name, redirect_uris, confidential, if_absent, given } => {
                let order = Order::ClientCreate { name, redirect_uris, confidential };
                (if if_absent { order.if_absent(false) } else { order }, given)
            }
            Self::List { after: begin, paging, given } => {
                let form = Form { cursor: "client_id", line, by_line: false };
                let after = move |after: Option<Value>| match after {
                    Some(after) => after.as_str().map(str::to_owned),
                    None => begin.clone(),
                };
                return given
                    .list((form, paging), move |next| Order::ClientList { after: after(next) })
                    .await;
            }
            Self::Delete { client_id, given } => (Order::ClientDelete { client_id }, given),
        };
        given.give(order).await
    }
}

fn line(client: &Value) -> String {
    let columns = ["client_id", "name", "redirect_uris", "origin", "confidential", "created_at"];
    columns.map(|name| field(client, name)).join("  ")
}

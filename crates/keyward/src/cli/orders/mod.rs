//! The operator's orders: to the running server, or, when none runs, to the file.

mod account;
mod audit;
mod backup;
mod client;
mod clock;
mod explain;
mod key;
mod key_list;
mod key_revoke;
mod left_out;
mod lists;
mod restore;
mod restored;
mod secret;
mod signing_key;
mod user;

pub(super) use account::AccountOrder;
pub(super) use audit::Audit;
pub(super) use backup::Backup;
pub(super) use client::ClientOrder;
pub(super) use clock::ClockOrder;
pub(super) use explain::Explain;
pub(super) use key::KeyOrder;
pub(super) use left_out::rows_left_out;
pub(super) use restore::Restore;
pub(super) use secret::SecretOrder;
pub(super) use signing_key::SigningKeyOrder;
pub(super) use user::UserOrder;

use super::database_file::database;
use super::opened::{Schema, open, open_to_list};
use super::private_data::{refuse_open_data, refuse_open_socket};
use super::written::{unshown, untold, unwritten, write_to_reader, write_to_somebody};
use super::{CliError, Source, variables};
use crate::operate::presence::refuse_present;
use crate::operate::{By, Desk, Order, Shows, SocketPlace, Told, carry_out, offer, tell};
use crate::{config, secret_file};
use clap::Args;
use keyward_core::swap::Swap;
use keyward_sqlite::OpenError;
use serde_json::Value;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::time::Duration;

/// How every order is given.
#[derive(Debug, Args)]
pub(super) struct Given {
    #[command(flatten)]
    source: Source,
    /// Prints one JSON value on one line.
    #[arg(long)]
    json: bool,
}

/// Between two servers, or while one starts, the file is taken and nobody listens: as often it is tried again, and after
/// such a pause.
const TRIES: u32 = 50;
const PAUSE: Duration = Duration::from_millis(100);

/// The one that orders are told to: the running server, or the file.
struct Addressee {
    config: config::Config,
    database: PathBuf,
    socket: SocketPlace,
}

impl Addressee {
    async fn tell(&self, order: Order) -> Result<Value, CliError> {
        match self.ask(order).await? {
            Told::Done(done) => Ok(done),
            Told::Shows(_) => Err(CliError::unknown("the running server answered another order")),
        }
    }

    async fn ask(&self, order: Order) -> Result<Told, CliError> {
        self.ask_or(order.clone(), Ok, async || self.on_file(order.clone()).await).await
    }

    /// Asks the running server; where none runs, does something on the file instead.
    async fn ask_or<T>(
        &self,
        order: Order,
        of_server: impl Fn(Told) -> Result<T, CliError>,
        on_file: impl AsyncFn() -> Result<T, CliError>,
    ) -> Result<T, CliError> {
        let mut tries = 0;
        loop {
            if let Some(done) = tell::tell(&self.socket, &self.database, order.clone()).await? {
                return of_server(done);
            }
            let outcome = match refuse_present(&self.database).await {
                Ok(()) => on_file().await,
                // One that starts or stops has neither a socket nor, soon, the name.
                Err(_) if tries < TRIES => Err(CliError::Store(OpenError::InUse(self.database.clone()))),
                Err(present) => return Err(present.into()),
            };
            match outcome {
                Err(CliError::Store(OpenError::InUse(_))) if tries < TRIES => {
                    tries += 1;
                    tokio::time::sleep(PAUSE).await;
                }
                outcome => return outcome,
            }
        }
    }

    fn refuse_missing(&self) -> Result<(), CliError> {
        if self.database.exists() {
            return Ok(());
        }
        Err(CliError::usage(format!("there is no database {}", self.database.display())))
    }

    async fn on_file(&self, order: Order) -> Result<Told, CliError> {
        self.refuse_missing()?;
        let root =
            secret_file::read(&self.config).map_err(|error| CliError::from(error).of_configuration())?;
        let opened = match order.lists() {
            Some(listed) => open_to_list(&self.config, &root, listed),
            None => open(&self.config, &root, Schema::MustBeUpToDate, Swap::new(self.config.limits.tiers)),
        }?;
        let desk = Desk::without_server(opened, &self.config);
        let Order::ShownOnce { of } = order else { return Ok(Told::Done(carry_out(&desk, order).await?)) };
        let offer = offer(&desk, *of).await?;
        Ok(offer.told(|pending| By::File(Box::new((desk, pending)))))
    }
}

impl Given {
    fn addressee(&self) -> Result<Addressee, CliError> {
        let config = config::load(&self.source.flags(None), &variables())?;
        let database = database(&config).map_err(CliError::of_configuration)?;
        // Before anything is sent: where everyone can write, the socket may be anybody's.
        refuse_open_data(&database).map_err(CliError::of_configuration)?;
        let socket = SocketPlace::of(&database, config.server.orders_socket.as_deref());
        refuse_open_socket(&socket).map_err(CliError::of_configuration)?;
        Ok(Addressee { database, socket, config })
    }

    async fn give(self, order: Order) -> Result<(), CliError> {
        self.give_by(|_| Ok(order)).await
    }

    /// Gives an order that the configuration has a say in.
    async fn give_by(
        self,
        order: impl FnOnce(&config::Config) -> Result<Order, CliError>,
    ) -> Result<(), CliError> {
        let addressee = self.addressee()?;
        let order = order(&addressee.config).map_err(CliError::of_configuration)?;
        let only_reads = order.only_reads();
        if order.shows_secret() {
            return show(addressee.ask(Order::ShownOnce { of: Box::new(order) }).await?, self.json).await;
        }
        let done = addressee.tell(order).await?;
        if only_reads { print(&done, self.json) } else { confirm(&done, self.json) }
    }
}

/// Prints an answer with a secret. It counts when it is written out, and else it is taken back.
async fn show(told: Told, json: bool) -> Result<(), CliError> {
    let Shows { value, by } = match told {
        Told::Done(done) => return confirm(&done, json),
        Told::Shows(shows) => shows,
    };
    match write_to_somebody(&lines(&value, json)) {
        Ok(()) => {
            let relied_on = "the secret that was printed cannot be relied on";
            by.written().await.map_err(|error| CliError::from(error).after(relied_on))
        }
        Err(error) => {
            // Absent: nobody could be told, and without a word it does not count.
            let back = by.not_written().await.unwrap_or_else(|why| format!("it opens nothing ({why})"));
            Err(unwritten(&error, &back))
        }
    }
}

/// Prints what was looked at.
fn print(found: &Value, json: bool) -> Result<(), CliError> {
    write_to_reader(&lines(found, json)).map_err(|error| unshown(&error))
}

/// Prints what was done. Where that fails, the exit code must not say that nothing was done.
fn confirm(done: &Value, json: bool) -> Result<(), CliError> {
    write_to_reader(&lines(done, json)).map_err(|error| untold(&error))
}

/// For programs as it is; for people a line for each thing that is told, or for each item of a list.
fn lines(done: &Value, json: bool) -> String {
    let mut out = String::new();
    let mut line = |text: String| {
        out.push_str(&text);
        out.push('\n');
    };
    match done {
        _ if json => line(done.to_string()),
        Value::Array(items) => {
            for item in items {
                // A line for each, its values in their order.
                let values = item.as_object().into_iter().flat_map(|fields| fields.values().map(plain));
                line(values.collect::<Vec<_>>().join("  "));
            }
        }
        Value::Object(fields) => {
            for (name, value) in fields {
                line(format!("{name:<28} {}", plain(value)));
            }
        }
        other => line(other.to_string()),
    }
    out
}

/// Characters that change how others are shown, or show nothing.
const INVISIBLE: [RangeInclusive<char>; 4] =
    ['\u{200B}'..='\u{200F}', '\u{2028}'..='\u{202E}', '\u{2060}'..='\u{206F}', '\u{FEFF}'..='\u{FEFF}'];

/// A value for people. What a client made is not let loose on the terminal.
fn plain(value: &Value) -> String {
    // Controls, and what `escape_debug` takes for invisible: marks of direction, separators, blanks without width.
    let escape = |character: char| match character {
        '"' | '\'' | '\\' => character.to_string(),
        other if INVISIBLE.iter().any(|range| range.contains(&other)) => other.escape_unicode().collect(),
        other => other.escape_debug().collect::<String>(),
    };
    // Absent: what is no text is shown as JSON.
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    text.chars().map(escape).collect()
}

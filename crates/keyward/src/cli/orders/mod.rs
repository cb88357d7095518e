//! The operator's orders: to the running server, or, when none runs, to the file.

mod account;
mod audit;
mod client;
mod clock;
mod copies;
mod explain;
mod key;
mod left_out;
mod secret;
mod signing_key;
mod user;

pub(super) use account::AccountOrder;
pub(super) use audit::Audit;
pub(super) use client::ClientOrder;
pub(super) use clock::ClockOrder;
pub(super) use copies::{Backup, Restore};
pub(super) use explain::Explain;
pub(super) use key::KeyOrder;
pub(super) use left_out::rows_left_out;
pub(super) use secret::SecretOrder;
pub(super) use signing_key::SigningKeyOrder;
pub(super) use user::UserOrder;

use super::database_file::database;
use super::opened::{Schema, open};
use super::private_data::refuse_open_data;
use super::{CliError, Source, variables};
use crate::operate::{Desk, Order, carry_out, socket};
use crate::{config, secret_file};
use clap::Args;
use keyward_core::swap::Swap;
use keyward_sqlite::OpenError;
use serde_json::{Value, json};
use std::io::Write;
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
}

impl Addressee {
    async fn tell(&self, order: Order) -> Result<Value, CliError> {
        let mut tries = 0;
        loop {
            if let Some(done) = socket::tell(&socket::path(&self.database), &order).await? {
                return Ok(done);
            }
            match self.on_file(order.clone()).await {
                Err(CliError::Store(OpenError::InUse(_))) if tries < TRIES => {
                    tries += 1;
                    tokio::time::sleep(PAUSE).await;
                }
                outcome => return outcome,
            }
        }
    }

    async fn on_file(&self, order: Order) -> Result<Value, CliError> {
        if !self.database.exists() {
            return Err(CliError::Said(format!("there is no database {}", self.database.display())));
        }
        if let Order::Backup { file } = order {
            if file.exists() {
                return Err(CliError::Said(format!(
                    "{} exists already; a copy is a new file",
                    file.display()
                )));
            }
            // As it is, of whatever version: the copy to go back to is made before the new version starts.
            keyward_sqlite::copy(&self.database, &file)?;
            return Ok(json!({ "file": file }));
        }
        let opened = open(
            &self.config,
            &secret_file::read(&self.config)?,
            Schema::MustBeUpToDate,
            Swap::new(self.config.limits.tiers),
        )?;
        carry_out(&Desk::without_server(opened, &self.config), order).await
    }
}

impl Given {
    fn addressee(&self) -> Result<Addressee, CliError> {
        let config = config::load(&self.source.flags(None), &variables())?;
        let database = database(&config)?;
        // Before anything is sent: where everyone can write, the socket may be anybody's.
        refuse_open_data(&database)?;
        Ok(Addressee { database, config })
    }

    async fn give(self, order: Order) -> Result<(), CliError> {
        let done = self.addressee()?.tell(order).await?;
        print(&done, self.json)
    }
}

/// For programs as it is; for people a line for each thing that is told, or for each item of a list.
fn print(done: &Value, json: bool) -> Result<(), CliError> {
    let mut out = std::io::stdout();
    match done {
        _ if json => writeln!(out, "{done}")?,
        Value::Array(items) => {
            for item in items {
                // Absent: its column is blank.
                let field = |name: &str| item.get(name).map(plain).unwrap_or_default();
                if item.get("key_prefix").is_none() {
                    // A list of something else than keys: a line for each, its values in their order.
                    let values = item.as_object().into_iter().flat_map(|fields| fields.values().map(plain));
                    writeln!(out, "{}", values.collect::<Vec<_>>().join("  "))?;
                    continue;
                }
                let (id, prefix, user, label) =
                    (field("id"), field("key_prefix"), field("user_email"), field("label"));
                writeln!(out, "{id:>6}  {prefix}…  {user}  {label}")?;
            }
        }
        Value::Object(fields) => {
            for (name, value) in fields {
                writeln!(out, "{name:<28} {}", plain(value))?;
            }
        }
        other => writeln!(out, "{other}")?,
    }
    Ok(())
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

//! `keyward config`: the configuration, looked at without starting.

use super::machine::Findings;
use super::written::write_to_reader;
use super::{CliError, Source, variables};
use crate::config::{self, Config, Mistake};
use crate::current::Reloadable;
use crate::{secret_file, telemetry};
use clap::{Args, Subcommand};
use keyward_core::clock::{Clock, SystemClock};
use std::io::Write;

#[derive(Debug, Args)]
pub(super) struct ConfigCommand {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Reads every source, and the certificate that it names, looks whether a server could take its addresses and write its data,
    /// and reports all mistakes at once. An address that the running server of the same data holds is no mistake.
    Check {
        #[command(flatten)]
        source: Source,
        /// Leaves out addresses and data: the configuration is for another machine.
        #[arg(long)]
        for_another_machine: bool,
    },
    /// Prints the configuration that is in force.
    Show {
        #[command(flatten)]
        source: Source,
        /// Prints the defaults instead, commented: a sample to begin with.
        #[arg(long)]
        defaults: bool,
    },
    /// Prints the JSON Schema of the file.
    Schema,
}

impl ConfigCommand {
    pub(super) async fn run(self) -> Result<(), CliError> {
        let text = match self.what {
            What::Check { source, for_another_machine } => check(&source, !for_another_machine).await?,
            What::Show { defaults: true, .. } => config::shown(&Config::default(), true),
            What::Show { source, .. } => {
                let config = loaded(&source)?;
                warn(&config);
                config::shown(&config, false)
            }
            What::Schema => format!("{}\n", config::schema()),
        };
        Ok(write_to_reader(&text)?)
    }
}

/// Finds all that a start would refuse, but for the state of the data: they need not be there yet.
async fn check(source: &Source, here: bool) -> Result<String, CliError> {
    let config = loaded(source)?;
    let mut found = Findings::default();
    if let Some(with) = found.take(Reloadable::of(&config)) {
        found.certificate(&config, &with, SystemClock::new().now());
    }
    if here {
        found.addresses(&config).await;
        found.places(&config);
    } else {
        found.take(secret_file::from_variable());
    }
    warn(&config);
    warn_of_ignored();
    for text in found.warnings {
        warn_of(&text);
    }
    if found.mistakes.is_empty() {
        return Ok("the configuration is good\n".to_owned());
    }
    Err(CliError::usage(found.mistakes.join("\nkeyward: ")))
}

fn loaded(source: &Source) -> Result<Config, CliError> {
    Ok(config::load(&source.flags(None), &variables())?)
}

/// What a start ignores.
fn warn_of_ignored() {
    for (variable, text) in telemetry::ignored_variables() {
        warn_of(&format!("{variable}: {text}"));
    }
}

/// On standard error, so that what is printed stays a file.
fn warn(config: &Config) {
    for Mistake { place, text } in &config.warnings {
        warn_of(&format!("{place}: {text}"));
    }
}

/// For a command that makes something: variables that do not say where, though somebody may think so.
pub(super) fn warn_of_variables(config: &Config) {
    for Mistake { place, text } in
        config.warnings.iter().filter(|warning| warning.place.starts_with("KEYWARD_"))
    {
        warn_of(&format!("{place}: {text}"));
    }
}

fn warn_of(text: &str) {
    // Where nobody reads them, the exit code is still about the mistakes.
    let _ = writeln!(std::io::stderr(), "keyward: warning: {text}");
}

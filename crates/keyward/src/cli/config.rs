//! `keyward config`: the configuration, looked at without starting.

use super::{CliError, Source, variables};
use crate::config::{self, Config, Mistake};
use crate::reload::Reloadable;
use crate::{secret_file, telemetry};
use clap::{Args, Subcommand};
use std::io::Write;

#[derive(Debug, Args)]
pub(super) struct ConfigCommand {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Reads every source, and the certificate that it names, and tells all mistakes at once.
    Check(Source),
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
    pub(super) fn run(self) -> Result<(), CliError> {
        let text = match self.what {
            What::Check(source) => {
                // All that a start would refuse, but for the state of the data: they need not be there yet.
                let config = loaded(&source)?;
                Reloadable::of(&config)?;
                telemetry::traces()?;
                secret_file::from_variable()?;
                warn(&config)?;
                "the configuration is good\n".to_owned()
            }
            What::Show { defaults: true, .. } => config::shown(&Config::default(), true),
            What::Show { source, .. } => {
                let config = loaded(&source)?;
                warn(&config)?;
                config::shown(&config, false)
            }
            What::Schema => format!("{}\n", config::schema()),
        };
        Ok(std::io::stdout().write_all(text.as_bytes())?)
    }
}

fn loaded(source: &Source) -> Result<Config, CliError> {
    Ok(config::load(&source.flags(None), &variables())?)
}

/// On standard error, so that what is printed stays a file.
fn warn(config: &Config) -> Result<(), CliError> {
    for Mistake { place, text } in &config.warnings {
        writeln!(std::io::stderr(), "keyward: warning: {place}: {text}")?;
    }
    Ok(())
}

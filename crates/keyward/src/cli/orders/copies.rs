//! `keyward backup` and `keyward restore`.

use super::Given;
use crate::cli::database_file::{database, refuse_no_copy, refuse_taken};
use crate::cli::opened::{Schema, open};
use crate::cli::{CliError, Source, variables};
use crate::files::copy_private;
use crate::operate::Order;
use crate::{config, secret_file};
use clap::Args;
use keyward_core::swap::Swap;
use std::io::Write;
use std::path::PathBuf;

/// Copies the database into a new file while the server serves. The root secret is not in the copy: keep it apart.
#[derive(Debug, Args)]
pub(crate) struct Backup {
    /// The file to make.
    file: PathBuf,
    #[command(flatten)]
    given: Given,
}

impl Backup {
    pub(crate) async fn run(self) -> Result<(), CliError> {
        // The server may stand in another directory.
        let file = std::path::absolute(&self.file).map_err(CliError::file(&self.file))?;
        self.given.give(Order::Backup { file }).await
    }
}

/// Puts a copy in the place of a database that is not there. It must belong to the root secret that is.
#[derive(Debug, Args)]
pub(crate) struct Restore {
    /// The copy.
    file: PathBuf,
    #[command(flatten)]
    source: Source,
}

impl Restore {
    pub(crate) fn run(self) -> Result<(), CliError> {
        let config = config::load(&self.source.flags(None), &variables())?;
        let (database, root) = (database(&config)?, secret_file::read(&config)?);
        refuse_taken(&database)?;
        refuse_no_copy(&self.file)?;
        copy_private(&self.file, &database)?;
        // What cannot be opened does not stay.
        if let Err(error) = open(&config, &root, Schema::BringUpToDate, Swap::new(config.limits.tiers)) {
            let _ = std::fs::remove_file(&database);
            return Err(error);
        }
        writeln!(std::io::stdout(), "restored {} from {}", database.display(), self.file.display())?;
        Ok(())
    }
}

//! `keyward backup` and `keyward restore`.

use super::{Given, plain};
use crate::cli::database_file::{database, refuse_no_copy, refuse_taken};
use crate::cli::opened::restore;
use crate::cli::restoring::{NamedJournal, Restoring};
use crate::cli::{CliError, Source, variables};
use crate::operate::Order;
use crate::operate::presence::refuse_present;
use crate::{config, secret_file};
use clap::Args;
use keyward_sqlite::{Restored, WithoutJournal};
use serde_json::Value;
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

/// Puts a copy in the place of a database that is not there. It must belong to the root secret that is. What ended since the copy
/// was made ends again, as the journal of revocations beside the database says; so do all sessions and what applications were allowed.
#[derive(Debug, Args)]
pub(crate) struct Restore {
    /// The copy.
    file: PathBuf,
    /// The journal of revocations that lay beside the database before, if it lies elsewhere now.
    #[arg(long, value_name = "FILE", conflicts_with = "without_journal")]
    journal: Option<PathBuf>,
    /// Restores also where the journal does not say all that ended since. Links and invitations end too. Look through the keys that
    /// come back to life.
    #[arg(long)]
    without_journal: bool,
    #[command(flatten)]
    source: Source,
}

impl Restore {
    pub(crate) async fn run(self) -> Result<(), CliError> {
        let config = config::load(&self.source.flags(None), &variables())?;
        let (database, root) = (database(&config)?, secret_file::read(&config)?);
        refuse_present(&database).await?;
        refuse_taken(&database)?;
        refuse_no_copy(&self.file)?;
        let copy = Restoring::begin(&database, &self.file)?;
        let named = self.journal.as_deref().map(|from| NamedJournal::put(&database, from)).transpose()?;
        let without = if self.without_journal { WithoutJournal::Accept } else { WithoutJournal::Refuse };
        let restored = restore(&config, &root, &copy.path, without)?;
        copy.takes_the_place_of(&database)?;
        named.into_iter().for_each(NamedJournal::stays);
        writeln!(std::io::stdout(), "restored {} from {}", database.display(), self.file.display())?;
        report(&restored, &mut std::io::stdout())
    }
}

/// Says what comes back to life and what does not. Fails where something that ended could not be ended again.
fn report(restored: &Restored, out: &mut dyn Write) -> Result<(), CliError> {
    let Restored { unknown, until, ended, failed, sessions, grants, links, keys, passwords, secrets } =
        restored;
    if unknown.is_none() {
        // Absent: it has no entry.
        let last = until.map_or_else(|| "none".to_owned(), |at| at.to_string());
        writeln!(
            out,
            "last entry of the journal of revocations: {last} (if the journal is an older copy, revoke again what was revoked since)"
        )?;
    }
    if let Some(why) = unknown {
        writeln!(
            out,
            "WHAT WAS REVOKED SINCE THE COPY IS NOT KNOWN: the journal of revocations was not used ({why})."
        )?;
        writeln!(
            out,
            "Revoke every key below that you do not know to be good, and look through users and their roles."
        )?;
        writeln!(out, "ended: {links} links and invitations that may have been used")?;
    }
    writeln!(
        out,
        "ended: {sessions} sessions, {grants} grants of applications; people sign in, and applications ask, again"
    )?;
    list(out, "ended since the copy, and again now", ended)?;
    for version in secrets {
        writeln!(
            out,
            "version {version} of the root secret was given up since and is back: run keyward secret rotate"
        )?;
    }
    writeln!(out, "back to life: {} API keys, {passwords} users with a password", keys.len())?;
    list(out, "these keys open the API", keys)?;
    if *failed > 0 {
        return Err(CliError::Said(format!(
            "{failed} entries of the journal could not be done, and what they ended may be back to life: the log above says which. \
             Each start of the server tries them again, and ends them in memory; end them by hand to be sure"
        )));
    }
    Ok(())
}

fn list(out: &mut dyn Write, title: &str, lines: &[String]) -> Result<(), CliError> {
    if !lines.is_empty() {
        writeln!(out, "{title}:")?;
    }
    for line in lines {
        writeln!(out, "  {}", plain(&Value::from(line.as_str())))?;
    }
    Ok(())
}

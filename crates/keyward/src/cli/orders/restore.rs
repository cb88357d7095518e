//! `keyward restore`, and its drill, which changes nothing.

use super::restored::{Report, examined};
use super::{confirm, print};
use crate::cli::database_file::{database, refuse_no_copy, refuse_taken};
use crate::cli::opened::{self, examine, machine_clock};
use crate::cli::restoring::{NamedJournal, Restoring};
use crate::cli::{CliError, Source, variables};
use crate::config::{self, Config};
use crate::operate::SocketPlace;
use crate::operate::presence::refuse_served;
use crate::secret_file;
use clap::Args;
use keyward_core::root_secret::RootSecret;
use keyward_sqlite::{OpenError, WithoutJournal};
use std::path::{Path, PathBuf};

/// Puts a copy in the place of a database that is not there. It must be whole, and belong to the root secret that is. What ended since
/// the copy was made ends again, as the journal of revocations beside the database says; so do all sessions and what applications were
/// allowed.
#[derive(Debug, Args)]
pub(crate) struct Restore {
    /// The copy.
    file: PathBuf,
    /// Restores nothing: checks the copy, its schema, its root secret and its journal, beside a running server too.
    #[arg(long)]
    check: bool,
    /// The journal of revocations that lay beside the database before, if it lies elsewhere now.
    #[arg(long, value_name = "FILE", conflicts_with = "without_journal")]
    journal: Option<PathBuf>,
    /// Restores also where the journal does not say all that ended since. Links and invitations end too. Look through the keys that
    /// come back to life.
    #[arg(long)]
    without_journal: bool,
    #[command(flatten)]
    source: Source,
    /// Prints one JSON value on one line.
    #[arg(long)]
    json: bool,
}

impl Restore {
    pub(crate) async fn run(self) -> Result<(), CliError> {
        let config = config::load(&self.source.flags(None), &variables())?;
        let database = database(&config).map_err(CliError::of_configuration)?;
        let root = secret_file::read(&config).map_err(|error| CliError::from(error).of_configuration())?;
        if self.check {
            return self.checks(&config, &root);
        }
        let socket = SocketPlace::of(&database, config.server.orders_socket.as_deref());
        refuse_served(&socket, &database).await?;
        refuse_taken(&database)?;
        refuse_no_copy(&self.file)?;
        let report = self.restores(&config, &root, &database)?;
        if self.json {
            confirm(&report.json(), true)?
        } else {
            report.write_out()?
        }
        report.ended_all()
    }

    fn restores(&self, config: &Config, root: &RootSecret, database: &Path) -> Result<Report, CliError> {
        let copy = Restoring::begin(database, &self.file)?;
        let named = self.journal.as_deref().map(|from| NamedJournal::put(database, from)).transpose()?;
        let without = if self.without_journal { WithoutJournal::Accept } else { WithoutJournal::Refuse };
        let restored =
            opened::restore(config, root, &copy.path, without).map_err(|error| of_copy(error, &self.file))?;
        copy.takes_the_place_of(database)?;
        named.into_iter().for_each(NamedJournal::stays);
        Ok(Report { database: database.to_owned(), from: self.file.clone(), restored })
    }

    fn checks(&self, config: &Config, root: &RootSecret) -> Result<(), CliError> {
        refuse_no_copy(&self.file)?;
        let found = examine(config, root, (&self.file, self.journal.as_deref()))
            .map_err(|error| of_copy(error, &self.file))?;
        print(&examined(&self.file, &found, machine_clock().now()), self.json)?;
        let unknown = found.unknown.filter(|_| !self.without_journal);
        match (unknown, found.faults.len()) {
            (Some(why), _) => Err(CliError::Said(format!(
                "the journal of revocations does not say what ended since the copy was made: {why}. Name the one that lay beside the \
                 database (--journal), or accept that (--without-journal)"
            ))),
            (None, 0) => Ok(()),
            (None, faults) => Err(CliError::Said(format!(
                "{faults} rows of the copy are not as they must be. It can be restored: such rows are left out, and keyward doctor \
                 --database names them"
            ))),
        }
    }
}

/// What is wrong lies in the copy, whatever it is called meanwhile.
fn of_copy(error: CliError, copy: &Path) -> CliError {
    match error {
        CliError::Store(OpenError::Damaged { faults, .. }) => {
            CliError::Store(OpenError::Damaged { path: copy.to_owned(), faults })
        }
        other => other,
    }
}

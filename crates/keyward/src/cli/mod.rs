//! The command line.

mod aside;
mod called;
mod config;
mod core_dumps;
mod database_file;
mod demo;
mod doctor;
mod exit;
pub use crate::exit::Exit;
mod failure;
pub use failure::Failure;
mod init;
mod key_prefix;
mod listening;
mod login;
mod machine;
mod opened;
mod orders;
mod orphans;
mod private_data;
mod reference;
mod reloading;
mod restoring;
mod run;
mod serve;
mod service_manager;
mod stopping;
mod tasks;
mod unix_socket;
mod wrapped;
mod written;

use crate::config::{ConfigError, Flags, Listen, cleaned_path};
use crate::environment::variables;
use crate::telemetry;
use crate::transport::tls::TlsError;
use crate::version::VERSION;
use clap::{Args, Parser, Subcommand};
use keyward_core::store::StoreError;
use std::ffi::OsString;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::PathBuf;
use std::time::Duration;
use tokio::runtime::Runtime;

/// How long the process waits for work on other threads when it ends.
const FAREWELL: Duration = Duration::from_secs(5);

/// The front door of an HTTP API.
#[derive(Debug, Parser)]
#[command(name = "keyward", version = VERSION, about)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serves sample data from a throwaway database and prints a curl line with a working key.
    Demo(demo::Demo),
    /// Serves the API.
    Serve(serve::Serve),
    /// Makes, lists, revokes and rotates API keys, beside the running server or without one.
    #[command(subcommand)]
    Key(orders::KeyOrder),
    /// Makes, disables, enables users, and gives or takes their roles.
    #[command(subcommand)]
    User(orders::UserOrder),
    /// Makes accounts, and says what they may have.
    #[command(subcommand)]
    Account(orders::AccountOrder),
    /// Makes OAuth clients known, lists and deletes them.
    #[command(subcommand)]
    Client(orders::ClientOrder),
    /// Lists and rotates the keys that our own access tokens are signed with.
    #[command(subcommand)]
    SigningKey(orders::SigningKeyOrder),
    Login(login::Login),
    /// Rotates the root secret.
    #[command(subcommand)]
    Secret(orders::SecretOrder),
    /// Takes a wrong future of the machine's clock back.
    #[command(subcommand)]
    Clock(orders::ClockOrder),
    Explain(orders::Explain),
    Doctor(doctor::Doctor),
    /// Tells the audit trail: who did what, by which credential, when and from where.
    Audit(orders::Audit),
    /// Copies the database into a new file while the server serves.
    Backup(orders::Backup),
    /// Puts a copy in the place of a database that is not there.
    Restore(orders::Restore),
    /// Prints a reference page: `cargo xtask generate` writes them.
    #[command(hide = true)]
    Reference {
        /// The page.
        #[arg(value_parser = reference::PAGES)]
        page: String,
    },
    /// Looks at the configuration without starting.
    Config(config::ConfigCommand),
    /// Makes the database and the root secret, with the first account, its admin and a key, shown once.
    Init(init::Init),
}

/// Where the configuration comes from.
#[derive(Debug, Args)]
struct Source {
    /// The configuration file (TOML).
    #[arg(long, value_name = "FILE", env = "KEYWARD_CONFIG")]
    config: Option<PathBuf>,
    /// A directory for the database and the root secret.
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
}

impl Source {
    fn flags(&self, listen: Option<Vec<Listen>>) -> Flags {
        Flags {
            file: self.config.as_deref().map(cleaned_path),
            data: self.data.as_deref().map(cleaned_path),
            // Absent: not set here.
            listen: listen.unwrap_or_default(),
        }
    }
}

/// Why a command ended without doing its work. One clear line.
#[derive(Debug, thiserror::Error)]
pub enum CliError {
    /// The configuration is not usable.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The database cannot be opened.
    #[error(transparent)]
    Store(#[from] keyward_sqlite::OpenError),
    /// HTTPS cannot be served.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// The address cannot be listened on.
    #[error("cannot listen on {at}: {source}")]
    Listen {
        /// The address, the name or the socket.
        at: Listen,
        /// What the system says.
        source: io::Error,
    },
    /// A file or directory cannot be used.
    #[error("{path}: {source}")]
    File {
        /// The path.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// A stream of this process cannot be read or written.
    #[error("{0}")]
    Io(#[from] io::Error),
    /// A server does not start.
    #[error(transparent)]
    Start(Box<CliError>),
    /// Anything else, in a sentence, and how the command ends by it.
    #[error("{1}")]
    Ended(Exit, String),
    /// Anything else that is refused, in a sentence.
    #[error("{0}")]
    Said(String),
}

impl CliError {
    pub(crate) fn file(path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        |source| Self::File { path, source }
    }
}

impl From<StoreError> for CliError {
    /// With its causes: this is for the operator.
    fn from(error: StoreError) -> Self {
        // Absent: the error has no cause to name.
        let cause = std::error::Error::source(&error).map(|cause| format!(": {cause}")).unwrap_or_default();
        Self::Ended(Exit::of_store(&error), format!("{error}{cause}"))
    }
}

impl Cli {
    /// Does what the command line says.
    ///
    /// # Errors
    /// [`CliError`], which says with which exit code the process ends.
    pub fn run(self) -> Result<(), CliError> {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        let work = async {
            match self.command {
                Command::Demo(demo) => demo.run().await.map_err(CliError::of_start),
                Command::Serve(serve) => serve.run().await.map_err(CliError::of_start),
                Command::Init(init) => init.run().await,
                Command::Config(config) => config.run().await.map_err(CliError::of_configuration),
                Command::Key(order) => order.run().await,
                Command::User(order) => order.run().await,
                Command::Account(order) => order.run().await,
                Command::Client(order) => order.run().await,
                Command::SigningKey(order) => order.run().await,
                Command::Login(login) => login.run().await,
                Command::Secret(order) => order.run().await,
                Command::Clock(order) => order.run().await,
                Command::Explain(explain) => explain.run().await,
                Command::Doctor(doctor) => doctor.run().await,
                Command::Audit(audit) => audit.run().await,
                Command::Backup(backup) => backup.run().await,
                Command::Restore(restore) => restore.run().await,
                Command::Reference { page } => reference::print(&page),
            }
        };
        to_the_end(runtime, work, FAREWELL)
    }
}

/// Reads a command line, and does what it says.
///
/// # Errors
/// [`Failure`]: what to print on standard error, and the exit code.
pub fn execute(arguments: &[OsString]) -> Result<(), Failure> {
    let json = failure::asks_for_json(arguments);
    let cli = match Cli::try_parse_from(arguments) {
        Ok(cli) => cli,
        // The help and the version are what was asked for.
        Err(asked) if !asked.use_stderr() => return printed(&asked, json),
        Err(mistake) => return Err(Failure::of_usage(&mistake, json)),
    };
    cli.run().or_else(|error| failure(&error, json))
}

fn printed(asked: &clap::Error, json: bool) -> Result<(), Failure> {
    asked.print().or_else(|error| failure(&CliError::Io(error), json))
}

fn failure(error: &CliError, json: bool) -> Result<(), Failure> {
    match Failure::of(error, json) {
        Some(Failure { text, number }) => Err(Failure { text: telemetry::as_error(text), number }),
        None => Ok(()),
    }
}

/// Does the work, and ends in order whether it ends or panics: the log is written.
fn to_the_end<T>(runtime: Runtime, work: impl Future<Output = T>, farewell: Duration) -> T {
    let outcome = catch_unwind(AssertUnwindSafe(|| runtime.block_on(work)));
    // What still runs on other threads has been told to end; it is not waited for without end.
    runtime.shutdown_timeout(farewell);
    telemetry::flush();
    // Absent: the work panicked, and that goes on.
    outcome.unwrap_or_else(|panic| resume_unwind(panic))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc::{TryRecvError, channel};

    #[test]
    fn a_command_that_panics_does_not_wait_for_a_thread_that_goes_on() {
        let runtime = tokio::runtime::Builder::new_multi_thread().build().unwrap();
        let ((begin, begun), (release, released)) = (channel(), channel::<()>());
        let (end, ended) = channel::<()>();
        let work = async {
            tokio::task::spawn_blocking(move || {
                begin.send(()).unwrap();
                // It goes on until the test is over, or is seen to have been waited for.
                let _ = released.recv_timeout(Duration::from_secs(20));
                drop(end);
            });
            begun.recv().unwrap();
            panic!("as planned")
        };
        let outcome =
            catch_unwind(AssertUnwindSafe(|| to_the_end::<()>(runtime, work, Duration::from_millis(20))));
        assert_eq!(outcome.unwrap_err().downcast_ref(), Some(&"as planned"));
        assert_eq!(ended.try_recv(), Err(TryRecvError::Empty), "the thread still runs");
        drop(release);
    }
}

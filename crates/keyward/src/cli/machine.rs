//! What a server would find at this machine, looked at without starting one: whether its addresses are free, its data can be read
//! and written, and clients would take its certificate.

use super::CliError;
use super::database_file::{belonging_to, database};
use super::listening::untakable;
use super::private_data::{refuse_open_data, refuse_open_directory, refuse_open_socket};
use crate::background::certificate::OUT_OF_ORDER;
use crate::config::{Config, Listen};
use crate::current::Reloadable;
use crate::files::directory_of;
use crate::operate::{Order, SocketPlace, Told, tell};
use crate::secret_file;
use crate::transport::certificate::Validity;
use keyward_core::clock::Timestamp;
use rustix::fs::{Access, access};
use rustix::process::geteuid;
use std::fmt::Display;
use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::Duration;

/// How long the server of the data is waited for.
const PATIENCE: Duration = Duration::from_secs(5);

/// What is wrong with the configuration at this machine, and what is doubtful.
#[derive(Debug, Default)]
pub(super) struct Findings {
    pub(super) mistakes: Vec<String>,
    pub(super) warnings: Vec<String>,
}

impl Findings {
    /// Takes a mistake in; what was found otherwise.
    pub(super) fn take<T>(&mut self, looked: Result<T, impl Display>) -> Option<T> {
        looked.map_err(|error| self.mistake(error.to_string())).ok()
    }

    /// Two settings can lead to one place.
    fn mistake(&mut self, text: String) {
        if !self.mistakes.contains(&text) {
            self.mistakes.push(text);
        }
    }

    /// How the certificate stands, where there is one.
    pub(super) fn certificate(&mut self, config: &Config, with: &Reloadable, now: Timestamp) {
        let Some((path, certificate)) = config.server.tls_cert.as_deref().zip(with.certificate) else {
            return;
        };
        let said = |text: &dyn std::fmt::Display| format!("{}: {text}", path.display());
        match certificate.validity(now) {
            Validity::Good => {}
            refused if refused.is_refused() => self.mistakes.push(said(&refused)),
            soon => self.warnings.push(said(&soon)),
        }
        if !certificate.is_in_order() {
            self.warnings.push(said(&OUT_OF_ORDER));
        }
    }

    /// Addresses that the server could not take. One that the server of this data directory holds is free once that stops.
    pub(super) async fn addresses(&mut self, config: &Config) {
        let server = &config.server;
        for socket in server.listen.iter().chain(&server.admin_listen).filter_map(Listen::socket) {
            self.directory(socket);
        }
        let failed: Vec<CliError> =
            [&server.listen, &server.admin_listen].into_iter().flat_map(|all| untakable(all)).collect();
        if failed.is_empty() {
            return;
        }
        // Absent: it was not asked, so what is taken is somebody else's; why it was not, is said of the data.
        let own = held_by_own_server(config).await.unwrap_or_default();
        let is_own = |error: &CliError| match error {
            CliError::Listen { at, source } if source.kind() == ErrorKind::AddrInUse => {
                own.iter().any(|held| Listen::Address(*held).overlaps(at))
            }
            // Absent: nobody holds it.
            _ => false,
        };
        self.mistakes.extend(failed.iter().filter(|error| !is_own(error)).map(ToString::to_string));
    }

    /// Places that the server could not write, and a root secret that it could not read. Data need not be there yet.
    pub(super) fn places(&mut self, config: &Config) {
        let Some(database) = self.take(database(config)) else { return };
        if let Some(named) = &config.server.orders_socket {
            self.take(refuse_open_socket(&SocketPlace::of(&database, Some(named))));
        }
        if !database.exists() {
            // What it is in is no directory yet where init makes it.
            if directory_of(&database).is_dir() {
                self.take(refuse_open_directory(directory_of(&database)));
            }
        } else if self.take(refuse_open_data(&database)).is_some() {
            self.warnings.extend(of_another_user(&database));
            for file in belonging_to(&database).iter().filter(|file| file.exists()) {
                self.take(writable(file));
            }
        }
        self.directory(&database);
        if database.exists() || secret_file::is_given(config) {
            self.take(secret_file::read(config));
        } else {
            self.directory(&config.secrets.file);
        }
        if let Some(log) = &config.log.file {
            if log.exists() {
                self.take(writable(log));
            } else {
                self.directory(log);
            }
        }
    }

    /// Whether a file can be made at a path: in its directory, or in the nearest above it, in which `init` makes it.
    fn directory(&mut self, file: &Path) {
        let directory = directory_of(file);
        let above = directory.ancestors().find(|above| above.exists());
        // Absent: a relative path counts from here.
        let above = above.filter(|above| !above.as_os_str().is_empty()).unwrap_or(Path::new("."));
        self.take(if above.is_dir() { writable(above) } else { Err(no_directory(above)) });
    }
}

/// What this look has not seen: it had other rights than the server has.
fn of_another_user(database: &Path) -> Option<String> {
    // Absent: the files could not be looked at, which is said as a mistake.
    let (owner, own) = (std::fs::metadata(database).ok()?.uid(), geteuid().as_raw());
    (owner != own).then(|| {
        format!(
            "{} belongs to user {owner}, and this is user {own}: run the check as the server's user, who may have fewer rights",
            database.display()
        )
    })
}

fn no_directory(path: &Path) -> CliError {
    CliError::usage(format!("{} is no directory", path.display()))
}

fn writable(path: &Path) -> Result<(), CliError> {
    let failed = |error: io::Error| CliError::usage(format!("{} cannot be written: {error}", path.display()));
    access(path, Access::WRITE_OK).map_err(|error| failed(error.into()))
}

/// The addresses that the server of this data directory listens on; `None`: it could not be asked.
async fn held_by_own_server(config: &Config) -> Option<Vec<SocketAddr>> {
    let database = database(config).ok().filter(|database| refuse_open_data(database).is_ok())?;
    let place = SocketPlace::of(&database, config.server.orders_socket.as_deref());
    refuse_open_socket(&place).ok()?;
    let asked = tokio::time::timeout(PATIENCE, tell::tell(&place, &database, Order::Addresses)).await.ok()?;
    match asked.ok()?? {
        Told::Done(addresses) => serde_json::from_value(addresses).ok(),
        // Absent: an answer to another order.
        Told::Shows(_) => None,
    }
}

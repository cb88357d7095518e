//! `keyward backup`: this command writes the copy itself, so it lies where the operator looks for it, whatever the server sees there.

use super::{Addressee, Given, confirm};
use crate::cli::CliError;
use crate::operate::{Order, Told};
use clap::Args;
use keyward_core::store::Served;
use keyward_sqlite::{BreakOff, Copied, OpenError};
use serde_json::json;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::signal::unix::{SignalKind, signal};
use tokio::task::{JoinError, spawn_blocking};
use tokio::time::timeout;

/// Copies the database into a new file while the server serves. The copy is checked before it gets its name. The root secret is not in
/// it: keep it apart.
#[derive(Debug, Args)]
pub(crate) struct Backup {
    /// The file to make.
    file: PathBuf,
    #[command(flatten)]
    given: Given,
}

/// Whose the database is.
enum Owner {
    /// A server that says what it serves.
    Server(Served),
    /// Nobody: the copy is made.
    Nobody(Copied),
}

impl Backup {
    pub(crate) async fn run(self) -> Result<(), CliError> {
        let file = std::path::absolute(&self.file).map_err(CliError::file(&self.file))?;
        if file.symlink_metadata().is_ok() {
            let text = format!("{} exists already; a copy is a new file", file.display());
            return Err(CliError::already_exists(text));
        }
        let Copied { bytes, faults } = copied(&self.given.addressee()?, &file).await?;
        confirm(&json!({ "file": file, "bytes": bytes, "faults": faults }), self.given.json)
    }
}

async fn copied(addressee: &Addressee, file: &Path) -> Result<Copied, CliError> {
    let (from, to) = (&addressee.database, file.to_owned());
    let without_server = async || {
        addressee.refuse_missing()?;
        let (from, to) = (from.clone(), to.clone());
        unless_stopped(move |breaking| keyward_sqlite::copy(&from, &to, breaking)).await.map(Owner::Nobody)
    };
    match addressee.ask_or(Order::Served, served, without_server).await? {
        Owner::Nobody(copied) => Ok(copied),
        Owner::Server(served) => {
            let (from, to) = (from.clone(), to.clone());
            unless_stopped(move |breaking| keyward_sqlite::copy_served(&from, &to, &served, breaking)).await
        }
    }
}

fn served(told: Told) -> Result<Owner, CliError> {
    let read = match told {
        // Absent: it says nothing that can be read.
        Told::Done(value) => serde_json::from_value(value).ok(),
        Told::Shows(_) => None,
    };
    // Absent: nothing that it could be held against.
    read.map(Owner::Server)
        .ok_or_else(|| CliError::unavailable("the running server does not say what it serves"))
}

/// Makes a copy. A signal that ends the process ends the copy first, and leaves nothing of it.
async fn unless_stopped(
    copy: impl FnOnce(&BreakOff) -> Result<Copied, OpenError> + Send + 'static,
) -> Result<Copied, CliError> {
    let breaking = BreakOff::default();
    let followed = breaking.clone();
    let mut copying = spawn_blocking(move || copy(&followed));
    tokio::select! {
        done = &mut copying => return ended(done),
        () = comes(SignalKind::terminate()) => {}
        () = comes(SignalKind::interrupt()) => {}
    }
    loop {
        breaking.now();
        if let Ok(done) = timeout(PAUSE, &mut copying).await {
            return ended(done);
        }
    }
}

/// Between two tries to break a copy off.
const PAUSE: Duration = Duration::from_millis(50);

fn ended(done: Result<Result<Copied, OpenError>, JoinError>) -> Result<Copied, CliError> {
    Ok(done.map_err(|panic| CliError::unknown(panic.to_string()))??)
}

async fn comes(kind: SignalKind) {
    match signal(kind) {
        Ok(mut signal) => drop(signal.recv().await),
        // Absent: the process ends by it, and the next copy of that name takes away what is left.
        Err(_) => std::future::pending().await,
    }
}

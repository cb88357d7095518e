//! The Unix socket beside the database: one order a connection, as one line of JSON, and one line back.
//!
//! Whoever may connect may do everything, so the socket is for the server's own user from its first moment: it is made in a
//! private directory, gets mode 0600 there, and only then its place.

use super::carry_out;
use super::desk::Desk;
use super::order::Order;
use crate::cli::CliError;
use crate::files::directory_of;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::fs::{File, Permissions};
use std::io::{self, ErrorKind};
use std::os::fd::AsRawFd;
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio::task::JoinSet;
use tokio::time::timeout;

/// The longest line that is read.
const LINE: u64 = 64 * 1024;
/// How long the server waits for an order, and for its answer to be taken.
const PATIENCE: Duration = Duration::from_secs(15);
/// How long an order may take: a copy of a large database is the longest.
const WORK: Duration = Duration::from_secs(600);

/// Where the socket of a database is: beside the file itself, by whatever link it is named, and under its name, so that
/// two databases in one directory have two.
pub(crate) fn path(database: &Path) -> PathBuf {
    // Absent: a database that is not there has no link to follow.
    let mut path = database.canonicalize().unwrap_or_else(|_| database.to_owned()).into_os_string();
    path.push(".sock");
    PathBuf::from(path)
}

/// What the server says of an order. It can hold a secret that is shown once, so it is not printed otherwise.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Answer {
    Done(Value),
    Error(String),
}

/// Takes the socket. For the process that owns the database: what lies there is of one that is gone.
pub(crate) fn bind(path: &Path) -> io::Result<UnixListener> {
    match std::fs::symlink_metadata(path) {
        Ok(there) if !there.file_type().is_socket() => return Err(ErrorKind::AlreadyExists.into()),
        // Absent: nothing, or a socket; what cannot be looked at fails below.
        _ => {}
    }
    let directory = directory_of(path);
    let private = tempfile::Builder::new().prefix(".keyward-").tempdir_in(directory)?;
    let made = private.path().join("s");
    let within = File::open(private.path())?;
    let listener = UnixListener::bind(short(&within, &made))?;
    std::fs::set_permissions(&made, Permissions::from_mode(0o600))?;
    std::fs::rename(&made, path)?;
    Ok(listener)
}

/// The name of a socket in an open directory that is short enough for any system's limit (some 100 bytes), where there is
/// such a name: Linux has one for every open file.
fn short(directory: &File, path: &Path) -> PathBuf {
    match path.file_name() {
        Some(name) if cfg!(target_os = "linux") => {
            Path::new("/proc/self/fd").join(directory.as_raw_fd().to_string()).join(name)
        }
        // Absent: the long name; where that is too long, nothing listens.
        _ => path.to_owned(),
    }
}

/// Carries out the orders that come, for ever. When it is dropped, so are the orders that are being carried out: a copy is
/// broken off; a change that has begun is done or not, as a whole.
pub(crate) async fn serve(listener: UnixListener, desk: Arc<Desk>) {
    let mut working = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            // Takes those out that are done.
            Some(_) = working.join_next() => continue,
        };
        match accepted {
            Ok((stream, _)) => {
                let desk = Arc::clone(&desk);
                working.spawn(async move {
                    if let Err(error) = answer(stream, &desk).await {
                        tracing::debug!(%error, "an order was not answered");
                    }
                });
            }
            Err(error) => {
                tracing::warn!(%error, "an order could not be taken");
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
    }
}

async fn answer(mut stream: UnixStream, desk: &Desk) -> io::Result<()> {
    let mut line = String::new();
    let (read, mut write) = stream.split();
    timeout(PATIENCE, BufReader::new(read.take(LINE)).read_line(&mut line)).await??;
    let outcome = match serde_json::from_str::<Order>(&line) {
        Ok(order) => carry_out(desk, order).await.map_err(|error| error.to_string()),
        Err(_) => Err("the running server does not know this order; it may be of another version".to_owned()),
    };
    // Absent: never, an error is an answer too.
    let answer = serde_json::to_string(&outcome.map_or_else(Answer::Error, Answer::Done))?;
    timeout(PATIENCE, write.write_all(format!("{answer}\n").as_bytes())).await?
}

/// Gives an order to the running server; `None` when none runs.
pub(crate) async fn tell(path: &Path, order: &Order) -> Result<Option<Value>, CliError> {
    let connected = match File::open(directory_of(path)) {
        Ok(directory) => UnixStream::connect(short(&directory, path)).await,
        Err(error) => Err(error),
    };
    let mut stream = match connected {
        Ok(stream) => stream,
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::ConnectionRefused) => {
            return Ok(None);
        }
        Err(error) => return Err(CliError::Said(format!("{}: {error}", path.display()))),
    };
    let unanswered = |_| CliError::Said("the running server did not answer the order".to_owned());
    let line = serde_json::to_string(order).map_err(|error| CliError::Said(error.to_string()))?;
    let exchange = async {
        stream.write_all(format!("{line}\n").as_bytes()).await?;
        let mut answer = String::new();
        BufReader::new(stream).read_line(&mut answer).await?;
        Ok::<_, io::Error>(answer)
    };
    let answer = timeout(WORK, exchange).await.map_err(|_| unanswered(()))?.map_err(|_| unanswered(()))?;
    match serde_json::from_str(&answer).map_err(|_| unanswered(()))? {
        Answer::Done(done) => Ok(Some(done)),
        Answer::Error(error) => Err(CliError::Said(error)),
    }
}

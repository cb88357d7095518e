//! The Unix socket beside the database: one order a connection, as one line of JSON, and one line back.
//!
//! Whoever may connect may do everything, so the socket is for the server's own user from its first moment: it is made in a
//! private directory, gets mode 0600 there, and only then its place.

use super::addressed::Addressed;
use super::carry_out;
use super::desk::Desk;
use super::offers::offer;
use super::order::Order;
use super::shown_once::{By, Offer, Pending, Shows, Told};
use crate::cli::CliError;
use crate::files::directory_of;
use keyward_sqlite::Sqlite;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::fs::{File, Permissions};
use std::io::{self, ErrorKind};
use std::os::fd::AsRawFd;
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncBufRead, AsyncBufReadExt, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio::task::JoinSet;
use tokio::time::timeout;

/// The longest line that is read.
const LINE: u64 = 64 * 1024;
/// How long the server waits for an order, and for its answer to be taken.
const PATIENCE: Duration = Duration::from_secs(15);
/// How long a secret may take to be written out: where nobody reads, or the terminal is stopped, it is taken back.
const SHOWING: Duration = Duration::from_secs(60);
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
    /// It counts when its secret is written out: a [`Receipt`] is waited for, and answered.
    Shows(Value),
    Error(String),
}

/// What the command says of a secret that it was shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Receipt {
    Written,
    NotWritten,
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
pub(crate) async fn serve(listener: UnixListener, desk: Arc<Desk>, file: Arc<Sqlite>) {
    let mut working = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            // Takes those out that are done.
            Some(_) = working.join_next() => continue,
        };
        match accepted {
            Ok((stream, _)) => {
                let (desk, file) = (Arc::clone(&desk), Arc::clone(&file));
                working.spawn(async move {
                    if let Err(error) = answer(stream, &desk, &file).await {
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

async fn answer(mut stream: UnixStream, desk: &Desk, file: &Sqlite) -> io::Result<()> {
    let mut line = String::new();
    let (read, mut write) = stream.split();
    let mut read = BufReader::new(read.take(LINE));
    timeout(PATIENCE, read.read_line(&mut line)).await??;
    let outcome = match Addressed::read(&line, file) {
        Ok(Ok(Order::ShownOnce { of })) => match offer(desk, *of).await {
            Ok(Offer { shows, pending: Pending::Nothing }) => Ok(shows),
            Ok(offer) => shown(offer, desk, (&mut read, &mut write)).await,
            Err(error) => Err(error),
        },
        Ok(Ok(order)) => carry_out(desk, order).await,
        Ok(Err(refused)) => Err(refused),
        Err(_) => {
            let text = "the running server does not know this order; it may be of another version";
            Err(CliError::Said(text.to_owned()))
        }
    };
    // Absent: never, an error is an answer too.
    let answer = outcome.map_or_else(|error| Answer::Error(error.to_string()), Answer::Done);
    send(&mut write, &answer).await
}

async fn send(write: &mut (impl AsyncWrite + Unpin), answer: &Answer) -> io::Result<()> {
    let answer = serde_json::to_string(answer)?;
    timeout(PATIENCE, write.write_all(format!("{answer}\n").as_bytes())).await?
}

/// Has a secret shown. It counts if the command says that it was written out; whatever else happens, it does not.
async fn shown(
    Offer { shows, pending }: Offer,
    desk: &Desk,
    (read, write): (&mut (impl AsyncBufRead + Unpin), &mut (impl AsyncWrite + Unpin)),
) -> Result<Value, CliError> {
    let receipt = async {
        send(write, &Answer::Shows(shows)).await?;
        let mut line = String::new();
        timeout(SHOWING, read.read_line(&mut line)).await??;
        Ok::<Receipt, io::Error>(serde_json::from_str(&line)?)
    };
    match receipt.await {
        Ok(Receipt::Written) => pending.settle(desk).await.map(|()| Value::Null),
        Ok(Receipt::NotWritten) => pending.take_back(desk).await.map(Value::from),
        Err(error) => {
            let back = pending.take_back(desk).await?;
            tracing::warn!(%error, "a secret that an order showed was not written out, and does not count");
            Err(CliError::Said(format!("nobody said in time that the secret was written out, so {back}")))
        }
    }
}

/// A server that waits to hear what became of a secret.
pub(crate) struct Waiting(BufReader<UnixStream>);

impl Waiting {
    /// Tells it, and hears what it has done.
    pub(crate) async fn hears(mut self, written: bool) -> Result<Value, CliError> {
        let receipt = if written { Receipt::Written } else { Receipt::NotWritten };
        let line = serde_json::to_string(&receipt).map_err(|error| CliError::Said(error.to_string()))?;
        match ask(&mut self.0, &line).await? {
            Answer::Done(done) => Ok(done),
            Answer::Error(error) => Err(CliError::Said(error)),
            Answer::Shows(_) => Err(unanswered()),
        }
    }
}

fn unanswered() -> CliError {
    CliError::Said("the running server did not answer the order".to_owned())
}

/// Sends a line, and reads the answer.
async fn ask(stream: &mut BufReader<UnixStream>, line: &str) -> Result<Answer, CliError> {
    let exchange = async {
        stream.write_all(format!("{line}\n").as_bytes()).await?;
        let mut answer = String::new();
        stream.read_line(&mut answer).await?;
        Ok::<_, io::Error>(answer)
    };
    let answer = timeout(WORK, exchange).await.map_err(|_| unanswered())?.map_err(|_| unanswered())?;
    serde_json::from_str(&answer).map_err(|_| unanswered())
}

/// Gives an order to the running server; `None` when none runs.
pub(crate) async fn tell(database: &Path, order: Order) -> Result<Option<Told>, CliError> {
    let path = &path(database);
    let connected = match File::open(directory_of(path)) {
        Ok(directory) => UnixStream::connect(short(&directory, path)).await,
        Err(error) => Err(error),
    };
    let stream = match connected {
        Ok(stream) => stream,
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::ConnectionRefused) => {
            return Ok(None);
        }
        Err(error) => return Err(CliError::Said(format!("{}: {error}", path.display()))),
    };
    let line = serde_json::to_string(&Addressed::new(database, order))
        .map_err(|error| CliError::Said(error.to_string()))?;
    let mut stream = BufReader::new(stream);
    match ask(&mut stream, &line).await? {
        Answer::Done(done) => Ok(Some(Told::Done(done))),
        Answer::Shows(value) => Ok(Some(Told::Shows(Shows { value, by: By::Server(Waiting(stream)) }))),
        Answer::Error(error) => Err(CliError::Said(error)),
    }
}

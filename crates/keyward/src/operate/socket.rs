//! The Unix socket of the orders: one order a connection, as one line of JSON, and one line back.

use super::addressed::Addressed;
use super::carry_out;
use super::desk::Desk;
use super::offers::offer;
use super::order::Order;
use super::os_user;
use super::shown_once::{By, Offer, Pending, Shows, Told};
use super::socket_place::SocketPlace;
use crate::cli::{CliError, Exit};
use keyward_sqlite::Sqlite;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::io::{self, ErrorKind};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncBufRead, AsyncBufReadExt, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio::task::JoinSet;
use tokio::time::timeout;

/// The longest line that is read. A command line of the system's greatest length fits, but for what JSON has to escape: so a text
/// that is too long is refused by its own rule.
const LINE: u64 = 4 * 1024 * 1024;
const TOO_LONG: &str = "an order has at most 4 MiB";
/// How long the server waits for an order, and for its answer to be taken.
const PATIENCE: Duration = Duration::from_secs(15);
/// How long a secret may take to be written out: where nobody reads, or the terminal is stopped, it is taken back.
const SHOWING: Duration = Duration::from_secs(60);
/// How long an order may take: a copy of a large database is the longest.
const WORK: Duration = Duration::from_secs(600);

/// What the server says of an order. It can hold a secret that is shown once, so it is not printed otherwise.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Answer {
    Done(Value),
    /// It counts when its secret is written out: a [`Receipt`] is waited for, and answered.
    Shows(Value),
    Error(Failed),
}

/// Why an order was not carried out, and how its command ends.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Failed {
    /// It was refused. Servers and commands of an earlier version know no other.
    Refused(String),
    Ended {
        exit: Exit,
        text: String,
    },
}

impl Failed {
    fn of(error: &CliError) -> Self {
        match error.exit() {
            Exit::Refused => Self::Refused(error.to_string()),
            exit => Self::Ended { exit, text: error.to_string() },
        }
    }

    fn error(self) -> CliError {
        match self {
            Self::Refused(text) => CliError::Said(text),
            Self::Ended { exit, text } => CliError::Ended(exit, text),
        }
    }
}

/// What the command says of a secret that it was shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Receipt {
    Written,
    NotWritten,
}

/// Carries out the orders that come, for ever. When it is dropped, so are the orders that are being carried out: a copy is
/// broken off; a change that has begun is done or not, as a whole.
pub(crate) async fn serve(listener: &UnixListener, desk: Arc<Desk>, file: Arc<Sqlite>) {
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
    let desk = &desk.with(os_user::of_peer(&stream));
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
        Err(_) if !line.ends_with('\n') => Err(CliError::usage(TOO_LONG)),
        Err(_) => {
            let text = "the running server does not know this order; it may be of another version";
            Err(CliError::unavailable(text))
        }
    };
    // Absent: never, an error is an answer too.
    let answer = outcome.map_or_else(|error| Answer::Error(Failed::of(&error)), Answer::Done);
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
            Err(CliError::unavailable(format!(
                "nobody said in time that the secret was written out, so {back}"
            )))
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
            Answer::Error(failed) => Err(failed.error()),
            Answer::Shows(_) => Err(unanswered()),
        }
    }
}

/// Of an order that was sent.
fn unanswered() -> CliError {
    CliError::unknown("the running server did not answer the order, which may have been carried out")
}

/// Of an order that only looks, and that is sent again without harm.
fn unread(error: CliError) -> CliError {
    match error {
        CliError::Ended(Exit::Unknown, _) => CliError::unavailable("the running server did not answer"),
        other => other,
    }
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

/// A connection to the running server; `None` when none runs.
async fn connect(place: &SocketPlace) -> Result<Option<UnixStream>, CliError> {
    match place.connect().await {
        Ok(stream) => Ok(Some(stream)),
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::ConnectionRefused) => Ok(None),
        Err(error) => Err(CliError::file(place.path())(error)),
    }
}

/// Refuses where a server listens: what is put beside it would not be what it serves.
pub(crate) async fn refuse_listening(place: &SocketPlace) -> Result<(), CliError> {
    if connect(place).await?.is_none() {
        return Ok(());
    }
    let at = place.path().display();
    Err(CliError::unavailable(format!("a server runs and listens at {at}: stop it first")))
}

/// Gives an order for this database to the server that listens there; `None` when none does.
pub(crate) async fn tell(
    place: &SocketPlace,
    database: &Path,
    order: Order,
) -> Result<Option<Told>, CliError> {
    let Some(stream) = connect(place).await? else { return Ok(None) };
    let only_reads = order.only_reads();
    let line = serde_json::to_string(&Addressed::new(database, order))
        .map_err(|error| CliError::Said(error.to_string()))?;
    if line.len() as u64 >= LINE {
        return Err(CliError::usage(TOO_LONG));
    }
    let mut stream = BufReader::new(stream);
    let answer = ask(&mut stream, &line).await;
    match if only_reads { answer.map_err(unread)? } else { answer? } {
        Answer::Done(done) => Ok(Some(Told::Done(done))),
        Answer::Shows(value) => Ok(Some(Told::Shows(Shows { value, by: By::Server(Waiting(stream)) }))),
        Answer::Error(failed) => Err(failed.error()),
    }
}

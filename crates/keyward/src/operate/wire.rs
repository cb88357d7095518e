//! What an order and its answer are on the socket: a line of JSON each.

use super::error::AdminError;
use crate::exit::Exit;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::io;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::UnixStream;
use tokio::time::timeout;

/// The longest line that is read. A command line of the system's greatest length fits, but for what JSON has to escape: so a text
/// that is too long is refused by its own rule.
pub(super) const LINE: u64 = 4 * 1024 * 1024;
pub(super) const TOO_LONG: &str = "an order has at most 4 MiB";
/// How long an order may take: a copy of a large database is the longest.
const WORK: Duration = Duration::from_secs(600);

/// What the server says of an order. It can hold a secret that is shown once, so it is not printed otherwise.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Answer {
    Done(Value),
    /// It counts when its secret is written out: a [`Receipt`] is waited for, and answered.
    Shows(Value),
    Error(Failed),
}

/// Why an order was not carried out, and how its command ends.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
pub(super) enum Failed {
    /// It was refused. Servers and commands of an earlier version know no other.
    Refused(String),
    Ended {
        exit: Exit,
        text: String,
    },
}

impl Failed {
    pub(super) fn of(error: &AdminError) -> Self {
        match error.exit() {
            Exit::Refused => Self::Refused(error.to_string()),
            exit => Self::Ended { exit, text: error.to_string() },
        }
    }

    pub(super) fn error(self) -> AdminError {
        match self {
            Self::Refused(text) => AdminError::Answered { exit: Exit::Refused, text },
            Self::Ended { exit, text } => AdminError::Answered { exit, text },
        }
    }
}

/// What the command says of a secret that it was shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Receipt {
    Written,
    NotWritten,
}

/// A server that waits to hear what became of a secret.
pub(crate) struct Waiting(pub(super) BufReader<UnixStream>);

impl Waiting {
    /// Tells it, and hears what it has done.
    pub(crate) async fn hears(mut self, written: bool) -> Result<Value, AdminError> {
        let receipt = if written { Receipt::Written } else { Receipt::NotWritten };
        let line = serde_json::to_string(&receipt).map_err(AdminError::failed)?;
        match ask(&mut self.0, &line).await? {
            Answer::Done(done) => Ok(done),
            Answer::Error(failed) => Err(failed.error()),
            Answer::Shows(_) => Err(unanswered()),
        }
    }
}

/// Of an order that was sent.
fn unanswered() -> AdminError {
    AdminError::Unanswered("the running server did not answer the order, which may have been carried out")
}

/// Sends a line, and reads the answer.
pub(super) async fn ask(stream: &mut BufReader<UnixStream>, line: &str) -> Result<Answer, AdminError> {
    let exchange = async {
        stream.write_all(format!("{line}\n").as_bytes()).await?;
        let mut answer = String::new();
        stream.read_line(&mut answer).await?;
        Ok::<_, io::Error>(answer)
    };
    let answer = timeout(WORK, exchange).await.map_err(|_| unanswered())?.map_err(|_| unanswered())?;
    serde_json::from_str(&answer).map_err(|_| unanswered())
}

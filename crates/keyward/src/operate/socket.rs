//! The Unix socket of the orders: one order a connection, as one line of JSON, and one line back.

use super::addressed::Addressed;
use super::carry_out;
use super::desk::Desk;
use super::error::AdminError;
use super::offer::{Offer, Pending};
use super::offers::offer;
use super::order::Order;
use super::os_user;
use super::wire::{Answer, Failed, LINE, Receipt, TOO_LONG};
use keyward_sqlite::Sqlite;
use serde_json::Value;
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncBufRead, AsyncBufReadExt, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio::task::JoinSet;
use tokio::time::timeout;

/// How long the server waits for an order, and for its answer to be taken.
const PATIENCE: Duration = Duration::from_secs(15);
/// How long a secret may take to be written out: where nobody reads, or the terminal is stopped, it is taken back.
const SHOWING: Duration = Duration::from_secs(60);
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
        Err(_) if !line.ends_with('\n') => Err(AdminError::malformed(TOO_LONG)),
        Err(_) => {
            let text = "the running server does not know this order; it may be of another version";
            Err(AdminError::unavailable(text))
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
) -> Result<Value, AdminError> {
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
            Err(AdminError::unavailable(format!(
                "nobody said in time that the secret was written out, so {back}"
            )))
        }
    }
}

//! Giving an order to the running server.

use super::addressed::Addressed;
use super::error::AdminError;
use super::order::Order;
use super::shown_once::{By, Shows, Told};
use super::socket_place::SocketPlace;
use super::wire::{Answer, LINE, TOO_LONG, Waiting, ask};
use crate::files::FileError;
use std::io::ErrorKind;
use std::path::Path;
use tokio::io::BufReader;
use tokio::net::UnixStream;

/// A connection to the running server; `None` when none runs.
async fn connect(place: &SocketPlace) -> Result<Option<UnixStream>, AdminError> {
    match place.connect().await {
        Ok(stream) => Ok(Some(stream)),
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::ConnectionRefused) => Ok(None),
        Err(error) => Err(FileError::at(place.path())(error).into()),
    }
}

/// Refuses where a server listens: what is put beside it would not be what it serves.
pub(crate) async fn refuse_listening(place: &SocketPlace) -> Result<(), AdminError> {
    if connect(place).await?.is_none() {
        return Ok(());
    }
    let at = place.path().display();
    Err(AdminError::unavailable(format!("a server runs and listens at {at}: stop it first")))
}

/// Gives an order for this database to the server that listens there; `None` when none does.
pub(crate) async fn tell(
    place: &SocketPlace,
    database: &Path,
    order: Order,
) -> Result<Option<Told>, AdminError> {
    let Some(stream) = connect(place).await? else { return Ok(None) };
    let only_reads = order.only_reads();
    let line = serde_json::to_string(&Addressed::new(database, order)).map_err(AdminError::failed)?;
    if line.len() as u64 >= LINE {
        return Err(AdminError::malformed(TOO_LONG));
    }
    let mut stream = BufReader::new(stream);
    let answer = ask(&mut stream, &line).await;
    match if only_reads { answer.map_err(unread)? } else { answer? } {
        Answer::Done(done) => Ok(Some(Told::Done(done))),
        Answer::Shows(value) => Ok(Some(Told::Shows(Shows { value, by: By::Server(Waiting(stream)) }))),
        Answer::Error(failed) => Err(failed.error()),
    }
}

/// Of an order that only looks, and that is sent again without harm.
fn unread(error: AdminError) -> AdminError {
    match error {
        AdminError::Unanswered(_) => AdminError::unavailable("the running server did not answer"),
        other => other,
    }
}

//! Orders whose answer shows a secret once. What the secret stands for counts when the command has written it out and says so, and
//! not before: a secret that reached nobody opens nothing, whatever ended the command or the server on the way.
//!
//! 1. The order is looked at, and made as far as that gives nobody anything: [`Offer`].
//! 2. The command writes the answer out, over the socket or on the file alike.
//! 3. It says that it has, and the secret counts; or that it could not, or nothing more, and what was made is taken back.

use super::desk::Desk;
use super::error::AdminError;
use super::offer::{Offer, Pending};
use super::wire::Waiting;
use serde_json::Value;

impl Offer {
    /// What shows no secret is done.
    pub(crate) fn told(self, by: impl FnOnce(Pending) -> By) -> Told {
        match self.pending {
            Pending::Nothing => Told::Done(self.shows),
            pending => Told::Shows(Shows { value: self.shows, by: by(pending) }),
        }
    }
}

/// What an order came to.
pub(crate) enum Told {
    /// It is done.
    Done(Value),
    /// It is done when the secret in its answer is written out.
    Shows(Shows),
}

/// An answer with a secret, and who waits to hear what became of it.
pub(crate) struct Shows {
    pub(crate) value: Value,
    pub(crate) by: By,
}

/// Who carries an order out.
pub(crate) enum By {
    /// The running server.
    Server(Waiting),
    /// This command, on the file.
    File(Box<(Desk, Pending)>),
}

impl By {
    /// The secret was written out.
    pub(crate) async fn written(self) -> Result<(), AdminError> {
        match self {
            Self::Server(waiting) => waiting.hears(true).await.map(drop),
            Self::File(own) => own.1.settle(&own.0).await,
        }
    }

    /// It could not be; what was taken back.
    pub(crate) async fn not_written(self) -> Result<String, AdminError> {
        match self {
            Self::Server(waiting) => {
                let back = waiting.hears(false).await?;
                // Absent: the server has said no more than that it is done.
                Ok(back.as_str().unwrap_or("what was made is taken back").to_owned())
            }
            Self::File(own) => own.1.take_back(&own.0).await,
        }
    }
}

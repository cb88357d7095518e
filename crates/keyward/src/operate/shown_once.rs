//! Orders whose answer shows a secret once. What the secret stands for counts when the command has written it out and says so, and
//! not before: a secret that reached nobody opens nothing, whatever ended the command or the server on the way.
//!
//! 1. The order is looked at, and made as far as that gives nobody anything: [`Offer`].
//! 2. The command writes the answer out, over the socket or on the file alike.
//! 3. It says that it has, and the secret counts; or that it could not, or nothing more, and what was made is taken back.

use super::desk::Desk;
use super::offers::offer;
use super::order::Order;
use super::socket::Waiting;
use crate::cli::CliError;
use keyward_core::api_key::NewSecret;
use keyward_core::clock::Timestamp;
use keyward_core::id::KeyId;
use keyward_core::oauth::Client;
use keyward_core::write::client::CreateClient;
use keyward_core::write::key::{ActivateKey, RevokeKey, RotateKey};
use keyward_core::write::link::IssueLink;
use keyward_core::write::user::AddUser;
use serde_json::Value;

/// What an order shows, and what counts once it is shown. It holds a secret, so it is not printed otherwise.
pub(crate) struct Offer {
    pub(crate) shows: Value,
    pub(crate) pending: Pending,
}

/// What waits for its secret to be written out.
pub(crate) enum Pending {
    /// A key that has no secret yet.
    Key { key: KeyId, secret: NewSecret },
    /// Another secret of a key. `previous_until`: the end of the one before, in its grace; `None`: at once.
    Rotation { key: KeyId, previous_until: Option<Timestamp>, secret: NewSecret },
    /// An application.
    Client(Client),
    /// A link; `invited`: it comes with an invitation.
    Link { link: IssueLink, invited: bool },
    /// A user with a password, of whom so far nothing is there.
    User(AddUser),
    /// Nothing: no secret is shown.
    Nothing,
}

impl Offer {
    /// What shows no secret is done.
    pub(crate) fn told(self, by: impl FnOnce(Pending) -> By) -> Told {
        match self.pending {
            Pending::Nothing => Told::Done(self.shows),
            pending => Told::Shows(Shows { value: self.shows, by: by(pending) }),
        }
    }
}

impl Pending {
    /// The secret was written out: it counts from now on.
    pub(crate) async fn settle(self, desk: &Desk) -> Result<(), CliError> {
        let operator = &desk.operator();
        match self {
            Self::Key { key, secret } => operator.commit(ActivateKey { key, secret }).await.map(drop),
            Self::Rotation { key, previous_until, secret } => {
                let left = |end: Timestamp| end.unix().saturating_sub(desk.clock.now().unix()).max(0);
                // Absent: the secret before has no grace.
                let grace_seconds = previous_until.map_or(0, left);
                let as_sent = key.to_string();
                operator.commit(RotateKey { key: Some(key), as_sent, grace_seconds, secret }).await.map(drop)
            }
            Self::Client(client) => operator.commit(CreateClient(client)).await.map(drop),
            Self::Link { link, .. } => operator.commit(link).await.map(drop),
            Self::User(user) => operator.commit(user).await.map(drop),
            Self::Nothing => Ok(()),
        }
    }

    /// The secret reached nobody: takes back what was made for it; what became of that.
    pub(crate) async fn take_back(self, desk: &Desk) -> Result<String, CliError> {
        Ok(match self {
            Self::Key { key, .. } => {
                let as_sent = key.to_string();
                desk.operator().commit(RevokeKey { key: Some(key), as_sent, descendants: false }).await?;
                format!("key {key} is revoked")
            }
            Self::Rotation { key, .. } => format!("key {key} keeps the secret that it has"),
            Self::Client(_) => "the application is not made known".to_owned(),
            Self::Link { invited: true, .. } => "the invitation stands without a link".to_owned(),
            Self::Link { invited: false, .. } => "no link is made".to_owned(),
            Self::User(AddUser { user, .. }) => format!("{} is not made a user", user.email),
            Self::Nothing => "nothing is taken back".to_owned(),
        })
    }
}

/// Carries such an order out for a command of an earlier version, which does not say what became of the secret.
pub(super) async fn at_once(desk: &Desk, order: Order) -> Result<Value, CliError> {
    let Offer { shows, pending } = offer(desk, order).await?;
    pending.settle(desk).await?;
    Ok(shows)
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
    pub(crate) async fn written(self) -> Result<(), CliError> {
        match self {
            Self::Server(waiting) => waiting.hears(true).await.map(drop),
            Self::File(own) => own.1.settle(&own.0).await,
        }
    }

    /// It could not be; what was taken back.
    pub(crate) async fn not_written(self) -> Result<String, CliError> {
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

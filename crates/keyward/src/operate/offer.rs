//! What an order shows once, and what counts once it is shown.

use super::desk::Desk;
use super::error::AdminError;
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

impl Pending {
    /// The secret was written out: it counts from now on.
    pub(crate) async fn settle(self, desk: &Desk) -> Result<(), AdminError> {
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
    pub(crate) async fn take_back(self, desk: &Desk) -> Result<String, AdminError> {
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

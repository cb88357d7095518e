//! An OAuth client: made known by the operator or by itself, and taken away.

use crate::address::ClientAddress;
use crate::effect::{Effect, Rendered, Subject};
use crate::oauth::Client;
use crate::opaque::TokenDigest;
use crate::permit::{Administer, Register};
use serde_json::{Value, json};
use std::sync::Arc;

fn of_client(id: i64) -> Subject {
    Subject { kind: "oauth_client", id, account: None }
}

/// The operator makes a client known.
#[derive(Clone, Debug)]
pub struct CreateClient(pub Client);

/// An application makes itself known (RFC 7591). The same public metadata again are the same client.
#[derive(Clone, Debug)]
pub struct RegisterClient {
    /// The client, if it is a new one.
    pub client: Client,
    /// The digest of its metadata, if it is a public client.
    pub same: Option<TokenDigest>,
    /// Where it came from; clients of one network share a part of the room.
    pub network: ClientAddress,
    /// The most registered clients there may be.
    pub most: u32,
    /// The most of one network that nobody has used yet.
    pub share: u32,
}

/// A client goes, and all its grants with it. Of one that is a document, which nobody here can take away, the grants go.
#[derive(Clone, Debug)]
pub struct DeleteClient {
    /// Its `client_id`.
    pub id: Arc<str>,
}

/// A client is gone.
#[derive(Clone, Debug)]
pub struct ClientDeleted {
    /// The id of its row; a client that is a document has none.
    pub row: Option<i64>,
    /// Its `client_id`.
    pub id: Arc<str>,
    /// How many of its grants ended.
    pub grants: usize,
}

impl Effect for CreateClient {
    type Action = Administer;
    type Done = (i64, Client);
    const AUDIT: &'static str = "oauth_client.create";

    fn subject((row, _): &Self::Done) -> Subject {
        of_client(*row)
    }

    fn detail((_, client): &Self::Done) -> Option<Value> {
        Some(json!({ "client_id": &*client.id, "name": client.name }))
    }

    fn render(_: &Self::Done) -> Rendered {
        Rendered::empty()
    }
}

impl Effect for RegisterClient {
    type Action = Register;
    /// The row, the client, and whether it is new and took nobody's place: a flood that pushes out its own registrations
    /// leaves no rows in the audit trail.
    type Done = (i64, Client, bool);
    const AUDIT: &'static str = "oauth_client.register";
    const ATTEMPT: bool = true;

    fn subject((row, ..): &Self::Done) -> Subject {
        of_client(*row)
    }

    fn changed((_, _, new): &Self::Done) -> bool {
        *new
    }

    fn detail((_, client, _): &Self::Done) -> Option<Value> {
        Some(json!({ "client_id": &*client.id, "name": client.name }))
    }

    fn render(_: &Self::Done) -> Rendered {
        Rendered::empty()
    }
}

impl Effect for DeleteClient {
    type Action = Administer;
    type Done = ClientDeleted;
    const AUDIT: &'static str = "oauth_client.delete";

    fn ends(_: &ClientDeleted) -> bool {
        true
    }

    fn subject(done: &ClientDeleted) -> Subject {
        // Absent: the trail names the client by its id alone, which stands beside it.
        of_client(done.row.unwrap_or(0))
    }

    fn detail(done: &ClientDeleted) -> Option<Value> {
        Some(json!({ "client_id": &*done.id, "grants_ended": done.grants }))
    }

    fn render(_: &ClientDeleted) -> Rendered {
        Rendered::empty()
    }
}

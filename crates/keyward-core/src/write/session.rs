//! The session of a person's browser: begun by a password, ended by itself; and sign-ins that failed.

use crate::effect::{Effect, Rendered, Subject};
use crate::id::UserId;
use crate::opaque::TokenDigest;
use crate::password::Proof;
use crate::permit::{Administer, EndSignIns, Present};
use crate::session::Session;
use serde_json::{Value, json};

/// Begins a session of whoever proved a password.
#[derive(Debug)]
pub struct StartSession {
    /// The proof.
    pub proof: Proof,
    /// The digest of the new token.
    pub digest: TokenDigest,
}

impl Effect for StartSession {
    type Action = Present;
    type Done = Session;
    const AUDIT: &'static str = "user.sign_in";

    fn subject(done: &Session) -> Subject {
        Subject::user(done.user)
    }

    fn actor(done: &Session) -> Option<UserId> {
        Some(done.user)
    }

    fn detail(done: &Session) -> Option<Value> {
        Some(json!({ "session_id": done.id }))
    }

    fn render(_: &Session) -> Rendered {
        Rendered::empty()
    }
}

/// Ends the session that asks for it.
#[derive(Clone, Copy, Debug)]
pub struct EndSession;

impl Effect for EndSession {
    type Action = EndSignIns;
    type Done = UserId;
    const AUDIT: &'static str = "user.sign_out";
    const IN_ACCOUNT: bool = false;

    fn ends(_: &UserId) -> bool {
        true
    }

    fn subject(done: &UserId) -> Subject {
        Subject::user(*done)
    }

    fn render(_: &UserId) -> Rendered {
        Rendered::empty()
    }
}

/// Sign-ins that failed within about a minute, at one user's address or at addresses that are nobody's. They are written
/// together, so that no guess costs a write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoteFailedSignIns {
    /// Whose password was tried; `None`: the addresses of no user, or of the users that had fewest.
    pub user: Option<UserId>,
    /// Wrong passwords.
    pub wrong: u64,
    /// Tries that were not looked at, because of those before.
    pub refused: u64,
    /// The networks that they came from, as far as they were told apart.
    pub networks: usize,
}

impl Effect for NoteFailedSignIns {
    type Action = Administer;
    type Done = Self;
    const AUDIT: &'static str = "sign_in.failed";
    const ATTEMPT: bool = true;
    const IN_ACCOUNT: bool = false;

    fn subject(done: &Self) -> Subject {
        // Absent: the trail names nobody; the e-mail address stands beside it.
        Subject::user(done.user.unwrap_or(UserId(0)))
    }

    fn detail(done: &Self) -> Option<Value> {
        Some(json!({ "wrong": done.wrong, "refused": done.refused, "networks": done.networks }))
    }

    fn render(_: &Self) -> Rendered {
        Rendered::empty()
    }
}

//! The steps of a rotation that a store takes. Between them the secret's file is replaced, so that at no moment the store
//! asks for a version that the file does not have.

use crate::effect::{Effect, Rendered, Subject};
use crate::permit::Administer;
use serde_json::json;

/// The store no longer belongs to this version: nothing of it is left there.
#[derive(Clone, Copy, Debug)]
pub struct RetireVersion {
    /// The older of two versions. Keys that are still on it are a reason to refuse.
    pub version: u32,
    /// Whether answers of idempotent writes that are kept under it are given up: a repetition is then a new write. Else they
    /// are a reason to refuse too.
    pub forget_answers: bool,
}

/// A version is retired.
#[derive(Clone, Debug)]
pub struct VersionRetired {
    /// Which.
    pub version: u32,
    /// Whether the store still belonged to it.
    pub now: bool,
}

/// The store belongs to this version too.
#[derive(Clone, Debug)]
pub struct AddVersion {
    /// The new version.
    pub version: u32,
    /// Its check value.
    pub check: String,
}

fn subject(version: u32) -> Subject {
    Subject { kind: "root_secret", id: i64::from(version), account: None }
}

impl Effect for RetireVersion {
    type Action = Administer;
    type Done = VersionRetired;
    const AUDIT: &'static str = "root_secret.retire";

    fn subject(done: &VersionRetired) -> Subject {
        subject(done.version)
    }

    fn changed(done: &VersionRetired) -> bool {
        done.now
    }

    fn render(done: &VersionRetired) -> Rendered {
        Rendered::ok(&json!({ "version": done.version }))
    }
}

impl Effect for AddVersion {
    type Action = Administer;
    type Done = u32;
    const AUDIT: &'static str = "root_secret.add";

    fn subject(done: &u32) -> Subject {
        subject(*done)
    }

    fn render(done: &u32) -> Rendered {
        Rendered::ok(&json!({ "version": done }))
    }
}

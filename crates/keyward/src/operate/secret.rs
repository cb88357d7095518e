//! The rotation of the root secret, in steps of which each leaves a store and a file that fit:
//!
//! 1. the store gives up the older version, if there are two: no key may be on it any more;
//! 2. the file is replaced by one with the current version and the next;
//! 3. the store takes the next version, and from then on everything new is made with it.
//!
//! A start after a crash between two steps finds a store whose versions are all in the file, and takes the rest of them up.

use super::desk::Desk;
use super::error::AdminError;
use crate::secret_file;
use keyward_core::id::KeyId;
use keyward_core::root_secret::RootSecret;
use keyward_core::write::key::RevokeKey;
use keyward_core::write::root_secret::{AddVersion, RetireVersion};
use serde_json::{Value, json};

/// What is done when the store does not take the next version.
const IN_FILE: &str = "the next version is in the file, which the next start takes up";

/// An error, after something that is done already if that is named.
fn after(done: Option<&str>, error: AdminError) -> AdminError {
    match done {
        Some(done) => error.in_part(done),
        None => error,
    }
}

/// Makes the next version.
pub(super) async fn rotate(desk: &Desk, revoke_unmoved: bool) -> Result<Value, AdminError> {
    let _turn = desk.rotating.lock().await;
    let file = desk.secret_file.as_deref().ok_or_else(|| {
        let text =
            "the root secret comes from KEYWARD_ROOT_SECRET; keep it in a file ([secrets] file) to rotate it";
        AdminError::refused(text)
    })?;
    let now = secret_file::read_file(file)?;
    if now.current() != desk.ring.version() {
        let text =
            "the root secret's file is not the one that the server started with; restart the server first";
        return Err(AdminError::refused(format!("{}: {text}", file.display())));
    }
    // Secrets that were presented a moment ago have their move coming.
    let moves = desk.store.directory().take_moves();
    desk.store.move_digests(moves).await?;
    let operator = desk.operator();
    let mut revoked = Vec::new();
    if let Some(version) = now.older() {
        if revoke_unmoved {
            revoked = revoke(desk).await?;
        }
        let done = if revoked.is_empty() { None } else { Some("keys that had not moved are revoked") };
        let retired = operator.commit(RetireVersion { version, forget_answers: revoke_unmoved }).await;
        retired.map_err(|error| after(done, error))?;
    }
    let next = now.next(&*desk.random).map_err(AdminError::failed)?;
    let done = now.older().map(|_| "the older version is given up");
    secret_file::replace(file, &next).map_err(|error| after(done, error.into()))?;
    let added = operator.commit(AddVersion { version: next.current(), check: check_of(&next)? }).await;
    added.map_err(|error| error.in_part(IN_FILE))?;
    // Before requests can move their keys, so that the count is that of this moment, whatever goes on meanwhile.
    let unmoved = unmoved(desk, next.current());
    desk.ring.take_up(&next);
    desk.cursors.take_up(&next);
    desk.claims.take_up(&next);
    desk.sign_in.take_up(&next);
    let signing = desk.signing().once().await;
    signing.map_err(|error| AdminError::failed(error).in_part("the root secret is rotated"))?;
    Ok(json!({
        "version": next.current(),
        "older": next.older(),
        "revoked_keys": revoked,
        "unmoved_keys": unmoved,
    }))
}

/// Revokes the keys that have not moved, each as by an order of its own.
async fn revoke(desk: &Desk) -> Result<Vec<KeyId>, AdminError> {
    let unmoved = desk.store.directory().read().unmoved(desk.ring.version(), desk.clock.now());
    for (number, key) in unmoved.iter().enumerate() {
        let effect = RevokeKey { key: Some(*key), as_sent: key.to_string(), descendants: false };
        let done = if number == 0 { None } else { Some("some keys that had not moved are revoked") };
        desk.operator().commit(effect).await.map_err(|error| after(done, error))?;
    }
    Ok(unmoved.into_iter().collect())
}

fn check_of(secret: &RootSecret) -> Result<String, AdminError> {
    let current = secret.check_values().into_iter().find(|(version, _)| *version == secret.current());
    current
        .map(|(_, check)| check)
        .ok_or_else(|| AdminError::refused("the root secret has no version".to_owned()))
}

/// What there is.
pub(super) async fn status(desk: &Desk) -> Value {
    // As above. What cannot be written now moves with the next use of its key, and is counted until then.
    if let Err(error) = desk.store.move_digests(desk.store.directory().take_moves()).await {
        tracing::warn!(%error, "keys could not be moved to the current root secret yet");
    }
    let version = desk.ring.version();
    json!({ "version": version, "unmoved_keys": unmoved(desk, version) })
}

/// How many keys have not moved to `version` yet.
fn unmoved(desk: &Desk, version: u32) -> usize {
    desk.store.directory().read().unmoved(version, desk.clock.now()).len()
}

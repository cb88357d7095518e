//! `POST /api-keys/{key_id}/rotate`: a new secret for the same key; the old one lives on for a grace.

use crate::call::Call;
use crate::problem::Problem;
use keyward_core::denial::Denial;
use keyward_core::id::KeyId;
use keyward_core::input::Fields;
use keyward_core::json::Json;
use keyward_core::permit::{ManageKeys, Permit};
use keyward_core::write::key::RotateKey;

/// The longest grace, in seconds: a week.
const MAX_GRACE: i64 = 604_800;
/// A credential that rotates itself keeps at least this many seconds to learn its new secret.
const MIN_OWN_GRACE: i64 = 60;
/// And this many if it does not say.
const OWN_GRACE: i64 = 300;

pub(crate) fn handle(call: &Call, permit: &Permit<ManageKeys>) -> Result<RotateKey, Problem> {
    let key = KeyId::parse(call.path_id());
    let itself = match key {
        Some(key) => permit.principal()?.credential.is_key(key),
        None => false,
    };
    // Generated clients of Go, Java and Rust that are given no body write null for it.
    let body = call.body_if_any().filter(|body| **body != Json::Null);
    let grace_seconds = grace(body, itself)?;
    let secret = call.mint()?;
    Ok(RotateKey { key, as_sent: call.path_id().to_owned(), grace_seconds, secret })
}

/// Takes the members of the body.
pub(crate) fn take(fields: &mut Fields<'_>) -> Option<i64> {
    fields.integer("grace_seconds", 0..=MAX_GRACE).value()
}

fn grace(body: Option<&Json>, itself: bool) -> Result<i64, Denial> {
    let default = if itself { OWN_GRACE } else { 0 };
    let Some(body) = body else { return Ok(default) };
    let mut fields = Fields::of(body).map_err(Denial::Invalid)?;
    let grace = take(&mut fields);
    if itself && grace.is_some_and(|grace| grace < MIN_OWN_GRACE) {
        let rule = format!("grace_seconds must be at least {MIN_OWN_GRACE} when a key rotates itself");
        fields.fail("grace_seconds", rule);
    }
    fields.finish().map_err(Denial::Invalid)?;
    // Absent: the least that there is: none, or of a key that rotates itself, enough to learn its new secret.
    Ok(grace.unwrap_or(default))
}

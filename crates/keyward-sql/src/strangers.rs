//! Users of whom nothing but an address was ever known. An account can invite without end, so they do not stay.

use crate::error::is_constraint;
use crate::params;
use crate::rows;
use crate::tx::Tx;
use keyward_core::clock::Timestamp;
use keyward_core::id::UserId;
use keyward_core::live::Change;
use keyward_core::store::StoreError;

/// Of whom nothing but an address was ever known, and whom nothing waits for: no invitation, no link.
const STRANGER: &str =
    "u.first_name = '' AND u.last_name = '' AND u.title IS NULL AND u.password_hash IS NULL
    AND u.disabled_at IS NULL AND u.last_login_at IS NULL
    AND NOT EXISTS (SELECT 1 FROM memberships m WHERE m.user_id = u.id)
    AND NOT EXISTS (SELECT 1 FROM identities i WHERE i.user_id = u.id)
    AND NOT EXISTS (SELECT 1 FROM api_keys k WHERE k.user_id = u.id)
    AND NOT EXISTS (SELECT 1 FROM invitations v WHERE v.user_id = u.id)
    AND NOT EXISTS (SELECT 1 FROM password_links l WHERE l.user_id = u.id AND l.expires_at > ?2)";

/// Takes a user away of whom nothing but an address was ever known, if this is one. A user that some row points to
/// stays, and so does one while an ending waits: it may be one of this user's, of which the row says nothing yet.
pub(crate) fn forget_stranger(tx: &mut Tx<'_>, user: UserId, now: Timestamp) -> Result<bool, StoreError> {
    if !tx.settled() {
        return Ok(false);
    }
    let sql = format!("SELECT 1 FROM users u WHERE u.id = ?1 AND {STRANGER}");
    if tx.first(&sql, params![user.0, now.unix()], |_| Ok(()))?.is_none() {
        return Ok(false);
    }
    tx.change("DELETE FROM password_links WHERE user_id = ?1", [user.0])?;
    match tx.change("DELETE FROM users WHERE id = ?1", [user.0]) {
        Ok(_) => {
            tx.publish(Change::UserGone(user));
            Ok(true)
        }
        // A row of some component names it.
        Err(error) if is_constraint(&error) => Ok(false),
        Err(error) => Err(error),
    }
}

/// Of the next `limit` users after that one: the last of them, and those of whom nothing but an address was ever known.
pub(crate) fn strangers(
    tx: &Tx<'_>,
    after: UserId,
    limit: u32,
    now: Timestamp,
) -> Result<(Option<UserId>, Vec<UserId>), StoreError> {
    let sql = format!(
        "SELECT u.id, ({STRANGER}) IS TRUE AS stranger FROM users u WHERE u.id > ?1 ORDER BY u.id LIMIT ?3"
    );
    let seen = tx.all(&sql, params![after.0, now.unix(), limit], |row| {
        Ok((UserId(rows::get(row, "id")?), rows::get::<bool>(row, "stranger")?))
    })?;
    let last = seen.last().map(|(user, _)| *user);
    Ok((last, seen.into_iter().filter(|(_, stranger)| *stranger).map(|(user, _)| user).collect()))
}

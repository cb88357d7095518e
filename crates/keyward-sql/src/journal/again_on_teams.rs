//! Doing what the journal says of places on a team, and of those that are offered.

use super::again::place;
use super::entry::RowName;
use crate::accounts::{remove_member, set_role};
use crate::params;
use crate::tx::Tx;
use crate::{rows, to_end};
use keyward_core::clock::Timestamp;
use keyward_core::id::{AccountId, UserId};
use keyward_core::live::Change;
use keyward_core::role::Role;
use keyward_core::store::StoreError;

/// A place that is gone is taken away, a role that is lower than the copy's is given; none that is higher.
pub(super) fn member(
    tx: &mut Tx<'_>,
    (account, slug): (i64, String),
    (user, email): (i64, String),
    role: Option<Role>,
    now: Timestamp,
) -> Result<Option<String>, StoreError> {
    let sql = "SELECT role FROM memberships WHERE account_id = ?1 AND user_id = ?2";
    let now_role = tx.first(sql, params![account, user], |row| Ok(to_end::text(row, "role")))?;
    let Some(before) = now_role.map(|role| role.as_deref().and_then(Role::parse)) else { return Ok(None) };
    let (account, user) = (AccountId(account), UserId(user));
    match role {
        None => {
            remove_member(tx, account, user, now)?;
            Ok(Some(format!("{email} in {slug}: removed")))
        }
        // Absent: a role that cannot be read gives no right, and is left as it is.
        Some(role) if before.is_some_and(|before| role.is_below(before)) => {
            set_role(tx, account, user, role, now)?;
            Ok(Some(format!("{email} in {slug}: {} and no more", role.name())))
        }
        Some(_) => Ok(None),
    }
}

pub(super) fn invitation(
    tx: &mut Tx<'_>,
    account: RowName,
    user: RowName,
    role: Option<Role>,
    at: i64,
) -> Result<Option<String>, StoreError> {
    let places = (place(tx, account, at, "accounts", "slug")?, place(tx, user, at, "users", "email")?);
    let (Some((account, slug)), Some((user, email))) = places else { return Ok(None) };
    let sql = "SELECT role FROM invitations WHERE account_id = ?1 AND user_id = ?2";
    let found = tx.first(sql, params![account, user], |row| Ok(to_end::text(row, "role")))?;
    let Some(before) = found.map(|role| role.as_deref().and_then(Role::parse)) else { return Ok(None) };
    let invited = |to| Change::Invited(AccountId(account), UserId(user), to);
    match role {
        None => {
            let sql = "DELETE FROM invitations WHERE account_id = ?1 AND user_id = ?2";
            tx.change(sql, params![account, user])?;
            tx.publish(invited(None));
            Ok(Some(format!("the invitation of {email} into {slug}: used or withdrawn")))
        }
        // Absent: an invitation whose role cannot be read gives none.
        Some(role) if before.is_some_and(|before| role.is_below(before)) => {
            let sql = "UPDATE invitations SET role = ?3 WHERE account_id = ?1 AND user_id = ?2
                       RETURNING role, expires_at";
            let offered = tx.first(sql, params![account, user, role.name()], rows::invitation)?;
            tx.publish(invited(offered));
            Ok(Some(format!("the invitation of {email} into {slug}: {} and no more", role.name())))
        }
        Some(_) => Ok(None),
    }
}

/// All invitations into an account: which of them ended is not kept.
pub(super) fn invitations(tx: &mut Tx<'_>, account: RowName, at: i64) -> Result<Option<String>, StoreError> {
    let Some((account, slug)) = place(tx, account, at, "accounts", "slug")? else { return Ok(None) };
    let sql = "DELETE FROM invitations WHERE account_id = ?1 RETURNING user_id";
    let gone = tx.all(sql, [account], |row| Ok(to_end::number(row, "user_id").map(UserId)))?;
    for user in gone.iter().flatten() {
        tx.publish(Change::Invited(AccountId(account), *user, None));
    }
    let ended = gone.len();
    Ok((ended > 0).then(|| format!("{ended} invitations into {slug}: some of them ended, invite again")))
}

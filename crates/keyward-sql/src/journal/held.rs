//! What memory learns of an entry that could not be done in the database: it ends there, as when it ended first.

use super::again::{Named, keys_of_account, named, secrets_left};
use super::entry::{Ended, Entry};
use super::of::identity;
use crate::driver::Row;
use crate::params;
use crate::tx::Tx;
use crate::{rows, to_end};
use keyward_core::clock::Timestamp;
use keyward_core::id::{AccountId, KeyId, UserId};
use keyward_core::live::Change;
use keyward_core::oauth::{GrantId, Grants};
use keyward_core::role::Role;
use keyward_core::store::StoreError;
use std::sync::Arc;

/// Publishes what this entry ends. What cannot be read of it is left as it is, and said.
pub fn hold(tx: &mut Tx<'_>, entry: &Entry, now: Timestamp) {
    match changes(tx, entry, now) {
        Ok(changes) => changes.into_iter().for_each(|change| tx.publish(change)),
        Err(error) => {
            tracing::error!(entry = entry.n, %error, "what the journal of revocations says does not even hold in memory");
        }
    }
}

/// What has the same effect on every other entry too is named by an entry of its own: the keys of a removed member, the grants of a
/// deleted application.
fn changes(tx: &Tx<'_>, entry: &Entry, now: Timestamp) -> Result<Vec<Change>, StoreError> {
    let id = |row, table| named(tx, Named { row, at: entry.at, table });
    let user = |row| -> Result<Option<UserId>, StoreError> { Ok(id(row, "users")?.map(UserId)) };
    let place = |account, who| -> Result<Option<(AccountId, UserId)>, StoreError> {
        Ok(id(account, "accounts")?.map(AccountId).zip(user(who)?))
    };
    let signed_out = |user| [Change::SessionsGone(user), Change::GrantsEnded(Grants::OfUser(user))];
    Ok(match &entry.ended {
        Ended::Key { key, .. } => {
            let key = id(*key, "api_keys")?;
            key.map(|key| Change::Revoked(KeyId(key), now)).into_iter().collect()
        }
        Ended::Keys { account, last } => match id(*account, "accounts")? {
            Some(account) => {
                let keys = keys_of_account(tx, account, *last)?.into_iter();
                keys.map(|key| Change::Revoked(key, now)).collect()
            }
            None => Vec::new(),
        },
        Ended::Secrets { key, left } => match id(*key, "api_keys")? {
            Some(key) => vec![Change::Secrets(KeyId(key), secrets_left(tx, KeyId(key), left)?)],
            None => Vec::new(),
        },
        Ended::Member { account, user, role } => match place(*account, *user)? {
            Some((account, user)) => lowered(tx, account, user, role.as_deref())?,
            None => Vec::new(),
        },
        // Nobody joins while an entry waits to be written: that gives a right.
        Ended::Invitation { role: Some(_), .. } | Ended::Invitations(_) => Vec::new(),
        Ended::Invitation { account, user, role: None } => {
            let place = place(*account, *user)?;
            place.map(|(account, user)| Change::Invited(account, user, None)).into_iter().collect()
        }
        Ended::User { user: who, disabled: true } => match user(*who)? {
            Some(user) => [Change::UserDisabled(user)].into_iter().chain(signed_out(user)).collect(),
            None => Vec::new(),
        },
        Ended::Erased(who) => match user(*who)? {
            Some(user) => [Change::UserGone(user)].into_iter().chain(signed_out(user)).collect(),
            None => Vec::new(),
        },
        Ended::Account { account, disabled: true } => {
            let account = id(*account, "accounts")?.map(AccountId);
            account.map(Change::AccountDisabled).into_iter().collect()
        }
        Ended::Password(who) => user(*who)?.map(signed_out).into_iter().flatten().collect(),
        Ended::Identity(digest) => unlinked(tx, digest)?,
        Ended::Grant(grant) => {
            let grant = id(*grant, "oauth_grants")?.map(GrantId);
            grant.map(|grant| Change::GrantsEnded(Grants::One(grant))).into_iter().collect()
        }
        Ended::Client(id) => {
            let id: Arc<str> = Arc::from(id.as_str());
            vec![Change::ClientGone(Arc::clone(&id)), Change::GrantsEnded(Grants::OfClient(id))]
        }
        Ended::User { disabled: false, .. }
        | Ended::Account { disabled: false, .. }
        | Ended::Link(_)
        | Ended::RootSecret(_) => Vec::new(),
    })
}

fn lowered(
    tx: &Tx<'_>,
    account: AccountId,
    user: UserId,
    role: Option<&str>,
) -> Result<Vec<Change>, StoreError> {
    let sql = "SELECT role FROM memberships WHERE account_id = ?1 AND user_id = ?2";
    let place = params![account.0, user.0];
    let before = tx.first(sql, place, |row| Ok(to_end::text(row, "role")))?;
    // Absent: there is no such place, or it gives no right.
    let before = before.flatten().as_deref().and_then(Role::parse);
    let role = role.and_then(Role::parse);
    // Absent: no role, which is lower than any.
    let lowers = before.is_some_and(|before| role.is_none_or(|role| role.is_below(before)));
    Ok(if lowers { vec![Change::Member(account, user, role)] } else { Vec::new() })
}

fn unlinked(tx: &Tx<'_>, digest: &str) -> Result<Vec<Change>, StoreError> {
    let read =
        |row: &Row<'_>| Ok((rows::get::<String>(row, "issuer")?, rows::get::<String>(row, "subject")?));
    let linked = tx.all("SELECT issuer, subject FROM identities", [], read)?;
    let gone = linked.into_iter().filter(|(issuer, subject)| identity(issuer, subject) == digest);
    Ok(gone.map(|(issuer, subject)| Change::Unlinked(issuer.into(), subject.into())).collect())
}

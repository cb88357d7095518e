//! The SQL of a user who is erased.
//!
//! What the user could do ends, what names the person goes, and the row stays under its number for what points to it: rows of the
//! audit trail, keys that are over, deals. Nothing of a row is read that could be unreadable.

use crate::accounts::remove_member;
use crate::driver::Row;
use crate::error::is_constraint;
use crate::invitation_endings::{Invitations, end_invitations};
use crate::journal::{Ended, row_name};
use crate::key_endings::revoke_these;
use crate::params;
use crate::sessions::sign_out_everywhere;
use crate::to_end;
use crate::tx::Tx;
use keyward_core::clock::Timestamp;
use keyward_core::denial::Denial;
use keyward_core::effect::{Execute, Stop};
use keyward_core::id::{AccountId, KeyId, UserId};
use keyward_core::live::Change;
use keyward_core::oauth::GrantEnd;
use keyward_core::permit::{Administer, Permit};
use keyward_core::store::StoreError;
use keyward_core::write::erasing::{EraseUser, UserErased};

impl Execute<EraseUser> for Tx<'_> {
    fn execute(&mut self, e: &EraseUser, _: &Permit<Administer>, now: Timestamp) -> Result<UserErased, Stop> {
        if let Some(erased) = erase(self, e.user, now)? {
            return Ok(erased);
        }
        // Repeated, it is what it was: a script cannot know whether the first time came through.
        let erased = self.first("SELECT 1 FROM users WHERE id = ?1", [e.user.0], |_| Ok(()))?;
        let before = UserErased { user: e.user, accounts: Vec::new(), keys: 0, now: false };
        Ok(erased.map(|()| before).ok_or_else(|| Denial::not_found("User", &e.user.to_string()))?)
    }
}

/// Erases a user; `None`: there is none, or it is erased.
pub(crate) fn erase(tx: &mut Tx<'_>, user: UserId, now: Timestamp) -> Result<Option<UserErased>, StoreError> {
    let known = "SELECT 1 FROM users WHERE id = ?1 AND typeof(erased_at) <> 'integer'";
    if tx.first(known, [user.0], |_| Ok(()))?.is_none() {
        return Ok(None);
    }
    tx.note(Ended::Erased(row_name(tx, "users", user.0)));
    let keys = all_keys(tx, user)?;
    let accounts = leave(tx, user, now)?;
    // Also those in an account that the user has no place in any more.
    let revoked = all_keys(tx, user)?;
    revoke_these(tx, revoked, now)?;
    sign_out_everywhere(tx, user, GrantEnd::UserDisabled, now)?;
    end_invitations(tx, Invitations::By(user, None), now)?;
    withdraw(tx, user)?;
    unlink(tx, user)?;
    tx.change("DELETE FROM active_accounts WHERE user_id = ?1", [user.0])?;
    // Those of others too: who invited the person was answered with the address.
    tx.forget_answers("user_id = ?1 OR (subject_kind = 'user' AND subject_id = ?1)", [user.0])?;
    forget_names(tx, user)?;
    tx.change(ERASED, params![user.0, now.unix()])?;
    tx.publish(Change::UserGone(user));
    Ok(Some(UserErased { user, accounts, keys: keys.len(), now: true }))
}

/// Every column is set, so that no value that its column does not allow keeps the row as it is.
const ERASED: &str =
    "UPDATE users SET uuid = 'erased-' || id, email = 'erased-' || id, first_name = '', last_name = '',
    title = NULL, photo_url = NULL, password_hash = NULL, last_login_at = NULL, email_verified_at = NULL,
    created_at = CASE WHEN typeof(created_at) = 'integer' THEN created_at ELSE 0 END,
    disabled_at = CASE WHEN typeof(disabled_at) = 'integer' THEN disabled_at ELSE ?2 END, erased_at = ?2
    WHERE id = ?1";

/// The keys that did not end. What is no time at all is no end.
fn all_keys(tx: &Tx<'_>, user: UserId) -> Result<Vec<KeyId>, StoreError> {
    let sql = "SELECT id FROM api_keys WHERE user_id = ?1 AND typeof(revoked_at) <> 'integer' ORDER BY id";
    tx.all(sql, [user.0], key_id)
}

fn key_id(row: &Row<'_>) -> Result<KeyId, StoreError> {
    crate::rows::get(row, "id").map(KeyId)
}

/// Takes all places away; where they were.
fn leave(tx: &mut Tx<'_>, user: UserId, now: Timestamp) -> Result<Vec<AccountId>, StoreError> {
    let sql = "SELECT account_id FROM memberships WHERE user_id = ?1";
    let places = tx.all(sql, [user.0], |row| Ok(to_end::number(row, "account_id").map(AccountId)))?;
    let places: Vec<AccountId> = places.into_iter().flatten().collect();
    for account in &places {
        remove_member(tx, *account, user, now)?;
    }
    Ok(places)
}

/// Takes the invitations of the user back.
fn withdraw(tx: &mut Tx<'_>, user: UserId) -> Result<(), StoreError> {
    let sql = "DELETE FROM invitations WHERE user_id = ?1 RETURNING account_id";
    let gone = tx.all(sql, [user.0], |row| Ok(to_end::number(row, "account_id").map(AccountId)))?;
    for account in gone.into_iter().flatten() {
        tx.publish(Change::Invited(account, user, None));
    }
    Ok(())
}

/// Takes the links to subjects of issuers away.
fn unlink(tx: &mut Tx<'_>, user: UserId) -> Result<(), StoreError> {
    let sql = "DELETE FROM identities WHERE user_id = ?1 RETURNING issuer, subject";
    let named = |row: &Row<'_>| Ok(to_end::text(row, "issuer").zip(to_end::text(row, "subject")));
    for (issuer, subject) in tx.all(sql, [user.0], named)?.into_iter().flatten() {
        tx.publish(Change::Unlinked(issuer.into(), subject.into()));
    }
    Ok(())
}

/// Empties what else can name a person: the labels and ranges of the keys, which are over, and what the audit trail says of labels and
/// of subjects of issuers.
fn forget_names(tx: &Tx<'_>, user: UserId) -> Result<(), StoreError> {
    of_keys(tx, user, KEYS)?;
    of_keys(tx, user, TRAIL_OF_KEYS)?;
    tx.change_readable(("users", user.0), TRAIL_OF_USER, [user.0]).map(drop)
}

/// Changes the rows of all keys at once, since writes wait for it, and a user can have very many that are over. Where a row is refused,
/// each by itself, so that it takes no other with it.
fn of_keys(tx: &Tx<'_>, user: UserId, change: &str) -> Result<(), StoreError> {
    let keys = "SELECT id FROM api_keys WHERE user_id = ?1";
    match tx.change(&format!("{change} IN ({keys})"), [user.0]) {
        Err(error) if is_constraint(&error) => {
            let each = format!("{change} = ?1");
            let change = |key: KeyId| tx.change_readable(("api_keys", key.0), &each, [key.0]).map(drop);
            tx.all(keys, [user.0], key_id)?.into_iter().try_for_each(change)
        }
        changed => changed.map(drop),
    }
}

/// Empties what people write into keys. One that had ranges keeps one, in which nobody is.
const KEYS: &str = "UPDATE api_keys
    SET label = '', allowed_ips = CASE WHEN allowed_ips IS NOT NULL THEN '255.255.255.255/32' END
    WHERE id";

/// Takes what names a person out of the rows of the trail that have it. That a key was made, or relabelled, stays, and when.
const TRAIL_OF_KEYS: &str =
    "UPDATE audit SET detail = CASE WHEN json_valid(detail) THEN json_remove(detail, '$.label') END
    WHERE subject_kind = 'api_key' AND action IN ('api_key.create', 'api_key.label') AND subject_id";

/// The same: that a subject was linked.
const TRAIL_OF_USER: &str =
    "UPDATE audit SET detail = CASE WHEN json_valid(detail) THEN json_remove(detail, '$.subject') END
    WHERE subject_kind = 'user' AND action = 'user.link' AND subject_id = ?1";

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "the test does as the operator does")]
mod tests {
    use super::*;
    use keyward_core::clock::At;
    use keyward_core::effect::{Commit, Context};
    use keyward_core::permit::operator;
    use uuid::Uuid;

    const ROWS: &str = "
        INSERT INTO users (uuid, email, first_name, last_name, created_at) VALUES ('u', 'u@a', '', '', 1), ('v', 'v@a', '', '', 1);
        INSERT INTO idempotency (name, secret_version, fingerprint, user_id, subject_kind, subject_id, status, body, completed_at)
        VALUES (x'01', 1, x'00', 1, 'user', 2, 201, x'00', 1), (x'02', 1, x'00', 2, 'api_key', 1, 201, x'00', 1),
               (x'03', 1, x'00', 1, 'api_key', 2, 201, x'00', 1), (x'04', 1, x'00', 1, 'user', 1, 200, x'00', 1)";

    #[tokio::test]
    async fn answers_about_a_person_go_also_those_that_others_were_given_and_others_stay() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("keyward.db");
        drop(crate::testing::open(&path));
        rusqlite::Connection::open(&path).unwrap().execute_batch(ROWS).unwrap();
        let store = crate::testing::open(&path);
        let context = Context { request_id: Uuid::nil(), address: None, origin_app: "test".to_owned() };
        let erase = EraseUser { user: UserId(2) };
        store.commit(erase, operator(), context, None, At::Store).await.unwrap();
        drop(store);
        let left = "SELECT group_concat(hex(name), ' ') FROM (SELECT name FROM idempotency ORDER BY name)";
        let left: String =
            rusqlite::Connection::open(&path).unwrap().query_row(left, [], |row| row.get(0)).unwrap();
        assert_eq!(left, "03 04");
    }

    /// Three keys of the person, one of which cannot be changed, and one of somebody else, and their rows in the trail.
    const KEYS_OF: &str = r#"
        INSERT INTO accounts (slug, name, tier, created_at) VALUES ('a', 'A', 'free', 1);
        INSERT INTO api_keys (account_id, user_id, label, prefix, permission, allowed_ips, created_at, revoked_at) VALUES
            (1, 2, 'of v', 'p', 'read_only', '192.0.2.1/32', 1, 2), (1, 2, 'of v', 'p', 'read_only', NULL, 1, 2),
            (1, 2, 'of v', 'p', 'read_only', NULL, 1, 2), (1, 1, 'of u', 'p', 'read_only', NULL, 1, 2);
        INSERT INTO audit (at, credential_kind, action, subject_kind, subject_id, detail, origin_app, request_id)
            SELECT 1, 'operator', 'api_key.create', 'api_key', id, json_object('label', label, 'n', 1), 'keyward', 'r' FROM api_keys;
        INSERT INTO audit (at, credential_kind, action, subject_kind, subject_id, detail, origin_app, request_id) VALUES
            (1, 'operator', 'user.link', 'user', 2, '{"subject":"v"}', 'keyward', 'r'),
            (1, 'operator', 'user.link', 'user', 1, '{"subject":"u"}', 'keyward', 'r');
        CREATE TRIGGER refuses BEFORE UPDATE OF label ON api_keys WHEN old.id = 2 BEGIN SELECT RAISE(ABORT, 'as it is'); END"#;

    #[tokio::test]
    async fn the_labels_of_all_keys_go_but_those_of_a_row_that_is_refused() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("keyward.db");
        drop(crate::testing::open(&path));
        let outside = || rusqlite::Connection::open(&path).unwrap();
        outside().execute_batch(ROWS).unwrap();
        outside().execute_batch(KEYS_OF).unwrap();
        let store = crate::testing::open(&path);
        let context = Context { request_id: Uuid::nil(), address: None, origin_app: "test".to_owned() };
        let erase = EraseUser { user: UserId(2) };
        store.commit(erase, operator(), context, None, At::Store).await.unwrap();
        drop(store);
        let text = |sql: &str| outside().query_row(sql, [], |row| row.get::<_, String>(0)).unwrap();
        let keys =
            "SELECT group_concat(label || ':' || ifnull(allowed_ips, '-'), ' ' ORDER BY id) FROM api_keys";
        assert_eq!(text(keys), ":255.255.255.255/32 of v:- :- of u:-");
        let trail = "SELECT group_concat(detail, ' ' ORDER BY id) FROM audit WHERE action <> 'user.delete'";
        let made = r#"{"n":1} {"n":1} {"n":1} {"label":"of u","n":1}"#;
        assert_eq!(text(trail), format!(r#"{made} {{}} {{"subject":"u"}}"#));
    }
}

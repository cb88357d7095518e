//! The SQL of the operator's lists, each in the order of an index, and of what is known of one account or one user.

use crate::driver::Row;
use crate::params;
use crate::params::Params;
use crate::{Reads, rows, to_end};
use keyward_core::api_key::ApiKey;
use keyward_core::clock::Timestamp;
use keyward_core::id::{AccountId, KeyId, UserId};
use keyward_core::store::{AccountEntry, AccountFigures, Page, StoreError, UserDetails, UserEntry};

/// When a row was made. What cannot be read is as old as can be.
fn created_at(row: &Row<'_>) -> Timestamp {
    // Absent: it is shown, and decides nothing.
    Timestamp::from_unix(to_end::number(row, "created_at").unwrap_or(0))
}

pub(crate) fn accounts(
    reads: &Reads<'_>,
    after: AccountId,
    limit: u32,
) -> Result<Page<AccountEntry>, StoreError> {
    let sql =
        format!("SELECT {}, created_at FROM accounts WHERE id > ?1 ORDER BY id LIMIT ?2", rows::ACCOUNT);
    let entry =
        |row: &Row<'_>| Ok(AccountEntry { account: rows::account(row)?, created_at: created_at(row) });
    let found = reads.readable(("accounts", &["id"]), &sql, params![after.0, limit], entry)?;
    Ok(Page::readable(found, limit))
}

/// The users of an account with their roles, which may be unreadable, or all.
const MEMBERS: &str = "SELECT u.*, m.role FROM memberships m JOIN users u ON u.id = m.user_id
                       WHERE m.account_id = ?1 AND m.user_id > ?2 ORDER BY m.user_id LIMIT ?3";
const USERS: &str = "SELECT u.*, NULL AS role FROM users u
                     WHERE CAST(?1 AS BIGINT) IS NULL AND u.id > ?2 AND typeof(u.erased_at) <> 'integer' ORDER BY u.id LIMIT ?3";

pub(crate) fn users(
    reads: &Reads<'_>,
    of: Option<AccountId>,
    after: UserId,
    limit: u32,
) -> Result<Page<UserEntry>, StoreError> {
    let entry = |row: &Row<'_>| {
        let role = if to_end::is_null(row, "role") { None } else { Some(rows::role(row)?) };
        Ok(UserEntry { user: rows::user(row)?, created_at: created_at(row), role })
    };
    let sql = if of.is_some() { MEMBERS } else { USERS };
    let values = params![of.map(|account| account.0), after.0, limit];
    Ok(Page::readable(reads.readable(("users", &["id"]), sql, values, entry)?, limit))
}

pub(crate) fn keys(
    reads: &Reads<'_>,
    of: Option<AccountId>,
    after: KeyId,
    limit: u32,
) -> Result<Page<ApiKey>, StoreError> {
    let values = params![of.map(|account| account.0), after.0, limit];
    let found = reads.readable(("api_keys", &["id"]), &keys_sql(of.is_some()), values, rows::key)?;
    Ok(Page::readable(found, limit))
}

/// In the order of the one index that has no revoked key in it: by account, then by id.
fn keys_sql(of_one: bool) -> String {
    let which = if of_one {
        "account_id = ?1 AND id > ?2"
    } else {
        "CAST(?1 AS BIGINT) IS NULL AND (account_id, id) > (coalesce((SELECT k.account_id FROM api_keys k WHERE k.id = ?2), 0), ?2)"
    };
    let order = if of_one { "id" } else { "account_id, id" };
    format!(
        "SELECT {} FROM api_keys WHERE revoked_at IS NULL AND {which} ORDER BY {order} LIMIT ?3",
        rows::KEY
    )
}

pub(crate) fn account_figures(
    reads: &Reads<'_>,
    account: AccountId,
    now: Timestamp,
) -> Result<Option<AccountFigures>, StoreError> {
    let sql = "SELECT created_at,
        (SELECT count(*) FROM memberships WHERE account_id = ?1) AS members,
        (SELECT count(*) FROM memberships m JOIN users u ON u.id = m.user_id
            WHERE m.account_id = ?1 AND m.role = 'admin' AND u.disabled_at IS NULL) AS admins,
        (SELECT count(*) FROM invitations WHERE account_id = ?1 AND expires_at > ?2) AS invitations
        FROM accounts WHERE id = ?1";
    let figures = |row: &Row<'_>| {
        Ok(AccountFigures {
            created_at: created_at(row),
            members: rows::get(row, "members")?,
            admins: rows::get(row, "admins")?,
            invitations: rows::get(row, "invitations")?,
        })
    };
    reads.first(sql, params![account.0, now.unix()], figures)
}

/// The texts of two columns of each row. What cannot be read is shown as such.
fn pairs(reads: &Reads<'_>, sql: &str, values: impl Params) -> Result<Vec<(String, String)>, StoreError> {
    // Absent: shown as unreadable, so that it is seen.
    let text = |row: &Row<'_>, column| to_end::text(row, column).unwrap_or_else(|| "(unreadable)".to_owned());
    reads.all(sql, values, |row| Ok((text(row, "a"), text(row, "b"))))
}

pub(crate) fn user_details(
    reads: &Reads<'_>,
    user: UserId,
    now: Timestamp,
) -> Result<Option<UserDetails>, StoreError> {
    let sql = "SELECT created_at, password_hash IS NOT NULL AS password,
        (SELECT count(*) FROM sessions WHERE user_id = ?1 AND ends_at > ?2) AS sessions
        FROM users WHERE id = ?1 AND typeof(erased_at) <> 'integer'";
    let own = |row: &Row<'_>| Ok((created_at(row), rows::get(row, "password")?, rows::get(row, "sessions")?));
    let Some((created_at, password, sessions)) = reads.first(sql, params![user.0, now.unix()], own)? else {
        return Ok(None);
    };
    let accounts = "SELECT a.slug AS a, m.role AS b FROM memberships m JOIN accounts a ON a.id = m.account_id
                    WHERE m.user_id = ?1 ORDER BY m.account_id";
    let invitations =
        "SELECT a.slug AS a, i.role AS b FROM invitations i JOIN accounts a ON a.id = i.account_id
                       WHERE i.user_id = ?1 AND i.expires_at > ?2 ORDER BY i.account_id";
    let identities = "SELECT issuer AS a, subject AS b FROM identities WHERE user_id = ?1 ORDER BY id";
    let applications = "SELECT client_name AS a, NULL AS b FROM oauth_grants
                        WHERE user_id = ?1 AND ended_at IS NULL AND ends_at > ?2 ORDER BY id";
    let names = pairs(reads, applications, params![user.0, now.unix()])?;
    Ok(Some(UserDetails {
        created_at,
        password,
        accounts: pairs(reads, accounts, [user.0])?,
        invitations: pairs(reads, invitations, params![user.0, now.unix()])?,
        identities: pairs(reads, identities, [user.0])?,
        applications: names.into_iter().map(|(name, _)| name).collect(),
        sessions,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Sqlite;
    use keyward_core::store::OperatorReads;

    const ROWS: &str = "
        INSERT INTO accounts (slug, name, tier, created_at) VALUES ('a', 'A', 'free', 1), ('b', 'B', 'free', 1), ('c', 'C', 'free', 1);
        INSERT INTO users (uuid, email, first_name, last_name, created_at) VALUES ('u', 'u@a', '', '', 1), ('v', 'v@a', '', '', 1);
        INSERT INTO users (uuid, email, first_name, last_name, created_at, disabled_at, erased_at) VALUES ('e', 'erased-3', '', '', 1, 2, 2);
        INSERT INTO memberships VALUES (1, 1, 'admin', 1, NULL, NULL), (1, 2, 'viewer', 1, NULL, NULL), (2, 2, 'editor', 1, NULL, NULL);
        INSERT INTO api_keys (account_id, user_id, label, prefix, permission, created_at, revoked_at) VALUES
            (2, 2, '1', 'p', 'read_only', 1, NULL), (1, 1, '2', 'p', 'read_only', 1, NULL), (1, 2, '3', 'p', 'read_only', 1, 5),
            (2, 2, '4', 'p', 'read_only', 1, NULL), (1, 2, '5', 'p', 'read_only', 1, NULL)";

    fn store(directory: &std::path::Path) -> Sqlite {
        let path = directory.join("keyward.db");
        drop(crate::testing::open(&path));
        rusqlite::Connection::open(&path).unwrap().execute_batch(ROWS).unwrap();
        crate::testing::open(&path)
    }

    /// The ids on all pages of two.
    async fn all_keys(store: &Sqlite, of: Option<AccountId>) -> Vec<i64> {
        let (mut ids, mut after) = (Vec::new(), KeyId(0));
        loop {
            let page = store.keys(of, after, 2).await.unwrap();
            ids.extend(page.items.iter().map(|key| key.id.0));
            let Some(next) = page.next else { return ids };
            after = KeyId(next);
        }
    }

    #[tokio::test]
    async fn a_list_goes_on_after_the_last_of_a_page_and_has_each_once() {
        let directory = tempfile::tempdir().unwrap();
        let store = store(directory.path());
        assert_eq!(all_keys(&store, None).await, [2, 5, 1, 4], "by account, without those that were revoked");
        assert_eq!(all_keys(&store, Some(AccountId(1))).await, [2, 5]);
        assert_eq!(all_keys(&store, Some(AccountId(3))).await, [0; 0]);
        let accounts = store.accounts(AccountId(1), 1).await.unwrap();
        assert_eq!((accounts.items[0].account.slug.as_str(), accounts.next), ("b", Some(2)));
        let users = store.users(None, UserId(0), 100).await.unwrap();
        let emails: Vec<&str> = users.items.iter().map(|entry| entry.user.email.as_str()).collect();
        assert_eq!((emails, users.next), (vec!["u@a", "v@a"], None), "and nobody who was erased");
        let members = store.users(Some(AccountId(1)), UserId(1), 100).await.unwrap();
        assert_eq!(members.items[0].role.map(keyward_core::role::Role::name), Some("viewer"));
    }

    #[tokio::test]
    async fn an_account_and_a_user_are_shown_with_what_hangs_on_them() {
        let directory = tempfile::tempdir().unwrap();
        let store = store(directory.path());
        let now = Timestamp::from_unix(10);
        let figures = store.account_figures(AccountId(1), now).await.unwrap().unwrap();
        assert_eq!((figures.members, figures.admins, figures.invitations), (2, 1, 0));
        assert_eq!(store.account_figures(AccountId(9), now).await.unwrap(), None);
        let details = store.user_details(UserId(2), now).await.unwrap().unwrap();
        let place = |slug: &str, role: &str| (slug.to_owned(), role.to_owned());
        assert_eq!(details.accounts, [place("a", "viewer"), place("b", "editor")]);
        assert!(!details.password && details.identities.is_empty());
        assert_eq!(store.user_details(UserId(3), now).await.unwrap(), None, "who was erased is not known");
    }

    #[tokio::test]
    async fn every_list_is_in_the_order_of_an_index() {
        let directory = tempfile::tempdir().unwrap();
        let store = store(directory.path());
        for sql in [keys_sql(true), keys_sql(false), MEMBERS.to_owned(), USERS.to_owned()] {
            let explain = (1..=3).fold(sql.clone(), |sql, n| sql.replace(&format!("?{n}"), "7"));
            let explain = format!("EXPLAIN QUERY PLAN {explain}");
            let steps: Vec<String> = store
                .read(move |reads| reads.all(&explain, [], |row| rows::get(row, "detail")))
                .await
                .unwrap();
            let sorts = |step: &String| step.contains("TEMP B-TREE");
            assert!(!steps.iter().any(sorts), "{sql}: {steps:?}");
            let scans = |step: &String| step.starts_with("SCAN") && !step.contains("CONSTANT");
            assert!(!steps.iter().any(scans), "{sql}: {steps:?}");
        }
    }
}

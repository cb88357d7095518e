//! The SQL of API keys. Whose key it is stands in the statements. What ends keys is in `key_endings.rs`.

use crate::idempotency::forget_secrets;
use crate::key_origins::note_origins;
use crate::params;
use crate::replaced::replace;
use crate::store::{Backend, Store};
use crate::tx::Tx;
use crate::{Reads, rows};
use keyward_core::BoxFuture;
use keyward_core::account::Membership;
use keyward_core::api_key::{
    ActivateKey, ApiKey, CreateKey, IssueKey, KeyActivated, KeyMade, KeyRotated, KeySecret, NewSecret,
    PrepareKey, RotateKey, Settled, may_rotate, settle,
};
use keyward_core::clock::Timestamp;
use keyward_core::denial::Denial;
use keyward_core::effect::{Execute, Stop};
use keyward_core::id::{AccountId, KeyId, UserId};
use keyward_core::list::{From, Listed, Window};
use keyward_core::live::Change;
use keyward_core::made_by::MadeBy;
use keyward_core::permit::{Action, Administer, Holder, ManageKeys, Permit, ReadAccount};
use keyward_core::principal::Grant;
use keyward_core::role::Role;
use keyward_core::store::{KeyReads, KeysOf, StoreError};

impl Execute<CreateKey> for Tx<'_> {
    fn execute(
        &mut self,
        e: &CreateKey,
        permit: &Permit<ManageKeys>,
        now: Timestamp,
    ) -> Result<KeyMade, Stop> {
        let (maker, member) = (permit.principal()?, permit.member()?);
        // Here and not where the body is read: a retry of what was done asks no more.
        in_the_future(self, e.wanted.expires_at.value(), now)?;
        let settled = settle(maker, e.wanted.clone())?;
        let new = New { label: &e.label, made_by: permit.made_by(), secret: &e.secret, opens: true };
        insert(self, (member, maker.user), new, settled, now)
    }

    /// To the key's owner, and only if the key that was made lies within the bounds of the credential that asks now: what
    /// was left out is not what this credential would leave out.
    fn may_replay(
        &mut self,
        _: &CreateKey,
        subject: i64,
        permit: &Permit<ManageKeys>,
        _: Timestamp,
    ) -> Result<(), Stop> {
        let key = was_own(self, KeyId(subject), &subject.to_string(), permit)?;
        may_rotate(permit.principal()?, &key, permit.member()?.role)?;
        Ok(())
    }
}

impl Execute<IssueKey> for Tx<'_> {
    fn execute(
        &mut self,
        e: &IssueKey,
        permit: &Permit<Administer>,
        now: Timestamp,
    ) -> Result<KeyMade, Stop> {
        issue(self, e, (permit.made_by(), true), now)
    }
}

impl Execute<PrepareKey> for Tx<'_> {
    fn execute(
        &mut self,
        PrepareKey(e): &PrepareKey,
        permit: &Permit<Administer>,
        now: Timestamp,
    ) -> Result<KeyMade, Stop> {
        issue(self, e, (permit.made_by(), false), now)
    }
}

impl Execute<ActivateKey> for Tx<'_> {
    fn execute(
        &mut self,
        e: &ActivateKey,
        _: &Permit<Administer>,
        now: Timestamp,
    ) -> Result<KeyActivated, Stop> {
        // Not one that has a secret already, or had one: that is what a rotation is for.
        let sql = "SELECT account_id FROM api_keys k WHERE id = ?1 AND revoked_at IS NULL
                   AND NOT EXISTS (SELECT 1 FROM api_key_secrets s WHERE s.key_id = k.id)";
        let account = self.first(sql, [e.key.0], |row| rows::get(row, "account_id").map(AccountId))?;
        let account = account.ok_or_else(|| Denial::not_found("API key", &e.key.to_string()))?;
        insert_secret(self, e.key, &e.secret, now)?;
        publish_secrets(self, e.key)?;
        Ok(KeyActivated { key: e.key, account })
    }
}

/// A key at the operator's order, for a member.
fn issue(
    tx: &mut Tx<'_>,
    e: &IssueKey,
    (made_by, opens): (Option<MadeBy>, bool),
    now: Timestamp,
) -> Result<KeyMade, Stop> {
    in_the_future(tx, e.expires_at, now)?;
    let sql = "SELECT role FROM memberships WHERE account_id = ?1 AND user_id = ?2";
    let role = tx
        .first(sql, params![e.account.0, e.user.0], rows::role)?
        .ok_or_else(|| Denial::not_found("Member", &e.user.to_string()))?;
    let settled = Settled { grant: e.grant, expires_at: e.expires_at, allowed_ips: e.allowed_ips.clone() };
    let new = New { label: &e.label, made_by, secret: &e.secret, opens };
    insert(tx, (Membership { account: e.account, role }, e.user), new, settled, now)
}

/// Nobody knows what the future is while the clock is behind: a key with an end is not made then.
fn in_the_future(tx: &Tx<'_>, end: Option<Timestamp>, now: Timestamp) -> Result<(), Denial> {
    let Some(end) = end else { return Ok(()) };
    tx.judges_ends()?;
    if end <= now {
        return Err(Denial::invalid("expires_at", "expires_at must be in the future"));
    }
    Ok(())
}

/// A new key, besides what it may do.
struct New<'n> {
    label: &'n str,
    made_by: Option<MadeBy>,
    secret: &'n NewSecret,
    /// Whether the secret opens something from now on.
    opens: bool,
}

fn insert(
    tx: &mut Tx<'_>,
    (member, user): (Membership, UserId),
    New { label, made_by, secret, opens }: New<'_>,
    settled: Settled,
    now: Timestamp,
) -> Result<KeyMade, Stop> {
    within_ceiling(tx, member, now)?;
    let scopes = match settled.grant {
        Grant::Fixed(scopes) => Some(scopes.to_text()),
        Grant::FullAccess | Grant::ReadOnly => None,
    };
    let ranges = settled.allowed_ips.as_deref().map(|ranges| {
        let texts: Vec<String> = ranges.iter().map(ToString::to_string).collect();
        texts.join(" ")
    });
    let id = KeyId(tx.insert(
        "INSERT INTO api_keys (account_id, user_id, label, prefix, permission, scopes, allowed_ips, created_at,
                               expires_at, made_by)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
        params![
            member.account.0,
            user.0,
            label,
            secret.prefix,
            settled.grant.permission(),
            scopes,
            ranges,
            now.unix(),
            settled.expires_at.map(Timestamp::unix),
            made_by.map(MadeBy::text),
        ],
    )?);
    let key = ApiKey {
        id,
        account: member.account,
        user,
        label: label.to_owned(),
        prefix: secret.prefix.clone(),
        grant: settled.grant,
        created_at: now,
        made_by,
        expires_at: settled.expires_at,
        allowed_ips: settled.allowed_ips,
        revoked_at: None,
        last_used_at: None,
    };
    note_origins(tx, id, made_by)?;
    if opens {
        insert_secret(tx, id, secret, now)?;
    }
    tx.publish(Change::Key(key.clone()));
    publish_secrets(tx, id)?;
    Ok(KeyMade { key, role: member.role, secret: secret.secret.clone() })
}

/// How many keys of an account are live: two ranges of one index, since an `OR` would read those past their end too.
const LIVE: &str = "SELECT
    (SELECT count(*) FROM api_keys WHERE account_id = ?1 AND revoked_at IS NULL AND expires_at IS NULL)
    + (SELECT count(*) FROM api_keys WHERE account_id = ?1 AND revoked_at IS NULL AND expires_at > ?2) AS live";

fn within_ceiling(tx: &Tx<'_>, member: Membership, now: Timestamp) -> Result<(), Stop> {
    let sql = format!("SELECT {} FROM accounts WHERE id = ?1", rows::ACCOUNT);
    let account = tx.first(&sql, [member.account.0], rows::account)?;
    let account = account.ok_or_else(|| StoreError::Corrupt {
        table: "accounts",
        what: format!("no row for account {}", member.account),
    })?;
    let live = tx.first(LIVE, params![member.account.0, now.unix()], |row| rows::get::<u32>(row, "live"))?;
    let most = account.limits(tx.tiers()).keys;
    if live.is_some_and(|live| live < most) {
        return Ok(());
    }
    let whose = match account.overrides.keys {
        Some(_) => "this account".to_owned(),
        None => format!("an account of tier {}", account.tier.name()),
    };
    let text = format!("API key limit reached: {whose} may have {most} live keys; revoke one first");
    Err(Denial::invalid("api_keys", text).into())
}

fn insert_secret(tx: &Tx<'_>, key: KeyId, secret: &NewSecret, now: Timestamp) -> Result<(), StoreError> {
    tx.change(
        "INSERT INTO api_key_secrets (digest, key_id, pepper_version, created_at) VALUES (?1, ?2, ?3, ?4)",
        params![secret.digest.as_bytes(), key.0, secret.pepper_version, now.unix()],
    )?;
    Ok(())
}

pub(crate) fn publish_secrets(tx: &mut Tx<'_>, key: KeyId) -> Result<(), StoreError> {
    let sql = format!("SELECT {} FROM api_key_secrets WHERE key_id = ?1", rows::SECRET);
    let secrets: Vec<KeySecret> = tx.all(&sql, [key.0], rows::secret)?;
    tx.publish(Change::Secrets(key, secrets));
    Ok(())
}

impl Execute<RotateKey> for Tx<'_> {
    fn execute(
        &mut self,
        e: &RotateKey,
        permit: &Permit<ManageKeys>,
        now: Timestamp,
    ) -> Result<KeyRotated, Stop> {
        let mut key = to_rotate(self, e, permit)?;
        let expired = key.expires_at.map(|end| self.has_passed(end)).transpose()?;
        // Absent: a key without an end has not expired.
        if key.revoked_at.is_some() || expired.unwrap_or(false) {
            return Err(
                Denial::invalid("key_id", "key_id names a key that has expired; create a new one").into()
            );
        }
        // Without grace it is over for good, even if the clock is set back after.
        let over = Timestamp::from_unix(0);
        let ends_at = if e.grace_seconds > 0 { now.plus_seconds(e.grace_seconds) } else { over };
        forget_secrets(self, key.id)?;
        replace(self, key.id, (ends_at, permit.made_by()), now)?;
        insert_secret(self, key.id, &e.secret, now)?;
        self.change("UPDATE api_keys SET prefix = ?2 WHERE id = ?1", params![key.id.0, e.secret.prefix])?;
        key.prefix.clone_from(&e.secret.prefix);
        self.publish(Change::Key(key.clone()));
        publish_secrets(self, key.id)?;
        let previous_ends_at = (e.grace_seconds > 0).then_some(ends_at);
        let role = role_of(self, &key)?;
        Ok(KeyRotated { key, role, secret: e.secret.secret.clone(), previous_ends_at })
    }

    /// To the key's owner, and within the bounds of the credential that asks now. Also by the secret that was replaced: its
    /// client may have lost the answer that shows the new one.
    fn may_replay(
        &mut self,
        e: &RotateKey,
        subject: i64,
        permit: &Permit<ManageKeys>,
        _: Timestamp,
    ) -> Result<(), Stop> {
        let key = was_own(self, KeyId(subject), &e.as_sent, permit)?;
        may_rotate(permit.principal()?, &key, permit.member()?.role)?;
        Ok(())
    }
}

/// The key to rotate: a caller's own, within its bounds; of the operator's, any.
fn to_rotate(tx: &Tx<'_>, e: &RotateKey, permit: &Permit<ManageKeys>) -> Result<ApiKey, Stop> {
    let absent = || Denial::not_found("API key", &e.as_sent);
    let id = e.key.map(|key| key.0);
    let sql = format!("SELECT {} FROM api_keys WHERE id = ?1 AND revoked_at IS NULL", rows::KEY);
    if matches!(permit.holder(), Holder::Operator(_)) {
        return Ok(tx.first(&sql, [id], rows::key)?.ok_or_else(absent)?);
    }
    let key = own(tx, e.key.ok_or_else(absent)?, &e.as_sent, permit)?;
    let maker = permit.principal()?;
    may_rotate(maker, &key, permit.member()?.role)?;
    Ok(key)
}

/// A key of the caller's own that was not revoked.
pub(crate) fn own<A: Action>(
    tx: &Tx<'_>,
    id: KeyId,
    as_sent: &str,
    permit: &Permit<A>,
) -> Result<ApiKey, Stop> {
    let key = was_own(tx, id, as_sent, permit)?;
    let live = key.revoked_at.is_none().then_some(key);
    Ok(live.ok_or_else(|| Denial::not_found("API key", as_sent))?)
}

/// A key of the caller's own, revoked or not.
fn was_own<A: Action>(tx: &Tx<'_>, id: KeyId, as_sent: &str, permit: &Permit<A>) -> Result<ApiKey, Stop> {
    let (maker, member) = (permit.principal()?, permit.member()?);
    let sql =
        format!("SELECT {} FROM api_keys WHERE id = ?1 AND account_id = ?2 AND user_id = ?3", rows::KEY);
    let found = tx.first(&sql, params![id.0, member.account.0, maker.user.0], rows::key)?;
    Ok(found.ok_or_else(|| Denial::not_found("API key", as_sent))?)
}

/// The role of a key's user now. A live key's user is a member: who is removed loses its keys.
pub(crate) fn role_of(tx: &Tx<'_>, key: &ApiKey) -> Result<Role, StoreError> {
    let sql = "SELECT role FROM memberships WHERE account_id = ?1 AND user_id = ?2";
    let role = tx.first(sql, params![key.account.0, key.user.0], rows::role)?;
    role.ok_or_else(|| StoreError::Corrupt {
        table: "memberships",
        what: format!("no row for key {}", key.id),
    })
}

impl<B: Backend> KeyReads for Store<B> {
    fn list_keys<'a>(
        &'a self,
        permit: &'a Permit<ReadAccount>,
        of: KeysOf,
        label: Option<String>,
        window: Window,
    ) -> BoxFuture<'a, Result<Listed<ApiKey>, StoreError>> {
        Box::pin(async move {
            let (Ok(who), Ok(member)) = (permit.principal(), permit.member()) else {
                return Ok(Listed::empty());
            };
            let of = (member.account.0, who.user.0, of == KeysOf::Account);
            let mut listed =
                self.read_for(permit, move |reads| list(reads, of, label.as_deref(), &window)).await?;
            listed.items.iter_mut().for_each(|key| self.with_unwritten_use(key));
            Ok(listed)
        })
    }

    fn get_key<'a>(
        &'a self,
        permit: &'a Permit<ReadAccount>,
        key: KeyId,
    ) -> BoxFuture<'a, Result<Option<ApiKey>, StoreError>> {
        Box::pin(async move {
            let (Ok(who), Ok(member)) = (permit.principal(), permit.member()) else { return Ok(None) };
            let (account, user) = (member.account.0, who.user.0);
            let sql = format!("SELECT {} {VISIBLE} AND k.id = ?4", rows::KEY);
            let one =
                move |reads: &Reads<'_>| reads.first(&sql, params![account, user, true, key.0], rows::key);
            let mut found = self.read_for(permit, one).await?;
            found.iter_mut().for_each(|key| self.with_unwritten_use(key));
            Ok(found)
        })
    }
}

impl<B: Backend> Store<B> {
    /// Puts in the use that is not written yet.
    fn with_unwritten_use(&self, key: &mut ApiKey) {
        let noted = self.directory.unwritten_use(key.id).map(|noted| noted.at);
        key.last_used_at = key.last_used_at.max(noted);
    }
}

/// The keys of the account if the user is its admin, else the user's own.
const VISIBLE: &str = "FROM api_keys k WHERE k.account_id = ?1 AND k.revoked_at IS NULL
    AND (k.user_id = ?2 OR (?3 AND EXISTS (SELECT 1 FROM memberships m
         WHERE m.account_id = ?1 AND m.user_id = ?2 AND m.role = 'admin')))";

/// Of these only those with the label, if one is given.
const LABELLED: &str = "AND (CAST(?4 AS TEXT) IS NULL OR k.label = ?4)";

fn list(
    reads: &Reads<'_>,
    (account, user, whole): (i64, i64, bool),
    label: Option<&str>,
    window: &Window,
) -> Result<Listed<ApiKey>, StoreError> {
    let of = params![account, user, whole, label];
    let total = reads.first(&total(), of, |row| rows::get::<i64>(row, "total"))?;
    // Absent: shown alone: there are none.
    let total = total.unwrap_or(0);
    let (limit, (order, offset)) = match &window.from {
        From::After(_) => (window.limit, ("", 0)),
        From::Offset(order, offset) => {
            let newest_first = order.first().is_some_and(|key| key.descending);
            (window.limit, (if newest_first { "DESC" } else { "" }, *offset))
        }
    };
    let of = params![account, user, whole, label, limit, offset];
    let found = reads.readable(("api_keys", &["id"]), &page(order), of, rows::key)?;
    // Absent: never, a page is short; there is no more then.
    let has_more = i64::from(offset) + i64::try_from(found.len()).unwrap_or(i64::MAX) < total;
    Ok(Listed { has_more, ..Listed::readable(found, total, limit) })
}

fn total() -> String {
    format!("SELECT count(*) AS total {VISIBLE} {LABELLED}")
}

fn page(order: &str) -> String {
    format!("SELECT {} {VISIBLE} {LABELLED} ORDER BY k.id {order} LIMIT ?5 OFFSET ?6", rows::KEY)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How SQLite executes a statement, step by step.
    async fn plan(store: &crate::testing::Sqlite, sql: &str) -> Vec<String> {
        // A plan needs some value for each parameter.
        let bound = (1..=6).fold(sql.to_owned(), |sql, number| sql.replace(&format!("?{number}"), "7"));
        let explain = format!("EXPLAIN QUERY PLAN {bound}");
        store.read(move |reads| reads.all(&explain, [], |row| rows::get(row, "detail"))).await.unwrap()
    }

    #[tokio::test]
    async fn keys_are_counted_and_listed_without_reading_those_that_were_revoked() {
        let directory = tempfile::tempdir().unwrap();
        let store = crate::testing::open(&directory.path().join("keyward.db"));
        for sql in [LIVE.to_owned(), total(), page(""), page("DESC")] {
            let steps = plan(&store, &sql).await;
            let is_of_keys = |step: &&String| step.contains(" k ") || step.contains(" api_keys ");
            let keys: Vec<&String> = steps.iter().filter(is_of_keys).collect();
            let live = ["INDEX api_keys_live (account_id=?", "INDEX api_keys_listed (account_id=?"];
            let by_index = |step: &&String| live.iter().any(|index| step.contains(index));
            assert!(!keys.is_empty() && keys.iter().all(by_index), "{sql}: {steps:?}");
            assert!(
                !steps.iter().any(|step| step.contains("TEMP B-TREE")),
                "in the index's order: {steps:?}"
            );
        }
        let count = plan(&store, LIVE).await;
        let ranges = count.iter().filter(|step| step.contains("(account_id=? AND expires_at")).count();
        assert_eq!(ranges, 2, "those past their end are not read: {count:?}");
    }
}

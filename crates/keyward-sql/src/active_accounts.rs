//! The SQL of the choice of an account.

use crate::driver::Row;
use crate::grants::renewed;
use crate::params;
use crate::tx::Tx;
use crate::{rows, to_end};
use keyward_core::account::Account;
use keyward_core::active_account::{AccountChosen, ChooseAccount, ChosenAccount, ChosenView};
use keyward_core::clock::Timestamp;
use keyward_core::denial::Denial;
use keyward_core::effect::{Execute, Stop};
use keyward_core::id::UserId;
use keyward_core::live::Change;
use keyward_core::permit::{Permit, ReadAccount};
use keyward_core::principal::{Credential, JwtCredential, Principal, TokenOf};
use keyward_core::store::StoreError;
use std::sync::Arc;

/// The account of that slug, if the caller's user is an active member there, and its credential reaches it.
fn own(tx: &Tx<'_>, who: &Principal, slug: &str) -> Result<Account, Stop> {
    let sql = format!(
        "SELECT {} FROM accounts WHERE slug = ?1 AND disabled_at IS NULL
         AND id IN (SELECT account_id FROM memberships WHERE user_id = ?2)",
        rows::ACCOUNT
    );
    let reached = |account: &Account| match &who.credential {
        Credential::ApiKey(_) | Credential::Session(_) => true,
        Credential::Jwt(jwt) => jwt.token.reaches(&account.slug),
    };
    let found = tx.first(&sql, params![slug, who.user.0], rows::account)?.filter(reached);
    // A grant that is for one account is for no other.
    let found = match (found, of_grant(who)) {
        (Some(account), Some(id)) => {
            let sql = "SELECT 1 FROM oauth_grants WHERE id = ?1 AND ended_at IS NULL AND (bound = 0 OR account_id = ?2)";
            tx.first(sql, params![id, account.id.0], |_| Ok(()))?.map(|()| account)
        }
        (found, _) => found,
    };
    Ok(found.ok_or_else(|| Denial::not_found_by("Account", "slug", slug))?)
}

/// The grant that a caller acts by.
fn of_grant(who: &Principal) -> Option<i64> {
    match &who.credential {
        Credential::Jwt(JwtCredential { of: TokenOf::Grant(grant), .. }) => Some(grant.0),
        Credential::Jwt(JwtCredential { of: TokenOf::Link(_), .. })
        | Credential::ApiKey(_)
        | Credential::Session(_) => None,
    }
}

/// The client that a choice is for. Without one it would move every such application of this user.
fn client(jwt: &JwtCredential) -> Result<Arc<str>, Denial> {
    jwt.token.client.clone().ok_or_else(|| {
        Denial::invalid(
            "slug",
            "Nothing can be chosen for this token: it names no client (client_id or azp). Send X-Active-Account with each request",
        )
    })
}

/// So many choices of one user are kept. An issuer that gives a client a new name each time it connects would else fill the memory.
const KEPT: u32 = 100;

/// Forgets what the user chose longest ago, beyond those that are kept with this one. Such a client asks for an account again.
fn forget_oldest(tx: &mut Tx<'_>, user: UserId, (issuer, client): (&str, &str)) -> Result<(), StoreError> {
    let oldest = "DELETE FROM active_accounts WHERE user_id = ?1 AND (issuer, client) IN
        (SELECT issuer, client FROM active_accounts WHERE user_id = ?1 AND (issuer, client) <> (?2, ?3)
         ORDER BY chosen_at DESC, issuer, client LIMIT -1 OFFSET ?4) RETURNING issuer, client";
    let named = |row: &Row<'_>| Ok(to_end::text(row, "issuer").zip(to_end::text(row, "client")));
    let gone = tx.all(oldest, params![user.0, issuer, client, KEPT - 1], named)?;
    // Absent: a row that cannot be read was left out of memory.
    for (issuer, client) in gone.into_iter().flatten() {
        tx.publish(Change::Unchosen(user, issuer.into(), client.into()));
    }
    Ok(())
}

impl Execute<ChooseAccount> for Tx<'_> {
    fn execute(
        &mut self,
        e: &ChooseAccount,
        permit: &Permit<ReadAccount>,
        now: Timestamp,
    ) -> Result<AccountChosen, Stop> {
        let who = permit.principal()?;
        let account = own(self, who, &e.slug)?;
        let changed = match &who.credential {
            Credential::ApiKey(key) if key.member.account != account.id => {
                return Err(Denial::AccountForeign.into());
            }
            Credential::ApiKey(_) | Credential::Session(_) => false,
            Credential::Jwt(JwtCredential { of: TokenOf::Grant(grant), .. }) => {
                let changed = self.change(
                    "UPDATE oauth_grants SET account_id = ?2 WHERE id = ?1 AND account_id IS DISTINCT FROM ?2",
                    params![grant.0, account.id.0],
                )?;
                renewed(self, *grant)?;
                changed > 0
            }
            Credential::Jwt(jwt) => {
                let (issuer, client) = (&jwt.token.issuer, client(jwt)?);
                let changed = self.change(
                    "INSERT INTO active_accounts (user_id, issuer, client, account_id, chosen_at)
                     VALUES (?1, ?2, ?3, ?4, ?5)
                     ON CONFLICT (user_id, issuer, client) DO UPDATE SET account_id = ?4, chosen_at = ?5
                     WHERE active_accounts.account_id <> ?4",
                    params![who.user.0, &**issuer, &*client, account.id.0, now.unix()],
                )?;
                let (user, issuer) = (who.user, issuer.clone());
                forget_oldest(self, user, (&*issuer, &*client))?;
                self.publish(Change::Chosen(ChosenAccount { user, issuer, client, account: account.id }));
                changed > 0
            }
        };
        let Account { id, name, slug, account_type, .. } = account;
        let view = ChosenView { id, name, slug, account_type };
        Ok(AccountChosen { user: who.user, account: view, now: changed })
    }

    fn may_replay(
        &mut self,
        e: &ChooseAccount,
        _: i64,
        permit: &Permit<ReadAccount>,
        _: Timestamp,
    ) -> Result<(), Stop> {
        let who = permit.principal()?;
        let account = own(self, who, &e.slug)?;
        match &who.credential {
            Credential::ApiKey(key) if key.member.account != account.id => Err(Denial::AccountForeign.into()),
            Credential::ApiKey(_) | Credential::Session(_) => Ok(()),
            Credential::Jwt(JwtCredential { of: TokenOf::Grant(grant), .. }) => {
                let sql = "SELECT 1 FROM oauth_grants WHERE id = ?1 AND account_id = ?2";
                let chosen = self.first(sql, params![grant.0, account.id.0], |_| Ok(()))?;
                Ok(chosen.ok_or(Denial::IdempotencyKeyReused)?)
            }
            // What another client of this user has chosen is not chosen for this one.
            Credential::Jwt(jwt) => {
                let client = client(jwt)?;
                let sql = "SELECT 1 FROM active_accounts WHERE user_id = ?1 AND issuer = ?2 AND client = ?3 AND account_id = ?4";
                let params = params![who.user.0, &*jwt.token.issuer, &*client, account.id.0];
                self.first(sql, params, |_| Ok(()))?.ok_or(Denial::IdempotencyKeyReused)?;
                Ok(())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use keyward_core::limits::Tiers;
    use rusqlite::Connection;

    #[test]
    fn the_choices_that_are_oldest_are_forgotten_and_the_one_that_is_made_never_is() {
        let mut connection = Connection::open_in_memory().unwrap();
        let table = "CREATE TABLE active_accounts (user_id INTEGER, issuer TEXT, client TEXT, account_id INTEGER, chosen_at INTEGER,
            PRIMARY KEY (user_id, issuer, client)) STRICT, WITHOUT ROWID";
        connection.execute_batch(table).unwrap();
        let insert = "INSERT INTO active_accounts VALUES (?1, 'i', ?2, 1, ?3)";
        for at in 0..i64::from(KEPT) + 2 {
            connection.execute(insert, rusqlite::params![1, format!("client {at}"), at]).unwrap();
            connection.execute(insert, rusqlite::params![2, format!("client {at}"), at]).unwrap();
        }
        let mut tx = Tx::new(connection.transaction().unwrap(), Tiers::default(), true);
        // By a clock that is behind, the newest choice looks like the oldest.
        forget_oldest(&mut tx, UserId(1), ("i", "client 0")).unwrap();
        let gone: Vec<String> = tx.changes().iter().map(|change| format!("{change:?}")).collect();
        assert_eq!(gone.len(), 2, "{gone:?}");
        assert!(gone[0].contains("client 1\"") || gone[0].contains("client 2\""), "{gone:?}");
        tx.finish(Ok(())).written.unwrap();
        let left = |user: i64| -> i64 {
            let sql = "SELECT count(*) FROM active_accounts WHERE user_id = ?1";
            connection.query_row(sql, [user], |row| row.get(0)).unwrap()
        };
        assert_eq!(
            (left(1), left(2)),
            (i64::from(KEPT), i64::from(KEPT) + 2),
            "another user's are another's"
        );
    }
}

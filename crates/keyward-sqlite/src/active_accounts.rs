//! The SQL of the choice of an account.

use crate::grants::renewed;
use crate::rows;
use crate::tx::Tx;
use keyward_core::account::Account;
use keyward_core::active_account::{AccountChosen, ChooseAccount, ChosenAccount, ChosenView};
use keyward_core::clock::Timestamp;
use keyward_core::denial::Denial;
use keyward_core::effect::{Execute, Stop};
use keyward_core::live::Change;
use keyward_core::permit::{Permit, ReadAccount};
use keyward_core::principal::{Credential, JwtCredential, Principal, TokenOf};
use rusqlite::params;
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
                    "UPDATE oauth_grants SET account_id = ?2 WHERE id = ?1 AND account_id IS NOT ?2",
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
                     WHERE account_id <> ?4",
                    params![who.user.0, &**issuer, &*client, account.id.0, now.unix()],
                )?;
                let (user, issuer) = (who.user, issuer.clone());
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

//! The SQL of grants: consent, codes, refresh tokens, and everything that ends them.

use crate::rows;
use crate::tx::Tx;
use keyward_core::clock::Timestamp;
use keyward_core::denial::{Denial, OAuthDenial};
use keyward_core::effect::{Execute, Stop};
use keyward_core::live::Change;
use keyward_core::oauth::{
    CONSENT_SECONDS, Disconnect, Disconnected, Family, GRACE_SECONDS, GiveConsent, Given, GrantEnd, GrantId,
    GrantRevoked, OAuthGrant, RedeemCode, Redeemed, RefreshGrant, Refreshed, Resources, RevokeGrant, pkce,
};
use keyward_core::permit::{ManageSignIns, Permit, Present};
use keyward_core::principal::Credential;
use keyward_core::store::StoreError;
use rusqlite::{Row, ToSql, params};
use std::sync::Arc;

fn refuse(denial: OAuthDenial) -> Stop {
    Denial::OAuth(denial).into()
}

fn find(tx: &Tx<'_>, id: GrantId) -> Result<Option<OAuthGrant>, StoreError> {
    tx.first(&format!("SELECT {} FROM oauth_grants WHERE id = ?1", rows::GRANT), [id.0], rows::grant)
}

/// Ends the grants of which this is so (`?3` is the value); how many.
pub(crate) fn end_where(
    tx: &mut Tx<'_>,
    which: &str,
    value: impl ToSql,
    why: GrantEnd,
    now: Timestamp,
) -> Result<usize, StoreError> {
    let sql = format!(
        "UPDATE oauth_grants SET ended_at = ?1, ended_by = ?2 WHERE ended_at IS NULL AND {which} RETURNING {}",
        rows::GRANT
    );
    let ended = tx.all(&sql, params![now.unix(), why.word(), value], rows::grant)?;
    let count = ended.len();
    ended.into_iter().for_each(|grant| tx.publish(Change::Grant(grant)));
    Ok(count)
}

fn end(tx: &mut Tx<'_>, grant: &OAuthGrant, why: GrantEnd, now: Timestamp) -> Result<(), StoreError> {
    end_where(tx, "id = ?3", grant.id.0, why, now).map(drop)
}

/// A grant as the store has it now, published.
pub(crate) fn renewed(tx: &mut Tx<'_>, id: GrantId) -> Result<OAuthGrant, StoreError> {
    let missing = || StoreError::Corrupt { table: "oauth_grants", what: format!("no row {}", id.0) };
    let grant = find(tx, id)?.ok_or_else(missing)?;
    tx.publish(Change::Grant(grant.clone()));
    Ok(grant)
}

impl Execute<GiveConsent> for Tx<'_> {
    fn execute(
        &mut self,
        e: &GiveConsent,
        permit: &Permit<ManageSignIns>,
        now: Timestamp,
    ) -> Result<Given, Stop> {
        let who = permit.principal()?;
        let Credential::Session(session) = &who.credential else { return Err(Denial::InPersonOnly.into()) };
        if let Some(account) = e.account {
            let sql = "SELECT 1 FROM memberships m JOIN accounts a ON a.id = m.account_id
                       WHERE m.account_id = ?1 AND m.user_id = ?2 AND a.disabled_at IS NULL";
            self.first(sql, params![account.0, who.user.0], |_| Ok(()))?.ok_or(Denial::AccountForeign)?;
        }
        let form = e.form.to_string();
        if self.first("SELECT 1 FROM oauth_grants WHERE form = ?1", [&form], |_| Ok(()))?.is_some() {
            return Err(Denial::FormUnusable.into());
        }
        let id = self.insert(
            "INSERT INTO oauth_grants (user_id, client_id, client_name, scopes, openid, email, offline, for_api, for_mcp,
                                       account_id, bound, form, nonce, created_at, ends_at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)",
            params![
                who.user.0,
                &*e.client.id,
                e.client.name,
                e.asked.scopes.to_text(),
                e.asked.openid,
                e.asked.email,
                e.asked.offline,
                e.resources.api,
                e.resources.mcp,
                e.account.map(|account| account.0),
                e.bound,
                form,
                e.nonce.as_slice(),
                now.unix(),
                now.plus_seconds(e.lives).unix(),
            ],
        )?;
        self.change(
            "INSERT INTO oauth_codes (digest, grant_id, redirect_uri, challenge, oidc_nonce, signed_in_at, expires_at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            params![
                e.code.as_bytes(),
                id,
                e.redirect_uri,
                e.challenge,
                e.oidc_nonce,
                session.created_at.unix(),
                now.plus_seconds(CONSENT_SECONDS).unix(),
            ],
        )?;
        self.change(
            "UPDATE oauth_clients SET last_used_at = ?2 WHERE client_id = ?1",
            params![&*e.client.id, now.unix()],
        )?;
        forget_old(self, now)?;
        Ok(Given(renewed(self, GrantId(id))?))
    }
}

/// Takes codes and grants away that have been over for a day: nothing that they gave is presented any more, and the audit trail
/// has them. How many.
pub(crate) fn forget_old(tx: &mut Tx<'_>, now: Timestamp) -> Result<usize, StoreError> {
    // Codes that nobody can use any more: their replay is no longer told from an unknown one.
    let codes = tx.change(
        "DELETE FROM oauth_codes WHERE digest IN (SELECT digest FROM oauth_codes WHERE expires_at <= ?1 LIMIT 100)",
        [now.plus_seconds(-86_400).unix()],
    )?;
    let sql = format!(
        "DELETE FROM oauth_grants WHERE id IN (SELECT g.id FROM oauth_grants g WHERE (g.ends_at <= ?1 OR g.ended_at <= ?1)
             AND NOT EXISTS (SELECT 1 FROM oauth_codes c WHERE c.grant_id = g.id) LIMIT 100) RETURNING {}",
        rows::GRANT
    );
    let grants = tx.all(&sql, [now.plus_seconds(-86_400).unix()], rows::grant)?;
    let gone = codes + grants.len();
    for grant in grants {
        tx.publish(Change::Grant(OAuthGrant { ended: true, ..grant }));
    }
    Ok(gone)
}

struct Code {
    grant: GrantId,
    redirect_uri: String,
    challenge: String,
    oidc_nonce: Option<String>,
    signed_in_at: Timestamp,
    expires_at: Timestamp,
    redeemed: bool,
    offline: bool,
}

fn code(row: &Row<'_>) -> Result<Code, StoreError> {
    let moment = |column| Ok::<_, StoreError>(Timestamp::from_unix(rows::get(row, column)?));
    Ok(Code {
        grant: GrantId(rows::get(row, "grant_id")?),
        redirect_uri: rows::get(row, "redirect_uri")?,
        challenge: rows::get(row, "challenge")?,
        oidc_nonce: rows::get(row, "oidc_nonce")?,
        signed_in_at: moment("signed_in_at")?,
        expires_at: moment("expires_at")?,
        redeemed: rows::time(row, "redeemed_at")?.is_some(),
        offline: rows::get(row, "offline")?,
    })
}

impl Execute<RedeemCode> for Tx<'_> {
    fn execute(&mut self, e: &RedeemCode, _: &Permit<Present>, now: Timestamp) -> Result<Redeemed, Stop> {
        let sql = "SELECT c.*, g.offline FROM oauth_codes c JOIN oauth_grants g ON g.id = c.grant_id WHERE c.digest = ?1";
        let code = self.first(sql, [e.code.as_bytes()], code)?.ok_or(refuse(OAuthDenial::CodeUnknown))?;
        let grant = find(self, code.grant)?.ok_or(refuse(OAuthDenial::CodeUnknown))?;
        if grant.client != e.client.id {
            return Err(refuse(OAuthDenial::CodeOfAnother));
        }
        // Whoever has a used code and says the rest rightly or not: somebody has it who should not (RFC 6749 §4.1.2).
        if code.redeemed {
            end(self, &grant, GrantEnd::CodeReplayed, now)?;
            return Ok(Redeemed::Replayed(grant));
        }
        if code.expires_at <= now {
            return Err(refuse(OAuthDenial::CodeExpired));
        }
        // What only does not fit uses nothing up: the client that it belongs to may still come.
        if e.redirect_uri.as_ref().is_some_and(|uri| *uri != code.redirect_uri) {
            return Err(refuse(OAuthDenial::CodeOfAnother));
        }
        if !pkce::verifies(&e.verifier, &code.challenge) {
            return Err(refuse(OAuthDenial::VerifierWrong));
        }
        within(e.resources, &grant)?;
        if !grant.is_live(now) {
            return Err(refuse(OAuthDenial::GrantOver));
        }
        let refreshes = e.client.refreshes || code.offline;
        let lives = if refreshes { e.lives.0 } else { e.lives.1 };
        self.change(
            "UPDATE oauth_codes SET redeemed_at = ?2 WHERE digest = ?1",
            params![e.code.as_bytes(), now.unix()],
        )?;
        self.change(
            "UPDATE oauth_grants SET ends_at = ?2, last_used_at = ?3, number = ?4, secret_version = ?5, rotated_at = ?6
             WHERE id = ?1",
            params![
                grant.id.0,
                now.plus_seconds(lives).unix(),
                now.unix(),
                refreshes.then_some(1),
                refreshes.then_some(e.version),
                refreshes.then_some(now.unix()),
            ],
        )?;
        let grant = renewed(self, grant.id)?;
        Ok(Redeemed::Granted { grant, oidc_nonce: code.oidc_nonce, signed_in_at: code.signed_in_at })
    }
}

fn within(asked: Option<Resources>, grant: &OAuthGrant) -> Result<(), Stop> {
    match asked {
        Some(asked) if !asked.within(grant.resources) => Err(refuse(OAuthDenial::ResourceUnknown)),
        _ => Ok(()),
    }
}

impl Execute<RefreshGrant> for Tx<'_> {
    fn execute(&mut self, e: &RefreshGrant, _: &Permit<Present>, now: Timestamp) -> Result<Refreshed, Stop> {
        let grant = find(self, e.presented.grant)?.ok_or(refuse(OAuthDenial::RefreshUnknown))?;
        let Some(family) = grant.family.filter(|_| grant.client == e.client) else {
            return Err(refuse(OAuthDenial::RefreshUnknown));
        };
        if !grant.is_live(now) {
            return Err(refuse(OAuthDenial::GrantOver));
        }
        let Family { number, rotated_at, version } = family;
        // Of a clock that went back since, the time says nothing: what was replaced is not just replaced for as long.
        let in_grace =
            now < rotated_at.plus_seconds(GRACE_SECONDS) && rotated_at < now.plus_seconds(GRACE_SECONDS);
        let just_replaced = e.presented.number + 1 == number && in_grace;
        if e.presented.number > number {
            // Of a time that was taken back, by a restored copy.
            return Err(refuse(OAuthDenial::RefreshUnknown));
        }
        if e.presented.number < number && !just_replaced {
            end(self, &grant, GrantEnd::RefreshReused, now)?;
            return Ok(Refreshed::Reused(grant));
        }
        if e.presented.number == number && e.presented.version != version {
            return Err(refuse(OAuthDenial::RefreshUnknown));
        }
        within(e.resources, &grant)?;
        if e.scopes.is_some_and(|scopes| !scopes.without(grant.scopes).is_empty()) {
            return Err(refuse(OAuthDenial::ScopeWider));
        }
        if just_replaced {
            return Ok(Refreshed::Granted(grant, false));
        }
        let ends_at = now.plus_seconds(e.lives).min(grant.last_end());
        self.change(
            "UPDATE oauth_grants SET number = ?2, secret_version = ?3, rotated_at = ?4, last_used_at = ?4, ends_at = ?5
             WHERE id = ?1",
            params![grant.id.0, number + 1, e.version, now.unix(), ends_at.unix()],
        )?;
        self.change(
            "UPDATE oauth_clients SET last_used_at = ?2 WHERE client_id = ?1",
            params![&*e.client, now.unix()],
        )?;
        Ok(Refreshed::Granted(renewed(self, grant.id)?, true))
    }
}

impl Execute<RevokeGrant> for Tx<'_> {
    fn execute(
        &mut self,
        e: &RevokeGrant,
        _: &Permit<Present>,
        now: Timestamp,
    ) -> Result<GrantRevoked, Stop> {
        let grant = find(self, e.grant)?.filter(|grant| grant.client == e.client);
        let grant = grant.ok_or(refuse(OAuthDenial::RefreshUnknown))?;
        let live = !grant.ended;
        end(self, &grant, GrantEnd::Revoked, now)?;
        Ok(GrantRevoked { grant, now: live })
    }
}

impl Execute<Disconnect> for Tx<'_> {
    fn execute(
        &mut self,
        e: &Disconnect,
        permit: &Permit<ManageSignIns>,
        now: Timestamp,
    ) -> Result<Disconnected, Stop> {
        let user = permit.principal()?.user;
        let own = format!("user_id = {} AND client_id = ?3", user.0);
        let grants = end_where(self, &own, &*e.client, GrantEnd::Disconnected, now)?;
        Ok(Disconnected { user, client: Arc::clone(&e.client), grants })
    }
}

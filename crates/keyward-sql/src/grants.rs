//! The SQL of grants: consent, codes, refresh tokens. What ends them is in `grant_endings.rs`.

use crate::driver::Row;
use crate::grant_endings::{GRANT_ROW, GrantRow, end, forget_old};
use crate::params;
use crate::tx::Tx;
use crate::{rows, to_end};
use keyward_core::clock::Timestamp;
use keyward_core::denial::{Denial, OAuthDenial};
use keyward_core::effect::{Execute, Stop};
use keyward_core::live::Change;
use keyward_core::made_by::MadeBy;
use keyward_core::oauth::refresh::Presented;
use keyward_core::oauth::{
    CodeOutline, CodeRequest, CodeUse, GrantEnd, GrantId, Grants, OAuthGrant, Redemption, Refresh, Replaced,
    StoredCode, StoredFamily,
};
use keyward_core::permit::{ManageSignIns, Permit, Present};
use keyward_core::principal::Credential;
use keyward_core::store::StoreError;
use keyward_core::write::grant::{
    CONSENT_SECONDS, GiveConsent, Given, RedeemCode, Redeemed, RefreshGrant, Refreshed,
};

fn refuse(denial: OAuthDenial) -> Stop {
    Denial::OAuth(denial).into()
}

fn find(tx: &Tx<'_>, id: GrantId) -> Result<Option<OAuthGrant>, StoreError> {
    tx.first(&format!("SELECT {} FROM oauth_grants WHERE id = ?1", rows::GRANT), [id.0], rows::grant)
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
            "INSERT INTO oauth_grants (user_id, client_id, client_name, scopes, openid, email, profile, offline, for_api, for_mcp,
                                       account_id, bound, form, nonce, created_at, ends_at, made_by)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17)",
            params![
                who.user.0,
                &*e.client.id,
                e.client.name,
                e.asked.scopes.to_text(),
                e.asked.openid,
                e.asked.email,
                e.asked.profile,
                e.asked.offline,
                e.resources.api,
                e.resources.mcp,
                e.account.map(|account| account.0),
                e.bound,
                form,
                e.nonce.as_slice(),
                now.unix(),
                now.plus_seconds(e.lives).unix(),
                permit.made_by().map(MadeBy::text),
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
        forget_old(self, self.clock().settled)?;
        Ok(Given(renewed(self, GrantId(id))?))
    }
}

fn code(row: &Row<'_>) -> Result<StoredCode, StoreError> {
    let moment = |column| Ok::<_, StoreError>(Timestamp::from_unix(rows::get(row, column)?));
    Ok(StoredCode {
        redirect_uri: rows::get(row, "redirect_uri")?,
        challenge: rows::get(row, "challenge")?,
        oidc_nonce: rows::get(row, "oidc_nonce")?,
        signed_in_at: moment("signed_in_at")?,
        expires_at: moment("expires_at")?,
    })
}

impl Execute<RedeemCode> for Tx<'_> {
    fn execute(&mut self, e: &RedeemCode, _: &Permit<Present>, now: Timestamp) -> Result<Redeemed, Stop> {
        let sql = format!(
            "SELECT {GRANT_ROW}, c.redeemed_at FROM oauth_codes c JOIN oauth_grants g ON g.id = c.grant_id WHERE c.digest = ?1"
        );
        let seen = |row: &Row<'_>| Ok((GrantRow::read(row)?, !to_end::is_null(row, "redeemed_at")));
        let (of, redeemed) =
            self.first(&sql, [e.code.as_bytes()], seen)?.ok_or(refuse(OAuthDenial::CodeUnknown))?;
        let outline = CodeOutline { client: of.client.as_deref(), redeemed };
        if outline.present(&e.client.id).map_err(refuse)? == CodeUse::Replay {
            end(self, Grants::One(of.of.id), GrantEnd::CodeReplayed, now)?;
            return Ok(Redeemed::Replayed(of.of));
        }
        let sql = "SELECT c.*, g.offline FROM oauth_codes c JOIN oauth_grants g ON g.id = c.grant_id WHERE c.digest = ?1";
        let code = self.first(sql, [e.code.as_bytes()], code)?.ok_or(refuse(OAuthDenial::CodeUnknown))?;
        let grant = find(self, of.of.id)?.ok_or(refuse(OAuthDenial::CodeUnknown))?;
        let request = CodeRequest {
            redirect_uri: e.redirect_uri.as_deref(),
            verifier: &e.verifier,
            resources: e.resources,
            refreshes: e.client.refreshes,
            version: e.version,
            lives: e.lives,
        };
        let Redemption { ends_at, family } = grant.redeem(&code, request, self.clock())?;
        self.change(
            "UPDATE oauth_codes SET redeemed_at = ?2 WHERE digest = ?1",
            params![e.code.as_bytes(), now.unix()],
        )?;
        self.change(
            "UPDATE oauth_grants SET ends_at = ?2, last_used_at = ?3, number = ?4, secret_version = ?5, rotated_at = ?6
             WHERE id = ?1",
            params![
                grant.id.0,
                ends_at.unix(),
                now.unix(),
                family.map(|family| family.number),
                family.map(|family| family.version),
                family.map(|family| family.rotated_at.unix()),
            ],
        )?;
        let grant = renewed(self, grant.id)?;
        Ok(Redeemed::Granted { grant, oidc_nonce: code.oidc_nonce, signed_in_at: code.signed_in_at })
    }
}

/// A grant as a refresh token finds it.
struct Line {
    grant: GrantRow,
    /// `None`: it has no refresh tokens at all.
    family: Option<StoredFamily>,
}

impl Line {
    fn read(row: &Row<'_>) -> Result<Self, StoreError> {
        let grant = GrantRow::read(row)?;
        let columns = ["number", "secret_version", "rotated_at"];
        let is_there = !columns.iter().all(|column| to_end::is_null(row, column));
        let family = is_there.then(|| StoredFamily {
            ended: grant.ended,
            ends_at: to_end::number(row, "ends_at").map(Timestamp::from_unix),
            number: to_end::number(row, "number"),
            version: to_end::number(row, "secret_version"),
            rotated_at: to_end::number(row, "rotated_at").map(Timestamp::from_unix),
            // Absent: none is in its grace period, so the use of an older one ends the grant.
            replaced: to_end::text(row, "replaced")
                .and_then(|text| Replaced::parse(&text))
                .unwrap_or_default(),
        });
        Ok(Self { grant, family })
    }
}

impl Execute<RefreshGrant> for Tx<'_> {
    fn execute(&mut self, e: &RefreshGrant, _: &Permit<Present>, now: Timestamp) -> Result<Refreshed, Stop> {
        let unknown = || refuse(OAuthDenial::RefreshUnknown);
        let sql = format!(
            "SELECT {GRANT_ROW}, g.ends_at, g.number, g.secret_version, g.rotated_at, g.replaced FROM oauth_grants g WHERE g.id = ?1"
        );
        let Presented { grant: id, number, version, .. } = e.presented;
        let line = self.first(&sql, [id.0], Line::read)?.ok_or(unknown())?;
        let stored = line.family.filter(|_| !line.grant.is_of_another(&e.client)).ok_or(unknown())?;
        let refresh = stored.present((number, version), e.grace, self.clock());
        match refresh {
            Refresh::GrantOver => return Err(refuse(OAuthDenial::GrantOver)),
            Refresh::Reused => {
                end(self, Grants::One(id), GrantEnd::RefreshReused, now)?;
                return Ok(Refreshed::Reused(line.grant.of));
            }
            Refresh::Unknown | Refresh::Rotate | Refresh::Repeat => {}
        }
        let grant = find(self, id)?.ok_or(unknown())?;
        let family = grant.family.filter(|_| refresh != Refresh::Unknown).ok_or(unknown())?;
        grant.narrows_to(e.resources, e.scopes).map_err(refuse)?;
        self.judges_ends()?;
        if refresh == Refresh::Repeat {
            return Ok(Refreshed::Granted(grant, false));
        }
        let next = family.next(e.version, now);
        let replaced = family.remember(stored.replaced, e.grace, now).to_text();
        let ends_at = grant.end_after_refresh(e.lives, now);
        self.change(
            "UPDATE oauth_grants SET number = ?2, secret_version = ?3, rotated_at = ?4, last_used_at = ?4, ends_at = ?5, replaced = ?6
             WHERE id = ?1",
            params![grant.id.0, next.number, next.version, next.rotated_at.unix(), ends_at.unix(), replaced],
        )?;
        self.change(
            "UPDATE oauth_clients SET last_used_at = ?2 WHERE client_id = ?1",
            params![&*e.client, now.unix()],
        )?;
        Ok(Refreshed::Granted(renewed(self, grant.id)?, true))
    }
}

//! The SQL of grants: consent, codes, refresh tokens. What ends them is in `grant_endings.rs`.

use crate::driver::Row;
use crate::grant_endings::{GRANT_ROW, GrantRow, end, forget_old};
use crate::params;
use crate::tx::Tx;
use crate::{rows, to_end};
use keyward_core::clock::{Moment, Timestamp};
use keyward_core::denial::{Denial, OAuthDenial};
use keyward_core::effect::{Execute, Stop};
use keyward_core::live::Change;
use keyward_core::made_by::MadeBy;
use keyward_core::oauth::{
    CONSENT_SECONDS, Family, GiveConsent, Given, GrantEnd, GrantId, Grants, OAuthGrant, RedeemCode, Redeemed,
    RefreshGrant, Refreshed, Replaced, Resources, pkce,
};
use keyward_core::permit::{ManageSignIns, Permit, Present};
use keyward_core::principal::Credential;
use keyward_core::store::StoreError;

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

struct Code {
    redirect_uri: String,
    challenge: String,
    oidc_nonce: Option<String>,
    signed_in_at: Timestamp,
    expires_at: Timestamp,
    offline: bool,
}

fn code(row: &Row<'_>) -> Result<Code, StoreError> {
    let moment = |column| Ok::<_, StoreError>(Timestamp::from_unix(rows::get(row, column)?));
    Ok(Code {
        redirect_uri: rows::get(row, "redirect_uri")?,
        challenge: rows::get(row, "challenge")?,
        oidc_nonce: rows::get(row, "oidc_nonce")?,
        signed_in_at: moment("signed_in_at")?,
        expires_at: moment("expires_at")?,
        offline: rows::get(row, "offline")?,
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
        if of.is_of_another(&e.client.id) {
            return Err(refuse(OAuthDenial::CodeOfAnother));
        }
        // Whoever has a used code and says the rest rightly or not: somebody has it who should not (RFC 6749 §4.1.2).
        if redeemed {
            end(self, Grants::One(of.of.id), GrantEnd::CodeReplayed, now)?;
            return Ok(Redeemed::Replayed(of.of));
        }
        let sql = "SELECT c.*, g.offline FROM oauth_codes c JOIN oauth_grants g ON g.id = c.grant_id WHERE c.digest = ?1";
        let code = self.first(sql, [e.code.as_bytes()], code)?.ok_or(refuse(OAuthDenial::CodeUnknown))?;
        let grant = find(self, of.of.id)?.ok_or(refuse(OAuthDenial::CodeUnknown))?;
        let passed = self.clock().passed;
        if code.expires_at <= passed {
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
        if !grant.is_live(passed) {
            return Err(refuse(OAuthDenial::GrantOver));
        }
        self.judges_ends()?;
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
        // Absent: the grant's own, and nothing beside them.
        _ => Ok(()),
    }
}

/// What decides whether a refresh token that was made here was replaced.
struct Line {
    grant: GrantRow,
    ends_at: Option<i64>,
    /// Whether the grant has refresh tokens at all.
    is_there: bool,
    /// The number of the current one; `None`: that cannot be read.
    number: Option<i64>,
    rotated_at: Option<Timestamp>,
    /// Those that were replaced before; where that cannot be read, none.
    replaced: Replaced,
}

impl Line {
    fn read(row: &Row<'_>) -> Result<Self, StoreError> {
        let columns = ["number", "secret_version", "rotated_at"];
        Ok(Self {
            grant: GrantRow::read(row)?,
            ends_at: to_end::number(row, "ends_at"),
            is_there: !columns.iter().all(|column| to_end::is_null(row, column)),
            number: to_end::number(row, "number"),
            rotated_at: to_end::number(row, "rotated_at").map(Timestamp::from_unix),
            // Absent: none is in its grace, so the use of an older one ends the grant.
            replaced: to_end::text(row, "replaced")
                .and_then(|text| Replaced::parse(&text))
                .unwrap_or_default(),
        })
    }

    fn is_over(&self, passed: Timestamp) -> bool {
        self.grant.ended || self.ends_at.is_some_and(|end| end <= passed.unix())
    }

    /// Whether this number was replaced within its grace. While the clock is behind, of the one before the current one also where that
    /// is not known: the grant does not end for it, and nothing is given either.
    fn has_just_replaced(&self, e: &RefreshGrant, clock: Moment) -> bool {
        let presented = e.presented.number;
        let is_previous = self.number == Some(i64::from(presented) + 1);
        let at = if is_previous { self.rotated_at } else { self.replaced.at(presented) };
        // In a time that was taken back since, it was not just replaced for as long.
        let is_of_then =
            |at: Timestamp| at < clock.passed.plus_seconds(e.grace.min(60)) || (clock.behind && is_previous);
        let in_grace = |at: Timestamp| clock.passed < at.plus_seconds(e.grace) && is_of_then(at);
        self.number.is_some_and(|number| i64::from(presented) < number) && at.is_some_and(in_grace)
    }

    /// Whether it was replaced before. Where that cannot be read it counts as replaced: the row gives no token any more.
    fn has_replaced(&self, e: &RefreshGrant, clock: Moment) -> bool {
        // Absent: it counts as replaced, which ends the grant.
        self.number.is_none_or(|number| i64::from(e.presented.number) < number)
            && !self.has_just_replaced(e, clock)
    }
}

impl Execute<RefreshGrant> for Tx<'_> {
    fn execute(&mut self, e: &RefreshGrant, _: &Permit<Present>, now: Timestamp) -> Result<Refreshed, Stop> {
        let unknown = || refuse(OAuthDenial::RefreshUnknown);
        let sql = format!(
            "SELECT {GRANT_ROW}, g.ends_at, g.number, g.secret_version, g.rotated_at, g.replaced FROM oauth_grants g WHERE g.id = ?1"
        );
        let line = self.first(&sql, [e.presented.grant.0], Line::read)?.ok_or(unknown())?;
        if line.grant.is_of_another(&e.client) || !line.is_there {
            return Err(unknown());
        }
        let clock = self.clock();
        if line.is_over(clock.passed) {
            return Err(refuse(OAuthDenial::GrantOver));
        }
        if line.has_replaced(e, clock) {
            end(self, Grants::One(e.presented.grant), GrantEnd::RefreshReused, now)?;
            return Ok(Refreshed::Reused(line.grant.of));
        }
        let grant = find(self, e.presented.grant)?.ok_or(unknown())?;
        let Family { number, version, rotated_at } = grant.family.ok_or(unknown())?;
        let just_replaced = line.has_just_replaced(e, clock);
        if e.presented.number > number {
            // Of a time that was taken back, by a restored copy.
            return Err(unknown());
        }
        if e.presented.number == number && e.presented.version != version {
            return Err(unknown());
        }
        within(e.resources, &grant)?;
        if e.scopes.is_some_and(|scopes| !scopes.without(grant.scopes).is_empty()) {
            return Err(refuse(OAuthDenial::ScopeWider));
        }
        self.judges_ends()?;
        if just_replaced {
            return Ok(Refreshed::Granted(grant, false));
        }
        let ends_at = now.plus_seconds(e.lives).min(grant.last_end());
        // The one before this was replaced when this became the current one.
        let replaced = line.replaced.with(number.saturating_sub(1), rotated_at, e.grace, now).to_text();
        self.change(
            "UPDATE oauth_grants SET number = ?2, secret_version = ?3, rotated_at = ?4, last_used_at = ?4, ends_at = ?5, replaced = ?6
             WHERE id = ?1",
            params![grant.id.0, number + 1, e.version, now.unix(), ends_at.unix(), replaced],
        )?;
        self.change(
            "UPDATE oauth_clients SET last_used_at = ?2 WHERE client_id = ?1",
            params![&*e.client, now.unix()],
        )?;
        Ok(Refreshed::Granted(renewed(self, grant.id)?, true))
    }
}

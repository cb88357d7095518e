//! `POST /oauth/token`: a code, or a refresh token, into an access token.

use super::AuthorizationServer;
use super::answer::{json, refuse, refuse_guess};
use super::clients::{authenticate, authenticate_id};
use super::tokens::{Issue, answer};
use crate::browser::Visit;
use crate::problem::Problem;
use axum::body::Body;
use http::{Response, StatusCode};
use keyward_core::denial::{Denial, OAuthDenial};
use keyward_core::oauth::refresh::Presented as Token;
use keyward_core::oauth::{Asked, Client, OAuthGrant, Resources};
use keyward_core::opaque::TokenDigest;
use keyward_core::permit::{self, Presented};
use keyward_core::rate_limit::Purpose;
use keyward_core::write::grant::{RedeemCode, Redeemed, RefreshGrant, Refreshed};
use serde_json::Value;
use std::sync::Arc;

pub(super) async fn handle(mut visit: Visit) -> Response<Body> {
    let charged = match visit.charge_client(Purpose::Forms) {
        Ok(charged) => charged,
        // Nothing was presented yet, so it is no guess.
        Err(denial) => return refuse(&visit, denial.into()),
    };
    let outcome = async {
        visit.read_form(charged).await?;
        respond(&visit).await
    };
    let outcome = outcome.await;
    match outcome {
        Ok(body) => json(StatusCode::OK, &body),
        Err(problem) => refuse_guess(&visit, problem),
    }
}

fn denied(denial: OAuthDenial) -> Problem {
    Denial::OAuth(denial).into()
}

async fn respond(visit: &Visit) -> Result<Value, Problem> {
    let server = visit.oauth().ok_or(Denial::RouteUnknown)?;
    let form = &visit.form;
    let grant_type =
        form.get("grant_type").ok_or(denied(OAuthDenial::RequestMalformed("grant_type is missing")))?;
    if !["authorization_code", "refresh_token"].contains(&grant_type) {
        return Err(denied(OAuthDenial::GrantTypeUnsupported));
    }
    let resources = || server.resources(form.all("resource")).ok_or(denied(OAuthDenial::ResourceUnknown));
    if grant_type == "refresh_token" {
        let client = authenticate_id(visit, server).await?;
        return refresh(visit, server, client, resources()?).await;
    }
    let client = authenticate(visit, server).await?;
    redeem(visit, server, client, resources()?).await
}

async fn redeem(
    visit: &Visit,
    server: &AuthorizationServer,
    client: Client,
    resources: Option<Resources>,
) -> Result<Value, Problem> {
    let missing = |what| denied(OAuthDenial::RequestMalformed(what));
    let code = visit.form.get("code").ok_or(missing("code is missing"))?;
    let verifier = visit.form.get("code_verifier").ok_or(missing("code_verifier is missing"))?;
    let code = TokenDigest::of(code);
    // Whoever guesses keeps no writer busy.
    if !visit.web.store.knows_code(code).await? {
        return Err(denied(OAuthDenial::CodeUnknown));
    }
    let effect = RedeemCode {
        code,
        client,
        redirect_uri: visit.form.get("redirect_uri").map(str::to_owned),
        verifier: verifier.to_owned(),
        resources,
        // Absent: a version that no key has, so the refresh token is never taken.
        version: server.keys.refresh.current().unwrap_or_default(),
        lives: server.lives(),
    };
    match visit.commit(effect, permit::present(Presented::Client)).await? {
        Redeemed::Replayed(_) => Err(denied(OAuthDenial::CodeReplayed)),
        Redeemed::Granted { grant, oidc_nonce, signed_in_at } => {
            let signed_in = Some((oidc_nonce, signed_in_at));
            answer(&visit.shared, server, Issue { grant, asked: None, resources, signed_in })
        }
    }
}

async fn refresh(
    visit: &Visit,
    server: &AuthorizationServer,
    client: Arc<str>,
    resources: Option<Resources>,
) -> Result<Value, Problem> {
    let token = visit.form.get("refresh_token");
    let token = token.ok_or(denied(OAuthDenial::RequestMalformed("refresh_token is missing")))?;
    let unknown = || denied(OAuthDenial::RefreshUnknown);
    let presented = Token::read(token).ok_or_else(unknown)?;
    // Whether it was made here is found without touching the store. Of a grant that was left out at the start only the row says
    // it: nothing is issued for it, and a token that was replaced ends it.
    let known = visit.shared.directory.read().grant(presented.grant).cloned();
    let nonce = match &known {
        Some(grant) => Some(grant.nonce),
        None if visit.web.store.left_out().may_be("oauth_grants", &format!("id {}", presented.grant.0)) => {
            visit.web.store.nonce_to_end(presented.grant).await?
        }
        None => None,
    };
    if !nonce.is_some_and(|nonce| server.keys.refresh.is_own(&presented, &nonce)) {
        return Err(unknown());
    }
    let asked = asked(visit.form.get("scope"))?;
    let wider = |grant: &OAuthGrant| {
        asked.is_some_and(|asked| {
            asked.openid && !grant.openid || asked.email && !grant.email || asked.profile && !grant.profile
        })
    };
    if known.as_ref().is_some_and(wider) {
        return Err(denied(OAuthDenial::ScopeWider));
    }
    let effect = RefreshGrant {
        presented,
        client,
        scopes: asked.map(|asked| asked.scopes),
        resources,
        // Absent: a version that no key has, so the refresh token is never taken.
        version: server.keys.refresh.current().unwrap_or_default(),
        lives: server.lives().0,
        grace: server.settings.refresh_grace_seconds,
    };
    match visit.commit(effect, permit::present(Presented::Client)).await? {
        Refreshed::Reused(_) => Err(denied(OAuthDenial::RefreshReused)),
        Refreshed::Granted(grant, _) => {
            answer(&visit.shared, server, Issue { grant, asked, resources, signed_in: None })
        }
    }
}

/// What an access token is to have; what is no scope of ours changes nothing.
fn asked(scope: Option<&str>) -> Result<Option<Asked>, Problem> {
    match scope.filter(|text| !text.trim().is_empty()) {
        None => Ok(None),
        text => Ok(Some(Asked::read(text).ok_or(denied(OAuthDenial::ScopeUnknown))?)),
    }
}

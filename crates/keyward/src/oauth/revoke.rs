//! `POST /oauth/revoke` (RFC 7009): a client gives a token up, and with it the grant that it was issued for.

use super::answer::{json, refuse, refuse_guess};
use super::clients::authenticate_id;
use crate::browser::Visit;
use crate::problem::Problem;
use axum::body::Body;
use http::{Response, StatusCode};
use keyward_core::denial::{Denial, OAuthDenial};
use keyward_core::oauth::refresh::Presented as Token;
use keyward_core::oauth::{GrantId, RevokeGrant};
use keyward_core::permit::{self, Presented};
use keyward_core::rate_limit::Purpose;
use serde_json::json as value;

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
        Ok(()) => json(StatusCode::OK, &value!({})),
        Err(problem) => refuse_guess(&visit, problem),
    }
}

async fn respond(visit: &Visit) -> Result<(), Problem> {
    let server = visit.oauth().ok_or(Denial::RouteUnknown)?;
    let client = authenticate_id(visit, server).await?;
    let missing = Denial::OAuth(OAuthDenial::RequestMalformed("token is missing"));
    let token = visit.form.get("token").ok_or(missing)?;
    let Some(grant) = grant_of(visit, token).await else { return Ok(()) };
    let effect = RevokeGrant { grant, client };
    match visit.commit(effect, permit::present(Presented::Client)).await {
        // A token of nobody's, or of another client's, is told from none (RFC 7009 §2.2).
        Ok(_) | Err(Problem::Denied(_)) => Ok(()),
        Err(problem) => Err(problem),
    }
}

/// The grant that a token of ours was issued for. The token's kind is seen by its form; a hint is not needed.
async fn grant_of(visit: &Visit, token: &str) -> Option<GrantId> {
    if let Some(presented) = Token::read(token) {
        let nonce = visit.app.directory().read().grant(presented.grant).map(|grant| grant.nonce)?;
        return visit.oauth()?.keys.refresh.is_own(&presented, &nonce).then_some(presented.grant);
    }
    // Each verifier takes what is for its own resource.
    let app = &visit.app;
    let verified = match app.jwts.verify(token, visit.address).await {
        Ok(verified) => verified,
        Err(_) => app.mcp.jwts.verify(token, visit.address).await.ok()?,
    };
    verified.grant_id
}

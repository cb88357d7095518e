//! `POST /oauth/revoke` (RFC 7009): a client gives a token up, and with it the grant that it was issued for.

use super::AuthorizationServer;
use super::answer::{json, refuse, refuse_guess};
use super::clients::authenticate_id;
use super::server::LONGEST_TOKEN;
use crate::browser::Visit;
use crate::problem::Problem;
use axum::body::Body;
use http::{Response, StatusCode};
use keyward_core::denial::{Denial, OAuthDenial};
use keyward_core::jwt::Token as Jwt;
use keyward_core::oauth::GrantId;
use keyward_core::oauth::refresh::Presented as Token;
use keyward_core::permit::{self, Presented};
use keyward_core::rate_limit::Purpose;
use keyward_core::write::grant::RevokeGrant;
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
    let Some(grant) = grant_of(visit, server, token).await? else { return Ok(()) };
    let effect = RevokeGrant { grant, client };
    match visit.commit(effect, permit::present(Presented::Client)).await {
        // A token of nobody's, or of another client's, is told from none (RFC 7009 §2.2).
        Ok(_) | Err(Problem::Denied(Denial::OAuth(_))) => Ok(()),
        Err(problem) => Err(problem),
    }
}

/// The grant that a token of ours was issued for; `None`: it is no token of ours. The token's kind is seen by its form; a hint is
/// not needed. An access token that has ended stands for its grant all the same: the client signs out, and its refresh token
/// would live on.
async fn grant_of(
    visit: &Visit,
    server: &AuthorizationServer,
    token: &str,
) -> Result<Option<GrantId>, Problem> {
    if let Some(presented) = Token::read(token) {
        let known = visit.shared.directory.read().grant(presented.grant).map(|grant| grant.nonce);
        let nonce = match known {
            None => visit.web.store.nonce_to_end(presented.grant).await?,
            known => known,
        };
        let own = nonce.is_some_and(|nonce| server.keys.refresh.is_own(&presented, &nonce));
        return Ok(own.then_some(presented.grant));
    }
    if !Jwt::read(token, LONGEST_TOKEN).is_ok_and(|token| token.issuer() == server.issuer) {
        return Ok(None);
    }
    // Each verifier takes what is for its own resource.
    for verifier in [&visit.web.api_jwts, &visit.web.mcp_jwts] {
        match verifier.verify_whenever(token, visit.address).await {
            Ok(verified) => return Ok(verified.grant_id),
            // Not judged is not invalid: the client must try again (RFC 7009 §2.2.1).
            Err(denial @ Denial::IssuerUnavailable(_)) => return Err(denial.into()),
            Err(Denial::TokenKeyUnknown) if lacks_a_key(visit, server) => {
                return Err(Denial::IssuerUnavailable(REPAIR_SECONDS).into());
            }
            Err(_) => {}
        }
    }
    Ok(None)
}

/// When it is worth trying again with a token whose key may be one that cannot be read: a person must repair it first.
const REPAIR_SECONDS: u64 = 60;

/// Whether a key of ours that verifies tokens cannot be used: its row was left out at the start, or it does not open.
fn lacks_a_key(visit: &Visit, server: &AuthorizationServer) -> bool {
    server.signer.lacks_one() || visit.web.store.left_out().may_have("signing_keys")
}

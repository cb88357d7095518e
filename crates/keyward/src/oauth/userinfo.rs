//! `/oauth/userinfo` (OpenID Connect Core §5.3): who the user of an access token is, as far as the user lets its client know. It
//! takes any access token of ours that holds `openid`, for whichever of our resources it was issued.

use super::AuthorizationServer;
use super::about_user;
use super::answer::{json, refuse, refuse_guess};
use super::server::LONGEST_TOKEN;
use crate::browser::Visit;
use crate::problem::Problem;
use axum::body::Body;
use http::header::AUTHORIZATION;
use http::{Response, StatusCode};
use keyward_core::denial::{Denial, OAuthDenial};
use keyward_core::header_text::text;
use keyward_core::jwt::{Token, Verified};
use keyward_core::oauth::Asked;
use keyward_core::rate_limit::Purpose;
use serde_json::{Value, json as value};
use std::sync::Arc;

pub(super) async fn handle(visit: Visit) -> Response<Body> {
    if let Err(denial) = visit.charge_client(Purpose::Forms) {
        // Nothing was presented yet, so it is no guess.
        return refuse(&visit, denial.into());
    }
    match respond(&visit).await {
        Ok(body) => json(StatusCode::OK, &body),
        // Neither is a guess: nothing was presented, or a good token.
        Err(
            problem @ Problem::Denied(Denial::CredentialMissing | Denial::OAuth(OAuthDenial::OpenidMissing)),
        ) => refuse(&visit, problem),
        Err(problem) => refuse_guess(&visit, problem),
    }
}

async fn respond(visit: &Visit) -> Result<Value, Problem> {
    let server = visit.oauth().ok_or(Denial::RouteUnknown)?;
    let token = bearer(visit)?;
    let verified = verified(visit, server, token).await?;
    let scope = Token::read(token, LONGEST_TOKEN)?.scope();
    let live = visit.shared.directory.read();
    let caller = live.admit_bearer(&verified, visit.shared.clock.now())?;
    let grant = verified.grant_id.and_then(|id| live.grant(id)).ok_or(Denial::GrantEnded)?;
    // Absent: a token without any scope, which may know nothing.
    let asked = scope.as_deref().and_then(|scope| Asked::read(Some(scope)));
    let granted = asked.map(|asked| asked.within(grant.granted())).filter(|granted| granted.openid);
    let granted = granted.ok_or(Denial::OAuth(OAuthDenial::OpenidMissing))?;
    let user = live.user(caller.user).ok_or(Denial::GrantEnded)?;
    let mut claims = about_user::claims(user, granted);
    claims.insert("sub".to_owned(), value!(user.uuid));
    Ok(Value::Object(claims))
}

/// The access token of the `Authorization` header (RFC 6750 §2.1); in no other place one is read.
fn bearer(visit: &Visit) -> Result<&str, Denial> {
    let header = visit.headers.get(AUTHORIZATION).ok_or(Denial::CredentialMissing)?;
    let (scheme, token) = text(header).and_then(|text| text.split_once(' ')).ok_or(Denial::TokenMalformed)?;
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Err(Denial::TokenMalformed);
    }
    Ok(token.trim_matches(' '))
}

/// The token as it was verified, by the verifier of the resource that it is for.
async fn verified(
    visit: &Visit,
    server: &AuthorizationServer,
    token: &str,
) -> Result<Arc<Verified>, Problem> {
    if Token::read(token, LONGEST_TOKEN)?.issuer() != server.issuer {
        return Err(Denial::TokenIssuer.into());
    }
    match visit.web.api_jwts.verify(token, visit.address).await {
        Err(Denial::TokenAudience) => Ok(visit.web.mcp_jwts.verify(token, visit.address).await?),
        judged => Ok(judged?),
    }
}

//! What our tokens say (RFC 9068 §2.2; OpenID Connect Core §2).

use super::AuthorizationServer;
use super::about_user;
use crate::problem::Problem;
use crate::shared::Shared;
use keyward_core::clock::Timestamp;
use keyward_core::denial::{Denial, OAuthDenial};
use keyward_core::oauth::{Asked, OAuthGrant, Resources};
use keyward_core::random::uuid4;
use serde_json::{Value, json};

/// What an answer of the token endpoint is made of.
pub(super) struct Issue {
    pub(super) grant: OAuthGrant,
    /// What this token is to have of the grant; `None`: all.
    pub(super) asked: Option<Asked>,
    /// What it is for; `None`: all that the grant is for.
    pub(super) resources: Option<Resources>,
    /// For an ID token: `nonce`, and when its user signed in.
    pub(super) signed_in: Option<(Option<String>, Timestamp)>,
}

/// The answer (RFC 6749 §5.1).
pub(super) fn answer(shared: &Shared, server: &AuthorizationServer, issue: Issue) -> Result<Value, Problem> {
    let Issue { grant, asked, resources, signed_in } = issue;
    let now = shared.clock.now();
    let (subject, about_user) = {
        let live = shared.directory.read();
        let user = live.user(grant.user).filter(|user| !user.disabled);
        let user = user.ok_or(Denial::OAuth(OAuthDenial::GrantOver))?;
        (user.uuid.clone(), about_user::claims(user, grant.granted()))
    };
    let granted = grant.granted();
    // Absent: all of the grant (RFC 6749 §6).
    let granted = asked.map_or(granted, |asked| asked.within(granted));
    let ends = now.plus_seconds(server.settings.access_token_seconds).min(grant.ends_at);
    // Absent: all that the grant is for.
    let mut audience = server
        .audience(resources.unwrap_or(grant.resources))
        .into_iter()
        .map(Value::from)
        .collect::<Vec<_>>();
    let audience = if audience.len() == 1 { audience.remove(0) } else { Value::from(audience) };
    let scope = granted.to_text();
    let claims = json!({
        "iss": server.issuer,
        "sub": subject,
        "aud": audience,
        "exp": ends.unix(),
        "iat": now.unix(),
        "jti": uuid4(&*shared.random)?.to_string(),
        "client_id": &*grant.client,
        "scope": scope,
        "grant_id": grant.id.0,
    });
    let mut body = json!({
        "access_token": server.signer.sign("at+jwt", &claims)?,
        "token_type": "Bearer",
        "expires_in": ends.unix() - now.unix(),
        "scope": scope,
    });
    let Some(members) = body.as_object_mut() else { return Ok(body) };
    if let Some(family) = grant.family {
        let token = server.keys.refresh.token((grant.id, &grant.nonce), family.number, family.version);
        let token = token.ok_or(Denial::OAuth(OAuthDenial::GrantOver))?;
        members.insert("refresh_token".to_owned(), json!(token.expose()));
    }
    if let Some((nonce, signed_in_at)) = signed_in.filter(|_| grant.openid) {
        let mut claims = json!({
            "iss": server.issuer,
            "sub": subject,
            "aud": &*grant.client,
            "exp": ends.unix(),
            "iat": now.unix(),
            "auth_time": signed_in_at.unix(),
        });
        if let Some(claims) = claims.as_object_mut() {
            if let Some(nonce) = nonce {
                claims.insert("nonce".to_owned(), json!(nonce));
            }
            claims.extend(about_user);
        }
        members.insert("id_token".to_owned(), json!(server.signer.sign("JWT", &claims)?));
    }
    Ok(body)
}

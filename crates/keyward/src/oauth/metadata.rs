//! Where applications learn what is here: RFC 8414, OpenID Connect Discovery, and the key set.

use super::AuthorizationServer;
use super::answer::json;
use crate::browser::Visit;
use crate::problem::insert;
use axum::body::Body;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::{Response, StatusCode};
use keyward_core::denial::Denial;
use keyward_core::scope::Scope;
use serde_json::{Value, json as value};

/// Whoever keeps the key set asks again after so many seconds: a new key is published that long before it signs.
const KEYS_AGE: i64 = keyward_core::signing::PUBLISHED_SECONDS;

/// The scopes that something here asks for. Clients are known to ask for all that is offered, so what manages keys and the team
/// is not among them: a client that wants it asks for it by name.
const OFFERED: &[Scope] = &[Scope::AccountRead, Scope::DealsRead, Scope::DealsWrite, Scope::PipelinesRead];

/// What ID tokens and the userinfo endpoint can say.
const CLAIMS: &[&str] = &[
    "iss",
    "sub",
    "aud",
    "exp",
    "iat",
    "auth_time",
    "nonce",
    "email",
    "email_verified",
    "name",
    "given_name",
    "family_name",
    "picture",
];

pub(super) fn document(server: &AuthorizationServer) -> Value {
    let at = |path: &str| format!("{}{path}", server.issuer);
    let scopes = ["openid", "email", "profile", "offline_access"]
        .into_iter()
        .chain(OFFERED.iter().map(|scope| scope.name()));
    value!({
        "issuer": server.issuer,
        "authorization_endpoint": at("/oauth/authorize"),
        "token_endpoint": at("/oauth/token"),
        "userinfo_endpoint": at("/oauth/userinfo"),
        "end_session_endpoint": at("/oauth/end-session"),
        "revocation_endpoint": at("/oauth/revoke"),
        "registration_endpoint": at("/oauth/register"),
        "jwks_uri": at("/oauth/jwks"),
        "scopes_supported": scopes.collect::<Vec<_>>(),
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": ["authorization_code", "refresh_token"],
        "code_challenge_methods_supported": ["S256"],
        "token_endpoint_auth_methods_supported": ["none", "client_secret_basic", "client_secret_post"],
        "revocation_endpoint_auth_methods_supported": ["none", "client_secret_basic", "client_secret_post"],
        "authorization_response_iss_parameter_supported": true,
        "client_id_metadata_document_supported": true,
        "resource_indicators_supported": true,
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "claims_supported": CLAIMS,
        "claims_parameter_supported": false,
        "request_parameter_supported": false,
        "request_uri_parameter_supported": false,
        "prompt_values_supported": ["none", "login", "consent", "select_account"],
        "service_documentation": at("/platform/authentication"),
    })
}

pub(super) async fn handle(visit: Visit) -> Response<Body> {
    let Some(server) = visit.oauth() else { return visit.problem(Denial::RouteUnknown.into()) };
    let mut response = json(StatusCode::OK, &document(server));
    insert(response.headers_mut(), CACHE_CONTROL, "public, max-age=300");
    response
}

pub(super) async fn keys(visit: Visit) -> Response<Body> {
    let Some(server) = visit.oauth() else { return visit.problem(Denial::RouteUnknown.into()) };
    let mut response = Response::new(Body::from(server.signer.document().to_vec()));
    insert(response.headers_mut(), CONTENT_TYPE, "application/jwk-set+json");
    insert(response.headers_mut(), CACHE_CONTROL, &format!("public, max-age={KEYS_AGE}"));
    response
}

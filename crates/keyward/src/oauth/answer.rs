//! Answers as RFC 6749 §5 has them: JSON that nobody keeps.

use crate::browser::Visit;
use crate::problem::{Problem, Reason, insert};
use axum::body::Body;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{Response, StatusCode};
use keyward_core::denial::{Denial, OAuthDenial};
use keyward_core::rate_limit::Purpose;
use serde_json::{Value, json as value};

/// JSON with this status.
pub(crate) fn json(status: StatusCode, body: &Value) -> Response<Body> {
    let mut response = Response::new(Body::from(body.to_string()));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    insert(headers, CONTENT_TYPE, "application/json");
    insert(headers, CACHE_CONTROL, "no-store");
    response
}

/// A refusal, as OAuth clients understand it. What is no refusal of ours has the form of all others.
pub(super) fn refuse(visit: &Visit, problem: Problem) -> Response<Body> {
    let denial = match problem {
        Problem::Denied(Denial::OAuth(denial)) => denial,
        Problem::Denied(Denial::BodyTooLarge(_) | Denial::BodyUnreadable) => {
            OAuthDenial::RequestMalformed("The body is too long, or did not arrive whole")
        }
        other => return otherwise(visit, other),
    };
    let status = match denial.error() {
        "invalid_client" => StatusCode::UNAUTHORIZED,
        "insufficient_scope" => StatusCode::FORBIDDEN,
        "temporarily_unavailable" => StatusCode::SERVICE_UNAVAILABLE,
        // Absent: RFC 6749 §5.2 has 400 for every other error.
        _ => StatusCode::BAD_REQUEST,
    };
    let mut response =
        json(status, &value!({ "error": denial.error(), "error_description": denial.message() }));
    if status == StatusCode::UNAUTHORIZED && visit.headers.contains_key("authorization") {
        insert(response.headers_mut(), WWW_AUTHENTICATE, "Basic realm=\"lev\"");
    }
    if status == StatusCode::FORBIDDEN {
        let challenge = "Bearer realm=\"lev\", error=\"insufficient_scope\", scope=\"openid\"";
        insert(response.headers_mut(), WWW_AUTHENTICATE, challenge);
    }
    if status == StatusCode::SERVICE_UNAVAILABLE {
        let seconds = if denial == OAuthDenial::ClientUnreachable { "10" } else { "60" };
        insert(response.headers_mut(), RETRY_AFTER, seconds);
    }
    response.extensions_mut().insert(Reason {
        word: denial.word(),
        causes: None,
        severity: denial.severity(),
    });
    response
}

/// What is no refusal of the authorization server, in its form all the same: its clients read no other (RFC 6749 §5.2).
fn otherwise(visit: &Visit, problem: Problem) -> Response<Body> {
    let message = problem.message();
    let nothing_was_sent = matches!(problem, Problem::Denied(Denial::CredentialMissing));
    let mut response = visit.web.problems.response(visit.id, problem);
    let error = match response.status() {
        StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => "temporarily_unavailable",
        // A bad access token (RFC 6750 §3.1); where none was sent, the request lacks it.
        StatusCode::UNAUTHORIZED if !nothing_was_sent => "invalid_token",
        status if status.is_server_error() => "server_error",
        // Absent: any other refusal is of the request.
        _ => "invalid_request",
    };
    *response.body_mut() = Body::from(value!({ "error": error, "error_description": message }).to_string());
    response
}

/// The refusal of whoever presents bad codes, tokens or secrets: 429 instead, if it does so again and again.
pub(super) fn refuse_guess(visit: &Visit, problem: Problem) -> Response<Body> {
    let refusal = refuse(visit, problem);
    let is_guess = refusal.status().is_client_error() && refusal.status() != StatusCode::TOO_MANY_REQUESTS;
    if !is_guess {
        return refusal;
    }
    match visit.charge(Purpose::FailedAuth) {
        Ok(_) => refusal,
        Err(denial) => otherwise(visit, denial.into()),
    }
}

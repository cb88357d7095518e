//! The one place that knows how a refusal or a fault looks in HTTP.

use crate::challenge::challenge;
use axum::body::Body;
use http::header::{ALLOW, CACHE_CONTROL, CONNECTION, CONTENT_TYPE, LINK, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{Extensions, HeaderMap, HeaderName, HeaderValue, Response, StatusCode};
use keyward_core::denial::{Code, Denial, OAuthDenial, Severity};
use keyward_core::envelope;
use keyward_core::jwt::SigningError;
use keyward_core::random::RandomError;
use keyward_core::store::StoreError;
use keyward_tower::Refuse;
use std::fmt::Write;
use std::sync::Arc;
use std::time::Duration;
use uuid::Uuid;

/// The request's id, in its extensions.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RequestId(pub(crate) Uuid);

impl RequestId {
    /// Of the request with these extensions.
    pub(crate) fn of(extensions: &Extensions) -> Uuid {
        // Absent: nil, which no request has.
        extensions.get().map_or(Uuid::nil(), |Self(id)| *id)
    }
}

/// Why a request is not answered with data.
#[derive(Debug, thiserror::Error)]
pub enum Problem {
    /// It was refused.
    #[error("{}", .0.word())]
    Denied(Denial),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Randomness is not to be had.
    #[error(transparent)]
    Random(#[from] RandomError),
    /// A token cannot be signed: there is no key, or it cannot be opened.
    #[error(transparent)]
    Signing(#[from] SigningError),
    /// It took longer than it may.
    #[error("the request took longer than {} s", .0.as_secs())]
    TimedOut(Duration),
    /// A handler panicked: a fault of ours.
    #[error("the handler panicked")]
    Panicked,
}

impl From<Denial> for Problem {
    fn from(denial: Denial) -> Self {
        Self::Denied(denial)
    }
}

impl Problem {
    /// The stable word for the log.
    pub(crate) fn word(&self) -> &'static str {
        match self {
            Self::Denied(denial) => denial.word(),
            Self::Store(StoreError::Unavailable(_)) => "store_unavailable",
            Self::Store(StoreError::Held(_)) => "store_held",
            Self::Store(StoreError::Busy) => "store_busy",
            Self::Store(StoreError::Corrupt { .. }) => "store_corrupt",
            Self::Store(StoreError::Failed(_)) => "store_failed",
            Self::Random(_) => "random_unavailable",
            Self::Signing(_) => "signing_failed",
            Self::TimedOut(_) => "request_timed_out",
            Self::Panicked => "panicked",
        }
    }

    pub(crate) fn code(&self) -> Code {
        match self {
            Self::Denied(denial) => denial.code(),
            Self::Store(StoreError::Unavailable(_) | StoreError::Held(_))
            | Self::Random(_)
            | Self::TimedOut(_) => Code::ServiceUnavailable,
            Self::Store(StoreError::Busy) => Code::RateLimited,
            Self::Store(StoreError::Corrupt { .. } | StoreError::Failed(_))
            | Self::Signing(_)
            | Self::Panicked => Code::InternalError,
        }
    }

    pub(crate) fn message(&self) -> String {
        match (self, self.code()) {
            (Self::Denied(denial), _) => denial.message(),
            (Self::TimedOut(_), _) => {
                "The request took too long and is no longer waited for; a write that had begun may be done all the same, so \
                 look before you send it again"
                    .to_owned()
            }
            (Self::Store(StoreError::Held(_)), _) => {
                "The revocation is active on this server but not yet saved, because the database cannot be written. Repeat the \
                 request until it succeeds."
                    .to_owned()
            }
            (Self::Store(StoreError::Busy), _) => {
                "Too many pending database requests from this account or network; retry after 1 second."
                    .to_owned()
            }
            (_, Code::ServiceUnavailable) => {
                "The service cannot do this now; try again in a few seconds".to_owned()
            }
            _ => "Something went wrong on our side; the request id helps us to find it".to_owned(),
        }
    }

    /// After how many seconds it is worth trying again; `None`: it is not, as it is.
    pub(crate) fn retry_after(&self) -> Option<u64> {
        match self {
            Self::Denied(
                Denial::RateLimited(_, seconds)
                | Denial::IdempotencyFull(seconds)
                | Denial::IssuerUnavailable(seconds),
            ) => Some(*seconds),
            Self::Denied(Denial::IdempotencyInProgress | Denial::TooManyBodies)
            | Self::Store(StoreError::Busy) => Some(1),
            Self::Denied(Denial::OAuth(OAuthDenial::ClientUnreachable)) => Some(10),
            Self::Denied(Denial::OAuth(OAuthDenial::TooManyClients) | Denial::ClockBehind) => Some(60),
            other => (other.code() == Code::ServiceUnavailable).then_some(5),
        }
    }

    /// What the log may know beyond the word: the causes, which the client never sees.
    pub(crate) fn causes(&self) -> Option<String> {
        let mut cause: &dyn std::error::Error = match self {
            Self::Denied(_) => return None,
            fault => fault,
        };
        let mut text = cause.to_string();
        while let Some(source) = cause.source() {
            // Writing to a String cannot fail.
            let _ = write!(text, ": {source}");
            cause = source;
        }
        Some(text)
    }
}

/// What a request can end with besides a refusal, for the operator.
#[derive(Debug)]
pub(crate) struct Fault {
    pub(crate) word: &'static str,
    pub(crate) meaning: &'static str,
}

/// Every word that `denial` can be and that is no refusal.
pub(crate) const FAULTS: [Fault; 10] = [
    Fault {
        word: "signing_failed",
        meaning: "500: there is no signing key, or it cannot be opened; see keyward signing-key list.",
    },
    Fault {
        word: "store_unavailable",
        meaning: "503: the database is locked, read-only, full or overloaded; the cause says which.",
    },
    Fault {
        word: "store_held",
        meaning: "503: what was revoked holds in memory and could not be written, since the disk is full or fails, or the file was moved; it \
                  is written when it can be, or at the next start from the journal of revocations.",
    },
    Fault {
        word: "store_busy",
        meaning: "429: the account, or the network where nobody is known, has its whole share of what may wait for the database.",
    },
    Fault { word: "store_corrupt", meaning: "500: a row is not as it must be; the cause says which." },
    Fault {
        word: "store_failed",
        meaning: "500: a fault of ours in the database; report it with the cause.",
    },
    Fault { word: "random_unavailable", meaning: "503: the system gives no randomness." },
    Fault {
        word: "request_timed_out",
        meaning: "503: it took longer than request_timeout; a write that had begun is in the audit trail.",
    },
    Fault { word: "panicked", meaning: "500: a fault of ours; report it with what the log says before." },
    Fault {
        word: "client_gone",
        meaning: "No answer: the client left; a write that had begun is in the audit trail.",
    },
];

/// The status of a code.
pub(crate) const fn status(code: Code) -> StatusCode {
    match code {
        Code::BadRequest => StatusCode::BAD_REQUEST,
        Code::Unauthorized => StatusCode::UNAUTHORIZED,
        Code::Forbidden => StatusCode::FORBIDDEN,
        Code::NotFound => StatusCode::NOT_FOUND,
        Code::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
        Code::Conflict => StatusCode::CONFLICT,
        Code::PreconditionFailed => StatusCode::PRECONDITION_FAILED,
        Code::RateLimited => StatusCode::TOO_MANY_REQUESTS,
        Code::PayloadTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        Code::UnsupportedMediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
        Code::ValidationError => StatusCode::UNPROCESSABLE_ENTITY,
        Code::HeadersTooLarge => StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
        Code::InternalError => StatusCode::INTERNAL_SERVER_ERROR,
        Code::ServiceUnavailable => StatusCode::SERVICE_UNAVAILABLE,
    }
}

/// Renders problems, for layers and rows alike.
#[derive(Clone, Debug)]
pub(crate) struct Problems {
    /// The address of the help, up to the name of a code.
    help_base: Arc<str>,
}

impl Problems {
    /// Of a server at this address.
    pub(crate) fn at(public_url: &str) -> Self {
        Self { help_base: format!("{public_url}/platform/errors#").into() }
    }

    /// The whole response; the reason stays in its extensions.
    pub(crate) fn response(&self, id: Uuid, problem: Problem) -> Response<Body> {
        let code = problem.code();
        let details = match &problem {
            Problem::Denied(denial) => denial.details(),
            _ => None,
        };
        let body = envelope::error(id, code, &problem.message(), details.as_ref());
        let mut response = Response::new(Body::from(body));
        *response.status_mut() = status(code);
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        let help = format!("<{}{}>; rel=\"help\"", self.help_base, code.name());
        insert(headers, LINK, &help);
        if let Some(seconds) = problem.retry_after() {
            insert(headers, RETRY_AFTER, &seconds.to_string());
        }
        if let Problem::Denied(denial) = &problem {
            headers_of(denial, headers);
        }
        response.extensions_mut().insert(Reason::of(&problem));
        response
    }
}

impl Refuse<Body> for Problems {
    fn refuse(&self, request: &Extensions, denial: &Denial) -> Response<Body> {
        self.response(RequestId::of(request), Problem::Denied(denial.clone()))
    }
}

/// Why a response is as it is, in its extensions, for the log.
#[derive(Clone, Debug)]
pub(crate) struct Reason {
    pub(crate) word: &'static str,
    pub(crate) causes: Option<String>,
    pub(crate) severity: Severity,
}

impl Reason {
    /// That of a problem. A fault needs no severity: its status says enough.
    pub(crate) fn of(problem: &Problem) -> Self {
        let severity = match problem {
            Problem::Denied(denial) => denial.severity(),
            _ => Severity::Routine,
        };
        Self { word: problem.word(), causes: problem.causes(), severity }
    }
}

fn headers_of(denial: &Denial, headers: &mut HeaderMap) {
    match denial {
        Denial::ScopeMissing(scope) => {
            let challenge = format!("Bearer realm=\"lev\", error=\"insufficient_scope\", scope=\"{scope}\"");
            insert(headers, WWW_AUTHENTICATE, &challenge);
        }
        Denial::MethodNotAllowed(allowed) => insert(headers, ALLOW, allowed),
        // What was framed in two ways may go on in two ways; and a body that is too long is not waited for.
        Denial::FramingAmbiguous(_) | Denial::BodyTooLarge(_) | Denial::HeadersTooLarge(_) => {
            insert(headers, CONNECTION, "close");
        }
        _ if denial.code() == Code::Unauthorized => {
            insert(headers, WWW_AUTHENTICATE, &challenge(denial));
        }
        _ => {}
    }
}

/// Sets a header whose value we made; one that cannot be a value is left out.
pub(crate) fn insert(headers: &mut HeaderMap, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(name, value);
    }
}

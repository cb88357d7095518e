//! The one log line of a request: its fields, its level, and what is remembered of it.

use super::floods::{Floods, LineKind, Sample};
use super::quota::Owner;
use super::seen::Seen;
use super::unknown_scopes::UnknownScopes;
use crate::telemetry::Subjects;
use keyward_core::address::ClientAddress;
use keyward_core::denial::Severity;
use keyward_core::jwt::RefusedToken;
use std::borrow::Cow;
use std::time::Duration;
use tracing::Level;

/// Stands at the end of a logged value of a token that was cut. The server's memory has the value exactly.
pub(crate) const CUT: char = '…';
/// The characters that are logged of a value of a token; a line stays under 4 KiB.
const CLAIM: usize = 128;
/// The same of the advice, which is our own text with a few such values.
const ADVICE: usize = 512;

/// How requests are logged: what is left out of a flood, and how subjects of tokens are shown.
#[derive(Clone, Debug)]
pub struct RequestLog {
    pub(crate) floods: Floods,
    pub(crate) unknown_scopes: UnknownScopes,
    subjects: Subjects,
}

impl RequestLog {
    /// Showing subjects in this way.
    #[must_use]
    pub fn new(subjects: Subjects) -> Self {
        Self { floods: Floods::default(), unknown_scopes: UnknownScopes::default(), subjects }
    }
}

/// All that is logged of a request. It never holds a header's or a body's text, except what a refused token says of itself.
#[derive(Debug)]
pub(crate) struct RequestLine<'l> {
    pub(crate) request_id: &'l str,
    pub(crate) method: &'static str,
    pub(crate) operation: Option<&'static str>,
    /// The template of the path; never the path as it was sent.
    pub(crate) route: Option<&'l str>,
    pub(crate) tool: Option<&'static str>,
    /// None: the client left before the answer.
    pub(crate) status: Option<u16>,
    pub(crate) denial: Option<&'static str>,
    pub(crate) severity: Severity,
    pub(crate) cause: Option<&'l str>,
    pub(crate) user_id: Option<i64>,
    pub(crate) account_id: Option<i64>,
    pub(crate) credential_kind: Option<&'static str>,
    pub(crate) credential_id: Option<i64>,
    pub(crate) origin_app: Option<&'l str>,
    pub(crate) address: Option<ClientAddress>,
    pub(crate) token: Option<&'l RefusedToken>,
    /// What the scopes of a token that was taken leave, where one is missing.
    pub(crate) token_scopes: Option<&'l str>,
    pub(crate) duration: Duration,
}

/// The level of a callsite is fixed, so each level has a callsite of its own with the same fields.
macro_rules! event {
    ($level:ident, $line:ident, $left_out:ident, $subjects:ident) => {{
        let token = $line.token;
        let (sub, sub_hash) = token.map_or((None, None), |token| {
            $subjects.shown(token.iss.as_deref(), token.sub.as_deref())
        });
        tracing::$level!(
            target: "keyward::request",
            request_id = $line.request_id,
            method = $line.method,
            operation = $line.operation,
            route = $line.route,
            tool = $line.tool,
            status = $line.status,
            denial = $line.denial,
            cause = $line.cause,
            user_id = $line.user_id,
            account_id = $line.account_id,
            credential_kind = $line.credential_kind,
            credential_id = $line.credential_id,
            origin_app = $line.origin_app,
            address = $line.address.map(tracing::field::display),
            token_iss = token.and_then(|token| token.iss.as_deref()).map(claim).as_deref(),
            token_aud = token.and_then(RefusedToken::aud_text).as_deref().map(claim).as_deref(),
            token_sub = sub.map(claim).as_deref(),
            token_sub_hash = sub_hash.as_deref(),
            token_typ = token.and_then(|token| token.typ.as_deref()).map(claim).as_deref(),
            token_alg = token.and_then(|token| token.alg.as_deref()).map(claim).as_deref(),
            token_advice =
                token.and_then(|token| token.advice.as_deref()).map(|advice| cut(advice, ADVICE)).as_deref(),
            token_scopes = $line.token_scopes.map(|text| cut(text, ADVICE)).as_deref(),
            left_out = $left_out,
            duration_us = u64::try_from($line.duration.as_micros()).unwrap_or(u64::MAX),
            "request"
        );
    }};
}

fn claim(text: &str) -> Cow<'_, str> {
    cut(text, CLAIM)
}

fn cut(text: &str, most: usize) -> Cow<'_, str> {
    let end = text.char_indices().nth(most).map(|(end, _)| end);
    match end.and_then(|end| text.get(..end)) {
        Some(start) => Cow::Owned(format!("{start}{CUT}")),
        None => Cow::Borrowed(text),
    }
}

impl RequestLine<'_> {
    /// Writes the line, unless it is one of a flood; whether it was written. `now` is the time of the process.
    pub(crate) fn log(&self, log: &RequestLog, now: Duration) -> bool {
        let level = self.level();
        let left_out = match self.sample(&log.floods, level, now) {
            Sample::Write(lines) => Some(lines).filter(|lines| *lines > 0),
            Sample::LeaveOut => return false,
        };
        let subjects = &log.subjects;
        match level {
            Level::ERROR => event!(error, self, left_out, subjects),
            Level::WARN => event!(warn, self, left_out, subjects),
            _ => event!(info, self, left_out, subjects),
        }
        true
    }

    /// ERROR: the server failed. WARN: a credential that is somebody's was refused.
    fn level(&self) -> Level {
        match (self.status, self.severity) {
            (Some(500..), _) => Level::ERROR,
            (_, Severity::Credential) => Level::WARN,
            (_, Severity::Routine) => Level::INFO,
        }
    }

    /// What a caller's credential opened is always written: it is limited, and its owner is known.
    fn sample(&self, floods: &Floods, level: Level, now: Duration) -> Sample {
        let answered = self.denial.is_none() && self.status.is_some_and(|status| status < 400);
        if answered && self.credential_kind.is_some() {
            return Sample::Write(0);
        }
        floods.sample(self.address.unwrap_or_default(), self.kind(level), now)
    }

    fn kind(&self, level: Level) -> LineKind {
        match (self.status, self.credential_kind.zip(self.credential_id)) {
            _ if level > Level::WARN => LineKind::Routine,
            (Some(500), _) => LineKind::Failure,
            (_, Some((kind, id))) => {
                LineKind::Credential { kind, id, owner: Owner::of(self.account_id, self.user_id) }
            }
            (_, None) => LineKind::Stranger,
        }
    }

    /// Whether it is remembered apart from what strangers can cause: it is severe, and of a recognised credential.
    pub(crate) fn is_severe(&self) -> bool {
        self.level() <= Level::WARN && self.credential_id.is_some()
    }

    /// What is remembered of a refusal. It is for the operator alone, so a token's subject is in it as it was.
    pub(crate) fn seen(&self, timestamp: String) -> Seen {
        let token = self.token;
        Seen {
            timestamp,
            request_id: self.request_id.to_owned(),
            method: self.method.to_owned(),
            operation: self.operation.map(str::to_owned),
            route: self.route.map(str::to_owned),
            status: self.status,
            denial: self.denial.map(str::to_owned),
            cause: self.cause.map(str::to_owned),
            user_id: self.user_id,
            account_id: self.account_id,
            credential_kind: self.credential_kind.map(str::to_owned),
            credential_id: self.credential_id,
            origin_app: self.origin_app.map(str::to_owned),
            address: self.address.map(|address| address.to_string()),
            token_iss: token.and_then(|token| token.iss.clone()),
            token_aud: token.and_then(RefusedToken::aud_text),
            token_sub: token.and_then(|token| token.sub.clone()),
            token_sub_hash: None,
            token_typ: token.and_then(|token| token.typ.clone()),
            token_alg: token.and_then(|token| token.alg.clone()),
            token_advice: token.and_then(|token| token.advice.clone()),
            token_scopes: self.token_scopes.map(str::to_owned),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::LogSubject;
    use crate::telemetry::json;
    use keyward_core::denial::Denial;
    use keyward_core::root_secret::RootSecret;
    use serde_json::Value;
    use tracing_subscriber::EnvFilter;

    fn line(status: u16, denial: Option<&Denial>) -> RequestLine<'static> {
        RequestLine {
            request_id: "652dea0d-e46a-40be-b641-cfed5566bf53",
            method: "GET",
            operation: Some("getDealsDealId"),
            route: Some("/api/external/v2/deals/{deal_id}"),
            tool: None,
            status: Some(status),
            denial: denial.map(Denial::word),
            severity: denial.map(Denial::severity).unwrap_or_default(),
            cause: None,
            user_id: None,
            account_id: None,
            credential_kind: None,
            credential_id: None,
            origin_app: None,
            address: None,
            token: None,
            token_scopes: None,
            duration: Duration::from_micros(7),
        }
    }

    fn logged(lines: &[&RequestLine<'_>], log: &RequestLog) -> Vec<Value> {
        let file = tempfile::NamedTempFile::new().unwrap();
        let path = file.path().to_owned();
        let writer = move || std::fs::File::options().append(true).open(&path).unwrap();
        tracing::subscriber::with_default(json(writer, EnvFilter::new("trace")), || {
            for line in lines {
                line.log(log, Duration::ZERO);
            }
        });
        let text = std::fs::read_to_string(file.path()).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    fn subjects(setting: LogSubject) -> RequestLog {
        let root = RootSecret::parse(&format!("1 {}=", "A".repeat(43))).unwrap();
        RequestLog::new(Subjects::new(setting, &root))
    }

    #[test]
    fn a_failure_is_an_error_a_denial_of_somebodys_credential_a_warning_and_the_rest_information() {
        let level = |status, denial: Option<Denial>| {
            let events = logged(&[&line(status, denial.as_ref())], &subjects(LogSubject::Hash));
            events[0]["level"].as_str().unwrap().to_owned()
        };
        assert_eq!(level(200, None), "INFO");
        assert_eq!(level(404, Some(Denial::RouteUnknown)), "INFO");
        assert_eq!(level(401, Some(Denial::KeyUnknown)), "INFO");
        assert_eq!(level(401, Some(Denial::KeyRevoked)), "WARN");
        assert_eq!(level(503, Some(Denial::Overloaded)), "ERROR");
        assert_eq!(level(500, None), "ERROR");
    }

    #[test]
    fn a_line_holds_the_operation_and_the_template_of_the_route() {
        let events = logged(&[&line(200, None)], &subjects(LogSubject::Hash));
        assert_eq!(events[0]["operation"], "getDealsDealId");
        assert_eq!(events[0]["route"], "/api/external/v2/deals/{deal_id}");
    }

    #[test]
    fn the_subject_of_a_refused_token_is_logged_by_the_setting_and_remembered_as_it_was() {
        let token = RefusedToken {
            iss: Some("https://login.example/".to_owned()),
            aud: vec!["https://api.example".to_owned(), "account".to_owned()],
            sub: Some("auth0|ada".to_owned()),
            typ: Some("JWT".to_owned()),
            alg: Some("RS256".to_owned()),
            advice: Some("Add JWT to accept_typ.".to_owned()),
        };
        let line = RequestLine { token: Some(&token), ..line(401, Some(&Denial::TokenUnlinked)) };
        let hashed = &logged(&[&line], &subjects(LogSubject::Hash))[0];
        assert_eq!(hashed["token_iss"], "https://login.example/");
        assert_eq!(hashed["token_aud"], "https://api.example account");
        assert_eq!((&hashed["token_typ"], &hashed["token_alg"]), (&"JWT".into(), &"RS256".into()));
        assert_eq!(hashed["token_advice"], "Add JWT to accept_typ.");
        assert!(!hashed.to_string().contains("ada") && hashed["token_sub_hash"].is_string(), "{hashed}");
        let plain = &logged(&[&line], &subjects(LogSubject::Plain))[0];
        assert_eq!((&plain["token_sub"], plain.get("token_sub_hash")), (&"auth0|ada".into(), None));
        assert_eq!(line.seen(String::new()).token_sub.as_deref(), Some("auth0|ada"));
    }

    #[test]
    fn a_flood_is_sampled_and_what_a_credential_opened_is_not() {
        let log = subjects(LogSubject::Hash);
        let (refused, opened) = (
            line(404, Some(&Denial::RouteUnknown)),
            RequestLine { credential_kind: Some("api_key"), ..line(200, None) },
        );
        assert_eq!(logged(&[&refused; 300], &log).len(), 100);
        assert_eq!(logged(&[&opened; 300], &log).len(), 300);
        let revoked = RequestLine {
            credential_kind: Some("api_key"),
            credential_id: Some(7),
            ..line(401, Some(&Denial::KeyRevoked))
        };
        assert_eq!(logged(&[&revoked; 300], &log).len(), 300, "beside the flood of the same address");
    }

    #[test]
    fn strangers_severe_lines_have_a_quota_and_our_own_failures_are_all_written() {
        let log = subjects(LogSubject::Hash);
        let (busy, failed) = (line(503, Some(&Denial::Overloaded)), line(500, None));
        let events = logged(&[&busy; 300], &log);
        assert_eq!((events.len(), &events[0]["level"]), (200, &"ERROR".into()));
        assert_eq!(logged(&[&failed; 300], &log).len(), 300);
        let known =
            RequestLine { credential_kind: Some("api_key"), credential_id: Some(7), ..line(503, None) };
        assert_eq!(logged(&[&known; 700], &log).len(), 600);
        // Of a stranger only what is routine is pushed out of the server's memory.
        assert!(!busy.is_severe() && !failed.is_severe() && known.is_severe());
    }

    #[test]
    fn the_longest_values_of_a_token_are_cut_in_the_log_and_exact_in_memory() {
        let long = "x".repeat(255);
        let value = || Some(long.clone());
        let aud = vec![long.clone(); 8];
        let token =
            RefusedToken { iss: value(), aud, sub: value(), typ: value(), alg: value(), advice: value() };
        let line = RequestLine { token: Some(&token), ..line(401, Some(&Denial::TokenUnlinked)) };
        let event = &logged(&[&line], &subjects(LogSubject::Plain))[0];
        for name in ["token_iss", "token_aud", "token_sub", "token_typ", "token_alg"] {
            assert_eq!(event[name], format!("{}{CUT}", "x".repeat(CLAIM)), "{name}");
        }
        assert!(event.to_string().len() < 4_096);
        assert_eq!(line.seen(String::new()).token_sub, value());
    }
}

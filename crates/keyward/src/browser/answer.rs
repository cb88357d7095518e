//! Pages, redirects, and refusals as pages.

use super::Visit;
use super::cookies::Cookie;
use super::views::{Frame, Link, Problem as ProblemPage, Shown};
use crate::problem::{Problem, Reason, insert, status};
use askama::Template;
use axum::body::Body;
use http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, LOCATION, REFERRER_POLICY, RETRY_AFTER, SET_COOKIE,
    X_FRAME_OPTIONS,
};
use http::{HeaderValue, Response, StatusCode};
use keyward_core::denial::{Code, Denial, Severity};
use keyward_core::secret::Secret;
use keyward_core::session::SESSION_SECONDS;
use keyward_core::store::StoreError;
use url::form_urlencoded;
use zeroize::Zeroizing;

/// Nothing is loaded from elsewhere, nothing inline runs, nobody frames the page, and its forms go where it says.
fn policy(form_action: &str) -> String {
    format!(
        "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; form-action {form_action}; \
         base-uri 'none'; frame-ancestors 'none'"
    )
}

pub(super) fn add_cookie(response: &mut Response<Body>, cookie: &str) {
    if let Ok(value) = HeaderValue::from_str(cookie) {
        response.headers_mut().append(SET_COOKIE, value);
    }
}

impl Visit {
    /// A page.
    pub(crate) fn page<T: Template>(&self, status: u16, page: &T) -> Result<Response<Body>, Problem> {
        let html = page.render().map_err(|_| Problem::Panicked)?;
        let mut response = Response::new(Body::from(html));
        *response.status_mut() = StatusCode::from_u16(status).map_err(|_| Problem::Panicked)?;
        let headers = response.headers_mut();
        insert(headers, CONTENT_TYPE, "text/html; charset=utf-8");
        insert(headers, CACHE_CONTROL, "no-store");
        insert(headers, CONTENT_SECURITY_POLICY, &policy("'self'"));
        insert(headers, X_FRAME_OPTIONS, "DENY");
        insert(headers, REFERRER_POLICY, "no-referrer");
        Ok(response)
    }

    /// Lets the page's form lead on to an address of this scheme.
    pub(crate) fn allow_form_to(&self, response: &mut Response<Body>, scheme: &str) {
        let to = match scheme {
            "https" => "'self' https:".to_owned(),
            // A program on this machine may send its person on to its maker's page.
            "http" => "'self' http: https:".to_owned(),
            native => format!("'self' {native}: https:"),
        };
        insert(response.headers_mut(), CONTENT_SECURITY_POLICY, &policy(&to));
    }

    fn see(&self, to: &str) -> Response<Body> {
        let mut response = Response::new(Body::empty());
        // After a form, and always: what follows is asked for with GET (RFC 9700 §4.12).
        *response.status_mut() = StatusCode::SEE_OTHER;
        let headers = response.headers_mut();
        insert(headers, LOCATION, to);
        insert(headers, CACHE_CONTROL, "no-store");
        insert(headers, REFERRER_POLICY, "no-referrer");
        response
    }

    /// To another page here.
    pub(crate) fn to(&self, path: &str) -> Response<Body> {
        self.see(&format!("{}{path}", self.shared.public_url))
    }

    /// To an application, with our answer; the word is for the log.
    pub(crate) fn elsewhere(&self, url: &str, word: &'static str) -> Response<Body> {
        let mut response = self.see(url);
        if !matches!(word, "consent_given" | "signed_out") {
            response.extensions_mut().insert(Reason { word, causes: None, severity: Severity::Routine });
        }
        response
    }

    /// To the sign-in page, and back.
    pub(crate) fn to_sign_in(&self, next: &str) -> Response<Body> {
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.append_pair("next", next);
        self.to(&format!("/sign-in?{}", query.finish()))
    }

    /// The same for whoever has to sign in although it may have: it proves it by having done so since.
    pub(crate) fn to_sign_in_again(&self, next: &str) -> Response<Body> {
        self.to_sign_in(&format!("{next}&login={}", self.login_mark()))
    }

    /// With the cookie of a new session; `None` ends the one that is.
    pub(crate) fn with_session(
        &self,
        mut response: Response<Body>,
        token: Option<&Secret>,
    ) -> Response<Body> {
        let cookie = match token {
            Some(token) => Cookie::Session.set(token.expose(), Some(SESSION_SECONDS), self.https()),
            None => Cookie::Session.set("", Some(0), self.https()),
        };
        add_cookie(&mut response, &cookie);
        response
    }

    /// With what is shown on the next page, sealed for this browser. Where it cannot be, the person hears of it, and sends the form
    /// again.
    pub(crate) fn with_shown(
        &self,
        mut response: Response<Body>,
        shown: &Shown,
    ) -> Result<Response<Body>, Problem> {
        let value = self.seal(shown)?;
        add_cookie(&mut response, &Cookie::Shown.set(&value, Some(SHOWN_SECONDS), self.https()));
        Ok(response)
    }

    /// The same for a word that says only what everybody can see on the page: where it cannot be sealed, it is left out.
    pub(crate) fn with_notice(&self, mut response: Response<Body>, shown: &Shown) -> Response<Body> {
        if let Ok(value) = self.seal(shown) {
            add_cookie(&mut response, &Cookie::Shown.set(&value, Some(SHOWN_SECONDS), self.https()));
        }
        response
    }

    /// What is to be shown on this page.
    pub(crate) fn shown(&self) -> Option<Shown> {
        // Absent: what is not readable is not shown.
        serde_json::from_slice(&self.unseal(Cookie::Shown.of(&self.headers, self.https())?)?).ok()
    }

    /// Without what was shown.
    pub(crate) fn without_shown(&self, mut response: Response<Body>) -> Response<Body> {
        if Cookie::Shown.of(&self.headers, self.https()).is_some() {
            add_cookie(&mut response, &Cookie::Shown.set("", Some(0), self.https()));
        }
        response
    }

    /// With the reason of a refusal, for the log.
    pub(crate) fn refused(&self, mut response: Response<Body>, problem: &Problem) -> Response<Body> {
        response.extensions_mut().insert(Reason::of(problem));
        response
    }

    fn about(&self) -> String {
        // Absent: no session has the number 0, so a session cannot open it.
        let session = self.session.as_ref().map_or(0, |caller| caller.credential.id());
        format!("shown to session {session}")
    }

    fn seal(&self, shown: &Shown) -> Result<String, Problem> {
        use base64::Engine;
        let text = serde_json::to_vec(shown).map_err(|_| Problem::Panicked)?;
        let server = self.oauth().ok_or(Denial::RouteUnknown)?;
        let (nonce, version, sealed) = server.keys.sealer.seal(&self.about(), &text, &*self.shared.random)?;
        let whole = [nonce.as_slice(), &version.to_be_bytes(), &sealed].concat();
        Ok(base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(whole))
    }

    fn unseal(&self, value: &str) -> Option<Zeroizing<Vec<u8>>> {
        use base64::Engine;
        // Absent: what we did not seal is not opened.
        let whole = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(value).ok()?;
        let (nonce, rest) = whole.split_first_chunk()?;
        let (version, sealed) = rest.split_first_chunk()?;
        self.oauth()?.keys.sealer.open(&self.about(), (nonce, u32::from_be_bytes(*version), sealed))
    }

    /// The answer, or its refusal as a page.
    pub(crate) fn respond(&self, answer: Result<Response<Body>, Problem>) -> Response<Body> {
        match answer {
            Ok(response) => response,
            Err(problem) => self.problem(problem),
        }
    }

    /// A refusal as a page, or in the envelope for whoever is no browser.
    pub(crate) fn problem(&self, problem: Problem) -> Response<Body> {
        if let Problem::Denied(Denial::SessionEnded) = problem {
            return self.to_sign_in(&self.back);
        }
        if !self.wants_html() {
            return self.web.problems.response(self.id, problem);
        }
        let code = problem.code();
        let heading = match (&problem, code) {
            (Problem::Denied(Denial::OAuth(_)), _) => "This application cannot be let in",
            (_, Code::NotFound) => "Not found",
            (_, Code::Forbidden) => "Not allowed",
            (_, Code::RateLimited) => "Too many tries",
            (Problem::Store(StoreError::Held(_)), _) => "Not written yet",
            (_, Code::InternalError | Code::ServiceUnavailable) => "Something went wrong",
            // Absent: the text below the heading says why.
            _ => "This cannot be done",
        };
        let page = Frame::new(heading, self).and_then(|frame| {
            let page = ProblemPage {
                frame,
                heading: heading.to_owned(),
                text: problem.message(),
                request_id: self.id.to_string(),
                back: self
                    .session
                    .as_ref()
                    .map(|_| Link { href: "/console".to_owned(), text: "To the console".to_owned() }),
            };
            // To a person an unknown application is a bad request; 401 is for who calls the token endpoint.
            let is_of_oauth = matches!(problem, Problem::Denied(Denial::OAuth(_)));
            let bad_request = is_of_oauth && code == Code::Unauthorized;
            let status = if bad_request { StatusCode::BAD_REQUEST } else { status(code) };
            self.page(status.as_u16(), &page)
        });
        let Ok(mut response) = page else {
            return self.web.problems.response(self.id, problem);
        };
        if let Some(seconds) = problem.retry_after() {
            insert(response.headers_mut(), RETRY_AFTER, &seconds.to_string());
        }
        response.extensions_mut().insert(Reason::of(&problem));
        response
    }
}

/// A secret waits for the page that shows it for so long, in seconds.
const SHOWN_SECONDS: i64 = 60;

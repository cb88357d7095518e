//! A request of a browser, or of an OAuth client.

use super::Pairs;
use super::cookies::Cookie;
use super::parts::WebParts;
use super::site::is_from_here;
use crate::call::path_ids;
use crate::oauth::AuthorizationServer;
use crate::problem::{Problem, RequestId};
use crate::shared::Shared;
use crate::store::Store;
use axum::body::Body;
use http::{HeaderMap, Method, Request};
use keyward_core::api_key::base62;
use keyward_core::clock::At;
use keyward_core::denial::Denial;
use keyward_core::effect::{Commit, Context, Effect, Ended, Repeatable};
use keyward_core::form::FormOf;
use keyward_core::header_text::readable;
use keyward_core::idempotency::Claim;
use keyward_core::opaque::TokenDigest;
use keyward_core::permit::Permit;
use keyward_core::principal::{Caller, Credential};
use keyward_tower::ClientAddress;
use std::sync::{Arc, Mutex, PoisonError};
use uuid::Uuid;

/// A request, as far as it is read. It holds cookies and forms, which can be secret, so it is not printed.
pub(crate) struct Visit {
    pub(crate) web: Arc<WebParts>,
    pub(crate) shared: Arc<Shared>,
    pub(crate) id: Uuid,
    pub(crate) address: ClientAddress,
    pub(crate) headers: HeaderMap,
    pub(crate) query: Pairs,
    pub(crate) form: Pairs,
    pub(crate) path_ids: Vec<String>,
    /// Who is signed in.
    pub(crate) session: Option<Caller>,
    /// Whether there is a session of which nobody knows whether it has ended, since the clock is behind.
    pub(super) is_unjudged: bool,
    /// Not yet read. In a lock only because a body cannot be looked at from two threads.
    body: Mutex<Option<Body>>,
    browser: String,
    is_fresh: bool,
    /// Where a person comes back to who has to sign in first.
    pub(super) back: String,
    /// By what its writes are done, in the audit trail.
    origin_app: &'static str,
}

impl Visit {
    /// `gives_nothing`: to a session, so that it need not be known whether that has ended.
    pub(super) async fn of(web: Arc<WebParts>, mut request: Request<Body>, gives_nothing: bool) -> Self {
        let shared = Arc::clone(&web.shared);
        let path_ids = path_ids(&mut request).await;
        let id = RequestId::of(request.extensions());
        // Absent: the default is no address, and all without one share a bucket.
        let address: ClientAddress = request.extensions().get().copied().unwrap_or_default();
        let (parts, body) = request.into_parts();
        let https = shared.public_url.starts_with("https:");
        let shown = parts.uri.path_and_query().filter(|_| parts.method == Method::GET);
        // Absent: the beginning of the console; a form is not sent a second time.
        let back = shown.map_or("/console", |at| at.as_str()).to_owned();
        let admitted = Cookie::Session.of(&parts.headers, https).map(|token| {
            let (token, now, live) = (TokenDigest::of(token), shared.clock.now(), shared.directory.read());
            if gives_nothing {
                live.admit_session_to_end(&token, now)
            } else {
                live.admit_session(&token, now)
            }
        });
        let is_unjudged = matches!(admitted, Some(Err(Denial::ClockBehind)));
        // Absent: whatever the refusal is, nobody is signed in.
        let session = admitted.and_then(Result::ok);
        let known =
            Cookie::Browser.of(&parts.headers, https).filter(|text| text.len() == 22).map(str::to_owned);
        // A form of another site brings no cookies along (SameSite=Lax), and must not replace what this browser has.
        let is_fresh = known.is_none() && (parts.method == Method::GET || is_from_here(&parts.headers));
        // Absent: a browser that has no name yet gets one. Without randomness it is empty, and no form is taken from it.
        let browser = known.unwrap_or_else(|| base62(&*shared.random, 22).unwrap_or_default());
        // Absent: no query and an empty one say the same.
        let query = Pairs::read(parts.uri.query().unwrap_or_default().as_bytes());
        Self {
            id,
            address,
            query,
            form: Pairs::default(),
            path_ids,
            session,
            is_unjudged,
            body: Mutex::new(Some(body)),
            headers: parts.headers,
            browser,
            is_fresh,
            back,
            origin_app: if parts.uri.path().starts_with("/oauth/") { "oauth" } else { "console" },
            web,
            shared,
        }
    }

    /// The authorization server, where there is one.
    pub(crate) fn oauth(&self) -> Option<&AuthorizationServer> {
        self.web.oauth.as_deref()
    }

    pub(super) fn https(&self) -> bool {
        self.shared.public_url.starts_with("https:")
    }

    /// What tells this browser from others, if it has not been told yet. An OAuth client has no use for it.
    pub(super) fn fresh_cookie(&self) -> Option<String> {
        let page = self.wants_html();
        (self.is_fresh && page).then(|| Cookie::Browser.set(&self.browser, None, self.https()))
    }

    /// Whether the browser believes that somebody is signed in.
    pub(crate) fn has_session_cookie(&self) -> bool {
        Cookie::Session.of(&self.headers, self.https()).is_some()
    }

    /// Whether a person looks at the answer.
    pub(crate) fn wants_html(&self) -> bool {
        let mut accepted = readable(self.headers.get_all("accept"), b',');
        accepted.any(|kind| kind.contains("text/html"))
            || self.headers.contains_key("sec-fetch-dest")
            || self.headers.contains_key("cookie")
    }

    pub(super) fn take_body(&mut self) -> Body {
        // Absent: it was read before, and an empty form has no token.
        self.body.get_mut().unwrap_or_else(PoisonError::into_inner).take().unwrap_or_default()
    }

    fn form_of<'f>(&'f self, action: &'f str) -> FormOf<'f> {
        // Absent: no session has the number 0, so the token is for nobody who is signed in.
        let session = self.session.as_ref().map_or(0, |caller| caller.credential.id());
        FormOf { browser: &self.browser, session, action }
    }

    /// A token for a form that is sent there.
    pub(crate) fn form_token(&self, action: &str) -> Result<String, Problem> {
        let server = self.oauth().ok_or(Denial::RouteUnknown)?;
        Ok(server.keys.forms.token(self.form_of(action), self.shared.clock.now(), &*self.shared.random)?)
    }

    /// The number of the form that was sent: it is one of ours, of this browser and session, and not too old.
    pub(crate) fn form_number(&self, action: &str) -> Result<Uuid, Denial> {
        self.refuse_form_of_another_site()?;
        if self.browser.is_empty() {
            return Err(Denial::FormUnusable);
        }
        let server = self.oauth().ok_or(Denial::RouteUnknown)?;
        let token = self.form.get("form").ok_or(Denial::FormUnusable)?;
        let number = server.keys.forms.number(token, self.form_of(action), self.shared.clock.now());
        number.ok_or(Denial::FormUnusable)
    }

    fn login_of(&self) -> FormOf<'_> {
        FormOf { browser: &self.browser, session: 0, action: "prompt=login" }
    }

    /// That this browser was asked to sign in now.
    pub(super) fn login_mark(&self) -> String {
        let mark = self.oauth().map(|server| {
            server.keys.forms.token(self.login_of(), self.shared.clock.now(), &*self.shared.random)
        });
        // Absent: an empty mark is none, so the browser is asked again.
        mark.and_then(Result::ok).unwrap_or_default()
    }

    /// Whether the person signed in longer ago than this, in seconds, or not at all.
    pub(crate) fn signed_in_before(&self, seconds: i64) -> bool {
        let credential = self.session.as_ref().map(|caller| &caller.credential);
        let Some(Credential::Session(session)) = credential else { return true };
        session.created_at.plus_seconds(seconds) <= self.shared.clock.now()
    }

    /// Whether the person has signed in since it was asked to.
    pub(crate) fn signed_in_since(&self, mark: Option<&str>) -> bool {
        let known = mark.filter(|mark| {
            let number = |server: &AuthorizationServer| {
                server.keys.forms.number(mark, self.login_of(), self.shared.clock.now())
            };
            self.oauth().and_then(number).is_some()
        });
        let when = known.and_then(|mark| mark.split('.').nth(1)).map(str::parse::<i64>);
        let credential = self.session.as_ref().map(|caller| &caller.credential);
        let (Some(Credential::Session(session)), Some(Ok(when))) = (credential, when) else { return false };
        session.created_at.unix() >= when
    }

    /// Executes an effect; what it comes to.
    pub(crate) async fn commit<E: Effect>(
        &self,
        effect: E,
        permit: Permit<E::Action>,
    ) -> Result<E::Done, Problem>
    where
        dyn Store: Commit<E>,
    {
        let store = &*self.web.store;
        match Commit::<E>::commit(store, effect, permit, self.context(), None, At::Store).await? {
            Ended::Done(done, _) => Ok(done),
            // Nothing was claimed.
            Ended::Replayed(_) => Err(Denial::FormUnusable.into()),
            Ended::Refused(denial) => Err(denial.into()),
        }
    }

    /// The same under a claim.
    pub(crate) async fn commit_once<E: Repeatable>(
        &self,
        effect: E,
        permit: Permit<E::Action>,
        claim: Claim,
    ) -> Result<Ended<E::Done>, Problem>
    where
        dyn Store: Commit<E>,
    {
        let store = &*self.web.store;
        Ok(Commit::<E>::commit(store, effect, permit, self.context(), Some(claim), At::Store).await?)
    }

    /// Where its writes come from.
    pub(crate) fn context(&self) -> Context {
        let origin_app = self.origin_app.to_owned();
        Context { request_id: self.id, address: self.address.known(), origin_app }
    }
}

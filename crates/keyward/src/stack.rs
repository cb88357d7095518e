//! The whole order of what happens to a request, with the reason beside each step.
//!
//! Around everything, [`around`]; around the operations of callers, [`guarded`]; around public ones, `public`.
//! Inside a row (`routes.rs`, `call.rs`): scope → content type → body → syntax → handler → commit.

pub use crate::boxed::Boxed;

use crate::app::App;
use crate::callers::Callers;
use crate::cross_origin::{CrossOriginLayer, Part};
use crate::limits::{OfAddresses, OfCallers, Throttled};
use crate::observe::{ObserveLayer, record};
use crate::problem::Problems;
use crate::routes;
use crate::time_limit::TimeLimitLayer;
use crate::transport::Credit;
use crate::transport_security;
use axum::body::Body;
use http::{Request, Response};
use keyward_core::denial::Denial;
use keyward_core::principal::{Caller, Credential, Principal};
use keyward_core::rate_limit::Purpose;
use keyward_tower::authenticate::{ApiKeys, AuthenticateLayer, Jwts, Scheme, Schemes};
use keyward_tower::hygiene::Hygiene;
use keyward_tower::origin_app::{OriginApp, RequireOriginApp};
use keyward_tower::rate_limit::RateLimitLayer;
use keyward_tower::{Check, GateLayer};
use std::convert::Infallible;
use std::sync::Arc;
use tower::util::BoxCloneSyncService;
use tower::{Service, ServiceBuilder};

/// The program's whole service.
#[must_use]
pub fn stack(app: &Arc<App>) -> Boxed {
    // OPTIONS is answered, then the route must exist (404) and have the method (405). Only then is anyone asked who
    // they are: routes are public knowledge, and a probe of an unknown one costs no look-up of a credential.
    around(app, routes::router(app))
}

/// What stands around every request.
pub fn around<S>(app: &Arc<App>, inner: S) -> Boxed
where
    S: Service<Request<Body>, Response = Response<Body>, Error = Infallible> + Clone + Send + Sync + 'static,
    S::Future: Send + 'static,
{
    let problems = Problems(Arc::clone(app));
    let service = ServiceBuilder::new()
        // On whatever is answered: a browser that has been here over https does not come over plain http.
        .layer(transport_security::layer(&app.public_url))
        // Outermost of what can refuse, so that whatever happens has an id, a log event and, after a panic, still an answer.
        .layer(ObserveLayer(Arc::clone(app)))
        // So that a page of another origin, if it is allowed, can read whatever the answer is.
        .layer(CrossOriginLayer(Part::Answers, Callers::of(app)))
        // Nobody waits for ever, whatever it is that takes so long. 503.
        .layer(TimeLimitLayer(Arc::clone(app)))
        // Before anything is looked at: what can be read in two ways is not read. 400, 413, 431.
        .layer(GateLayer::new(Hygiene(app.limits), problems))
        // A browser asks first whether its page may; that is no request of anyone.
        .layer(CrossOriginLayer(Part::Preflights, Callers::of(app)))
        .service(inner);
    BoxCloneSyncService::new(service)
}

/// What stands around an operation of callers.
pub fn guarded<S>(
    app: &Arc<App>,
    account: AccountNeed,
    row: S,
) -> impl Service<Request<Body>, Response = Response<Body>, Error = Infallible, Future: Send>
+ Clone
+ Send
+ Sync
+ 'static
where
    S: Service<Request<Body>, Response = Response<Body>, Error = Infallible> + Clone + Send + Sync + 'static,
    S::Future: Send + 'static,
{
    authenticated(app, Some(&app.jwts), known(app, account, row))
}

/// The same around the operation by which a key ends itself, which it may while nobody knows whether it has ended.
pub(crate) fn guarded_to_end<S>(
    app: &Arc<App>,
    account: AccountNeed,
    row: S,
) -> impl Service<Request<Body>, Response = Response<Body>, Error = Infallible, Future: Send>
+ Clone
+ Send
+ Sync
+ 'static
where
    S: Service<Request<Body>, Response = Response<Body>, Error = Infallible> + Clone + Send + Sync + 'static,
    S::Future: Send + 'static,
{
    authenticated_by(app, (keys(app).to_end(), Some(&app.jwts)), known(app, account, row))
}

fn keys(app: &App) -> ApiKeys {
    ApiKeys::new(app.ring.clone(), app.directory().clone(), Arc::clone(&app.clock))
}

/// Who is calling? 401 before all else: a stranger learns nothing, and no body is read for it. Whoever tries again and again with
/// bad credentials is told 429.
pub(crate) fn authenticated<S>(
    app: &Arc<App>,
    jwts: Option<&Jwts>,
    inner: S,
) -> impl Service<Request<Body>, Response = Response<Body>, Error = Infallible, Future: Send>
+ Clone
+ Send
+ Sync
+ 'static
where
    S: Service<Request<Body>, Response = Response<Body>, Error = Infallible> + Clone + Send + Sync + 'static,
    S::Future: Send + 'static,
{
    authenticated_by(app, (keys(app), jwts), inner)
}

fn authenticated_by<S>(
    app: &Arc<App>,
    (keys, jwts): (ApiKeys, Option<&Jwts>),
    inner: S,
) -> impl Service<Request<Body>, Response = Response<Body>, Error = Infallible, Future: Send>
+ Clone
+ Send
+ Sync
+ 'static
where
    S: Service<Request<Body>, Response = Response<Body>, Error = Infallible> + Clone + Send + Sync + 'static,
    S::Future: Send + 'static,
{
    // A key's prefix claims a token, then the form of a JWT. What one has claimed no other is asked about.
    let keys = std::iter::once(Box::new(keys) as Box<dyn Scheme>);
    let schemes: Schemes = keys.chain(jwts.map(|jwts| Box::new(jwts.clone()) as Box<dyn Scheme>)).collect();
    ServiceBuilder::new()
        .layer(AuthenticateLayer::new(schemes, Throttled(Arc::clone(app))))
        .layer(GateLayer::new(NoteCaller, Problems(Arc::clone(app))))
        .service(inner)
}

/// What stands around an operation of a caller that is known.
pub(crate) fn known<S>(
    app: &Arc<App>,
    account: AccountNeed,
    row: S,
) -> impl Service<Request<Body>, Response = Response<Body>, Error = Infallible, Future: Send>
+ Clone
+ Send
+ Sync
+ 'static
where
    S: Service<Request<Body>, Response = Response<Body>, Error = Infallible> + Clone + Send + Sync + 'static,
    S::Future: Send + 'static,
{
    let problems = Problems(Arc::clone(app));
    ServiceBuilder::new()
        // Which application? 400. After 401, so that the credential is the first thing to get right.
        .layer(GateLayer::new(RequireOriginApp, problems.clone()))
        .layer(GateLayer::new(NoteOriginApp(Arc::clone(app)), problems.clone()))
        // In which account? 400, 403.
        .layer(GateLayer::new(ActiveAccount(Arc::clone(app), account), problems.clone()))
        // Is it within its limits? 429. They are the account's, so this stands right after it, and before anything is read.
        .layer(RateLimitLayer::new(app.limiter.clone(), OfCallers(Arc::clone(app)), problems))
        .service(row)
}

/// What stands around a public operation.
pub(crate) fn public<S>(
    app: &Arc<App>,
    limit: Purpose,
    origin_app: bool,
    row: S,
) -> impl Service<Request<Body>, Response = Response<Body>, Error = Infallible, Future: Send>
+ Clone
+ Send
+ Sync
+ 'static
where
    S: Service<Request<Body>, Response = Response<Body>, Error = Infallible> + Clone + Send + Sync + 'static,
    S::Future: Send + 'static,
{
    let problems = Problems(Arc::clone(app));
    ServiceBuilder::new()
        // Nobody has to be known to ask here, so the address is what is limited. 429.
        .layer(RateLimitLayer::new(
            app.limiter.clone(),
            OfAddresses(Arc::clone(app), limit),
            problems.clone(),
        ))
        // The caller names its application even where it need not prove who it is.
        .option_layer(origin_app.then(|| GateLayer::new(RequireOriginApp, problems.clone())))
        .layer(GateLayer::new(NoteOriginApp(Arc::clone(app)), problems))
        .service(row)
}

/// Writes down who is calling, for the log, as soon as it is known, and that the address has a caller.
#[derive(Clone, Debug)]
struct NoteCaller;

impl<B> Check<B> for NoteCaller {
    fn check(&self, request: &mut Request<B>) -> Result<(), Denial> {
        if let (Some(record), Some(caller)) = (record(request), request.extensions().get::<Caller>()) {
            // A request passes here once, so the note is new.
            let _ = record.caller.set((caller.user, caller.credential.kind(), caller.credential.id()));
            if let Credential::Jwt(jwt) = &caller.credential {
                let _ = record.token.set(Arc::clone(&jwt.token));
            }
        }
        if let Some(credit) = request.extensions().get::<Credit>() {
            credit.claim();
        }
        Ok(())
    }
}

/// Writes down which application calls, for the log. A key that was put there by mistake is a well-formed name, and must
/// not be written down.
#[derive(Clone, Debug)]
struct NoteOriginApp(Arc<App>);

impl<B> Check<B> for NoteOriginApp {
    fn check(&self, request: &mut Request<B>) -> Result<(), Denial> {
        if let (Some(record), Some(OriginApp(name))) = (record(request), request.extensions().get()) {
            if self.0.ring.claims(name) {
                let text = "X-Origin-App must be your application's name, not an API key";
                return Err(Denial::HeaderMalformed(text.to_owned()));
            }
            let _ = record.origin_app.set(Arc::clone(name));
        }
        Ok(())
    }
}

/// Chooses the account of the request. On the few operations that help to choose one, there need be none.
#[derive(Clone, Debug)]
struct ActiveAccount(Arc<App>, AccountNeed);

/// Whether an operation is one of an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AccountNeed {
    /// It is.
    Needed,
    /// It tells or changes which account that is.
    Chosen,
}

impl<B> Check<B> for ActiveAccount {
    fn check(&self, request: &mut Request<B>) -> Result<(), Denial> {
        // Authentication stands outside this, so a caller is there.
        let caller = request.extensions_mut().remove::<Caller>().ok_or(Denial::CredentialMissing)?;
        let named = request.headers().get("x-active-account").map(|named| named.as_bytes().trim_ascii());
        let needed = self.1 == AccountNeed::Needed;
        if named.is_some_and(<[u8]>::is_empty) {
            // Not as if it were absent: a client that has lost the name of its account must not act in another one.
            let text = "X-Active-Account is empty. Send an account's slug, or leave the header out.";
            return Err(Denial::HeaderMalformed(text.to_owned()));
        }
        let principal = match (&caller.credential, named) {
            // A key that is told nothing else acts where it is bound to: there is nothing to look up.
            (Credential::ApiKey(_), None) => Principal::of(caller),
            // Absent: every other caller is looked up.
            _ => self.0.directory().read().act_in(caller, named, needed)?,
        };
        if let (Some(record), Some(member)) = (record(request), principal.member) {
            let _ = record.account.set(member.account);
        }
        request.extensions_mut().insert(principal);
        Ok(())
    }
}

//! The whole order of what happens to a request, with the reason beside each step.
//!
//! Around everything, [`around`]; around the operations of callers, `guarded`; around public ones, `public`.
//! Inside a row (`operation/row.rs`, `call.rs`): scope → content type → body → syntax → handler → commit.

pub use crate::active_account::AccountNeed;
pub use crate::boxed::Boxed;

use crate::active_account::ActiveAccount;
use crate::callers::Callers;
use crate::cross_origin::{CrossOriginLayer, Part};
use crate::current::Current;
use crate::limits::{Charger, OfAddresses, OfCallers, Throttled};
use crate::observe::{ObserveLayer, Observer, record};
use crate::problem::Problems;
use crate::shared::Shared;
use crate::time_limit::TimeLimitLayer;
use crate::transport::Credit;
use crate::transport_security;
use axum::body::Body;
use http::{Request, Response};
use keyward_core::api_key::KeyRing;
use keyward_core::denial::Denial;
use keyward_core::principal::{Caller, Credential};
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

/// What every request passes through.
#[derive(Clone, Debug)]
pub struct Surroundings {
    pub(crate) shared: Arc<Shared>,
    pub(crate) current: Current,
    pub(crate) problems: Problems,
    pub(crate) observer: Arc<Observer>,
    /// The addresses that pages of any origin may call.
    pub(crate) open_to_all: &'static [&'static str],
}

/// What stands before operations.
#[derive(Clone, Debug)]
pub struct Guard {
    pub(crate) shared: Arc<Shared>,
    pub(crate) charger: Charger,
    pub(crate) problems: Problems,
    /// Verifies the tokens of the issuers that are trusted.
    pub(crate) jwts: Jwts,
}

/// What stands around every request.
pub fn around<S>(surroundings: &Surroundings, inner: S) -> Boxed
where
    S: Service<Request<Body>, Response = Response<Body>, Error = Infallible> + Clone + Send + Sync + 'static,
    S::Future: Send + 'static,
{
    let Surroundings { shared, current, problems, observer, open_to_all } = surroundings;
    let callers = Callers::at(&shared.public_url, current.clone());
    let cross_origin = |part| CrossOriginLayer { part, callers: callers.clone(), open_to_all };
    let service = ServiceBuilder::new()
        // On whatever is answered: a browser that has been here over https does not come over plain http.
        .layer(transport_security::layer(&shared.public_url))
        // Outermost of what can refuse, so that whatever happens has an id, a log event and, after a panic, still an answer.
        .layer(ObserveLayer(Arc::clone(observer)))
        // So that a page of another origin, if it is allowed, can read whatever the answer is.
        .layer(cross_origin(Part::Answers))
        // Nobody waits for ever, whatever it is that takes so long. 503.
        .layer(TimeLimitLayer(current.clone(), problems.clone()))
        // Before anything is looked at: what can be read in two ways is not read. 400, 413, 431.
        .layer(GateLayer::new(Hygiene(shared.limits), problems.clone()))
        // A browser asks first whether its page may; that is no request of anyone.
        .layer(cross_origin(Part::Preflights))
        .service(inner);
    BoxCloneSyncService::new(service)
}

/// What stands around an operation of callers.
pub(crate) fn guarded<S>(
    guard: &Guard,
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
    authenticated(guard, Some(&guard.jwts), known(guard, account, row))
}

/// The same around the operation by which a key ends itself, which it may while nobody knows whether it has ended.
pub(crate) fn guarded_to_end<S>(
    guard: &Guard,
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
    authenticated_by(guard, (keys(guard).to_end(), Some(&guard.jwts)), known(guard, account, row))
}

fn keys(guard: &Guard) -> ApiKeys {
    let shared = &guard.shared;
    ApiKeys::new(shared.ring.clone(), shared.directory.clone(), Arc::clone(&shared.clock))
}

/// Who is calling? 401 before all else: a stranger learns nothing, and no body is read for it. Whoever tries again and again with
/// bad credentials is told 429.
pub(crate) fn authenticated<S>(
    guard: &Guard,
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
    authenticated_by(guard, (keys(guard), jwts), inner)
}

fn authenticated_by<S>(
    guard: &Guard,
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
        .layer(AuthenticateLayer::new(schemes, Throttled(guard.charger.clone(), guard.problems.clone())))
        .layer(GateLayer::new(NoteCaller, guard.problems.clone()))
        .service(inner)
}

/// What stands around an operation of a caller that is known.
pub(crate) fn known<S>(
    guard: &Guard,
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
    let Guard { shared, charger, problems, .. } = guard;
    ServiceBuilder::new()
        // Which application? 400. After 401, so that the credential is the first thing to get right.
        .layer(GateLayer::new(RequireOriginApp, problems.clone()))
        .layer(GateLayer::new(NoteOriginApp(shared.ring.clone()), problems.clone()))
        // In which account? 400, 403.
        .layer(GateLayer::new(ActiveAccount(Arc::clone(shared), account), problems.clone()))
        // Is it within its limits? 429. They are the account's, so this stands right after it, and before anything is read.
        .layer(RateLimitLayer::new(shared.limiter.clone(), OfCallers(charger.clone()), problems.clone()))
        .service(row)
}

/// What stands around a public operation.
pub(crate) fn public<S>(
    guard: &Guard,
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
    let Guard { shared, charger, problems, .. } = guard;
    ServiceBuilder::new()
        // Nobody has to be known to ask here, so the address is what is limited. 429.
        .layer(RateLimitLayer::new(
            shared.limiter.clone(),
            OfAddresses(charger.clone(), limit),
            problems.clone(),
        ))
        // The caller names its application even where it need not prove who it is.
        .option_layer(origin_app.then(|| GateLayer::new(RequireOriginApp, problems.clone())))
        .layer(GateLayer::new(NoteOriginApp(shared.ring.clone()), problems.clone()))
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
struct NoteOriginApp(KeyRing);

impl<B> Check<B> for NoteOriginApp {
    fn check(&self, request: &mut Request<B>) -> Result<(), Denial> {
        if let (Some(record), Some(OriginApp(name))) = (record(request), request.extensions().get()) {
            if self.0.claims(name) {
                let text = "X-Origin-App must be your application's name, not an API key";
                return Err(Denial::HeaderMalformed(text.to_owned()));
            }
            let _ = record.origin_app.set(Arc::clone(name));
        }
        Ok(())
    }
}

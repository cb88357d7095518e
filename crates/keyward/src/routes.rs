//! Every operation in one table: its id, verb, path, what it takes to be let in, and its handler.
//!
//! To add one: a variant of [`OperationId`], a row in [`table`], a handler under `api/`. The access matrix in the
//! tests does not compile until it knows the new one.

use crate::api::{account, api_keys, auth, deals, health, me, pipelines};
use crate::app::{App, Store};
use crate::body_room::Owner;
use crate::call::{self, BASE, Call, Reply};
use crate::observe::{Named, record};
use crate::problem::{Problem, Problems, RequestId};
use crate::stack::{AccountNeed, guarded, guarded_to_end, known, public};
use crate::{console, mcp, oauth, pages};
use axum::Router;
use axum::body::Body;
use axum::handler::Handler;
use axum::routing::{MethodFilter, MethodRouter};
use http::header::ALLOW;
use http::{HeaderValue, Method, Request, Response, StatusCode};
use keyward_core::BoxFuture;
use keyward_core::denial::Denial;
use keyward_core::effect::{Commit, Effect, Repeatable};
use keyward_core::permit::{Action, Permit, ReadAccount, ReadDeals, ReadPipelines, SeeSelf, check};
use keyward_core::principal::Principal;
use keyward_core::rate_limit::Purpose;
use keyward_core::role::Role;
use keyward_core::scope::Scope;
use std::collections::BTreeMap;
use std::sync::Arc;
use tower::service_fn;
use tower::util::MapRequest;

macro_rules! operations {
    ($($variant:ident => $name:literal),* $(,)?) => {
        /// Every operation, by the name that clients generate code from.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[expect(missing_docs, reason = "the names say method and path")]
        pub enum OperationId { $($variant),* }

        impl OperationId {
            /// Every operation.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// Its `operationId`.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name),* }
            }
        }
    };
}

operations! {
    GetHealth => "getHealth",
    PostAuthValidateApiKey => "postAuthValidateApiKey",
    GetMe => "getMe",
    GetMeAccounts => "getMeAccounts",
    PatchMeActiveAccount => "patchMeActiveAccount",
    GetAccountTeam => "getAccountTeam",
    PostAccountTeam => "postAccountTeam",
    PatchAccountTeamUserId => "patchAccountTeamUserId",
    DeleteAccountTeamUserId => "deleteAccountTeamUserId",
    GetApiKeys => "getApiKeys",
    PostApiKeys => "postApiKeys",
    GetApiKeysKeyId => "getApiKeysKeyId",
    PatchApiKeysKeyId => "patchApiKeysKeyId",
    PostApiKeysKeyIdRotate => "postApiKeysKeyIdRotate",
    DeleteApiKeysKeyId => "deleteApiKeysKeyId",
    GetDeals => "getDeals",
    PostDeals => "postDeals",
    GetDealsDealId => "getDealsDealId",
    PatchDealsDealId => "patchDealsDealId",
    DeleteDealsDealId => "deleteDealsDealId",
    GetDealsDealIdFinancials => "getDealsDealIdFinancials",
    GetDealsDealIdProperties => "getDealsDealIdProperties",
    GetDealsDealIdTeam => "getDealsDealIdTeam",
    PostDealsDealIdTeam => "postDealsDealIdTeam",
    DeleteDealsDealIdTeamUserId => "deleteDealsDealIdTeamUserId",
    PostDealsDealIdPipeline => "postDealsDealIdPipeline",
    GetPipelines => "getPipelines",
    GetPipelinesPipelineId => "getPipelinesPipelineId",
}

/// What it takes to be let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Nothing. Whether the application must still be named.
    Public {
        /// `X-Origin-App` is required.
        origin_app: bool,
        /// What its address is limited for.
        limit: Purpose,
    },
    /// A credential, with this scope if there is one.
    Caller(Option<Scope>),
}

type Run =
    Arc<dyn Fn(Arc<App>, Request<Body>) -> BoxFuture<'static, Result<Response<Body>, Problem>> + Send + Sync>;

/// One operation.
#[derive(Clone)]
pub struct Row {
    /// Its id.
    pub id: OperationId,
    /// Its verb.
    pub method: Method,
    /// Its path below the API's base, with `{…}` for an id.
    pub path: &'static str,
    /// What it takes to be let in.
    pub access: Access,
    /// The role that a caller needs besides.
    pub role: Option<Role>,
    /// Whether its scope must stand in the credential literally.
    pub literal: bool,
    /// Whether it commits an effect, once for each `Idempotency-Key`.
    pub commits: bool,
    /// Whether its answer shows a secret.
    pub shows_secret: bool,
    run: Run,
}

impl std::fmt::Debug for Row {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {} {}", self.id.name(), self.method, self.path)
    }
}

/// Every operation.
#[must_use]
#[rustfmt::skip]
pub fn table() -> Vec<Row> {
    use OperationId::*;
    const GET: Method = Method::GET;
    const POST: Method = Method::POST;
    const PATCH: Method = Method::PATCH;
    const DELETE: Method = Method::DELETE;
    vec![
        open(GetHealth, GET, "/health", (false, Purpose::Health), health::get::handle),
        open(PostAuthValidateApiKey, POST, "/auth/validate-api-key", (true, Purpose::Validate), auth::validate_api_key::handle),
        read::<SeeSelf, _, _>(GetMe, GET, "/me", me::get::handle),
        read::<ReadAccount, _, _>(GetMeAccounts, GET, "/me/accounts", me::accounts::handle),
        write(PatchMeActiveAccount, PATCH, "/me/active-account", me::active_account::handle),
        read::<ReadAccount, _, _>(GetAccountTeam, GET, "/account/team", account::team::list),
        write(PostAccountTeam, POST, "/account/team", account::team::invite),
        write(PatchAccountTeamUserId, PATCH, "/account/team/{user_id}", account::team::change),
        write(DeleteAccountTeamUserId, DELETE, "/account/team/{user_id}", account::team::dismiss),
        read::<ReadAccount, _, _>(GetApiKeys, GET, "/api-keys", api_keys::list::handle),
        write(PostApiKeys, POST, "/api-keys", api_keys::create::handle),
        read::<ReadAccount, _, _>(GetApiKeysKeyId, GET, "/api-keys/{key_id}", api_keys::get::handle),
        write(PatchApiKeysKeyId, PATCH, "/api-keys/{key_id}", api_keys::relabel::handle),
        write(PostApiKeysKeyIdRotate, POST, "/api-keys/{key_id}/rotate", api_keys::rotate::handle),
        write_admitting(DeleteApiKeysKeyId, DELETE, "/api-keys/{key_id}", api_keys::revoke::admit, api_keys::revoke::handle),
        read::<ReadDeals, _, _>(GetDeals, GET, "/deals", deals::list::handle),
        write(PostDeals, POST, "/deals", deals::create::handle),
        read::<ReadDeals, _, _>(GetDealsDealId, GET, "/deals/{deal_id}", deals::get::handle),
        write(PatchDealsDealId, PATCH, "/deals/{deal_id}", deals::update::handle),
        write(DeleteDealsDealId, DELETE, "/deals/{deal_id}", deals::archive::handle),
        read::<ReadDeals, _, _>(GetDealsDealIdFinancials, GET, "/deals/{deal_id}/financials", deals::financials::handle),
        read::<ReadDeals, _, _>(GetDealsDealIdProperties, GET, "/deals/{deal_id}/properties", deals::properties::handle),
        read::<ReadDeals, _, _>(GetDealsDealIdTeam, GET, "/deals/{deal_id}/team", deals::team::list),
        write(PostDealsDealIdTeam, POST, "/deals/{deal_id}/team", deals::team::join),
        write(DeleteDealsDealIdTeamUserId, DELETE, "/deals/{deal_id}/team/{user_id}", deals::team::leave),
        write(PostDealsDealIdPipeline, POST, "/deals/{deal_id}/pipeline", deals::pipeline::handle),
        read::<ReadPipelines, _, _>(GetPipelines, GET, "/pipelines", pipelines::list::handle),
        read::<ReadPipelines, _, _>(GetPipelinesPipelineId, GET, "/pipelines/{pipeline_id}", pipelines::get::handle),
    ]
}

/// An operation for everyone.
fn open<F, R>(
    id: OperationId,
    method: Method,
    path: &'static str,
    (origin_app, limit): (bool, Purpose),
    handler: F,
) -> Row
where
    F: Fn(Call) -> R + Copy + Send + Sync + 'static,
    R: Future<Output = Result<Reply, Problem>> + Send + 'static,
{
    let run: Run = Arc::new(move |app, request| {
        Box::pin(async move {
            let call = call::read(&app, false, Owner::Stranger, request).await?;
            let (id, prefers) = (call.id, call.preferences());
            Ok(call::reply(&app, (id, &prefers), &handler(call).await?))
        })
    });
    Row {
        id,
        method,
        path,
        access: Access::Public { origin_app, limit },
        role: None,
        literal: false,
        commits: false,
        shows_secret: false,
        run,
    }
}

/// An operation that reads.
fn read<A, F, R>(id: OperationId, method: Method, path: &'static str, handler: F) -> Row
where
    A: Action,
    F: Fn(Call, Permit<A>) -> R + Copy + Send + Sync + 'static,
    R: Future<Output = Result<Reply, Problem>> + Send + 'static,
{
    let run: Run = Arc::new(move |app, mut request| {
        Box::pin(async move {
            let principal = call::principal(&mut request)?;
            let owner = Owner::from(&principal);
            let permit = check::<A>(principal)?;
            let call = call::read(&app, false, owner, request).await?;
            let (id, prefers) = (call.id, call.preferences());
            Ok(call::reply(&app, (id, &prefers), &handler(call, permit).await?))
        })
    });
    Row {
        id,
        method,
        path,
        access: Access::Caller(A::SCOPE),
        role: A::ROLE,
        literal: A::LITERAL,
        commits: false,
        shows_secret: false,
        run,
    }
}

/// How a handler turns a call into an effect. It cannot execute it.
type Intend<E> = fn(&Call, &Permit<<E as Effect>::Action>) -> Result<E, Problem>;
/// How a caller is admitted to an action, given the id in the path.
type Admit<A> = fn(Principal, &str) -> Result<Permit<A>, Denial>;

/// An operation that writes.
fn write<E: Repeatable>(id: OperationId, method: Method, path: &'static str, handler: Intend<E>) -> Row
where
    dyn Store: Commit<E>,
{
    write_admitting(id, method, path, |principal, _| check(principal), handler)
}

/// An operation that writes, to which callers are admitted in a way of its own.
fn write_admitting<E: Repeatable>(
    id: OperationId,
    method: Method,
    path: &'static str,
    admit: Admit<E::Action>,
    handler: Intend<E>,
) -> Row
where
    dyn Store: Commit<E>,
{
    let run: Run = Arc::new(move |app, mut request| {
        Box::pin(async move {
            let principal = call::principal(&mut request)?;
            let owner = Owner::from(&principal);
            // Absent: no id in the path, so no credential is its own subject.
            let permit =
                admit(principal, call::path_ids(&mut request).await.first().map_or("", String::as_str))?;
            let mut call = call::read(&app, true, owner, request).await?;
            if E::SHOWS_SECRET {
                call.refuse_guessable()?;
            }
            if let Some(flag) = E::FLAG {
                call.flag = call.query.take_flag(flag)?;
            }
            call.finish_query()?;
            if !E::CONDITIONAL {
                call.conditions.refuse()?;
            }
            let effect = handler(&call, &permit)?;
            call::commit(call, effect, permit).await
        })
    });
    Row {
        id,
        method,
        path,
        access: Access::Caller(E::Action::SCOPE),
        role: E::Action::ROLE,
        literal: E::Action::LITERAL,
        commits: true,
        shows_secret: E::SHOWS_SECRET,
        run,
    }
}

/// Routes by path and verb: unknown paths 404, unknown verbs 405, OPTIONS always answered.
pub(crate) fn router(app: &Arc<App>) -> Router {
    let mut paths: BTreeMap<&'static str, Vec<Row>> = BTreeMap::new();
    for row in table() {
        paths.entry(row.path).or_default().push(row);
    }
    let unknown = app.clone();
    let router = Router::new().fallback(async move |request: Request<Body>| match *request.method() {
        Method::OPTIONS => options("OPTIONS"),
        // Absent: no other method does anything here.
        _ => refuse(&unknown, &request, Denial::RouteUnknown),
    });
    let router = paths.into_iter().fold(router, |router, (path, rows)| {
        router.route_service(&format!("{BASE}{path}"), at_path(app, &rows, Door::Ahead))
    });
    mcp::routes(app, console::routes(app, oauth::routes(app, pages::routes(app, router))))
}

/// The operations for whoever has passed a door of another kind: the caller is in the request's extensions.
pub(crate) fn behind_the_door(app: &Arc<App>) -> Router {
    let mut paths: BTreeMap<&'static str, Vec<Row>> = BTreeMap::new();
    for row in table() {
        paths.entry(row.path).or_default().push(row);
    }
    paths.into_iter().fold(Router::new(), |router, (path, rows)| {
        router.route_service(&format!("{BASE}{path}"), at_path(app, &rows, Door::Passed))
    })
}

/// Whether a request has yet to say who it is from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Door {
    Ahead,
    Passed,
}

/// The verbs of one path.
fn at_path(app: &Arc<App>, rows: &[Row], door: Door) -> MethodRouter {
    let router = verbs(app, Verbs::of(rows.iter().map(|row| row.method.as_str())));
    rows.iter().fold(router, |router, row| match MethodFilter::try_from(row.method.clone()) {
        Ok(verb) => at_verb(router, verb, app, row, door),
        Err(_) => router,
    })
}

/// What a path has, as `Allow` tells it.
pub(crate) struct Verbs(String);

impl Verbs {
    /// These, `HEAD` where there is `GET`, and `OPTIONS`.
    pub(crate) fn of<'v>(verbs: impl IntoIterator<Item = &'v str>) -> Self {
        let mut verbs: Vec<&str> = verbs.into_iter().collect();
        if verbs.contains(&"GET") {
            verbs.push("HEAD");
        }
        verbs.push("OPTIONS");
        verbs.sort_unstable();
        Self(verbs.join(", "))
    }
}

/// A path that answers OPTIONS and refuses every other verb, until it is given some.
pub(crate) fn verbs(app: &Arc<App>, Verbs(allowed): Verbs) -> MethodRouter {
    let (other, for_options) = (app.clone(), allowed.clone());
    let refusing = async move |request: Request<Body>| {
        refuse(&other, &request, Denial::MethodNotAllowed(allowed.clone()))
    };
    MethodRouter::new()
        .fallback_service(Handler::<_, ()>::with_state(refusing, ()))
        .on(MethodFilter::OPTIONS, async move || options(&for_options))
}

/// One row, with what stands around it.
fn at_verb(router: MethodRouter, verb: MethodFilter, app: &Arc<App>, row: &Row, door: Door) -> MethodRouter {
    let id = row.id;
    let named = Named { operation: id.name(), route: format!("{BASE}{}", row.path).into() };
    let (run, own) = (Arc::clone(&row.run), Arc::clone(app));
    let inner = service_fn(move |request: Request<Body>| {
        let app = Arc::clone(&own);
        let request_id = RequestId::of(request.extensions());
        let running = run(Arc::clone(&own), request);
        // Absent: a problem is the answer.
        async move { Ok(running.await.unwrap_or_else(|problem| Problems(app).response(request_id, problem))) }
    });
    let noted = move |request: Request<Body>| {
        if let Some(record) = record(&request) {
            // A request enters one row, so the note is new.
            let _ = record.operation.set(named.clone());
        }
        request
    };
    match row.access {
        Access::Public { origin_app, limit } => {
            router.on_service(verb, MapRequest::new(public(app, limit, origin_app, inner), noted))
        }
        Access::Caller(_) if door == Door::Passed => {
            router.on_service(verb, MapRequest::new(known(app, account_need(id), inner), noted))
        }
        Access::Caller(_) if may_end_itself(id) => {
            router.on_service(verb, MapRequest::new(guarded_to_end(app, account_need(id), inner), noted))
        }
        Access::Caller(_) => {
            router.on_service(verb, MapRequest::new(guarded(app, account_need(id), inner), noted))
        }
    }
}

/// By which operations a credential may always end itself.
fn may_end_itself(id: OperationId) -> bool {
    id == OperationId::DeleteApiKeysKeyId
}

/// Which operations are there to find out about accounts, and to choose one.
fn account_need(id: OperationId) -> AccountNeed {
    match id {
        OperationId::GetMe | OperationId::GetMeAccounts | OperationId::PatchMeActiveAccount => {
            AccountNeed::Chosen
        }
        // Absent: every other operation acts in an account.
        _ => AccountNeed::Needed,
    }
}

fn options(allowed: &str) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::NO_CONTENT;
    if let Ok(value) = HeaderValue::from_str(allowed) {
        response.headers_mut().insert(ALLOW, value);
    }
    response
}

fn refuse(app: &Arc<App>, request: &Request<Body>, denial: Denial) -> Response<Body> {
    Problems(Arc::clone(app)).response(RequestId::of(request.extensions()), denial.into())
}

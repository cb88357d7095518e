//! Operations as routes: each at its path and verb, with what stands before it.

use super::parts::OperationParts;
use super::row::{Access, Row};
use super::verbs::{Verbs, verbs};
use crate::base_path::BASE;
use crate::observe::{Named, record};
use crate::problem::RequestId;
use crate::stack::{Guard, guarded, guarded_to_end, known, public};
use axum::Router;
use axum::body::Body;
use axum::routing::{MethodFilter, MethodRouter};
use http::Request;
use std::collections::BTreeMap;
use std::sync::Arc;
use tower::service_fn;
use tower::util::MapRequest;

/// Adds every operation of a table.
pub(crate) fn mount(
    router: Router,
    table: Vec<Row>,
    with: With<'_>,
    authentication: Authentication,
) -> Router {
    let mut paths: BTreeMap<&'static str, Vec<Row>> = BTreeMap::new();
    for row in table {
        paths.entry(row.path).or_default().push(row);
    }
    paths.into_iter().fold(router, |router, (path, rows)| {
        router.route_service(&format!("{BASE}{path}"), at_path(with, &rows, authentication))
    })
}

/// Whether a request has yet to say who it is from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Authentication {
    /// It has.
    Required,
    /// The caller is in its extensions.
    Done,
}

/// What operations run with, and what stands before them.
type With<'w> = (&'w Arc<OperationParts>, &'w Guard);

/// The verbs of one path.
fn at_path(with: With<'_>, rows: &[Row], authentication: Authentication) -> MethodRouter {
    let router = verbs(&with.0.problems, Verbs::of(rows.iter().map(|row| row.method.as_str())));
    rows.iter().fold(router, |router, row| match MethodFilter::try_from(row.method.clone()) {
        Ok(verb) => at_verb(router, verb, with, row, authentication),
        Err(_) => router,
    })
}

/// One row, with what stands around it.
fn at_verb(
    router: MethodRouter,
    verb: MethodFilter,
    (parts, guard): With<'_>,
    row: &Row,
    authentication: Authentication,
) -> MethodRouter {
    let named = Named { operation: row.id.name(), route: format!("{BASE}{}", row.path).into() };
    let (run, own) = (Arc::clone(&row.run), Arc::clone(parts));
    let inner = service_fn(move |request: Request<Body>| {
        let problems = own.problems.clone();
        let request_id = RequestId::of(request.extensions());
        let running = run(Arc::clone(&own), request);
        // Absent: a problem is the answer.
        async move { Ok(running.await.unwrap_or_else(|problem| problems.response(request_id, problem))) }
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
            router.on_service(verb, MapRequest::new(public(guard, limit, origin_app, inner), noted))
        }
        Access::Caller(_) if authentication == Authentication::Done => {
            router.on_service(verb, MapRequest::new(known(guard, row.account, inner), noted))
        }
        Access::Caller(_) if row.ends_itself => {
            router.on_service(verb, MapRequest::new(guarded_to_end(guard, row.account, inner), noted))
        }
        Access::Caller(_) => {
            router.on_service(verb, MapRequest::new(guarded(guard, row.account, inner), noted))
        }
    }
}

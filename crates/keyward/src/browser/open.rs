//! Routes without a credential of the API: whoever asks is a browser, or an OAuth client.

use super::Visit;
use super::parts::WebParts;
use crate::observe::{Named, record};
use crate::operation::{Verbs, verbs};
use crate::transport::Credit;
use axum::Router;
use axum::body::Body;
use axum::routing::MethodFilter;
use http::{Request, Response};
use keyward_core::BoxFuture;
use keyward_core::denial::Denial;
use std::convert::Infallible;
use std::sync::Arc;
use tower::service_fn;

type Handle = Arc<dyn Fn(Visit) -> BoxFuture<'static, Response<Body>> + Send + Sync>;

/// What a path does for a verb.
#[derive(Clone)]
pub(crate) struct Open {
    verb: &'static str,
    /// The operation, as log and metrics have it.
    name: &'static str,
    /// Whether it gives nothing to a session, so that it need not be known whether that has ended.
    is_unjudged: bool,
    handle: Handle,
}

impl Open {
    pub(crate) fn get<F, R>(name: &'static str, handler: F) -> Self
    where
        F: Fn(Visit) -> R + Send + Sync + 'static,
        R: Future<Output = Response<Body>> + Send + 'static,
    {
        Self {
            verb: "GET",
            name,
            is_unjudged: false,
            handle: Arc::new(move |visit| Box::pin(handler(visit))),
        }
    }

    pub(crate) fn post<F, R>(name: &'static str, handler: F) -> Self
    where
        F: Fn(Visit) -> R + Send + Sync + 'static,
        R: Future<Output = Response<Body>> + Send + 'static,
    {
        Self {
            verb: "POST",
            name,
            is_unjudged: false,
            handle: Arc::new(move |visit| Box::pin(handler(visit))),
        }
    }

    /// For what only ends something of the person's own, and for what OAuth clients ask: it gives nothing to a session, and is done
    /// while the clock is behind too.
    pub(crate) fn unjudged(self) -> Self {
        Self { is_unjudged: true, ..self }
    }
}

/// Adds a path.
pub(crate) fn open(web: &Arc<WebParts>, router: Router, path: String, rows: &[Open]) -> Router {
    let at = rows.iter().fold(verbs(&web.problems, Verbs::of(rows.iter().map(|row| row.verb))), |at, row| {
        let (web, handle) = (Arc::clone(web), Arc::clone(&row.handle));
        let named = Named { operation: row.name, route: path.as_str().into() };
        let is_unjudged = row.is_unjudged;
        let service = service_fn(move |request: Request<Body>| {
            let (web, handle) = (Arc::clone(&web), Arc::clone(&handle));
            // Absent: notes that no log reads.
            let record = record(&request).cloned().unwrap_or_default();
            // A request comes here once, so the notes are new.
            let _ = record.operation.set(named.clone());
            let credit = request.extensions().get::<Credit>().cloned();
            async move {
                let visit = Visit::of(web, request, is_unjudged).await;
                if let Some(caller) = &visit.session {
                    credit.iter().for_each(Credit::claim);
                    let _ =
                        record.caller.set((caller.user, caller.credential.kind(), caller.credential.id()));
                }
                let fresh = visit.fresh_cookie();
                let mut response = if visit.is_unjudged {
                    visit.problem(Denial::ClockBehind.into())
                } else {
                    handle(visit).await
                };
                if let Some(cookie) = fresh {
                    super::answer::add_cookie(&mut response, &cookie);
                }
                Ok::<_, Infallible>(response)
            }
        });
        let verb = if row.verb == "GET" { MethodFilter::GET } else { MethodFilter::POST };
        at.on_service(verb, service)
    });
    router.route_service(&path, at)
}

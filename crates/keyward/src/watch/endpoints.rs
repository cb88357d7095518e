//! `/metrics`, `/livez`, `/readyz`, on an address of their own: not for clients.

use super::metrics::Metrics;
use super::text_format::{OPENMETRICS, TEXT, takes_openmetrics};
use crate::background::panics::Panics;
use crate::boxed::Boxed;
use crate::store::Store;
use crate::transport::Leaving;
use axum::Router;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::header::{ACCEPT, CONTENT_TYPE};
use http::{HeaderMap, StatusCode};
use keyward_core::clock::Clock;
use keyward_core::header_text::readable;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::timeout;

/// How long a probe waits for the database: less than those that ask are known to wait.
const PATIENCE: Duration = Duration::from_millis(800);
/// As many rows that were left out are named, at the start and of lists.
const ROWS_NAMED: usize = 20;

/// What is watched.
#[derive(Debug)]
pub(crate) struct Watched {
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) store: Arc<dyn Store>,
    /// The store's clock.
    pub(crate) clock: Arc<dyn Clock>,
}

/// The endpoints.
pub(crate) fn endpoints(watched: Watched, leaving: Leaving, panics: Panics) -> Boxed {
    let told = Arc::clone(&watched.metrics);
    let metrics = async move |headers: HeaderMap| {
        let (kind, text) = if takes_openmetrics(readable(headers.get_all(ACCEPT), b',')) {
            (OPENMETRICS, told.told())
        } else {
            (TEXT, told.told_as_text())
        };
        match text {
            Ok(text) => ([(CONTENT_TYPE, kind)], text).into_response(),
            Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
        }
    };
    let watched = Arc::new(watched);
    let router = Router::new()
        .route("/metrics", get(metrics))
        // The process answers: whatever else is wrong, ending it would not help.
        .route("/livez", get(async || "ok\n"))
        .route("/readyz", get(async move || ready(&watched, &leaving, &panics).await));
    Boxed::new(router)
}

/// Whether to send requests here: not to a server that stops, or whose database does not answer, or cannot be written.
async fn ready(watched: &Watched, leaving: &Leaving, panics: &Panics) -> Response {
    let no = |reason: &'static str| (StatusCode::SERVICE_UNAVAILABLE, reason).into_response();
    if leaving.has_begun() {
        return no("stopping\n");
    }
    let Ok(answered) = timeout(PATIENCE, watched.store.ping()).await else {
        tracing::warn!("not ready: the database has not answered in time");
        return no("the database does not answer\n");
    };
    if let Some(fault) = watched.store.write_fault() {
        return (StatusCode::SERVICE_UNAVAILABLE, format!("the database cannot be written: {fault}\n"))
            .into_response();
    }
    match answered {
        Ok(()) => format!("ok\n{}{}", notes(watched), panics.notes()).into_response(),
        Err(error) => {
            tracing::warn!(%error, "not ready: the database does not answer");
            no("the database does not answer\n")
        }
    }
}

/// What is amiss on a server that is ready, a line each.
fn notes(watched: &Watched) -> String {
    let at_start = watched.store.left_out().told("at the start", ROWS_NAMED);
    let of_lists = watched.store.left_out_of_lists().told("of lists", ROWS_NAMED);
    let rows = at_start.into_iter().chain(of_lists).map(|rows| format!("rows of the database: {rows}\n"));
    rows.collect::<String>() + &behind(watched)
}

fn behind(watched: &Watched) -> String {
    let now = watched.clock.now();
    let watch = watched.store.directory().clock();
    if !watch.is_behind() {
        return String::new();
    }
    let wall = watch.wall();
    if watch.is_unread() {
        return format!(
            "the time that was recorded cannot be read: credentials with an end are answered 503; if the clock ({wall}) is right run \
             keyward clock accept\n"
        );
    }
    format!(
        "the clock ({wall}) is behind a time that was recorded ({now}): credentials with an end are answered 503\n"
    )
}

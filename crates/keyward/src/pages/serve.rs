//! Answering with the files of the site.

use super::site::{self, Site};
use super::source;
use crate::config::LimitsConfig;
use crate::current::Current;
use crate::operation::{Verbs, verbs};
use crate::problem::{Problems, insert};
use crate::representation::{Preferences, says_gzip, varies};
use axum::Router;
use axum::body::Body;
use axum::routing::MethodFilter;
use http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, LOCATION, REFERRER_POLICY};
use http::{Request, Response, StatusCode};
use std::convert::Infallible;
use std::sync::{Arc, Mutex, PoisonError};
use tower::service_fn;

/// Nothing is loaded from elsewhere, nothing inline runs, and nobody frames the pages.
const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self' data:; \
                      form-action 'none'; base-uri 'none'; frame-ancestors 'none'";

/// The documentation of this server.
#[derive(Debug)]
pub struct Pages {
    public_url: String,
    current: Current,
    /// The site as it was last made, with the limits that it tells.
    made: Mutex<Option<(LimitsConfig, Arc<Site>)>>,
}

impl Pages {
    /// Of a server at this address.
    #[must_use]
    pub fn new(public_url: String, current: Current) -> Self {
        Self { public_url, current, made: Mutex::default() }
    }

    /// The site of now: made anew when the limits have changed.
    fn now(&self) -> Arc<Site> {
        let limits = self.current.glance(|now| now.limits.clone());
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((told, site)) = &*made
            && *told == limits
        {
            return Arc::clone(site);
        }
        let site = Arc::new(site::site(&self.public_url, &limits));
        *made = Some((limits, Arc::clone(&site)));
        site
    }
}

/// A page as Markdown.
pub(crate) struct InMarkdown {
    pub(crate) url: String,
    pub(crate) title: &'static str,
    pub(crate) description: &'static str,
    pub(crate) text: String,
}

impl Pages {
    /// Every page as Markdown, in the order of the menu.
    pub(crate) fn in_markdown(&self) -> Vec<InMarkdown> {
        let site = self.now();
        let page = |page: source::Source| {
            let path = site::twin_of(page.path);
            let text = String::from_utf8_lossy(&site.get(&path)?.bytes).into_owned();
            let url = format!("{}{path}", self.public_url);
            Some(InMarkdown { url, title: page.title, description: page.description, text })
        };
        source::pages().into_iter().filter_map(page).collect()
    }
}

/// Where pages have been, or are looked for.
const MOVED: &[(&str, &str)] = &[("/rate-limits", "/platform/rate-limits")];

/// The routes of every file: `GET` and `HEAD`, without credentials.
pub(crate) fn routes(pages: &Arc<Pages>, problems: &Problems, router: Router) -> Router {
    let site = pages.now();
    let router = site.keys().fold(router, |router, path| {
        let (pages, known) = (Arc::clone(pages), path.clone());
        let page = service_fn(move |request: Request<Body>| {
            let (pages, path) = (Arc::clone(&pages), known.clone());
            async move { Ok::<_, Infallible>(answer(&pages, &path, &request)) }
        });
        router.route_service(path, verbs(problems, Verbs::of(["GET"])).on_service(MethodFilter::GET, page))
    });
    MOVED.iter().fold(router, |router, (from, to)| {
        let to = format!("{}{to}", pages.public_url);
        let moved = service_fn(move |_: Request<Body>| {
            let to = to.clone();
            async move { Ok::<_, Infallible>(moved(&to)) }
        });
        router.route_service(from, verbs(problems, Verbs::of(["GET"])).on_service(MethodFilter::GET, moved))
    })
}

fn answer(pages: &Pages, path: &str, request: &Request<Body>) -> Response<Body> {
    let site = pages.now();
    // Every route is a file of the site, whatever the limits are.
    let Some(file) = site.get(path) else { return Response::new(Body::empty()) };
    let prefers = Preferences::of(request.headers());
    let packed = if prefers.gzip() { file.packed() } else { None };
    // Absent: as it is.
    let (bytes, etag) = packed.map_or((&file.bytes, &file.etag), |packed| (&packed.bytes, &packed.etag));
    let mut response = Response::new(Body::from(bytes.clone()));
    if packed.is_some() {
        says_gzip(response.headers_mut());
    }
    // A tag names the content, whichever way it was compressed.
    if prefers.has(&file.etag) {
        response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::NOT_MODIFIED;
    }
    let headers = response.headers_mut();
    varies(headers);
    insert(headers, CONTENT_TYPE, file.kind);
    insert(headers, ETAG, etag);
    // It may be kept, and is asked for again: a new version of the program has new pages.
    insert(headers, CACHE_CONTROL, "no-cache");
    insert(headers, CONTENT_SECURITY_POLICY, POLICY);
    insert(headers, REFERRER_POLICY, "no-referrer");
    response
}

fn moved(to: &str) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::MOVED_PERMANENTLY;
    insert(response.headers_mut(), LOCATION, to);
    response
}

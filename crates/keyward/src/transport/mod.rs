//! Our own accept loop on hyper: deadlines and ceilings of our choosing, and an end that waits for what has begun.
//!
//! | a client that | is let go |
//! | --- | --- |
//! | sends no head, a slow one, or nothing after an answer | after 15 s (here) |
//! | sends a slow body | after 15 s (`call.rs`) |
//! | takes nothing of its answer | after 15 s (`watched.rs`) |
//! | opens more connections than one address may | at once (`ceiling.rs`) |
//! | frames a request in two ways | after a 400 (`head_scan.rs` sees it, the hygiene layer refuses it) |

mod ceiling;
mod head_scan;
mod watched;

use crate::stack::Boxed;
use axum::body::Body;
use ceiling::{Ceiling, Place};
use head_scan::{HeadScan, Verdict, Verdicts};
use http::header::{CONNECTION, TRANSFER_ENCODING};
use http::{HeaderValue, Request};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use ipnet::IpNet;
use keyward_core::address::{allowed, canonical, client};
use keyward_tower::ClientAddress;
use keyward_tower::hygiene::AmbiguousFraming;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;
use std::convert::Infallible;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tower::{Service, ServiceExt};
use watched::Watched;

/// A whole head must arrive within this.
const HEAD_DEADLINE: Duration = Duration::from_secs(15);
/// What has begun may take this long after the order to stop.
const DRAIN: Duration = Duration::from_secs(10);
/// Connections that may be open, in all and from one address (a /64 counts as one).
const IN_ALL: usize = 10_000;
const FROM_ONE: usize = 1_000;
/// After a failed accept (too many open files), before the next.
const PAUSE: Duration = Duration::from_millis(50);

/// What an address is listened on with.
#[derive(Clone, Debug, Default)]
pub struct Listening {
    /// Whose word on the client's address is believed; they may have as many connections as there are.
    pub proxies: Arc<[IpNet]>,
    /// Counts the connections that are open.
    pub connections: Gauge,
    /// Counts those that were closed at once, since there were too many.
    pub refused: Counter,
}

/// A place under the ceiling that is counted while it is taken.
struct Counted {
    _place: Place,
    open: Gauge,
}

impl Counted {
    fn new(place: Place, open: &Gauge) -> Self {
        open.inc();
        Self { _place: place, open: open.clone() }
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.open.dec();
    }
}

/// Serves until `stop` is ready, then lets what has begun end, for at most ten seconds.
pub async fn serve(listener: TcpListener, service: Boxed, with: Listening, stop: impl Future<Output = ()>) {
    let Listening { proxies, connections, refused } = with;
    let graceful = GracefulShutdown::new();
    let ceiling = Ceiling::new(IN_ALL, FROM_ONE);
    let mut stop = std::pin::pin!(stop);
    loop {
        tokio::select! {
            () = &mut stop => break,
            accepted = listener.accept() => match accepted {
                Ok((stream, peer)) => {
                    let from = canonical(peer.ip());
                    match ceiling.enter(from, allowed(from, &proxies)) {
                        Some(place) => {
                            let place = Counted::new(place, &connections);
                            connection(stream, (from, place), service.clone(), Arc::clone(&proxies), &graceful);
                        }
                        None => {
                            // Dropping it closes it: whoever has so many needs no explanation.
                            refused.inc();
                            tracing::debug!(address = %from, "a connection over the ceiling was closed");
                        }
                    }
                }
                Err(error) => {
                    tracing::warn!(%error, "a connection could not be accepted");
                    tokio::time::sleep(PAUSE).await;
                }
            },
        }
    }
    drop(listener);
    if tokio::time::timeout(DRAIN, graceful.shutdown()).await.is_err() {
        tracing::warn!("connections were still busy at the end of the drain and are closed");
    }
}

fn connection(
    stream: TcpStream,
    (from, place): (IpAddr, Counted),
    service: Boxed,
    proxies: Arc<[IpNet]>,
    graceful: &GracefulShutdown,
) {
    // Answers are small and whole: waiting to fill a packet only delays them.
    let _ = stream.set_nodelay(true);
    let verdicts = Verdicts::default();
    let stream = Watched::new(stream, HeadScan::new(verdicts.clone()));
    let answering = hyper::service::service_fn(move |request: Request<Incoming>| {
        let forwarded =
            request.headers().get_all("x-forwarded-for").iter().map(|value| value.to_str().unwrap_or("?"));
        let client = ClientAddress(client(from, forwarded, &proxies));
        answer(service.clone(), request, client, verdicts.next())
    });
    let serving = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_DEADLINE)
        // Above the limits of the hygiene layer, so that its envelope answers and not hyper's bare 431.
        .max_headers(256)
        .max_buf_size(64 * 1024)
        .serve_connection(TokioIo::new(stream), answering);
    let watched = graceful.watch(serving);
    tokio::spawn(async move {
        // A client that leaves or sends what is no HTTP ends its own connection and nothing else.
        if let Err(error) = watched.await {
            tracing::debug!(%error, "a connection ended early");
        }
        drop(place);
    });
}

async fn answer(
    mut service: Boxed,
    request: Request<Incoming>,
    from: ClientAddress,
    verdict: Verdict,
) -> Result<http::Response<Body>, Infallible> {
    // What follows a body without a length could be part of it for another reader: nothing more is read from this
    // connection.
    let chunked = request.headers().contains_key(TRANSFER_ENCODING);
    let mut request = request.map(Body::new);
    request.extensions_mut().insert(from);
    if let Some(reason) = verdict {
        request.extensions_mut().insert(AmbiguousFraming(reason));
    }
    let mut response = service.ready().await?.call(request).await?;
    if chunked {
        response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    }
    Ok(response)
}

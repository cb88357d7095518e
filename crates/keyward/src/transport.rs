//! Our own accept loop on hyper: limits of our choosing, and an end that waits for what has begun.

use crate::stack::Boxed;
use axum::body::Body;
use http::header::{CONNECTION, TRANSFER_ENCODING};
use http::{HeaderValue, Request};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use keyward_core::address::canonical;
use keyward_tower::ClientAddress;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tower::{Service, ServiceExt};

/// A whole head must arrive within this.
const HEAD_DEADLINE: Duration = Duration::from_secs(15);
/// What has begun may take this long after the order to stop.
const DRAIN: Duration = Duration::from_secs(10);
/// After a failed accept (too many open files), before the next.
const PAUSE: Duration = Duration::from_millis(50);

/// Serves until `stop` is ready, then lets what has begun end, for at most ten seconds.
pub async fn serve(listener: TcpListener, service: Boxed, stop: impl Future<Output = ()>) {
    let graceful = GracefulShutdown::new();
    let mut stop = std::pin::pin!(stop);
    loop {
        tokio::select! {
            () = &mut stop => break,
            accepted = listener.accept() => match accepted {
                Ok((stream, peer)) => connection(stream, peer, service.clone(), &graceful),
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

fn connection(stream: TcpStream, peer: SocketAddr, service: Boxed, graceful: &GracefulShutdown) {
    // Answers are small and whole: waiting to fill a packet only delays them.
    let _ = stream.set_nodelay(true);
    let from = ClientAddress(canonical(peer.ip()));
    let answering =
        hyper::service::service_fn(move |request: Request<Incoming>| answer(service.clone(), request, from));
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
    });
}

async fn answer(
    service: Boxed,
    request: Request<Incoming>,
    from: ClientAddress,
) -> Result<http::Response<Body>, std::convert::Infallible> {
    // hyper drops a Content-Length beside it, so what follows such a request may be part of it for another reader:
    // nothing more is read from this connection (RFC 9112 §6.1).
    let chunked = request.headers().contains_key(TRANSFER_ENCODING);
    let mut request = request.map(Body::new);
    request.extensions_mut().insert(from);
    let mut service = service;
    let mut response = service.ready().await?.call(request).await?;
    if chunked {
        response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    }
    Ok(response)
}

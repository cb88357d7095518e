//! The life of one connection: handshake, version of HTTP, requests, end.

use super::head_scan::{HeadScan, Verdict, Verdicts};
use super::opening::{Capped, Protocol, first_bytes, first_head, handshake};
use super::pulse::{Answered, OPENING, Overdue, Pulse};
use super::watched::{OfHttp1, Watched};
use crate::reload::Current;
use crate::stack::Boxed;
use axum::body::Body;
use http::header::{CONNECTION, TRANSFER_ENCODING};
use http::{HeaderValue, Request, Response, Version};
use hyper::body::Incoming;
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulConnection;
use keyward_core::BoxFuture;
use keyward_core::address::{allowed, client};
use keyward_tower::ClientAddress;
use keyward_tower::hygiene::AmbiguousFraming;
use std::convert::Infallible;
use std::net::IpAddr;
use std::pin::pin;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until, timeout_at};
use tower::{Service, ServiceExt};

/// The bytes of a head that hyper reads above the limits of the hygiene layer, so that its envelope answers and not a bare
/// 431.
pub(super) const ABOVE: usize = 8 * 1024;
/// The fields of a head that hyper reads.
const FIELDS: usize = 256;
/// Requests that may be open on one connection of HTTP/2.
const STREAMS: u32 = 64;
/// Bytes that a client may send ahead, on one stream and on all of a connection together.
const AHEAD_ON_ONE: u32 = 64 * 1024;
const AHEAD_IN_ALL: u32 = 64 * 1024;
/// Bytes of an answer that wait on one stream.
const WAITING: usize = 64 * 1024;
/// Streams that a client may have had reset, by itself before they were looked at, or by its own errors.
const RESETS: usize = 32;
/// After a connection was told that it ends, and nothing runs on it.
const FAREWELL: Duration = Duration::from_secs(1);

/// In the extensions of a request that a trusted proxy passed on: what it says besides is believed too.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ByProxy;

/// What every connection is served with.
#[derive(Clone, Debug)]
pub(super) struct Serving {
    pub(super) service: Boxed,
    pub(super) current: Current,
    /// The bytes of a head that hyper reads.
    pub(super) head: usize,
}

/// Who is at the other end, and whether to stop.
pub(super) struct Guest {
    pub(super) from: IpAddr,
    pub(super) stop: watch::Receiver<bool>,
}

/// Serves until the client leaves, is overdue, or the server stops and nothing runs any more. What was overdue.
pub(super) async fn serve(stream: TcpStream, guest: Guest, serving: Serving) -> Option<Overdue> {
    // Answers are small and whole: waiting to fill a packet only delays them.
    let _ = stream.set_nodelay(true);
    let pulse = Pulse::new();
    let opened_by = Instant::now() + OPENING;
    let mut stop = guest.stop.clone();
    let opening = async {
        match serving.current.get().tls.clone() {
            Some(config) => {
                let (protocol, stream) = handshake(stream, config).await?;
                Ok::<_, std::io::Error>(Opened::Tls(protocol, Box::new(stream)))
            }
            None => {
                let mut stream = stream;
                let (protocol, mut first) = first_bytes(&mut stream).await?;
                if protocol == Protocol::Http1 {
                    first_head(&mut stream, &mut first).await?;
                }
                Ok(Opened::Plain(protocol, stream, first))
            }
        }
    };
    let opened = tokio::select! {
        opened = timeout_at(opened_by, opening) => opened,
        // Nothing has been asked for yet.
        () = stopped(&mut stop) => return None,
    };
    match opened {
        Ok(Ok(Opened::Plain(protocol, stream, first))) => {
            speak(protocol, (stream, first), pulse, guest, serving).await
        }
        Ok(Ok(Opened::Tls(protocol, stream))) => {
            speak(protocol, (*stream, Vec::new()), pulse, guest, serving).await
        }
        Ok(Err(error)) => {
            tracing::debug!(%error, "a connection ended before it began");
            None
        }
        Err(_) => Some(Overdue::Opening),
    }
}

/// A connection of which it is known what is spoken on it.
enum Opened {
    Plain(Protocol, TcpStream, Vec<u8>),
    Tls(Protocol, Box<tokio_rustls::server::TlsStream<Capped>>),
}

/// Speaks it. In a box of its own size: one that says nothing must not cost as much as one of HTTP/2 over TLS.
fn speak<S>(
    protocol: Protocol,
    (stream, first): (S, Vec<u8>),
    pulse: Pulse,
    guest: Guest,
    serving: Serving,
) -> BoxFuture<'static, Option<Overdue>>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let Guest { from, stop } = guest;
    let head = serving.head;
    match protocol {
        Protocol::Http1 => {
            let verdicts = Verdicts::default();
            let one = OfHttp1 { scan: HeadScan::new(verdicts.clone()), pulse: pulse.clone() };
            let running = pulse.clone();
            let answering = service_fn(move |request| {
                answer(serving.clone(), request, from, verdicts.next(), running.clone())
            });
            let connection = http1::Builder::new()
                // The pulse watches the time of heads.
                .header_read_timeout(None)
                .timer(TokioTimer::new())
                .max_headers(FIELDS)
                .max_buf_size(head)
                .serve_connection(TokioIo::new(Watched::new(stream, first, Some(one))), answering);
            Box::pin(drive(connection, pulse, stop))
        }
        Protocol::Http2 => {
            let running = pulse.clone();
            let answering =
                service_fn(move |request| answer(serving.clone(), request, from, None, running.clone()));
            let connection = http2::Builder::new(TokioExecutor::new())
                .timer(TokioTimer::new())
                .max_concurrent_streams(STREAMS)
                .initial_stream_window_size(AHEAD_ON_ONE)
                .initial_connection_window_size(AHEAD_IN_ALL)
                .max_header_list_size(u32::try_from(head).unwrap_or(u32::MAX))
                .max_send_buf_size(WAITING)
                .max_pending_accept_reset_streams(RESETS)
                .max_local_error_reset_streams(RESETS)
                .serve_connection(TokioIo::new(Watched::new(stream, first, None)), answering);
            Box::pin(drive(connection, pulse, stop))
        }
    }
}

/// Lets the connection go on until it ends, is overdue, or has done what it had begun when it was told to end: because the
/// server stops, or because it was idle.
async fn drive<C>(connection: C, pulse: Pulse, mut stop: watch::Receiver<bool>) -> Option<Overdue>
where
    C: GracefulConnection,
    C::Error: std::error::Error + 'static,
{
    let mut connection = pin!(connection);
    let mut told: Option<(Instant, Option<Overdue>)> = None;
    loop {
        let (until, overdue) = match told {
            None => pulse.deadline(),
            // Whoever has asked for nothing has no claim to be waited for.
            Some((at, why)) if pulse.is_quiet() => (at + FAREWELL, why),
            Some(_) => pulse.deadline(),
        };
        tokio::select! {
            biased;
            ended = connection.as_mut() => return ended.err().and_then(|error| why_it_ended(&error)),
            () = stopped(&mut stop), if told.is_none() => {
                connection.as_mut().graceful_shutdown();
                told = Some((Instant::now(), None));
            }
            () = sleep_until(until) => match (told, overdue) {
                // Something moved meanwhile.
                (None, _) if pulse.deadline().0 > until => {}
                (Some(_), None) if !pulse.is_quiet() => {}
                (None, Some(Overdue::Idle)) => {
                    // A client of HTTP/2 is told, so that it sends nothing into a connection that ends.
                    connection.as_mut().graceful_shutdown();
                    told = Some((Instant::now(), Some(Overdue::Idle)));
                }
                (_, overdue) => return overdue,
            },
        }
    }
}

/// A client that leaves or sends what is no HTTP ends its own connection and nothing else. One that took nothing of its answer
/// was cut by `watched.rs`.
fn why_it_ended(error: &(dyn std::error::Error + 'static)) -> Option<Overdue> {
    tracing::debug!(%error, "a connection ended early");
    let mut causes = std::iter::successors(error.source(), |cause| cause.source());
    let cut = causes.any(|cause| {
        cause
            .downcast_ref()
            .is_some_and(|cause: &std::io::Error| cause.kind() == std::io::ErrorKind::TimedOut)
    });
    cut.then_some(Overdue::Stalled)
}

/// Ready when the server stops, or is gone.
async fn stopped(stop: &mut watch::Receiver<bool>) {
    let _ = stop.wait_for(|stop| *stop).await;
}

async fn answer(
    serving: Serving,
    request: Request<Incoming>,
    from: IpAddr,
    verdict: Verdict,
    pulse: Pulse,
) -> Result<Response<Answered<Body>>, Infallible> {
    let running = pulse.begin();
    let shared = request.version() == Version::HTTP_2;
    // What follows a body without a length could be part of it for another reader: nothing more is read from this
    // connection.
    let closes = !shared && request.headers().contains_key(TRANSFER_ENCODING);
    let (address, by_proxy) = serving.current.glance(|now| {
        let forwarded = request.headers().get_all("x-forwarded-for").iter();
        let forwarded = forwarded.map(|value| value.to_str().unwrap_or("?"));
        (ClientAddress(client(from, forwarded, &now.proxies)), allowed(from, &now.proxies))
    });
    let mut request = request.map(Body::new);
    if by_proxy {
        request.extensions_mut().insert(ByProxy);
    }
    request.extensions_mut().insert(address);
    if let Some(reason) = verdict {
        request.extensions_mut().insert(AmbiguousFraming(reason));
    }
    let mut service = serving.service;
    let mut response = service.ready().await?.call(request).await?;
    if closes {
        response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    }
    Ok(response.map(|body| running.answered(body, shared)))
}

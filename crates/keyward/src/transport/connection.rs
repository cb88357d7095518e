//! The life of one connection: handshake, version of HTTP, requests, end.

use super::answering::{Whose, answer};
use super::arrival::{Arrival, arrive};
use super::ceiling::Ceiling;
use super::foreign::{Foreign, ForeignLog, turn_away};
use super::forwarded::UnknownAddresses;
use super::frame_scan::FrameScan;
use super::head_scan::{HeadScan, Verdicts};
use super::keep_alive::{KeepAlive, Leaving};
use super::opening::{Capped, Protocol, first_bytes, first_head, handshake};
use super::pool::Place;
use super::pulse::{OPENING, Overdue, Pulse};
use super::stream::{Peer, Stream};
use super::turns::{Credit, Turns};
use super::watched::{Seen, Watched};
use crate::boxed::Boxed;
use crate::current::{Current, Reloadable};
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulConnection;
use keyward_core::BoxFuture;
use keyward_core::address::ClientAddress;
use rustls::ServerConfig;
use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::watch;
use tokio::task::unconstrained;
use tokio::time::{Instant, sleep, sleep_until, timeout_at};

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
/// The same on a connection of a trusted proxy, which many clients share: a body that is not read yet must not stall theirs.
const AHEAD_OF_PROXY: u32 = 1024 * 1024;
/// Bytes of an answer that wait on one stream.
const WAITING: usize = 64 * 1024;
/// Streams that a client may have had reset, by itself before they were looked at, or by its own errors.
const RESETS: usize = 32;
/// When the server stops: for the first request of a connection that has just been opened, which is on its way. A load balancer that is
/// asked to close its connections opens one for each request.
const EARLY: Duration = Duration::from_millis(300);
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
    /// Counts requests of trusted proxies without an address.
    pub(super) unknown_addresses: UnknownAddresses,
    /// Notes connections on which no HTTP is spoken.
    pub(super) foreign: ForeignLog,
    pub(super) ceiling: Ceiling,
    pub(super) turns: Turns,
    pub(super) leaving: Leaving,
}

/// Who is at the other end, and whether to stop.
pub(super) struct Guest {
    pub(super) from: Peer,
    /// What it shows of its client, where it is worked on in turns. If it is not, because it is a trusted proxy's, its requests are.
    pub(super) credit: Option<Credit>,
    pub(super) stop: watch::Receiver<bool>,
}

/// The address of the other end, if it has one, and whether that is a trusted proxy.
pub(super) fn is_proxy(peer: Peer, now: &Reloadable) -> (ClientAddress, bool) {
    match peer {
        Peer::Address(address) => {
            let address = ClientAddress::of(address);
            (address, address.is_in(&now.proxies))
        }
        Peer::Process => (ClientAddress::Unknown, now.proxies_by_socket),
    }
}

/// Serves until the client leaves, is overdue, or the server stops and nothing runs any more. What was overdue.
pub(super) async fn serve(mut stream: Stream, mut guest: Guest, serving: Serving) -> Option<Overdue> {
    stream.send_at_once();
    let accepted = Instant::now();
    let by = accepted + OPENING;
    let arriving = arrive(&mut stream, guest.from, &serving);
    let arrival = match in_time(arriving, by, &mut guest.stop).await {
        Ok(arrival) => arrival,
        Err(overdue) => return overdue,
    };
    // One that a proxy opened for a client has the client's turns, as it would without the proxy.
    let client = arrival.place.is_some() && !arrival.is_proxy && guest.credit.is_none();
    let credit = client.then(|| serving.turns.credit(arrival.from));
    guest.credit = guest.credit.or(credit.clone());
    let turns = serving.turns.clone();
    let idle = serving.current.glance(|now| now.idle(arrival.is_proxy));
    let pulse = Pulse::new(accepted, idle);
    let keeps = KeepAlive::new(idle, serving.leaving.clone());
    turns.of(credit, go_on(stream, (guest, arrival), (pulse, by, keeps), serving)).await
}

async fn go_on(
    stream: Stream,
    (mut guest, arrival): (Guest, Arrival),
    (pulse, by, keeps): (Pulse, Instant, KeepAlive),
    serving: Serving,
) -> Option<Overdue> {
    let note = |foreign| serving.foreign.note(guest.from, foreign);
    let opening = opened(stream, serving.current.get().tls.clone(), &note);
    match in_time(opening, by, &mut guest.stop).await {
        Ok(Opened::Plain(protocol, stream, first)) => {
            speak(protocol, (stream, first), (pulse, keeps), (guest, arrival), serving).await
        }
        Ok(Opened::Tls(protocol, stream)) => {
            speak(protocol, (*stream, Vec::new()), (pulse, keeps), (guest, arrival), serving).await
        }
        Err(overdue) => overdue,
    }
}

/// What comes of it before this moment, unless the server stops and nothing comes soon. Otherwise what was overdue.
async fn in_time<T>(
    beginning: impl Future<Output = io::Result<T>>,
    by: Instant,
    stop: &mut watch::Receiver<bool>,
) -> Result<T, Option<Overdue>> {
    let begun = tokio::select! {
        // What has come is looked at first, however late that is.
        biased;
        begun = timeout_at(by, beginning) => begun,
        () = stopped_before(stop, || false) => return Err(None),
    };
    begun.map_err(|_| Some(Overdue::Opening))?.map_err(|error| {
        tracing::debug!(%error, "a connection ended before it began");
        None
    })
}

async fn opened(
    mut stream: Stream,
    tls: Option<Arc<ServerConfig>>,
    note: &(impl Fn(Foreign) + Sync),
) -> io::Result<Opened> {
    if let Some(config) = tls {
        let shaken = handshake(stream, config).await;
        shaken.as_ref().err().and_then(Foreign::of_handshake).into_iter().for_each(note);
        return shaken.map(|(protocol, stream)| Opened::Tls(protocol, Box::new(stream)));
    }
    let (protocol, mut first) = first_bytes(&mut stream).await?;
    if protocol == Protocol::Http1 {
        first_head(&mut stream, &mut first).await?;
        if let Some(foreign) = Foreign::of(&first) {
            note(foreign);
            return Err(turn_away(stream).await);
        }
    }
    Ok(Opened::Plain(protocol, stream, first))
}

/// A connection of which it is known what is spoken on it.
enum Opened {
    Plain(Protocol, Stream, Vec<u8>),
    Tls(Protocol, Box<tokio_rustls::server::TlsStream<Capped>>),
}

/// Speaks it. In a box of its own size: one that says nothing must not cost as much as one of HTTP/2 over TLS.
fn speak<S>(
    protocol: Protocol,
    (stream, first): (S, Vec<u8>),
    (pulse, keeps): (Pulse, KeepAlive),
    (guest, arrival): (Guest, Arrival),
    serving: Serving,
) -> BoxFuture<'static, Option<Overdue>>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let Guest { from: peer, credit, stop } = guest;
    let Arrival { from, place, is_proxy, by_socket } = arrival;
    let whose = Whose { peer, from, by_socket };
    let head = serving.head;
    let running = pulse.clone();
    match protocol {
        Protocol::Http1 => {
            let verdicts = Verdicts::default();
            let seen = Seen::Http1(HeadScan::new(verdicts.clone()), pulse.clone());
            let answering = service_fn(move |request| {
                let seen = (verdicts.next(), Some(keeps.clone()));
                answer(serving.clone(), request, (whose, credit.clone()), seen, running.clone())
            });
            let connection = http1::Builder::new()
                // The pulse watches the time of heads.
                .header_read_timeout(None)
                .timer(TokioTimer::new())
                .max_headers(FIELDS)
                .max_buf_size(head)
                .serve_connection(TokioIo::new(Watched::new(stream, first, seen)), answering);
            Box::pin(drive(connection, pulse, stop, place))
        }
        Protocol::Http2 => {
            let seen = Seen::Http2(FrameScan::new(), pulse.clone());
            let spawner = serving.turns.spawner(credit.clone());
            let answering = service_fn(move |request| {
                answer(serving.clone(), request, (whose, credit.clone()), (None, None), running.clone())
            });
            let connection = http2::Builder::new(spawner)
                .timer(TokioTimer::new())
                .max_concurrent_streams(STREAMS)
                .initial_stream_window_size(AHEAD_ON_ONE)
                .initial_connection_window_size(if is_proxy { AHEAD_OF_PROXY } else { AHEAD_IN_ALL })
                .max_header_list_size(u32::try_from(head).unwrap_or(u32::MAX))
                .max_send_buf_size(WAITING)
                .max_pending_accept_reset_streams(RESETS)
                .max_local_error_reset_streams(RESETS)
                .serve_connection(TokioIo::new(Watched::new(stream, first, seen)), answering);
            Box::pin(drive(connection, pulse, stop, place))
        }
    }
}

/// Lets the connection go on until it ends, is overdue, or has done what it had begun when it was told to end: because the
/// server stops, or because it was idle.
async fn drive<C>(
    connection: C,
    pulse: Pulse,
    mut stop: watch::Receiver<bool>,
    _place: Option<Place>,
) -> Option<Overdue>
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
            // Stop and timer come first, and are asked whatever budget the task has left: a connection on which there is always
            // something to read would use it up, and its deadline would never be seen.
            biased;
            () = unconstrained(stopped_before(&mut stop, || pulse.has_begun())), if told.is_none() => {
                connection.as_mut().graceful_shutdown();
                told = Some((Instant::now(), None));
            }
            () = unconstrained(sleep_until(until)) => match (told, overdue) {
                // Something moved meanwhile.
                (None, _) if pulse.deadline().0 > until => {}
                // What crossed the farewell is worked on, or is taken, still.
                (Some(_), None | Some(Overdue::Idle)) if !pulse.is_quiet() => {}
                (Some(_), Some(Overdue::Stalled)) if !pulse.is_quiet() && pulse.deadline().0 > until => {}
                (None, Some(Overdue::Idle)) => {
                    // A client of HTTP/2 is told, so that it sends nothing into a connection that ends.
                    connection.as_mut().graceful_shutdown();
                    told = Some((Instant::now(), Some(Overdue::Idle)));
                }
                (_, overdue) => return overdue,
            },
            ended = connection.as_mut() => {
                let flooding = pulse.is_flooded().then_some(Overdue::Flooding);
                return flooding.or_else(|| ended.err().and_then(|error| why_it_ended(&error)));
            }
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

/// Ready when the server stops; a little later where nothing has been asked for by then.
async fn stopped_before(stop: &mut watch::Receiver<bool>, has_begun: impl Fn() -> bool) {
    stopped(stop).await;
    if !has_begun() {
        sleep(EARLY).await;
    }
}

/// Ready when the server stops, or is gone.
async fn stopped(stop: &mut watch::Receiver<bool>) {
    let _ = stop.wait_for(|stop| *stop).await;
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::body::Body;
    use http::{Request, Response};
    use hyper::body::Incoming;
    use hyper_util::rt::TokioExecutor;
    use std::convert::Infallible;
    use std::pin::Pin;
    use std::task::{Context, Poll, ready};
    use tokio::io::ReadBuf;
    use tokio::task::coop::poll_proceed;
    use tokio::time::timeout;

    /// A client of HTTP/2 that always has one more frame to read, of a type that nobody knows, and takes whatever it is sent.
    struct Always(&'static [u8]);

    impl AsyncRead for Always {
        fn poll_read(
            mut self: Pin<&mut Self>,
            cx: &mut Context<'_>,
            buf: &mut ReadBuf<'_>,
        ) -> Poll<io::Result<()>> {
            // As every stream of tokio does.
            ready!(poll_proceed(cx)).made_progress();
            let bytes = if self.0.is_empty() { b"\0\0\0\x77\0\0\0\0\0" } else { self.0 };
            let (now, later) = bytes.split_at(bytes.len().min(buf.remaining()));
            buf.put_slice(now);
            self.0 = later;
            Poll::Ready(Ok(()))
        }
    }

    impl AsyncWrite for Always {
        fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
            Poll::Ready(Ok(bytes.len()))
        }

        fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }

        fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }
    }

    #[tokio::test]
    async fn a_connection_on_which_there_is_always_something_to_read_still_stops() {
        let client = Always(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0");
        let never =
            service_fn(|_: Request<Incoming>| std::future::pending::<Result<Response<Body>, Infallible>>());
        let connection = http2::Builder::new(TokioExecutor::new())
            .timer(TokioTimer::new())
            .serve_connection(TokioIo::new(client), never);
        let (stop, told) = watch::channel(false);
        let pulse = Pulse::new(Instant::now(), Duration::from_secs(15));
        let driving = tokio::spawn(drive(connection, pulse, told, None));
        tokio::time::sleep(Duration::from_millis(50)).await;
        stop.send_replace(true);
        let ended = timeout(2 * FAREWELL, driving).await;
        assert_eq!(ended.expect("the stop and the timer are looked at").unwrap(), None);
    }
}

//! Our own accept loop on hyper: deadlines and ceilings of our choosing, and an end that waits for what has begun.
//!
//! | a client that | is let go |
//! | --- | --- |
//! | sends no whole first head, a slow one, half a preface of HTTP/2 or half a hello of TLS | 10 s after accept (`pulse.rs`, `opening.rs`) |
//! | asks for nothing after an answer, or sends no whole head of a later request | a second after `idle_timeout`: 16 s, for a trusted proxy 651 s (`pulse.rs`) |
//! | sends no header of the PROXY protocol, where it must | after 10 s, and at once if it sends something else (`proxy_protocol.rs`) |
//! | sends bytes that are no HTTP | at once, after a bare 400 (`foreign.rs`) |
//! | sends a slow body | after 15 s, or 3 s while the room is half full (`body_room.rs`) |
//! | takes nothing of its answer, or too little of it | after 15 s, or 30 s (`watched.rs`; on HTTP/2 `pulse.rs`) |
//! | opens more connections than one address or network may | at once (`ceiling.rs`) |
//! | frames a request in two ways | after a 400 (`head_scan.rs` sees it, the hygiene layer refuses it) |
//! | opens, resets or continues more on HTTP/2 than anyone needs | at once (`connection.rs` sets hyper's limits) |
//! | sends frames of HTTP/2 that ask for nothing | after 500 (`frame_scan.rs`) |
//! | leaves a body unsent that nobody reads | after the answer, which says so (`unread.rs`) |

mod answering;
mod arrival;
mod ceiling;
pub(crate) mod certificate;
mod connection;
pub(crate) mod date;
mod figures;
mod foreign;
mod forwarded;
mod frame_scan;
mod head_scan;
mod keep_alive;
mod listeners;
mod opening;
mod pool;
mod proxy_protocol;
mod pulse;
mod stream;
pub(crate) mod tls;
mod turns;
mod unread;
mod watched;

pub(crate) use connection::ByProxy;
pub use figures::Figures;
pub(crate) use figures::Slow;
pub use keep_alive::Leaving;
pub use listeners::{Listener, Listeners};
pub(crate) use turns::Credit;

use crate::boxed::Boxed;
use crate::current::Current;
use ceiling::Ceiling;
use connection::{Guest, Serving, is_proxy};
use forwarded::UnknownAddresses;
use keyward_core::clock::{Clock, SystemClock};
use keyward_tower::hygiene::Limits;
use pool::Place;
use prometheus_client::metrics::gauge::Gauge;
use std::sync::Arc;
use std::time::Duration;
use stream::{Peer, Stream};
use tokio::sync::watch;
use tokio::time::Instant;
use turns::Turns;

/// What has begun may take this long after the order to stop.
const DRAIN: Duration = Duration::from_secs(10);
/// After a failed accept (too many open files), before the next.
const PAUSE: Duration = Duration::from_millis(50);

/// What an address is listened on with.
#[derive(Clone, Debug)]
pub struct Listening {
    /// What may change while it is served.
    pub current: Current,
    /// Counts connections.
    pub figures: Figures,
    /// As long as a head may be for what stands behind: beyond that, and a little more, it is not read at all.
    pub header_bytes: usize,
    /// The clock that answers are dated by.
    pub clock: Arc<dyn Clock>,
    /// Whether clients are asked to go elsewhere.
    pub leaving: Leaving,
}

impl Default for Listening {
    fn default() -> Self {
        let header_bytes = Limits::default().header_bytes;
        let clock = Arc::new(SystemClock::new());
        Self {
            current: Current::default(),
            figures: Figures::default(),
            header_bytes,
            clock,
            leaving: Leaving::default(),
        }
    }
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

/// Serves until `stop` is ready, then lets what has begun end: for at most ten seconds, or until `hurry` is ready.
pub async fn serve(
    listeners: impl Into<Listeners>,
    service: Boxed,
    with: Listening,
    stop: impl Future<Output = ()>,
    hurry: impl Future<Output = ()>,
) {
    let mut listeners = listeners.into();
    let Listening { current, figures, header_bytes, clock, leaving } = with;
    let ceiling = Ceiling::of_this_process();
    let serving = Serving {
        service,
        current,
        head: header_bytes + connection::ABOVE,
        unknown_addresses: UnknownAddresses::new(figures.unknown_addresses.clone()),
        foreign: foreign::ForeignLog::default(),
        ceiling: ceiling.clone(),
        turns: Turns::of_this_machine(Arc::clone(&clock)),
        leaving,
    };
    let (stopping, told) = watch::channel(false);
    let welcome = |(stream, peer): (Stream, Peer)| {
        let (address, is_proxy) = is_proxy(peer, &serving.current.get());
        let Some(place) = ceiling.enter(address, is_proxy) else {
            // Dropping it closes it: a client that has so many needs no explanation.
            figures.refused.inc();
            tracing::debug!(address = %peer, "a connection over the ceiling was closed");
            return;
        };
        let credit = (!is_proxy).then(|| serving.turns.credit(address));
        let guest = Guest { from: peer, credit: credit.clone(), stop: told.clone() };
        let ending = ended(stream, guest, serving.clone(), place, figures.clone());
        drop(tokio::spawn(serving.turns.of(credit, ending)));
    };
    let mut stop = std::pin::pin!(stop);
    let mut warned: Option<Instant> = None;
    loop {
        tokio::select! {
            () = &mut stop => break,
            accepted = listeners.accept() => match accepted {
                Ok(_) if !date::is_writable(clock.now()) => {
                    figures.refused.inc();
                    if seldom(&mut warned) {
                        tracing::warn!("connections are closed: the system's clock shows a time before 1970 or after 9999");
                    }
                }
                Ok(accepted) => welcome(accepted),
                Err(error) => {
                    if seldom(&mut warned) {
                        tracing::warn!(%error, "a connection could not be accepted");
                    }
                    tokio::time::sleep(PAUSE).await;
                }
            },
        }
    }
    listeners.close().into_iter().for_each(&welcome);
    drop(told);
    // Every connection holds the other end until it has ended.
    stopping.send_replace(true);
    tokio::select! {
        () = stopping.closed() => {}
        () = hurry => tracing::warn!("told to stop again: connections are closed as they are"),
        () = tokio::time::sleep(DRAIN) => {
            tracing::warn!("connections were still busy at the end of the drain and are closed");
        }
    }
}

/// Whether to log what comes again and again: once a second.
fn seldom(last: &mut Option<Instant>) -> bool {
    let due = last.is_none_or(|at| at.elapsed() >= Duration::from_secs(1));
    if due {
        *last = Some(Instant::now());
    }
    due
}

/// Serves a connection to its end.
fn ended(
    stream: Stream,
    guest: Guest,
    serving: Serving,
    place: Place,
    figures: Figures,
) -> impl Future<Output = ()> + Send {
    let place = Counted::new(place, &figures.open);
    async move {
        let from = guest.from;
        if let Some(overdue) = connection::serve(stream, guest, serving).await {
            figures.overdue.get_or_create(&Slow { with: overdue.word() }).inc();
            tracing::debug!(address = %from, with = overdue.word(), "a connection was ended: its client is too slow");
        }
        drop(place);
    }
}

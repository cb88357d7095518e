//! The life of one connection: when it began, what runs on it, and when something last moved. It says until when to wait.

use hyper::body::{Body, Frame, SizeHint};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::time::Instant;

/// From accept to the end of the first request's head, the TLS handshake included.
pub(super) const OPENING: Duration = Duration::from_secs(10);
/// So much later than announced is an idle connection closed: what was sent at the last moment is on its way still.
const LATER: Duration = Duration::from_secs(1);
/// While a client takes nothing of an answer.
pub(super) const STALL: Duration = Duration::from_secs(15);
/// Until all of an answer was taken, however much of it is taken now and then.
pub(super) const BEHIND: Duration = Duration::from_secs(30);
/// How often a connection is looked at whose request is being worked on. How long that may take is not its business.
const LOOK: Duration = Duration::from_secs(1);
/// The bytes of an answer that are handed over at once on a connection that many answers share.
const PIECE: usize = 16 * 1024;

/// Why a connection is ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Overdue {
    /// There was no whole head in time.
    Opening,
    /// Nothing was asked for after the last answer.
    Idle,
    /// The client takes nothing of an answer.
    Stalled,
    /// The client sends frames that ask for nothing.
    Flooding,
}

impl Overdue {
    /// The word for it in logs and metrics.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Opening => "opening",
            Self::Idle => "idle",
            Self::Stalled => "stalled",
            Self::Flooding => "flooding",
        }
    }
}

/// The shared handle to the state of a connection.
#[derive(Clone, Debug)]
pub(super) struct Pulse(Arc<Mutex<State>>);

#[derive(Debug)]
struct State {
    accepted: Instant,
    /// How long it may be idle, as it is announced.
    idle: Duration,
    begun: bool,
    /// More frames came that ask for nothing than anyone needs.
    flooded: bool,
    running: usize,
    /// When something last moved, of all.
    moved: Instant,
    /// The answers that are on their way: since when, and when something of each was last taken.
    sending: Vec<Sending>,
    /// The next answer's number.
    next: u64,
}

#[derive(Clone, Copy, Debug)]
struct Sending {
    number: u64,
    begun: Instant,
    moved: Instant,
}

impl Pulse {
    /// Of a connection that was accepted then and may be idle for so long between an answer and the next head.
    pub(super) fn new(accepted: Instant, idle: Duration) -> Self {
        let now = Instant::now();
        let sending = Vec::new();
        Self(Arc::new(Mutex::new(State {
            accepted,
            idle,
            begun: false,
            flooded: false,
            running: 0,
            moved: now,
            sending,
            next: 0,
        })))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A request's head has been read; it runs until the guard is dropped.
    pub(super) fn begin(&self) -> Running {
        let mut state = self.state();
        state.begun = true;
        state.running += 1;
        Running(self.clone())
    }

    /// Whether the first request's head has been read.
    pub(super) fn has_begun(&self) -> bool {
        self.state().begun
    }

    /// Bytes of the one answer that is on its way were taken.
    pub(super) fn moved(&self) {
        self.state().moved = Instant::now();
    }

    /// Notes that the client floods the connection.
    pub(super) fn flood(&self) {
        self.state().flooded = true;
    }

    /// Whether it does.
    pub(super) fn is_flooded(&self) -> bool {
        self.state().flooded
    }

    /// Whether nothing is being worked on or on its way.
    pub(super) fn is_quiet(&self) -> bool {
        let state = self.state();
        state.running == 0 && state.sending.is_empty()
    }

    /// Until when to wait before looking again, and, if that has passed, what is overdue.
    pub(super) fn deadline(&self) -> (Instant, Option<Overdue>) {
        let state = self.state();
        let taken =
            state.sending.iter().map(|answer| (answer.moved + STALL).min(answer.begun + BEHIND)).min();
        match (&*state, taken) {
            (State { begun: false, accepted, .. }, _) => (*accepted + OPENING, Some(Overdue::Opening)),
            (_, Some(until)) => (until, Some(Overdue::Stalled)),
            (State { running: 1.., .. }, None) => (Instant::now() + LOOK, None),
            (State { moved, idle, .. }, None) => (*moved + *idle + LATER, Some(Overdue::Idle)),
        }
    }
}

/// A request that is being worked on.
#[derive(Debug)]
pub(super) struct Running(Pulse);

impl Running {
    /// The answer, watched until it is taken. `shared`: on a connection with many answers it is handed over in pieces, so
    /// that one which is not taken is noticed.
    pub(super) fn answered<B>(self, body: B, shared: bool) -> Answered<B> {
        let number = {
            let mut state = self.0.state();
            let (number, now) = (state.next, Instant::now());
            state.next += 1;
            state.sending.push(Sending { number, begun: now, moved: now });
            number
        };
        Answered { body, rest: None, shared, handing: Handing { pulse: self.0.clone(), number } }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let mut state = self.0.state();
        state.running = state.running.saturating_sub(1);
        state.moved = Instant::now();
    }
}

/// One answer's place among those that are on their way.
#[derive(Debug)]
struct Handing {
    pulse: Pulse,
    number: u64,
}

impl Handing {
    fn moved(&self) {
        let mut state = self.pulse.state();
        if let Some(own) = state.sending.iter_mut().find(|answer| answer.number == self.number) {
            own.moved = Instant::now();
        }
    }
}

impl Drop for Handing {
    fn drop(&mut self) {
        let mut state = self.pulse.state();
        state.sending.retain(|answer| answer.number != self.number);
        state.moved = Instant::now();
    }
}

/// The body of an answer, which notes when it is taken.
#[derive(Debug)]
pub(super) struct Answered<B> {
    body: B,
    rest: Option<bytes::Bytes>,
    shared: bool,
    handing: Handing,
}

impl<B> Answered<B> {
    /// As much as is handed over at once.
    fn piece(&mut self, mut data: bytes::Bytes) -> bytes::Bytes {
        self.handing.moved();
        if !self.shared || data.len() <= PIECE {
            return data;
        }
        let piece = data.split_to(PIECE);
        self.rest = Some(data);
        piece
    }
}

impl<B: Body<Data = bytes::Bytes> + Unpin> Body for Answered<B> {
    type Data = bytes::Bytes;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<bytes::Bytes>, B::Error>>> {
        let this = self.get_mut();
        if let Some(rest) = this.rest.take() {
            return Poll::Ready(Some(Ok(Frame::data(this.piece(rest)))));
        }
        let frame = match ready!(Pin::new(&mut this.body).poll_frame(cx)) {
            Some(Ok(frame)) => frame,
            ended => return Poll::Ready(ended),
        };
        let frame = match frame.into_data() {
            Ok(data) => Frame::data(this.piece(data)),
            Err(trailers) => trailers,
        };
        Poll::Ready(Some(Ok(frame)))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_none() && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let rest = self.rest.as_ref().map_or(0, |rest| rest.len() as u64);
        let mut hint = self.body.size_hint();
        if let Some(upper) = hint.upper() {
            hint.set_upper(upper + rest);
        }
        hint.set_lower(hint.lower() + rest);
        hint
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;
    use http_body_util::{BodyExt, Full};

    fn overdue(pulse: &Pulse) -> (u64, Option<Overdue>) {
        let (at, overdue) = pulse.deadline();
        (at.saturating_duration_since(Instant::now()).as_secs(), overdue)
    }

    #[tokio::test(start_paused = true)]
    async fn each_part_of_a_connections_life_has_its_deadline() {
        let pulse = Pulse::new(Instant::now(), Duration::from_secs(15));
        assert_eq!(overdue(&pulse), (10, Some(Overdue::Opening)));
        let running = pulse.begin();
        tokio::time::advance(Duration::from_secs(20)).await;
        assert_eq!(overdue(&pulse), (1, None), "work is not the connection's business");
        let mut body = running.answered(Full::new(Bytes::from_static(b"answer")), false);
        assert_eq!(overdue(&pulse), (15, Some(Overdue::Stalled)));
        tokio::time::advance(Duration::from_secs(5)).await;
        assert_eq!(overdue(&pulse).0, 10);
        assert!(body.frame().await.is_some());
        assert_eq!(overdue(&pulse).0, 15, "what is taken counts anew");
        // Another one that runs, begins and ends does not help it.
        tokio::time::advance(Duration::from_secs(14)).await;
        drop(pulse.begin().answered(Full::new(Bytes::from_static(b"other")), true));
        let _running = pulse.begin();
        assert_eq!(overdue(&pulse), (1, Some(Overdue::Stalled)));
        drop(_running);
        assert!(!pulse.is_quiet());
        drop(body);
        assert_eq!(overdue(&pulse), (16, Some(Overdue::Idle)), "a second later than announced");
    }

    #[tokio::test]
    async fn a_long_answer_is_handed_over_in_pieces_where_many_share_a_connection() {
        let whole = Bytes::from(vec![7; 2 * PIECE + 1]);
        for (shared, pieces) in [(true, vec![PIECE, PIECE, 1]), (false, vec![2 * PIECE + 1])] {
            let mut body =
                Pulse::new(Instant::now(), STALL).begin().answered(Full::new(whole.clone()), shared);
            let mut left = whole.len() as u64;
            for piece in pieces {
                assert_eq!(body.size_hint().exact(), Some(left));
                assert_eq!(body.frame().await.unwrap().unwrap().into_data().unwrap().len(), piece);
                left -= piece as u64;
            }
            assert!(body.is_end_stream() && body.frame().await.is_none());
        }
    }
}

//! A connection of HTTP/2 that writes what it is given and keeps count of windows and of what becomes of streams.

use super::frames::{
    ACK, DATA, END_STREAM, FRAME, GOAWAY, HEADER_TABLE_SIZE, HEADERS, INITIAL_WINDOW_SIZE, PING, PREFACE,
    RST_STREAM, SETTINGS, WINDOW_UPDATE, frame, settings, status,
};
use super::http::Line;
use std::collections::BTreeMap;
use std::io;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::timeout;

/// The largest window (RFC 9113 §6.9.1).
const WIDE: u32 = 0x7fff_ffff;
/// The window before anything is said of it.
const NARROW: i64 = 65_535;

/// What has become of a stream.
#[derive(Clone, Debug, Default)]
pub(crate) struct Fate {
    pub(crate) status: Option<u16>,
    pub(crate) reset: Option<u32>,
    pub(crate) whole: bool,
    pub(crate) body: Vec<u8>,
}

impl Fate {
    pub(crate) const fn is_over(&self) -> bool {
        self.whole || self.reset.is_some()
    }
}

pub(crate) struct Wire {
    line: Line,
    unread: Vec<u8>,
    pub(crate) fates: BTreeMap<u32, Fate>,
    pub(crate) is_closed: bool,
    pub(crate) goaway: Option<u32>,
    /// What the server takes on the connection, on a new stream, and more or less on each of those that are open.
    window: i64,
    initial: i64,
    windows: BTreeMap<u32, i64>,
    received: u32,
}

impl Wire {
    /// Writes the preface, and opens its own windows wide.
    pub(crate) async fn open(line: Line) -> io::Result<Self> {
        let mut wire = Self {
            line,
            unread: Vec::new(),
            fates: BTreeMap::new(),
            is_closed: false,
            goaway: None,
            window: NARROW,
            initial: NARROW,
            windows: BTreeMap::new(),
            received: 0,
        };
        let own = settings(&[(HEADER_TABLE_SIZE, 0), (INITIAL_WINDOW_SIZE, WIDE)]);
        let wide = frame(WINDOW_UPDATE, 0, 0, &(WIDE - 65_535).to_be_bytes());
        wire.write(&[PREFACE, &own, &wide].concat()).await?;
        Ok(wire)
    }

    pub(crate) async fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        let written = timeout(Duration::from_secs(20), self.line.write_all(bytes)).await;
        let written = written.unwrap_or_else(|late| Err(late.into()));
        self.is_closed |= written.is_err();
        written
    }

    /// How much of a body may be sent on a stream now.
    pub(crate) fn room(&self, stream: u32) -> usize {
        let own = self.windows.get(&stream).copied().unwrap_or(self.initial);
        usize::try_from(own.min(self.window)).unwrap_or(0)
    }

    /// DATA frames with so much of a body, counted in the windows. What there is no room for is not in them.
    pub(crate) fn data(&mut self, stream: u32, body: &[u8], ends: bool) -> (Vec<u8>, usize) {
        let part = body.get(..body.len().min(self.room(stream))).unwrap_or_default();
        let is_last = part.len() == body.len();
        let taken = part.len() as i64;
        self.window -= taken;
        let initial = self.initial;
        *self.windows.entry(stream).or_insert(initial) -= taken;
        let mut bytes = Vec::with_capacity(part.len() + 64);
        let pieces = part.len().div_ceil(FRAME).max(1);
        for number in 0..pieces {
            let piece = part.chunks(FRAME).nth(number).unwrap_or_default();
            let flags = if ends && is_last && number + 1 == pieces { END_STREAM } else { 0 };
            if !piece.is_empty() || flags != 0 {
                bytes.extend(frame(DATA, flags, stream, piece));
            }
        }
        (bytes, part.len())
    }

    /// Reads once, for so long at most, and takes in the frames that are whole.
    pub(crate) async fn read(&mut self, patience: Duration) {
        self.unread.reserve(32 * 1024);
        if let Ok(Ok(0) | Err(_)) = timeout(patience, self.line.read_buf(&mut self.unread)).await {
            self.is_closed = true;
        }
        let (mut at, mut answer) = (0, Vec::new());
        while let Some(&[a, b, c, kind, flags, d, e, f, g]) =
            self.unread.get(at..).and_then(|rest| rest.first_chunk::<9>())
        {
            let end = at + 9 + u32::from_be_bytes([0, a, b, c]) as usize;
            let Some(payload) = self.unread.get(at + 9..end) else { break };
            let payload = payload.to_vec();
            self.take_in(kind, flags, u32::from_be_bytes([d, e, f, g]), &payload, &mut answer);
            at = end;
        }
        self.unread.drain(..at);
        if !answer.is_empty() {
            // Whether the connection has ended, the next read shows.
            let _ = self.write(&answer).await;
        }
    }

    fn take_in(&mut self, kind: u8, flags: u8, stream: u32, payload: &[u8], answer: &mut Vec<u8>) {
        let ends = flags & END_STREAM != 0;
        match kind {
            DATA => {
                self.received += payload.len() as u32;
                if self.received > 1 << 24 {
                    answer.extend(frame(WINDOW_UPDATE, 0, 0, &self.received.to_be_bytes()));
                    self.received = 0;
                }
                let fate = self.fates.entry(stream).or_default();
                fate.whole |= ends;
                fate.body.extend_from_slice(payload);
            }
            HEADERS => {
                let fate = self.fates.entry(stream).or_default();
                fate.whole |= ends;
                let status = status(payload).filter(|status| !(100..200).contains(status));
                fate.status = fate.status.or(status);
            }
            RST_STREAM => self.fates.entry(stream).or_default().reset = Some(number(payload)),
            SETTINGS if flags & ACK == 0 => {
                self.settle(payload);
                answer.extend(frame(SETTINGS, ACK, 0, b""));
            }
            PING if flags & ACK == 0 => answer.extend(frame(PING, ACK, 0, payload)),
            GOAWAY => self.goaway = Some(payload.get(4..).map_or(0, number)),
            WINDOW_UPDATE if stream == 0 => self.window += i64::from(number(payload)),
            WINDOW_UPDATE => {
                let initial = self.initial;
                *self.windows.entry(stream).or_insert(initial) += i64::from(number(payload));
            }
            _ => {}
        }
    }

    fn settle(&mut self, payload: &[u8]) {
        for pair in payload.chunks_exact(6) {
            let (name, value) = (pair.first_chunk::<2>(), pair.get(2..).map_or(0, number));
            if name.is_some_and(|name| u16::from_be_bytes(*name) == INITIAL_WINDOW_SIZE) {
                let change = i64::from(value) - self.initial;
                self.initial += change;
                self.windows.values_mut().for_each(|window| *window += change);
            }
        }
    }

    pub(crate) const fn is_ended(&self) -> bool {
        self.is_closed || self.goaway.is_some()
    }

    /// Forgets a stream, and says what became of it.
    pub(crate) fn take(&mut self, stream: u32) -> Option<Fate> {
        self.windows.remove(&stream);
        self.fates.remove(&stream)
    }
}

/// The first four bytes as a number.
fn number(bytes: &[u8]) -> u32 {
    bytes.first_chunk::<4>().map_or(0, |four| u32::from_be_bytes(*four))
}

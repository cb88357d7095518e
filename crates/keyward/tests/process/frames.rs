//! HTTP/2 by hand (RFC 9113): frames that no client library would write, and as much reading as it takes to judge what
//! comes back.
//!
//! Fields are written as literals, so no table is needed (RFC 7541 §6.2.2), and the server is told to keep none either: of
//! its answers only `:status` is decoded.

use crate::support::{Server, connect};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

pub(crate) const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

pub(crate) const DATA: u8 = 0;
pub(crate) const HEADERS: u8 = 1;
pub(crate) const PRIORITY: u8 = 2;
pub(crate) const RST_STREAM: u8 = 3;
pub(crate) const SETTINGS: u8 = 4;
pub(crate) const PING: u8 = 6;
const GOAWAY: u8 = 7;
pub(crate) const WINDOW_UPDATE: u8 = 8;
pub(crate) const CONTINUATION: u8 = 9;

const ACK: u8 = 1;
pub(crate) const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;

const HEADER_TABLE_SIZE: u16 = 1;
pub(crate) const MAX_CONCURRENT_STREAMS: u16 = 3;
pub(crate) const INITIAL_WINDOW_SIZE: u16 = 4;

/// As much as a frame may hold (the initial SETTINGS_MAX_FRAME_SIZE).
const FRAME: usize = 16_384;
/// A write that the server does not take within this is held back.
const HELD_BACK: Duration = Duration::from_secs(5);

#[expect(clippy::disallowed_methods, reason = "a test measures its own patience")]
pub(crate) fn now() -> Instant {
    Instant::now()
}

pub(crate) fn secs(secs: u64) -> Duration {
    Duration::from_secs(secs)
}

/// One frame.
pub(crate) fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

/// A SETTINGS frame.
pub(crate) fn settings(values: &[(u16, u32)]) -> Vec<u8> {
    let payload: Vec<u8> = values
        .iter()
        .flat_map(|(name, value)| [&name.to_be_bytes()[..], &value.to_be_bytes()].concat())
        .collect();
    frame(SETTINGS, 0, 0, &payload)
}

/// HEADERS with this block, and as many CONTINUATIONs as it needs.
pub(crate) fn headers(stream: u32, end: u8, block: &[u8]) -> Vec<u8> {
    let parts: Vec<&[u8]> = block.chunks(FRAME).collect();
    let whole = |number: usize| if number + 1 == parts.len() { END_HEADERS } else { 0 };
    let frames = parts.iter().enumerate().map(|(number, part)| match number {
        0 => frame(HEADERS, end | whole(0), stream, part),
        _ => frame(CONTINUATION, whole(number), stream, part),
    });
    frames.flatten().collect()
}

/// A literal field: kept in no table (`0x00`), or put into the dynamic one (`0x40`).
pub(crate) fn field(how: u8, name: &str, value: &str) -> Vec<u8> {
    [&[how][..], &string(name), &string(value)].concat()
}

/// A block of literal fields that are kept in no table.
pub(crate) fn block(fields: &[(&str, &str)]) -> Vec<u8> {
    fields.iter().flat_map(|(name, value)| field(0, name, value)).collect()
}

/// A string without Huffman coding: its length in the lower seven bits, then in groups of seven, and its bytes.
fn string(text: &str) -> Vec<u8> {
    let mut length = vec![text.len().min(127) as u8];
    if let Some(mut more) = text.len().checked_sub(127) {
        while more >= 128 {
            length.push((more % 128) as u8 | 128);
            more /= 128;
        }
        length.push(more as u8);
    }
    [length.as_slice(), text.as_bytes()].concat()
}

/// The status that an answer's block begins with.
fn status(block: &[u8]) -> u16 {
    let mut bytes = block.iter().copied();
    let mut next = || bytes.next().unwrap();
    let mut first = next();
    // The size of the table, which the server changes to nothing.
    while first & 0xe0 == 0x20 {
        let mut more = first & 0x1f == 0x1f;
        while more {
            more = next() & 0x80 != 0;
        }
        first = next();
    }
    match first {
        0x88..=0x8e => [200, 204, 206, 304, 400, 404, 500][usize::from(first - 0x88)],
        // A literal whose name is one of the table's `:status`.
        0x08..=0x0e | 0x18..=0x1e | 0x48..=0x4e => {
            let length = next();
            let value: Vec<u8> = (0..length & 0x7f).map(|_| next()).collect();
            let digits = if length & 0x80 == 0 { String::from_utf8(value).unwrap() } else { digits(&value) };
            digits.parse().unwrap()
        }
        _ => panic!("no status at the beginning: {block:02x?}"),
    }
}

/// Digits by Huffman: five bits for 0 to 2, six for the others (RFC 7541, appendix B).
fn digits(coded: &[u8]) -> String {
    let bits: String = coded.iter().map(|byte| format!("{byte:08b}")).collect();
    let mut rest = bits.as_str();
    let mut found = String::new();
    while found.len() < 3 {
        let bits = if rest[..5] < *"00011" { 5 } else { 6 };
        let code = u32::from_str_radix(&rest[..bits], 2).unwrap();
        found.extend(char::from_digit(if bits == 5 { code } else { code - 0x16 }, 10));
        rest = &rest[bits..];
    }
    found
}

/// What has become of a stream.
#[derive(Default)]
pub(crate) struct Fate {
    pub(crate) status: Option<u16>,
    body: Vec<u8>,
    whole: bool,
    pub(crate) reset: Option<u32>,
}

impl fmt::Debug for Fate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { status, reset, .. } = self;
        write!(f, "status {status:?}, reset {reset:?}, body {}", String::from_utf8_lossy(&self.body))
    }
}

impl Fate {
    pub(crate) fn is_over(&self) -> bool {
        self.whole || self.reset.is_some()
    }

    /// Whether it was answered by a refusal, or reset.
    pub(crate) fn is_refused(&self) -> bool {
        self.status.map_or(self.reset.is_some(), |status| (400..500).contains(&status))
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}

/// A connection of HTTP/2. It acknowledges SETTINGS and PINGs and never opens a window.
#[derive(Debug)]
pub(crate) struct Wire {
    stream: TcpStream,
    unread: Vec<u8>,
    pub(crate) settings: BTreeMap<u16, u32>,
    pub(crate) fates: BTreeMap<u32, Fate>,
    /// The reason of a GOAWAY.
    pub(crate) goaway: Option<u32>,
    pub(crate) closed: bool,
}

impl Wire {
    /// Connects and writes the preface and these settings.
    pub(crate) fn open(address: SocketAddr, values: &[(u16, u32)]) -> Self {
        let stream = connect(address).unwrap();
        stream.set_write_timeout(Some(HELD_BACK)).unwrap();
        let mut wire = Self {
            stream,
            unread: Vec::new(),
            settings: BTreeMap::new(),
            fates: BTreeMap::new(),
            goaway: None,
            closed: false,
        };
        let values = [&[(HEADER_TABLE_SIZE, 0)][..], values].concat();
        wire.write(&[PREFACE, &settings(&values)].concat()).unwrap();
        wire
    }

    pub(crate) fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        let written = self.stream.write_all(bytes);
        self.closed |= written.as_ref().is_err_and(|error| !only_waits(error));
        written
    }

    /// Reads once, waiting so long at most, and takes in the frames that are whole.
    pub(crate) fn read(&mut self, patience: Duration) {
        self.stream.set_read_timeout(Some(patience.max(Duration::from_millis(1)))).unwrap();
        let mut bytes = vec![0; 4 * FRAME];
        match self.stream.read(&mut bytes) {
            Ok(0) => self.closed = true,
            Ok(read) => self.unread.extend_from_slice(&bytes[..read]),
            Err(error) => self.closed |= !only_waits(&error),
        }
        while let Some(&[a, b, c, kind, flags, ref stream @ ..]) = self.unread.first_chunk::<9>() {
            let stream = number(stream);
            let end = 9 + u32::from_be_bytes([0, a, b, c]) as usize;
            if self.unread.len() < end {
                break;
            }
            let payload: Vec<u8> = self.unread.drain(..end).skip(9).collect();
            self.take_in(kind, flags, stream, &payload);
        }
    }

    fn take_in(&mut self, kind: u8, flags: u8, stream: u32, payload: &[u8]) {
        match kind {
            DATA => {
                let fate = self.fates.entry(stream).or_default();
                fate.body.extend_from_slice(payload);
                fate.whole |= flags & END_STREAM != 0;
            }
            HEADERS => {
                assert!(flags & END_HEADERS != 0, "an answer's head that goes on");
                let fate = self.fates.entry(stream).or_default();
                fate.status.get_or_insert_with(|| status(payload));
                fate.whole |= flags & END_STREAM != 0;
            }
            RST_STREAM => self.fates.entry(stream).or_default().reset = Some(number(payload)),
            SETTINGS if flags & ACK == 0 => {
                let pairs = payload.chunks_exact(6);
                self.settings
                    .extend(pairs.map(|pair| (u16::from_be_bytes([pair[0], pair[1]]), number(&pair[2..]))));
                // If the connection has ended, reading will tell.
                let _ = self.write(&frame(SETTINGS, ACK, 0, b""));
            }
            PING if flags & ACK == 0 => {
                let _ = self.write(&frame(PING, ACK, 0, payload));
            }
            GOAWAY => self.goaway = Some(number(&payload[4..])),
            _ => {}
        }
    }

    /// Reads until it is so or the connection is closed, for so long at most; whether it is so.
    pub(crate) fn until(&mut self, patience: Duration, so: impl Fn(&Self) -> bool) -> bool {
        let started = now();
        while !so(self) && !self.closed {
            match patience.checked_sub(started.elapsed()) {
                Some(left) => self.read(left),
                None => return false,
            }
        }
        so(self)
    }

    /// Writes one burst after another, reading in between, until it is so; how many bursts that took, if they and the
    /// time were enough.
    pub(crate) fn flood(
        &mut self,
        within: Duration,
        bursts: u32,
        so: impl Fn(&Self) -> bool,
        burst: impl Fn(u32) -> Vec<u8>,
    ) -> Option<u32> {
        let started = now();
        for number in 0..bursts {
            if so(self) {
                return Some(number);
            }
            let left = within.checked_sub(started.elapsed())?;
            if self.write(&burst(number)).is_err() {
                return self.until(left, &so).then_some(number);
            }
            self.read(Duration::ZERO);
        }
        self.until(within.checked_sub(started.elapsed())?, &so).then_some(bursts)
    }

    /// Whether the server has ended the connection, in words or in deed.
    pub(crate) fn is_ended(&self) -> bool {
        self.goaway.is_some() || self.closed
    }

    /// Whether nothing more will come of a stream.
    pub(crate) fn is_over(&self, stream: u32) -> bool {
        self.is_ended() || self.fates.get(&stream).is_some_and(Fate::is_over)
    }

    /// Whether a stream was refused, or the whole connection was ended without an answer to it.
    pub(crate) fn is_refused(&self, stream: u32) -> bool {
        self.fates
            .get(&stream)
            .map_or(self.is_ended(), |fate| fate.is_refused() || (fate.status.is_none() && self.is_ended()))
    }
}

/// The first four bytes as a number.
fn number(bytes: &[u8]) -> u32 {
    u32::from_be_bytes(bytes[..4].try_into().unwrap())
}

/// Whether what failed only has to wait.
pub(crate) fn only_waits(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted)
}

type Fields<'f> = Vec<(&'f str, &'f str)>;

/// The fields of a request by this credential, without those named in `without` and with these besides.
pub(crate) fn fields<'f>(
    request: (&'f str, &'f str),
    bearer: &'f str,
    without: &[&str],
    further: &[(&'f str, &'f str)],
) -> Fields<'f> {
    let usual = [
        (":method", request.0),
        (":scheme", "http"),
        (":authority", "a"),
        (":path", request.1),
        ("authorization", bearer),
        ("x-origin-app", "http2"),
        ("content-type", "application/json"),
    ];
    let kept = usual.into_iter().filter(|(name, _)| !without.contains(name));
    let mut all: Fields<'f> = kept.chain(further.iter().copied()).collect();
    // Pseudo-fields stand first.
    all.sort_by_key(|(name, _)| !name.starts_with(':'));
    all
}

/// The block of a plain request.
pub(crate) fn request(method: &str, path: &str, bearer: &str) -> Vec<u8> {
    block(&fields((method, path), bearer, &[], &[]))
}

pub(crate) fn bearer(server: &Server) -> String {
    format!("Bearer {}", server.admin())
}

/// Sends one request on a connection of its own and waits for what becomes of it.
pub(crate) fn ask(server: &Server, block: &[u8], body: &[u8]) -> Wire {
    let mut wire = Wire::open(server.address, &[]);
    let end = if body.is_empty() { END_STREAM } else { 0 };
    let mut frames = headers(1, end, block);
    if !body.is_empty() {
        frames.extend(frame(DATA, END_STREAM, 1, body));
    }
    wire.write(&frames).unwrap();
    assert!(wire.until(secs(10), |wire| wire.is_over(1)), "nothing came of it: {wire:?}");
    wire
}

//! Connections on which something else than HTTP is spoken, such as TLS to a plain port. They are answered 400 and end at once,
//! with a line in the log: a client that waits for an answer to a handshake would wait as long as it has patience.

use super::stream::Peer;
use std::io::{self, ErrorKind};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, copy, sink};
use tokio::time::{Instant, timeout};

/// What is spoken instead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Foreign {
    /// A handshake of TLS, at a port without it.
    Tls,
    /// HTTP without TLS, at a port with it.
    PlainHttp,
    /// A header of the PROXY protocol, where none is expected.
    ProxyHeader,
    /// Anything else.
    Unknown,
}

/// Bytes of version 2 of the PROXY protocol (its §2.2).
const PROXY_2: &[u8] = b"\r\n\r\n\0\r\nQUIT\n";

impl Foreign {
    /// What the first bytes of a plain connection show; `None`: it can still be HTTP/1.
    pub(super) fn of(first: &[u8]) -> Option<Self> {
        if first.starts_with(b"PROXY ") || first.starts_with(PROXY_2) {
            return Some(Self::ProxyHeader);
        }
        // A record of a handshake, version 3 (RFC 8446 §5.1).
        if first.starts_with(b"\x16\x03") || first == b"\x16" {
            return Some(Self::Tls);
        }
        // A server ignores empty lines before a request (RFC 9112 §2.2). These bytes also begin what is above.
        let begins = first.iter().position(|byte| !matches!(byte, b'\r' | b'\n'))?;
        let (_, request) = first.split_at(begins);
        // Absent: never, a split has a first part.
        let line = request.split(|byte| *byte == b'\n').next().unwrap_or_default();
        let is_whole = line.len() < request.len();
        let is_http = if is_whole { has_version(line) } else { may_begin(line) };
        (!is_http).then_some(Self::Unknown)
    }

    /// What a handshake that failed shows.
    pub(super) fn of_handshake(error: &io::Error) -> Option<Self> {
        let cause = error.get_ref()?.downcast_ref::<rustls::Error>()?;
        let no_record = rustls::Error::InvalidMessage(rustls::InvalidMessage::InvalidContentType);
        (*cause == no_record).then_some(Self::PlainHttp)
    }

    const fn text(self) -> &'static str {
        match self {
            Self::Tls => {
                "a client spoke TLS to a port without it; give it http:// here, or set server.tls_cert and server.tls_key"
            }
            Self::PlainHttp => {
                "a client spoke plain HTTP, or something else, to a port with TLS; give it https:// here"
            }
            Self::ProxyHeader => {
                "a proxy sent a header of the PROXY protocol where none is expected; set server.proxy_protocol, or turn it off in the \
                 proxy"
            }
            Self::Unknown => "a client sent bytes that are no HTTP",
        }
    }
}

fn has_version(line: &[u8]) -> bool {
    line.windows(6).any(|six| six == b" HTTP/")
}

/// Whether a line that is not whole yet can begin a request: a method is a token (RFC 9110 §9.1).
fn may_begin(line: &[u8]) -> bool {
    let is_of_token = |byte: &u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(byte);
    // Absent: never, a split has a first part.
    let method = line.split(|byte| *byte == b' ').next().unwrap_or_default();
    !method.is_empty() && method.iter().all(is_of_token)
}

/// As an HTTP library answers what it cannot parse. A client of TLS reports it as a wrong version.
const ANSWER: &[u8] = b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";
/// Bytes that a client has sent meanwhile are read, since closing over them would take the answer away from it.
const UNREAD: u64 = 16 * 1024;
/// How long that may take.
const PATIENCE: Duration = Duration::from_millis(500);

/// Answers 400 and ends the connection; the error that it ended with.
pub(super) async fn turn_away<S: AsyncRead + AsyncWrite + Unpin>(mut stream: S) -> io::Error {
    let farewell = async {
        stream.write_all(ANSWER).await?;
        stream.shutdown().await?;
        copy(&mut stream.take(UNREAD), &mut sink()).await
    };
    // Absent: the client is gone, or stays silent; the connection ends either way.
    let _ = timeout(PATIENCE, farewell).await;
    io::Error::new(ErrorKind::InvalidData, "no HTTP was spoken")
}

/// Writes such connections into the log: of each kind one line a minute, since anybody can make any number of them.
#[derive(Clone, Debug, Default)]
pub(super) struct ForeignLog(Arc<Mutex<Vec<(Foreign, Noted)>>>);

#[derive(Clone, Copy, Debug)]
struct Noted {
    at: Instant,
    /// Connections since then.
    more: u64,
}

const SELDOM: Duration = Duration::from_secs(60);

impl ForeignLog {
    /// One more, from there.
    pub(super) fn note(&self, peer: Peer, foreign: Foreign) {
        if let Some(unlogged) = self.due(foreign, Instant::now()) {
            tracing::info!(address = %peer, unlogged, "{}", foreign.text());
        }
    }

    /// Whether it is to be logged: how many of its kind were not, since the last line.
    fn due(&self, foreign: Foreign, at: Instant) -> Option<u64> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let first = Noted { at, more: 0 };
        match all.iter_mut().find(|(kind, _)| *kind == foreign) {
            Some((_, last)) if at.duration_since(last.at) < SELDOM => {
                last.more += 1;
                None
            }
            Some((_, last)) => Some(std::mem::replace(last, first).more),
            None => {
                all.push((foreign, first));
                Some(0)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_http_shows_in_its_first_bytes() {
        for (first, foreign) in [
            (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03".as_slice(), Some(Foreign::Tls)),
            (b"\x16", Some(Foreign::Tls)),
            (b"PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n", Some(Foreign::ProxyHeader)),
            (b"\r\n\r\n\0\r\nQUIT\n\x21\x11", Some(Foreign::ProxyHeader)),
            (b"SSH-2.0-OpenSSH_9.2\r\n", Some(Foreign::Unknown)),
            (b"EHLO mail.example\r\n", Some(Foreign::Unknown)),
            (b"*1\r\n$4\r\nPING\r\n", Some(Foreign::Unknown)),
            (b"GET /\r\n\r\n", Some(Foreign::Unknown)),
            (b"\0\0\0\x08", Some(Foreign::Unknown)),
            (b"\x80GET / HTTP/1.1", Some(Foreign::Unknown)),
            (b" GET / HTTP/1.1", Some(Foreign::Unknown)),
            (b"{\"a\":1}\n", Some(Foreign::Unknown)),
            (b"", None),
            (b"\r\n", None),
            (b"G", None),
            (b"GET /a b", None),
            (b"GET / HTTP/1.1\r\n", None),
            (b"\r\nM-SEARCH * HTTP/1.1\nHost: a\n", None),
            (b"GET /\xff HTTP/1.1\r\n", None),
            (b"PRI * HTTP/2.0\r\n", None),
        ] {
            assert_eq!(Foreign::of(first), foreign, "{:?}", String::from_utf8_lossy(first));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_flood_of_them_is_one_line_a_minute() {
        let log = ForeignLog::default();
        let note = || log.note(Peer::Address([192, 0, 2, 1].into()), Foreign::Tls);
        let first = crate::telemetry::testing::lines(|| (0..1_000).for_each(|_| note()));
        assert_eq!(first.matches("spoke TLS to a port without it").count(), 1, "{first}");
        assert!(first.contains("192.0.2.1"), "{first}");
        tokio::time::advance(SELDOM).await;
        let second = crate::telemetry::testing::lines(note);
        assert!(second.contains("999"), "how many there were besides: {second}");
    }

    #[tokio::test]
    async fn it_is_answered_as_what_cannot_be_parsed() {
        let (mut client, server) = tokio::io::duplex(1024);
        client.write_all(b"\x16\x03\x01\x00\x05hello").await.unwrap();
        let turning = tokio::spawn(turn_away(server));
        let mut answer = Vec::new();
        client.read_to_end(&mut answer).await.unwrap();
        assert_eq!(answer, ANSWER);
        drop(client);
        assert_eq!(turning.await.unwrap().kind(), ErrorKind::InvalidData);
    }
}

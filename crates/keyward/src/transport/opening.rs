//! The beginning of a connection: the TLS handshake, and which version of HTTP the client speaks.

use super::foreign::Foreign;
use super::stream::Stream;
use rustls::ServerConfig;
use rustls::server::Acceptor;
use std::io::{self, ErrorKind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, ReadBuf};
use tokio_rustls::LazyConfigAcceptor;
use tokio_rustls::server::TlsStream;

/// What a client of HTTP/2 says first (RFC 9113 §3.4).
const PREFACE: &[u8; 24] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// The version of HTTP that a client speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Protocol {
    Http1,
    Http2,
}

/// Reads as far as it takes to know: on a plain connection the first bytes say it. These bytes come back with it.
///
/// It is ours because the usual way, to hand the connection to a reader that finds it out itself, waits without a deadline
/// for the rest of half a preface.
pub(super) async fn first_bytes<S: AsyncRead + Unpin>(stream: &mut S) -> io::Result<(Protocol, Vec<u8>)> {
    let mut first = Vec::with_capacity(PREFACE.len());
    loop {
        if stream.take((PREFACE.len() - first.len()) as u64).read_buf(&mut first).await? == 0 {
            return Err(ErrorKind::UnexpectedEof.into());
        }
        match PREFACE.strip_prefix(first.as_slice()) {
            Some([]) => return Ok((Protocol::Http2, first)),
            Some(_) => {}
            None => return Ok((Protocol::Http1, first)),
        }
    }
}

/// As much of a first head as is waited for before hyper gets it.
const HELD: usize = 2 * 1024;

/// Reads on to the end of the first head of HTTP/1.1, or so far that it will not be long. Until then the connection costs only
/// what was sent: hyper's buffers are 16 KiB, and a client that drips a head would have them for nothing.
pub(super) async fn first_head<S: AsyncRead + Unpin>(stream: &mut S, first: &mut Vec<u8>) -> io::Result<()> {
    first.reserve_exact(HELD);
    // The rest of what is no HTTP is not waited for.
    while first.len() < HELD
        && Foreign::of(first).is_none()
        && !first.windows(4).any(|four| four == b"\r\n\r\n")
    {
        // What ends without carriage returns is for hyper and the scan to judge.
        if first.windows(2).any(|two| two == b"\n\n") || stream.take(HELD as u64).read_buf(first).await? == 0
        {
            return Ok(());
        }
    }
    Ok(())
}

/// Shakes hands. The client chooses the version by ALPN (RFC 7301), and HTTP/1.1 by saying nothing.
pub(super) async fn handshake(
    stream: Stream,
    config: Arc<ServerConfig>,
) -> io::Result<(Protocol, TlsStream<Capped>)> {
    // Until a whole hello is there, only its bytes are kept, and no more of them than any client needs.
    let hello = LazyConfigAcceptor::new(Acceptor::default(), Capped { stream, left: HELLO }).await?;
    let mut stream = hello.into_stream(config).await?;
    stream.get_mut().0.left = u64::MAX;
    let protocol = match stream.get_ref().1.alpn_protocol() {
        Some(b"h2") => Protocol::Http2,
        _ => Protocol::Http1,
    };
    Ok((protocol, stream))
}

/// Bytes of a handshake. The largest that clients send, with keys for after quantum computers, is some 2 KiB.
const HELLO: u64 = 16 * 1024;

/// A connection of which so much is read and no more.
#[derive(Debug)]
pub(super) struct Capped {
    stream: Stream,
    left: u64,
}

impl AsyncRead for Capped {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = buf.filled().len();
        ready!(Pin::new(&mut this.stream).poll_read(cx, buf))?;
        let read = (buf.filled().len() - before) as u64;
        match this.left.checked_sub(read) {
            Some(left) => this.left = if this.left == u64::MAX { u64::MAX } else { left },
            None => return Poll::Ready(Err(ErrorKind::InvalidData.into())),
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Capped {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().stream).poll_write(cx, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().stream).poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn read(mut bytes: &[u8]) -> io::Result<(Protocol, Vec<u8>)> {
        first_bytes(&mut bytes).await
    }

    #[tokio::test]
    async fn the_whole_preface_is_http_2_and_the_first_other_byte_is_http_1() {
        let (protocol, first) = read(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\nmore").await.unwrap();
        assert_eq!((protocol, first.as_slice()), (Protocol::Http2, PREFACE.as_slice()));
        for other in [
            "GET / HTTP/1.1\r\n",
            "POST /",
            "PRI * HTTP/1.1\r\n",
            "\r\n\r\n",
            "PRI * HTTP/2.0\r\n\r\nSM\r\n\r-",
        ] {
            let (protocol, first) = read(other.as_bytes()).await.unwrap();
            assert_eq!(protocol, Protocol::Http1, "{other:?}");
            assert!(other.as_bytes().starts_with(&first), "no byte is lost: {other:?}");
        }
        for cut in 0..PREFACE.len() {
            assert!(read(&PREFACE[..cut]).await.is_err(), "{cut} bytes and the end");
        }
    }

    #[tokio::test]
    async fn a_first_head_is_held_until_it_is_whole_or_long() {
        for (sent, held) in [
            ("GET / HTTP/1.1\r\nHost: a\r\n\r\n", 27),
            ("GET / HTTP/1.1\r\nHost: a\r\n\r\nmore in the same packet", 50),
            ("GET / HTTP/1.1\nHost: a\n\n", 24),
            ("GET / HTTP/1.1\r\nX: ", 19),
        ] {
            let (mut stream, mut first) = (sent.as_bytes(), Vec::new());
            first_head(&mut stream, &mut first).await.unwrap();
            assert_eq!(first.len(), held, "{sent:?}");
        }
        let long = [b'a'; 10_000];
        let (mut stream, mut first) = (long.as_slice(), Vec::new());
        first_head(&mut stream, &mut first).await.unwrap();
        assert_eq!(first.len(), HELD);
    }
}

//! The beginning of a connection: the TLS handshake, and which version of HTTP the client speaks.

use rustls::ServerConfig;
use rustls::server::Acceptor;
use std::io::{self, ErrorKind};
use std::sync::Arc;
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::net::TcpStream;
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

/// Shakes hands. The client chooses the version by ALPN (RFC 7301), and HTTP/1.1 by saying nothing.
pub(super) async fn handshake(
    stream: TcpStream,
    config: Arc<ServerConfig>,
) -> io::Result<(Protocol, TlsStream<TcpStream>)> {
    // Until a whole hello is there, only its bytes are kept.
    let hello = LazyConfigAcceptor::new(Acceptor::default(), stream).await?;
    let stream = hello.into_stream(config).await?;
    let protocol = match stream.get_ref().1.alpn_protocol() {
        Some(b"h2") => Protocol::Http2,
        _ => Protocol::Http1,
    };
    Ok((protocol, stream))
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
}

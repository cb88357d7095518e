//! HTTP/1.1 from an address of one's choice, plain or over TLS, keeping its connection. Requests are bytes, so that they can be
//! as wrong as a test wants them.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpSocket;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::ClientConfig;
use tokio_rustls::rustls::pki_types::ServerName;

/// An answer that does not begin within this is none.
pub(crate) const PATIENCE: Duration = Duration::from_secs(40);

/// What bytes go over.
pub(crate) trait Duplex: AsyncRead + AsyncWrite + Unpin + Send {}

impl<T: AsyncRead + AsyncWrite + Unpin + Send> Duplex for T {}

pub(crate) type Line = Box<dyn Duplex>;

/// The way to a server.
#[derive(Clone)]
pub(crate) struct Way {
    pub(crate) to: SocketAddr,
    tls: Option<Arc<ClientConfig>>,
}

impl Way {
    pub(crate) const fn new(to: SocketAddr, tls: Option<Arc<ClientConfig>>) -> Self {
        Self { to, tls }
    }

    /// A connection from this address, without TLS whatever the server speaks.
    pub(crate) async fn plain(&self, from: Ipv4Addr) -> io::Result<tokio::net::TcpStream> {
        let connecting = async {
            let socket = TcpSocket::new_v4()?;
            socket.bind(SocketAddr::from((from, 0)))?;
            socket.connect(self.to).await
        };
        let stream = timeout(PATIENCE, connecting).await.map_err(io::Error::from)??;
        stream.set_nodelay(true)?;
        Ok(stream)
    }

    /// A connection from this address, as the server speaks.
    pub(crate) async fn open(&self, from: Ipv4Addr) -> io::Result<Line> {
        let stream = self.plain(from).await?;
        let Some(config) = &self.tls else { return Ok(Box::new(stream)) };
        let name = ServerName::IpAddress(self.to.ip().into());
        let shaking = TlsConnector::from(Arc::clone(config)).connect(name, stream);
        Ok(Box::new(timeout(PATIENCE, shaking).await.map_err(io::Error::from)??))
    }
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn all<'a>(&'a self, name: &'static str) -> impl Iterator<Item = &'a str> {
        let fields = self.head.lines().skip(1).filter_map(|line| line.split_once(':'));
        fields.filter(move |(own, _)| own.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim())
    }

    pub(crate) fn header(&self, name: &'static str) -> Option<&str> {
        self.all(name).next()
    }

    pub(crate) fn closes(&self) -> bool {
        self.header("connection").is_some_and(|value| value.eq_ignore_ascii_case("close"))
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

/// Why no answer came.
#[derive(Debug)]
pub(crate) enum Cut {
    /// There was no connection.
    Unreachable(io::Error),
    /// The connection ended before the answer was whole; how many bytes of it there were.
    Closed(usize),
    /// Nothing came for [`PATIENCE`].
    Silent,
}

/// A client on one connection at a time.
pub(crate) struct Client {
    way: Way,
    pub(crate) from: Ipv4Addr,
    line: Option<Line>,
    unread: Vec<u8>,
}

impl Client {
    pub(crate) const fn new(way: Way, from: Ipv4Addr) -> Self {
        Self { way, from, line: None, unread: Vec::new() }
    }

    /// Goes on from another address.
    pub(crate) fn move_to(&mut self, from: Ipv4Addr) {
        self.from = from;
        self.hang_up();
    }

    pub(crate) fn hang_up(&mut self) {
        self.line = None;
        self.unread.clear();
    }

    /// Writes a request and reads its whole answer.
    pub(crate) async fn ask(&mut self, request: &[u8]) -> Result<Answer, Cut> {
        let mut line = match self.line.take() {
            Some(line) => line,
            None => {
                self.unread.clear();
                self.way.open(self.from).await.map_err(Cut::Unreachable)?
            }
        };
        let bodiless = request.starts_with(b"HEAD ");
        match timeout(PATIENCE, exchange(&mut line, &mut self.unread, request, bodiless)).await {
            Ok(Ok(answer)) => {
                if !answer.closes() {
                    self.line = Some(line);
                }
                Ok(answer)
            }
            Ok(Err(got)) => Err(Cut::Closed(got)),
            Err(_) => Err(Cut::Silent),
        }
    }
}

/// The answer, or how many bytes of it came before the connection ended.
async fn exchange(
    line: &mut Line,
    unread: &mut Vec<u8>,
    request: &[u8],
    bodiless: bool,
) -> Result<Answer, usize> {
    let (mut reading, mut writing) = tokio::io::split(line);
    let mut sent = false;
    let write = async {
        // A server that has refused need not take the rest: its answer is read all the same.
        let _ = writing.write_all(request).await;
        let _ = writing.flush().await;
    };
    tokio::pin!(write);
    loop {
        if let Some((answer, length)) = whole(unread, bodiless) {
            unread.drain(..length);
            if !(100..200).contains(&answer.status) {
                return Ok(answer);
            }
            continue;
        }
        tokio::select! {
            () = &mut write, if !sent => sent = true,
            read = reading.read_buf(unread) => match read {
                Ok(0) | Err(_) => return ended(unread, bodiless).ok_or(unread.len()),
                Ok(_) => {}
            }
        }
    }
}

/// An answer without a length is whole when the connection ends.
fn ended(unread: &[u8], bodiless: bool) -> Option<Answer> {
    let (answer, start) = head(unread)?;
    let is_open =
        !bodiless && !answer.head.to_ascii_lowercase().contains("content-length:") && !is_chunked(&answer);
    is_open.then(|| Answer { body: unread.get(start..).unwrap_or_default().to_vec(), ..answer })
}

fn head(unread: &[u8]) -> Option<(Answer, usize)> {
    let end = unread.windows(4).position(|window| window == b"\r\n\r\n")?;
    let head = String::from_utf8_lossy(unread.get(..end)?).into_owned();
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0);
    Some((Answer { status, head, body: Vec::new() }, end + 4))
}

fn is_chunked(answer: &Answer) -> bool {
    answer.header("transfer-encoding").is_some_and(|value| value.eq_ignore_ascii_case("chunked"))
}

/// The first answer in these bytes, and how many it takes; `None` while it is not whole.
fn whole(unread: &[u8], bodiless: bool) -> Option<(Answer, usize)> {
    let (mut answer, start) = head(unread)?;
    let rest = unread.get(start..)?;
    if bodiless || matches!(answer.status, 100..200 | 204 | 304) {
        return Some((answer, start));
    }
    if is_chunked(&answer) {
        let (body, length) = chunks(rest)?;
        answer.body = body;
        return Some((answer, start + length));
    }
    let length: usize = answer.header("content-length")?.parse().ok()?;
    answer.body = rest.get(..length)?.to_vec();
    Some((answer, start + length))
}

/// A chunked body, and how many bytes it takes.
fn chunks(bytes: &[u8]) -> Option<(Vec<u8>, usize)> {
    let (mut body, mut at) = (Vec::new(), 0);
    loop {
        let rest = bytes.get(at..)?;
        let line = rest.windows(2).position(|window| window == b"\r\n")?;
        let size = std::str::from_utf8(rest.get(..line)?).ok()?;
        let size = usize::from_str_radix(size.split(';').next()?.trim(), 16).ok()?;
        let (from, to) = (line + 2, line + 2 + size);
        if size == 0 {
            let end = rest.get(line..)?.windows(4).position(|window| window == b"\r\n\r\n")?;
            return Some((body, at + line + end + 4));
        }
        body.extend_from_slice(rest.get(from..to)?);
        at += to + 2;
    }
}

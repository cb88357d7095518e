//! What connections come in by: any number of addresses and Unix sockets, as one.

use super::stream::{Peer, Stream};
use keyward_core::address::canonical;
use std::future::poll_fn;
use std::io;
use std::iter::from_fn;
use std::task::{Context, Poll};
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};

/// Connections that are taken in at the end, at most: as many as may wait.
const MOST: usize = 4096;

/// One of them.
#[derive(Debug)]
pub enum Listener {
    /// An address.
    Tcp(TcpListener),
    /// A Unix socket.
    Unix(UnixListener),
}

impl Listener {
    fn poll_accept(&self, cx: &mut Context<'_>) -> Poll<io::Result<(Stream, Peer)>> {
        match self {
            Self::Tcp(listener) => listener
                .poll_accept(cx)
                .map_ok(|(stream, peer)| (Stream::Tcp(stream), Peer::Address(canonical(peer.ip())))),
            Self::Unix(listener) => {
                listener.poll_accept(cx).map_ok(|(stream, _)| (Stream::Unix(stream), Peer::Process))
            }
        }
    }

    fn close(self) -> io::Result<Vec<(Stream, Peer)>> {
        match self {
            Self::Tcp(listener) => {
                let listener = listener.into_std()?;
                let waiting = waiting(|| listener.accept());
                drop(listener);
                let taken_in = waiting.into_iter().filter_map(|(stream, peer)| {
                    // Absent: that connection has failed, and is closed.
                    stream.set_nonblocking(true).ok()?;
                    let peer = Peer::Address(canonical(peer.ip()));
                    // Absent: the same.
                    Some((Stream::Tcp(TcpStream::from_std(stream).ok()?), peer))
                });
                Ok(taken_in.collect())
            }
            Self::Unix(listener) => {
                let listener = listener.into_std()?;
                let waiting = waiting(|| listener.accept());
                drop(listener);
                let taken_in = waiting.into_iter().filter_map(|(stream, _)| {
                    // Absent: that connection has failed, and is closed.
                    stream.set_nonblocking(true).ok()?;
                    // Absent: the same.
                    Some((Stream::Unix(UnixStream::from_std(stream).ok()?), Peer::Process))
                });
                Ok(taken_in.collect())
            }
        }
    }
}

/// What the system has opened and not given out yet. A client that left meanwhile does not take the others with it.
fn waiting<C>(mut accept: impl FnMut() -> io::Result<C>) -> Vec<C> {
    let tried = from_fn(|| match accept() {
        Ok(connection) => Some(Some(connection)),
        Err(error)
            if matches!(error.kind(), io::ErrorKind::ConnectionAborted | io::ErrorKind::Interrupted) =>
        {
            Some(None)
        }
        // Absent: none is left, or none can be taken.
        Err(_) => None,
    });
    tried.take(MOST).flatten().collect()
}

/// All of them. Each is asked first in its turn, so that none is held up by a flood at another.
#[derive(Debug)]
pub struct Listeners(Vec<Listener>);

impl From<Vec<Listener>> for Listeners {
    fn from(all: Vec<Listener>) -> Self {
        Self(all)
    }
}

impl From<TcpListener> for Listeners {
    fn from(one: TcpListener) -> Self {
        Self(vec![Listener::Tcp(one)])
    }
}

impl Listeners {
    /// The next connection at any of them.
    pub(super) async fn accept(&mut self) -> io::Result<(Stream, Peer)> {
        poll_fn(|cx| self.poll_accept(cx)).await
    }

    /// Ends listening. The connections that the system has opened by then are taken in: otherwise it resets them, with the requests that
    /// were sent on them.
    pub(super) fn close(self) -> Vec<(Stream, Peer)> {
        // Absent: the system gives none of them out, and they are reset.
        self.0.into_iter().flat_map(|listener| listener.close().unwrap_or_default()).collect()
    }

    fn poll_accept(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<(Stream, Peer)>> {
        let ready = self.0.iter().enumerate().find_map(|(index, listener)| match listener.poll_accept(cx) {
            Poll::Ready(accepted) => Some((index, accepted)),
            // Absent: nobody connects there now.
            Poll::Pending => None,
        });
        match ready {
            Some((index, accepted)) => {
                let next = (index + 1) % self.0.len();
                self.0.rotate_left(next);
                Poll::Ready(accepted)
            }
            None => Poll::Pending,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_that_left_while_it_waited_does_not_take_the_others_with_it() {
        use io::ErrorKind::{ConnectionAborted, Interrupted, WouldBlock};
        let mut queue =
            [Ok(1), Err(ConnectionAborted), Ok(2), Err(Interrupted), Ok(3), Err(WouldBlock), Ok(4)]
                .into_iter();
        assert_eq!(waiting(|| queue.next().unwrap().map_err(io::Error::from)), [1, 2, 3]);
    }

    #[tokio::test]
    async fn connections_come_in_by_all_of_them_and_each_has_its_turn() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("k.sock");
        let (tcp, unix) =
            (TcpListener::bind("127.0.0.1:0").await.unwrap(), UnixListener::bind(&path).unwrap());
        let address = tcp.local_addr().unwrap();
        let mut all = Listeners::from(vec![Listener::Tcp(tcp), Listener::Unix(unix)]);
        let mut held = Vec::new();
        for _ in 0..3 {
            held.push(TcpStream::connect(address).await.unwrap());
        }
        let _process = UnixStream::connect(&path).await.unwrap();
        let (_, first) = all.accept().await.unwrap();
        let (_, second) = all.accept().await.unwrap();
        assert_eq!((first, second), (Peer::Address([127, 0, 0, 1].into()), Peer::Process));
        let (_, third) = all.accept().await.unwrap();
        assert_eq!(third, first);
    }

    #[tokio::test]
    async fn what_waits_at_the_end_is_taken_in_and_nothing_after_it() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("k.sock");
        let (tcp, unix) =
            (TcpListener::bind("127.0.0.1:0").await.unwrap(), UnixListener::bind(&path).unwrap());
        let address = tcp.local_addr().unwrap();
        // As std opens them: no reactor has seen them yet.
        let clients = (0..3).map(|_| std::net::TcpStream::connect(address).unwrap());
        let clients: Vec<_> = clients.collect();
        let _process = std::os::unix::net::UnixStream::connect(&path).unwrap();
        let taken_in = Listeners::from(vec![Listener::Tcp(tcp), Listener::Unix(unix)]).close();
        assert_eq!(taken_in.len(), clients.len() + 1);
        assert!(TcpStream::connect(address).await.is_err() && UnixStream::connect(&path).await.is_err());
    }
}

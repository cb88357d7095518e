//! What connections come in by: any number of addresses and Unix sockets, as one.

use super::stream::{Peer, Stream};
use keyward_core::address::canonical;
use std::future::poll_fn;
use std::io;
use std::task::{Context, Poll};
use tokio::net::{TcpListener, UnixListener};

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
    use tokio::net::{TcpStream, UnixStream};

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
}

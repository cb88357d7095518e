//! The server's side of the socket's place. Where no socket can be made there, the server works without orders, says so, and tries
//! again now and then: a full disk gets room, a directory is mounted.

use super::SocketPlace;
use super::desk::Desk;
use super::socket;
use crate::watch::{Degraded, Part};
use keyward_sqlite::Sqlite;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::UnixListener;
use tokio::sync::OnceCell;
use tokio::time::sleep;

/// Between two tries.
const PAUSE: Duration = Duration::from_secs(30);

/// The socket of a server, taken or not.
#[derive(Debug)]
pub(crate) struct OrdersSocket {
    place: SocketPlace,
    listener: OnceCell<UnixListener>,
    degraded: Degraded,
}

impl OrdersSocket {
    /// Takes the socket, or says why orders cannot be taken.
    pub(crate) fn take(place: SocketPlace, degraded: &Degraded) -> Self {
        let own = Self { place, listener: OnceCell::new(), degraded: degraded.clone() };
        let listener = OnceCell::new_with(own.bind());
        Self { listener, ..own }
    }

    /// The socket, if it was taken.
    pub(crate) fn path(&self) -> Option<PathBuf> {
        self.listener.get().map(|_| self.place.path().to_owned())
    }

    /// Carries out the orders that come.
    pub(crate) async fn serve(&self, desk: Arc<Desk>, file: Arc<Sqlite>) {
        let listener = self.listener.get_or_init(|| self.bound(&file)).await;
        socket::serve(listener, desk, file).await;
    }

    /// Tries until it is taken.
    async fn bound(&self, file: &Sqlite) -> UnixListener {
        loop {
            sleep(PAUSE).await;
            if let Some(listener) = self.bind() {
                file.watch_socket(self.place.path());
                return listener;
            }
        }
    }

    fn bind(&self) -> Option<UnixListener> {
        match self.place.bind() {
            Ok(listener) => {
                if self.degraded.works(Part::OrdersSocket) {
                    tracing::info!(socket = %self.place.path().display(), "orders are taken");
                }
                Some(listener)
            }
            Err(error) => {
                if self.degraded.fails(Part::OrdersSocket) {
                    self.say(&error);
                }
                None
            }
        }
    }

    fn say(&self, error: &io::Error) {
        tracing::warn!(
            socket = %self.place.path().display(),
            %error,
            "orders cannot be taken: no socket can be made, so keyward key, user and the other commands are refused while this server \
             runs; server.orders_socket names another place"
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    #[tokio::test]
    async fn where_no_socket_can_be_made_the_server_is_without_and_shows_it() {
        let home = tempfile::tempdir().unwrap();
        let degraded = Degraded::default();
        let missing = home.path().join("none/orders.sock");
        let listening = OrdersSocket::take(SocketPlace::of(Path::new("a.db"), Some(&missing)), &degraded);
        assert_eq!(listening.path(), None);
        assert!(!degraded.fails(Part::OrdersSocket), "it is shown");
        std::fs::create_dir(home.path().join("none")).unwrap();
        assert!(listening.bind().is_some());
        assert!(!degraded.works(Part::OrdersSocket), "it is shown no more");
    }
}

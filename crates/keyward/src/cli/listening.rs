//! Taking what `[server]` says to listen on, before anything is made that would be in vain without it.

use super::CliError;
use super::unix_socket::{SocketFile, bind_socket};
use crate::config::{Listen, Server, Sockets};
use crate::transport::{Listener, Listeners};
use rustix::net::sockopt::set_ipv6_v6only;
use std::io::{self, ErrorKind};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, ToSocketAddrs};
use tokio::net::{TcpListener, TcpSocket};

/// Connections that may wait to be accepted. The usual 128 makes honest clients wait a second when many come at once.
pub(super) const BACKLOG: u32 = 4096;

/// What is listened on, taken.
#[derive(Debug)]
pub(super) struct Bound {
    pub(super) clients: At,
    pub(super) admin: At,
}

/// The listeners of one setting.
#[derive(Debug, Default)]
pub(super) struct At {
    all: Vec<Listener>,
    addresses: Vec<SocketAddr>,
    sockets: Vec<SocketFile>,
}

/// Takes all of it.
pub(super) fn listen(server: &Server) -> Result<Bound, CliError> {
    Ok(Bound {
        clients: take(&server.listen, &server.sockets)?,
        admin: take(&server.admin_listen, &server.sockets)?,
    })
}

impl Bound {
    /// The first address of clients; `None`: they come by Unix sockets alone.
    pub(super) fn first(&self) -> Option<SocketAddr> {
        self.clients.addresses.first().copied()
    }

    /// Whether clients come from this machine alone, and not through a proxy at a socket.
    pub(super) fn is_of_this_machine(&self) -> bool {
        self.clients.sockets.is_empty()
            && self.clients.addresses.iter().all(|address| address.ip().is_loopback())
    }

    /// The addresses that no other process can take meanwhile.
    pub(super) fn tcp(&self) -> Vec<SocketAddr> {
        self.clients.addresses.iter().chain(&self.admin.addresses).copied().collect()
    }
}

impl At {
    /// What is listened on, for people; `None`: nothing.
    pub(super) fn shown(&self) -> Option<String> {
        let addresses = self.addresses.iter().map(ToString::to_string);
        let all: Vec<String> = addresses.chain(self.sockets.iter().map(ToString::to_string)).collect();
        (!all.is_empty()).then(|| all.join(", "))
    }

    /// Whether nothing is listened on.
    pub(super) fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// The listeners, and the sockets' files, which go when they are dropped.
    pub(super) fn into_listeners(self) -> (Listeners, Vec<SocketFile>) {
        (self.all.into(), self.sockets)
    }
}

fn take(all: &[Listen], sockets: &Sockets) -> Result<At, CliError> {
    let mut at = At::default();
    for one in all {
        if let Listen::Socket(path) = one {
            let (listener, file) = bind_socket(path, sockets)?;
            at.all.push(Listener::Unix(listener));
            at.sockets.push(file);
            continue;
        }
        for socket in of_any(one, all, TcpSocketOf::bound)? {
            let listener = socket.listen()?;
            at.addresses.push(listener.local_addr()?);
            at.all.push(Listener::Tcp(listener));
        }
    }
    Ok(at)
}

/// What could not be taken, and why. Nothing connects meanwhile: it is not listened on. At sockets it is not looked.
pub(super) fn untakable(all: &[Listen]) -> Vec<CliError> {
    all.iter().filter_map(|one| of_any(one, all, TcpSocketOf::bound).err()).collect()
}

/// Does it with each address. Of a name, those that this machine does not have are left out, unless it has none of them.
fn of_any<T>(
    one: &Listen,
    all: &[Listen],
    take: fn(SocketAddr, bool) -> Result<T, CliError>,
) -> Result<Vec<T>, CliError> {
    let (mut taken, mut absent) = (Vec::new(), None);
    for address in addresses(one)? {
        match take(address, leaves_ipv4(address, all)) {
            Ok(one) => taken.push(one),
            Err(error) if matches!(one, Listen::Host(..)) && is_absent(&error) => {
                absent = Some((address, error))
            }
            Err(error) => return Err(error),
        }
    }
    match absent {
        Some((_, error)) if taken.is_empty() => Err(error),
        Some((address, _)) => {
            tracing::info!(%address, "this machine does not have an address of a name that is listened on");
            Ok(taken)
        }
        None => Ok(taken),
    }
}

/// The addresses that it stands for. `localhost` is this machine whatever its resolver says (RFC 6761 §6.3).
fn addresses(one: &Listen) -> Result<Vec<SocketAddr>, CliError> {
    match one {
        Listen::Address(address) => Ok(vec![*address]),
        Listen::Host(host, port) if host == "localhost" => {
            let both = [IpAddr::from(Ipv4Addr::LOCALHOST), Ipv6Addr::LOCALHOST.into()];
            // With port 0 the system would choose two.
            let of_one = if *port == 0 { 1 } else { 2 };
            Ok(both.into_iter().take(of_one).map(|address| (address, *port).into()).collect())
        }
        Listen::Host(host, port) => {
            let found = (host.as_str(), *port).to_socket_addrs().map_err(failed(one))?;
            let mut found: Vec<SocketAddr> = found.collect();
            found.sort_unstable();
            found.dedup();
            Ok(found)
        }
        Listen::Socket(_) => Ok(Vec::new()),
    }
}

/// Whether an address for both families is for IPv6 alone, since an IPv4 address with its port is named beside it.
fn leaves_ipv4(address: SocketAddr, all: &[Listen]) -> bool {
    all.iter().filter_map(Listen::address).any(|other| other.is_ipv4() && other.port() == address.port())
}

/// An address that is taken, and not yet listened on.
struct TcpSocketOf(TcpSocket, SocketAddr);

impl TcpSocketOf {
    fn bound(address: SocketAddr, leaves_ipv4: bool) -> Result<Self, CliError> {
        let socket = bound(address, leaves_ipv4).map_err(failed(&Listen::Address(address)))?;
        Ok(Self(socket, address))
    }

    fn listen(self) -> Result<TcpListener, CliError> {
        self.0.listen(BACKLOG).map_err(failed(&Listen::Address(self.1)))
    }
}

fn bound(address: SocketAddr, leaves_ipv4: bool) -> io::Result<TcpSocket> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    // So that a restart need not wait for the connections of the server before.
    socket.set_reuseaddr(true)?;
    if address.is_ipv6() && address.ip().is_unspecified() {
        // Else a setting of the system says whether it is for IPv4 too.
        set_ipv6_v6only(&socket, leaves_ipv4)?;
    }
    socket.bind(address)?;
    Ok(socket)
}

fn failed(at: &Listen) -> impl FnOnce(io::Error) -> CliError + use<> {
    let at = at.clone();
    move |source| CliError::Listen { at, source }
}

/// Whether the machine does not have the address, or its family.
fn is_absent(error: &CliError) -> bool {
    let CliError::Listen { source, .. } = error else { return false };
    source.kind() == ErrorKind::AddrNotAvailable
        || source.raw_os_error() == Some(rustix::io::Errno::AFNOSUPPORT.raw_os_error())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    fn read(texts: &[&str]) -> Vec<Listen> {
        texts.iter().map(|text| Listen::parse(text, Path::new("")).unwrap()).collect()
    }

    fn take_all(texts: &[&str]) -> Result<At, CliError> {
        take(&read(texts), &Sockets::default())
    }

    #[tokio::test]
    async fn several_addresses_a_name_and_a_socket_are_taken_at_once() {
        let home = tempfile::tempdir().unwrap();
        let socket = format!("unix:{}", home.path().join("k.sock").display());
        let at = take_all(&["127.0.0.1:0", "127.0.0.2:0", "localhost:0", &socket]).unwrap();
        let addresses: Vec<String> = at.addresses.iter().map(|address| address.ip().to_string()).collect();
        assert_eq!(addresses, ["127.0.0.1", "127.0.0.2", "127.0.0.1"]);
        assert!(at.shown().unwrap().ends_with(&format!(", {socket}")), "{:?}", at.shown());
        let sockets = at.into_listeners().1;
        assert!(home.path().join("k.sock").exists());
        drop(sockets);
        assert!(!home.path().join("k.sock").exists());
    }

    #[test]
    fn every_family_is_for_both_unless_ipv4_is_named_beside_it() {
        let every: SocketAddr = "[::]:8080".parse().unwrap();
        for (beside, leaves) in [
            (&["[::]:8080"][..], false),
            (&["[::]:8080", "0.0.0.0:8080"], true),
            (&["[::]:8080", "127.0.0.1:8080"], true),
            (&["[::]:8080", "127.0.0.1:8081"], false),
            (&["[::]:8080", "[::1]:8080"], false),
        ] {
            assert_eq!(leaves_ipv4(every, &read(beside)), leaves, "{beside:?}");
        }
    }

    #[tokio::test]
    async fn every_family_is_served_whatever_the_system_says_of_ipv6() {
        let socket = bound("[::]:0".parse().unwrap(), false).expect("the tests need IPv6");
        let port = socket.listen(1).unwrap().local_addr().unwrap().port();
        let six_alone = rustix::net::sockopt::ipv6_v6only(bound("[::]:0".parse().unwrap(), true).unwrap());
        assert_eq!((port > 0, six_alone), (true, Ok(true)));
        let both = rustix::net::sockopt::ipv6_v6only(bound("[::]:0".parse().unwrap(), false).unwrap());
        assert_eq!(both, Ok(false));
    }

    #[tokio::test]
    async fn what_is_taken_is_refused_by_its_name() {
        let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = taken.local_addr().unwrap().to_string();
        let text = take_all(&[&address]).unwrap_err().to_string();
        assert!(text.starts_with(&format!("cannot listen on {address}: ")), "{text}");
        // Longer than a label can be: no name server is asked.
        let nowhere = format!("{}.invalid:8080", "x".repeat(64));
        let text = take_all(&[&nowhere]).unwrap_err().to_string();
        assert!(text.starts_with(&format!("cannot listen on {nowhere}: ")), "{text}");
    }
}

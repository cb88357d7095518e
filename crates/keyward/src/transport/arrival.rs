//! Where a connection comes from.

use super::connection::Serving;
use super::connection::is_proxy;
use super::pool::Place;
use super::proxy_protocol;
use super::stream::{Peer, Stream};
use keyward_tower::ClientAddress;
use std::io;

/// Where a connection comes from: its other end, or what a trusted proxy has written in front of it.
pub(super) struct Arrival {
    pub(super) from: ClientAddress,
    /// Whether that is a trusted proxy, whose word on the client's address is believed.
    pub(super) is_proxy: bool,
    /// Whether it came by a Unix socket, and nobody has written an address in front of it.
    pub(super) by_socket: bool,
    /// Among the connections of that address, where a proxy has written it.
    pub(super) place: Option<Place>,
}

/// Finds it out.
pub(super) async fn arrive(stream: &mut Stream, peer: Peer, serving: &Serving) -> io::Result<Arrival> {
    let now = serving.current.get();
    let (from, is_proxy) = is_proxy(peer, &now);
    if !is_proxy || !now.proxy_protocol {
        return Ok(Arrival { from, is_proxy, by_socket: peer == Peer::Process, place: None });
    }
    let from = proxy_protocol::read(stream).await?;
    let is_proxy = from.is_in(&now.proxies);
    let place = serving.ceiling.enter_behind(from, is_proxy);
    let place = place.ok_or_else(|| io::Error::other("too many connections of one client of a proxy"))?;
    Ok(Arrival { from, is_proxy, by_socket: false, place: Some(place) })
}

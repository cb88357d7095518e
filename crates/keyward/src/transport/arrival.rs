//! Where a connection comes from.

use super::connection::Serving;
use super::pool::Place;
use super::proxy_protocol;
use keyward_tower::ClientAddress;
use std::io;
use std::net::IpAddr;
use tokio::net::TcpStream;

/// Where a connection comes from: its other end, or what a trusted proxy has written in front of it.
pub(super) struct Arrival {
    pub(super) from: ClientAddress,
    /// Whether that is a trusted proxy, whose word on the client's address is believed.
    pub(super) is_proxy: bool,
    /// Among the connections of that address, where a proxy has written it.
    pub(super) place: Option<Place>,
}

/// Finds it out.
pub(super) async fn arrive(stream: &mut TcpStream, peer: IpAddr, serving: &Serving) -> io::Result<Arrival> {
    let now = serving.current.get();
    let from = ClientAddress::of(peer);
    let is_proxy = from.is_in(&now.proxies);
    if !is_proxy || !now.proxy_protocol {
        return Ok(Arrival { from, is_proxy, place: None });
    }
    let from = proxy_protocol::read(stream).await?;
    let is_proxy = from.is_in(&now.proxies);
    let place = serving.ceiling.enter_behind(from, is_proxy);
    let place = place.ok_or_else(|| io::Error::other("too many connections of one client of a proxy"))?;
    Ok(Arrival { from, is_proxy, place: Some(place) })
}

//! Where the names of strangers lead: the connection goes to an address that was checked, and to no other.

use crate::dns::Dns;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

/// The one port of documents.
const PORT: u16 = 443;

/// Where names lead, and which addresses may be asked. The program resolves as the machine is configured and asks the public
/// internet alone.
pub trait Names: Send + Sync + fmt::Debug {
    /// The addresses of a name, with the port that is asked there.
    fn resolve(&self, name: String) -> keyward_core::BoxFuture<'static, std::io::Result<Vec<SocketAddr>>>;
    /// Whether an address may be asked.
    fn may_ask(&self, address: IpAddr) -> bool;
}

/// As the machine is configured, and the public internet alone.
#[derive(Clone, Debug, Default)]
pub struct PublicNames(Dns);

impl Names for PublicNames {
    fn resolve(&self, name: String) -> keyward_core::BoxFuture<'static, std::io::Result<Vec<SocketAddr>>> {
        let dns = self.0.clone();
        Box::pin(async move {
            // A public name is whole: no search domain is put behind it.
            let found = dns.resolve(&format!("{name}.")).await?;
            Ok(found.into_iter().map(|address| (address, PORT).into()).collect())
        })
    }

    fn may_ask(&self, address: IpAddr) -> bool {
        is_public(address)
    }
}

/// Whether an address is of the public internet (the registries of RFC 6890).
#[must_use]
pub fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => {
            if let Some(inner) = v4_within(address) {
                return is_public_v4(inner);
            }
            let [first, second, ..] = address.segments();
            // 2000::/3 is what is given out; of it, 2001::/23 and 2001:db8::/32 are for protocols and books, 3fff::/20 too.
            first & 0xE000 == 0x2000
                && !(first == 0x2001 && second < 0x0200)
                && !(first == 0x2001 && second == 0x0DB8)
                && !(first == 0x3FFF && second < 0x1000)
        }
    }
}

/// The address within an address: mapped, compatible, translated (NAT64), 6to4.
fn v4_within(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let segments = address.segments();
    let of = |high: u16, low: u16| {
        let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
        Some(Ipv4Addr::new(a, b, c, d))
    };
    match segments {
        [0, 0, 0, 0, 0, 0xFFFF | 0, high, low] | [0, 0, 0, 0, 0xFFFF, 0, high, low] => of(high, low),
        // Not 64:ff9b:1::/48, in which the address stands elsewhere and which is nobody's but its network's (RFC 8215).
        [0x64, 0xFF9B, 0, 0, 0, 0, high, low] => of(high, low),
        [0x2002, high, low, ..] => of(high, low),
        // Absent: the address itself is judged.
        _ => None,
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    let special = address.is_private()
        || address.is_loopback()
        || address.is_link_local()
        || address.is_broadcast()
        || address.is_documentation()
        || address.is_multicast()
        || a == 0
        || a >= 240
        || (a == 100 && (64..128).contains(&b))
        || (a == 192 && b == 0 && c == 0)
        || (a == 192 && b == 88 && c == 99)
        || (a == 198 && (b == 18 || b == 19));
    !special
}

/// Resolves, and leaves out what may not be asked.
#[derive(Debug)]
pub(super) struct Guard(pub(super) Arc<dyn Names>);

impl Resolve for Guard {
    fn resolve(&self, name: Name) -> Resolving {
        let names = Arc::clone(&self.0);
        Box::pin(async move {
            let found = names.resolve(name.as_str().to_owned()).await?;
            let asked: Vec<SocketAddr> =
                found.into_iter().filter(|address| names.may_ask(address.ip())).collect();
            if asked.is_empty() {
                return Err("the name leads to no address of the public internet".into());
            }
            Ok(Box::new(asked.into_iter()) as Addrs)
        })
    }
}

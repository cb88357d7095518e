//! Client addresses and the ranges that a key may be used from.

use ipnet::IpNet;
use std::net::{IpAddr, Ipv6Addr};

/// An address as we compare it: an IPv4 address mapped into IPv6 (`::ffff:192.0.2.1`, RFC 4291 §2.5.5.2)
/// is the IPv4 address.
#[must_use]
pub fn canonical(address: IpAddr) -> IpAddr {
    address.to_canonical()
}

/// Reads a range in CIDR form (`192.0.2.0/24`, `2001:db8::/32`); a bare address is the range of that one.
/// Host bits are dropped, so that equal ranges are written equally. An IPv4-mapped range of at least
/// 96 bits is the IPv4 range.
#[must_use]
pub fn parse_range(text: &str) -> Option<IpNet> {
    let net = match text.parse::<IpNet>() {
        Ok(net) => net,
        Err(_) => IpNet::from(text.parse::<IpAddr>().ok()?),
    };
    let net = match net {
        IpNet::V6(v6) if v6.prefix_len() >= 96 => match v6.addr().to_ipv4_mapped() {
            Some(v4) => IpNet::new(IpAddr::V4(v4), v6.prefix_len() - 96).ok()?,
            None => net,
        },
        _ => net,
    };
    Some(net.trunc())
}

/// Whether every range of `inner` lies within one of `outer`. No `outer` means everywhere.
#[must_use]
pub fn within(inner: Option<&[IpNet]>, outer: Option<&[IpNet]>) -> bool {
    match (inner, outer) {
        (_, None) => true,
        (None, Some(_)) => false,
        (Some(inner), Some(outer)) => inner.iter().all(|i| outer.iter().any(|o| o.contains(i))),
    }
}

/// Who counts as one: an IPv4 address, or the /64 of an IPv6 one, which a single host can roam in.
#[must_use]
pub fn network(address: IpAddr) -> IpAddr {
    match canonical(address) {
        IpAddr::V6(v6) => IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() >> 64 << 64)),
        v4 => v4,
    }
}

/// Whether the address lies in one of the ranges.
#[must_use]
pub fn allowed(address: IpAddr, ranges: &[IpNet]) -> bool {
    let address = canonical(address);
    ranges.iter().any(|range| range.contains(&address))
}

/// The client's address behind proxies: the rightmost of those that a request was passed along by which is no trusted
/// proxy. `peer` is who connected; `forwarded` are the values of `X-Forwarded-For` in their order.
///
/// Each proxy appends who connected to it, so only what trusted ones wrote is believed, from the right. What is no
/// address ends the reading: the one that passed it on is then the client.
#[must_use]
pub fn client<'a>(
    peer: IpAddr,
    forwarded: impl DoubleEndedIterator<Item = &'a str>,
    trusted: &[IpNet],
) -> IpAddr {
    let mut client = canonical(peer);
    for text in forwarded.flat_map(|value| value.split(',')).rev() {
        if !allowed(client, trusted) {
            break;
        }
        match text.trim().parse() {
            Ok(address) => client = canonical(address),
            Err(_) => break,
        }
    }
    client
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ranges(texts: &[&str]) -> Vec<IpNet> {
        texts.iter().map(|t| parse_range(t).unwrap()).collect()
    }

    #[test]
    fn ranges_are_read_in_one_form() {
        assert_eq!(parse_range("192.0.2.7/24"), parse_range("192.0.2.0/24"));
        assert_eq!(parse_range("192.0.2.7"), parse_range("192.0.2.7/32"));
        assert_eq!(parse_range("::ffff:192.0.2.0/120"), parse_range("192.0.2.0/24"));
        for bad in ["", "192.0.2.0/33", "192.0.2", "localhost", "::/129", "192.0.2.0/24/8"] {
            assert_eq!(parse_range(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_mapped_address_is_judged_as_ipv4() {
        let only = ranges(&["192.0.2.0/24"]);
        assert!(allowed("::ffff:192.0.2.9".parse().unwrap(), &only));
        assert!(!allowed("::ffff:192.0.3.9".parse().unwrap(), &only));
        assert!(!allowed("2001:db8::1".parse().unwrap(), &only));
    }

    #[test]
    fn only_trusted_proxies_are_believed_and_from_the_right() {
        let trusted = ranges(&["10.0.0.0/8", "::1"]);
        let seen = |peer: &str, forwarded: &[&str]| {
            client(peer.parse().unwrap(), forwarded.iter().copied(), &trusted).to_string()
        };
        assert_eq!(seen("192.0.2.1", &["203.0.113.9"]), "192.0.2.1", "a stranger's word counts for nothing");
        assert_eq!(seen("10.0.0.1", &[]), "10.0.0.1");
        assert_eq!(seen("10.0.0.1", &["203.0.113.9"]), "203.0.113.9");
        assert_eq!(seen("10.0.0.1", &["198.51.100.7, 203.0.113.9, 10.0.0.2"]), "203.0.113.9");
        assert_eq!(
            seen("::1", &["198.51.100.7", "203.0.113.9", " 10.0.0.2 "]),
            "203.0.113.9",
            "fields are one list"
        );
        assert_eq!(seen("::ffff:10.0.0.1", &["::ffff:203.0.113.9"]), "203.0.113.9");
        assert_eq!(
            seen("10.0.0.1", &["203.0.113.9, unknown, 10.0.0.2"]),
            "10.0.0.2",
            "what is no address ends it"
        );
        assert_eq!(seen("10.0.0.1", &["10.0.0.3, 10.0.0.2"]), "10.0.0.3", "all trusted: the leftmost");
        assert_eq!(seen("10.0.0.1", &["203.0.113.9:1234"]), "10.0.0.1");
    }

    #[test]
    fn within_is_containment_of_every_range() {
        let wide = ranges(&["10.0.0.0/8", "2001:db8::/32"]);
        let narrow = ranges(&["10.1.0.0/16", "2001:db8:1::/48"]);
        assert!(within(Some(&narrow), Some(&wide)));
        assert!(!within(Some(&wide), Some(&narrow)));
        assert!(within(Some(&wide), None) && within(None, None));
        assert!(!within(None, Some(&wide)));
    }
}

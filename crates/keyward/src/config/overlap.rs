//! Addresses that cannot be listened on at once.

use std::net::{IpAddr, SocketAddr};

/// Whether a socket on one of the addresses leaves no room for one on the other.
pub(super) fn overlap(one: SocketAddr, other: SocketAddr) -> bool {
    // The unspecified address of IPv6 is every one of IPv4 too.
    let covers = |one: IpAddr, other: IpAddr| {
        one == other || (one.is_unspecified() && (one.is_ipv6() || other.is_ipv4()))
    };
    let (a, b) = (one.ip().to_canonical(), other.ip().to_canonical());
    one.port() == other.port() && one.port() != 0 && (covers(a, b) || covers(b, a))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unspecified_address_leaves_no_room_on_its_port() {
        let overlap = |one: &str, other: &str| {
            let (one, other) = (one.parse().unwrap(), other.parse().unwrap());
            assert_eq!(overlap(one, other), overlap(other, one));
            overlap(one, other)
        };
        for (one, other) in [
            ("[::]:8080", "127.0.0.1:8080"),
            ("[::]:8080", "0.0.0.0:8080"),
            ("[::]:8080", "[::1]:8080"),
            ("0.0.0.0:8080", "127.0.0.1:8080"),
            ("0.0.0.0:8080", "[::ffff:127.0.0.1]:8080"),
        ] {
            assert!(overlap(one, other), "{one} {other}");
        }
        for (one, other) in [
            ("0.0.0.0:8080", "[::1]:8080"),
            ("127.0.0.1:8080", "127.0.0.2:8080"),
            ("[::]:8080", "127.0.0.1:8081"),
            ("[::]:0", "127.0.0.1:0"),
        ] {
            assert!(!overlap(one, other), "{one} {other}");
        }
    }
}

//! Client addresses and the ranges that a key may be used from.

use ipnet::IpNet;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

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
        // Absent: what is neither is no range, and no range is a mistake.
        Err(_) => IpNet::from(text.parse::<IpAddr>().ok()?),
    };
    let net = match net {
        IpNet::V6(v6) if v6.prefix_len() >= 96 => match v6.addr().to_ipv4_mapped() {
            // Absent: no range, which is a mistake.
            Some(v4) => IpNet::new(IpAddr::V4(v4), v6.prefix_len() - 96).ok()?,
            None => net,
        },
        // Absent: every other range is what it says.
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

/// Where a request came from, in its extensions. The connection sets it, outside every layer.
///
/// `Unknown` is what a request gets that a trusted proxy passed on without an address that can be read. It lies in no
/// range, so a credential that is bound to ranges is refused, and it has a bucket of its own in every limit by address:
/// what cannot be read is never taken for the proxy's own address.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum ClientAddress {
    /// This address.
    Known(IpAddr),
    /// It cannot be known.
    #[default]
    Unknown,
}

impl ClientAddress {
    /// The address, where it is known.
    #[must_use]
    pub const fn known(self) -> Option<IpAddr> {
        match self {
            Self::Known(address) => Some(address),
            Self::Unknown => None,
        }
    }

    /// The address, as it is compared.
    #[must_use]
    pub fn of(address: IpAddr) -> Self {
        Self::Known(canonical(address))
    }

    /// Whether it is known and lies in one of the ranges.
    #[must_use]
    pub fn is_in(self, ranges: &[IpNet]) -> bool {
        self.known().is_some_and(|address| allowed(address, ranges))
    }

    /// What counts as one client: an IPv4 address, or the /64 of an IPv6 one, in which a single host can roam.
    #[must_use]
    pub fn host(self) -> Self {
        self.truncated(32, 64)
    }

    /// What counts as one network, which a single person or company usually holds whole: an IPv4 /24 or an IPv6 /48.
    #[must_use]
    pub fn network(self) -> Self {
        self.truncated(24, 48)
    }

    fn truncated(self, v4: u32, v6: u32) -> Self {
        match self {
            Self::Known(address) => Self::Known(match canonical(address) {
                IpAddr::V4(address) => {
                    IpAddr::V4(Ipv4Addr::from_bits(address.to_bits() & u32::MAX << (32 - v4)))
                }
                IpAddr::V6(address) => {
                    IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & u128::MAX << (128 - v6)))
                }
            }),
            Self::Unknown => Self::Unknown,
        }
    }
}

impl fmt::Display for ClientAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Known(address) => address.fmt(f),
            Self::Unknown => f.write_str("unknown"),
        }
    }
}

/// Whether the address lies in one of the ranges.
#[must_use]
pub fn allowed(address: IpAddr, ranges: &[IpNet]) -> bool {
    let address = canonical(address);
    ranges.iter().any(|range| range.contains(&address))
}

/// Which header a trusted proxy writes the client's address into.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ForwardedBy {
    /// `X-Forwarded-For`.
    #[default]
    XForwardedFor,
    /// `Forwarded` (RFC 7239).
    Forwarded,
}

impl ForwardedBy {
    /// The name of the header, in lower case.
    #[must_use]
    pub const fn header(self) -> &'static str {
        match self {
            Self::XForwardedFor => "x-forwarded-for",
            Self::Forwarded => "forwarded",
        }
    }

    /// The one of that name.
    #[must_use]
    pub fn named(header: &str) -> Option<Self> {
        [Self::XForwardedFor, Self::Forwarded].into_iter().find(|own| own.header() == header)
    }
}

/// The client's address behind proxies: the rightmost of those that the request was passed along by which is no trusted
/// proxy. `peer` is the address that connected; `lines` are the values of the header in their order, as bytes.
///
/// Each proxy appends the address that connected to it, so only what trusted ones wrote is believed, part by part from
/// the right. A part that a trusted proxy wrote and that cannot be read (a name, `unknown`, an obfuscated identifier of
/// RFC 7239 §6.3, a byte outside ASCII, nothing at all, also behind a comma at the end) gives [`ClientAddress::Unknown`], and so does a trusted proxy
/// that sends no such header. Parts left of the answer were written by strangers and are not read.
#[must_use]
pub fn client<'a>(
    peer: IpAddr,
    by: ForwardedBy,
    lines: impl DoubleEndedIterator<Item = &'a [u8]>,
    trusted: &[IpNet],
) -> ClientAddress {
    let peer = canonical(peer);
    if allowed(peer, trusted) { behind(by, lines, trusted) } else { ClientAddress::Known(peer) }
}

/// The same, of a trusted proxy that has no address: it connected by a Unix socket.
#[must_use]
pub fn behind<'a>(
    by: ForwardedBy,
    lines: impl DoubleEndedIterator<Item = &'a [u8]>,
    trusted: &[IpNet],
) -> ClientAddress {
    let mut client = ClientAddress::Unknown;
    for part in lines.rev().flat_map(|line| line.rsplit(|byte| *byte == b',')) {
        let address = match by {
            ForwardedBy::XForwardedFor => node(part.trim_ascii()),
            ForwardedBy::Forwarded => forwarded_for(part).and_then(node),
        };
        match address.map(canonical) {
            Some(address) if allowed(address, trusted) => client = ClientAddress::Known(address),
            Some(address) => return ClientAddress::Known(address),
            None => return ClientAddress::Unknown,
        }
    }
    // Every address of the list is a trusted proxy's: the leftmost one made the request itself.
    client
}

/// The `for` of one element of `Forwarded` (RFC 7239 §4). Of an element with two, nothing is read. Nor of one with a quote
/// that does not end in it, or with an escape: it is a piece of a quoted text that holds a separator, such as a `host` that
/// a stranger chose, and not an element at all.
fn forwarded_for(element: &[u8]) -> Option<&[u8]> {
    let quotes = element.iter().filter(|byte| **byte == b'"').count();
    if quotes % 2 == 1 || element.contains(&b'\\') {
        return None;
    }
    let mut own = element.split(|byte| *byte == b';').filter_map(|pair| {
        let at = pair.iter().position(|byte| *byte == b'=')?;
        let (name, value) = pair.split_at_checked(at)?;
        name.trim_ascii()
            .eq_ignore_ascii_case(b"for")
            // Absent: an empty value is no address.
            .then(|| value.get(1..).unwrap_or_default().trim_ascii())
    });
    match (own.next(), own.next()) {
        (Some(value), None) => Some(value),
        // Absent: no address, which no range holds.
        _ => None,
    }
}

/// An address as proxies write it: bare, with a port (`192.0.2.1:4711`, `[2001:db8::1]:4711`), in brackets, in double
/// quotes (RFC 7239 §6).
fn node(text: &[u8]) -> Option<IpAddr> {
    // Absent: no address, which no range holds.
    let text = std::str::from_utf8(text).ok()?;
    let text = match text.strip_prefix('"') {
        Some(quoted) => quoted.strip_suffix('"')?,
        None => text,
    };
    if let Some(bracketed) = text.strip_prefix('[') {
        let (address, port) = bracketed.split_once(']')?;
        let fits = port.is_empty() || port.strip_prefix(':').is_some_and(is_port);
        // Absent: no address, which no range holds.
        return fits.then(|| address.parse::<Ipv6Addr>().ok().map(IpAddr::V6)).flatten();
    }
    match text.split_once(':') {
        Some((address, port)) if !port.contains(':') => {
            // Absent: no address, which no range holds.
            is_port(port).then(|| address.parse::<Ipv4Addr>().ok().map(IpAddr::V4)).flatten()
        }
        // Absent: no address, which no range holds.
        _ => text.parse().ok(),
    }
}

/// One to five digits, or an obfuscated port (RFC 7239 §6.3): nothing is read of it.
fn is_port(text: &str) -> bool {
    let digits = (1..=5).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    let hidden = text.strip_prefix('_').is_some_and(|name| {
        !name.is_empty()
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-'))
    });
    digits || hidden
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn ranges(texts: &[&str]) -> Vec<IpNet> {
        texts.iter().map(|t| parse_range(t).unwrap()).collect()
    }

    #[test]
    fn a_proxy_without_an_address_is_believed_as_any_other_and_is_no_client_itself() {
        let after = |line: Option<&str>| {
            let lines: Vec<&[u8]> = line.map(str::as_bytes).into_iter().collect();
            behind(ForwardedBy::XForwardedFor, lines.into_iter(), &ranges(&["10.0.0.0/8"])).to_string()
        };
        assert_eq!(after(Some("192.0.2.7")), "192.0.2.7");
        assert_eq!(after(Some("192.0.2.7, 198.51.100.1, 10.0.0.1")), "198.51.100.1");
        assert_eq!(after(Some("10.0.0.2, 10.0.0.1")), "10.0.0.2");
        for nobody in [None, Some(""), Some("unknown"), Some("192.0.2.7, ")] {
            assert_eq!(after(nobody), "unknown", "{nobody:?}");
        }
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

    fn seen(by: ForwardedBy, peer: &str, lines: &[&[u8]]) -> String {
        let trusted = ranges(&["10.0.0.0/8", "::1"]);
        client(peer.parse().unwrap(), by, lines.iter().copied(), &trusted).to_string()
    }

    #[test]
    fn only_trusted_proxies_are_believed_and_from_the_right() {
        for (peer, lines, expected) in [
            ("192.0.2.1", &["203.0.113.9"] as &[&str], "192.0.2.1"),
            ("192.0.2.1", &[], "192.0.2.1"),
            ("10.0.0.1", &["203.0.113.9"], "203.0.113.9"),
            ("10.0.0.1", &["198.51.100.7, 203.0.113.9, 10.0.0.2"], "203.0.113.9"),
            ("::1", &["198.51.100.7", "203.0.113.9", " 10.0.0.2 "], "203.0.113.9"),
            ("::ffff:10.0.0.1", &["::ffff:203.0.113.9"], "203.0.113.9"),
            ("10.0.0.1", &["10.0.0.3, 10.0.0.2"], "10.0.0.3"),
        ] {
            let lines: Vec<&[u8]> = lines.iter().map(|line| line.as_bytes()).collect();
            assert_eq!(seen(ForwardedBy::XForwardedFor, peer, &lines), expected, "{peer} {lines:?}");
        }
    }

    #[test]
    fn a_port_brackets_and_quotes_are_read() {
        for (text, expected) in [
            ("203.0.113.9:4711", "203.0.113.9"),
            ("\"203.0.113.9\"", "203.0.113.9"),
            ("\"203.0.113.9:4711\"", "203.0.113.9"),
            ("[2001:db8::1]", "2001:db8::1"),
            ("[2001:db8::1]:4711", "2001:db8::1"),
            ("\"[2001:db8::1]:4711\"", "2001:db8::1"),
            ("2001:db8::1", "2001:db8::1"),
            ("203.0.113.9:_hidden", "203.0.113.9"),
        ] {
            assert_eq!(seen(ForwardedBy::XForwardedFor, "10.0.0.1", &[text.as_bytes()]), expected, "{text}");
            let element = format!("proto=https; For={text};by=10.0.0.7");
            assert_eq!(
                seen(ForwardedBy::Forwarded, "10.0.0.1", &[element.as_bytes()]),
                expected,
                "{element}"
            );
        }
    }

    /// What a trusted proxy wrote and cannot be read is no address, and never the proxy's own.
    #[test]
    fn what_a_trusted_proxy_wrote_and_cannot_be_read_is_no_address() {
        let unreadable: &[&[u8]] = &[
            b"",
            b" ",
            b",",
            b"203.0.113.9,",
            b"unknown",
            b"_hidden",
            b"localhost",
            b"\x80",
            b"\xff",
            b"203.0.113.9\xff",
            b"203.0.113.9 10.0.0.1",
            b"203.0.113.9:",
            b"203.0.113.9:123456",
            b"203.0.113.9:80:80",
            b"[203.0.113.9]",
            b"[2001:db8::1",
            b"[2001:db8::1]80",
            b"\"203.0.113.9",
            b"203.0.113.9\"",
            b"203.0.113",
            b"203.0.113.09",
            b"198.51.100.7, unknown, 10.0.0.2",
            b"198.51.100.7, \xff",
            b"198.51.100.7\t,\t203.0.113.9\t\t10.0.0.3",
        ];
        for line in unreadable {
            let text = String::from_utf8_lossy(line);
            assert_eq!(seen(ForwardedBy::XForwardedFor, "10.0.0.1", &[line]), "unknown", "{text}");
        }
        assert_eq!(seen(ForwardedBy::XForwardedFor, "10.0.0.1", &[]), "unknown", "no header at all");
        assert_eq!(seen(ForwardedBy::Forwarded, "10.0.0.1", &[]), "unknown");
        // The proxy quotes the host that a stranger sent: a comma in it does not begin an element.
        let host = r#"for=203.0.113.9;proto=https;host="x, for=10.9.9.9;y=""#;
        for element in [
            host,
            r#"for=203.0.113.9;host="x\", for=10.9.9.9;y=\"""#,
            "",
            "for=unknown",
            "for=_hidden",
            "proto=https",
            "for=203.0.113.9;for=198.51.100.7",
            "for",
            "for=\"203.0.113.9;x\"",
        ] {
            assert_eq!(
                seen(ForwardedBy::Forwarded, "10.0.0.1", &[element.as_bytes()]),
                "unknown",
                "{element}"
            );
        }
    }

    /// A byte that nobody can read, written by a stranger, stands left of what the proxy appended: it changes nothing.
    #[test]
    fn what_strangers_wrote_voids_nothing_that_a_proxy_appended() {
        for garbage in [b"\xff".as_slice(), b"\x80", b"\t", b"unknown", b"", b"\"", b"[", &b"9,".repeat(1000)]
        {
            let mut line = garbage.to_vec();
            line.extend_from_slice(b", 203.0.113.9");
            assert_eq!(seen(ForwardedBy::XForwardedFor, "10.0.0.1", &[&line]), "203.0.113.9", "{garbage:?}");
        }
        let element = b"for=\"\xff, for=203.0.113.9;proto=http".as_slice();
        assert_eq!(seen(ForwardedBy::Forwarded, "10.0.0.1", &[element]), "203.0.113.9");
    }

    #[test]
    fn no_address_is_in_no_range_and_a_unit_of_its_own() {
        let all = ranges(&["0.0.0.0/0", "::/0"]);
        assert!(ClientAddress::Known("203.0.113.9".parse().unwrap()).is_in(&all));
        assert!(!ClientAddress::Unknown.is_in(&all));
        let of = |text: &str| ClientAddress::Known(text.parse().unwrap());
        for (text, host, network) in [
            ("203.0.113.9", "203.0.113.9", "203.0.113.0"),
            ("::ffff:203.0.113.9", "203.0.113.9", "203.0.113.0"),
            ("2001:db8:1:2:3::4", "2001:db8:1:2::", "2001:db8:1::"),
        ] {
            assert_eq!((of(text).host(), of(text).network()), (of(host), of(network)));
        }
        assert_eq!(ClientAddress::Unknown.host(), ClientAddress::Unknown);
        assert_eq!(ClientAddress::Unknown.network(), ClientAddress::Unknown);
    }

    proptest! {
        #[test]
        fn no_line_makes_a_stranger_the_proxy(lines in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..40), 0..4)) {
            // The proxy appends the stranger's address, whatever the stranger sent.
            let lines: Vec<Vec<u8>> = match lines.split_last() {
                Some((last, rest)) => {
                    let mut last = last.clone();
                    last.extend_from_slice(b", 203.0.113.9");
                    rest.iter().cloned().chain([last]).collect()
                }
                None => vec![b"203.0.113.9".to_vec()],
            };
            let slices: Vec<&[u8]> = lines.iter().map(Vec::as_slice).collect();
            prop_assert_eq!(seen(ForwardedBy::XForwardedFor, "10.0.0.1", &slices), "203.0.113.9");
        }
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

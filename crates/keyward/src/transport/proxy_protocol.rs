//! The PROXY protocol, versions 1 and 2 (haproxy's `proxy-protocol.txt`): the address that a trusted proxy writes in front
//! of all other bytes of a connection.
//!
//! The parser returns how many bytes more it needs, and never asks for one behind the header: what follows belongs to TLS
//! or HTTP.

use keyward_core::address::ClientAddress;
use std::io::{self, ErrorKind};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use tokio::io::{AsyncRead, AsyncReadExt};

/// How version 2 begins.
const SIGNATURE: &[u8; 12] = b"\r\n\r\n\0\r\nQUIT\n";
/// The longest header of version 1, its line end included.
const LONGEST_LINE: usize = 107;
/// The longest part of version 2 behind its 16 fixed bytes: addresses, and extensions, which are skipped.
const LONGEST_REST: usize = 4 * 1024;

/// How far a header is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Progress {
    /// At least so many bytes more belong to it.
    Needs(usize),
    /// It ends with the last byte, and says that the connection comes from there.
    Whole(ClientAddress),
}

/// What is sent is no header of the PROXY protocol; in what.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no header of the PROXY protocol: {0}")]
struct Malformed(&'static str);

/// Reads the header that a connection begins with, and nothing behind it; the address that it names. A health check of the
/// proxy itself (`LOCAL`), and an address that is none of IP, are [`ClientAddress::Unknown`].
pub(super) async fn read<S: AsyncRead + Unpin>(stream: &mut S) -> io::Result<ClientAddress> {
    let mut header = Vec::with_capacity(LONGEST_LINE);
    loop {
        match parse(&header).map_err(|error| io::Error::new(ErrorKind::InvalidData, error))? {
            Progress::Whole(source) => return Ok(source),
            Progress::Needs(more) => {
                let begun = header.len();
                while header.len() < begun + more {
                    let left = (begun + more - header.len()) as u64;
                    if (&mut *stream).take(left).read_buf(&mut header).await? == 0 {
                        return Err(ErrorKind::UnexpectedEof.into());
                    }
                }
            }
        }
    }
}

fn parse(bytes: &[u8]) -> Result<Progress, Malformed> {
    if bytes.len() < SIGNATURE.len() {
        return Ok(Progress::Needs(SIGNATURE.len() - bytes.len()));
    }
    match bytes.strip_prefix(SIGNATURE) {
        Some(rest) => version_2(rest),
        None => version_1(bytes),
    }
}

fn version_1(bytes: &[u8]) -> Result<Progress, Malformed> {
    let line = bytes.strip_prefix(b"PROXY ").ok_or(Malformed("it has neither beginning"))?;
    let Some(line) = line.strip_suffix(b"\r\n") else {
        return match bytes.len() {
            LONGEST_LINE.. => Err(Malformed("the line does not end")),
            _ if bytes.ends_with(b"\r") => Ok(Progress::Needs(1)),
            _ if bytes.contains(&b'\r') || bytes.contains(&b'\n') => Err(Malformed("a line end within")),
            length => Ok(Progress::Needs(2.min(LONGEST_LINE - length))),
        };
    };
    let line = std::str::from_utf8(line).map_err(|_| Malformed("it is not ASCII"))?;
    let words: Vec<&str> = line.split(' ').collect();
    let source = match words.as_slice() {
        ["UNKNOWN", ..] => return Ok(Progress::Whole(ClientAddress::Unknown)),
        ["TCP4", source, target, from, to] if are_ports(from, to) => {
            pair::<Ipv4Addr>(source, target).map(IpAddr::V4)
        }
        ["TCP6", source, target, from, to] if are_ports(from, to) => {
            pair::<Ipv6Addr>(source, target).map(IpAddr::V6)
        }
        // Absent: it is malformed, and refused below.
        _ => None,
    };
    let source = source.ok_or(Malformed("the line has not two addresses and two ports"))?;
    Ok(Progress::Whole(ClientAddress::of(source)))
}

/// The first of two addresses, if both are of this kind.
fn pair<A: std::str::FromStr>(source: &str, target: &str) -> Option<A> {
    // Absent: it is no address, and the line is refused.
    let source = source.parse().ok()?;
    // Absent: the same.
    target.parse::<A>().ok().map(|_| source)
}

fn are_ports(from: &str, to: &str) -> bool {
    let is_port = |text: &str| {
        text.bytes().all(|byte| byte.is_ascii_digit())
            && (text == "0" || !text.starts_with('0'))
            && text.parse::<u16>().is_ok()
    };
    is_port(from) && is_port(to)
}

fn version_2(bytes: &[u8]) -> Result<Progress, Malformed> {
    let Some((&[command, family, high, low], rest)) = bytes.split_first_chunk::<4>() else {
        return Ok(Progress::Needs(4 - bytes.len()));
    };
    let length = usize::from(u16::from_be_bytes([high, low]));
    if length > LONGEST_REST {
        return Err(Malformed("it is too long"));
    }
    // Judged first, so that what is wrong is not waited for.
    let is_local = match command {
        0x20 => true,
        0x21 => false,
        // Absent: it is refused.
        _ => return Err(Malformed("its version or command is none that is known")),
    };
    if rest.len() < length {
        return Ok(Progress::Needs(length - rest.len()));
    }
    let source = match (is_local, family) {
        (true, _) => None,
        (false, 0x11) => Some(IpAddr::V4(from_bits::<4, 12, _>(rest)?)),
        (false, 0x21) => Some(IpAddr::V6(from_bits::<16, 36, _>(rest)?)),
        // No address, of a Unix socket, or of datagrams.
        (false, 0x00..=0x02 | 0x10 | 0x12 | 0x20 | 0x22 | 0x30..=0x32) => None,
        (false, _) => return Err(Malformed("its family is none that is known")),
    };
    // Absent: the client has no address, which no range allows.
    Ok(Progress::Whole(source.map_or(ClientAddress::Unknown, ClientAddress::of)))
}

/// The source, of so many bytes, at the beginning of a block of addresses and ports of so many.
fn from_bits<const SOURCE: usize, const BLOCK: usize, A: From<[u8; SOURCE]>>(
    rest: &[u8],
) -> Result<A, Malformed> {
    let block = rest.first_chunk::<BLOCK>().ok_or(Malformed("its addresses are cut"))?;
    block.first_chunk::<SOURCE>().map(|source| A::from(*source)).ok_or(Malformed("its addresses are cut"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    async fn after(sent: &[u8]) -> io::Result<(String, Vec<u8>)> {
        let mut stream = sent;
        let source = read(&mut stream).await?.to_string();
        Ok((source, stream.to_vec()))
    }

    fn second(command: u8, family: u8, rest: &[u8]) -> Vec<u8> {
        let length = u16::try_from(rest.len()).unwrap().to_be_bytes();
        [SIGNATURE.as_slice(), &[command, family], &length, rest].concat()
    }

    #[tokio::test]
    async fn both_versions_name_the_source_and_no_byte_behind_them_is_taken() {
        let v4 = [192, 0, 2, 7, 10, 0, 0, 1, 0x12, 0x34, 0, 80];
        let v6 = [&Ipv6Addr::from_bits(0x2001_0db8 << 96 | 9).octets()[..], &[0; 20]].concat();
        let with_extensions = [v4.as_slice(), &[4, 0, 2, 0, 0]].concat();
        for (header, source) in [
            (b"PROXY TCP4 192.0.2.7 10.0.0.1 4711 443\r\n".to_vec(), "192.0.2.7"),
            (b"PROXY TCP6 2001:db8::9 ::1 4711 0\r\n".to_vec(), "2001:db8::9"),
            (b"PROXY TCP6 ::ffff:192.0.2.7 ::1 4711 0\r\n".to_vec(), "192.0.2.7"),
            (b"PROXY UNKNOWN\r\n".to_vec(), "unknown"),
            (b"PROXY UNKNOWN ffff::1 what ever\r\n".to_vec(), "unknown"),
            (second(0x21, 0x11, &v4), "192.0.2.7"),
            (second(0x21, 0x11, &with_extensions), "192.0.2.7"),
            (second(0x21, 0x21, &v6), "2001:db8::9"),
            (second(0x20, 0x11, &v4), "unknown"),
            (second(0x20, 0, b""), "unknown"),
            (second(0x21, 0, b""), "unknown"),
            (second(0x21, 0x31, &[b'/'; 216]), "unknown"),
        ] {
            let sent = [header.as_slice(), b"\x16GET"].concat();
            let (found, rest) = after(&sent).await.unwrap();
            assert_eq!((found.as_str(), rest.as_slice()), (source, b"\x16GET".as_slice()), "{header:?}");
            for cut in 0..header.len() {
                assert!(after(&header[..cut]).await.is_err(), "{cut} bytes of {header:?}");
            }
        }
    }

    #[tokio::test]
    async fn what_is_not_exactly_a_header_is_an_error_and_never_an_address() {
        let long = second(0x21, 0x11, &[0; LONGEST_REST + 1]);
        for bad in [
            b"GET / HTTP/1.1\r\nHost: a\r\n\r\n".as_slice(),
            b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\x00\x00",
            b"PROXY TCP4 192.0.2.7 10.0.0.1 4711\r\n",
            b"PROXY TCP4 192.0.2.7 10.0.0.1 4711 443 1\r\n",
            b"PROXY TCP4 192.0.2.7 10.0.0.1 04711 443\r\n",
            b"PROXY TCP4 192.0.2.7 10.0.0.1 +471 443\r\n",
            b"PROXY TCP4 192.0.2.7 10.0.0.1 65536 443\r\n",
            b"PROXY TCP4 192.0.2.7  10.0.0.1 1 443\r\n",
            b"PROXY TCP4 192.0.2.07 10.0.0.1 1 443\r\n",
            b"PROXY TCP4 2001:db8::9 ::1 4711 443\r\n",
            b"PROXY TCP4 192.0.2.7 ::1 4711 443\r\n",
            b"PROXY TCP4 192.0.2.7 10.0.0.1 4711 443\n\r\n",
            b"PROXY TCP4 192.0.2.7 10.0.0.1 4711 443\rx\r\n",
            b"PROXY tcp4 192.0.2.7 10.0.0.1 4711 443\r\n",
            b"PROXY \xff 192.0.2.7 10.0.0.1 4711 443\r\n",
            &second(0x11, 0x11, &[0; 12]),
            &second(0x22, 0x11, &[0; 12]),
            &second(0x21, 0x11, &[0; 11]),
            &second(0x21, 0x21, &[0; 35]),
            &second(0x21, 0x41, &[0; 36]),
            &second(0x21, 0x13, &[0; 36]),
            &long,
            &[b"PROXY UNKNOWN ".as_slice(), &[b'a'; 200]].concat(),
        ] {
            let error = after(bad).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidData, "{:?}", String::from_utf8_lossy(bad));
        }
    }

    proptest! {
        #[test]
        fn whatever_is_sent_is_bounded_and_its_pieces_do_not_matter(
            beginning in prop_oneof![Just(b"PROXY ".to_vec()), Just(SIGNATURE.to_vec()), Just(Vec::new())],
            rest in prop::collection::vec(any::<u8>(), 0..300),
        ) {
            let sent = [beginning, rest].concat();
            let mut taken = 0;
            while let Ok(Progress::Needs(more)) = parse(&sent[..taken]) {
                prop_assert!(more > 0 && taken + more <= 16 + LONGEST_REST);
                taken += more;
                if taken > sent.len() {
                    break;
                }
            }
        }

        #[test]
        fn every_address_comes_back_as_it_was_written(bits: u32, port: u16) {
            let address = Ipv4Addr::from_bits(bits);
            let line = format!("PROXY TCP4 {address} 127.0.0.1 {port} 443\r\n");
            let whole = Ok(Progress::Whole(ClientAddress::of(IpAddr::V4(address))));
            prop_assert_eq!(parse(line.as_bytes()), whole);
            let block = [&address.octets()[..], &[127, 0, 0, 1], &port.to_be_bytes(), &[1, 187]].concat();
            prop_assert_eq!(parse(&second(0x21, 0x11, &block)), whole);
        }
    }
}

//! Which representation is sent: none to a client that has the current one (304), and a compressed one to a client that takes it.
//!
//! What is compressed holds no secret and no session: lists of the API and the public pages. Nobody else can have a client ask for
//! them with its credential, which is no cookie, so the length of an answer tells an attacker nothing about it
//! (docs/decisions/0044-what-stands-in-front.md).

use flate2::Compression;
use flate2::write::GzEncoder;
use http::header::{ACCEPT_ENCODING, CONTENT_ENCODING, IF_NONE_MATCH, VARY};
use http::{HeaderMap, HeaderValue};
use keyward_core::header::has_version;
use keyward_core::header_text::{parts, readable};
use sha2::{Digest, Sha256};
use std::io::Write;

/// Below so many bytes an answer is not compressed: it fits into a packet or two as it is.
const LEAST: usize = 1024;

/// What a request says of the representation that it wants.
#[derive(Clone, Debug)]
pub(crate) struct Preferences {
    if_none_match: Vec<HeaderValue>,
    gzip: bool,
}

impl Preferences {
    /// As these headers say.
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        let if_none_match = headers.get_all(IF_NONE_MATCH).iter().cloned().collect();
        Self { if_none_match, gzip: takes_gzip(readable(headers.get_all(ACCEPT_ENCODING), b',')) }
    }

    /// Whether the client has the version with this tag.
    pub(crate) fn has(&self, tag: &str) -> bool {
        has_version(parts(&self.if_none_match, b','), tag)
    }

    /// Whether it takes gzip.
    pub(crate) const fn gzip(&self) -> bool {
        self.gzip
    }
}

/// What an answer that can be compressed says, whether it is or not.
pub(crate) fn varies(headers: &mut HeaderMap) {
    headers.append(VARY, HeaderValue::from_static("accept-encoding"));
}

/// Says that the body is compressed.
pub(crate) fn says_gzip(headers: &mut HeaderMap) {
    headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
}

/// A list's body, compressed fast; `None`: it is better sent as it is.
pub(crate) fn packed_fast(body: &[u8]) -> Option<Vec<u8>> {
    packed(body, Compression::fast())
}

/// A page, compressed well: it is kept.
pub(crate) fn packed_well(body: &[u8]) -> Option<Vec<u8>> {
    packed(body, Compression::default())
}

fn packed(body: &[u8], level: Compression) -> Option<Vec<u8>> {
    if body.len() < LEAST {
        return None;
    }
    let mut encoder = GzEncoder::new(Vec::new(), level);
    // Absent: never, memory takes what is written; it would be sent as it is.
    encoder.write_all(body).ok()?;
    encoder.finish().ok().filter(|packed| packed.len() < body.len())
}

/// A weak tag over what a list shows (RFC 9110 §8.8.1): its id and its time are new in each answer.
pub(crate) fn weak_tag(shown: &[&[u8]]) -> String {
    format!("W/\"{}\"", digest(shown))
}

/// The tag of a version that is shown with related records, which can change while the version does not. It names the version still,
/// as a tag does to which a proxy has added a coding.
pub(crate) fn tag_with_related(version: &str, shown: &[u8]) -> String {
    // Absent: never, a tag ends with a quote.
    format!("{}-r{}\"", version.strip_suffix('"').unwrap_or(version), digest(&[shown]))
}

fn digest(shown: &[&[u8]]) -> String {
    let digest = shown.iter().fold(Sha256::new(), |digest, part| digest.chain_update(part)).finalize();
    digest.iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}

/// Whether gzip is among these codings (RFC 9110 §12.5.3): by its name, or by `*` where it is not named.
fn takes_gzip<'v>(codings: impl Iterator<Item = &'v str>) -> bool {
    let (mut named, mut any) = (None, None);
    for coding in codings {
        // Absent: no weight, which is the greatest.
        let (name, weight) = coding.split_once(';').unwrap_or((coding, ""));
        match name.trim().to_ascii_lowercase().as_str() {
            "gzip" | "x-gzip" => named = Some(is_wanted(weight)),
            "*" => any = Some(is_wanted(weight)),
            // Absent: another coding, which is not spoken here.
            _ => {}
        }
    }
    // Absent: nothing is said of it, so it is not sent.
    named.or(any).unwrap_or(false)
}

/// Whether `q=…` is more than nothing, or absent. What is no number is not taken for a wish.
fn is_wanted(weight: &str) -> bool {
    let weight = weight.trim().to_ascii_lowercase();
    weight.is_empty() || weight.strip_prefix("q=").is_some_and(|q| q.parse().is_ok_and(|q: f32| q > 0.0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;

    #[test]
    fn gzip_is_sent_to_those_that_take_it() {
        let takes = |said: &'static str| takes_gzip(said.split(',').map(str::trim));
        for said in [
            "gzip",
            "GZIP",
            "deflate, gzip;q=0.5, br",
            "x-gzip",
            "*",
            "br;q=1, *;q=0.1",
            "gzip; q=1.0",
            "*;q=0, gzip",
        ] {
            assert!(takes(said), "{said}");
        }
        for said in [
            "",
            "identity",
            "br, deflate",
            "gzip;q=0",
            "gzip;q=0.000",
            "*, gzip;q=0",
            "*;q=0",
            "gzip;q=x",
            "gzipped",
        ] {
            assert!(!takes(said), "{said}");
        }
    }

    #[test]
    fn what_is_packed_is_smaller_and_the_same_when_unpacked() {
        let body = "{\"id\":1}".repeat(200).into_bytes();
        for packed in [packed_fast(&body), packed_well(&body)] {
            let packed = packed.unwrap();
            assert!(packed.len() * 5 < body.len());
            let mut unpacked = Vec::new();
            flate2::read::GzDecoder::new(packed.as_slice()).read_to_end(&mut unpacked).unwrap();
            assert_eq!(unpacked, body);
        }
        assert_eq!(packed_fast(&body[..LEAST - 1]), None, "a small one is sent as it is");
        assert_eq!(packed_fast(&random()), None, "one that does not shrink too");
    }

    /// Bytes of which nothing repeats.
    fn random() -> Vec<u8> {
        (0..100_u32).flat_map(|number| Sha256::digest(number.to_be_bytes())).collect()
    }

    #[test]
    fn the_tag_of_a_list_is_weak_and_of_what_it_shows() {
        let (one, other) = (weak_tag(&[b"[1]", b"{}"]), weak_tag(&[b"[2]", b"{}"]));
        assert!(one.starts_with("W/\"") && one.len() == 36 && one != other, "{one}");
        assert_eq!(one, weak_tag(&[b"[1]", b"{}"]));
        assert!(!one.contains('-'), "a coding behind it is a proxy's");
    }

    #[test]
    fn the_tag_of_a_version_with_related_records_names_that_version_and_them() {
        let with = |shown: &[u8]| tag_with_related("\"d7-1\"", shown);
        assert!(with(b"a").starts_with("\"d7-1-r") && with(b"a") != with(b"b"));
        assert!(has_version([with(b"a").as_bytes()], "\"d7-1\""));
        assert!(!has_version(["\"d7-1\"".as_bytes()], &with(b"a")));
        assert!(!has_version([with(b"a").as_bytes()], "\"d7-11\""));
    }
}

//! The rules, in the order of the module's page.

use super::Limits;
use http::header::{CONTENT_LENGTH, HOST, TRANSFER_ENCODING};
use http::uri::Authority;
use http::{HeaderMap, HeaderName, Request, Uri, Version};
use keyward_core::denial::Denial;
use keyward_core::header::SINGLE;
use keyward_core::header_text::text;
use std::sync::LazyLock;

pub(super) fn check<B>(request: &Request<B>, limits: Limits) -> Result<(), Denial> {
    let (headers, uri) = (request.headers(), request.uri());
    size(headers, uri, limits)?;
    host(headers, uri, request.version())?;
    names(headers)?;
    singles(headers)?;
    path(uri)?;
    body(headers, limits)
}

fn size(headers: &HeaderMap, uri: &Uri, limits: Limits) -> Result<(), Denial> {
    if headers.len() > limits.header_fields {
        let text =
            format!("Request has {} header fields; at most {} are read", headers.len(), limits.header_fields);
        return Err(Denial::HeadersTooLarge(text));
    }
    // Absent: no query has no bytes.
    let target = uri.path().len() + uri.query().map_or(0, |query| query.len() + 1);
    let fields: usize = headers.iter().map(|(name, value)| name.as_str().len() + value.len()).sum();
    if target + fields > limits.header_bytes {
        let text =
            format!("Request target and headers must be at most {} bytes together", limits.header_bytes);
        return Err(Denial::HeadersTooLarge(text));
    }
    Ok(())
}

fn host(headers: &HeaderMap, uri: &Uri, version: Version) -> Result<(), Denial> {
    if uri.authority().is_some_and(|target| !is_plain(target)) {
        // RFC 9110 §4.2.4, RFC 9113 §8.3.1.
        return Err(Denial::FramingAmbiguous(
            "The request target must name a host, an optional port, and no user",
        ));
    }
    let mut hosts = headers.get_all(HOST).iter();
    let (first, second) = (hosts.next(), hosts.next());
    if second.is_some() {
        return Err(Denial::HeaderDoubled("Host"));
    }
    let Some(first) = first else {
        return match version {
            // Only HTTP/1.1 must have one; HTTP/2 has the authority in its target.
            Version::HTTP_11 => Err(Denial::HeaderMalformed("Missing required header: Host".to_owned())),
            // Absent: HTTP/2 has the host in its target, and HTTP/1.0 need not name one.
            _ => Ok(()),
        };
    };
    // Absent: refused below.
    let named = text(first).and_then(|text| text.parse::<Authority>().ok());
    let valid = named.filter(is_plain);
    let Some(named) = valid else {
        return Err(Denial::HeaderMalformed("Host must be a host name with an optional port".to_owned()));
    };
    if uri.authority().is_some_and(|target| *target != named) {
        return Err(Denial::FramingAmbiguous("The request target names another host than the Host header"));
    }
    Ok(())
}

/// A host, and a port that is one if there is any (RFC 9110 §7.2). The library takes any text for a port.
fn is_plain(authority: &Authority) -> bool {
    let text = authority.as_str();
    // Absent: a user stands before the host, which no port is.
    let port = text.strip_prefix(authority.host()).unwrap_or(text);
    let is_port = |digits: &str| {
        digits.bytes().all(|byte| byte.is_ascii_digit())
            && (digits.is_empty() || digits.parse::<u16>().is_ok())
    };
    !authority.host().is_empty() && (port.is_empty() || port.strip_prefix(':').is_some_and(is_port))
}

fn names(headers: &HeaderMap) -> Result<(), Denial> {
    match headers.keys().find(|name| name.as_str().contains('_')) {
        None => Ok(()),
        Some(name) => {
            let shown: String = name.as_str().chars().take(64).collect();
            Err(Denial::HeaderMalformed(format!("Header names must not contain an underscore (got {shown})")))
        }
    }
}

/// The headers of [`SINGLE`], ready to be looked up.
static SINGLES: LazyLock<Vec<(HeaderName, &'static str)>> = LazyLock::new(|| {
    // Absent: never, a test sends each of them twice.
    let named = |name: &&'static str| Some((HeaderName::from_bytes(name.as_bytes()).ok()?, *name));
    SINGLE.iter().filter_map(named).collect()
});

fn singles(headers: &HeaderMap) -> Result<(), Denial> {
    match SINGLES.iter().find(|(name, _)| headers.get_all(name).iter().nth(1).is_some()) {
        None => Ok(()),
        Some((_, shown)) => Err(Denial::HeaderDoubled(shown)),
    }
}

fn path(uri: &Uri) -> Result<(), Denial> {
    let path = uri.path();
    let plain = |byte: u8| byte.is_ascii_graphic() && byte != b'\\';
    if !path.bytes().all(plain)
        || uri.query().is_some_and(|query| !query.bytes().all(|byte| byte.is_ascii_graphic()))
    {
        return Err(Denial::PathAmbiguous(
            "The path must be plain ASCII without backslashes and control characters, and the query plain ASCII",
        ));
    }
    if path.contains("//") || path.split('/').any(|segment| matches!(segment, "." | "..")) {
        return Err(Denial::PathAmbiguous("The path must not contain empty, . or .. segments"));
    }
    let mut escapes = path.split('%');
    // Before the first percent sign there is no escape.
    escapes.next();
    if !escapes.all(is_plain_escape) {
        return Err(Denial::PathAmbiguous(
            "The path must not contain percent escapes of slashes, dots, percent signs or control characters",
        ));
    }
    match String::from_utf8(decoded(path)) {
        Ok(_) => Ok(()),
        Err(_) => Err(Denial::PathAmbiguous("The path's percent escapes must be of valid UTF-8")),
    }
}

/// The bytes that a path with plain escapes stands for.
fn decoded(path: &str) -> Vec<u8> {
    let mut parts = path.split('%');
    // Absent: never, a split has a first part.
    let mut bytes = parts.next().unwrap_or_default().as_bytes().to_vec();
    for part in parts {
        // Absent: never, an escape without two digits was refused.
        let (digits, rest) = part.split_at_checked(2).unwrap_or((part, ""));
        bytes.extend(u8::from_str_radix(digits, 16));
        bytes.extend_from_slice(rest.as_bytes());
    }
    bytes
}

/// Whether what follows a percent sign escapes a character that no reader takes for structure.
fn is_plain_escape(after: &str) -> bool {
    // Absent: no plain escape.
    let byte = after.get(..2).and_then(|digits| u8::from_str_radix(digits, 16).ok());
    let digits = after.bytes().take(2).all(|digit| digit.is_ascii_hexdigit());
    digits && byte.is_some_and(|byte| !byte.is_ascii_control() && !matches!(byte, b'/' | b'\\' | b'.' | b'%'))
}

fn body(headers: &HeaderMap, limits: Limits) -> Result<(), Denial> {
    let mut codings = headers.get_all(TRANSFER_ENCODING).iter();
    let (coding, more) = (codings.next(), codings.next().is_some());
    if more || coding.is_some_and(|coding| !coding.as_bytes().eq_ignore_ascii_case(b"chunked")) {
        return Err(Denial::FramingAmbiguous("Transfer-Encoding must be chunked and nothing else"));
    }
    let Some(declared) = headers.get(CONTENT_LENGTH) else { return Ok(()) };
    // Absent: refused below.
    let length = text(declared).and_then(|text| text.parse::<u64>().ok());
    match length {
        None => Err(Denial::FramingAmbiguous("Content-Length must be a number of bytes")),
        Some(length) if length > limits.body_bytes as u64 => Err(Denial::BodyTooLarge(limits.body_bytes)),
        Some(_) => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn word(request: http::request::Builder) -> &'static str {
        let limits = Limits { header_fields: 5, header_bytes: 200, body_bytes: 10 };
        match check(&request.body(()).unwrap(), limits) {
            Ok(()) => "passed",
            Err(denial) => denial.word(),
        }
    }

    fn get(path: &str) -> http::request::Builder {
        Request::get(path).header("host", "a.example")
    }

    #[test]
    fn a_request_has_one_host_and_its_target_names_no_other() {
        assert_eq!(word(get("/")), "passed");
        assert_eq!(word(get("http://a.example/x")), "passed");
        assert_eq!(word(get("http://b.example/x")), "framing_ambiguous");
        assert_eq!(word(get("http://user@a.example/x")), "framing_ambiguous");
        assert_eq!(
            word(Request::get("http://user@a.example/x").version(Version::HTTP_2)),
            "framing_ambiguous"
        );
        assert_eq!(word(Request::get("http://a.example/x").version(Version::HTTP_2)), "passed");
        assert_eq!(word(Request::get("/")), "header_malformed");
        assert_eq!(word(Request::get("/").version(Version::HTTP_10)), "passed");
        assert_eq!(word(get("/").header("host", "a.example")), "header_doubled");
        for good in ["a.example:80", "[::1]", "[::1]:8080", "127.0.0.1:1", "a.example:"] {
            assert_eq!(word(Request::get("/").header("host", good)), "passed", "{good}");
        }
        for bad in ["", "a b", "user@a.example", "a/b", "a:b", "a:99999", ":80", "a:+80", "a:80:80"] {
            assert_eq!(word(Request::get("/").header("host", bad)), "header_malformed", "{bad}");
        }
    }

    #[test]
    fn single_headers_stand_once_and_no_name_has_an_underscore() {
        let names = [
            "authorization",
            "idempotency-key",
            "x-origin-app",
            "x-active-account",
            "content-type",
            "origin",
        ];
        for name in names {
            assert_eq!(word(get("/").header(name, "1")), "passed", "{name}");
            assert_eq!(word(get("/").header(name, "1").header(name, "1")), "header_doubled", "{name}");
        }
        assert_eq!(word(get("/").header("accept", "1").header("accept", "2")), "passed");
        assert_eq!(word(get("/").header("idempotency_key", "1")), "header_malformed");
    }

    #[test]
    fn each_limit_holds_at_its_edge() {
        let with = |fields: usize| (1..fields).fold(get("/"), |r, i| r.header(format!("x-{i}"), ""));
        assert_eq!((word(with(5)), word(with(6))), ("passed", "headers_too_large"));
        // "/" + "host" + "a.example" + "x" + value
        let bytes = |total: usize| get("/").header("x", "v".repeat(total - 15));
        assert_eq!((word(bytes(200)), word(bytes(201))), ("passed", "headers_too_large"));
        let length = |length: &str| word(get("/").header("content-length", length));
        assert_eq!((length("10"), length("11")), ("passed", "body_too_large"));
        assert_eq!(length("99999999999999999999999"), "framing_ambiguous");
    }

    #[test]
    fn a_body_has_one_framing() {
        let coded = |coding: &str| word(get("/").header("transfer-encoding", coding));
        assert_eq!((coded("chunked"), coded("Chunked")), ("passed", "passed"));
        for bad in ["gzip, chunked", "chunked, chunked", "identity", "xchunked", ""] {
            assert_eq!(coded(bad), "framing_ambiguous", "{bad}");
        }
        let twice = get("/").header("transfer-encoding", "chunked").header("transfer-encoding", "chunked");
        assert_eq!(word(twice), "framing_ambiguous");
    }

    #[test]
    fn a_path_has_one_reading() {
        for good in
            ["/", "/a/b-c_d~e", "/a/", "/a;x=1", "/%61", "/a%20b", "/%C3%A4", "/a.b/..c", "/a?b=%2e%2f"]
        {
            assert_eq!(word(get(good)), "passed", "{good}");
        }
        for bad in [
            "//a", "/a//b", "/a/../b", "/./a", "/a/..", "/%2e%2e", "/%2E", "/a%2fb", "/a%5Cb", "/a%00",
            "/a%0d", "/%", "/%4", "/%zz", "/%ff", "/%c3x", "/%+1", "/%25",
        ] {
            assert_eq!(word(get(bad)), "path_ambiguous", "{bad}");
        }
    }
}

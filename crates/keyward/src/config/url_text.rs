//! URLs and origins, as they are set.

use http::Uri;

/// `*`, or an origin as browsers send it (RFC 6454 §6.2): scheme, host in lower case, and a port that is not the scheme's.
pub(super) fn origin(text: &str) -> Result<(), String> {
    let wrong = || format!("{text:?} is no origin such as https://app.example.com");
    if text == "*" {
        return Ok(());
    }
    let uri: Uri = text.parse().map_err(|_| wrong())?;
    let (scheme, authority) = (uri.scheme_str().ok_or_else(wrong)?, uri.authority().ok_or_else(wrong)?);
    if has_bad_port(&uri) {
        return Err(wrong());
    }
    let usual = matches!((scheme, uri.port_u16()), ("http", Some(80)) | ("https", Some(443)));
    let as_sent = text == format!("{scheme}://{authority}") && text == text.to_ascii_lowercase();
    if as_sent && !usual && !authority.as_str().contains('@') { Ok(()) } else { Err(wrong()) }
}

/// Whether a URL's host is this machine.
pub(super) fn is_loopback_host(host: &str) -> bool {
    let plain = host.trim_start_matches('[').trim_end_matches(']');
    plain == "localhost" || plain.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// Whether what stands in the place of a port is none.
pub(super) fn has_bad_port(uri: &Uri) -> bool {
    uri.authority().is_some_and(|authority| {
        // Absent: an authority begins with its host, or with a user, which is refused elsewhere.
        let rest = authority.as_str().strip_prefix(authority.host()).unwrap_or_default();
        !rest.is_empty() && authority.port_u16().is_none()
    })
}

/// `https://` or `http://`, a host, and a path without a slash at the end.
pub(super) fn public_url(text: &str) -> Result<String, String> {
    let invalid = || "it must be a URL without query, such as https://api.example.com".to_owned();
    let uri: Uri = text.parse().map_err(|_| invalid())?;
    uri.host().filter(|host| !host.is_empty()).ok_or_else(invalid)?;
    match uri.scheme_str() {
        _ if uri.query().is_some() || text.contains('#') => Err(invalid()),
        _ if has_bad_port(&uri) => Err(invalid()),
        _ if uri.authority().is_some_and(|authority| authority.as_str().contains('@')) => {
            Err("it must not hold a user or a password".to_owned())
        }
        // Whether http is allowed is looked at when all is read.
        Some("https" | "http") => Ok(()),
        // Absent: a mistake.
        _ => Err(invalid()),
    }?;
    // Every URL that is sent begins with it to the letter, and whether it is https is read from its first letters.
    if !text.starts_with("https://") && !text.starts_with("http://") {
        return Err("it must begin with https:// in lower case".to_owned());
    }
    if !uri.path().trim_end_matches('/').split('/').skip(1).all(is_plain_segment) {
        return Err("its path must be of letters, digits, hyphens, dots, underscores and tildes".to_owned());
    }
    Ok(text.trim_end_matches('/').to_owned())
}

/// A segment of a path that is the same however it is written, and means nothing to a router.
fn is_plain_segment(segment: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~');
    !matches!(segment, "" | "." | "..") && segment.bytes().all(plain)
}

//! Redirect URIs: which ones a client may have, and when one that was sent is one of them.
//!
//! They are compared as texts (RFC 9700 §2.1). The one exception is the port of a loopback address (RFC 8252 §7.3), which native
//! applications choose as they start; `localhost` counts as one, since that is what they send.

use std::sync::Arc;
use url::{Host, Url};

/// The longest that is taken, in bytes.
pub const MOST: usize = 2_000;

/// Schemes that a browser would execute or read a file for, and those of the web, which have rules of their own.
const NEVER: &[&str] = &[
    "javascript",
    "vbscript",
    "data",
    "file",
    "blob",
    "about",
    "view-source",
    "filesystem",
    "ftp",
    "ws",
    "wss",
    "mailto",
    "tel",
    "chrome",
    "ms-appx",
    "jar",
];

/// Schemes of well-known native applications that have no dot in them.
const KNOWN: &[&str] = &[
    "antigravity",
    "cherrystudio",
    "claude",
    "cursor",
    "goose",
    "jan",
    "kiro",
    "lmstudio",
    "positron",
    "raycast",
    "trae",
    "vscode",
    "vscode-insiders",
    "warp",
    "windsurf",
    "zed",
];

/// The schemes of native applications that the operator has named, besides those that every server takes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Schemes(Arc<[String]>);

impl Schemes {
    /// These, in lower case.
    ///
    /// # Errors
    /// The first that cannot be a native application's: it is no scheme, or one of the web, of files or of scripts.
    pub fn new(names: Vec<String>) -> Result<Self, String> {
        match names.iter().find(|name| !is_native(name)) {
            Some(wrong) => Err(wrong.clone()),
            None => Ok(Self(names.into())),
        }
    }

    /// The names.
    #[must_use]
    pub fn names(&self) -> &[String] {
        &self.0
    }

    /// Whether a client may have this redirect URI: https anywhere; http on loopback; a scheme of a native application, one with a
    /// dot (RFC 8252 §7.1), one that is well known, or one of these. Without a fragment, a user, or a character that is not written
    /// as URIs are.
    #[must_use]
    pub fn are_fit(&self, uri: &str) -> bool {
        is_fit(uri, |scheme| {
            scheme.contains('.') || KNOWN.contains(&scheme) || self.0.iter().any(|own| own == scheme)
        })
    }
}

/// Whether a scheme could be a native application's (RFC 3986 §3.1).
fn is_native(scheme: &str) -> bool {
    let plain =
        |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'+' | b'-' | b'.');
    let begins = scheme.starts_with(|first: char| first.is_ascii_lowercase());
    let of_web = matches!(scheme, "http" | "https");
    begins && scheme.bytes().all(plain) && !of_web && !NEVER.contains(&scheme)
}

/// Whether a URI is written as one must be and leads to the web, to loopback, or to a native application of such a scheme.
fn is_fit(uri: &str, is_known: impl Fn(&str) -> bool) -> bool {
    let plain = |byte: u8| {
        byte.is_ascii_graphic()
            && !matches!(byte, b'\\' | b'"' | b'<' | b'>' | b'`' | b'{' | b'}' | b'|' | b'^' | b'#')
    };
    if uri.is_empty() || uri.len() > MOST || !uri.bytes().all(plain) {
        return false;
    }
    let Ok(url) = Url::parse(uri) else { return false };
    if !url.username().is_empty()
        || url.password().is_some()
        || uri.split('?').next().is_some_and(|part| part.contains('@'))
    {
        return false;
    }
    // Whoever reads it otherwise than we do must not be led elsewhere: the host is written as it is meant.
    let as_written = |host: &str| uri.split("://").nth(1).is_some_and(|rest| rest.starts_with(host));
    match url.scheme() {
        "https" => match url.host() {
            Some(Host::Domain(domain)) => as_written(domain) && !domain.ends_with('.'),
            Some(host) => as_written(&host.to_string()),
            None => false,
        },
        "http" => loopback(uri).is_some(),
        scheme => is_known(scheme) && is_native(scheme) && uri.starts_with(scheme),
    }
}

/// A loopback URI in its parts: what stands before the port, the port, and what stands behind it.
#[must_use]
pub fn loopback(uri: &str) -> Option<(&str, Option<u16>, &str)> {
    let rest = uri.strip_prefix("http://")?;
    // Absent: all of it is the authority.
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, behind) = rest.split_at_checked(end)?;
    let (host, port) = match authority
        .rfind(':')
        .filter(|at| !authority.get(*at..).is_some_and(|rest| rest.contains(']')))
    {
        Some(at) => {
            let digits = authority.get(at + 1..)?;
            let plain = !digits.is_empty()
                && digits.bytes().all(|digit| digit.is_ascii_digit())
                && !digits.starts_with('0');
            // Absent: what is no port is no redirect.
            (authority.get(..at)?, Some(digits.parse().ok().filter(|_| plain)?))
        }
        None => (authority, None),
    };
    let own = host == "localhost" || host == "[::1]" || is_127(host);
    let before = uri.get(.."http://".len() + host.len())?;
    own.then_some((before, port, behind))
}

/// Whether what was sent is https on the origin of this registered URI (RFC 6454 §4), or on the same loopback host.
#[must_use]
pub fn is_on_origin_of(registered: &str, sent: &str) -> bool {
    if !is_fit(sent, |_| false) {
        return false;
    }
    match (loopback(registered), loopback(sent)) {
        (Some((host, ..)), Some((sent_host, ..))) => host == sent_host,
        (None, None) => {
            // Absent: what is no https URL has no such origin.
            let origin = |uri: &str| Url::parse(uri).ok().filter(|url| url.scheme() == "https");
            let (own, sent) = (origin(registered), origin(sent));
            own.zip(sent).is_some_and(|(own, sent)| own.origin() == sent.origin())
        }
        // Absent: one is of this machine, the other is not.
        _ => false,
    }
}

/// Whether it is an address of 127.0.0.0/8 in its usual spelling.
fn is_127(host: &str) -> bool {
    host.parse::<std::net::Ipv4Addr>()
        .is_ok_and(|address| address.is_loopback() && address.to_string() == host)
}

/// Whether what was sent is this registered URI.
#[must_use]
pub fn matches(registered: &str, sent: &str) -> bool {
    if registered == sent {
        return true;
    }
    match (loopback(registered), loopback(sent)) {
        (Some((host, _, behind)), Some((sent_host, _, sent_behind))) => {
            host == sent_host && behind == sent_behind && is_fit(sent, |_| false)
        }
        // Absent: any other scheme is not taken.
        _ => false,
    }
}

/// The host that a person is told, with its port if it is not the usual one; of a native application's URI, its scheme.
#[must_use]
pub fn host(uri: &str) -> String {
    let Ok(url) = Url::parse(uri) else { return String::new() };
    match (url.scheme(), url.host_str(), url.port()) {
        ("https" | "http", Some(host), Some(port)) => format!("{host}:{port}"),
        ("https" | "http", Some(host), None) => host.to_owned(),
        (scheme, ..) => format!("{scheme}:"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn only_the_port_of_a_loopback_address_may_differ() {
        for (registered, sent) in [
            ("http://localhost/callback", "http://localhost:53121/callback"),
            ("http://127.0.0.1/", "http://127.0.0.1:33418/"),
            ("http://127.0.0.1:33418/", "http://127.0.0.1:4000/"),
            ("http://[::1]/cb?x=1", "http://[::1]:9/cb?x=1"),
            ("https://app.example/cb", "https://app.example/cb"),
            ("cursor://anysphere.cursor-mcp/oauth/callback", "cursor://anysphere.cursor-mcp/oauth/callback"),
        ] {
            let fit = Schemes::default().are_fit(registered);
            assert!(fit && matches(registered, sent), "{registered} {sent}");
        }
        for (registered, sent) in [
            ("http://localhost/callback", "http://127.0.0.1:53121/callback"),
            ("http://localhost/callback", "http://localhost:53121/callback/"),
            ("http://localhost/callback", "http://localhost:53121/Callback"),
            ("http://localhost/callback", "http://localhost:0/callback"),
            ("http://localhost/callback", "http://localhost:99999/callback"),
            ("http://localhost/callback", "http://localhost:/callback"),
            ("http://localhost/callback", "http://localhost:80@evil.example/callback"),
            ("http://localhost/callback", "http://localhost.evil.example/callback"),
            ("http://localhost/callback", "https://localhost:53121/callback"),
            ("http://127.0.0.1/", "http://127.1:80/"),
            ("http://127.0.0.1/", "http://2130706433/"),
            ("https://app.example/cb", "https://app.example:8443/cb"),
            ("https://app.example/cb", "https://app.example/cb?x=1"),
        ] {
            assert!(!matches(registered, sent), "{registered} {sent}");
        }
    }

    #[test]
    fn what_a_client_may_not_have() {
        for unfit in [
            "",
            "/callback",
            "javascript:alert(1)",
            "data:text/html,x",
            "file:///etc/passwd",
            "http://app.example/cb",
            "http://10.0.0.1/cb",
            "https://app.example/cb#x",
            "https://a@app.example/cb",
            "https://app.example\\cb",
            "https:///cb",
            "https://",
            "myapp:/cb",
            "https://APP.example/cb",
            "https://app.example./cb",
            "http://0.0.0.0/cb",
            "https://[::1",
            "https://ex ample/",
            "http://localhost.example/cb",
            "JAVASCRIPT.x:alert(1)",
            "https://1.1/cb",
        ] {
            assert!(!Schemes::default().are_fit(unfit), "{unfit}");
        }
    }

    #[test]
    fn the_operator_names_schemes_and_none_that_a_browser_would_execute() {
        let schemes = |names: &[&str]| Schemes::new(names.iter().map(|name| (*name).to_owned()).collect());
        let own = schemes(&["myapp", "web+notes"]).unwrap();
        for uri in ["myapp://callback", "myapp:/cb?x=1", "web+notes://cb", "kiro://kiro.oauth/callback"] {
            assert!(own.are_fit(uri), "{uri}");
        }
        for uri in ["other://callback", "MYAPP://callback", "myapp://a@b/", "myapp://cb#x", "javascript:x"] {
            assert!(!own.are_fit(uri), "{uri}");
        }
        for name in ["javascript", "data", "file", "https", "http", "Myapp", "my app", "1app", "", "myapp:"] {
            assert_eq!(schemes(&["good", name]), Err(name.to_owned()), "{name}");
        }
    }

    proptest! {
        #[test]
        fn a_match_is_the_same_text_or_the_same_loopback_but_for_the_port(a in "[a-z:/.@\\[\\]0-9?#%]{0,24}", b in "[a-z:/.@\\[\\]0-9?#%]{0,24}") {
            let (one, other) = (format!("http://localhost{a}"), format!("http://localhost{b}"));
            if matches(&one, &other) && one != other {
                let (left, right) = (Url::parse(&one).unwrap(), Url::parse(&other).unwrap());
                prop_assert_eq!(left.host_str(), right.host_str());
                prop_assert_eq!(left.path(), right.path());
                prop_assert_eq!(left.query(), right.query());
            }
        }
    }
}

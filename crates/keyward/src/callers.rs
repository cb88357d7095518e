//! Whose pages may call from a browser. One list: the CORS protocol and the check of `Origin` at the MCP endpoint both ask here.
//!
//! - Those that `[cors] origins` names; `*` names all.
//! - Our own: that of `public_url`.
//! - Where `public_url` is on loopback, those of this machine by any port: developers' tools are such pages.

use crate::current::Current;
use http::HeaderValue;
use url::{Host, Url};

/// The list. Clones see the same configuration.
#[derive(Clone, Debug)]
pub(crate) struct Callers {
    current: Current,
    /// The origin of `public_url`, as browsers send it.
    own: Option<String>,
    /// Whether `public_url` is on loopback.
    on_loopback: bool,
}

impl Callers {
    /// Of a server at this address.
    pub(crate) fn at(public_url: &str, current: Current) -> Self {
        // Absent: what is no URL has no origin of its own.
        let url = Url::parse(public_url).ok();
        let own = url.as_ref().map(|url| url.origin().ascii_serialization());
        let on_loopback = url.as_ref().and_then(Url::host).is_some_and(is_loopback);
        Self { current, own, on_loopback }
    }

    /// Whether pages of this origin may call.
    pub(crate) fn include(&self, origin: &[u8]) -> bool {
        let listed = |named: &String| named == "*" || named.as_bytes() == origin;
        self.current.glance(|now| now.origins.iter().any(listed))
            || self.own.as_ref().is_some_and(|own| own.as_bytes() == origin)
            || (self.on_loopback && is_of_this_machine(origin))
    }

    /// Whether an answer may depend on the origin of the page, here of a request with this `Origin`.
    pub(crate) fn may_include(&self, origin: Option<&HeaderValue>) -> bool {
        self.current.glance(|now| !now.origins.is_empty()) || (self.on_loopback && origin.is_some())
    }
}

fn is_loopback(host: Host<&str>) -> bool {
    match host {
        Host::Domain(name) => name == "localhost",
        Host::Ipv4(address) => address.is_loopback(),
        Host::Ipv6(address) => address.is_loopback(),
    }
}

/// Whether it is the origin, as browsers send it, of a page on this machine's loopback without TLS.
fn is_of_this_machine(origin: &[u8]) -> bool {
    let is_port = |rest: &[u8]| match rest.split_first() {
        // The usual port, which browsers leave out.
        None => true,
        Some((first, port)) => *first == b':' && !port.is_empty() && port.iter().all(u8::is_ascii_digit),
    };
    let hosts = ["http://localhost", "http://127.0.0.1", "http://[::1]"];
    hosts.iter().any(|host| origin.strip_prefix(host.as_bytes()).is_some_and(is_port))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::current::Reloadable;

    fn callers(public_url: &str, named: &[&str]) -> Callers {
        let origins = named.iter().map(|name| (*name).to_owned()).collect();
        Callers::at(public_url, Current::new(Reloadable { origins, ..Reloadable::default() }))
    }

    #[test]
    fn pages_of_named_origins_may_call_and_on_loopback_those_of_the_machine() {
        let page = "https://app.example";
        let all = ["https://evil.example", "null", "http://localhost:3000", page];
        let allowed = |callers: &Callers| all.map(|origin| callers.include(origin.as_bytes()));
        for (public_url, named, expected) in [
            ("https://api.example/lev", vec![], [false, false, false, false]),
            ("https://api.example/lev", vec![page], [false, false, false, true]),
            ("https://api.example", vec!["*"], [true, true, true, true]),
            ("http://127.0.0.1:8080", vec![], [false, false, true, false]),
            ("http://localhost", vec![page], [false, false, true, true]),
        ] {
            assert_eq!(allowed(&callers(public_url, &named)), expected, "{public_url} {named:?}");
        }
        let own = callers("https://api.example:8443/lev", &[]);
        assert!(own.include(b"https://api.example:8443") && !own.include(b"https://api.example"));
        let local = callers("http://127.0.0.1:8080", &[]);
        for good in ["http://localhost", "http://127.0.0.1:1", "http://[::1]:9"] {
            assert!(local.include(good.as_bytes()), "{good}");
        }
        for bad in [
            "http://localhost.evil.example",
            "http://localhost:80@evil.example",
            "http://localhost:",
            "https://localhost",
            "http://127.0.0.1.evil.example:80",
            "http://192.168.0.1",
        ] {
            assert!(!local.include(bad.as_bytes()), "{bad}");
        }
        assert!(!local.include(b"http://localhost:\xff"));
    }
}

//! Our cookies: the session, what tells this browser from others, and a secret that is shown once.
//!
//! Over https each has the prefix `__Host-`: set by this host alone, for all of it, and sent over https only (RFC 6265bis §4.1.3).
//! On plain http, which is for loopback, a browser would not take that prefix.

use http::HeaderMap;
use http::header::COOKIE;

/// One of our cookies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cookie {
    Session,
    Browser,
    Shown,
}

impl Cookie {
    fn name(self, https: bool) -> String {
        let prefix = if https { "__Host-" } else { "" };
        let name = match self {
            Self::Session => "keyward_session",
            Self::Browser => "keyward_browser",
            Self::Shown => "keyward_shown",
        };
        format!("{prefix}{name}")
    }

    /// Its value. Of one that stands twice there is none: another program on this host has set one.
    pub(super) fn of(self, headers: &HeaderMap, https: bool) -> Option<&str> {
        let name = self.name(https);
        let lines = headers.get_all(COOKIE).iter().filter_map(|line| line.to_str().ok());
        let mut own = lines.flat_map(|line| line.split(';')).filter_map(|pair| {
            let (own, value) = pair.trim().split_once('=')?;
            (own == name).then_some(value)
        });
        match (own.next(), own.next()) {
            (Some(value), None) => Some(value),
            _ => None,
        }
    }

    /// The field that sets it, for so many seconds; 0 takes it away; `None`: until the browser is closed.
    pub(super) fn set(self, value: &str, seconds: Option<i64>, https: bool) -> String {
        let age = seconds.map(|seconds| format!("; Max-Age={seconds}")).unwrap_or_default();
        let secure = if https { "; Secure" } else { "" };
        format!("{}={value}; Path=/; HttpOnly; SameSite=Lax{secure}{age}", self.name(https))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn over_https_a_cookie_is_of_this_host_alone() {
        assert_eq!(
            Cookie::Session.set("x", Some(60), true),
            "__Host-keyward_session=x; Path=/; HttpOnly; SameSite=Lax; Secure; Max-Age=60"
        );
        let mut headers = HeaderMap::new();
        headers.append(COOKIE, "a=b; keyward_session=one".parse().unwrap());
        assert_eq!(Cookie::Session.of(&headers, false), Some("one"));
        assert_eq!(Cookie::Session.of(&headers, true), None);
        headers.append(COOKIE, "keyward_session=two".parse().unwrap());
        assert_eq!(Cookie::Session.of(&headers, false), None);
    }
}

//! Our cookies: the session, what tells this browser from others, a secret that is shown once, and who signed in before.
//!
//! Over https each has the prefix `__Host-`: set by this host alone, for all of it, and sent over https only (RFC 6265bis §4.1.3).
//! On plain http, which is for loopback, a browser would not take that prefix.

use http::HeaderMap;
use http::header::COOKIE;
use keyward_core::header_text::{parts, text};

/// One of our cookies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cookie {
    Session,
    Browser,
    Shown,
    /// The marks of users who signed in before.
    Known,
}

impl Cookie {
    fn name(self, https: bool) -> String {
        let prefix = if https { "__Host-" } else { "" };
        let name = match self {
            Self::Session => "keyward_session",
            Self::Browser => "keyward_browser",
            Self::Shown => "keyward_shown",
            Self::Known => "keyward_known",
        };
        format!("{prefix}{name}")
    }

    /// Its value. Of one that stands twice there is none: another program on this host has set one. What other cookies hold is
    /// not looked at: any host of the site can set one, of any bytes, and a browser sends them all in one line.
    pub(super) fn of(self, headers: &HeaderMap, https: bool) -> Option<&str> {
        let name = self.name(https);
        let mut own = parts(headers.get_all(COOKIE), b';')
            .filter_map(|pair| pair.strip_prefix(name.as_bytes())?.strip_prefix(b"="));
        match (own.next(), own.next()) {
            (Some(value), None) => text(value),
            (None, _) | (Some(_), Some(_)) => None,
        }
    }

    /// The field that sets it, for so many seconds; 0 takes it away; `None`: until the browser is closed.
    pub(super) fn set(self, value: &str, seconds: Option<i64>, https: bool) -> String {
        // Absent: the browser forgets it when it is closed.
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

    #[test]
    fn only_our_own_value_must_be_text() {
        let of = |line: &[u8]| {
            let headers = HeaderMap::from_iter([(COOKIE, http::HeaderValue::from_bytes(line).unwrap())]);
            Cookie::Session.of(&headers, false).map(str::to_owned)
        };
        for beside in
            [b"name=M\xfcller".as_slice(), "name=M\u{fc}ller".as_bytes(), b"\x80", b"\xff=", b"\t", b"", b"x"]
        {
            assert_eq!(
                of(&[beside, b"; keyward_session=one;", beside].concat()).as_deref(),
                Some("one"),
                "{beside:?}"
            );
        }
        assert_eq!(
            of(&[b"a;".repeat(1000), b"keyward_session=one".to_vec()].concat()).as_deref(),
            Some("one")
        );
        for none in [
            b"keyward_session=\xff".as_slice(),
            b"keyward_session",
            b"keyward_sessions=one",
            b"xkeyward_session=one",
        ] {
            assert_eq!(of(none), None, "{none:?}");
        }
        assert_eq!(of(b"keyward_session=one; keyward_session=\xff"), None, "it stands twice");
    }
}

//! What an answer of HTTP/1.1 reports about its connection: how long it may be idle, or that it ends. A client that knows sends nothing
//! into a connection that is about to be closed.

use http::header::CONNECTION;
use http::{HeaderMap, HeaderName, HeaderValue, Request, Version};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

const KEEP_ALIVE: HeaderName = HeaderName::from_static("keep-alive");

/// Whether the server is about to stop: it serves still, and asks its clients to go elsewhere. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct Leaving(Arc<AtomicBool>);

impl Leaving {
    /// From now on it is.
    pub fn begin(&self) {
        self.0.store(true, Ordering::SeqCst);
    }

    /// Whether it is.
    #[must_use]
    pub fn has_begun(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }
}

/// What the answers of one connection report.
#[derive(Clone, Debug)]
pub(super) struct KeepAlive {
    timeout: HeaderValue,
    leaving: Leaving,
}

impl KeepAlive {
    /// Of a connection that may be idle for so long.
    pub(super) fn new(idle: Duration, leaving: Leaving) -> Self {
        // Absent: never, it is made of letters and digits; such a header would announce nothing.
        let timeout = HeaderValue::try_from(format!("timeout={}", idle.as_secs()));
        Self { timeout: timeout.unwrap_or(HeaderValue::from_static("")), leaving }
    }

    /// Reports it, unless the answer has said already that the connection ends.
    pub(super) fn report(self, headers: &mut HeaderMap) {
        if headers.contains_key(CONNECTION) {
            return;
        }
        if self.leaving.has_begun() {
            headers.insert(CONNECTION, HeaderValue::from_static("close"));
            return;
        }
        // The field belongs to this connection alone, so it is named there (RFC 9110 §7.6.1).
        headers.insert(CONNECTION, HeaderValue::from_static("keep-alive"));
        headers.insert(KEEP_ALIVE, self.timeout);
    }
}

/// Whether the connection of this request ends with its answer: its client wants it, or is of HTTP/1.0, for which hyper decides.
pub(super) fn ends<B>(request: &Request<B>) -> bool {
    let close = |value: &HeaderValue| {
        let mut options = value.as_bytes().split(|byte| *byte == b',').map(<[u8]>::trim_ascii);
        options.any(|option| option.eq_ignore_ascii_case(b"close"))
    };
    request.version() != Version::HTTP_11 || request.headers().get_all(CONNECTION).iter().any(close)
}

#[cfg(test)]
mod tests {
    use super::*;
    use keyward_core::header_text::text;

    fn reported(leaving: &Leaving, said: Option<&'static str>) -> (String, Option<String>) {
        let mut headers = HeaderMap::new();
        headers.extend(said.map(|said| (CONNECTION, HeaderValue::from_static(said))));
        KeepAlive::new(Duration::from_secs(15), leaving.clone()).report(&mut headers);
        let said = |name| headers.get(name).map(|value| text(value).unwrap().to_owned());
        (said(CONNECTION).unwrap(), said(KEEP_ALIVE))
    }

    #[test]
    fn an_answer_announces_how_long_its_connection_may_be_idle_or_that_it_ends() {
        let leaving = Leaving::default();
        let kept = ("keep-alive".to_owned(), Some("timeout=15".to_owned()));
        assert_eq!(reported(&leaving, None), kept);
        let ends = ("close".to_owned(), None);
        assert_eq!(reported(&leaving, Some("close")), ends);
        leaving.begin();
        assert_eq!(reported(&leaving, None), ends);
    }

    #[test]
    fn a_request_ends_its_connection_by_close_alone() {
        for (said, version, expected) in [
            (None, Version::HTTP_11, false),
            (Some("keep-alive"), Version::HTTP_11, false),
            (Some("TE, Close"), Version::HTTP_11, true),
            (Some("closed"), Version::HTTP_11, false),
            (None, Version::HTTP_10, true),
            (None, Version::HTTP_2, true),
        ] {
            let request = Request::builder().version(version);
            let request = said.into_iter().fold(request, |request, said| request.header(CONNECTION, said));
            assert_eq!(ends(&request.body(()).unwrap()), expected, "{said:?} {version:?}");
        }
    }
}

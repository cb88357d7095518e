//! Fetching an issuer's documents: https, or http on loopback; no redirects; bounded in time and length.

use super::Document;
use crate::config::is_issuer_url;
use crate::dns::Dns;
use crate::outgoing::{self, Outgoing};
use crate::watch::Degraded;
use http::header::{ACCEPT, CACHE_CONTROL};
use http::{HeaderMap, StatusCode};
use keyward_core::header_text::readable;
use keyward_core::jwt::{FETCH_DEADLINE, KeySetError, MAX_BYTES};
use reqwest::redirect::Policy;
use std::sync::Arc;
use std::time::Duration;

/// Why an issuer's document could not be had, in a sentence for the operator.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// The machine's certificates cannot be used.
    #[error("the machine's root certificates cannot be used: {0}")]
    Certificates(String),
    /// The address is none that may be asked.
    #[error("{0:?} is no https URL (plain http is for loopback only)")]
    Address(String),
    /// Nobody answered, or not in time, or with a certificate that is not trusted.
    #[error("{url} could not be reached: {cause}")]
    Unreachable {
        /// What was asked for.
        url: String,
        /// What went wrong.
        cause: String,
    },
    /// It was answered with something else than 200.
    #[error("{url} answered {status}{}", if status.is_redirection() { ", and redirects are not followed" } else { "" })]
    Status {
        /// What was asked for.
        url: String,
        /// The status.
        status: StatusCode,
    },
    /// It is longer than is read.
    #[error("{0} is longer than {MAX_BYTES} bytes")]
    TooLong(String),
    /// It is not metadata of an issuer.
    #[error("{url} is not the metadata of an issuer: {what}")]
    Metadata {
        /// What was asked for.
        url: String,
        /// What is wrong with it.
        what: String,
    },
    /// It says that it is somebody else's.
    #[error(
        "{url} is the metadata of {found:?}, and not of {expected:?}: they must be the same to the letter"
    )]
    Issuer {
        /// What was asked for.
        url: String,
        /// The issuer that it names.
        found: String,
        /// The issuer that is configured.
        expected: String,
    },
    /// Its keys cannot be used.
    #[error(transparent)]
    Keys(#[from] KeySetError),
}

impl FetchError {
    /// Whether the server there says that nothing is there. Everything else is an outage, or a mistake.
    pub(crate) fn is_gone(&self) -> bool {
        matches!(self, Self::Status { status: StatusCode::NOT_FOUND | StatusCode::GONE, .. })
    }

    /// Nothing came from there within the deadline.
    pub(crate) fn late(url: &str) -> Self {
        Self::Unreachable { url: url.to_owned(), cause: late() }
    }
}

fn late() -> String {
    format!("no whole answer within {} s", FETCH_DEADLINE.as_secs())
}

/// Fetches. Clones share their connections.
#[derive(Clone, Debug)]
pub(crate) struct Web {
    https: Arc<Outgoing>,
    /// For plain http, which never leaves the machine: no proxy that the environment names gets to see it, and no certificate
    /// is needed.
    loopback: Arc<Outgoing>,
}

impl Web {
    pub(crate) fn new(degraded: &Degraded) -> Self {
        let dns = Arc::new(Dns::new());
        let client = move || {
            reqwest::Client::builder()
                .user_agent(concat!("keyward/", env!("CARGO_PKG_VERSION")))
                .redirect(Policy::none())
                .timeout(FETCH_DEADLINE)
                .http1_only()
                .dns_resolver(Arc::clone(&dns))
        };
        let loopback = client.clone();
        Self {
            https: Arc::new(Outgoing::new(degraded, client)),
            loopback: Arc::new(Outgoing::plain(move || loopback().no_proxy())),
        }
    }

    /// Looks whether anything can be fetched by https, which the log says if not.
    pub(crate) fn prepare(&self) {
        // Absent: the next fetch tries again.
        let _ = self.https.client();
    }

    /// Gets a document.
    pub(crate) async fn get(&self, url: &str) -> Result<Document, FetchError> {
        if !is_issuer_url(url) {
            return Err(FetchError::Address(url.to_owned()));
        }
        let unreachable =
            |error: reqwest::Error| FetchError::Unreachable { url: url.to_owned(), cause: causes(&error) };
        let client = if url.starts_with("https:") { &self.https } else { &self.loopback };
        let client = client.client().map_err(FetchError::Certificates)?;
        let mut response =
            client.get(url).header(ACCEPT, "application/json").send().await.map_err(unreachable)?;
        if response.status() != StatusCode::OK {
            return Err(FetchError::Status { url: url.to_owned(), status: response.status() });
        }
        let max_age = max_age(response.headers());
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(unreachable)? {
            if body.len() + chunk.len() > MAX_BYTES {
                return Err(FetchError::TooLong(url.to_owned()));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Document { body, max_age })
    }
}

/// The seconds of `max-age` in `Cache-Control`; what may not be stored has none (RFC 9111 §5.2.2).
pub(crate) fn max_age(headers: &HeaderMap) -> Option<Duration> {
    let directives = || readable(headers.get_all(CACHE_CONTROL), b',');
    if directives().any(|one| one.eq_ignore_ascii_case("no-store") || one.eq_ignore_ascii_case("no-cache")) {
        return Some(Duration::ZERO);
    }
    directives().find_map(|directive| {
        let (name, seconds) = directive.split_once('=')?;
        // Absent: no number of seconds, so no age is named, and the usual five minutes hold.
        let seconds = seconds.trim_matches('"').parse().ok()?;
        name.eq_ignore_ascii_case("max-age").then(|| Duration::from_secs(seconds))
    })
}

/// An error with its causes; the URL stands beside it.
fn causes(error: &reqwest::Error) -> String {
    if error.is_timeout() { late() } else { outgoing::causes(error) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::watch::Part;

    #[test]
    fn a_client_for_loopback_that_can_be_made_does_not_say_that_root_certificates_can_be_used() {
        let degraded = Degraded::default();
        let web = Web::new(&degraded);
        degraded.fails(Part::RootCertificates);
        assert!(web.loopback.client().is_ok());
        assert!(!degraded.fails(Part::RootCertificates), "it is still shown");
    }

    #[test]
    fn an_age_is_read_from_cache_control() {
        let seconds = |text: &str| {
            let headers = HeaderMap::from_iter([(CACHE_CONTROL, text.parse().unwrap())]);
            max_age(&headers).map(|age| age.as_secs())
        };
        for (text, age) in [
            ("public, max-age=15, stale-while-revalidate=15", Some(15)),
            ("Max-Age=\"3600\"", Some(3600)),
            ("no-store", Some(0)),
            ("max-age=60, no-cache", Some(0)),
            ("public", None),
            ("max-age=-1", None),
            ("", None),
        ] {
            assert_eq!(seconds(text), age, "{text}");
        }
    }

    #[test]
    fn a_directive_that_cannot_be_read_voids_itself_alone_and_all_lines_are_one_list() {
        let seconds = |lines: &[&[u8]]| {
            let line = |line: &&[u8]| (CACHE_CONTROL, http::HeaderValue::from_bytes(line).unwrap());
            max_age(&lines.iter().map(line).collect()).map(|age| age.as_secs())
        };
        for bad in [b"\x80".as_slice(), b"\xff", b"max-age=\xff", b"\t", b"", b"public", &b"a,".repeat(1000)]
        {
            assert_eq!(seconds(&[&[bad, b", max-age=60 ,", bad].concat()]), Some(60), "{bad:?}");
            assert_eq!(seconds(&[bad, b"max-age=60", bad]), Some(60), "{bad:?}");
            assert_eq!(seconds(&[b"max-age=60", bad, b"no-store"]), Some(0), "{bad:?}");
        }
    }
}

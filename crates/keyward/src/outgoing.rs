//! A client for HTTP to other servers that is made when it can be: a machine without root certificates (an image made from scratch)
//! serves everything that needs none. What could not be made at the start is tried again at each use.

use crate::watch::{Degraded, Part};
use reqwest::{Client, ClientBuilder};
use std::error::Error;
use std::fmt;
use std::sync::{Mutex, PoisonError};

/// The client, or the way to make it.
pub(crate) struct Outgoing {
    build: Box<dyn Fn() -> ClientBuilder + Send + Sync>,
    made: Mutex<Option<Client>>,
    /// Where it is shown whether the root certificates can be used; `None`: it needs none.
    degraded: Option<Degraded>,
}

impl Outgoing {
    pub(crate) fn new(
        degraded: &Degraded,
        build: impl Fn() -> ClientBuilder + Send + Sync + 'static,
    ) -> Self {
        Self { build: Box::new(build), made: Mutex::default(), degraded: Some(degraded.clone()) }
    }

    /// For plain http alone. That it can be made says nothing about the root certificates.
    pub(crate) fn plain(build: impl Fn() -> ClientBuilder + Send + Sync + 'static) -> Self {
        let build = move || build().tls_certs_only([]);
        Self { build: Box::new(build), made: Mutex::default(), degraded: None }
    }

    /// The client.
    ///
    /// # Errors
    /// Why there is none now: the machine's root certificates cannot be used.
    pub(crate) fn client(&self) -> Result<Client, String> {
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(client) = &*made {
            return Ok(client.clone());
        }
        let built = (self.build)().build().map_err(|error| causes(&error));
        self.report(built.as_ref().err());
        *made = built.as_ref().ok().cloned();
        built
    }

    fn report(&self, error: Option<&String>) {
        let Some(degraded) = &self.degraded else { return };
        match error {
            Some(error) if degraded.fails(Part::RootCertificates) => tracing::warn!(
                error,
                "the machine's root certificates cannot be used: until they can, keys of issuers and documents of clients that are \
                 fetched by https are answered 503; install the system's ca-certificates, or name a file in SSL_CERT_FILE"
            ),
            None if degraded.works(Part::RootCertificates) => {
                tracing::info!("the machine's root certificates can be used");
            }
            // It was said.
            Some(_) | None => {}
        }
    }
}

impl fmt::Debug for Outgoing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outgoing").field("made", &self.made).finish_non_exhaustive()
    }
}

/// A client for what begins at this URL. Plain http needs no root certificates; what it leads to by https does, so they are left
/// out only where they cannot be used.
///
/// # Errors
/// When it cannot be made.
pub(crate) fn client_for(url: &str, builder: impl Fn() -> ClientBuilder) -> reqwest::Result<Client> {
    match builder().build() {
        Err(_) if url.starts_with("http:") => builder().tls_certs_only([]).build(),
        built => built,
    }
}

/// All causes of an error, without itself: it repeats the URL.
pub(crate) fn causes(error: &reqwest::Error) -> String {
    let mut text = String::new();
    let mut cause: Option<&dyn Error> = error.source();
    while let Some(one) = cause {
        let sentence = one.to_string();
        if !text.contains(&sentence) {
            if !text.is_empty() {
                text.push_str(": ");
            }
            text.push_str(&sentence);
        }
        cause = one.source();
    }
    if text.is_empty() { error.to_string() } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

    #[test]
    fn what_cannot_be_made_at_the_start_is_made_at_a_later_use_and_once() {
        let (there, builds) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU32::new(0)));
        let degraded = Degraded::default();
        let (look, count) = (Arc::clone(&there), Arc::clone(&builds));
        let outgoing = Outgoing::new(&degraded, move || {
            count.fetch_add(1, Ordering::Relaxed);
            // A header that is no text fails as certificates do that are not there.
            let agent = if look.load(Ordering::Relaxed) { "keyward" } else { "\n" };
            Client::builder().user_agent(agent).tls_certs_only([])
        });
        for _ in 0..2 {
            assert!(outgoing.client().is_err());
            assert!(!degraded.fails(Part::RootCertificates), "it is shown");
        }
        there.store(true, Ordering::Relaxed);
        assert!(outgoing.client().is_ok() && outgoing.client().is_ok());
        assert_eq!(builds.load(Ordering::Relaxed), 3, "one that was made is kept");
        assert!(!degraded.works(Part::RootCertificates), "it is shown no more");
    }

    #[test]
    fn a_client_that_begins_by_http_does_without_root_certificates_only_where_they_cannot_be_used() {
        // How often it is tried, where the first so many tries fail as without certificates.
        let tries = |url: &str, failing: u32| {
            let count = AtomicU32::new(0);
            let made = client_for(url, || {
                let fails = count.fetch_add(1, Ordering::Relaxed) < failing;
                Client::builder().user_agent(if fails { "\n" } else { "keyward" }).tls_certs_only([])
            });
            (made.is_ok(), count.into_inner())
        };
        assert_eq!(tries("http://localhost:8080/mcp", 0), (true, 1), "with them");
        assert_eq!(tries("http://localhost:8080/mcp", 1), (true, 2));
        assert_eq!(tries("https://api.example.com/mcp", 1), (false, 1));
    }
}

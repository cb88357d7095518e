//! Where an issuer's keys are: as configured, or as its metadata say (OpenID Connect Discovery §4, RFC 8414 §3).

use super::fetch::{FetchError, Web};
use super::{Document, KeySource};
use crate::config::IssuerConfig;
use keyward_core::BoxFuture;
use keyward_core::json::{self, Json};
use keyward_core::jwt::FETCH_DEADLINE;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// Where metadata can be, in the order in which it is looked for: OpenID Connect appends to the issuer; RFC 8414 puts its path
/// between host and path, and some append it as well.
pub(crate) fn places(issuer: &str) -> Vec<String> {
    let base = issuer.trim_end_matches('/');
    let mut places = vec![format!("{base}/.well-known/openid-configuration")];
    // Absent: never, an issuer without `https://` or `http://` is refused at the start.
    let authority = base.find("://").map_or(0, |at| at + 3);
    let path = base.get(authority..).and_then(|rest| rest.find('/')).map(|at| authority + at);
    // Absent: no path behind the host.
    let (host, path) = base.split_at_checked(path.unwrap_or(base.len())).unwrap_or((base, ""));
    places.push(format!("{host}/.well-known/oauth-authorization-server{path}"));
    if !path.is_empty() {
        places.push(format!("{base}/.well-known/oauth-authorization-server"));
    }
    places
}

/// What the metadata say.
#[derive(Clone, Debug)]
pub(crate) struct Metadata {
    /// Where the keys are.
    pub(crate) jwks_uri: String,
    /// The document.
    pub(crate) document: Json,
}

/// Reads metadata: they must be those of the issuer, to the letter (RFC 8414 §3.3).
pub(crate) fn read(url: &str, issuer: &str, body: &[u8]) -> Result<Metadata, FetchError> {
    let wrong = |what: &str| FetchError::Metadata { url: url.to_owned(), what: what.to_owned() };
    let document = json::parse(body).map_err(|error| wrong(&error.to_string()))?;
    let found = text(&document, "issuer").ok_or_else(|| wrong("issuer is missing"))?;
    if found != issuer {
        let found = found.chars().take(200).collect();
        let (url, expected) = (url.to_owned(), issuer.to_owned());
        return Err(FetchError::Issuer { url, found, expected });
    }
    let jwks_uri = text(&document, "jwks_uri").ok_or_else(|| wrong("jwks_uri is missing"))?.to_owned();
    Ok(Metadata { jwks_uri, document })
}

/// A text of a document.
pub(crate) fn text<'d>(document: &'d Json, name: &str) -> Option<&'d str> {
    member(document, name)?.as_text()
}

/// A member of a document.
pub(crate) fn member<'d>(document: &'d Json, name: &str) -> Option<&'d Json> {
    let Json::Object(members) = document else { return None };
    members.iter().find(|(own, _)| own == name).map(|(_, value)| value)
}

/// Looks for the metadata of an issuer. Where several places fail, the first one's failure is the answer, unless a later one was
/// there and wrong. That nothing is there is the answer only where nothing is at any of them.
pub(crate) async fn discover(web: &Web, issuer: &str) -> Result<Metadata, FetchError> {
    let mut first: Option<FetchError> = None;
    for url in places(issuer) {
        match web.get(&url).await.and_then(|document| read(&url, issuer, &document.body)) {
            Ok(metadata) => return Ok(metadata),
            Err(wrong @ FetchError::Issuer { .. }) => return Err(wrong),
            // Whoever cannot be reached at one path is not at another.
            Err(unreachable @ FetchError::Unreachable { .. }) => {
                // Absent: this failure is the first.
                return Err(first.filter(|error| !error.is_gone()).unwrap_or(unreachable));
            }
            Err(error) if error.is_gone() => first = first.or(Some(error)),
            Err(error) => first = first.filter(|first| !first.is_gone()).or(Some(error)),
        }
    }
    // Absent: never, one place at least was looked at.
    Err(first.unwrap_or_else(|| FetchError::Address(issuer.to_owned())))
}

/// The keys of a configured issuer.
#[derive(Debug)]
pub(crate) struct OfIssuer {
    issuer: String,
    fixed: Option<String>,
    web: Web,
    /// Where they were found last.
    found: Mutex<Option<String>>,
}

impl OfIssuer {
    pub(crate) fn new(configured: &IssuerConfig, web: Web) -> Self {
        Self {
            issuer: configured.issuer.clone(),
            fixed: configured.jwks_uri.clone(),
            web,
            found: Mutex::default(),
        }
    }
}

impl OfIssuer {
    /// The key set, from where the metadata say that it is. The metadata are read again each time, since an issuer may move
    /// its keys and leave something else in their place. Where they cannot be reached, or nothing is there, the keys may be where
    /// they were: half of the deadline is left for them.
    async fn document(&self) -> Result<Document, FetchError> {
        if let Some(fixed) = &self.fixed {
            return self.web.get(fixed).await;
        }
        let known = self.found.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let most = if known.is_some() { FETCH_DEADLINE / 2 } else { FETCH_DEADLINE };
        let place = match (within(most, &self.issuer, discover(&self.web, &self.issuer)).await, known) {
            (Ok(metadata), _) => metadata.jwks_uri,
            (Err(FetchError::Unreachable { .. } | FetchError::Status { .. }), Some(known)) => known,
            (Err(error), _) => return Err(error),
        };
        let fetched = self.web.get(&place).await?;
        *self.found.lock().unwrap_or_else(PoisonError::into_inner) = Some(place);
        Ok(fetched)
    }
}

impl KeySource for OfIssuer {
    fn fetch(&self) -> BoxFuture<'_, Result<Document, FetchError>> {
        Box::pin(async move { within(FETCH_DEADLINE, &self.issuer, self.document()).await })
    }
}

/// What comes of it within a time, or that nothing came.
async fn within<T>(
    most: Duration,
    url: &str,
    fetching: impl Future<Output = Result<T, FetchError>>,
) -> Result<T, FetchError> {
    // Absent: it came too late, which is a failure.
    tokio::time::timeout(most, fetching).await.unwrap_or_else(|_| Err(FetchError::late(url)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    #[test]
    fn metadata_are_looked_for_where_issuers_have_them() {
        assert_eq!(
            places("https://acme.eu.auth0.com/"),
            [
                "https://acme.eu.auth0.com/.well-known/openid-configuration",
                "https://acme.eu.auth0.com/.well-known/oauth-authorization-server",
            ]
        );
        assert_eq!(
            places("https://id.example.com/realms/one"),
            [
                "https://id.example.com/realms/one/.well-known/openid-configuration",
                "https://id.example.com/.well-known/oauth-authorization-server/realms/one",
                "https://id.example.com/realms/one/.well-known/oauth-authorization-server",
            ]
        );
    }

    /// A server on loopback that answers each path by this, 404 by default.
    async fn serve(answers: &'static Mutex<BTreeMap<&'static str, (u16, String)>>) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let issuer = format!("http://{}/", listener.local_addr().unwrap());
        tokio::spawn(async move {
            loop {
                let (mut stream, _) = listener.accept().await.unwrap();
                let mut head = Vec::new();
                while !head.ends_with(b"\r\n\r\n") {
                    head.push(stream.read_u8().await.unwrap());
                }
                let head = String::from_utf8(head).unwrap();
                let path = head.split(' ').nth(1).unwrap();
                let (status, body) =
                    answers.lock().unwrap().get(path).cloned().unwrap_or((404, String::new()));
                let length = body.len();
                let answer = format!(
                    "HTTP/1.1 {status} -\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
                );
                stream.write_all(answer.as_bytes()).await.unwrap();
            }
        });
        issuer
    }

    #[tokio::test]
    async fn where_the_metadata_are_gone_the_keys_are_asked_for_where_they_were() {
        static ANSWERS: Mutex<BTreeMap<&str, (u16, String)>> = Mutex::new(BTreeMap::new());
        let issuer = serve(&ANSWERS).await;
        let answer =
            |path, status, body: &str| ANSWERS.lock().unwrap().insert(path, (status, body.to_owned()));
        let metadata = "/.well-known/openid-configuration";
        let configured = IssuerConfig { issuer: issuer.clone(), ..IssuerConfig::default() };
        let source = OfIssuer::new(&configured, Web::new(&crate::watch::Degraded::default()));
        let gone = async || source.fetch().await.is_err_and(|error| error.is_gone());
        answer("/keys", 200, "{}");
        assert!(gone().await, "where they are was never known");
        answer(metadata, 200, &format!(r#"{{"issuer":"{issuer}","jwks_uri":"{issuer}keys"}}"#));
        assert!(source.fetch().await.is_ok());
        for status in [404, 410, 500] {
            answer(metadata, status, "");
            answer("/keys", 200, "{}");
            assert!(source.fetch().await.is_ok(), "{status}");
            answer("/keys", 503, "");
            assert!(source.fetch().await.is_err() && !gone().await, "{status}");
            answer("/keys", 404, "");
            assert!(gone().await, "{status}");
        }
        answer("/keys", 200, "{}");
        answer(
            metadata,
            200,
            r#"{"issuer":"https://other.example/","jwks_uri":"https://other.example/keys"}"#,
        );
        assert!(matches!(source.fetch().await, Err(FetchError::Issuer { .. })), "that is no outage");
    }

    #[test]
    fn metadata_of_another_issuer_are_refused_to_the_letter() {
        let body = br#"{"issuer":"https://a.example/","jwks_uri":"https://a.example/keys"}"#;
        assert!(read("u", "https://a.example/", body).is_ok());
        for other in ["https://a.example", "https://A.example/", "https://b.example/"] {
            assert!(matches!(read("u", other, body), Err(FetchError::Issuer { .. })), "{other}");
        }
        for bad in
            ["{}", "[]", "<html>", r#"{"issuer":"https://a.example/"}"#, r#"{"issuer":1,"jwks_uri":"x"}"#]
        {
            let read = read("u", "https://a.example/", bad.as_bytes());
            assert!(matches!(read, Err(FetchError::Metadata { .. })), "{bad}");
        }
    }
}

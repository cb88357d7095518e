//! `Strict-Transport-Security` (RFC 6797): a browser that has reached this host over https asks for nothing of it over plain
//! http for a year.
//!
//! It is sent where `public_url` is https, whether Keyward or a proxy in front ends TLS, and never where it is http. It says
//! nothing of subdomains: they belong to other services. It is not sent for `localhost`, which every program of a developer
//! shares: the header counts for all ports of a host, and would shut a browser out of the others.

use http::header::STRICT_TRANSPORT_SECURITY;
use http::{HeaderValue, Response};
use tower::util::MapResponseLayer;
use url::{Host, Url};

/// One year, in seconds.
const VALUE: HeaderValue = HeaderValue::from_static("max-age=31536000");

/// Adds it to every answer of the server that clients reach at this URL.
pub(crate) fn layer<B>(
    public_url: &str,
) -> MapResponseLayer<impl Fn(Response<B>) -> Response<B> + Clone + Send + Sync + 'static> {
    let applies = applies(public_url);
    MapResponseLayer::new(move |mut response: Response<B>| {
        if applies {
            response.headers_mut().insert(STRICT_TRANSPORT_SECURITY, VALUE);
        }
        response
    })
}

fn applies(public_url: &str) -> bool {
    Url::parse(public_url).is_ok_and(|url| {
        let local = matches!(url.host(), Some(Host::Domain(name)) if name == "localhost" || name.ends_with(".localhost"));
        url.scheme() == "https" && !local
    })
}

#[cfg(test)]
mod tests {
    use super::applies;

    #[test]
    fn it_is_for_https_alone_and_not_for_localhost() {
        for url in
            ["https://api.example.com", "https://api.example.com:8443/keyward", "https://127.0.0.1:8443"]
        {
            assert!(applies(url), "{url}");
        }
        for url in
            ["http://127.0.0.1:8080", "http://localhost", "https://localhost:8443", "https://a.localhost", ""]
        {
            assert!(!applies(url), "{url}");
        }
    }
}

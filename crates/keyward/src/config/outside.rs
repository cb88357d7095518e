//! What must hold, and what is worth a warning, where other machines reach an address that is listened on.

use super::Server;
use super::settings::is_loopback_host;
use http::Uri;
use std::net::SocketAddr;

/// The setting that breaks a rule, and which.
pub(super) fn broken(server: &Server) -> Option<(&'static str, String)> {
    let listen = Some(server.listen).filter(is_outside)?;
    match server.public_url.as_deref() {
        None => Some((
            "server.listen",
            format!(
                "server.public_url is missing: {listen} is reached from other machines, and every URL that is sent begins with it"
            ),
        )),
        // Other machines would be sent to themselves, and cookies would do without Secure.
        Some(url) if is_on_loopback(url) => Some((
            "server.public_url",
            format!(
                "server.public_url {url} is this machine alone, and server.listen ({listen}) is reached from others: say the URL \
                 by which they reach it, or listen on loopback"
            ),
        )),
        Some(_) => None,
    }
}

/// Settings that can be meant as they are, and what follows from them.
pub(super) fn doubtful(server: &Server) -> Vec<(&'static str, String)> {
    let mut found = Vec::new();
    let plain = server.tls_cert.is_none() && server.tls_key.is_none();
    // Where proxies are named, one of them ends TLS. An https public_url alone says that somebody does, not who.
    if plain && is_outside(&server.listen) && server.trusted_proxies.is_empty() {
        let text = format!(
            "plain HTTP at {}, which is reached from other machines: whoever is on the way can read credentials. Set \
             server.tls_cert and server.tls_key, or name the proxy that ends TLS in server.trusted_proxies",
            server.listen
        );
        found.push(("server.listen", text));
    }
    if let Some(admin) = server.admin_listen.filter(is_outside) {
        let text = format!(
            "server.admin_listen {admin} is reached from other machines, and asks for no credential: see that only the \
             operator's machines reach it"
        );
        found.push(("server.admin_listen", text));
    }
    found
}

/// Whether other machines reach an address that is listened on.
fn is_outside(address: &SocketAddr) -> bool {
    !address.ip().to_canonical().is_loopback()
}

/// Whether a URL names this machine. It was looked at before: one without a host is not set.
fn is_on_loopback(url: &str) -> bool {
    url.parse::<Uri>().is_ok_and(|uri| uri.host().is_some_and(is_loopback_host))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn server(listen: &str, public_url: Option<&str>) -> Server {
        let public_url = public_url.map(str::to_owned);
        Server { listen: listen.parse().unwrap(), public_url, ..Server::default() }
    }

    #[test]
    fn where_other_machines_reach_the_server_public_url_is_not_this_machine() {
        let outside = ["0.0.0.0:8080", "[::]:8080", "192.0.2.1:80", "[::ffff:192.0.2.1]:80"];
        let loopback = [
            "http://localhost:8080",
            "http://127.0.0.1",
            "http://[::1]:8080",
            "https://localhost",
            "http://127.9.9.9",
        ];
        for listen in outside {
            for url in loopback {
                let (name, text) = broken(&server(listen, Some(url))).expect(url);
                assert_eq!(name, "server.public_url", "{listen} {url}");
                assert!(text.contains("say the URL by which they reach it, or listen on loopback"), "{text}");
            }
            assert_eq!(broken(&server(listen, None)).map(|(name, _)| name), Some("server.listen"));
            assert_eq!(broken(&server(listen, Some("https://api.example.com"))), None);
        }
        for listen in ["127.0.0.1:8080", "[::1]:8080", "[::ffff:127.0.0.1]:8080"] {
            assert_eq!(broken(&server(listen, Some("http://localhost:8080"))), None);
            assert_eq!(broken(&server(listen, Some("https://api.example.com"))), None, "behind a proxy");
            assert_eq!(broken(&server(listen, None)), None);
        }
    }

    #[test]
    fn plain_http_for_other_machines_is_warned_of_unless_a_proxy_is_named() {
        let names =
            |server: &Server| -> Vec<&str> { doubtful(server).into_iter().map(|(name, _)| name).collect() };
        let mut open = server("0.0.0.0:8080", Some("https://api.example.com"));
        assert_eq!(names(&open), ["server.listen"], "an https public_url does not say who ends TLS");
        open.trusted_proxies = ["10.0.0.0/8".parse().unwrap()].into();
        assert_eq!(names(&open), [""; 0], "behind a proxy");
        open.trusted_proxies = [].into();
        (open.tls_cert, open.tls_key) = (Some("cert.pem".into()), Some("key.pem".into()));
        assert_eq!(names(&open), [""; 0], "HTTPS");
        assert_eq!(names(&server("127.0.0.1:8080", Some("https://api.example.com"))), [""; 0]);
    }

    #[test]
    fn metrics_and_probes_for_other_machines_are_warned_of() {
        let mut local = server("127.0.0.1:8080", None);
        for (admin, warned) in [("127.0.0.1:9090", false), ("[::1]:9090", false), ("0.0.0.0:9090", true)] {
            local.admin_listen = Some(admin.parse().unwrap());
            let found = doubtful(&local);
            assert_eq!(found.len(), usize::from(warned), "{admin}");
            assert!(found.iter().all(|(name, _)| *name == "server.admin_listen"));
        }
    }
}

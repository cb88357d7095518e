//! What must hold, and what is worth a warning, where other machines reach an address that is listened on.

use super::url_text::is_loopback_host;
use super::{Listen, Server};
use http::Uri;

/// The setting that breaks a rule, and which.
pub(super) fn broken(server: &Server) -> Option<(&'static str, String)> {
    let Some(listen) = server.listen.iter().find(|listen| listen.is_outside()) else {
        return nameless(server);
    };
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

/// Clients that come by sockets alone do not say by which URL.
fn nameless(server: &Server) -> Option<(&'static str, String)> {
    let sockets = server.listen.iter().all(|listen| matches!(listen, Listen::Socket(_)));
    let text = "server.public_url is missing: only Unix sockets are listened on, and every URL that is sent begins with it";
    (sockets && server.public_url.is_none()).then(|| ("server.listen", text.to_owned()))
}

/// The same of a URL that is plain http for other machines.
pub(super) fn plain_url(server: &Server) -> Option<(&'static str, String)> {
    let url = plain_http(server).filter(|_| !server.allow_plain_http)?;
    let text = format!(
        "server.public_url: plain http is for loopback only; use https (got {url:?}). Where it is reached inside a private network \
         alone, server.allow_plain_http = true allows it"
    );
    Some(("server.public_url", text))
}

/// Settings that can be meant as they are, and what follows from them.
pub(super) fn doubtful(server: &Server) -> Vec<(&'static str, String)> {
    let mut found = Vec::new();
    if let Some(url) = plain_http(server).filter(|_| server.allow_plain_http) {
        let text = format!(
            "server.public_url {url} is plain http: credentials and cookies cross the network unencrypted, and clients that require \
             https do not sign in"
        );
        return vec![("server.public_url", text)].into_iter().chain(open_admin(server)).collect();
    }
    let plain = server.tls_cert.is_none() && server.tls_key.is_none();
    // Where proxies are named, one of them ends TLS. An https public_url alone says that somebody does, not who.
    let outside = server.listen.iter().find(|listen| listen.is_outside());
    if let Some(listen) = outside.filter(|_| plain && server.trusted_proxies.is_empty()) {
        let text = format!(
            "plain HTTP at {listen}, which is reached from other machines: everybody on the way can read credentials. Set \
             server.tls_cert and server.tls_key, or name the proxy that ends TLS in server.trusted_proxies"
        );
        found.push(("server.listen", text));
    }
    found.extend(without_address(server));
    found.extend(open_admin(server));
    found
}

/// Clients of a socket have no address, unless a proxy in front writes it.
fn without_address(server: &Server) -> Option<(&'static str, String)> {
    let socket = server.listen.iter().find(|listen| matches!(listen, Listen::Socket(_)))?;
    let text = format!(
        "a client that connects to {socket} has no address: it lies in no allowed_ips, and shares one bucket of each limit by address. If a \
         proxy connects there, name unix in server.trusted_proxies"
    );
    (!server.trusted_sockets).then_some(("server.listen", text))
}

fn open_admin(server: &Server) -> Option<(&'static str, String)> {
    let admin = server.admin_listen.iter().find(|listen| listen.is_outside())?;
    let text = format!(
        "server.admin_listen {admin} is reached from other machines, and asks for no credential: see that only the operator's \
         machines reach it"
    );
    Some(("server.admin_listen", text))
}

/// A public URL that other machines reach by plain http.
fn plain_http(server: &Server) -> Option<&str> {
    server.public_url.as_deref().filter(|url| url.starts_with("http://") && !is_on_loopback(url))
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
        let listen = listen.split(',').map(|one| one.parse().unwrap()).collect();
        Server { listen, public_url, ..Server::default() }
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
            local.admin_listen = vec![admin.parse().unwrap()];
            let found = doubtful(&local);
            assert_eq!(found.len(), usize::from(warned), "{admin}");
            assert!(found.iter().all(|(name, _)| *name == "server.admin_listen"));
        }
    }

    #[test]
    fn one_of_several_that_other_machines_reach_is_enough() {
        for listen in ["127.0.0.1:8080,0.0.0.0:8081", "unix:/run/k,keyward:8080"] {
            assert_eq!(
                broken(&server(listen, None)).map(|(name, _)| name),
                Some("server.listen"),
                "{listen}"
            );
        }
        for listen in ["127.0.0.1:8080,[::1]:8080", "localhost:8080", "unix:/run/k,localhost:80"] {
            assert_eq!(broken(&server(listen, None)), None, "{listen}");
        }
    }

    #[test]
    fn who_comes_by_sockets_alone_needs_a_public_url_and_a_proxy_there_is_named() {
        let mut sockets = server("unix:/run/k", None);
        assert_eq!(broken(&sockets).map(|(name, _)| name), Some("server.listen"));
        sockets.public_url = Some("https://api.example.com".to_owned());
        assert_eq!(broken(&sockets), None);
        assert!(
            doubtful(&sockets).iter().any(|(_, text)| text.contains("name unix in server.trusted_proxies"))
        );
        sockets.trusted_sockets = true;
        assert_eq!(doubtful(&sockets), []);
    }

    #[test]
    fn plain_http_inside_a_private_network_is_an_explicit_setting_and_warned_of() {
        let mut inside = server("0.0.0.0:8080", Some("http://keyward:8080"));
        let (name, text) = plain_url(&inside).unwrap();
        assert_eq!(name, "server.public_url");
        assert!(text.contains("use https") && text.contains("server.allow_plain_http = true"), "{text}");
        inside.allow_plain_http = true;
        assert_eq!(plain_url(&inside), None);
        let warned = doubtful(&inside);
        assert_eq!(warned.len(), 1, "one warning, not two of one matter: {warned:?}");
        assert!(warned[0].1.contains("http://keyward:8080 is plain http"), "{warned:?}");
        for url in ["http://localhost:8080", "http://127.0.0.1", "https://keyward"] {
            assert_eq!(plain_url(&server("127.0.0.1:8080", Some(url))), None, "{url}");
        }
    }
}

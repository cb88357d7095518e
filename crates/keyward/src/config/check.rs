//! What must hold between settings, whichever source each came from.

use super::setting::Kind;
use super::settings::settings;
use super::{Config, IssuerConfig, OAuthConfig, log_level, outside};

/// The names of those that break a rule, and which.
pub(super) fn between(config: &Config) -> Vec<(String, String)> {
    let server = &config.server;
    let mut broken = Vec::new();
    match (&server.tls_cert, &server.tls_key) {
        (Some(_), None) => broken.push(("server.tls_cert", "server.tls_key is missing".to_owned())),
        (None, Some(_)) => broken.push(("server.tls_key", "server.tls_cert is missing".to_owned())),
        // Absent: both or neither.
        _ => {}
    }
    if server.proxy_protocol && server.trusted_proxies.is_empty() && !server.trusted_sockets {
        let text =
            "server.trusted_proxies is missing: only trusted proxies may send a header of the PROXY protocol";
        broken.push(("server.proxy_protocol", text.to_owned()));
    }
    broken.extend(outside::broken(server));
    broken.extend(outside::plain_url(server));
    let pairs =
        server.admin_listen.iter().flat_map(|admin| server.listen.iter().map(move |listen| (admin, listen)));
    for (admin, listen) in pairs.filter(|(admin, listen)| admin.overlaps(listen)) {
        broken.push(("server.admin_listen", format!("{admin} is taken by server.listen ({listen})")));
    }
    let mut broken: Vec<(String, String)> =
        broken.into_iter().map(|(name, text)| (name.to_owned(), text)).collect();
    broken.extend(strange_paths(config));
    for (index, issuer) in config.issuers.iter().enumerate() {
        let same = |other: &&IssuerConfig| other.issuer == issuer.issuer && !issuer.issuer.is_empty();
        if config.issuers.iter().take(index).any(|other| same(&other)) {
            let text = format!("issuers.issuer: {} has an entry already", issuer.issuer);
            broken.push((format!("issuers {}", issuer.issuer), text));
        }
    }
    let own = config.public_url(server.address());
    if let Some(text) = names_this_server(&config.oauth, &config.issuers, &own) {
        broken.push((format!("issuers {own}"), text));
    }
    broken
}

/// The names of those that can be meant as they are and hardly are, and what follows from them.
pub(super) fn doubtful(config: &Config) -> Vec<(String, String)> {
    let of_log = log_level::doubtful(&config.log.level).map(|text| ("log.level", text));
    let found = outside::doubtful(&config.server).into_iter().chain(of_log);
    found.map(|(name, text)| (name.to_owned(), text)).collect()
}

/// Paths with a control character: no file is meant to have one, and a listing of its directory does not show it.
fn strange_paths(config: &Config) -> impl Iterator<Item = (String, String)> {
    settings().filter(|setting| setting.kind == Kind::Path).filter_map(move |setting| {
        // Absent: it is not set.
        let path = (setting.get)(config)?.text().ok().filter(|path| path.contains(char::is_control))?;
        Some((
            setting.name(),
            format!("{}: it holds a character that is not seen (got {path:?})", setting.name()),
        ))
    })
}

/// What is wrong where an outside issuer is the server's own, which clients reach at this URL: its tokens would be judged by two
/// sets of rules.
pub(crate) fn names_this_server(
    oauth: &OAuthConfig,
    issuers: &[IssuerConfig],
    public_url: &str,
) -> Option<String> {
    let named = oauth.enabled && issuers.iter().any(|outside| outside.issuer == public_url);
    named.then(|| {
        format!(
            "[[issuers]] names {public_url}, which is this server itself; take the entry out, or set [oauth] enabled = false"
        )
    })
}

/// Variables beside the settings.
pub(super) const BESIDE: [&str; 2] = ["KEYWARD_CONFIG", "KEYWARD_ROOT_SECRET"];

/// Whether this program reads the variable, though it is no setting's.
pub(super) fn is_read_elsewhere(variable: &str) -> bool {
    BESIDE.contains(&variable)
}

/// Whether a program that is built for tests reads the variable.
pub(super) fn is_of_tests(variable: &str) -> bool {
    let of_tests = ["KEYWARD_FAIL_AT", "KEYWARD_FAULT_CLOCK", "KEYWARD_PANIC_IN"];
    cfg!(feature = "fault-injection") && of_tests.contains(&variable)
}

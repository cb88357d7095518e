//! What must hold between settings, whichever source each came from.

use super::settings::settings;
use super::{Config, IssuerConfig};

/// The names of those that break a rule, and which.
pub(super) fn between(config: &Config) -> Vec<(String, String)> {
    let server = &config.server;
    let mut broken = Vec::new();
    match (&server.tls_cert, &server.tls_key) {
        (Some(_), None) => broken.push(("server.tls_cert", "server.tls_key is missing".to_owned())),
        (None, Some(_)) => broken.push(("server.tls_key", "server.tls_cert is missing".to_owned())),
        _ => {}
    }
    if server.public_url.is_none() && !server.listen.ip().to_canonical().is_loopback() {
        let text = format!(
            "server.public_url is missing: {} is reached from other machines, and every URL that is sent begins with it",
            server.listen
        );
        broken.push(("server.listen", text));
    }
    let mut broken: Vec<(String, String)> =
        broken.into_iter().map(|(name, text)| (name.to_owned(), text)).collect();
    for (index, issuer) in config.issuers.iter().enumerate() {
        let same = |other: &&IssuerConfig| other.issuer == issuer.issuer && !issuer.issuer.is_empty();
        if config.issuers.iter().take(index).any(|other| same(&other)) {
            let text = format!("issuers.issuer: {} has an entry already", issuer.issuer);
            broken.push((format!("issuers {}", issuer.issuer), text));
        }
    }
    broken
}

/// Prefixes of the variables that orchestrators make for a service that is named like this program (Docker links,
/// Kubernetes services). They are not meant for it.
const NOT_OURS: [&str; 3] = ["KEYWARD_SERVICE_", "KEYWARD_PORT", "KEYWARD_NAME"];

/// Variables beside the settings.
const BESIDE: [&str; 2] = ["KEYWARD_CONFIG", "KEYWARD_ROOT_SECRET"];

/// Whether a variable that begins like ours sets nothing: it is most likely misspelt.
pub(super) fn is_unknown(variable: &str) -> bool {
    let is_of_tests = cfg!(feature = "fault-injection") && variable == "KEYWARD_FAIL_AT";
    !BESIDE.contains(&variable)
        && !is_of_tests
        && !NOT_OURS.iter().any(|prefix| variable.starts_with(prefix))
        && !settings().any(|setting| setting.variable() == variable)
}

//! Variables that begin like ours and are none. Compose files and orchestrators have their own; a misspelt one of ours would leave
//! a default in force that was to be changed.

use crate::config::check::BESIDE;
use crate::config::settings::settings;

/// What a variable is that sets nothing.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Unknown {
    /// Docker links and Kubernetes services make it for a container or a service that is named like this program.
    Orchestrators,
    /// One of ours was meant: it is refused, with the way out.
    Misspelt(String),
    /// Something else of a deployment, such as `KEYWARD_IMAGE`: it is warned of.
    SetsNothing,
}

impl Unknown {
    /// Of a variable that is none of ours.
    pub(super) fn of(name: &str, value: &str) -> Self {
        // Absent: every variable that is looked at begins so.
        let rest = name.strip_prefix("KEYWARD_").unwrap_or(name);
        if is_of_orchestrator(rest, value) {
            return Self::Orchestrators;
        }
        match nearest(name) {
            Some(near) => Self::Misspelt(format!("did you mean {near}?")),
            // Whose value is meant to be secret must not seem to be in use.
            None if rest.contains("SECRET") && !is_of_deployment(rest) => {
                Self::Misspelt("KEYWARD_SECRETS_FILE names the file of the root secret".to_owned())
            }
            None if is_of_section(rest) && !is_of_deployment(rest) => {
                Self::Misspelt("config.md names them all".to_owned())
            }
            None => Self::SetsNothing,
        }
    }
}

/// `NAME_SERVICE_HOST`, `NAME_SERVICE_PORT…`, `NAME_PORT=tcp://…` and `NAME_PORT_8080_TCP…` of Kubernetes services and Docker links;
/// `NAME_NAME=/…` and `NAME_ENV_…` of links.
fn is_of_orchestrator(rest: &str, value: &str) -> bool {
    let named = |word: &str| rest == word || rest.ends_with(&format!("_{word}"));
    let of_port = |rest: &str| {
        let after = rest.strip_prefix("PORT_").or_else(|| rest.split_once("_PORT_").map(|(_, after)| after));
        after.is_some_and(|after| {
            let number = after.split('_').next().is_some_and(|port| port.parse::<u16>().is_ok());
            number && ["_TCP", "_UDP", "_SCTP"].iter().any(|protocol| after.contains(protocol))
        })
    };
    let of_service = rest.starts_with("SERVICE_PORT_") || rest.contains("_SERVICE_PORT_");
    named("SERVICE_HOST")
        || named("SERVICE_PORT")
        || of_service
        || of_port(rest)
        || named("PORT") && ["tcp://", "udp://", "sctp://"].iter().any(|scheme| value.starts_with(scheme))
        || named("NAME") && value.starts_with('/')
        || rest.starts_with("ENV_")
        || rest.contains("_ENV_")
}

/// The last words by which deployments call what is theirs.
const OF_DEPLOYMENTS: [&str; 26] = [
    "BUILD",
    "COMMIT",
    "CONTAINER",
    "CPUS",
    "DIGEST",
    "DIR",
    "DOMAIN",
    "GID",
    "GROUP",
    "HOME",
    "HOST",
    "HOSTNAME",
    "IMAGE",
    "MEMORY",
    "NAME",
    "NETWORK",
    "PATH",
    "PORT",
    "REPLICAS",
    "REPO",
    "RESTART",
    "TAG",
    "UID",
    "USER",
    "VERSION",
    "VOLUME",
];

fn is_of_deployment(rest: &str) -> bool {
    rest.rsplit('_').next().is_some_and(|last| OF_DEPLOYMENTS.contains(&last))
}

/// Whether it begins with the name of a section.
fn is_of_section(rest: &str) -> bool {
    let first =
        |section: &str| rest.strip_prefix(&section.to_uppercase()).is_some_and(|key| key.starts_with('_'));
    first("issuers") || settings().any(|setting| setting.section.split('.').next().is_some_and(first))
}

/// The variable of ours that differs by two letters at most.
fn nearest(name: &str) -> Option<String> {
    let ours = settings().map(|setting| setting.variable()).chain(BESIDE.map(str::to_owned));
    let measured = ours.map(|ours| (distance(name, &ours), ours)).filter(|(distance, _)| *distance <= 2);
    measured.min().map(|(_, ours)| ours)
}

/// Letters that are put in, left out or replaced between two texts (Levenshtein).
fn distance(one: &str, other: &str) -> usize {
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (index, a) in one.bytes().enumerate() {
        let mut above_left = index;
        let mut left = index + 1;
        for (above, b) in row.iter_mut().skip(1).zip(other.bytes()) {
            let replaced = above_left + usize::from(a != b);
            above_left = *above;
            left = replaced.min(left + 1).min(*above + 1);
            *above = left;
        }
        if let Some(first) = row.first_mut() {
            *first = index + 1;
        }
    }
    // Absent: never, a row has one more item than the text has letters.
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What Docker and Kubernetes make for services called keyward, keyward-admin and keyward-server.
    #[test]
    fn what_an_orchestrator_makes_is_never_taken_for_ours() {
        for name in ["", "ADMIN_", "SERVER_", "OAUTH_", "HEADLESS_", "METRICS_", "LIMITS_PROD_"] {
            for (rest, value) in [
                ("SERVICE_HOST", "10.0.0.1"),
                ("SERVICE_PORT", "8080"),
                ("SERVICE_PORT_HTTP", "8080"),
                ("PORT", "tcp://10.0.0.1:8080"),
                ("PORT_8080_TCP", "tcp://10.0.0.1:8080"),
                ("PORT_8080_TCP_PROTO", "tcp"),
                ("PORT_8080_TCP_PORT", "8080"),
                ("PORT_53_UDP_ADDR", "10.0.0.1"),
                ("PORT_8000_8010_TCP_START", "tcp://10.0.0.1:8000"),
                ("NAME", "/web/keyward"),
                ("ENV_PATH", "/bin"),
            ] {
                let variable = format!("KEYWARD_{name}{rest}");
                assert_eq!(Unknown::of(&variable, value), Unknown::Orchestrators, "{variable}");
            }
        }
        for variable in settings().map(|setting| setting.variable()) {
            assert_ne!(
                Unknown::of(&variable, "x"),
                Unknown::Orchestrators,
                "{variable} could be made by one"
            );
        }
    }

    #[test]
    fn what_a_compose_file_has_beside_the_program_sets_nothing_and_stops_nothing() {
        for rest in [
            "VERSION",
            "TAG",
            "IMAGE",
            "IMAGE_TAG",
            "DATA_DIR",
            "HOME",
            "PORT",
            "HOST",
            "HOSTNAME",
            "DOMAIN",
            "NETWORK",
            "UID",
            "SERVER_IMAGE",
            "SERVER_PORT",
            "LOG_DIR",
            "MCP_VERSION",
            "STORE_VOLUME",
            "CONFIG_FILE",
            "URL",
            "ADMIN_EMAIL",
            "API_KEY",
        ] {
            let variable = format!("KEYWARD_{rest}");
            assert_eq!(Unknown::of(&variable, "8080"), Unknown::SetsNothing, "{variable}");
        }
    }

    #[test]
    fn what_was_meant_for_this_program_and_misspelt_is_refused_with_the_way_out() {
        for (rest, way_out) in [
            ("SERVER_LISEN", "did you mean KEYWARD_SERVER_LISTEN?"),
            ("SEVER_LISTEN", "did you mean KEYWARD_SERVER_LISTEN?"),
            ("OAUTH_ENABLE", "did you mean KEYWARD_OAUTH_ENABLED?"),
            ("ROOT_SECRETT", "did you mean KEYWARD_ROOT_SECRET?"),
            ("SECRET", "KEYWARD_SECRETS_FILE names the file of the root secret"),
            ("ROOT_SECRET_FILE", "KEYWARD_SECRETS_FILE names the file of the root secret"),
            ("CORS_ALLOWED_ORIGINS", "config.md names them all"),
            ("LIMITS_SIGN_IN", "config.md names them all"),
            ("ISSUERS_ISSUER", "config.md names them all"),
        ] {
            let variable = format!("KEYWARD_{rest}");
            assert_eq!(Unknown::of(&variable, "x"), Unknown::Misspelt(way_out.to_owned()), "{variable}");
        }
    }

    #[test]
    fn the_distance_counts_letters() {
        for (one, other, letters) in
            [("", "", 0), ("a", "", 1), ("kitten", "sitting", 3), ("ab", "ba", 2), ("abc", "abc", 0)]
        {
            assert_eq!((distance(one, other), distance(other, one)), (letters, letters), "{one} {other}");
        }
    }
}

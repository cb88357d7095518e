//! The one table of what can be set.

use super::{Config, LogFormat};
use http::Uri;
use keyward_core::address::parse_range;
use keyward_core::api_key::KeyFormat;
use std::path::{Path, PathBuf};
use tracing_subscriber::EnvFilter;

/// A value as it was given, by whatever source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Given {
    Text(String),
    List(Vec<String>),
}

impl Given {
    fn text(self) -> Result<String, String> {
        match self {
            Self::Text(text) => Ok(text),
            Self::List(_) => Err("it must be one text".to_owned()),
        }
    }

    fn list(self) -> Result<Vec<String>, String> {
        match self {
            Self::List(items) => Ok(items),
            Self::Text(_) => Err("it must be a list of texts".to_owned()),
        }
    }
}

/// One thing that can be set.
pub(super) struct Setting {
    pub(super) section: &'static str,
    pub(super) key: &'static str,
    /// What it is for, in whole sentences.
    pub(super) about: &'static str,
    /// Whether it is a list of texts; a variable then separates them by commas.
    pub(super) is_list: bool,
    /// Whether it is, or holds, a path that counts from the file that says it.
    pub(super) is_path: bool,
    /// Its values, where they are a closed set.
    pub(super) values: &'static [&'static str],
    /// What is set now; `None`: nothing.
    pub(super) get: fn(&Config) -> Option<Given>,
    /// Sets it. Relative paths count from `base`.
    pub(super) set: fn(&mut Config, Given, base: &Path) -> Result<(), String>,
}

impl Setting {
    /// `section.key`.
    pub(super) fn name(&self) -> String {
        format!("{}.{}", self.section, self.key)
    }

    /// `KEYWARD_SECTION_KEY`.
    pub(super) fn variable(&self) -> String {
        format!("KEYWARD_{}_{}", self.section, self.key).to_uppercase()
    }
}

/// Everything that can be set, in the order of the reference page.
pub(super) const SETTINGS: &[Setting] = &[
    Setting {
        section: "server",
        key: "listen",
        about: "The address and port to listen on. Port 0 lets the system choose.",
        is_list: false,
        is_path: false,
        values: &[],
        get: |config| Some(Given::Text(config.server.listen.to_string())),
        set: |config, given, _| {
            let wrong = "it must be an address with a port, such as 127.0.0.1:8080";
            config.server.listen = given.text()?.parse().map_err(|_| wrong.to_owned())?;
            Ok(())
        },
    },
    Setting {
        section: "server",
        key: "admin_listen",
        about: "The address and port of /metrics, /livez and /readyz; without it they are not served. They ask for no \
                credential: keep them where only the operator's machines reach them.",
        is_list: false,
        is_path: false,
        values: &[],
        get: |config| config.server.admin_listen.map(|address| Given::Text(address.to_string())),
        set: |config, given, _| {
            let wrong = "it must be an address with a port, such as 127.0.0.1:9090";
            config.server.admin_listen = Some(given.text()?.parse().map_err(|_| wrong.to_owned())?);
            Ok(())
        },
    },
    Setting {
        section: "server",
        key: "public_url",
        about: "Where clients reach this server; every URL that it sends begins with it. Plain http is for loopback \
                only. Without it: http:// and the address that is listened on.",
        is_list: false,
        is_path: false,
        values: &[],
        get: |config| config.server.public_url.clone().map(Given::Text),
        set: |config, given, _| {
            config.server.public_url = Some(public_url(&given.text()?)?);
            Ok(())
        },
    },
    Setting {
        section: "server",
        key: "trusted_proxies",
        about: "The address ranges of the proxies in front. Of a request from one of them, the client's address is the \
                rightmost in X-Forwarded-For that is none of theirs. Nobody else's X-Forwarded-For is read.",
        is_list: true,
        is_path: false,
        values: &[],
        get: |config| {
            Some(Given::List(config.server.trusted_proxies.iter().map(ToString::to_string).collect()))
        },
        set: |config, given, _| {
            let range = |text: &String| {
                parse_range(text).ok_or_else(|| format!("{text:?} is no address range such as 10.0.0.0/8"))
            };
            config.server.trusted_proxies = given.list()?.iter().map(range).collect::<Result<_, _>>()?;
            Ok(())
        },
    },
    Setting {
        section: "store",
        key: "url",
        about: "The database: sqlite: and a path. A relative path counts from the file that says it.",
        is_list: false,
        is_path: true,
        values: &[],
        get: |config| Some(Given::Text(config.store.url.clone())),
        set: |config, given, base| {
            let text = given.text()?;
            let path = text.strip_prefix("sqlite:").filter(|path| !path.is_empty());
            let path = path.ok_or("it must be sqlite: and a path, such as sqlite:keyward-data/keyward.db")?;
            config.store.url = format!("sqlite:{}", base.join(path).display());
            Ok(())
        },
    },
    Setting {
        section: "secrets",
        key: "file",
        about: "The root secret's file, for its user alone. A relative path counts from the file that says it. The \
                variable KEYWARD_ROOT_SECRET can hold the file's text instead.",
        is_list: false,
        is_path: true,
        values: &[],
        get: |config| Some(Given::Text(config.secrets.file.display().to_string())),
        set: |config, given, base| {
            let path = given.text()?;
            if path.is_empty() {
                return Err("it must be a path".to_owned());
            }
            config.secrets.file = base.join(PathBuf::from(path));
            Ok(())
        },
    },
    Setting {
        section: "keys",
        key: "prefix",
        about: "What every API key begins with. Keys with another prefix are no longer taken for keys.",
        is_list: false,
        is_path: false,
        values: &[],
        get: |config| Some(Given::Text(config.keys.prefix.clone())),
        set: |config, given, _| {
            let prefix = given.text()?;
            KeyFormat::new(&prefix).map_err(|error| error.to_string())?;
            config.keys.prefix = prefix;
            Ok(())
        },
    },
    Setting {
        section: "log",
        key: "format",
        about: "How log lines look: for people, or one JSON object a line.",
        is_list: false,
        is_path: false,
        values: &["text", "json"],
        get: |config| {
            Some(Given::Text(match config.log.format {
                LogFormat::Text => "text".to_owned(),
                LogFormat::Json => "json".to_owned(),
            }))
        },
        set: |config, given, _| {
            config.log.format = match given.text()?.as_str() {
                "text" => LogFormat::Text,
                "json" => LogFormat::Json,
                other => return Err(format!("it must be text or json (got {other})")),
            };
            Ok(())
        },
    },
    Setting {
        section: "log",
        key: "level",
        about: "The least grave level that is logged: error, warn, info, debug or trace, or a filter by target.",
        is_list: false,
        is_path: false,
        values: &[],
        get: |config| Some(Given::Text(config.log.level.clone())),
        set: |config, given, _| {
            let level = given.text()?;
            let wrong = |_| "it must be error, warn, info, debug, trace or a filter by target".to_owned();
            EnvFilter::try_new(&level).map_err(wrong)?;
            config.log.level = level;
            Ok(())
        },
    },
];

/// `https://`, or `http://` on loopback; a host, and a path without a slash at the end.
fn public_url(text: &str) -> Result<String, String> {
    let invalid = || "it must be a URL without query, such as https://api.example.com".to_owned();
    let uri: Uri = text.parse().map_err(|_| invalid())?;
    let host = uri.host().filter(|host| !host.is_empty()).ok_or_else(invalid)?;
    let plain = host.trim_start_matches('[').trim_end_matches(']');
    let loopback =
        plain == "localhost" || plain.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback());
    match uri.scheme_str() {
        _ if uri.query().is_some() => Err(invalid()),
        Some("https") => Ok(()),
        Some("http") if loopback => Ok(()),
        Some("http") => Err("plain http is for loopback only; use https".to_owned()),
        _ => Err(invalid()),
    }?;
    Ok(text.trim_end_matches('/').to_owned())
}

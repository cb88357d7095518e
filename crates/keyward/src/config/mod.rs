//! The configuration: defaults, then the file, then `KEYWARD_*`, then flags. The later wins.

mod load;

pub use load::{ConfigError, Flags, load};

use serde::Deserialize;
use std::net::SocketAddr;
use std::path::PathBuf;

/// Everything that can be set.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// `[server]`
    pub server: Server,
    /// `[store]`
    pub store: StoreConfig,
    /// `[secrets]`
    pub secrets: Secrets,
    /// `[keys]`
    pub keys: Keys,
    /// `[log]`
    pub log: Log,
}

/// `[server]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Server {
    /// `KEYWARD_SERVER_LISTEN`: address and port. Port 0 lets the system choose.
    pub listen: SocketAddr,
    /// `KEYWARD_SERVER_PUBLIC_URL`: where clients reach this server; every URL that is sent begins with it.
    /// Default: `http://` and the address that is listened on.
    pub public_url: Option<String>,
}

impl Default for Server {
    fn default() -> Self {
        Self { listen: SocketAddr::from(([127, 0, 0, 1], 8080)), public_url: None }
    }
}

/// `[store]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct StoreConfig {
    /// `KEYWARD_STORE_URL`: `sqlite:` and a path; a relative one counts from the configuration file's directory.
    pub url: String,
}

impl Default for StoreConfig {
    fn default() -> Self {
        Self { url: "sqlite:keyward-data/keyward.db".to_owned() }
    }
}

/// `[secrets]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Secrets {
    /// `KEYWARD_SECRETS_FILE`: the root secret's file, for its user alone; a relative path as in `[store]`. The variable
    /// `KEYWARD_ROOT_SECRET` can hold the file's text instead.
    pub file: PathBuf,
}

impl Default for Secrets {
    fn default() -> Self {
        Self { file: PathBuf::from("keyward-data/root-secret") }
    }
}

/// `[keys]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Keys {
    /// `KEYWARD_KEYS_PREFIX`: what every API key begins with.
    pub prefix: String,
}

impl Default for Keys {
    fn default() -> Self {
        Self { prefix: "lev_sk_".to_owned() }
    }
}

/// `[log]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Log {
    /// `KEYWARD_LOG_FORMAT`: `text` or `json`.
    pub format: LogFormat,
    /// `KEYWARD_LOG_LEVEL`: `error`, `warn`, `info`, `debug`, `trace`, or a filter by target.
    pub level: String,
}

impl Default for Log {
    fn default() -> Self {
        Self { format: LogFormat::Text, level: "info".to_owned() }
    }
}

/// How log lines look.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

//! The configuration: defaults, then the file, then `KEYWARD_*`, then flags. The later wins.
//!
//! `settings.rs` and, for each of `[[issuers]]`, `issuers.rs` are the tables of what can be set: the file's reader, the variables, `keyward config show`, the schema and
//! the reference page are all made from it.

mod check;
mod connections;
mod issuers;
mod limits;
mod listen;
mod load;
mod log;
mod log_level;
mod oauth;
mod outside;
mod overlap;
mod pages;
mod setting;
mod settings;
mod sockets;
mod url_text;
mod variable_text;

pub(crate) use check::names_this_server;
pub use issuers::IssuerConfig;
pub(crate) use issuers::is_issuer_url;
pub use listen::Listen;
pub(crate) use load::NOT_TEXT;
pub use load::{ConfigError, Flags, Mistake, Variables, load};
pub(crate) use log_level::with_the_rest;
pub(crate) use pages::restart_needed;
pub use pages::{reference, schema, shown};
pub use sockets::Sockets;
pub(crate) use variable_text::{cleaned, cleaned_path, is_empty};

use ipnet::IpNet;
use keyward_core::address::ForwardedBy;
use keyward_core::limits::Tiers;
use keyward_core::oauth::GRACE_SECONDS;
use keyward_core::oauth::redirect::Schemes;
use keyward_core::rate_limit::Purpose;
use keyward_core::store::Retention;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// Everything that can be set.
#[derive(Clone, Debug, Default)]
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
    /// `[audit]`
    pub audit: AuditConfig,
    /// `[cors]`
    pub cors: Cors,
    /// `[limits]`
    pub limits: LimitsConfig,
    /// `[oauth]`
    pub oauth: OAuthConfig,
    /// `[mcp]`
    pub mcp: McpConfig,
    /// `[[issuers]]`
    pub issuers: Vec<IssuerConfig>,
    /// What can be meant, and hardly is: it is said, and holds.
    pub warnings: Vec<Mistake>,
}

impl Config {
    /// Where clients reach a server that listens there.
    pub(crate) fn public_url(&self, bound: Option<SocketAddr>) -> String {
        let scheme = if self.server.tls_cert.is_some() { "https" } else { "http" };
        // Absent: without an address it must be set.
        let bound = bound.map(|bound| bound.to_string()).unwrap_or_default();
        // Absent: only on loopback; elsewhere it must be set.
        self.server.public_url.clone().unwrap_or_else(|| format!("{scheme}://{bound}"))
    }

    /// Says in the log what can be meant, and hardly is.
    pub(crate) fn log_warnings(&self) {
        for Mistake { place, text } in &self.warnings {
            tracing::warn!(place, "the configuration: {text}");
        }
    }
}

/// `[server]`
#[derive(Clone, Debug)]
pub struct Server {
    /// What is listened on.
    pub listen: Vec<Listen>,
    /// What is listened on for metrics and probes.
    pub admin_listen: Vec<Listen>,
    /// Who may connect to the Unix sockets among them.
    pub sockets: Sockets,
    /// Where clients reach this server, without a slash at the end.
    pub public_url: Option<String>,
    /// Whether `public_url` may be plain http for other hosts than this machine.
    pub allow_plain_http: bool,
    /// Whose word on the client's address is believed.
    pub trusted_proxies: Arc<[IpNet]>,
    /// Whether a process that connects to a Unix socket is believed too.
    pub trusted_sockets: bool,
    /// The header that they write the client's address into.
    pub forwarded: ForwardedBy,
    /// Whether they begin every connection with a header of the PROXY protocol.
    pub proxy_protocol: bool,
    /// The certificate chain (PEM); `None`: plain HTTP.
    pub tls_cert: Option<PathBuf>,
    /// The certificate's private key (PEM).
    pub tls_key: Option<PathBuf>,
    /// How long a request may take.
    pub request_timeout: Duration,
    /// How long a connection may be idle; `None`: 15 s, and 650 s where a trusted proxy has opened it.
    pub idle_timeout: Option<Duration>,
    /// How long the server serves on after an order to stop.
    pub shutdown_delay: Duration,
    /// The socket of the operator's commands; `None`: beside the database.
    pub orders_socket: Option<PathBuf>,
}

impl Default for Server {
    fn default() -> Self {
        let listen = SocketAddr::from(([127, 0, 0, 1], 8080));
        Self {
            listen: vec![Listen::Address(listen)],
            admin_listen: Vec::new(),
            sockets: Sockets::default(),
            public_url: None,
            allow_plain_http: false,
            trusted_proxies: Arc::default(),
            trusted_sockets: false,
            forwarded: ForwardedBy::default(),
            proxy_protocol: false,
            tls_cert: None,
            tls_key: None,
            request_timeout: Duration::from_secs(30),
            idle_timeout: None,
            shutdown_delay: Duration::ZERO,
            orders_socket: None,
        }
    }
}

impl Server {
    /// The first address that is listened on and known without asking.
    pub(crate) fn address(&self) -> Option<SocketAddr> {
        self.listen.iter().find_map(Listen::address)
    }
}

/// `[store]`
#[derive(Clone, Debug)]
pub struct StoreConfig {
    /// `sqlite:` and a path.
    pub url: String,
}

impl Default for StoreConfig {
    fn default() -> Self {
        Self { url: "sqlite:keyward-data/keyward.db".to_owned() }
    }
}

/// `[secrets]`
#[derive(Clone, Debug)]
pub struct Secrets {
    /// The root secret's file.
    pub file: PathBuf,
}

impl Default for Secrets {
    fn default() -> Self {
        Self { file: PathBuf::from("keyward-data/root-secret") }
    }
}

/// `[keys]`
#[derive(Clone, Debug)]
pub struct Keys {
    /// What every API key begins with.
    pub prefix: String,
}

impl Default for Keys {
    fn default() -> Self {
        Self { prefix: "lev_sk_".to_owned() }
    }
}

/// `[log]`
#[derive(Clone, Debug)]
pub struct Log {
    /// How lines look.
    pub format: LogFormat,
    /// The least grave level, or a filter by target.
    pub level: String,
    /// The file that lines go to; `None`: standard error.
    pub file: Option<PathBuf>,
    /// How the subject of a refused token is shown.
    pub subject: LogSubject,
}

impl Default for Log {
    fn default() -> Self {
        Self { format: LogFormat::Text, level: "info".to_owned(), file: None, subject: LogSubject::Hash }
    }
}

/// `[audit]`
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AuditConfig {
    /// How long rows of the audit trail are kept.
    pub keep: Retention,
}

/// `[cors]`
#[derive(Clone, Debug, Default)]
pub struct Cors {
    /// The origins whose pages may call the API and the MCP endpoint; `*` is all of them.
    pub origins: Arc<[String]>,
}

/// `[limits]`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LimitsConfig {
    /// Bad credentials a minute from one address; 0, which is set as "unlimited": any number.
    pub failed_auth_per_minute: u32,
    /// `POST /auth/validate-api-key` a minute from one address.
    pub validate_per_minute: u32,
    /// The ranges from which it is neither counted nor limited.
    pub validate_unlimited_from: Arc<[IpNet]>,
    /// `GET /health` a minute from one address.
    pub health_per_minute: u32,
    /// Passwords that are tried a minute from one address, or from one known browser. 0 would be any number: it cannot be set.
    pub sign_in_per_minute: u32,
    /// Links to choose a password that are opened or used a minute from one address; 0, which is set as "unlimited": any number.
    pub links_per_minute: u32,
    /// OAuth clients that register a minute from one address; 0, which is set as "unlimited": any number.
    pub register_per_minute: u32,
    /// Requests for tokens, and forms of browsers that are not signed in, a minute from one address; 0, which is set as
    /// "unlimited": any number.
    pub forms_per_minute: u32,
    /// MiB of the answers of writes with an `Idempotency-Key` that one account keeps.
    pub idempotency_mib: u32,
    /// What to do after a crash, which loses the counters.
    pub after_crash: AfterCrash,
    /// Whether `X-RateLimit-…` is sent beside the draft's fields.
    pub legacy_headers: bool,
    /// Whether what is over a limit is only counted.
    pub shadow: bool,
    /// `[limits.tiers.…]`
    pub tiers: Tiers,
}

impl Default for LimitsConfig {
    fn default() -> Self {
        Self {
            failed_auth_per_minute: 60,
            validate_per_minute: 10,
            validate_unlimited_from: Arc::default(),
            health_per_minute: 100,
            sign_in_per_minute: 10,
            links_per_minute: 60,
            register_per_minute: 10,
            forms_per_minute: 600,
            idempotency_mib: 512,
            after_crash: AfterCrash::Forget,
            legacy_headers: false,
            shadow: false,
            tiers: Tiers::default(),
        }
    }
}

impl LimitsConfig {
    /// `idempotency_mib`, in bytes.
    pub(crate) fn idempotency_bytes(&self) -> u64 {
        u64::from(self.idempotency_mib) * 1024 * 1024
    }

    /// What is limited by address, a minute.
    pub(crate) fn of(&self, purpose: Purpose) -> u32 {
        match purpose {
            Purpose::Health => self.health_per_minute,
            Purpose::FailedAuth => self.failed_auth_per_minute,
            Purpose::SignIn => self.sign_in_per_minute,
            Purpose::Links => self.links_per_minute,
            Purpose::Register => self.register_per_minute,
            Purpose::Forms => self.forms_per_minute,
            Purpose::Validate | Purpose::Reads | Purpose::Writes => self.validate_per_minute,
        }
    }
}

/// `[oauth]`: the embedded authorization server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OAuthConfig {
    /// Whether there is one, and with it the sign-in page and the console.
    pub enabled: bool,
    /// The life of an access token, in seconds.
    pub access_token_seconds: i64,
    /// How long a grant lives without being refreshed, in days.
    pub refresh_token_days: i64,
    /// How long a refresh token is still taken after it was replaced, in seconds.
    pub refresh_grace_seconds: i64,
    /// The schemes of native applications that redirect URIs may have besides the usual ones.
    pub redirect_schemes: Schemes,
}

impl Default for OAuthConfig {
    fn default() -> Self {
        Self {
            enabled: true,
            access_token_seconds: 900,
            refresh_token_days: 30,
            refresh_grace_seconds: GRACE_SECONDS,
            redirect_schemes: Schemes::default(),
        }
    }
}

/// `[mcp]`: the MCP server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct McpConfig {
    /// Whether there is one.
    pub enabled: bool,
    /// Whether tools are listed with the schemas of their results, and results have structured content.
    pub output_schemas: bool,
}

impl Default for McpConfig {
    fn default() -> Self {
        Self { enabled: true, output_schemas: false }
    }
}

/// What to do about limits after a crash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AfterCrash {
    /// Begin to count anew.
    Forget,
    /// Admit nothing that is limited until a minute has passed since the start.
    Strict,
}

/// How log lines look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

/// How the log shows the subject of a refused token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogSubject {
    /// As a hash with a key of this installation.
    Hash,
    /// As it was sent.
    Plain,
}

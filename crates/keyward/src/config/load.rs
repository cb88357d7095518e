//! Reading the configuration, each source over the one before.

use super::{Config, LogFormat};
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

/// What the command line may set.
#[derive(Clone, Debug, Default)]
pub struct Flags {
    /// `--config`: the file.
    pub file: Option<PathBuf>,
    /// `--data`: a directory that holds the database and the root secret under their usual names.
    pub data: Option<PathBuf>,
    /// `--listen`.
    pub listen: Option<SocketAddr>,
}

/// A configuration is not usable. One clear line.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("the configuration file {path} cannot be read: {source}")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The file is not as it must be.
    #[error("{path}:{line}: {message}")]
    Malformed {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What is wrong.
        message: String,
    },
    /// A variable is not as it must be.
    #[error("the variable {name} is not valid: {message}")]
    Variable {
        /// The variable.
        name: &'static str,
        /// What is wrong.
        message: String,
    },
    /// A value is not as it must be.
    #[error("{key} is not valid: {message}")]
    Value {
        /// The key, with its section.
        key: &'static str,
        /// What is wrong.
        message: String,
    },
}

/// Reads every source. `variable` looks a variable of the environment up.
///
/// # Errors
/// See [`ConfigError`].
pub fn load(flags: &Flags, variable: &dyn Fn(&str) -> Option<String>) -> Result<Config, ConfigError> {
    let mut config = match &flags.file {
        Some(path) => from_file(path)?,
        None => Config::default(),
    };
    from_environment(&mut config, variable)?;
    if let Some(data) = &flags.data {
        config.store.url = format!("sqlite:{}", data.join("keyward.db").display());
        config.secrets.file = data.join("root-secret");
    }
    if let Some(listen) = flags.listen {
        config.server.listen = listen;
    }
    if let Some(url) = &config.server.public_url {
        config.server.public_url = Some(public_url(url)?);
    }
    Ok(config)
}

fn from_file(path: &Path) -> Result<Config, ConfigError> {
    let text = std::fs::read_to_string(path)
        .map_err(|source| ConfigError::Unreadable { path: path.to_owned(), source })?;
    let mut config: Config = toml::from_str(&text).map_err(|error| {
        let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
        let line = before.matches('\n').count() + 1;
        ConfigError::Malformed { path: path.to_owned(), line, message: error.message().replace('\n', " ") }
    })?;
    // Relative paths count from the file, so that it means the same wherever the program is started.
    let base = path.parent().unwrap_or(Path::new(""));
    if let Some(database) = config.store.url.strip_prefix("sqlite:") {
        config.store.url = format!("sqlite:{}", base.join(database).display());
    }
    config.secrets.file = base.join(&config.secrets.file);
    Ok(config)
}

fn from_environment(
    config: &mut Config,
    variable: &dyn Fn(&str) -> Option<String>,
) -> Result<(), ConfigError> {
    if let Some(text) = variable("KEYWARD_SERVER_LISTEN") {
        config.server.listen = text.parse().map_err(|_| ConfigError::Variable {
            name: "KEYWARD_SERVER_LISTEN",
            message: "it must be an address with a port, such as 127.0.0.1:8080".to_owned(),
        })?;
    }
    if let Some(text) = variable("KEYWARD_SERVER_PUBLIC_URL") {
        config.server.public_url = Some(text);
    }
    if let Some(text) = variable("KEYWARD_STORE_URL") {
        config.store.url = text;
    }
    if let Some(text) = variable("KEYWARD_SECRETS_FILE") {
        config.secrets.file = PathBuf::from(text);
    }
    if let Some(text) = variable("KEYWARD_KEYS_PREFIX") {
        config.keys.prefix = text;
    }
    if let Some(text) = variable("KEYWARD_LOG_LEVEL") {
        config.log.level = text;
    }
    match variable("KEYWARD_LOG_FORMAT").as_deref() {
        None => {}
        Some("text") => config.log.format = LogFormat::Text,
        Some("json") => config.log.format = LogFormat::Json,
        Some(_) => {
            let message = "it must be text or json".to_owned();
            return Err(ConfigError::Variable { name: "KEYWARD_LOG_FORMAT", message });
        }
    }
    Ok(())
}

/// `http://` or `https://`, a host, and a path without a slash at the end.
fn public_url(text: &str) -> Result<String, ConfigError> {
    let invalid = || ConfigError::Value {
        key: "server.public_url",
        message: "it must be an http or https URL without query, such as https://api.example.com".to_owned(),
    };
    let uri: http::Uri = text.parse().map_err(|_| invalid())?;
    let schemed =
        matches!(uri.scheme_str(), Some("http" | "https")) && uri.host().is_some_and(|host| !host.is_empty());
    if schemed && uri.query().is_none() { Ok(text.trim_end_matches('/').to_owned()) } else { Err(invalid()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with_file(text: &str, variables: &[(&str, &str)]) -> Result<Config, String> {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("keyward.toml");
        std::fs::write(&path, text).unwrap();
        let variable = |name: &str| variables.iter().find(|(n, _)| *n == name).map(|(_, v)| (*v).to_owned());
        let flags = Flags { file: Some(path), ..Flags::default() };
        load(&flags, &variable).map_err(|error| error.to_string())
    }

    #[test]
    fn the_later_source_wins() {
        let config = with_file(
            "[server]\nlisten = \"127.0.0.1:1\"\npublic_url = \"https://a.example/\"\n[log]\nformat = \"json\"",
            &[("KEYWARD_SERVER_LISTEN", "127.0.0.1:2")],
        )
        .unwrap();
        assert_eq!(config.server.listen.port(), 2);
        assert_eq!(config.server.public_url.as_deref(), Some("https://a.example"));
        assert_eq!(config.log.format, LogFormat::Json);
        assert_eq!(config.keys.prefix, "lev_sk_");
    }

    #[test]
    fn a_mistake_is_named_with_its_line() {
        let error = with_file("[server]\nlisten = \"127.0.0.1:1\"\nlisen = 3\n", &[]).unwrap_err();
        assert!(error.contains("keyward.toml:3: unknown field `lisen`"), "{error}");
        let error = with_file("[log]\nformat = \"xml\"\n", &[]).unwrap_err();
        assert!(error.contains("keyward.toml:2:"), "{error}");
        assert!(with_file("", &[("KEYWARD_LOG_FORMAT", "xml")]).unwrap_err().contains("KEYWARD_LOG_FORMAT"));
        assert!(
            with_file("[server]\npublic_url = \"ftp://x\"", &[]).unwrap_err().contains("server.public_url")
        );
    }

    #[test]
    fn paths_count_from_the_file() {
        let config = with_file("[store]\nurl = \"sqlite:x.db\"", &[]).unwrap();
        assert!(config.store.url.ends_with("/x.db") && config.store.url.len() > "sqlite:/x.db".len());
        assert!(config.secrets.file.is_absolute());
    }
}

//! `keyward demo`: sample data, a server, and a line to paste.

use super::listening::listen;
use super::opened::{Opened, Schema, open};
use super::private_data::refuse_open_directory;
use super::run::{self, Plan};
use super::{CliError, core_dumps, variables};
use crate::config::{self, Config, Flags, Listen, cleaned_path};
use crate::current::{Current, Reloadable};
use crate::demo::{self, Credentials};
use crate::files::{make_directory, write_private};
use crate::reload::Reloader;
use crate::secret_mode::refuse_shared;
use crate::watch::Degraded;
use crate::{secret_file, telemetry};
use clap::Args;
use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use url::{Host, Url};

/// The keys and passwords of a demo, in its directory.
const CREDENTIALS: &str = "demo-credentials.json";

#[derive(Debug, Args)]
pub(super) struct Demo {
    /// What to listen on: an address or a name with a port, where 0 lets the system choose one. Repeat it for several.
    #[arg(long, value_name = "ADDR")]
    listen: Vec<Listen>,
    /// Prints one JSON object on one line when the server is ready.
    #[arg(long)]
    json: bool,
    /// The configuration file (TOML). Its [store] and [secrets] are not used: the demo has its own.
    #[arg(long, value_name = "FILE", env = "KEYWARD_CONFIG")]
    config: Option<PathBuf>,
    /// Keeps the database and the credentials here, for the next start.
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
}

impl Demo {
    pub(super) async fn run(self) -> Result<(), CliError> {
        // Before anything is made: a signal from now on ends the demo in order, and its directory with it.
        let signals = run::Signals::listen()?.end_with_terminal();
        let throwaway = match &self.data {
            Some(_) => None,
            None => Some(tempfile::Builder::new().prefix("keyward-demo-").tempdir().map_err(nowhere)?),
        };
        // Absent: never, one of the two is there.
        let data = throwaway
            .as_ref()
            .map_or_else(|| self.data.clone().unwrap_or_default(), |dir| dir.path().to_owned());
        let file = self.config.as_deref().map(cleaned_path);
        let flags = Flags { file, data: Some(data.clone()), listen: self.listen };
        let config = config::load(&flags, &variables())?;
        let set_level = telemetry::start(&config.log)?;
        config.log_warnings();
        core_dumps::turn_off();
        let current = Current::new(Reloadable::of(&config)?);
        let degraded = Degraded::default();
        let traces = telemetry::traces(&degraded);
        let bound = listen(&config.server)?;
        let (opened, credentials) = prepare(&config, &data, &current).await?;
        let public_url = config.public_url(bound.first());
        let people = if is_of_this_machine(bound.is_of_this_machine(), &public_url) {
            credentials.people()
        } else {
            Vec::new()
        };
        let where_else = people.is_empty().then(|| data.join(CREDENTIALS));
        let (url, json) = (public_url.clone(), self.json);
        let kept = self.data.as_ref().map(|data| data.join(CREDENTIALS));
        let announce =
            Box::new(move || unsaid(say(&url, &credentials, json, where_else.as_deref()), kept.as_deref()));
        let (oauth, mcp) = (config.oauth.clone(), config.mcp.clone());
        let reloader = Reloader::new(flags, config, current, set_level);
        run::serve(Plan {
            bound,
            public_url,
            opened,
            signals,
            reloader,
            traces,
            degraded,
            oauth,
            mcp,
            people,
            announce,
        })
        .await
    }
}

/// Why there is no throwaway directory.
fn nowhere(error: std::io::Error) -> CliError {
    let at = std::env::temp_dir();
    let at = at.display();
    // Its own text repeats the path, with a drawn name in it.
    let why = std::io::Error::from(error.kind());
    CliError::usage(format!("the demo's data cannot be kept in {at}: {why}; name a directory with --data"))
}

/// The demo of an earlier start, or a new one.
async fn prepare(config: &Config, data: &Path, current: &Current) -> Result<(Opened, Credentials), CliError> {
    make_directory(data)?;
    refuse_open_directory(data)?;
    let kept = data.join(CREDENTIALS);
    let database = data.join("keyward.db");
    if kept.exists() {
        if !database.exists() {
            let text = format!(
                "there is no database {}, only the credentials for it; restore it, or empty the directory",
                database.display()
            );
            return Err(CliError::Said(text));
        }
        let file = File::open(&kept).map_err(CliError::file(&kept))?;
        refuse_shared(&kept, &file)?;
        let credentials = serde_json::from_reader(file)
            .map_err(|_| CliError::Said(format!("{} is not a demo's credentials", kept.display())))?;
        return Ok((
            open(config, &secret_file::read(config)?, Schema::BringUpToDate, current.tiers())?,
            credentials,
        ));
    }
    if database.exists() {
        return Err(CliError::Said(format!(
            "{} holds a database that is no finished demo; choose another directory, or empty it",
            data.display()
        )));
    }
    let opened = open(config, &secret_file::make(config)?, Schema::Make, current.tiers())?;
    let credentials = demo::fill(&opened.store, &opened.ring, &*opened.random, &*opened.clock).await?;
    let text = serde_json::to_vec_pretty(&credentials).map_err(|error| CliError::Said(error.to_string()))?;
    write_private(&kept, &text)?;
    Ok((opened, credentials))
}

/// Whether nobody but people at this machine can open the sign-in page, which shows passwords then.
fn is_of_this_machine(listens_here: bool, public_url: &str) -> bool {
    let is_loopback = |host: Host<String>| match host {
        Host::Domain(name) => name == "localhost",
        Host::Ipv4(address) => address.is_loopback(),
        Host::Ipv6(address) => address.is_loopback(),
    };
    // Absent: it is not of this machine, and shows no password.
    let public = Url::parse(public_url).ok().and_then(|url| url.host().map(|host| host.to_owned()));
    listens_here && public.is_some_and(is_loopback)
}

/// Why a demo whose keys cannot be printed does not stay; `kept`: the file that has them.
fn unsaid(said: Result<(), CliError>, kept: Option<&Path>) -> Result<(), CliError> {
    let where_else = kept.map(|kept| format!("; its keys are in {}", kept.display()));
    // Absent: a throwaway demo goes with its keys.
    let where_else = where_else.unwrap_or_default();
    said.map_err(|error| CliError::Said(format!("standard output cannot be written ({error}){where_else}")))
}

/// Prints what to do with it. `where_else`: the file that has the passwords, where the sign-in page does not show them.
fn say(url: &str, credentials: &Credentials, json: bool, where_else: Option<&Path>) -> Result<(), CliError> {
    let mut out = std::io::stdout();
    if json {
        let line =
            serde_json::to_string(&credentials.at(url)).map_err(|error| CliError::Said(error.to_string()))?;
        writeln!(out, "{line}")?;
    } else {
        writeln!(out, "Keyward demo on {url}, with sample data. Stop it with Ctrl-C.\n")?;
        if let Some(key) = credentials.api_keys.first() {
            writeln!(out, "Try it:\n")?;
            writeln!(
                out,
                "  curl -s {url}/api/external/v2/me -H 'Authorization: Bearer {}' -H 'X-Origin-App: my-integration'\n",
                key.api_key
            )?;
        }
        writeln!(
            out,
            "Or with a token: sign in as one of its people, in the browser that this opens. The console is {url}/console.\n"
        )?;
        if let Some(file) = where_else {
            let why = "The server does not listen on loopback alone, so the sign-in page shows no passwords";
            writeln!(out, "  {why}. They are in {}.\n", file.display())?;
        }
        let keyward = super::called::name();
        writeln!(out, "  {keyward} login {url}")?;
        writeln!(
            out,
            "  curl -s '{url}/api/external/v2/deals?limit=10' -H \"Authorization: Bearer $({keyward} login {url})\" -H 'X-Origin-App: my-integration'\n"
        )?;
        writeln!(
            out,
            "For an assistant: {url}/mcp, as {url}/platform/mcp-setup says for each. In Claude Code:\n"
        )?;
        writeln!(out, "  claude mcp add --transport http lev {url}/mcp\n")?;
        writeln!(out, "Keys:")?;
        for key in &credentials.api_keys {
            writeln!(out, "  {}  {:<12} {} in {}", key.api_key, key.permission, key.user_email, key.account)?;
        }
    }
    out.flush()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::is_of_this_machine;
    use std::net::SocketAddr;

    #[test]
    fn the_sign_in_page_of_the_demo_shows_passwords_on_loopback_alone() {
        for (listen, public_url, shown) in [
            ("127.0.0.1:8080", "http://127.0.0.1:8080", true),
            ("127.0.0.1:8080", "http://localhost:8080", true),
            ("[::1]:8080", "https://[::1]:8080", true),
            ("127.8.9.1:80", "http://127.0.0.1", true),
            ("0.0.0.0:8080", "http://localhost:8080", false),
            ("[::]:8080", "http://[::1]:8080", false),
            ("192.0.2.1:8080", "http://192.0.2.1:8080", false),
            // A proxy or a tunnel stands before it.
            ("127.0.0.1:8080", "https://demo.example", false),
            ("127.0.0.1:8080", "https://localhost.example", false),
            ("127.0.0.1:8080", "", false),
        ] {
            assert_eq!(
                is_of_this_machine(listen.parse::<SocketAddr>().unwrap().ip().is_loopback(), public_url),
                shown,
                "{listen} {public_url}"
            );
        }
    }
}

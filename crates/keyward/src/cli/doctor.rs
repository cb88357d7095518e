//! `keyward doctor`: looks at what a server depends on, and says in plain words what would and would not work.

mod database;
mod mcp;
mod token;

use super::written::{unshown, write_to_reader};
use super::{CliError, Source, variables};
use crate::config::{self, IssuerConfig, is_issuer_url};
use crate::issuers::discovery::{discover, text};
use crate::issuers::fetch::Web;
use crate::issuers::{Document, FetchError};
use crate::watch::Degraded;
use clap::Args;
use keyward_core::clock::{Clock, SystemClock};
use keyward_core::jwt::{Algorithm, KeySet, MAX_AGE, MIN_AGE, Typ};
use std::fmt::Write as _;
use std::path::PathBuf;

/// Says in plain words whether tokens of an issuer would be taken, which MCP clients would connect, or which rows of the database
/// cannot be read, and what is in the way.
#[derive(Debug, Args)]
pub(super) struct Doctor {
    /// The issuer: the iss of its tokens, to the letter. Its entry in the configuration is looked at too, if it has one.
    #[arg(long, value_name = "URL", required_unless_present_any = ["mcp", "database"])]
    issuer: Option<String>,
    /// An MCP endpoint: its discovery is walked as its clients do.
    #[arg(long, value_name = "URL", conflicts_with = "issuer")]
    mcp: Option<String>,
    /// A file with an access token of the issuer, to be judged by its entry; - reads standard input. It is sent nowhere.
    #[arg(long, value_name = "FILE", requires = "issuer")]
    token: Option<PathBuf>,
    /// Looks at the database of the running server, or at the file: which rows cannot be read.
    #[arg(long, conflicts_with_all = ["issuer", "mcp"])]
    database: bool,
    #[command(flatten)]
    source: Source,
}

/// What was found, a line each.
#[derive(Debug, Default)]
struct Findings {
    text: String,
    wrong: usize,
}

impl Findings {
    fn line(&mut self, word: &str, finding: &str) {
        // Writing to a String cannot fail.
        let _ = writeln!(self.text, "{word:<6} {finding}");
    }

    fn ok(&mut self, finding: &str) {
        self.line("ok", finding);
    }

    fn note(&mut self, finding: &str) {
        self.line("note", finding);
    }

    fn wrong(&mut self, finding: &str) {
        self.wrong += 1;
        self.line("WRONG", finding);
    }
}

impl Doctor {
    pub(super) async fn run(self) -> Result<(), CliError> {
        let (findings, verdict) = match (&self.mcp, &self.issuer) {
            (None, None) => {
                (database::examine(self.source).await?, "credentials that depend on these rows are refused")
            }
            (Some(url), _) => (mcp::examine(url).await?, "not every client would connect to it as it is"),
            (None, issuer) => {
                let config = config::load(&self.source.flags(None), &variables())?;
                let web = Web::new(&Degraded::default());
                let issuer = issuer.as_deref().unwrap_or_default();
                let token = self.token.as_deref().map(token::read).transpose()?;
                (
                    examine(issuer, (&config.issuers, token.as_deref()), &web).await,
                    "tokens of this issuer would not be taken as it is",
                )
            }
        };
        write_to_reader(&findings.text).map_err(|error| unshown(&error))?;
        match findings.wrong {
            0 => Ok(()),
            _ => Err(CliError::Said(verdict.to_owned())),
        }
    }
}

/// Of an issuer, and of a token of it, if there is one.
async fn examine(issuer: &str, (configured, token): (&[IssuerConfig], Option<&str>), web: &Web) -> Findings {
    let mut findings = Findings::default();
    let own = configured.iter().find(|own| own.issuer == issuer);
    let entry =
        own.cloned().unwrap_or_else(|| IssuerConfig { issuer: issuer.to_owned(), ..IssuerConfig::default() });
    entry_of(issuer, configured, &mut findings);
    if !is_issuer_url(issuer) {
        findings.wrong("an issuer must be an https URL (http is for loopback only)");
        return findings;
    }
    let Some(place) = keys_at(&entry, web, &mut findings).await else { return findings };
    match web.get(&place).await {
        Ok(document) => {
            keys(&entry, &document, &mut findings);
            if let (Some(token), Ok(set)) = (token, KeySet::parse(&document.body)) {
                token::judge(token, &entry, &set, SystemClock::default().now(), &mut findings);
            }
        }
        Err(error) => findings.wrong(&error.to_string()),
    }
    let typs: Vec<&str> = entry.accept_typ.iter().map(|typ| typ.name()).collect();
    findings.note(&format!(
        "only its tokens can show the rest: their typ must be {}, and an address is looked for in {:?} with {:?}",
        typs.join(" or "),
        entry.email_claim,
        entry.email_verified_claim
    ));
    if issuer.contains(".auth0.com") && !entry.accept_typ.contains(&Typ::Jwt) {
        findings.note(
            "Auth0's usual access tokens have the typ JWT: add it to accept_typ, or give the API the token profile RFC 9068",
        );
    }
    if own.is_none() && findings.wrong == 0 {
        let _ = write!(
            findings.text,
            "\nTo take its tokens, with the names of your API at the issuer:\n\n[[issuers]]\nissuer = {issuer:?}\naudience = \
             [\"https://api.example.com\"]\n"
        );
    }
    findings
}

/// What the configuration says of it.
fn entry_of(issuer: &str, configured: &[IssuerConfig], findings: &mut Findings) {
    let plain = |text: &str| text.trim_end_matches('/').to_lowercase();
    if configured.iter().any(|own| own.issuer == issuer) {
        findings.ok("the configuration has an entry for it");
    } else if let Some(near) = configured.iter().find(|own| plain(&own.issuer) == plain(issuer)) {
        findings.wrong(&format!(
            "the configuration has {:?}, and {issuer:?} is another: iss is compared to the letter, the slash at the end too",
            near.issuer
        ));
    } else {
        findings.note("the configuration has no entry for it: what follows is by the defaults");
    }
}

/// Where its keys are.
async fn keys_at(entry: &IssuerConfig, web: &Web, findings: &mut Findings) -> Option<String> {
    if let Some(fixed) = &entry.jwks_uri {
        findings.ok(&format!("jwks_uri is configured, so its metadata are not read: {fixed}"));
        return Some(fixed.clone());
    }
    match discover(web, &entry.issuer).await {
        Ok(metadata) => {
            findings.ok(&format!(
                "its metadata are there and name it to the letter; its keys are at {:?}",
                metadata.jwks_uri
            ));
            if text(&metadata.document, "authorization_endpoint").is_none() {
                findings
                    .note("it names no authorization_endpoint: people cannot sign in there by themselves");
            }
            token::scopes(entry, &metadata.document, findings);
            Some(metadata.jwks_uri)
        }
        Err(error @ FetchError::Issuer { .. }) => {
            findings.wrong(&format!("{error}; write issuer as its tokens' iss says"));
            None
        }
        Err(error) => {
            findings.wrong(&format!("{error}; without metadata, jwks_uri must say where its keys are"));
            None
        }
    }
}

/// A key's name, as it can be printed: it is whatever the issuer wrote.
fn named(kid: Option<&str>) -> String {
    kid.map_or_else(
        || "without kid".to_owned(),
        |kid| format!("{:?}", kid.chars().take(100).collect::<String>()),
    )
}

/// The keys of a set, each with all that it can verify: one without `alg` can verify whatever its type can.
fn by_name(set: &KeySet) -> Vec<(Option<&str>, Vec<Algorithm>)> {
    let mut all: Vec<(Option<&str>, Vec<Algorithm>)> = Vec::new();
    for key in set.keys() {
        match all.last_mut().filter(|(kid, _)| kid.is_some() && *kid == key.kid()) {
            Some((_, algorithms)) => algorithms.push(key.algorithm()),
            None => all.push((key.kid(), vec![key.algorithm()])),
        }
    }
    all
}

/// What its keys are good for.
fn keys(entry: &IssuerConfig, document: &Document, findings: &mut Findings) {
    let set = match KeySet::parse(&document.body) {
        Ok(set) => set,
        Err(error) => {
            findings.wrong(&error.to_string());
            return;
        }
    };
    let names = |algorithms: &[Algorithm]| {
        algorithms.iter().map(|algorithm| algorithm.name()).collect::<Vec<_>>().join(", ")
    };
    let mut offered: Vec<Algorithm> = Vec::new();
    for (kid, algorithms) in by_name(&set) {
        let (kid, allowed) = (named(kid), |algorithm: &Algorithm| entry.algorithms.contains(algorithm));
        let taken: Vec<Algorithm> = algorithms.iter().copied().filter(allowed).collect();
        if taken.is_empty() {
            let all = names(&algorithms);
            findings.note(&format!("key {kid} can verify {all}, which algorithms does not list"));
        } else {
            findings.ok(&format!("key {kid} can verify {}", names(&taken)));
        }
        offered.extend(
            algorithms.into_iter().filter(|algorithm| !offered.contains(algorithm)).collect::<Vec<_>>(),
        );
    }
    for unusable in &set.unusable {
        let kid = named(unusable.kid.as_deref());
        findings.note(&format!("key {kid} is not used: {}", unusable.why));
    }
    if offered.is_empty() {
        findings.wrong("its key set has no key that can be used: its tokens are refused");
    } else if !offered.iter().any(|algorithm| entry.algorithms.contains(algorithm)) {
        findings.wrong(&format!(
            "it has keys for {}, and algorithms lists {}",
            names(&offered),
            names(&entry.algorithms)
        ));
    }
    let asked = document.max_age.map_or_else(
        || "says nothing about how long its keys may be kept".to_owned(),
        |age| format!("lets its keys be kept for {} s", age.as_secs()),
    );
    findings.note(&format!(
        "it {asked}; they are fetched anew after {} to {} s, and at once for a key that is not known",
        MIN_AGE.as_secs(),
        MAX_AGE.as_secs()
    ));
}

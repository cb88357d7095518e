//! Judges a token that the operator has by its issuer's entry: whether it is taken, what its scopes leave, what they do not mean
//! here. And the same of the scopes that the issuer's metadata list.

use super::Findings;
use crate::cli::CliError;
use crate::config::IssuerConfig;
use crate::issuers::discovery::member;
use keyward_core::clock::Timestamp;
use keyward_core::denial::Denial;
use keyward_core::json::Json;
use keyward_core::jwt::{Found, KeySet, RefusedToken, Rules, Token, Verified};
use keyward_core::scope::Scope;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

/// As much is read of a file: more than the longest token.
const MOST: u64 = 1024 * 1024;
/// The most names that are shown, and the most characters of each.
const NAMES: usize = 20;
const CHARACTERS: usize = 64;

/// The token in a file, or from standard input.
pub(super) fn read(file: &Path) -> Result<String, CliError> {
    let text = |input: &mut dyn Read| {
        let mut text = String::new();
        input.take(MOST).read_to_string(&mut text).map(|_| text)
    };
    let text = match file {
        input if input == Path::new("-") => text(&mut io::stdin().lock()),
        file => File::open(file).and_then(|mut file| text(&mut file)),
    };
    text.map(|text| text.trim().to_owned()).map_err(CliError::file(file))
}

/// Says what would become of it.
pub(super) fn judge(text: &str, entry: &IssuerConfig, set: &KeySet, now: Timestamp, findings: &mut Findings) {
    let rules = entry.rules();
    let token = match verify(text, &rules, set, now) {
        Ok(token) => token,
        Err(denial) => {
            let advice = RefusedToken::of(text, &denial, std::iter::once(&rules)).advice;
            let advice = advice.unwrap_or_else(|| denial.advice().to_owned());
            return findings.wrong(&format!("the token is refused, {}: {advice}", denial.word()));
        }
    };
    findings.ok(&format!("the token is taken; its subject is {:?}", token.subject));
    match &token.scope_report {
        Some(report) => findings.note(&report.text()),
        None => findings.note("nothing narrows the token: it may do what its user's role gives"),
    }
    if !token.literal.contains(Scope::AccountWrite) {
        findings.note("it makes no keys and does not change the team: account:write does not stand in it");
    }
}

fn verify(text: &str, rules: &Rules, set: &KeySet, now: Timestamp) -> Result<Verified, Denial> {
    let token = Token::read(text, rules.max_bytes)?;
    if token.issuer() != rules.issuer {
        return Err(Denial::TokenIssuer);
    }
    let algorithm = rules.header(&token)?;
    match set.find(token.kid(), algorithm) {
        Found::One(key) => rules.claims(&token, &key, now),
        Found::None | Found::Several => Err(Denial::TokenKeyUnknown),
    }
}

/// Says which of the scopes in the issuer's metadata mean something here.
pub(super) fn scopes(entry: &IssuerConfig, metadata: &Json, findings: &mut Findings) {
    let Some(Json::Array(listed)) = member(metadata, "scopes_supported") else { return };
    let names = || {
        listed.iter().filter_map(|name| match name {
            Json::String(name) => Some(name.as_str()),
            _ => None,
        })
    };
    let ours = shown(names().filter(|name| entry.scope_names.scopes(name).is_some()));
    let unknown = shown(names().filter(|name| entry.scope_names.is_unknown(name)));
    findings.note(&match ours {
        Some(ours) => format!("of the scopes in its metadata these are this API's: {ours}"),
        None => "its metadata list no scope of this API; not every issuer lists those of its APIs".to_owned(),
    });
    if let Some(unknown) = unknown {
        findings.note(&format!(
            "its metadata list scopes that this API does not have, and a token with one of them is narrowed: {unknown}; scope_prefix \
             and scope_map translate names"
        ));
    }
}

/// The first few names, as they can be printed.
fn shown<'n>(names: impl Iterator<Item = &'n str>) -> Option<String> {
    let names: Vec<String> = names
        .take(NAMES)
        .map(|name| format!("{:?}", name.chars().take(CHARACTERS).collect::<String>()))
        .collect();
    (!names.is_empty()).then(|| names.join(", "))
}

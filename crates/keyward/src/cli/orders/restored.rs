//! What `keyward restore` reports: what comes back to life and what does not, and, of its drill, what the copy is.

use super::plain;
use crate::cli::CliError;
use crate::cli::written::{untold, write_to_reader};
use keyward_core::clock::Timestamp;
use keyward_sqlite::{Examined, LiveKey, Restored};
use serde_json::{Value, json};
use std::fmt::Write;
use std::path::{Path, PathBuf};

/// What was restored, and from where.
pub(super) struct Report {
    pub(super) database: PathBuf,
    pub(super) from: PathBuf,
    pub(super) restored: Restored,
}

impl Report {
    /// For programs.
    pub(super) fn json(&self) -> Value {
        let of = &self.restored;
        let key = |key: &LiveKey| {
            json!({
                "id": key.id, "key_prefix": key.prefix, "user_email": key.email, "account": key.account, "label": key.label,
            })
        };
        json!({
            "restored": self.database,
            "from": self.from,
            "journal_complete": of.unknown.is_none(),
            "journal_why_not": of.unknown,
            "journal_last_entry_at": of.until.map(|at| at.to_string()),
            "ended": of.ended,
            "not_ended": of.failed,
            "sessions_ended": of.sessions,
            "grants_ended": of.grants,
            "links_ended": of.links,
            "root_secret_versions_to_rotate": of.secrets,
            "passwords": of.passwords,
            "api_keys": of.keys.iter().map(key).collect::<Vec<_>>(),
            "faults": of.faults,
        })
    }

    /// For people. It is done, whether or not somebody reads that.
    pub(super) fn write_out(&self) -> Result<(), CliError> {
        let mut out = format!("restored {} from {}\n", self.database.display(), self.from.display());
        self.text(&mut out).map_err(|error| CliError::unknown(error.to_string()))?;
        write_to_reader(&out).map_err(|error| untold(&error))
    }

    fn text(&self, out: &mut String) -> std::fmt::Result {
        let Restored {
            unknown,
            until,
            ended,
            failed,
            sessions,
            grants,
            links,
            keys,
            passwords,
            secrets,
            faults,
        } = &self.restored;
        if unknown.is_none() {
            // Absent: it has no entry.
            let last = until.map_or_else(|| "none".to_owned(), |at| at.to_string());
            writeln!(
                out,
                "last entry of the journal of revocations: {last} (if the journal is an older copy, revoke again what was revoked since)"
            )?;
        }
        if let Some(why) = unknown {
            writeln!(
                out,
                "WHAT WAS REVOKED SINCE THE COPY IS NOT KNOWN: the journal of revocations was not used ({why})."
            )?;
            writeln!(
                out,
                "Revoke every key below that you do not know to be good, and look through users and their roles."
            )?;
            writeln!(out, "ended: {links} links and invitations that may have been used")?;
        }
        writeln!(
            out,
            "ended: {sessions} sessions, {grants} grants of applications; people sign in, and applications ask, again"
        )?;
        list(out, "ended since the copy, and again now", ended)?;
        list(out, "COULD NOT BE ENDED AGAIN, and may be back to life", failed)?;
        list(out, "rows that are not as they must be, in the copy as before", faults)?;
        for version in secrets {
            writeln!(
                out,
                "version {version} of the root secret was given up since and is back: run keyward secret rotate"
            )?;
        }
        writeln!(out, "back to life: {} API keys, {passwords} users with a password", keys.len())?;
        let keys: Vec<String> = keys.iter().map(LiveKey::to_string).collect();
        list(out, "these keys open the API", &keys)
    }

    /// Fails where something that ended could not be ended again.
    pub(super) fn ended_all(&self) -> Result<(), CliError> {
        match self.restored.failed.len() {
            0 => Ok(()),
            failed => Err(CliError::unknown(format!(
                "{failed} entries of the journal could not be done, and what they ended may be back to life. Each start of the server \
                 tries them again, and ends them in memory; end them by hand to be sure"
            ))),
        }
    }
}

fn list(out: &mut String, title: &str, lines: &[String]) -> std::fmt::Result {
    if !lines.is_empty() {
        writeln!(out, "{title}:")?;
    }
    lines.iter().try_for_each(|line| writeln!(out, "  {}", plain(&Value::from(line.as_str()))))
}

/// What a copy is.
pub(super) fn examined(file: &Path, found: &Examined, now: Timestamp) -> Value {
    let schema = found.schemas.iter().map(|(component, version)| (component.clone(), json!(version)));
    json!({
        "file": file,
        "bytes": found.bytes,
        "newest_at": found.newest.map(|at| at.to_string()),
        "age_seconds": found.newest.map(|at| now.unix().saturating_sub(at.unix())),
        "schema": Value::Object(schema.collect()),
        "older_schema": found.is_older,
        "root_secret_versions": found.root_secret_versions,
        "journal_complete": found.unknown.is_none(),
        "journal_why_not": found.unknown,
        "journal_last_entry_at": found.until.map(|at| at.to_string()),
        "to_end_again": found.endings,
        "api_keys": found.keys,
        "faults": found.faults,
    })
}

//! The part of the table of settings that is about the log.

use super::setting::{Given, Kind, Setting, path, shown_path};
use super::{LogFormat, LogSubject, log_level};

/// `[log]`
pub(super) const LOG: &[Setting] = &[
    Setting {
        section: "log",
        key: "format",
        about: "How log lines look: for people, or one JSON object a line.",
        kind: Kind::Text,
        reloads: false,
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
        about: "Minimum level to log: error, warn, info, debug, trace or off. For parts of the program: \
                several, separated by commas, such as info,keyward::request=warn; what none of them names is logged from info on. Server failures are logged as errors, \
                refused credentials of known users as warnings.",
        kind: Kind::Text,
        reloads: true,
        values: &[],
        get: |config| Some(Given::Text(config.log.level.clone())),
        set: |config, given, _| {
            let level = given.text()?;
            log_level::check(&level)?;
            config.log.level = level;
            Ok(())
        },
    },
    Setting {
        section: "log",
        key: "file",
        about: "The file that log lines are appended to, instead of standard error. On SIGHUP the server goes on in the file that \
                is then at this path: a rotation moves the old one away and sends SIGHUP. A relative path counts from the file \
                that says it.",
        kind: Kind::Path,
        reloads: false,
        values: &[],
        get: |config| config.log.file.as_deref().map(shown_path),
        set: |config, given, base| {
            config.log.file = Some(path(given, base)?);
            Ok(())
        },
    },
    Setting {
        section: "log",
        key: "subject",
        about: "How the log shows the subject of a refused token, which is often an e-mail address: as a hash with a key of \
                this installation, or plain. keyward explain shows it plain either way, for as long as the server remembers \
                the request.",
        kind: Kind::Text,
        reloads: false,
        values: &["hash", "plain"],
        get: |config| {
            Some(Given::Text(match config.log.subject {
                LogSubject::Hash => "hash".to_owned(),
                LogSubject::Plain => "plain".to_owned(),
            }))
        },
        set: |config, given, _| {
            config.log.subject = match given.text()?.as_str() {
                "hash" => LogSubject::Hash,
                "plain" => LogSubject::Plain,
                other => return Err(format!("it must be hash or plain (got {other})")),
            };
            Ok(())
        },
    },
];

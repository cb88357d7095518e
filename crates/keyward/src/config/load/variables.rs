//! `KEYWARD_*`: what each variable says. One that is set and empty clears a list, and for any other setting counts as not set,
//! with a warning. One that is not text is a mistake, never as if it were not there. One that sets nothing is a mistake where one of
//! ours was meant, and else warned of: files of variables and orchestrators have others.

use super::unknown::Unknown;
use super::{Mistake, Places, set};
use crate::config::Config;
use crate::config::check::{is_of_tests, is_read_elsewhere};
use crate::config::setting::{Given, Kind, Setting};
use crate::config::settings::settings;
use crate::config::variable_text::{cleaned, has_invisible, is_empty, with_value};
use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::path::Path;

/// The variables of the environment that begin with `KEYWARD_`, by name.
pub type Variables = BTreeMap<String, OsString>;

/// What is wrong with a variable that is not text.
pub(crate) const NOT_TEXT: &str = "it must be text in UTF-8";

const EMPTY: &str = "it is set and empty, and counts as not set";

const SETS_NOTHING: &str = "there is no such variable, so it sets nothing";

/// Reads them all, over what is set already.
pub(super) fn from_variables(
    config: &mut Config,
    variables: &Variables,
    (mistakes, places): (&mut Vec<Mistake>, &mut Places),
) {
    for (name, value) in variables {
        let setting = settings().find(|setting| setting.variable() == *name);
        let outcome = match setting {
            Some(setting) => of_setting(config, setting, value),
            None => beside(name, value),
        };
        match outcome {
            Ok(Said::Nothing) => {}
            Ok(Said::Doubtful(text)) => {
                config.warnings.push(Mistake { place: name.clone(), text: text.to_owned() });
            }
            Ok(Said::Setting(setting)) => drop(places.insert(setting, name.clone())),
            Err(text) => mistakes.push(Mistake { place: name.clone(), text }),
        }
    }
}

/// What a variable says.
enum Said {
    /// The value of the setting of this name.
    Setting(String),
    /// What counts as nothing, and was hardly meant to: why.
    Doubtful(&'static str),
    /// Nothing to this reader.
    Nothing,
}

fn of_setting(config: &mut Config, setting: &Setting, value: &OsStr) -> Result<Said, String> {
    let text = cleaned(value.to_str().ok_or(NOT_TEXT)?);
    if text.is_empty() && setting.kind != Kind::List {
        return Ok(Said::Doubtful(EMPTY));
    }
    seen(setting.kind, text)
        .and_then(|()| set(config, setting, given(setting.kind, text)?, Path::new("")))
        .map_err(|wrong| with_value(wrong, text))?;
    Ok(Said::Setting(setting.name()))
}

/// Refuses a text with characters that its reader does not see: a path would be made with them.
fn seen(kind: Kind, text: &str) -> Result<(), String> {
    match kind {
        Kind::Text | Kind::Path | Kind::Rate if has_invisible(text) => {
            Err("it holds, or begins or ends with, a character that is not seen".to_owned())
        }
        // Absent: blanks around a number, a flag or an item of a list mean nothing.
        _ => Ok(()),
    }
}

/// A variable that is no setting's: read elsewhere, or misspelt, or not meant for this program.
fn beside(name: &str, value: &OsStr) -> Result<Said, String> {
    if is_of_tests(name) {
        return Ok(Said::Nothing);
    }
    if !is_read_elsewhere(name) {
        return match Unknown::of(name, &value.to_string_lossy()) {
            Unknown::Orchestrators => Ok(Said::Nothing),
            Unknown::SetsNothing => Ok(Said::Doubtful(SETS_NOTHING)),
            Unknown::Misspelt(way_out) => Err(format!("there is no such variable; {way_out}")),
        };
    }
    match value {
        // The name of a file is what the system takes for one.
        _ if value.to_str().is_none() && name != "KEYWARD_CONFIG" => Err(NOT_TEXT.to_owned()),
        _ if is_empty(value) => Ok(Said::Doubtful(EMPTY)),
        // Absent: what reads it judges its text.
        _ => Ok(Said::Nothing),
    }
}

/// The value that a text says.
fn given(kind: Kind, text: &str) -> Result<Given, String> {
    match kind {
        Kind::List | Kind::Texts => items(text).map(Given::List),
        Kind::Map => Err("it is set in the file alone".to_owned()),
        Kind::Number(..) => {
            text.trim().parse().map(Given::Number).map_err(|_| "it must be a whole number".to_owned())
        }
        // Templates of Python and Ansible write True and False.
        Kind::Flag => {
            let flag = text.trim().to_ascii_lowercase().parse();
            flag.map(Given::Flag).map_err(|_| "it must be true or false".to_owned())
        }
        Kind::Text | Kind::Path | Kind::Rate => Ok(Given::Text(text.to_owned())),
    }
}

/// The items of a list: between commas, or as JSON has them, which is how the file writes a list too.
fn items(text: &str) -> Result<Vec<String>, String> {
    let whole = |items: &mut dyn Iterator<Item = &str>| {
        items.map(str::trim).filter(|item| !item.is_empty()).map(str::to_owned).collect()
    };
    match serde_json::from_str::<Vec<String>>(text) {
        Ok(items) => Ok(whole(&mut items.iter().map(String::as_str))),
        Err(_) if text.starts_with(['[', '{']) && text.contains(['"', '\'']) => Err(
            "it must be the items with commas between them, such as a,b, or a list such as [\"a\", \"b\"]"
                .to_owned(),
        ),
        // Absent: it is no list of JSON.
        Err(_) => Ok(whole(&mut text.split(','))),
    }
}

//! `KEYWARD_*`: what each variable says. One that is set and empty clears a list, and for any other setting counts as not set,
//! with a warning. One that is not text is a mistake, never as if it were not there.

use super::{Mistake, Places, set};
use crate::config::Config;
use crate::config::check::{is_read_elsewhere, is_unknown};
use crate::config::settings::{Given, Kind, Setting, settings};
use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::path::Path;

/// The variables of the environment that begin with `KEYWARD_`, by name.
pub type Variables = BTreeMap<String, OsString>;

/// What is wrong with a variable that is not text.
pub(crate) const NOT_TEXT: &str = "it must be text in UTF-8";

const EMPTY: &str = "it is set and empty, and counts as not set";

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
            Ok(Said::Empty) => {
                config.warnings.push(Mistake { place: name.clone(), text: EMPTY.to_owned() });
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
    /// What counts as nothing, and was hardly meant to.
    Empty,
    /// Nothing to this reader.
    Nothing,
}

fn of_setting(config: &mut Config, setting: &Setting, value: &OsStr) -> Result<Said, String> {
    let text = value.to_str().ok_or(NOT_TEXT)?;
    if text.is_empty() && setting.kind != Kind::List {
        return Ok(Said::Empty);
    }
    set(config, setting, given(setting.kind, text)?, Path::new(""))?;
    Ok(Said::Setting(setting.name()))
}

/// A variable that is no setting's: read elsewhere, or misspelt, or not meant for this program.
fn beside(name: &str, value: &OsStr) -> Result<Said, String> {
    match name {
        _ if is_unknown(name) => Err("there is no such variable; config.md names them all".to_owned()),
        _ if !is_read_elsewhere(name) => Ok(Said::Nothing),
        // The name of a file is what the system takes for one.
        _ if value.to_str().is_none() && name != "KEYWARD_CONFIG" => Err(NOT_TEXT.to_owned()),
        _ if value.is_empty() => Ok(Said::Empty),
        // Absent: what reads it judges its text.
        _ => Ok(Said::Nothing),
    }
}

/// The value that a text says.
fn given(kind: Kind, text: &str) -> Result<Given, String> {
    match kind {
        Kind::List => Ok(Given::List(items(text))),
        Kind::Map => Err("it is set in the file alone".to_owned()),
        Kind::Number(..) => {
            text.trim().parse().map(Given::Number).map_err(|_| "it must be a whole number".to_owned())
        }
        Kind::Flag => text.trim().parse().map(Given::Flag).map_err(|_| "it must be true or false".to_owned()),
        Kind::Text | Kind::Path | Kind::Rate => Ok(Given::Text(text.to_owned())),
    }
}

/// The items of a list.
fn items(text: &str) -> Vec<String> {
    text.split(',').map(str::trim).filter(|item| !item.is_empty()).map(str::to_owned).collect()
}

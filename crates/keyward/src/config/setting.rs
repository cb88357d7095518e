//! What a setting is: its name, what it is for, and how its value is read and shown.

use super::Config;
use keyward_core::limits::Rate;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// A value as it was given, by whatever source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Given {
    Text(String),
    List(Vec<String>),
    Map(BTreeMap<String, String>),
    Number(i64),
    Flag(bool),
}

/// What a setting's value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A text.
    Text,
    /// A text that is, or holds, a path that counts from the file that says it.
    Path,
    /// One text, or a list of several; a variable separates them by commas.
    Texts,
    /// A list of texts; a variable separates them by commas.
    List,
    /// A table of texts, which only the file can hold.
    Map,
    /// A whole number, from the least to the greatest that it may be.
    Number(i64, i64),
    /// Requests a minute, or `"unlimited"`.
    Rate,
    /// `true` or `false`.
    Flag,
}

impl Given {
    pub(super) fn text(self) -> Result<String, String> {
        match self {
            Self::Text(text) => Ok(text),
            // Absent: a mistake.
            _ => Err("it must be one text".to_owned()),
        }
    }

    pub(super) fn list(self) -> Result<Vec<String>, String> {
        match self {
            Self::List(items) => Ok(items),
            // Absent: a mistake.
            _ => Err("it must be a list of texts".to_owned()),
        }
    }

    pub(super) fn map(self) -> Result<BTreeMap<String, String>, String> {
        match self {
            Self::Map(map) => Ok(map),
            // Absent: a mistake.
            _ => Err("it must be a table of texts".to_owned()),
        }
    }

    pub(super) fn flag(self) -> Result<bool, String> {
        match self {
            Self::Flag(flag) => Ok(flag),
            // Absent: a mistake.
            _ => Err("it must be true or false".to_owned()),
        }
    }

    pub(super) fn rate(self) -> Result<Rate, String> {
        let (rate, zero) = match self {
            // Absent: no figure, which is a mistake.
            Self::Number(number) => (u32::try_from(number).ok().and_then(Rate::of), number == 0),
            Self::Text(text) => (Rate::parse(&text), text.trim() == "0"),
            Self::List(_) | Self::Map(_) | Self::Flag(_) => (None, false),
        };
        let wrong = || format!("it must be 1 to {} a minute, or \"unlimited\"", Rate::MOST);
        // It was the word for no limit once, and to others it would mean nothing at all.
        let zero = zero.then_some("; 0 is neither: say \"unlimited\" for no limit");
        // Absent: a mistake, with no more to say.
        rate.ok_or_else(|| wrong() + zero.unwrap_or_default())
    }

    pub(super) fn of_rate(rate: Rate) -> Self {
        match rate {
            Rate::PerMinute(figure) => Self::Number(i64::from(figure)),
            Rate::Unlimited => Self::Text("unlimited".to_owned()),
        }
    }

    pub(super) fn number(self) -> Result<i64, String> {
        match self {
            Self::Number(number) => Ok(number),
            // Absent: a mistake.
            _ => Err("it must be a whole number".to_owned()),
        }
    }
}

/// One thing that can be set.
pub(super) struct Setting {
    pub(super) section: &'static str,
    pub(super) key: &'static str,
    /// What it is for, in whole sentences.
    pub(super) about: &'static str,
    /// What its value is.
    pub(super) kind: Kind,
    /// Whether a running server takes a change of it in when it is told to reload.
    pub(super) reloads: bool,
    /// Its values, where they are a closed set.
    pub(super) values: &'static [&'static str],
    /// What is set now; `None`: nothing.
    pub(super) get: fn(&Config) -> Option<Given>,
    /// Sets it. Relative paths count from `base`.
    pub(super) set: fn(&mut Config, Given, base: &Path) -> Result<(), String>,
}

impl Setting {
    /// `section.key`.
    pub(super) fn name(&self) -> String {
        format!("{}.{}", self.section, self.key)
    }

    /// `KEYWARD_SECTION_KEY`.
    pub(super) fn variable(&self) -> String {
        format!("KEYWARD_{}_{}", self.section.replace('.', "_"), self.key).to_uppercase()
    }
}

pub(super) fn shown_path(path: &Path) -> Given {
    Given::Text(path.display().to_string())
}

/// A path that counts from `base`.
pub(super) fn path(given: Given, base: &Path) -> Result<PathBuf, String> {
    let path = given.text()?;
    if path.is_empty() { Err("it must be a path".to_owned()) } else { Ok(base.join(path)) }
}

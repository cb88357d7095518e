//! Reading the configuration, each source over the one before. All mistakes are told at once.

mod unknown;
mod variables;

pub(crate) use variables::NOT_TEXT;
pub use variables::Variables;

use super::Config;
use super::Listen;
use super::check::{between, doubtful};
use super::issuers::{ISSUER_SETTINGS, IssuerConfig};
use super::setting::{Given, Kind, Setting};
use super::settings::settings;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use toml::Spanned;
use toml::de::{DeTable, DeValue};
use variables::from_variables;

/// What the command line may set.
#[derive(Clone, Debug, Default)]
pub struct Flags {
    /// `--config`: the file.
    pub file: Option<PathBuf>,
    /// `--data`: a directory that holds the database and the root secret under their usual names.
    pub data: Option<PathBuf>,
    /// `--listen`.
    pub listen: Vec<Listen>,
}

/// One thing that is wrong, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistake {
    /// `FILE:LINE`, or the variable.
    pub place: String,
    /// What is wrong.
    pub text: String,
}

/// A configuration is not usable: everything that is wrong with it, a line each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigError(pub Vec<Mistake>);

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, mistake) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str("\nkeyward: ")?;
            }
            write!(f, "{}: {}", mistake.place, mistake.text)?;
        }
        Ok(())
    }
}

impl std::error::Error for ConfigError {}

/// Where each setting was set, by its name, for mistakes that concern two of them.
type Places = BTreeMap<String, String>;

/// Reads every source.
///
/// # Errors
/// See [`ConfigError`].
pub fn load(flags: &Flags, variables: &Variables) -> Result<Config, ConfigError> {
    let mut config = Config::default();
    let (mut mistakes, mut places) = (Vec::new(), Places::new());
    if let Some(path) = &flags.file {
        from_file(&mut config, path, (&mut mistakes, &mut places));
    }
    from_variables(&mut config, variables, (&mut mistakes, &mut places));
    if let Some(data) = &flags.data {
        config.store.url = format!("sqlite:{}", data.join("keyward.db").display());
        config.secrets.file = data.join("root-secret");
    }
    if !flags.listen.is_empty() {
        config.server.listen.clone_from(&flags.listen);
        places.insert("server.listen".to_owned(), "--listen".to_owned());
    }
    let told = |(name, text): (String, String)| {
        // Absent: set nowhere, so its name is its place.
        let place = places.get(&name).cloned().unwrap_or(name);
        Mistake { place, text }
    };
    mistakes.extend(between(&config).into_iter().map(told));
    let doubtful = doubtful(&config);
    config.warnings.extend(doubtful.into_iter().map(told));
    if mistakes.is_empty() { Ok(config) } else { Err(ConfigError(mistakes)) }
}

/// Sets it, if a number is within its bounds.
fn set(config: &mut Config, setting: &Setting, given: Given, base: &Path) -> Result<(), String> {
    within(setting.kind, &given)?;
    (setting.set)(config, given, base)
}

/// Whether a number is within its bounds.
fn within(kind: Kind, given: &Given) -> Result<(), String> {
    match (kind, given) {
        (Kind::Number(least, most), Given::Number(number)) if !(least..=most).contains(number) => {
            Err(format!("it must be a whole number from {least} to {most}"))
        }
        // Absent: other kinds have no bounds.
        _ => Ok(()),
    }
}

/// Reads `[[issuers]]`, each entry with all its mistakes.
fn issuers(
    config: &mut Config,
    value: &Spanned<DeValue<'_>>,
    source: &Source<'_>,
    (mistakes, places): (&mut Vec<Mistake>, &mut Places),
) {
    let DeValue::Array(entries) = value.get_ref() else {
        mistakes.push(source.mistake(value.span().start, "issuers must be entries: [[issuers]]"));
        return;
    };
    for entry in entries {
        let at = entry.span().start;
        let DeValue::Table(entry) = entry.get_ref() else {
            mistakes.push(source.mistake(at, "an issuer must be an entry: [[issuers]]"));
            continue;
        };
        let (mut issuer, mut told) = (IssuerConfig::default(), Vec::new());
        for (key, value) in entry {
            let setting = ISSUER_SETTINGS.iter().find(|setting| setting.key == key.get_ref());
            let outcome = match setting {
                None => {
                    let keys: Vec<&str> = ISSUER_SETTINGS.iter().map(|setting| setting.key).collect();
                    Err(format!("there is no {} in [[issuers]]; it has {}", key.get_ref(), keys.join(", ")))
                }
                Some(setting) => given(setting.kind, value)
                    .and_then(|given| {
                        within(setting.kind, &given).and_then(|()| (setting.set)(&mut issuer, given))
                    })
                    .map_err(|text| format!("issuers.{}: {text}", setting.key)),
            };
            if let Err(text) = outcome {
                told.push(key.get_ref().to_string());
                mistakes.push(source.mistake(key.span().start, text));
            }
        }
        // Of what is wrong it is told already.
        let missing = ISSUER_SETTINGS.iter().filter(|setting| {
            setting.required && (setting.get)(&issuer).is_none() && !told.iter().any(|key| key == setting.key)
        });
        mistakes
            .extend(missing.map(|setting| source.mistake(at, format!("issuers.{} is missing", setting.key))));
        places.insert(format!("issuers {}", issuer.issuer), source.mistake(at, "").place);
        config.issuers.push(issuer);
    }
}

/// A file with its places.
struct Source<'f> {
    path: &'f Path,
    text: &'f str,
}

impl Source<'_> {
    fn mistake(&self, at: usize, text: impl Into<String>) -> Mistake {
        // Absent: the mistake is named at the first line.
        let line = self.text.get(..at).unwrap_or_default().matches('\n').count() + 1;
        Mistake { place: format!("{}:{line}", self.path.display()), text: text.into() }
    }
}

fn from_file(config: &mut Config, path: &Path, (mistakes, places): (&mut Vec<Mistake>, &mut Places)) {
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) => {
            mistakes.push(Mistake {
                place: path.display().to_string(),
                text: format!("it cannot be read: {error}"),
            });
            return;
        }
    };
    let source = Source { path, text: &text };
    let (document, errors) = DeTable::parse_recoverable(&text);
    for error in errors {
        // Absent: likewise.
        let at = error.span().map_or(0, |span| span.start);
        mistakes.push(source.mistake(at, error.message().replace('\n', " ")));
    }
    // Relative paths count from the file, those that it leaves as they are too, so that it means the same wherever the
    // program is started.
    // Absent: a file without a folder lies in this one.
    let base = path.parent().unwrap_or(Path::new(""));
    for setting in settings().filter(|setting| setting.kind == Kind::Path) {
        if let Some(default) = (setting.get)(config)
            && let Err(text) = (setting.set)(config, default, base)
        {
            mistakes.push(source.mistake(0, text));
        }
    }
    from_table(config, ("", document.get_ref()), (&source, base), (mistakes, places));
    mistakes.sort_by_key(|mistake| line_of(&mistake.place));
}

/// Whether a table of this name holds settings, or tables that do.
fn is_section(name: &str) -> bool {
    settings().any(|setting| {
        setting.section.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    })
}

/// Reads a section with those inside it; the whole file is the one without a name.
fn from_table(
    config: &mut Config,
    (section, table): (&str, &DeTable<'_>),
    (source, base): (&Source<'_>, &Path),
    (mistakes, places): (&mut Vec<Mistake>, &mut Places),
) {
    for (key, value) in table {
        let name = if section.is_empty() {
            key.get_ref().to_string()
        } else {
            format!("{section}.{}", key.get_ref())
        };
        let setting = settings().find(|setting| setting.section == section && setting.key == key.get_ref());
        if section.is_empty() && name == "issuers" {
            issuers(config, value, source, (mistakes, places));
            continue;
        }
        let outcome = match (value.get_ref(), setting) {
            (DeValue::Table(inner), None) if is_section(&name) => {
                from_table(config, (&name, inner), (source, base), (mistakes, places));
                continue;
            }
            (_, None) if is_section(&name) => Err(format!("{name} must be a section")),
            (DeValue::Table(_), None) => Err(format!("there is no section [{name}]")),
            (_, None) if section.is_empty() => Err(format!("there is no section [{name}]")),
            (_, None) => {
                Err(format!("there is no {} in [{section}]; {}", key.get_ref(), known_keys(section)))
            }
            (_, Some(setting)) => given(setting.kind, value)
                .and_then(|given| set(config, setting, given, base))
                .map_err(|text| format!("{}: {text}", setting.name())),
        };
        let place = source.mistake(key.span().start, "").place;
        match outcome {
            Ok(()) => drop(places.insert(name, place)),
            Err(text) => mistakes.push(Mistake { place, text }),
        }
    }
}

fn known_keys(section: &str) -> String {
    let keys = settings().filter(|setting| setting.section == section).map(|setting| setting.key);
    format!("it has {}", keys.collect::<Vec<_>>().join(", "))
}

const TEXTS: &str = "it must be a text in quotes, or a list of them";

/// The value of a setting, if it is of the setting's kind.
fn given(kind: Kind, value: &Spanned<DeValue<'_>>) -> Result<Given, String> {
    let text = |value: &DeValue<'_>| match value {
        DeValue::String(text) => Some(text.to_string()),
        // Absent: a mistake.
        _ => None,
    };
    match (kind, value.get_ref()) {
        (Kind::Texts, value @ DeValue::String(_)) => {
            text(value).map(|one| Given::List(vec![one])).ok_or_else(|| TEXTS.to_owned())
        }
        (Kind::List | Kind::Texts, DeValue::Array(items)) => {
            let items: Option<Vec<String>> = items.iter().map(|item| text(item.get_ref())).collect();
            items.map(Given::List).ok_or_else(|| "it must be a list of texts".to_owned())
        }
        (Kind::Texts, _) => Err(TEXTS.to_owned()),
        (Kind::List, _) => Err("it must be a list of texts".to_owned()),
        (Kind::Map, DeValue::Table(items)) => {
            let item = |(name, value): (&Spanned<Cow<'_, str>>, &Spanned<DeValue<'_>>)| {
                Some((name.get_ref().to_string(), text(value.get_ref())?))
            };
            let items: Option<BTreeMap<String, String>> = items.iter().map(item).collect();
            items.map(Given::Map).ok_or_else(|| "it must be a table of texts".to_owned())
        }
        (Kind::Map, _) => Err("it must be a table of texts".to_owned()),
        (Kind::Number(..), DeValue::Integer(number)) => {
            let number = i64::from_str_radix(number.as_str(), number.radix());
            number.map(Given::Number).map_err(|_| "it must be a whole number".to_owned())
        }
        (Kind::Number(..), _) => Err("it must be a whole number".to_owned()),
        (Kind::Rate, DeValue::Integer(number)) => {
            let number = i64::from_str_radix(number.as_str(), number.radix());
            // One that does not fit is above every rate.
            // Absent: above every rate, which is a mistake.
            Ok(Given::Number(number.unwrap_or(i64::MAX)))
        }
        (Kind::Flag, DeValue::Boolean(flag)) => Ok(Given::Flag(*flag)),
        (Kind::Flag, _) => Err("it must be true or false".to_owned()),
        (Kind::Text | Kind::Path | Kind::Rate, value) => {
            text(value).map(Given::Text).ok_or_else(|| "it must be a text in quotes".to_owned())
        }
    }
}

/// The line in `FILE:LINE`, to tell mistakes in the order of the file.
fn line_of(place: &str) -> usize {
    // Absent: a place without a line comes first.
    place.rsplit(':').next().and_then(|line| line.parse().ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests;
#[cfg(test)]
mod word_tests;

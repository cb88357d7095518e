//! What is made from the table of settings: the configuration as a file, the JSON Schema, the reference page.

use super::issuers::ISSUER_SETTINGS;
use super::setting::{Given, Kind, Setting};
use super::settings::settings;
use super::{Config, IssuerConfig};
use keyward_core::limits::Rate;
use serde_json::{Map, Value, json};
use std::fmt::Write;

/// The configuration as a file. `commented` puts every value behind `#`, with what it is for: the sample to begin with.
#[must_use]
pub fn shown(config: &Config, commented: bool) -> String {
    let mut text = String::new();
    let mut section = "";
    for setting in settings() {
        if setting.section != section {
            section = setting.section;
            let gap = if text.is_empty() { "" } else { "\n" };
            // Writing to a String cannot fail.
            let _ = writeln!(text, "{gap}[{section}]");
        }
        let value = (setting.get)(config);
        if commented {
            let _ = writeln!(text, "# {}", setting.about);
            // Absent: a sample, behind a comment sign.
            let value = value.map_or_else(|| "\"…\"".to_owned(), |value| literal(&value));
            let _ = writeln!(text, "# {} = {value}", setting.key);
        } else if let Some(value) = value {
            let _ = writeln!(text, "{} = {}", setting.key, literal(&value));
        }
    }
    if commented {
        let _ = writeln!(
            text,
            "\n# An issuer whose access tokens are taken, each in an entry of its own.\n# [[issuers]]"
        );
        entry(&mut text, &IssuerConfig::default(), true);
    }
    for issuer in &config.issuers {
        let _ = writeln!(text, "\n[[issuers]]");
        entry(&mut text, issuer, false);
    }
    text
}

/// The lines of an entry of `[[issuers]]`.
fn entry(text: &mut String, issuer: &IssuerConfig, commented: bool) {
    for setting in ISSUER_SETTINGS {
        let value = (setting.get)(issuer).map(|value| literal(&value));
        if commented {
            let sample = match setting.kind {
                Kind::List => "[\"…\"]",
                Kind::Map => "{ \"…\" = \"…\" }",
                Kind::Text | Kind::Texts | Kind::Path | Kind::Number(..) | Kind::Rate | Kind::Flag => "\"…\"",
            };
            // Absent: a sample, behind a comment sign.
            let value = value.unwrap_or_else(|| sample.to_owned());
            let _ = writeln!(text, "# {}\n# {} = {value}", setting.about, setting.key);
        } else if let Some(value) = value.filter(|value| value != "[]" && value != "{}") {
            let _ = writeln!(text, "{} = {value}", setting.key);
        }
    }
}

/// A value as TOML writes it. Basic strings of TOML and strings of JSON have the same escapes for all that can stand here.
fn literal(value: &Given) -> String {
    match value {
        Given::Text(text) => json!(text).to_string(),
        Given::List(items) => json!(items).to_string(),
        Given::Map(items) if items.is_empty() => "{}".to_owned(),
        Given::Map(items) => {
            let item = |(name, value)| format!("{} = {}", json!(name), json!(value));
            format!("{{ {} }}", items.iter().map(item).collect::<Vec<_>>().join(", "))
        }
        Given::Number(number) => number.to_string(),
        Given::Flag(flag) => flag.to_string(),
    }
}

/// The names of the settings that differ and that a running server does not take in.
pub(crate) fn restart_needed(now: &Config, next: &Config) -> Vec<String> {
    let differs = |setting: &&Setting| !setting.reloads && (setting.get)(now) != (setting.get)(next);
    let mut names: Vec<String> = settings().filter(differs).map(Setting::name).collect();
    if now.issuers != next.issuers {
        names.push("issuers".to_owned());
    }
    names
}

/// The JSON Schema of the file (draft 2020-12).
#[must_use]
pub fn schema() -> String {
    let mut sections = Map::new();
    for setting in settings() {
        let default = (setting.get)(&Config::default());
        let property = property(setting.kind, setting.values, setting.about, default);
        if let Some(properties) = inner(&mut sections, setting.section) {
            properties.insert(setting.key.to_owned(), property);
        }
    }
    sections.insert("issuers".to_owned(), issuers());
    let schema = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "The configuration file of Keyward",
        "type": "object",
        "additionalProperties": false,
        "properties": sections,
    });
    format!("{schema:#}")
}

/// A setting in the schema.
fn property(kind: Kind, values: &[&str], about: &str, default: Option<Given>) -> Value {
    let mut property = match (kind, values) {
        (Kind::Texts, _) => json!({ "oneOf": [
            { "type": "string" },
            { "type": "array", "items": { "type": "string" } },
        ] }),
        (Kind::List, []) => json!({ "type": "array", "items": { "type": "string" } }),
        (Kind::List, values) => json!({ "type": "array", "items": { "type": "string", "enum": values } }),
        (Kind::Map, _) => json!({ "type": "object", "additionalProperties": { "type": "string" } }),
        (Kind::Number(least, most), _) => json!({ "type": "integer", "minimum": least, "maximum": most }),
        (Kind::Rate, _) => json!({ "oneOf": [
            { "type": "integer", "minimum": 1, "maximum": Rate::MOST },
            { "const": "unlimited" },
        ] }),
        (Kind::Flag, _) => json!({ "type": "boolean" }),
        (Kind::Text | Kind::Path, []) => json!({ "type": "string" }),
        (Kind::Text | Kind::Path, values) => json!({ "type": "string", "enum": values }),
    };
    if let Some(property) = property.as_object_mut() {
        property.insert("description".to_owned(), json!(about));
        if let Some(default) = default {
            property.insert("default".to_owned(), plain(default));
        }
    }
    property
}

/// The entries of `[[issuers]]` in the schema.
fn issuers() -> Value {
    let properties: Map<String, Value> = ISSUER_SETTINGS
        .iter()
        .map(|setting| {
            let default = (setting.get)(&IssuerConfig::default());
            (setting.key.to_owned(), property(setting.kind, setting.values, setting.about, default))
        })
        .collect();
    let required: Vec<&str> =
        ISSUER_SETTINGS.iter().filter(|setting| setting.required).map(|setting| setting.key).collect();
    json!({
        "type": "array",
        "description": "The issuers whose access tokens are taken.",
        "items": {
            "type": "object",
            "additionalProperties": false,
            "required": required,
            "properties": properties,
        },
    })
}

/// The properties of a section, made on the way to it.
fn inner<'s>(sections: &'s mut Map<String, Value>, path: &str) -> Option<&'s mut Map<String, Value>> {
    path.split('.').try_fold(sections, |outer, name| {
        let empty = json!({ "type": "object", "additionalProperties": false, "properties": {} });
        outer.entry(name).or_insert(empty).get_mut("properties")?.as_object_mut()
    })
}

fn plain(value: Given) -> Value {
    match value {
        Given::Text(text) => json!(text),
        Given::List(items) => json!(items),
        Given::Map(items) => json!(items),
        Given::Number(number) => json!(number),
        Given::Flag(flag) => json!(flag),
    }
}

/// The reference page.
#[must_use]
pub fn reference() -> String {
    let mut page = String::from(
        "# Configuration\n\n\
         Generated by `cargo xtask generate` from the table that the program reads by.\n\n\
         One TOML file (`--config FILE` or `KEYWARD_CONFIG`), then variables, then flags: the later wins. All mistakes are \
         told at\nonce, each with its line. `keyward config check` reads without starting, `keyward config show` prints what \
         is in force,\n`keyward config show --defaults` a commented sample, `keyward config schema` the JSON Schema.\n\
         A variable that begins with `KEYWARD_` and is not named here is a mistake too, and so is one that is not UTF-8. One that is\n\
         set and empty clears a list; for any other setting it counts as not set, with a warning in the log and from\n\
         `keyward config check` and `show`.\n\n\
         On SIGHUP a running server reads everything again. It takes in the settings that say so here, and the files that they\n\
         name; if there is any mistake, it keeps all that it had, and the log says why.\n\n\
         | setting | variable | default | on SIGHUP | what it is for |\n| --- | --- | --- | --- | --- |\n",
    );
    for setting in settings() {
        let _ = writeln!(page, "{}", row(setting));
    }
    page.push_str(
        "\n## Issuers\n\n\
         Each `[[issuers]]` names one issuer whose access tokens are taken; there can be several. Variables cannot say it, and a\n\
         change needs a restart. On SIGHUP the keys of all issuers are fetched anew, whatever their age. The guide to\n\
         [issuers](../guides/issuers.md) has an entry for each of twelve issuers.\n\n\
         | setting | default | what it is for |\n| --- | --- | --- |\n",
    );
    for setting in ISSUER_SETTINGS {
        let default = (setting.get)(&IssuerConfig::default());
        let default = match default {
            _ if setting.required => "required".to_owned(),
            None => "none".to_owned(),
            Some(value) => format!("`{}`", literal(&value)),
        };
        let about = described(setting.about, setting.values);
        let _ = writeln!(page, "| `{}` | {default} | {about} |", setting.key);
    }
    page
}

fn described(about: &str, values: &[&str]) -> String {
    match values {
        [] => about.to_owned(),
        values => format!("{about} One of `{}`.", values.join("`, `")),
    }
}

fn row(setting: &Setting) -> String {
    // Absent: the setting has no default.
    let default = (setting.get)(&Config::default())
        .map_or_else(|| "none".to_owned(), |value| format!("`{}`", literal(&value)));
    format!(
        "| `[{}] {}` | `{}` | {default} | {} | {} |",
        setting.section,
        setting.key,
        setting.variable(),
        if setting.reloads { "taken in" } else { "-" },
        described(setting.about, setting.values)
    )
}

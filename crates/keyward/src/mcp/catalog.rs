//! The tools with their schemas, and which of them a caller is shown.

use super::schema::{self, Argument};
use super::tools::{Does, TOOLS, Tool};
use super::toolsets::{Offer, set_of};
use crate::config::LimitsConfig;
use crate::document::document;
use crate::operation::{Access, Row};
use crate::routes::table;
use http::Method;
use keyward_core::principal::Principal;
use rmcp::model::{Tool as Listed, ToolAnnotations};
use std::sync::Arc;

/// A tool, and all that a call needs.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) tool: &'static Tool,
    pub(super) method: Method,
    /// Its path, with `{…}` for each id.
    pub(super) path: String,
    pub(super) access: Access,
    pub(super) row: Row,
    pub(super) arguments: Vec<Argument>,
    /// Its toolset.
    pub(super) set: String,
    pub(super) listed: Listed,
}

/// All of them.
#[derive(Debug)]
pub(super) struct Catalog(Vec<Entry>);

impl Catalog {
    /// Of a server at this address, with the schemas of results or without.
    pub(super) fn of(public_url: &str, output_schemas: bool) -> Self {
        let document = document(public_url, &LimitsConfig::default());
        let rows = table();
        let entry = |tool: &'static Tool| {
            let row = rows.iter().find(|row| row.id == tool.operation)?.clone();
            let (path, _, said) = schema::find(&document, tool.operation.name())?;
            let arguments = schema::arguments(&document, said, &row);
            let mut listed = Listed::new(tool.name, tool.about, Arc::new(schema::input(&arguments)))
                .with_title(tool.title)
                .with_annotations(hints(tool));
            if output_schemas {
                let output = schema::output(&document, said, tool.holds, row.commits)?;
                listed = listed.with_raw_output_schema(Arc::new(output));
            }
            let (method, path, access) = (row.method.clone(), path.to_owned(), row.access);
            let set = set_of(row.path);
            Some(Entry { tool, method, path, access, row, arguments, set, listed })
        };
        Self(TOOLS.iter().filter_map(entry).collect())
    }

    pub(super) fn find(&self, name: &str) -> Option<&Entry> {
        self.0.iter().find(|entry| entry.tool.name == name)
    }

    /// Every tool, for every caller.
    pub(super) fn entries(&self) -> impl Iterator<Item = &Entry> {
        self.0.iter()
    }

    /// The toolsets, in the order of the table.
    pub(super) fn sets(&self) -> Vec<&str> {
        let mut sets = Vec::new();
        for entry in self.entries() {
            if !sets.contains(&entry.set.as_str()) {
                sets.push(entry.set.as_str());
            }
        }
        sets
    }

    /// What this caller may call of what its address offers, in the order of the table.
    pub(super) fn for_caller(&self, who: &Principal, offer: &Offer) -> Vec<Listed> {
        let offered = self.entries().filter(|entry| offer.has(entry) && entry.is_for(who));
        offered.map(|entry| entry.listed.clone()).collect()
    }
}

/// What a client may tell its user before it calls. All four, since what is not said counts as the worst.
fn hints(tool: &Tool) -> ToolAnnotations {
    let again = matches!(tool.does, Does::Reads | Does::Sets | Does::Overwrites | Does::Takes);
    let destroys = matches!(tool.does, Does::Overwrites | Does::Takes | Does::Replaces);
    ToolAnnotations::with_title(tool.title)
        .read_only(tool.does == Does::Reads)
        .destructive(destroys)
        .idempotent(again)
        .open_world(false)
}

impl Entry {
    /// Whether this caller may call it.
    pub(super) fn is_for(&self, who: &Principal) -> bool {
        self.row.admits(who)
    }
}

#[cfg(test)]
mod tests {
    use super::super::profile::LONGEST;
    use super::*;
    use serde_json::Value;

    /// The keywords that every converter, grammar and provider takes.
    const KEYWORDS: [&str; 9] =
        ["type", "description", "properties", "required", "items", "enum", "format", "minimum", "maximum"];

    fn faults(at: &str, schema: &Value, found: &mut Vec<String>) {
        let members = schema.as_object().unwrap();
        let mut fault = |what: &str| found.push(format!("{at}: {what} in {schema}"));
        members.keys().filter(|name| !KEYWORDS.contains(&name.as_str())).for_each(|name| fault(name));
        let kind = schema["type"].as_str().unwrap_or_else(|| panic!("{at}: {schema}"));
        let described = !schema["description"].as_str().unwrap_or_default().is_empty();
        let of_items = at.ends_with("[]") || !at.contains(' ');
        if !described && !of_items {
            fault("no description");
        }
        if schema["description"].as_str().is_some_and(|text| text.chars().count() > LONGEST) {
            fault("a long description");
        }
        if schema.get("enum").is_some_and(|values| values.as_array().unwrap().contains(&Value::Null)) {
            fault("null in enum");
        }
        if schema.get("format").is_some_and(|format| format != "date" && format != "date-time") {
            fault("format");
        }
        match kind {
            "array" => faults(&format!("{at}[]"), &schema["items"], found),
            "object" => {
                for (name, member) in schema["properties"].as_object().unwrap() {
                    faults(&format!("{at} {name}"), member, found);
                }
            }
            "string" | "integer" | "number" | "boolean" => {}
            other => panic!("{at}: {other}"),
        }
    }

    #[test]
    fn every_tool_keeps_the_profile_that_models_and_their_clients_take() {
        let mut found = Vec::new();
        let catalog = Catalog::of("http://keyward.test", false);
        assert_eq!(catalog.entries().count(), TOOLS.len());
        for entry in catalog.entries() {
            let (name, tool) = (entry.tool.name, &entry.listed);
            assert!(name.len() <= 60 && entry.tool.about.chars().count() <= LONGEST, "{name}");
            assert!(tool.output_schema.is_none(), "{name}");
            faults(name, &Value::Object((*tool.input_schema).clone()), &mut found);
        }
        assert_eq!(found, Vec::<String>::new());
    }
}

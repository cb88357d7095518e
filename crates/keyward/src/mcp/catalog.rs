//! The tools with their schemas, and which of them a caller is shown.

use super::schema::{self, Argument};
use super::tools::{Does, TOOLS, Tool};
use crate::config::LimitsConfig;
use crate::document::document;
use crate::routes::{Access, OperationId, Row, table};
use http::Method;
use keyward_core::principal::{Credential, Principal};
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
    pub(super) listed: Listed,
}

/// All of them.
#[derive(Debug)]
pub(super) struct Catalog(Vec<Entry>);

impl Catalog {
    /// Of a server at this address.
    pub(super) fn of(public_url: &str) -> Self {
        let document = document(public_url, &LimitsConfig::default());
        let rows = table();
        let entry = |tool: &'static Tool| {
            let row = rows.iter().find(|row| row.id == tool.operation)?.clone();
            let (path, _, said) = schema::find(&document, tool.operation.name())?;
            let arguments = schema::arguments(said, row.commits);
            let input = schema::input(&document, &arguments);
            let output = schema::output(&document, said, tool.holds, row.commits)?;
            let listed = Listed::new(tool.name, tool.about, Arc::new(input))
                .with_title(tool.title)
                .with_raw_output_schema(Arc::new(output))
                .with_annotations(hints(tool));
            let (method, path, access) = (row.method.clone(), path.to_owned(), row.access);
            Some(Entry { tool, method, path, access, row, arguments, listed })
        };
        Self(TOOLS.iter().filter_map(entry).collect())
    }

    pub(super) fn find(&self, name: &str) -> Option<&Entry> {
        self.0.iter().find(|entry| entry.tool.name == name)
    }

    /// What this caller may call, in the order of the table.
    pub(super) fn for_caller(&self, who: &Principal) -> Vec<Listed> {
        self.0.iter().filter(|entry| entry.is_for(who)).map(|entry| entry.listed.clone()).collect()
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
        let Access::Caller(scope) = self.access else { return true };
        let role = who.member.map(|member| member.role);
        // What a key may always do: end itself.
        if self.row.id == OperationId::DeleteApiKeysKeyId && matches!(who.credential, Credential::ApiKey(_)) {
            return true;
        }
        // Absent: an operation that names no scope, or no role, asks for none.
        scope.is_none_or(|scope| who.may(scope) && (!self.row.literal || who.credential.says(scope)))
            && self.row.role.is_none_or(|needed| role == Some(needed))
    }
}

//! Directives, and what they become.

use super::mcp;
use super::source::{self, Source};
use super::tables::{self, Operation};
use crate::config::LimitsConfig;
use crate::document::{EDITION, EDITION_IN_WORDS, errors, sight};
use keyward_core::limits::Rate;
use keyward_core::list::Grammar;
use keyward_core::role::Role;
use keyward_core::scope::Scope;
use keyward_core::tier::Tier;
use lev_deals::list::DEALS;
use serde_json::Value;
use std::fmt::Write;

/// What directives are expanded from.
pub(super) struct Known<'a> {
    pub(super) document: &'a Value,
    pub(super) limits: &'a LimitsConfig,
    pub(super) public_url: &'a str,
}

impl Known<'_> {
    /// The whole Markdown of a page.
    pub(super) fn page(&self, page: &Source) -> String {
        let mut text = page.text.trim_start();
        let mut whole = String::new();
        if !page.operations.is_empty() {
            whole.push_str(&self.summary(page));
        }
        if let Some(starter) = text.strip_prefix("{{starter ") {
            let (name, rest) = starter.split_once("}}").unwrap_or((starter, ""));
            whole.push_str(&starter_example(name));
            text = rest;
        }
        let _ = write!(whole, "# {}\n\n", page.title);
        if page.path != "/" {
            let _ = write!(whole, "Last updated: {EDITION_IN_WORDS}\n\n");
        }
        whole.push_str(&self.text(text.trim_start()));
        whole
    }

    /// Markdown with every directive expanded. One that is unknown stays, and a test finds it.
    pub(super) fn text(&self, text: &str) -> String {
        let mut whole = String::new();
        for line in text.lines() {
            let inner = line.strip_prefix("{{").and_then(|rest| rest.strip_suffix("}}"));
            match inner.and_then(|directive| self.directive(directive)) {
                Some(expanded) => whole.push_str(expanded.trim_end()),
                None => whole.push_str(line),
            }
            whole.push('\n');
        }
        let base = format!("{}{}", self.public_url, crate::base_path::BASE);
        whole
            .replace("{{base}}", &base)
            .replace("{{origin}}", self.public_url)
            .replace("{{version}}", EDITION)
    }

    fn directive(&self, directive: &str) -> Option<String> {
        let mut words = directive.split_whitespace();
        let name = words.next()?;
        let (one, two) = (words.next(), words.next());
        let operation = || Operation::find(self.document, one?);
        Some(match name {
            "operation" => operation()?.section(),
            "parameters" => operation()?.parameters(),
            "body" => operation()?.body(),
            "response" => operation()?.response(),
            "answer" => code("json", &pretty(operation()?.example(two)?)),
            "schema" => tables::object(self.document.pointer(&format!("/components/schemas/{}", one?))?),
            "enum" => list(self.values(one?)?.iter().map(String::as_str)),
            "filters" => filters(&DEALS),
            "sorts" => list(DEALS.sorts.iter().copied()),
            "fields" => list(DEALS.fields.iter().copied()),
            "includes" => list(DEALS.includes.iter().copied()),
            "errors" => errors::sections(),
            "tiers" => self.tiers(),
            "scopes" => scopes(),
            "roles" => roles(),
            "sample" => sample(one?)?,
            "mcp" => mcp::about(one?, self.public_url)?,
            _ => return None,
        })
    }

    /// The values of a closed set of deals.
    fn values(&self, field: &str) -> Option<Vec<String>> {
        let values = self.document.pointer(&format!("/components/schemas/Deal/properties/{field}/enum"))?;
        Some(values.as_array()?.iter().filter_map(|value| value.as_str().map(str::to_owned)).collect())
    }

    /// The Integration Summary: the same rows in the same order on every page that has one.
    fn summary(&self, page: &Source) -> String {
        let operations: Vec<Operation<'_>> =
            page.operations.iter().filter_map(|id| Operation::find(self.document, id)).collect();
        let writes = page.of_writes || operations.iter().any(Operation::commits);
        let content_type = if writes || operations.iter().any(Operation::sends) {
            "`Content-Type: application/json` on write operations"
        } else {
            "`Content-Type: application/json` when the endpoint accepts a body"
        };
        let mut rows = vec![
            ("When to use", page.when.to_owned()),
            (
                "Required scopes",
                format!(
                    "Inherited from the user; inspect `GET /me` or validate the key. Here: {}",
                    scopes_of(&operations)
                ),
            ),
            (
                "Headers",
                format!(
                    "`Authorization: Bearer <api_key_or_jwt>`, `X-Origin-App`, {content_type}{}",
                    if writes { ", `Idempotency-Key` recommended on writes" } else { "" }
                ),
            ),
            ("Request schema", links(operations.iter().filter(|operation| operation.sends_body()))),
            ("Response schema", shapes(&operations)),
            ("Enums & values", self.enums(&operations)),
        ];
        if writes {
            let text = "A UUID in `Idempotency-Key`, kept for 24 hours: the write is executed once, and a repetition has its answer";
            rows.push(("Idempotency", text.to_owned()));
        }
        rows.push(("Rate limits", "Per account and minute, apart for reads and writes: [Rate limits](/platform/rate-limits). Yours: `GET /me`".to_owned()));
        rows.push(("Examples", "curl, TypeScript, Python".to_owned()));
        let mut text = String::from("## Integration Summary\n\n| Topic | In short |\n| --- | --- |\n");
        for (topic, said) in rows {
            let _ = writeln!(text, "| {topic} | {said} |");
        }
        text.push('\n');
        text
    }

    fn enums(&self, operations: &[Operation<'_>]) -> String {
        let deals = operations.iter().any(|operation| operation.tag() == "Deals");
        let of = |field: &str| {
            let values = self.values(field).unwrap_or_default();
            format!(
                "`{field}`: {}",
                values.iter().map(|value| format!("`{value}`")).collect::<Vec<_>>().join(", ")
            )
        };
        if deals {
            return ["loan_type", "transaction_type", "business_plan"].map(of).join("; ");
        }
        let tag = operations.first().map_or("", Operation::tag);
        match tag {
            "Pipelines" => "Pipelines, their types and statuses belong to the account: read them, do not hard-code them".to_owned(),
            "API keys" => "`permission`: `full_access`, `read_only`; `scopes`: see [Authentication](/platform/authentication)".to_owned(),
            "Account" => "`role`: `admin`, `editor`, `viewer`; tiers and limits are open sets: read them from `GET /me`".to_owned(),
            _ => "`tier` is an open set: `free`, `standard`, `enterprise`, and more may come".to_owned(),
        }
    }

    fn tiers(&self) -> String {
        let rate = |rate: Rate| match rate {
            Rate::PerMinute(limit) => limit.to_string(),
            Rate::Unlimited => "no limit".to_owned(),
        };
        let mut text = String::from(
            "| Tier | Reads per minute | Writes per minute | Live API keys |\n| --- | --- | --- | --- |\n",
        );
        for tier in Tier::ALL {
            let limits = self.limits.tiers.of(*tier);
            let _ = writeln!(
                text,
                "| `{}` | {} | {} | {} |",
                tier.name(),
                rate(limits.reads),
                rate(limits.writes),
                limits.keys
            );
        }
        let per_address = |limit: u32| if limit == 0 { "no limit".to_owned() } else { limit.to_string() };
        text.push_str("\n| By client address | Per minute |\n| --- | --- |\n");
        for (what, limit) in [
            ("`POST /auth/validate-api-key`", self.limits.validate_per_minute),
            ("`GET /health`", self.limits.health_per_minute),
            ("Credentials that are not accepted", self.limits.failed_auth_per_minute),
        ] {
            let _ = writeln!(text, "| {what} | {} |", per_address(limit));
        }
        text
    }
}

fn starter_example(name: &str) -> String {
    let text = source::sample(&format!("{name}.sh")).unwrap_or_default().trim();
    let method = text.split_once("-X ").and_then(|(_, rest)| rest.split_whitespace().next()).unwrap_or("GET");
    let path =
        text.split_once("$API").map_or("", |(_, rest)| rest.split(['"', '?']).next().unwrap_or_default());
    format!("## Starter example: {method} {path}\n\n{}\n", code("sh", text))
}

fn sample(name: &str) -> Option<String> {
    let mut text = String::new();
    for (extension, language) in [("sh", "sh"), ("ts", "ts"), ("py", "python")] {
        text.push_str(&code(language, source::sample(&format!("{name}.{extension}"))?.trim()));
        text.push('\n');
    }
    Some(text)
}

fn code(language: &str, text: &str) -> String {
    format!("```{language}\n{text}\n```\n")
}

fn pretty(value: &Value) -> String {
    serde_json::to_string_pretty(value).unwrap_or_default()
}

fn list<'a>(names: impl Iterator<Item = &'a str>) -> String {
    names.map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

fn filters(grammar: &Grammar) -> String {
    let mut text = String::from("| Field | Parameters | Values |\n| --- | --- | --- |\n");
    for field in grammar.filters {
        let forms = field.operators.iter().map(|operator| format!("`{}`", operator.parameter(field.name)));
        let _ = writeln!(
            text,
            "| `{}` | {} | {} |",
            field.name,
            forms.collect::<Vec<_>>().join(", "),
            tables::values_of(field.kind)
        );
    }
    text
}

fn scopes() -> String {
    let mut text = String::from("| Scope | admin | editor | viewer |\n| --- | --- | --- | --- |\n");
    for scope in Scope::ALL {
        let has = |role: Role| match (role.scopes().contains(*scope), *scope, role) {
            (false, ..) => "no",
            (true, Scope::AccountWrite, Role::Editor | Role::Viewer) => "own keys",
            (true, ..) => "yes",
        };
        let _ = writeln!(
            text,
            "| `{scope}` | {} | {} | {} |",
            has(Role::Admin),
            has(Role::Editor),
            has(Role::Viewer)
        );
    }
    text
}

fn roles() -> String {
    let mut text = String::from("| Role | Sees and manages |\n| --- | --- |\n");
    for role in Role::ALL {
        let _ = writeln!(text, "| `{}` | {} |", role.name(), sight(*role));
    }
    text
}

fn scopes_of(operations: &[Operation<'_>]) -> String {
    let mut scopes: Vec<String> =
        operations.iter().filter_map(Operation::scope).map(|scope| format!("`{scope}`")).collect();
    scopes.sort();
    scopes.dedup();
    if scopes.is_empty() { "none".to_owned() } else { scopes.join(", ") }
}

fn links<'a>(operations: impl Iterator<Item = &'a Operation<'a>>) -> String {
    let links: Vec<String> = operations.map(Operation::link).collect();
    if links.is_empty() {
        "None: nothing here takes a body".to_owned()
    } else {
        format!("JSON objects: {}", links.join(", "))
    }
}

fn shapes(operations: &[Operation<'_>]) -> String {
    let mut names: Vec<String> =
        operations.iter().filter_map(Operation::shape).map(|name| format!("`{name}`")).collect();
    names.sort();
    names.dedup();
    format!("`{{request_id, timestamp, data}}` with {} in `data`", names.join(", "))
}

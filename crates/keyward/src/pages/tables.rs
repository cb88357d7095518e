//! Parts of the OpenAPI document as tables in Markdown.

use crate::base_path::BASE;
use keyward_core::list::Kind;
use serde_json::{Map, Value};
use std::fmt::Write;

/// One operation of the document.
#[derive(Clone, Copy)]
pub(super) struct Operation<'a> {
    document: &'a Value,
    path: &'a str,
    verb: &'a str,
    said: &'a Value,
}

/// A parameter as a table shows it.
struct Line {
    name: String,
    place: &'static str,
    kind: String,
    required: bool,
    about: String,
}

impl<'a> Operation<'a> {
    /// The operation of that id.
    pub(super) fn find(document: &'a Value, id: &str) -> Option<Self> {
        let paths = document.get("paths")?.as_object()?;
        paths.iter().find_map(|(path, verbs)| {
            let mut verbs = verbs.as_object()?.iter();
            let (verb, said) =
                verbs.find(|(_, said)| said.get("operationId").and_then(Value::as_str) == Some(id))?;
            Some(Self { document, path, verb, said })
        })
    }

    fn text(&self, name: &str) -> &'a str {
        self.said.get(name).and_then(Value::as_str).unwrap_or_default()
    }

    /// `GET`.
    pub(super) fn method(&self) -> String {
        self.verb.to_ascii_uppercase()
    }

    /// `/deals/{deal_id}`, below the base.
    pub(super) fn path(&self) -> &'a str {
        self.path.strip_prefix(BASE).unwrap_or(self.path)
    }

    pub(super) fn summary(&self) -> &'a str {
        self.text("summary")
    }

    pub(super) fn tag(&self) -> &'a str {
        self.said.pointer("/tags/0").and_then(Value::as_str).unwrap_or_default()
    }

    pub(super) fn scope(&self) -> Option<&'a str> {
        self.said.get("x-required-scope")?.as_str()
    }

    pub(super) fn is_public(&self) -> bool {
        self.said.get("x-rate-limit").and_then(|limit| limit.get("per")?.as_str()) == Some("address")
    }

    pub(super) fn sends(&self) -> bool {
        self.verb != "get"
    }

    pub(super) fn sends_body(&self) -> bool {
        self.said.get("requestBody").is_some()
    }

    /// Whether it takes an `Idempotency-Key`.
    pub(super) fn commits(&self) -> bool {
        self.resolved_parameters()
            .any(|parameter| parameter.get("name") == Some(&Value::from("Idempotency-Key")))
    }

    /// Its parameters, found where they are.
    pub(super) fn resolved_parameters(&self) -> impl Iterator<Item = &'a Value> {
        let document = self.document;
        let all = self.said.get("parameters").and_then(Value::as_array).into_iter().flatten();
        all.filter_map(move |parameter| resolve(document, parameter))
    }

    /// An example of its body.
    pub(super) fn body_example(&self) -> Option<&'a Value> {
        self.said.pointer("/requestBody/content/application~1json/example")
    }

    /// The name of what is in `data`.
    pub(super) fn shape(&self) -> Option<String> {
        let data = self.success()?.pointer("/content/application~1json/schema/properties/data")?;
        let inner = data.get("items").unwrap_or(data);
        let reference = inner.get("$ref").and_then(Value::as_str);
        Some(match reference {
            Some(reference) => reference.rsplit('/').next().unwrap_or_default().to_owned(),
            // Written out because `fields` may leave members out.
            None => self.tag().trim_end_matches('s').to_owned(),
        })
    }

    fn success(&self) -> Option<&'a Value> {
        let answers = self.said.get("responses")?.as_object()?;
        answers.iter().find(|(status, _)| status.starts_with('2')).map(|(_, answer)| answer)
    }

    /// The example of its success, or of its answer of that status.
    pub(super) fn example(&self, status: Option<&str>) -> Option<&'a Value> {
        let answer = match status {
            None => self.success()?,
            Some(status) => resolve(self.document, self.said.get("responses")?.get(status)?)?,
        };
        answer.pointer("/content/application~1json/example")
    }

    /// A link to its section, on whichever page that is.
    pub(super) fn link(&self) -> String {
        let title = format!("{} {}", self.method(), self.path());
        let page = self.said.pointer("/externalDocs/url").and_then(Value::as_str).unwrap_or_default();
        // As all links between pages: below whatever address the page was opened at.
        let page = page.find("/platform").and_then(|at| page.get(at..)).unwrap_or(page);
        format!("[`{title}`]({page}#{})", super::html::slug(&title))
    }

    /// Its whole reference.
    pub(super) fn section(&self) -> String {
        let mut text = format!(
            "### {} {}\n\n{}. {}\n\n",
            self.method(),
            self.path(),
            self.summary(),
            self.text("description")
        );
        let _ = write!(text, "{} ([Rate limits](/platform/rate-limits))\n\n", self.limit());
        for (title, table) in [
            ("Parameters", self.parameters()),
            ("Body", self.body()),
            ("Response", self.response()),
            ("Errors", self.errors()),
        ] {
            if !table.is_empty() {
                let _ = write!(text, "#### {title}\n\n{table}\n");
            }
        }
        text
    }

    /// Its limit, in words.
    fn limit(&self) -> String {
        let said = |pointer: &str| self.said.pointer(&format!("/x-rate-limit/{pointer}"));
        let policy = said("policy").and_then(Value::as_str).unwrap_or_default();
        let figure = |limit: &Value| match limit {
            Value::Null => "any number of".to_owned(),
            limit => limit.to_string(),
        };
        match said("limits").and_then(Value::as_object) {
            None => {
                let limit = said("limit").map(figure).unwrap_or_default();
                format!("Limit: {limit} requests in any 60 seconds from one address, policy `{policy}`.")
            }
            Some(tiers) => {
                let tiers: Vec<String> =
                    tiers.iter().map(|(tier, limit)| format!("{tier} {}", figure(limit))).collect();
                format!("Limit: one of the {policy} of the account, in any 60 seconds: {}.", tiers.join(", "))
            }
        }
    }

    /// Its headers, ids and query.
    pub(super) fn parameters(&self) -> String {
        let line = |parameter: &Value| {
            let text =
                |name: &str| parameter.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
            let place = match text("in").as_str() {
                "header" => "header",
                "path" => "path",
                _ => "query",
            };
            Line {
                name: text("name"),
                place,
                kind: kind_of(
                    parameter.get("schema").unwrap_or(&Value::Null),
                    parameter.get("explode") == Some(&Value::Bool(false)),
                ),
                required: parameter.get("required") == Some(&Value::Bool(true)),
                about: text("description"),
            }
        };
        let mut lines: Vec<Line> = self.resolved_parameters().map(line).collect();
        if !self.is_public() {
            lines.insert(0, authorization());
        }
        if lines.is_empty() {
            return String::new();
        }
        let mut table =
            String::from("| Parameter | In | Type | Required | Meaning |\n| --- | --- | --- | --- | --- |\n");
        for Line { name, place, kind, required, about } in lines {
            let _ = writeln!(
                table,
                "| `{name}` | {place} | {} | {} | {} |",
                cell(&kind),
                yes(required),
                cell(&about)
            );
        }
        table
    }

    /// The members of its body.
    pub(super) fn body(&self) -> String {
        let Some(schema) = self.said.pointer("/requestBody/content/application~1json/schema") else {
            return String::new();
        };
        let required: Vec<&str> = schema
            .get("required")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect();
        let mut table = String::from("| Member | Type | Required | Meaning |\n| --- | --- | --- | --- |\n");
        for (name, member) in properties(schema) {
            let row = |table: &mut String, name: &str, member: &Value, required: bool| {
                let _ = writeln!(
                    table,
                    "| `{name}` | {} | {} | {} |",
                    cell(&kind_of(member, false)),
                    yes(required),
                    cell(about(member))
                );
            };
            row(&mut table, name, member, required.contains(&name.as_str()));
            for (inner, member) in properties(member) {
                row(&mut table, &format!("{name}.{inner}"), member, false);
            }
        }
        table
    }

    /// The members of `data`.
    pub(super) fn response(&self) -> String {
        let Some(schema) = self
            .success()
            .and_then(|answer| answer.pointer("/content/application~1json/schema/properties/data"))
        else {
            return String::new();
        };
        let of_items = schema.get("items");
        let Some(inner) = resolve(self.document, of_items.unwrap_or(schema)) else { return String::new() };
        let lead = if of_items.is_some() { "`data` is a list of:\n\n" } else { "`data` is:\n\n" };
        format!("{lead}{}", object(inner))
    }

    /// Its errors, each with a text that it can have.
    fn errors(&self) -> String {
        let mut table = String::from("| Status | Code | Text, for example |\n| --- | --- | --- |\n");
        let answers = self.said.get("responses").and_then(Value::as_object).into_iter().flatten();
        for (status, answer) in answers.filter(|(status, _)| status.as_str() >= "4") {
            let example = resolve(self.document, answer)
                .and_then(|answer| answer.pointer("/content/application~1json/example/error"));
            let text = |name: &str| example.and_then(|error| error.get(name)?.as_str()).unwrap_or_default();
            let code = text("code");
            let _ = writeln!(
                table,
                "| {status} | [`{code}`](/platform/errors#{code}) | {} |",
                cell(text("message"))
            );
        }
        table
    }
}

fn authorization() -> Line {
    Line {
        name: "Authorization".to_owned(),
        place: "header",
        kind: "string".to_owned(),
        required: true,
        about: "`Bearer <api_key>`".to_owned(),
    }
}

/// The fields of an object.
pub(super) fn object(schema: &Value) -> String {
    let mut table = String::from("| Field | Type | Meaning |\n| --- | --- | --- |\n");
    rows(schema, "", &mut table);
    table
}

fn rows(schema: &Value, before: &str, table: &mut String) {
    for (name, field) in properties(schema) {
        let _ = writeln!(
            table,
            "| `{before}{name}` | {} | {} |",
            cell(&kind_of(field, false)),
            cell(about(field))
        );
        // What is written out here is described here; what has a name of its own, under that name.
        rows(field, &format!("{before}{name}."), table);
    }
}

fn properties(schema: &Value) -> impl Iterator<Item = (&String, &Value)> {
    schema.get("properties").and_then(Value::as_object).map(Map::iter).into_iter().flatten()
}

fn about(schema: &Value) -> &str {
    schema.get("description").and_then(Value::as_str).unwrap_or_default()
}

fn resolve<'a>(document: &'a Value, schema: &'a Value) -> Option<&'a Value> {
    match schema.get("$ref").and_then(Value::as_str) {
        Some(reference) => document.pointer(reference.strip_prefix('#')?),
        None => Some(schema),
    }
}

/// What a value is, in a few words, its closed or open set inline.
fn kind_of(schema: &Value, is_comma_list: bool) -> String {
    let named = |schema: &Value| {
        schema
            .get("$ref")
            .and_then(Value::as_str)
            .and_then(|name| name.rsplit('/').next())
            .map(|name| format!("`{name}`"))
    };
    if let Some(name) = named(schema) {
        return name;
    }
    if let Some(any) = schema.get("oneOf").and_then(Value::as_array) {
        let kinds = any.iter().map(|one| named(one).unwrap_or_else(|| "null".to_owned()));
        return kinds.collect::<Vec<_>>().join(" or ");
    }
    let kinds: Vec<&str> = match schema.get("type") {
        Some(Value::String(kind)) => vec![kind],
        Some(Value::Array(kinds)) => kinds.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    };
    let base = kinds.iter().find(|kind| **kind != "null").copied().unwrap_or("null");
    let mut text = match (base, schema.get("items")) {
        ("array", Some(items)) if is_comma_list => {
            format!("comma list of {}", kind_of(items, false).trim_start_matches("string, one of "))
        }
        ("array", Some(items)) => format!("array of {}", kind_of(items, false)),
        (base, _) => match schema.get("format").and_then(Value::as_str) {
            Some("date") => "date".to_owned(),
            Some("date-time") => "time".to_owned(),
            Some("uuid") => "UUID".to_owned(),
            _ => base.to_owned(),
        },
    };
    for (list, lead) in [("enum", "one of"), ("x-extensible-enum", "such as")] {
        if let Some(values) = schema.get(list).and_then(Value::as_array) {
            let values: Vec<String> =
                values.iter().filter_map(Value::as_str).map(|value| format!("`{value}`")).collect();
            let _ = write!(text, ", {lead} {}", values.join(", "));
        }
    }
    text.push_str(&bounds(schema));
    if kinds.contains(&"null") {
        text.push_str(", or null");
    }
    text
}

fn bounds(schema: &Value) -> String {
    let number = |name: &str| schema.get(name).filter(|value| value.is_number()).map(ToString::to_string);
    let mut text = match (number("minimum"), number("maximum")) {
        // Every id ends there, and everyone's integers.
        (Some(least), Some(most)) if most != keyward_core::id::MAX_ID.to_string() && most.len() < 13 => {
            format!(", {least} to {most}")
        }
        (Some(least), _) if least != "1" => format!(", at least {least}"),
        _ => String::new(),
    };
    match (number("minLength"), number("maxLength")) {
        (Some(least), Some(most)) => {
            let _ = write!(text, ", {least} to {most} characters");
        }
        (None, Some(most)) => {
            let _ = write!(text, ", at most {most} characters");
        }
        _ => {}
    }
    if let Some(default) = schema.get("default") {
        let _ = write!(text, ", default {default}");
    }
    text
}

/// What a filter's field is compared with, in words.
pub(super) fn values_of(kind: Kind) -> String {
    match kind {
        Kind::Choice(values) => {
            values.iter().map(|value| format!("`{value}`")).collect::<Vec<_>>().join(", ")
        }
        Kind::Flag => "`true`, `false`".to_owned(),
        Kind::Text => "one text, compared to the letter".to_owned(),
        Kind::Money => "a number with at most two decimal places".to_owned(),
        Kind::Moment => "a time (RFC 3339), or a date, which means its midnight in UTC".to_owned(),
    }
}

fn yes(is_so: bool) -> &'static str {
    if is_so { "yes" } else { "no" }
}

/// Text that can stand in a cell.
fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace('\n', " ")
}

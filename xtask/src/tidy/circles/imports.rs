//! What a file of Rust defines, and which paths it uses: read from its text, since macros too use paths.

use crate::tidy::code;
use std::collections::BTreeSet;

/// A path that a file uses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Use {
    /// Others may import the name from this file.
    pub(super) is_export: bool,
    pub(super) path: Vec<String>,
    /// The name that it is known by here; `*` for all of a module; `None` for a path in the middle of the code.
    pub(super) name: Option<String>,
}

/// What is read of a file.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Imports {
    pub(super) defines: BTreeSet<String>,
    pub(super) uses: Vec<Use>,
}

/// Reads a file, without its comments, the words in its texts, and its tests.
pub(super) fn read(text: &str) -> Imports {
    let code: Vec<String> = code::lines(text).into_iter().map(|line| line.code).collect();
    let code = before_tests(&code).join("\n");
    let mut found = Imports::default();
    let mut rest = code.as_str();
    while !rest.is_empty() {
        if let Some((is_export, tree, after)) = import(rest) {
            found.uses.extend(leaves(tree, &[]).into_iter().map(|(path, name)| Use {
                is_export,
                path,
                name: Some(name),
            }));
            rest = after;
            continue;
        }
        let (line, after) = rest.split_once('\n').unwrap_or((rest, ""));
        found.defines.extend(definition(line));
        found.uses.extend(paths(line).map(|path| Use { is_export: false, path, name: None }));
        rest = after;
    }
    found
}

/// The lines before `#[cfg(test)] mod`.
fn before_tests(lines: &[String]) -> &[String] {
    let begins = |at: &usize| {
        let next = lines.get(at + 1).map_or("", |line| line.trim_start());
        lines.get(*at).is_some_and(|line| line.trim() == "#[cfg(test)]") && next.starts_with("mod ")
    };
    let end = (0..lines.len()).find(begins).unwrap_or(lines.len());
    lines.get(..end).unwrap_or(lines)
}

/// `pub`, `pub(crate)`, or nothing; what follows.
fn visibility(line: &str) -> (bool, &str) {
    let Some(rest) = line.strip_prefix("pub") else { return (false, line) };
    let inner = rest.strip_prefix('(').and_then(|rest| rest.split_once(')')).map(|(_, rest)| rest);
    match inner.unwrap_or(rest) {
        rest if rest.starts_with(char::is_whitespace) => (true, rest.trim_start()),
        _ => (false, line),
    }
}

/// The `use` that the text begins with: whether it exports, its tree, and what follows.
fn import(text: &str) -> Option<(bool, &str, &str)> {
    let (is_export, rest) = visibility(text.trim_start_matches([' ', '\t']));
    let (tree, after) = rest.strip_prefix("use")?.split_once(';')?;
    tree.starts_with(char::is_whitespace).then_some((is_export, tree, after))
}

/// Each path of a tree, and the name that it is known by: of `a::{b, c::{d as e, self}}` these are `a::b`, `a::c::d` as `e`, `a::c`.
fn leaves(tree: &str, base: &[String]) -> Vec<(Vec<String>, String)> {
    let mut found = Vec::new();
    for part in parts(tree) {
        let under = |path: &str| [base, segments(path).as_slice()].concat();
        if let Some((head, inner)) = part.split_once('{') {
            let inner = inner.trim_end();
            found.extend(leaves(inner.strip_suffix('}').unwrap_or(inner), &under(head)));
            continue;
        }
        let (path, name) = match part.split_once(" as ") {
            Some((path, name)) => (under(path), Some(name.trim().to_owned())),
            None => (under(part), None),
        };
        let is_itself = path.len() > 1 && path.last().is_some_and(|last| last == "self");
        let path = path.get(..path.len() - usize::from(is_itself)).unwrap_or_default().to_vec();
        if let Some(name) = name.or_else(|| path.last().cloned()) {
            found.push((path, name));
        }
    }
    found
}

/// What stands between commas, and not within braces.
fn parts(tree: &str) -> Vec<&str> {
    let mut depth = 0_usize;
    let outside = |c: char| {
        match c {
            '{' => depth += 1,
            '}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        c == ',' && depth == 0
    };
    tree.split(outside).map(str::trim).filter(|part| !part.is_empty()).collect()
}

fn segments(path: &str) -> Vec<String> {
    path.split("::").map(str::trim).filter(|one| !one.is_empty()).map(str::to_owned).collect()
}

/// The name that a line defines.
fn definition(line: &str) -> Option<String> {
    const BEFORE: [&str; 4] = ["const", "async", "unsafe", "extern"];
    const ITEMS: [&str; 9] =
        ["struct", "enum", "fn", "trait", "type", "const", "static", "union", "macro_rules!"];
    let (_, rest) = visibility(line.trim_start());
    let mut words = rest.split_whitespace().peekable();
    while let Some(word) = words.next() {
        let next = *words.peek()?;
        if BEFORE.contains(&word) && (BEFORE.contains(&next) || ITEMS.contains(&next)) {
            continue;
        }
        let name: String = next.chars().take_while(|c| is_of_name(*c)).collect();
        return (ITEMS.contains(&word) && !name.is_empty()).then_some(name);
    }
    None
}

fn is_of_name(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// Each path of a line that begins at the crate or at a module near by.
fn paths(line: &str) -> impl Iterator<Item = Vec<String>> {
    let words = line.split(|c: char| !is_of_name(c) && c != ':');
    let paths = words.map(|word| word.trim_matches(':').split("::").map(str::to_owned).collect());
    paths.filter(|path: &Vec<String>| {
        let begins = path.first().is_some_and(|first| ["crate", "self", "super"].contains(&first.as_str()));
        begins && path.len() > 1 && path.iter().all(|one| !one.is_empty() && !one.contains(':'))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(text: &str) -> Vec<String> {
        let known = |one: Use| {
            let path = one.path.join("::");
            let name = one.name.map_or(String::new(), |name| format!(" as {name}"));
            format!("{}{path}{name}", if one.is_export { "pub " } else { "" })
        };
        read(text).uses.into_iter().map(known).collect()
    }

    #[test]
    fn every_path_of_a_tree_is_used() {
        for (text, uses) in [
            ("use crate::a::B;", vec!["crate::a::B as B"]),
            (
                "use crate::a::{B, c::{D as E, self}};",
                vec!["crate::a::B as B", "crate::a::c::D as E", "crate::a::c as c"],
            ),
            ("pub(crate) use self::a::*;", vec!["pub self::a::* as *"]),
            ("use crate::a::{\n    B,\n    C,\n};\nfn d() {}", vec!["crate::a::B as B", "crate::a::C as C"]),
            ("    use super::a;", vec!["super::a as a"]),
            ("// use crate::a;\nlet user = 1;", vec![]),
            (
                "fn a(b: &crate::c::D, e: super::F<self::g::H>) {}",
                vec!["crate::c::D", "super::F", "self::g::H"],
            ),
            ("self.a(); crate; \"crate::in::a::text\"", vec![]),
            ("use crate::a;\n#[cfg(test)]\nmod tests {\n    use crate::b;\n}", vec!["crate::a as a"]),
        ] {
            assert_eq!(names(text), uses, "{text}");
        }
    }

    #[test]
    fn what_a_file_defines_is_known() {
        for (line, name) in [
            ("pub struct A;", Some("A")),
            ("pub(in crate::b) enum A {", Some("A")),
            ("pub(super) const fn a() {}", Some("a")),
            ("const A: usize = 3;", Some("A")),
            ("    async unsafe fn a<T>() {}", Some("a")),
            ("macro_rules! a {", Some("a")),
            ("type A<'b> = B;", Some("A")),
            ("let a = 1;", None),
            ("impl A for B {}", None),
            ("constant A", None),
        ] {
            assert_eq!(definition(line).as_deref(), name, "{line}");
        }
    }
}

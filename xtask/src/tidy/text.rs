//! Rules about the text of single files: how long one is, what a dependency is for, what must not be left in.

use std::path::Path;

/// A file that grows past this has taken in a second idea.
const FILE_LIMIT: usize = 600;
/// `main.rs` hands over at once, so that everything else can be tested.
const MAIN_LIMIT: usize = 60;

/// Production code in files of a size that one reads in a sitting. Files of tests may be as long as they like.
pub(super) fn too_long(name: &Path, content: &str) -> Option<String> {
    if !is_production(name) {
        return None;
    }
    let limit = if name.ends_with("main.rs") { MAIN_LIMIT } else { FILE_LIMIT };
    let lines = production_lines(content);
    (lines > limit).then(|| format!("{}: {lines} lines, the limit is {limit}", name.display()))
}

fn is_production(name: &Path) -> bool {
    let below = |folder: &str| name.components().any(|part| part.as_os_str() == folder);
    let rust = name.extension().is_some_and(|extension| extension == "rs");
    rust && below("src") && !below("tests") && !name.ends_with("tests.rs")
}

/// The text before the `#[cfg(test)] mod tests {` that closes the file.
pub(super) fn production(content: &str) -> &str {
    let end: usize = content.split_inclusive('\n').take(production_lines(content)).map(str::len).sum();
    content.get(..end).unwrap_or(content)
}

/// How many lines that has.
fn production_lines(content: &str) -> usize {
    let mut test_attribute = None;
    for (number, line) in content.lines().enumerate() {
        if line == "#[cfg(test)]" {
            test_attribute = Some(number);
        } else if line.starts_with("mod tests {") {
            if let Some(number) = test_attribute {
                return number;
            }
        } else if !line.starts_with(['#', ' ', ')']) {
            // Anything but a further attribute: what stood before belongs to another item.
            test_attribute = None;
        }
    }
    content.lines().count()
}

const MARKS: [&str; 2] = ["todo!(", "unimplemented!("];

/// Nothing goes in half done.
pub(super) fn unfinished(name: &Path, content: &str) -> Vec<String> {
    let lines = (1..).zip(content.lines());
    let marked = lines.flat_map(|(number, line)| {
        let marks = MARKS.iter().filter(move |mark| line.contains(**mark));
        marks.map(move |mark| format!("{}:{number}: {mark} left in", name.display()))
    });
    marked.collect()
}

/// In `[workspace.dependencies]` every library has its reason in a comment on its line. Our own crates need none.
pub(super) fn dependencies_without_reason(manifest: &str) -> Vec<String> {
    let mut inside = false;
    let mut found = Vec::new();
    for (number, line) in (1..).zip(manifest.lines()) {
        let trimmed = line.trim();
        if trimmed.starts_with('[') {
            inside = trimmed.starts_with("[workspace.dependencies]");
            if trimmed.starts_with("[workspace.dependencies.") {
                found.push(format!("Cargo.toml:{number}: a dependency is one line, with its reason"));
            }
            continue;
        }
        let (code, comment) = split_comment(trimmed);
        if inside && !code.trim().is_empty() && !is_path(code) && comment.trim().is_empty() {
            let name = code.split('=').next().unwrap_or(code).trim();
            found.push(format!("Cargo.toml:{number}: {name} has no reason: add a comment on its line"));
        }
    }
    found
}

fn is_path(code: &str) -> bool {
    code.split_whitespace().collect::<String>().contains("path=\"")
}

/// A TOML line as code and comment, without the `#`; one inside quotes does not count.
fn split_comment(line: &str) -> (&str, &str) {
    let mut quote = None;
    let mut escaped = false;
    for (at, character) in line.char_indices() {
        match quote {
            _ if escaped => escaped = false,
            Some('"') if character == '\\' => escaped = true,
            Some(open) if character == open => quote = None,
            None if character == '"' || character == '\'' => quote = Some(character),
            None if character == '#' => {
                let (code, comment) = line.split_at_checked(at).unwrap_or((line, ""));
                return (code, comment.trim_start_matches('#'));
            }
            _ => {}
        }
    }
    (line, "")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tests_of_a_file_do_not_count() {
        assert_eq!(production_lines("a\nb\n"), 2);
        assert_eq!(production_lines("a\nb\n\n#[cfg(test)]\nmod tests {\n    c\n}\n"), 3);
        let more = "a\n#[cfg(test)]\n#[expect(\n    x,\n    reason = \"y\"\n)]\nmod tests {\n}\n";
        assert_eq!(production_lines(more), 1);
    }

    #[test]
    fn only_the_tests_are_cut() {
        assert_eq!(production_lines("#[cfg(test)]\nuse a;\nb\nmod tests {\n}\n"), 5);
        assert_eq!(production_lines("mod tests {\n}\n"), 2);
    }

    #[test]
    fn sizes() {
        let lines = |n: usize| "x\n".repeat(n);
        let judge = |name: &str, n: usize| too_long(Path::new(name), &lines(n));
        assert_eq!(judge("crates/a/src/b.rs", 600), None);
        assert_eq!(
            judge("crates/a/src/b.rs", 601).unwrap(),
            "crates/a/src/b.rs: 601 lines, the limit is 600"
        );
        assert_eq!(judge("crates/a/src/main.rs", 60), None);
        assert_eq!(
            judge("crates/a/src/main.rs", 61).unwrap(),
            "crates/a/src/main.rs: 61 lines, the limit is 60"
        );
        assert_eq!(judge("crates/a/src/b/tests.rs", 900), None);
        assert_eq!(judge("crates/a/tests/b.rs", 900), None);
        assert_eq!(judge("crates/a/src/b.sql", 900), None);
    }

    #[test]
    fn unfinished_work_is_named_by_line() {
        let found = unfinished(Path::new("crates/a/src/b.rs"), "fn a() {\n    todo!()\n}\n");
        assert_eq!(found, ["crates/a/src/b.rs:2: todo!( left in"]);
        assert!(unfinished(Path::new("crates/a/src/b.rs"), "a todo list\n").is_empty());
    }

    #[test]
    fn a_dependency_needs_a_reason() {
        let manifest = r##"
[workspace]
members = ["a"]
[workspace.dependencies]
ours = { path = "crates/ours" }
# A heading is fine.
with = "1"   # why
without = "2"
quoted = { version = "3", features = ["#"] }
empty = "4" #
[profile.release]
lto = "thin"
"##;
        assert_eq!(
            dependencies_without_reason(manifest),
            [
                "Cargo.toml:8: without has no reason: add a comment on its line",
                "Cargo.toml:9: quoted has no reason: add a comment on its line",
                "Cargo.toml:10: empty has no reason: add a comment on its line",
            ]
        );
        let table = "[workspace.dependencies.x]\nversion = \"1\"\n";
        assert_eq!(dependencies_without_reason(table).len(), 1);
    }

    #[test]
    fn comments_begin_outside_quotes() {
        assert_eq!(split_comment(r##"a = "#\"#" # b"##), (r##"a = "#\"#" "##, " b"));
        assert_eq!(split_comment("a = '#' # b"), ("a = '#' ", " b"));
        assert_eq!(split_comment("a"), ("a", ""));
    }
}

//! Relative links in the prose lead to files that are there.

use std::path::Path;

/// The links of one page that lead nowhere, or out of the repository.
pub(super) fn dangling(root: &Path, page: &Path, content: &str) -> Vec<String> {
    let folder = page.parent().unwrap_or(root);
    let name = page.strip_prefix(root).unwrap_or(page);
    let lost = targets(content).into_iter().filter(|(_, target)| !leads_inside(root, folder, target));
    lost.map(|(line, target)| format!("{}:{line}: no such file: {target}", name.display())).collect()
}

fn leads_inside(root: &Path, folder: &Path, target: &str) -> bool {
    match (root.canonicalize(), folder.join(target).canonicalize()) {
        (Ok(root), Ok(file)) => file.starts_with(root),
        _ => false,
    }
}

/// Line number and path of every link to a file: no web address, no anchor, nothing inside code.
fn targets(content: &str) -> Vec<(usize, String)> {
    let mut fence = None;
    let mut found = Vec::new();
    for (number, line) in (1..).zip(content.lines()) {
        let marker = ["```", "~~~"].into_iter().find(|marker| line.trim_start().starts_with(marker));
        match (fence, marker) {
            (None, Some(_)) => fence = marker,
            (Some(_), _) if marker == fence => fence = None,
            (None, None) => {
                let text = without_code(line);
                let paths = inline(&text).into_iter().chain(definition(&text)).filter_map(relative);
                found.extend(paths.map(|path| (number, path.to_owned())));
            }
            (Some(_), _) => {}
        }
    }
    found
}

/// The line without what stands between backticks.
fn without_code(line: &str) -> String {
    if line.matches('`').count() % 2 == 1 {
        return line.to_owned();
    }
    line.split('`').step_by(2).collect()
}

/// The targets of `[text](target)` and `![text](target "title")`.
fn inline(text: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some((_, after)) = rest.split_once("](") {
        let mut depth = 0_usize;
        let end = after.find(|character| match character {
            '(' => {
                depth += 1;
                false
            }
            ')' if depth > 0 => {
                depth -= 1;
                false
            }
            character => character == ')',
        });
        if let Some((target, _)) = end.and_then(|end| after.split_at_checked(end)) {
            found.push(target);
        }
        rest = after;
    }
    found
}

/// The target of a line `[name]: target`.
fn definition(text: &str) -> Option<&str> {
    let (name, target) = text.trim_start().strip_prefix('[')?.split_once("]:")?;
    (!name.starts_with('^') && !name.contains(']')).then_some(target)
}

/// The path in a target, if it names a file of ours.
fn relative(target: &str) -> Option<&str> {
    let target = target.split_whitespace().next()?;
    let target = target.trim_start_matches('<').trim_end_matches('>');
    if target.contains("://") || target.starts_with("mailto:") {
        return None;
    }
    target.split(['#', '?']).next().filter(|path| !path.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(content: &str) -> Vec<String> {
        targets(content).into_iter().map(|(line, path)| format!("{line} {path}")).collect()
    }

    #[test]
    fn links_to_files() {
        assert_eq!(of("a [b](c.md) and [d](e/f.md#g \"title\")"), ["1 c.md", "1 e/f.md"]);
        assert_eq!(of("\n![picture](<p.png>)"), ["2 p.png"]);
        assert_eq!(of("[`stack.rs`](src/stack.rs)"), ["1 src/stack.rs"]);
        assert_eq!(of("[a](b_(c).md) (d)"), ["1 b_(c).md"]);
        assert_eq!(of("[name]: ../a.md"), ["1 ../a.md"]);
    }

    #[test]
    fn what_is_no_link_to_a_file() {
        for text in [
            "[a](https://example.com/b.md)",
            "[a](mailto:a@example.com)",
            "[a](#below)",
            "`[a](b.md)`",
            "```\n[a](b.md)\n~~~\n[a](b.md)\n```",
            "[^1]: a note",
            "[a](unclosed",
        ] {
            assert_eq!(of(text), Vec::<String>::new(), "{text}");
        }
    }

    #[test]
    fn a_link_must_lead_to_a_file_of_the_repository() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let page = root.join("src").join("page.md");
        assert!(dangling(root, &page, "[a](main.rs) [b](../Cargo.toml) [c](tidy)").is_empty());
        assert_eq!(dangling(root, &page, "[a](absent.md)"), ["src/page.md:1: no such file: absent.md"]);
        assert_eq!(dangling(root, &page, "[a](../../..)").len(), 1);
    }
}

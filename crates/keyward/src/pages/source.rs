//! The Markdown files and the samples, as they lie in the program.

/// A page before it is expanded.
pub(super) struct Source {
    /// Its path, such as `/platform/deals`.
    pub(super) path: &'static str,
    pub(super) title: &'static str,
    /// Its short name, for menus.
    pub(super) nav: &'static str,
    /// What it is about, in a sentence.
    pub(super) description: &'static str,
    /// When to read it: the first row of the Integration Summary. Empty on pages without one.
    pub(super) when: &'static str,
    /// The operations that it tells of.
    pub(super) operations: Vec<&'static str>,
    /// Whether it speaks of writes that none of these is.
    pub(super) of_writes: bool,
    /// The Markdown.
    pub(super) text: &'static str,
}

macro_rules! files {
    ($folder:literal, $($name:literal),* $(,)?) => {
        &[$(($name, include_str!(concat!("../../pages/", $folder, $name)))),*]
    };
}

/// Where the pages are, and in which group of the menu.
const PAGES: &[(&str, &str, &str)] = &[
    ("/", "", "index.md"),
    ("/platform", "Start", "platform.md"),
    ("/platform/getting-started", "Start", "getting-started.md"),
    ("/platform/authentication", "Start", "authentication.md"),
    ("/platform/mcp-setup", "Start", "mcp-setup.md"),
    ("/platform/account", "Resources", "account.md"),
    ("/platform/api-keys", "Resources", "api-keys.md"),
    ("/platform/deals", "Resources", "deals.md"),
    ("/platform/pipelines", "Resources", "pipelines.md"),
    ("/platform/pagination", "Rules", "pagination.md"),
    ("/platform/filtering", "Rules", "filtering.md"),
    ("/platform/rate-limits", "Rules", "rate-limits.md"),
    ("/platform/errors", "Rules", "errors.md"),
];

const TEXTS: &[(&str, &str)] = files!(
    "",
    "index.md",
    "platform.md",
    "getting-started.md",
    "authentication.md",
    "mcp-setup.md",
    "account.md",
    "api-keys.md",
    "deals.md",
    "pipelines.md",
    "pagination.md",
    "filtering.md",
    "rate-limits.md",
    "errors.md",
);

const SAMPLES: &[(&str, &str)] = files!(
    "samples/",
    "first.sh",
    "first.ts",
    "first.py",
    "validate.sh",
    "validate.ts",
    "validate.py",
    "crawl.sh",
    "crawl.ts",
    "crawl.py",
    "retry.sh",
    "retry.ts",
    "retry.py",
    "change.sh",
    "change.ts",
    "change.py",
    "validate-key.sh",
    "me.sh",
    "list-keys.sh",
    "list-deals.sh",
    "list-pipelines.sh",
);

/// The template of `/platform/llms.txt`.
pub(super) const LLMS: &str = include_str!("../../pages/llms.md");

/// Every page, in the order of the menu.
pub(super) fn pages() -> Vec<Source> {
    let text = |file: &str| TEXTS.iter().find(|(name, _)| *name == file).map_or("", |(_, text)| *text);
    PAGES.iter().map(|(path, _, file)| read(path, text(file))).collect()
}

/// The groups of the menu with the paths of their pages.
pub(super) fn menu() -> Vec<(&'static str, Vec<&'static str>)> {
    let mut groups: Vec<(&str, Vec<&str>)> = Vec::new();
    for (path, group, _) in PAGES.iter().filter(|(_, group, _)| !group.is_empty()) {
        match groups.last_mut() {
            Some((last, paths)) if last == group => paths.push(path),
            _ => groups.push((group, vec![path])),
        }
    }
    groups
}

/// A file of a sample, such as `crawl.ts`.
pub(super) fn sample(file: &str) -> Option<&'static str> {
    SAMPLES.iter().find(|(name, _)| *name == file).map(|(_, text)| *text)
}

fn read(path: &'static str, file: &'static str) -> Source {
    let (front, text) =
        file.strip_prefix("---\n").and_then(|rest| rest.split_once("\n---\n")).unwrap_or(("", file));
    let member = |name: &str| {
        let line = front.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
        line.unwrap_or_default().trim()
    };
    Source {
        path,
        title: member("title"),
        nav: member("nav"),
        description: member("description"),
        when: member("when"),
        operations: member("operations").split(',').map(str::trim).filter(|name| !name.is_empty()).collect(),
        of_writes: member("writes") == "yes",
        text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::routes::OperationId;

    #[test]
    fn every_page_says_what_it_is() {
        for page in pages() {
            for (what, text) in [("title", page.title), ("nav", page.nav), ("description", page.description)]
            {
                assert!(!text.is_empty(), "{} has no {what}", page.path);
            }
            assert_eq!(page.when.is_empty(), page.operations.is_empty(), "{}", page.path);
        }
    }

    #[test]
    fn every_operation_stands_on_a_page() {
        let pages = pages();
        for operation in OperationId::ALL {
            let directive = format!("{{{{operation {}}}}}", operation.name());
            let on = pages.iter().filter(|page| page.text.contains(&directive)).count();
            assert_eq!(on, 1, "{directive}");
        }
        for name in pages.iter().flat_map(|page| &page.operations) {
            assert!(OperationId::ALL.iter().any(|operation| operation.name() == *name), "{name}");
        }
    }
}

//! A page in pieces: fenced blocks, the commands in them with their output, and the code inside sentences.

use std::fs;
use std::path::Path;

/// Where the guides are.
const GUIDES: &str = "docs/guides";

/// A page of the repository.
pub(crate) struct Page {
    /// Its path from the repository's root.
    pub(crate) name: String,
    pub(crate) text: String,
}

/// A fenced block.
#[derive(Debug)]
pub(crate) struct Block {
    /// Where its fence is.
    pub(crate) place: Place,
    /// What stands behind the opening fence.
    pub(crate) info: String,
    /// What stands between the fences.
    pub(crate) text: String,
}

/// A `$ ` line, with what goes on below it.
#[derive(Debug)]
pub(crate) struct Command {
    pub(crate) place: Place,
    /// What is typed, over several lines where one ends in a backslash.
    pub(crate) text: String,
    /// What the page says comes back.
    pub(crate) output: String,
}

/// A line of a page, from 1.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    page: String,
    line: usize,
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}", self.page, self.line)
    }
}

impl Page {
    /// The page as it is now.
    pub(crate) fn read(name: &str) -> Self {
        let file = root().join(name);
        let text = fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        Self { name: name.to_owned(), text }
    }

    pub(crate) fn readme() -> Self {
        Self::read("README.md")
    }

    /// Every guide there is.
    pub(crate) fn guides() -> Vec<Self> {
        Self::all_in(GUIDES)
    }

    /// Every page of a folder.
    pub(crate) fn all_in(folder: &str) -> Vec<Self> {
        let files = fs::read_dir(root().join(folder)).unwrap().map(|entry| entry.unwrap().file_name());
        let mut names: Vec<String> = files.map(|name| name.into_string().unwrap()).collect();
        names.sort();
        names.iter().map(|name| Self::read(&format!("{folder}/{name}"))).collect()
    }

    /// Every fenced block, from top to bottom.
    pub(crate) fn blocks(&self) -> Vec<Block> {
        let mut found = Vec::new();
        let mut open: Option<Block> = None;
        for (line, text) in (1..).zip(self.text.lines()) {
            let place = Place { page: self.name.clone(), line };
            match (text.strip_prefix("```"), &mut open) {
                (Some(info), None) => {
                    open = Some(Block { place, info: info.to_owned(), text: String::new() });
                }
                (Some(_), Some(_)) => found.extend(open.take()),
                (None, Some(block)) => {
                    block.text.push_str(text);
                    block.text.push('\n');
                }
                (None, None) => assert!(
                    !text.trim_start().starts_with("```") && !text.starts_with("~~~"),
                    "{place}: a fence that this test does not see"
                ),
            }
        }
        assert!(open.is_none(), "{}: the last block is not closed", self.name);
        found
    }

    /// What stands between single backticks outside the blocks.
    pub(crate) fn code_spans(&self) -> Vec<String> {
        let mut prose = String::new();
        let mut inside = false;
        for line in self.text.lines() {
            if line.starts_with("```") {
                inside = !inside;
            } else if !inside {
                prose.push_str(line);
                prose.push('\n');
            }
        }
        prose.split('`').skip(1).step_by(2).map(|span| span.replace('\n', " ")).collect()
    }
}

impl Block {
    /// The commands of a `console` block.
    pub(crate) fn commands(&self) -> Vec<Command> {
        let mut found: Vec<Command> = Vec::new();
        for (line, text) in (self.place.line + 1..).zip(self.text.lines()) {
            let place = Place { line, ..self.place.clone() };
            if let Some(typed) = text.strip_prefix("$ ") {
                found.push(Command { place, text: typed.to_owned(), output: String::new() });
                continue;
            }
            let command = found.last_mut().unwrap_or_else(|| panic!("{place}: output before any command"));
            if command.text.ends_with('\\') {
                command.text.push('\n');
                command.text.push_str(text);
            } else {
                command.output.push_str(text);
                command.output.push('\n');
            }
        }
        for command in &mut found {
            command.output.truncate(command.output.trim_end().len());
        }
        found
    }
}

fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
}

mod tests {
    use super::*;

    fn page(text: &str) -> Page {
        Page { name: "page.md".to_owned(), text: text.to_owned() }
    }

    #[test]
    fn a_page_is_cut_into_blocks_and_commands() {
        let blocks =
            page("a `b c`\n```console\n$ one \\\n    two\nout\n\nput\n$ three\n```\n\n```\n```\n").blocks();
        let told: Vec<_> =
            blocks.iter().map(|Block { place, info, .. }| (place.to_string(), info.as_str())).collect();
        assert_eq!(told, [("page.md:2".to_owned(), "console"), ("page.md:11".to_owned(), "")]);
        let commands = blocks[0].commands();
        assert_eq!(
            (commands[0].place.to_string().as_str(), commands[0].text.as_str()),
            ("page.md:3", "one \\\n    two")
        );
        assert_eq!(commands[0].output, "out\n\nput");
        assert_eq!((commands[1].text.as_str(), commands[1].output.as_str()), ("three", ""));
        assert_eq!(page("a `b c`\n```ts\n`x`\n```\n`d`").code_spans(), ["b c", "d"]);
    }
}

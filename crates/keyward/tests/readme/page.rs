//! The page in pieces: fenced blocks, the commands in them with their output, and the code inside sentences.

/// The page, as it is when the test is compiled.
pub(crate) const README: &str = include_str!("../../../../README.md");

/// A fenced block.
pub(crate) struct Block {
    /// The line of its fence, from 1.
    pub(crate) line: usize,
    /// What stands behind the opening fence.
    pub(crate) info: String,
    /// What stands between the fences.
    pub(crate) text: String,
}

/// A `$ ` line, with what goes on below it.
pub(crate) struct Command {
    /// Its line on the page.
    pub(crate) line: usize,
    /// What is typed, over several lines where one ends in a backslash.
    pub(crate) text: String,
    /// What the page says comes back.
    pub(crate) output: String,
}

/// Every fenced block, from top to bottom.
pub(crate) fn blocks(page: &str) -> Vec<Block> {
    let mut found = Vec::new();
    let mut open: Option<Block> = None;
    for (number, line) in (1..).zip(page.lines()) {
        match (line.strip_prefix("```"), &mut open) {
            (Some(info), None) => {
                open = Some(Block { line: number, info: info.to_owned(), text: String::new() });
            }
            (Some(_), Some(_)) => found.extend(open.take()),
            (None, Some(block)) => {
                block.text.push_str(line);
                block.text.push('\n');
            }
            (None, None) => assert!(
                !line.trim_start().starts_with("```") && !line.starts_with("~~~"),
                "README.md:{number}: a fence that this test does not see"
            ),
        }
    }
    assert!(open.is_none(), "the last block is not closed");
    found
}

/// The commands of a `console` block.
pub(crate) fn commands(block: &Block) -> Vec<Command> {
    let mut found: Vec<Command> = Vec::new();
    for (line, text) in (block.line + 1..).zip(block.text.lines()) {
        if let Some(typed) = text.strip_prefix("$ ") {
            found.push(Command { line, text: typed.to_owned(), output: String::new() });
            continue;
        }
        let command =
            found.last_mut().unwrap_or_else(|| panic!("README.md:{line}: output before any command"));
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

/// What stands between single backticks outside the blocks.
pub(crate) fn code_spans(page: &str) -> Vec<String> {
    let mut prose = String::new();
    let mut inside = false;
    for line in page.lines() {
        if line.starts_with("```") {
            inside = !inside;
        } else if !inside {
            prose.push_str(line);
            prose.push('\n');
        }
    }
    prose.split('`').skip(1).step_by(2).map(|span| span.replace('\n', " ")).collect()
}

//! The README says nothing that is not so: every command and program on it is run, and its output compared.
//!
//! The page is walked from top to bottom, as a reader would, against a demo of its own. What differs from run to run
//! (ids of requests, keys, moments, the port) is made equal on both sides first: see `plain.rs`.

#[cfg(test)]
mod page;
#[cfg(test)]
mod plain;
#[cfg(test)]
mod programs;
#[cfg(test)]
mod reader;

#[cfg(test)]
mod tests {
    use crate::page::{self, Block, README};
    use crate::programs;
    use crate::reader::Reader;
    use keyward::config::Config;
    use std::collections::BTreeSet;

    #[test]
    fn every_block_does_what_the_page_says() {
        let mut reader = Reader::begin();
        let blocks = page::blocks(README);
        for block in &blocks {
            match block.info.as_str() {
                "console" => page::commands(block).iter().for_each(|command| reader.types(command)),
                "toml" => reader.saves(block),
                "ts" => reader.runs_typescript(block),
                "python" => reader.runs_python(block),
                "text" => reader.sees(block),
                other => panic!("README.md:{}: no test knows what to do with ```{other}", block.line),
            }
        }
        reader.ends();
        // None of them may go missing from the page unnoticed.
        let has = |info: &str| blocks.iter().filter(|block| block.info == info).count();
        assert_eq!((has("toml"), has("ts"), has("python"), has("text")), (1, 1, 1, 2));
    }

    /// Whatever the prose says about the program's own commands and flags stands in its help.
    #[test]
    fn commands_and_flags_are_those_of_the_help() {
        let mut mentioned = BTreeSet::new();
        let typed: Vec<String> = page::blocks(README)
            .iter()
            .filter(|block| block.info == "console")
            .flat_map(page::commands)
            .map(|command| command.text.replace("cargo run --release -- ", "keyward "))
            .collect();
        for text in page::code_spans(README).into_iter().chain(typed) {
            let Some(arguments) = text.strip_prefix("keyward ") else { continue };
            let mut words = arguments.split_whitespace();
            let subcommand = words.next().unwrap().to_owned();
            let help = programs::help(&[&subcommand]);
            for flag in words.filter(|word| word.starts_with("--")) {
                assert!(
                    has_word(&help, flag),
                    "keyward {subcommand} has no {flag}, which the README mentions"
                );
            }
            mentioned.insert(subcommand);
        }
        assert_eq!(mentioned, subcommands(&programs::help(&[])), "the README and keyward --help");
        // A flag without a command is meant for `init` or `serve`.
        for text in page::code_spans(README).iter().filter(|text| text.starts_with("--")) {
            let flag = text.split_whitespace().next().unwrap();
            assert!(
                ["init", "serve"].iter().any(|name| has_word(&programs::help(&[name]), flag)),
                "neither init nor serve has {flag}, which the README mentions"
            );
        }
    }

    #[test]
    fn variables_and_defaults_are_those_of_the_configuration() {
        let known = variables(&keyward::config::reference());
        assert!(variables(README).is_subset(&known), "{:?}", variables(README));
        let defaults = Config::default();
        assert!(README.contains(&format!("http://{}/", defaults.server.listen)));
        assert!(README.contains(concat!("Rust ", env!("CARGO_PKG_RUST_VERSION"), " or newer")));
    }

    #[test]
    fn the_page_is_short() {
        let lines = README.lines().count();
        assert!(lines <= 200, "{lines} lines");
    }

    /// Names such as `KEYWARD_LOG_LEVEL`.
    fn variables(text: &str) -> BTreeSet<String> {
        let names = text.split(|c: char| !(c.is_ascii_uppercase() || c == '_'));
        names.filter(|name| name.starts_with("KEYWARD_") && name.len() > 8).map(str::to_owned).collect()
    }

    /// What `keyward --help` lists, but for `help` itself.
    fn subcommands(help: &str) -> BTreeSet<String> {
        let listed = help.lines().skip_while(|line| *line != "Commands:").skip(1);
        let names =
            listed.take_while(|line| !line.is_empty()).filter_map(|line| line.split_whitespace().next());
        names.filter(|name| *name != "help").map(str::to_owned).collect()
    }

    fn has_word(text: &str, word: &str) -> bool {
        text.split(|c: char| c.is_whitespace() || c == ',').any(|other| other == word)
    }

    #[test]
    fn a_page_is_cut_into_blocks_and_commands() {
        let blocks =
            page::blocks("a `b c`\n```console\n$ one \\\n    two\nout\n\nput\n$ three\n```\n\n```\n```\n");
        let infos: Vec<(usize, &str)> =
            blocks.iter().map(|Block { line, info, .. }| (*line, info.as_str())).collect();
        assert_eq!(infos, [(2, "console"), (11, "")]);
        let commands = page::commands(&blocks[0]);
        assert_eq!((commands[0].line, commands[0].text.as_str()), (3, "one \\\n    two"));
        assert_eq!(commands[0].output, "out\n\nput");
        assert_eq!((commands[1].text.as_str(), commands[1].output.as_str()), ("three", ""));
        assert_eq!(page::code_spans("a `b c`\n```ts\n`x`\n```\n`d`"), ["b c", "d"]);
    }
}

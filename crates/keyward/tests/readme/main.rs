//! The README and the guides say nothing that is not so: every command and program on them is run, and its output compared.
//!
//! Each page is walked from top to bottom, as a reader would, against a server of its own. What differs from run to run (ids
//! of requests, keys, moments, ports) is made equal on both sides first: see `plain.rs`.

#[cfg(test)]
mod curl;
#[cfg(test)]
mod operator;
#[cfg(test)]
mod page;
#[cfg(test)]
mod plain;
#[cfg(test)]
mod programs;
#[cfg(test)]
#[path = "../rigs/promtool.rs"]
mod promtool;
#[cfg(test)]
mod reader;
#[cfg(test)]
mod site;

#[cfg(test)]
mod tests {
    use crate::operator::Operator;
    use crate::page::Page;
    use crate::programs;
    use crate::reader::Reader;
    use keyward::config::Config;
    use std::collections::BTreeSet;

    #[test]
    fn every_block_of_the_readme_does_what_it_says() {
        let mut reader = Reader::begin();
        let blocks = Page::readme().blocks();
        for block in &blocks {
            match block.info.as_str() {
                "console" => block.commands().iter().for_each(|command| reader.types(command)),
                "toml" => reader.saves(block),
                "ts" => reader.runs_typescript(block),
                "python" => reader.runs_python(block),
                "text" => reader.sees(block),
                other => panic!("{}: no test knows what to do with ```{other}", block.place),
            }
        }
        reader.ends();
        // None of them may go missing from the page unnoticed.
        let has = |info: &str| blocks.iter().filter(|block| block.info == info).count();
        assert_eq!((has("toml"), has("ts"), has("python"), has("text")), (1, 1, 1, 2));
    }

    #[test]
    fn every_block_of_a_guide_does_what_it_says() {
        let guides = Page::guides();
        assert!(guides.iter().any(|guide| guide.name == "docs/guides/operating.md"));
        for guide in &guides {
            let mut operator = Operator::begin(guide);
            for block in guide.blocks() {
                match block.info.as_str() {
                    "console" => block.commands().iter().for_each(|command| operator.types(command)),
                    "toml" => operator.saves(&block),
                    "sh" => operator.leaves(&block),
                    other => panic!("{}: no test knows what to do with ```{other}", block.place),
                }
            }
            operator.ends();
        }
    }

    /// Whatever is said about the program's own commands and flags stands in its help, and every command is told of.
    #[test]
    fn commands_and_flags_are_those_of_the_help() {
        let mut mentioned = BTreeSet::new();
        let known_flags = flags_below(&[]);
        for page in pages() {
            for line in command_lines(&page) {
                mentioned.extend(in_help(&page, &line));
            }
            // A flag without a command is some command's.
            for span in page.code_spans().iter().filter(|span| span.starts_with("--")) {
                let flag = span.split_whitespace().next().unwrap();
                assert!(known_flags.contains(flag), "{}: no command has {flag}", page.name);
            }
        }
        let commands = subcommands(&programs::help(&[])).into_iter().collect();
        assert_eq!(mentioned, commands, "README, guides and keyward --help");
    }

    #[test]
    fn settings_and_figures_are_those_of_the_reference() {
        let (settings, figures) =
            (keyward::config::reference(), Page::read("docs/reference/metrics.md").text);
        for page in pages() {
            let variables = names(&page.text, "KEYWARD_", |c| c.is_ascii_uppercase() || c == '_');
            let known = names(&settings, "KEYWARD_", |c| c.is_ascii_uppercase() || c == '_');
            assert!(variables.is_subset(&known), "{}: {variables:?}", page.name);
            // What a line of the log comes from is no figure.
            let from_the_log = |name: &String| page.text.contains(&format!("{name}::"));
            let figures_of_it = names(&page.text, "keyward_", |c| c.is_ascii_lowercase() || c == '_');
            for figure in figures_of_it.into_iter().filter(|name| !from_the_log(name)) {
                let counted = figure.strip_suffix("_total").unwrap_or(&figure);
                assert!(figures.contains(&format!("`{counted}`")), "{}: {figure}", page.name);
            }
            for span in page.code_spans().iter().filter(|span| span.starts_with('[')) {
                assert!(settings.contains(&format!("`{span}`")), "{}: {span}", page.name);
            }
        }
        let readme = Page::readme().text;
        assert!(readme.contains(&format!("http://{}/", Config::default().server.listen[0])));
        assert!(readme.contains(concat!("Rust ", env!("CARGO_PKG_RUST_VERSION"), " or newer")));
    }

    #[test]
    fn the_reference_is_as_the_program_writes_it() {
        let mut names = BTreeSet::new();
        for page in Page::all_in("docs/reference") {
            let name = page.name.rsplit('/').next().unwrap().trim_end_matches(".md").to_owned();
            let mut command = programs::program(programs::KEYWARD);
            command.args(["reference", &name]);
            let same = programs::output(command) == page.text;
            assert!(same, "{} is not up to date: run `cargo xtask generate`", page.name);
            names.insert(name);
        }
        assert_eq!(names.into_iter().collect::<Vec<_>>(), ["cli", "config", "denials", "errors", "metrics"]);
    }

    #[test]
    fn the_pages_are_short() {
        for page in pages() {
            let most = match page.name.as_str() {
                "README.md" => 220,
                // A catalogue: nobody reads but one entry of it.
                "docs/guides/issuers.md" => 380,
                _ => 280,
            };
            let lines = page.text.lines().count();
            assert!(lines <= most, "{}: {lines} lines", page.name);
        }
    }

    fn pages() -> Vec<Page> {
        std::iter::once(Page::readme()).chain(Page::guides()).collect()
    }

    /// Every line that names our program, with what follows the name: in sentences, as it is typed, behind another program.
    fn command_lines(page: &Page) -> Vec<String> {
        let mut lines = page.code_spans();
        for block in page.blocks() {
            match block.info.as_str() {
                "console" => lines.extend(block.commands().into_iter().map(|command| command.text)),
                "sh" => lines.extend(block.text.lines().map(str::to_owned)),
                _ => {}
            }
        }
        let lines = lines.iter().map(|line| line.replace("cargo run --release -- ", "keyward "));
        let parts = lines.flat_map(|line| line.split(" | ").map(str::to_owned).collect::<Vec<_>>());
        let ours = |part: String| {
            let line = part.split_once("runuser -u keyward -- ").map_or(part.as_str(), |(_, line)| line);
            line.strip_prefix("keyward ").map(str::to_owned)
        };
        parts.filter_map(ours).collect()
    }

    /// Asserts that the help knows the commands and flags of a line; the first of the commands, if there is one.
    fn in_help(page: &Page, line: &str) -> Option<String> {
        let mut path: Vec<&str> = Vec::new();
        let mut help = programs::help(&[]);
        let mut words = line.split_whitespace().peekable();
        loop {
            let below = subcommands(&help);
            let Some(next) = words.peek().filter(|word| !below.is_empty() && !word.starts_with('-')) else {
                break;
            };
            assert!(below.iter().any(|name| name == next), "{}: keyward {line}: no {next}", page.name);
            path.extend(words.next());
            help = programs::help(&path);
        }
        for flag in words.filter(|word| word.starts_with("--")) {
            assert!(flags(&help).contains(flag), "{}: keyward {}: no {flag}", page.name, path.join(" "));
        }
        path.first().map(|first| (*first).to_owned())
    }

    /// What `keyward --help`, or that of a command, lists, but for `help` itself.
    fn subcommands(help: &str) -> Vec<String> {
        let listed = help.lines().skip_while(|line| *line != "Commands:").skip(1);
        let names =
            listed.take_while(|line| !line.is_empty()).filter_map(|line| line.split_whitespace().next());
        names.filter(|name| *name != "help").map(str::to_owned).collect()
    }

    fn flags(help: &str) -> BTreeSet<String> {
        let words = help.split(|c: char| c.is_whitespace() || c == ',');
        words.filter(|word| word.starts_with("--")).map(str::to_owned).collect()
    }

    /// The flags of a command and of all below it.
    fn flags_below(path: &[&str]) -> BTreeSet<String> {
        let help = programs::help(path);
        let below = subcommands(&help);
        let deeper = below.iter().flat_map(|name| flags_below(&[path, &[name.as_str()]].concat()));
        deeper.chain(flags(&help)).collect()
    }

    /// Names such as `KEYWARD_LOG_LEVEL`: what begins like this and goes on.
    fn names(text: &str, beginning: &str, is_part: impl Fn(char) -> bool) -> BTreeSet<String> {
        let names = text.split(|c| !is_part(c));
        names
            .filter(|name| name.strip_prefix(beginning).is_some_and(|rest| !rest.is_empty()))
            .map(str::to_owned)
            .collect()
    }
}

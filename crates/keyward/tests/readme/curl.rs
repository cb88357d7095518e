//! What people paste runs with the curl that they have: 7.81 is that of Ubuntu 22.04, and 7.76 that of RHEL 9.

use crate::page::Page;
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// The long options that the pages use, each of which 7.76 has.
const OPTIONS: [&str; 7] = [
    "--cacert",
    "--data-urlencode",
    "--fail-with-body",
    "--max-time",
    "--resolve",
    "--unix-socket",
    "--version",
];
/// What `-w` writes that is newer.
const NEWER: [&str; 6] = ["%header{", "%output{", "%time{", "%{header_json}", "%{certs}", "%{num_certs}"];

#[test]
fn curl_is_asked_for_nothing_that_7_81_does_not_have() {
    let texts = texts();
    let mut commands = 0;
    for (name, text) in &texts {
        for newer in NEWER {
            assert!(!text.contains(newer), "{name}: {newer}");
        }
        for command in curls(text) {
            commands += 1;
            let options = options(&command);
            let unknown: Vec<&String> =
                options.iter().filter(|option| !OPTIONS.contains(&option.as_str())).collect();
            assert!(
                unknown.is_empty(),
                "{name}: {unknown:?} in {command}; say since which version it is there"
            );
        }
    }
    assert!(texts.len() > 20 && commands > 50, "{commands} commands in {} files", texts.len());
}

/// The README, the guides, and the pages of the program with their samples; name and text.
fn texts() -> Vec<(String, String)> {
    let pages = std::iter::once(Page::readme()).chain(Page::guides()).map(|page| (page.name, page.text));
    let below = Path::new(env!("CARGO_MANIFEST_DIR")).join("pages");
    let files =
        [below.clone(), below.join("samples")].into_iter().flat_map(|folder| fs::read_dir(folder).unwrap());
    let files = files
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "md" || extension == "sh"));
    pages.chain(files.map(|path| (path.display().to_string(), fs::read_to_string(&path).unwrap()))).collect()
}

/// The commands of curl in a text, with what goes on below them.
fn curls(text: &str) -> Vec<String> {
    let whole = text.replace("\\\n", " ");
    let lines =
        whole.lines().flat_map(|line| line.match_indices("curl ").map(|(at, _)| line[at..].to_owned()));
    lines.collect()
}

/// Its long options, but for what is quoted and what stands behind another command.
fn options(command: &str) -> BTreeSet<String> {
    let mut outside = String::new();
    let mut quote = None;
    for c in command.chars() {
        match quote {
            Some(open) if c == open => quote = None,
            None if c == '\'' || c == '"' => quote = Some(c),
            None if c == '|' || c == ';' || c == '`' => break,
            None => outside.push(c),
            Some(_) => {}
        }
    }
    outside.split_whitespace().filter(|word| word.starts_with("--")).map(str::to_owned).collect()
}

#[test]
fn the_options_of_a_command_are_found() {
    let text =
        "$ X=$(curl -s --json '{}' \\\n  --rate 1 \"--quoted\" | jq --raw-output .) # and `curl --url-query`";
    let found: Vec<_> = curls(text).iter().map(|command| options(command)).collect();
    let expected = [vec!["--json", "--rate"], vec!["--url-query"]];
    assert_eq!(found, expected.map(|names| names.into_iter().map(str::to_owned).collect::<BTreeSet<_>>()));
}

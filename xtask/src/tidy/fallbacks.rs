//! Where it is decided who, what, when, from where or how much, what is absent, unknown or unreadable never gives more. So a
//! fallback there says why it is none of these cases: in a comment `// Absent: …` on its line or right above it. Those that say
//! nothing are counted for each file in `xtask/fallbacks.txt`, and a count may only shrink.

use super::code::lines;
use super::text::production;
use super::{at, files, read};
use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::Path;

/// The code that decides, and what it decides.
const DECIDES: &[(&str, &str)] = &[
    ("crates/keyward-core/src", "all of it"),
    ("crates/keyward-sql/src", "all of it, as it is kept"),
    ("crates/keyward-sqlite/src", "all of it, as it is kept"),
    ("crates/keyward-tower/src", "who, from where and how much, at the door"),
    ("crates/keyward/src/active_account.rs", "in which account"),
    ("crates/keyward/src/api", "what a request makes, changes, ends and shows"),
    ("crates/keyward/src/background", "when what ends is ended, and what was counted"),
    ("crates/keyward/src/body_room.rs", "how much"),
    ("crates/keyward/src/browser", "whose browser it is"),
    ("crates/keyward/src/call.rs", "what a request asks for"),
    ("crates/keyward/src/cli/demo.rs", "who is shown passwords"),
    ("crates/keyward/src/cli/init.rs", "what the operator asks for"),
    ("crates/keyward/src/cli/mod.rs", "what the environment says"),
    ("crates/keyward/src/cli/orders", "what the operator asks for"),
    ("crates/keyward/src/cli/private_data.rs", "who can read the data"),
    ("crates/keyward/src/cli/run.rs", "how much, and what is served"),
    ("crates/keyward/src/config", "everything, before anybody comes"),
    ("crates/keyward/src/console", "who, and what it is given"),
    ("crates/keyward/src/cross_origin.rs", "which pages may ask"),
    ("crates/keyward/src/current.rs", "what holds now"),
    ("crates/keyward/src/environment.rs", "what the environment says"),
    ("crates/keyward/src/issuers", "whose tokens are believed"),
    ("crates/keyward/src/limits.rs", "how much"),
    ("crates/keyward/src/mcp", "who, and what a tool asks for"),
    ("crates/keyward/src/oauth", "who, and what a client is given"),
    ("crates/keyward/src/operate", "what the operator asks for"),
    ("crates/keyward/src/operation", "which operation it is, and what it needs"),
    ("crates/keyward/src/reload.rs", "what holds from now on"),
    ("crates/keyward/src/routes.rs", "which operation it is, and what it needs"),
    ("crates/keyward/src/secret_file.rs", "which secrets hold"),
    ("crates/keyward/src/server", "which part is given what"),
    ("crates/keyward/src/site.rs", "what is answered"),
    ("crates/keyward/src/stack.rs", "in which order it is decided"),
    ("crates/keyward/src/transport/arrival.rs", "from where"),
    ("crates/keyward/src/transport/ceiling.rs", "how much"),
    ("crates/keyward/src/transport/forwarded.rs", "from where"),
    ("crates/keyward/src/transport/head_scan.rs", "where a request begins"),
    ("crates/keyward/src/transport/proxy_protocol.rs", "from where"),
    ("crates/keyward/src/transport_security.rs", "when pages ask for HTTPS"),
    ("crates/lev-deals/src", "who sees which deal, and what a body asks for"),
];

/// The counts, beside the program that reads them.
const LIST: &str = "xtask/fallbacks.txt";

const HEAD: &str = "\
# Fallbacks without a reason (`// Absent: …`) in code that decides: see xtask/src/tidy/fallbacks.rs.
# A count may only shrink. `cargo xtask tidy lower` writes the lower ones.
";

/// The methods that go on without what is absent.
const METHODS: [&str; 6] =
    ["unwrap_or", "unwrap_or_default", "unwrap_or_else", "map_or", "map_or_else", "is_none_or"];

/// How many of each file say nothing, by its path from the root.
type Counts = BTreeMap<String, usize>;

/// What breaks the rule.
pub(super) fn violations(root: &Path) -> io::Result<Vec<String>> {
    let missing = DECIDES.iter().filter(|(path, _)| !root.join(path).exists());
    let mut found: Vec<String> = missing
        .map(|(path, _)| {
            format!("{path} is gone: say in xtask/src/tidy/fallbacks.rs where that is decided now")
        })
        .collect();
    let lines = silent(root)?;
    let now = lines.iter().map(|(path, lines)| (path.clone(), lines.len())).collect();
    found.extend(compared(&listed(&read(&root.join(LIST))?), &now, &lines));
    Ok(found)
}

/// Writes the counts, none of which may be greater than it was: else it writes nothing, and returns what has grown.
pub(super) fn write(root: &Path) -> io::Result<Vec<String>> {
    let lines = silent(root)?;
    let now: Counts = lines.iter().map(|(path, lines)| (path.clone(), lines.len())).collect();
    let before = listed(&read(&root.join(LIST))?);
    let grown: Vec<String> =
        now.iter().filter_map(|(path, count)| grown(path, *count, &before, &lines)).collect();
    if !grown.is_empty() {
        return Ok(grown);
    }
    let rows: String = now.iter().map(|(path, count)| format!("{count:>3} {path}\n")).collect();
    let list = root.join(LIST);
    fs::write(&list, format!("{HEAD}{rows}")).map_err(|error| at(&list, &error))?;
    Ok(Vec::new())
}

/// The list as it stands.
fn listed(text: &str) -> Counts {
    let rows = text.lines().filter(|line| !line.starts_with('#'));
    rows.filter_map(|row| {
        let (count, path) = row.trim().split_once(' ')?;
        Some((path.to_owned(), count.parse().ok()?))
    })
    .collect()
}

/// The lines of the fallbacks that say nothing, of each file that has any.
fn silent(root: &Path) -> io::Result<BTreeMap<String, Vec<usize>>> {
    let mut found = BTreeMap::new();
    for (path, _) in DECIDES {
        let path = root.join(path);
        let all = if path.is_dir() { files(&path)? } else { vec![path] };
        for file in all.iter().filter(|file| file.exists()) {
            let name = file.strip_prefix(root).unwrap_or(file);
            let lines = if is_code(name) { lines_of(production(&read(file)?)) } else { Vec::new() };
            if !lines.is_empty() {
                found.insert(name.display().to_string(), lines);
            }
        }
    }
    Ok(found)
}

/// Whether a file is Rust that is not for tests alone.
fn is_code(file: &Path) -> bool {
    let rust = file.extension().is_some_and(|extension| extension == "rs");
    let of_tests = file.ends_with("tests.rs")
        || file.ends_with("testing.rs")
        || file.components().any(|part| part.as_os_str() == "tests");
    rust && !of_tests
}

fn compared(before: &Counts, now: &Counts, lines: &BTreeMap<String, Vec<usize>>) -> Vec<String> {
    let more = now.iter().filter_map(|(path, count)| grown(path, *count, before, lines));
    let fewer = before.iter().filter_map(|(path, most)| {
        let count = now.get(path).copied().unwrap_or(0);
        (count < *most).then(|| format!("{path}: {count} fallbacks without a reason, and {LIST} has {most}: lower it (cargo xtask tidy lower)"))
    });
    more.chain(fewer).collect()
}

fn grown(path: &str, count: usize, before: &Counts, lines: &BTreeMap<String, Vec<usize>>) -> Option<String> {
    let most = before.get(path).copied().unwrap_or(0);
    let places: Vec<String> = lines.get(path).into_iter().flatten().map(ToString::to_string).collect();
    (count > most).then(|| {
        format!(
            "{path}: {count} fallbacks without a reason, and at most {most} may be: give a new one its reason (// Absent: …) or \
             take it out (lines {})",
            places.join(", ")
        )
    })
}

/// The line of each fallback without a reason; a line with two of them is there twice.
fn lines_of(text: &str) -> Vec<usize> {
    let mut found = Vec::new();
    // Whether the comments right above say it. What they say holds for the statement, or the arm, that begins there.
    let mut said = false;
    for (number, line) in (1..).zip(lines(text)) {
        let code = line.code.trim();
        if code.is_empty() {
            said = !line.comment.is_empty() && (said || is_reason(&line.comment));
            continue;
        }
        if !said && !is_reason(&line.comment) {
            found.extend(std::iter::repeat_n(number, fallbacks(&line.code)));
        }
        said = said && !code.ends_with([';', ',', '{', '}']);
    }
    found
}

fn is_reason(comment: &str) -> bool {
    comment
        .trim_start_matches(['/', '!'])
        .trim_start()
        .strip_prefix("Absent:")
        .is_some_and(|reason| !reason.trim().is_empty())
}

/// How many fallbacks stand in a line of code.
fn fallbacks(code: &str) -> usize {
    let is_word = |character: char| character.is_ascii_alphanumeric() || character == '_';
    // What a thread that panicked held is taken as it is: nothing is absent there.
    let code = &code.replace("unwrap_or_else(PoisonError::into_inner)", "");
    let mut count = code.matches(".ok()").count() + code.matches("Result::ok)").count();
    for (at, _) in code.match_indices(['.', ':']) {
        let rest = code.get(at + 1..).unwrap_or_default();
        let end = rest.find(|character| !is_word(character)).unwrap_or(rest.len());
        count += usize::from(rest.get(..end).is_some_and(|word| METHODS.contains(&word)));
    }
    let arms = code.match_indices("_ =>").filter(|(at, _)| {
        let before = code.get(..*at).unwrap_or_default().trim_end();
        let alone = !code.get(..*at).is_some_and(|text| text.ends_with(|last| is_word(last) || last == '\''));
        alone && (before.is_empty() || before.ends_with(['{', ',', '|', '}']))
    });
    count + arms.count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_way_to_go_on_without_what_is_absent_is_counted() {
        for (code, count) in [
            ("a.unwrap_or(0)", 1),
            ("a.unwrap_or_default()", 1),
            ("a.unwrap_or_else(|| b.unwrap_or(0))", 2),
            ("a.parse().ok()?", 1),
            ("a.map(Result::ok)", 1),
            ("a.map_or(0, |b| b)", 1),
            (".is_none_or(|a| b)", 1),
            ("a.map(Option::unwrap_or_default)", 1),
            ("        _ => None,", 1),
            ("match a { Some(b) => b, _ => c }", 1),
            ("A | _ => c", 1),
            ("(_, Some(b)) => c", 0),
            ("(a, _) => c", 0),
            ("_ if a => b", 0),
            ("a_ => b", 0),
            ("a.unwrap_or_refuse()", 0),
            ("a.is_ok() && ok()", 0),
            ("a.ok_or(b)", 0),
        ] {
            assert_eq!(fallbacks(code), count, "{code}");
        }
    }

    #[test]
    fn one_with_a_reason_on_its_line_or_right_above_is_not() {
        let text = "\
a.unwrap_or(0); // Absent: the least there is.
// Absent: nobody,
// and nothing more.
b.unwrap_or(0);
// A comment without the word.
c.unwrap_or(0);
// Absent: too far away.

d.unwrap_or(0);
// Absent:
e.unwrap_or(0);
f(\"// Absent: in a text\").unwrap_or(0);
g(\"unwrap_or .ok()\", '\"'); // .unwrap_or(0)
h.unwrap_or(0).ok();
// Absent: the statement.
let i = j
    .unwrap_or(0);
k.unwrap_or(0);
";
        assert_eq!(lines_of(text), [6, 9, 11, 12, 14, 14, 18]);
    }

    #[test]
    fn a_count_may_only_shrink() {
        let lines = BTreeMap::from([("a.rs".to_owned(), vec![3, 9]), ("c.rs".to_owned(), vec![1])]);
        let now: Counts = lines.iter().map(|(path, lines)| (path.clone(), lines.len())).collect();
        let judge = |list: &str| compared(&listed(list), &now, &lines);
        assert_eq!(judge("# said\n  2 a.rs\n  1 c.rs\n"), [""; 0]);
        let grown = judge("  1 a.rs\n  1 c.rs\n");
        assert!(
            grown[0].starts_with("a.rs: 2 fallbacks without a reason, and at most 1 may be"),
            "{grown:?}"
        );
        assert!(grown[0].ends_with("(lines 3, 9)"), "{grown:?}");
        assert!(
            judge("  2 a.rs\n")[0].starts_with("c.rs: 1 fallbacks without a reason, and at most 0 may be")
        );
        let shrunk = judge("  3 a.rs\n  1 b.rs\n  1 c.rs\n");
        assert_eq!(shrunk.len(), 2, "b.rs is gone: {shrunk:?}");
        assert!(shrunk.iter().all(|line| line.ends_with("lower it (cargo xtask tidy lower)")));
    }

    #[test]
    fn no_command_writes_a_count_that_has_grown() {
        let root = std::env::temp_dir().join(format!("fallbacks-{}", std::process::id()));
        let file = root.join("crates/keyward-core/src/role.rs");
        let list = root.join(LIST);
        for path in [&file, &list] {
            fs::create_dir_all(path.parent().unwrap()).unwrap();
        }
        let judged = |listed: &str, code: &str| {
            fs::write(&list, format!("{HEAD}{listed}")).unwrap();
            fs::write(&file, code).unwrap();
            let said = write(&root).unwrap();
            (said.len(), fs::read_to_string(&list).unwrap().replace(HEAD, ""))
        };
        let (two, one) = ("a.ok();\nb.ok();\n", "a.ok();\n");
        let (row_of_two, row_of_one) =
            ("  2 crates/keyward-core/src/role.rs\n", "  1 crates/keyward-core/src/role.rs\n");
        assert_eq!(judged(row_of_one, two), (1, row_of_one.to_owned()));
        assert_eq!(judged("", one), (1, String::new()), "nor one of a file that had none");
        assert_eq!(judged(row_of_two, one), (0, row_of_one.to_owned()));
        assert_eq!(judged(row_of_one, ""), (0, String::new()));
        fs::remove_dir_all(&root).unwrap();
    }

    #[test]
    fn tests_are_not_looked_at() {
        for (path, code) in [
            ("a/b.rs", true),
            ("a/b/tests.rs", false),
            ("a/tests/b.rs", false),
            ("a/testing.rs", false),
            ("a/b.sql", false),
        ] {
            assert_eq!(is_code(Path::new(path)), code, "{path}");
        }
    }
}

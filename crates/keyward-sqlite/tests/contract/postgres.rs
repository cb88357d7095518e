//! PostgreSQL prepares what the store runs: each statement that the rules of the contract make it run, on the tables of today's
//! migrations. What it does not prepare yet is listed here, and the list can only become shorter.
//!
//! The statements are those of a child process, in which nothing else runs: this test program again, with a variable.

use crate::home::Home;
use crate::planted::{caught, each};
use keyward_sqlite::faults::statements;
use keyward_testkit::contract::{RULES, check_rule};
use keyward_testkit::postgres::Postgres;
use keyward_testkit::postgres::dialect::{self, PRELUDE};
use keyward_testkit::postgres::prepared::Excepted;
use std::io::Write;
use std::path::Path;
use std::process::{self, Command};
use std::{env, fs};

/// What PostgreSQL does not prepare yet: words of the statement, and why not.
const NOT_YET: &[Excepted] = &[
    ("FROM sqlite_sequence", "the highest id that was given stands in a table of SQLite's own"),
    ("NOT GLOB", "it must say what its index says, or SQLite does not use that"),
    ("LIMIT 1 OFFSET $13 - 1", "nothing says of which types the parameters are that it does not use"),
    ("INDEXED BY", "it names its index, so that no revoked key is read"),
    ("json_valid", "what is JSON in a text is changed by SQLite's functions"),
    ("WITH RECURSIVE family", "it refers to itself in two of its parts"),
];

/// The variable of the child.
const CHILD: &str = "KEYWARD_STATEMENTS_CHILD";
/// What each of its lines with a statement begins with.
const STATEMENT: &str = "statement: ";

/// Today's migrations, in their order, as PostgreSQL reads them.
fn schema() -> String {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations");
    let mut files: Vec<_> = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let migrations = files.iter().map(|file| dialect::schema(&fs::read_to_string(file).unwrap()));
    PRELUDE.to_owned() + &migrations.collect::<String>()
}

/// Checks every rule, and says what was run. It does not return: a test that it was would be one more that holds.
async fn child() -> ! {
    let broken =
        each(RULES.to_vec(), |rule| caught(async move || check_rule(rule, &Home::new()).await)).await;
    assert!(broken.iter().all(Option::is_none), "{broken:?}");
    let mut out = std::io::stdout();
    for sql in statements() {
        writeln!(out, "{STATEMENT}{}", dialect::statement(&sql)).unwrap();
    }
    out.flush().unwrap();
    process::exit(0)
}

/// The statements that the rules make the store run.
fn run_by_rules() -> Vec<String> {
    let test = "postgres::each_statement_is_prepared_by_postgres_too";
    let mut child = Command::new(env::current_exe().unwrap());
    let output = child.args(["--exact", test, "--nocapture"]).env(CHILD, "1").output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let said = String::from_utf8(output.stdout).unwrap();
    said.lines().filter_map(|line| line.split_once(STATEMENT)).map(|(_, sql)| sql.to_owned()).collect()
}

#[tokio::test]
async fn each_statement_is_prepared_by_postgres_too() {
    if env::var_os(CHILD).is_some() {
        child().await;
    }
    let postgres = Postgres::start();
    postgres.execute(&schema()).unwrap();
    let statements = run_by_rules();
    assert!(statements.len() > 100, "the rules are said to run {} statements", statements.len());
    postgres.prepares_all_but(&statements, NOT_YET);
}

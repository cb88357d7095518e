//! PostgreSQL prepares what the store runs: each statement that the rules of the contract make it run, on the tables of today's
//! migrations. What it does not prepare yet is listed here, and the list can only become shorter.

use crate::home::Home;
use crate::planted::{caught, each};
use keyward_sqlite::faults::statements;
use keyward_testkit::contract::{RULES, check_rule};
use keyward_testkit::postgres::prepared::Excepted;
use keyward_testkit::postgres::{Postgres, child, dialect};
use std::path::Path;

/// What PostgreSQL does not prepare yet: words of the statement, and why not.
const NOT_YET: &[Excepted] = &[
    ("FROM sqlite_sequence", "the highest id that was given stands in a table of SQLite's own"),
    ("NOT GLOB", "it must say what its index says, or SQLite does not use that"),
    ("LIMIT 1 OFFSET $13 - 1", "nothing says of which types the parameters are that it does not use"),
    ("json_valid", "what is JSON in a text is changed by SQLite's functions"),
    ("WITH RECURSIVE family", "it refers to itself in two of its parts"),
];

#[tokio::test]
async fn each_statement_is_prepared_by_postgres_too() {
    if child::is_this() {
        let check = |rule| caught(async move || check_rule(rule, &Home::new()).await);
        let broken = each(RULES.to_vec(), check).await;
        assert!(broken.iter().all(Option::is_none), "{broken:?}");
        child::say(&statements());
    }
    let migrations = Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations");
    let postgres = Postgres::start();
    postgres.execute(&dialect::migrations(&[&migrations]).unwrap()).unwrap();
    let statements = child::statements_of("postgres::each_statement_is_prepared_by_postgres_too");
    assert!(statements.len() > 100, "the rules are said to run {} statements", statements.len());
    postgres.prepares_all_but(&statements, NOT_YET);
}

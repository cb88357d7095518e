//! PostgreSQL prepares what the store runs for deals: each statement that the rules of the contract make it run, those of identity
//! among them. What it does not prepare yet is listed here, and the list can only become shorter.

use super::home::Home;
use super::{RULES, check_rule};
use keyward_sqlite::faults::statements;
use keyward_testkit::postgres::prepared::Excepted;
use keyward_testkit::postgres::{Postgres, child, dialect};
use std::path::Path;

/// What PostgreSQL does not prepare yet: words of the statement, and why not.
const NOT_YET: &[Excepted] = &[
    ("json_each", "a list of ids is a text that SQLite takes apart"),
    ("LIMIT 1 OFFSET $13 - 1", "nothing says of which types the parameters are that it does not use"),
];

#[tokio::test]
async fn each_statement_is_prepared_by_postgres_too() {
    if child::is_this() {
        for rule in RULES {
            check_rule(rule, &Home::new()).await;
        }
        child::say(&statements());
    }
    let own = Path::new(env!("CARGO_MANIFEST_DIR"));
    let directories = [&own.join("../keyward-sqlite/migrations"), &own.join("migrations/sqlite")];
    let postgres = Postgres::start();
    postgres.execute(&dialect::migrations(&directories.map(AsRef::as_ref)).unwrap()).unwrap();
    let statements = child::statements_of("postgres::each_statement_is_prepared_by_postgres_too");
    let is_of_deals = |sql: &&String| sql.contains(" deal") || sql.contains(" pipeline");
    let of_deals = statements.iter().filter(is_of_deals).count();
    assert!(of_deals > 50, "the rules are said to run {of_deals} statements on deals");
    postgres.prepares_all_but(&statements, NOT_YET);
}

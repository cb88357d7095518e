//! Making rows unreadable, whatever the schema says, and putting them right.

use rusqlite::Connection;
use std::fmt;
use std::path::Path;

/// When it happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum When {
    BeforeItIsOpened,
    WhileItIsOpen,
}

/// What stands in a column then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Value {
    Nothing,
    AnotherType,
    UnknownWord,
}

/// One column of the rows of a table.
#[derive(Clone, Debug)]
pub(crate) struct Spoil {
    pub(crate) table: &'static str,
    pub(crate) column: String,
    kind: String,
    value: Value,
}

impl fmt::Display for Spoil {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{} = {:?}", self.table, self.column, self.value)
    }
}

/// Of each table the columns that name a row or say whose it is, and of which there is no other, and the rows of the user that acts.
pub(crate) const TABLES: [(&str, &[&str], &str); 17] = [
    ("accounts", &["id"], "FALSE"),
    ("users", &["id"], "id <= 3"),
    ("memberships", &["account_id", "user_id"], "user_id <= 3"),
    ("api_keys", &["id", "account_id", "user_id"], "user_id <= 3"),
    ("api_key_secrets", &["digest", "key_id"], "key_id = 1"),
    ("identities", &["id", "issuer", "subject"], "FALSE"),
    ("active_accounts", &["user_id", "issuer", "client"], "FALSE"),
    ("invitations", &["id", "account_id", "user_id"], "FALSE"),
    ("oauth_clients", &["id", "client_id"], "FALSE"),
    ("oauth_grants", &["id", "user_id", "client_id"], "FALSE"),
    ("oauth_codes", &["digest", "grant_id"], "FALSE"),
    ("sessions", &["id", "user_id"], "user_id <= 3"),
    ("password_links", &["digest", "user_id"], "FALSE"),
    ("signing_keys", &["id"], "FALSE"),
    ("idempotency", &["name"], "FALSE"),
    ("audit", &["id"], "FALSE"),
    ("clock", &["one"], "FALSE"),
];

fn of(table: &str) -> (&'static [&'static str], &'static str) {
    let row = TABLES.iter().find(|(name, ..)| *name == table).unwrap();
    (row.1, row.2)
}

/// Every way to spoil a table.
pub(crate) fn columns(path: &Path, table: &'static str) -> Vec<Spoil> {
    let connection = Connection::open(path).unwrap();
    let mut statement = connection.prepare(&format!("PRAGMA table_info({table})")).unwrap();
    let all = statement.query_map([], |row| Ok((row.get(1)?, row.get(2)?, row.get(3)?))).unwrap();
    let all: Vec<(String, String, bool)> = all.collect::<Result<_, _>>().unwrap();
    let free = all.into_iter().filter(|(column, ..)| !of(table).0.contains(&column.as_str()));
    free.flat_map(|(column, kind, required)| {
        let values = [Value::Nothing, Value::AnotherType, Value::UnknownWord];
        // Where nothing may stand, it says something.
        let values = values.into_iter().filter(|value| match value {
            Value::Nothing => required,
            Value::AnotherType => true,
            Value::UnknownWord => kind == "TEXT",
        });
        let spoil = |value| Spoil { table, column: column.clone(), kind: kind.clone(), value };
        values.map(spoil).collect::<Vec<_>>()
    })
    .collect()
}

impl Spoil {
    /// What is put in place of a value, told apart by row where the schema wants each once.
    fn put(&self, old: &str) -> String {
        match (self.value, self.kind.as_str()) {
            (Value::Nothing, _) => "NULL".to_owned(),
            (Value::AnotherType, "TEXT") => format!("CAST(coalesce({old}, 'x') AS BLOB)"),
            (Value::AnotherType, "BLOB") => format!("'not ' || hex(coalesce({old}, ''))"),
            (Value::AnotherType, _) => format!("'never ' || coalesce({old}, '')"),
            (Value::UnknownWord, _) => format!("'no such thing {{ ' || coalesce({old}, '')"),
        }
    }

    fn change(&self, path: &Path, sql: &str) {
        keyward_sqlite::faults::spoil(path, self.table, sql).unwrap();
    }

    pub(crate) fn spoil(&self, path: &Path) {
        let (table, column) = (self.table, &self.column);
        let put = self.put(&format!("\"{column}\""));
        self.change(path, &format!("UPDATE {table} SET \"{column}\" = {put} WHERE NOT ({})", of(table).1));
    }

    /// Gives the rows that still hold what was put there the values back that they had in the other file.
    pub(crate) fn put_right(&self, path: &Path, from: &Path) {
        let (table, column) = (self.table, &self.column);
        let key = match table {
            "memberships" => "o.account_id = n.account_id AND o.user_id = n.user_id",
            "active_accounts" => "o.user_id = n.user_id AND o.issuer = n.issuer AND o.client = n.client",
            "api_key_secrets" | "oauth_codes" | "password_links" => "o.digest = n.digest",
            "idempotency" => "o.name = n.name",
            "clock" => "o.one = n.one",
            _ => "o.id = n.id",
        };
        let put = self.put(&format!("o.\"{column}\""));
        self.change(
            path,
            &format!(
                "ATTACH '{}' AS old;
                 UPDATE OR IGNORE {table} AS n SET \"{column}\" = o.\"{column}\" FROM old.{table} o
                 WHERE {key} AND n.\"{column}\" IS ({put})",
                from.display()
            ),
        );
    }
}

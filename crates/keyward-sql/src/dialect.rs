//! What the databases do not say in the same way. It is as little as can be: what both read is said once, wherever it stands.

/// What a database reads besides what all of them do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// SQLite's.
    Sqlite,
    /// PostgreSQL's.
    Postgres,
}

impl Dialect {
    /// The numbers in `?1`, a JSON array, as a query.
    #[must_use]
    pub const fn numbers(self) -> &'static str {
        match self {
            Self::Sqlite => "SELECT value FROM json_each(?1)",
            Self::Postgres => {
                "SELECT CAST(value AS BIGINT) FROM json_array_elements_text(CAST(?1 AS JSON)) AS value"
            }
        }
    }
}

//! Embedded migrations. A shipped one is frozen: change the schema by adding the next.

use crate::open_error::OpenError;
use keyward_core::clock::Timestamp;
use keyward_sql::{Component, Migration, look_through};
use rusqlite::{Connection, OptionalExtension, TransactionBehavior, params};

/// The store's own tables.
pub(crate) const IDENTITY: Component = Component {
    name: "keyward",
    migrations: &[
        Migration { name: "identity", sql: include_str!("../migrations/0001_identity.sql") },
        Migration { name: "operating", sql: include_str!("../migrations/0002_operating.sql") },
        Migration { name: "idempotency", sql: include_str!("../migrations/0003_idempotency.sql") },
        Migration { name: "invitations", sql: include_str!("../migrations/0004_invitations.sql") },
        Migration { name: "identities", sql: include_str!("../migrations/0005_identities.sql") },
        Migration { name: "sign_in", sql: include_str!("../migrations/0006_sign_in.sql") },
        Migration {
            name: "forgetting_grants",
            sql: include_str!("../migrations/0007_forgetting_grants.sql"),
        },
        Migration { name: "what_is_kept", sql: include_str!("../migrations/0008_what_is_kept.sql") },
        Migration {
            name: "networks_of_clients",
            sql: include_str!("../migrations/0009_networks_of_clients.sql"),
        },
        Migration { name: "clock", sql: include_str!("../migrations/0011_clock.sql") },
        Migration {
            name: "verified_addresses",
            sql: include_str!("../migrations/0012_verified_addresses.sql"),
        },
        Migration {
            name: "leaps_of_the_clock",
            sql: include_str!("../migrations/0013_leaps_of_the_clock.sql"),
        },
        Migration { name: "made_by", sql: include_str!("../migrations/0014_made_by.sql") },
        Migration { name: "journal", sql: include_str!("../migrations/0015_journal.sql") },
        Migration { name: "operators_day", sql: include_str!("../migrations/0016_operators_day.sql") },
        Migration {
            name: "sign_in_of_others",
            sql: include_str!("../migrations/0017_sign_in_of_others.sql"),
        },
    ],
    look_through,
};

/// Marks a file as ours (SQLite's `application_id`): "KEYW".
pub(crate) const APPLICATION_ID: i32 = 0x4B45_5957;

/// Brings the file to the version of this program, each migration in a transaction with its record.
pub(crate) fn migrate(
    connection: &mut Connection,
    components: &[Component],
    now: Timestamp,
) -> Result<(), OpenError> {
    connection.execute_batch(
        "CREATE TABLE IF NOT EXISTS schema_migrations (
            component TEXT NOT NULL,
            version INTEGER NOT NULL,
            name TEXT NOT NULL,
            applied_at INTEGER NOT NULL,
            PRIMARY KEY (component, version)
        ) STRICT, WITHOUT ROWID",
    )?;
    refuse_newer(connection, components)?;
    // Of a new file there is nothing to report.
    let is_new = version_of(connection, IDENTITY.name)? == 0;
    for component in components {
        let applied = version_of(connection, component.name)?;
        for (version, migration) in (1_i64..).zip(component.migrations).skip_while(|(v, _)| *v <= applied) {
            let tx = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            tx.execute_batch(migration.sql)?;
            tx.execute(
                "INSERT INTO schema_migrations VALUES (?1, ?2, ?3, ?4)",
                params![component.name, version, migration.name, now.unix()],
            )?;
            tx.commit()?;
        }
        let newest = version_of(connection, component.name)?;
        if newest > applied && !is_new {
            report(component.name, applied, newest);
        }
    }
    Ok(())
}

/// One line in the log for each component that has a new schema.
fn report(component: &str, from: i64, to: i64) {
    tracing::info!(
        component,
        from,
        to,
        "the schema was brought up to date: an older program cannot open this database any more, the way back is a copy"
    );
}

/// Whether the file is empty, and may become ours. A file of another program is left alone.
pub(crate) fn recognise(connection: &Connection) -> Result<bool, OpenError> {
    let id: i32 = connection.query_row("PRAGMA application_id", [], |row| row.get(0))?;
    let tables: i64 = connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    match (id, tables) {
        (APPLICATION_ID, _) => Ok(false),
        (0, 0) => Ok(true),
        // Absent: a database that is not ours is not opened.
        _ => Err(OpenError::NotOurs),
    }
}

/// Whether a migration is still to be applied.
pub(crate) fn is_older(connection: &Connection, components: &[Component]) -> Result<bool, OpenError> {
    for component in components {
        // Absent: never, nobody has written so many.
        let known = i64::try_from(component.migrations.len()).unwrap_or(i64::MAX);
        if version_of(connection, component.name)? < known {
            return Ok(true);
        }
    }
    Ok(false)
}

pub(crate) fn refuse_newer(connection: &Connection, components: &[Component]) -> Result<(), OpenError> {
    let mut statement =
        connection.prepare("SELECT component, max(version) FROM schema_migrations GROUP BY component")?;
    let found = statement.query_map([], |row| Ok((row.get::<_, String>(0)?, row.get::<_, i64>(1)?)))?;
    for row in found {
        let (component, found) = row?;
        let own = components.iter().find(|c| c.name == component);
        // Absent: nothing of it is known here, so what is found is newer.
        let known = own.map_or(0, |c| i64::try_from(c.migrations.len()).unwrap_or(0));
        if found > known {
            return Err(OpenError::Newer { component, found, known });
        }
    }
    Ok(())
}

fn version_of(connection: &Connection, component: &str) -> Result<i64, OpenError> {
    let version = connection
        .query_row("SELECT max(version) FROM schema_migrations WHERE component = ?1", [component], |row| {
            row.get::<_, Option<i64>>(0)
        })
        .optional()?;
    // Absent: none was applied yet.
    Ok(version.flatten().unwrap_or(0))
}

//! A database whose file system is full. SQLite cannot even read it then: the index of its log (`-shm`) is a file, which takes 32 KiB.
//!
//! A start takes a database that lies there by two other ways, which need no room. The writer has the file alone
//! (`locking_mode = EXCLUSIVE`), and so its index in memory: transactions are executed, and fail at their commit. The readers take
//! the file for one that nobody changes (`immutable`), which it is until there is room: [`crate::place::Place`] refuses every commit. Then all
//! connections are opened again, as usual.

use crate::connect::{self, prepare};
use crate::open_error::OpenError;
use crate::room::is_full;
use crate::writer::Desk;
use rusqlite::{Connection, OpenFlags};
use std::path::Path;

/// Connects the writer; whether as usual. Otherwise it has the file alone.
pub(crate) fn connect(path: &Path) -> Result<(Connection, bool), OpenError> {
    match usual(path) {
        Ok(connection) => Ok((connection, true)),
        Err(error) if is_full(path) => {
            // What is wrong besides is reported as it was met first.
            alone(path).map(|connection| (connection, false)).map_err(|_| error)
        }
        Err(error) => Err(error),
    }
}

/// As where there is no room.
#[cfg(test)]
pub(crate) fn connect_alone(path: &Path) -> Result<(Connection, bool), OpenError> {
    alone(path).map(|connection| (connection, false))
}

/// A connection that can read.
fn usual(path: &Path) -> Result<Connection, OpenError> {
    let connection = connect::connect(path)?;
    read_first_page(&connection)?;
    Ok(connection)
}

/// A connection that nobody has beside it but readers of a file that does not change.
fn alone(path: &Path) -> Result<Connection, OpenError> {
    let connection = connect::connect(path)?;
    connection.query_row("PRAGMA locking_mode = EXCLUSIVE", [], |_| Ok(()))?;
    read_first_page(&connection)?;
    // What the log has must be in the file, where the readers look.
    let left: i64 = connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get("log"))?;
    if left > 0 { Err(rusqlite::Error::QueryReturnedNoRows.into()) } else { Ok(connection) }
}

fn read_first_page(connection: &Connection) -> Result<(), OpenError> {
    Ok(connection.query_row("PRAGMA schema_version", [], |_| Ok(()))?)
}

/// Connects a reader to a file that nobody changes.
pub(crate) fn connect_reader(path: &Path) -> Result<Connection, rusqlite::Error> {
    let flags =
        OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_URI;
    Connection::open_with_flags(format!("file:{}?immutable=1", escaped(path)), flags)
}

/// A path as the path of a URI.
fn escaped(path: &Path) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/-._~".contains(&byte);
    let escaped = |byte: &u8| match *byte {
        byte if plain(byte) => char::from(byte).to_string(),
        byte => format!("%{byte:02X}"),
    };
    // Two slashes would begin the name of a host.
    let begins = if path.is_absolute() { "//" } else { "" };
    begins.chars().map(String::from).chain(path.as_os_str().as_encoded_bytes().iter().map(escaped)).collect()
}

/// Goes on as usual where there is room by now.
pub(crate) fn leave(desk: &mut Desk<'_>) {
    if !desk.place.lacks_room() {
        return;
    }
    if is_full(desk.place.path()) {
        return stay(desk);
    }
    match go_on(desk) {
        Ok(()) => tracing::info!(
            "there is room on the file system of the database: it is read and written as usual"
        ),
        Err(error) => {
            tracing::error!(%error, "there is room on the file system of the database, which cannot be opened")
        }
    }
}

/// Has the file alone once more, where the last try to go on left the writer a connection that only reads.
fn stay(desk: &mut Desk<'_>) {
    if !desk.connection.is_readonly("main").is_ok_and(|only_reads| only_reads) {
        return;
    }
    match alone(desk.place.path()) {
        Ok(connection) => *desk.connection = connection,
        Err(error) => tracing::error!(%error, "the database, whose file system is full, cannot be opened"),
    }
}

fn go_on(desk: &mut Desk<'_>) -> Result<(), OpenError> {
    let path = desk.place.path();
    // The one that has the file alone must go before another can have it. If somebody else takes it then, what is to be written is
    // refused, as by a disk that is full.
    drop(std::mem::replace(desk.connection, connect_reader(path)?));
    match usual(path).and_then(|connection| prepare(&connection, false).map(|()| connection)) {
        Ok(connection) => {
            *desk.connection = connection;
            desk.place.has_room();
            desk.place.draw(desk.connection);
            Ok(())
        }
        Err(error) => {
            *desk.connection = alone(path)?;
            Err(error)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::room::file_system;
    use crate::says::store_error;
    use crate::testing::open as store;
    use keyward_core::store::{StoreError, Upkeep};
    use keyward_sql::payer::Payer;
    use rusqlite::TransactionBehavior;

    /// A store that was opened as on a full file system, which has room by now.
    fn without_room(path: &Path) -> crate::Sqlite {
        drop(store(path));
        crate::testing::open_without_room(path)
    }

    #[tokio::test]
    async fn without_room_it_is_read_and_not_written_and_goes_on_when_there_is_room() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("a database? 100% #1.db");
        let store = without_room(&path);
        let shm = home.path().join("a database? 100% #1.db-shm");
        assert!(!shm.exists(), "no index of the log");
        store.ping().await.unwrap();
        assert!(store.record_clock().await.is_err());
        assert!(store.write_fault().is_some_and(|fault| fault.contains("full")));
        assert!(!store.has_lost_its_file());
        store.try_writing().await.unwrap();
        assert_eq!(store.write_fault(), None);
        store.record_clock().await.unwrap();
        store.ping().await.unwrap();
        assert!(shm.exists(), "as usual");
    }

    #[tokio::test]
    async fn a_reader_sees_what_is_written_when_there_is_room() {
        let home = tempfile::tempdir().unwrap();
        let store = without_room(&home.path().join("keyward.db"));
        let recorded = || async {
            store.read(|reads| reads.first("SELECT at FROM write_probe", [], |_| Ok(()))).await.unwrap()
        };
        assert_eq!(recorded().await, None);
        store.try_writing().await.unwrap();
        assert_eq!(recorded().await, Some(()));
    }

    #[tokio::test]
    async fn a_writer_that_lost_the_file_between_two_ways_of_opening_refuses_until_it_has_it() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("keyward.db");
        let store = without_room(&path);
        let lost = |desk: &mut Desk<'_>| {
            drop(std::mem::replace(desk.connection, connect_reader(desk.place.path()).unwrap()));
            let other = Connection::open(desk.place.path()).unwrap();
            other.execute_batch("PRAGMA locking_mode = EXCLUSIVE; BEGIN IMMEDIATE").unwrap();
            assert!(go_on(desk).is_err());
            // As an ending does: it finds its rows, and cannot change them.
            let tx = desk.connection.transaction_with_behavior(TransactionBehavior::Immediate).unwrap();
            tx.query_row("SELECT count(*) FROM users", [], |_| Ok(())).unwrap();
            let refused = tx.execute("INSERT INTO write_probe VALUES (1, 1)", []).unwrap_err();
            assert!(matches!(store_error(refused), StoreError::Unavailable(_)));
            drop(tx);
            drop(other);
            stay(desk);
            assert!(!desk.connection.is_readonly("main").unwrap());
            Ok(())
        };
        store.writer.run_for(Payer::Own, lost).await.unwrap();
        store.try_writing().await.unwrap();
        store.record_clock().await.unwrap();
    }

    #[tokio::test]
    async fn counters_that_cannot_be_taken_count_and_are_taken_when_there_is_room() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("keyward.db");
        let before = store(&path);
        before.save_limits(vec![("account 1 reads".to_owned(), vec![2, 1])], 7_000).await.unwrap();
        drop(before);
        let store = crate::testing::open_without_room(&path);
        let taken = store.take_limits().await.unwrap().unwrap();
        assert_eq!((taken.ages.len(), taken.at_ms), (1, 7_000));
        store.try_writing().await.unwrap();
        drop(store);
        let after_a_crash = crate::testing::open(&path).take_limits().await.unwrap();
        assert_eq!(after_a_crash, None, "what was saved before is not taken for what a clean stop left");
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn the_file_system_of_a_file_is_named_by_its_mount() {
        assert_eq!(file_system(Path::new("/proc/self/status")), Path::new("/proc"));
        let home = tempfile::tempdir().unwrap();
        let named = file_system(&home.path().join("none"));
        assert!(!named.as_os_str().is_empty());
    }

    #[test]
    fn a_file_system_with_room_is_not_full_and_the_trial_is_gone() {
        let home = tempfile::tempdir().unwrap();
        assert!(!is_full(&home.path().join("keyward.db")));
        assert_eq!(std::fs::read_dir(home.path()).unwrap().count(), 0);
        assert!(!is_full(&home.path().join("none/keyward.db")), "what cannot be tried is not full");
    }
}

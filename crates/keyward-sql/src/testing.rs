//! A store for this crate's own tests: the driver and the tables of the embedded store, and each piece of work done at once.

use crate::desk::{Desk, Place, State};
use crate::dialect::Dialect;
use crate::driver::{Begin, Connection, Driver, Each, Transaction};
use crate::health::Health;
use crate::journal::{CatchUp, Journal, Noted, Unwritten};
use crate::kept::Kept;
use crate::payer::Payer;
use crate::says::{fault, store_error};
use crate::store::{Backend, Opened, Read, Sizes, Store, Work};
use crate::tx::Tx;
use crate::value::Value;
use crate::{clock, load, statements};
use keyward_core::clock::{Clock, SteadyClock, Timestamp};
use keyward_core::idempotency::KEPT_BYTES;
use keyward_core::limits::Tiers;
use keyward_core::live::{Change, Directory};
use keyward_core::share::Full;
use keyward_core::store::StoreError;
use keyward_core::swap::Swap;
use keyward_testkit::FakeClock;
use rusqlite::TransactionBehavior;
use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex};

/// The store.
pub(crate) type Sqlite = Store<AtOnce>;

/// Opens one.
pub(crate) fn open(path: &Path) -> Sqlite {
    let mut connection = rusqlite::Connection::open(path).unwrap();
    if !connection.table_exists(None, "accounts").unwrap() {
        migrate(&mut connection);
    }
    let fake: Arc<dyn Clock> = Arc::new(FakeClock::new());
    let watch = clock::watch(&connection, &*fake).unwrap();
    let clock: Arc<dyn Clock> = Arc::new(SteadyClock::new(fake, watch.clone()));
    let directory = Directory::watching(watch);
    let left_out = load::everything(&connection, &directory).unwrap();
    let state = State::new(Kept::load(&connection, KEPT_BYTES).unwrap(), Box::new(NoJournal));
    let backend = AtOnce {
        parts: Mutex::new((connection, state)),
        directory: directory.clone(),
        clock: Arc::clone(&clock),
        tiers: Swap::new(Tiers::default()),
        health: Health::new(fault),
    };
    Store::new(Opened { backend, directory, left_out, components: Arc::default(), clock })
}

/// Makes the tables of identity.
pub(crate) fn migrate(connection: &mut rusqlite::Connection) {
    connection.pragma_update(None, "foreign_keys", true).unwrap();
    let all = Path::new(env!("CARGO_MANIFEST_DIR")).join("../keyward-sqlite/migrations");
    let mut files: Vec<_> = std::fs::read_dir(all).unwrap().map(|file| file.unwrap().path()).collect();
    files.sort();
    for file in files {
        connection.execute_batch(&std::fs::read_to_string(file).unwrap()).unwrap();
    }
}

/// Does each piece of work at once.
#[derive(Debug)]
pub(crate) struct AtOnce {
    parts: Mutex<(rusqlite::Connection, State)>,
    directory: Directory,
    clock: Arc<dyn Clock>,
    tiers: Swap<Tiers>,
    health: Health,
}

impl Backend for AtOnce {
    const NEWEST_CHANGE: &'static str = "SELECT max(id) AS newest FROM audit";

    fn read(&self, _: Payer, read: Read) -> Result<(), Full> {
        read(&mut self.parts.lock().unwrap().0);
        Ok(())
    }

    fn write(&self, _: Payer, work: Work) -> Result<(), Full> {
        let (connection, state) = &mut *self.parts.lock().unwrap();
        let mut desk = Desk {
            connection,
            directory: &self.directory,
            clock: &*self.clock,
            tiers: &self.tiers,
            health: &self.health,
            place: &Here,
            state,
        };
        work(&mut desk, false);
        Ok(())
    }

    fn has_its_content(&self) -> Result<(), StoreError> {
        Ok(())
    }

    fn fault(&self) -> Option<&'static str> {
        None
    }

    fn served(&self) -> Result<Option<(u64, u64)>, StoreError> {
        Ok(None)
    }

    fn health(&self) -> &Health {
        &self.health
    }

    fn sizes(&self) -> Sizes {
        Sizes::default()
    }
}

struct Here;

impl Place for Here {
    fn look(&self) -> Option<&'static str> {
        None
    }

    fn fault(&self) -> Option<&'static str> {
        None
    }

    fn has_its_content(&self) -> Result<(), StoreError> {
        Ok(())
    }

    fn report(&self) {}
}

struct NoJournal;

impl Journal for NoJournal {
    fn is_settled(&self) -> bool {
        true
    }

    fn is_unread(&self) -> bool {
        false
    }

    fn fall_behind(&mut self) {}

    fn not_in_rows(&self) -> usize {
        0
    }

    fn waiting(&self) -> usize {
        0
    }

    fn note(&self, _: &Tx<'_>, _: bool, _: Timestamp) -> Noted {
        Noted::default()
    }

    fn keep(&self, _: &Tx<'_>, _: &Noted, _: bool) -> Result<(), StoreError> {
        Ok(())
    }

    fn append(&mut self, _: Noted) {}

    fn retry(&mut self) {}

    fn look(&mut self, _: &dyn Driver, _: Timestamp) -> HashMap<u64, u64> {
        HashMap::new()
    }

    fn catch_up(&mut self, _: &mut dyn Connection, _: CatchUp, _: Unwritten) -> Vec<Change> {
        Vec::new()
    }

    fn shorten(&mut self) {}
}

macro_rules! driver {
    ($($what:ty),*) => {$(
        impl Driver for $what {
            fn rows(&self, sql: &str, params: &[Value<'_>], each: &mut Each<'_>) -> Result<(), StoreError> {
                statements::rows(self, sql, params, each)
            }

            fn change(&self, sql: &str, params: &[Value<'_>]) -> Result<usize, StoreError> {
                statements::change(self, sql, params)
            }

            fn insert(&self, sql: &str, params: &[Value<'_>]) -> Result<i64, StoreError> {
                statements::insert(self, sql, params)
            }

            fn dialect(&self) -> Dialect {
                Dialect::Sqlite
            }
        }
    )*};
}

driver!(rusqlite::Connection, rusqlite::Transaction<'_>);

impl Connection for rusqlite::Connection {
    fn begin(&mut self, begin: Begin) -> Result<Box<dyn Transaction + '_>, StoreError> {
        let behavior = match begin {
            Begin::Write => TransactionBehavior::Immediate,
            Begin::Read => TransactionBehavior::Deferred,
        };
        Ok(Box::new(self.transaction_with_behavior(behavior).map_err(store_error)?))
    }
}

impl Transaction for rusqlite::Transaction<'_> {
    fn commit(self: Box<Self>) -> Result<(), StoreError> {
        (*self).commit().map_err(store_error)
    }
}

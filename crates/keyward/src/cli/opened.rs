//! Opening what a configuration names: the root secret, the store, the ring of keys.

use super::CliError;
use super::database_file::database;
use super::private_data::refuse_open_data;
use crate::config::Config;
use crate::oauth::SignInKeys;
pub(super) use crate::opened::Opened;
use crate::telemetry::Subjects;
use keyward_core::api_key::{KeyFormat, KeyRing};
use keyward_core::clock::Clock;
#[cfg(not(feature = "fault-injection"))]
use keyward_core::clock::SystemClock;
use keyward_core::idempotency::Claims;
use keyward_core::limits::Tiers;
use keyward_core::list::Cursors;
use keyward_core::random::OsRandom;
use keyward_core::root_secret::RootSecret;
use keyward_core::swap::Swap;
use keyward_sqlite::{Examined, OpenError, Options, Restored, Sqlite, WithoutJournal};
pub(super) use keyward_sqlite::{Listed, Schema};
use std::path::Path;
use std::sync::Arc;

/// Opens the store with its root secret.
pub(super) fn open(
    config: &Config,
    root: &RootSecret,
    schema: Schema,
    tiers: Swap<Tiers>,
) -> Result<Opened, CliError> {
    open_by(config, root, (schema, tiers), Sqlite::open)
}

/// Opens the store for a command that lists.
pub(super) fn open_to_list(config: &Config, root: &RootSecret, listed: Listed) -> Result<Opened, CliError> {
    let as_it_is = (Schema::MustBeUpToDate, Swap::new(config.limits.tiers));
    open_by(config, root, as_it_is, |options| Sqlite::open_to_list(options, listed))
}

fn open_by(
    config: &Config,
    root: &RootSecret,
    (schema, tiers): (Schema, Swap<Tiers>),
    store: impl FnOnce(&Options<'_>) -> Result<Sqlite, OpenError>,
) -> Result<Opened, CliError> {
    let format = KeyFormat::new(&config.keys.prefix)
        .map_err(|error| CliError::Said(format!("keys.prefix: {error}")))?;
    let database = database(config)?;
    refuse_open_data(&database)?;
    let store = store(&Options {
        path: &database,
        components: &[lev_deals::sql::COMPONENT],
        root_secret_checks: &root.check_values(),
        tiers,
        schema,
        idempotency_bytes: config.limits.idempotency_bytes(),
        clock: machine_clock(),
    })?;
    let ring = KeyRing::new(format, root)
        .ok_or_else(|| CliError::Said("the root secret has no version".to_owned()))?;
    Ok(Opened {
        database,
        clock: store.clock(),
        store,
        ring,
        cursors: Cursors::new(root),
        claims: Claims::new(root),
        sign_in: SignInKeys::new(root),
        subjects: Subjects::new(config.log.subject, root),
        random: Arc::new(OsRandom),
    })
}

/// Makes a copy of the database fit to take its place.
pub(super) fn restore(
    config: &Config,
    root: &RootSecret,
    copy: &Path,
    without: WithoutJournal,
) -> Result<Restored, CliError> {
    let database = database(config)?;
    refuse_open_data(&database).map_err(CliError::of_configuration)?;
    with_options(config, root, copy, |options| keyward_sqlite::restore(options, &database, without))
}

/// Looks at a copy, and at the journal that is named or beside the database.
pub(super) fn examine(
    config: &Config,
    root: &RootSecret,
    (copy, journal): (&Path, Option<&Path>),
) -> Result<Examined, CliError> {
    let database = database(config)?;
    with_options(config, root, copy, |options| keyward_sqlite::examine(options, &database, journal))
}

/// Does something with a copy.
fn with_options<T>(
    config: &Config,
    root: &RootSecret,
    copy: &Path,
    work: impl FnOnce(&Options<'_>) -> Result<T, OpenError>,
) -> Result<T, CliError> {
    Ok(work(&Options {
        path: copy,
        components: &[lev_deals::sql::COMPONENT],
        root_secret_checks: &root.check_values(),
        tiers: Swap::new(config.limits.tiers),
        schema: Schema::BringUpToDate,
        idempotency_bytes: config.limits.idempotency_bytes(),
        clock: machine_clock(),
    })?)
}

/// The machine's clock.
#[cfg(not(feature = "fault-injection"))]
pub(super) fn machine_clock() -> Arc<dyn Clock> {
    Arc::new(SystemClock::new())
}

/// A clock that a test can set.
#[cfg(feature = "fault-injection")]
pub(super) fn machine_clock() -> Arc<dyn Clock> {
    crate::fault_clock::clock()
}

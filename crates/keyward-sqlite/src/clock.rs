//! The newest time that was read from the clock, recorded, so that what has ended stays ended whatever the clock shows next.

use crate::error::{is_of_a_row, store_error};
use crate::tx::Tx;
use crate::writer::Desk;
use keyward_core::clock::{At, Clock, ClockWatch, Moment, Timestamp};
use keyward_core::store::StoreError;
use rusqlite::{Connection, OptionalExtension, params};

/// Values of another type are no record.
const RECORDED: &str =
    "SELECT newest, settled FROM clock WHERE typeof(newest) = 'integer' AND typeof(settled) = 'integer'";

/// What is recorded; at the first start, the time of the newest row of the audit trail.
pub(crate) fn watch(connection: &Connection, clock: &dyn Clock) -> Result<ClockWatch, rusqlite::Error> {
    let elapsed = clock.elapsed();
    let recorded = connection.query_row(RECORDED, [], |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
    if let Some((newest, settled)) = recorded {
        let (newest, settled) = (Timestamp::from_unix(newest), Timestamp::from_unix(settled));
        return Ok(ClockWatch::recorded(newest, settled, elapsed));
    }
    let last = "SELECT max(at) FROM audit WHERE typeof(at) = 'integer'";
    let last: Option<i64> = connection.query_row(last, [], |row| row.get(0))?;
    // Absent: a new database, of which the clock is the only witness.
    let newest = last.map_or_else(|| clock.now(), Timestamp::from_unix);
    Ok(ClockWatch::recorded(newest, newest, elapsed))
}

/// What the clock says now.
pub(crate) fn read(desk: &Desk<'_>) -> Moment {
    let now = desk.clock.now();
    desk.directory.clock().moment(now, desk.clock.elapsed())
}

/// The moment of an operation.
pub(crate) fn moment(desk: &Desk<'_>, at: At) -> Moment {
    match at {
        At::Store => read(desk),
        At::Fixed(moment) => Moment::fixed(moment),
    }
}

/// Records the newest time in the transaction that is dated by it, once a second at most: after a crash no row is older than the one
/// before it.
pub(crate) fn record_in(tx: &Tx<'_>, clock: Moment) -> Result<(), StoreError> {
    match tx.change(RECORD, params![clock.now.unix(), clock.settled.unix()]) {
        // What the row holds must not keep anything from being ended.
        Err(error) if is_of_a_row(&error) => {
            tracing::error!(%error, "the newest time cannot be recorded");
            Ok(())
        }
        changed => changed.map(drop),
    }
}

/// Records the newest time, outside a commit.
pub(crate) fn record(desk: &mut Desk<'_>) -> Result<(), StoreError> {
    let clock = read(desk);
    let values = params![clock.now.unix(), clock.settled.unix()];
    desk.connection.execute(RECORD, values).map(drop).map_err(store_error)
}

/// What is no number counts as 0, and is replaced.
const RECORD: &str = "INSERT INTO clock (one, newest, settled) VALUES (1, ?1, ?2)
    ON CONFLICT (one) DO UPDATE SET newest = excluded.newest, settled = excluded.settled
    WHERE excluded.newest > newest + 0";

//! The newest time that was read from the clock, recorded, so that what has ended stays ended whatever the clock shows next.

use crate::desk::Desk;
use crate::driver::Row;
use crate::driver::{Driver, all, change, first};
use crate::error::is_of_a_row;
use crate::tx::Tx;
use keyward_core::clock::{At, BELIEVED_AFTER, Clock, ClockWatch, Leap, Moment, Timestamp};
use keyward_core::store::StoreError;
use std::time::Duration;

/// Each row that there is: its moments, and whether it is the one record.
const RECORDED: &str = "SELECT one = 1 AND typeof(newest) = 'integer' AND newest BETWEEN 0 AND 253402300799 AS is_record, newest,
    CASE typeof(settled) WHEN 'integer' THEN settled ELSE 0 END AS settled, leapt_by, waited FROM clock";

/// The time of the newest row of the audit trail, unless that is the one after which older times follow.
const LAST: &str =
    "SELECT CASE action WHEN 'clock.accept' THEN 0 ELSE at END AS at FROM audit WHERE typeof(at) = 'integer'
    ORDER BY id DESC LIMIT 1";

/// The newest time of the audit trail since the operator last accepted a clock: rows before that may be of a wrong future.
const AUDITED: &str = "SELECT max(at) AS at FROM audit WHERE typeof(at) = 'integer'
    AND id > coalesce((SELECT max(id) FROM audit WHERE action = 'clock.accept'), 0)";

/// What is recorded; at the first start, the time of the newest row of the audit trail. A record that cannot be read is none of a
/// clock that is right, nor is one that is older than that row: each commit records its time.
pub fn watch(driver: &dyn Driver, clock: &dyn Clock) -> Result<ClockWatch, StoreError> {
    let elapsed = clock.elapsed();
    let read = all(driver, RECORDED, [], |row| Ok(recorded(row)))?;
    if let [Some((newest, settled, leap))] = read[..]
        && newest >= last(driver)?
    {
        let watch = ClockWatch::recorded(newest, settled, elapsed);
        // Absent: none was waited for when it was recorded.
        return Ok(leap.map_or(watch.clone(), |leap| watch.waiting(leap)));
    }
    let last = first(driver, AUDITED, [], |row| row.get::<Option<i64>>("at"))?.flatten();
    // Absent: a new database, of which the clock is the only witness; or nothing is known, and every clock counts as behind.
    let newest = last.map_or_else(|| clock.now(), Timestamp::from_unix);
    if read.is_empty() {
        return Ok(ClockWatch::recorded(newest, newest, elapsed));
    }
    tracing::error!(
        table = "clock",
        "the newest time that was recorded cannot be read: credentials with an end are answered 503 until keyward clock accept"
    );
    Ok(ClockWatch::unread(newest, elapsed))
}

fn last(driver: &dyn Driver) -> Result<Timestamp, StoreError> {
    let at = first(driver, LAST, [], |row| row.get("at"))?;
    // Absent: without such a row no record is older.
    Ok(at.map_or(Timestamp::FIRST, Timestamp::from_unix))
}

/// The newest time, and the one by which something could be forgotten; nothing may, where only that cannot be read. And the leap that
/// was waited for.
fn recorded(row: &Row<'_>) -> Option<(Timestamp, Timestamp, Option<Leap>)> {
    // Absent: no record of a clock that is right.
    let moment = |column| row.get::<i64>(column).ok().map(Timestamp::from_unix);
    // Absent: the same.
    row.get::<bool>("is_record").ok().filter(|is| *is)?;
    Some((moment("newest")?, moment("settled")?, leap(row)))
}

fn leap(row: &Row<'_>) -> Option<Leap> {
    // Absent: no leap that was waited for, so it is waited for from now on.
    let number = |column| row.get::<i64>(column).ok();
    let ahead = number("leapt_by").filter(|ahead| *ahead > 0)?;
    // Absent: the same.
    let waited = number("waited").and_then(|waited| u64::try_from(waited).ok()).map(Duration::from_secs)?;
    (waited <= BELIEVED_AFTER).then_some(Leap { ahead, waited })
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
    // A record that could not be read stays until the operator accepts the clock: else a restart would take this time for the
    // newest one.
    if clock.unread {
        return Ok(());
    }
    match tx.change(RECORD, values(clock)) {
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
    if clock.unread {
        return Ok(());
    }
    change(&*desk.connection, RECORD, values(clock))?;
    if clock.leap.is_none() {
        change(&*desk.connection, NO_LEAP, [])?;
    }
    Ok(())
}

/// One that is over: it is not waited for on, should the clock be there again after a restart.
const NO_LEAP: &str = "UPDATE clock SET leapt_by = NULL, waited = NULL WHERE leapt_by IS NOT NULL";

fn values(clock: Moment) -> [Option<i64>; 4] {
    // Absent: waited for longer than can be written is not waited for.
    let leap = clock.leap.map(|leap| (leap.ahead, i64::try_from(leap.waited.as_secs()).ok()));
    let (ahead, waited) = leap.unzip();
    [Some(clock.now.unix()), Some(clock.settled.unix()), ahead, waited.flatten()]
}

/// What is no moment was damaged since it was read, and is replaced.
const RECORD: &str = "INSERT INTO clock (one, newest, settled, leapt_by, waited) VALUES (1, ?1, ?2, ?3, ?4)
    ON CONFLICT (one) DO UPDATE SET newest = excluded.newest, settled = excluded.settled, leapt_by = excluded.leapt_by,
        waited = excluded.waited
    WHERE typeof(clock.newest) <> 'integer' OR typeof(clock.settled) <> 'integer'
        OR clock.newest NOT BETWEEN 0 AND 253402300799 OR excluded.newest > clock.newest";

//! Dates and moments as they are written (RFC 3339), and nothing like them.

use jiff::civil::{Date, DateTime, date};

/// One second after the last second of the year 9999, in seconds since the Unix epoch.
pub(super) const YEAR_10000: i64 = 253_402_300_800;

pub(super) fn read_date(text: &str) -> Option<Date> {
    // The library reads other spellings too, so the shape is checked first.
    // Absent: no date of the calendar, such as 2026-02-30.
    let date: Date = has_shape(text, "dddd-dd-dd").then(|| text.parse().ok())??;
    (date.year() > 0).then_some(date)
}

/// Seconds since the Unix epoch. `jiff::Timestamp` would end a day before the year 9999 does, so
/// the offset is taken off by hand.
pub(super) fn read_time(text: &str) -> Option<i64> {
    let (local, offset) = text.split_at_checked("YYYY-MM-DDThh:mm:ss".len())?;
    // The library reads a leap second as the second before it.
    if !has_shape(local, "dddd-dd-ddTdd:dd:dd") || local.ends_with("60") {
        return None;
    }
    // Absent: no time of a day, such as 24:00:00.
    let local: DateTime = local.parse().ok()?;
    Some(local.duration_since(date_of_epoch()).as_secs() - read_offset(offset)?)
}

/// A moment to compare with: the whole seconds since the Unix epoch that it is not before, and whether it is later than that by
/// a fraction. Written as [`read_time`] takes it, with a fraction or without; or as a date, which means its midnight in UTC.
pub(crate) fn moment(text: &str) -> Option<(i64, bool)> {
    if let Some(date) = read_date(text) {
        return Some((date.at(0, 0, 0, 0).duration_since(date_of_epoch()).as_secs(), false));
    }
    let (local, rest) = text.split_at_checked("YYYY-MM-DDThh:mm:ss".len())?;
    let Some(fraction) = rest.strip_prefix('.') else { return Some((read_time(text)?, false)) };
    let digits = fraction.len() - fraction.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let (digits, offset) = fraction.split_at_checked(digits).filter(|(digits, _)| !digits.is_empty())?;
    Some((read_time(&format!("{local}{offset}"))?, digits.bytes().any(|digit| digit != b'0')))
}

fn date_of_epoch() -> DateTime {
    date(1970, 1, 1).at(0, 0, 0, 0)
}

/// The offset in seconds east of UTC. RFC 3339 gives `-00:00` for an unknown local offset; the
/// time itself is in UTC then, too.
fn read_offset(text: &str) -> Option<i64> {
    if has_shape(text, "Z") {
        return Some(0);
    }
    let (sign, clock) = match (text.strip_prefix('+'), text.strip_prefix('-')) {
        (Some(clock), _) => (1, clock),
        (_, Some(clock)) => (-1, clock),
        (None, None) => return None,
    };
    let (hours, minutes) = has_shape(clock, "dd:dd").then(|| clock.split_once(':'))??;
    // Absent: never, both are two digits.
    let (hours, minutes): (i64, i64) = (hours.parse().ok()?, minutes.parse().ok()?);
    (hours < 24 && minutes < 60).then_some(sign * (hours * 60 + minutes) * 60)
}

/// Whether `text` looks like `shape`, in which `d` stands for a digit and anything else for
/// itself. RFC 3339 allows `t` and `z` in lower case.
fn has_shape(text: &str, shape: &str) -> bool {
    let fits = |(byte, wanted): (u8, u8)| match wanted {
        b'd' => byte.is_ascii_digit(),
        other => byte.eq_ignore_ascii_case(&other),
    };
    text.len() == shape.len() && text.bytes().zip(shape.bytes()).all(fits)
}

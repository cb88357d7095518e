//! Dates and times as RFC 3339 writes them; in a query also as clients mangle them on the way into a URL.

use jiff::SignedDuration;
use jiff::civil::{Date, DateTime, date};

/// One second after the last second of the year 9999, in seconds since the Unix epoch.
pub(super) const YEAR_10000: i64 = 253_402_300_800;

pub(super) fn read_date(text: &str) -> Option<Date> {
    // The library reads other spellings too, so the shape is checked first.
    // Absent: no date of the calendar, such as 2026-02-30.
    let date: Date = has_shape(text, "dddd-dd-dd").then(|| text.parse().ok())??;
    (date.year() > 0).then_some(date)
}

/// Seconds since the Unix epoch of a time as RFC 3339 §5.6 writes it; a fraction is rounded down.
pub(super) fn read_time(text: &str) -> Option<i64> {
    exact(text).map(|(second, _)| second)
}

/// A moment to compare with: the whole seconds since the Unix epoch that it is not before, and whether it is later than that by
/// a fraction. A date means its midnight in UTC. It comes out of a URL, so [`as_written`] puts right what clients do to a time
/// there.
pub(crate) fn moment(text: &str) -> Option<(i64, bool)> {
    match read_date(text) {
        Some(date) => Some((date.at(0, 0, 0, 0).duration_since(date_of_epoch()).as_secs(), false)),
        None => exact(&as_written(text)?),
    }
}

/// The second since the Unix epoch that a time is not before, and whether it is later than that. `jiff::Timestamp` would end a
/// day before the year 9999 does, so the offset is subtracted here.
fn exact(text: &str) -> Option<(i64, bool)> {
    let (local, rest) = text.split_at_checked("YYYY-MM-DDThh:mm:ss".len())?;
    let (later, offset) = match rest.strip_prefix('.') {
        None => (false, rest),
        Some(fraction) => {
            let digits = fraction.bytes().take_while(u8::is_ascii_digit).count();
            let (digits, offset) =
                fraction.split_at_checked(digits).filter(|(digits, _)| !digits.is_empty())?;
            (digits.bytes().any(|digit| digit != b'0'), offset)
        }
    };
    // The library reads other spellings too, so the shape is checked first.
    if !has_shape(local, "dddd-dd-ddTdd:dd:dd") {
        return None;
    }
    let offset = read_offset(offset)?;
    if let Some(minute) = local.strip_suffix("60") {
        return leap_second(minute, offset).map(|second| (second, true));
    }
    // Absent: no time of a day, such as 24:00:00.
    let local: DateTime = local.parse().ok()?;
    Some((local.duration_since(date_of_epoch()).as_secs() - offset, later))
}

/// A leap second is the last one of a month in UTC (RFC 3339 §5.7). Clocks of Unix have no number for it, so it is the second
/// before it: an end that is written so is not moved beyond what was written.
fn leap_second(minute: &str, offset: i64) -> Option<i64> {
    // Absent: no time of a day.
    let local: DateTime = format!("{minute}59").parse().ok()?;
    // Absent: beyond the times that are known.
    let before = local.checked_sub(SignedDuration::from_secs(offset)).ok()?;
    // Absent: as above.
    let after = before.checked_add(SignedDuration::from_secs(1)).ok()?;
    let ends_a_month = after == after.date().first_of_month().at(0, 0, 0, 0);
    ends_a_month.then(|| before.duration_since(date_of_epoch()).as_secs())
}

/// A time in a query as RFC 3339 writes it. A plus sign that was not escaped has become a space; Python's `%z` leaves the colon
/// out of the offset; `str(datetime)` and Ruby's `Time#to_s` separate by spaces. Each of them has one meaning only.
fn as_written(text: &str) -> Option<String> {
    let (date, rest) = text.split_at_checked("YYYY-MM-DD".len())?;
    let rest = rest.strip_prefix(['T', 't', ' ', '+'])?;
    let clock = rest.bytes().take_while(|byte| byte.is_ascii_digit() || b":.".contains(byte)).count();
    let (clock, offset) = rest.split_at_checked(clock)?;
    let bare = offset.trim_start_matches(' ');
    if offset.len() - bare.len() > 2 {
        return None;
    }
    let sign = if bare.starts_with(|c: char| c.is_ascii_digit()) { "+" } else { "" };
    let offset = format!("{sign}{bare}");
    let offset = match offset.split_at_checked("+hh".len()) {
        Some((hours, minutes)) if has_shape(minutes, "dd") => format!("{hours}:{minutes}"),
        // Absent: it is as it should be, or refused with the rest.
        _ => offset,
    };
    Some(format!("{date}T{clock}{offset}"))
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

//! A number of JSON as whole seconds (NumericDate, RFC 7519 §2), without a floating-point number in between.

/// The most digits that are read: far beyond any moment.
const MOST_DIGITS: usize = 40;

/// The whole seconds of a number as JSON writes it; a fraction is rounded down. `None`: it is negative, or beyond any moment.
pub(super) fn whole_seconds(number: &str) -> Option<u64> {
    // Absent: it has no exponent, which is 0, or no fraction.
    let (mantissa, exponent) = number.split_once(['e', 'E']).unwrap_or((number, "0"));
    // Absent: as above.
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = [whole, fraction].concat();
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    // Absent: an exponent beyond any number, which is no moment.
    let (length, exponent) = (i64::try_from(whole.len()).ok()?, exponent.parse().ok()?);
    let point = length.checked_add(exponent)?;
    if point <= 0 || digits.bytes().all(|digit| digit == b'0') {
        return Some(0);
    }
    // Absent: beyond any moment.
    let point = usize::try_from(point).ok().filter(|point| *point <= MOST_DIGITS)?;
    // Absent: as above.
    format!("{digits:0<point$}").get(..point)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_rounded_down_to_whole_seconds_and_never_to_another() {
        for (number, seconds) in [
            ("0", 0),
            ("0.9", 0),
            ("1700000000", 1_700_000_000),
            ("1700000000.0", 1_700_000_000),
            ("1700000000.999999", 1_700_000_000),
            ("1.7e9", 1_700_000_000),
            ("1.7E+09", 1_700_000_000),
            ("1.683123456e+09", 1_683_123_456),
            ("17000000005e-1", 1_700_000_000),
            ("5e-1", 0),
            ("5e-400", 0),
            ("0e400", 0),
            ("0.0000000017e18", 1_700_000_000),
            // No floating-point number holds it.
            ("9007199254740993", 9_007_199_254_740_993),
            ("18446744073709551615.5", u64::MAX),
        ] {
            assert_eq!(whole_seconds(number), Some(seconds), "{number}");
        }
        let beyond = ["18446744073709551616", "1e20", "1e400", "1e99999999999999999999"];
        for wrong in ["-1", "-0", "-0.5", "-1e3", "", ".", "e5", "1e", "true", "\"1\"", "null", "[1]"]
            .iter()
            .chain(&beyond)
        {
            assert_eq!(whole_seconds(wrong), None, "{wrong}");
        }
    }
}

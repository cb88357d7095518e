//! Amounts of money in cents, exact from the client's text to ours.

use thiserror::Error;

use crate::json::Number;

/// More decimal digits than this never fit an amount: the largest has sixteen.
const MAX_DIGITS: i64 = 16;

/// An amount of money in cents, from 0 to 2^53 − 1.
///
/// The upper bound is the largest integer that every JSON reader can take without rounding
/// (RFC 8259, section 6).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Cents(i64);

/// Why a number is no amount. The `Display` text continues a sentence that names the field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum MoneyError {
    /// The number is below zero.
    #[error("must not be negative")]
    Negative,
    /// The number is not a whole count of cents.
    #[error("must have at most two decimal places")]
    TooPrecise,
    /// The number is larger than [`Cents::MAX`].
    #[error("must be at most {}", Cents::MAX.to_json_text())]
    TooLarge,
}

impl Cents {
    /// The largest amount.
    pub const MAX: Self = Self((1 << 53) - 1);

    /// An amount of so many cents, if that is within the bounds.
    #[must_use]
    pub fn new(cents: i64) -> Option<Self> {
        (0..=Self::MAX.0).contains(&cents).then_some(Self(cents))
    }

    /// The amount in cents.
    #[must_use]
    pub fn get(self) -> i64 {
        self.0
    }

    /// Reads an amount, in units of a hundred cents, from the text of a JSON number. Any spelling
    /// of an exact amount will do: `100.1`, `100.100` and `1.001e2` are the same.
    ///
    /// # Errors
    ///
    /// [`MoneyError`] if the amount is negative, finer than a cent or too large, looked at in
    /// this order.
    pub fn from_json(number: &Number) -> Result<Self, MoneyError> {
        let decimal = Decimal::of(number.as_written());
        // Zero first: its sign and its exponent mean nothing.
        if decimal.digits.is_empty() {
            return Ok(Self(0));
        }
        if decimal.negative {
            return Err(MoneyError::Negative);
        }
        let zeros = decimal.exponent.saturating_add(2);
        if zeros < 0 {
            return Err(MoneyError::TooPrecise);
        }
        if length(&decimal.digits).saturating_add(zeros) > MAX_DIGITS {
            return Err(MoneyError::TooLarge);
        }
        // Absent: more than fits, which is refused.
        u32::try_from(zeros)
            .ok()
            .and_then(|zeros| 10_i64.checked_pow(zeros))
            .zip(decimal.digits.parse::<i64>().ok())
            .and_then(|(factor, digits)| digits.checked_mul(factor))
            .and_then(Self::new)
            .ok_or(MoneyError::TooLarge)
    }

    /// The amount as a JSON number without an exponent, with no more decimal places than needed:
    /// `5000000`, `1234.5`, `0.05`.
    #[must_use]
    pub fn to_json_text(self) -> String {
        let (units, cents) = (self.0 / 100, self.0 % 100);
        if cents == 0 {
            format!("{units}")
        } else if cents % 10 == 0 {
            format!("{units}.{}", cents / 10)
        } else {
            format!("{units}.{cents:02}")
        }
    }
}

/// Why a number is no integer of 64 bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NoInteger {
    /// It has a fraction.
    Fraction,
    /// It is an integer, and too large or too small.
    OutOfRange,
}

/// The integer that a JSON number is, however it is written: `5`, `5.0` and `5e0` are one (JSON Schema 2020-12, validation
/// §6.1.1).
pub(crate) fn integer(number: &Number) -> Result<i64, NoInteger> {
    let decimal = Decimal::of(number.as_written());
    if decimal.digits.is_empty() {
        return Ok(0);
    }
    if decimal.exponent < 0 {
        return Err(NoInteger::Fraction);
    }
    // Nineteen digits hold every integer of 64 bits, and fit 128 with room to spare.
    if length(&decimal.digits).saturating_add(decimal.exponent) > 19 {
        return Err(NoInteger::OutOfRange);
    }
    let zeros = u32::try_from(decimal.exponent).map_err(|_| NoInteger::OutOfRange)?;
    let digits: i128 = decimal.digits.parse().map_err(|_| NoInteger::OutOfRange)?;
    let whole = digits * 10_i128.pow(zeros) * if decimal.negative { -1 } else { 1 };
    i64::try_from(whole).map_err(|_| NoInteger::OutOfRange)
}

/// A JSON number taken apart: `digits` × 10^`exponent`, with no zero at either end of `digits`.
struct Decimal {
    negative: bool,
    /// Empty for zero.
    digits: String,
    exponent: i64,
}

impl Decimal {
    /// Works on the text alone, so neither the count of digits nor the exponent can overflow
    /// anything, and the time is linear in the length of the text.
    fn of(text: &str) -> Self {
        let (negative, text) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        // Absent: no exponent, which is 0.
        let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
        // Absent: no fraction.
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let all = format!("{whole}{fraction}");
        let without_leading = all.trim_start_matches('0');
        let digits = without_leading.trim_end_matches('0');
        let exponent = saturating(exponent)
            .saturating_sub(length(fraction))
            .saturating_add(length(without_leading) - length(digits));
        Self { negative, digits: digits.to_owned(), exponent }
    }
}

/// The exponent, or the nearest bound. No body is long enough to make up for such an exponent
/// with its digits, so a bound leads to the same answer as the true value.
fn saturating(exponent: &str) -> i64 {
    let bound = if exponent.starts_with('-') { i64::MIN } else { i64::MAX };
    // Absent: it does not fit, and the bound says the same.
    exponent.parse().unwrap_or(bound)
}

fn length(digits: &str) -> i64 {
    // Absent: never, no text is as long.
    i64::try_from(digits.len()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::json::{Json, parse};

    fn read(text: &str) -> Result<i64, MoneyError> {
        match parse(text.as_bytes()) {
            Ok(Json::Number(number)) => Cents::from_json(&number).map(Cents::get),
            other => panic!("{text} is not a number but {other:?}"),
        }
    }

    #[test]
    fn reads_exact_amounts() {
        let table = [
            ("0", 0),
            ("-0", 0),
            ("-0.00", 0),
            ("0e5", 0),
            ("-0E-99999999999999999999", 0),
            ("0.000e99999999999999999999", 0),
            ("1", 100),
            ("100.10", 10_010),
            ("100.000", 10_000),
            ("100.1000000000000000000000000000", 10_010),
            ("5e6", 500_000_000),
            ("5E6", 500_000_000),
            ("1.5E+2", 15_000),
            ("1e-2", 1),
            ("1e-02", 1),
            ("100e-4", 1),
            ("10.0e-3", 1),
            ("0.01", 1),
            ("0.1", 10),
            ("0.29", 29),
            ("1.005e1", 1_005),
            ("4.35", 435),
            ("5e0000000000000000000000000000006", 500_000_000),
            ("90071992547409.91", 9_007_199_254_740_991),
            ("9007199254740991e-2", 9_007_199_254_740_991),
            ("9007199254740991000e-5", 9_007_199_254_740_991),
        ];
        for (text, cents) in table {
            assert_eq!(read(text), Ok(cents), "{text}");
        }
    }

    #[test]
    fn refuses_what_is_no_amount() {
        use MoneyError::{Negative, TooLarge, TooPrecise};
        let table = [
            ("-1", Negative),
            ("-0.001", Negative),
            ("-1e400", Negative),
            ("1e-3", TooPrecise),
            ("0.001", TooPrecise),
            ("1.005", TooPrecise),
            ("1e-400", TooPrecise),
            ("1e-99999999999999999999", TooPrecise),
            ("1e-9223372036854775808", TooPrecise),
            ("123456789012345678901234567890.123", TooPrecise),
            ("90071992547409.92", TooLarge),
            ("90071992547410", TooLarge),
            ("99999999999999.99", TooLarge),
            ("1e14", TooLarge),
            ("1e400", TooLarge),
            ("1.25e400", TooLarge),
            ("1e9223372036854775807", TooLarge),
            ("1e99999999999999999999", TooLarge),
            ("123456789012345678901234567890", TooLarge),
        ];
        for (text, error) in table {
            assert_eq!(read(text), Err(error), "{text}");
        }
    }

    #[test]
    fn takes_very_long_numbers_in_stride() {
        let zeros = "0".repeat(1_000_000);
        assert_eq!(read(&format!("0.{zeros}1e1000001")), Ok(100));
        assert_eq!(read(&format!("1{zeros}e-1000000")), Ok(100));
        assert_eq!(read(&format!("1.{zeros}")), Ok(100));
        assert_eq!(read(&format!("1e{zeros}1")), Ok(1_000));
        assert_eq!(read(&format!("0.{zeros}1")), Err(MoneyError::TooPrecise));
        assert_eq!(read(&format!("1{zeros}")), Err(MoneyError::TooLarge));
        assert_eq!(read(&format!("1e1{zeros}")), Err(MoneyError::TooLarge));
        assert_eq!(read(&format!("1e-1{zeros}")), Err(MoneyError::TooPrecise));
    }

    #[test]
    fn writes_the_shortest_text() {
        let table = [
            (0, "0"),
            (5, "0.05"),
            (50, "0.5"),
            (500_000_000, "5000000"),
            (123_450, "1234.5"),
            (123_456, "1234.56"),
            (123_406, "1234.06"),
            (9_007_199_254_740_991, "90071992547409.91"),
        ];
        for (cents, text) in table {
            assert_eq!(Cents::new(cents).map(Cents::to_json_text).as_deref(), Some(text));
        }
    }

    #[test]
    fn keeps_to_its_bounds() {
        assert_eq!(Cents::new(-1), None);
        assert_eq!(Cents::new(0).map(Cents::get), Some(0));
        assert_eq!(Cents::new(Cents::MAX.get()), Some(Cents::MAX));
        assert_eq!(Cents::new(Cents::MAX.get() + 1), None);
    }

    #[test]
    fn explains_itself() {
        assert_eq!(MoneyError::Negative.to_string(), "must not be negative");
        assert_eq!(MoneyError::TooPrecise.to_string(), "must have at most two decimal places");
        assert_eq!(MoneyError::TooLarge.to_string(), "must be at most 90071992547409.91");
    }

    proptest! {
        #[test]
        fn text_and_cents_go_round(cents in 0..=Cents::MAX.get()) {
            let amount = Cents::new(cents).map(Cents::to_json_text).unwrap_or_default();
            prop_assert_eq!(read(&amount), Ok(cents));
            prop_assert_eq!(read(&format!("{cents}e-2")), Ok(cents));
            prop_assert_eq!(read(&format!("{}.{:02}", cents / 100, cents % 100)), Ok(cents));
            let tenth = cents / 10;
            let text = format!("{}.{:02}e1", tenth / 100, tenth % 100);
            prop_assert_eq!(read(&text), Ok(tenth * 10));
        }

        #[test]
        fn agrees_with_integer_arithmetic(
            negative: bool,
            mantissa in 0_u128..1_000_000_000_000_000_000,
            places in 0_usize..20,
            exponent in -20_i32..20,
        ) {
            let digits = format!("{mantissa:0width$}", width = places + 1);
            let (whole, fraction) = digits.split_at(digits.len() - places);
            let point = if places == 0 { "" } else { "." };
            let sign = if negative { "-" } else { "" };
            // JSON allows no zero in front of another digit of the whole part.
            let whole = whole.trim_start_matches('0');
            let whole = if whole.is_empty() { "0" } else { whole };
            let text = format!("{sign}{whole}{point}{fraction}e{exponent}");

            let scale = exponent + 2 - i32::try_from(places).unwrap_or(0);
            let factor = 10_u128.pow(scale.unsigned_abs().min(38));
            let expected = if mantissa == 0 {
                Ok(0)
            } else if negative {
                Err(MoneyError::Negative)
            } else if scale < 0 && mantissa % factor != 0 {
                Err(MoneyError::TooPrecise)
            } else {
                let exact = if scale < 0 { Some(mantissa / factor) } else { mantissa.checked_mul(factor) };
                exact
                    .and_then(|cents| i64::try_from(cents).ok())
                    .filter(|cents| *cents <= Cents::MAX.get())
                    .ok_or(MoneyError::TooLarge)
            };
            prop_assert_eq!(read(&text), expected, "{}", text);
        }
    }
}

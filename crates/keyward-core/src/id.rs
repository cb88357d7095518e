//! Identifiers: positive integers up to 2^53 − 1, so that every JSON reader keeps them exact; never reused.

use serde::Serialize;

/// The largest id: 2^53 − 1, the largest integer that JavaScript keeps exact (RFC 8259 §6).
pub const MAX_ID: i64 = (1 << 53) - 1;

/// Reads an id as it stands in a path: decimal digits, no sign, no leading zero, 1 to [`MAX_ID`].
#[must_use]
pub fn parse(text: &str) -> Option<i64> {
    let plain = !text.is_empty()
        && text.len() <= 16
        && !text.starts_with('0')
        && text.bytes().all(|b| b.is_ascii_digit());
    if !plain {
        return None;
    }
    // Absent: it names nothing.
    text.parse().ok().filter(|id| (1..=MAX_ID).contains(id))
}

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident),* $(,)?) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
        #[serde(transparent)]
        pub struct $name(pub i64);

        impl $name {
            /// Reads the id from a path segment; `None` when it is no id at all.
            #[must_use]
            pub fn parse(text: &str) -> Option<Self> {
                parse(text).map(Self)
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.0.fmt(f)
            }
        }
    )*};
}

ids! {
    /// An account: the tenant that owns data and has a tier.
    AccountId,
    /// A person.
    UserId,
    /// An API key; it keeps its id through rotation.
    KeyId,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_plain_decimal_within_bounds() {
        assert_eq!(parse("1"), Some(1));
        assert_eq!(parse("9007199254740991"), Some(MAX_ID));
        for bad in
            ["", "0", "01", "-1", "+1", "1.0", "1e3", "9007199254740992", "99999999999999999999", "a", " 1"]
        {
            assert_eq!(parse(bad), None, "{bad}");
        }
    }
}

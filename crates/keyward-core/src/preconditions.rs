//! What a write asks of the state that it changes: `If-Match` and `If-None-Match` (RFC 9110 §13.1.1, §13.1.2).
//!
//! An operation whose resource has an `ETag` evaluates both, the first one first (§13.2.2). An operation without one refuses them: a
//! condition that is not evaluated would be taken for one that holds.

use crate::denial::Denial;
use crate::header::IfMatch;

/// The two headers, of which a request may have either, both or none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Preconditions {
    if_match: IfMatch,
    if_none_match: IfMatch,
}

impl Preconditions {
    /// No condition at all.
    pub const NONE: Self = Self { if_match: IfMatch::Always, if_none_match: IfMatch::Always };

    /// Reads the fields of `If-Match` and of `If-None-Match`.
    ///
    /// # Errors
    /// [`Denial::HeaderMalformed`].
    pub fn parse<'v>(
        if_match: impl Iterator<Item = &'v [u8]>,
        if_none_match: impl Iterator<Item = &'v [u8]>,
    ) -> Result<Self, Denial> {
        let if_none_match = IfMatch::parse_as("If-None-Match", if_none_match)?;
        Ok(Self { if_match: IfMatch::parse(if_match)?, if_none_match })
    }

    /// For an operation whose resource has no `ETag`.
    ///
    /// # Errors
    /// [`Denial::HeaderMalformed`] where there is a condition.
    pub fn refuse(&self) -> Result<(), Denial> {
        let name = match (&self.if_match, &self.if_none_match) {
            (IfMatch::Always, IfMatch::Always) => return Ok(()),
            (IfMatch::Always, _) => "If-None-Match",
            // Absent: either way the request is refused: this says what for.
            _ => "If-Match",
        };
        let why = "is not evaluated by this operation; send the request without it";
        Err(Denial::HeaderMalformed(format!("{name} {why}")))
    }

    /// Whether a resource that exists with this tag may be changed.
    ///
    /// # Errors
    /// [`Denial::PreconditionFailed`].
    pub fn check(&self, current: &str) -> Result<(), Denial> {
        let other = self.if_none_match == IfMatch::Always || !self.if_none_match.allows(current);
        if self.if_match.allows(current) && other { Ok(()) } else { Err(Denial::PreconditionFailed) }
    }

    /// The same of a resource whose state cannot be read: no condition on a state holds of it.
    ///
    /// # Errors
    /// [`Denial::PreconditionFailed`].
    pub fn check_unread(&self) -> Result<(), Denial> {
        let asks_no_state =
            !matches!(self.if_match, IfMatch::OneOf(_)) && self.if_none_match == IfMatch::Always;
        if asks_no_state { Ok(()) } else { Err(Denial::PreconditionFailed) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(if_match: Option<&str>, if_none_match: Option<&str>) -> Preconditions {
        let bytes = |text: Option<&'static str>| text.into_iter().map(str::as_bytes);
        let leaked = |text: Option<&str>| text.map(|text| &*text.to_owned().leak());
        Preconditions::parse(bytes(leaked(if_match)), bytes(leaked(if_none_match))).unwrap()
    }

    #[test]
    fn both_conditions_must_hold_of_the_current_state() {
        let table = [
            (None, None, true),
            (Some("*"), None, true),
            (Some("\"1\""), None, true),
            (Some("W/\"1\""), None, true),
            (Some("\"1-gzip\""), None, true),
            (Some("W/\"0\""), None, false),
            (Some("\"0-gzip\""), None, false),
            (Some("\"12\""), None, false),
            (Some("\"0\""), None, false),
            (None, Some("*"), false),
            (None, Some("\"1\""), false),
            (None, Some("W/\"1\""), false),
            (None, Some("\"1-gzip\""), false),
            (None, Some("\"0-gzip\""), true),
            (None, Some("\"0\", \"1\""), false),
            (None, Some("\"0\""), true),
            (Some("\"1\""), Some("\"0\""), true),
            (Some("\"1\""), Some("\"1\""), false),
            (Some("\"0\""), Some("\"0\""), false),
        ];
        for (if_match, if_none_match, holds) in table {
            let checked = parse(if_match, if_none_match).check("\"1\"");
            assert_eq!(checked.is_ok(), holds, "{if_match:?} {if_none_match:?}");
        }
        assert_eq!(Preconditions::NONE, parse(None, None));
    }

    #[test]
    fn of_a_state_that_cannot_be_read_only_that_it_is_there_holds() {
        for (if_match, if_none_match, holds) in [
            (None, None, true),
            (Some("*"), None, true),
            (Some("\"1\""), None, false),
            (None, Some("*"), false),
            (None, Some("\"1\""), false),
        ] {
            let checked = parse(if_match, if_none_match).check_unread();
            assert_eq!(checked.is_ok(), holds, "{if_match:?} {if_none_match:?}");
        }
    }

    #[test]
    fn where_nothing_is_evaluated_every_condition_is_refused_by_its_name() {
        assert_eq!(Preconditions::NONE.refuse(), Ok(()));
        for (if_match, if_none_match, name) in [
            (Some("*"), None, "If-Match"),
            (Some("\"1\""), Some("*"), "If-Match"),
            (None, Some("*"), "If-None-Match"),
            (None, Some("\"1\""), "If-None-Match"),
        ] {
            let refused = parse(if_match, if_none_match).refuse();
            let named = matches!(&refused, Err(Denial::HeaderMalformed(text)) if text.starts_with(&format!("{name} ")));
            assert!(named, "{refused:?}");
        }
    }
}

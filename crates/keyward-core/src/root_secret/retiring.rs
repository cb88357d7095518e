//! When the older version of the root secret may be retired.

use crate::clock::Timestamp;
use crate::denial::Denial;
use crate::id::KeyId;
use crate::idempotency::KEPT_SECONDS;

/// As many ids are named in a refusal.
const NAMED: usize = 10;

/// That a version may be retired: no live key is left on it (`unmoved`), and no write that was kept under it can be repeated, of which
/// the `last` was done then. `forget_answers`: such writes are no reason to refuse.
///
/// # Errors
/// [`Denial::Invalid`], about `version`.
pub fn may_retire(
    version: u32,
    unmoved: &[KeyId],
    last: Option<Timestamp>,
    forget_answers: bool,
    now: Timestamp,
) -> Result<(), Denial> {
    if !unmoved.is_empty() {
        return Err(Denial::invalid("version", still_there(version, unmoved)));
    }
    let until = last.map(|last| last.plus_seconds(KEPT_SECONDS)).filter(|until| *until > now);
    let Some(until) = until.filter(|_| !forget_answers) else { return Ok(()) };
    let text = format!(
        "writes that carried an Idempotency-Key under version {version} can be repeated until {until}; wait, or repeat with \
         --revoke-unmoved, after which their repetition is a new write"
    );
    Err(Denial::invalid("version", text))
}

fn still_there(version: u32, unmoved: &[KeyId]) -> String {
    let ids: Vec<String> = unmoved.iter().take(NAMED).map(ToString::to_string).collect();
    let more = if unmoved.len() > NAMED { ", …" } else { "" };
    let (count, word) = (unmoved.len(), if unmoved.len() == 1 { "key has" } else { "keys have" });
    format!(
        "{count} {word} not been used since the last rotation, on version {version} (ids {}{more}); a key moves at its next \
         use, and one of a disabled user cannot; wait, revoke them, or repeat with --revoke-unmoved",
        ids.join(", ")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// When the last write was done.
    const DONE: i64 = 1_000;
    const DAY: i64 = 86_400;

    fn refused(unmoved: i64, last: Option<i64>, forget: bool, now: i64) -> Option<String> {
        let unmoved: Vec<KeyId> = (1..=unmoved).map(KeyId).collect();
        let at = Timestamp::from_unix;
        match may_retire(3, &unmoved, last.map(at), forget, at(now)) {
            Err(Denial::Invalid(invalid)) => Some(format!("{invalid:?}")),
            Err(other) => panic!("{other:?}"),
            Ok(()) => None,
        }
    }

    #[test]
    fn a_version_stays_while_something_of_it_is_used() {
        for (what, unmoved, last, forget, now, says) in [
            ("nothing is left", 0, None, false, DONE, None),
            ("a key is left", 1, None, false, DONE, Some("1 key has not been used")),
            ("it is left whatever is given up", 1, None, true, DONE, Some("(ids 1)")),
            ("ten are named", 10, None, false, DONE, Some("(ids 1, 2, 3, 4, 5, 6, 7, 8, 9, 10)")),
            ("and no more", 11, None, false, DONE, Some("9, 10, …)")),
            ("a write may be repeated", 0, Some(DONE), false, DONE + DAY - 1, Some("1970-01-02T00:16:40Z")),
            ("a second later", 0, Some(DONE), false, DONE + DAY, None),
            ("it is given up", 0, Some(DONE), true, DONE, None),
        ] {
            let refused = refused(unmoved, last, forget, now);
            let as_said = match (&refused, says) {
                (Some(text), Some(says)) => text.contains(says),
                (None, None) => true,
                _ => false,
            };
            assert!(as_said, "{what}: {refused:?}");
        }
    }
}

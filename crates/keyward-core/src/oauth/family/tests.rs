//! The specification of refresh tokens, row by row, with every boundary to the second.

use super::Refresh::{GrantOver, Repeat, Reused, Rotate, Unknown};
use super::*;
use proptest::prelude::*;

/// When the current token, number 5, replaced number 4.
const ROTATED: i64 = 1_000;
/// When the grant ends.
const END: i64 = 5_000;
const GRACE: i64 = 30;

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_unix(seconds)
}

/// A clock that is right.
fn right(now: i64) -> Moment {
    Moment::fixed(at(now))
}

/// A clock that shows `passed`, behind `now`.
fn behind(passed: i64, now: i64) -> Moment {
    Moment { passed: at(passed), behind: true, ..right(now) }
}

/// Number 5 is current, under version 2; 4 was replaced at 1000, 3 at 990, 2 at 960.
fn family() -> StoredFamily {
    StoredFamily {
        ended: false,
        ends_at: Some(at(END)),
        number: Some(5),
        version: Some(2),
        rotated_at: Some(at(ROTATED)),
        replaced: Replaced::parse("2@960 3@990").unwrap(),
    }
}

#[test]
fn the_current_token_rotates_until_its_grant_ends() {
    let ended = StoredFamily { ended: true, ..family() };
    for (what, family, token, clock, outcome) in [
        ("the current one", family(), (5, 2), right(ROTATED), Rotate),
        ("in the last second", family(), (5, 2), right(END - 1), Rotate),
        ("the grant has ended on its own", family(), (5, 2), right(END), GrantOver),
        ("a replaced one, and it has ended", family(), (1, 1), right(END), GrantOver),
        ("the grant was ended", ended.clone(), (5, 2), right(ROTATED), GrantOver),
        ("a replaced one, and it was ended", ended, (1, 1), right(ROTATED), GrantOver),
        ("a clock behind does not say that it has ended", family(), (5, 2), behind(END - 1, END), Rotate),
        ("a clock behind says it", family(), (5, 2), behind(END, END + 100), GrantOver),
        ("of another version of the root secret", family(), (5, 1), right(ROTATED), Unknown),
        ("of a later version", family(), (5, 3), right(ROTATED), Unknown),
        ("of a restored copy: the next number", family(), (6, 2), right(ROTATED), Unknown),
        ("of a restored copy: any later one", family(), (u32::MAX, 2), right(ROTATED), Unknown),
    ] {
        assert_eq!(family.present(token, GRACE, clock), outcome, "{what}");
    }
}

#[test]
fn a_replaced_token_repeats_the_answer_in_its_grace_period_and_then_ends_the_grant() {
    for (what, number, now, grace, outcome) in [
        ("at once", 4, ROTATED, GRACE, Repeat),
        ("in the last second", 4, ROTATED + 29, GRACE, Repeat),
        ("a second later", 4, ROTATED + 30, GRACE, Reused),
        ("without a grace period", 4, ROTATED, 0, Reused),
        ("in a grace period of a second", 4, ROTATED, 1, Repeat),
        ("a second later", 4, ROTATED + 1, 1, Reused),
        ("in the longest one", 4, ROTATED + 3_599, 3_600, Repeat),
        ("a second later", 4, ROTATED + 3_600, 3_600, Reused),
        ("the one before, in its own", 3, 990 + 29, GRACE, Repeat),
        ("a second later", 3, 990 + 30, GRACE, Reused),
        ("two before, in its own", 2, 960 + 29, GRACE, Repeat),
        ("a second later", 2, 960 + 30, GRACE, Reused),
        ("one that is not remembered", 1, ROTATED, 3_600, Reused),
    ] {
        // Which version of the root secret it was derived from does not matter any more.
        for version in [1, 2, 3] {
            assert_eq!(family().present((number, version), grace, right(now)), outcome, "{what}: {number}");
        }
    }
}

/// A time that was taken back is no grace period, however far away its end is.
#[test]
fn a_token_that_was_replaced_ahead_of_the_clock_is_repeated_within_a_minute_of_it() {
    for (what, number, clock, grace, outcome) in [
        ("less than the grace period ahead", 4, right(ROTATED - 29), GRACE, Repeat),
        ("as much", 4, right(ROTATED - 30), GRACE, Reused),
        ("less than a minute ahead", 4, right(ROTATED - 59), 3_600, Repeat),
        ("a minute ahead", 4, right(ROTATED - 60), 3_600, Reused),
        ("of the one before", 3, right(990 - 59), 3_600, Repeat),
        ("of the one before", 3, right(990 - 60), 3_600, Reused),
        ("behind, the last one does not end its grant", 4, behind(ROTATED - 60, ROTATED), 3_600, Repeat),
        ("however far behind", 4, behind(0, ROTATED + 9_999), GRACE, Repeat),
        ("behind, and past its grace period", 4, behind(ROTATED + 30, ROTATED + 99), GRACE, Reused),
        ("behind, an earlier one does", 3, behind(990 - 60, ROTATED), 3_600, Reused),
        ("behind, without a grace period", 4, behind(0, ROTATED), 0, Repeat),
    ] {
        assert_eq!(family().present((number, 2), grace, clock), outcome, "{what}: {number} at {clock:?}");
    }
}

#[test]
fn what_cannot_be_read_makes_no_token_good() {
    let no_number = StoredFamily { number: None, ..family() };
    let no_rotation = StoredFamily { rotated_at: None, ..family() };
    let none_replaced = StoredFamily { replaced: Replaced::default(), ..family() };
    let no_end = StoredFamily { ends_at: None, ..family() };
    for (what, family, number, outcome) in [
        ("no number, and it was the current one", no_number.clone(), 5, Reused),
        ("no number, and it was the last one", no_number.clone(), 4, Reused),
        ("no number, and it was never issued", no_number, 6, Reused),
        ("no time of the last rotation", no_rotation.clone(), 4, Reused),
        ("no time of the last rotation, and it is the current one", no_rotation, 5, Rotate),
        ("none remembered, and it was the last one", none_replaced.clone(), 4, Repeat),
        ("none remembered, and it was an earlier one", none_replaced, 3, Reused),
        // That is for the whole row to refuse.
        ("no end", no_end, 5, Rotate),
    ] {
        assert_eq!(family.present((number, 2), GRACE, right(ROTATED)), outcome, "{what}");
    }
    // Nor is a version that cannot be read another one: the whole row is refused.
    let no_version = StoredFamily { version: None, ..family() };
    assert_eq!(no_version.present((5, 2), GRACE, right(ROTATED)), Rotate);
}

#[test]
fn a_rotation_counts_on_and_remembers_the_token_before_the_current_one() {
    let first = Family::begin(1, at(100));
    assert_eq!(first, Family { number: 1, version: 1, rotated_at: at(100) });
    let second = first.next(1, at(110));
    assert_eq!(second, Family { number: 2, version: 1, rotated_at: at(110) });
    let third = second.next(2, at(120));
    assert_eq!(third, Family { number: 3, version: 2, rotated_at: at(120) });
    let replaced = first.remember(Replaced::default(), GRACE, at(110));
    // There was none before the first one, and no token has number 0.
    assert_eq!(replaced.to_text(), "0@100");
    let replaced = second.remember(replaced, GRACE, at(120));
    assert_eq!(replaced.to_text(), "0@100 1@110", "number 1 was replaced when number 2 was issued");
    assert_eq!(second.remember(replaced, GRACE, at(130)).to_text(), "1@110 1@110", "30 seconds are over");
}

/// A family as one writes it: through rotations alone, a second or more apart.
fn stored(gaps: &[i64], grace: i64) -> (StoredFamily, i64) {
    let (mut family, mut replaced, mut now) = (Family::begin(1, at(ROTATED)), Replaced::default(), ROTATED);
    for gap in gaps {
        now += gap;
        replaced = family.remember(replaced, grace, at(now));
        family = family.next(1, at(now));
    }
    let stored = StoredFamily {
        ended: false,
        ends_at: Some(at(1_000_000)),
        number: Some(family.number.into()),
        version: Some(1),
        rotated_at: Some(family.rotated_at),
        replaced,
    };
    (stored, now)
}

/// Where a token is on its way.
fn stage(refresh: Refresh) -> u8 {
    match refresh {
        Unknown => 0,
        Rotate => 1,
        Repeat => 2,
        Reused => 3,
        GrantOver => 4,
    }
}

proptest! {
    /// Neither time nor a rotation brings a token back: good, in its grace period, reused, over.
    #[test]
    fn a_token_goes_one_way(
        gaps in proptest::collection::vec(0_i64..40, 1..20), grace in 0_i64..60, later in 0_i64..100, number in 1_u32..25,
    ) {
        let mut before = 0;
        for length in 0..=gaps.len() {
            let (family, now) = stored(&gaps[..length], grace);
            let after = stage(family.present((number, 1), grace, right(now)));
            let later = stage(family.present((number, 1), grace, right(now + later)));
            prop_assert!(before <= after && after <= later, "{before}, {after}, {later}");
            before = after;
        }
    }

    /// Of all numbers exactly one rotates, and whatever is replaced is repeated for its grace period and not a second longer.
    #[test]
    fn one_token_is_current_and_each_other_has_its_own_grace_period(
        gaps in proptest::collection::vec(1_i64..40, 1..20), grace in 1_i64..60, wait in 0_i64..60,
    ) {
        let (family, last) = stored(&gaps, grace);
        let now = last + wait;
        let mut replaced_at = ROTATED;
        for (number, gap) in (1..).zip(&gaps) {
            replaced_at += gap;
            let outcome = if now < replaced_at + grace { Repeat } else { Reused };
            prop_assert_eq!(family.present((number, 1), grace, right(now)), outcome, "{}", number);
        }
        let current = u32::try_from(gaps.len()).unwrap() + 1;
        prop_assert_eq!(family.present((current, 1), grace, right(now)), Rotate);
        prop_assert_eq!(family.present((current + 1, 1), grace, right(now)), Unknown);
    }
}

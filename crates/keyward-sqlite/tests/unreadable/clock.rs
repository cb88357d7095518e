//! The recorded time: one that cannot be read is never taken for a clock that is right, stops no write, and the operator's word is
//! the way out.

use super::home::{Home, Template, tried};
use keyward_core::clock::Clock;
use keyward_core::denial::Denial;
use keyward_core::effect::Ended;
use keyward_core::id::UserId;
use keyward_core::permit::operator;
use keyward_core::store::Upkeep;
use keyward_core::write::clock::AcceptClock;
use keyward_core::write::disabling::SetUserDisabled;
use keyward_sqlite::Sqlite;
use keyward_sqlite::faults::{number, spoil};
use keyward_testkit::{FakeClock, START};
use std::time::Duration;

const DAY: i64 = 86_400;

fn at(ahead: i64) -> FakeClock {
    let clock = FakeClock::new();
    clock.advance(ahead);
    clock
}

/// Disables a user, as an ending, or enables it.
async fn disable(store: &Sqlite, disabled: bool) {
    let done = tried(store, SetUserDisabled { user: UserId(4), disabled }, operator(), None).await;
    assert!(matches!(done, Ok(Ended::Done(..))), "{done:?}");
}

fn damage(home: &Home<'_>, set: &str) {
    spoil(&home.path(), "clock", &format!("UPDATE clock SET {set}")).unwrap();
}

#[tokio::test]
async fn a_recorded_time_that_cannot_be_read_is_never_taken_for_a_clock_that_is_right() {
    let template = Template::new().await;
    for set in [
        "newest = 'never'",
        "newest = NULL",
        "newest = x'00'",
        "newest = 1.5",
        "newest = -1",
        "newest = 253402300800",
        "one = 7",
    ] {
        let mut home = Home::new(&template);
        damage(&home, set);
        for ahead in [0, DAY, -DAY, 80 * 365 * DAY, 0] {
            home.open_at(at(ahead));
            let (store, watch) = (home.store(), home.store().directory().clock());
            assert!(watch.is_unread() && watch.is_behind(), "{set}, {ahead} s");
            assert_eq!(watch.judges_ends(), Err(Denial::ClockBehind), "{set}, {ahead} s");
            let settled = watch.moment(store.clock().now(), Duration::ZERO).settled;
            assert!(settled.unix() < DAY, "{set}: nothing is forgotten");
            disable(store, ahead == 0).await;
            store.record_clock().await.unwrap();
            assert_eq!(store.figures().rows_left_out, 1, "{set}: it is counted");
            home.close();
        }
        // The last row of the audit trail is of today again.
        home.open();
        let effect = AcceptClock { to: FakeClock::new().now() };
        let accepted = tried(home.store(), effect, operator(), None).await;
        assert!(matches!(accepted, Ok(Ended::Done(..))), "{set}: {accepted:?}");
        let told = "SELECT count(*) FROM audit WHERE action = 'clock.accept' AND detail LIKE '%\"record\":\"unreadable\"%'";
        assert_eq!(number(&home.path(), told).unwrap(), 1, "{set}");
        for _ in 0..2 {
            let store = home.store();
            assert!(!store.directory().clock().is_behind(), "{set}: it is accepted");
            assert_eq!(store.figures().rows_left_out, 0, "{set}");
            disable(store, false).await;
            home.close();
            home.open();
        }
        assert_eq!(number(&home.path(), "SELECT newest FROM clock").unwrap(), START, "{set}");
    }
}

#[tokio::test]
async fn where_only_what_may_be_forgotten_cannot_be_read_ends_are_judged_and_nothing_is_forgotten() {
    let template = Template::new().await;
    let mut home = Home::new(&template);
    damage(&home, "settled = 'never'");
    home.open();
    let (watch, now) = (home.store().directory().clock(), home.store().clock().now());
    assert!(!watch.is_behind());
    assert!(watch.moment(now, Duration::ZERO).settled.unix() < DAY);
}

#[tokio::test]
async fn a_record_that_is_damaged_under_an_open_store_stops_nothing_and_is_written_again() {
    let template = Template::new().await;
    for set in ["newest = 'never'", "newest = NULL", "newest = 1e300", "newest = -1", "settled = x'00'"] {
        let mut home = Home::new(&template);
        home.open();
        damage(&home, set);
        disable(home.store(), true).await;
        assert_eq!(number(&home.path(), "SELECT newest FROM clock").unwrap(), START, "{set}");
        damage(&home, set);
        home.store().record_clock().await.unwrap();
        home.close();
        home.open();
        assert!(!home.store().directory().clock().is_behind(), "{set}");
    }
}

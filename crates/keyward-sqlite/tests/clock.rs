//! The newest time over restarts: recorded by commits and by upkeep, and known at the next start whatever the clock shows then.

#![cfg(feature = "fault-injection")]

#[cfg(test)]
mod tests {
    use keyward_core::account::CreateAccount;
    use keyward_core::clock::{AcceptClock, At, Clock, Timestamp};
    use keyward_core::effect::{Commit, Context, Effect, Ended};
    use keyward_core::permit::operator;
    use keyward_core::store::Upkeep;
    use keyward_core::tier::Tier;
    use keyward_sqlite::faults::{change_by_force, number};
    use keyward_sqlite::{Options, Sqlite, Tx};
    use keyward_testkit::{FakeClock, START};
    use std::path::{Path, PathBuf};
    use std::sync::Arc;
    use tempfile::TempDir;
    use uuid::Uuid;

    const DAY: i64 = 86_400;

    struct Home {
        _directory: TempDir,
        path: PathBuf,
        clock: FakeClock,
    }

    impl Home {
        fn new() -> Self {
            let directory = TempDir::new().unwrap();
            let path = directory.path().join("keyward.db");
            Self { _directory: directory, path, clock: FakeClock::new() }
        }

        fn open(&self) -> Sqlite {
            open(&self.path, self.clock.clone())
        }

        fn recorded(&self) -> i64 {
            number(&self.path, "SELECT newest FROM clock").unwrap()
        }
    }

    fn open(path: &Path, clock: FakeClock) -> Sqlite {
        let options = Options {
            path,
            components: &[],
            root_secret_checks: &[(1, "check".to_owned())],
            migrate: true,
            idempotency_bytes: keyward_core::idempotency::KEPT_BYTES,
            tiers: keyward_core::swap::Swap::new(keyward_core::limits::Tiers::default()),
            clock: Arc::new(clock),
        };
        Sqlite::open(&options).unwrap()
    }

    #[expect(clippy::disallowed_methods, reason = "the tests do this as the operator does")]
    async fn commit<E: Effect>(store: &Sqlite, effect: E, at: At) -> E::Done
    where
        for<'c> Tx<'c>: keyward_core::effect::Execute<E>,
        E::Done: 'static,
    {
        let context = Context { request_id: Uuid::nil(), address: None, origin_app: "test".to_owned() };
        match store.commit(effect, operator(), context, None, at).await.unwrap() {
            Ended::Done(done, _) => done,
            Ended::Replayed(_) => panic!("nothing was claimed"),
            Ended::Refused(denial) => panic!("{denial:?}"),
        }
    }

    fn account(slug: &str) -> CreateAccount {
        CreateAccount { slug: slug.to_owned(), name: "A".to_owned(), account_type: None, tier: Tier::Free }
    }

    #[tokio::test]
    async fn a_commit_records_the_newest_time() {
        let home = Home::new();
        let store = home.open();
        for (number, (ahead, recorded)) in [(0, 0), (4, 4), (4, 4), (10, 10), (7, 10)].into_iter().enumerate()
        {
            home.clock.advance(START + ahead - home.clock.now().unix());
            commit(&store, account(&format!("a{number}")), At::Store).await;
            assert_eq!(home.recorded(), START + recorded, "at {ahead} s");
        }
        // A time that a test fixes is nobody's reading.
        commit(&store, account("fixed"), At::Fixed(Timestamp::from_unix(START + DAY))).await;
        assert_eq!(home.recorded(), START + 10);
    }

    #[tokio::test]
    async fn a_start_knows_the_newest_time_whatever_its_clock_shows() {
        let home = Home::new();
        let store = home.open();
        commit(&store, account("a"), At::Store).await;
        home.clock.advance(3);
        store.clock().now();
        store.record_clock().await.unwrap();
        drop(store);
        for (back, behind) in [(0, false), (60, false), (61, true), (DAY, true), (START, true), (0, false)] {
            let clock = FakeClock::new();
            clock.advance(3 - back);
            let store = open(&home.path, clock);
            assert_eq!(store.clock().now(), Timestamp::from_unix(START + 3), "it does not go back");
            assert_eq!(store.directory().clock().is_behind(), behind, "{back} s");
            store.record_clock().await.unwrap();
            drop(store);
            assert_eq!(home.recorded(), START + 3);
        }
    }

    #[tokio::test]
    async fn the_first_start_takes_the_time_of_the_newest_row_of_the_audit_trail() {
        let home = Home::new();
        let store = home.open();
        assert!(!store.directory().clock().is_behind(), "a new database has no row");
        commit(&store, account("a"), At::Store).await;
        drop(store);
        // As an earlier version leaves it.
        change_by_force(&home.path, "DELETE FROM clock").unwrap();
        home.clock.advance(-DAY);
        let store = home.open();
        assert_eq!(store.clock().now(), Timestamp::from_unix(START));
        assert!(store.directory().clock().is_behind());
    }

    #[tokio::test]
    async fn an_accepted_time_is_the_one_that_the_next_start_knows() {
        let home = Home::new();
        let store = home.open();
        home.clock.advance(80 * 365 * DAY);
        commit(&store, account("a"), At::Store).await;
        home.clock.advance(-80 * 365 * DAY);
        let to = home.clock.now();
        assert_eq!(commit(&store, AcceptClock { to }, At::Store).await.to, to);
        assert!(!store.directory().clock().is_behind());
        drop(store);
        assert_eq!(home.recorded(), START);
        assert!(!home.open().directory().clock().is_behind());
    }
}

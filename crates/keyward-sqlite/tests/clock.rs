//! The newest time over restarts: recorded by commits and by upkeep, and known at the next start whatever the clock shows then.

#![cfg(feature = "fault-injection")]

#[cfg(test)]
mod tests {
    use keyward_core::clock::{At, Clock, Timestamp};
    use keyward_core::effect::{Commit, Context, Effect, Ended};
    use keyward_core::id::KeyId;
    use keyward_core::permit::operator;
    use keyward_core::store::Upkeep;
    use keyward_core::tier::Tier;
    use keyward_core::write::account::CreateAccount;
    use keyward_core::write::clock::AcceptClock;
    use keyward_sql::Tx;
    use keyward_sqlite::faults::{change_by_force, number};
    use keyward_sqlite::{Options, Sqlite};
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
            schema: keyward_sqlite::Schema::Make,
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

    #[tokio::test]
    async fn a_record_that_is_older_than_the_last_row_of_the_audit_trail_is_none() {
        let home = Home::new();
        drop(home.open());
        for older in [-5, 0, 5, START - 1, START] {
            let store = home.open();
            commit(&store, account(&format!("a{older}")), At::Store).await;
            drop(store);
            change_by_force(&home.path, &format!("UPDATE clock SET newest = {older}, settled = 0")).unwrap();
            for earlier in [0, -DAY] {
                home.clock.advance(earlier);
                let watch = home.open().directory().clock();
                assert_eq!(
                    (watch.is_unread(), watch.is_behind()),
                    (older != START, older != START || earlier != 0)
                );
                home.clock.advance(-earlier);
            }
            let store = home.open();
            let to = home.clock.now();
            commit(&store, AcceptClock { to }, At::Store).await;
            drop(store);
            assert!(!home.open().directory().clock().is_behind(), "{older}: accepted");
        }
    }

    #[tokio::test]
    async fn an_accepted_clock_is_right_although_its_row_of_the_audit_trail_is_of_the_time_before() {
        let home = Home::new();
        let store = home.open();
        home.clock.advance(80 * 365 * DAY);
        commit(&store, account("a"), At::Store).await;
        home.clock.advance(-80 * 365 * DAY);
        commit(&store, AcceptClock { to: home.clock.now() }, At::Store).await;
        drop(store);
        for seconds in [0, 10, DAY] {
            home.clock.run(seconds);
            let store = home.open();
            assert!(!store.directory().clock().is_behind(), "{seconds} s later");
            store.record_clock().await.unwrap();
        }
    }

    /// What could be forgotten, as it is recorded.
    fn settled(home: &Home) -> i64 {
        number(&home.path, "SELECT settled FROM clock").unwrap()
    }

    #[tokio::test]
    async fn a_leap_is_waited_for_over_restarts_for_a_day_of_running() {
        let home = Home::new();
        home.open().record_clock().await.unwrap();
        for session in 1..=3_i64 {
            // Switched off for sixteen hours: nothing of that has passed for the process.
            home.clock.advance(16 * 3_600);
            let store = home.open();
            store.record_clock().await.unwrap();
            home.clock.run(8 * 3_600);
            store.record_clock().await.unwrap();
            drop(store);
            // After a day of running the first leap is believed.
            let expected = if session < 3 { session * 8 } else { 16 + 24 };
            assert_eq!((settled(&home) - START) / 3_600, expected, "after {session}");
        }
        for damaged in ["waited = -1", "waited = 9000000000", "leapt_by = -7", "waited = NULL"] {
            change_by_force(&home.path, &format!("UPDATE clock SET {damaged}")).unwrap();
            let before = settled(&home);
            home.clock.run(1);
            home.open().record_clock().await.unwrap();
            assert!(settled(&home) <= before + 1, "{damaged}: it is waited for from now on");
        }
    }

    #[tokio::test]
    async fn a_wrong_future_that_is_over_is_not_waited_for_after_a_restart() {
        let home = Home::new();
        home.open().record_clock().await.unwrap();
        let (years, hours) = (80 * 365 * DAY, 20 * 3_600);
        let runs = async |seconds| {
            let store = home.open();
            store.record_clock().await.unwrap();
            home.clock.run(seconds);
            store.record_clock().await.unwrap();
        };
        home.clock.advance(years);
        runs(hours).await;
        assert_eq!(settled(&home), START + hours);
        home.clock.advance(-years);
        runs(60).await;
        home.clock.advance(years);
        runs(hours).await;
        assert!(settled(&home) <= START + 2 * hours + 60, "{}", settled(&home) - START);
    }

    #[tokio::test]
    async fn keys_with_an_end_that_a_wrong_clock_made_are_revoked_when_its_time_is_taken_back() {
        let home = Home::new();
        let store = home.open();
        commit(&store, account("a"), At::Store).await;
        let sql = "PRAGMA foreign_keys = OFF; INSERT INTO api_keys
            (id, account_id, user_id, label, prefix, permission, created_at, expires_at, revoked_at)
            VALUES (1, 1, 1, 'before', 'p', 'full_access', 1, 4000000000, NULL),
                   (2, 1, 1, 'without an end', 'p', 'full_access', 3000000000, NULL, NULL),
                   (3, 1, 1, 'by the wrong clock', 'p', 'full_access', 3000000000, 3000003600, NULL),
                   (4, 1, 1, 'revoked', 'p', 'full_access', 3000000000, 3000003600, 3000000001)";
        change_by_force(&home.path, sql).unwrap();
        home.clock.advance(3_000_000_000 - START);
        store.clock().now();
        home.clock.advance(START - 3_000_000_000);
        let done = commit(&store, AcceptClock { to: home.clock.now() }, At::Store).await;
        assert_eq!(done.keys, [KeyId(3)], "and the answer names it");
        let over = "SELECT sum(id) FROM api_keys WHERE revoked_at IS NOT NULL";
        assert_eq!(number(&home.path, over).unwrap(), 3 + 4);
        assert_eq!(
            number(&home.path, "SELECT count(*) FROM audit WHERE detail LIKE '%\"revoked_keys\":[3]%'")
                .unwrap(),
            1
        );
    }
}

//! The journal of revocations, where the disk or the file fails.
//!
//! | mistake | test |
//! |---|---|
//! | what held in memory is lost with the process | `what_could_not_be_written_is_done_at_the_next_start` |
//! | it is done twice, to what came after | `what_was_written_later_is_not_done_again` |
//! | a start that cannot write forgets it | `what_could_not_be_written_at_a_start_is_done_at_the_next` |
//! | the next ending counts it as done | `an_ending_after_a_start_that_could_not_write_hides_nothing` |
//! | writing it late counts an ending as done that only holds | `what_only_holds_is_not_counted_as_done_by_what_is_written_late` |
//! | one ending that the database refuses has a password undone that was chosen later | `a_password_that_was_chosen_after_an_ending_was_refused_stays` |
//! | one entry that cannot be done counts as done, or stops the others | `what_cannot_be_done_in_its_row_is_tried_at_each_start_and_stops_nothing` |
//! | a journal that was begun on a full disk is another database's | `a_journal_that_was_begun_on_a_full_disk_is_still_its_own` |
//! | a journal that cannot be read goes unnoticed | `while_the_journal_cannot_be_read_the_store_is_not_ready_and_gives_nothing` |
//! | a journal that cannot be read is put aside | `a_journal_that_cannot_be_read_is_read_later_and_not_put_aside` |
//! | a journal is begun by half | `a_journal_is_begun_whole_or_not_at_all` |
//! | a clock that was ahead keeps an ending from a copy | `what_was_made_while_the_clock_was_ahead_ends_in_a_copy_too` |
//! | a user who was erased, or an account that was shut, comes back with a copy | `an_erased_user_and_a_disabled_account_do_not_come_back_with_a_copy` |
//! | what of it could not be written is lost | `what_was_erased_on_a_full_disk_is_erased_at_the_next_start` |
//! | a journal that cannot be written stops an ending, or loses it | `a_journal_that_cannot_be_written_stops_no_ending_and_gets_it_later` |
//! | while it cannot be written, every write pays for all that waits | `a_journal_that_cannot_be_written_is_tried_once_a_second_and_with_each_ending` |
//! | what ends after a move is in another directory's journal | `what_ends_after_a_move_is_in_the_journal_that_was_moved` |
//! | what ends is in a journal that was moved away from its database | `a_journal_that_alone_was_moved_begins_again` |
//! | what ends is in another database's journal | `nothing_is_appended_to_the_journal_of_another_database` |
//! | a write that failed is in the journal | `what_was_not_done_is_not_in_the_journal` |
//! | a damaged journal stops a start | `a_journal_of_anything_stops_no_start` |
//! | the journal of another database is believed | `the_journal_of_another_database_ends_nothing` |
//! | where it is not kept which keys of an account ended, one comes back | `an_entry_for_all_keys_of_an_account_ends_each_and_no_other` |
//! | the file that was removed takes all with it | `a_journal_that_was_removed_begins_again` |

#![cfg(feature = "fault-injection")]
#![expect(clippy::disallowed_methods, reason = "the tests do as the operator does")]

#[cfg(test)]
mod journal {
    use keyward_core::clock::{At, Clock};
    use keyward_core::effect::{Commit, Context, Effect, Ended};
    use keyward_core::id::{AccountId, UserId};
    use keyward_core::opaque::TokenDigest;
    use keyward_core::permit::{Administer, Permit, Presented, operator, present};
    use keyward_core::role::Role;
    use keyward_core::secret::Secret;
    use keyward_core::session::LinkKind;
    use keyward_core::store::{StoreError, Upkeep};
    use keyward_core::tier::Tier;
    use keyward_core::write::account::CreateAccount;
    use keyward_core::write::clock::AcceptClock;
    use keyward_core::write::disabling::{SetAccountDisabled, SetUserDisabled};
    use keyward_core::write::erasing::EraseUser;
    use keyward_core::write::link::{ChoosePassword, IssueLink};
    use keyward_core::write::member::{AddMember, RemoveMember};
    use keyward_core::write::user::CreateUser;
    use keyward_sqlite::faults::{WriteLock, change_by_force, number};
    use keyward_sqlite::{Options, Sqlite, WithoutJournal, restore};
    use keyward_testkit::FakeClock;
    use std::fs;
    use std::path::{Path, PathBuf};
    use std::sync::Arc;
    use std::time::Duration;
    use tempfile::TempDir;
    use uuid::Uuid;

    fn options<'a>(path: &'a Path, clock: &FakeClock) -> Options<'a> {
        let checks: &'static [(u32, String)] = Box::leak(Box::new([(1, "check".to_owned())]));
        Options {
            path,
            components: &[],
            root_secret_checks: checks,
            schema: keyward_sqlite::Schema::Make,
            tiers: keyward_core::swap::Swap::new(keyward_core::limits::Tiers::default()),
            idempotency_bytes: keyward_core::idempotency::KEPT_BYTES,
            clock: Arc::new(clock.clone()),
        }
    }

    fn open(path: &Path, clock: &FakeClock) -> Sqlite {
        Sqlite::open(&options(path, clock)).unwrap()
    }

    struct Home {
        _directory: TempDir,
        path: PathBuf,
        clock: FakeClock,
        store: Option<Sqlite>,
    }

    impl Home {
        fn new() -> Self {
            let directory = tempfile::tempdir().unwrap();
            let (path, clock) = (directory.path().join("keyward.db"), FakeClock::new());
            let store = Some(open(&path, &clock));
            Self { _directory: directory, path, clock, store }
        }

        fn store(&self) -> &Sqlite {
            self.store.as_ref().unwrap()
        }

        fn journal(&self) -> PathBuf {
            self.path.canonicalize().unwrap().with_file_name("keyward.db.revocations")
        }

        fn lines(&self) -> usize {
            fs::read_to_string(self.journal()).unwrap().lines().count() - 1
        }

        /// Users whose rows say that they are disabled.
        fn disabled_rows(&self) -> i64 {
            number(&self.path, "SELECT count(*) FROM users WHERE disabled_at IS NOT NULL").unwrap()
        }

        /// Journals that were put aside.
        fn put_aside(&self) -> usize {
            let files = fs::read_dir(self.path.parent().unwrap()).unwrap();
            let names = files.map(|file| file.unwrap().file_name().into_string().unwrap());
            names.filter(|name| name.starts_with("keyward.db.revocations.")).count()
        }

        /// Ends the process, as far as the store can tell, and opens the file again.
        fn restart(&mut self) {
            self.store = None;
            self.store = Some(open(&self.path, &self.clock));
        }

        async fn tried<E: Effect<Action = Administer>>(&self, effect: E) -> Result<E::Done, StoreError>
        where
            Sqlite: Commit<E>,
        {
            self.by(effect, operator()).await
        }

        async fn by<E: Effect>(&self, effect: E, permit: Permit<E::Action>) -> Result<E::Done, StoreError>
        where
            Sqlite: Commit<E>,
        {
            let context = Context { request_id: Uuid::nil(), address: None, origin_app: "test".to_owned() };
            match self.store().commit(effect, permit, context, None, At::Store).await? {
                Ended::Done(done, _) => Ok(done),
                Ended::Replayed(_) => panic!("nothing was asked twice"),
                Ended::Refused(denial) => panic!("{denial:?}"),
            }
        }

        async fn user(&self, name: &str) -> UserId {
            let effect = CreateUser {
                uuid: Uuid::from_u128(u128::from(name.len() as u64)).to_string(),
                email: format!("{name}@a.example"),
                first_name: "A".to_owned(),
                last_name: "B".to_owned(),
                title: None,
                password_hash: None,
            };
            self.tried(effect).await.unwrap()
        }

        async fn account(&self, slug: &str) -> Result<AccountId, StoreError> {
            let (slug, name) = (slug.to_owned(), "Acme".to_owned());
            self.tried(CreateAccount { slug, name, account_type: None, tier: Tier::Free }).await
        }

        async fn disable(&self, user: UserId, disabled: bool) -> Result<(), StoreError> {
            self.tried(SetUserDisabled { user, disabled }).await.map(drop)
        }

        /// Takes the journal away, and puts a directory into its place, so that none can be made there.
        fn break_journal(&self) {
            fs::remove_file(self.journal()).unwrap();
            fs::create_dir(self.journal()).unwrap();
        }

        fn unjournaled(&self) -> u64 {
            self.store().figures().endings_unjournaled
        }

        fn is_disabled(&self, user: UserId) -> bool {
            let directory = self.store().directory();
            directory.read().user(user).unwrap().disabled
        }
    }

    #[tokio::test]
    async fn what_could_not_be_written_is_done_at_the_next_start() {
        let mut home = Home::new();
        let (ada, ben) = (home.user("ada").await, home.user("benn").await);
        home.store().fill_disk(true).await.unwrap();
        assert!(matches!(home.disable(ada, true).await, Err(StoreError::Held(_))));
        assert_eq!(home.lines(), 1, "before it is answered");
        home.restart();
        assert_eq!((home.is_disabled(ada), home.is_disabled(ben)), (true, false));
        home.restart();
        assert!(home.is_disabled(ada), "it is written now");
    }

    #[tokio::test]
    async fn what_was_written_later_is_not_done_again() {
        let mut home = Home::new();
        let ada = home.user("ada").await;
        home.store().fill_disk(true).await.unwrap();
        assert!(home.disable(ada, true).await.is_err());
        home.store().fill_disk(false).await.unwrap();
        home.account("acme").await.unwrap();
        home.disable(ada, false).await.unwrap();
        home.restart();
        assert!(!home.is_disabled(ada), "it was enabled since");
    }

    #[tokio::test]
    async fn what_could_not_be_written_at_a_start_is_done_at_the_next() {
        let mut home = Home::new();
        let ada = home.user("ada").await;
        home.store().fill_disk(true).await.unwrap();
        assert!(home.disable(ada, true).await.is_err());
        home.store = None;
        // No transaction that writes begins while another program holds the lock.
        let lock = WriteLock::take(&home.path).unwrap();
        home.restart();
        drop(lock);
        home.restart();
        assert!(home.is_disabled(ada));
    }

    #[tokio::test]
    async fn an_ending_after_a_start_that_could_not_write_hides_nothing() {
        let mut home = Home::new();
        let (ada, ben) = (home.user("ada").await, home.user("benn").await);
        home.store().fill_disk(true).await.unwrap();
        assert!(home.disable(ada, true).await.is_err());
        home.store = None;
        let lock = WriteLock::take(&home.path).unwrap();
        home.restart();
        assert!(home.is_disabled(ada), "it holds in memory");
        assert_eq!(home.store().write_fault(), Some("what was revoked is not written yet"));
        drop(lock);
        home.disable(ben, true).await.unwrap();
        assert_eq!(
            (home.store().write_fault(), home.disabled_rows()),
            (None, 2),
            "and is written with the next write"
        );
        home.restart();
        assert!(home.is_disabled(ada) && home.is_disabled(ben));
    }

    #[tokio::test]
    async fn what_only_holds_is_not_counted_as_done_by_what_is_written_late() {
        for has_journal in [true, false] {
            let mut home = Home::new();
            let (ada, ben) = (home.user("ada").await, home.user("benn").await);
            home.store().fill_disk(true).await.unwrap();
            assert!(home.disable(ben, true).await.is_err());
            home.store = None;
            let lock = WriteLock::take(&home.path).unwrap();
            home.restart();
            home.store().fill_disk(true).await.unwrap();
            drop(lock);
            let before = fs::read(home.journal()).unwrap();
            if !has_journal {
                home.break_journal();
            }
            assert!(matches!(home.disable(ada, true).await, Err(StoreError::Held(_))));
            home.store().fill_disk_after(1).await.unwrap();
            assert!(home.account("acme").await.is_err(), "there was room for what the start could not write");
            assert_eq!(home.disabled_rows(), 1);
            home.store = None;
            if !has_journal {
                fs::remove_dir(home.journal()).unwrap();
                fs::write(home.journal(), before).unwrap();
            }
            home.restart();
            assert!(home.is_disabled(ada) && home.is_disabled(ben), "{has_journal}");
            assert_eq!((home.disabled_rows(), home.lines()), (2, 2), "{has_journal}");
        }
    }

    #[tokio::test]
    async fn a_password_that_was_chosen_after_an_ending_was_refused_stays() {
        let mut home = Home::new();
        let (ada, ben) = (home.user("ada").await, home.user("benn").await);
        let digest = TokenDigest::of("link");
        home.tried(IssueLink { user: ben, kind: LinkKind::Reset, digest }).await.unwrap();
        home.store().fill_disk(true).await.unwrap();
        assert!(matches!(home.disable(ada, true).await, Err(StoreError::Held(_))));
        let stop = "CREATE TRIGGER stops BEFORE UPDATE ON users WHEN old.email = 'ada@a.example'
                    BEGIN SELECT raise(ABORT, 'no'); END";
        home.store().on_writer(stop).await.unwrap();
        home.store().fill_disk(false).await.unwrap();
        let hash = Secret::new("chosen".to_owned());
        home.by(ChoosePassword { link: digest, hash, accept: Vec::new() }, present(Presented::Link))
            .await
            .unwrap();
        let chosen = "SELECT count(*) FROM users WHERE password_hash = 'chosen'";
        for start in 0..3 {
            home.restart();
            assert_eq!(number(&home.path, chosen).unwrap(), 1, "{start}");
            assert!(home.is_disabled(ada), "{start}");
            assert_eq!((home.disabled_rows(), home.store().figures().endings_unwritten), (0, 1), "{start}");
        }
        home.store = None;
        change_by_force(&home.path, "DROP TRIGGER stops").unwrap();
        home.restart();
        assert_eq!((home.disabled_rows(), number(&home.path, chosen).unwrap()), (1, 1));
    }

    #[tokio::test]
    async fn what_cannot_be_done_in_its_row_is_tried_at_each_start_and_stops_nothing() {
        let mut home = Home::new();
        let (ada, ben) = (home.user("ada").await, home.user("benn").await);
        home.store().fill_disk(true).await.unwrap();
        assert!(home.disable(ada, true).await.is_err() && home.disable(ben, true).await.is_err());
        home.store = None;
        let stop = format!(
            "CREATE TRIGGER stops BEFORE UPDATE ON users WHEN old.id = {} BEGIN SELECT raise(ABORT, 'no'); END",
            ada.0
        );
        change_by_force(&home.path, &stop).unwrap();
        for slug in ["acme", "harbor"] {
            home.restart();
            assert!(home.is_disabled(ada) && home.is_disabled(ben), "{slug}");
            assert_eq!((home.disabled_rows(), home.store().figures().endings_unwritten), (1, 1), "{slug}");
            home.account(slug).await.unwrap();
        }
        home.disable(ben, false).await.unwrap();
        home.store = None;
        change_by_force(&home.path, "DROP TRIGGER stops").unwrap();
        home.restart();
        assert_eq!(
            (home.is_disabled(ada), home.is_disabled(ben)),
            (true, false),
            "what was done is not done again"
        );
        assert_eq!((home.disabled_rows(), home.store().figures().endings_unwritten), (1, 0));
    }

    #[tokio::test]
    async fn a_journal_that_was_begun_on_a_full_disk_is_still_its_own() {
        let mut home = Home::new();
        let (ada, ben) = (home.user("ada").await, home.user("benn").await);
        home.disable(ben, true).await.unwrap();
        home.store = None;
        fs::remove_file(home.journal()).unwrap();
        let lock = WriteLock::take(&home.path).unwrap();
        home.restart();
        home.store().fill_disk(true).await.unwrap();
        drop(lock);
        assert!(matches!(home.disable(ada, true).await, Err(StoreError::Held(_))));
        assert_eq!(home.lines(), 1, "in a journal of which the database knows nothing");
        home.restart();
        assert!(home.is_disabled(ada) && home.is_disabled(ben));
        assert_eq!((home.disabled_rows(), home.put_aside()), (2, 0));
    }

    #[tokio::test]
    async fn a_journal_that_cannot_be_read_is_read_later_and_not_put_aside() {
        let mut home = Home::new();
        let (ada, ben) = (home.user("ada").await, home.user("benn").await);
        home.store().fill_disk(true).await.unwrap();
        assert!(home.disable(ada, true).await.is_err());
        home.store = None;
        let away = home.path.with_file_name("away");
        fs::rename(home.journal(), &away).unwrap();
        // A directory can be opened, and not be read, as a file on a disk that fails.
        let journal = home.path.canonicalize().unwrap().with_file_name("keyward.db.revocations");
        fs::create_dir(&journal).unwrap();
        home.restart();
        home.disable(ben, true).await.unwrap();
        assert_eq!((home.is_disabled(ada), home.store().figures().endings_unjournaled), (false, 1));
        fs::remove_dir(&journal).unwrap();
        fs::rename(&away, &journal).unwrap();
        home.account("acme").await.unwrap();
        assert_eq!((home.lines(), home.put_aside(), home.disabled_rows()), (2, 0, 2));
        assert!(home.is_disabled(ada) && home.store().figures().endings_unjournaled == 0);
        home.restart();
        assert!(home.is_disabled(ada) && home.is_disabled(ben));
    }

    #[tokio::test]
    async fn while_the_journal_cannot_be_read_the_store_is_not_ready_and_gives_nothing() {
        let mut home = Home::new();
        let (ada, ben) = (home.user("ada").await, home.user("benn").await);
        home.store().fill_disk(true).await.unwrap();
        assert!(home.disable(ada, true).await.is_err());
        home.store = None;
        let journal = fs::read(home.journal()).unwrap();
        home.break_journal();
        home.restart();
        let fault = Some("its journal of revocations cannot be read");
        assert_eq!((home.store().write_fault(), home.store().figures().endings_unwritten), (fault, 1));
        assert!(matches!(home.account("acme").await, Err(StoreError::Unavailable(_))));
        home.store().fill_disk(true).await.unwrap();
        assert!(matches!(home.disable(ben, true).await, Err(StoreError::Held(_))), "what ends does");
        home.store().fill_disk(false).await.unwrap();
        home.store().try_writing().await.unwrap();
        assert_eq!((home.store().write_fault(), home.disabled_rows()), (fault, 1));
        fs::remove_dir(home.journal()).unwrap();
        fs::write(home.journal(), journal).unwrap();
        home.store().try_writing().await.unwrap();
        assert_eq!((home.store().write_fault(), home.store().figures().endings_unwritten), (None, 0));
        assert!(home.is_disabled(ada) && home.is_disabled(ben));
        assert_eq!(home.disabled_rows(), 2);
        home.account("acme").await.unwrap();
    }

    #[tokio::test]
    async fn a_journal_is_begun_whole_or_not_at_all() {
        let home = Home::new();
        let (ada, ben) = (home.user("ada").await, home.user("benn").await);
        let making = home.journal().with_file_name("keyward.db.revocations.making");
        fs::remove_file(home.journal()).unwrap();
        fs::create_dir(&making).unwrap();
        home.disable(ada, true).await.unwrap();
        assert!(!home.journal().exists(), "its first line could not be written");
        fs::remove_dir(&making).unwrap();
        home.disable(ben, true).await.unwrap();
        assert_eq!(home.lines(), 2);
        assert!(fs::read_to_string(home.journal()).unwrap().contains("\"from\":0"));
    }

    #[tokio::test]
    async fn what_was_made_while_the_clock_was_ahead_ends_in_a_copy_too() {
        const AHEAD: i64 = 400 * 86_400;
        let mut home = Home::new();
        let (ada, account) = (home.user("ada").await, home.account("acme").await.unwrap());
        home.clock.advance(AHEAD);
        home.tried(AddMember { account, user: ada, role: Role::Editor }).await.unwrap();
        home.store = None;
        let copy = home.path.with_file_name("copy.db");
        keyward_sqlite::copy(&home.path, &copy, &keyward_sqlite::BreakOff::default()).unwrap();
        home.clock.advance(-AHEAD + 60);
        home.restart();
        home.tried(AcceptClock { to: home.clock.now() }).await.unwrap();
        home.tried(RemoveMember { account, user: ada }).await.unwrap();
        home.store = None;
        restore(&options(&copy, &home.clock), &home.path, WithoutJournal::Refuse).unwrap();
        assert_eq!(number(&copy, "SELECT count(*) FROM memberships").unwrap(), 0);
    }

    #[tokio::test]
    async fn an_erased_user_and_a_disabled_account_do_not_come_back_with_a_copy() {
        let mut home = Home::new();
        let ada = home.user("ada").await;
        let (acme, harbor) = (home.account("acme").await.unwrap(), home.account("harbor").await.unwrap());
        home.tried(AddMember { account: acme, user: ada, role: Role::Admin }).await.unwrap();
        home.tried(SetAccountDisabled { account: harbor, disabled: true }).await.unwrap();
        home.store = None;
        let copy = home.path.with_file_name("copy.db");
        keyward_sqlite::copy(&home.path, &copy, &keyward_sqlite::BreakOff::default()).unwrap();
        home.restart();
        home.tried(EraseUser { user: ada }).await.unwrap();
        home.tried(SetAccountDisabled { account: acme, disabled: true }).await.unwrap();
        home.tried(SetAccountDisabled { account: harbor, disabled: false }).await.unwrap();
        let journal = fs::read_to_string(home.journal()).unwrap();
        assert!(!journal.contains("ada"), "it names nobody who was erased");
        home.store = None;
        let restored = restore(&options(&copy, &home.clock), &home.path, WithoutJournal::Refuse).unwrap();
        let done = restored.ended.join("\n");
        assert!(
            done.contains(&format!("user id {ada}: deleted")) && done.contains("account acme: disabled"),
            "{done}"
        );
        assert!(!done.contains("ada@") && !done.contains("harbor"), "{done}");
        let count = |sql| number(&copy, sql).unwrap();
        assert_eq!(count("SELECT count(*) FROM users WHERE email LIKE 'ada%' OR first_name <> ''"), 0);
        assert_eq!(count("SELECT count(*) FROM users WHERE erased_at IS NOT NULL"), 1);
        assert_eq!(count("SELECT count(*) FROM memberships"), 0);
        assert_eq!(count("SELECT count(*) FROM accounts WHERE disabled_at IS NOT NULL AND slug = 'acme'"), 1);
    }

    #[tokio::test]
    async fn what_was_erased_on_a_full_disk_is_erased_at_the_next_start() {
        let mut home = Home::new();
        let (ada, acme) = (home.user("ada").await, home.account("acme").await.unwrap());
        home.store().fill_disk(true).await.unwrap();
        assert!(matches!(home.tried(EraseUser { user: ada }).await, Err(StoreError::Held(_))));
        let disabled = SetAccountDisabled { account: acme, disabled: true };
        assert!(matches!(home.tried(disabled).await, Err(StoreError::Held(_))));
        let known = |home: &Home| {
            let live = home.store().directory().read();
            (live.user(ada).is_some(), live.account(acme).unwrap().disabled)
        };
        assert_eq!(known(&home), (false, true), "it holds in memory");
        home.store = None;
        let lock = WriteLock::take(&home.path).unwrap();
        home.restart();
        assert_eq!(known(&home), (false, true), "also where the start cannot write");
        drop(lock);
        home.restart();
        assert_eq!(known(&home), (false, true));
        assert_eq!(number(&home.path, "SELECT count(*) FROM users WHERE email LIKE 'ada%'").unwrap(), 0);
    }

    #[tokio::test]
    async fn a_journal_that_cannot_be_written_stops_no_ending_and_gets_it_later() {
        let mut home = Home::new();
        let (ada, ben) = (home.user("ada").await, home.user("benn").await);
        let aside = home.journal().with_extension("aside");
        // Where its place is a directory nobody can write it.
        fs::rename(home.journal(), &aside).unwrap();
        fs::remove_file(&aside).unwrap();
        fs::create_dir(home.journal()).unwrap();
        home.disable(ada, true).await.unwrap();
        assert!(home.is_disabled(ada));
        fs::remove_dir(home.journal()).unwrap();
        home.disable(ben, true).await.unwrap();
        assert_eq!(home.lines(), 2, "both");
        home.restart();
        assert!(home.is_disabled(ada) && home.is_disabled(ben));
    }

    #[tokio::test]
    async fn a_journal_that_cannot_be_written_is_tried_once_a_second_and_with_each_ending() {
        let home = Home::new();
        let (ada, ben) = (home.user("ada").await, home.user("benn").await);
        home.break_journal();
        home.disable(ada, true).await.unwrap();
        home.account("acme").await.unwrap();
        fs::remove_dir(home.journal()).unwrap();
        home.account("harbor").await.unwrap();
        assert_eq!(home.unjournaled(), 1, "no second has passed since the last attempt");
        home.clock.pass(Duration::from_secs(1));
        home.account("pier").await.unwrap();
        assert_eq!((home.unjournaled(), home.lines()), (0, 1));
        home.break_journal();
        home.disable(ada, false).await.unwrap();
        fs::remove_dir(home.journal()).unwrap();
        home.disable(ben, true).await.unwrap();
        assert_eq!((home.unjournaled(), home.lines()), (0, 2), "an ending waits for no second");
    }

    #[tokio::test]
    async fn what_ends_after_a_move_is_in_the_journal_that_was_moved() {
        let mut home = Home::new();
        let ada = home.user("ada").await;
        home.restart();
        let moved = home.path.with_file_name("moved");
        fs::create_dir(&moved).unwrap();
        let names = ["keyward.db", "keyward.db-wal", "keyward.db-shm", "keyward.db.revocations"];
        let (here, there) = (|name| home.path.with_file_name(name), |name| moved.join(name));
        for name in names {
            fs::rename(here(name), there(name)).unwrap();
            fs::copy(there(name), here(name)).unwrap();
        }
        assert!(matches!(home.disable(ada, true).await, Err(StoreError::Held(_))));
        let journal = fs::read_to_string(there("keyward.db.revocations")).unwrap();
        assert_eq!((home.lines(), journal.lines().count()), (0, 2));
        for name in names {
            // The copy of the log goes with the copy.
            let _ = fs::remove_file(here(name));
        }
        let back = names.map(|name| (here(name), there(name)));
        home.store = None;
        for (here, there) in back {
            // A log that the store has put into its database is gone.
            let _ = fs::rename(there, here);
        }
        home.restart();
        assert_eq!((home.is_disabled(ada), home.disabled_rows()), (true, 1));
    }

    #[tokio::test]
    async fn a_journal_that_alone_was_moved_begins_again() {
        let mut home = Home::new();
        let (ada, ben) = (home.user("ada").await, home.user("benn").await);
        home.disable(ada, true).await.unwrap();
        fs::rename(home.journal(), home.path.with_file_name("moved")).unwrap();
        home.disable(ben, true).await.unwrap();
        assert_eq!(home.lines(), 1, "a restore looks beside the database");
        home.restart();
        assert!(home.is_disabled(ada) && home.is_disabled(ben));
        assert_eq!(home.put_aside(), 0);
    }

    #[tokio::test]
    async fn nothing_is_appended_to_the_journal_of_another_database() {
        let (mut home, other) = (Home::new(), Home::new());
        let (ada, ben) = (home.user("ada").await, home.user("benn").await);
        fs::remove_file(home.journal()).unwrap();
        fs::copy(other.journal(), home.journal()).unwrap();
        home.disable(ada, true).await.unwrap();
        assert_eq!((home.lines(), home.unjournaled()), (0, 1));
        fs::remove_file(home.journal()).unwrap();
        home.disable(ben, true).await.unwrap();
        assert_eq!((home.lines(), home.unjournaled()), (2, 0));
        home.restart();
        assert!(home.is_disabled(ada) && home.is_disabled(ben));
    }

    #[tokio::test]
    async fn what_was_not_done_is_not_in_the_journal() {
        let home = Home::new();
        let ada = home.user("ada").await;
        home.disable(ada, true).await.unwrap();
        let before = home.lines();
        home.store().fill_disk(true).await.unwrap();
        assert!(home.disable(ada, false).await.is_err(), "it gives a right, and needs room");
        assert_eq!(home.lines(), before);
    }

    #[tokio::test]
    async fn a_journal_of_anything_stops_no_start() {
        let mut home = Home::new();
        let ada = home.user("ada").await;
        for content in ["", "\n\n", "no journal", "00000000 {}\n", "\u{0}\u{1}", "ffffffff null\nffffffff"] {
            home.store = None;
            fs::write(home.journal(), content).unwrap();
            home.restart();
            home.disable(ada, true).await.unwrap();
            assert_eq!(home.lines(), 1, "{content:?}: it begins again");
        }
        home.store = None;
        let whole = fs::read_to_string(home.journal()).unwrap();
        for cut in 1..whole.len() {
            fs::write(home.journal(), whole.get(..cut).unwrap()).unwrap();
            home.restart();
            assert!(home.is_disabled(ada), "{cut}");
            home.store = None;
        }
    }

    #[tokio::test]
    async fn the_journal_of_another_database_ends_nothing() {
        let (mut home, other) = (Home::new(), Home::new());
        let (ada, same) = (home.user("ada").await, other.user("ada").await);
        assert_eq!(ada, same);
        other.disable(same, true).await.unwrap();
        home.store = None;
        fs::copy(other.journal(), home.journal()).unwrap();
        home.restart();
        assert!(!home.is_disabled(ada));
        assert_eq!(home.put_aside(), 1, "it is kept");
    }

    #[tokio::test]
    async fn a_journal_that_was_removed_begins_again() {
        let mut home = Home::new();
        let (ada, ben) = (home.user("ada").await, home.user("benn").await);
        home.disable(ada, true).await.unwrap();
        fs::remove_file(home.journal()).unwrap();
        home.disable(ben, true).await.unwrap();
        assert_eq!(home.lines(), 1);
        assert!(
            fs::read_to_string(home.journal()).unwrap().contains("\"from\":1"),
            "and says what it misses"
        );
        home.restart();
        assert!(home.is_disabled(ada) && home.is_disabled(ben));
    }

    #[tokio::test]
    async fn an_entry_for_all_keys_of_an_account_ends_each_and_no_other() {
        let mut home = Home::new();
        let ada = home.user("ada").await;
        let (acme, harbor) = (home.account("acme").await.unwrap(), home.account("harbor").await.unwrap());
        home.disable(home.user("benn").await, true).await.unwrap();
        home.store = None;
        for account in [acme, acme, harbor, acme] {
            let key = format!(
                "INSERT INTO api_keys (account_id, user_id, label, prefix, permission, created_at)
                 VALUES ({}, {}, 'Key', 'lev_sk_abcd', 'read_only', 1)",
                account.0, ada.0
            );
            change_by_force(&home.path, &key).unwrap();
        }
        let made = number(&home.path, "SELECT created_at FROM accounts WHERE slug = 'acme'").unwrap();
        let keys = format!(r#"{{"account":[{},{made}],"last":2}}"#, acme.0);
        let json = format!(r#"{{"n":2,"at":{made},"ended":{{"keys":{keys}}}}}"#);
        let line = format!("{:08x} {json}\n", crc32fast::hash(json.as_bytes()));
        fs::write(home.journal(), fs::read_to_string(home.journal()).unwrap() + &line).unwrap();
        home.restart();
        let live = |account: AccountId| {
            let sql = "SELECT count(*) FROM api_keys WHERE revoked_at IS NULL AND account_id =";
            number(&home.path, &format!("{sql} {}", account.0)).unwrap()
        };
        assert_eq!((live(acme), live(harbor)), (1, 1), "nor one that was made later");
    }
}

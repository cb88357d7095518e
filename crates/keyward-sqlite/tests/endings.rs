//! Writes that take a right away while the disk is full: none is lost on the way to the disk.
//!
//! | mistake | test |
//! |---|---|
//! | two endings have one name | `what_one_user_loses_in_two_accounts_waits_twice` |
//! | an answer that cannot be kept takes its ending with it | `an_ending_whose_claim_was_used_meanwhile_is_written_without_it` |
//! | an old answer is in the way | `an_ending_takes_the_place_of_an_answer_that_is_a_day_old` |
//! | a panic loses an ending | `an_ending_whose_writing_panics_stays_counted_and_can_be_repeated` |
//! | nothing left to end is taken for a failure | `an_ending_that_is_over_already_is_done` |
//! | the server is ready while one waits | `as_long_as_an_ending_waits_the_store_reports_a_fault` |
//! | rows are forgotten before endings that wait are written | `a_user_who_is_disabled_while_the_disk_is_full_is_not_forgotten` |
//! | a dismissal takes away whom a disabling still waits for | `a_dismissal_while_a_disabling_waits_takes_nobody_away`, `a_dismissal_that_waits_before_a_disabling_takes_nobody_away` |
//! | kept answers that fill their space stop a revocation | `what_must_end_ends_though_there_is_no_room_for_its_answer` |

#![cfg(feature = "fault-injection")]
#![expect(clippy::disallowed_methods, reason = "the tests do as the operator does")]

#[cfg(test)]
mod endings {
    use keyward_core::address::ClientAddress;
    use keyward_core::api_key::{KeyFormat, KeyRing};
    use keyward_core::clock::{At, Clock, Timestamp};
    use keyward_core::denial::Denial;
    use keyward_core::effect::{Commit, Context, Effect, Ended, Execute, Rendered, Stop, Subject};
    use keyward_core::grant::Grant;
    use keyward_core::id::{AccountId, UserId};
    use keyward_core::idempotency::{Claim, Claims, Fingerprint, KEPT_BYTES, KEPT_SECONDS, Scope};
    use keyward_core::permit::{Administer, ManageTeam, Permit, check, operator};
    use keyward_core::principal::Principal;
    use keyward_core::root_secret::RootSecret;
    use keyward_core::store::{Retention, StoreError, Upkeep};
    use keyward_core::tier::Tier;
    use keyward_core::write::account::CreateAccount;
    use keyward_core::write::disabling::SetUserDisabled;
    use keyward_core::write::key::IssueKey;
    use keyward_core::write::team::{Dismiss, Invite};
    use keyward_core::write::user::CreateUser;
    use keyward_sql::Tx;
    use keyward_sqlite::faults::{WriteLock, number};
    use keyward_sqlite::{Options, Sqlite};
    use keyward_testkit::{FakeClock, SeededRandom};
    use std::collections::VecDeque;
    use std::path::PathBuf;
    use std::sync::{Arc, Mutex};
    use tempfile::TempDir;
    use uuid::Uuid;

    /// What an execution does instead of what it should.
    #[derive(Clone, Copy)]
    enum Step {
        Nothing,
        Panic,
        NotFound,
        Unavailable,
    }

    /// Takes something away from a user, which is nothing but a row of the audit trail here.
    #[derive(Clone)]
    struct End {
        user: i64,
        account: Option<AccountId>,
        changed: bool,
        steps: Arc<Mutex<VecDeque<Step>>>,
    }

    fn end(user: i64) -> End {
        End { user, account: None, changed: true, steps: Arc::default() }
    }

    impl End {
        fn then(self, step: Step) -> Self {
            self.steps.lock().unwrap().extend([Step::Nothing, step]);
            self
        }
    }

    impl Effect for End {
        type Action = Administer;
        type Done = Self;
        const AUDIT: &'static str = "test.end";

        fn subject(done: &Self) -> Subject {
            Subject { kind: "user", id: done.user, account: done.account }
        }

        fn ends(_: &Self) -> bool {
            true
        }

        fn changed(done: &Self) -> bool {
            done.changed
        }

        fn render(_: &Self) -> Rendered {
            Rendered::deleted()
        }
    }

    keyward_core::never_replayed!(Tx<'_>: End);

    impl Execute<End> for Tx<'_> {
        fn execute(&mut self, e: &End, _: &Permit<Administer>, _: Timestamp) -> Result<End, Stop> {
            let step = e.steps.lock().unwrap().pop_front();
            match step {
                Some(Step::Panic) => panic!("in the middle of a transaction"),
                Some(Step::NotFound) => Err(Denial::not_found("User", "1").into()),
                Some(Step::Unavailable) => Err(StoreError::Unavailable("locked".into()).into()),
                Some(Step::Nothing) | None => Ok(e.clone()),
            }
        }
    }

    struct Home {
        _directory: TempDir,
        path: PathBuf,
        clock: FakeClock,
        claims: Claims,
        random: SeededRandom,
        ring: KeyRing,
        store: Sqlite,
    }

    impl Home {
        fn keeping(idempotency_bytes: u64) -> Self {
            let directory = tempfile::tempdir().unwrap();
            let path = directory.path().join("keyward.db");
            let (clock, random) = (FakeClock::new(), SeededRandom::new(1));
            let root = RootSecret::generate(&random).unwrap();
            let claims = Claims::new(&root);
            let ring = KeyRing::new(KeyFormat::new("lev_sk_").unwrap(), &root).unwrap();
            let store = Sqlite::open(&Options {
                path: &path,
                components: &[],
                root_secret_checks: &[(1, "check".to_owned())],
                schema: keyward_sqlite::Schema::Make,
                tiers: keyward_core::swap::Swap::new(keyward_core::limits::Tiers::default()),
                idempotency_bytes,
                clock: Arc::new(clock.clone()),
            });
            Self { _directory: directory, path, clock, claims, random, ring, store: store.unwrap() }
        }

        fn new() -> Self {
            Self::keeping(KEPT_BYTES)
        }

        fn claim(&self, number: u128, path: &str) -> Claim {
            let scope = Scope { account: None, user: UserId(1) };
            let print = Fingerprint::of("POST", path, "", None);
            self.claims.claim(scope, Uuid::from_u128(number), print, &self.random).unwrap()
        }

        async fn by<E: Effect>(
            &self,
            effect: E,
            permit: Permit<E::Action>,
        ) -> Result<Ended<E::Done>, StoreError>
        where
            Sqlite: Commit<E>,
        {
            let context = Context { request_id: Uuid::nil(), address: None, origin_app: "test".to_owned() };
            self.store.commit(effect, permit, context, None, At::Store).await
        }

        async fn tried<E: Effect<Action = Administer>>(
            &self,
            effect: E,
            claim: Option<Claim>,
        ) -> Result<Ended<E::Done>, StoreError>
        where
            Sqlite: Commit<E>,
        {
            let context = Context { request_id: Uuid::nil(), address: None, origin_app: "test".to_owned() };
            self.store.commit(effect, operator(), context, claim, At::Store).await
        }

        async fn holds(&self, effect: End, claim: Option<Claim>) {
            let held = self.tried(effect, claim).await;
            assert!(matches!(held, Err(StoreError::Held(_))), "it is not acknowledged, and holds");
        }

        async fn account(&self, slug: &str, claim: Option<Claim>) -> Result<AccountId, Denial> {
            let (slug, name) = (slug.to_owned(), "Acme".to_owned());
            let effect = CreateAccount { slug, name, account_type: None, tier: Tier::Free };
            match self.tried(effect, claim).await.unwrap() {
                Ended::Done(id, _) => Ok(id),
                Ended::Replayed(_) => panic!("nothing was asked twice"),
                Ended::Refused(denial) => Err(denial),
            }
        }

        fn written(&self) -> i64 {
            number(&self.path, "SELECT count(*) FROM audit WHERE action = 'test.end'").unwrap()
        }

        fn kept(&self) -> i64 {
            number(&self.path, "SELECT count(*) FROM idempotency").unwrap()
        }

        fn unwritten(&self) -> u64 {
            self.store.figures().endings_unwritten
        }

        async fn room_again(&self) {
            self.store.fill_disk(false).await.unwrap();
            self.store.try_writing().await.unwrap();
        }
    }

    #[tokio::test]
    async fn what_one_user_loses_in_two_accounts_waits_twice() {
        let home = Home::new();
        let (one, two) = (home.account("one", None).await.unwrap(), home.account("two", None).await.unwrap());
        home.store.fill_disk(true).await.unwrap();
        for account in [one, two, one, two] {
            home.holds(End { account: Some(account), ..end(7) }, None).await;
        }
        assert_eq!(home.unwritten(), 2, "each once");
        home.room_again().await;
        assert_eq!((home.written(), home.unwritten()), (2, 0));
    }

    #[tokio::test]
    async fn an_ending_whose_claim_was_used_meanwhile_is_written_without_it() {
        let home = Home::new();
        home.store.fill_disk(true).await.unwrap();
        for user in [1, 2] {
            home.holds(end(user), Some(home.claim(1, &format!("/{user}")))).await;
        }
        home.room_again().await;
        assert_eq!((home.written(), home.unwritten(), home.kept()), (2, 0, 1));
        let again = home.tried(end(1), Some(home.claim(1, "/1"))).await.unwrap();
        assert!(
            matches!(again, Ended::Replayed(_) | Ended::Refused(Denial::OperatorOnly)),
            "the first has it"
        );
        let other = home.tried(end(2), Some(home.claim(1, "/2"))).await.unwrap();
        assert!(matches!(other, Ended::Refused(Denial::IdempotencyKeyReused)));
        assert!(home.store.counts_answers_right().await.unwrap());
    }

    #[tokio::test]
    async fn an_ending_takes_the_place_of_an_answer_that_is_a_day_old() {
        let home = Home::new();
        home.account("one", Some(home.claim(1, "/"))).await.unwrap();
        home.clock.run(KEPT_SECONDS);
        home.store.fill_disk(true).await.unwrap();
        home.holds(end(1), Some(home.claim(1, "/1"))).await;
        home.room_again().await;
        assert_eq!((home.written(), home.unwritten(), home.kept()), (1, 0, 1));
        let other = home.tried(end(2), Some(home.claim(1, "/2"))).await.unwrap();
        assert!(
            matches!(other, Ended::Refused(Denial::IdempotencyKeyReused)),
            "the ending has its answer kept"
        );
        assert!(home.store.counts_answers_right().await.unwrap());
    }

    #[tokio::test]
    async fn an_ending_whose_writing_panics_stays_counted_and_can_be_repeated() {
        let home = Home::new();
        home.store.fill_disk(true).await.unwrap();
        home.holds(end(1).then(Step::Panic), None).await;
        home.holds(end(2), None).await;
        home.room_again().await;
        assert_eq!((home.written(), home.unwritten()), (1, 1), "it takes no other with it");
        home.account("one", None).await.unwrap();
        home.store.fill_disk(true).await.unwrap();
        home.holds(end(1), None).await;
        home.room_again().await;
        assert_eq!((home.written(), home.unwritten()), (2, 1), "a repetition is executed");
    }

    #[tokio::test]
    async fn an_ending_that_is_over_already_is_done() {
        let home = Home::new();
        home.store.fill_disk(true).await.unwrap();
        home.holds(end(1).then(Step::NotFound), None).await;
        home.room_again().await;
        assert_eq!((home.written(), home.unwritten(), home.store.write_fault()), (0, 0, None));
    }

    #[tokio::test]
    async fn as_long_as_an_ending_waits_the_store_reports_a_fault() {
        let home = Home::new();
        home.store.fill_disk(true).await.unwrap();
        home.holds(end(1), None).await;
        home.store.fill_disk(false).await.unwrap();
        let lock = WriteLock::take(&home.path).unwrap();
        assert!(home.store.try_writing().await.is_err());
        assert!(home.store.write_fault().is_some());
        drop(lock);
        home.store.try_writing().await.unwrap();
        assert_eq!((home.written(), home.unwritten(), home.store.write_fault()), (1, 0, None));
    }

    fn stranger(name: &str) -> CreateUser {
        CreateUser {
            uuid: name.to_owned(),
            email: format!("{name}@acme.example"),
            first_name: String::new(),
            last_name: String::new(),
            title: None,
            password_hash: None,
        }
    }

    #[tokio::test]
    async fn a_user_who_is_disabled_while_the_disk_is_full_is_not_forgotten() {
        let home = Home::new();
        let Ok(Ended::Done(user, _)) = home.tried(stranger("u"), None).await else {
            panic!("a user is made")
        };
        home.store.fill_disk(true).await.unwrap();
        let held = home.tried(SetUserDisabled { user, disabled: true }, None).await;
        assert!(matches!(held, Err(StoreError::Held(_))));
        let forget = async || home.store.forget(At::Store, Retention::default()).await;
        assert!(forget().await.is_err(), "nothing is forgotten before what waits is written");
        home.store.fill_disk(false).await.unwrap();
        assert_eq!(forget().await.unwrap(), 0);
        let disabled = "SELECT count(*) FROM users WHERE disabled_at IS NOT NULL";
        assert_eq!((number(&home.path, disabled).unwrap(), home.unwritten()), (1, 0));
    }

    /// An account, its admin's permit, and somebody whom the admin invited.
    async fn invited(home: &Home) -> (Permit<ManageTeam>, UserId) {
        use keyward_core::role::Role;
        use keyward_core::write::member::AddMember;
        let account = home.account("acme", None).await.unwrap();
        let admin = CreateUser { first_name: "Ada".to_owned(), ..stranger("admin") };
        let Ok(Ended::Done(user, _)) = home.tried(admin, None).await else { panic!("a user is made") };
        home.tried(AddMember { account, user, role: Role::Admin }, None).await.unwrap();
        let key = home.ring.mint(&home.random).unwrap();
        let (label, grant) = (String::new(), Grant::FullAccess);
        let issue =
            IssueKey { account, user, label, grant, expires_at: None, allowed_ips: None, secret: key };
        let Ok(Ended::Done(made, _)) = home.tried(issue, None).await else { panic!("a key is made") };
        let permit = || {
            let live = home.store.directory().read();
            let from = ClientAddress::Known([127, 0, 0, 1].into());
            let admitted = home.ring.admit(made.secret.expose(), from, &live, home.clock.now()).unwrap();
            check::<ManageTeam>(Principal::of(admitted.caller)).unwrap()
        };
        let (uuid, email) = ("s".to_owned(), "s@acme.example".to_owned());
        let invite = Invite { uuid, email, role: Role::Viewer };
        let Ok(Ended::Done(invited, _)) = home.by(invite, permit()).await else { panic!("invited") };
        (permit(), invited.member.user)
    }

    fn dismiss(user: UserId) -> Dismiss {
        Dismiss { user: Some(user), as_sent: String::new() }
    }

    const DISABLED: &str =
        "SELECT count(*) FROM users WHERE email = 's@acme.example' AND disabled_at IS NOT NULL";

    #[tokio::test]
    async fn a_dismissal_while_a_disabling_waits_takes_nobody_away() {
        let home = Home::new();
        let (permit, user) = invited(&home).await;
        home.store.fill_disk(true).await.unwrap();
        let first = end(9).then(Step::Unavailable);
        first.steps.lock().unwrap().push_back(Step::Unavailable);
        home.holds(first, None).await;
        let held = home.tried(SetUserDisabled { user, disabled: true }, None).await;
        assert!(matches!(held, Err(StoreError::Held(_))));
        // There is room again, and what waits cannot be written just before.
        home.store.fill_disk(false).await.unwrap();
        assert!(matches!(home.by(dismiss(user), permit).await, Ok(Ended::Done(..))));
        assert_eq!(home.unwritten(), 2, "both wait still");
        home.store.try_writing().await.unwrap();
        assert_eq!((number(&home.path, DISABLED).unwrap(), home.unwritten()), (1, 0));
    }

    #[tokio::test]
    async fn a_dismissal_that_waits_before_a_disabling_takes_nobody_away() {
        let home = Home::new();
        let (permit, user) = invited(&home).await;
        home.store.fill_disk(true).await.unwrap();
        assert!(matches!(home.by(dismiss(user), permit).await, Err(StoreError::Held(_))));
        let held = home.tried(SetUserDisabled { user, disabled: true }, None).await;
        assert!(matches!(held, Err(StoreError::Held(_))));
        home.room_again().await;
        assert_eq!((number(&home.path, DISABLED).unwrap(), home.unwritten()), (1, 0));
        assert_eq!(number(&home.path, "SELECT count(*) FROM invitations").unwrap(), 0, "and it is dismissed");
    }

    #[tokio::test]
    async fn what_must_end_ends_though_there_is_no_room_for_its_answer() {
        let home = Home::keeping(600);
        let full = async || {
            for number in 1..10 {
                let claim = home.claim(number, "/");
                if let Err(denial) = home.account(&format!("a{number}"), Some(claim)).await {
                    return denial;
                }
            }
            panic!("it never got full")
        };
        assert_eq!(full().await, Denial::IdempotencyFull(600));
        let ended = home.tried(end(1), Some(home.claim(20, "/1"))).await.unwrap();
        assert!(matches!(ended, Ended::Done(..)));
        let nothing = home.tried(End { changed: false, ..end(1) }, Some(home.claim(21, "/1"))).await.unwrap();
        assert!(matches!(nothing, Ended::Refused(Denial::IdempotencyFull(600))), "a repetition ends nothing");
        assert!(home.store.counts_answers_right().await.unwrap());
    }
}

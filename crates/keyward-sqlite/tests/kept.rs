//! What is kept is bounded, and what is revoked holds, also where the disk is full.

#![cfg(feature = "fault-injection")]
#![expect(clippy::disallowed_methods, reason = "the tests do as the operator and the callers do")]

#[cfg(test)]
mod kept {
    use keyward_core::address::ClientAddress;
    use keyward_core::api_key::{KeyFormat, KeyRing, Wanted, WantedGrant};
    use keyward_core::clock::{At, Clock, Timestamp};
    use keyward_core::denial::Denial;
    use keyward_core::effect::{Commit, Context, Effect, Ended};
    use keyward_core::grant::Grant;
    use keyward_core::id::{AccountId, KeyId, UserId};
    use keyward_core::idempotency::{Claims, Fingerprint, Scope};
    use keyward_core::input::Field;
    use keyward_core::limits::Overrides;
    use keyward_core::permit::{ManageKeys, Permit, check, operator};
    use keyward_core::principal::Principal;
    use keyward_core::role::Role;
    use keyward_core::root_secret::RootSecret;
    use keyward_core::store::{OperatorReads, Retention, StoreError, Upkeep};
    use keyward_core::tier::Tier;
    use keyward_core::write::account::CreateAccount;
    use keyward_core::write::disabling::SetUserDisabled;
    use keyward_core::write::key::{CreateKey, IssueKey, KeyMade, RevokeKey, RotateKey};
    use keyward_core::write::limits::SetLimits;
    use keyward_core::write::member::AddMember;
    use keyward_core::write::user::CreateUser;
    use keyward_sqlite::faults::{integrity, number};
    use keyward_sqlite::{Options, Sqlite};
    use keyward_testkit::{FakeClock, SeededRandom};
    use std::net::{IpAddr, Ipv4Addr};
    use std::path::PathBuf;
    use std::sync::Arc;
    use tempfile::TempDir;
    use uuid::Uuid;

    const FROM: ClientAddress = ClientAddress::Known(IpAddr::V4(Ipv4Addr::LOCALHOST));
    const DAY: i64 = 86_400;

    /// A store with one account, an admin, and a key of it.
    struct Home {
        _directory: TempDir,
        path: PathBuf,
        clock: FakeClock,
        ring: KeyRing,
        claims: Claims,
        random: SeededRandom,
        account: AccountId,
        user: UserId,
        key: KeyMade,
        store: Sqlite,
    }

    fn open(path: &std::path::Path, clock: &FakeClock, idempotency_bytes: u64) -> Sqlite {
        let options = Options {
            path,
            components: &[],
            root_secret_checks: &[(1, "check".to_owned())],
            schema: keyward_sqlite::Schema::Make,
            tiers: keyward_core::swap::Swap::new(keyward_core::limits::Tiers::default()),
            idempotency_bytes,
            clock: Arc::new(clock.clone()),
        };
        Sqlite::open(&options).unwrap()
    }

    fn context() -> Context {
        Context { request_id: Uuid::nil(), address: None, origin_app: "test".to_owned() }
    }

    async fn tried<E: Effect>(
        store: &Sqlite,
        effect: E,
        permit: Permit<E::Action>,
    ) -> Result<Ended<E::Done>, StoreError>
    where
        Sqlite: Commit<E>,
    {
        store.commit(effect, permit, context(), None, At::Store).await
    }

    async fn done<E: Effect>(store: &Sqlite, effect: E) -> E::Done
    where
        Sqlite: Commit<E>,
    {
        match tried(store, effect, operator()).await.unwrap() {
            Ended::Done(done, _) => done,
            other => panic!("{:?}", std::mem::discriminant(&other)),
        }
    }

    impl Home {
        async fn new() -> Self {
            Self::keeping(keyward_core::idempotency::KEPT_BYTES).await
        }

        async fn keeping(bytes: u64) -> Self {
            let directory = tempfile::tempdir().unwrap();
            let path = directory.path().join("keyward.db");
            let (clock, random) = (FakeClock::new(), SeededRandom::new(1));
            let root = RootSecret::generate(&random).unwrap();
            let ring = KeyRing::new(KeyFormat::new("lev_sk_").unwrap(), &root).unwrap();
            let store = open(&path, &clock, bytes);
            let (slug, name) = ("acme".to_owned(), "Acme".to_owned());
            let account =
                done(&store, CreateAccount { slug, name, account_type: None, tier: Tier::Enterprise }).await;
            let overrides = Overrides { keys: Some(10_000), ..Overrides::default() };
            done(&store, SetLimits { account, overrides }).await;
            let user = CreateUser {
                uuid: "u".to_owned(),
                email: "u@acme.example".to_owned(),
                first_name: "U".to_owned(),
                last_name: String::new(),
                title: None,
                password_hash: None,
            };
            let user = done(&store, user).await;
            done(&store, AddMember { account, user, role: Role::Admin }).await;
            let secret = ring.mint(&random).unwrap();
            let issue = IssueKey {
                account,
                user,
                label: "k".to_owned(),
                grant: Grant::FullAccess,
                expires_at: None,
                allowed_ips: None,
                secret,
            };
            let key = done(&store, issue).await;
            let claims = Claims::new(&root);
            Self { _directory: directory, path, clock, ring, claims, random, account, user, key, store }
        }

        fn reopen(mut self) -> Self {
            // The store before closes its file when it is dropped, and only then can the next open it.
            let elsewhere = open(&self.path.with_extension("other"), &self.clock, 1);
            drop(std::mem::replace(&mut self.store, elsewhere));
            self.store = open(&self.path, &self.clock, keyward_core::idempotency::KEPT_BYTES);
            self
        }

        fn admit(&self, key: &KeyMade) -> Result<Principal, Denial> {
            let live = self.store.directory().read();
            self.ring
                .admit(key.secret.expose(), FROM, &live, self.clock.now())
                .map(|key| Principal::of(key.caller))
        }

        fn permit(&self) -> Permit<ManageKeys> {
            check(self.admit(&self.key).unwrap()).unwrap()
        }

        async fn make(&self, expires_at: Option<Timestamp>) -> KeyMade {
            let secret = self.ring.mint(&self.random).unwrap();
            let expires_at = expires_at.map_or(Field::Absent, Field::Value);
            let wanted = Wanted { grant: WantedGrant::AsMaker, expires_at, allowed_ips: Field::Absent };
            let create = CreateKey { label: "made".to_owned(), wanted, secret };
            match tried(&self.store, create, self.permit()).await.unwrap() {
                Ended::Done(made, _) => made,
                _ => panic!("a key is made"),
            }
        }

        fn revoking(&self, key: &KeyMade) -> RevokeKey {
            RevokeKey { key: Some(key.key.id), as_sent: key.key.id.to_string(), descendants: false }
        }

        fn rows(&self, sql: &str) -> i64 {
            number(&self.path, sql).unwrap()
        }
    }

    #[tokio::test]
    async fn a_revocation_on_a_full_disk_holds_at_once_and_is_written_once_there_is_room() {
        let home = Home::new().await;
        let (doomed, other) = (home.make(None).await, home.make(None).await);
        home.store.fill_disk(true).await.unwrap();
        home.clock.advance(10);
        let refused = tried(&home.store, home.revoking(&doomed), operator()).await;
        assert!(matches!(refused, Err(StoreError::Held(_))), "it is not acknowledged: {refused:?}");
        assert_eq!(home.admit(&doomed).err(), Some(Denial::KeyRevoked), "and holds");
        let again = tried(&home.store, home.revoking(&doomed), operator()).await;
        assert!(matches!(again, Err(StoreError::Held(_))), "a repetition has the same answer");
        // By the key itself, which is dead then: it is written with the rights of before.
        let itself =
            keyward_core::permit::check_or_itself(home.admit(&other).unwrap(), Some(other.key.id)).unwrap();
        assert!(matches!(tried(&home.store, home.revoking(&other), itself).await, Err(StoreError::Held(_))));
        let disabled = SetUserDisabled { user: home.user, disabled: true };
        assert!(matches!(tried(&home.store, disabled, operator()).await, Err(StoreError::Held(_))));
        assert_eq!(home.admit(&home.key).err(), Some(Denial::UserDisabled));
        assert_eq!(home.store.figures().endings_unwritten, 3, "each once");
        assert_eq!(home.store.write_fault(), Some("its disk is full"));
        assert!(home.store.try_writing().await.is_err(), "there is no room yet");
        assert_eq!(home.rows("SELECT count(*) FROM api_keys WHERE revoked_at IS NOT NULL"), 0);
        home.store.read(|reads| reads.first("SELECT 1", [], |_| Ok(()))).await.unwrap();

        home.store.fill_disk(false).await.unwrap();
        home.clock.advance(10);
        home.store.try_writing().await.unwrap();
        assert_eq!((home.store.write_fault(), home.store.figures().endings_unwritten), (None, 0));
        let revoked = home.rows("SELECT revoked_at FROM api_keys WHERE id = 2");
        assert_eq!(revoked, home.clock.now().unix() - 10, "as of the moment at which it was done");
        assert_eq!(home.rows("SELECT count(*) FROM audit WHERE action = 'api_key.revoke'"), 2);
        let home = home.reopen();
        for key in [&doomed, &other] {
            assert_eq!(home.admit(key).err(), Some(Denial::KeyRevoked), "also after a restart");
        }
        assert_eq!(home.admit(&home.key).err(), Some(Denial::UserDisabled));
        assert_eq!(integrity(&home.path).unwrap(), "ok");
    }

    #[tokio::test]
    async fn what_gives_a_right_does_not_hold_on_a_full_disk_and_overtakes_no_revocation() {
        let home = Home::new().await;
        let doomed = home.make(None).await;
        done(&home.store, SetUserDisabled { user: home.user, disabled: true }).await;
        home.store.fill_disk(true).await.unwrap();
        let enabled =
            tried(&home.store, SetUserDisabled { user: home.user, disabled: false }, operator()).await;
        assert!(matches!(enabled, Err(StoreError::Unavailable(_))), "{enabled:?}");
        assert_eq!(
            home.admit(&doomed).err(),
            Some(Denial::UserDisabled),
            "nobody is enabled in memory alone"
        );
        home.store.fill_disk(false).await.unwrap();
        done(&home.store, SetUserDisabled { user: home.user, disabled: false }).await;

        home.store.fill_disk(true).await.unwrap();
        tried(&home.store, home.revoking(&doomed), operator()).await.unwrap_err();
        home.store.fill_disk(false).await.unwrap();
        // Its row said nothing of the revocation yet: a rotation that read it so would give the key back.
        let secret = home.ring.mint(&home.random).unwrap();
        let rotate =
            RotateKey { key: Some(doomed.key.id), as_sent: "2".to_owned(), grace_seconds: 0, secret };
        let rotated = tried(&home.store, rotate, operator()).await.unwrap();
        assert!(matches!(rotated, Ended::Refused(Denial::NotFound { .. })), "{rotated:?}");
        assert_eq!(home.admit(&doomed).err(), Some(Denial::KeyRevoked));
        assert_eq!(home.store.write_fault(), None, "a write that succeeded says so");
    }

    #[tokio::test]
    async fn a_stop_with_room_writes_what_holds_in_memory() {
        let home = Home::new().await;
        let doomed = home.make(None).await;
        home.store.fill_disk(true).await.unwrap();
        tried(&home.store, home.revoking(&doomed), operator()).await.unwrap_err();
        home.store.fill_disk(false).await.unwrap();
        let home = home.reopen();
        assert_eq!(home.admit(&doomed).err(), Some(Denial::KeyRevoked));
    }

    #[tokio::test]
    async fn a_start_loads_live_keys_and_of_the_others_digests() {
        let home = Home::new().await;
        let mut revoked = Vec::new();
        for _ in 0..20 {
            let key = home.make(None).await;
            done(&home.store, home.revoking(&key)).await;
            revoked.push(key);
        }
        let home = home.reopen();
        let (keys, retired) = {
            let live = home.store.directory().read();
            (live.keys(), live.retired_digests())
        };
        assert_eq!((keys, retired), (1, 20));
        assert!(revoked.iter().all(|key| home.admit(key).err() == Some(Denial::KeyRevoked)));
        assert_eq!(home.store.directory().read().live_keys(home.account, home.clock.now()), 1);
        let row = home.store.key(revoked[0].key.id).await.unwrap().unwrap();
        assert!(row.revoked_at.is_some(), "the database has the rest");
        assert_eq!(home.store.keys(Some(home.account), KeyId(0), 100).await.unwrap().items.len(), 1);
    }

    #[tokio::test]
    async fn a_key_that_ended_leaves_memory_and_stays_ended_when_the_clock_goes_back() {
        let home = Home::new().await;
        let brief = home.make(Some(home.clock.now().plus_seconds(DAY))).await;
        let forget = async || home.store.forget(At::Store, Retention::default()).await.unwrap();
        home.clock.run(7 * DAY);
        forget().await;
        assert_eq!(home.store.directory().read().keys(), 2, "for a week it stays");
        home.clock.run(2 * DAY);
        forget().await;
        assert_eq!(home.store.directory().read().keys(), 1);
        assert_eq!(home.admit(&brief).err(), Some(Denial::KeyExpired), "it is told apart");
        home.clock.advance(-9 * DAY);
        forget().await;
        assert_eq!(home.admit(&brief).err(), Some(Denial::KeyExpired), "what has ended stays ended");
    }

    #[tokio::test]
    async fn old_rows_of_the_audit_trail_go_and_no_number_is_given_twice() {
        let home = Home::new().await;
        home.store
        .on_writer(
            "INSERT INTO audit (at, credential_kind, action, subject_kind, subject_id, origin_app, request_id, attempt)
             SELECT 1, 'oauth_client', 'oauth_client.register', 'oauth_client', value, '', '', 1
             FROM (WITH RECURSIVE n(value) AS (SELECT 1 UNION ALL SELECT value + 1 FROM n WHERE value < 1200) SELECT value FROM n)",
        )
        .await
        .unwrap();
        let trail = "SELECT count(*) FROM audit WHERE attempt IS NULL";
        let (before, last) = (home.rows(trail), "SELECT max(account_seq) FROM audit");
        let mut batches = Vec::new();
        while let gone @ 1.. = home.store.forget(At::Store, Retention::default()).await.unwrap() {
            batches.push(gone);
        }
        assert_eq!(batches, [500, 500, 200], "in bounded batches");
        assert_eq!(
            home.rows("SELECT count(*) FROM audit WHERE attempt IS NOT NULL"),
            0,
            "what strangers caused"
        );
        assert_eq!(home.rows(trail), before, "changes are kept for ever");

        let highest = home.rows(last);
        let ahead = "INSERT INTO audit (id, at, credential_kind, action, subject_kind, subject_id, origin_app, request_id)
            SELECT -value, 9000000000, 'background', 'test', 'account', 1, '', ''
            FROM (WITH RECURSIVE n(value) AS (SELECT 1 UNION ALL SELECT value + 1 FROM n WHERE value < 600) SELECT value FROM n)";
        home.store.on_writer(ahead).await.unwrap();
        home.clock.run(31 * DAY);
        let keep = Retention { changes: Some(30), ..Retention::default() };
        let gone = home.store.forget(At::Store, keep).await.unwrap();
        assert_eq!(
            (gone, home.rows("SELECT count(*) FROM audit")),
            (usize::try_from(before).unwrap(), 600),
            "rows of a clock that was ahead are not in the way"
        );
        home.make(None).await;
        assert_eq!(home.rows(last), highest + 1, "the numbers of an account go on");
        assert_eq!(integrity(&home.path).unwrap(), "ok");
    }

    #[tokio::test]
    async fn an_account_whose_kept_answers_fill_its_space_gets_no_further_and_each_that_was_given_is_replayed()
     {
        let home = Home::keeping(3_000).await;
        let ask = async |number: u128, at: i64| {
            let scope = Scope { account: Some(home.account), user: home.user };
            let print = Fingerprint::of("POST", "/api-keys", "", None);
            let claim = home.claims.claim(scope, Uuid::from_u128(number), print, &home.random).unwrap();
            let make = CreateKey {
                label: "made".to_owned(),
                wanted: Wanted {
                    grant: WantedGrant::AsMaker,
                    expires_at: Field::Absent,
                    allowed_ips: Field::Absent,
                },
                secret: home.ring.mint(&home.random).unwrap(),
            };
            let at = At::Fixed(home.clock.now().plus_seconds(at));
            home.store.commit(make, home.permit(), context(), Some(claim), at).await.unwrap()
        };
        let mut given = 0;
        let refused = loop {
            match ask(given, 0).await {
                Ended::Done(..) => given += 1,
                Ended::Refused(denial) => break denial,
                Ended::Replayed(_) => panic!("nothing was asked twice"),
            }
            assert!(given < 100, "it never got full");
            assert!(home.store.counts_answers_right().await.unwrap());
        };
        assert_eq!(refused, Denial::IdempotencyFull(600));
        assert!(given >= 3, "some were kept: {given}");
        // A key whose answer cannot be opened again is a retry too: it is known, and not done twice.
        for number in 0..given {
            let again = ask(number, 10).await;
            assert!(
                matches!(again, Ended::Replayed(_) | Ended::Refused(Denial::SecretAlreadyShown(_))),
                "{number}: {again:?}"
            );
        }
        home.make(None).await;
        home.clock.run(DAY);
        while home.store.purge(At::Store).await.unwrap() > 0 {}
        assert!(home.store.counts_answers_right().await.unwrap());
        assert!(matches!(ask(1_000, 0).await, Ended::Done(..)), "after a day there is room again");
    }

    #[tokio::test]
    async fn one_accounts_burst_is_refused_beyond_its_share_and_leaves_room_for_others() {
        let home = Home::new().await;
        let (go, held) = std::sync::mpsc::channel::<()>();
        let mut tasks = tokio::task::JoinSet::new();
        let store = home.store.clone();
        tasks.spawn(async move {
            let until = move || assert!(held.recv().is_ok());
            store.hold_writer(until).await.unwrap();
            None
        });
        while home.store.figures().writes_waiting < 1 {
            tokio::task::yield_now().await;
        }
        for _ in 0..300 {
            let wanted =
                Wanted { grant: WantedGrant::AsMaker, expires_at: Field::Absent, allowed_ips: Field::Absent };
            let secret = home.ring.mint(&home.random).unwrap();
            let effect = CreateKey { label: "burst".to_owned(), wanted, secret };
            let (store, permit) = (home.store.clone(), home.permit());
            tasks.spawn(async move { Some(tried(&store, effect, permit).await) });
        }
        while home.store.figures().writes_waiting < 257 {
            tokio::task::yield_now().await;
        }
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
        let (store, user) = (home.store.clone(), home.user);
        let other = tokio::spawn(async move {
            tried(&store, SetUserDisabled { user, disabled: false }, operator()).await
        });
        go.send(()).unwrap();
        assert!(matches!(other.await.unwrap(), Ok(Ended::Done(..))), "the operator's write is not concerned");
        let burst: Vec<_> = tasks.join_all().await.into_iter().flatten().collect();
        let busy = burst.iter().filter(|ended| matches!(ended, Err(StoreError::Busy))).count();
        let made = burst.iter().filter(|ended| matches!(ended, Ok(Ended::Done(..)))).count();
        assert_eq!((made, busy), (256, 44));
    }
}

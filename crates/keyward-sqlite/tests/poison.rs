//! A row that is not as it must be is left out with an alarm: whoever depended on it is refused, everyone else goes on,
//! and nobody gains a right.

#![cfg(feature = "fault-injection")]

#[cfg(test)]
mod poison {
    use keyward_core::api_key::{KeyFormat, KeyRing};
    use keyward_core::clock::{At, Clock};
    use keyward_core::denial::Denial;
    use keyward_core::effect::{Commit, Context, Effect, Ended};
    use keyward_core::grant::Grant;
    use keyward_core::list::{From, Window};
    use keyward_core::permit::{ReadAccount, check, operator};
    use keyward_core::principal::{Caller, Principal};
    use keyward_core::role::Role;
    use keyward_core::root_secret::RootSecret;
    use keyward_core::scope::{Scope, ScopeSet};
    use keyward_core::store::{KeyReads, KeysOf, Upkeep};
    use keyward_core::tier::Tier;
    use keyward_core::write::account::CreateAccount;
    use keyward_core::write::key::{IssueKey, RevokeKey};
    use keyward_core::write::member::AddMember;
    use keyward_core::write::user::CreateUser;
    use keyward_sqlite::faults::change_by_force;
    use keyward_sqlite::{Options, Sqlite};
    use keyward_testkit::{FakeClock, SeededRandom};
    use std::path::Path;
    use std::sync::Arc;
    use uuid::Uuid;

    fn open(path: &Path) -> Sqlite {
        let options = Options {
            path,
            components: &[],
            root_secret_checks: &[(1, "check".to_owned())],
            schema: keyward_sqlite::Schema::Make,
            idempotency_bytes: keyward_core::idempotency::KEPT_BYTES,
            tiers: keyward_core::swap::Swap::new(keyward_core::limits::Tiers::default()),
            clock: Arc::new(FakeClock::new()),
        };
        Sqlite::open(&options).unwrap()
    }

    #[expect(clippy::disallowed_methods, reason = "the tests set up accounts as the operator does")]
    async fn done<E: Effect>(store: &Sqlite, effect: E) -> E::Done
    where
        Sqlite: Commit<E>,
    {
        let context = Context { request_id: Uuid::nil(), address: None, origin_app: "test".to_owned() };
        match store.commit(effect, operator(), context, None, At::Store).await.unwrap() {
            Ended::Done(done, _) => done,
            Ended::Replayed(_) => panic!("nothing was claimed"),
            Ended::Refused(denial) => panic!("{denial:?}"),
        }
    }

    /// Two members of one account with a key of two scopes each; one's rows are spoilt, then the store is opened again.
    /// What the spoilt one's key is told, and what the other may still do.
    async fn after(spoil: &str) -> (Result<Caller, Denial>, ScopeSet, u64) {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("keyward.db");
        let random = SeededRandom::new(1);
        let ring = KeyRing::new(KeyFormat::new("lev_sk_").unwrap(), &RootSecret::generate(&random).unwrap())
            .unwrap();
        let mut keys = Vec::new();
        {
            let store = open(&path);
            for name in ["spoilt", "sound"] {
                let account = CreateAccount {
                    slug: name.to_owned(),
                    name: name.to_owned(),
                    account_type: None,
                    tier: Tier::Free,
                };
                let account = done(&store, account).await;
                let user = CreateUser {
                    uuid: name.to_owned(),
                    email: name.to_owned(),
                    first_name: String::new(),
                    last_name: String::new(),
                    title: None,
                    password_hash: None,
                };
                let user = done(&store, user).await;
                done(&store, AddMember { account, user, role: Role::Viewer }).await;
                let grant = Grant::Fixed([Scope::DealsRead, Scope::AccountRead].into_iter().collect());
                let secret = ring.mint(&random).unwrap();
                keys.push(
                    done(
                        &store,
                        IssueKey {
                            account,
                            user,
                            label: "k".to_owned(),
                            grant,
                            expires_at: None,
                            allowed_ips: None,
                            secret,
                        },
                    )
                    .await
                    .secret,
                );
            }
        }
        change_by_force(&path, &format!("{WITHOUT_RULES} {spoil}")).unwrap();
        let store = open(&path);
        let live = store.directory().read();
        let now = FakeClock::new().now();
        let admit = |key: usize| {
            let admitted = ring.admit(
                keys[key].expose(),
                keyward_core::address::ClientAddress::Known([127, 0, 0, 1].into()),
                &live,
                now,
            );
            admitted.map(|admitted| admitted.caller)
        };
        (admit(0), Principal::of(admit(1).unwrap()).scopes, store.figures().rows_left_out)
    }

    /// Every policy table without its rules, so that anything can stand in it: null, twice the same, any word.
    const WITHOUT_RULES: &str = "
        PRAGMA foreign_keys = OFF;
        CREATE TABLE a AS SELECT * FROM accounts; DROP TABLE accounts; ALTER TABLE a RENAME TO accounts;
        CREATE TABLE u AS SELECT * FROM users; DROP TABLE users; ALTER TABLE u RENAME TO users;
        CREATE TABLE m AS SELECT * FROM memberships; DROP TABLE memberships; ALTER TABLE m RENAME TO memberships;
        CREATE TABLE k AS SELECT * FROM api_keys; DROP TABLE api_keys; ALTER TABLE k RENAME TO api_keys;
        CREATE TABLE s AS SELECT * FROM api_key_secrets; DROP TABLE api_key_secrets;
        ALTER TABLE s RENAME TO api_key_secrets;";

    #[tokio::test]
    async fn without_rules_but_with_sound_rows_everyone_is_admitted() {
        let (one, other, left_out) = after("").await;
        assert_eq!((one.is_ok(), other.names().len(), left_out), (true, 2, 0));
    }

    #[tokio::test]
    async fn a_poisoned_row_is_left_out_with_an_alarm_and_nobody_gains_a_right() {
        use Denial::{AccountDisabled, KeyUnknown, NotAMember, UserDisabled};
        // 1 MB of whatever.
        let large = "replace(hex(zeroblob(500000)), '00', 'deals:read ')";
        let cases: &[(&str, &[&str], Denial)] = &[
            (
                "UPDATE accounts SET",
                &[
                    "tier = 'gold'",
                    "tier = ''",
                    "tier = NULL",
                    "tier = 7",
                    "slug = NULL",
                    "slug = LARGE",
                    "name = x'ff'",
                    "reads_per_minute = -1",
                    "writes_per_minute = 100001",
                    "max_keys = 'many'",
                    "max_keys = 0",
                    "max_keys = 4000000000",
                    "id = NULL",
                ],
                AccountDisabled,
            ),
            (
                "UPDATE users SET",
                &["email = NULL", "email = LARGE", "first_name = x'c328'", "disabled_at = 'never'"],
                UserDisabled,
            ),
            (
                "UPDATE memberships SET",
                &[
                    "role = 'owner'",
                    "role = 'ADMIN'",
                    "role = NULL",
                    "role = LARGE",
                    "role = x'00'",
                    "user_id = NULL",
                ],
                NotAMember,
            ),
            (
                "UPDATE api_keys SET",
                &[
                    "scopes = 'deals:read deals:everything'",
                    "scopes = NULL",
                    "scopes = LARGE",
                    "permission = 'full_access'",
                    "permission = 'root', scopes = NULL",
                    "allowed_ips = 'everywhere'",
                    "allowed_ips = ''",
                    "allowed_ips = LARGE",
                    "label = NULL",
                    "label = LARGE",
                    "expires_at = 'never'",
                    "revoked_at = 'no'",
                    "user_id = NULL",
                ],
                KeyUnknown,
            ),
            (
                "UPDATE api_key_secrets SET",
                &[
                    "digest = x'00'",
                    "digest = NULL",
                    "digest = LARGE",
                    "pepper_version = NULL",
                    "ends_at = 'later'",
                ],
                KeyUnknown,
            ),
        ];
        for (table, changes, denial) in cases {
            // Of every table the first row is the one of the key that is spoilt.
            let first = if table.contains("secrets") { "WHERE key_id = 1" } else { "WHERE rowid = 1" };
            for change in *changes {
                let spoil = format!("{table} {} {first}", change.replace("LARGE", large));
                let (spoilt, sound, left_out) = after(&spoil).await;
                assert_eq!(spoilt.err().as_ref(), Some(denial), "{spoil:.120}");
                assert_eq!(sound.names(), ["account:read", "deals:read"], "{spoil:.120}");
                assert_eq!(left_out, 1, "an alarm: {spoil:.120}");
            }
        }
    }

    #[tokio::test]
    async fn a_row_that_is_there_twice_counts_as_none() {
        use Denial::{AccountDisabled, KeyUnknown, NotAMember, UserDisabled};
        for (table, wider, denial) in [
            ("accounts", "tier = 'enterprise'", AccountDisabled),
            ("users", "first_name = 'Another'", UserDisabled),
            ("memberships", "role = 'admin'", NotAMember),
            ("api_keys", "permission = 'full_access', scopes = NULL", KeyUnknown),
            ("api_key_secrets", "key_id = 2", KeyUnknown),
        ] {
            let of_the_spoilt = if table == "api_key_secrets" { "key_id = 1" } else { "rowid = 1" };
            let spoil = format!(
                "CREATE TABLE copy AS SELECT * FROM {table} WHERE {of_the_spoilt}; UPDATE copy SET {wider};
                 INSERT INTO {table} SELECT * FROM copy;"
            );
            let (spoilt, sound, left_out) = after(&spoil).await;
            assert_eq!(spoilt.err(), Some(denial), "{table}");
            assert_eq!(sound.names(), ["account:read", "deals:read"], "{table}");
            assert_eq!(left_out, 2, "{table}");
        }
    }

    #[tokio::test]
    #[expect(clippy::disallowed_methods, reason = "the tests do as the operator does")]
    async fn a_poisoned_key_can_be_revoked_and_hides_no_other() {
        let directory = tempfile::tempdir().unwrap();
        let store = open(&directory.path().join("keyward.db"));
        let random = SeededRandom::new(1);
        let root = RootSecret::generate(&random).unwrap();
        let ring = KeyRing::new(KeyFormat::new("lev_sk_").unwrap(), &root).unwrap();
        let (slug, name) = ("a".to_owned(), "A".to_owned());
        let account = done(&store, CreateAccount { slug, name, account_type: None, tier: Tier::Free }).await;
        let user = CreateUser {
            uuid: "u".to_owned(),
            email: "u".to_owned(),
            first_name: String::new(),
            last_name: String::new(),
            title: None,
            password_hash: None,
        };
        let user = done(&store, user).await;
        done(&store, AddMember { account, user, role: Role::Viewer }).await;
        let mut keys = Vec::new();
        for label in ["sound", "spoilt"] {
            let secret = ring.mint(&random).unwrap();
            let key = IssueKey {
                account,
                user,
                label: label.to_owned(),
                grant: Grant::FullAccess,
                expires_at: None,
                allowed_ips: None,
                secret,
            };
            keys.push(done(&store, key).await);
        }
        store
            .on_writer("UPDATE api_keys SET allowed_ips = 'everywhere' WHERE label = 'spoilt'")
            .await
            .unwrap();
        let admit = |key: usize| {
            let live = store.directory().read();
            let secret = keys[key].secret.expose();
            ring.admit(
                secret,
                keyward_core::address::ClientAddress::Known([127, 0, 0, 1].into()),
                &live,
                FakeClock::new().now(),
            )
        };
        let permit = check::<ReadAccount>(Principal::of(admit(0).unwrap().caller)).unwrap();
        let window = Window { limit: 50, from: From::Offset(Vec::new(), 0) };
        let listed = store.list_keys(&permit, KeysOf::Caller, None, window).await.unwrap();
        assert_eq!(listed.items.iter().map(|key| key.label.as_str()).collect::<Vec<_>>(), ["sound"]);
        assert!(admit(1).is_ok(), "what was known of it before it was spoilt");
        let revoke = RevokeKey { key: Some(keys[1].key.id), as_sent: String::new(), descendants: false };
        let context = Context { request_id: Uuid::nil(), address: None, origin_app: "test".to_owned() };
        let ended = store.commit(revoke, operator(), context, None, At::Store).await.unwrap();
        assert!(matches!(ended, Ended::Done(..)));
        assert_eq!(admit(1).unwrap_err(), Denial::KeyRevoked);
    }

    #[tokio::test]
    async fn a_row_that_points_nowhere_admits_nobody() {
        for (spoil, denial) in [
            ("DELETE FROM accounts WHERE id = 1", Denial::AccountDisabled),
            ("DELETE FROM users WHERE id = 1", Denial::UserDisabled),
            ("DELETE FROM memberships WHERE user_id = 1", Denial::NotAMember),
            ("UPDATE memberships SET user_id = 99 WHERE user_id = 1", Denial::NotAMember),
            ("UPDATE api_key_secrets SET key_id = 99 WHERE key_id = 1", Denial::KeyUnknown),
            ("UPDATE api_keys SET account_id = 99 WHERE id = 1", Denial::AccountDisabled),
        ] {
            let (spoilt, sound, _) = after(spoil).await;
            assert_eq!(spoilt.err(), Some(denial), "{spoil}");
            assert_eq!(sound.names(), ["account:read", "deals:read"], "{spoil}");
        }
    }
}

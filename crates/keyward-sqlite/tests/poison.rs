//! A row that is not as it must be is left out with an alarm: whoever depended on it is refused, everyone else goes on,
//! and nobody gains a right.

#![cfg(feature = "fault-injection")]

#[cfg(test)]
mod poison {
    use keyward_core::account::{AddMember, CreateAccount, CreateUser};
    use keyward_core::api_key::{IssueKey, KeyFormat, KeyRing};
    use keyward_core::clock::{At, Clock};
    use keyward_core::denial::Denial;
    use keyward_core::effect::{Commit, Context, Effect, Ended};
    use keyward_core::permit::operator;
    use keyward_core::principal::{Caller, Grant, Principal};
    use keyward_core::role::Role;
    use keyward_core::root_secret::RootSecret;
    use keyward_core::scope::{Scope, ScopeSet};
    use keyward_core::store::Upkeep;
    use keyward_core::tier::Tier;
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
        match store.commit(effect, operator(), context, At::Store).await.unwrap() {
            Ended::Done(done, _) => done,
            Ended::Refused(denial) => panic!("{denial:?}"),
        }
    }

    /// Two members of one account with a key of two scopes each; one's rows are spoilt, then the store is opened again.
    /// What the spoilt one's key is told, and what the other may still do.
    async fn after(spoil: &'static str) -> (Result<Caller, Denial>, ScopeSet) {
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
                    done(&store, IssueKey { account, user, label: "k".to_owned(), grant, secret })
                        .await
                        .secret,
                );
            }
            store
                .on_writer("PRAGMA ignore_check_constraints = ON; PRAGMA foreign_keys = OFF;")
                .await
                .unwrap();
            store.on_writer(spoil).await.unwrap();
        }
        let store = open(&path);
        let live = store.directory().read();
        let now = FakeClock::new().now();
        let admit = |key: usize| ring.admit(keys[key].expose(), [127, 0, 0, 1].into(), &live, now);
        (admit(0), Principal::of(admit(1).unwrap()).scopes)
    }

    #[tokio::test]
    async fn a_poisoned_row_is_left_out_and_nobody_gains_a_right() {
        for (spoil, denial) in [
            ("UPDATE accounts SET tier = 'gold' WHERE id = 1", Denial::AccountDisabled),
            ("UPDATE accounts SET tier = '' WHERE id = 1", Denial::AccountDisabled),
            ("DELETE FROM accounts WHERE id = 1", Denial::AccountDisabled),
            ("DELETE FROM users WHERE id = 1", Denial::UserDisabled),
            ("UPDATE memberships SET role = 'owner' WHERE user_id = 1", Denial::NotAMember),
            ("UPDATE memberships SET role = 'ADMIN' WHERE user_id = 1", Denial::NotAMember),
            ("UPDATE memberships SET user_id = 99 WHERE user_id = 1", Denial::NotAMember),
            ("UPDATE api_keys SET scopes = 'deals:read deals:everything' WHERE id = 1", Denial::KeyUnknown),
            ("UPDATE api_keys SET scopes = NULL WHERE id = 1", Denial::KeyUnknown),
            ("UPDATE api_keys SET permission = 'full_access' WHERE id = 1", Denial::KeyUnknown),
            ("UPDATE api_keys SET permission = 'root', scopes = NULL WHERE id = 1", Denial::KeyUnknown),
            ("UPDATE api_keys SET allowed_ips = 'everywhere' WHERE id = 1", Denial::KeyUnknown),
            ("UPDATE api_keys SET allowed_ips = '' WHERE id = 1", Denial::KeyUnknown),
            (
                "UPDATE api_keys SET scopes = replace(hex(zeroblob(500000)), '00', 'deals:read ') || 'x' WHERE id = 1",
                Denial::KeyUnknown,
            ),
            ("UPDATE api_key_secrets SET digest = x'00' WHERE key_id = 1", Denial::KeyUnknown),
            ("UPDATE api_key_secrets SET key_id = 99 WHERE key_id = 1", Denial::KeyUnknown),
            ("UPDATE api_keys SET account_id = 99 WHERE id = 1", Denial::AccountDisabled),
        ] {
            let (spoilt, sound) = after(spoil).await;
            assert_eq!(spoilt.err(), Some(denial), "{spoil}");
            assert_eq!(sound.names(), ["account:read", "deals:read"], "{spoil}");
        }
    }
}

//! A database that is read-only, full or locked: nothing is half done, and afterwards all goes on.

#![cfg(feature = "fault-injection")]

use keyward_core::clock::{At, SystemClock, Timestamp};
use keyward_core::effect::{Commit, Context, Effect, Ended, Execute, Rendered, Stop, Subject};
use keyward_core::id::{AccountId, UserId};
use keyward_core::idempotency::{Claim, Claims, Fingerprint, Scope};
use keyward_core::permit::{Administer, Permit, operator};
use keyward_core::random::OsRandom;
use keyward_core::root_secret::RootSecret;
use keyward_core::store::{StoreError, Upkeep};
use keyward_core::tier::Tier;
use keyward_core::write::account::CreateAccount;
use keyward_sql::Tx;
use keyward_sqlite::faults::{WriteLock, integrity, number};
use keyward_sqlite::{Options, Sqlite};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tempfile::TempDir;
use uuid::Uuid;

fn open(path: &Path) -> Result<Sqlite, keyward_sqlite::OpenError> {
    Sqlite::open(&Options {
        path,
        components: &[],
        root_secret_checks: &[(1, "check".to_owned())],
        schema: keyward_sqlite::Schema::Make,
        idempotency_bytes: keyward_core::idempotency::KEPT_BYTES,
        tiers: keyward_core::swap::Swap::new(keyward_core::limits::Tiers::default()),
        clock: Arc::new(SystemClock::new()),
    })
}

fn home() -> std::io::Result<(TempDir, PathBuf)> {
    let directory = tempfile::tempdir()?;
    let path = directory.path().join("keyward.db");
    Ok((directory, path))
}

/// Makes an account. The name may be long, to fill the file.
async fn make(store: &Sqlite, slug: &str, name: String) -> Result<AccountId, StoreError> {
    make_once(store, slug, name, None).await
}

#[expect(clippy::disallowed_methods, reason = "the tests make accounts as the operator does")]
async fn make_once(
    store: &Sqlite,
    slug: &str,
    name: String,
    claim: Option<Claim>,
) -> Result<AccountId, StoreError> {
    let effect = CreateAccount { slug: slug.to_owned(), name, account_type: None, tier: Tier::Free };
    let context = Context { request_id: Uuid::nil(), address: None, origin_app: "test".to_owned() };
    match Commit::<CreateAccount>::commit(store, effect, operator(), context, claim, At::Store).await? {
        Ended::Done(made, _) => Ok(made),
        Ended::Replayed(_) => Err(StoreError::Failed("nothing was claimed".into())),
        Ended::Refused(denial) => Err(StoreError::Failed(denial.word().into())),
    }
}

/// What the store holds: accounts and audit rows in the file, accounts in the directory.
fn held(store: &Sqlite, path: &Path, ids: &[AccountId]) -> (i64, i64, usize) {
    let live = store.directory().read();
    (
        number(path, "SELECT count(*) FROM accounts").unwrap_or(-1),
        number(path, "SELECT count(*) FROM audit").unwrap_or(-1),
        ids.iter().filter(|id| live.account(**id).is_some()).count(),
    )
}

#[tokio::test]
async fn a_read_only_database_is_unavailable_and_changes_nothing() {
    let (_directory, path) = home().unwrap();
    let store = open(&path).unwrap();
    let first = make(&store, "first", "First".to_owned()).await.unwrap();
    store.on_writer("PRAGMA query_only = ON").await.unwrap();
    let refused = make(&store, "second", "Second".to_owned()).await;
    assert!(matches!(refused, Err(StoreError::Unavailable(_))), "{refused:?}");
    let uses = store
        .write_uses(&[keyward_core::live::KeyUse {
            key: keyward_core::id::KeyId(1),
            at: store_now(),
            current: None,
        }])
        .await;
    assert!(matches!(uses, Err(StoreError::Unavailable(_))), "{uses:?}");
    store.read(|reads| reads.first("SELECT 1", [], |_| Ok(()))).await.unwrap();
    assert_eq!(held(&store, &path, &[first, AccountId(first.0 + 1)]), (1, 1, 1));

    store.on_writer("PRAGMA query_only = OFF").await.unwrap();
    let second = make(&store, "second", "Second".to_owned()).await.unwrap();
    assert_eq!(held(&store, &path, &[first, second]), (2, 2, 2));
}

fn store_now() -> keyward_core::clock::Timestamp {
    keyward_core::clock::Timestamp::from_unix(2_000_000_000)
}

#[tokio::test]
async fn a_full_database_is_unavailable_and_keeps_what_was_acknowledged() {
    let (_directory, path) = home().unwrap();
    let store = open(&path).unwrap();
    // SQLite says SQLITE_FULL when the file may not grow, as it does when the disk has no room.
    store.on_writer("PRAGMA max_page_count = 100").await.unwrap();
    let mut made = Vec::new();
    let refused = loop {
        assert!(made.len() < 200, "the database never got full");
        match make(&store, &format!("a{}", made.len()), "long ".repeat(2_000)).await {
            Ok(id) => made.push(id),
            Err(error) => break error,
        }
    };
    assert!(matches!(refused, StoreError::Unavailable(_)), "{refused:?}");
    assert!(!made.is_empty(), "something was acknowledged before");
    let count = i64::try_from(made.len()).unwrap();
    assert_eq!(held(&store, &path, &made), (count, count, made.len()));

    store.on_writer("PRAGMA max_page_count = 100000").await.unwrap();
    made.push(make(&store, "after", "After".to_owned()).await.unwrap());
    assert_eq!(held(&store, &path, &made), (count + 1, count + 1, made.len()));
    assert_eq!(integrity(&path).unwrap(), "ok");
}

#[tokio::test]
async fn a_locked_database_is_unavailable_until_the_lock_is_gone() {
    let (_directory, path) = home().unwrap();
    let store = open(&path).unwrap();
    let lock = WriteLock::take(&path).unwrap();
    let refused = make(&store, "first", "First".to_owned()).await;
    assert!(matches!(refused, Err(StoreError::Unavailable(_))), "{refused:?}");
    store.read(|reads| reads.first("SELECT 1", [], |_| Ok(()))).await.unwrap();
    drop(lock);
    let first = make(&store, "first", "First".to_owned()).await.unwrap();
    assert_eq!(held(&store, &path, &[first]), (1, 1, 1));
}

/// Makes an account behind everyone's back, and panics.
struct Spoil;

impl Effect for Spoil {
    type Action = Administer;
    type Done = ();
    const AUDIT: &'static str = "test.spoil";

    fn subject((): &()) -> Subject {
        Subject { kind: "account", id: 1, account: None }
    }

    fn render((): &()) -> Rendered {
        Rendered::deleted()
    }
}

keyward_core::never_replayed!(Tx<'_>: Spoil);

impl Execute<Spoil> for Tx<'_> {
    #[expect(clippy::panic, reason = "this is the fault under test")]
    fn execute(&mut self, _: &Spoil, _: &Permit<Administer>, now: Timestamp) -> Result<(), Stop> {
        let sql =
            "INSERT INTO accounts (slug, name, tier, created_at) VALUES ('spoilt', 'Spoilt', 'free', ?1)";
        self.insert(sql, [now.unix()])?;
        panic!("in the middle of a transaction");
    }
}

#[tokio::test]
#[expect(clippy::disallowed_methods, reason = "the tests act as the operator does")]
async fn a_panic_in_an_effect_is_rolled_back_and_frees_its_key() {
    let (_directory, path) = home().unwrap();
    let store = open(&path).unwrap();
    let first = make(&store, "first", "First".to_owned()).await.unwrap();
    let context = Context { request_id: Uuid::nil(), address: None, origin_app: "test".to_owned() };
    let scope = Scope { account: None, user: UserId(1) };
    let claims = Claims::new(&RootSecret::generate(&OsRandom).unwrap());
    let claim = claims.claim(scope, Uuid::from_u128(7), Fingerprint::of("POST", "/", "", None), &OsRandom);
    let claim = Some(claim.unwrap());
    let spoilt = Commit::<Spoil>::commit(&store, Spoil, operator(), context, claim.clone(), At::Store).await;
    assert!(matches!(spoilt, Err(StoreError::Failed(_))), "{spoilt:?}");
    assert_eq!(held(&store, &path, &[first]), (1, 1, 1), "nothing of it stays");
    let second = make_once(&store, "second", "Second".to_owned(), claim).await.unwrap();
    assert_eq!(held(&store, &path, &[first, second]), (2, 2, 2), "and the next write is done, by that key");
    assert_eq!(integrity(&path).unwrap(), "ok");
}

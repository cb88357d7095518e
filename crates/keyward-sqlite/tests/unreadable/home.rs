//! A store with somebody for each ending.

use super::endings::Ending;
use super::spoil::Spoil;
use keyward_core::address::ClientAddress;
use keyward_core::api_key::{KeyFormat, KeyRing};
use keyward_core::clock::{At, Clock, Timestamp};
use keyward_core::effect::{Commit, Context, Effect, Ended};
use keyward_core::grant::Grant;
use keyward_core::id::{AccountId, KeyId, UserId};
use keyward_core::idempotency::{Claim, Claims, Fingerprint, Scope as ClaimScope};
use keyward_core::oauth::GrantId;
use keyward_core::opaque::TokenDigest;
use keyward_core::permit::{Permit, operator};
use keyward_core::principal::Caller;
use keyward_core::role::Role;
use keyward_core::root_secret::RootSecret;
use keyward_core::secret::Secret;
use keyward_core::store::{StoreError, Upkeep};
use keyward_core::tier::Tier;
use keyward_core::write::account::CreateAccount;
use keyward_core::write::key::IssueKey;
use keyward_core::write::member::AddMember;
use keyward_core::write::user::CreateUser;
use keyward_sqlite::faults::number;
use keyward_sqlite::{Options, Sqlite};
use keyward_testkit::{FakeClock, START, SeededRandom};
use rusqlite::{Connection, params};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tempfile::TempDir;
use uuid::Uuid;

pub(crate) const ACME: AccountId = AccountId(1);
/// Users 1 to 3: two admins who act, and a third.
const ACTORS: i64 = 3;

/// Whose something is that ends.
#[derive(Clone)]
pub(crate) struct Victim {
    pub(crate) user: UserId,
    /// Somebody who is only invited.
    pub(crate) stranger: UserId,
    pub(crate) key: KeyId,
    pub(crate) secret: Secret,
    pub(crate) grant: GrantId,
    pub(crate) client: String,
    pub(crate) session: TokenDigest,
    pub(crate) signing_key: i64,
}

/// The file that every store of a test is a copy of.
pub(crate) struct Template {
    _directory: TempDir,
    pub(crate) path: PathBuf,
    ring: KeyRing,
    claims: Claims,
    admin: Secret,
    victims: Vec<Victim>,
}

pub(crate) fn open(path: &Path) -> Result<Sqlite, keyward_sqlite::OpenError> {
    open_at(path, FakeClock::new())
}

fn open_at(path: &Path, clock: FakeClock) -> Result<Sqlite, keyward_sqlite::OpenError> {
    Sqlite::open(&Options {
        path,
        components: &[],
        root_secret_checks: &[(1, "check".to_owned())],
        schema: keyward_sqlite::Schema::Make,
        tiers: keyward_core::swap::Swap::new(keyward_core::limits::Tiers::default()),
        idempotency_bytes: keyward_core::idempotency::KEPT_BYTES,
        clock: Arc::new(clock),
    })
}

pub(crate) async fn tried<E: Effect>(
    store: &Sqlite,
    effect: E,
    permit: Permit<E::Action>,
    claim: Option<Claim>,
) -> Result<Ended<E::Done>, StoreError>
where
    Sqlite: Commit<E>,
{
    let context = Context { request_id: Uuid::nil(), address: None, origin_app: "test".to_owned() };
    store.commit(effect, permit, context, claim, At::Store).await
}

async fn done<E: Effect>(store: &Sqlite, effect: E, claim: Option<Claim>) -> E::Done
where
    Sqlite: Commit<E>,
{
    match tried(store, effect, operator(), claim).await.unwrap() {
        Ended::Done(done, _) => done,
        Ended::Replayed(_) => panic!("nothing was claimed twice"),
        Ended::Refused(denial) => panic!("{denial:?}"),
    }
}

fn person(name: &str, first_name: &str) -> CreateUser {
    CreateUser {
        uuid: name.to_owned(),
        email: format!("{name}@acme.example"),
        first_name: first_name.to_owned(),
        last_name: String::new(),
        title: None,
        password_hash: (!first_name.is_empty()).then(|| Secret::new("not a hash".to_owned())),
    }
}

impl Template {
    pub(crate) async fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("template.db");
        let random = SeededRandom::new(1);
        let root = RootSecret::generate(&random).unwrap();
        let ring = KeyRing::new(KeyFormat::new("lev_sk_").unwrap(), &root).unwrap();
        let claims = Claims::new(&root);
        let store = open(&path).unwrap();
        for slug in ["acme", "other"] {
            let (slug, name) = (slug.to_owned(), "A".to_owned());
            done(&store, CreateAccount { slug, name, account_type: None, tier: Tier::Enterprise }, None)
                .await;
        }
        let issue = async |user, label: &str, claim| {
            let (secret, label) = (ring.mint(&random).unwrap(), label.to_owned());
            let grant = Grant::FullAccess;
            let key =
                IssueKey { account: ACME, user, label, grant, expires_at: None, allowed_ips: None, secret };
            done(&store, key, claim).await
        };
        for actor in 1..=ACTORS {
            let user = done(&store, person(&format!("admin{actor}"), "Ada"), None).await;
            done(&store, AddMember { account: ACME, user, role: Role::Admin }, None).await;
        }
        let admin = issue(UserId(1), "admin", None).await.secret;
        let mut victims = Vec::new();
        for number in 0..Ending::ALL.len() {
            let name = format!("victim{number}");
            let user = done(&store, person(&name, "Vic"), None).await;
            let stranger = done(&store, person(&format!("stranger{number}"), ""), None).await;
            done(&store, AddMember { account: ACME, user, role: Role::Editor }, None).await;
            let claim = claim(&claims, &random, user, (number, "/keys"));
            let made = issue(user, &name, Some(claim)).await;
            let id = i64::try_from(number).unwrap() + 100;
            victims.push(Victim {
                user,
                stranger,
                key: made.key.id,
                secret: made.secret,
                grant: GrantId(id),
                client: format!("client{number}"),
                session: TokenDigest::of(&format!("session {number}")),
                signing_key: id,
            });
        }
        drop(store);
        let connection = Connection::open(&path).unwrap();
        victims.iter().enumerate().for_each(|(number, victim)| insert(&connection, number, victim));
        // What has been over for long: sweeps take it away.
        connection
            .execute_batch(
                "INSERT INTO sessions (id, digest, user_id, created_at, ends_at) VALUES (50, zeroblob(32), 1, 0, 1);
                 PRAGMA wal_checkpoint(TRUNCATE);",
            )
            .unwrap();
        drop(connection);
        Self { _directory: directory, path, ring, claims, admin, victims }
    }
}

fn claim(claims: &Claims, random: &SeededRandom, user: UserId, (number, path): (usize, &str)) -> Claim {
    let scope = ClaimScope { account: Some(ACME), user };
    let print = Fingerprint::of("POST", path, "", None);
    // A version 4 UUID: what is sealed under others is not kept.
    let name = uuid::Builder::from_random_bytes([u8::try_from(number).unwrap(); 16]).into_uuid();
    claims.claim(scope, name, print, random).unwrap()
}

/// What no operator makes: it is put into the file.
fn insert(connection: &Connection, number: usize, victim: &Victim) {
    let (user, id) = (victim.user.0, victim.grant.0);
    let run = |sql: &str, params: &[&dyn rusqlite::ToSql]| assert_eq!(connection.execute(sql, params), Ok(1));
    run(
        "INSERT INTO oauth_clients (id, client_id, name, redirect_uris, origin, refreshes, created_at, metadata_digest)
         VALUES (?1, ?2, 'App', 'https://app.example/back', 'operator', 1, ?3, ?4)",
        params![id, victim.client, START, TokenDigest::of(&victim.client).as_bytes()],
    );
    run(
        "INSERT INTO oauth_grants (id, user_id, client_id, client_name, scopes, openid, email, offline, for_api, for_mcp,
             account_id, bound, form, nonce, number, secret_version, rotated_at, created_at, ends_at, last_used_at)
         VALUES (?1, ?2, ?3, 'App', 'deals:read', 1, 0, 1, 1, 0, 1, 1, ?4, zeroblob(16), 3, 1, ?5, ?5, ?6, ?5)",
        params![id, user, victim.client, format!("form {number}"), START - 5_000, START + 500_000],
    );
    run(
        "INSERT INTO oauth_codes (digest, grant_id, redirect_uri, challenge, oidc_nonce, signed_in_at, expires_at, redeemed_at)
         VALUES (?1, ?2, 'https://app.example/back', 'c', 'n', ?3, ?4, ?3)",
        params![TokenDigest::of(&format!("code {number}")).as_bytes(), id, START - 5_000, START - 4_940],
    );
    run(
        "INSERT INTO sessions (id, digest, user_id, created_at, ends_at) VALUES (?1, ?2, ?3, ?4, ?5)",
        params![id, victim.session.as_bytes(), user, START - 10, START + 40_000],
    );
    run(
        "INSERT INTO password_links (digest, user_id, kind, created_at, expires_at) VALUES (?1, ?2, 'reset', ?3, ?4)",
        params![TokenDigest::of(&format!("link {number}")).as_bytes(), user, START, START + 80_000],
    );
    run(
        "INSERT INTO identities (id, issuer, subject, user_id, created_at) VALUES (?1, 'https://id.example', ?2, ?3, ?4)",
        params![id, format!("subject {number}"), user, START],
    );
    run(
        "INSERT INTO active_accounts (user_id, issuer, client, account_id, chosen_at)
         VALUES (?1, 'https://id.example', 'app', 1, ?2)",
        params![user, START],
    );
    run(
        "INSERT INTO invitations (id, account_id, user_id, role, invited_by, created_at, expires_at)
         VALUES (?1, 1, ?2, 'editor', 1, ?3, ?4)",
        params![id, victim.stranger.0, START, START + 500_000],
    );
    run(
        "INSERT INTO signing_keys (id, kid, sealed, nonce, secret_version, created_at, signs_from)
         VALUES (?1, ?2, x'0102', zeroblob(12), 1, ?3, ?3)",
        params![victim.signing_key, format!("kid {number}"), START],
    );
}

/// A store of its own.
pub(crate) struct Home<'t> {
    directory: TempDir,
    template: &'t Template,
    store: Option<Sqlite>,
    audited: i64,
}

impl<'t> Home<'t> {
    pub(crate) fn new(template: &'t Template) -> Self {
        let directory = tempfile::tempdir().unwrap();
        std::fs::copy(&template.path, directory.path().join("keyward.db")).unwrap();
        let mut home = Self { directory, template, store: None, audited: 0 };
        home.audited = number(&home.path(), "SELECT count(*) FROM audit").unwrap();
        home
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.directory.path().join("keyward.db")
    }

    pub(crate) fn open(&mut self) {
        self.store = Some(open(&self.path()).unwrap());
    }

    pub(crate) fn open_at(&mut self, clock: FakeClock) {
        self.store = Some(open_at(&self.path(), clock).unwrap());
    }

    pub(crate) fn close(&mut self) {
        drop(self.store.take());
    }

    pub(crate) fn store(&self) -> &Sqlite {
        self.store.as_ref().unwrap()
    }

    pub(crate) fn spoil(&self, spoil: &Spoil) {
        spoil.spoil(&self.path());
    }

    pub(crate) fn put_right(&self, spoil: &Spoil) {
        spoil.put_right(&self.path(), &self.template.path);
    }

    /// Rows of the audit trail since it was opened first.
    pub(crate) fn recorded(&self) -> i64 {
        number(&self.path(), "SELECT count(*) FROM audit").unwrap() - self.audited
    }

    pub(crate) fn victim(&self, ending: Ending) -> &Victim {
        let place = Ending::ALL.iter().position(|other| *other == ending).unwrap();
        &self.template.victims[place]
    }

    pub(crate) fn place(&self, ending: Ending) -> usize {
        Ending::ALL.iter().position(|other| *other == ending).unwrap()
    }

    /// A claim that was used already, for the key of this victim: what is kept of it may be unreadable.
    pub(crate) fn claim(&self, number: usize) -> Claim {
        let user = self.template.victims[number].user;
        claim(&self.template.claims, &SeededRandom::new(2), user, (number, "/revoke"))
    }

    pub(crate) fn admit(&self, secret: &Secret) -> Option<Caller> {
        let live = self.store().directory().read();
        let from = ClientAddress::Known([127, 0, 0, 1].into());
        let now: Timestamp = FakeClock::new().now();
        self.template.ring.admit(secret.expose(), from, &live, now).ok().map(|admitted| admitted.caller)
    }

    pub(crate) fn admin(&self) -> Option<Caller> {
        self.admit(&self.template.admin)
    }
}

//! A server with the fixture's tools at `/mcp`, and with two users that have a key each.

use crate::fixture::Fixture;
use axum::Router;
use keyward::config::LimitsConfig;
use keyward::mcp::{Endpoint, endpoint_with_sessions};
use keyward::reload::{Current, Reloadable};
use keyward::server::{Base, Builder};
use keyward::store::Store;
use keyward::transport::{self, Listening};
use keyward_core::api_key::{KeyFormat, KeyRing};
use keyward_core::clock::{At, Clock, SystemClock};
use keyward_core::effect::{Commit, Context, Effect, Ended};
use keyward_core::grant::Grant;
use keyward_core::id::AccountId;
use keyward_core::idempotency::Claims;
use keyward_core::list::Cursors;
use keyward_core::permit::operator;
use keyward_core::random::{OsRandom, Random};
use keyward_core::role::Role;
use keyward_core::root_secret::RootSecret;
use keyward_core::tier::Tier;
use keyward_core::write::account::CreateAccount;
use keyward_core::write::key::IssueKey;
use keyward_core::write::member::AddMember;
use keyward_core::write::user::CreateUser;
use keyward_sqlite::{Options, Sqlite};
use std::net::SocketAddr;
use std::sync::Arc;
use tempfile::TempDir;
use tokio::net::TcpListener;
use uuid::Uuid;

pub(crate) struct Served {
    pub(crate) address: SocketAddr,
    pub(crate) keys: [String; 2],
    _data: TempDir,
}

/// Serves until the runtime ends.
pub(crate) async fn served() -> Served {
    let data = TempDir::new().unwrap();
    let root = RootSecret::generate(&OsRandom).unwrap();
    let current = Current::new(Reloadable { limits: LimitsConfig::default(), ..Reloadable::default() });
    let store = Sqlite::open(&Options {
        path: &data.path().join("keyward.db"),
        components: &[lev_deals::sql::COMPONENT],
        root_secret_checks: &root.check_values(),
        schema: keyward_sqlite::Schema::Make,
        idempotency_bytes: keyward_core::idempotency::KEPT_BYTES,
        tiers: current.tiers(),
        clock: Arc::new(SystemClock::new()),
    })
    .unwrap();
    let clock: Arc<dyn Clock> = store.clock();
    let ring = KeyRing::new(KeyFormat::new("lev_sk_").unwrap(), &root).unwrap();
    let account = CreateAccount {
        slug: "acme".to_owned(),
        name: "Acme".to_owned(),
        account_type: None,
        tier: Tier::Enterprise,
    };
    let account = commit(&store, account).await;
    let keys = [key(&store, &ring, account, "one").await, key(&store, &ring, account, "two").await];
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let store: Arc<dyn Store> = Arc::new(store);
    let random: Arc<dyn Random> = Arc::new(OsRandom);
    let base = Base {
        store,
        ring,
        cursors: Cursors::new(&root),
        claims: Claims::new(&root),
        clock,
        random,
        current: current.clone(),
        public_url: format!("http://{address}"),
    };
    let server = Builder::new(base).build();
    let fixture = Fixture::new();
    let endpoint = endpoint_with_sessions(&server.mcp_endpoint(), Endpoint::Open, move || fixture.clone());
    let service = server.around(Router::new().route_service("/mcp", endpoint));
    let with = Listening { current, ..Listening::default() };
    tokio::spawn(transport::serve(listener, service, with, std::future::pending(), std::future::pending()));
    Served { address, keys, _data: data }
}

async fn key(store: &Sqlite, ring: &KeyRing, account: AccountId, name: &str) -> String {
    let user = CreateUser {
        uuid: name.to_owned(),
        email: format!("{name}@acme.example"),
        first_name: name.to_owned(),
        last_name: String::new(),
        title: None,
        password_hash: None,
    };
    let user = commit(store, user).await;
    commit(store, AddMember { account, user, role: Role::Admin }).await;
    let secret = ring.mint(&OsRandom).unwrap();
    let issue = IssueKey {
        account,
        user,
        label: name.to_owned(),
        grant: Grant::FullAccess,
        expires_at: None,
        allowed_ips: None,
        secret,
    };
    commit(store, issue).await.secret.expose().to_owned()
}

#[expect(clippy::disallowed_methods, reason = "accounts and keys are set up as the operator does")]
async fn commit<E: Effect>(store: &Sqlite, effect: E) -> E::Done
where
    Sqlite: Commit<E>,
{
    let context = Context { request_id: Uuid::nil(), address: None, origin_app: "conformance".to_owned() };
    match store.commit(effect, operator(), context, None, At::Store).await.unwrap() {
        Ended::Done(done, _) => done,
        Ended::Replayed(_) => panic!("nothing was claimed"),
        Ended::Refused(denial) => panic!("{denial:?}"),
    }
}

//! The app under test, its personas, and how they speak to it.

use crate::issuer::Issuer;
use axum::body::Body;
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Request, StatusCode};
use http_body_util::BodyExt;
use keyward::config::{IssuerConfig, LimitsConfig, McpConfig, OAuthConfig};
use keyward::issuers::Issuers;
use keyward::oauth::documents::{Documents, PublicNames};
use keyward::oauth::{AuthorizationServer, SignInKeys};
use keyward::reload::{Current, Reloadable};
use keyward::server::{Base, Builder, Server, SignIn};
use keyward::stack::{Boxed, Surroundings};
use keyward::store::Store;
use keyward::watch::Degraded;
use keyward_core::api_key::{KeyFormat, KeyRing};
use keyward_core::clock::{At, Clock, Timestamp};
use keyward_core::effect::{Commit, Context, Effect, Ended};
use keyward_core::grant::Grant;
use keyward_core::header_text::text;
use keyward_core::id::{AccountId, UserId};
use keyward_core::idempotency::{Claim, Claims};
use keyward_core::jwt::SigningKey;
use keyward_core::limits::Rate;
use keyward_core::list::Cursors;
use keyward_core::live::Directory;
use keyward_core::money::Cents;
use keyward_core::oauth::{Client, ClientOrigin};
use keyward_core::password;
use keyward_core::permit::operator;
use keyward_core::random::{Random, uuid4};
use keyward_core::role::Role;
use keyward_core::root_secret::RootSecret;
use keyward_core::scope::{Scope, ScopeSet};
use keyward_core::secret::Secret;
use keyward_core::signing::SealedKey;
use keyward_core::tier::Tier;
use keyward_core::write::account::CreateAccount;
use keyward_core::write::client::CreateClient;
use keyward_core::write::key::IssueKey;
use keyward_core::write::member::AddMember;
use keyward_core::write::signing_key::AddSigningKey;
use keyward_core::write::user::CreateUser;
use keyward_sqlite::{Options, Sqlite};
use keyward_testkit::{FakeClock, SeededRandom};
use keyward_tower::ClientAddress;
use keyward_tower::authenticate::Jwts;
use keyward_tower::hygiene::Limits;
use lev_deals::financials::{FIGURES, Figure, Financials};
use lev_deals::write::{GivePipelines, SeedDeal, SeedDeals};
use lev_deals::{Deal, DealId, Property};
use serde_json::Value;
use std::ops::Deref;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, LazyLock};
use std::task::Poll;
use tempfile::TempDir;
use tower::ServiceExt;
use tracing_subscriber::EnvFilter;

pub(crate) const BASE: &str = "/api/external/v2";

/// A whole app on a database of its own, with a clock that stands still.
///
/// Two accounts: `acme` (enterprise) and `harbor` (standard). In acme: `admin`, `editor`, `viewer`; in harbor:
/// `stranger`, an admin. `both` is an editor in acme and a viewer in harbor. Deals 1 to 4 are acme's (the editor is on the
/// teams of 1 and 2, the viewer on that of 1), deal 5 is harbor's. Deal 1 has financials. Pipelines 1 and 2 are acme's, with the
/// statuses 1 to 5 and 6 to 10.
pub(crate) struct TestApp {
    pub(crate) store: Sqlite,
    pub(crate) clock: FakeClock,
    pub(crate) acme: AccountId,
    pub(crate) harbor: AccountId,
    pub(crate) admin: Persona,
    pub(crate) editor: Persona,
    pub(crate) viewer: Persona,
    pub(crate) stranger: Persona,
    pub(crate) both: Persona,
    pub(crate) issuer: Issuer,
    pub(crate) issuers: Issuers,
    ring: KeyRing,
    pub(crate) random: Arc<SeededRandom>,
    pub(crate) app: Inside,
    service: Boxed,
    _directory: TempDir,
}

/// What tests reach into.
pub(crate) struct Inside {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) current: Current,
    pub(crate) jwts: Jwts,
    pub(crate) oauth: Option<Arc<AuthorizationServer>>,
    pub(crate) claims: Claims,
    pub(crate) limits: Limits,
    pub(crate) ring: KeyRing,
    server: Server,
}

impl Inside {
    fn of(server: Server) -> Self {
        Self {
            store: Arc::clone(server.store()),
            current: server.current().clone(),
            jwts: server.jwts().clone(),
            oauth: server.oauth().cloned(),
            claims: server.shared().claims.clone(),
            limits: server.shared().limits,
            ring: server.shared().ring.clone(),
            server,
        }
    }

    pub(crate) fn directory(&self) -> &Directory {
        self.store.directory()
    }
}

/// So that a test can put its own service inside what every request passes through.
impl Deref for Inside {
    type Target = Surroundings;

    fn deref(&self) -> &Surroundings {
        self.server.surroundings()
    }
}

/// A user with a full_access key in one account.
#[derive(Clone, Debug)]
pub(crate) struct Persona {
    pub(crate) user: UserId,
    pub(crate) account: AccountId,
    pub(crate) key: Key,
}

#[derive(Clone, Debug)]
pub(crate) struct Key {
    pub(crate) id: i64,
    pub(crate) secret: String,
}

/// Every persona's password, and its hash.
pub(crate) const PASSWORD: &str = "correct horse battery staple";
static HASH: LazyLock<Secret> =
    LazyLock::new(|| password::hash(&Secret::new(PASSWORD.to_owned()), &SeededRandom::new(3)).unwrap());

/// An RSA key takes long to make, so there is one for all tests of a process.
static SIGNING: LazyLock<Vec<u8>> = LazyLock::new(|| SigningKey::generate().unwrap().to_vec());

fn signing_key(keys: &SignInKeys, clock: &FakeClock, random: &SeededRandom) -> SealedKey {
    let (nonce, version, sealed) = keys.sealer.seal("tests", &SIGNING, random).unwrap();
    let now = clock.now();
    SealedKey {
        id: 0,
        kid: "tests".into(),
        sealed: sealed.into(),
        nonce,
        version,
        created_at: now,
        signs_from: now,
    }
}

/// The public client of the tests: `app`, with redirects on https, on loopback and of a native scheme.
fn demo_client(now: Timestamp) -> Client {
    let uris = [
        "https://app.example/callback",
        "http://127.0.0.1/callback",
        "cursor://anysphere.cursor-mcp/oauth/callback",
    ];
    Client {
        id: "app".into(),
        name: "The application".to_owned(),
        redirect_uris: uris.map(str::to_owned).into(),
        origin: ClientOrigin::Operator,
        secret: None,
        refreshes: true,
        created_at: now,
    }
}

/// Most tests are not about limits and ask a thousand things at one moment of a clock that stands.
fn unlimited() -> Reloadable {
    let rate = Rate::Unlimited;
    let mut limits = LimitsConfig {
        failed_auth_per_minute: 0,
        validate_per_minute: 100_000,
        health_per_minute: 100_000,
        sign_in_per_minute: 0,
        links_per_minute: 0,
        register_per_minute: 0,
        forms_per_minute: 0,
        ..LimitsConfig::default()
    };
    for tier in [&mut limits.tiers.free, &mut limits.tiers.standard, &mut limits.tiers.enterprise] {
        (tier.reads, tier.writes) = (rate, rate);
    }
    Reloadable { limits, ..Reloadable::default() }
}

/// Every event is listened to in every thread, from the first on: were it only in the thread of a test that looks at the
/// log, an event that another thread comes by first would be remembered as one that nobody wants.
static LISTENING: LazyLock<()> = LazyLock::new(|| {
    let everything = keyward::telemetry::json(std::io::sink, EnvFilter::new("trace"));
    tracing::subscriber::set_global_default(everything).unwrap();
});

impl TestApp {
    pub(crate) async fn new() -> Self {
        Self::of_issuer(|_| {}).await
    }

    /// With an issuer that is configured otherwise.
    pub(crate) async fn of_issuer(configure: impl FnOnce(&mut IssuerConfig)) -> Self {
        let issuer = Issuer::new();
        let mut entry = issuer.entry();
        configure(&mut entry);
        Self::of(
            issuer,
            &[entry],
            Documents::new(Arc::new(PublicNames::default()), &[], &Degraded::default()),
        )
        .await
    }

    /// With several issuers, all with the same keys.
    pub(crate) async fn of_issuers(configure: impl FnOnce(&IssuerConfig) -> Vec<IssuerConfig>) -> Self {
        let issuer = Issuer::new();
        let entries = configure(&issuer.entry());
        Self::of(
            issuer,
            &entries,
            Documents::new(Arc::new(PublicNames::default()), &[], &Degraded::default()),
        )
        .await
    }

    /// Where nobody signs in elsewhere.
    pub(crate) async fn alone() -> Self {
        Self::with_documents(Documents::new(Arc::new(PublicNames::default()), &[], &Degraded::default()))
            .await
    }

    /// The same, where clients' documents are had by this.
    pub(crate) async fn with_documents(documents: Documents) -> Self {
        Self::of(Issuer::new(), &[], documents).await
    }

    /// Where nobody signs in elsewhere, and the authorization server is configured so.
    pub(crate) async fn with_oauth(oauth: OAuthConfig) -> Self {
        let documents = Documents::new(Arc::new(PublicNames::default()), &[], &Degraded::default());
        Self::configured(Issuer::new(), &[], (documents, oauth, McpConfig::default())).await
    }

    /// Where MCP tools are listed with the schemas of their results.
    pub(crate) async fn with_output_schemas() -> Self {
        let documents = Documents::new(Arc::new(PublicNames::default()), &[], &Degraded::default());
        let mcp = McpConfig { output_schemas: true, ..McpConfig::default() };
        Self::configured(Issuer::new(), &[], (documents, OAuthConfig::default(), mcp)).await
    }

    async fn of(issuer: Issuer, entries: &[IssuerConfig], documents: Documents) -> Self {
        let settings = (documents, OAuthConfig::default(), McpConfig::default());
        Self::configured(issuer, entries, settings).await
    }

    async fn configured(
        issuer: Issuer,
        entries: &[IssuerConfig],
        (documents, set, mcp): (Documents, OAuthConfig, McpConfig),
    ) -> Self {
        LazyLock::force(&LISTENING);
        let directory = TempDir::new().unwrap();
        let clock = FakeClock::new();
        let random = Arc::new(SeededRandom::new(7));
        let root = RootSecret::generate(&*random).unwrap();
        let current = Current::new(unlimited());
        let store = Sqlite::open(&Options {
            path: &directory.path().join("keyward.db"),
            components: &[lev_deals::sql::COMPONENT],
            root_secret_checks: &root.check_values(),
            schema: keyward_sqlite::Schema::Make,
            idempotency_bytes: keyward_core::idempotency::KEPT_BYTES,
            tiers: current.tiers(),
            clock: Arc::new(clock.clone()),
        })
        .unwrap();
        let ring = KeyRing::new(KeyFormat::new("lev_sk_").unwrap(), &root).unwrap();
        let shared_clock: Arc<dyn Clock> = store.clock();
        let issuers = Issuers::with(entries, &shared_clock, &current, |_| Arc::new(issuer.clone()));
        let sign_in = SignInKeys::new(&root);
        let base = Base {
            store: Arc::new(store.clone()),
            ring: ring.clone(),
            cursors: Cursors::new(&root),
            claims: Claims::new(&root),
            clock: shared_clock,
            random: Arc::clone(&random) as Arc<dyn Random>,
            current,
            public_url: "http://keyward.test".to_owned(),
        };
        let oauth = SignIn { settings: set, keys: sign_in.clone(), documents, people: Vec::new() };
        let server = Builder::new(base).issuers(issuers.clone()).sign_in(Some(oauth)).mcp(mcp).build();
        let service = server.service();
        let seed = Seed { store: &store, ring: &ring, random: &random };
        let acme = seed.account("acme", Tier::Enterprise).await;
        let harbor = seed.account("harbor", Tier::Standard).await;
        commit(&store, GivePipelines).await;
        commit(&store, AddSigningKey { key: signing_key(&sign_in, &clock, &random), alone: false }).await;
        commit(&store, CreateClient(demo_client(clock.now()))).await;
        let admin = seed.persona("admin", acme, Role::Admin).await;
        let editor = seed.persona("editor", acme, Role::Editor).await;
        let viewer = seed.persona("viewer", acme, Role::Viewer).await;
        let stranger = seed.persona("stranger", harbor, Role::Admin).await;
        let both = seed.persona("both", acme, Role::Editor).await;
        commit(&store, AddMember { account: harbor, user: both.user, role: Role::Viewer }).await;
        let teams = [vec![editor.user, viewer.user], vec![editor.user], vec![], vec![admin.user]];
        seed.deals(acme, "Acme", &teams, &clock).await;
        seed.deals(harbor, "Harbor", &[vec![stranger.user]], &clock).await;
        Self {
            store,
            clock,
            acme,
            harbor,
            admin,
            editor,
            viewer,
            stranger,
            both,
            issuer,
            issuers,
            ring,
            random,
            app: Inside::of(server),
            service,
            _directory: directory,
        }
    }

    /// An access token of our own issuer with these claims.
    pub(crate) fn signed_by_us(&self, claims: &Value) -> String {
        SigningKey::read("tests".into(), &SIGNING).unwrap().sign("at+jwt", claims).unwrap()
    }

    /// The database's file.
    pub(crate) fn database(&self) -> std::path::PathBuf {
        self._directory.path().join("keyward.db")
    }

    /// A key that the operator made.
    pub(crate) async fn key(&self, of: &Persona, grant: Grant) -> Key {
        Seed { store: &self.store, ring: &self.ring, random: &self.random }
            .key(of.account, of.user, grant)
            .await
    }

    /// Somebody more, with a key of all rights.
    pub(crate) async fn someone(&self, name: &str, account: AccountId, role: Role) -> Persona {
        Seed { store: &self.store, ring: &self.ring, random: &self.random }.persona(name, account, role).await
    }

    /// A well-formed key that nobody has.
    pub(crate) fn unknown_key(&self) -> String {
        self.ring.mint(&*self.random).unwrap().secret.expose().to_owned()
    }

    /// A key of these scopes.
    pub(crate) async fn scoped(&self, of: &Persona, scopes: &[Scope]) -> Key {
        self.key(of, Grant::Fixed(scopes.iter().copied().collect::<ScopeSet>())).await
    }

    /// Something that the operator does.
    pub(crate) async fn operate<E: Effect>(&self, effect: E) -> E::Done
    where
        Sqlite: Commit<E>,
    {
        commit(&self.store, effect).await
    }

    /// The same under a claim, as it ends.
    pub(crate) async fn claimed<E: Effect>(&self, effect: E, claim: Claim) -> Ended<E::Done>
    where
        Sqlite: Commit<E>,
    {
        ended(&self.store, effect, Some(claim)).await
    }

    /// A request from nobody.
    pub(crate) fn request(&self, method: Method, path: &str) -> Ask<'_> {
        let request = Request::builder().method(method).uri(path).header("host", "keyward.test");
        Ask { app: self, request, body: None, from: ClientAddress::Known([127, 0, 0, 1].into()) }
    }

    /// A request of the API, with an origin app, from nobody.
    pub(crate) fn anonymous(&self, method: Method, path: &str) -> Ask<'_> {
        self.request(method, &format!("{BASE}{path}")).header("x-origin-app", "tests")
    }

    pub(crate) fn get(&self, path: &str) -> Ask<'_> {
        self.anonymous(Method::GET, path)
    }

    pub(crate) fn post(&self, path: &str) -> Ask<'_> {
        self.anonymous(Method::POST, path)
    }

    pub(crate) fn patch(&self, path: &str) -> Ask<'_> {
        self.anonymous(Method::PATCH, path)
    }

    pub(crate) fn delete(&self, path: &str) -> Ask<'_> {
        self.anonymous(Method::DELETE, path)
    }
}

struct Seed<'s> {
    store: &'s Sqlite,
    ring: &'s KeyRing,
    random: &'s SeededRandom,
}

impl Seed<'_> {
    async fn account(&self, slug: &str, tier: Tier) -> AccountId {
        let name = if slug == "acme" { "Acme Capital" } else { "Harbor Lending" };
        let (slug, name) = (slug.to_owned(), name.to_owned());
        let account_type = Some("brokerage".to_owned());
        commit(self.store, CreateAccount { slug, name, account_type, tier }).await
    }

    async fn persona(&self, name: &str, account: AccountId, role: Role) -> Persona {
        let (first_name, last_name) = match name {
            "admin" => ("Avery", "Stone"),
            "editor" => ("Emerson", "Vale"),
            "viewer" => ("Vivian", "Marsh"),
            "stranger" => ("Harper", "Lane"),
            _ => ("Blake", "Rivers"),
        };
        let user = CreateUser {
            uuid: uuid4(self.random).unwrap().to_string(),
            email: format!("{name}@acme.example"),
            first_name: first_name.to_owned(),
            last_name: last_name.to_owned(),
            title: None,
            password_hash: Some(HASH.clone()),
        };
        let user = commit(self.store, user).await;
        commit(self.store, AddMember { account, user, role }).await;
        Persona { user, account, key: self.key(account, user, Grant::FullAccess).await }
    }

    async fn key(&self, account: AccountId, user: UserId, grant: Grant) -> Key {
        let secret = self.ring.mint(self.random).unwrap();
        let made = commit(
            self.store,
            IssueKey {
                account,
                user,
                label: "Server of the tests".to_owned(),
                grant,
                expires_at: None,
                allowed_ips: None,
                secret,
            },
        )
        .await;
        Key { id: made.key.id.0, secret: made.secret.expose().to_owned() }
    }

    async fn deals(&self, account: AccountId, title: &str, teams: &[Vec<UserId>], clock: &FakeClock) {
        let now = clock.now();
        let deal = Deal::new(account, title.to_owned(), now);
        let deals = teams.iter().map(|team| SeedDeal::plain(deal.clone(), team.clone())).collect();
        let mut deals: Vec<SeedDeal> = deals;
        if let Some(first) = deals.first_mut().filter(|_| title == "Acme") {
            first.deal.title = "100 Alder Street Apartments".to_owned();
            first.deal.loan_amount = Cents::new(450_000_050);
            first.deal.loan_type = Some("construction");
            first.deal.transaction_type = Some("refinance");
            first.deal.business_plan = Some("value_add");
            first.financials = Some(financials(now));
            first.properties = vec![property("Alder Street 1"), property("Alder Street 2")];
            first.place = Some((0, 1));
        }
        commit(self.store, SeedDeals { account, deals }).await;
    }
}

/// A price and nothing else.
fn financials(now: Timestamp) -> Financials {
    let figures = FIGURES.iter().map(|(name, _)| {
        (*name == "purchase_price").then(|| Figure::Money(Cents::new(650_000_025).unwrap()))
    });
    Financials { id: 0, deal: DealId(0), figures: figures.collect(), updated_at: now }
}

fn property(address: &str) -> Property {
    Property {
        id: 0,
        name: None,
        address: Some(address.to_owned()),
        city: Some("Portland".to_owned()),
        state: Some("OR".to_owned()),
        zip: None,
        asset_type_id: None,
        units: Some(12),
        square_footage: Some(10_500.5),
        year_built: Some(1931),
    }
}

#[expect(clippy::disallowed_methods, reason = "the tests set up accounts as the operator does")]
async fn ended<E: Effect>(store: &Sqlite, effect: E, claim: Option<Claim>) -> Ended<E::Done>
where
    Sqlite: Commit<E>,
{
    let context = Context { request_id: uuid::Uuid::nil(), address: None, origin_app: "tests".to_owned() };
    store.commit(effect, operator(), context, claim, At::Store).await.unwrap()
}

async fn commit<E: Effect>(store: &Sqlite, effect: E) -> E::Done
where
    Sqlite: Commit<E>,
{
    match ended(store, effect, None).await {
        Ended::Done(done, _) => done,
        Ended::Replayed(_) => panic!("nothing was claimed"),
        Ended::Refused(denial) => panic!("{denial:?}"),
    }
}

/// A request in the making.
pub(crate) struct Ask<'a> {
    app: &'a TestApp,
    request: http::request::Builder,
    body: Option<Body>,
    from: ClientAddress,
}

impl Ask<'_> {
    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.request = self.request.header(name, value);
        self
    }

    /// By another host than usually.
    pub(crate) fn host(mut self, host: &'static str) -> Self {
        if let Some(headers) = self.request.headers_mut() {
            headers.insert("host", HeaderValue::from_static(host));
        }
        self
    }

    /// A header whose value need not be text.
    pub(crate) fn raw_header(mut self, name: &str, value: HeaderValue) -> Self {
        self.request = self.request.header(name, value);
        self
    }

    pub(crate) fn key(self, key: &Key) -> Self {
        self.bearer(&key.secret)
    }

    pub(crate) fn by(self, persona: &Persona) -> Self {
        self.bearer(&persona.key.secret)
    }

    pub(crate) fn bearer(self, token: &str) -> Self {
        self.header("authorization", &format!("Bearer {token}"))
    }

    pub(crate) fn from(mut self, address: &str) -> Self {
        self.from = ClientAddress::Known(address.parse().unwrap());
        self
    }

    pub(crate) fn json(self, body: Value) -> Self {
        self.text(body.to_string())
    }

    /// A body that is declared to be JSON, whatever it is.
    pub(crate) fn text(self, body: impl Into<Vec<u8>>) -> Self {
        self.header("content-type", "application/json").raw(body)
    }

    /// A body of which nothing is declared but its length.
    pub(crate) fn raw(mut self, body: impl Into<Vec<u8>>) -> Self {
        let body = body.into();
        self = self.header("content-length", &body.len().to_string());
        self.body = Some(Body::from(body));
        self
    }

    /// A body of which so many bytes come, and never its end; and whether it was asked for any.
    pub(crate) fn unending(mut self, bytes: usize) -> (Self, Unending) {
        let unending = Unending::default();
        let (read, mut first) =
            (Arc::clone(&unending.0), (bytes > 0).then(|| Bytes::from(vec![b' '; bytes])));
        self.body = Some(Body::from_stream(futures_util::stream::poll_fn(move |_| {
            read.store(true, Ordering::SeqCst);
            first.take().map_or(Poll::Pending, |first| Poll::Ready(Some(Ok::<_, std::io::Error>(first))))
        })));
        (self, unending)
    }

    pub(crate) async fn send(self) -> Answer {
        let mut request = self.request.body(self.body.unwrap_or_else(Body::empty)).unwrap();
        request.extensions_mut().insert(self.from);
        let response = self.app.service.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = body.collect().await.unwrap().to_bytes();
        Answer { status: parts.status, headers: parts.headers, bytes: bytes.to_vec() }
    }

    /// Sends, and expects this refusal: status, code and message.
    pub(crate) async fn refused(self, status: u16, code: &str, message: &str) -> Answer {
        let answer = self.send().await;
        assert_eq!(
            (answer.status.as_u16(), answer.code(), answer.message()),
            (status, code.to_owned(), message.to_owned())
        );
        answer
    }

    /// Sends, and expects this status.
    pub(crate) async fn expect(self, status: u16) -> Answer {
        let answer = self.send().await;
        assert_eq!(answer.status.as_u16(), status, "{}", answer.text());
        answer
    }
}

/// Watches a body without end.
#[derive(Clone, Debug, Default)]
pub(crate) struct Unending(Arc<AtomicBool>);

impl Unending {
    pub(crate) fn was_read(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }
}

/// An answer, whole.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) bytes: Vec<u8>,
}

impl Answer {
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes).into_owned()
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.bytes).unwrap_or_else(|_| panic!("not JSON: {}", self.text()))
    }

    pub(crate) fn data(&self) -> Value {
        self.json()["data"].take()
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| text(value).unwrap())
    }

    pub(crate) fn code(&self) -> String {
        self.json()["error"]["code"].as_str().unwrap_or_default().to_owned()
    }

    pub(crate) fn message(&self) -> String {
        self.json()["error"]["message"].as_str().unwrap_or_default().to_owned()
    }

    /// The body without the request's id, to compare answers.
    pub(crate) fn without_id(&self) -> String {
        let id = self.json()["request_id"].as_str().unwrap().to_owned();
        self.text().replace(&id, "ID")
    }

    /// The secret in the answer, as a key.
    pub(crate) fn new_key(&self) -> Key {
        let data = self.data();
        Key { id: data["id"].as_i64().unwrap(), secret: data["api_key"].as_str().unwrap().to_owned() }
    }
}

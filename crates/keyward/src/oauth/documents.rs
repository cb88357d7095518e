//! Clients that are documents: a `client_id` that is an https URL, at which the client says who it is (draft-ietf-oauth-client-id-metadata-document).
//!
//! Whoever sends such an id has this server fetch a URL of its choice, so:
//!
//! 1. the URL is https with a path, in its one spelling, and its host is a name and no address, in whatever notation;
//! 2. the name is resolved once, an address that is not of the public internet is left out, and the connection goes to one of
//!    the others: what a name server says a moment later changes nothing;
//! 3. no redirect is followed, 5 KiB are read at most, within 3 seconds, and without the machine's proxies;
//! 4. a document is kept for as long as it says, between 5 minutes and a day; a failure is kept for 10 seconds, so that nobody
//!    can have us ask the same address again and again, and while its host does not answer, what it said is believed for a day;
//! 5. one document is fetched once at a time, for all who wait for it.

use futures_util::FutureExt;
use futures_util::future::{self, BoxFuture};
use http::StatusCode;
use http::header::{ACCEPT, CACHE_CONTROL};
use keyward_core::clock::Timestamp;
use keyward_core::json::{self, Json};
use keyward_core::oauth::{Client, ClientOrigin, redirect};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::redirect::Policy;
use std::collections::HashMap;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::Semaphore;
use url::{Host, Url};

/// The longest document, in bytes.
const MOST: usize = 5 * 1024;
/// A document must be there within this.
const DEADLINE: Duration = Duration::from_secs(3);
/// Documents that are fetched at once.
const FLIGHTS: usize = 64;
/// Documents that are kept.
const KEPT: usize = 1_000;
const LEAST_AGE: Duration = Duration::from_secs(300);
const MOST_AGE: Duration = Duration::from_secs(86_400);
const FAILED_AGE: Duration = Duration::from_secs(10);

/// Why a document cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DocumentError {
    /// The id is no URL that is fetched.
    #[error("the client id is not an https URL of a document: {0}")]
    Id(&'static str),
    /// It could not be had.
    #[error("the document could not be had: {0}")]
    Unreachable(String),
    /// It is not what it must be.
    #[error("the document is not that of a client: {0}")]
    Unfit(&'static str),
    /// Too many are being fetched.
    #[error("too many documents are being fetched")]
    Busy,
}

/// Where names lead, and which addresses may be asked. The program resolves by the system and asks the public internet alone.
pub trait Names: Send + Sync + fmt::Debug {
    /// The addresses of a name.
    fn resolve(&self, name: String) -> keyward_core::BoxFuture<'static, std::io::Result<Vec<IpAddr>>>;
    /// Whether an address may be asked.
    fn may_ask(&self, address: IpAddr) -> bool;
}

/// By the system, and the public internet alone.
#[derive(Clone, Copy, Debug)]
pub struct PublicNames;

impl Names for PublicNames {
    fn resolve(&self, name: String) -> keyward_core::BoxFuture<'static, std::io::Result<Vec<IpAddr>>> {
        Box::pin(async move {
            let found = tokio::net::lookup_host((name, 443)).await?;
            Ok(found.map(|address| address.ip()).collect())
        })
    }

    fn may_ask(&self, address: IpAddr) -> bool {
        is_public(address)
    }
}

/// Whether an address is of the public internet (the registries of RFC 6890).
#[must_use]
pub fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => {
            if let Some(inner) = v4_within(address) {
                return is_public_v4(inner);
            }
            let [first, second, ..] = address.segments();
            // 2000::/3 is what is given out; of it, 2001::/23 and 2001:db8::/32 are for protocols and books, 3fff::/20 too.
            first & 0xE000 == 0x2000
                && !(first == 0x2001 && second < 0x0200)
                && !(first == 0x2001 && second == 0x0DB8)
                && !(first == 0x3FFF && second < 0x1000)
        }
    }
}

/// The address within an address: mapped, compatible, translated (NAT64), 6to4.
fn v4_within(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let segments = address.segments();
    let of = |high: u16, low: u16| {
        let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
        Some(Ipv4Addr::new(a, b, c, d))
    };
    match segments {
        [0, 0, 0, 0, 0, 0xFFFF | 0, high, low] | [0, 0, 0, 0, 0xFFFF, 0, high, low] => of(high, low),
        // Not 64:ff9b:1::/48, in which the address stands elsewhere and which is nobody's but its network's (RFC 8215).
        [0x64, 0xFF9B, 0, 0, 0, 0, high, low] => of(high, low),
        [0x2002, high, low, ..] => of(high, low),
        _ => None,
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    let special = address.is_private()
        || address.is_loopback()
        || address.is_link_local()
        || address.is_broadcast()
        || address.is_documentation()
        || address.is_multicast()
        || a == 0
        || a >= 240
        || (a == 100 && (64..128).contains(&b))
        || (a == 192 && b == 0 && c == 0)
        || (a == 192 && b == 88 && c == 99)
        || (a == 198 && (b == 18 || b == 19));
    !special
}

/// Resolves, and leaves out what may not be asked.
#[derive(Debug)]
struct Guard(Arc<dyn Names>);

impl Resolve for Guard {
    fn resolve(&self, name: Name) -> Resolving {
        let names = Arc::clone(&self.0);
        Box::pin(async move {
            let found = names.resolve(name.as_str().to_owned()).await?;
            let asked: Vec<SocketAddr> = found
                .into_iter()
                .filter(|address| names.may_ask(*address))
                .map(|address| (address, 0).into())
                .collect();
            if asked.is_empty() {
                return Err("the name leads to no address of the public internet".into());
            }
            Ok(Box::new(asked.into_iter()) as Addrs)
        })
    }
}

/// Fetches and keeps them.
#[derive(Clone, Debug)]
pub struct Documents(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    web: reqwest::Client,
    table: Mutex<Table>,
    seats: Arc<Semaphore>,
}

type Found = Result<Client, DocumentError>;
/// A document that is being fetched, for all who wait for it.
type Flight = future::Shared<BoxFuture<'static, Found>>;

#[derive(Debug, Default)]
struct Table {
    kept: HashMap<String, Kept>,
    flying: HashMap<String, Flight>,
}

#[derive(Debug)]
struct Kept {
    until: Duration,
    what: Found,
    /// What it said last, and when.
    good: Option<(Client, Duration)>,
}

impl Table {
    /// What is known without asking.
    fn known(&self, id: &str, elapsed: Duration) -> Option<&Kept> {
        self.kept.get(id).filter(|known| elapsed < known.until)
    }

    /// What it said last, if that is not too long ago.
    fn last_good(&self, id: &str, elapsed: Duration) -> Option<(Client, Duration)> {
        let good = self.kept.get(id)?.good.clone();
        good.filter(|(_, since)| elapsed < *since + MOST_AGE)
    }

    fn keep(&mut self, id: String, kept: Kept, elapsed: Duration) {
        if self.kept.len() >= KEPT {
            self.kept.retain(|_, known| elapsed < known.until || known.good.is_some());
        }
        if self.kept.len() >= KEPT {
            let first = self.kept.iter().min_by_key(|(_, known)| known.until).map(|(id, _)| id.clone());
            first.and_then(|id| self.kept.remove(&id));
        }
        self.kept.insert(id, kept);
    }
}

/// Takes a flight off the table however it ends.
struct Landing {
    shared: Arc<Shared>,
    id: String,
}

impl Drop for Landing {
    fn drop(&mut self) {
        let flown = self.shared.table().flying.remove(&self.id);
        drop(flown);
    }
}

impl Documents {
    /// Through these names, and besides the machine's certificates trusting these.
    ///
    /// # Errors
    /// When the certificates cannot be used.
    pub fn new(names: Arc<dyn Names>, trusted: &[reqwest::Certificate]) -> Result<Self, reqwest::Error> {
        let builder = reqwest::Client::builder()
            .user_agent(concat!("keyward/", env!("CARGO_PKG_VERSION")))
            .redirect(Policy::none())
            .https_only(true)
            .no_proxy()
            .timeout(DEADLINE)
            .dns_resolver(Arc::new(Guard(names)));
        let builder = trusted.iter().cloned().fold(builder, reqwest::ClientBuilder::add_root_certificate);
        let seats = Arc::new(Semaphore::new(FLIGHTS));
        Ok(Self(Arc::new(Shared { web: builder.build()?, table: Mutex::default(), seats })))
    }

    /// Whether what is asked of this id is known, or being found out, so that nobody needs to be asked for it.
    pub fn knows(&self, id: &str, elapsed: Duration) -> bool {
        let table = self.0.table();
        table.known(id, elapsed).is_some() || table.flying.contains_key(id)
    }

    /// The client of this id. `elapsed` is of the clock that only goes forward.
    ///
    /// # Errors
    /// [`DocumentError`].
    pub async fn client(&self, id: &str, now: Timestamp, elapsed: Duration) -> Result<Client, DocumentError> {
        check_id(id)?;
        let flight = {
            let mut table = self.0.table();
            if let Some(known) = table.known(id, elapsed) {
                return known.what.clone();
            }
            match table.flying.get(id) {
                Some(flight) => flight.clone(),
                None => {
                    let Ok(seat) = Arc::clone(&self.0.seats).try_acquire_owned() else {
                        return table
                            .last_good(id, elapsed)
                            .map(|(client, _)| client)
                            .ok_or(DocumentError::Busy);
                    };
                    let landing = Landing { shared: Arc::clone(&self.0), id: id.to_owned() };
                    // A task of its own: whoever began it may leave, and those who wait for it stay.
                    let task = tokio::spawn(async move {
                        let found = landing.shared.find(&landing.id, now, elapsed).await;
                        drop((landing, seat));
                        found
                    });
                    let flight = task.map(|found| found.unwrap_or(Err(DocumentError::Busy))).boxed().shared();
                    table.flying.insert(id.to_owned(), flight.clone());
                    flight
                }
            }
        };
        flight.await
    }
}

impl Shared {
    fn table(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Fetches a document, and keeps what came of it.
    async fn find(&self, id: &str, now: Timestamp, elapsed: Duration) -> Found {
        let fetched = self.fetch(id, now).await;
        let mut table = self.table();
        let (what, age, good) = match fetched {
            Ok((client, age)) => {
                let age = age.unwrap_or(LEAST_AGE).clamp(LEAST_AGE, MOST_AGE);
                (Ok(client.clone()), age, Some((client, elapsed)))
            }
            Err(error @ DocumentError::Unreachable(_)) => {
                let good = table.last_good(id, elapsed);
                (good.clone().map(|(client, _)| client).ok_or(error), FAILED_AGE, good)
            }
            // It says something else now.
            Err(error) => (Err(error), FAILED_AGE, None),
        };
        table.keep(id.to_owned(), Kept { until: elapsed + age, what: what.clone(), good }, elapsed);
        what
    }

    async fn fetch(&self, id: &str, now: Timestamp) -> Result<(Client, Option<Duration>), DocumentError> {
        let unreachable = |error: reqwest::Error| DocumentError::Unreachable(whole(&error.without_url()));
        let mut response =
            self.web.get(id).header(ACCEPT, "application/json").send().await.map_err(unreachable)?;
        if matches!(response.status(), StatusCode::NOT_FOUND | StatusCode::GONE) {
            return Err(DocumentError::Unfit("it is not there"));
        }
        if response.status() != StatusCode::OK {
            return Err(DocumentError::Unreachable(format!("it was answered with {}", response.status())));
        }
        let age = response
            .headers()
            .get(CACHE_CONTROL)
            .and_then(|value| crate::issuers::max_age(value.to_str().ok()?));
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(unreachable)? {
            if body.len() + chunk.len() > MOST {
                return Err(DocumentError::Unfit("it is longer than 5 KiB"));
            }
            body.extend_from_slice(&chunk);
        }
        Ok((read(id, &body, now)?, age))
    }
}

/// An error with all that stands behind it.
fn whole(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

/// Whether an id may be fetched.
fn check_id(id: &str) -> Result<(), DocumentError> {
    let wrong = |what| Err(DocumentError::Id(what));
    let Ok(url) = Url::parse(id) else { return wrong("it is no URL") };
    // What is written otherwise than it is meant could name one thing to us and another to a person.
    if url.as_str() != id || id.len() > 2_000 {
        return wrong("it is not written in its usual way");
    }
    if url.scheme() != "https"
        || !url.username().is_empty()
        || url.password().is_some()
        || url.fragment().is_some()
    {
        return wrong("it must be https, without user and fragment");
    }
    if url.path() == "/" {
        return wrong("it must have a path");
    }
    match url.host() {
        Some(Host::Domain(name)) if name.contains('.') && !name.ends_with('.') => Ok(()),
        _ => wrong("its host must be a name"),
    }
}

/// Reads a document.
fn read(id: &str, body: &[u8], now: Timestamp) -> Result<Client, DocumentError> {
    let unfit = |what| DocumentError::Unfit(what);
    let document = json::parse(body).map_err(|_| unfit("it is not JSON"))?;
    let member = |name: &str| member(&document, name);
    if member("client_id").and_then(Json::as_text) != Some(id) {
        return Err(unfit("its client_id is not its own address"));
    }
    if member("client_secret").is_some() || member("client_secret_expires_at").is_some() {
        return Err(unfit("it holds a secret"));
    }
    let name = member("client_name")
        .and_then(Json::as_text)
        .filter(|name| is_name(name))
        .ok_or(unfit("client_name"))?;
    let uris = texts(member("redirect_uris")).ok_or(unfit("redirect_uris must be a list of texts"))?;
    let uris: Vec<String> = uris.into_iter().filter(|uri| redirect::is_fit(uri)).map(str::to_owned).collect();
    if uris.is_empty() {
        return Err(unfit("none of its redirect_uris can be used"));
    }
    // A client that prefers another way may say that it can do without.
    let method = member("token_endpoint_auth_method").and_then(Json::as_text);
    let others = texts(member("token_endpoint_auth_methods_supported")).unwrap_or_default();
    if method.is_some_and(|method| method != "none") && !others.contains(&"none") {
        return Err(unfit(
            "token_endpoint_auth_method must be none, or none be among those that it supports",
        ));
    }
    let grants = texts(member("grant_types")).unwrap_or_default();
    Ok(Client {
        id: id.into(),
        name: name.to_owned(),
        redirect_uris: uris.into(),
        origin: ClientOrigin::Document,
        secret: None,
        refreshes: grants.contains(&"refresh_token"),
        created_at: now,
    })
}

fn member<'j>(document: &'j Json, name: &str) -> Option<&'j Json> {
    match document {
        Json::Object(members) => members.iter().find(|(own, _)| own == name).map(|(_, value)| value),
        _ => None,
    }
}

/// A list of texts; `None`: it is something else. Absent is an empty one.
pub(super) fn texts(value: Option<&Json>) -> Option<Vec<&str>> {
    match value {
        None | Some(Json::Null) => Some(Vec::new()),
        Some(Json::Array(items)) => items.iter().map(Json::as_text).collect(),
        Some(_) => None,
    }
}

/// Whether a text can stand for a client before people: 1 to 200 characters, none that controls or hides.
pub(super) fn is_name(name: &str) -> bool {
    // What controls, and what is not seen: of such, a name could be made that looks like another's, or like none.
    let hidden = |c: char| {
        c.is_control()
            || matches!(c, '\u{AD}' | '\u{34F}' | '\u{61C}' | '\u{115F}' | '\u{1160}' | '\u{17B4}' | '\u{17B5}'
                | '\u{180B}'..='\u{180F}' | '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2060}'..='\u{206F}'
                | '\u{2800}' | '\u{3164}' | '\u{FE00}'..='\u{FE0E}' | '\u{FEFF}' | '\u{FFA0}' | '\u{FFF9}'..='\u{FFFB}'
                | '\u{E0000}'..='\u{E0FFF}')
    };
    !name.trim().is_empty() && name.chars().count() <= 200 && !name.contains(hidden)
}

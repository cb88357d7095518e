//! Clients that are documents: a `client_id` that is an https URL, at which the client says who it is (draft-ietf-oauth-client-id-metadata-document).
//!
//! Whoever sends such an id has this server fetch a URL of its choice, so:
//!
//! 1. the URL is https with a path, in its one spelling, and its host is a name and no address, in whatever notation;
//!    the port is 443, so that nobody has us knock at other doors;
//! 2. the name is resolved once, by a look-up that can be given up, an address that is not of the public internet is left out, and the connection goes to one of
//!    the others: what a name server says a moment later changes nothing;
//! 3. no redirect is followed, 5 KiB are read at most, within 3 seconds, and without the machine's proxies;
//! 4. a document is kept for as long as it says, between 5 minutes and a day; a failure is kept for 10 seconds, so that nobody
//!    can have us ask the same address again and again, and while its host does not answer, what it said is believed for a day;
//! 5. one document is fetched once at a time, for all who wait for it; of the fetches that run at once an address and a network
//!    have a share, and where no place is left, the network with the most of them gives one up to a network with fewer.

pub use super::public_names::{Names, PublicNames, is_public};

use super::client_metadata;
use super::public_names::Guard;
use crate::outgoing::Outgoing;
use crate::watch::Degraded;
use futures_util::FutureExt;
use futures_util::future::{self, BoxFuture};
use http::StatusCode;
use http::header::ACCEPT;
use keyward_core::address::ClientAddress;
use keyward_core::clock::Timestamp;
use keyward_core::oauth::Client;
use keyward_core::oauth::redirect::Schemes;
use keyward_core::share::{Full, Lease, Shares};
use reqwest::redirect::Policy;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::task::AbortHandle;
use url::{Host, Url};

/// The longest document, in bytes.
const MOST: usize = 5 * 1024;
/// A document must be there within this.
const DEADLINE: Duration = Duration::from_secs(3);
/// Documents that are fetched at once, and how many of them for one address and one network.
const FLIGHTS: u64 = 64;
const FLIGHTS_OF_ADDRESS: u64 = 4;
const FLIGHTS_OF_NETWORK: u64 = 16;
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

/// Fetches and keeps them, with the redirect URIs that clients may have by these schemes.
#[derive(Clone, Debug)]
pub struct Documents(Arc<Shared>, Schemes);

#[derive(Debug)]
struct Shared {
    web: Outgoing,
    table: Mutex<Table>,
    of_addresses: Shares<ClientAddress>,
    of_networks: Shares<ClientAddress>,
}

type Found = Result<Client, DocumentError>;
/// A document that is being fetched, for all who wait for it.
type Flight = future::Shared<BoxFuture<'static, Found>>;

/// A fetch that runs.
#[derive(Debug)]
struct Flying {
    flight: Flight,
    task: AbortHandle,
    number: u64,
    network: ClientAddress,
    /// Its place, which is free as soon as this leaves the table.
    _seat: Seat,
}

/// A place among the fetches that run.
type Seat = [Lease<ClientAddress>; 2];

#[derive(Debug, Default)]
struct Table {
    kept: HashMap<String, Kept>,
    flying: HashMap<String, Flying>,
    /// Fetches that have begun.
    begun: u64,
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

    /// Ends the oldest fetch of the network with the most of them, for one with fewer; `false`: there is no such network. A
    /// fetch of a host that answers is over soon, so the oldest one most likely comes to nothing.
    fn thin_for(&mut self, network: ClientAddress) -> bool {
        let mut counts = HashMap::<ClientAddress, usize>::new();
        self.flying.values().for_each(|flying| *counts.entry(flying.network).or_default() += 1);
        // Absent: a network that fetches nothing.
        let own = counts.get(&network).copied().unwrap_or_default();
        let Some((fullest, most)) = counts.into_iter().max_by_key(|(_, count)| *count) else { return false };
        if most <= own + 1 {
            return false;
        }
        let of_it = self.flying.iter().filter(|(_, flying)| flying.network == fullest);
        let oldest = of_it.min_by_key(|(_, flying)| flying.number).map(|(id, _)| id.clone());
        let ended = oldest.and_then(|id| self.flying.remove(&id));
        ended.inspect(|flying| flying.task.abort()).is_some()
    }
}

/// Takes a flight off the table however it ends.
struct Landing {
    shared: Arc<Shared>,
    id: String,
    number: u64,
}

impl Drop for Landing {
    fn drop(&mut self) {
        let mut table = self.shared.table();
        // One that was ended for another network is off already, and the id may be fetched again.
        if table.flying.get(&self.id).is_some_and(|flying| flying.number == self.number) {
            let flown = table.flying.remove(&self.id);
            drop((table, flown));
        }
    }
}

impl Documents {
    /// Through these names, and besides the machine's certificates trusting these. Where there are none, no document is fetched
    /// until there are.
    #[must_use]
    pub fn new(names: Arc<dyn Names>, trusted: &[reqwest::Certificate], degraded: &Degraded) -> Self {
        let (guard, trusted) = (Arc::new(Guard(names)), trusted.to_vec());
        let client = move || {
            reqwest::Client::builder()
                .user_agent(concat!("keyward/", env!("CARGO_PKG_VERSION")))
                .redirect(Policy::none())
                .https_only(true)
                .no_proxy()
                .timeout(DEADLINE)
                .http1_only()
                .dns_resolver(Arc::clone(&guard))
                .tls_certs_merge(trusted.clone())
        };
        let web = Outgoing::new(degraded, client);
        // The log says at the start if there are none. Absent: the first fetch tries again.
        let _ = web.client();
        let shared = Shared {
            web,
            table: Mutex::default(),
            of_addresses: Shares::new(FLIGHTS, FLIGHTS_OF_ADDRESS),
            of_networks: Shares::new(FLIGHTS, FLIGHTS_OF_NETWORK),
        };
        Self(Arc::new(shared), Schemes::default())
    }

    /// Where clients may have redirect URIs of these schemes too.
    #[must_use]
    pub(crate) fn allowing(self, schemes: Schemes) -> Self {
        Self(self.0, schemes)
    }

    /// Whether what is asked of this id is known, or being found out, so that nobody needs to be asked for it.
    pub fn knows(&self, id: &str, elapsed: Duration) -> bool {
        let table = self.0.table();
        table.known(id, elapsed).is_some() || table.flying.contains_key(id)
    }

    /// The client of this id, for a browser or a client at this address. `elapsed` is of the clock that only goes forward.
    ///
    /// # Errors
    /// [`DocumentError`].
    pub async fn client(
        &self,
        id: &str,
        from: ClientAddress,
        now: Timestamp,
        elapsed: Duration,
    ) -> Result<Client, DocumentError> {
        check_id(id)?;
        let flight = {
            let mut table = self.0.table();
            if let Some(known) = table.known(id, elapsed) {
                return known.what.clone();
            }
            match table.flying.get(id) {
                Some(flying) => flying.flight.clone(),
                None => {
                    let Ok(seat) = self.0.seat(&mut table, from) else {
                        return table
                            .last_good(id, elapsed)
                            .map(|(client, _)| client)
                            .ok_or(DocumentError::Busy);
                    };
                    table.begun += 1;
                    let number = table.begun;
                    let landing = Landing { shared: Arc::clone(&self.0), id: id.to_owned(), number };
                    let schemes = self.1.clone();
                    // A task of its own: whoever began it may leave, and those who wait for it stay.
                    let task = tokio::spawn(async move {
                        let found = landing.shared.find(&landing.id, &schemes, (now, elapsed)).await;
                        drop(landing);
                        found
                    });
                    let handle = task.abort_handle();
                    // Absent: a fetch that was ended for another network found nothing.
                    let flight = task.map(|found| found.unwrap_or(Err(DocumentError::Busy))).boxed().shared();
                    let network = from.network();
                    let flying =
                        Flying { flight: flight.clone(), task: handle, number, network, _seat: seat };
                    table.flying.insert(id.to_owned(), flying);
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

    /// A place among the fetches that run, if need be that of a network with more of them.
    fn seat(&self, table: &mut Table, from: ClientAddress) -> Result<Seat, Full> {
        match self.free_seat(from) {
            Err(Full::Pool) if table.thin_for(from.network()) => self.free_seat(from),
            taken => taken,
        }
    }

    fn free_seat(&self, from: ClientAddress) -> Result<Seat, Full> {
        Ok([self.of_addresses.take(from.host(), 1)?, self.of_networks.take(from.network(), 1)?])
    }

    /// Fetches a document, and keeps what came of it.
    async fn find(&self, id: &str, schemes: &Schemes, (now, elapsed): (Timestamp, Duration)) -> Found {
        let fetched = self.fetch(id, schemes, now).await;
        let mut table = self.table();
        let (what, age, good) = match fetched {
            Ok((client, age)) => {
                // Absent: kept for the shortest time.
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

    async fn fetch(
        &self,
        id: &str,
        schemes: &Schemes,
        now: Timestamp,
    ) -> Result<(Client, Option<Duration>), DocumentError> {
        let unreachable = |error: reqwest::Error| DocumentError::Unreachable(whole(&error.without_url()));
        let without_roots = |why| {
            DocumentError::Unreachable(format!("the machine's root certificates cannot be used: {why}"))
        };
        let web = self.web.client().map_err(without_roots)?;
        let mut response =
            web.get(id).header(ACCEPT, "application/json").send().await.map_err(unreachable)?;
        if matches!(response.status(), StatusCode::NOT_FOUND | StatusCode::GONE) {
            return Err(DocumentError::Unfit("it is not there"));
        }
        if response.status() != StatusCode::OK {
            return Err(DocumentError::Unreachable(format!("it was answered with {}", response.status())));
        }
        let age = crate::issuers::max_age(response.headers());
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(unreachable)? {
            if body.len() + chunk.len() > MOST {
                return Err(DocumentError::Unfit("it is longer than 5 KiB"));
            }
            body.extend_from_slice(&chunk);
        }
        Ok((client_metadata::read_document(id, &body, schemes, now)?, age))
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
    // The default port is never written in the usual way.
    if url.port().is_some() {
        return wrong("its port must be 443");
    }
    if url.path() == "/" {
        return wrong("it must have a path");
    }
    match url.host() {
        Some(Host::Domain(name)) if name.contains('.') && !name.ends_with('.') => Ok(()),
        Some(Host::Domain(_) | Host::Ipv4(_) | Host::Ipv6(_)) | None => wrong("its host must be a name"),
    }
}

//! The name servers of a machine: which names are looked up there, and how long the answers are waited for.
//!
//! The addresses of IPv4 and of IPv6 are two questions. Some resolvers and firewalls drop one of them, so an address of either
//! kind is enough: the other kind then has [`GRACE`] (RFC 8305 §3 recommends such a delay). That a name has no address of
//! IPv6 says nothing about IPv4: some name servers deny the whole name then (RFC 4074 §4.2).

use futures_util::future::{self, Either};
use hickory_resolver::config::{LookupIpStrategy, ResolveHosts, ResolverConfig, ResolverOpts};
use hickory_resolver::net::NetError;
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::proto::rr::{Name, RecordType};
use hickory_resolver::{Resolver, TokioResolver};
use std::net::IpAddr;
use std::pin::pin;
use std::time::Duration;

/// What one try may take. With [`MOST_RETRIES`] a question ends after 2.4 s: within the 3 s in which the document of a client
/// must be there, and the 5 s of a look-up.
const MOST_TIMEOUT: Duration = Duration::from_millis(1_200);
/// How often a question is asked again.
const MOST_RETRIES: usize = 1;
/// How long the addresses of the other kind are waited for.
const GRACE: Duration = Duration::from_millis(250);
/// How long an answer is kept at most: that there is nothing, and addresses.
const NEGATIVE_KEPT: Duration = Duration::from_secs(10);
const POSITIVE_KEPT: Duration = Duration::from_secs(3_600);
/// Questions that are open on one TCP connection to a name server.
const MOST_QUESTIONS: usize = 256;

/// The name servers, and where names that are not whole are searched.
pub(super) struct Servers {
    resolver: TokioResolver,
    search: Vec<Name>,
    /// A name with this many dots is looked up as it is before it is searched.
    dots: usize,
}

impl Servers {
    pub(super) fn build(config: ResolverConfig, mut options: ResolverOpts) -> Result<Self, String> {
        let search = config.domain().into_iter().chain(config.search()).cloned().collect();
        let dots = options.ndots;
        options.timeout = options.timeout.min(MOST_TIMEOUT);
        options.attempts = options.attempts.min(MOST_RETRIES);
        options.negative_max_ttl = Some(NEGATIVE_KEPT);
        options.positive_max_ttl = Some(POSITIVE_KEPT);
        options.max_active_requests = MOST_QUESTIONS;
        options.ip_strategy = LookupIpStrategy::Ipv4AndIpv6;
        options.use_hosts_file = ResolveHosts::Never;
        let builder = Resolver::builder_with_config(config, TokioRuntimeProvider::default());
        let resolver = builder.with_options(options).build().map_err(|error| error.to_string())?;
        Ok(Self { resolver, search, dots })
    }

    /// The addresses of a name: of the first candidate that has any.
    pub(super) async fn resolve(&self, name: Name) -> Result<Vec<IpAddr>, NetError> {
        let mut last = Err(NetError::NoConnections);
        for candidate in self.candidates(name) {
            last = self.addresses(&candidate).await;
            if last.is_ok() {
                break;
            }
        }
        last
    }

    /// The whole names that a name can stand for, in the order of `resolv.conf(5)`.
    fn candidates(&self, name: Name) -> Vec<Name> {
        if name.is_fqdn() {
            return vec![name];
        }
        let searched = self.search.iter().filter_map(|domain| name.clone().append_domain(domain).ok());
        let mut all: Vec<Name> = searched.collect();
        let has_dots = usize::from(name.num_labels()) > self.dots;
        let position = if has_dots { 0 } else { all.len() };
        let mut whole = name;
        whole.set_fqdn(true);
        all.insert(position, whole);
        all
    }

    /// The addresses of a whole name, those of IPv4 first.
    async fn addresses(&self, name: &Name) -> Result<Vec<IpAddr>, NetError> {
        let of_v4 = pin!(self.ask(name, RecordType::A));
        let of_v6 = pin!(self.ask(name, RecordType::AAAA));
        let answered = future::select(of_v4, of_v6).await;
        let is_v4 = matches!(answered, Either::Left(_));
        let (first, other) = answered.factor_first();
        let is_enough = match &first {
            Ok(_) => true,
            Err(error) => is_v4 && error.is_nx_domain(),
        };
        let second = if is_enough {
            tokio::time::timeout(GRACE, other).await.unwrap_or(Err(NetError::Timeout))
        } else {
            other.await
        };
        match if is_v4 { (first, second) } else { (second, first) } {
            (Err(error), Err(_)) => Err(error),
            (v4, v6) => Ok([v4.unwrap_or_default(), v6.unwrap_or_default()].concat()),
        }
    }

    /// The addresses of one kind; none is an error.
    async fn ask(&self, name: &Name, kind: RecordType) -> Result<Vec<IpAddr>, NetError> {
        let found = self.resolver.lookup(name.clone(), kind).await?;
        let found: Vec<_> = found.answers().iter().filter_map(|one| one.data.ip_addr()).collect();
        if found.is_empty() { Err(NetError::from("the answer holds no address")) } else { Ok(found) }
    }
}

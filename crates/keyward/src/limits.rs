//! Who is charged for what: callers of an account for reads and writes, addresses for what is public and for credentials that
//! are not accepted.

use crate::config::LimitsConfig;
use crate::current::Current;
use crate::problem::Problems;
use crate::shared::Shared;
use crate::watch::{Limited, Metrics};
use axum::body::Body;
use http::{Extensions, Method, Request, Response};
use keyward_core::clock::Timestamp;
use keyward_core::denial::{Code, Denial};
use keyward_core::limits::{Limits, Rate};
use keyward_core::principal::Principal;
use keyward_core::rate_limit::{Bucket, Charge, OverLimit, Purpose, Standing};
use keyward_core::tier::Tier;
use keyward_tower::rate_limit::{Policy, tell};
use keyward_tower::{ClientAddress, Refuse};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use std::sync::Arc;

/// Charges callers and addresses, by the limits that are set now.
#[derive(Clone, Debug)]
pub(crate) struct Charger {
    shared: Arc<Shared>,
    current: Current,
    /// Counts requests that were over a limit.
    over: Family<Limited, Counter>,
}

impl Charger {
    pub(crate) fn new(shared: Arc<Shared>, current: Current, metrics: &Metrics) -> Self {
        Self { shared, current, over: metrics.limited.clone() }
    }

    /// What a caller may do in a minute: of its account, or, where a request has none, of its user at the figures of the least tier.
    pub(crate) fn of_caller(&self, principal: &Principal) -> Limits {
        let tiers = self.current.glance(|now| now.limits.tiers);
        let member = principal.member;
        let live = self.shared.directory.read();
        let account = member.and_then(|member| live.account(member.account));
        // Absent: the figures of the least tier.
        account.map_or_else(|| tiers.of(Tier::Free), |account| account.limits(&tiers))
    }

    /// What an address may ask for in a minute, for this purpose.
    pub(crate) fn of_address(&self, purpose: Purpose) -> u32 {
        self.current.glance(|now| now.limits.of(purpose))
    }

    /// Charges a caller for this where no layer does: within a page, or within a call of MCP.
    pub(crate) fn enter(&self, principal: &Principal, purpose: Purpose) -> Result<(), Denial> {
        let Some(charge) = charge(principal, purpose, &self.of_caller(principal)) else { return Ok(()) };
        self.take(charge)
    }

    /// Charges a bucket where no layer does.
    pub(crate) fn take(&self, charge: Charge) -> Result<(), Denial> {
        match self.shared.limiter.charge(&[charge]) {
            Ok(_) => Ok(()),
            // Absent: over the limit in shadow mode, which counts and refuses nothing but passwords.
            Err(full) => self.over(&full).map_or(Ok(()), Err),
        }
    }

    /// Counts it, and says whether it is refused or only counted. Passwords are not to be guessed while figures are tried out.
    fn over(&self, over: &OverLimit) -> Option<Denial> {
        let shadow = over.purpose != Purpose::SignIn && self.current.glance(|now| now.limits.shadow);
        self.over.get_or_create(&Limited { limit: over.purpose.name(), refused: !shadow }).inc();
        (!shadow).then(|| Denial::RateLimited(over.purpose.name(), over.retry_after))
    }

    /// The time, if `[limits] legacy_headers` is on.
    fn legacy(&self) -> Option<Timestamp> {
        self.current.glance(|now| now.limits.legacy_headers).then(|| self.shared.clock.now())
    }
}

/// The bucket of a caller for this purpose, if it is limited.
pub(crate) fn charge(principal: &Principal, purpose: Purpose, limits: &Limits) -> Option<Charge> {
    let rate = if purpose == Purpose::Writes { limits.writes } else { limits.reads };
    let bucket = match principal.member {
        Some(member) => Bucket::Account(member.account, purpose),
        None => Bucket::User(principal.user, purpose),
    };
    match rate {
        Rate::PerMinute(limit) => Some(Charge { bucket, limit }),
        Rate::Unlimited => None,
    }
}

/// Callers: reads or writes, by the verb.
#[derive(Clone, Debug)]
pub(crate) struct OfCallers(pub(crate) Charger);

impl<B> Policy<B> for OfCallers {
    fn charges(&self, request: &Request<B>) -> Vec<Charge> {
        let Some(principal) = request.extensions().get::<Principal>() else { return Vec::new() };
        let reads = matches!(*request.method(), Method::GET | Method::HEAD);
        if reads && request.extensions().get::<ReadCharged>().is_some() {
            return Vec::new();
        }
        let purpose = if reads { Purpose::Reads } else { Purpose::Writes };
        charge(principal, purpose, &self.0.of_caller(principal)).into_iter().collect()
    }

    fn over(&self, _: &Request<B>, full: &OverLimit) -> Option<Denial> {
        self.0.over(full)
    }

    fn legacy(&self) -> Option<Timestamp> {
        self.0.legacy()
    }
}

/// In the extensions of a request that is a part of another one, which was charged as a read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ReadCharged;

/// Callers at a door where every POST is charged as a read, whatever its body turns out to ask for.
#[derive(Clone, Debug)]
pub(crate) struct OfPosts(pub(crate) Charger);

impl<B> Policy<B> for OfPosts {
    fn charges(&self, request: &Request<B>) -> Vec<Charge> {
        let principal = request.extensions().get::<Principal>().filter(|_| *request.method() == Method::POST);
        let charged = |who| charge(who, Purpose::Reads, &self.0.of_caller(who));
        principal.and_then(charged).into_iter().collect()
    }

    fn over(&self, _: &Request<B>, full: &OverLimit) -> Option<Denial> {
        self.0.over(full)
    }

    fn legacy(&self) -> Option<Timestamp> {
        self.0.legacy()
    }
}

/// A public operation: by the client's address.
#[derive(Clone, Debug)]
pub(crate) struct OfAddresses(pub(crate) Charger, pub(crate) Purpose);

impl<B> Policy<B> for OfAddresses {
    fn charges(&self, request: &Request<B>) -> Vec<Charge> {
        let limit = self.0.of_address(self.1);
        let client = client(request.extensions());
        if self.1 == Purpose::Validate && self.0.current.glance(|now| is_own_back_end(client, &now.limits)) {
            return Vec::new();
        }
        // The trusted proxies' own probes name no client. They would share one bucket, and a proxy that gets 429 takes the server
        // out of rotation.
        if self.1 == Purpose::Health && client == ClientAddress::Unknown {
            return Vec::new();
        }
        vec![Charge { bucket: Bucket::address(client, self.1), limit }]
    }

    fn over(&self, _: &Request<B>, full: &OverLimit) -> Option<Denial> {
        self.0.over(full)
    }

    fn legacy(&self) -> Option<Timestamp> {
        self.0.legacy()
    }
}

/// Whether a client may ask about any number of keys. One without an address is in no range.
fn is_own_back_end(client: ClientAddress, limits: &LimitsConfig) -> bool {
    client.is_in(&limits.validate_unlimited_from)
}

fn client(request: &Extensions) -> ClientAddress {
    // Absent: the default is no address, and all without one share a bucket.
    request.get().copied().unwrap_or_default()
}

/// Refuses whoever is not authenticated, and one who tries too often with 429: only after its credential was found to be bad, so
/// that a good one is never refused for it.
#[derive(Clone, Debug)]
pub(crate) struct Throttled(pub(crate) Charger, pub(crate) Problems);

impl Throttled {
    /// What a further bad credential from there is told instead.
    fn instead(&self, request: &Extensions, denial: &Denial) -> Option<(Denial, Vec<Standing>)> {
        let limit = self.0.current.glance(|now| now.limits.failed_auth_per_minute);
        // Nothing sent is nothing tried.
        let nothing = matches!(denial, Denial::CredentialMissing | Denial::CredentialElsewhere(_));
        if limit == 0 || denial.code() != Code::Unauthorized || nothing {
            return None;
        }
        let bucket = Bucket::address(client(request), Purpose::FailedAuth);
        let full = self.0.shared.limiter.charge(&[Charge { bucket, limit }]).err()?;
        Some((self.0.over(&full)?, full.standings))
    }
}

impl Refuse<Body> for Throttled {
    fn refuse(&self, request: &Extensions, denial: &Denial) -> Response<Body> {
        let problems = &self.1;
        match self.instead(request, denial) {
            None => problems.refuse(request, denial),
            Some((instead, standings)) => {
                let mut response = problems.refuse(request, &instead);
                tell(response.headers_mut(), &standings, self.0.legacy());
                response
            }
        }
    }
}

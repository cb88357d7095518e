//! What requests share that belongs to no part of the program alone.

use keyward_core::api_key::KeyRing;
use keyward_core::clock::Clock;
use keyward_core::idempotency::Claims;
use keyward_core::list::Cursors;
use keyward_core::live::Directory;
use keyward_core::random::Random;
use keyward_core::rate_limit::Limiter;
use keyward_tower::hygiene::Limits;
use std::sync::Arc;

/// Shared by all requests.
#[derive(Debug)]
pub struct Shared {
    /// What is known now: accounts, users, keys, sessions, grants.
    pub directory: Directory,
    /// Makes and admits keys.
    pub ring: KeyRing,
    /// The counters of limits.
    pub limiter: Limiter,
    /// The store's clock, which does not go back.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub random: Arc<dyn Random>,
    /// Makes claims to one execution.
    pub claims: Claims,
    /// Signs and opens cursors.
    pub cursors: Cursors,
    /// Where clients reach this server, without a slash at the end. Every URL that is sent begins with it.
    pub public_url: String,
    /// The size limits of a request.
    pub limits: Limits,
}

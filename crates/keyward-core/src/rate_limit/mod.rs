//! Exact limits: no span of 60 seconds admits more than a rate allows, for as long as the counters live.
//!
//! | file | what |
//! | --- | --- |
//! | `window.rs` | the last admissions of one bucket, and how long to wait |
//! | `limiter.rs` | all buckets; several are charged together or not at all |
//! | `delays.rs` | growing delays between failed sign-ins at one e-mail address |
//! | `delays/turns.rs` | when the next try at one of them is possible |
//! | `delays/counts.rs` | how many addresses are counted, and which of them give way |
//! | `networks.rs` | who tried one of them within a day, and the tries that each has of its own |
//! | `standing.rs` | what a client is told: the header fields `RateLimit-Policy` and `RateLimit` |
//!
//! A request that is refused consumes nothing. Time is that of a clock that only goes forward, so the wall clock can jump.

mod delays;
mod limiter;
mod networks;
mod standing;
mod window;

pub use delays::{Delays, FREE_TRIES, LONGEST_DELAY, Try};
pub use limiter::{Bucket, Charge, Limiter, OverLimit, Purpose, Saved, Tally};
pub use networks::Source;
pub use standing::{Standing, fields, legacy_fields};

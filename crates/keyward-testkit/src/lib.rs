//! What the tests of every store and of the program share: a clock that stands until it is moved, randomness that
//! repeats itself, an issuer of tokens, the forms of a page, and the contract that every store must keep.

pub mod contract;
pub mod forms;
pub mod issuer;
pub mod patience;
#[cfg(feature = "postgres")]
pub mod postgres;

use keyward_core::clock::{Clock, Timestamp};
use keyward_core::random::{Random, RandomError};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// 2026-03-20T15:30:45Z, where tests begin.
pub const START: i64 = 1_774_020_645;

/// A clock that stands still until it is moved. Clones share it.
#[derive(Clone, Debug)]
pub struct FakeClock(Arc<Mutex<(Timestamp, Duration)>>);

impl FakeClock {
    /// Standing at [`START`].
    #[must_use]
    pub fn new() -> Self {
        Self(Arc::new(Mutex::new((Timestamp::from_unix(START), Duration::ZERO))))
    }

    /// Sets the time of day on, or back: nothing has passed.
    pub fn advance(&self, seconds: i64) {
        let mut clock = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        clock.0 = clock.0.plus_seconds(seconds);
    }

    /// Lets so many seconds pass, as a clock that is right shows them.
    pub fn run(&self, seconds: i64) {
        self.advance(seconds);
        self.pass(Duration::from_secs(seconds.unsigned_abs()));
    }

    /// Lets so much time pass, and leaves the time of day as it is.
    pub fn pass(&self, time: Duration) {
        let mut clock = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        clock.1 += time;
    }
}

impl Default for FakeClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for FakeClock {
    fn now(&self) -> Timestamp {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).0
    }

    fn elapsed(&self) -> Duration {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).1
    }
}

/// Bytes that follow from a seed (SplitMix64). Never for anything real.
#[derive(Debug)]
pub struct SeededRandom(Mutex<(u64, Option<u64>)>);

impl SeededRandom {
    /// From this seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self(Mutex::new((seed, None)))
    }

    /// Is had so many times more, and then no more; `None`: always.
    pub fn lasts(&self, times: Option<u64>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).1 = times;
    }
}

impl Random for SeededRandom {
    fn fill(&self, buffer: &mut [u8]) -> Result<(), RandomError> {
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (state, left) = &mut *held;
        if let Some(left) = left {
            *left = left.checked_sub(1).ok_or(RandomError)?;
        }
        for chunk in buffer.chunks_mut(8) {
            *state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
            let mut z = *state;
            z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
            for (byte, random) in chunk.iter_mut().zip((z ^ (z >> 31)).to_le_bytes()) {
                *byte = random;
            }
        }
        Ok(())
    }
}

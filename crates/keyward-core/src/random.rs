//! Randomness, as an argument.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use uuid::Uuid;

/// The source of randomness failed: nothing that needs it may be made.
#[derive(Debug, thiserror::Error)]
#[error("the source of randomness failed")]
pub struct RandomError;

/// Where random bytes come from.
pub trait Random: Send + Sync + fmt::Debug {
    /// Fills the whole buffer with unpredictable bytes.
    ///
    /// # Errors
    /// When the source cannot deliver; the buffer is then not to be used.
    fn fill(&self, buffer: &mut [u8]) -> Result<(), RandomError>;
}

/// The operating system's generator.
#[derive(Clone, Copy, Debug)]
pub struct OsRandom;

impl Random for OsRandom {
    #[expect(clippy::disallowed_methods, reason = "this is the place that the rule points to")]
    fn fill(&self, buffer: &mut [u8]) -> Result<(), RandomError> {
        getrandom::fill(buffer).map_err(|_| RandomError)
    }
}

/// Hands on another source's bytes, fetched many at a time: for identifiers, where a system call each would cost more
/// than all else about them. Each byte is handed out once. Not for secrets: bytes wait in memory.
#[derive(Debug)]
pub struct Pooled {
    source: Arc<dyn Random>,
    pool: Mutex<Vec<u8>>,
}

impl Pooled {
    const BYTES: usize = 4096;

    /// From this source.
    #[must_use]
    pub fn new(source: Arc<dyn Random>) -> Self {
        Self { source, pool: Mutex::default() }
    }
}

impl Random for Pooled {
    fn fill(&self, buffer: &mut [u8]) -> Result<(), RandomError> {
        let mut pool = self.pool.lock().unwrap_or_else(PoisonError::into_inner);
        if pool.len() < buffer.len() {
            let mut fresh = vec![0; Self::BYTES.max(buffer.len())];
            self.source.fill(&mut fresh)?;
            *pool = fresh;
        }
        let rest = pool.len().saturating_sub(buffer.len());
        for (target, byte) in buffer.iter_mut().zip(pool.drain(rest..)) {
            *target = byte;
        }
        Ok(())
    }
}

/// A version 4 UUID (RFC 9562 §5.4).
///
/// # Errors
/// When the source cannot deliver.
pub fn uuid4(random: &dyn Random) -> Result<Uuid, RandomError> {
    let mut bytes = [0; 16];
    random.fill(&mut bytes)?;
    Ok(uuid::Builder::from_random_bytes(bytes).into_uuid())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Counts upwards, over all calls.
    #[derive(Debug, Default)]
    struct Counting(Mutex<u64>);

    impl Random for Counting {
        fn fill(&self, buffer: &mut [u8]) -> Result<(), RandomError> {
            let mut next = self.0.lock().unwrap();
            for chunk in buffer.chunks_mut(8) {
                chunk.copy_from_slice(&next.to_le_bytes()[..chunk.len()]);
                *next += 1;
            }
            Ok(())
        }
    }

    #[test]
    fn a_pool_hands_out_every_byte_once() {
        let pooled = Pooled::new(Arc::new(Counting::default()));
        let mut seen = std::collections::HashSet::new();
        for _ in 0..2_000 {
            let mut number = [0; 8];
            pooled.fill(&mut number).unwrap();
            assert!(seen.insert(number), "{number:?} came twice");
        }
        let mut large = vec![0; 10_000];
        pooled.fill(&mut large).unwrap();
    }
}

//! Randomness, as an argument.

use std::fmt;
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

/// A version 4 UUID (RFC 9562 §5.4).
///
/// # Errors
/// When the source cannot deliver.
pub fn uuid4(random: &dyn Random) -> Result<Uuid, RandomError> {
    let mut bytes = [0; 16];
    random.fill(&mut bytes)?;
    Ok(uuid::Builder::from_random_bytes(bytes).into_uuid())
}

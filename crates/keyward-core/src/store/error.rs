//! What it means when a store fails.

/// The cause of a failure, as the driver told it. For logs, never for answers.
pub type Source = Box<dyn std::error::Error + Send + Sync>;

/// A store could not do its part. Nothing was changed, except as [`StoreError::Held`] says.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// It cannot do it now: locked, read-only, full, out of reach. Trying again later may help.
    #[error("the store is unavailable")]
    Unavailable(#[source] Source),
    /// A right was taken away, and that could not be written: it holds in this process, and is written as soon as the
    /// database can be.
    #[error(
        "it could not be written: where a server runs it holds there until a restart, and is written as soon as the database can be; repeat it"
    )]
    Held(#[source] Source),
    /// As much of this account, or of this network, waits for the store as may wait at a time. Others are not concerned.
    #[error("too much of one account or network waits for the store")]
    Busy,
    /// A row is not as the rules say.
    #[error("a row of {table} is not as it must be: {what}")]
    Corrupt {
        /// The table.
        table: &'static str,
        /// What is wrong, without values that could be secret.
        what: String,
    },
    /// Anything else: a fault of ours.
    #[error("the store failed")]
    Failed(#[source] Source),
}

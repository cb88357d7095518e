//! Why an order is not carried out.

use crate::exit::Exit;
use crate::files::FileError;
use crate::secret_file::SecretError;
use keyward_core::denial::Denial;
use keyward_core::random::RandomError;
use keyward_core::store::StoreError;

/// Why an order is not carried out, in a sentence for the operator.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AdminError {
    /// The rules that every write is judged by refuse it.
    #[error("{}", .0.message())]
    Denied(Denial),
    /// A rule of the order itself refuses it.
    #[error("{0}")]
    Refused(String),
    /// What it names is not there.
    #[error("{0}")]
    NotFound(String),
    /// What it makes is there already.
    #[error("{0}")]
    Conflict(String),
    /// It cannot be read.
    #[error("{0}")]
    Malformed(String),
    /// It cannot be done now.
    #[error("{0}")]
    Unavailable(String),
    /// The running server gave no answer.
    #[error("{0}")]
    Unanswered(&'static str),
    /// The running server has answered so.
    #[error("{text}")]
    Answered {
        /// How the command ends by it.
        exit: Exit,
        /// Its words.
        text: String,
    },
    /// The store failed; with its cause, which is for the operator.
    #[error("{}{}", .0, cause(.0))]
    Store(#[from] StoreError),
    /// Randomness is not to be had.
    #[error(transparent)]
    Random(#[from] RandomError),
    /// The root secret cannot be had.
    #[error(transparent)]
    Secret(#[from] SecretError),
    /// A file cannot be used.
    #[error(transparent)]
    File(#[from] FileError),
    /// A step failed after others that are done.
    #[error("{done}, and then: {error}")]
    InPart {
        /// What is done.
        done: String,
        /// What failed.
        error: Box<Self>,
    },
}

fn cause(error: &StoreError) -> String {
    // Absent: the error has no cause to name.
    std::error::Error::source(error).map(|cause| format!(": {cause}")).unwrap_or_default()
}

impl AdminError {
    /// How a command ends by it.
    pub(crate) fn exit(&self) -> Exit {
        match self {
            Self::Denied(denial) => Exit::of_denial(denial),
            Self::Refused(_) | Self::Random(_) => Exit::Refused,
            Self::NotFound(_) => Exit::NotFound,
            Self::Conflict(_) => Exit::AlreadyExists,
            Self::Malformed(_) => Exit::Usage,
            Self::Unavailable(_) => Exit::Unavailable,
            // By its own exit code it would count as if nothing was changed.
            Self::Unanswered(_) | Self::InPart { .. } => Exit::Unknown,
            Self::Answered { exit, .. } => *exit,
            Self::Store(error) => Exit::of_store(error),
            Self::Secret(error) => error.exit(),
            Self::File(error) => Exit::of_system(&error.source),
        }
    }

    /// Whatever failed, in its own words.
    pub(super) fn failed(error: impl std::fmt::Display) -> Self {
        Self::Refused(error.to_string())
    }

    pub(super) fn refused(text: impl Into<String>) -> Self {
        Self::Refused(text.into())
    }

    pub(super) fn not_found(text: impl Into<String>) -> Self {
        Self::NotFound(text.into())
    }

    pub(super) fn conflict(text: impl Into<String>) -> Self {
        Self::Conflict(text.into())
    }

    pub(super) fn unavailable(text: impl Into<String>) -> Self {
        Self::Unavailable(text.into())
    }

    pub(super) fn malformed(text: impl Into<String>) -> Self {
        Self::Malformed(text.into())
    }

    /// Of a step after others that are done, which these words name.
    pub(crate) fn in_part(self, done: &str) -> Self {
        Self::InPart { done: done.to_owned(), error: Box::new(self) }
    }
}

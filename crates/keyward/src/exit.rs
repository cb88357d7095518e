//! How a command ends: one table of exit codes, for scripts. The reference page is made from it.

use keyward_core::denial::{Code, Denial};
use keyward_core::store::StoreError;
use serde::{Deserialize, Serialize};
use std::io::{Error, ErrorKind};

/// Why a command does not end with 0. Its code stands in the error that `--json` prints, and travels over the socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Exit {
    /// A rule says no.
    Refused,
    /// What was named is not there.
    NotFound,
    /// What was to be made is there.
    AlreadyExists,
    /// The command line or the configuration is wrong, or a server does not start.
    Usage,
    /// It cannot be done now, and nothing was changed.
    Unavailable,
    /// It was done, or not, or in part.
    Unknown,
}

impl Exit {
    /// All, by their exit codes.
    pub const ALL: [Self; 6] =
        [Self::Refused, Self::NotFound, Self::AlreadyExists, Self::Usage, Self::Unavailable, Self::Unknown];

    /// What the process ends with.
    #[must_use]
    pub const fn number(self) -> u8 {
        match self {
            Self::Refused | Self::NotFound | Self::AlreadyExists => 1,
            Self::Usage => 2,
            Self::Unavailable => 3,
            Self::Unknown => 4,
        }
    }

    /// `error.code` of the error that `--json` prints.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Refused => "refused",
            Self::NotFound => "not_found",
            Self::AlreadyExists => "already_exists",
            Self::Usage => "usage",
            Self::Unavailable => "unavailable",
            Self::Unknown => "unknown",
        }
    }

    /// What it means, and what a script does about it.
    #[must_use]
    pub const fn meaning(self) -> &'static str {
        match self {
            Self::Refused => {
                "A rule says no, or a check found something wrong. Nothing was changed; sent again, it ends the same."
            }
            Self::NotFound => "What was named is not there. Nothing was changed.",
            Self::AlreadyExists => {
                "What was to be made is there already. Nothing was changed; where a command has `--if-absent`, that ends with 0."
            }
            Self::Usage => {
                "The command line or the configuration is wrong, the data cannot be used as they are configured, or `serve` or \
                 `demo` does not start. Nothing was done."
            }
            Self::Unavailable => {
                "It cannot be done now: the database is in use or its disk is full, a server starts or stops, another one cannot \
                 be reached, the output cannot be written. Nothing was changed, but for an ending that holds in the running server \
                 until it can be saved; try again later."
            }
            Self::Unknown => {
                "It is not known what was done: the server gave no answer, or what it did could not be printed. Look before you \
                 repeat it."
            }
        }
    }

    /// Of a reason to say no.
    pub(crate) fn of_denial(denial: &Denial) -> Self {
        match denial.code() {
            Code::NotFound => Self::NotFound,
            Code::RateLimited | Code::ServiceUnavailable => Self::Unavailable,
            Code::InternalError => Self::Unknown,
            Code::BadRequest
            | Code::Unauthorized
            | Code::Forbidden
            | Code::MethodNotAllowed
            | Code::Conflict
            | Code::PreconditionFailed
            | Code::PayloadTooLarge
            | Code::UnsupportedMediaType
            | Code::ValidationError
            | Code::HeadersTooLarge => Self::Refused,
        }
    }

    /// Of a store. Nothing was changed, except by a fault of ours; a revocation that is not saved holds, and is repeated. A row that
    /// cannot be read does not mend itself.
    pub(crate) const fn of_store(error: &StoreError) -> Self {
        match error {
            StoreError::Failed(_) => Self::Unknown,
            StoreError::Unavailable(_) | StoreError::Held(_) | StoreError::Busy => Self::Unavailable,
            StoreError::Corrupt { .. } => Self::Refused,
        }
    }

    /// Of a file or directory that cannot be used.
    pub(crate) fn of_system(error: &Error) -> Self {
        match error.kind() {
            ErrorKind::NotFound => Self::NotFound,
            ErrorKind::AlreadyExists => Self::AlreadyExists,
            ErrorKind::PermissionDenied
            | ErrorKind::IsADirectory
            | ErrorKind::NotADirectory
            | ErrorKind::InvalidInput
            | ErrorKind::InvalidData
            | ErrorKind::UnexpectedEof => Self::Refused,
            _ => Self::Unavailable,
        }
    }
}

//! How a command ends: one table of exit codes, for scripts. The reference page is made from it.

use super::CliError;
use keyward_core::denial::{Code, Denial};
use keyward_core::store::StoreError;
use keyward_sqlite::OpenError;
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

    fn of_database(error: &OpenError) -> Self {
        match error {
            OpenError::File { source, .. } => Self::of_system(source),
            OpenError::InUse(_) | OpenError::Older | OpenError::Full { .. } | OpenError::Sqlite(_) => {
                Self::Unavailable
            }
            OpenError::NotCopied { .. } | OpenError::NotServed(_) | OpenError::Behind(_) => Self::Unavailable,
            OpenError::NoJournal { .. } | OpenError::Damaged { .. } => Self::Refused,
            OpenError::TwoNames(_)
            | OpenError::Newer { .. }
            | OpenError::NotOurs
            | OpenError::Empty(_)
            | OpenError::NoSecret
            | OpenError::WrongSecret(_)
            | OpenError::NoLog(_) => Self::Usage,
        }
    }

    fn of_system(error: &Error) -> Self {
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

impl CliError {
    /// How the command ends by it.
    #[must_use]
    pub fn exit(&self) -> Exit {
        match self {
            Self::Ended(exit, _) => *exit,
            Self::Said(_) => Exit::Refused,
            Self::Config(_) | Self::Tls(_) | Self::Listen { .. } | Self::Start(_) => Exit::Usage,
            Self::Store(error) => Exit::of_database(error),
            Self::File { source, .. } => Exit::of_system(source),
            Self::Io(_) => Exit::Unavailable,
        }
    }

    pub(crate) fn not_found(text: impl Into<String>) -> Self {
        Self::Ended(Exit::NotFound, text.into())
    }

    pub(crate) fn already_exists(text: impl Into<String>) -> Self {
        Self::Ended(Exit::AlreadyExists, text.into())
    }

    pub(crate) fn unavailable(text: impl Into<String>) -> Self {
        Self::Ended(Exit::Unavailable, text.into())
    }

    pub(crate) fn unknown(text: impl Into<String>) -> Self {
        Self::Ended(Exit::Unknown, text.into())
    }

    /// A mistake of the command line or the configuration, by whatever words.
    pub(crate) fn usage(text: impl ToString) -> Self {
        Self::Ended(Exit::Usage, text.to_string())
    }

    /// Whatever it is, a server does not start.
    pub(super) fn of_start(self) -> Self {
        Self::Start(Box::new(self))
    }

    /// Whatever it is, nothing can be done with what is configured; but that the output cannot be written is no mistake there.
    pub(super) fn of_configuration(self) -> Self {
        match self {
            Self::Io(_) => self,
            other => Self::usage(other),
        }
    }

    /// With something before its words.
    pub(crate) fn after(self, words: &str) -> Self {
        Self::Ended(self.exit(), format!("{words}: {self}"))
    }

    /// Of a step after others that are done, which these words name: by its own exit code it would count as if nothing was changed.
    pub(crate) fn in_part(self, done: &str) -> Self {
        Self::unknown(format!("{done}, and then: {self}"))
    }

    /// Whether a pipe's reader has left: it has what it wanted.
    pub(super) fn is_unread(&self) -> bool {
        matches!(self, Self::Io(error) if error.kind() == ErrorKind::BrokenPipe)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::PathBuf;

    #[test]
    fn each_kind_of_error_has_its_row_of_the_table() {
        let file = |kind: ErrorKind| CliError::File { path: PathBuf::from("f"), source: kind.into() };
        let table = [
            (CliError::Said("no".to_owned()), 1, "refused"),
            (CliError::not_found("none"), 1, "not_found"),
            (CliError::already_exists("there"), 1, "already_exists"),
            (file(ErrorKind::NotFound), 1, "not_found"),
            (file(ErrorKind::AlreadyExists), 1, "already_exists"),
            (file(ErrorKind::PermissionDenied), 1, "refused"),
            (CliError::usage("what?"), 2, "usage"),
            (CliError::Store(OpenError::WrongSecret(1)), 2, "usage"),
            (CliError::unavailable("later").of_start(), 2, "usage"),
            (CliError::unavailable("later"), 3, "unavailable"),
            (CliError::Store(OpenError::InUse(PathBuf::from("db"))), 3, "unavailable"),
            (StoreError::Unavailable("full".into()).into(), 3, "unavailable"),
            (StoreError::Held("full".into()).into(), 3, "unavailable"),
            (file(ErrorKind::StorageFull), 3, "unavailable"),
            (CliError::Io(ErrorKind::StorageFull.into()), 3, "unavailable"),
            (CliError::Io(ErrorKind::StorageFull.into()).of_start(), 2, "usage"),
            (CliError::Io(ErrorKind::StorageFull.into()).of_configuration(), 3, "unavailable"),
            (CliError::not_found("no root secret").of_configuration(), 2, "usage"),
            (CliError::unknown("no answer").after("then"), 4, "unknown"),
            (CliError::not_found("none").in_part("half of it is done"), 4, "unknown"),
            (StoreError::Failed("a fault".into()).into(), 4, "unknown"),
            (StoreError::Corrupt { table: "users", what: "no number".to_owned() }.into(), 1, "refused"),
        ];
        for (error, number, code) in table {
            assert_eq!((error.exit().number(), error.exit().code()), (number, code), "{error:?}");
        }
    }

    #[test]
    fn a_denial_ends_a_command_by_its_code() {
        let of = |denial: Denial| Exit::of_denial(&denial);
        assert_eq!(of(Denial::not_found("Key", "7")), Exit::NotFound);
        assert_eq!(of(Denial::RateLimited("writes", 7)), Exit::Unavailable);
        assert_eq!(of(Denial::IdempotencyKeyReused), Exit::Refused);
    }

    #[test]
    fn a_code_is_the_same_in_an_error_and_on_the_socket_and_has_one_exit_code() {
        for exit in Exit::ALL {
            assert_eq!(serde_json::to_value(exit).unwrap(), exit.code());
            assert!((1..=4).contains(&exit.number()) && exit.meaning().ends_with('.'), "{exit:?}");
        }
    }
}

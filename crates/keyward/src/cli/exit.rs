//! How a command ends by an error.

use super::CliError;
use crate::exit::Exit;
use keyward_sqlite::OpenError;
use std::io::ErrorKind;

impl Exit {
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

    /// Whether a pipe's reader has left: it has what it wanted.
    pub(super) fn is_unread(&self) -> bool {
        matches!(self, Self::Io(error) if error.kind() == ErrorKind::BrokenPipe)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::operate::AdminError;
    use keyward_core::denial::Denial;
    use keyward_core::store::StoreError;
    use std::path::PathBuf;

    #[test]
    fn each_kind_of_error_has_its_row_of_the_table() {
        let file = |kind: ErrorKind| CliError::File { path: PathBuf::from("f"), source: kind.into() };
        let table = [
            (CliError::Said("no".to_owned()), 1, "refused"),
            (AdminError::NotFound("none".to_owned()).into(), 1, "not_found"),
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
            (
                CliError::from(AdminError::NotFound("no root secret".to_owned())).of_configuration(),
                2,
                "usage",
            ),
            (CliError::unknown("no answer").after("then"), 4, "unknown"),
            (AdminError::NotFound("none".to_owned()).in_part("half of it is done").into(), 4, "unknown"),
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

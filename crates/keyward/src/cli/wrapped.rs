//! The errors of the server's parts, as errors of a command.

use super::CliError;
use crate::environment::VariableError;
use crate::exit::Exit;
use crate::files::FileError;
use crate::operate::AdminError;
use crate::reload::ReloadError;
use crate::secret_file::SecretError;
use crate::secret_mode::ModeError;

impl From<FileError> for CliError {
    fn from(FileError { path, source }: FileError) -> Self {
        Self::File { path, source }
    }
}

impl From<AdminError> for CliError {
    fn from(error: AdminError) -> Self {
        Self::Ended(error.exit(), error.to_string())
    }
}

impl From<SecretError> for CliError {
    fn from(error: SecretError) -> Self {
        Self::Ended(error.exit(), error.to_string())
    }
}

impl From<ModeError> for CliError {
    fn from(error: ModeError) -> Self {
        SecretError::from(error).into()
    }
}

impl From<VariableError> for CliError {
    fn from(error: VariableError) -> Self {
        SecretError::from(error).into()
    }
}

impl From<ReloadError> for CliError {
    fn from(error: ReloadError) -> Self {
        match error {
            ReloadError::Config(error) => Self::Config(error),
            ReloadError::Tls(error) => Self::Tls(error),
            ReloadError::HalfOfTls | ReloadError::TlsChanged | ReloadError::Level(_) => {
                Self::Ended(Exit::Refused, error.to_string())
            }
        }
    }
}

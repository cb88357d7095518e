//! Where the root secret is kept: in a file of its own, or in a variable.

use crate::config::{Config, cleaned};
use crate::environment::{VariableError, is_set, own_variable};
use crate::exit::Exit;
use crate::files::{FileError, replace_private, write_private};
use crate::secret_mode::{ModeError, refuse_shared};
use keyward_core::random::{OsRandom, RandomError};
use keyward_core::root_secret::RootSecret;
use std::fs::File;
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// The variable that can hold the file's text instead.
const VARIABLE: &str = "KEYWARD_ROOT_SECRET";

/// The root secret cannot be had.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SecretError {
    /// Its variable is not text.
    #[error(transparent)]
    Variable(#[from] VariableError),
    /// There is no such file.
    #[error("there is no root secret {}; restore it, or set KEYWARD_ROOT_SECRET to its text", .0.display())]
    Missing(PathBuf),
    /// The file cannot be read or written.
    #[error(transparent)]
    File(#[from] FileError),
    /// Others can read the file.
    #[error(transparent)]
    Mode(#[from] ModeError),
    /// It is no root secret: where it stands, and what is wrong.
    #[error("{0}")]
    Unreadable(String),
    /// None can be made.
    #[error(transparent)]
    Random(#[from] RandomError),
}

impl SecretError {
    /// How a command ends by it.
    pub(crate) fn exit(&self) -> Exit {
        match self {
            Self::Variable(_) | Self::Missing(_) | Self::Unreadable(_) | Self::Random(_) => Exit::Refused,
            Self::File(error) | Self::Mode(ModeError::File(error)) => Exit::of_system(&error.source),
            Self::Mode(ModeError::Shared(_)) => Exit::Usage,
        }
    }
}

/// The root secret: from `KEYWARD_ROOT_SECRET`, else from its file.
pub(crate) fn read(config: &Config) -> Result<RootSecret, SecretError> {
    // Absent: not set, or set and empty, which is warned of; what is not text was an error.
    from_variable()?.map_or_else(|| read_file(&config.secrets.file), Ok)
}

/// The root secret in `KEYWARD_ROOT_SECRET`, if it is set.
pub(crate) fn from_variable() -> Result<Option<RootSecret>, SecretError> {
    let text = own_variable(VARIABLE)?.map(Zeroizing::new);
    let root = text.map(|text| RootSecret::parse_variable(cleaned(&text))).transpose();
    root.map_err(|error| SecretError::Unreadable(format!("{VARIABLE}: {error}")))
}

/// The root secret in this file.
pub(crate) fn read_file(path: &Path) -> Result<RootSecret, SecretError> {
    let mut file = File::open(path).map_err(|error| match error.kind() {
        ErrorKind::NotFound => SecretError::Missing(path.to_owned()),
        // Absent: any other failure, with its own words.
        _ => FileError::at(path)(error).into(),
    })?;
    refuse_shared(path, &file)?;
    let mut text = Zeroizing::new(String::new());
    file.read_to_string(&mut text).map_err(FileError::at(path))?;
    RootSecret::parse(&text).map_err(|error| SecretError::Unreadable(format!("{}: {error}", path.display())))
}

/// Makes a root secret where there is none yet.
pub(crate) fn make(config: &Config) -> Result<RootSecret, SecretError> {
    let root = RootSecret::generate(&OsRandom)?;
    write_private(&config.secrets.file, root.to_file_text().as_bytes())?;
    Ok(root)
}

/// Whether the root secret is given already.
pub(crate) fn is_given(config: &Config) -> bool {
    is_set(VARIABLE) || config.secrets.file.exists()
}

/// The file that it is kept in; `None`: the variable holds it.
pub(crate) fn path(config: &Config) -> Option<PathBuf> {
    if is_set(VARIABLE) { None } else { Some(config.secrets.file.clone()) }
}

/// Puts the next root secret in the file's place.
pub(crate) fn replace(path: &Path, next: &RootSecret) -> Result<(), FileError> {
    replace_private(path, next.to_file_text().as_bytes())
}

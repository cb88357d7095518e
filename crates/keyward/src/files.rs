//! Files and directories for their user alone, whole or not at all.

use crate::cli::CliError;
use std::fs::{DirBuilder, File};
use std::io::{Read, Write};
use std::path::Path;

/// Writes a file for its user alone, whole or not at all. It must not exist yet.
pub(crate) fn write_private(path: &Path, text: &[u8]) -> Result<(), CliError> {
    place_private(path, &mut &*text)
}

fn place_private(path: &Path, from: &mut dyn Read) -> Result<(), CliError> {
    let directory = directory_of(path);
    let mut write = || {
        // Of a name that nobody could foresee, and of mode 0600 from its first moment.
        let mut file = tempfile::NamedTempFile::new_in(directory)?;
        std::io::copy(from, &mut file)?;
        adopt(file.as_file(), directory)?;
        file.as_file().sync_all()?;
        file.persist_noclobber(path)?;
        File::open(directory)?.sync_all()
    };
    write().map_err(CliError::file(path))
}

/// Puts another text in a private file's place: who opens it finds the old one or the new one, whole.
pub(crate) fn replace_private(path: &Path, text: &[u8]) -> Result<(), CliError> {
    // A link stays one, and what it leads to is replaced.
    let path = &path.canonicalize().map_err(CliError::file(path))?;
    let directory = directory_of(path);
    let write = || {
        let mut file = tempfile::NamedTempFile::new_in(directory)?;
        file.write_all(text)?;
        adopt(file.as_file(), path)?;
        file.as_file().sync_all()?;
        file.persist(path)?;
        File::open(directory)?.sync_all()
    };
    write().map_err(CliError::file(path))
}

/// Gives a superuser's file to the owner of what it lies in, or takes the place of: the server runs as somebody else, and must
/// read it.
#[cfg(unix)]
pub(crate) fn adopt(file: &File, like: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::{MetadataExt, fchown};
    let (own, like) = (file.metadata()?, std::fs::metadata(like)?);
    if own.uid() == 0 && like.uid() != 0 { fchown(file, Some(like.uid()), Some(like.gid())) } else { Ok(()) }
}

#[cfg(not(unix))]
pub(crate) fn adopt(_: &File, _: &Path) -> std::io::Result<()> {
    Ok(())
}

/// The directory that a path is in.
pub(crate) fn directory_of(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Copies a file to where none is yet, for its user alone, whole or not at all.
pub(crate) fn copy_private(from: &Path, to: &Path) -> Result<(), CliError> {
    let mut file = File::open(from).map_err(CliError::file(from))?;
    place_private(to, &mut file)
}

/// Makes a directory for its user alone, if it is missing.
pub(crate) fn make_directory(path: &Path) -> Result<(), CliError> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path).map_err(CliError::file(path))
}

#[cfg(unix)]
pub(crate) fn refuse_shared(path: &Path, file: &File) -> Result<(), CliError> {
    use std::os::unix::fs::PermissionsExt;
    let mode = file.metadata().map_err(CliError::file(path))?.permissions().mode();
    if mode & 0o077 == 0 {
        return Ok(());
    }
    Err(CliError::Said(format!("{} can be read by others; run chmod 600 {}", path.display(), path.display())))
}

#[cfg(not(unix))]
pub(crate) fn refuse_shared(_: &Path, _: &File) -> Result<(), CliError> {
    Ok(())
}

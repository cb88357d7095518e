//! Files and directories for their user alone, whole or not at all.

use std::fs::{DirBuilder, File};
use std::io::{self, ErrorKind, Read, Write};
use std::path::{Path, PathBuf};

/// A file or directory cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("{path}: {source}")]
pub(crate) struct FileError {
    /// The path.
    pub(crate) path: PathBuf,
    /// What the system says.
    pub(crate) source: io::Error,
}

impl FileError {
    /// At this path.
    pub(crate) fn at(path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        |source| Self { path, source }
    }
}

/// Writes a file for its user alone, whole or not at all. It must not exist yet.
pub(crate) fn write_private(path: &Path, text: &[u8]) -> Result<(), FileError> {
    place_private(path, &mut &*text)
}

fn place_private(path: &Path, from: &mut dyn Read) -> Result<(), FileError> {
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
    write().map_err(FileError::at(path))
}

/// Puts another text in a private file's place: who opens it finds the old one or the new one, whole.
pub(crate) fn replace_private(path: &Path, text: &[u8]) -> Result<(), FileError> {
    // A link stays one, and what it leads to is replaced.
    let path = &path.canonicalize().map_err(FileError::at(path))?;
    let directory = directory_of(path);
    let write = || {
        let mut file = tempfile::NamedTempFile::new_in(directory)?;
        file.write_all(text)?;
        adopt(file.as_file(), path)?;
        file.as_file().sync_all()?;
        file.persist(path)?;
        File::open(directory)?.sync_all()
    };
    write().map_err(FileError::at(path))
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
pub(crate) fn copy_private(from: &Path, to: &Path) -> Result<(), FileError> {
    let mut file = File::open(from).map_err(FileError::at(from))?;
    place_private(to, &mut file)
}

/// Makes a directory for its user alone, if it is missing, and those above it that are. What a superuser makes belongs to the
/// owner of what it lies in.
pub(crate) fn make_directory(path: &Path) -> Result<(), FileError> {
    let missing = path.ancestors().take_while(|above| !above.as_os_str().is_empty() && !above.exists());
    let missing: Vec<&Path> = missing.collect();
    missing.into_iter().rev().try_for_each(make_one)
}

fn make_one(path: &Path) -> Result<(), FileError> {
    let mut builder = DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    match builder.create(path) {
        // Another process was quicker.
        Err(error) if error.kind() == ErrorKind::AlreadyExists && path.is_dir() => Ok(()),
        made => made.and_then(|()| give_away(path)).map_err(FileError::at(path)),
    }
}

/// Gives a superuser's new directory to the owner of the one that it is in. A link that somebody put in its place is not followed.
#[cfg(unix)]
fn give_away(directory: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::{MetadataExt, lchown};
    let (own, above) = (directory.symlink_metadata()?, std::fs::metadata(directory_of(directory))?);
    let superuser = own.uid() == 0 && above.uid() != 0;
    if superuser { lchown(directory, Some(above.uid()), Some(above.gid())) } else { Ok(()) }
}

#[cfg(not(unix))]
fn give_away(_: &Path) -> std::io::Result<()> {
    Ok(())
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use std::os::unix::fs::{MetadataExt, chown};

    #[test]
    fn missing_directories_belong_to_the_owner_of_the_one_that_they_are_made_in() {
        let home = tempfile::tempdir().unwrap();
        // Nobody but a superuser can give it away: then all is one user's.
        let _ = chown(home.path(), Some(12_345), Some(54_321));
        let owner = |path: &Path| {
            let there = std::fs::metadata(path).unwrap();
            (there.uid(), there.gid(), there.mode() & 0o777)
        };
        let deep = home.path().join("new/deep");
        make_directory(&deep).unwrap();
        make_directory(&deep).unwrap();
        let expected = (owner(home.path()).0, owner(home.path()).1, 0o700);
        assert_eq!([owner(&home.path().join("new")), owner(&deep)], [expected; 2]);
    }
}

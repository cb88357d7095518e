//! Owning the file: one process does, and the file is its user's alone.

use crate::open_error::OpenError;
use crate::options::Schema;
use crate::second_name::refuse_second_name;
use std::fs::{File, TryLockError};
use std::io::{self, ErrorKind};
use std::path::Path;

/// Takes the lock that says which process owns the file: on the file itself, so that it is the same by whatever path. The
/// system drops it with the process.
///
/// The handle stays open until SQLite has closed its own: closing it sooner would drop the locks that SQLite holds.
pub(crate) fn own(path: &Path, schema: Schema) -> Result<File, OpenError> {
    let file_error = |source| OpenError::File { path: path.to_owned(), source };
    let make = schema == Schema::Make;
    let file = if make { make_private(path) } else { File::options().read(true).write(true).open(path) };
    let file = file.map_err(file_error)?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => return Err(OpenError::InUse(path.to_owned())),
        Err(TryLockError::Error(source)) => return Err(file_error(source)),
    }
    // Before SQLite opens it, which takes the log beside an empty file away.
    if !make && file.metadata().map_err(file_error)?.len() == 0 {
        return Err(OpenError::Empty(path.to_owned()));
    }
    refuse_second_name(path, &file)?;
    Ok(file)
}

/// Opens a file for writing and makes it if it is missing, for its user alone. SQLite gives the log files the database's mode
/// and owner.
pub(crate) fn make_private(path: &Path) -> io::Result<File> {
    let mut options = File::options();
    options.read(true).write(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    // What is made here is nobody else's yet; what a link leads to may be.
    match options.clone().create_new(true).open(path) {
        Ok(new) => adopt(&new, path).map(|()| new),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => options.create(true).open(path),
        Err(error) => Err(error),
    }
}

/// Gives a superuser's new file to the owner of the directory that it was made in: the server runs as somebody else.
#[cfg(unix)]
pub(crate) fn adopt(new: &File, path: &Path) -> io::Result<()> {
    use std::os::unix::fs::{MetadataExt, fchown};
    // Absent: a file without a folder lies in this one.
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let (own, directory) = (new.metadata()?, std::fs::metadata(directory)?);
    let superuser = own.uid() == 0 && directory.uid() != 0;
    if superuser { fchown(new, Some(directory.uid()), Some(directory.gid())) } else { Ok(()) }
}

#[cfg(not(unix))]
pub(crate) fn adopt(_: &File, _: &Path) -> io::Result<()> {
    Ok(())
}

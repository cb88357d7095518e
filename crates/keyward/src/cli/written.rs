//! Writing to standard output: what is shown once, so that the one who is to have it has it, and everything else.

use super::CliError;
use std::fs::{File, metadata};
use std::io::{self, ErrorKind, Write};
use std::os::fd::AsFd;
use std::os::unix::fs::{FileTypeExt, MetadataExt};

/// Writes it to the end. Past the buffer of the standard library: that one takes an output that cannot be written for one that is
/// not wanted.
pub(super) fn write_out(text: &str) -> io::Result<()> {
    let mut out = File::from(io::stdout().as_fd().try_clone_to_owned()?);
    out.write_all(text.as_bytes())?;
    if !out.metadata()?.is_file() {
        return Ok(());
    }
    // A full disk, or the server of a file, may say so only here.
    match out.sync_all() {
        Err(error) if matches!(error.kind(), ErrorKind::InvalidInput | ErrorKind::Unsupported) => Ok(()),
        synced => synced,
    }
}

/// The same for what is not shown once: a reader who left has read enough.
pub(super) fn write_to_reader(text: &str) -> io::Result<()> {
    match write_out(text) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        written => written,
    }
}

/// As [`write_out`], unless standard output is where nobody reads: the null device, which also stands for one that was closed.
pub(super) fn write_to_somebody(text: &str) -> io::Result<()> {
    let out = File::from(io::stdout().as_fd().try_clone_to_owned()?).metadata()?;
    let null = metadata("/dev/null").is_ok_and(|null| null.rdev() == out.rdev());
    if out.file_type().is_char_device() && null {
        return Err(io::Error::other("it is closed, or /dev/null"));
    }
    write_out(text)
}

/// Why a secret reached nobody, and what became of it.
pub(super) fn unwritten(error: &io::Error, back: &str) -> CliError {
    CliError::unavailable(format!(
        "standard output cannot be written ({error}), so nobody has the secret: {back}"
    ))
}

/// The answer to an order that is done, and that could not be printed.
pub(super) fn untold(error: &io::Error) -> CliError {
    CliError::unknown(format!("it is done, but standard output cannot be written ({error})"))
}

/// The answer to an order that only looks, and that could not be printed.
pub(super) fn unshown(error: &io::Error) -> CliError {
    CliError::unavailable(format!("standard output cannot be written ({error})"))
}

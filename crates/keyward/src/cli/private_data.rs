//! Data that other users of the machine could read or replace are refused, like a root secret that they can read.
//!
//! The directory must not be writable by everyone, whatever its files are: a file can be put beside the database, or in its
//! place, or a socket that takes the operator's commands. Neither the database nor a file that belongs to it may be open to
//! everyone. A group may have access: under systemd or with the `fsGroup` of Kubernetes it is the service's own.

use super::CliError;
use super::database_file::belonging_to;
use crate::files::directory_of;
use crate::operate::SocketPlace;
use std::io::ErrorKind;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

const OTHERS_WRITE: u32 = 0o002;
const OTHERS: u32 = 0o007;
/// In such a directory everyone can make files, but replace only their own: `/tmp` is one, and has to stay as it is.
const STICKY: u32 = 0o1000;

/// Refuses a database whose directory or files are open to everyone. What is not there is not refused.
pub(super) fn refuse_open_data(database: &Path) -> Result<(), CliError> {
    // Where the file itself is, by whatever link it is named: its logs and the socket are beside it.
    // Absent: it is not there yet, and no link leads to it.
    let database = database.canonicalize().unwrap_or_else(|_| database.to_owned());
    refuse_open_directory(directory_of(&database))?;
    belonging_to(&database).iter().try_for_each(|file| refuse_open_file(file))
}

/// Refuses a place for the socket where anybody could put one that takes the operator's commands.
pub(super) fn refuse_open_socket(place: &SocketPlace) -> Result<(), CliError> {
    let directory = directory_of(place.path());
    if mode(directory)? & OTHERS_WRITE == 0 {
        return Ok(());
    }
    let at = directory.display();
    Err(CliError::Said(format!(
        "{at} is world-writable, so any user could put a socket there that takes the operator's commands: name a place in a private \
         directory as server.orders_socket"
    )))
}

/// Refuses a directory to which everyone can write, and names the way out.
pub(super) fn refuse_open_directory(directory: &Path) -> Result<(), CliError> {
    let mode = mode(directory)?;
    if mode & OTHERS_WRITE == 0 {
        return Ok(());
    }
    let at = directory.display();
    let chmod = if mode & STICKY == 0 { format!(" Or run chmod o-w {at}.") } else { String::new() };
    let own = directory.join("keyward-data");
    Err(CliError::Said(format!(
        "{at} is world-writable, so any user could replace the data. Use a directory below it, for example --data {}.{chmod}",
        own.display()
    )))
}

fn refuse_open_file(file: &Path) -> Result<(), CliError> {
    if mode(file)? & OTHERS == 0 {
        return Ok(());
    }
    let at = file.display();
    Err(CliError::Said(format!("everyone can open {at}; run chmod o= {at}")))
}

/// The permission bits; 0 where nothing is.
fn mode(path: &Path) -> Result<u32, CliError> {
    match std::fs::metadata(path) {
        Ok(there) => Ok(there.permissions().mode()),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(0),
        Err(error) => Err(CliError::file(path)(error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::{self, Permissions};

    fn verdict(directory_mode: u32, file: &str, file_mode: u32) -> Result<(), String> {
        let home = tempfile::tempdir().unwrap();
        let data = home.path().join("data");
        fs::create_dir(&data).unwrap();
        fs::write(data.join("keyward.db"), "").unwrap();
        fs::set_permissions(data.join("keyward.db"), Permissions::from_mode(0o600)).unwrap();
        fs::write(data.join(file), "").unwrap();
        fs::set_permissions(data.join(file), Permissions::from_mode(file_mode)).unwrap();
        fs::set_permissions(&data, Permissions::from_mode(directory_mode)).unwrap();
        let base = format!("{}/", fs::canonicalize(home.path()).unwrap().display());
        refuse_open_data(&data.join("keyward.db")).map_err(|error| error.to_string().replace(&base, ""))
    }

    #[test]
    fn a_group_may_have_access_and_everyone_may_not() {
        for (directory, file) in [(0o700, 0o600), (0o755, 0o640), (0o2775, 0o660)] {
            for name in ["", "-wal", "-shm", "-journal", ".sock", ".revocations"] {
                let name = &format!("keyward.db{name}");
                assert_eq!(verdict(directory, name, file), Ok(()), "{directory:o} {file:o} {name}");
                for open in [0o604, 0o602, 0o666] {
                    let said = format!("everyone can open data/{name}; run chmod o= data/{name}");
                    assert_eq!(verdict(directory, name, open), Err(said), "{directory:o} {open:o}");
                }
            }
        }
    }

    #[test]
    fn a_directory_that_everyone_can_write_to_is_refused_and_the_way_out_is_a_folder_below() {
        let said = "data is world-writable, so any user could replace the data. Use a directory below it, for example --data \
                    data/keyward-data.";
        assert_eq!(verdict(0o777, "keyward.db", 0o600), Err(format!("{said} Or run chmod o-w data.")));
        assert_eq!(verdict(0o1777, "keyward.db", 0o600), Err(said.to_owned()));
    }

    #[test]
    fn what_is_not_there_is_not_refused() {
        let home = tempfile::tempdir().unwrap();
        assert!(refuse_open_data(&home.path().join("keyward.db")).is_ok());
        assert!(refuse_open_data(&home.path().join("none/keyward.db")).is_ok());
    }
}

//! Unix sockets that clients connect to: their mode and owner, from their first moment to their end.

use super::CliError;
use super::listening::BACKLOG;
use crate::config::{Listen, Sockets};
use crate::files::directory_of;
use crate::operate::refuse_listened;
use std::fmt;
use std::fs::{Metadata, Permissions};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt, chown};
use std::path::{Path, PathBuf};
use tokio::net::{UnixListener, UnixSocket};

/// The file of a socket. It goes when this is dropped, unless another one has taken its place.
#[derive(Debug)]
pub(super) struct SocketFile {
    path: PathBuf,
    id: Option<(u64, u64)>,
}

impl fmt::Display for SocketFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "unix:{}", self.path.display())
    }
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        if self.id.is_some() && id(&self.path) == self.id {
            // One that stays is cleared by the next start.
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

fn id(path: &Path) -> Option<(u64, u64)> {
    // Absent: it is gone.
    std::fs::symlink_metadata(path).ok().map(|there: Metadata| (there.dev(), there.ino()))
}

/// Listens on a socket. What lies there of a process that is gone makes way.
pub(super) fn bind_socket(path: &Path, sockets: &Sockets) -> Result<(UnixListener, SocketFile), CliError> {
    let (user, group) = owner(sockets)?;
    let bind = || {
        refuse_taken(path)?;
        // In a directory of its own it has its mode and its owner before anybody can connect.
        let private = tempfile::Builder::new().prefix(".keyward-").tempdir_in(directory_of(path))?;
        let made = private.path().join("s");
        let socket = UnixSocket::new_stream()?;
        socket.bind(&made)?;
        chown(&made, user, group)?;
        std::fs::set_permissions(&made, Permissions::from_mode(sockets.mode))?;
        let listener = socket.listen(BACKLOG)?;
        std::fs::rename(&made, path)?;
        Ok(listener)
    };
    let listener =
        bind().map_err(|source| CliError::Listen { at: Listen::Socket(path.to_owned()), source })?;
    Ok((listener, SocketFile { path: path.to_owned(), id: id(path) }))
}

/// Refuses a place where something else is than a socket, or where somebody listens.
fn refuse_taken(path: &Path) -> io::Result<()> {
    let there = match std::fs::symlink_metadata(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        there => there?,
    };
    if !there.file_type().is_socket() {
        return Err(ErrorKind::AlreadyExists.into());
    }
    refuse_listened(path)
}

/// The numbers of their user and their group; `None`: the server's own.
fn owner(sockets: &Sockets) -> Result<(Option<u32>, Option<u32>), CliError> {
    let user = sockets.user.as_deref().map(|name| number("/etc/passwd", name)).transpose()?;
    let group = sockets.group.as_deref().map(|name| number("/etc/group", name)).transpose()?;
    Ok((user, group))
}

/// The number of a user or a group: as it is, or from the system's own file.
fn number(file: &str, name: &str) -> Result<u32, CliError> {
    if let Ok(number) = name.parse() {
        return Ok(number);
    }
    let text = std::fs::read_to_string(file).map_err(CliError::file(file))?;
    let unknown = || CliError::usage(format!("server.socket_owner: {file} has no {name}; give its number"));
    find(&text, name).ok_or_else(unknown)
}

/// The third field of the line that begins with the name (passwd(5), group(5)).
fn find(text: &str, name: &str) -> Option<u32> {
    let mut lines = text.lines().map(|line| line.split(':'));
    lines.find_map(|mut fields| {
        // Absent: it is another's line, or a damaged one.
        fields.next().filter(|found| *found == name)?;
        fields.nth(1)?.parse().ok()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bind(path: &Path, mode: u32) -> Result<(UnixListener, SocketFile), String> {
        let sockets = Sockets { mode, ..Sockets::default() };
        bind_socket(path, &sockets).map_err(|error| error.to_string())
    }

    #[tokio::test]
    async fn a_socket_has_its_mode_and_goes_with_its_server() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("k.sock");
        for mode in [0o600, 0o660, 0o777] {
            let bound = bind(&path, mode).unwrap();
            assert_eq!(std::fs::metadata(&path).unwrap().mode() & 0o777, mode);
            assert_eq!(std::fs::read_dir(home.path()).unwrap().count(), 1, "nothing else stays");
            drop(bound);
            assert!(!path.exists());
        }
    }

    #[tokio::test]
    async fn a_leftover_makes_way_and_a_server_that_listens_does_not() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("k.sock");
        let (listening, file) = bind(&path, 0o600).unwrap();
        let text = bind(&path, 0o600).unwrap_err();
        assert!(text.starts_with(&format!("cannot listen on unix:{}: ", path.display())), "{text}");
        drop(listening);
        let _next = bind(&path, 0o600).unwrap();
        drop(file);
        assert!(path.exists(), "it is the next one's");
        std::fs::write(home.path().join("file"), "").unwrap();
        assert!(bind(&home.path().join("file"), 0o600).is_err());
        assert!(home.path().join("file").exists());
    }

    #[test]
    fn an_owner_is_found_by_name_or_number() {
        let group = "root:x:0:\nwww-data:x:33:\nbroken\nhalf:x\n";
        assert_eq!((find(group, "www-data"), find(group, "root")), (Some(33), Some(0)));
        assert_eq!([find(group, "www"), find(group, "broken"), find(group, "half")], [None; 3]);
        assert_eq!(number("/etc/group", "33").ok(), Some(33));
        let text = number("/dev/null", "nobody-here").unwrap_err().to_string();
        assert!(text.contains("/dev/null has no nobody-here; give its number"), "{text}");
    }
}

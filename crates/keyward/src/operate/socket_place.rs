//! Where the socket of the operator's commands is: beside the database, or where `[server] orders_socket` says, for data on a file
//! system that knows no Unix sockets.
//!
//! A process that may connect may do everything, so the socket is for the server's own user from its first moment: it is made in a
//! private directory, gets mode 0600 there, and only then its place.

use crate::files::directory_of;
use rustix::io::Errno;
use rustix::net::{SocketAddrUnix, connect};
use std::borrow::Cow;
use std::fs::{File, Permissions};
use std::io::{self, ErrorKind};
use std::os::fd::AsRawFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::path::{Path, PathBuf};
use tokio::net::{UnixListener, UnixSocket, UnixStream};

/// The longest name of a socket that every system takes, in bytes.
const LONGEST: usize = 103;
/// Linux has a short name here for every open file, where it is mounted.
const OPEN_FILES: &str = "/proc/self/fd";

/// The place of a socket.
#[derive(Clone, Debug)]
pub(crate) struct SocketPlace {
    path: PathBuf,
    /// Whether it is named by the configuration: then it may be another server's too.
    is_named: bool,
}

impl SocketPlace {
    /// The one that is named; else beside the file itself, by whatever link it is named, and under its name, so that two
    /// databases in one directory have two.
    pub(crate) fn of(database: &Path, named: Option<&Path>) -> Self {
        if let Some(path) = named {
            return Self { path: path.to_owned(), is_named: true };
        }
        // Absent: a database that is not there has no link to follow.
        let mut path = database.canonicalize().unwrap_or_else(|_| database.to_owned()).into_os_string();
        path.push(".sock");
        Self { path: PathBuf::from(path), is_named: false }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Takes the socket. For the process that owns the database: what lies there is of one that is gone, unless somebody
    /// listens at a place that is named.
    ///
    /// # Errors
    /// What the system says, or that the place is taken.
    pub(crate) fn bind(&self) -> io::Result<UnixListener> {
        match std::fs::symlink_metadata(&self.path) {
            Ok(there) if !there.file_type().is_socket() => return Err(ErrorKind::AlreadyExists.into()),
            Ok(_) if self.is_named => {
                let directory = File::open(directory_of(&self.path))?;
                refuse_listened(&short(&directory, &self.path)?)?;
            }
            // Absent: nothing, or a socket; what cannot be looked at fails below.
            _ => {}
        }
        let private = tempfile::Builder::new().prefix(".keyward-").tempdir_in(directory_of(&self.path))?;
        let made = private.path().join("s");
        let within = File::open(private.path())?;
        let listener = UnixListener::bind(short(&within, &made)?)?;
        std::fs::set_permissions(&made, Permissions::from_mode(0o600))?;
        std::fs::rename(&made, &self.path)?;
        Ok(listener)
    }

    /// Connects to the server that listens there.
    ///
    /// # Errors
    /// What the system says.
    pub(crate) async fn connect(&self) -> io::Result<UnixStream> {
        // Where nothing lies nobody listens, also where this process may make no Unix socket to ask.
        std::fs::symlink_metadata(&self.path)?;
        let directory = File::open(directory_of(&self.path))?;
        UnixStream::connect(short(&directory, &self.path)?).await
    }
}

/// Refuses a socket where somebody listens, or may listen: only one that refuses connections is a leftover. It does not wait for a
/// server that has no room for one more connection.
///
/// # Errors
/// That the place is taken, or what the system says.
pub(crate) fn refuse_listened(path: &Path) -> io::Result<()> {
    let socket = UnixSocket::new_stream()?;
    match connect(&socket, &SocketAddrUnix::new(path)?) {
        Ok(()) | Err(Errno::AGAIN | Errno::INPROGRESS) => Err(ErrorKind::AddrInUse.into()),
        Err(Errno::CONNREFUSED | Errno::NOENT) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// A name of a socket that is short enough for the system: its own, or one by its open directory.
fn short<'p>(directory: &File, path: &'p Path) -> io::Result<Cow<'p, Path>> {
    let length = path.as_os_str().as_bytes().len();
    let open = Path::new(OPEN_FILES);
    match path.file_name() {
        _ if length <= LONGEST => Ok(Cow::Borrowed(path)),
        Some(name) if cfg!(target_os = "linux") && open.exists() => {
            Ok(Cow::Owned(open.join(directory.as_raw_fd().to_string()).join(name)))
        }
        // Absent: there is no other name for it.
        _ => Err(too_long(length)),
    }
}

/// Not "not found": that would mean that no server listens.
fn too_long(length: usize) -> io::Error {
    let text = format!(
        "a socket's path has at most {LONGEST} bytes where {OPEN_FILES} is not mounted, and this one has {length}"
    );
    io::Error::new(ErrorKind::InvalidInput, text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_socket_is_reached_by_its_own_name_and_in_a_directory_that_is_deeper_than_the_system_takes() {
        for depth in 0..5 {
            let home = tempfile::tempdir().unwrap();
            let deep: PathBuf = (0..depth).map(|_| "d".repeat(50)).collect();
            let directory = home.path().join(deep);
            std::fs::create_dir_all(&directory).unwrap();
            let place = SocketPlace::of(&directory.join("a.db"), None);
            assert!(place.path().ends_with("a.db.sock"));
            assert_eq!(place.connect().await.unwrap_err().kind(), ErrorKind::NotFound);
            let _listener = place.bind().unwrap();
            place.connect().await.unwrap();
            let mode = std::fs::metadata(place.path()).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600, "{depth}");
            assert_eq!(std::fs::read_dir(&directory).unwrap().count(), 1, "nothing else is left");
        }
    }

    #[test]
    fn without_proc_a_long_path_is_too_long_and_not_as_if_nobody_listened() {
        assert_eq!(too_long(200).kind(), ErrorKind::InvalidInput);
        let directory = File::open(".").unwrap();
        let short_enough = "s".repeat(LONGEST);
        assert_eq!(short(&directory, Path::new(&short_enough)).unwrap(), Path::new(&short_enough));
    }

    #[tokio::test]
    async fn a_place_that_is_named_is_not_taken_from_a_server_that_listens_there() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("orders.sock");
        let named = SocketPlace::of(Path::new("a.db"), Some(&path));
        let listener = named.bind().unwrap();
        assert_eq!(named.bind().unwrap_err().kind(), ErrorKind::AddrInUse);
        drop(listener);
        named.bind().unwrap();
        // Beside the database, the owner of that owns the socket too.
        let beside = SocketPlace::of(&home.path().join("a.db"), None);
        let _first = beside.bind().unwrap();
        beside.bind().unwrap();
    }

    #[tokio::test]
    async fn a_server_with_no_room_for_one_more_connection_is_not_waited_for_and_keeps_its_place() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("orders.sock");
        let socket = UnixSocket::new_stream().unwrap();
        socket.bind(&path).unwrap();
        let _listener = socket.listen(1).unwrap();
        let waits = || {
            let socket = UnixSocket::new_stream().unwrap();
            connect(&socket, &SocketAddrUnix::new(&path).unwrap()).ok().map(|()| socket)
        };
        let waiting: Vec<_> = std::iter::from_fn(waits).take(100).collect();
        assert!(waiting.len() < 100, "it is full");
        let named = SocketPlace::of(Path::new("a.db"), Some(&path));
        assert_eq!(named.bind().unwrap_err().kind(), ErrorKind::AddrInUse);
    }

    #[tokio::test]
    async fn a_place_is_free_only_where_a_socket_refuses_or_none_is() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("orders.sock");
        refuse_listened(&path).unwrap();
        drop(UnixListener::bind(&path).unwrap());
        refuse_listened(&path).unwrap();
        // What is said of another kind of socket is no leave to take it: nobody can connect to it, and it is in use.
        let other = home.path().join("datagrams.sock");
        let _used = std::os::unix::net::UnixDatagram::bind(&other).unwrap();
        let named = SocketPlace::of(Path::new("a.db"), Some(&other));
        assert!(named.bind().is_err() && other.exists());
    }

    #[tokio::test]
    async fn a_file_that_is_no_socket_stays() {
        let home = tempfile::tempdir().unwrap();
        let place = SocketPlace::of(&home.path().join("a.db"), None);
        std::fs::write(place.path(), "mine").unwrap();
        assert_eq!(place.bind().unwrap_err().kind(), ErrorKind::AlreadyExists);
        assert_eq!(std::fs::read(place.path()).unwrap(), b"mine");
    }
}

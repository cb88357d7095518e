//! Which process serves for a path, whatever lies there by now. A server listens under an abstract name (Linux) that is made from
//! the path it was started with, so it is found where its socket was moved away with the directory, or another directory lies over it.
//!
//! Nobody but the server's own user and root counts: a stranger who takes the name keeps neither server nor order from anything. To
//! root, who may have put other files there with another owner, every process counts that runs this program.
//! Processes of other containers are not meant, so the name has the number of the PID namespace in it.

use super::error::AdminError;
use crate::files::directory_of;
use crate::operate::SocketPlace;
use crate::operate::tell::refuse_listening;
use keyward_core::opaque::TokenDigest;
use rustix::process::geteuid;
use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::io::ErrorKind;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::net::{UnixListener, UnixStream};
use tokio::time::{sleep, timeout};

/// How long a process that has the name is waited for.
const PATIENCE: Duration = Duration::from_secs(1);

/// The names that a server listens under.
#[derive(Debug, Default)]
pub(crate) struct Presence(Vec<UnixListener>);

impl Presence {
    /// Takes the names of a database.
    pub(crate) async fn take(database: &Path) -> Result<Self, AdminError> {
        let mut taken = Self::default();
        for name in names(database) {
            match UnixListener::bind(name) {
                Ok(listener) => taken.0.push(listener),
                Err(error) if error.kind() == ErrorKind::AddrInUse => refuse_present(database).await?,
                // Without it, a server whose directory was moved is found by itself alone.
                Err(error) => tracing::debug!(%error, "no abstract socket"),
            }
        }
        Ok(taken)
    }

    /// Takes what comes, and drops it: that it came is all.
    pub(crate) async fn keep(&self) {
        let each = self.0.iter().map(|listener| async move {
            loop {
                if listener.accept().await.is_err() {
                    sleep(Duration::from_millis(50)).await;
                }
            }
        });
        futures_util::future::join_all(each).await;
    }
}

/// Refuses to put a database where a server runs, whatever became of the files that it has open: one that listens beside it, also in
/// another container, or one that was started for this path.
pub(crate) async fn refuse_served(socket: &SocketPlace, database: &Path) -> Result<(), AdminError> {
    refuse_listening(socket).await?;
    refuse_present(database).await
}

/// Refuses to work on the file where a server that was started for this path still runs: it has another one open.
pub(crate) async fn refuse_present(database: &Path) -> Result<(), AdminError> {
    for name in names(database) {
        if let Some(process) = present(&name, database).await {
            let at = database.display();
            return Err(AdminError::unavailable(format!(
                "a server that was started for {at} still runs ({process}) and does not answer at its socket: its data directory, the \
                 database or the socket was moved or replaced, or it could not make a socket, which its log says, or its \
                 server.orders_socket is another. What is done to the files that are there now would not hold for it: stop it first"
            )));
        }
    }
    Ok(())
}

/// The process that listens under a name, if it is the server's user's, or root's.
async fn present(name: &str, database: &Path) -> Option<String> {
    // Absent: nobody has the name, or nobody who answers: anybody on the machine could take it, to keep orders away.
    let stream = timeout(PATIENCE, UnixStream::connect(name)).await.ok()?.ok()?;
    // Absent: who cannot be named is a stranger.
    let peer = stream.peer_cred().ok()?;
    if !counts(peer.uid(), &trusted(database), program_of(peer.pid()).as_deref()) {
        tracing::warn!(uid = peer.uid(), "somebody else's process listens under the name of this server");
        return None;
    }
    // Absent: its number is not known.
    Some(peer.pid().map_or_else(|| "a process".to_owned(), |pid| format!("process {pid}")))
}

/// Whether a process of this user is taken for the server: if its user is trusted, or this one is root's and both run one program,
/// as far as root may see that: in a container it often may not.
fn counts(uid: u32, trusted: &Trusted, program: Option<&OsStr>) -> bool {
    // Absent: what root may not see could be the server.
    let own_program = || program.is_none_or(|program| Some(program) == trusted.program.as_deref());
    trusted.users.contains(&uid) || (trusted.own == 0 && own_program())
}

/// The name of the program that a process runs, also where its file was replaced since.
fn program_of(process: Option<i32>) -> Option<OsString> {
    // Absent: a process that is not known, or not seen, runs nothing that is known.
    let file = std::fs::read_link(format!("/proc/{}/exe", process?)).ok()?;
    // Absent: it has no name.
    let name = file.file_name()?.as_encoded_bytes();
    // Absent: its file is still there.
    let name = name.strip_suffix(b" (deleted)").unwrap_or(name);
    Some(OsStr::from_bytes(name).to_owned())
}

/// Who is taken for the server.
struct Trusted {
    users: BTreeSet<u32>,
    /// This process's user.
    own: u32,
    /// This process's program.
    program: Option<OsString>,
}

/// Root, this process's user, and the owner of the data.
fn trusted(database: &Path) -> Trusted {
    // Absent: then nobody is trusted for it.
    let owner = |path: &Path| std::fs::metadata(path).ok().map(|there| there.uid());
    let own = geteuid().as_raw();
    let owners = [owner(database), owner(directory_of(database))];
    let users = owners.into_iter().flatten().chain([0, own]).collect();
    // Absent: no machine has so many processes.
    let program = program_of(i32::try_from(std::process::id()).ok());
    Trusted { users, own, program }
}

/// One for the path as it is given, and one for what it leads to.
fn names(database: &Path) -> Vec<String> {
    // Absent: outside Linux's /proc there is one namespace.
    let space = std::fs::read_link("/proc/self/ns/pid").unwrap_or_default();
    // Absent: without a directory to stand in, the path as it is given.
    let given = std::path::absolute(database).unwrap_or_else(|_| database.to_owned());
    let paths = BTreeSet::from([resolved(&given), given]);
    let name = |path: &PathBuf| {
        let digest = TokenDigest::of(&format!("{}\0{}", path.display(), space.display()));
        let digest: String = digest.as_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
        // On Linux, a path that begins with a zero byte is no path, but an abstract name.
        format!("\0keyward/{digest}")
    };
    paths.iter().map(name).collect()
}

/// The path without links, also where the file itself is not there.
fn resolved(path: &Path) -> PathBuf {
    let directory = directory_of(path).canonicalize();
    match (path.canonicalize(), directory, path.file_name()) {
        (Ok(file), ..) => file,
        (_, Ok(directory), Some(name)) => directory.join(name),
        // Absent: what is not there is no link to elsewhere.
        _ => path.to_owned(),
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[tokio::test]
    async fn who_serves_for_a_path_is_found_when_another_directory_lies_there() {
        let home = tempfile::tempdir().unwrap();
        let database = home.path().join("data/keyward.db");
        std::fs::create_dir(home.path().join("data")).unwrap();
        std::fs::write(&database, "").unwrap();
        assert!(refuse_present(&database).await.is_ok());
        let taken = Presence::take(&database).await.unwrap();
        let presence = tokio::spawn(async move { taken.keep().await });
        std::fs::rename(home.path().join("data"), home.path().join("moved")).unwrap();
        assert!(refuse_present(&database).await.is_err(), "nothing is there");
        std::fs::create_dir(home.path().join("data")).unwrap();
        let said = refuse_present(&database).await.unwrap_err().to_string();
        assert!(said.contains(&format!("process {}", std::process::id())), "{said}");
        assert!(Presence::take(&database).await.is_err(), "nor does a second one begin");
        assert!(refuse_present(&home.path().join("moved/keyward.db")).await.is_ok());
        presence.abort();
        let _ = presence.await;
        assert!(refuse_present(&database).await.is_ok());
    }

    #[test]
    fn a_strangers_process_counts_for_root_alone_and_only_if_it_runs_this_program() {
        let trusted = |own, data: u32| Trusted {
            users: BTreeSet::from([0, own, data]),
            own,
            program: Some("keyward".into()),
        };
        let counts =
            |uid, own, data, program: &str| counts(uid, &trusted(own, data), Some(OsStr::new(program)));
        assert!(
            counts(999, 999, 0, "keyward") && counts(0, 999, 999, "keyward"),
            "the user's own, and root's"
        );
        assert!(counts(999, 0, 999, "other"), "the owner's of the data");
        assert!(counts(999, 0, 0, "keyward"), "root has put a copy there that is root's");
        assert!(!counts(1_000, 0, 0, "other") && !counts(1_000, 999, 999, "keyward"), "a stranger's");
        let unseen = |own| super::counts(999, &trusted(own, own), None);
        assert!(unseen(0) && !unseen(1_000), "root may not see what it runs");
        let own = std::env::current_exe().unwrap();
        let process = Some(i32::try_from(std::process::id()).unwrap());
        assert_eq!(program_of(process).as_deref(), own.file_name());
    }

    #[tokio::test]
    async fn a_path_is_the_same_by_its_links() {
        let home = tempfile::tempdir().unwrap();
        std::fs::create_dir(home.path().join("first")).unwrap();
        std::fs::create_dir(home.path().join("second")).unwrap();
        std::os::unix::fs::symlink("first", home.path().join("data")).unwrap();
        let presence = Presence::take(&home.path().join("data/keyward.db")).await.unwrap();
        assert!(refuse_present(&home.path().join("first/keyward.db")).await.is_err());
        std::fs::remove_file(home.path().join("data")).unwrap();
        std::os::unix::fs::symlink("second", home.path().join("data")).unwrap();
        assert!(
            refuse_present(&home.path().join("data/keyward.db")).await.is_err(),
            "the link leads elsewhere now"
        );
        drop(presence);
    }
}

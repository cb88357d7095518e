//! Whether the database is still where it was opened. A server whose file was moved away, or replaced, goes on with what the next start
//! does not find: what is written there holds nowhere, so nothing is.

use crate::mark::{name_in_mark, read_generation, write_generation};
use crate::room;
use crate::second_name::{links, warn};
use keyward_core::store::StoreError;
use keyward_sql::unavailable;
use rusqlite::Connection;
use std::fs::{File, Metadata};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock, RwLockReadGuard};

const GONE: &str =
    "it was moved or removed; stop the server, put its data directory back, and start the server again";
const REPLACED: &str = "another file is in its place; stop the server, put the right data directory there, and start the server again";
const ROLLED_BACK: &str =
    "its content was replaced under the server; stop the server, restore a copy, and start the server again";
const NO_ROOM: &str = "its file system was full at the start; make room";
const SOCKET: &str = "its socket was removed or replaced, so no order reaches the server; restart the server";

/// What tells a file from every other one: its device and its inode.
pub type FileId = (u64, u64);

/// The place of an open database.
#[derive(Debug)]
pub(crate) struct Place {
    path: PathBuf,
    /// The file that was opened. Not closed before SQLite has closed its own: that would drop the locks that SQLite holds.
    lock: Arc<File>,
    /// 0: none was drawn.
    generation: AtomicU32,
    socket: Mutex<Option<(PathBuf, FileId)>>,
    fault: Mutex<Option<&'static str>>,
    /// Whether the file was opened without room, and so is read as one that nobody changes. A read holds it for as long as it runs.
    lacks_room: RwLock<bool>,
    /// Whether it had a second name at the last look.
    linked: AtomicBool,
}

impl Place {
    pub(crate) fn new(path: &Path, lock: Arc<File>) -> Self {
        // Where it is looked for later, wherever the process stands then.
        // Absent: it stands nowhere, and the path is as it was given.
        let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        let (generation, lacks_room) = (AtomicU32::new(0), RwLock::new(false));
        // Absent: the next look says.
        let linked = AtomicBool::new(lock.metadata().is_ok_and(|there| links(&there) > 1));
        Self { path, lock, generation, socket: Mutex::default(), fault: Mutex::default(), lacks_room, linked }
    }

    /// Names in the log the file system that is full, if it is.
    pub(crate) fn report(&self) {
        room::report(&self.path);
    }

    /// Where the file was opened.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Nothing is written from now on, and the file is read as one that nobody changes.
    pub(crate) fn lack_room(&self) {
        *self.lacks_room.write().unwrap_or_else(PoisonError::into_inner) = true;
    }

    /// It is written again. Waits for the reads that take it for one that nobody changes.
    pub(crate) fn has_room(&self) {
        *self.lacks_room.write().unwrap_or_else(PoisonError::into_inner) = false;
    }

    /// Whether it was opened without room. It stays so for as long as the guard lives.
    pub(crate) fn while_reading(&self) -> RwLockReadGuard<'_, bool> {
        self.lacks_room.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether it was opened without room.
    pub(crate) fn lacks_room(&self) -> bool {
        *self.while_reading()
    }

    /// The file that is open.
    pub(crate) fn id(&self) -> Option<FileId> {
        // Absent: then it cannot be distinguished from another file.
        self.lock.metadata().ok().as_ref().and_then(id_of)
    }

    /// What was amiss at the last look.
    pub(crate) fn fault(&self) -> Option<&'static str> {
        let fault = *self.fault.lock().unwrap_or_else(PoisonError::into_inner);
        fault.or(self.lacks_room().then_some(NO_ROOM))
    }

    /// Why the file is not the one that is to be served: it is elsewhere, or something else is there.
    pub(crate) fn lost(&self) -> Option<&'static str> {
        self.fault().filter(|fault| *fault != SOCKET && *fault != NO_ROOM)
    }

    /// Fails where at the last look other content was in the file. Not even what is read is right then: pages of two databases are
    /// mixed. A file that was moved is still whole.
    pub(crate) fn has_its_content(&self) -> Result<(), StoreError> {
        match self.fault() {
            Some(fault) if fault == ROLLED_BACK => Err(unavailable(fault)),
            Some(_) | None => Ok(()),
        }
    }

    /// Looks; what is amiss. What the system cannot say is not amiss.
    pub(crate) fn look(&self) -> Option<&'static str> {
        let now = self.seen();
        let mut fault = self.fault.lock().unwrap_or_else(PoisonError::into_inner);
        let before = std::mem::replace(&mut *fault, now);
        drop(fault);
        let path = self.path.display();
        match (before, now) {
            (before, Some(fault)) if before != now => {
                tracing::error!(%path, fault, "the database is not where it was opened: nothing is written");
            }
            (Some(_), None) => tracing::warn!(%path, "the database is where it was opened again"),
            // Absent: nothing has changed, and it was said.
            _ => {}
        }
        now.or(self.lacks_room().then_some(NO_ROOM))
    }

    /// A backup by links looks like one.
    fn look_for_links(&self, there: &Metadata) {
        let linked = links(there) > 1;
        if linked && !self.linked.swap(linked, Ordering::Relaxed) {
            warn(&self.path);
        }
    }

    fn seen(&self) -> Option<&'static str> {
        let own = self.id();
        let there = std::fs::metadata(&self.path).inspect(|there| self.look_for_links(there));
        match there {
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
                return Some(GONE);
            }
            Ok(there) if own.is_some() && id_of(&there) != own => return Some(REPLACED),
            Ok(_) | Err(_) => {}
        }
        let drawn = self.generation.load(Ordering::Relaxed);
        if drawn != 0 && read_generation(&self.lock).is_some_and(|there| there != drawn) {
            return Some(ROLLED_BACK);
        }
        let socket = self.socket.lock().unwrap_or_else(PoisonError::into_inner);
        socket.as_ref().and_then(|(path, id)| match std::fs::symlink_metadata(path) {
            Err(error) if error.kind() == ErrorKind::NotFound => Some(SOCKET),
            Ok(there) if id_of(&there).is_some_and(|there| there != *id) => Some(SOCKET),
            Ok(_) | Err(_) => None,
        })
    }

    /// Looks for this socket too from now on.
    pub(crate) fn watch_socket(&self, path: &Path) {
        // Absent: it cannot be told from another one.
        let there = std::fs::symlink_metadata(path).ok().as_ref().and_then(id_of);
        *self.socket.lock().unwrap_or_else(PoisonError::into_inner) = there.map(|id| (path.to_owned(), id));
    }

    /// Looks for its socket no more; whether it is still there.
    pub(crate) fn leave_socket(&self) -> bool {
        let socket = self.socket.lock().unwrap_or_else(PoisonError::into_inner).take();
        socket.is_some_and(|(path, id)| {
            std::fs::symlink_metadata(path).is_ok_and(|there| id_of(&there) == Some(id))
        })
    }

    /// Draws a number and writes it into the file's first page, so that other content is noticed. On a full disk there is none.
    pub(crate) fn draw(&self, connection: &Connection) {
        // Absent: none was written, which is said below.
        let drawn = write_generation(connection, name_in_mark(&self.path)).ok();
        let written = read_generation(&self.lock);
        if drawn.is_none() || drawn != written {
            tracing::warn!(
                "the database could not be marked: it is not noticed if its content is replaced under the server"
            );
        }
        // Absent: none was written.
        self.generation.store(drawn.filter(|_| drawn == written).unwrap_or(0), Ordering::Relaxed);
    }
}

#[cfg(unix)]
pub(crate) fn id_of(there: &Metadata) -> Option<FileId> {
    use std::os::unix::fs::MetadataExt;
    Some((there.dev(), there.ino()))
}

#[cfg(not(unix))]
pub(crate) fn id_of(_: &Metadata) -> Option<FileId> {
    None
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use crate::mark::NAME;

    fn place(path: &Path, handle: File) -> Place {
        let place = Place::new(path, Arc::new(handle));
        place.generation.store(7, Ordering::Relaxed);
        place
    }

    #[test]
    fn a_mark_is_drawn_of_all_numbers_but_zero_and_keeps_the_name() {
        let connection = Connection::open_in_memory().unwrap();
        let drawn: Vec<u32> = (0..64).map(|_| write_generation(&connection, 0x1234).unwrap()).collect();
        assert!(drawn.iter().all(|drawn| drawn & NAME == 0x1234), "{drawn:x?}");
        let numbers: Vec<u32> = drawn.iter().map(|drawn| drawn >> NAME.count_ones()).collect();
        assert!(numbers.iter().all(|number| (1..=32_767).contains(number)), "{numbers:?}");
        assert!([0, 1].iter().all(|odd| numbers.iter().any(|number| number % 2 == *odd)), "{numbers:?}");
    }

    #[test]
    fn what_cannot_be_read_once_was_not_replaced_and_what_was_cut_off_was() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("keyward.db");
        let marked: Vec<u8> = [vec![0; 63], vec![7]].concat();
        std::fs::write(&path, &marked).unwrap();
        // A handle that cannot read stands for a disk that fails.
        let unreadable = place(&path, File::options().append(true).open(&path).unwrap());
        assert_eq!(unreadable.look(), None);
        assert!(unreadable.has_its_content().is_ok());
        let readable = place(&path, File::open(&path).unwrap());
        assert_eq!(readable.look(), None);
        for content in [vec![0; 64], vec![0; 62], Vec::new()] {
            std::fs::write(&path, content).unwrap();
            assert_eq!(readable.look(), Some(ROLLED_BACK));
            assert!(readable.has_its_content().is_err());
        }
    }
}

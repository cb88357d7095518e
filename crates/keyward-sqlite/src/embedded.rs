//! What is this store's own: one file, with connections that read it and the one that writes.

use crate::no_room;
use crate::place::{FileId, Place};
use crate::reader::Readers;
use crate::writer::{Desk, Writer};
use keyward_core::share::Full;
use keyward_core::store::StoreError;
use keyward_sql::desk;
use keyward_sql::health::Health;
use keyward_sql::payer::Payer;
use keyward_sql::{Backend, Read, Sizes, Work, unavailable};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// One SQLite file that one process owns.
#[derive(Debug)]
pub struct Embedded {
    // Before the writer: only a connection that can write may tidy up as the last to close.
    pub(crate) readers: Readers,
    pub(crate) writer: Writer,
    // The last: its handle of the file must outlive SQLite's own.
    pub(crate) place: Arc<Place>,
}

impl Backend for Embedded {
    const NEWEST_CHANGE: &'static str = crate::copy::NEWEST_CHANGE;

    fn read(&self, payer: Payer, read: Read) -> Result<(), Full> {
        self.readers.push(payer, read)
    }

    fn write(&self, payer: Payer, work: Work) -> Result<(), Full> {
        self.writer.push(payer, Box::new(move |desk, too_late| desk.share(|desk| work(desk, too_late))))
    }

    fn try_writing(&self, work: Work) -> Result<(), Full> {
        let work = move |desk: &mut Desk<'_>, too_late: bool| {
            if !too_late {
                no_room::leave(desk);
            }
            desk.share(|desk| work(desk, too_late));
        };
        self.writer.push(Payer::Own, Box::new(work))
    }

    fn has_its_content(&self) -> Result<(), StoreError> {
        self.place.has_its_content()
    }

    fn fault(&self) -> Option<&'static str> {
        self.place.fault()
    }

    fn served(&self) -> Result<Option<(u64, u64)>, StoreError> {
        self.place.look();
        match self.place.lost() {
            Some(lost) => Err(unavailable(lost)),
            None => Ok(self.place.id()),
        }
    }

    fn health(&self) -> &Health {
        self.writer.health()
    }

    fn sizes(&self) -> Sizes {
        // Absent: no log yet, or a file that cannot be looked at: a figure, which decides nothing.
        let size = |path: &Path| std::fs::metadata(path).map_or(0, |file| file.len());
        let mut log = self.readers.path.clone().into_os_string();
        log.push("-wal");
        Sizes {
            bytes: size(&self.readers.path),
            log_bytes: size(Path::new(&log)),
            writes_waiting: self.writer.waiting(),
            reads_waiting: self.readers.waiting(),
        }
    }
}

impl Embedded {
    /// Notices from now on that the file's content, or the socket of the server that serves from it, is replaced.
    ///
    /// # Errors
    /// [`StoreError`] when the writer takes no work.
    pub async fn serve_from(&self, socket: Option<PathBuf>) -> Result<(), StoreError> {
        // Without a socket no order reaches this server, which is none of the database's.
        socket.iter().for_each(|socket| self.watch_socket(socket));
        if self.place.lacks_room() {
            // The number is drawn when there is room.
            return Ok(());
        }
        let draw = |desk: &mut Desk<'_>| {
            desk.place.draw(desk.connection);
            Ok(())
        };
        self.writer.run(draw).await
    }

    /// Notices from now on that the socket of the server that serves from it is replaced.
    pub fn watch_socket(&self, socket: &Path) {
        self.place.watch_socket(socket);
    }

    /// Serves no more from the socket, which may go; whether it is still the one that was named.
    #[must_use]
    pub fn leave_socket(&self) -> bool {
        self.place.leave_socket()
    }

    /// Looks whether the database is where it was opened. It waits for the file system.
    pub fn look_for_the_file(&self) {
        self.place.look();
    }

    /// Whether at the last look another file was in its place, or none, or other content was in it.
    #[must_use]
    pub fn has_lost_its_file(&self) -> bool {
        self.place.lost().is_some()
    }

    /// The file that is open.
    #[must_use]
    pub fn file_id(&self) -> Option<FileId> {
        self.place.id()
    }
}

impl desk::Place for Place {
    fn look(&self) -> Option<&'static str> {
        self.look()
    }

    fn fault(&self) -> Option<&'static str> {
        self.fault()
    }

    fn has_its_content(&self) -> Result<(), StoreError> {
        self.has_its_content()
    }

    fn report(&self) {
        self.report();
    }
}

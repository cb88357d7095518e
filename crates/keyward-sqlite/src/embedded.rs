//! What is this store's own: one file, with connections that read it and the one that writes.

use crate::no_room;
use crate::open::{OpenError, Options, open, open_to_list};
use crate::place::Place;
use crate::reader::Readers;
use crate::writer::Writer;
use keyward_core::share::Full;
use keyward_core::store::StoreError;
use keyward_sql::desk;
use keyward_sql::health::Health;
use keyward_sql::load::Listed;
use keyward_sql::payer::Payer;
use keyward_sql::{Backend, Open, Read, Sizes, Store, Work, unavailable};
use std::path::Path;
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
        let work = move |desk: &mut crate::writer::Desk<'_>, too_late: bool| {
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

/// On a file system that is full, a file that is up to date is opened to be read, and is written as soon as there is room.
impl Open for Embedded {
    type Options<'o> = Options<'o>;
    type Error = OpenError;

    fn open(options: &Options<'_>) -> Result<Store<Self>, OpenError> {
        open(options)
    }

    fn open_to_list(options: &Options<'_>, listed: Listed) -> Result<Store<Self>, OpenError> {
        open_to_list(options, listed)
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
        no_room::report(self);
    }
}

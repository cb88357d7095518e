//! An order for the server of one database: another one's socket may have been put in its place.

use super::error::AdminError;
use super::order::Order;
use keyward_sqlite::{FileId, Sqlite};
use serde::{Deserialize, Serialize};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// An order, and the file that it is for.
#[derive(Serialize, Deserialize)]
pub(super) struct Addressed {
    /// `None`: there is none at the place of the database.
    file: Option<FileId>,
    order: Order,
}

impl Addressed {
    /// For the database that is there now.
    pub(super) fn new(database: &Path, order: Order) -> Self {
        // Absent: the server receives the order anyway, and knows best what became of its file.
        let file = std::fs::metadata(database).ok().map(|there| (there.dev(), there.ino()));
        Self { file, order }
    }

    /// Reads one that came to the server of this store, which refuses what is for another's. Where its own file was moved or replaced
    /// the order is its own; then the store writes nothing.
    pub(super) fn read(line: &str, store: &Sqlite) -> Result<Result<Order, AdminError>, serde_json::Error> {
        // Absent: a command of an earlier version does not say which file it means.
        let Self { file, order } = serde_json::from_str(line)
            .or_else(|_| serde_json::from_str(line).map(|order| Self { file: None, order }))?;
        store.look_for_the_file();
        let another = file.zip(store.file_id()).is_some_and(|(meant, own)| meant != own);
        if another && !store.has_lost_its_file() {
            let text = "the server that listens there serves another database than the one that lies there; look which server's socket it is";
            return Ok(Err(AdminError::unavailable(text)));
        }
        Ok(Ok(order))
    }
}

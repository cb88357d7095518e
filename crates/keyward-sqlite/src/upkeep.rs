//! What is written in batches, outside `commit`.

use crate::Sqlite;
use crate::error::store_error;
use keyward_core::BoxFuture;
use keyward_core::api_key::Move;
use keyward_core::clock::Timestamp;
use keyward_core::id::KeyId;
use keyward_core::live::{Change, Directory};
use keyward_core::store::{Figures, StoreError, Upkeep};
use rusqlite::{TransactionBehavior, params};
use std::path::Path;

impl Upkeep for Sqlite {
    fn directory(&self) -> &Directory {
        &self.directory
    }

    fn figures(&self) -> Figures {
        let size = |path: &Path| std::fs::metadata(path).map_or(0, |file| file.len());
        let mut log = self.readers.path.clone().into_os_string();
        log.push("-wal");
        Figures {
            bytes: size(&self.readers.path),
            log_bytes: size(Path::new(&log)),
            writes_waiting: self.writer.waiting(),
            rows_left_out: self.left_out,
        }
    }

    fn ping(&self) -> BoxFuture<'_, Result<(), StoreError>> {
        // A table, not a constant: the file is looked at.
        Box::pin(
            self.read(|reads| reads.first("SELECT 1 FROM root_secret_versions", [], |_| Ok(())).map(drop)),
        )
    }

    fn write_uses<'a>(&'a self, uses: &'a [(KeyId, Timestamp)]) -> BoxFuture<'a, Result<(), StoreError>> {
        let uses = uses.to_vec();
        Box::pin(self.writer.run(move |desk| {
            let tx = desk
                .connection
                .transaction_with_behavior(TransactionBehavior::Immediate)
                .map_err(store_error)?;
            for (key, at) in uses {
                tx.prepare_cached(
                    "UPDATE api_keys SET last_used_at = max(coalesce(last_used_at, 0), ?2) WHERE id = ?1",
                )
                .and_then(|mut statement| statement.execute(params![key.0, at.unix()]))
                .map_err(store_error)?;
            }
            tx.commit().map_err(store_error)
        }))
    }

    fn move_digests(&self, moves: Vec<Move>) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(self.writer.run(move |desk| {
            let tx = desk
                .connection
                .transaction_with_behavior(TransactionBehavior::Immediate)
                .map_err(store_error)?;
            let mut moved = Vec::new();
            for noted in moves {
                let (to, from) = (noted.to.as_bytes(), noted.from.as_bytes());
                let changed = tx
                    .prepare_cached(
                        "UPDATE api_key_secrets SET digest = ?1, pepper_version = ?2 WHERE digest = ?3",
                    )
                    .and_then(|mut statement| statement.execute(params![to, noted.version, from]))
                    .map_err(store_error)?;
                if changed > 0 {
                    moved.push(Change::Moved(noted));
                }
            }
            tx.commit().map_err(store_error)?;
            desk.directory.publish(moved);
            Ok(())
        }))
    }
}

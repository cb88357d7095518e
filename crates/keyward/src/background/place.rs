//! Looks whether the database is still where it was opened: a server without writes would not notice.

use keyward_sqlite::Sqlite;
use std::sync::Arc;
use std::time::Duration;

/// Between two looks.
const INTERVAL: Duration = Duration::from_secs(1);

/// Looks for as long as it runs. On a thread of its own: a file system that does not answer holds nothing up.
pub(crate) async fn forever(store: Arc<Sqlite>) {
    loop {
        tokio::time::sleep(INTERVAL).await;
        let looking = Arc::clone(&store);
        if let Err(ended) = tokio::task::spawn_blocking(move || looking.look_for_the_file()).await
            && ended.is_panic()
        {
            std::panic::resume_unwind(ended.into_panic());
        }
    }
}

//! Writes failed sign-ins to the audit trail, counted over about a minute.

use crate::app::App;
use std::time::Duration;

/// Between two writings.
const INTERVAL: Duration = Duration::from_secs(60);

/// Writes now and then, for as long as it runs.
pub(crate) async fn forever(app: &App) {
    loop {
        tokio::time::sleep(INTERVAL).await;
        once(app).await;
    }
}

/// Writes what there is.
pub(crate) async fn once(app: &App) {
    if let Some(server) = &app.oauth {
        server.write_failed_sign_ins(&*app.store).await;
    }
}

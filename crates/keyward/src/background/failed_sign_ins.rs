//! Writes failed sign-ins to the audit trail, counted over about a minute.

use crate::oauth::AuthorizationServer;
use crate::store::Store;
use std::time::Duration;

/// Between two writings.
const INTERVAL: Duration = Duration::from_secs(60);

/// Writes now and then, for as long as it runs.
pub(crate) async fn forever(server: Option<&AuthorizationServer>, store: &dyn Store) {
    loop {
        tokio::time::sleep(INTERVAL).await;
        if let Some(server) = server {
            server.write_failed_sign_ins(store).await;
        }
    }
}

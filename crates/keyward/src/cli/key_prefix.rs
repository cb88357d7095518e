//! Keys that `[keys] prefix` shuts out: each begins with the prefix that held when it was made, and is a key by its prefix alone.

use super::opened::Opened;
use keyward_core::store::Upkeep;

/// Says in the log how many there are.
pub(super) fn warn_of_others(opened: &Opened) {
    let format = opened.ring.format();
    let keys = opened.store.directory().read().keys_of_another_form(format, opened.clock.now());
    if keys > 0 {
        tracing::warn!(
            keys,
            prefix = format.prefix(),
            "live keys begin with another prefix than keys.prefix and are refused, since they are taken for no keys: was it changed?"
        );
    }
}

//! An installation, opened.

use crate::oauth::SignInKeys;
use crate::telemetry::Subjects;
use keyward_core::api_key::KeyRing;
use keyward_core::clock::Clock;
use keyward_core::idempotency::Claims;
use keyward_core::list::Cursors;
use keyward_core::random::Random;
use keyward_sqlite::Sqlite;
use std::path::PathBuf;
use std::sync::Arc;

/// An installation, opened.
#[derive(Debug)]
pub(crate) struct Opened {
    pub(crate) database: PathBuf,
    pub(crate) store: Sqlite,
    pub(crate) ring: KeyRing,
    pub(crate) cursors: Cursors,
    pub(crate) claims: Claims,
    pub(crate) sign_in: SignInKeys,
    pub(crate) subjects: Subjects,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) random: Arc<dyn Random>,
}

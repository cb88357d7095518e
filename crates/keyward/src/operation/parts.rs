//! What operations run with.

use crate::body_room::BodyRoom;
use crate::limits::Charger;
use crate::problem::Problems;
use crate::shared::Shared;
use crate::store::Store;
use std::sync::Arc;

/// What operations run with.
#[derive(Debug)]
pub(crate) struct OperationParts {
    pub(crate) shared: Arc<Shared>,
    pub(crate) store: Arc<dyn Store>,
    /// What applies to a caller, and how its limits stand.
    pub(crate) charger: Charger,
    /// Room for the bodies that are being read.
    pub(crate) bodies: BodyRoom,
    pub(crate) problems: Problems,
}

//! What SQLite's results mean for us.

use crate::driver::Constraint;
use keyward_core::store::StoreError;
use rusqlite::ErrorCode;

/// Sorts a driver's error: what may pass (locked, read-only, full, I/O) is [`StoreError::Unavailable`], all else
/// is a fault of ours.
#[must_use]
pub fn store_error(error: rusqlite::Error) -> StoreError {
    match error.sqlite_error_code() {
        Some(
            ErrorCode::DatabaseBusy
            | ErrorCode::DatabaseLocked
            | ErrorCode::ReadOnly
            | ErrorCode::DiskFull
            | ErrorCode::SystemIoFailure
            | ErrorCode::CannotOpen
            | ErrorCode::OutOfMemory
            | ErrorCode::PermissionDenied,
        ) => StoreError::Unavailable(error.into()),
        Some(ErrorCode::ConstraintViolation) => StoreError::Failed(Constraint(error.into()).into()),
        // Absent: any other error is a fault of ours; the request fails.
        _ => StoreError::Failed(error.into()),
    }
}

/// The store takes no more work now, for this reason.
pub(crate) fn unavailable(reason: &'static str) -> StoreError {
    StoreError::Unavailable(reason.into())
}

/// Whether a statement would have made a row that is not as the schema says. Nothing of that statement is done, and its
/// transaction goes on.
pub(crate) fn is_constraint(error: &StoreError) -> bool {
    matches!(error, StoreError::Failed(source) if source.is::<Constraint>())
}

/// Whether it lies in what a row holds, and not in reaching the store.
pub(crate) fn is_of_a_row(error: &StoreError) -> bool {
    matches!(error, StoreError::Corrupt { .. } | StoreError::Failed(_))
}

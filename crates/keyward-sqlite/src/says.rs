//! What SQLite's results mean for us.

use keyward_core::store::StoreError;
use keyward_sql::driver::Constraint;
use rusqlite::ErrorCode;

/// Sorts a driver's error: what may pass (locked, read-only, full, I/O) is [`StoreError::Unavailable`], all else
/// is a fault of ours.
pub(crate) fn store_error(error: rusqlite::Error) -> StoreError {
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

/// What an error says of whether the database can be written.
pub(crate) fn fault(error: &StoreError) -> Option<&'static str> {
    let (StoreError::Unavailable(source) | StoreError::Held(source)) = error else { return None };
    match source.downcast_ref::<rusqlite::Error>()?.sqlite_error_code()? {
        ErrorCode::DiskFull => Some("its disk is full"),
        ErrorCode::SystemIoFailure => Some("its disk is full, or fails"),
        ErrorCode::ReadOnly | ErrorCode::PermissionDenied | ErrorCode::CannotOpen => Some("it is read-only"),
        // Absent: another program's lock, or memory that ran out, passes; the write that met it has failed.
        _ => None,
    }
}

//! What an error of a store means for what is being done.

use crate::driver::Constraint;
use keyward_core::store::StoreError;

/// The store takes no more work now, for this reason.
#[must_use]
pub fn unavailable(reason: &'static str) -> StoreError {
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

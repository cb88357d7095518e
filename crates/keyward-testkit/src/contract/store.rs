//! What the contract is about: a store of identity, and where it keeps what it has.

pub use keyward_core::write::store::IdentityStore;

/// Where a store keeps what it has.
pub trait Home {
    /// The store.
    type Store: IdentityStore;

    /// Opens the store: an empty one the first time, and then the one with all that was written. One at a time is open.
    fn open(&self) -> Self::Store;
}

//! The orders that change nothing: without an answer, nothing is in doubt.

use super::order::Order;

impl Order {
    /// Whether it only looks. One that is missing here is taken for one that changes something.
    pub(crate) const fn only_reads(&self) -> bool {
        matches!(
            self,
            Self::KeyList(_)
                | Self::ClientList { .. }
                | Self::AccountList { .. }
                | Self::AccountShow { .. }
                | Self::UserList { .. }
                | Self::UserShow { .. }
                | Self::SigningKeyList
                | Self::SecretStatus
                | Self::LeftOut
                | Self::Addresses
                | Self::Explain { .. }
                | Self::Audit(_)
                | Self::Served
        )
    }
}

//! The orders that change nothing: without an answer, nothing is in doubt.

use super::order::Order;
use keyward_sqlite::Listed;

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

    /// What a list of it asks for besides its rows; `None`: it is no list, or may ask for anything.
    pub(crate) const fn lists(&self) -> Option<Listed> {
        match self {
            // Absent: what changes something is judged by all that is known.
            _ if !self.only_reads() => None,
            Self::AccountList { .. } | Self::UserList { .. } | Self::Audit(_) => Some(Listed::Rows),
            Self::ClientList { .. } => Some(Listed::Clients),
            Self::KeyList(_) => Some(Listed::Keys),
            // Absent: no list, or not known to be one.
            _ => None,
        }
    }
}

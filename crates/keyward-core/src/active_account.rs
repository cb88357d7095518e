//! The account that requests act in where their credential is bound to none.

mod choice;

pub use choice::{ChoiceKept, MOST_CHOICES};

use crate::id::{AccountId, UserId};
use std::sync::Arc;

/// The account that a user's client at an outside issuer has chosen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChosenAccount {
    /// The user.
    pub user: UserId,
    /// The issuer.
    pub issuer: Arc<str>,
    /// The client.
    pub client: Arc<str>,
    /// The account.
    pub account: AccountId,
}

//! Whom the sign-in page of the demo offers.

use keyward_core::secret::Secret;

/// Somebody of the demo, whom its sign-in page offers.
#[derive(Clone, Debug)]
pub struct DemoPerson {
    /// Given and family name.
    pub name: String,
    /// The address.
    pub email: String,
    /// The password.
    pub password: Secret,
    /// The roles, for people.
    pub places: String,
}

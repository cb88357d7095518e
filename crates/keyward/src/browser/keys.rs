//! The keys of signing in and of what is kept of it.

use keyward_core::form::Forms;
use keyward_core::known_browser::KnownBrowsers;
use keyward_core::oauth::refresh::RefreshTokens;
use keyward_core::root_secret::RootSecret;
use keyward_core::signing::Sealer;

/// The keys that are derived from the root secret for sign-ins. Clones share them.
#[derive(Clone, Debug)]
pub struct SignInKeys {
    /// Makes refresh tokens.
    pub refresh: RefreshTokens,
    /// Seals what is kept.
    pub sealer: Sealer,
    /// Makes tokens of forms.
    pub forms: Forms,
    /// Makes the marks of browsers.
    pub known: KnownBrowsers,
}

impl SignInKeys {
    /// Of this root secret.
    #[must_use]
    pub fn new(root: &RootSecret) -> Self {
        Self {
            refresh: RefreshTokens::new(root),
            sealer: Sealer::new(root),
            forms: Forms::new(root),
            known: KnownBrowsers::new(root),
        }
    }

    /// Takes up another root secret, for all clones.
    pub fn take_up(&self, root: &RootSecret) {
        self.refresh.take_up(root);
        self.sealer.take_up(root);
        self.forms.take_up(root);
        self.known.take_up(root);
    }
}

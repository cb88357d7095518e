//! A value that is replaced as a whole while others read it.

use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

/// A shared handle to a value. Clones share it; a replacement holds for whoever asks from then on.
pub struct Swap<T>(Arc<RwLock<Arc<T>>>);

impl<T> Swap<T> {
    /// With this value.
    pub fn new(value: T) -> Self {
        Self(Arc::new(RwLock::new(Arc::new(value))))
    }

    /// The value now. It stays whole for as long as it is held, whatever replaces it meanwhile.
    #[must_use]
    pub fn get(&self) -> Arc<T> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Looks at the value now. Cheaper than [`Swap::get`], and a replacement waits for it: only for a glance.
    pub fn glance<R>(&self, look: impl FnOnce(&T) -> R) -> R {
        look(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Puts another value in its place.
    pub fn replace(&self, value: T) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(value);
    }
}

impl<T> Clone for Swap<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T: fmt::Debug> fmt::Debug for Swap<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.get().fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_replacement_holds_for_every_handle_and_leaves_what_is_held_whole() {
        let one = Swap::new(1);
        let other = one.clone();
        let held = one.get();
        other.replace(2);
        assert_eq!((*held, *one.get(), *other.get()), (1, 2, 2));
    }
}

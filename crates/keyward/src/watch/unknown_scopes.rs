//! Names of scopes in good tokens that mean nothing here: each is logged once for each issuer.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};

/// The most names that are logged of an issuer.
const MOST: usize = 64;

/// Those that were logged since the start. Clones share them.
#[derive(Clone, Debug, Default)]
pub(crate) struct UnknownScopes(Arc<Mutex<HashMap<Arc<str>, HashSet<String>>>>);

impl UnknownScopes {
    /// Logs the names that are new. The issuers are those of the configuration.
    pub(crate) fn note(&self, issuer: &Arc<str>, names: &[String]) {
        for name in self.new_of(issuer, names) {
            tracing::warn!(
                %issuer,
                scope = name.as_str(),
                "tokens name a scope that this API does not have; scope_prefix and scope_map of the issuer translate names"
            );
        }
    }

    fn new_of(&self, issuer: &Arc<str>, names: &[String]) -> Vec<String> {
        if names.is_empty() {
            return Vec::new();
        }
        let mut logged = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let logged = logged.entry(Arc::clone(issuer)).or_default();
        let is_new = |name: &&String| logged.len() < MOST && logged.insert((*name).clone());
        names.iter().filter(is_new).cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_logged_once_for_each_issuer_and_only_so_many_of_them() {
        let scopes = UnknownScopes::default();
        let new = |issuer: &str, names: &[&str]| {
            scopes.new_of(&issuer.into(), &names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>())
        };
        assert_eq!(new("a", &["x", "y"]), ["x", "y"]);
        assert_eq!(new("a", &["y", "z"]), ["z"]);
        assert_eq!(new("b", &["x"]), ["x"]);
        assert!(new("b", &[]).is_empty());
        let many: Vec<String> = (0..1_000).map(|number| number.to_string()).collect();
        assert_eq!(scopes.new_of(&"b".into(), &many).len(), MOST - 1);
    }
}

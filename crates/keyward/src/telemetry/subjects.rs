//! How the log shows the subject of a token: `[log] subject`.

use crate::config::LogSubject;
use keyward_core::log_subject::SubjectHasher;
use keyward_core::root_secret::RootSecret;

/// Shows subjects by the setting.
#[derive(Clone, Debug)]
pub enum Subjects {
    /// As a keyed hash.
    Hashed(SubjectHasher),
    /// As they were sent.
    Plain,
    /// Not at all: there is no key to hash with.
    Hidden,
}

impl Subjects {
    /// By the setting, with a key of the root secret.
    #[must_use]
    pub fn new(setting: LogSubject, root: &RootSecret) -> Self {
        match setting {
            LogSubject::Plain => Self::Plain,
            LogSubject::Hash => SubjectHasher::new(root).map_or(Self::Hidden, Self::Hashed),
        }
    }

    /// The subject as it is, and its hash: at most one of them.
    pub(crate) fn shown<'s>(
        &self,
        issuer: Option<&str>,
        subject: Option<&'s str>,
    ) -> (Option<&'s str>, Option<String>) {
        match (self, subject) {
            (Self::Plain, subject) => (subject, None),
            (Self::Hashed(hasher), Some(subject)) => {
                (None, Some(hasher.hash(issuer.unwrap_or_default(), subject)))
            }
            (Self::Hashed(_), None) | (Self::Hidden, _) => (None, None),
        }
    }
}

//! The scheme of API keys: a prefix claims the token, a digest finds the key, the directory says whether it lives.

use super::{Scheme, Verdict};
use keyward_core::BoxFuture;
use keyward_core::address::ClientAddress;
use keyward_core::api_key::{Admitted, KeyRing};
use keyward_core::clock::Clock;
use keyward_core::denial::Denial;
use keyward_core::live::{Directory, KeyUse};
use keyward_core::principal::Credential;
use std::future::ready;
use std::sync::Arc;

/// Judges API keys by a directory in memory. No I/O.
#[derive(Debug)]
pub struct ApiKeys {
    ring: KeyRing,
    directory: Directory,
    clock: Arc<dyn Clock>,
    to_end: bool,
}

impl ApiKeys {
    /// With the ring that made the keys and the directory that knows them.
    #[must_use]
    pub fn new(ring: KeyRing, directory: Directory, clock: Arc<dyn Clock>) -> Self {
        Self { ring, directory, clock, to_end: false }
    }

    /// The same in front of an operation by which a key ends itself: it is let in whether or not its end can be judged. What else it
    /// would do there the commit refuses, which judges its end.
    #[must_use]
    pub fn to_end(self) -> Self {
        Self { to_end: true, ..self }
    }

    fn verdict(&self, token: &str, from: ClientAddress) -> Verdict {
        if !self.ring.claims(token) {
            return Verdict::NotMine;
        }
        let now = self.clock.now();
        let live = self.directory.read();
        let admitted = if self.to_end {
            self.ring.admit_to_end(token, from, &live, now)
        } else {
            self.ring.admit(token, from, &live, now)
        };
        match admitted {
            Err(denial @ (Denial::KeyMalformed | Denial::KeyUnknown)) => Verdict::No(denial, None, None),
            Err(denial) => Verdict::No(denial, self.ring.recognise(token, &live), None),
            Ok(Admitted { caller, to_move }) => {
                if let Credential::ApiKey(key) = &caller.credential {
                    self.directory.note_use(KeyUse {
                        key: key.id,
                        at: now,
                        current: key.current.then_some(key.digest),
                    });
                }
                if let Some(to_move) = to_move {
                    self.directory.note_move(to_move);
                }
                Verdict::Yes(caller)
            }
        }
    }
}

impl Scheme for ApiKeys {
    fn judge<'a>(&'a self, token: &'a str, from: ClientAddress) -> BoxFuture<'a, Verdict> {
        Box::pin(ready(self.verdict(token, from)))
    }
}

//! The turns at one address: when the next try is possible, for sources with and without a try of their own.

use super::delay;
use crate::rate_limit::networks::{FORGOTTEN, Source};
use std::time::Duration;

/// The next try after a delay belongs, for so long, to another source than the last one's, if one has asked.
pub(super) const RESERVED: Duration = Duration::from_secs(60);

#[derive(Clone, Copy, Debug)]
pub(super) struct Turns {
    pub(super) failures: u32,
    /// Until then nothing is tried by those who have used up the tries of their own.
    pub(super) until: Duration,
    /// Until then nothing is tried by those who ask for the first time.
    pub(super) others: Duration,
    pub(super) last: Duration,
    /// Where the last try came from.
    pub(super) from: Source,
    /// The first other source that was refused since.
    pub(super) next: Option<Source>,
}

impl Turns {
    /// From then on nothing is known of the tries.
    pub(super) fn end(&self) -> Duration {
        self.last.max(self.until) + FORGOTTEN
    }

    pub(super) fn wait(&self, source: Source, now: Duration) -> Duration {
        let reserved = self.next.is_some_and(|next| next != source);
        let until = if reserved && now >= self.until { self.until + RESERVED } else { self.until };
        until.saturating_sub(now)
    }

    pub(super) fn reserve(&mut self, source: Source) {
        self.next = self.next.or(Some(source)).filter(|next| *next != self.from);
    }

    pub(super) fn take(&mut self, source: Source, own: bool, now: Duration) {
        self.failures = self.failures.saturating_add(1);
        (self.last, self.from, self.next) = (now, source, None);
        self.until = now + delay(self.failures);
        if own {
            self.others = self.until;
        }
    }
}

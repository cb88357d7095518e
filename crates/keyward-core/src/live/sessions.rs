//! The browsers that are signed in, in memory, found by whatever can end their sessions.

use crate::id::UserId;
use crate::opaque::TokenDigest;
use crate::session::Session;
use std::collections::{BTreeSet, HashMap};

#[derive(Debug, Default)]
pub(super) struct SessionTable {
    known: HashMap<TokenDigest, Session>,
    by_id: HashMap<i64, TokenDigest>,
    of_user: BTreeSet<(UserId, i64)>,
}

impl SessionTable {
    pub(super) fn put(&mut self, session: Session) {
        self.end(session.id);
        self.by_id.insert(session.id, session.digest);
        self.of_user.insert((session.user, session.id));
        self.known.insert(session.digest, session);
    }

    /// The session of that id is no more.
    pub(super) fn end(&mut self, id: i64) {
        if let Some(gone) = self.by_id.remove(&id).and_then(|digest| self.known.remove(&digest)) {
            self.of_user.remove(&(gone.user, id));
        }
    }

    /// Every session of a user is no more.
    pub(super) fn end_all_of(&mut self, user: UserId) {
        let of_user = self.of_user.range((user, i64::MIN)..=(user, i64::MAX));
        let ids: Vec<i64> = of_user.map(|(_, id)| *id).collect();
        ids.into_iter().for_each(|id| self.end(id));
    }

    pub(super) fn get(&self, digest: &TokenDigest) -> Option<&Session> {
        self.known.get(digest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Timestamp;

    #[test]
    fn a_session_ends_by_its_id_or_with_its_user_and_leaves_nothing_behind() {
        let session = |id: i64, user| Session {
            id,
            digest: TokenDigest::of(&id.to_string()),
            user: UserId(user),
            created_at: Timestamp::from_unix(0),
            ends_at: Timestamp::from_unix(1),
        };
        let mut table = SessionTable::default();
        [session(1, 1), session(2, 1), session(3, 2), session(4, 1)]
            .into_iter()
            .for_each(|session| table.put(session));
        table.end(4);
        assert!(table.get(&TokenDigest::of("4")).is_none() && table.get(&TokenDigest::of("1")).is_some());
        table.end_all_of(UserId(1));
        assert_eq!((table.known.len(), table.by_id.len(), table.of_user.len()), (1, 1, 1));
        assert!(table.get(&TokenDigest::of("3")).is_some());
    }
}

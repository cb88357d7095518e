//! The grants in memory, found by whatever can end them.

use crate::id::UserId;
use crate::oauth::{GrantId, Grants, OAuthGrant};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

#[derive(Debug, Default)]
pub(super) struct GrantTable {
    known: BTreeMap<GrantId, OAuthGrant>,
    of_user: BTreeSet<(UserId, GrantId)>,
    of_client: BTreeSet<(Arc<str>, GrantId)>,
}

impl GrantTable {
    /// A grant is as given. One that ended is no more.
    pub(super) fn put(&mut self, grant: OAuthGrant) {
        self.take_out(grant.id);
        if grant.ended {
            return;
        }
        self.of_user.insert((grant.user, grant.id));
        self.of_client.insert((Arc::clone(&grant.client), grant.id));
        self.known.insert(grant.id, grant);
    }

    fn take_out(&mut self, id: GrantId) {
        if let Some(gone) = self.known.remove(&id) {
            self.of_user.remove(&(gone.user, id));
            self.of_client.remove(&(gone.client, id));
        }
    }

    /// These are no more.
    pub(super) fn end(&mut self, which: &Grants) {
        let ids: Vec<GrantId> = match which {
            Grants::One(id) => vec![*id],
            Grants::OfClient(client) => {
                let (from, to) = ((Arc::clone(client), FIRST), (Arc::clone(client), LAST));
                self.of_client.range(from..=to).map(|(_, id)| *id).collect()
            }
            Grants::OfUser(user) | Grants::OfUserTo(user, _) | Grants::BoundTo(user, _) => {
                self.of(*user).filter(|grant| which.include(grant)).map(|grant| grant.id).collect()
            }
        };
        ids.into_iter().for_each(|id| self.take_out(id));
    }

    pub(super) fn get(&self, id: GrantId) -> Option<&OAuthGrant> {
        self.known.get(&id)
    }

    /// The grants of a user, oldest first.
    pub(super) fn of(&self, user: UserId) -> impl Iterator<Item = &OAuthGrant> {
        let ids = self.of_user.range((user, FIRST)..=(user, LAST));
        ids.filter_map(|(_, id)| self.known.get(id))
    }
}

const FIRST: GrantId = GrantId(i64::MIN);
const LAST: GrantId = GrantId(i64::MAX);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Timestamp;
    use crate::id::AccountId;
    use crate::oauth::Resources;
    use crate::scope::ScopeSet;

    fn grant(id: i64, user: i64, client: &str, account: i64) -> OAuthGrant {
        OAuthGrant {
            id: GrantId(id),
            user: UserId(user),
            client: client.into(),
            client_name: client.to_owned(),
            scopes: ScopeSet::NONE,
            openid: false,
            email: false,
            profile: false,
            offline: false,
            resources: Resources { api: true, mcp: false },
            account: Some(AccountId(account)),
            bound: account > 1,
            nonce: [0; 16],
            family: None,
            created_at: Timestamp::from_unix(0),
            ends_at: Timestamp::from_unix(100),
            last_used_at: None,
            ended: false,
        }
    }

    #[test]
    fn each_ending_takes_its_grants_and_no_other_and_leaves_nothing_behind() {
        let all = [grant(1, 1, "a", 1), grant(2, 1, "b", 2), grant(3, 2, "a", 2), grant(4, 2, "b", 1)];
        for (which, left) in [
            (Grants::One(GrantId(2)), vec![1, 3, 4]),
            (Grants::OfUser(UserId(1)), vec![3, 4]),
            (Grants::OfClient("a".into()), vec![2, 4]),
            (Grants::OfUserTo(UserId(1), "a".into()), vec![2, 3, 4]),
            (Grants::BoundTo(UserId(2), AccountId(2)), vec![1, 2, 4]),
            (Grants::BoundTo(UserId(1), AccountId(1)), vec![1, 2, 3, 4]),
            (Grants::One(GrantId(9)), vec![1, 2, 3, 4]),
        ] {
            let mut table = GrantTable::default();
            all.iter().cloned().for_each(|grant| table.put(grant));
            table.end(&which);
            let ids: Vec<i64> = table.known.keys().map(|id| id.0).collect();
            assert_eq!(ids, left, "{which:?}");
            assert_eq!((table.of_user.len(), table.of_client.len()), (left.len(), left.len()), "{which:?}");
        }
    }
}

//! What the audit trail says of sign-ins that failed. A guess costs no write: the tries of about a minute are counted in
//! memory and written together, and there are never more rows than [`ROWS`] a minute, whatever is tried.

use crate::store::Store;
use keyward_core::address::ClientAddress;
use keyward_core::clock::At;
use keyward_core::effect::{Commit, Context};
use keyward_core::id::UserId;
use keyward_core::permit::background;
use keyward_core::write::session::NoteFailedSignIns;
use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, PoisonError};
use uuid::Uuid;

/// Rows of one writing: the users that had most failures, and one row for all else.
const ROWS: usize = 10;
/// Users whose failures are counted apart, and networks that are told apart for each.
const USERS: usize = 1_000;
const NETWORKS: usize = 100;

/// How a try failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Failure {
    /// The password was wrong.
    Wrong,
    /// It was not looked at: too many failed before.
    Refused,
}

/// The failures since the last writing.
#[derive(Debug, Default)]
pub(crate) struct FailedSignIns(Mutex<HashMap<Option<UserId>, Count>>);

#[derive(Clone, Debug, Default)]
struct Count {
    wrong: u64,
    refused: u64,
    networks: HashSet<ClientAddress>,
    /// The last of them.
    last: Option<(ClientAddress, Uuid)>,
}

impl Count {
    fn all(&self) -> u64 {
        self.wrong + self.refused
    }

    fn add(&mut self, other: Self) {
        self.wrong += other.wrong;
        self.refused += other.refused;
        let room = NETWORKS.saturating_sub(self.networks.len());
        self.networks.extend(other.networks.into_iter().take(room));
        self.last = other.last.or(self.last);
    }
}

impl FailedSignIns {
    /// Counts a try at this user's address, or at one that is nobody's.
    pub(crate) fn note(&self, user: Option<UserId>, failure: Failure, from: ClientAddress, request: Uuid) {
        let (wrong, refused) = if failure == Failure::Wrong { (1, 0) } else { (0, 1) };
        let networks = HashSet::from([from.network()]);
        self.add(user, Count { wrong, refused, networks, last: Some((from, request)) });
    }

    fn add(&self, user: Option<UserId>, count: Count) {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let own = if counts.len() < USERS || counts.contains_key(&user) { user } else { None };
        counts.entry(own).or_default().add(count);
    }

    /// What is to be written: one count for each user, as long as there are few.
    fn take(&self) -> Vec<(Option<UserId>, Count)> {
        let counts = std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner));
        let mut counts: Vec<_> = counts.into_iter().collect();
        counts.sort_by_key(|(user, count)| (user.is_none(), std::cmp::Reverse(count.all()), *user));
        if counts.len() <= ROWS {
            return counts;
        }
        let mut others = Count::default();
        counts.split_off(ROWS - 1).into_iter().for_each(|(_, count)| others.add(count));
        counts.push((None, others));
        counts
    }

    /// Writes what there is. What cannot be written is counted with what comes.
    pub(crate) async fn write(&self, store: &dyn Store) {
        for (user, count) in self.take() {
            let (wrong, refused, networks) = (count.wrong, count.refused, count.networks.len());
            let effect = NoteFailedSignIns { user, wrong, refused, networks };
            // Absent: the row names no address.
            let (address, request_id) = count.last.unwrap_or((ClientAddress::Unknown, Uuid::nil()));
            let context = Context { request_id, address: address.known(), origin_app: "console".to_owned() };
            let written = Commit::commit(store, effect, background(), context, None, At::Store).await;
            if let Err(error) = written {
                tracing::warn!(%error, "failed sign-ins could not be written to the audit trail yet");
                self.add(user, count);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn from(network: u8) -> ClientAddress {
        ClientAddress::Known([203, 0, network, 9].into())
    }

    #[test]
    fn tries_at_one_user_are_one_row_with_their_number_and_their_networks() {
        let failed = FailedSignIns::default();
        for number in 0..30 {
            let failure = if number < 20 { Failure::Wrong } else { Failure::Refused };
            failed.note(Some(UserId(7)), failure, from(number % 3), Uuid::nil());
            failed.note(None, Failure::Wrong, from(9), Uuid::nil());
        }
        let taken = failed.take();
        let figures = |count: &Count| (count.wrong, count.refused, count.networks.len());
        let taken: Vec<_> = taken.iter().map(|(user, count)| (*user, figures(count))).collect();
        assert_eq!(taken, [(Some(UserId(7)), (20, 10, 3)), (None, (30, 0, 1))]);
        assert!(failed.take().is_empty(), "each is written once");
    }

    #[test]
    fn there_are_never_more_rows_than_ten_and_no_try_is_left_out() {
        let failed = FailedSignIns::default();
        for user in 0..5_000 {
            for _ in 0..=(user % 7) {
                failed.note(Some(UserId(user)), Failure::Wrong, from(1), Uuid::nil());
            }
        }
        for _ in 0..50 {
            failed.note(Some(UserId(3)), Failure::Wrong, from(1), Uuid::nil());
        }
        let taken = failed.take();
        assert_eq!(taken.len(), ROWS);
        assert_eq!(taken[0].0, Some(UserId(3)), "who is attacked most comes first");
        assert_eq!(taken[ROWS - 1].0, None);
        let expected: u64 = 50 + (0..5_000_u64).map(|user| user % 7 + 1).sum::<u64>();
        assert_eq!(taken.iter().map(|(_, count)| count.all()).sum::<u64>(), expected);
    }
}

//! API keys in memory: those that can still open something whole, and of the others what tells them apart in the log.
//!
//! A key that was revoked leaves but its digest here, in a table of fixed size, so that keys that are made and revoked
//! without end take no memory. The database has the rest.

use crate::api_key::{ApiKey, Digest, KeyFormat, KeySecret, Move, WhoseKeys};
use crate::clock::Timestamp;
use crate::denial::Denial;
use crate::id::{AccountId, KeyId, UserId};
use std::collections::{BTreeSet, HashMap, VecDeque};
use std::ops::Bound;

/// Digests of keys that are over that are kept: some 15 MB.
pub const RETIRED: usize = 100_000;
/// Keys that are retired in one go: requests wait for it.
const AT_ONCE: usize = 500;

/// What is kept of a key that is over, by the digest of a secret of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RetiredKey {
    /// The key.
    pub id: KeyId,
    /// Its user.
    pub user: UserId,
    /// Its account.
    pub account: AccountId,
    /// Its end, where that is why it is over; `None`: it was revoked.
    pub ended: Option<Timestamp>,
}

impl RetiredKey {
    fn of(key: &ApiKey) -> Self {
        let ended = if key.revoked_at.is_none() { key.expires_at } else { None };
        Self { id: key.id, user: key.user, account: key.account, ended }
    }

    /// Why its secret opens nothing.
    pub(super) fn denial(&self) -> Denial {
        if self.ended.is_some() { Denial::KeyExpired } else { Denial::KeyRevoked }
    }
}

#[derive(Debug, Default)]
pub(super) struct Keys {
    known: HashMap<KeyId, ApiKey>,
    digests_of: HashMap<KeyId, Vec<Digest>>,
    secrets: HashMap<Digest, KeySecret>,
    counts: HashMap<AccountId, Count>,
    /// The ends of those that have one, of all accounts.
    ends: BTreeSet<(Timestamp, KeyId)>,
    retired: Retired,
}

impl Keys {
    /// A key is as given. One that was revoked is retired.
    pub(super) fn put(&mut self, key: ApiKey) {
        if key.revoked_at.is_some() {
            return self.retire(key.id, RetiredKey::of(&key));
        }
        self.uncount(key.id);
        self.counts.entry(key.account).or_default().add(&key);
        self.ends.extend(key.expires_at.map(|end| (end, key.id)));
        self.known.insert(key.id, key);
    }

    /// A key that is known is revoked.
    pub(super) fn revoke(&mut self, id: KeyId) {
        if let Some(key) = self.known.get(&id) {
            self.retire(id, RetiredKey { ended: None, ..RetiredKey::of(key) });
        }
    }

    /// Whether the end of a key has passed before that moment.
    pub(super) fn has_ended(&self, before: Timestamp) -> bool {
        self.ends.first().is_some_and(|(end, _)| *end < before)
    }

    /// Of keys whose end has passed before that moment nothing but the digests stays: of the first of them, since requests
    /// wait meanwhile.
    pub(super) fn retire_ended(&mut self, before: Timestamp) {
        for _ in 0..AT_ONCE {
            if !self.has_ended(before) {
                return;
            }
            let Some((_, id)) = self.ends.pop_first() else { return };
            if let Some(key) = self.known.get(&id) {
                self.retire(id, RetiredKey::of(key));
            }
        }
    }

    fn retire(&mut self, id: KeyId, retired: RetiredKey) {
        self.uncount(id);
        self.known.remove(&id);
        // Absent: a key without secrets opens nothing, so none is retired.
        for digest in self.digests_of.remove(&id).unwrap_or_default() {
            self.secrets.remove(&digest);
            self.retired.put(digest, retired);
        }
    }

    /// A secret of a key that is over.
    pub(super) fn put_retired(&mut self, digest: Digest, retired: RetiredKey) {
        self.retired.put(digest, retired);
    }

    fn uncount(&mut self, id: KeyId) {
        let Some(key) = self.known.get(&id) else { return };
        if let Some(end) = key.expires_at {
            self.ends.remove(&(end, id));
        }
        let Some(count) = self.counts.get_mut(&key.account) else { return };
        count.remove(key);
        if count.is_empty() {
            self.counts.remove(&key.account);
        }
    }

    /// The live secrets of a key are these. Of a key that is not known nothing is taken in.
    pub(super) fn set_secrets(&mut self, key: KeyId, secrets: Vec<KeySecret>) {
        if !self.known.contains_key(&key) {
            return;
        }
        let digests = secrets.iter().map(|secret| secret.digest).collect();
        // Absent: a new key has no older secrets to retire.
        for old in self.digests_of.insert(key, digests).unwrap_or_default() {
            self.secrets.remove(&old);
        }
        for secret in secrets {
            self.retired.remove(&secret.digest);
            self.secrets.insert(secret.digest, secret);
        }
    }

    /// A secret has another digest. Under whatever digest it has been known so far, each leads to the one of now.
    pub(super) fn move_digest(&mut self, Move { from, to, version }: Move) {
        let Some(kept) = self.secrets.get(&from).copied() else { return };
        let secret = KeySecret { digest: to, pepper_version: version, ..kept };
        let known = self.digests_of.entry(kept.key).or_default();
        for digest in known.iter() {
            if let Some(other) = self.secrets.get_mut(digest)
                && other.digest == kept.digest
            {
                *other = secret;
            }
        }
        known.push(to);
        self.secrets.insert(to, secret);
    }

    /// The key that a secret opens, and that secret.
    ///
    /// # Errors
    /// [`Denial::KeyUnknown`], [`Denial::KeyRevoked`], [`Denial::KeyExpired`].
    pub(super) fn find(&self, digest: &Digest) -> Result<(&ApiKey, &KeySecret), Denial> {
        match self.secrets.get(digest) {
            Some(secret) => Ok((self.known.get(&secret.key).ok_or(Denial::KeyUnknown)?, secret)),
            // Absent: refused either way; only the word differs.
            None => Err(self.retired.get(digest).map_or(Denial::KeyUnknown, RetiredKey::denial)),
        }
    }

    /// Whose secret this is or was.
    pub(super) fn owner(&self, digest: &Digest) -> Option<RetiredKey> {
        match self.secrets.get(digest) {
            Some(secret) => self.known.get(&secret.key).map(RetiredKey::of),
            None => self.retired.get(digest).copied(),
        }
    }

    /// Whether a key has a secret.
    pub(super) fn has_secret(&self, id: KeyId) -> bool {
        self.digests_of.get(&id).is_some_and(|digests| !digests.is_empty())
    }

    pub(super) fn get(&self, id: KeyId) -> Option<&ApiKey> {
        self.known.get(&id)
    }

    /// The keys of somebody, by a walk over all.
    pub(super) fn of(&self, whose: WhoseKeys) -> Vec<KeyId> {
        let of = self.known.values().filter(|key| whose.holds(key.account, key.user));
        of.map(|key| key.id).collect()
    }

    pub(super) fn len(&self) -> usize {
        self.known.len()
    }

    pub(super) fn retired(&self) -> usize {
        self.retired.of.len()
    }

    /// Keys of an account that are neither revoked nor past their end.
    pub(super) fn live_in(&self, account: AccountId, now: Timestamp) -> usize {
        // Absent: shown alone; the ceiling counts rows of the store.
        self.counts.get(&account).map_or(0, |count| count.live(now))
    }

    /// Keys whose end is later than `after` and not later than `until`: a walk over these alone.
    pub(super) fn ending(&self, after: Timestamp, until: Timestamp) -> usize {
        if until <= after {
            return 0;
        }
        let [first, last] = [after, until].map(|end| (end, KeyId(i64::MAX)));
        self.ends.range((Bound::Excluded(first), Bound::Included(last))).count()
    }

    /// How many live keys have another prefix than this form's: it claims none of them.
    pub(super) fn of_another_form(&self, form: &KeyFormat, now: Timestamp) -> usize {
        self.known.values().filter(|key| key.is_live(now) && !form.has_shown(&key.prefix)).count()
    }

    /// The live keys whose current secret has a digest of another version of the root secret.
    pub(super) fn unmoved(&self, current: u32, now: Timestamp) -> BTreeSet<KeyId> {
        let older = self.secrets.values().filter(|secret| secret.pepper_version != current);
        older
            .filter(|secret| secret.ends_at.is_none())
            .map(|secret| secret.key)
            .filter(|key| self.known.get(key).is_some_and(|key| key.is_live(now)))
            .collect()
    }
}

/// The keys of one account that were not revoked. A count at a moment walks over nothing but keys with an end that are
/// live then, of which the account's ceiling allows few; what has passed is not walked over.
#[derive(Debug, Default)]
struct Count {
    unending: usize,
    ending: BTreeSet<(Timestamp, KeyId)>,
}

impl Count {
    fn add(&mut self, key: &ApiKey) {
        match key.expires_at {
            None => self.unending += 1,
            Some(end) => drop(self.ending.insert((end, key.id))),
        }
    }

    fn remove(&mut self, key: &ApiKey) {
        match key.expires_at {
            None => self.unending = self.unending.saturating_sub(1),
            Some(end) => drop(self.ending.remove(&(end, key.id))),
        }
    }

    fn is_empty(&self) -> bool {
        self.unending == 0 && self.ending.is_empty()
    }

    fn live(&self, now: Timestamp) -> usize {
        let after = (Bound::Excluded((now, KeyId(i64::MAX))), Bound::Unbounded);
        self.unending + self.ending.range(after).count()
    }
}

/// The digests of keys that are over: the newest [`RETIRED`].
#[derive(Debug, Default)]
struct Retired {
    of: HashMap<Digest, RetiredKey>,
    order: VecDeque<Digest>,
}

impl Retired {
    fn put(&mut self, digest: Digest, key: RetiredKey) {
        if self.of.insert(digest, key).is_none() {
            self.order.push_back(digest);
        }
        while self.of.len() > RETIRED || self.order.len() > 2 * RETIRED {
            let Some(oldest) = self.order.pop_front() else { return };
            self.of.remove(&oldest);
        }
    }

    fn get(&self, digest: &Digest) -> Option<&RetiredKey> {
        self.of.get(digest)
    }

    /// Takes one out. Its place in the order stays until its turn comes.
    fn remove(&mut self, digest: &Digest) {
        self.of.remove(digest);
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Change, Directory, Live};
    use super::*;
    use crate::grant::Grant;
    use proptest::prelude::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_unix(seconds)
    }

    fn digest(number: i64) -> Digest {
        let mut bytes = [0; 32];
        bytes[..8].copy_from_slice(&number.to_be_bytes());
        Digest::from_bytes(&bytes).unwrap()
    }

    fn key(id: i64, account: i64, expires_at: Option<i64>, revoked: bool) -> ApiKey {
        ApiKey {
            id: KeyId(id),
            account: AccountId(account),
            user: UserId(1),
            label: "k".to_owned(),
            prefix: "lev_sk_abcd".to_owned(),
            grant: Grant::FullAccess,
            created_at: at(0),
            expires_at: expires_at.map(at),
            allowed_ips: None,
            revoked_at: revoked.then(|| at(1)),
            last_used_at: None,
            made_by: None,
        }
    }

    fn make(live: &mut Live, key: ApiKey) {
        let id = key.id;
        live.apply(Change::Key(key));
        let secret = KeySecret { key: id, digest: digest(id.0), pepper_version: 1, ends_at: None };
        live.apply(Change::Secrets(id, vec![secret]));
    }

    #[test]
    fn keys_that_are_made_and_revoked_without_end_take_bounded_memory() {
        let mut live = Live::default();
        let many = i64::try_from(RETIRED).unwrap() + 5_000;
        for id in 1..=many {
            make(&mut live, key(id, 1, None, false));
            live.apply(Change::Revoked(KeyId(id), at(1)));
        }
        let keys = &live.keys;
        assert_eq!((keys.known.len(), keys.secrets.len(), keys.digests_of.len()), (0, 0, 0));
        assert!(keys.counts.is_empty(), "nothing is counted, and nothing walked over by /me");
        assert_eq!(keys.retired(), RETIRED);
        assert!(keys.retired.order.len() <= 2 * RETIRED);
        let denial = |id| live.keys.find(&digest(id)).err();
        assert_eq!(denial(many), Some(Denial::KeyRevoked), "the newest are told apart");
        assert_eq!(denial(1), Some(Denial::KeyUnknown), "the oldest are not, and open as little");
        assert_eq!(live.recognise(&digest(many)).map(|known| known.id), Some(many));
    }

    #[test]
    fn a_secret_that_comes_after_its_keys_end_is_not_taken_in() {
        let mut live = Live::default();
        make(&mut live, key(1, 1, None, false));
        live.apply(Change::Revoked(KeyId(1), at(1)));
        make(&mut live, key(1, 1, None, true));
        assert_eq!(live.keys.find(&digest(1)).err(), Some(Denial::KeyRevoked));
        assert!(live.keys.secrets.is_empty());
    }

    #[test]
    fn a_key_that_ended_is_retired_and_comes_back_only_by_the_store() {
        let mut live = Live::default();
        make(&mut live, key(1, 1, Some(100), false));
        make(&mut live, key(2, 1, Some(300), false));
        live.keys.retire_ended(at(200));
        assert_eq!(live.keys.len(), 1);
        assert_eq!(live.keys.find(&digest(1)).err(), Some(Denial::KeyExpired));
        make(&mut live, key(1, 1, Some(100), false));
        assert!(live.keys.find(&digest(1)).is_ok(), "a write of the store has put it there");
    }

    #[test]
    fn live_keys_of_another_prefix_are_counted() {
        let mut live = Live::default();
        for (id, end) in [(1, None), (2, Some(100)), (3, Some(200))] {
            make(&mut live, key(id, 1, end, false));
        }
        let of = |prefix: &str| live.keys_of_another_form(&KeyFormat::new(prefix).unwrap(), at(150));
        assert_eq!((of("lev_sk_"), of("acme_sk_"), of("lev_")), (0, 2, 2), "one has ended");
    }

    #[test]
    fn keys_that_end_in_a_span_are_those_with_an_end_in_it_that_were_not_revoked() {
        let mut live = Live::default();
        for (id, end) in
            [(1, Some(100)), (2, Some(101)), (3, Some(200)), (4, Some(201)), (5, None), (6, Some(150))]
        {
            make(&mut live, key(id, id % 2, end, false));
        }
        live.apply(Change::Revoked(KeyId(6), at(1)));
        assert_eq!(live.keys_ending(at(100), at(200)), 2, "of every account; what ends now has ended");
        assert_eq!((live.keys_ending(at(201), at(900)), live.keys_ending(at(200), at(100))), (0, 0));
    }

    /// Requests hold the other side of this lock.
    #[test]
    fn a_round_that_finds_no_ended_key_does_not_wait_for_requests() {
        let directory = Directory::default();
        directory.publish(vec![Change::Key(key(1, 1, Some(100), false))]);
        std::thread::scope(|threads| {
            let request = directory.read();
            let (done, is_done) = std::sync::mpsc::channel();
            let round = directory.clone();
            threads.spawn(move || {
                round.retire_ended(at(100));
                let _ = done.send(());
            });
            let waited = is_done.recv_timeout(std::time::Duration::from_secs(10));
            drop(request);
            assert!(waited.is_ok(), "it waits for a request to end, and requests wait for it");
        });
        let many = i64::try_from(AT_ONCE).unwrap() + 10;
        directory.publish((2..many).map(|id| Change::Key(key(id, id, Some(id), false))));
        directory.retire_ended(at(many));
        assert_eq!(directory.read().keys(), 0, "in several goes");
    }

    #[derive(Clone, Debug)]
    enum Step {
        Key(i64, i64, Option<i64>, bool),
        Revoke(i64),
        Retire(i64),
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            4 => (1_i64..12, 1_i64..3, prop::option::of(0_i64..20), prop::bool::weighted(0.1))
                .prop_map(|(id, account, end, revoked)| Step::Key(id, account, end, revoked)),
            1 => (1_i64..12).prop_map(Step::Revoke),
            1 => (0_i64..20).prop_map(Step::Retire),
        ]
    }

    proptest! {
        #[test]
        fn the_count_of_live_keys_and_the_order_of_ends_are_those_of_a_walk(steps in prop::collection::vec(step(), 0..60), now in 0_i64..20) {
            let mut live = Live::default();
            for step in steps {
                match step {
                    Step::Key(id, account, end, revoked) => live.apply(Change::Key(key(id, account, end, revoked))),
                    Step::Revoke(id) => live.apply(Change::Revoked(KeyId(id), at(1))),
                    Step::Retire(before) => live.keys.retire_ended(at(before.min(now))),
                }
                for account in 1..3 {
                    let walk = live.keys.known.values().filter(|key| key.account == AccountId(account) && key.is_live(at(now)));
                    prop_assert_eq!(live.live_keys(AccountId(account), at(now)), walk.count());
                }
                let ends = live.keys.known.values().filter_map(|key| Some((key.expires_at?, key.id)));
                prop_assert_eq!(ends.collect::<BTreeSet<_>>(), live.keys.ends.clone());
            }
        }
    }
}

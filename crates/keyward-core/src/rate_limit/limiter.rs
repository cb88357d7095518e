//! All buckets of one process. Those that a request is charged to are locked together, looked at together, and charged
//! together or not at all.

use super::standing::Standing;
use super::window::{Moment, WINDOW, Window};
use crate::address::ClientAddress;
use crate::clock::Clock;
use crate::id::{AccountId, UserId};
use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// What a limit is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Purpose {
    /// Requests that read.
    Reads,
    /// Requests that write.
    Writes,
    /// `POST /auth/validate-api-key`.
    Validate,
    /// `GET /health`.
    Health,
    /// Credentials that are not accepted.
    FailedAuth,
    /// Passwords that are tried.
    SignIn,
    /// Links to choose a password.
    Links,
    /// OAuth clients that register.
    Register,
    /// Forms of browsers without a session, and requests for tokens.
    Forms,
}

impl Purpose {
    /// Every purpose.
    pub const ALL: &'static [Self] = &[
        Self::Reads,
        Self::Writes,
        Self::Validate,
        Self::Health,
        Self::FailedAuth,
        Self::SignIn,
        Self::Links,
        Self::Register,
        Self::Forms,
    ];

    /// Its name in header fields, metrics and the store.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Reads => "reads",
            Self::Writes => "writes",
            Self::Validate => "validate",
            Self::Health => "health",
            Self::FailedAuth => "failed_auth",
            Self::SignIn => "sign_in",
            Self::Links => "links",
            Self::Register => "register",
            Self::Forms => "forms",
        }
    }
}

/// Whose admissions are counted together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Bucket {
    /// Of all callers of an account.
    Account(AccountId, Purpose),
    /// Of a user, where a request has no account.
    User(UserId, Purpose),
    /// Of an address; a /64 of IPv6 is one.
    Address(IpAddr, Purpose),
    /// Of all clients whose address cannot be known.
    NoAddress(Purpose),
    /// Of a browser that its user signed in with before, by the number of its mark.
    Browser(u64, Purpose),
    /// Of all addresses that found no place of their own.
    Crowd(u16, Purpose),
}

impl Bucket {
    /// Of a client's address; all clients without one share a bucket.
    #[must_use]
    pub fn address(address: ClientAddress, purpose: Purpose) -> Self {
        match address.host() {
            ClientAddress::Known(address) => Self::Address(address, purpose),
            ClientAddress::Unknown => Self::NoAddress(purpose),
        }
    }

    /// Its name in the store.
    #[must_use]
    pub fn name(&self) -> String {
        match self {
            Self::Account(id, purpose) => format!("account {id} {}", purpose.name()),
            Self::User(id, purpose) => format!("user {id} {}", purpose.name()),
            Self::Address(address, purpose) => format!("address {address} {}", purpose.name()),
            Self::NoAddress(purpose) => format!("no_address 0 {}", purpose.name()),
            Self::Browser(mark, purpose) => format!("browser {mark} {}", purpose.name()),
            Self::Crowd(place, purpose) => format!("crowd {place} {}", purpose.name()),
        }
    }

    /// The bucket of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        let mut words = name.split(' ');
        let (kind, id, purpose) = (words.next()?, words.next()?, words.next()?);
        let purpose = *Purpose::ALL.iter().find(|known| known.name() == purpose)?;
        if words.next().is_some() {
            return None;
        }
        match kind {
            // Absent: a name that is not known, which counts as after a crash.
            "account" => Some(Self::Account(AccountId(id.parse().ok()?), purpose)),
            // Absent: a name that is not known, which counts as after a crash.
            "user" => Some(Self::User(UserId(id.parse().ok()?), purpose)),
            // Absent: a name that is not known, which counts as after a crash.
            "address" => Some(Self::Address(id.parse().ok()?, purpose)),
            "no_address" => Some(Self::NoAddress(purpose)),
            // Absent: a name that is not known, which counts as after a crash.
            "browser" => Some(Self::Browser(id.parse().ok()?, purpose)),
            // Absent: a name that is not known, which counts as after a crash.
            "crowd" => Some(Self::Crowd(id.parse().ok()?, purpose)),
            // Absent: a name that is not known, which counts as after a crash.
            _ => None,
        }
    }

    const fn purpose(self) -> Purpose {
        match self {
            Self::Account(_, purpose)
            | Self::User(_, purpose)
            | Self::Address(_, purpose)
            | Self::NoAddress(purpose)
            | Self::Browser(_, purpose)
            | Self::Crowd(_, purpose) => purpose,
        }
    }
}

/// One bucket that a request is charged to.
#[derive(Clone, Copy, Debug)]
pub struct Charge {
    /// Which.
    pub bucket: Bucket,
    /// What it admits in any 60 seconds: 1 or more.
    pub limit: u32,
}

/// A request was not admitted, and nothing was charged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OverLimit {
    /// The bucket that lets it wait longest.
    pub purpose: Purpose,
    /// Whole seconds, rounded up, until it would be admitted if nobody else came.
    pub retry_after: u64,
    /// How every bucket stands.
    pub standings: Vec<Standing>,
}

/// How many buckets and admissions there are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Buckets that are kept.
    pub buckets: usize,
    /// Admissions that are kept.
    pub admissions: usize,
}

/// A bucket as it is kept over a clean stop.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Saved {
    /// Which.
    pub bucket: Bucket,
    /// The age of each admission in milliseconds when it was saved, oldest first.
    pub ages: Vec<u64>,
}

const SHARDS: usize = 64;
/// Buckets of one shard. Accounts are as many as there are; addresses beyond it share a bucket.
const MOST: usize = 16 * 1024;

type Shard = HashMap<Bucket, Window>;

/// The shared handle to all buckets.
#[derive(Clone, Debug)]
pub struct Limiter {
    shards: Arc<[Mutex<Shard>]>,
    state: RandomState,
    clock: Arc<dyn Clock>,
    most: usize,
    /// Until then nothing is admitted, in milliseconds of [`Moment`].
    held_until: Arc<AtomicU64>,
}

impl Limiter {
    /// With this clock, of which only the part that never goes back is read.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self::holding(clock, MOST)
    }

    fn holding(clock: Arc<dyn Clock>, most: usize) -> Self {
        let shards = (0..SHARDS).map(|_| Mutex::default()).collect();
        Self { shards, state: RandomState::new(), clock, most, held_until: Arc::default() }
    }

    /// A window later than the clock, so that what was loaded has a time even if it was before this clock began.
    fn now(&self) -> Moment {
        Moment::at(self.clock.elapsed() + Duration::from_millis(WINDOW))
    }

    fn place(&self, bucket: &Bucket) -> usize {
        // Absent: one shard more busy than others.
        usize::try_from(self.state.hash_one(bucket)).unwrap_or(usize::MAX) % SHARDS
    }

    /// Admits nothing for a whole window: of what was admitted before, nothing is known.
    pub fn hold(&self) {
        self.held_until.store(self.now().ceiling + WINDOW, Ordering::SeqCst);
    }

    /// Whether nothing is admitted yet.
    #[must_use]
    pub fn is_held(&self) -> bool {
        self.held(self.now()) > 0
    }

    /// Milliseconds until something is admitted again after [`Limiter::hold`].
    fn held(&self, now: Moment) -> u64 {
        self.held_until.load(Ordering::SeqCst).saturating_sub(now.floor)
    }

    /// Charges a request to all of these buckets, or to none.
    ///
    /// # Errors
    /// [`OverLimit`] when one of them is full.
    pub fn charge(&self, charges: &[Charge]) -> Result<Vec<Standing>, OverLimit> {
        let places: Vec<usize> = charges.iter().map(|charge| self.place(&charge.bucket)).collect();
        let mut locked = self.lock(&places);
        // Inside the locks: what is noted later has a later time.
        let now = self.now();
        let named: Vec<(usize, Charge)> = charges
            .iter()
            .zip(&places)
            .filter_map(|(charge, place)| {
                let at = locked.iter().position(|(own, _)| own == place)?;
                let (_, shard) = locked.get_mut(at)?;
                Some((at, Charge { bucket: self.named(shard, *place, charge.bucket, now), ..*charge }))
            })
            .collect();
        let held = self.held(now);
        let waits: Vec<u64> = named
            .iter()
            .map(|(at, charge)| {
                let window = locked.get_mut(*at).and_then(|(_, shard)| shard.get_mut(&charge.bucket));
                window
                    // Absent: nobody was admitted yet.
                    .map_or(0, |window| {
                        window.prune(now);
                        window.wait(charge.limit as usize, now)
                    })
                    .max(held)
            })
            .collect();
        let longest = waits.iter().zip(&named).max_by_key(|(wait, _)| **wait);
        let over = longest
            .filter(|(wait, _)| **wait > 0)
            .map(|(wait, (_, charge))| (*wait, charge.bucket.purpose()));
        let standings = named.iter().filter_map(|(at, charge)| {
            let (_, shard) = locked.get_mut(*at)?;
            if over.is_none() {
                shard.entry(charge.bucket).or_default().note(now.ceiling);
            }
            Some(standing(shard.get(&charge.bucket), *charge, now, held))
        });
        let standings = standings.collect();
        match over {
            None => Ok(standings),
            Some((wait, purpose)) => Err(OverLimit { purpose, retry_after: wait.div_ceil(1_000), standings }),
        }
    }

    /// The shards of these places, locked in one order, each once.
    fn lock(&self, places: &[usize]) -> Vec<(usize, MutexGuard<'_, Shard>)> {
        let mut places = places.to_vec();
        places.sort_unstable();
        places.dedup();
        let locked = places.into_iter().filter_map(|place| Some((place, lock(self.shards.get(place)?))));
        locked.collect()
    }

    /// The bucket itself, or the one that it shares when an address finds no place. As long as an admission of the crowd
    /// counts, nobody leaves it for a bucket of its own: it may have been theirs. So a full shard is seldom swept, too.
    fn named(&self, shard: &mut Shard, place: usize, bucket: Bucket, now: Moment) -> Bucket {
        let Bucket::Address(_, purpose) = bucket else { return bucket };
        if shard.contains_key(&bucket) {
            return bucket;
        }
        // Absent: shards beyond it would share one crowd, which admits less.
        let crowd = Bucket::Crowd(u16::try_from(place).unwrap_or(u16::MAX), purpose);
        if let Some(window) = shard.get_mut(&crowd) {
            window.prune(now);
            if !window.is_empty() {
                return crowd;
            }
        }
        if shard.len() >= self.most {
            sweep(shard, now);
        }
        if shard.len() < self.most { bucket } else { crowd }
    }

    /// How a bucket stands, without charging it.
    #[must_use]
    pub fn standing(&self, charge: Charge) -> Standing {
        let place = self.place(&charge.bucket);
        let mut locked = self.lock(&[place]);
        let now = self.now();
        let window = locked.first_mut().and_then(|(_, shard)| shard.get_mut(&charge.bucket));
        let window = window.map(|window| {
            window.prune(now);
            &*window
        });
        standing(window, charge, now, self.held(now))
    }

    /// Forgets every bucket in which nothing counts any more. To be called now and then.
    pub fn sweep(&self) {
        let now = self.now();
        for shard in self.shards.iter() {
            sweep(&mut lock(shard), now);
        }
    }

    /// How much is kept.
    #[must_use]
    pub fn tally(&self) -> Tally {
        self.shards.iter().map(|shard| lock(shard)).fold(Tally::default(), |tally, shard| Tally {
            buckets: tally.buckets + shard.len(),
            admissions: tally.admissions + shard.values().map(Window::count).sum::<usize>(),
        })
    }

    /// Everything that counts now.
    #[must_use]
    pub fn save(&self) -> Vec<Saved> {
        let now = self.now();
        let mut saved = Vec::new();
        for shard in self.shards.iter() {
            for (bucket, window) in lock(shard).iter_mut() {
                window.prune(now);
                if !window.is_empty() {
                    let ages = window.times().map(|time| now.floor.saturating_sub(time)).collect();
                    saved.push(Saved { bucket: *bucket, ages });
                }
            }
        }
        saved
    }

    /// Takes in what was saved so long ago.
    pub fn load(&self, saved: Vec<Saved>, ago: Duration) {
        let now = self.now();
        // Absent: after half a billion years nothing counts.
        let ago = u64::try_from(ago.as_millis()).unwrap_or(u64::MAX);
        for Saved { bucket, ages } in saved {
            let times = ages.iter().filter_map(|age| {
                let left = WINDOW.checked_sub(age.saturating_add(ago)).filter(|left| *left > 0)?;
                // It leaves when it would have left.
                Some((now.ceiling + left).saturating_sub(WINDOW))
            });
            let times: Vec<u64> = times.collect();
            if times.is_empty() {
                continue;
            }
            if let Bucket::Crowd(_, purpose) = bucket {
                self.load_crowd(purpose, &times);
            } else {
                let window = Window::of(times.into_iter());
                lock_at(&self.shards, self.place(&bucket), |shard| drop(shard.insert(bucket, window)));
            }
        }
    }

    /// Takes in the admissions of a crowd. Where its addresses have their place now is not known: it counts everywhere.
    fn load_crowd(&self, purpose: Purpose, times: &[u64]) {
        for (place, shard) in (0..).zip(self.shards.iter()) {
            let mut shard = lock(shard);
            let window = shard.entry(Bucket::Crowd(place, purpose)).or_default();
            let mut all: Vec<u64> = window.times().chain(times.iter().copied()).collect();
            all.sort_unstable();
            *window = Window::of(all.into_iter());
        }
    }
}

fn lock(shard: &Mutex<Shard>) -> MutexGuard<'_, Shard> {
    shard.lock().unwrap_or_else(PoisonError::into_inner)
}

fn lock_at(shards: &[Mutex<Shard>], place: usize, work: impl FnOnce(&mut Shard)) {
    if let Some(shard) = shards.get(place) {
        work(&mut lock(shard));
    }
}

fn sweep(shard: &mut Shard, now: Moment) {
    shard.retain(|_, window| {
        window.prune(now);
        window.shrink();
        !window.is_empty()
    });
    if shard.capacity() > 64 && shard.len() * 4 < shard.capacity() {
        shard.shrink_to_fit();
    }
}

/// While it is `held`, which is a time in milliseconds, nothing remains.
fn standing(window: Option<&Window>, Charge { bucket, limit }: Charge, now: Moment, held: u64) -> Standing {
    // Absent: shown alone: nobody was admitted yet, or more than can be shown.
    let count = u32::try_from(window.map_or(0, Window::count)).unwrap_or(u32::MAX);
    let remaining = if held > 0 { 0 } else { limit.saturating_sub(count) };
    // One more than now: when the oldest leaves, or, over a limit that was lowered, when enough have left.
    let wanted = count.min(limit) as usize;
    // Absent: shown alone: nobody was admitted yet.
    let next_ms = window.map_or(0, |window| if wanted == 0 { 0 } else { window.wait(wanted, now) });
    Standing { name: bucket.purpose().name(), limit, remaining, next_ms: next_ms.max(held) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Timestamp;
    use std::sync::atomic::{AtomicU64, Ordering};
    use std::thread;

    /// Seconds and milliseconds as the test says. Its wall clock jumps as it likes.
    #[derive(Clone, Debug, Default)]
    struct Hand(Arc<AtomicU64>);

    impl Hand {
        fn pass(&self, milliseconds: u64) {
            self.0.fetch_add(milliseconds, Ordering::SeqCst);
        }
    }

    impl Clock for Hand {
        fn now(&self) -> Timestamp {
            let at = i64::try_from(self.0.load(Ordering::SeqCst)).unwrap();
            Timestamp::from_unix(at * 7_919 % 100_000)
        }

        fn elapsed(&self) -> Duration {
            Duration::from_millis(self.0.load(Ordering::SeqCst))
        }
    }

    fn limiter() -> (Limiter, Hand) {
        let hand = Hand::default();
        (Limiter::new(Arc::new(hand.clone())), hand)
    }

    fn of_account(account: i64, purpose: Purpose, limit: u32) -> Charge {
        Charge { bucket: Bucket::Account(AccountId(account), purpose), limit }
    }

    fn of_address(address: u128, limit: u32) -> Charge {
        let address = IpAddr::V6((address << 64).into());
        Charge { bucket: Bucket::address(ClientAddress::Known(address), Purpose::Validate), limit }
    }

    #[test]
    fn a_client_is_told_how_it_stands_and_when_to_come_back() {
        let (limiter, hand) = limiter();
        let reads = of_account(1, Purpose::Reads, 3);
        for (remaining, pass) in [(2, 1_000), (1, 500), (0, 250)] {
            let standings = limiter.charge(&[reads]).unwrap();
            assert_eq!((standings[0].remaining, standings[0].name), (remaining, "reads"));
            hand.pass(pass);
        }
        let over = limiter.charge(&[reads]).unwrap_err();
        assert_eq!((over.purpose, over.retry_after), (Purpose::Reads, 59), "58.25 s, rounded up");
        assert_eq!(over.standings[0].next_ms, 58_250);
        assert_eq!(limiter.standing(reads), over.standings[0], "to look is not to charge");
        hand.pass(58_249);
        assert!(limiter.charge(&[reads]).is_err(), "not a moment before");
        hand.pass(1);
        assert_eq!(limiter.charge(&[reads]).unwrap()[0].remaining, 0);
        assert!(limiter.charge(&[of_account(1, Purpose::Writes, 1)]).is_ok(), "another purpose");
        assert!(limiter.charge(&[of_account(2, Purpose::Reads, 1)]).is_ok(), "another account");
    }

    #[test]
    fn several_buckets_are_charged_together_or_not_at_all() {
        let (limiter, hand) = limiter();
        let (wide, narrow) = (of_account(1, Purpose::Reads, 5), of_address(1, 2));
        for _ in 0..2 {
            limiter.charge(&[wide, narrow]).unwrap();
        }
        for _ in 0..10 {
            let over = limiter.charge(&[wide, narrow]).unwrap_err();
            assert_eq!(over.purpose, Purpose::Validate);
            assert_eq!(over.standings.iter().map(|s| s.remaining).collect::<Vec<_>>(), [3, 0]);
        }
        assert_eq!(limiter.tally(), Tally { buckets: 2, admissions: 4 });
        for _ in 0..3 {
            limiter.charge(&[wide]).unwrap();
        }
        hand.pass(60_000);
        limiter.charge(&[wide, narrow]).unwrap();
    }

    #[test]
    fn many_at_once_are_never_too_many_and_hardly_ever_too_few() {
        let limiter = Limiter::new(Arc::new(crate::clock::SystemClock::new()));
        let (limit, tasks) = (10_000, 256);
        let charges = [of_account(1, Purpose::Reads, limit), of_address(1, limit)];
        let admitted = AtomicU64::new(0);
        thread::scope(|scope| {
            for _ in 0..tasks {
                scope.spawn(|| {
                    for _ in 0..80 {
                        if limiter.charge(&charges).is_ok() {
                            admitted.fetch_add(1, Ordering::SeqCst);
                        }
                    }
                });
            }
        });
        // It takes far less than the minute after which the first would leave.
        assert_eq!(admitted.into_inner(), u64::from(limit));
    }

    #[test]
    fn a_million_idle_buckets_are_forgotten() {
        let (limiter, hand) = limiter();
        for account in 0..1_000_000 {
            limiter.charge(&[of_account(account, Purpose::Reads, 10)]).unwrap();
        }
        assert_eq!(limiter.tally().buckets, 1_000_000);
        hand.pass(60_000);
        limiter.sweep();
        assert_eq!(limiter.tally(), Tally::default());
        let kept: usize = limiter.shards.iter().map(|shard| lock(shard).capacity()).sum();
        assert!(kept < 10_000, "and their place with them: {kept}");
    }

    #[test]
    fn addresses_without_end_cost_no_memory_without_end() {
        let hand = Hand::default();
        let limiter = Limiter::holding(Arc::new(hand.clone()), 16);
        let admitted = (0..100_000_u128).filter(|at| limiter.charge(&[of_address(*at, 2)]).is_ok()).count();
        assert!(limiter.tally().buckets <= SHARDS * 17, "{:?}", limiter.tally());
        assert_eq!(admitted, SHARDS * (16 + 2), "one each for those with a place, two for each crowd");
        assert!(limiter.charge(&[of_account(1, Purpose::Reads, 1)]).is_ok(), "accounts always have a place");
        hand.pass(60_000);
        assert!(limiter.charge(&[of_address(7, 2)]).is_ok(), "and the places are free again");
    }

    #[test]
    fn who_was_in_the_crowd_gets_no_bucket_of_its_own_while_that_may_count() {
        let hand = Hand::default();
        let limiter = Limiter::holding(Arc::new(hand.clone()), 1);
        let settler = of_address(0, 2);
        let place = limiter.place(&settler.bucket);
        let mut others = (1..).map(|at| of_address(at, 2));
        let crowded = others.find(|other| limiter.place(&other.bucket) == place).unwrap();
        assert!(limiter.charge(&[settler]).is_ok());
        hand.pass(30_000);
        assert!(limiter.charge(&[crowded]).is_ok() && limiter.charge(&[crowded]).is_ok());
        assert!(limiter.charge(&[crowded]).is_err());
        // The settler's place is free, and two of the last minute may have been anybody's.
        hand.pass(30_001);
        limiter.sweep();
        assert!(limiter.charge(&[crowded]).is_err());
        // Nor after a restart, wherever its place is then.
        let next = Limiter::new(Arc::new(hand.clone()));
        next.load(limiter.save(), Duration::ZERO);
        assert!(next.charge(&[crowded]).is_err());
        hand.pass(30_001);
        assert!(limiter.charge(&[crowded]).is_ok() && next.charge(&[crowded]).is_ok());
    }

    #[test]
    fn while_it_is_held_nothing_is_admitted() {
        let (limiter, hand) = limiter();
        hand.pass(123_456);
        limiter.hold();
        let reads = of_account(1, Purpose::Reads, 5);
        let over = limiter.charge(&[reads]).unwrap_err();
        assert_eq!((over.retry_after, over.purpose), (60, Purpose::Reads));
        assert_eq!((over.standings[0].remaining, over.standings[0].next_seconds()), (0, 60), "as it is told");
        assert!(limiter.is_held());
        assert!(limiter.charge(&[]).is_ok(), "what is not limited is not held");
        hand.pass(59_999);
        assert!(limiter.charge(&[reads]).is_err());
        hand.pass(1);
        assert_eq!(limiter.charge(&[reads]).unwrap()[0].remaining, 4);
    }

    #[test]
    fn a_bucket_is_found_by_its_name() {
        let addresses = ["192.0.2.1", "2001:db8:1:2::"].map(|text| text.parse().unwrap());
        for purpose in Purpose::ALL {
            let one = AccountId(7);
            for bucket in [
                Bucket::Account(one, *purpose),
                Bucket::User(UserId(8), *purpose),
                Bucket::Crowd(9, *purpose),
            ]
            .into_iter()
            .chain(addresses.map(|address| Bucket::Address(address, *purpose)))
            .chain([Bucket::NoAddress(*purpose), Bucket::Browser(u64::MAX, *purpose)])
            {
                assert_eq!(Bucket::named(&bucket.name()), Some(bucket));
            }
        }
        for other in ["", "account", "account x reads", "account 1 naps", "crowd x reads"] {
            assert_eq!(Bucket::named(other), None, "{other}");
        }
    }

    #[test]
    fn what_is_saved_and_loaded_goes_on_where_it_was() {
        for (ago, waits) in [(0, 50), (7_500, 43), (60_000, 0)] {
            let (before, hand) = limiter();
            let reads = of_account(1, Purpose::Reads, 2);
            before.charge(&[reads]).unwrap();
            hand.pass(10_000);
            before.charge(&[reads]).unwrap();
            let saved = before.save();
            assert_eq!(saved, [Saved { bucket: reads.bucket, ages: vec![10_000, 0] }]);
            let (after, hand) = limiter();
            after.load(saved, Duration::from_millis(ago));
            match after.charge(&[reads]) {
                Err(over) => {
                    assert_eq!(over.retry_after, waits, "after {ago} ms");
                    hand.pass(waits * 1_000);
                    assert!(after.charge(&[reads]).is_ok());
                    assert!(after.charge(&[reads]).is_err(), "the second counts on");
                }
                Ok(_) => assert_eq!(waits, 0, "after {ago} ms"),
            }
        }
    }
}

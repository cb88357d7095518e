//! Who waits for a password to be hashed, and whose turn is next. No threads and no clock: the rules alone.
//!
//! Known browsers have a queue of their own, which is served first and which strangers cannot fill. A network has one
//! place among the strangers; the next turn goes to the network that asked least in the last minute or two without a right
//! password, so that a flood from many networks does not delay one that is new. When all places are taken, a stranger from
//! such a network takes the place of the one that asked most.

use keyward_core::address::ClientAddress;
use std::collections::HashMap;
use std::time::Duration;

/// Strangers that wait: at some 25 ms each, on two threads, none of them waits for a second.
pub(super) const STRANGERS: usize = 32;
/// Known browsers that wait.
pub(super) const KNOWN: usize = 32;
/// A job that waited longer is given up: its person has most likely given up too.
pub(super) const PATIENCE: Duration = Duration::from_secs(2);
/// What networks ask is counted over this and the last such span, of so many networks.
const SPAN: Duration = Duration::from_secs(60);
const NETWORKS: usize = 10_000;

/// Who wants a password hashed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Asker {
    /// A browser that the password's user signed in with before, by the number of its mark.
    Known(u64),
    /// Anybody else, by address.
    Stranger(ClientAddress),
}

impl Asker {
    /// What has one place.
    fn place(self) -> Self {
        match self {
            Self::Known(_) => self,
            Self::Stranger(address) => Self::Stranger(address.network()),
        }
    }
}

/// What waits.
pub(super) trait Job {
    /// Whether nobody waits for it any more.
    fn is_abandoned(&self) -> bool;
}

#[derive(Debug)]
struct Waiting<J> {
    asker: Asker,
    since: Duration,
    job: J,
}

/// What became of a job that came.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Entered<J> {
    /// It waits.
    Waits,
    /// It waits, in the place of this one, which is refused.
    Instead(J),
    /// It is refused; seconds until it is worth coming again.
    Refused(J, u64),
}

#[derive(Debug)]
pub(super) struct Queue<J> {
    known: Vec<Waiting<J>>,
    strangers: Vec<Waiting<J>>,
    asked: Asked,
}

impl<J> Default for Queue<J> {
    fn default() -> Self {
        Self { known: Vec::new(), strangers: Vec::new(), asked: Asked::default() }
    }
}

impl<J: Job> Queue<J> {
    pub(super) fn enter(&mut self, asker: Asker, job: J, now: Duration) -> Entered<J> {
        let asker = asker.place();
        self.asked.note(asker, now);
        let (line, most) = match asker {
            Asker::Known(_) => (&mut self.known, KNOWN),
            Asker::Stranger(_) => (&mut self.strangers, STRANGERS),
        };
        line.retain(|waiting| !waiting.job.is_abandoned());
        if line.iter().any(|waiting| waiting.asker == asker) {
            return Entered::Refused(job, 1);
        }
        let entering = Waiting { asker, since: now, job };
        if line.len() < most {
            line.push(entering);
            return Entered::Waits;
        }
        // Of equals the one that came last gives way.
        let asked = &self.asked;
        let busiest = line.iter_mut().max_by_key(|waiting| (asked.by(waiting.asker), waiting.since));
        match busiest.filter(|busiest| asked.by(busiest.asker) > asked.by(asker)) {
            Some(busiest) => Entered::Instead(std::mem::replace(busiest, entering).job),
            None => Entered::Refused(entering.job, PATIENCE.as_secs()),
        }
    }

    /// The next job. Nobody waits for the abandoned ones any more, and they are dropped.
    pub(super) fn next(&mut self) -> Option<J> {
        for line in [&mut self.known, &mut self.strangers] {
            line.retain(|waiting| !waiting.job.is_abandoned());
        }
        if !self.known.is_empty() {
            return Some(self.known.remove(0).job);
        }
        // Those of equal rank in the order in which they came.
        let first = |(_, waiting): &(usize, &Waiting<J>)| (self.asked.by(waiting.asker), waiting.since);
        let (at, _) = self.strangers.iter().enumerate().min_by_key(first)?;
        Some(self.strangers.remove(at).job)
    }

    /// A right password is not held against its network.
    pub(super) fn forgive(&mut self, asker: Asker) {
        self.asked.forgive(asker.place());
    }

    /// The jobs that waited too long.
    pub(super) fn overdue(&mut self, now: Duration) -> Vec<J> {
        let is_late = |waiting: &mut Waiting<J>| now >= waiting.since + PATIENCE;
        let late = [&mut self.known, &mut self.strangers]
            .map(|line| line.extract_if(.., is_late).collect::<Vec<_>>());
        late.into_iter().flatten().map(|waiting| waiting.job).collect()
    }
}

/// How often each network asked in this span and the one before, without a right password.
#[derive(Debug, Default)]
struct Asked {
    began: Duration,
    now: HashMap<ClientAddress, u32>,
    before: HashMap<ClientAddress, u32>,
}

impl Asked {
    fn note(&mut self, asker: Asker, now: Duration) {
        let Asker::Stranger(network) = asker else { return };
        if now >= self.began + SPAN {
            let last = std::mem::take(&mut self.now);
            self.before = if now < self.began + 2 * SPAN { last } else { HashMap::new() };
            self.began = now;
        }
        if self.now.len() < NETWORKS || self.now.contains_key(&network) {
            *self.now.entry(network).or_default() += 1;
        }
    }

    fn forgive(&mut self, asker: Asker) {
        let Asker::Stranger(network) = asker else { return };
        if let Some(asked) = self.now.get_mut(&network).or(self.before.get_mut(&network)) {
            *asked = asked.saturating_sub(1);
        }
    }

    fn by(&self, asker: Asker) -> u32 {
        let Asker::Stranger(network) = asker else { return 0 };
        let asked = |span: &HashMap<ClientAddress, u32>| span.get(&network).copied().unwrap_or_default();
        asked(&self.now) + asked(&self.before)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;
    use std::rc::Rc;

    #[derive(Clone, Debug, PartialEq, Eq)]
    struct Named(u32, Rc<Cell<bool>>);

    impl Job for Named {
        fn is_abandoned(&self) -> bool {
            self.1.get()
        }
    }

    fn job(name: u32) -> Named {
        Named(name, Rc::default())
    }

    fn stranger(network: u32) -> Asker {
        let [_, _, high, low] = network.to_be_bytes();
        Asker::Stranger(ClientAddress::Known(std::net::IpAddr::from([10, high, low, 7])))
    }

    fn at(milliseconds: u64) -> Duration {
        Duration::from_millis(milliseconds)
    }

    fn name(job: Option<Named>) -> Option<u32> {
        job.map(|job| job.0)
    }

    #[test]
    fn a_network_has_one_place_and_its_neighbour_another() {
        let mut queue = Queue::default();
        assert_eq!(queue.enter(stranger(1), job(1), at(0)), Entered::Waits);
        assert_eq!(queue.enter(stranger(1), job(2), at(0)), Entered::Refused(job(2), 1));
        assert_eq!(queue.enter(stranger(2), job(3), at(0)), Entered::Waits);
        assert_eq!(name(queue.next()), Some(3), "who asks twice comes after who asks once");
        assert_eq!(name(queue.next()), Some(1));
        assert_eq!(queue.enter(stranger(1), job(4), at(1)), Entered::Waits, "its place is free again");
    }

    #[test]
    fn known_browsers_are_served_first_and_strangers_do_not_fill_their_queue() {
        let mut queue = Queue::default();
        for network in 0..100 {
            let _ = queue.enter(stranger(network), job(network), at(0));
        }
        for browser in 0..KNOWN as u64 {
            assert_eq!(queue.enter(Asker::Known(browser), job(1_000), at(1)), Entered::Waits);
        }
        assert!(matches!(queue.enter(Asker::Known(0), job(0), at(1)), Entered::Refused(_, 1)));
        for _ in 0..KNOWN {
            assert_eq!(name(queue.next()), Some(1_000));
        }
        assert_eq!(name(queue.next()), Some(0));
    }

    /// A flood that takes every place as soon as it is free, from more networks than there are places.
    #[test]
    fn a_network_that_is_new_is_served_next_whatever_the_flood() {
        let mut queue = Queue::default();
        let mut now = 0;
        for round in 0..1_000 {
            for network in 0..200 {
                let _ = queue.enter(stranger(network), job(network), at(now));
            }
            now += 12;
            let served = name(queue.next()).unwrap();
            assert!(served < 200, "{round}");
        }
        for network in 0..200 {
            let _ = queue.enter(stranger(network), job(network), at(now));
        }
        assert_eq!(queue.strangers.len(), STRANGERS);
        assert!(matches!(queue.enter(stranger(999), job(999), at(now)), Entered::Instead(_)));
        assert_eq!(name(queue.next()), Some(999));
    }

    #[test]
    fn within_a_flood_every_network_has_its_turns() {
        let mut queue = Queue::default();
        let mut turns: HashMap<u32, u32> = HashMap::new();
        for round in 0..400 {
            for network in 0..40 {
                let _ = queue.enter(stranger(network), job(network), at(round * 12));
            }
            *turns.entry(name(queue.next()).unwrap()).or_default() += 1;
        }
        assert!(turns.len() >= STRANGERS && turns.values().all(|turns| *turns <= 20), "{turns:?}");
    }

    #[test]
    fn who_was_refused_asked_too_and_a_right_password_is_forgiven() {
        let mut queue = Queue::default();
        for network in 0..220 {
            let _ = queue.enter(stranger(network), job(network), at(0));
        }
        for _ in 0..30 {
            for network in 0..220 {
                let _ = queue.enter(stranger(network), job(network), at(1));
            }
            // An honest person, again and again from one network: always the next.
            assert!(matches!(
                queue.enter(stranger(999), job(999), at(1)),
                Entered::Instead(_) | Entered::Waits
            ));
            assert_eq!(name(queue.next()), Some(999));
            queue.forgive(stranger(999));
        }
    }

    #[test]
    fn when_all_places_are_taken_by_equals_the_newest_is_refused_early() {
        let mut queue = Queue::default();
        for network in 0..STRANGERS as u32 {
            assert_eq!(queue.enter(stranger(network), job(network), at(0)), Entered::Waits);
        }
        assert_eq!(queue.enter(stranger(900), job(900), at(1)), Entered::Refused(job(900), 2));
    }

    #[test]
    fn a_job_whose_client_left_is_skipped_and_its_place_is_free() {
        let mut queue = Queue::default();
        let left = job(1);
        assert_eq!(queue.enter(stranger(1), left.clone(), at(0)), Entered::Waits);
        left.1.set(true);
        assert_eq!(queue.enter(stranger(1), job(2), at(0)), Entered::Waits);
        assert_eq!(name(queue.next()), Some(2));
        assert_eq!(queue.next(), None);
    }

    #[test]
    fn a_job_that_waited_too_long_is_given_up() {
        let mut queue = Queue::default();
        let _ = queue.enter(stranger(1), job(1), at(0));
        let _ = queue.enter(Asker::Known(1), job(2), at(500));
        assert!(queue.overdue(at(1_999)).is_empty());
        assert_eq!(queue.overdue(at(2_000)), [job(1)]);
        assert_eq!(queue.overdue(at(2_500)), [job(2)]);
    }

    #[test]
    fn what_was_asked_is_forgotten_after_two_minutes_and_kept_of_so_many_networks() {
        let mut asked = Asked::default();
        let (one, other) = (stranger(1).place(), stranger(2).place());
        asked.note(one, at(0));
        asked.note(other, at(60_000));
        assert_eq!(asked.by(one), 1);
        asked.note(other, at(120_000));
        assert_eq!((asked.by(one), asked.by(other)), (0, 2));
        asked.note(other, at(400_000));
        assert_eq!(asked.by(other), 1);
        for network in 0..20_000 {
            asked.note(stranger(network).place(), at(400_001));
        }
        assert_eq!(asked.now.len(), NETWORKS);
    }
}

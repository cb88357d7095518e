//! Who waits for a password to be hashed, and whose turn is next. No threads and no clock: the rules alone.
//!
//! Known browsers have a queue of their own, which strangers cannot fill and which is served first; every fourth turn is a
//! stranger's, so that people who sign in without end starve nobody. A user has one place among the known browsers, a
//! network one among the strangers. The next turn goes to the one that asked least in the last minute or two, of strangers
//! without a right password, so that a flood from many networks does not delay one that is new. When all places are taken,
//! such a one takes the place of the one that asked most.

use keyward_core::address::ClientAddress;
use keyward_core::id::UserId;
use std::collections::HashMap;
use std::time::Duration;

/// Strangers that wait: at some 25 ms each, on two threads, none of them waits for a second.
pub(super) const STRANGERS: usize = 32;
/// Known browsers that wait.
pub(super) const KNOWN: usize = 32;
/// A job that waited longer is given up: its person has most likely given up too.
pub(super) const PATIENCE: Duration = Duration::from_secs(2);
/// So many turns of known browsers follow one another while strangers wait.
const KNOWN_IN_A_ROW: u32 = 3;
/// What networks and users ask is counted over this and the last such span, of so many.
const SPAN: Duration = Duration::from_secs(60);
const ASKERS: usize = 10_000;

/// Who wants a password hashed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Asker {
    /// A browser that this user, the password's, signed in with before. Marks are free for who can sign in, so all of a
    /// user's browsers count as one.
    Known(UserId),
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
    known_in_a_row: u32,
}

impl<J> Default for Queue<J> {
    fn default() -> Self {
        Self { known: Vec::new(), strangers: Vec::new(), asked: Asked::default(), known_in_a_row: 0 }
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
        let is_known =
            !self.known.is_empty() && (self.strangers.is_empty() || self.known_in_a_row < KNOWN_IN_A_ROW);
        self.known_in_a_row = if is_known { self.known_in_a_row.saturating_add(1) } else { 0 };
        let line = if is_known { &mut self.known } else { &mut self.strangers };
        // Those of equal rank in the order in which they came.
        let first = |(_, waiting): &(usize, &Waiting<J>)| (self.asked.by(waiting.asker), waiting.since);
        let (at, _) = line.iter().enumerate().min_by_key(first)?;
        Some(line.remove(at).job)
    }

    /// Jobs that wait.
    pub(super) fn len(&self) -> usize {
        self.known.len() + self.strangers.len()
    }

    /// A right password is not held against its network. It is against its user, who can sign in without end.
    pub(super) fn forgive(&mut self, asker: Asker) {
        if let Asker::Stranger(_) = asker {
            self.asked.forgive(asker.place());
        }
    }

    /// The jobs that waited too long.
    pub(super) fn overdue(&mut self, now: Duration) -> Vec<J> {
        let is_late = |waiting: &mut Waiting<J>| now >= waiting.since + PATIENCE;
        let late = [&mut self.known, &mut self.strangers]
            .map(|line| line.extract_if(.., is_late).collect::<Vec<_>>());
        late.into_iter().flatten().map(|waiting| waiting.job).collect()
    }
}

/// How often each network and user asked in this span and the one before.
#[derive(Debug, Default)]
struct Asked {
    began: Duration,
    now: HashMap<Asker, u32>,
    before: HashMap<Asker, u32>,
}

impl Asked {
    fn note(&mut self, asker: Asker, now: Duration) {
        if now >= self.began + SPAN {
            let last = std::mem::take(&mut self.now);
            self.before = if now < self.began + 2 * SPAN { last } else { HashMap::new() };
            self.began = now;
        }
        if self.now.len() < ASKERS || self.now.contains_key(&asker) {
            *self.now.entry(asker).or_default() += 1;
        }
    }

    fn forgive(&mut self, asker: Asker) {
        if let Some(asked) = self.now.get_mut(&asker).or(self.before.get_mut(&asker)) {
            *asked = asked.saturating_sub(1);
        }
    }

    fn by(&self, asker: Asker) -> u32 {
        // Absent: it has not asked.
        let asked = |span: &HashMap<Asker, u32>| span.get(&asker).copied().unwrap_or_default();
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

    fn user(number: u32) -> Asker {
        Asker::Known(UserId(number.into()))
    }

    #[test]
    fn known_browsers_are_served_first_and_strangers_have_every_fourth_turn() {
        let mut queue = Queue::default();
        for network in 0..100 {
            let _ = queue.enter(stranger(network), job(network), at(0));
        }
        for number in 0..KNOWN as u32 {
            assert_eq!(queue.enter(user(number), job(1_000), at(1)), Entered::Waits);
        }
        for turn in 1..=40 {
            let is_stranger = name(queue.next()).unwrap() < 1_000;
            assert_eq!(is_stranger, turn % 4 == 0, "{turn}");
        }
    }

    #[test]
    fn a_user_has_one_place_whatever_marks_its_browsers_have_and_new_users_come_before_busy_ones() {
        let mut queue = Queue::default();
        assert_eq!(queue.enter(user(1), job(1), at(0)), Entered::Waits);
        assert_eq!(queue.enter(user(1), job(2), at(0)), Entered::Refused(job(2), 1));
        queue.forgive(user(1));
        assert_eq!(queue.enter(user(2), job(3), at(1)), Entered::Waits);
        assert_eq!(name(queue.next()), Some(3), "also its right passwords count");
        for _ in 0..3 {
            for number in 1..=KNOWN as u32 {
                let _ = queue.enter(user(number), job(number), at(2));
            }
        }
        assert!(matches!(queue.enter(user(99), job(99), at(3)), Entered::Instead(_)));
        assert_eq!(name(queue.next()), Some(99));
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
        let _ = queue.enter(user(1), job(2), at(500));
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
        assert_eq!(asked.now.len(), ASKERS);
    }
}

use super::*;
use crate::current::Reloadable;
use crate::issuers::Document;
use keyward_core::jwt::{Algorithm, FETCH_DEADLINE};
use keyward_testkit::FakeClock;
use keyward_testkit::issuer::{SigningKey, key_set};
use tokio::task::{JoinHandle, yield_now};

/// Answers when it is told to, and counts.
#[derive(Debug)]
struct Gate {
    begun: AtomicU64,
    open: tokio::sync::Semaphore,
    answer: Mutex<Answer>,
}

#[derive(Clone, Debug)]
enum Answer {
    Keys(&'static [&'static str]),
    Nothing,
    Gone,
    Panic,
}

impl KeySource for Arc<Gate> {
    fn fetch(&self) -> BoxFuture<'_, Result<Document, FetchError>> {
        Box::pin(async move {
            self.begun.fetch_add(1, Ordering::SeqCst);
            self.open.acquire().await.unwrap().forget();
            let answer = self.answer.lock().unwrap().clone();
            match answer {
                Answer::Keys(names) => {
                    let keys: Vec<_> = names.iter().map(|name| SigningKey::rsa(0, name)).collect();
                    let body = key_set(&keys.iter().collect::<Vec<_>>());
                    Ok(Document { body, max_age: Some(Duration::from_secs(120)) })
                }
                Answer::Nothing => Err(FetchError::late("https://id.example/")),
                Answer::Gone => {
                    let (url, status) = ("https://id.example/".to_owned(), http::StatusCode::NOT_FOUND);
                    Err(FetchError::Status { url, status })
                }
                Answer::Panic => panic!("a fault in the fetch"),
            }
        })
    }
}

/// An issuer whose keys are `k`, until a test says otherwise.
struct Rig {
    gate: Arc<Gate>,
    clock: FakeClock,
    keys: Arc<Keys>,
}

impl Rig {
    fn new() -> Self {
        Self::within(30)
    }

    /// Where a request may take so many seconds.
    fn within(seconds: u64) -> Self {
        let request_timeout = Duration::from_secs(seconds);
        let current = Current::new(Reloadable { request_timeout, ..Reloadable::default() });
        let gate = Arc::new(Gate {
            begun: AtomicU64::new(0),
            open: tokio::sync::Semaphore::new(0),
            answer: Mutex::new(Answer::Keys(&["k"])),
        });
        let clock = FakeClock::new();
        let source: Arc<dyn KeySource> = Arc::new(Arc::clone(&gate));
        let keys = Keys::new("https://id.example/".to_owned(), source, Arc::new(clock.clone()), current);
        Self { gate, clock, keys: Arc::new(keys) }
    }

    /// A token with this key arrives from this address.
    fn ask_from(&self, kid: &'static str, from: [u8; 4]) -> JoinHandle<KeyFetch> {
        let keys = Arc::clone(&self.keys);
        let from = ClientAddress::Known(from.into());
        let wanted = KeyQuery { kid: Some(kid), algorithm: Algorithm::Rs256, from };
        tokio::spawn(async move { keys.refresh(wanted).await })
    }

    fn ask(&self, kid: &'static str) -> JoinHandle<KeyFetch> {
        self.ask_from(kid, [192, 0, 2, 1])
    }

    fn begun(&self) -> u64 {
        self.gate.begun.load(Ordering::SeqCst)
    }

    fn answers(&self, answer: Answer) {
        *self.gate.answer.lock().unwrap() = answer;
        self.gate.open.add_permits(1);
    }

    /// Passes time on both clocks.
    async fn pass(&self, seconds: u64) {
        settle().await;
        self.clock.pass(Duration::from_secs(seconds));
        tokio::time::advance(Duration::from_secs(seconds)).await;
        settle().await;
    }
}

/// Lets every task do what it can do now.
async fn settle() {
    for _ in 0..1_000 {
        yield_now().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_fetch_is_one_for_all_who_wait_and_survives_the_one_who_began_it() {
    let rig = Rig::new();
    let first = rig.ask("k");
    settle().await;
    let others: Vec<_> = (0..60).map(|_| rig.ask("k")).collect();
    settle().await;
    assert!(others.iter().all(|other| !other.is_finished()), "they wait");
    assert!(rig.keys.known().is_none(), "and nobody waits to look at what is known");
    // Whoever began it leaves.
    first.abort();
    rig.answers(Answer::Keys(&["k"]));
    for other in others {
        assert_eq!(other.await.unwrap(), KeyFetch::Current);
    }
    assert_eq!(rig.begun(), 1);
    assert_eq!(rig.keys.known().map(|set| set.keys().count()), Some(1));
    assert_eq!(rig.keys.shared.life().due_at(), Duration::from_secs(120), "as Cache-Control says");
    assert_eq!((rig.keys.of_addresses.taken(), rig.keys.of_networks.taken()), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn a_key_is_absent_only_once_a_fetch_that_began_after_the_token_arrived_has_ended() {
    let rig = Rig::new();
    let first = rig.ask("k");
    settle().await;
    // It arrives during a fetch that began before.
    let newer = rig.ask("new");
    let absent = rig.ask("absent");
    rig.answers(Answer::Keys(&["k"]));
    assert_eq!(first.await.unwrap(), KeyFetch::Current);
    settle().await;
    assert_eq!((rig.begun(), newer.is_finished(), absent.is_finished()), (1, false, false), "the cool-down");
    rig.pass(1).await;
    assert_eq!(rig.begun(), 1);
    rig.pass(1).await;
    assert_eq!(rig.begun(), 2, "one for both");
    rig.answers(Answer::Keys(&["k", "new"]));
    assert_eq!((newer.await.unwrap(), absent.await.unwrap()), (KeyFetch::Current, KeyFetch::Current));
    assert_eq!(rig.keys.known().map(|set| set.keys().count()), Some(2));
}

#[tokio::test(start_paused = true)]
async fn a_fetch_that_fails_or_panics_answers_nothing_and_names_when_to_ask_again() {
    for answer in [Answer::Nothing, Answer::Panic] {
        let rig = Rig::new();
        let waiting = [rig.ask("k"), rig.ask("x")];
        settle().await;
        rig.clock.pass(Duration::from_millis(500));
        rig.answers(answer);
        for waiting in waiting {
            assert_eq!(waiting.await.unwrap(), KeyFetch::Failed(Duration::from_millis(1_500)));
        }
        // While it fails nobody waits for the cool-down.
        assert_eq!(rig.ask("k").await.unwrap(), KeyFetch::Failed(Duration::from_millis(1_500)));
        assert_eq!((rig.begun(), rig.keys.standing().failed), (1, 1));
        // At the moment that was named, the next fetch begins.
        rig.clock.pass(Duration::from_millis(1_500));
        let again = rig.ask("k");
        rig.answers(Answer::Keys(&["k"]));
        assert_eq!(again.await.unwrap(), KeyFetch::Current);
    }
}

#[tokio::test(start_paused = true)]
async fn a_silent_issuer_is_waited_for_once_and_then_only_briefly() {
    let rig = Rig::new();
    let first = rig.ask("k");
    rig.pass(1).await;
    let second = rig.ask("k");
    // The source has a deadline of its own; here it has none.
    rig.pass(5).await;
    assert!(!first.is_finished());
    rig.pass(1).await;
    assert_eq!(first.await.unwrap(), KeyFetch::Later(Duration::ZERO), "7 s");
    rig.answers(Answer::Nothing);
    settle().await;
    assert_eq!(rig.begun(), 2, "that fetch was not for the second one, whose own begins");
    rig.answers(Answer::Nothing);
    assert_eq!(second.await.unwrap(), KeyFetch::Failed(Duration::from_secs(2)));
    // The next one fails too, as far as anybody knows.
    rig.clock.pass(Duration::from_secs(2));
    let third = rig.ask("k");
    rig.pass(1).await;
    assert!(!third.is_finished());
    rig.pass(1).await;
    assert_eq!(third.await.unwrap(), KeyFetch::Later(Duration::from_secs(3)), "what is left of 5 s");
}

#[tokio::test(start_paused = true)]
async fn a_wait_ends_a_second_before_the_time_of_its_request() {
    for (limit, waits) in [(1, 0), (4, 3), (7, 6), (30, 7)] {
        let rig = Rig::within(limit);
        let asked = rig.ask("k");
        settle().await;
        if waits > 0 {
            rig.pass(waits - 1).await;
            assert!(!asked.is_finished(), "{limit} s");
            rig.pass(1).await;
        }
        assert!(asked.is_finished(), "{limit} s");
        assert!(matches!(asked.await.unwrap(), KeyFetch::Later(_)));
        assert_eq!(rig.begun(), 1, "its fetch goes on");
    }
}

#[tokio::test(start_paused = true)]
async fn tokens_of_one_address_or_network_do_not_take_all_the_places_to_wait_in() {
    let rig = Rig::new();
    let network = |host: u8| (0..WAITING_OF_ADDRESS).map(move |_| [198, 51, 100, host]);
    let strangers: Vec<_> = (0..5).flat_map(network).map(|from| rig.ask_from("made-up", from)).collect();
    settle().await;
    let waiting = strangers.iter().filter(|stranger| !stranger.is_finished()).count();
    assert_eq!(waiting, 256, "four addresses have their share, and the network then has its own");
    rig.clock.pass(Duration::from_secs(1));
    let left = FETCH_DEADLINE - Duration::from_secs(1);
    assert_eq!(rig.ask_from("x", [198, 51, 100, 0]).await.unwrap(), KeyFetch::Later(left), "of the fetch");
    let good = rig.ask("k");
    settle().await;
    assert!(!good.is_finished(), "another address has a place");
    rig.answers(Answer::Keys(&["k"]));
    assert_eq!(good.await.unwrap(), KeyFetch::Current);
}

#[tokio::test(start_paused = true)]
async fn a_scheduled_fetch_starts_no_cool_down_and_an_order_begins_one_of_its_own() {
    let rig = Rig::new();
    let keys = Arc::clone(&rig.keys);
    let keeping = tokio::spawn(async move { keys.keep_fresh().await });
    settle().await;
    assert_eq!(rig.begun(), 1, "at once");
    rig.answers(Answer::Keys(&["k"]));
    settle().await;
    // The keys are rotated just after it: the new one is fetched without a pause.
    let newer = rig.ask("new");
    settle().await;
    assert_eq!(rig.begun(), 2);
    // The operator's order is not for the fetch that is under way.
    rig.keys.fetch_anew();
    settle().await;
    assert_eq!(rig.begun(), 2);
    rig.answers(Answer::Keys(&["k", "new"]));
    assert_eq!(newer.await.unwrap(), KeyFetch::Current);
    settle().await;
    assert_eq!(rig.begun(), 3);
    keeping.abort();
}

#[tokio::test(start_paused = true)]
async fn what_the_issuer_withdraws_is_asked_for_again_after_a_cool_down_also_when_a_token_fetched_it() {
    let answer = Answer::Keys(&[]);
    let rig = Rig::new();
    let keys = Arc::clone(&rig.keys);
    let keeping = tokio::spawn(async move { keys.keep_fresh().await });
    settle().await;
    rig.answers(Answer::Keys(&["k"]));
    settle().await;
    let asked = rig.ask("x");
    settle().await;
    assert_eq!(rig.begun(), 2, "for the token");
    rig.answers(answer.clone());
    assert!(matches!(asked.await.unwrap(), KeyFetch::Failed(_)), "nothing is known of its key");
    let believed = || rig.keys.known().map(|set| set.keys().count());
    assert_eq!(believed(), Some(1), "the first time");
    rig.pass(2).await;
    assert_eq!(rig.begun(), 3, "and not only when the set is old");
    rig.answers(answer);
    settle().await;
    assert_eq!(believed(), Some(0), "the second time");
    keeping.abort();
}

#[tokio::test(start_paused = true)]
async fn keys_that_are_not_there_are_believed_as_in_an_outage_until_the_operator_orders_a_fetch() {
    let rig = Rig::new();
    let keys = Arc::clone(&rig.keys);
    let keeping = tokio::spawn(async move { keys.keep_fresh().await });
    settle().await;
    rig.answers(Answer::Keys(&["k"]));
    settle().await;
    let believed = || rig.keys.known().map(|set| set.keys().count());
    for seconds in [120, 10, 20] {
        rig.pass(seconds).await;
        rig.answers(Answer::Gone);
        settle().await;
        assert_eq!(believed(), Some(1), "as in a deployment");
    }
    rig.keys.fetch_anew();
    settle().await;
    rig.answers(Answer::Gone);
    settle().await;
    assert_eq!(believed(), None);
    keeping.abort();
}

use super::*;

fn set() -> Arc<KeySet> {
    let x = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";
    let jwks = format!(r#"{{"keys":[{{"kty":"OKP","crv":"Ed25519","x":"{x}"}}]}}"#);
    Arc::new(KeySet::parse(jwks.as_bytes()).unwrap())
}

const fn s(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

const fn ms(milliseconds: u64) -> Duration {
    Duration::from_millis(milliseconds)
}

#[test]
fn a_set_is_fetched_again_within_the_bounds_of_what_the_issuer_says() {
    for (says, due) in [(None, 300), (Some(0), 60), (Some(59), 60), (Some(600), 600), (Some(86_400), 3600)] {
        let mut life = KeyLife::default();
        assert_eq!(life.due_at(), s(0), "at once");
        life.begin(s(100));
        life.took(set(), says.map(s), s(101));
        assert_eq!(life.due_at(), s(101 + due), "{says:?}");
    }
}

#[test]
fn a_flood_of_unknown_keys_fetches_once_in_a_cool_down_also_without_any_set() {
    for well in [true, false] {
        let (mut life, mut fetches) = (KeyLife::default(), 0);
        for tenth in 0..6000 {
            let now = ms(tenth * 100);
            let question = life.question();
            if life.step(question, now) == KeyStep::Fetch {
                fetches += 1;
                if well { _ = life.took(set(), None, now) } else { life.failed() }
            }
        }
        assert_eq!(fetches, 300, "600 s, one in 2 s");
    }
}

#[test]
fn a_key_is_absent_only_by_a_fetch_that_began_after_the_token_arrived() {
    let mut life = KeyLife::default();
    life.begin(s(1));
    // The token arrives while a fetch is under way: its end says nothing about a key that is newer than it.
    let question = life.question();
    assert_eq!(life.step(question, s(1)), KeyStep::UnderWay);
    life.took(set(), None, s(2));
    assert_eq!(life.step(question, s(2)), KeyStep::Fetch);
    let later = life.question();
    assert_eq!(life.step(question, s(2)), KeyStep::UnderWay);
    life.took(set(), None, s(3));
    assert_eq!(life.step(question, s(3)), KeyStep::Over { well: true });
    // One that arrived during that fetch waits for the next, which the cool-down permits 2 s after the last began.
    assert_eq!(life.step(later, ms(3_500)), KeyStep::Pause(ms(500)));
    assert_eq!(life.step(later, s(4)), KeyStep::Fetch);
    life.failed();
    assert_eq!(life.step(later, s(4)), KeyStep::Over { well: false });
    assert_eq!(life.step(question, s(4)), KeyStep::Over { well: false }, "the last one counts");
}

#[test]
fn a_scheduled_fetch_starts_no_cool_down() {
    let mut life = KeyLife::default();
    for now in [s(1), s(100)] {
        life.begin(now);
        life.took(set(), None, now);
        let question = life.question();
        assert_eq!(life.step(question, now), KeyStep::Fetch, "right after it");
        life.took(set(), None, now);
    }
    let question = life.question();
    assert_eq!(life.step(question, s(101)), KeyStep::Pause(s(1)));
    // And one within the cool-down answers the question.
    life.begin(s(101));
    assert_eq!(life.step(question, s(101)), KeyStep::UnderWay);
    life.took(set(), None, s(101));
    assert_eq!(life.step(question, s(101)), KeyStep::Over { well: true });
}

/// A stranger asks every second; a good token arrives at any moment after the keys were rotated.
#[test]
fn a_strangers_invented_keys_never_delay_a_fetch_by_more_than_the_cool_down() {
    for arrival in (0..4_000).step_by(50) {
        let mut life = KeyLife::default();
        let (mut strangers, mut good) = (Vec::new(), None);
        let mut answered = None;
        for now in (0..10_000).step_by(50) {
            if now % 1_000 == 0 {
                strangers.push(life.question());
            }
            if now == arrival + 2_000 {
                good = Some(life.question());
            }
            for question in strangers.iter().chain(&good) {
                if life.step(*question, ms(now)) == KeyStep::Fetch {
                    life.took(set(), None, ms(now));
                }
            }
            let over = |question| life.step(question, ms(now)) == KeyStep::Over { well: true };
            if answered.is_none() && good.is_some_and(over) {
                answered = Some(now);
            }
        }
        let waited = answered.unwrap() - (arrival + 2_000);
        assert!(waited <= 2_000, "{waited} ms");
    }
}

#[test]
fn a_retry_is_named_for_when_the_fetch_has_ended_or_the_next_may_begin() {
    let mut life = KeyLife::default();
    assert_eq!(life.retry_after(s(10)), s(0));
    let question = life.question();
    assert_eq!(life.step(question, s(10)), KeyStep::Fetch);
    assert_eq!(life.retry_after(s(10)), s(2), "the next may begin then");
    assert_eq!(life.retry_after(ms(11_500)), s(1), "it has mostly ended by then");
    assert_eq!(life.retry_after(ms(14_500)), ms(500), "and after 5 s for sure");
    assert_eq!((life.retry_latest(ms(11_500)), life.retry_latest(s(16))), (ms(3_500), s(0)));
    assert_eq!(life.patience(), s(7));
    life.failed();
    assert_eq!(life.retry_after(s(11)), s(1), "the next may begin 2 s after the last");
    assert_eq!((life.is_failing(), life.patience()), (true, s(2)));
    assert_eq!(life.retry_after(s(12)), s(0));
    life.begin(s(20));
    assert_eq!(life.retry_after(s(21)), s(4), "after a failure, all of the 5 s");
    life.took(set(), None, s(21));
    assert_eq!((life.is_failing(), life.patience(), life.retry_after(s(21))), (false, s(7), s(0)));
}

#[test]
fn through_an_outage_the_last_good_set_is_believed_for_a_day() {
    let mut life = KeyLife::default();
    life.begin(s(0));
    life.took(set(), None, s(0));
    let mut now = life.due_at();
    let mut attempts = 0;
    while now < s(86_400) {
        assert!(life.keys(now).is_some());
        life.begin(now);
        life.failed();
        attempts += 1;
        now = life.due_at();
    }
    assert!((1_400..1_500).contains(&attempts), "once a minute: {attempts}");
    assert!(life.keys(s(86_399)).is_some());
    assert!(life.keys(s(86_400)).is_none());
    // And it recovers.
    life.took(set(), None, s(90_000));
    assert!(life.keys(s(90_001)).is_some());
    assert_eq!(life.due_at(), s(90_300));
}

fn empty() -> Arc<KeySet> {
    // A key that can never be used.
    let set = KeySet::parse(br#"{"keys":[{"kty":"oct","k":"c2VjcmV0"}]}"#).unwrap();
    assert_eq!((set.is_empty(), set.unusable.len()), (true, 1));
    Arc::new(set)
}

#[test]
fn an_empty_set_holds_when_it_comes_twice_a_cool_down_apart() {
    let mut life = KeyLife::default();
    life.begin(s(0));
    assert!(life.took(set(), Some(s(600)), s(0)));
    life.begin(s(100));
    assert!(!life.took(empty(), Some(s(600)), s(101)), "the first time");
    assert!(life.keys(s(101)).is_some_and(|keys| !keys.is_empty()));
    assert_eq!((life.due_at(), life.is_failing()), (s(103), false), "it is asked again soon");
    // What is asked too early, or began before, does not count as the second time.
    for begun in [s(101), ms(102_900)] {
        life.begin(begun);
        assert!(!life.took(empty(), None, s(103)));
    }
    life.begin(s(103));
    assert!(life.took(empty(), None, s(104)));
    assert!(life.keys(s(104)).is_some_and(|keys| keys.is_empty()));
    assert_eq!(life.due_at(), s(404));
    // A set with keys holds at once, and so does an empty one after an empty one.
    life.begin(s(404));
    assert!(life.took(empty(), None, s(404)) && life.due_at() == s(704));
    life.begin(s(704));
    assert!(life.took(set(), None, s(704)));
    assert!(life.keys(s(704)).is_some_and(|keys| !keys.is_empty()));
}

#[test]
fn a_set_that_comes_between_takes_the_withdrawal_back_and_an_outage_between_does_not() {
    let mut life = KeyLife::default();
    let empty_at = |life: &mut KeyLife, now| {
        life.begin(now);
        life.took(empty(), None, now)
    };
    life.begin(s(0));
    life.took(set(), None, s(0));
    assert!(!empty_at(&mut life, s(10)));
    life.begin(s(12));
    assert!(life.took(set(), None, s(12)));
    assert_eq!(life.due_at(), s(312));
    assert!(!empty_at(&mut life, s(20)), "it is the first time again");
    life.begin(s(22));
    life.failed();
    assert_eq!(life.due_at(), s(32));
    assert!(empty_at(&mut life, s(32)));
}

#[test]
fn the_operators_order_takes_what_is_there() {
    for gone in [false, true] {
        let mut life = KeyLife::default();
        life.begin(s(0));
        life.took(set(), None, s(0));
        life.begin_ordered(s(1));
        let held = if gone { life.gone() } else { life.took(empty(), None, s(1)) };
        assert!(held && life.keys(s(1)).is_none_or(|keys| keys.is_empty()));
        life.begin(s(5));
        life.took(set(), None, s(5));
        life.begin(s(6));
        assert!(!life.took(empty(), None, s(6)), "an order counts once");
    }
}

#[test]
fn where_nothing_is_any_more_it_is_an_outage_however_often_it_comes() {
    let mut life = KeyLife::default();
    life.begin(s(0));
    life.took(set(), None, s(0));
    for at in [10, 20, 40] {
        life.begin(s(at));
        assert!(!life.gone() && life.is_failing());
    }
    assert!(life.keys(s(40)).is_some(), "an ingress without a backend answers so");
    assert_eq!(life.due_at(), s(70), "as after other failures");
    assert!(life.keys(s(24 * 3600)).is_none(), "and as long as in an outage");
    // An empty set is the issuer's word, and nothing there is no second one.
    life.begin(s(70));
    assert!(!life.took(empty(), None, s(70)));
    life.begin(s(72));
    assert!(!life.gone() && life.keys(s(72)).is_some());
    life.begin_ordered(s(73));
    assert!(life.gone() && life.keys(s(73)).is_none(), "the operator takes it as the word");
    life.begin(s(83));
    assert!(life.took(set(), None, s(83)) && !life.is_failing());
}

//! The keys of an issuer that is not ours: rotated, withdrawn, out of reach.

use crate::outside::{Outside, Trusting, claims_of, elapsed};
use keyward_testkit::issuer::SigningKey;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{self, sleep};
use std::time::Duration;

#[test]
fn keys_are_rotated_while_requests_run_and_outages_are_lived_through() {
    let outside = Outside::start();
    let trusting = Trusting::start(&outside.issuer, "link = \"verified_email\"");
    let old = outside.token("admin");
    assert_eq!(trusting.status(&old), 200);
    let (over, asked, refused) = (AtomicBool::new(false), AtomicU64::new(0), AtomicU64::new(0));
    /// Ends the others too when this thread fails.
    struct Over<'o>(&'o AtomicBool);
    impl Drop for Over<'_> {
        fn drop(&mut self) {
            self.0.store(true, Ordering::SeqCst);
        }
    }
    thread::scope(|scope| {
        let _over = Over(&over);
        for _ in 0..3 {
            scope.spawn(|| {
                let mut client = trusting.server.client(&old);
                while !over.load(Ordering::SeqCst) {
                    asked.fetch_add(1, Ordering::SeqCst);
                    if client.get("/deals").status != 200 {
                        refused.fetch_add(1, Ordering::SeqCst);
                    }
                }
            });
        }
        outside.control("POST", "/rotate");
        let new = outside.token("admin");
        let begun = elapsed();
        assert_eq!(trusting.status(&new), 200, "at its first use");
        let took = elapsed() - begun;
        println!("a new key was good {} ms after its first use", took.as_millis());
        assert!(took < Duration::from_secs(1), "{took:?}");
        for _ in 0..50 {
            assert_eq!(trusting.status(&new), 200);
        }
    });
    println!("requests during the rotation: {asked:?}, refused: {refused:?}");
    assert_eq!(refused.into_inner(), 0);
    // A key that is withdrawn goes when the operator says so.
    outside.control("POST", "/retire");
    trusting.fetch_anew();
    assert_eq!(trusting.status(&old), 401);
    let new = outside.token("admin");
    assert_eq!(trusting.status(&new), 200);
    // Outages of every kind: what was believed is believed, and nothing else.
    let forged = SigningKey::rsa(0, "forged").token(&claims_of(&outside.issuer));
    let log = |name| trusting.server.stderr().matches(name).count();
    for mode in ["refuse", "error", "html", "slow", "redirect"] {
        outside.control("POST", &format!("/outage?mode={mode}"));
        let before = log("keys could not be fetched");
        trusting.fetch_anew();
        assert!(log("keys could not be fetched") > before, "{mode}");
        // A key that is not known may be newer than what is believed.
        assert_eq!((trusting.status(&new), trusting.status(&forged)), (200, 503), "{mode}");
    }
    let keys = format!("issuer_keys{{issuer=\"{}\"}}", outside.issuer);
    assert_eq!(trusting.figure(&keys), Some(1));
    // A well-formed set is the issuer's word, also when there is nothing in it, and the operator's order takes it at once.
    outside.control("POST", "/outage?mode=empty");
    trusting.fetch_anew();
    assert_eq!(trusting.status(&new), 401);
    // And it recovers by itself, with a key that nobody has seen.
    outside.control("POST", "/rotate");
    outside.control("POST", "/outage?mode=none");
    let newest = outside.token("admin");
    let recovered = (0..300).any(|_| {
        sleep(Duration::from_millis(100));
        trusting.status(&newest) == 200
    });
    assert!(recovered, "{}", trusting.server.stderr());
    assert_eq!(trusting.status(&new), 200);
    assert_eq!(trusting.status(&forged), 401, "it is in no set that was fetched since it came");
}

/// What a good token was answered, in order.
struct Answers {
    statuses: Vec<u16>,
    /// Until it was taken.
    took: Duration,
}

impl Trusting {
    /// Sends a token, and again exactly when a 503 says so, until it is taken, or until then.
    fn insist(&self, token: &str, until: Duration) -> Answers {
        let (mut client, begun, mut statuses) = (self.server.client(token), elapsed(), Vec::new());
        while statuses.last() != Some(&200) && elapsed() < until {
            let answer = client.get("/deals");
            statuses.push(answer.status);
            if answer.status == 503 {
                answer.is_unavailable();
                let after: u64 = answer.header("retry-after").unwrap().parse().unwrap();
                assert!((1..=5).contains(&after), "a fetch ends within 5 s: {after}");
                sleep(Duration::from_secs(after));
            }
        }
        Answers { statuses, took: elapsed() - begun }
    }
}

/// Not knowing a key is not knowing that it is wrong.
#[test]
fn a_rotation_refuses_no_good_token_beside_a_strangers_invented_keys_and_through_a_frozen_issuer() {
    let outside = Outside::start();
    let limit = [("KEYWARD_LIMITS_FAILED_AUTH_PER_MINUTE", "5")];
    let trusting = Trusting::start_with(&outside.issuer, "link = \"verified_email\"", &limit);
    let mut known = outside.token("admin");
    assert_eq!(trusting.status(&known), 200);
    let over = AtomicBool::new(false);
    let stranger = || {
        let (mut statuses, mut n) = (Vec::new(), 0);
        while !over.load(Ordering::SeqCst) {
            n += 1;
            let token = SigningKey::rsa(0, &format!("invented-{n}")).token(&claims_of(&outside.issuer));
            let begun = elapsed();
            statuses.push(trusting.status(&token));
            sleep(Duration::from_secs(1).saturating_sub(elapsed() - begun));
        }
        statuses
    };
    // No answer but 200 and 503, and within the time.
    let judge = |answers: &Answers, most: Duration| {
        assert!(answers.statuses.iter().all(|status| matches!(status, 200 | 503)), "{:?}", answers.statuses);
        assert_eq!(answers.statuses.last(), Some(&200), "{:?}", answers.statuses);
        assert!(answers.statuses.len() <= 2, "taken at the first retry: {:?}", answers.statuses);
        assert!(answers.took <= most, "{:?} {:?}", answers.took, answers.statuses);
    };
    // Two seconds, and what the requests themselves take on a machine that runs other tests.
    let most = Duration::from_millis(2_500);
    thread::scope(|scope| {
        struct Over<'o>(&'o AtomicBool);
        impl Drop for Over<'_> {
            fn drop(&mut self) {
                self.0.store(true, Ordering::SeqCst);
            }
        }
        let _over = Over(&over);
        let strangers = [scope.spawn(stranger), scope.spawn(stranger)];
        for round in 0..3 {
            // Just after a fetch of our own.
            trusting.fetch_anew();
            outside.control("POST", "/rotate");
            known = outside.token("admin");
            let answers = trusting.insist(&known, elapsed() + Duration::from_secs(20));
            println!("rotation {round}: {:?} after {} ms", answers.statuses, answers.took.as_millis());
            judge(&answers, most);
        }
        // Frozen before the new key is known here: a stranger's key may have it fetched before.
        let fresh = (0..20).find_map(|_| {
            outside.control("POST", "/rotate");
            let fresh = outside.token("admin");
            outside.signal("STOP");
            if trusting.status(&fresh) == 503 {
                return Some(fresh);
            }
            outside.signal("CONT");
            known = fresh;
            None
        });
        let fresh = fresh.expect("the issuer could not be stopped in time");
        let frozen = trusting.insist(&fresh, elapsed() + Duration::from_secs(5));
        println!("frozen: {:?}", frozen.statuses);
        assert!(frozen.statuses.iter().all(|status| *status == 503), "{:?}", frozen.statuses);
        assert_eq!(trusting.status(&known), 200, "a known key is not asked for");
        outside.signal("CONT");
        let answers = trusting.insist(&fresh, elapsed() + Duration::from_secs(20));
        println!("it answers again: {:?} after {} ms", answers.statuses, answers.took.as_millis());
        judge(&answers, most);
        over.store(true, Ordering::SeqCst);
        let strangers: Vec<u16> = strangers.into_iter().flat_map(|one| one.join().unwrap()).collect();
        println!("strangers: {strangers:?}");
        assert!(
            strangers.contains(&401) && strangers.contains(&429),
            "they are refused, and charged: {strangers:?}"
        );
        assert!(strangers.iter().all(|status| matches!(status, 401 | 429 | 503)), "{strangers:?}");
    });
}

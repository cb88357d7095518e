//! Time: every edge to the second, whatever the clock does.

use crate::door::{Door, ISSUER, good, rules, set, with};
use keyward_core::jwt::Rules;
use keyward_testkit::START;
use keyward_testkit::issuer::SigningKey;
use serde_json::json;

#[test]
fn a_token_is_good_from_its_beginning_to_its_end_to_the_second_and_leeway_is_added_once() {
    let key = SigningKey::rsa(0, "k");
    for leeway in [0, 1, 10, 30, 300] {
        let rules = Rules { leeway, ..rules(ISSUER) };
        for remembered in [false, true] {
            for begin in ["nbf", "iat"] {
                let mut claims = with("iat", json!(START + 100));
                claims["nbf"] = json!(START + 100);
                match begin {
                    "nbf" => claims["iat"] = json!(START - 1),
                    _ => drop(claims.as_object_mut().unwrap().remove("nbf")),
                }
                claims["exp"] = json!(START + 200);
                let token = key.token(&claims);
                let door = Door::of(vec![(rules.clone(), set(&[&key]))]);
                if remembered {
                    door.clock.advance(150);
                    door.takes(&token);
                    door.clock.advance(-150);
                }
                let mut at = 0;
                let mut go = |to: i64| {
                    door.clock.advance(to - at);
                    at = to;
                };
                for (moment, good) in [
                    (100 - leeway - 1, false),
                    (100 - leeway, true),
                    (150, true),
                    (200 + leeway - 1, true),
                    (200 + leeway, false),
                    (200 + leeway + 3_600, false),
                    // The clock was set back: it holds again what it holds at that moment.
                    (150, true),
                    (100 - leeway - 3_600, false),
                ] {
                    go(moment);
                    let case = format!("leeway {leeway}, {begin}, at {moment}, remembered {remembered}");
                    match door.ask(&token) {
                        Ok(_) => assert!(good, "{case}"),
                        Err(Some(denial)) => {
                            let word = if moment >= 200 { "token_expired" } else { "token_not_yet_valid" };
                            assert_eq!((good, denial.word()), (false, word), "{case}");
                        }
                        Err(None) => panic!("{case}"),
                    }
                }
            }
        }
    }
}

#[test]
fn a_clock_before_its_time_or_after_it_refuses_and_does_not_panic() {
    let key = SigningKey::rsa(0, "k");
    let door = Door::usual(&key);
    let token = key.token(&good());
    door.takes(&token);
    door.clock.advance(-START);
    assert_eq!(door.refuses(&token).word(), "token_not_yet_valid");
    door.clock.advance(-i64::MAX);
    assert_eq!(door.refuses(&token).word(), "token_not_yet_valid");
    door.clock.advance(i64::MAX);
    assert_eq!(door.refuses(&token).word(), "token_expired");
}

#[test]
fn a_token_that_lives_longer_than_its_entry_allows_is_refused() {
    let key = SigningKey::rsa(0, "k");
    let rules = Rules { max_lifetime: 3_600, ..rules(ISSUER) };
    let door = Door::of(vec![(rules, set(&[&key]))]);
    for (issued, end, good) in [
        (Some(START), START + 3_600, true),
        (Some(START), START + 3_601, false),
        (Some(START - 100), START + 3_500, true),
        (Some(START - 100), START + 3_501, false),
        // Without `iat` nobody knows how old it is.
        (None, START + 1, false),
        (None, START + 3_600, false),
        (Some(START), 253_402_300_799, false),
    ] {
        let mut claims = with("exp", json!(end));
        match issued {
            Some(issued) => claims["iat"] = json!(issued),
            None => drop(claims.as_object_mut().unwrap().remove("iat")),
        }
        let asked = door.ask(&key.token(&claims));
        let word = asked.as_ref().err().and_then(|denial| denial.as_ref()).map(|denial| denial.word());
        let refusal = if issued.is_some() { "token_lifetime" } else { "token_claims" };
        assert_eq!((asked.is_ok(), word), (good, (!good).then_some(refusal)), "{issued:?} {end}");
    }
}

#[test]
fn what_ends_before_it_begins_makes_no_sense() {
    let key = SigningKey::rsa(0, "k");
    let door = Door::usual(&key);
    for (begin, end) in [(START + 5, START + 5), (START + 6, START + 5)] {
        for claim in ["nbf", "iat"] {
            let mut claims = with(claim, json!(begin));
            claims["exp"] = json!(end);
            assert_eq!(door.refuses(&key.token(&claims)).word(), "token_claims", "{claim}");
        }
    }
}

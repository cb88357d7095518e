//! What is remembered of tokens, and what is not.

use crate::attacks::spellings;
use crate::door::{Door, ISSUER, good, identity, set, user, with};
use keyward_core::account::User;
use keyward_core::address::ClientAddress;
use keyward_core::denial::Denial;
use keyward_core::jwt::{Fingerprint, Memory};
use keyward_core::live::Change;
use keyward_core::random::Random;
use keyward_testkit::issuer::SigningKey;
use keyward_testkit::{START, SeededRandom};
use keyward_tower::authenticate::{KeyFetch, Scheme, Verdict};
use serde_json::json;
use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

#[test]
fn a_remembered_token_is_none_the_stronger_for_it() {
    let (key, other) = (SigningKey::rsa(0, "k"), SigningKey::rsa(1, "o"));
    let door = Door::usual(&key);
    let token = key.token(&good());
    door.takes(&token);
    assert_eq!(door.jwts.remembered(), 1);
    // Its user.
    door.directory.publish(vec![Change::User(User { disabled: true, ..user() })]);
    assert_eq!(door.refuses(&token).word(), "user_disabled");
    door.directory.publish(vec![Change::User(user())]);
    door.takes(&token);
    // Its link.
    let link = identity(0, "https://id.example/", "alice");
    door.directory.publish(vec![Change::Unlinked(link.issuer.clone(), link.subject.clone())]);
    assert_eq!(door.refuses(&token).word(), "token_unlinked");
    door.directory.publish(vec![Change::Linked(link)]);
    door.takes(&token);
    // Its key.
    door.keys[0].set.replace(set(&[&other]));
    assert_eq!(door.refuses(&token).word(), "token_key_unknown");
    assert_eq!(door.jwts.remembered(), 0, "it is forgotten");
    door.keys[0].set.replace(set(&[&key, &other]));
    door.takes(&token);
    // All of its issuer's keys, which have grown too old.
    door.keys[0].set.replace(None);
    assert_eq!(door.refuses(&token).word(), "issuer_unavailable");
    door.keys[0].set.replace(set(&[&key]));
    door.takes(&token);
    // Its time.
    door.clock.advance(310);
    assert_eq!(door.refuses(&token).word(), "token_expired");
}

#[test]
fn a_key_of_the_same_name_is_another_key() {
    let (key, impostor) = (SigningKey::rsa(0, "k"), SigningKey::rsa(1, "k"));
    let door = Door::usual(&key);
    let token = key.token(&good());
    door.takes(&token);
    door.keys[0].set.replace(set(&[&impostor]));
    assert_eq!(door.refuses(&token).word(), "token_signature");
}

#[test]
fn an_unknown_key_is_asked_for_and_a_known_one_is_not() {
    let (key, newer) = (SigningKey::rsa(0, "k"), SigningKey::rsa(1, "n"));
    let door = Door::usual(&key);
    let asked = || door.keys[0].asked.load(Ordering::SeqCst);
    for _ in 0..3 {
        door.takes(&key.token(&good()));
    }
    assert_eq!(asked(), 0);
    assert_eq!(door.refuses(&newer.token(&good())).word(), "token_key_unknown");
    assert_eq!(asked(), 1);
    // What is wrong by itself is not worth a question.
    for wrong in [
        key.token_of("{\"alg\":\"HS256\"}", &good().to_string()),
        key.token_of(&key.header("JWT").to_string(), &good().to_string()),
    ] {
        door.refuses(&wrong);
    }
    assert_eq!(asked(), 1);
}

/// Three causes had one sentence; `keyward user link` needs `iss` and `sub` to the letter.
#[tokio::test]
async fn the_refusal_of_a_good_token_without_a_user_names_its_subject_and_the_cause() {
    let key = SigningKey::rsa(0, "k");
    let door = Door::usual(&key);
    let token = key.token(&with("sub", json!("auth0|nobody")));
    let Verdict::No(denial, None, Some(found)) = door.jwts.judge(&token, ClientAddress::Unknown).await else {
        panic!("not refused");
    };
    assert_eq!(denial, Denial::TokenUnlinked);
    assert_eq!((found.iss.as_deref(), found.sub.as_deref()), (Some(ISSUER), Some("auth0|nobody")));
    assert!(
        found.advice.as_ref().is_some_and(|advice| advice.starts_with("It has no \"email\".")),
        "{found:?}"
    );
}

/// Not knowing a key is not knowing that it is wrong.
#[test]
fn a_key_that_is_not_known_yet_is_503_with_the_seconds_that_are_left_and_absent_ones_are_401() {
    let (key, newer) = (SigningKey::rsa(0, "k"), SigningKey::rsa(1, "n"));
    let door = Door::usual(&key);
    let token = newer.token(&good());
    let ms = Duration::from_millis;
    for (fetch, denial) in [
        (KeyFetch::Later(ms(1_200)), Denial::IssuerUnavailable(2)),
        (KeyFetch::Failed(ms(2_000)), Denial::IssuerUnavailable(2)),
        (KeyFetch::Failed(ms(0)), Denial::IssuerUnavailable(1)),
        (KeyFetch::Current, Denial::TokenKeyUnknown),
    ] {
        door.keys[0].fetch.replace(fetch);
        assert_eq!(door.refuses(&token), denial, "{fetch:?}");
        assert!(door.takes(&key.token(&good())).issuer.len() > 1, "a known key is not asked for");
    }
    // Without any set, nothing is known of any key.
    door.keys[0].set.replace(None);
    assert_eq!(door.refuses(&token), Denial::IssuerUnavailable(1));
    // Whatever the fetch came to, a key that is there now is taken.
    door.keys[0].set.replace(set(&[&newer]));
    door.takes(&token);
}

#[test]
fn tokens_that_share_beginning_and_end_are_remembered_apart() {
    let random = SeededRandom::new(3);
    let mut fingerprints = HashSet::new();
    // 1,500 tokens that differ in eight characters in the middle: 1,124,250 pairs.
    for _ in 0..1_500 {
        let mut bytes = [0; 4];
        random.fill(&mut bytes).unwrap();
        let middle = format!("{:08x}", u32::from_be_bytes(bytes));
        let token = format!("{}.{middle}.{}", "h".repeat(200), "s".repeat(300));
        assert!(fingerprints.insert(Fingerprint::of(&token)), "{middle}");
    }
    // And no other spelling of a remembered token finds it.
    let key = SigningKey::rsa(0, "k");
    let door = Door::usual(&key);
    let token = key.token(&good());
    door.takes(&token);
    let others = spellings(&token);
    for other in &others {
        assert!(door.ask(other).is_err(), "{other}");
    }
    println!("pairs: {}, other spellings: {}, found: 0", 1_500 * 1_499 / 2, others.len());
}

#[test]
fn the_memory_is_bounded_and_keeps_what_is_used() {
    let key = SigningKey::rsa(0, "k");
    let door = Door::usual(&key);
    let verified = door.takes(&key.token(&good()));
    let memory = Memory::new(100);
    let often = Fingerprint::of("often");
    memory.keep(often, Arc::clone(&verified));
    for n in 0..10_000 {
        memory.keep(Fingerprint::of(&n.to_string()), Arc::clone(&verified));
        if n % 20 == 0 {
            assert!(memory.recall(&often).is_some(), "what is used stays, at {n}");
        }
        assert!(memory.len() <= 100, "{}", memory.len());
    }
    assert!(memory.recall(&Fingerprint::of("5")).is_none());
    memory.forget(&often);
    assert!(memory.recall(&often).is_none());
    assert!(Memory::new(0).is_empty());
}

#[test]
fn a_token_that_was_refused_is_not_remembered() {
    let key = SigningKey::rsa(0, "k");
    let door = Door::usual(&key);
    for claims in [with("exp", json!(START - 100)), with("aud", json!("x")), with("sub", json!(1))] {
        door.refuses(&key.token(&claims));
    }
    assert_eq!(door.jwts.remembered(), 0);
}

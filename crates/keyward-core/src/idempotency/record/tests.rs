//! The specification of kept answers, row by row, with every boundary to the second.

use super::super::{Claims, Fingerprint, Scope};
use super::*;
use crate::id::{AccountId, UserId};
use crate::random::OsRandom;
use crate::root_secret::RootSecret;
use proptest::prelude::*;
use uuid::Uuid;

/// When the write was done.
const DONE: i64 = 1_000_000;
const HOUR: i64 = 3_600;
const DAY: i64 = 86_400;

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_unix(seconds)
}

fn claim(claims: &Claims, path: &str) -> Claim {
    let scope = Scope { account: Some(AccountId(1)), user: UserId(2) };
    let key = Uuid::from_u128(0x550e_8400_e29b_41d4_a716_4466_5544_0000);
    claims.claim(scope, key, Fingerprint::of("POST", path, "", None), &OsRandom).unwrap()
}

fn claims() -> Claims {
    Claims::new(&RootSecret::generate(&OsRandom).unwrap())
}

/// The record of a claim; `sealed`: its answer shows a secret.
fn record(claim: &Claim, sealed: bool) -> Record {
    let (version, name) = claim.record().unwrap();
    let sealing = claim.sealing().unwrap().seal(name, b"the answer").unwrap();
    let (body, salt) =
        if sealed { (sealing.body, Some(sealing.salt.to_vec())) } else { (b"the answer".to_vec(), None) };
    Record {
        name: name.to_vec(),
        version,
        fingerprint: claim.fingerprint().as_bytes().to_vec(),
        subject_kind: Some("api_key".to_owned()),
        subject: 7,
        status: 201,
        body: Some(body),
        salt,
        etag: Some("\"1\"".to_owned()),
        location: None,
        completed_at: at(DONE),
    }
}

#[test]
fn a_record_answers_for_a_day() {
    let claim = claim(&claims(), "/deals");
    for (now, answers) in [
        (DONE, true),
        (DONE + DAY - 1, true),
        (DONE + DAY, false),
        (DONE + DAY + 1, false),
        (DONE - DAY, true),
    ] {
        for sealed in [false, true] {
            assert_eq!(record(&claim, sealed).answers(at(now)), answers, "at {now}");
        }
    }
}

#[test]
fn another_request_with_the_same_key_is_refused() {
    let claims = claims();
    let record = record(&claim(&claims, "/deals"), false);
    assert_eq!(record.is_of(&claim(&claims, "/deals")), Ok(()));
    assert_eq!(record.is_of(&claim(&claims, "/deals/1")), Err(Denial::IdempotencyKeyReused));
}

#[test]
fn a_secret_is_shown_again_for_an_hour_and_until_it_is_used() {
    let claims = claims();
    let claim = claim(&claims, "/api-keys");
    let shown = Some(Denial::SecretAlreadyShown(7));
    let closed = Record { body: None, salt: None, ..record(&claim, true) };
    let short = Record { salt: Some(vec![1; 15]), ..record(&claim, true) };
    let foreign = Record { name: vec![1; 32], ..record(&claim, true) };
    let other_version = Record { version: 9, ..record(&claim, true) };
    for (what, record, used, now, refusal) in [
        ("without a secret", record(&claim, false), false, DONE, None),
        ("without a secret, in its last second", record(&claim, false), false, DONE + DAY - 1, None),
        // That a key was used closes no answer that shows none.
        ("without a secret, and its key was used", record(&claim, false), true, DONE + HOUR, None),
        ("at once", record(&claim, true), false, DONE, None),
        ("in the last second", record(&claim, true), false, DONE + HOUR - 1, None),
        ("a second later", record(&claim, true), false, DONE + HOUR, shown.clone()),
        ("used", record(&claim, true), true, DONE, shown.clone()),
        ("closed", closed, false, DONE, shown.clone()),
        ("a salt that is none", short, false, DONE, shown.clone()),
        ("sealed for another record", foreign, false, DONE, shown.clone()),
        ("of a version of the root secret that is gone", other_version, false, DONE, shown),
    ] {
        let answer = record.answer(&claim, used, at(now));
        assert_eq!(answer.as_ref().err(), refusal.as_ref(), "{what}");
        if let Ok(answer) = answer {
            let Answer { status, body, etag, location } = answer;
            assert_eq!((status, body.as_slice(), location), (201, b"the answer".as_slice(), None), "{what}");
            assert_eq!(etag.as_deref(), Some("\"1\""), "{what}");
        }
    }
}

#[test]
fn only_the_key_that_it_is_about_closes_an_answer() {
    let record = record(&claim(&claims(), "/api-keys"), true);
    for (kind, key) in [
        (Some("api_key"), Some(KeyId(7))),
        (Some("deal"), None),
        (Some("user"), None),
        (None, Some(KeyId(7))),
    ] {
        let record = Record { subject_kind: kind.map(str::to_owned), ..record.clone() };
        assert_eq!(record.key(), key, "{kind:?}");
    }
}

proptest! {
    /// Time and use only ever close: what is not answered is not answered later.
    #[test]
    fn what_is_closed_stays_closed(sealed: bool, used: bool, now in 0..2 * DAY, later in 0..DAY) {
        let claim = claim(&claims(), "/api-keys");
        let record = record(&claim, sealed);
        let open = |used: bool, now: i64| {
            let now = at(DONE + now);
            record.answers(now) && record.clone().answer(&claim, used, now).is_ok()
        };
        prop_assert!(open(used, now) || !open(used, now + later));
        prop_assert!(open(false, now) || !open(true, now));
    }
}

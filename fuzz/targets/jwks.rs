//! A JWK Set: what is used of it is bounded, has one meaning, and verifies nothing by chance.
#![no_main]

use keyward_core::jwt::{Found, KeySet, MAX_BYTES};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|document: &[u8]| {
    let Ok(set) = KeySet::parse(document) else { return };
    assert!(document.len() <= MAX_BYTES);
    let count = set.keys().count();
    assert!(count <= 200);
    for key in set.keys() {
        assert!(set.holds(key.print()));
        assert!(!key.verifies(b"message", b"") && !key.verifies(b"message", &[0; 256]) && !key.verifies(b"message", &[0; 64]));
        if let Found::One(found) = set.find(key.kid(), key.algorithm()) {
            assert_eq!((found.kid(), found.algorithm()), (key.kid().or(found.kid()), key.algorithm()));
        }
    }
});

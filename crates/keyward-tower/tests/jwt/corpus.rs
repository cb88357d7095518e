//! What fuzzing has found worth keeping is read in every run of the tests, by the same rules as in `fuzz/targets`.

use keyward_core::header::bearer;
use keyward_core::jwt::{self, KeySet, Token};
use std::path::Path;

/// The kept inputs of a target.
fn corpus(target: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus").join(target);
    let files = std::fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let inputs: Vec<Vec<u8>> = files.map(|file| std::fs::read(file.unwrap().path()).unwrap()).collect();
    assert!(inputs.len() >= 10, "{target}: {}", inputs.len());
    println!("{target}: {} inputs", inputs.len());
    inputs
}

#[test]
fn a_bearer_value_is_one_token_or_none() {
    for value in corpus("bearer") {
        if let Ok(token) = bearer(&value) {
            assert!(value.ends_with(token.as_bytes()) && token.is_ascii());
            assert_eq!(bearer(format!("Bearer {token}").as_bytes()), Ok(token));
        }
    }
}

#[test]
fn a_token_that_is_read_has_one_spelling() {
    for text in corpus("jws") {
        let Ok(text) = String::from_utf8(text) else { continue };
        if Token::read(&text, 8192).is_ok() {
            assert!(text.len() <= 8192 && jwt::claims(&text));
            assert!(Token::read(&format!("{text}="), 8193).is_err());
        }
    }
}

#[test]
fn a_key_set_that_is_read_verifies_nothing_by_chance() {
    for document in corpus("jwks") {
        let Ok(set) = KeySet::parse(&document) else { continue };
        assert!(set.keys().count() <= 200);
        assert!(set.keys().all(|key| set.holds(key.print()) && !key.verifies(b"message", &[0; 256])));
    }
}

//! A JWS in its compact form: what is read has one spelling, and nothing is read twice.
#![no_main]

use keyward_core::denial::Denial;
use keyward_core::jwt::{self, Token};
use libfuzzer_sys::fuzz_target;

const MOST: usize = 8 * 1024;

fuzz_target!(|text: &str| {
    match Token::read(text, MOST) {
        Ok(token) => {
            assert!(text.len() <= MOST && jwt::claims(text), "what is read has the form of one");
            assert!(token.kid().is_none_or(|kid| !kid.is_empty()));
            // With anything behind it, it is another token, or none.
            for end in ["=", ".", " ", "\n"] {
                assert!(Token::read(&format!("{text}{end}"), MOST + 1).is_err());
            }
        }
        Err(Denial::TokenTooLong) => assert!(text.len() > MOST),
        Err(Denial::TokenMalformed | Denial::TokenExtension) => {}
        Err(other) => panic!("{other:?}"),
    }
});

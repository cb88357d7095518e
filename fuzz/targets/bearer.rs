//! The value of `Authorization`: whatever comes, it is a token of one kind at most, or it is refused.
#![no_main]

use keyward_core::header::bearer;
use keyward_core::jwt;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|value: &[u8]| {
    if let Ok(token) = bearer(value) {
        assert!(value.ends_with(token.as_bytes()));
        assert!(token.is_ascii() && !token.bytes().any(|byte| byte.is_ascii_whitespace() || byte.is_ascii_control()));
        // However the scheme was written, it is the same token.
        assert_eq!(bearer(format!("Bearer {token}").as_bytes()), Ok(token));
        if jwt::claims(token) {
            assert_eq!(token.bytes().filter(|byte| *byte == b'.').count(), 2);
        }
    }
});

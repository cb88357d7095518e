//! The form of a key: prefix, 43 base62 characters (at least 256 bits), 6 base62 characters of CRC-32.
//!
//! The checksum saves look-ups and lets scanners find leaks without false alarms. Everyone can compute it: it is
//! no security control.

use crate::random::{Random, RandomError};
use crate::secret::Secret;

const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const RANDOM: usize = 43;
const CHECKSUM: usize = 6;
/// Characters of the random part that `key_prefix` shows.
const SHOWN: usize = 4;

/// A configured prefix is not of its form.
#[derive(Debug, thiserror::Error)]
#[error(
    "a key prefix is 2 to 32 lower-case letters, digits and underscores, begins with a letter and ends with an underscore"
)]
pub struct PrefixError;

/// The form of the keys of one installation.
#[derive(Clone, Debug)]
pub struct KeyFormat {
    prefix: String,
}

impl KeyFormat {
    /// With this prefix.
    ///
    /// # Errors
    /// [`PrefixError`].
    pub fn new(prefix: &str) -> Result<Self, PrefixError> {
        let plain = (2..=32).contains(&prefix.len())
            && prefix.starts_with(|c: char| c.is_ascii_lowercase())
            && prefix.ends_with('_')
            && prefix.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
        if plain { Ok(Self { prefix: prefix.to_owned() }) } else { Err(PrefixError) }
    }

    /// Whether the token claims to be a key: its prefix says so.
    #[must_use]
    pub fn claims(&self, token: &str) -> bool {
        token.starts_with(&self.prefix)
    }

    /// Whether length, alphabet and checksum are right.
    #[must_use]
    pub fn is_well_formed(&self, token: &str) -> bool {
        let Some(body) = token.strip_prefix(&self.prefix) else { return false };
        if body.len() != RANDOM + CHECKSUM || !body.bytes().all(|b| b.is_ascii_alphanumeric()) {
            return false;
        }
        let Some((text, sum)) = token.split_at_checked(token.len().saturating_sub(CHECKSUM)) else {
            return false;
        };
        checksum(text) == sum
    }

    /// The keys in a text, each once, in their order. What only looks like a key is none: the checksum tells.
    #[must_use]
    pub fn found_in<'t>(&self, text: &'t str) -> Vec<&'t str> {
        let length = self.prefix.len() + RANDOM + CHECKSUM;
        let mut found = Vec::new();
        for (at, _) in text.char_indices() {
            let key = text.get(at..at + length).filter(|key| self.is_well_formed(key));
            found.extend(key.filter(|key| !found.contains(key)));
        }
        found
    }

    /// What every key begins with.
    #[must_use]
    pub fn prefix(&self) -> &str {
        &self.prefix
    }

    /// Whether a key of which [`KeyFormat::shown`] shows this has this form's prefix.
    #[must_use]
    pub fn has_shown(&self, shown: &str) -> bool {
        shown.strip_prefix(&self.prefix).is_some_and(|rest| rest.len() == SHOWN)
    }

    /// A new key.
    ///
    /// # Errors
    /// When randomness is not to be had.
    pub fn generate(&self, random: &dyn Random) -> Result<Secret, RandomError> {
        let mut key = format!("{}{}", self.prefix, base62(random, RANDOM)?);
        key.push_str(&checksum(&key));
        Ok(Secret::new(key))
    }

    /// What `key_prefix` shows of a key: enough to recognise it, useless to guess from.
    #[must_use]
    pub fn shown(&self, key: &Secret) -> String {
        key.expose().chars().take(self.prefix.len() + SHOWN).collect()
    }
}

/// `length` random base62 characters, each equally likely.
///
/// # Errors
/// When randomness is not to be had.
pub fn base62(random: &dyn Random, length: usize) -> Result<String, RandomError> {
    let mut text = String::with_capacity(length);
    let mut buffer = [0; 64];
    while text.len() < length {
        random.fill(&mut buffer)?;
        // 248 = 4 · 62: bytes above would make the first characters likelier.
        let fair = buffer.iter().filter(|byte| **byte < 248);
        let characters = fair.filter_map(|byte| ALPHABET.get(usize::from(byte % 62)));
        text.extend(characters.take(length - text.len()).map(|byte| char::from(*byte)));
    }
    Ok(text)
}

/// CRC-32 (ISO-HDLC, as zlib) in base62, six digits, most significant first.
fn checksum(text: &str) -> String {
    let mut rest = u64::from(crc32fast::hash(text.as_bytes()));
    let mut digits = [b'0'; CHECKSUM];
    for digit in digits.iter_mut().rev() {
        if let Some(character) = ALPHABET.get((rest % 62) as usize) {
            *digit = *character;
        }
        rest /= 62;
    }
    digits.iter().map(|digit| char::from(*digit)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::HashSet;

    /// Counts up from a seed; unfair on purpose: only the form is under test.
    #[derive(Debug)]
    struct Counting(std::sync::Mutex<u64>);

    impl Random for Counting {
        fn fill(&self, buffer: &mut [u8]) -> Result<(), RandomError> {
            let mut state = self.0.lock().unwrap();
            for byte in buffer {
                *state =
                    state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                *byte = (*state >> 56) as u8;
            }
            Ok(())
        }
    }

    fn format() -> KeyFormat {
        KeyFormat::new("lev_sk_").unwrap()
    }

    #[test]
    fn the_form_is_pinned() {
        let key = "lev_sk_0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefg";
        let whole = format!("{key}{}", checksum(key));
        assert_eq!(whole.len(), 7 + 43 + 6);
        assert_eq!(checksum("123456789"), "3jZRME", "CRC-32 check value 0xcbf43926 in base62");
        assert!(format().is_well_formed(&whole));
        assert_eq!(format().shown(&Secret::new(whole)), "lev_sk_0123");
    }

    #[test]
    fn ten_thousand_keys_are_distinct_and_use_the_whole_alphabet() {
        let random = Counting(std::sync::Mutex::new(1));
        let keys: HashSet<String> =
            (0..10_000).map(|_| format().generate(&random).unwrap().expose().to_owned()).collect();
        assert_eq!(keys.len(), 10_000);
        let used: HashSet<char> = keys.iter().flat_map(|key| key.chars().skip(7)).collect();
        assert_eq!(used.len(), 62);
    }

    #[test]
    fn a_key_is_found_wherever_it_stands_and_a_look_alike_is_not() {
        let random = Counting(std::sync::Mutex::new(7));
        let [one, two] = [(); 2].map(|()| format().generate(&random).unwrap());
        let (one, two) = (one.expose(), two.expose());
        for text in [
            one.to_owned(),
            format!("KEY={one}\r\n"),
            format!("Authorization: Bearer {one}, and again {one}"),
            format!("Lev(\"{one}\")"),
            format!("é{one}é lev_sk_"),
            format!("https://x.example/?k={one}&b=1"),
        ] {
            assert_eq!(format().found_in(&text), [one], "{text}");
        }
        assert_eq!(format().found_in(&format!("{two}{one}")), [two, one], "with nothing between");
        for text in ["", "lev_sk_", &one[..55], &one[1..], &one.to_uppercase(), &one.replace('_', "-")] {
            assert_eq!(format().found_in(text), [""; 0], "{text}");
        }
    }

    #[test]
    fn what_is_shown_of_a_key_tells_its_prefix() {
        let (ours, shorter) = (KeyFormat::new("lev_sk_").unwrap(), KeyFormat::new("lev_").unwrap());
        assert!(ours.has_shown("lev_sk_abcd") && shorter.has_shown("lev_abcd"));
        for other in ["lev_abcd", "acme_sk_abcd", "lev_sk_abc", ""] {
            assert!(!ours.has_shown(other), "{other}");
        }
        assert!(!shorter.has_shown("lev_sk_abcd"), "a prefix of a prefix is another one");
    }

    #[test]
    fn a_prefix_is_checked() {
        for bad in ["", "_", "lev", "Lev_", "1ev_", "lev-sk_", &format!("{}_", "a".repeat(32))] {
            assert!(KeyFormat::new(bad).is_err(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn a_wrong_character_a_swap_or_a_wrong_length_is_found(seed in any::<u64>(), at in 7_usize..56, with in 0_usize..62) {
            let random = Counting(std::sync::Mutex::new(seed));
            let key = format().generate(&random).unwrap();
            prop_assert!(format().is_well_formed(key.expose()));
            let mut typo = key.expose().as_bytes().to_vec();
            typo[at] = ALPHABET[with];
            let typo = String::from_utf8(typo).unwrap();
            prop_assert_eq!(format().is_well_formed(&typo), typo == key.expose());
            let mut swapped = key.expose().as_bytes().to_vec();
            swapped.swap(at, at.max(8) - 1);
            let swapped = String::from_utf8(swapped).unwrap();
            prop_assert_eq!(format().is_well_formed(&swapped), swapped == key.expose());
            prop_assert!(!format().is_well_formed(&key.expose()[..at]));
            let longer = key.expose().to_owned() + "0";
            prop_assert!(!format().is_well_formed(&longer));
        }

        #[test]
        fn any_text_is_judged_without_panic(text in ".{0,80}") {
            prop_assert!(!format().is_well_formed(&text) || text.starts_with("lev_sk_"));
        }
    }
}

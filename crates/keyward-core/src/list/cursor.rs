//! Cursors: a list's own, signed place in itself.

use crate::denial::Denial;
use crate::id::AccountId;
use crate::query::malformed;
use crate::root_secret::{Purpose, RootSecret};
use crate::swap::Swap;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, Mac};
use sha2::Sha256;

/// The list that a cursor belongs to.
#[derive(Clone, Copy, Debug)]
pub struct CursorList<'a> {
    /// The list: `deals`, `team`.
    pub name: &'a str,
    /// The account that it was read in.
    pub account: AccountId,
    /// The filter, in one canonical text ([`super::Filter::canonical`]); empty for none.
    pub filter: &'a str,
}

/// Signs and opens cursors. A cursor is the last id of its page and a signature over list, account and filter, so
/// that an edited one, or one of another list, is refused instead of answered wrongly.
///
/// Clones share the keys.
#[derive(Clone)]
pub struct Cursors {
    keys: Swap<Vec<(u32, Hmac<Sha256>)>>,
}

const SIGNATURE: usize = 16;

impl Cursors {
    /// With the keys of every version of the root secret; the last one signs.
    #[must_use]
    pub fn new(root: &RootSecret) -> Self {
        Self { keys: Swap::new(keys_of(root)) }
    }

    /// Takes up the keys of another root secret, for all clones. Cursors of a version that it does not have are refused.
    pub fn take_up(&self, root: &RootSecret) {
        self.keys.replace(keys_of(root));
    }

    /// The cursor after the item of this id.
    #[must_use]
    pub fn sign(&self, list: CursorList<'_>, last: i64) -> String {
        let keys = self.keys.get();
        let Some((version, key)) = keys.last() else { return String::new() };
        let mut bytes = version.to_be_bytes().to_vec();
        bytes.extend_from_slice(&last.to_be_bytes());
        let signature = signed(key, list, &bytes).finalize().into_bytes();
        bytes.extend(signature.iter().take(SIGNATURE));
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// The id after which the page begins.
    ///
    /// # Errors
    /// [`Denial::QueryMalformed`] when the cursor is not one that this list gave.
    pub fn open(&self, list: CursorList<'_>, cursor: &str) -> Result<i64, Denial> {
        self.try_open(list, cursor).ok_or_else(|| {
            malformed("cursor is not valid for this list; send next_cursor of the previous page, with the same filters")
        })
    }

    fn try_open(&self, list: CursorList<'_>, cursor: &str) -> Option<i64> {
        // Absent: it is no cursor of ours, and the request is refused.
        let bytes = URL_SAFE_NO_PAD.decode(cursor).ok()?;
        let (head, signature) = bytes.split_at_checked(12)?;
        let (version, last) = head.split_at_checked(4)?;
        // Absent: never, it has four bytes.
        let version = u32::from_be_bytes(version.try_into().ok()?);
        let keys = self.keys.get();
        let (_, key) = keys.iter().find(|(known, _)| *known == version)?;
        if signature.len() != SIGNATURE {
            return None;
        }
        // Absent: it was not signed here, or for another list.
        signed(key, list, head).verify_truncated_left(signature).ok()?;
        // Absent: never, it has eight bytes.
        Some(i64::from_be_bytes(last.try_into().ok()?))
    }
}

fn keys_of(root: &RootSecret) -> Vec<(u32, Hmac<Sha256>)> {
    let key = |version| {
        let derived = root.derive(version, Purpose::Cursor)?;
        // Absent: no key, so what it would have signed is refused.
        Some((version, Hmac::new_from_slice(derived.as_slice()).ok()?))
    };
    root.versions().filter_map(key).collect()
}

fn signed(key: &Hmac<Sha256>, list: CursorList<'_>, head: &[u8]) -> Hmac<Sha256> {
    let mut mac = key.clone();
    // Each part is preceded by its length, so that no two lists can share a text.
    for part in [head, list.name.as_bytes(), &list.account.0.to_be_bytes(), list.filter.as_bytes()] {
        mac.update(&(part.len() as u64).to_be_bytes());
        mac.update(part);
    }
    mac
}

impl std::fmt::Debug for Cursors {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Cursors([redacted])")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn cursors() -> Cursors {
        Cursors::new(&RootSecret::parse("1 AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8").unwrap())
    }

    const LIST: CursorList<'_> = CursorList { name: "deals", account: AccountId(1), filter: "" };

    #[test]
    fn a_cursor_opens_only_in_its_own_list() {
        let cursor = cursors().sign(LIST, 42);
        assert_eq!(cursors().open(LIST, &cursor), Ok(42));
        for other in [
            CursorList { name: "team", ..LIST },
            CursorList { account: AccountId(2), ..LIST },
            CursorList { filter: "archived=true", ..LIST },
        ] {
            assert!(cursors().open(other, &cursor).is_err());
        }
    }

    proptest! {
        #[test]
        fn every_edit_of_a_cursor_is_refused(last in 0..i64::MAX, at in 0_usize..38, with in any::<u8>()) {
            let cursor = cursors().sign(LIST, last);
            prop_assert_eq!(cursors().open(LIST, &cursor), Ok(last));
            let mut edited = cursor.clone().into_bytes();
            if let Some(byte) = edited.get_mut(at) {
                *byte = with;
            }
            if edited != cursor.as_bytes() {
                let edited = String::from_utf8_lossy(&edited).into_owned();
                prop_assert!(cursors().open(LIST, &edited).is_err());
            }
            prop_assert!(cursors().open(LIST, cursor.get(..at).unwrap_or_default()).is_err() || at >= cursor.len());
        }
    }
}

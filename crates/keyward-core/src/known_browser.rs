//! The mark by which a browser shows that a user has signed in with it before. It gives no right: it only says that what
//! strangers try at this user's address is no reason to let this browser wait.
//!
//! A mark names the user and the moment and is signed under the root secret. It ends with the password: it holds a
//! fingerprint of the password's hash, which only the root secret can make.

use crate::clock::Timestamp;
use crate::id::UserId;
use crate::root_secret::{Purpose, RootSecret};
use crate::secret::Secret;
use crate::swap::Swap;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, Mac};
use sha2::Sha256;
use std::fmt;

/// A mark is good for so long, in seconds.
pub const KNOWN_SECONDS: i64 = 180 * 86_400;
/// The most users that one browser keeps marks of.
const MOST: usize = 4;
const BETWEEN: char = '~';

type Fingerprint = [u8; 12];
type Tag = [u8; 32];

/// A mark with a good signature, not too old. Whether its password is still the user's shows [`KnownBrowsers::is_of`].
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Mark {
    user: UserId,
    at: Timestamp,
    fingerprint: Fingerprint,
    tag: Tag,
}

impl fmt::Debug for Mark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Mark {{ user: {}, at: {}, [redacted] }}", self.user, self.at)
    }
}

impl Mark {
    /// The user who signed in.
    #[must_use]
    pub fn user(&self) -> UserId {
        self.user
    }

    /// A number for counters of this mark's own.
    #[must_use]
    pub fn number(&self) -> u64 {
        self.tag.iter().take(8).fold(0, |number, byte| number << 8 | u64::from(*byte))
    }

    fn text(&self) -> String {
        let encode = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        format!("{}.{}.{}.{}", self.user.0, self.at.unix(), encode(&self.fingerprint), encode(&self.tag))
    }

    fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split('.');
        // Absent: no mark, so the browser is a stranger's.
        let (user, at) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
        // Absent: no mark, so the browser is a stranger's.
        let mut decode = || URL_SAFE_NO_PAD.decode(parts.next()?).ok();
        // Absent: no mark, so the browser is a stranger's.
        let (fingerprint, tag) = (decode()?.try_into().ok()?, decode()?.try_into().ok()?);
        let mark = Self { user: UserId(user), at: Timestamp::from_unix(at), fingerprint, tag };
        // One text for one mark.
        (mark.text() == text).then_some(mark)
    }
}

/// Makes and verifies marks. Clones share the keys.
#[derive(Clone)]
pub struct KnownBrowsers(Swap<Vec<Hmac<Sha256>>>);

impl fmt::Debug for KnownBrowsers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KnownBrowsers([redacted])")
    }
}

impl KnownBrowsers {
    /// With the keys of every version of the root secret.
    #[must_use]
    pub fn new(root: &RootSecret) -> Self {
        Self(Swap::new(keys(root)))
    }

    /// Takes the keys of another root secret, for all clones.
    pub fn take_up(&self, root: &RootSecret) {
        self.0.replace(keys(root));
    }

    /// The marks in a cookie's value that are signed by us and not too old, the newest first.
    #[must_use]
    pub fn marks(&self, value: &str, now: Timestamp) -> Vec<Mark> {
        let keys = self.0.get();
        let is_good = |mark: &Mark| {
            let in_time = mark.at <= now && now < mark.at.plus_seconds(KNOWN_SECONDS);
            in_time && keys.iter().any(|key| tag(key, mark).verify_slice(&mark.tag).is_ok())
        };
        value.split(BETWEEN).take(MOST).filter_map(Mark::parse).filter(is_good).collect()
    }

    /// Whether the mark was made for the password with this hash.
    #[must_use]
    pub fn is_of(&self, mark: &Mark, hash: &Secret) -> bool {
        let keys = self.0.get();
        keys.iter()
            .any(|key| fingerprint(key, mark.user, hash).verify_truncated_left(&mark.fingerprint).is_ok())
    }

    /// The cookie's value after a sign-in of this user with the password of this hash; marks of others stay. `None`: there
    /// is no key to sign with.
    #[must_use]
    pub fn value(&self, before: &[Mark], user: UserId, hash: &Secret, now: Timestamp) -> Option<String> {
        let keys = self.0.get();
        let key = keys.last()?;
        let print = fingerprint(key, user, hash).finalize().into_bytes();
        // Absent: no cookie, so the browser stays a stranger's.
        let fingerprint = print.get(..12)?.try_into().ok()?;
        let mut mark = Mark { user, at: now, fingerprint, tag: [0; 32] };
        mark.tag = tag(key, &mark).finalize().into_bytes().into();
        let others = before.iter().filter(|other| other.user != user).map(Mark::text);
        let all: Vec<String> = std::iter::once(mark.text()).chain(others).take(MOST).collect();
        Some(all.join(&BETWEEN.to_string()))
    }
}

fn fingerprint(key: &Hmac<Sha256>, user: UserId, hash: &Secret) -> Hmac<Sha256> {
    key.clone().chain_update(b"password").chain_update(user.0.to_be_bytes()).chain_update(hash.expose())
}

fn tag(key: &Hmac<Sha256>, mark: &Mark) -> Hmac<Sha256> {
    let (user, at) = (mark.user.0.to_be_bytes(), mark.at.unix().to_be_bytes());
    key.clone().chain_update(b"mark").chain_update(user).chain_update(at).chain_update(mark.fingerprint)
}

fn keys(root: &RootSecret) -> Vec<Hmac<Sha256>> {
    // Absent: without a key no mark is believed.
    let key = |version| Hmac::new_from_slice(root.derive(version, Purpose::KnownBrowser)?.as_slice()).ok();
    root.versions().filter_map(key).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::OsRandom;

    fn hash(text: &str) -> Secret {
        Secret::new(format!("$argon2id$v=19$m=19456,t=2,p=1${text}"))
    }

    #[test]
    fn a_mark_is_of_its_user_its_password_and_half_a_year() {
        let known = KnownBrowsers::new(&RootSecret::generate(&OsRandom).unwrap());
        let now = Timestamp::from_unix(1_000_000);
        let value = known.value(&[], UserId(7), &hash("one"), now).unwrap();
        let mark = known.marks(&value, now)[0];
        assert_eq!(mark.user(), UserId(7));
        assert!(known.is_of(&mark, &hash("one")));
        assert!(!known.is_of(&mark, &hash("two")), "it ends with the password");
        assert_eq!(known.marks(&value, now.plus_seconds(KNOWN_SECONDS - 1)).len(), 1);
        assert!(known.marks(&value, now.plus_seconds(KNOWN_SECONDS)).is_empty());
        assert!(known.marks(&value, now.plus_seconds(-1)).is_empty());
        assert!(!value.contains("argon2"), "no secret stands in it");
        let other = KnownBrowsers::new(&RootSecret::generate(&OsRandom).unwrap());
        assert!(other.marks(&value, now).is_empty(), "another server's mark");
    }

    #[test]
    fn a_mark_cannot_be_forged() {
        let known = KnownBrowsers::new(&RootSecret::generate(&OsRandom).unwrap());
        let now = Timestamp::from_unix(1_000_000);
        let value = known.value(&[], UserId(7), &hash("one"), now).unwrap();
        for index in 0..value.len() {
            let mut bytes = value.clone().into_bytes();
            bytes[index] ^= 1;
            let edited = String::from_utf8(bytes).unwrap();
            assert!(known.marks(&edited, now).is_empty(), "{edited}");
        }
        let of_another = value.replacen("7.", "8.", 1);
        let longer = value.replacen("1000000", "1000001", 1);
        for forged in
            ["", "~~~~", "7.1000000..", &of_another, &longer, &value[..value.len() - 4], &format!("{value}=")]
        {
            assert!(known.marks(forged, now.plus_seconds(5)).is_empty(), "{forged}");
        }
    }

    #[test]
    fn a_browser_keeps_the_marks_of_its_last_four_users() {
        let known = KnownBrowsers::new(&RootSecret::generate(&OsRandom).unwrap());
        let now = Timestamp::from_unix(1_000_000);
        let mut marks = Vec::new();
        for user in [1, 2, 3, 2, 4, 5] {
            let value = known.value(&marks, UserId(user), &hash("one"), now).unwrap();
            marks = known.marks(&value, now);
            assert!(value.len() < 400, "it fits into a cookie");
        }
        assert_eq!(marks.iter().map(|mark| mark.user.0).collect::<Vec<_>>(), [5, 4, 2, 3]);
    }

    #[test]
    fn marks_outlive_a_rotation_of_the_root_secret_as_long_as_the_older_version_is_kept() {
        let first = RootSecret::generate(&OsRandom).unwrap();
        let second = first.next(&OsRandom).unwrap();
        let known = KnownBrowsers::new(&first);
        let now = Timestamp::from_unix(1_000_000);
        let value = known.value(&[], UserId(7), &hash("one"), now).unwrap();
        known.take_up(&second);
        assert!(known.is_of(&known.marks(&value, now)[0], &hash("one")));
        known.take_up(&second.next(&OsRandom).unwrap());
        assert!(known.marks(&value, now).is_empty());
    }
}

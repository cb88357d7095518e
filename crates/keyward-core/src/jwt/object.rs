//! A JSON object of a token or a key set, read strictly: no member twice at any depth, no end that is not the end, and a
//! member of the wrong type is a mistake, never an absent one.
//!
//! It borrows from the text and keeps nothing but its members, so that garbage costs about as much memory as it was long.
//!
//! A name that begins with a slash is a JSON Pointer (RFC 6901): `/ext/email` is the member `email` of the member `ext`. Other
//! names are taken to the letter, dots and slashes within included, as claims are that have a URL for a name.

use super::number::whole_seconds;
use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::fmt;
use std::hash::{DefaultHasher, Hash, Hasher};

/// The most members of a payload or a key set, of a header, and of an object within. Issuers are far from these; garbage that
/// is all members would cost more memory than it is long.
const MOST: usize = 128;
const MOST_OF_HEADER: usize = 32;
const MOST_WITHIN: usize = 512;
/// The longest number of a member, in characters: far beyond any that is exact.
const LONGEST_NUMBER: usize = 40;

/// It is not an object as we take it, or a member is not of its type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Wrong;

/// An object, its members as they were written.
#[derive(Debug)]
pub(super) struct Object<'t>(Vec<(Cow<'t, str>, &'t RawValue)>);

impl<'t> Object<'t> {
    /// Reads a whole text.
    pub(super) fn parse(text: &'t [u8]) -> Result<Self, Wrong> {
        let members = serde_json::from_slice::<Members<'t>>(text).map_err(|_| Wrong)?;
        // The members of this object were compared as they were read; what lies within them is walked here.
        for (_, value) in &members.0 {
            if matches!(value.get().as_bytes().first(), Some(b'{' | b'[')) {
                serde_json::from_str::<Unique>(value.get()).map_err(|_| Wrong)?;
            } else {
                // A number that no one can hold, a half of a surrogate pair.
                if value.get().len() > LONGEST_NUMBER && !value.get().starts_with('"') {
                    return Err(Wrong);
                }
                serde_json::from_str::<Scalar>(value.get()).map_err(|_| Wrong)?;
            }
        }
        Ok(Self(members.0))
    }

    /// Reads a header.
    pub(super) fn header(text: &'t [u8]) -> Result<Self, Wrong> {
        // Counted before it is read: every member but the last is followed by a comma.
        let commas = text.iter().filter(|byte| **byte == b',').count();
        if commas >= MOST_OF_HEADER { Err(Wrong) } else { Self::parse(text) }
    }

    /// Whether there is a member of this name, whatever it holds.
    pub(super) fn has(&self, name: &str) -> bool {
        !matches!(self.raw(name), Ok(None))
    }

    /// The names of its members.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(name, _)| name.as_ref())
    }

    /// The member; a pointer through what is no object is a mistake.
    fn raw(&self, name: &str) -> Result<Option<&'t RawValue>, Wrong> {
        match name.strip_prefix('/') {
            Some(pointer) => self.within(pointer),
            None => Ok(self.member(name)),
        }
    }

    fn member(&self, name: &str) -> Option<&'t RawValue> {
        self.0.iter().find(|(own, _)| own == name).map(|(_, value)| *value)
    }

    fn within(&self, pointer: &str) -> Result<Option<&'t RawValue>, Wrong> {
        let (first, rest) = match pointer.split_once('/') {
            Some((first, rest)) => (first, Some(rest)),
            None => (pointer, None),
        };
        // In this order, so that `~01` is `~1` (RFC 6901 §4).
        let found = self.member(&first.replace("~1", "/").replace("~0", "~"));
        match (found, rest) {
            (Some(object), Some(rest)) => Self::parse(object.get().as_bytes())?.within(rest),
            (found, _) => Ok(found),
        }
    }

    fn read<T: Deserialize<'t>>(&self, name: &str) -> Result<Option<T>, Wrong> {
        self.raw(name)?.map(|value| serde_json::from_str(value.get()).map_err(|_| Wrong)).transpose()
    }

    /// A text. `null` is of the wrong type.
    pub(super) fn text(&self, name: &str) -> Result<Option<Cow<'t, str>>, Wrong> {
        Ok(self.read::<Text<'t>>(name)?.map(|text| text.0))
    }

    /// A whole number that is not negative, written without fraction and exponent.
    pub(super) fn whole(&self, name: &str) -> Result<Option<u64>, Wrong> {
        let plain = |value: &RawValue| value.get().bytes().all(|byte| byte.is_ascii_digit());
        if self.raw(name)?.is_some_and(|value| !plain(value)) {
            return Err(Wrong);
        }
        self.read(name)
    }

    /// A moment in seconds since 1970 (NumericDate, RFC 7519 §2), rounded down.
    pub(super) fn seconds(&self, name: &str) -> Result<Option<u64>, Wrong> {
        self.raw(name)?.map(|value| whole_seconds(value.get()).ok_or(Wrong)).transpose()
    }

    /// `true` or `false`, or what issuers write for them as a text: `"true"`, `"false"`, in whatever case, `"1"` and `"0"`.
    pub(super) fn flag(&self, name: &str) -> Result<Option<bool>, Wrong> {
        if !self.raw(name)?.is_some_and(|value| value.get().starts_with('"')) {
            return self.read(name);
        }
        match self.text(name)?.as_deref() {
            Some(text) if text.eq_ignore_ascii_case("true") || text == "1" => Ok(Some(true)),
            Some(text) if text.eq_ignore_ascii_case("false") || text == "0" => Ok(Some(false)),
            // Absent: a mistake, neither of the two.
            _ => Err(Wrong),
        }
    }

    /// Texts.
    pub(super) fn texts(&self, name: &str) -> Result<Option<Vec<Cow<'t, str>>>, Wrong> {
        Ok(self.read::<Vec<Text<'t>>>(name)?.map(|texts| texts.into_iter().map(|text| text.0).collect()))
    }

    /// One text, or several.
    pub(super) fn text_or_texts(&self, name: &str) -> Result<Option<Vec<Cow<'t, str>>>, Wrong> {
        if self.raw(name)?.is_some_and(|value| value.get().starts_with('"')) {
            return Ok(self.text(name)?.map(|text| vec![text]));
        }
        self.texts(name)
    }

    /// Objects.
    pub(super) fn objects(&self, name: &str) -> Result<Option<Vec<&'t RawValue>>, Wrong> {
        self.read(name)
    }
}

/// Borrows a text where it has no escapes.
struct Text<'t>(Cow<'t, str>);

impl<'de> Deserialize<'de> for Text<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct OfText;
        impl<'de> Visitor<'de> for OfText {
            type Value = Text<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text")
            }

            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Text<'de>, E> {
                Ok(Text(Cow::Borrowed(text)))
            }

            fn visit_str<E>(self, text: &str) -> Result<Text<'de>, E> {
                Ok(Text(Cow::Owned(text.to_owned())))
            }
        }
        deserializer.deserialize_str(OfText)
    }
}

struct Members<'t>(Vec<(Cow<'t, str>, &'t RawValue)>);

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct OfMembers;
        impl<'de> Visitor<'de> for OfMembers {
            type Value = Members<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members<'de>, A::Error> {
                let mut members: Vec<(Cow<'de, str>, &'de RawValue)> = Vec::with_capacity(16);
                while let Some(Text(name)) = map.next_key()? {
                    if members.len() == MOST || members.iter().any(|(own, _)| *own == name) {
                        return Err(serde::de::Error::custom("a member twice, or too many"));
                    }
                    members.push((name, map.next_value()?));
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(OfMembers)
    }
}

/// Any value within which no object has a member twice. Of names only a hash is kept: two names with one hash are taken for
/// the same, and the text is refused, which a client can bring about only for its own.
struct Unique;

/// A value that is neither object nor array.
type Scalar = Unique;

impl<'de> Deserialize<'de> for Unique {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct OfAny;
        impl<'de> Visitor<'de> for OfAny {
            type Value = Unique;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a value without doubled members")
            }

            fn visit_unit<E>(self) -> Result<Unique, E> {
                Ok(Unique)
            }

            fn visit_bool<E>(self, _: bool) -> Result<Unique, E> {
                Ok(Unique)
            }

            fn visit_i64<E>(self, _: i64) -> Result<Unique, E> {
                Ok(Unique)
            }

            fn visit_u64<E>(self, _: u64) -> Result<Unique, E> {
                Ok(Unique)
            }

            fn visit_f64<E>(self, _: f64) -> Result<Unique, E> {
                Ok(Unique)
            }

            fn visit_str<E>(self, _: &str) -> Result<Unique, E> {
                Ok(Unique)
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Unique, A::Error> {
                while items.next_element::<Unique>()?.is_some() {}
                Ok(Unique)
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Unique, A::Error> {
                let mut names = Vec::new();
                while let Some(Text(name)) = map.next_key()? {
                    let mut hasher = DefaultHasher::new();
                    name.hash(&mut hasher);
                    if names.len() == MOST_WITHIN {
                        return Err(serde::de::Error::custom("too many members"));
                    }
                    names.push(hasher.finish());
                    map.next_value::<Unique>()?;
                }
                names.sort_unstable();
                if names.is_sorted_by(|one, next| one < next) {
                    return Ok(Unique);
                }
                Err(serde::de::Error::custom("a member twice"))
            }
        }
        deserializer.deserialize_any(OfAny)
    }
}

#[cfg(test)]
mod tests;

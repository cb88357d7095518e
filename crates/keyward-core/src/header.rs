//! The request headers that the door reads, each by its own grammar.

use crate::credential_form::CredentialForm;
use crate::denial::Denial;
use crate::header_text::text;
use uuid::Uuid;

/// The headers that may stand once: two of any of them is a 400.
pub const SINGLE: &[&str] = &[
    "Authorization",
    "Host",
    "Idempotency-Key",
    "X-Origin-App",
    "X-Active-Account",
    "Content-Type",
    "Origin",
];

/// The token of `Authorization: Bearer <token>`: the scheme in any case, one or more spaces, and a `b64token` (RFC 6750 §2.1,
/// RFC 9110 §11.6.2).
///
/// # Errors
/// [`Denial::CredentialMalformed`], with the form that was sent.
pub fn bearer(value: &[u8]) -> Result<&str, Denial> {
    // Absent: no text, so no scheme and token.
    let parts = std::str::from_utf8(value).ok().and_then(|text| text.split_once(' '));
    let token = parts.filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
    let token = token.map(|(_, rest)| rest.trim_start_matches(' ')).filter(|token| is_b64token(token));
    token.ok_or_else(|| Denial::CredentialMalformed(CredentialForm::of(value)))
}

fn is_b64token(token: &str) -> bool {
    let body = token.trim_end_matches('=');
    let fits = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_' | b'~' | b'+' | b'/');
    !body.is_empty() && body.bytes().all(fits)
}

/// What a name in `X-Origin-App` is made of.
#[must_use]
pub fn is_of_origin_app(character: char) -> bool {
    character.is_ascii_alphanumeric() || matches!(character, '.' | '_' | '-')
}

/// The name in `X-Origin-App`: 1 to 64 of `[A-Za-z0-9._-]`.
///
/// # Errors
/// [`Denial::OriginAppMissing`] when it is absent or empty, [`Denial::HeaderMalformed`] otherwise.
pub fn origin_app(value: Option<&[u8]>) -> Result<&str, Denial> {
    let value =
        value.map(<[u8]>::trim_ascii).filter(|value| !value.is_empty()).ok_or(Denial::OriginAppMissing)?;
    let plain = value.len() <= 64 && value.iter().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(b));
    // Absent: what is no text is refused as malformed.
    std::str::from_utf8(value).ok().filter(|_| plain).ok_or_else(|| {
        Denial::HeaderMalformed(
            "X-Origin-App must be 1 to 64 letters, digits, dots, hyphens or underscores".to_owned(),
        )
    })
}

/// The UUID in `Idempotency-Key`: hyphenated, bare or as a quoted structured string (RFC 8941 §3.3.3).
///
/// # Errors
/// [`Denial::IdempotencyKeyMalformed`].
pub fn idempotency_key(value: &[u8]) -> Result<Uuid, Denial> {
    let text = std::str::from_utf8(value).map_err(|_| Denial::IdempotencyKeyMalformed)?.trim_ascii();
    // Absent: it is bare; with one quote it is no UUID.
    let bare = text.strip_prefix('"').and_then(|t| t.strip_suffix('"')).unwrap_or(text);
    if bare.len() != 36 {
        return Err(Denial::IdempotencyKeyMalformed);
    }
    Uuid::try_parse(bare).map_err(|_| Denial::IdempotencyKeyMalformed)
}

/// Whether `Content-Type` says JSON in UTF-8: `application/json` or `application/…+json` (RFC 6839 §3.1), with any parameters but
/// another `charset`. A JSON Patch is a list of operations and no object, so it does not mean what is read here.
#[must_use]
pub fn is_json(content_type: &str) -> bool {
    let mut is_quoted = false;
    let ends = |one: char| {
        is_quoted ^= one == '"';
        one == ';' && !is_quoted
    };
    let mut parts = content_type.split(ends).map(str::trim);
    let is_json = parts.next().is_some_and(is_json_essence);
    // An empty parameter is allowed (RFC 9110 §5.6.6).
    let mut parameters = parts.filter(|parameter| !parameter.is_empty());
    let is_other = |(name, value): (&str, &str)| {
        name.eq_ignore_ascii_case("charset") && !value.trim_matches('"').eq_ignore_ascii_case("utf-8")
    };
    is_json && parameters.all(|parameter| parameter.split_once('=').is_some_and(|pair| !is_other(pair)))
}

fn is_json_essence(essence: &str) -> bool {
    let essence = essence.to_ascii_lowercase();
    let Some(subtype) = essence.strip_prefix("application/") else { return false };
    let suffixed = subtype.strip_suffix("+json").is_some_and(|name| !name.is_empty() && name != "json-patch");
    subtype == "json" || suffixed
}

/// Whether a content type is that of a form.
#[must_use]
pub fn is_form(content_type: &str) -> bool {
    let is_form = |essence: &str| essence.trim().eq_ignore_ascii_case("application/x-www-form-urlencoded");
    content_type.split(';').next().is_some_and(is_form)
}

/// What `If-Match` asks for (RFC 9110 §13.1.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum IfMatch {
    /// Nothing: the header is absent.
    Always,
    /// `*`: the resource exists.
    Exists,
    /// A version that one of these tags names, quotes included.
    OneOf(Vec<String>),
}

impl IfMatch {
    /// Reads the header's fields.
    ///
    /// # Errors
    /// [`Denial::HeaderMalformed`].
    pub fn parse<'v>(fields: impl Iterator<Item = &'v [u8]>) -> Result<Self, Denial> {
        Self::parse_as("If-Match", fields)
    }

    /// The same of the header with this name, which has the same grammar.
    pub(crate) fn parse_as<'v>(
        name: &'static str,
        fields: impl Iterator<Item = &'v [u8]>,
    ) -> Result<Self, Denial> {
        let malformed = || {
            let rule = "must be * or a list of quoted entity tags, as ETag gives them";
            Denial::HeaderMalformed(format!("{name} {rule}"))
        };
        let mut tags = Vec::new();
        let mut any = false;
        let mut seen = false;
        for field in fields {
            seen = true;
            let field = std::str::from_utf8(field).map_err(|_| malformed())?;
            for item in field.split(',').map(str::trim) {
                match item {
                    "*" => any = true,
                    _ if is_entity_tag(item) => tags.push(item.to_owned()),
                    // Absent: neither, so it is refused.
                    _ => return Err(malformed()),
                }
            }
        }
        match (seen, any, tags.is_empty()) {
            (false, ..) => Ok(Self::Always),
            (true, true, true) => Ok(Self::Exists),
            (true, false, false) => Ok(Self::OneOf(tags)),
            (true, true, false) | (true, false, true) => Err(malformed()),
        }
    }

    /// Whether a resource with this tag may be changed.
    #[must_use]
    pub fn allows(&self, current: &str) -> bool {
        match self {
            Self::Always | Self::Exists => true,
            Self::OneOf(tags) => tags.iter().any(|tag| names(tag, current)),
        }
    }
}

/// Whether a client that sends these parts of `If-None-Match` has the version with this tag, or any at all by `*` (RFC 9110 §13.1.2). A
/// part that is no tag names none: a read is then answered in full.
#[must_use]
pub fn has_version<'v>(parts: impl IntoIterator<Item = &'v [u8]>, current: &str) -> bool {
    let mut tags = parts.into_iter().filter_map(text);
    tags.any(|tag| tag == "*" || is_entity_tag(tag) && names(tag, current))
}

/// Whether a tag names the version whose tag is the current one. A proxy that compresses an answer makes its tag weak (nginx,
/// Varnish) or puts the coding at its end (Apache and Caddy `"d7-1-gzip"`, Jetty `"d7-1--gzip"`, LiteSpeed `"d7-1;br"`), and passes
/// on what the client then sends. Tags of ours have no letter behind a hyphen, so that none is another one with a coding; but the tag of a
/// version that is shown with related records, `"d7-1-r…"`, names that version in the same way.
fn names(tag: &str, current: &str) -> bool {
    let coding = opening(current).zip(opening(tag)).and_then(|(current, tag)| tag.strip_prefix(current));
    coding.is_some_and(|coding| coding.is_empty() || is_coding(coding))
}

/// A tag without what makes it weak and without its last quote.
fn opening(tag: &str) -> Option<&str> {
    // Absent: a strong tag.
    tag.strip_prefix("W/").unwrap_or(tag).strip_suffix('"')
}

/// A hyphen, two, or a semicolon, and what begins with a letter, such as `-gzip`.
fn is_coding(end: &str) -> bool {
    let name = ["--", "-", ";"].into_iter().find_map(|mark| end.strip_prefix(mark));
    name.is_some_and(|name| name.starts_with(|first: char| first.is_ascii_alphabetic()))
}

/// `"…"` or `W/"…"`. Tags of ours never hold a comma, so splitting at commas first is safe.
fn is_entity_tag(item: &str) -> bool {
    // Absent: a strong tag.
    let opaque = item.strip_prefix("W/").unwrap_or(item);
    let inner = opaque.strip_prefix('"').and_then(|t| t.strip_suffix('"'));
    inner.is_some_and(|inner| inner.bytes().all(|b| b != b'"' && b > b' ' && b != 0x7f))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bearer_token_is_scheme_spaces_token() {
        for good in ["Bearer abc", "bearer a.b-c_d~e+f/g==", "BEARER x", "Bearer  abc", "Bearer     x"] {
            assert!(bearer(good.as_bytes()).is_ok(), "{good}");
        }
        for bad in [
            "",
            "Bearer",
            "Bearer ",
            "Basic abc",
            "Bearer a b",
            "Bearer a,b",
            "abc",
            "Bearer =",
            "Bearer\tabc",
            "Bearer ä",
        ] {
            let form = CredentialForm::of(bad.as_bytes());
            assert_eq!(bearer(bad.as_bytes()), Err(Denial::CredentialMalformed(form)), "{bad}");
        }
        assert_eq!(bearer(b"Bearer   a.b="), Ok("a.b="), "the spaces are no part of the token");
    }

    #[test]
    fn an_origin_app_is_a_plain_name() {
        assert_eq!(origin_app(Some(b"my-integration")), Ok("my-integration"));
        assert_eq!(origin_app(Some(&[b'a'; 64])).map(str::len), Ok(64));
        assert_eq!(origin_app(None), Err(Denial::OriginAppMissing));
        assert_eq!(origin_app(Some(b"  ")), Err(Denial::OriginAppMissing));
        for bad in [b"a b".as_slice(), b"a/b", &[b'a'; 65], "ä".as_bytes(), b"a\x1b[31m"] {
            assert!(matches!(origin_app(Some(bad)), Err(Denial::HeaderMalformed(_))));
        }
    }

    #[test]
    fn an_idempotency_key_is_a_uuid_bare_or_quoted() {
        let uuid = "550e8400-e29b-41d4-a716-446655440000";
        assert!(idempotency_key(uuid.as_bytes()).is_ok());
        assert!(idempotency_key(format!("\"{uuid}\"").as_bytes()).is_ok());
        assert!(idempotency_key(uuid.to_uppercase().as_bytes()).is_ok());
        for bad in [
            "",
            "abc",
            "550e8400e29b41d4a716446655440000",
            "{550e8400-e29b-41d4-a716-446655440000}",
            "\"550e8400-e29b-41d4-a716-446655440000",
            "550e8400-e29b-41d4-a716-44665544000g",
            "ä",
        ] {
            assert_eq!(idempotency_key(bad.as_bytes()), Err(Denial::IdempotencyKeyMalformed), "{bad}");
        }
    }

    #[test]
    fn json_may_be_a_kind_of_json_and_say_any_parameter_but_another_charset() {
        for good in [
            "application/json",
            "Application/JSON",
            "application/json; charset=utf-8",
            "application/json;charset=\"UTF-8\"",
            "application/json; profile=\"https://lev.example/v2\"",
            "application/json; profile=\"a;b\"; charset=utf-8",
            "application/json;odata.metadata=minimal; charset=utf-8;",
            "application/merge-patch+json",
            "application/vnd.api+json; ext=\"bulk\"",
            "APPLICATION/LD+JSON;charset=utf-8",
        ] {
            assert!(is_json(good), "{good}");
        }
        for bad in [
            "",
            "text/json",
            "application/json; charset=latin1",
            "application/hal+json; charset=utf-16",
            "application/json; charset",
            "application/json-patch+json",
            "application/+json",
            "text/plain+json",
            "multipart/related+json",
            "application/jsonx",
            "application/json+xml",
            "application/x-www-form-urlencoded",
        ] {
            assert!(!is_json(bad), "{bad}");
        }
    }

    #[test]
    fn if_match_names_a_version_also_by_a_tag_that_a_proxy_changed() {
        let parse = |text: &str| IfMatch::parse([text.as_bytes()].into_iter());
        assert_eq!(IfMatch::parse(std::iter::empty()), Ok(IfMatch::Always));
        assert!(parse("*").unwrap().allows("\"1\""));
        assert!(parse("\"0\", \"1\"").unwrap().allows("\"1\""));
        assert!(!parse("\"0\"").unwrap().allows("\"1\""));
        for same in [
            "\"d1-1\"",
            "W/\"d1-1\"",
            "\"d1-1-gzip\"",
            "\"d1-1--gzip\"",
            "\"d1-1;br\"",
            "W/\"d1-1-zstd-gzip\"",
        ] {
            assert!(parse(same).unwrap().allows("\"d1-1\""), "{same}");
        }
        for other in [
            "\"d1-2\"",
            "\"d1-12\"",
            "\"d1-1-2\"",
            "\"d1-1-\"",
            "\"d1-1gzip\"",
            "\"d1-1---gzip\"",
            "\"D1-1\"",
            "\"d1\"",
        ] {
            assert!(!parse(other).unwrap().allows("\"d1-1\""), "{other}");
        }
        for bad in ["", "1", "\"1", "*, \"1\"", "\"a\"b\"", "\"1\",,"] {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_read_has_the_version_that_a_tag_names_however_a_proxy_changed_it_and_by_no_tag_that_is_none() {
        let has = |sent: &str, current: &str| {
            has_version(sent.split(',').map(|part| part.trim().as_bytes()), current)
        };
        for current in ["\"d1-1\"", "W/\"d1-1\""] {
            for sent in [
                "*",
                "\"d1-1\"",
                "W/\"d1-1\"",
                "\"d1-1-gzip\"",
                "W/\"d1-1;br\"",
                "x, \"d1-1\"",
                "\"0\", \"d1-1\"",
            ] {
                assert!(has(sent, current), "{sent} {current}");
            }
            for sent in ["", "d1-1", "\"d1-2\"", "\"d1-12\"", "\"d1-1", "W/", "**", "\"\""] {
                assert!(!has(sent, current), "{sent} {current}");
            }
        }
        assert!(
            has_version([b"\xff".as_slice(), b"\"1\""], "\"1\""),
            "a part that nobody can read voids itself alone"
        );
    }
}

//! The query of a request, read strictly: a parameter stands once, and every parameter is known.

use crate::denial::Denial;

/// More parameters than this are not read: no operation has nearly as many.
const MAX_PARAMETERS: usize = 64;

/// The parameters of a query, until each was taken.
#[derive(Debug, Default)]
pub struct Query {
    pairs: Vec<(String, String)>,
}

impl Query {
    /// Decodes `application/x-www-form-urlencoded` (WHATWG URL §5.1), but refuses what that would repair.
    ///
    /// # Errors
    /// [`Denial::QueryMalformed`]: a bad percent escape, text that is not UTF-8, NUL, or a parameter sent twice.
    pub fn parse(query: Option<&str>) -> Result<Self, Denial> {
        let mut pairs: Vec<(String, String)> = Vec::new();
        // Absent: no query has no parameter.
        for part in query.unwrap_or_default().split('&').filter(|part| !part.is_empty()) {
            // Absent: a name alone has an empty value, as in a form.
            let (name, value) = part.split_once('=').unwrap_or((part, ""));
            let (name, value) = (decode(name)?, decode(value)?);
            if pairs.len() == MAX_PARAMETERS {
                return Err(malformed(format!("The query must have at most {MAX_PARAMETERS} parameters")));
            }
            if pairs.iter().any(|(known, _)| *known == name) {
                return Err(malformed(format!("Query parameter '{}' must be sent only once", shown(&name))));
            }
            pairs.push((name, value));
        }
        Ok(Self { pairs })
    }

    /// Takes a parameter out.
    pub fn take(&mut self, name: &str) -> Option<String> {
        let index = self.pairs.iter().position(|(known, _)| known == name)?;
        Some(self.pairs.swap_remove(index).1)
    }

    /// Takes every parameter of that name, with or without brackets behind it: `filter[a]`, `filter[a][b]`. In their order.
    pub fn take_bracketed(&mut self, name: &str) -> Vec<(String, String)> {
        let is_one = |known: &str| {
            known.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with('['))
        };
        self.pairs.extract_if(.., |(known, _)| is_one(known)).collect()
    }

    /// Takes a parameter that is `true` or `false`; absent is `false`.
    ///
    /// # Errors
    /// [`Denial::QueryMalformed`].
    pub fn take_flag(&mut self, name: &str) -> Result<bool, Denial> {
        match self.take(name).as_deref() {
            None | Some("false") => Ok(false),
            Some("true") => Ok(true),
            Some(_) => Err(malformed(format!("{name} must be true or false"))),
        }
    }

    /// Ends the reading: what was not taken is unknown here.
    ///
    /// # Errors
    /// [`Denial::QueryMalformed`] naming the first unknown parameter.
    pub fn finish(self) -> Result<(), Denial> {
        match self.pairs.first() {
            None => Ok(()),
            Some((name, _)) => Err(malformed(format!("Unknown query parameter '{}'", shown(name)))),
        }
    }
}

/// A [`Denial::QueryMalformed`] with this text.
#[must_use]
pub fn malformed(text: impl Into<String>) -> Denial {
    Denial::QueryMalformed(text.into())
}

/// A name that the client chose, cut and escaped for an error text.
pub(crate) fn shown(name: &str) -> String {
    name.chars().take(64).flat_map(char::escape_debug).collect()
}

fn decode(text: &str) -> Result<String, Denial> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => {
                let digits = (hex(rest.next()), hex(rest.next()));
                let (Some(high), Some(low)) = digits else {
                    return Err(malformed(
                        "The query holds a percent sign that two hexadecimal digits do not follow",
                    ));
                };
                high * 16 + low
            }
            // Absent: any other byte stands for itself.
            _ => byte,
        });
    }
    let text = String::from_utf8(bytes).map_err(|_| malformed("The query is not valid UTF-8"))?;
    if text.contains('\0') { Err(malformed("The query must not contain NUL")) } else { Ok(text) }
}

fn hex(digit: Option<u8>) -> Option<u8> {
    // Absent: never, a digit fits a byte.
    char::from(digit?).to_digit(16).and_then(|value| u8::try_from(value).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(query: &str) -> String {
        Query::parse(Some(query)).and_then(Query::finish).unwrap_err().message()
    }

    #[test]
    fn parameters_are_decoded_and_taken_once() {
        let mut query = Query::parse(Some("a=1+2&filter%5Bx%5D=%C3%A4&flag=true&&e")).unwrap();
        assert_eq!(query.take("a").as_deref(), Some("1 2"));
        assert_eq!(query.take("a"), None);
        assert_eq!(query.take("filter[x]").as_deref(), Some("ä"));
        assert_eq!(query.take_flag("flag"), Ok(true));
        assert_eq!(query.take("e").as_deref(), Some(""));
        assert_eq!(query.finish(), Ok(()));
    }

    #[test]
    fn what_could_be_read_in_two_ways_is_refused() {
        assert_eq!(refused("a=1&a=2"), "Query parameter 'a' must be sent only once");
        assert_eq!(refused("a=1&%61=2"), "Query parameter 'a' must be sent only once");
        assert_eq!(refused("nope=1"), "Unknown query parameter 'nope'");
        assert_eq!(refused("a%0a=1"), "Unknown query parameter 'a\\n'");
        let with = |count: usize| (0..count).map(|n| format!("p{n}=")).collect::<Vec<_>>().join("&");
        assert_eq!(refused(&with(64)), "Unknown query parameter 'p0'");
        assert_eq!(refused(&with(65)), "The query must have at most 64 parameters");
        for bad in ["a=%", "a=%4", "a=%zz", "a=%ff", "a=%00"] {
            refused(bad);
        }
    }
}

//! The query of a request, read strictly: every parameter is known, and one that takes a single value stands once.
//!
//! A list can be written as clients serialise it: `a=x,y`, `a=x&a=y`, `a[]=x&a[]=y` and `a[0]=x&a[1]=y` are the same list.

use crate::denial::Denial;

/// More parameters than this are not read: no operation has nearly as many.
const MAX_PARAMETERS: usize = 64;

/// The parameters of a query, until each was taken.
#[derive(Debug, Default)]
pub struct Query {
    pairs: Vec<(String, String)>,
    /// A parameter that takes a single value, and was sent more than once.
    repeated: Option<String>,
}

impl Query {
    /// Decodes `application/x-www-form-urlencoded` (WHATWG URL §5.1), but refuses what that would repair.
    ///
    /// # Errors
    /// [`Denial::QueryMalformed`]: a bad percent escape, text that is not UTF-8, NUL, or too many parameters.
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
            pairs.push((name, value));
        }
        Ok(Self { pairs, repeated: None })
    }

    /// Takes a parameter that has a single value. Where it was sent more than once, [`Query::finish`] refuses the query.
    pub fn take(&mut self, name: &str) -> Option<String> {
        let mut sent = self.pairs.extract_if(.., |(known, _)| known == name);
        let (name, value) = sent.next()?;
        if sent.count() > 0 {
            self.repeated.get_or_insert(name);
        }
        Some(value)
    }

    /// Takes a parameter that is a list, as one text whose values are separated by commas.
    pub fn take_list(&mut self, name: &str) -> Option<String> {
        let is_one = |known: &str| known == name || without_index(known) == Some(name);
        let sent = self.pairs.extract_if(.., |(known, _)| is_one(known));
        sent.map(|(_, value)| value).reduce(|list, value| list + "," + &value)
    }

    /// Takes every parameter of that name, with or without brackets behind it: `filter[a]`, `filter[a][b]`. In their order.
    pub fn take_bracketed(&mut self, name: &str) -> Vec<(String, String)> {
        let is_one = |known: &str| {
            known.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with('['))
        };
        self.pairs.extract_if(.., |(known, _)| is_one(known)).collect()
    }

    /// Takes a parameter that is `true` or `false`, also written `True`, `False`, `1` and `0`; absent is `false`.
    ///
    /// # Errors
    /// [`Denial::QueryMalformed`].
    pub fn take_flag(&mut self, name: &str) -> Result<bool, Denial> {
        let Some(value) = self.take(name) else { return Ok(false) };
        truth(&value).ok_or_else(|| malformed(format!("{name} must be true or false")))
    }

    /// Ends the reading: what was not taken is unknown here.
    ///
    /// # Errors
    /// [`Denial::QueryMalformed`] naming the first unknown parameter, or one that was repeated and is no list.
    pub fn finish(self) -> Result<(), Denial> {
        match (self.pairs.first(), self.repeated) {
            (None, None) => Ok(()),
            (_, Some(name)) => Err(sent_once(&name)),
            (Some((name, _)), None) => Err(malformed(format!("Unknown query parameter '{}'", shown(name)))),
        }
    }
}

/// `true` or `false`, in the words of the languages that clients are generated in: PHP writes `1` and `0`, Python's `str` writes
/// `True` and `False`.
pub(crate) fn truth(value: &str) -> Option<bool> {
    match value {
        "true" | "True" | "1" => Some(true),
        "false" | "False" | "0" => Some(false),
        // Absent: it is refused.
        _ => None,
    }
}

/// A [`Denial::QueryMalformed`] with this text.
#[must_use]
pub fn malformed(text: impl Into<String>) -> Denial {
    Denial::QueryMalformed(text.into())
}

/// The refusal of a parameter that takes a single value, and was sent more than once.
pub(crate) fn sent_once(name: &str) -> Denial {
    let name = shown(name);
    malformed(format!("Query parameter '{name}' must be sent only once; send one value: {name}=value"))
}

/// The name without the brackets in which clients number the items of a list: `sort[]`, `sort[0]`. `None`: there are none.
pub(crate) fn without_index(name: &str) -> Option<&str> {
    let (list, index) = name.strip_suffix(']')?.rsplit_once('[')?;
    index.bytes().all(|byte| byte.is_ascii_digit()).then_some(list)
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
    fn true_and_false_are_read_as_generated_clients_write_them() {
        for (yes, no) in [("true", "false"), ("True", "False"), ("1", "0")] {
            assert_eq!((truth(yes), truth(no)), (Some(true), Some(false)));
        }
        for neither in ["", "TRUE", "yes", "2", "null", " true"] {
            assert_eq!(truth(neither), None, "{neither:?}");
        }
    }

    #[test]
    fn a_list_is_the_same_in_every_form_that_clients_write() {
        for query in
            ["a=x,y", "a=x&a=y", "a[]=x&a[]=y", "a%5B0%5D=x&a%5B1%5D=y", "a[7]=x&b=1&a=y", "a=x&a[]=y"]
        {
            let mut query = Query::parse(Some(query)).unwrap();
            assert_eq!(query.take_list("a").as_deref(), Some("x,y"));
            query.take("b");
            assert_eq!(query.finish(), Ok(()));
        }
        for query in ["a[x]=1", "a[=1", "a]=1", "a[0][0]=1", "b[]=1", ""] {
            assert_eq!(Query::parse(Some(query)).unwrap().take_list("a"), None, "{query}");
        }
    }

    #[test]
    fn a_single_value_that_is_repeated_is_refused() {
        for query in ["a=1&a=2", "a=1&%61=2", "a=1&a=1", "a=1&b=2&a=3"] {
            let mut query = Query::parse(Some(query)).unwrap();
            assert_eq!(query.take("a").as_deref(), Some("1"));
            assert_eq!(query.take("a"), None);
            query.take("b");
            let told = query.finish().unwrap_err().message();
            assert_eq!(told, "Query parameter 'a' must be sent only once; send one value: a=value");
        }
    }

    #[test]
    fn what_could_be_read_in_two_ways_is_refused() {
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

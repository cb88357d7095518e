//! Parameters of a query or a form, in their order.

use std::fmt;
use url::form_urlencoded;

/// Names and values. They can be secret, so they are not printed.
#[derive(Clone, Default)]
pub(crate) struct Pairs(Vec<(String, String)>);

impl fmt::Debug for Pairs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.iter().map(|(name, _)| name)).finish()
    }
}

impl Pairs {
    /// Reads `application/x-www-form-urlencoded`. An empty value is none (RFC 6749 §3.1).
    pub(crate) fn read(text: &[u8]) -> Self {
        let pairs = form_urlencoded::parse(text).filter(|(_, value)| !value.is_empty());
        Self(pairs.map(|(name, value)| (name.into_owned(), value.into_owned())).collect())
    }

    /// The value of that name. Of one that stands twice there is none: nobody can say which is meant.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        let mut all = self.iter().filter(|(own, _)| *own == name).map(|(_, value)| value);
        match (all.next(), all.next()) {
            (Some(only), None) => Some(only),
            (None, _) | (Some(_), Some(_)) => None,
        }
    }

    /// Every value of that name.
    pub(crate) fn all<'p>(&'p self, name: &'p str) -> impl Iterator<Item = &'p str> {
        self.0.iter().filter(move |(own, _)| own == name).map(|(_, value)| value.as_str())
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// Whether a name stands twice that is none of these.
    pub(crate) fn is_doubled_but_for(&self, several: &[&str]) -> bool {
        let mut names: Vec<&str> =
            self.iter().map(|(name, _)| name).filter(|name| !several.contains(name)).collect();
        names.sort_unstable();
        names.windows(2).any(|two| matches!(two, [one, other] if one == other))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_twice_is_nobodys_and_what_is_empty_is_absent() {
        let pairs = Pairs::read(b"a=1&b=&c=2&c=3&d=x%20y+z");
        assert_eq!(
            (pairs.get("a"), pairs.get("b"), pairs.get("c"), pairs.get("d")),
            (Some("1"), None, None, Some("x y z"))
        );
        assert_eq!(pairs.all("c").count(), 2);
        assert!(pairs.is_doubled_but_for(&[]) && !pairs.is_doubled_but_for(&["c"]));
        assert_eq!(format!("{pairs:?}"), r#"["a", "c", "c", "d"]"#);
    }
}

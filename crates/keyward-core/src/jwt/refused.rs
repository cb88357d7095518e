//! What stands in a JWT that was refused, for the operator: its claims as they were sent, and the setting that would take it.

use crate::identity;

/// The most values of `aud` that are kept.
const AUDIENCES: usize = 8;

/// What a refused JWT says of itself. It holds nothing of the signature and is never sent to a client.
///
/// The values are those of the token, exactly; only one that is longer than any that could be right is cut.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RefusedToken {
    /// Its `iss`.
    pub iss: Option<String>,
    /// Its `aud`, alone or among others.
    pub aud: Vec<String>,
    /// Its `sub`.
    pub sub: Option<String>,
    /// The `typ` of its header.
    pub typ: Option<String>,
    /// The `alg` of its header.
    pub alg: Option<String>,
    /// Which setting would take it, or what its issuer would have to change, in a sentence.
    pub advice: Option<String>,
}

impl RefusedToken {
    /// Where [`advice`](Self::advice) means the token's `sub`, which it never holds: the log shows a subject by a setting.
    pub const SUBJECT: &str = "--subject SUBJECT";

    /// A value of the token, cut at the length of the longest name of an issuer or a subject ([`identity::MOST`] bytes).
    #[must_use]
    pub fn value(text: &str) -> String {
        let mut end = text.len().min(identity::MOST);
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        // Absent: never, the loop ends at a boundary.
        text.get(..end).unwrap_or_default().to_owned()
    }

    /// The values of `aud`: the first few of them.
    pub fn audiences<'t>(values: impl IntoIterator<Item = &'t str>) -> Vec<String> {
        values.into_iter().take(AUDIENCES).map(Self::value).collect()
    }

    /// The values of `aud` in one text.
    #[must_use]
    pub fn aud_text(&self) -> Option<String> {
        (!self.aud.is_empty()).then(|| self.aud.join(" "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_kept_exactly_up_to_the_longest_that_could_be_right() {
        assert_eq!(RefusedToken::value("auth0|ada"), "auth0|ada");
        let longest = "ü".repeat(identity::MOST / 2);
        assert_eq!(RefusedToken::value(&longest), longest);
        let cut = RefusedToken::value(&"ü".repeat(identity::MOST));
        assert!(cut.len() <= identity::MOST && cut.chars().all(|character| character == 'ü'));
    }

    #[test]
    fn a_few_audiences_are_kept() {
        let many = vec!["https://api.example"; 100];
        let token = RefusedToken { aud: RefusedToken::audiences(many), ..RefusedToken::default() };
        assert_eq!(token.aud.len(), AUDIENCES);
        assert_eq!(RefusedToken::default().aud_text(), None);
    }
}

//! Of a token that is good, and whose subject is no user's: where an address stands in it, and what links it by hand.

use super::super::object::Object;
use super::super::rules::{Link, Rules};
use super::{Finding, RefusedToken};

impl Finding<'_> {
    /// Which of the three it is: no address, one that is not verified, or nobody who is waited for.
    pub(super) fn of_link(&self, rules: &Rules) -> String {
        let (claim, verified) = (&rules.email.claim, &rules.email.verified_claim);
        let is_verified = |payload: &Object<'_>| payload.flag(verified) == Ok(Some(true));
        let why = if self.claim(claim).is_none() {
            format!("It has no {claim:?}{}", self.address_elsewhere())
        } else if !self.payload.as_ref().is_some_and(is_verified) {
            format!("Its {verified:?} is not true{}", self.verified_elsewhere(verified))
        } else {
            match rules.link {
                Link::Invitation => {
                    "Nobody who has no account and no subject yet is invited by its address".to_owned()
                }
                Link::VerifiedEmail => {
                    "No active user without a subject of this issuer has its address".to_owned()
                }
            }
        };
        // Absent: never, it found the entry.
        let iss = RefusedToken::value(&self.claim("iss").unwrap_or_default());
        // The log holds this text, and may not hold the subject.
        format!("{why}. Otherwise: keyward user link EMAIL --issuer {iss:?} {}.", RefusedToken::SUBJECT)
    }

    fn address_elsewhere(&self) -> String {
        let is_address = |payload: &Object<'_>, name: &str| {
            // Absent: of another type it is no address.
            payload.text(name).ok().flatten().is_some_and(|text| text.contains('@'))
        };
        let found = self.payload.as_ref().and_then(|payload| elsewhere(payload, &["email"], is_address));
        // Absent: nothing is said of it.
        found.map_or_else(String::new, |name| {
            format!("; email_claim = {:?} names it", RefusedToken::value(&name))
        })
    }

    fn verified_elsewhere(&self, set: &str) -> String {
        let is_true = |payload: &Object<'_>, name: &str| name != set && payload.flag(name) == Ok(Some(true));
        let words = ["email_verified", "xms_edov"];
        let found = self.payload.as_ref().and_then(|payload| elsewhere(payload, &words, is_true));
        // Absent: nothing is said of it.
        found.map_or_else(String::new, |name| {
            format!("; email_verified_claim = {:?} names one that is", RefusedToken::value(&name))
        })
    }
}

/// The members that end in one of these words, at the top or one level below, and hold what `is_it` looks for: the first one's
/// name, as a setting takes it.
fn elsewhere(
    payload: &Object<'_>,
    words: &[&str],
    is_it: impl Fn(&Object<'_>, &str) -> bool,
) -> Option<String> {
    let fits = |name: &str| words.iter().any(|word| is_named(name, word));
    let at_top = payload.names().find(|name| fits(name) && is_it(payload, name)).map(str::to_owned);
    at_top.or_else(|| payload.names().find_map(|outer| within(payload, outer, words, &is_it)))
}

fn within(
    payload: &Object<'_>,
    outer: &str,
    words: &[&str],
    is_it: &impl Fn(&Object<'_>, &str) -> bool,
) -> Option<String> {
    let outer = outer.replace('~', "~0").replace('/', "~1");
    words.iter().map(|word| format!("/{outer}/{word}")).find(|pointer| is_it(payload, pointer))
}

/// Whether the name is this word, or ends in it behind a namespace.
fn is_named(name: &str, word: &str) -> bool {
    let before = name.strip_suffix(word);
    before.is_some_and(|before| before.is_empty() || before.ends_with(['/', ':', '.', '#']))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_found_behind_a_namespace_and_one_level_below() {
        let found = |json: &str| {
            let object = Object::parse(json.as_bytes()).unwrap();
            let is_address = |payload: &Object<'_>, name: &str| {
                payload.text(name).ok().flatten().is_some_and(|text| text.contains('@'))
            };
            elsewhere(&object, &["email"], is_address)
        };
        let named = |name: &str| Some(name.to_owned());
        assert_eq!(found(r#"{"https://x.example/email":"a@b"}"#), named("https://x.example/email"));
        assert_eq!(found(r#"{"urn:x:email":"a@b"}"#), named("urn:x:email"));
        assert_eq!(found(r#"{"ext":{"email":"a@b"}}"#), named("/ext/email"));
        assert_eq!(found(r#"{"a/b~":{"email":"a@b"}}"#), named("/a~1b~0/email"));
        for none in [r#"{"noemail":"a@b"}"#, r#"{"email":7}"#, r#"{"ext":{"x":{"email":"a@b"}}}"#, "{}"] {
            assert_eq!(found(none), None, "{none}");
        }
    }
}

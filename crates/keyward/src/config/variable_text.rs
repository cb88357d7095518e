//! The text of a variable as it was meant. Files of variables with Windows line ends leave a carriage return behind the value,
//! and `docker --env-file` keeps the quotes around it.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

/// The value without line ends behind it and one pair of quotes around it.
pub(crate) fn cleaned(value: &str) -> &str {
    let value = value.trim_end_matches(['\r', '\n']);
    let within = |quote| value.strip_prefix(quote)?.strip_suffix(quote);
    // Absent: it is in no quotes, and stays as it is.
    within('"').or_else(|| within('\'')).unwrap_or(value)
}

/// The same of a path. One that is not text stays.
pub(crate) fn cleaned_path(path: &Path) -> PathBuf {
    // Absent: it is no text, and stays as it is.
    path.to_str().map_or_else(|| path.to_owned(), |text| PathBuf::from(cleaned(text)))
}

/// Whether nothing is left of a value.
pub(crate) fn is_empty(value: &OsStr) -> bool {
    value.to_str().is_some_and(|text| cleaned(text).is_empty())
}

/// Whether it holds characters that a reader does not see, or begins or ends with a blank.
pub(crate) fn has_invisible(text: &str) -> bool {
    let invisible = |c: char| {
        c.is_control()
            || c != ' ' && c.is_whitespace()
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}')
    };
    text.starts_with(' ') || text.ends_with(' ') || text.contains(invisible)
}

/// The received value in quotes with invisible characters written out, behind what is wrong with it; a value that the text shows
/// already, that is long, or that could hold a password is left out.
pub(super) fn with_value(wrong: String, value: &str) -> String {
    let shown = wrong.contains(&format!("(got {value})")) || wrong.contains(&format!("{value:?}"));
    if shown || value.contains('@') || value.len() > 200 { wrong } else { format!("{wrong} (got {value:?})") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_files_of_variables_put_around_a_value_is_dropped_once() {
        for (value, meant) in [
            ("127.0.0.1:8080\r", "127.0.0.1:8080"),
            ("a\r\n", "a"),
            ("\"a\"", "a"),
            ("'a'\r", "a"),
            ("\"\"", ""),
            ("\r", ""),
            ("\"a", "\"a"),
            ("\"", "\""),
            ("\"'a'\"", "'a'"),
            (" a", " a"),
            ("[\"a\",\"b\"]", "[\"a\",\"b\"]"),
        ] {
            assert_eq!(cleaned(value), meant, "{value:?}");
        }
        assert_eq!(cleaned_path(Path::new("k.db\r")), Path::new("k.db"));
    }

    #[test]
    fn a_value_is_shown_with_its_invisible_characters_unless_it_could_hold_a_password() {
        let shown = |value: &str| with_value("it must be true or false".to_owned(), value);
        assert_eq!(shown("0"), "it must be true or false (got \"0\")");
        assert_eq!(shown("true\u{200b}"), "it must be true or false (got \"true\\u{200b}\")");
        assert_eq!(
            with_value("it must be text or json (got xml)".to_owned(), "xml"),
            "it must be text or json (got xml)"
        );
        assert_eq!(shown("https://user:secret@a.example"), "it must be true or false");
    }

    #[test]
    fn invisible_characters_are_found_and_others_are_none() {
        for bad in ["a\r", "a\tb", "\u{feff}a", " a", "a ", "a\u{a0}b", "a\u{200b}"] {
            assert!(has_invisible(bad), "{bad:?}");
        }
        for good in ["a b", "/srv/d\u{e4}ten/keyward.db", "", "info,keyward::request=warn"] {
            assert!(!has_invisible(good), "{good:?}");
        }
    }
}

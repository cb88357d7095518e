//! What a command that has not done its work prints: words for people, or one line of JSON for programs.

use super::{CliError, Exit};
use serde_json::json;
use std::ffi::OsString;

/// The end of a command that has not done its work.
#[derive(Debug, PartialEq, Eq)]
pub struct Failure {
    /// What standard error shows, whole lines.
    pub text: String,
    /// What the process ends with.
    pub number: u8,
}

impl Failure {
    /// For programs one line of JSON, for people `keyward:` and the words, in which nothing means something to the terminal.
    fn new(exit: Exit, words: &str, json: bool) -> Self {
        let words = harmless(words);
        let (code, number) = (exit.code(), exit.number());
        let text = if json {
            // A list of mistakes has the program's name before each.
            let message = words.replace("\nkeyward: ", "\n");
            format!("{}\n", json!({ "error": { "code": code, "exit_code": number, "message": message } }))
        } else {
            format!("keyward: {words}\n")
        };
        Self { text, number }
    }

    /// `None`: nobody was left to read, which is no failure.
    pub(super) fn of(error: &CliError, json: bool) -> Option<Self> {
        (!error.is_unread()).then(|| Self::new(error.exit(), &error.to_string(), json))
    }

    /// Of a command line that cannot be read: for programs without the usage, which is for people.
    pub(super) fn of_usage(error: &clap::Error, json: bool) -> Self {
        let shown = error.to_string();
        if !json {
            return Self { text: harmless(&shown), number: Exit::Usage.number() };
        }
        let first = shown.split_once("\n\nUsage:").map_or(shown.as_str(), |(first, _)| first);
        let lines = first.trim_start_matches("error: ").lines().map(str::trim);
        let lines: Vec<&str> = lines.filter(|line| !line.is_empty()).collect();
        Self::new(Exit::Usage, &lines.join(" "), true)
    }
}

/// The text without what means something to the terminal.
fn harmless(text: &str) -> String {
    text.replace(|sent: char| sent.is_control() && sent != '\n', " ")
}

/// Whether these arguments ask for JSON, be they a command line that can be read or not.
pub(super) fn asks_for_json(arguments: &[OsString]) -> bool {
    arguments.iter().skip(1).take_while(|argument| *argument != "--").any(|argument| argument == "--json")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::ErrorKind;

    #[test]
    fn a_failure_is_one_line_of_json_for_programs_and_words_for_people() {
        let error = CliError::Ended(Exit::NotFound, "there is no user a\u{1b}[31m".to_owned());
        let people = Failure::of(&error, false).unwrap();
        assert_eq!(people.text, "keyward: there is no user a [31m\n");
        let programs = Failure::of(&error, true).unwrap();
        let said = r#"{"error":{"code":"not_found","exit_code":1,"message":"there is no user a [31m"}}"#;
        assert_eq!((programs.text.as_str(), programs.number), (format!("{said}\n").as_str(), 1));
        assert_eq!(Failure::of(&CliError::Io(ErrorKind::BrokenPipe.into()), true), None);
    }

    #[test]
    fn json_is_asked_for_by_a_flag_and_by_no_value() {
        let asks =
            |arguments: &[&str]| asks_for_json(&arguments.iter().map(OsString::from).collect::<Vec<_>>());
        assert!(asks(&["keyward", "key", "lst", "--json"]) && !asks(&["--json", "key", "list"]));
        assert!(!asks(&["keyward", "explain", "--", "--json"]) && !asks(&["keyward", "--label=--json"]));
    }
}

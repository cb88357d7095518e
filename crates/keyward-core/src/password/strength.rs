//! Which passwords can be chosen: long enough, and hard to guess (NIST SP 800-63B-4 §3.1.1.2, OWASP ASVS 6.2.4).

use crate::secret::Secret;
use std::fmt;
use std::ops::RangeInclusive;
use zxcvbn::feedback::{Suggestion, Warning};
use zxcvbn::{Score, zxcvbn};

/// The fewest characters of a new password, and the most.
pub const LENGTHS: RangeInclusive<usize> = 12..=128;
/// A guesser's program tries at least 10^8 others first.
const LEAST: Score = Score::Three;
/// The cost of a judgement grows with the square of what is judged. A password whose beginning is hard to guess is hard
/// to guess as a whole.
const JUDGED: usize = 32;
/// The most words that are known of a person; as much of each as is judged.
const WORDS: usize = 100;
/// So many of the texts come before the words of all others: those of the person come first.
const PERSON: usize = 4;
/// Words that every user of the product thinks of.
const PRODUCT: &[&str] = &["keyward", "lev", "lev.co", "levapi", "api key", "console", "welcome", "sign in"];

/// Why a password cannot be chosen, and what would help.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Weakness(String);

impl fmt::Display for Weakness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Judges a new password. `known` are texts that a guesser knows of its user: the name, the e-mail address, the names
/// of accounts, the person's first. They count as the commonest words, whole and in parts.
///
/// # Errors
/// [`Weakness`]: it is too short, too long, or easy to guess.
pub fn judge(password: &Secret, known: &[String]) -> Result<(), Weakness> {
    let text = password.expose();
    if !LENGTHS.contains(&text.chars().take(LENGTHS.end() + 1).count()) {
        let (least, most) = (LENGTHS.start(), LENGTHS.end());
        return Err(Weakness(format!("A password has {least} to {most} characters.")));
    }
    let beginning: String = text.chars().take(JUDGED).collect();
    let words = words(known);
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let found = zxcvbn(&beginning, &words);
    if found.score() >= LEAST {
        return Ok(());
    }
    // Absent: no word on why; the password is refused anyway.
    let warning = found.feedback().and_then(|feedback| feedback.warning()).map_or(GUESSABLE, reason);
    // Absent: no advice of the library, so ours.
    let suggestions = found.feedback().map(|feedback| feedback.suggestions()).unwrap_or_default();
    // Absent: the same.
    let help = suggestions.iter().find_map(help).unwrap_or(MORE_WORDS);
    Err(Weakness(format!("{warning} {help}")))
}

/// The texts themselves, without what stands between their parts, and their parts of three letters and more.
fn words(known: &[String]) -> Vec<String> {
    let cut = |text: &str| text.chars().take(JUDGED).collect::<String>();
    let joined =
        |text: &String| text.chars().filter(|c| c.is_alphanumeric()).take(JUDGED).collect::<String>();
    let product = PRODUCT.iter().map(|word| (*word).to_owned());
    let of = |known: &[String]| {
        let whole = known.iter().map(|text| cut(text)).chain(known.iter().map(joined));
        let parts = known.iter().flat_map(|text| text.split(|c: char| !c.is_alphanumeric()));
        let parts = parts.filter(|part| part.chars().count() >= 3).map(cut);
        whole.chain(parts).collect::<Vec<_>>()
    };
    let (person, accounts) = known.split_at(PERSON.min(known.len()));
    product.chain(of(person)).chain(of(accounts)).take(WORDS).collect()
}

const GUESSABLE: &str = "This password is easy to guess.";
const MORE_WORDS: &str = "Use four or more words that have nothing to do with each other.";

fn reason(warning: Warning) -> &'static str {
    match warning {
        Warning::StraightRowsOfKeysAreEasyToGuess | Warning::ShortKeyboardPatternsAreEasyToGuess => {
            "Keys that are neighbours on the keyboard are easy to guess."
        }
        Warning::RepeatsLikeAaaAreEasyToGuess | Warning::RepeatsLikeAbcAbcAreOnlySlightlyHarderToGuess => {
            "Repetitions are easy to guess."
        }
        Warning::ThisIsATop10Password | Warning::ThisIsATop100Password | Warning::ThisIsACommonPassword => {
            "Many people use this password."
        }
        Warning::ThisIsSimilarToACommonlyUsedPassword => {
            "This is close to a common password, to your name or to your e-mail address."
        }
        Warning::SequencesLikeAbcAreEasyToGuess => "Sequences such as abc or 6543 are easy to guess.",
        Warning::RecentYearsAreEasyToGuess => "Recent years are easy to guess.",
        Warning::DatesAreOftenEasyToGuess => "Dates are easy to guess.",
        Warning::AWordByItselfIsEasyToGuess => "A single word is easy to guess.",
        Warning::NamesAndSurnamesByThemselvesAreEasyToGuess
        | Warning::CommonNamesAndSurnamesAreEasyToGuess => "Names are easy to guess.",
    }
}

/// What would help; nothing for suggestions that say no more than the reason does.
fn help(suggestion: &Suggestion) -> Option<&'static str> {
    match suggestion {
        Suggestion::ReversedWordsArentMuchHarderToGuess => {
            Some("A reversed word is hardly harder. Add other words.")
        }
        Suggestion::PredictableSubstitutionsDontHelpVeryMuch => {
            Some("Replacing letters, such as @ for a, hardly helps. Add other words.")
        }
        Suggestion::CapitalizationDoesntHelpVeryMuch
        | Suggestion::AllUppercaseIsAlmostAsEasyToGuessAsAllLowercase => {
            Some("Capital letters hardly help. Add other words.")
        }
        Suggestion::UseAFewWordsAvoidCommonPhrases
        | Suggestion::NoNeedForSymbolsDigitsOrUppercaseLetters
        | Suggestion::AddAnotherWordOrTwo
        | Suggestion::UseALongerKeyboardPatternWithMoreTurns
        | Suggestion::AvoidRepeatedWordsAndCharacters
        | Suggestion::AvoidSequences
        | Suggestion::AvoidRecentYears
        | Suggestion::AvoidYearsThatAreAssociatedWithYou
        | Suggestion::AvoidDatesAndYearsThatAreAssociatedWithYou => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(password: &str) -> Result<(), String> {
        let known = ["Avery Stone", "avery.stone@harbor-lending.example", "Harbor Lending", "a@x.example"];
        judge(&Secret::new(password.to_owned()), &known.map(str::to_owned))
            .map_err(|weakness| weakness.to_string())
    }

    #[test]
    fn weak_passwords_are_refused_with_what_would_help() {
        for weak in [
            "123456789012",
            "aaaaaaaaaaaa",
            "passwordpassword",
            "            ",
            "a@x.example@@",
            "qwertyuiop12",
            "abcabcabcabc",
            "AveryStone2026",
            "avery.stone@harbor-lending.example",
            "harborlending1",
            "keywardkeyward",
            "enotsyrevaenotsyreva",
            "P@ssw0rd1234",
            "Welcome-2026",
            "levlevlevlev",
            "1q2w3e4r5t6y",
            "letmeinletmein",
            "zaq12wsxcde3",
        ] {
            let said = judged(weak).expect_err(weak);
            assert!(said.ends_with('.') && said.len() > 40, "{weak}: {said}");
        }
        assert_eq!(
            judged("aaaaaaaaaaaa").unwrap_err(),
            "Repetitions are easy to guess. Use four or more words that have nothing to do with each other."
        );
        for length in ["short", "eleven char", &"correct horse ".repeat(10)] {
            assert_eq!(judged(length).unwrap_err(), "A password has 12 to 128 characters.");
        }
    }

    #[test]
    fn many_accounts_leave_room_for_the_words_of_the_product_and_of_the_person() {
        let person = ["Avery Stone", "avery.stone@harbor-lending.example", "Avery", "Stone"];
        let accounts = (0..200).map(|number| format!("Account {number}"));
        let known: Vec<String> = person.map(str::to_owned).into_iter().chain(accounts).collect();
        let words = words(&known);
        assert_eq!(words.len(), WORDS);
        for word in
            ["keyward", "api key", "Avery Stone", "AveryStone", "averystoneharborlendingexample", "harbor"]
        {
            assert!(words.iter().any(|found| found == word), "{word}");
        }
        assert!(judge(&Secret::new("keywardkeyward".to_owned()), &known).is_err());
    }

    #[test]
    fn passphrases_and_generated_passwords_are_taken() {
        for good in [
            "correct horse battery staple",
            "another password of mine",
            "wolkig mit aussicht auf",
            "blauer-Kiesel-am-Fluss",
            "mWq3kz0Tt9Lx",
            "чистый понедельник утром",
            "staple and harbor and tulip",
            "🦀 marbles under the stairs",
        ] {
            assert_eq!(judged(good), Ok(()), "{good}");
        }
        let generated = crate::password::generate(&crate::random::OsRandom).unwrap();
        assert_eq!(judged(generated.expose()), Ok(()));
    }

    /// Some inputs make the estimate expensive: every letter replaced, many repetitions. It stays near what one hash costs.
    #[test]
    fn the_cost_of_a_judgement_is_bounded() {
        use crate::clock::{Clock, SystemClock};
        let clock = SystemClock::new();
        for costly in [
            "4@8({[<3690!1|5$7+%2".repeat(6),
            "ab12".repeat(32),
            "p@$$w0rd".repeat(16),
            "1!lI|i".repeat(21),
            "é".repeat(128),
        ] {
            let before = clock.elapsed();
            let _ = judged(&costly);
            let took = clock.elapsed() - before;
            println!("{costly}: {took:?}");
            assert!(took.as_millis() < 2_000, "{costly}: {took:?}");
        }
    }
}

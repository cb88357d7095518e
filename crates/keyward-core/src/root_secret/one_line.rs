//! The root secret as a variable holds it: files of variables (`.env`, `docker --env-file`, systemd's `Environment=`) cannot
//! hold a line break.

use super::{RootSecret, RootSecretError};
use zeroize::Zeroizing;

impl RootSecret {
    /// Reads the text of a variable: that of the file; or on one line, with the versions separated by blanks, semicolons or a
    /// `\n` of two characters. Comments of the file may stand before the versions.
    ///
    /// # Errors
    /// See [`RootSecretError`]; a text on one line is line 1.
    pub fn parse_variable(text: &str) -> Result<Self, RootSecretError> {
        let text = Zeroizing::new(text.trim().replace("\\n", "\n"));
        if text.contains('\n') { Self::parse(&text) } else { Self::parse(&lines(&text)) }
    }
}

/// The text with each version on a line of its own; unchanged where it holds more than versions, after comments.
fn lines(text: &str) -> Zeroizing<String> {
    let words: Vec<&str> =
        text.split(|c: char| c.is_whitespace() || c == ';').filter(|word| !word.is_empty()).collect();
    let pairs = words.rchunks_exact(2).take_while(|pair| is_version(pair)).count();
    let (before, versions) = words.split_at(words.len().saturating_sub(2 * pairs));
    if pairs == 0 || before.first().is_some_and(|word| !word.starts_with('#')) {
        return Zeroizing::new(text.to_owned());
    }
    let mut lines = Zeroizing::new(String::with_capacity(text.len() + 1));
    for word in versions {
        lines.push_str(word);
        lines.push(if is_number(word) { ' ' } else { '\n' });
    }
    lines
}

fn is_version(pair: &[&str]) -> bool {
    matches!(pair, [number, bytes] if RootSecret::parse_line(number, bytes).is_some())
}

fn is_number(word: &str) -> bool {
    word.parse::<u32>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const BYTES: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";
    const OTHERS: &str = "Hx4dHBsaGRgXFhUUExIREA8ODQwLCgkIBwYFBAMCAQA";

    #[test]
    fn the_root_secret_fits_on_one_line_however_its_versions_are_separated() {
        let file =
            format!("# Keyward's root secret. Keep it.\n# For 1 server alone.\n7 {BYTES}\n8 {OTHERS}\n");
        let expected = RootSecret::parse(&file).unwrap().check_values();
        for text in [
            file.clone(),
            file.replace('\n', "\r\n"),
            file.trim().replace('\n', " "),
            file.trim().replace('\n', "\\n"),
            format!("7 {BYTES} 8 {OTHERS}"),
            format!("7 {BYTES};8 {OTHERS};"),
            format!(" 8 {OTHERS}=  ; 7 {BYTES}= "),
        ] {
            let read = RootSecret::parse_variable(&text).map(|secret| secret.check_values());
            assert_eq!(read.as_ref(), Ok(&expected), "{text:?}");
        }
        let one = RootSecret::parse_variable(&format!("7 {BYTES}")).unwrap();
        assert_eq!((one.current(), one.older()), (7, None));
    }

    #[test]
    fn a_line_with_anything_else_is_refused() {
        for text in [
            format!("export 7 {BYTES}"),
            format!("7 {BYTES} 8"),
            format!("7 {BYTES} 8 short"),
            format!("7 {BYTES} # 8 {OTHERS} x"),
            "7 short".to_owned(),
        ] {
            assert_eq!(RootSecret::parse_variable(&text).unwrap_err(), RootSecretError::Line(1), "{text}");
        }
        assert_eq!(RootSecret::parse_variable("# nothing").unwrap_err(), RootSecretError::Count(0));
        let three = format!("1 {BYTES} 2 {OTHERS} 3 {BYTES}");
        assert_eq!(RootSecret::parse_variable(&three).unwrap_err(), RootSecretError::Count(3));
    }
}

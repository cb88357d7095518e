//! Cuts a log line that is too long, so that it still can be read.

/// Stands at the end of what is left of the line.
const MARK: &str = "…(cut)";

/// The line, or its first bytes with a mark: as many as `longest` in all. A line of JSON stays JSON.
pub(super) fn cut(line: &[u8], longest: usize) -> Vec<u8> {
    let (end, mark) = if line.starts_with(b"{") {
        (in_json(line, longest.saturating_sub(16)), "\\u2026(cut)\"}\n".to_owned())
    } else {
        (in_text(line, longest.saturating_sub(16)), format!("{MARK}\n"))
    };
    let mut left = line.get(..end).unwrap_or_default().to_vec();
    left.extend_from_slice(mark.as_bytes());
    left
}

/// The last end of a character that is not behind `most`.
fn in_text(line: &[u8], most: usize) -> usize {
    let is_start = |at: &usize| line.get(*at).is_none_or(|byte| byte & 0xC0 != 0x80);
    (0..=most.min(line.len())).rev().find(is_start).unwrap_or(0)
}

/// The last place within a text value that is not behind `most`, and not within an escape. Our lines are flat and ASCII.
fn in_json(line: &[u8], most: usize) -> usize {
    let (mut at, mut place) = (0, 0);
    let (mut in_text, mut in_value) = (false, false);
    while at <= most {
        if in_text && in_value {
            place = at;
        }
        match line.get(at..).unwrap_or_default() {
            [] => break,
            [b'"', ..] => {
                in_text = !in_text;
                if in_text {
                    in_value = at.checked_sub(1).and_then(|before| line.get(before)) == Some(&b':');
                }
                at += 1;
            }
            // The two halves of a character beyond the basic plane are one.
            [b'\\', b'u', b'd', b'8'..=b'b', ..] => at += 12,
            [b'\\', b'u', ..] => at += 6,
            [b'\\', ..] => at += 2,
            _ => at += 1,
        }
    }
    place
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use tracing_subscriber::EnvFilter;

    #[test]
    fn a_line_for_people_is_cut_between_characters() {
        let line = format!("{}\n", "ü".repeat(100));
        for longest in 20..40 {
            let text = String::from_utf8(cut(line.as_bytes(), longest)).unwrap();
            assert!(text.ends_with("ü…(cut)\n") && text.len() <= longest, "{text}");
        }
    }

    proptest! {
        #[test]
        fn a_line_of_json_that_is_cut_anywhere_is_json(text in any::<String>(), longest in 200_usize..700) {
            let file = tempfile::NamedTempFile::new().unwrap();
            let path = file.path().to_owned();
            let writer = move || std::fs::File::options().append(true).open(&path).unwrap();
            tracing::subscriber::with_default(crate::telemetry::json(writer, EnvFilter::new("info")), || {
                tracing::info!(text, number = 1, more = "x".repeat(1_000), "{text}");
            });
            let line = std::fs::read(file.path()).unwrap();
            let left = cut(&line, longest);
            let is_marked = left.ends_with(b"(cut)\"}\n");
            prop_assert!(left.len() <= longest && is_marked);
            let event: serde_json::Value = serde_json::from_slice(&left).unwrap();
            prop_assert_eq!(&event["level"], "INFO");
        }
    }
}

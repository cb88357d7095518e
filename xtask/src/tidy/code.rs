//! Rust text line by line: what is code, without what texts and characters in it hold, and what is its comment.

/// A line.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Line {
    /// The code.
    pub(super) code: String,
    /// What follows `//`, which is left out.
    pub(super) comment: String,
}

/// Where the reader is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Code,
    Comment,
    /// Within `"…"`.
    Text,
    /// Within `r#"…"#`, with so many `#`.
    Raw(usize),
}

/// The lines of a file.
pub(super) fn lines(text: &str) -> Vec<Line> {
    let mut lines = vec![Line::default()];
    let mut place = Place::Code;
    let mut rest = text;
    while let Some(next) = rest.chars().next() {
        let mut taken = next.len_utf8();
        match place {
            _ if next == '\n' => {
                lines.push(Line::default());
                place = if place == Place::Comment { Place::Code } else { place };
            }
            Place::Comment => put(&mut lines, |line| line.comment.push(next)),
            Place::Text if next == '\\' => taken += escaped(rest),
            Place::Text if next == '"' => place = Place::Code,
            Place::Raw(marks) if next == '"' && closes(rest, marks) => {
                taken += marks;
                place = Place::Code;
            }
            Place::Text | Place::Raw(_) => {}
            Place::Code if rest.starts_with("//") => {
                taken = 2;
                place = Place::Comment;
            }
            Place::Code => {
                let begun = begins(rest, lines.last());
                taken = begun.map_or(taken, |(_, length)| length);
                place = begun.map_or(place, |(place, _)| place);
                if begun.is_none() {
                    put(&mut lines, |line| line.code.push(next));
                }
            }
        }
        rest = rest.get(taken..).unwrap_or_default();
    }
    lines
}

fn put(lines: &mut [Line], change: impl FnOnce(&mut Line)) {
    if let Some(line) = lines.last_mut() {
        change(line);
    }
}

/// The bytes of what a backslash escapes. A line break is read as one.
fn escaped(rest: &str) -> usize {
    rest.chars().nth(1).filter(|next| *next != '\n').map_or(0, char::len_utf8)
}

fn closes(rest: &str, marks: usize) -> bool {
    rest.bytes().skip(1).take(marks).filter(|byte| *byte == b'#').count() == marks
}

/// The text or the character that begins here: where the reader is behind these bytes.
fn begins(rest: &str, line: Option<&Line>) -> Option<(Place, usize)> {
    if rest.starts_with('"') {
        return Some((Place::Text, 1));
    }
    if let Some(quoted) = rest.strip_prefix('\'') {
        let of_escape =
            quoted.strip_prefix('\\').map(|escape| 2 + escape.chars().next().map_or(0, char::len_utf8));
        let of_one = quoted.chars().next().map(|character| 1 + character.len_utf8());
        // Without the second quote it is a lifetime, or a longer escape without quotes in it.
        let length = of_escape
            .or(of_one)
            .filter(|length| rest.get(*length..).is_some_and(|rest| rest.starts_with('\'')));
        return length.map(|length| (Place::Code, length + 1));
    }
    let is_name = line
        .is_some_and(|line| line.code.ends_with(|last: char| last.is_ascii_alphanumeric() || last == '_'));
    let marked =
        rest.strip_prefix('r').filter(|_| !is_name || line.is_some_and(|line| line.code.ends_with('b')))?;
    let marks = marked.len() - marked.trim_start_matches('#').len();
    marked.get(marks..)?.starts_with('"').then_some((Place::Raw(marks), marks + 2))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Vec<(String, String)> {
        lines(text).into_iter().map(|line| (line.code, line.comment)).collect()
    }

    #[test]
    fn texts_and_characters_are_no_code_and_no_comment() {
        for (text, code, comment) in [
            ("a(\"b // c\") // d", "a() ", " d"),
            ("a(\"\\\"b\") // \"c", "a() ", " \"c"),
            ("a('\"', b)", "a(, b)", ""),
            ("a('\\'', '\\\\', '\\\"')", "a(, , )", ""),
            ("fn a<'b>(c: &'b str) {}", "fn a<'b>(c: &'b str) {}", ""),
            ("a(r\"b\\\", c)", "a(, c)", ""),
            ("a(r#\"b\"c\"#, d)", "a(, d)", ""),
            ("a(br#\"b\"#, d)", "a(b, d)", ""),
            ("for b in c", "for b in c", ""),
            ("a(b'\"')", "a(b)", ""),
            ("/// a \"b", "", "/ a \"b"),
        ] {
            assert_eq!(read(text), [(code.to_owned(), comment.to_owned())], "{text}");
        }
    }

    #[test]
    fn a_text_over_several_lines_ends_where_it_ends() {
        let text = "a(\"b\n  c // d \\\n e\", f) // g\nh";
        let expected = [("a(", ""), ("", ""), (", f) ", " g"), ("h", "")];
        assert_eq!(read(text), expected.map(|(code, comment)| (code.to_owned(), comment.to_owned())));
    }
}

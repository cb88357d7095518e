//! Header values as text. The one place that turns their bytes into it, so that all are read by one rule.
//!
//! A header that is a list (RFC 9110 §5.6.1; `Cookie`, RFC 6265 §5.4) is split as bytes, over all its lines, and each part
//! is read by itself. A browser or a proxy joins what several parties wrote into one line: a byte that one of them wrote and
//! nobody can read must not void what another one wrote beside it.

/// The value as text, if it is printable ASCII with spaces and tabs.
#[must_use]
pub fn text(value: &(impl AsRef<[u8]> + ?Sized)) -> Option<&str> {
    let value = value.as_ref();
    let plain = value.iter().all(|byte| matches!(byte, b'\t' | b' '..=b'~'));
    // Absent: it is no text.
    std::str::from_utf8(value).ok().filter(|_| plain)
}

/// The parts of all lines of a header in their order, without the spaces around them. Some can be empty.
pub fn parts<'v, V: AsRef<[u8]> + ?Sized + 'v>(
    lines: impl IntoIterator<Item = &'v V>,
    separator: u8,
) -> impl Iterator<Item = &'v [u8]> {
    let split = move |line: &'v V| line.as_ref().split(move |byte| *byte == separator);
    lines.into_iter().flat_map(split).map(<[u8]>::trim_ascii)
}

/// The parts that are text. The others are left out.
pub fn readable<'v, V: AsRef<[u8]> + ?Sized + 'v>(
    lines: impl IntoIterator<Item = &'v V>,
    separator: u8,
) -> impl Iterator<Item = &'v str> {
    parts(lines, separator).filter_map(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn of(lines: &[&[u8]]) -> Vec<String> {
        readable(lines.iter().copied(), b',').map(str::to_owned).collect()
    }

    #[test]
    fn text_is_printable_ascii_with_spaces_and_tabs() {
        for good in ["", " ", "a\tb", "~ !", "W/\"x\""] {
            assert_eq!(text(good), Some(good));
        }
        for bad in [
            b"\x80".as_slice(),
            b"\xff",
            b"a\x7f",
            b"\0",
            b"a\rb",
            "M\u{fc}ller".as_bytes(),
            "\u{2028}".as_bytes(),
        ] {
            assert_eq!(text(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn a_byte_that_is_no_text_voids_its_own_part_alone() {
        for bad in [b"\x80".as_slice(), b"\xff", b"a=\xfc", b"\xff=\xff", "M\u{fc}ller".as_bytes()] {
            assert_eq!(of(&[&[b"one, ".as_slice(), bad, b" ,two"].concat()]), ["one", "two"], "{bad:?}");
            assert_eq!(of(&[bad, b"one", bad, b"two"]), ["one", "two"], "{bad:?}");
        }
    }

    #[test]
    fn all_lines_are_one_list_and_spaces_and_tabs_around_a_part_are_not_of_it() {
        assert_eq!(of(&[b"\tone\t, two three", b"", b",four,"]), ["one", "two three", "", "", "four", ""]);
        assert_eq!(of(&[]), [""; 0]);
        assert_eq!(of(&[&b"9,".repeat(1000)]).len(), 1001);
    }

    proptest! {
        #[test]
        fn what_stands_beside_a_part_does_not_change_it(before: Vec<u8>, after: Vec<u8>) {
            let line = [&before, b",own=value,".as_slice(), &after].concat();
            prop_assert!(of(&[&line]).contains(&"own=value".to_owned()));
        }
    }
}

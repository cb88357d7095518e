//! What differs from run to run, made equal. Everything else of an output is compared letter for letter.

/// The text with a fixed word in place of each UUID, moment, date, key, prefix of a key, password, cursor and port.
pub(crate) fn plain(text: &str) -> String {
    let lines = text.trim_end().lines().map(|line| plain_line(line.trim_end_matches('\r')));
    lines.collect::<Vec<_>>().join("\n")
}

fn plain_line(line: &str) -> String {
    if line.starts_with("date: ") {
        return "date: <date>".to_owned();
    }
    if line.strip_prefix("  password  ").is_some_and(|rest| !rest.contains(' ')) {
        return "  password  <password>".to_owned();
    }
    let mut plain = String::new();
    let mut word = String::new();
    for character in without_cursor(line).chars().chain(['\n']) {
        if character.is_ascii_alphanumeric() || "-_.:…".contains(character) {
            word.push(character);
        } else {
            plain.push_str(plain_word(&word));
            word.clear();
            plain.push(character);
        }
    }
    plain.truncate(plain.len() - 1);
    plain
}

/// The next page's cursor is signed with a root secret that is new in every demo.
fn without_cursor(line: &str) -> String {
    const MEMBER: &str = "\"next_cursor\":\"";
    match line.split_once(MEMBER).and_then(|(before, rest)| Some((before, rest.split_once('"')?.1))) {
        Some((before, after)) => format!("{before}{MEMBER}<cursor>\"{after}"),
        None => line.to_owned(),
    }
}

fn plain_word(word: &str) -> &str {
    if let Some(secret) = word.strip_prefix("lev_sk_") {
        let alphanumeric = secret.chars().all(|c| c.is_ascii_alphanumeric());
        return match secret.len() {
            _ if secret == "…" => "<key>",
            49 if alphanumeric => "<key>",
            4 if alphanumeric => "<prefix>",
            _ => word,
        };
    }
    if word.strip_prefix("127.0.0.1:").is_some_and(|port| port.parse::<u16>().is_ok()) {
        return "127.0.0.1:<port>";
    }
    const SHAPES: [(&str, &str); 4] = [
        ("xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx", "<uuid>"),
        ("dddd-dd-dd", "<date>"),
        ("dddd-dd-ddTdd:dd:ddZ", "<second>"),
        ("dddd-dd-ddTdd:dd:dd.ddddddZ", "<moment>"),
    ];
    SHAPES.iter().find(|(shape, _)| is_shaped(word, shape)).map_or(word, |(_, plain)| plain)
}

/// `d` stands for a digit, `x` for a hexadecimal one in lower case, and everything else for itself.
fn is_shaped(word: &str, shape: &str) -> bool {
    word.len() == shape.len()
        && word.chars().zip(shape.chars()).all(|(c, shape)| match shape {
            'd' => c.is_ascii_digit(),
            'x' => c.is_ascii_digit() || ('a'..='f').contains(&c),
            _ => c == shape,
        })
}

mod tests {
    use super::*;

    #[test]
    fn what_differs_from_run_to_run_is_made_equal() {
        for (text, wanted) in [
            ("{\"id\":\"0320eaf8-6aed-4c66-b63e-e6d0d9090e5d\"}", "{\"id\":\"<uuid>\"}"),
            (
                "\"at\":\"2026-11-23T13:29:25Z\",\"on\":\"2026-11-23\"",
                "\"at\":\"<second>\",\"on\":\"<date>\"",
            ),
            ("2026-11-23T13:29:27.989375Z  INFO x: y", "<moment>  INFO x: y"),
            ("date: Mon, 23 Nov 2026 13:29:25 GMT\r\n", "date: <date>"),
            ("'Bearer lev_sk_0NXF1ZghT6Y2voGlkATtunvbpziuu8tSfbmgbSMWY3Q4FrNIG'", "'Bearer <key>'"),
            ("  lev_sk_…  full_access", "  <key>  full_access"),
            ("\"key_prefix\":\"lev_sk_mzsO\"", "\"key_prefix\":\"<prefix>\""),
            (
                "  password  P7sz3UKedP1tHnR29TCA2KbY\n  API key   lev_sk_…",
                "  password  <password>\n  API key   <key>",
            ),
            (
                "http://127.0.0.1:36383/api, address=127.0.0.1:1",
                "http://127.0.0.1:<port>/api, address=127.0.0.1:<port>",
            ),
            ("{\"next_cursor\":\"AAAA-_\",\"a\":1}\n\n", "{\"next_cursor\":\"<cursor>\",\"a\":1}"),
        ] {
            assert_eq!(plain(text), wanted);
        }
    }

    #[test]
    fn everything_else_stays() {
        for text in [
            "etag: \"d7-1\"",
            "{\"id\":626,\"loan_amount\":6190000.25,\"next_cursor\":null}",
            "lev_sk_abc123def456 lev_sk_ 127.0.0.1 127.0.0.1:99999",
            "0320EAF8-6aed-4c66-b63e-e6d0d9090e5d 2026-11-2 26-11-23T13:29:25Z",
            "content-length: 464\n\n412",
        ] {
            assert_eq!(plain(text), text);
        }
    }
}

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
    // Seconds until an admission leaves: a second more or less.
    if let Some((before, seconds)) = line.split_once(";t=").filter(|_| line.starts_with("ratelimit: "))
        && seconds.parse::<u8>().is_ok_and(|seconds| seconds <= 60)
    {
        return format!("{before};t=<seconds>");
    }
    if line.strip_prefix("  password  ").is_some_and(|rest| !rest.contains(' ')) {
        return "  password  <password>".to_owned();
    }
    // The next page's cursor is signed with a root secret that is new in every demo.
    let line = without_member(&without_member(line, "next_cursor", "<cursor>"), "password", "<password>");
    let line = without_operator(&without_member(&line, "operator", "<name>"));
    words(&line).map(|(word, after)| format!("{}{after}", plain_word(word))).collect()
}

/// The words that are replaced by this, as they stand there.
pub(crate) fn found(text: &str, plain: &str) -> Vec<String> {
    let all = text.lines().flat_map(words).map(|(word, _)| word);
    all.filter(|word| plain_word(word) == plain && *word != plain).map(str::to_owned).collect()
}

/// A line in words, each with what stands behind it.
fn words(line: &str) -> impl Iterator<Item = (&str, &str)> {
    let is_part = |c: char| c.is_ascii_alphanumeric() || "-_.:…".contains(c);
    line.split_inclusive(move |c| !is_part(c))
        .map(move |piece| piece.split_at(piece.trim_end_matches(|c| !is_part(c)).len()))
}

/// The line with this in place of the text of a JSON member.
fn without_member(line: &str, name: &str, plain: &str) -> String {
    let member = format!("\"{name}\":\"");
    match line.split_once(&member).and_then(|(before, rest)| Some((before, rest.split_once('"')?.1))) {
        Some((before, after)) => format!("{before}{member}{plain}\"{after}"),
        None => line.to_owned(),
    }
}

/// The line with a fixed word for who gave an order: the user that runs the test.
fn without_operator(line: &str) -> String {
    match line.split_once("(operator ").and_then(|(before, rest)| Some((before, rest.split_once(')')?.1))) {
        Some((before, after)) => format!("{before}(operator <name>){after}"),
        None => line.to_owned(),
    }
}

fn plain_word(word: &str) -> &str {
    if let Some(secret) = word.strip_prefix("lev_sk_") {
        let alphanumeric = secret.chars().all(|c| c.is_ascii_alphanumeric());
        let prefix = secret.strip_suffix('…').unwrap_or_default();
        return match secret.len() {
            _ if secret == "…" => "<key>",
            49 if alphanumeric => "<key>",
            4 if alphanumeric => "<prefix>",
            _ if prefix.len() == 4 && prefix.chars().all(|c| c.is_ascii_alphanumeric()) => "<prefix>…",
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
            ("     1  lev_sk_Ojeo…  First key", "     1  <prefix>…  First key"),
            (
                "\"password\":\"…\",\"api_key\":\"lev_sk_…\"",
                "\"password\":\"<password>\",\"api_key\":\"<key>\"",
            ),
            ("by user - (operator ada as root)  from -", "by user - (operator <name>)  from -"),
            ("\"password\":\"P7s\"}", "\"password\":\"<password>\"}"),
            ("{\"next_cursor\":\"AAAA-_\",\"a\":1}\n\n", "{\"next_cursor\":\"<cursor>\",\"a\":1}"),
        ] {
            assert_eq!(plain(text), wanted);
        }
    }

    #[test]
    fn what_was_made_equal_is_found_again() {
        let text = "x-request-id: 0320eaf8-6aed-4c66-b63e-e6d0d9090e5d\r\n(key lev_sk_…, <uuid>)";
        assert_eq!(found(text, "<uuid>"), ["0320eaf8-6aed-4c66-b63e-e6d0d9090e5d"]);
        assert_eq!(found(text, "<key>"), ["lev_sk_…"]);
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

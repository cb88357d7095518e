//! What a refusal costs: garbage is refused for about as much memory as it was long. In a binary of its own, since it counts
//! every allocation.

use keyward_core::jwt::Token;
use keyward_testkit::issuer::{SigningKey, base64url};
use std::hint::black_box;

/// Hostile tokens of this length, and a little more.
fn hostile(length: usize) -> Vec<(&'static str, String)> {
    let header = base64url(r#"{"alg":"RS256","typ":"at+jwt","kid":"k"}"#);
    let room = (length - header.len() - 8) * 3 / 4;
    let members = |text: &dyn Fn(usize) -> String| {
        let mut object = String::from("{");
        let mut n = 0;
        while object.len() < room.saturating_sub(32) {
            object.push_str(&text(n));
            n += 1;
        }
        object.push_str("\"z\":0}");
        object
    };
    let payload = |text: String| format!("{header}.{}.AAAA", base64url(text));
    let in_header = |text: String| format!("{}.AAAA.AAAA", base64url(text));
    let half = room.min(5_000) / 2;
    vec![
        ("dots", ".".repeat(length)),
        ("letters", "a".repeat(length)),
        ("segments", "a.".repeat(length / 2)),
        (
            "three parts of nothing",
            format!("{}.{}.{}", "A".repeat(length / 3), "A".repeat(length / 3), "A".repeat(length / 3)),
        ),
        ("deep header", in_header(format!("{{\"alg\":{}{}}}", "[".repeat(half / 2), "]".repeat(half / 2)))),
        (
            "deep payload",
            payload(format!("{{\"iss\":{}{}}}", "[".repeat(room / 2 - 8), "]".repeat(room / 2 - 8))),
        ),
        ("many members", payload(members(&|n| format!("\"{n}\":0,")))),
        (
            "many members in the header",
            in_header(members(&|n| format!("\"{n}\":0,")).chars().take(3_000).collect()),
        ),
        ("many members within", payload(format!("{{\"a\":{}}}", members(&|n| format!("\"{n}\":0,"))))),
        ("one member again and again", payload(members(&|_| "\"iss\":\"x\",".to_owned()))),
        ("a long name", payload(format!("{{\"{}\":0}}", "n".repeat(room - 16)))),
        ("a long escaped text", payload(format!("{{\"iss\":\"{}\"}}", "\\u0041".repeat(room / 6 - 4)))),
        ("a long list", payload(format!("{{\"aud\":[{}0]}}", "0,".repeat(room / 2 - 8)))),
        ("a long number", payload(format!("{{\"exp\":{}}}", "9".repeat(room - 16)))),
    ]
}

#[test]
fn garbage_costs_no_more_memory_than_twice_its_length() {
    let key = SigningKey::rsa(0, "k");
    let most = 8192;
    let mut worst = (0.0, "");
    for length in [most - 1, most] {
        for (kind, token) in hostile(length) {
            let token: String = token.chars().take(length).collect();
            let measured = allocation_counter::measure(|| drop(black_box(Token::read(&token, most))));
            let ratio = measured.bytes_max as f64 / token.len() as f64;
            if ratio > worst.0 {
                worst = (ratio, kind);
            }
            assert!(ratio <= 2.0, "{kind}: {ratio:.2} of {} bytes", token.len());
        }
    }
    println!("at most {:.2} bytes for one, by {}", worst.0, worst.1);
    // What is too long costs nothing at all, however long it is.
    for (kind, token) in hostile(100_000) {
        let measured = allocation_counter::measure(|| drop(black_box(Token::read(&token, most))));
        if token.len() > most {
            assert_eq!(measured.bytes_total, 0, "{kind}");
        }
    }
    // And that this counts at all.
    let good = key.token(&serde_json::json!({ "iss": "https://id.example/" }));
    let measured = allocation_counter::measure(|| drop(black_box(Token::read(&good, most))));
    assert!(measured.bytes_max > 0);
}

//! How long a result is for a model: an upper bound of its tokens, and what is left out of one that is too long.

use serde_json::Value;

/// The most tokens of a result (o200k).
pub(super) const MOST_TOKENS: usize = 20_000;
/// What stands around the data: its member's name, the page, what is said of it.
const AROUND: usize = 300;

/// The most tokens of the data of a result that holds it so many times.
pub(super) const fn room(times: usize) -> usize {
    MOST_TOKENS / times - AROUND
}

/// A bound of the tokens of a value as JSON. It is counted by kinds of characters, so that no vocabulary need be at hand: more
/// than its tokens for everything that people and programs write, and the same on every machine. A test holds it against the
/// real ones.
pub(super) fn tokens(value: &Value) -> usize {
    tenths(value).div_ceil(10)
}

fn tenths(value: &Value) -> usize {
    match value {
        Value::Null | Value::Bool(_) => 10,
        Value::Number(number) => text(&number.to_string()),
        Value::String(_) => text(&value.to_string()),
        Value::Array(items) => 20 + items.iter().map(|item| 10 + tenths(item)).sum::<usize>(),
        // The names are words of ours, of four letters a token at least.
        Value::Object(members) => {
            let each = |(name, value): (&String, &Value)| 20 + 10 * name.len().div_ceil(4) + tenths(value);
            20 + members.iter().map(each).sum::<usize>()
        }
    }
}

/// Kinds of characters that a tokenizer puts together.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Class {
    Lower,
    Digit,
    Other,
}

fn text(text: &str) -> usize {
    let (mut sum, mut before, mut run) = (0, Class::Other, 0_usize);
    for character in text.chars() {
        let class = match character {
            'a'..='z' => Class::Lower,
            '0'..='9' => Class::Digit,
            // Absent: no kind that is put together, which counts most.
            _ => Class::Other,
        };
        run = if class == before { run + 1 } else { 0 };
        before = class;
        sum += match class {
            Class::Lower if run > 0 => 8,
            Class::Digit if !run.is_multiple_of(3) => 0,
            Class::Lower | Class::Digit => 10,
            Class::Other => of_other(character),
        };
    }
    sum
}

/// The tokens of a character that stands for itself, in tenths. Scripts that vocabularies know have fewer than bytes.
const fn of_other(character: char) -> usize {
    match character {
        '\u{0}'..='\u{7f}' => 10,
        '\u{80}'..='\u{52f}' => 13,
        '\u{3040}'..='\u{30ff}' => 15,
        '\u{4e00}'..='\u{9fff}' => 21,
        '\u{ac00}'..='\u{d7a3}' => 25,
        // Not more than bytes.
        other => 10 * other.len_utf8(),
    }
}

/// How many of the first items fit into that many tokens; at least one.
pub(super) fn fitting(items: &[Value], room: usize) -> usize {
    let mut sum = 0;
    let fit = |item: &&Value| {
        sum += tokens(item) + 1;
        sum <= room
    };
    items.iter().take_while(fit).count().max(1)
}

/// The longest texts, in characters, and lists that are left when one thing alone is too long: the first row that is enough.
const SHORTER: [(usize, usize); 5] = [(8_000, 100), (2_000, 50), (500, 20), (200, 8), (60, 3)];

/// Shortens texts and lists inside a value until it fits, and says whether it did.
pub(super) fn shorten(value: &mut Value, room: usize) -> bool {
    if tokens(value) <= room {
        return false;
    }
    for (characters, items) in SHORTER {
        cut(value, characters, items);
        if tokens(value) <= room {
            break;
        }
    }
    true
}

fn cut(value: &mut Value, characters: usize, items: usize) {
    match value {
        Value::String(text) => {
            if let Some((end, _)) = text.char_indices().nth(characters) {
                text.truncate(end);
                text.push('…');
            }
        }
        Value::Array(list) => {
            list.truncate(items);
            list.iter_mut().for_each(|item| cut(item, characters, items));
        }
        Value::Object(members) => members.values_mut().for_each(|member| cut(member, characters, items)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// Letters of an alphabet in an order that no vocabulary has.
    fn scrambled(alphabet: &str, count: usize) -> String {
        let letters: Vec<char> = alphabet.chars().collect();
        let mut seed = 7_u64;
        let next = || {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            letters[usize::try_from(seed >> 33).unwrap() % letters.len()]
        };
        std::iter::repeat_with(next).take(count).collect()
    }

    #[test]
    fn the_bound_is_above_the_tokens_of_what_people_programs_and_attackers_write() {
        let lower = "abcdefghijklmnopqrstuvwxyz";
        let both = format!("{lower}{}", lower.to_uppercase());
        let han: String = ('\u{4e00}'..'\u{9fff}').collect();
        let emoji: String = ('\u{1f300}'..'\u{1f64f}').collect();
        let mut values: Vec<Value> = [
            lower,
            "qxzjvkw",
            "QXZJVKW",
            &both,
            &format!("{both}0123456789+/"),
            "0123456789",
            "!\"#$%&'()*+,-./:;<=>?@[]^_`{|}~",
            "äöüßéñ",
            "абвгдежз",
            &han,
            &emoji,
        ]
        .map(|alphabet| json!(scrambled(alphabet, 600)))
        .into();
        values.push(json!(
            "A multifamily asset with strong rent growth, and a plan that renovates its interiors.".repeat(9)
        ));
        values.push(json!({ "id": 17, "title": "12 Quarry Road Lofts", "loan_amount": 4_250_000.5, "loan_type": "construction", "description": null,
            "estimated_close_date": "2026-09-30", "owner_account_id": 1, "created_at": "2026-03-20T15:30:45Z", "archived": false, "pipelines": [[], [1, 2]] }));
        let catalog = super::super::catalog::Catalog::of("http://keyward.test", true);
        for entry in catalog.entries() {
            // The same words as the members of results have.
            let schema = Value::Object((**entry.listed.output_schema.as_ref().unwrap()).clone());
            values.extend(names(&schema).into_iter().map(|name| json!({ name: null })));
        }
        for value in values {
            let real = tiktoken_rs::o200k_base_singleton().count_ordinary(&value.to_string());
            let text: String = value.to_string().chars().take(60).collect();
            assert!(real <= tokens(&value), "{real} and not {}: {text}", tokens(&value));
        }
    }

    fn names(schema: &Value) -> Vec<String> {
        let mut all = Vec::new();
        for (name, value) in schema.as_object().into_iter().flatten() {
            if let (true, Value::Object(members)) = (name == "properties", value) {
                all.extend(members.keys().cloned());
            }
            all.extend(names(value));
        }
        all
    }

    #[test]
    fn what_is_too_long_is_cut_and_says_so() {
        let items: Vec<Value> = (0..9).map(|_| json!({ "text": "word ".repeat(100) })).collect();
        let one = tokens(items.first().unwrap());
        assert_eq!(fitting(&items, one * 3 + 10), 3);
        assert_eq!(fitting(&items, 0), 1);
        let mut long = json!({ "text": "x".repeat(90_000), "list": vec![json!("item"); 5_000] });
        assert!(shorten(&mut long, 4_000));
        assert!(tokens(&long) <= 4_000);
        let mut short = json!({ "text": "x" });
        assert!(!shorten(&mut short, 4_000));
        assert_eq!(short, json!({ "text": "x" }));
    }
}

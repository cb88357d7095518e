//! The names that clients give themselves, in any script.
//!
//! A name stands before a person who decides by it, so nothing in it may be unseen or change the order of what is seen. Some
//! scripts cannot be written without characters that are unseen by themselves: those are taken after a character of such a script,
//! where they have an effect that is seen, and nowhere else.

/// The most characters of a name.
const MOST: usize = 200;

/// Whether a text can stand for a client before people: 1 to 200 characters, none that controls or hides.
#[must_use]
pub fn is_client_name(name: &str) -> bool {
    let right_to_left = name.chars().any(is_right_to_left);
    let mut before = None;
    let fits = name.chars().all(|c| {
        let fits = !is_hidden(c) || is_used(c, before) || (right_to_left && is_direction_mark(c));
        // What changes how a character looks stands beside another such: a marker of direction, a joiner, a selector.
        before = if is_hidden(c) && !is_direction_mark(c) { None } else { Some(c) };
        fits
    });
    fits && !name.trim().is_empty() && name.chars().count() <= MOST && name.chars().any(|c| !is_hidden(c))
}

/// Whether a character is not seen, or controls what is.
fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{AD}' | '\u{34F}' | '\u{61C}' | '\u{115F}' | '\u{1160}' | '\u{17B4}' | '\u{17B5}'
            | '\u{180B}'..='\u{180F}' | '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2060}'..='\u{206F}'
            | '\u{2800}' | '\u{3164}' | '\u{FE00}'..='\u{FE0E}' | '\u{FEFF}' | '\u{FFA0}' | '\u{FFF9}'..='\u{FFFB}'
            | '\u{E0000}'..='\u{E0FFF}')
}

/// Whether a hidden character has its use after this one.
fn is_used(c: char, before: Option<char>) -> bool {
    let Some(before) = before else { return false };
    match c {
        // Zero width joiner and non-joiner: the letters of Persian and Sinhala, and emoji of several people.
        '\u{200C}' | '\u{200D}' => is_joining(before),
        // Zero width space: between words where no space is written.
        '\u{200B}' => {
            matches!(before, '\u{E01}'..='\u{EFF}' | '\u{1000}'..='\u{109F}' | '\u{1780}'..='\u{17FF}')
        }
        // The free variation selectors and the vowel separator.
        '\u{180B}'..='\u{180F}' => matches!(before, '\u{1810}'..='\u{18AF}'),
        '\u{FE00}'..='\u{FE0E}' | '\u{E0100}'..='\u{E01EF}' => is_ideograph(before) || is_joining(before),
        // The space of Braille.
        '\u{2800}' => matches!(before, '\u{2801}'..='\u{28FF}'),
        // Absent: no script needs it.
        _ => false,
    }
}

/// Whether letters of its script join, or it is a picture that joins others.
fn is_joining(c: char) -> bool {
    matches!(c, '\u{600}'..='\u{6FF}' | '\u{700}'..='\u{8FF}' | '\u{900}'..='\u{DFF}' | '\u{F00}'..='\u{109F}'
        | '\u{1780}'..='\u{18AF}' | '\u{1900}'..='\u{1CFF}' | '\u{2190}'..='\u{27BF}' | '\u{2900}'..='\u{2BFF}'
        | '\u{A800}'..='\u{ABFF}' | '\u{FB50}'..='\u{FDFF}' | '\u{FE0F}' | '\u{FE70}'..='\u{FEFE}'
        | '\u{11000}'..='\u{11FFF}' | '\u{1F000}'..='\u{1FAFF}')
}

fn is_ideograph(c: char) -> bool {
    matches!(c, '\u{3400}'..='\u{9FFF}' | '\u{F900}'..='\u{FAFF}' | '\u{20000}'..='\u{3FFFD}')
}

fn is_right_to_left(c: char) -> bool {
    matches!(c, '\u{590}'..='\u{5FF}' | '\u{620}'..='\u{8FF}' | '\u{FB1D}'..='\u{FDFF}' | '\u{FE70}'..='\u{FEFC}'
        | '\u{10800}'..='\u{10FFF}' | '\u{1E800}'..='\u{1EFFF}')
}

/// Whether it only says in which direction its neighbours run, and overrides none.
fn is_direction_mark(c: char) -> bool {
    matches!(c, '\u{200E}' | '\u{200F}' | '\u{61C}')
}

#[cfg(test)]
mod tests {
    use super::is_client_name;

    #[test]
    fn a_name_is_in_any_script_and_nothing_in_it_is_hidden() {
        for good in [
            "Cursor",
            "Überblick – Größe",
            "Приложение",
            "アプリ 名",
            "葛\u{E0100}城アプリ",
            "تطبيق",
            "می\u{200C}خواهم",
            "שלום MCP\u{200F}!",
            "ශ\u{0DCA}\u{200D}රී",
            "हिन्दी \u{915}\u{94D}\u{200D}\u{937}",
            "แอป\u{200B}ใหม่",
            "ᠮᠣᠩᠭᠣᠯ\u{180B}",
            "⠃⠗\u{2800}⠁⠏",
            "Team 👩\u{200D}👩\u{200D}👧\u{FE0F}",
            "❤\u{FE0F}\u{200D}🔥 app",
            &"名".repeat(200),
        ] {
            assert!(is_client_name(good), "{good:?}");
        }
        for bad in [
            "",
            "   ",
            "\u{3164}",
            "\u{2800}",
            "\u{200D}",
            "\u{200F}",
            "a\u{202E}b",
            "a\u{2066}b",
            "a\u{AD}b",
            "Cur\u{200B}sor",
            "Cur\u{200D}sor",
            "Cur\u{200E}sor",
            "При\u{200C}ложение",
            "می\u{200C}\u{200C}خواهم",
            "\u{200C}می",
            "a\u{E0041}b",
            "a\u{FE00}b",
            "a\nb",
            "a\u{0}b",
            "a\u{2028}b",
            &"名".repeat(201),
        ] {
            assert!(!is_client_name(bad), "{bad:?}");
        }
    }
}

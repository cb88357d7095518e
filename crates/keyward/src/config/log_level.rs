//! `[log] level`: the grammar is stricter than the library's, which takes every word for the name of a target, so that a level
//! that is misspelt would silence the log.

const LEVELS: [&str; 6] = ["error", "warn", "info", "debug", "trace", "off"];

/// Checks that each part is a level or `target=level`.
pub(super) fn check(text: &str) -> Result<(), String> {
    text.split(',').try_for_each(part_of)
}

fn part_of(part: &str) -> Result<(), String> {
    // Absent: the part is a level alone.
    let (target, level) = part.rsplit_once('=').map_or((None, part), |(target, level)| (Some(target), level));
    let is_level = LEVELS.iter().any(|name| name.eq_ignore_ascii_case(level));
    let is_target = |target: &str| {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b':' | b'-');
        !target.is_empty() && target.bytes().all(allowed)
    };
    // Absent: a level without a target is for all of the program.
    if is_level && target.is_none_or(is_target) {
        return Ok(());
    }
    Err(format!(
        "{part:?} is no level: use error, warn, info, debug, trace or off, or several parts such as info,keyward::request=warn"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_level_or_a_target_with_a_level_is_taken() {
        for good in ["error", "INFO", "off", "warn,keyward=debug", "info,keyward::request=error", "h2=trace"]
        {
            assert_eq!(check(good), Ok(()), "{good}");
            assert!(tracing_subscriber::EnvFilter::try_new(good).is_ok(), "{good}");
        }
    }

    #[test]
    fn a_word_that_is_no_level_is_refused_and_the_levels_are_named() {
        for bad in [
            "",
            "inof",
            "warning",
            "keyward",
            "info,",
            "info, warn",
            "keyward=loud",
            "=info",
            "[span]=info",
            "[[[",
            "3",
        ] {
            let text = check(bad).unwrap_err();
            assert!(text.contains("use error, warn, info, debug, trace or off"), "{bad}: {text}");
        }
    }
}

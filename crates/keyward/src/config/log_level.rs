//! `[log] level`: the grammar is stricter than the library's, which takes every word for the name of a target, so that a level
//! that is misspelt would silence the log.

use std::borrow::Cow;

const LEVELS: [&str; 6] = ["error", "warn", "info", "debug", "trace", "off"];

/// Checks that each part is a level or `target=level`.
pub(super) fn check(text: &str) -> Result<(), String> {
    text.split(',').try_for_each(part_of)
}

/// The level with one for all that its parts do not name: as without the setting. Else the rest of the program would log nothing,
/// errors neither.
pub(crate) fn with_the_rest(text: &str) -> Cow<'_, str> {
    if text.split(',').any(|part| !part.contains('=')) { text.into() } else { format!("info,{text}").into() }
}

/// The names that targets begin with: of this program's parts, and of the libraries that log by `tracing`.
const TARGETS: [&str; 19] = [
    "keyward",
    "lev_deals",
    "axum",
    "h2",
    "hickory_net",
    "hickory_proto",
    "hickory_resolver",
    "hyper",
    "hyper_util",
    "opentelemetry",
    "opentelemetry_http",
    "opentelemetry_otlp",
    "opentelemetry_sdk",
    "reqwest",
    "rmcp",
    "tokio",
    "tower",
    "tower_http",
    "tracing_appender",
];

/// What follows where a part names a target that nothing logs by.
pub(super) fn doubtful(text: &str) -> Option<String> {
    let targets = text.split(',').filter_map(|part| part.rsplit_once('=').map(|(target, _)| target));
    let is_known = |target: &str| {
        target.split("::").next().is_some_and(|name| TARGETS.contains(&name) || name.starts_with("keyward_"))
    };
    let unknown: Vec<&str> = targets.filter(|target| !is_known(target)).collect();
    (!unknown.is_empty()).then(|| {
        format!(
            "log.level: nothing of this program logs as {}; its own targets begin with keyward",
            unknown.join(", ")
        )
    })
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

    #[test]
    fn what_no_part_names_is_logged_as_without_the_setting() {
        for (said, meant) in [
            ("warn", "warn"),
            ("off", "off"),
            ("keyward::request=warn", "info,keyward::request=warn"),
            ("h2=trace,keyward=debug", "info,h2=trace,keyward=debug"),
            ("keyward=debug,error", "keyward=debug,error"),
        ] {
            assert_eq!(with_the_rest(said), meant);
        }
    }

    #[test]
    fn a_target_that_nothing_logs_by_is_warned_of() {
        for known in ["info", "info,keyward::request=warn", "keyward_sqlite=debug,h2=trace", "off"] {
            assert_eq!(doubtful(known), None);
        }
        let text = doubtful("info,keywrd::request=error,keyward=warn,sqlx=info").unwrap();
        assert!(text.contains("logs as keywrd::request, sqlx;"), "{text}");
    }
}

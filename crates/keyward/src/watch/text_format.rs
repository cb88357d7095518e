//! The figures in the text format of Prometheus (0.0.4), made of those in OpenMetrics: a counter's help and type are of the name
//! with `_total`, as its samples are, so that `promtool check metrics` and others that know this format alone find them.

/// The content type of OpenMetrics.
pub(super) const OPENMETRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
/// The content type of the text format.
pub(super) const TEXT: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Whether a client takes OpenMetrics: it names the media type, as Prometheus does. Others get the text format.
pub(super) fn takes_openmetrics<'a>(accept: impl IntoIterator<Item = &'a str>) -> bool {
    let mut types = accept.into_iter().flat_map(|line| line.split(','));
    types.any(|one| one.split(';').next().is_some_and(|name| name.trim() == "application/openmetrics-text"))
}

/// The same figures in the text format.
pub(super) fn text_of(openmetrics: &str) -> String {
    let mut text = String::with_capacity(openmetrics.len());
    let mut lines = openmetrics.lines().filter(|line| *line != "# EOF").peekable();
    while let Some(line) = lines.next() {
        let name = line.strip_prefix("# HELP ").and_then(|rest| rest.split(' ').next());
        let counter = name.filter(|name| lines.peek() == Some(&format!("# TYPE {name} counter").as_str()));
        match counter {
            Some(name) => {
                let about = line.get("# HELP ".len() + name.len()..).unwrap_or_default();
                text.push_str(&format!("# HELP {name}_total{about}\n# TYPE {name}_total counter\n"));
                let _type = lines.next();
            }
            None => text.extend([line, "\n"]),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_counters_help_and_type_have_the_name_of_its_samples() {
        let openmetrics = "# HELP keyward_requests Requests, counted.\n# TYPE keyward_requests counter\n\
            keyward_requests_total{operation=\"getMe\"} 1\n# HELP keyward_keys Keys\n# TYPE keyward_keys gauge\n\
            keyward_keys 7\n# HELP keyward_t Times.\n# TYPE keyward_t histogram\nkeyward_t_sum 0.5\nkeyward_t_count 1\n\
            keyward_t_bucket{le=\"+Inf\"} 1\n# EOF\n";
        let text = "# HELP keyward_requests_total Requests, counted.\n# TYPE keyward_requests_total counter\n\
            keyward_requests_total{operation=\"getMe\"} 1\n# HELP keyward_keys Keys\n# TYPE keyward_keys gauge\n\
            keyward_keys 7\n# HELP keyward_t Times.\n# TYPE keyward_t histogram\nkeyward_t_sum 0.5\nkeyward_t_count 1\n\
            keyward_t_bucket{le=\"+Inf\"} 1\n";
        assert_eq!(text_of(openmetrics), text);
    }

    #[test]
    fn prometheus_gets_openmetrics_and_everybody_else_the_text_format() {
        let prometheus = "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,\
                          text/plain;version=0.0.4;q=0.5,*/*;q=0.1";
        assert!(takes_openmetrics([prometheus]));
        assert!(takes_openmetrics(["text/plain", "application/openmetrics-text"]));
        for other in ["*/*", "text/plain;version=0.0.4", "", "application/openmetrics-textual"] {
            assert!(!takes_openmetrics([other]), "{other}");
        }
        assert!(!takes_openmetrics([]));
    }
}

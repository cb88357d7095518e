//! The query of the resource's name: an address that offers fewer tools is a name of the same resource.

use crate::browser::Pairs;

/// The longest query that is repeated.
const LONGEST: usize = 512;

/// The part of a query that belongs to the name of the resource, `?` included (RFC 9728 §3): all of it, where it says nothing but
/// what is offered; else none, since it may hold what must not be repeated.
pub(super) fn of_resource(query: &Pairs) -> String {
    let plain =
        |value: &str| value.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-,".contains(&byte));
    let ours = |(name, value): (&str, &str)| matches!(name, "tools" | "read_only") && plain(value);
    let pairs: Vec<String> = query.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let text = format!("?{}", pairs.join("&"));
    if !pairs.is_empty() && query.iter().all(ours) && text.len() <= LONGEST { text } else { String::new() }
}

/// The same of the name of a resource: whether its query is of that kind.
pub(crate) fn is_of_resource(query: &str) -> bool {
    of_resource(&Pairs::read(query.as_bytes())).get(1..) == Some(query)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_is_of_the_resource_where_it_says_what_is_offered_and_nothing_else() {
        for (query, of_it) in [
            ("tools=deals,me", true),
            ("tools=list_deals&read_only=true", true),
            ("", false),
            ("tools=deals&token=x", false),
            ("token=x", false),
            ("tools=\"", false),
            ("tools=a%0d", false),
        ] {
            let said = of_resource(&Pairs::read(query.as_bytes()));
            assert_eq!(said, if of_it { format!("?{query}") } else { String::new() });
            assert_eq!(is_of_resource(query), of_it, "{query}");
        }
    }
}

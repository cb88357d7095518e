//! The arrows between crates run one way, and the big libraries stay in their rooms.

use serde_json::Value;

/// What one crate of the workspace may depend on in the workspace.
struct Rule {
    name: &'static str,
    always: &'static [&'static str],
    /// Only as an optional dependency, behind a feature.
    by_feature: &'static [&'static str],
    /// Only for its own tests.
    in_tests: &'static [&'static str],
}

impl Rule {
    const fn on(name: &'static str, always: &'static [&'static str]) -> Self {
        Self { name, always, by_feature: &[], in_tests: &[] }
    }

    const fn by_feature(mut self, crates: &'static [&'static str]) -> Self {
        self.by_feature = crates;
        self
    }

    const fn in_tests(mut self, crates: &'static [&'static str]) -> Self {
        self.in_tests = crates;
        self
    }
}

const TESTKIT: &[&str] = &["keyward-testkit"];

const RULES: &[Rule] = &[
    Rule::on("keyward-core", &[]),
    Rule::on("keyward-testkit", &["keyward-core"]),
    Rule::on("keyward-tower", &["keyward-core"]).in_tests(TESTKIT),
    Rule::on("keyward-sql", &["keyward-core"]).in_tests(TESTKIT),
    Rule::on("keyward-sqlite", &["keyward-core", "keyward-sql"]).in_tests(TESTKIT),
    Rule::on("keyward-postgres", &["keyward-core", "keyward-sql"]).in_tests(TESTKIT),
    Rule::on("keyward-redis", &["keyward-core"]).in_tests(TESTKIT),
    Rule::on("lev-deals", &["keyward-core"]).by_feature(&["keyward-sql"]).in_tests(&[
        "keyward-testkit",
        "keyward-sqlite",
        "keyward-postgres",
    ]),
    Rule::on(
        "keyward",
        &[
            "keyward-core",
            "keyward-tower",
            "keyward-sql",
            "keyward-sqlite",
            "keyward-postgres",
            "keyward-redis",
            "lev-deals",
        ],
    )
    .in_tests(TESTKIT),
    Rule::on("xtask", &[]),
];

/// A library that only the named crates may use. `deny.toml` says the same of the whole tree.
struct Room {
    library: &'static str,
    crates: &'static [&'static str],
    /// Only for their own tests.
    in_tests: &'static [&'static str],
}

const ROOMS: &[Room] = &[
    Room { library: "axum", crates: &["keyward"], in_tests: &[] },
    // The statements of every store are tried in it.
    Room { library: "rusqlite", crates: &["keyward-sqlite"], in_tests: &["keyward-sql"] },
];

/// Reads what `cargo metadata --no-deps` prints.
pub(super) fn violations(metadata: &Value) -> Vec<String> {
    let packages: Vec<(&str, &Value)> =
        array(metadata, "packages").filter_map(|p| Some((name(p)?, p))).collect();
    let members: Vec<&str> = packages.iter().map(|(name, _)| *name).collect();
    let mut found = Vec::new();
    for (from, package) in packages {
        let Some(rule) = RULES.iter().find(|rule| rule.name == from) else {
            found.push(format!(
                "{from} has no rule yet: say what it may depend on in xtask/src/tidy/arrows.rs"
            ));
            continue;
        };
        for dependency in array(package, "dependencies") {
            let Some(to) = name(dependency) else { continue };
            if members.contains(&to) {
                found.extend(inside(rule, to, dependency));
            } else {
                found.extend(outside(from, to, dependency));
            }
        }
    }
    found
}

fn inside(rule: &Rule, to: &str, dependency: &Value) -> Option<String> {
    let from = rule.name;
    let for_tests = is_for_tests(dependency);
    let optional = dependency.get("optional").and_then(Value::as_bool) == Some(true);
    if rule.always.contains(&to) || for_tests && rule.in_tests.contains(&to) {
        None
    } else if rule.by_feature.contains(&to) {
        let behind = for_tests || optional;
        (!behind).then(|| format!("{from} may depend on {to} only behind a feature (optional = true)"))
    } else if rule.in_tests.contains(&to) {
        Some(format!("{from} may depend on {to} only for its tests (dev-dependencies)"))
    } else {
        Some(format!("{from} must not depend on {to}: arrows between crates run one way"))
    }
}

fn outside(from: &str, to: &str, dependency: &Value) -> Option<String> {
    let Room { crates, in_tests, .. } = ROOMS.iter().find(|room| room.library == to)?;
    let may = crates.contains(&from) || in_tests.contains(&from) && is_for_tests(dependency);
    (!may).then(|| format!("{from} must not depend on {to}: only {} may", crates.join(" and ")))
}

fn is_for_tests(dependency: &Value) -> bool {
    dependency.get("kind").and_then(Value::as_str) == Some("dev")
}

fn array<'a>(value: &'a Value, member: &str) -> impl Iterator<Item = &'a Value> {
    value.get(member).and_then(Value::as_array).into_iter().flatten()
}

fn name(value: &Value) -> Option<&str> {
    value.get("name").and_then(Value::as_str)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// A workspace with every crate that has a rule, where `from` has one dependency more.
    fn with(from: &str, dependency: &Value) -> Vec<String> {
        let packages: Vec<Value> = RULES
            .iter()
            .map(|rule| {
                let dependencies = if rule.name == from { json!([dependency]) } else { json!([]) };
                json!({ "name": rule.name, "dependencies": dependencies })
            })
            .collect();
        violations(&json!({ "packages": packages }))
    }

    fn normal(name: &str) -> Value {
        json!({ "name": name, "kind": null, "optional": false })
    }

    fn dev(name: &str) -> Value {
        json!({ "name": name, "kind": "dev", "optional": false })
    }

    #[test]
    fn arrows_that_are_allowed() {
        for (from, dependency) in [
            ("keyward-tower", normal("keyward-core")),
            ("keyward-sqlite", dev("keyward-testkit")),
            ("keyward", normal("lev-deals")),
            ("keyward", normal("axum")),
            ("lev-deals", json!({ "name": "keyward-sql", "kind": null, "optional": true })),
            ("lev-deals", dev("keyward-sqlite")),
            ("keyward-sql", dev("rusqlite")),
            ("keyward-sqlite", normal("keyward-sql")),
            ("keyward-core", normal("serde")),
        ] {
            assert_eq!(with(from, &dependency), Vec::<String>::new(), "{from} -> {dependency}");
        }
    }

    #[test]
    fn arrows_that_are_not() {
        for (from, dependency, told) in [
            ("keyward-core", dev("keyward-testkit"), "keyward-core must not depend on keyward-testkit"),
            ("keyward-core", normal("axum"), "keyward-core must not depend on axum: only keyward may"),
            ("keyward-tower", dev("keyward-sqlite"), "keyward-tower must not depend on keyward-sqlite"),
            ("keyward-tower", normal("axum"), "keyward-tower must not depend on axum"),
            ("keyward-sqlite", normal("lev-deals"), "keyward-sqlite must not depend on lev-deals"),
            ("keyward-sqlite", normal("keyward-testkit"), "only for its tests"),
            ("keyward", normal("rusqlite"), "only keyward-sqlite may"),
            ("keyward-sql", normal("rusqlite"), "only keyward-sqlite may"),
            ("lev-deals", normal("keyward-sql"), "only behind a feature"),
            ("keyward-sql", normal("keyward-sqlite"), "keyward-sql must not depend on keyward-sqlite"),
            ("lev-deals", normal("keyward"), "lev-deals must not depend on keyward:"),
        ] {
            let found = with(from, &dependency);
            assert!(found.len() == 1 && found[0].contains(told), "{from} -> {dependency}: {found:?}");
        }
    }

    #[test]
    fn a_new_crate_needs_a_rule() {
        let found = violations(&json!({ "packages": [{ "name": "keyward-new", "dependencies": [] }] }));
        assert!(found.len() == 1 && found[0].starts_with("keyward-new has no rule yet"), "{found:?}");
    }
}

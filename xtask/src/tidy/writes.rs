//! What is known does not import what changes it: in core, nothing outside of `write/` names a write.

use super::code;
use super::text;
use std::path::Path;

const CORE: &str = "crates/keyward-core/src";
const WRITES: &str = "crates/keyward-core/src/write";

/// Every line of core that names a write and is none.
pub(super) fn imported(name: &Path, content: &str) -> Vec<String> {
    if !name.starts_with(CORE) || name.starts_with(WRITES) {
        return Vec::new();
    }
    let lines = (1..).zip(code::lines(text::production(content)));
    let found = lines.filter(|(_, line)| names_a_write(&line.code));
    found
        .map(|(number, _)| format!("{}:{number}: what is known does not import a write", name.display()))
        .collect()
}

fn names_a_write(code: &str) -> bool {
    let begins = |at: usize| !code[..at].ends_with(|before: char| before.is_alphanumeric() || before == '_');
    code.match_indices("write::").any(|(at, _)| begins(at))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_write_names_a_write() {
        let found = |name: &str, content: &str| imported(Path::new(name), content).len();
        for (name, content, violations) in [
            ("crates/keyward-core/src/account.rs", "use crate::write::user::CreateUser;\n", 1),
            ("crates/keyward-core/src/oauth/grant.rs", "use super::super::{id, write::grant::Given};\n", 1),
            (
                "crates/keyward-core/src/account.rs",
                "/// [`crate::write::user::CreateUser`]\nuse overwrite::a;\n",
                0,
            ),
            (
                "crates/keyward-core/src/account.rs",
                "#[cfg(test)]\nmod tests {\n    use crate::write::user::CreateUser;\n}\n",
                0,
            ),
            ("crates/keyward-core/src/lib.rs", "pub mod write;\n", 0),
            ("crates/keyward-core/src/write/key/make.rs", "use crate::write::user::CreateUser;\n", 0),
            ("crates/keyward-sqlite/src/accounts.rs", "use keyward_core::write::user::CreateUser;\n", 0),
        ] {
            assert_eq!(found(name, content), violations, "{name}: {content}");
        }
    }
}

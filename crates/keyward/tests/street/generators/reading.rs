//! Generated text that no compiler here reads: what broke the clients of other languages is looked for in it.

use std::fs;
use std::path::{Path, PathBuf};

/// Every file below a folder with this extension.
pub(super) fn files_below(folder: &Path, extension: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files_below(&path, extension));
        } else if path.extension().is_some_and(|own| own == extension) {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// The faults in a file, each with its line.
pub(super) fn faults(file: &Path) -> Vec<String> {
    let name = file.file_stem().unwrap().to_string_lossy().into_owned();
    let bytes = fs::read(file).unwrap();
    let mut found = Vec::new();
    if bytes.iter().any(|byte| byte.is_ascii_control() && !b"\n\r\t".contains(byte)) {
        found.push(format!("{name}: a raw control character"));
    }
    // `NewX` beside `X` is a constructor elsewhere; the others come of compositions that are taken for classes.
    if name.starts_with("New") || ["Not", "OneOf", "AnyOf", "AllOf"].iter().any(|end| name.ends_with(end)) {
        found.push(format!("{name}: a class that nobody asked for"));
    }
    let text = String::from_utf8(bytes).unwrap();
    let of_model = file
        .components()
        .any(|part| ["Model", "models", "Models"].iter().any(|own| part.as_os_str() == *own));
    let lines = text.lines().filter(|line| of_model && wrong(line.trim()));
    found.extend(lines.map(|line| format!("{name}: {}", line.trim())));
    found
}

/// The members of a key that the document requires and that can be null, of those that a class does not take as null.
pub(super) fn never_null(class: &str) -> Vec<&'static str> {
    let mut members = vec!["expiresat", "allowedips", "lastusedat"];
    members.retain(|member| !class.lines().any(|line| can_be_null(&line.trim().to_lowercase(), member)));
    members
}

/// Whether a line in small letters declares this member, with a type that has null.
fn can_be_null(line: &str, member: &str) -> bool {
    // C# names the type first; Kotlin and Swift name it after a colon, and a default can follow.
    let in_csharp = line.contains(&format!("? {member} {{"));
    let after = ["val", "var"].iter().find_map(|word| line.split_once(&format!("{word} {member}: ")));
    let kind = after.and_then(|(_, rest)| rest.split(" = ").next());
    in_csharp || kind.is_some_and(|kind| kind.trim_end_matches(',').ends_with('?'))
}

/// A line of a model that loses cents, has a set of one truth value, or an escape in a pattern.
fn wrong(line: &str) -> bool {
    if line.starts_with("//") || line.starts_with('*') || line.starts_with("/*") {
        return false;
    }
    let words = || line.split(|character: char| !character.is_alphanumeric());
    let loses_cents = words().any(|word| matches!(word, "float" | "Float" | "float32"));
    let is_truth = ["true(\"true\")", "_true(", "True = ", "False = "].iter().any(|form| line.contains(form))
        || (line.contains("enum ") && words().any(|word| matches!(word, "Bool" | "Boolean")));
    let small = line.to_lowercase();
    let of_pattern = ["pattern", "regex"].iter().any(|word| small.contains(word));
    let is_escaped = of_pattern && (small.contains("\\u") || small.contains("\\x"));
    loses_cents || is_truth || is_escaped
}

#[cfg(test)]
mod tests {
    use super::{never_null, wrong};

    #[test]
    fn known_faults_are_seen_in_each_language() {
        for fault in [
            "public float? LoanAmount { get; set; }",
            "val loanAmount: kotlin.Float? = null",
            "public var loanAmount: Float?",
            "True = 1",
            "@Json(name = \"true\") true(\"true\");",
            "public enum Deleted: Bool, Codable {",
            r#"Regex regexTitle = new Regex(@"^[^\u0000]+$", RegexOptions.CultureInvariant);"#,
            r#"val pattern = Regex("^[^\x00]+$")"#,
            r#"StringRule(minLength: 1, maxLength: 255, pattern: "/^[^\u{0}]+$/")"#,
        ] {
            assert!(wrong(fault), "{fault}");
        }
        for right in [
            "// a float",
            "val archived: kotlin.Boolean? = null",
            "public var loanAmount: Double?",
            "deal.Archived = true;",
            "StringRule(minLength: 1, maxLength: 255, pattern: nil)",
            r#"Regex regexDay = new Regex(@"^[0-9]+$", RegexOptions.CultureInvariant);"#,
        ] {
            assert!(!wrong(right), "{right}");
        }
    }

    #[test]
    fn a_member_that_can_be_null_is_seen_in_each_language() {
        let csharp = "public DateTime? ExpiresAt { get; set; }\n public List<string>? AllowedIps { get; set; }\n \
                      public DateTime? LastUsedAt { get; set; }";
        let kotlin = "val expiresAt: OffsetDateTime?,\n val allowedIps: List<String>?,\n val lastUsedAt: OffsetDateTime? = null";
        let swift =
            "public var expiresAt: Date?\n public var allowedIps: [String]?\n public var lastUsedAt: Date?";
        for class in [csharp, kotlin, swift] {
            assert!(never_null(class).is_empty(), "{class}");
            assert_eq!(never_null(&class.replace('?', "")).len(), 3, "{class}");
        }
        let other =
            "public var previousSecretExpiresAt: Date?\n val lastUsedAt: OffsetDateTime = nullable?.time";
        assert_eq!(never_null(other).len(), 3, "{other}");
    }
}

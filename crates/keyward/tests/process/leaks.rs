//! The patterns for secret scanners find keys that leaked. gitleaks itself runs in `cargo xtask soak leaks`.

use crate::sign_in::clients;
use crate::support::{clean, run, text};
use keyward_core::api_key::KeyFormat;
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::Command;

const SEED: &str = "21";

fn python(script: &str, arguments: &[&str]) -> Value {
    let clients = clients();
    let mut python = Command::new(clients.join(".venv/bin/python"));
    clean(&mut python);
    let output = run(python.arg(clients.join("leaks").join(script)).args(arguments));
    assert!(output.status.success(), "{script}: {}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

fn patterns() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../packaging/leak-patterns")
}

fn texts(list: &Value) -> Vec<&str> {
    list.as_array().unwrap().iter().map(|text| text.as_str().unwrap()).collect()
}

#[test]
fn scanners_find_five_planted_keys_and_the_one_with_the_checksum_no_look_alike() {
    let folder = tempfile::tempdir().unwrap();
    let planted = python("plant.py", &[text(folder.path()), SEED]);
    let (leaks, look_alikes) = (texts(&planted["leaks"]), texts(&planted["look_alikes"]));
    assert_eq!((leaks.len(), look_alikes.len()), (5, 20));
    let format = KeyFormat::new("lev_sk_").unwrap();
    assert!(leaks.iter().all(|leak| format.is_well_formed(leak)), "the checksum is ours");
    assert!(!look_alikes.iter().any(|text| format.is_well_formed(text)));

    let found = python("scan.py", &[text(&patterns()), text(folder.path())]);
    let count = |scanner: &str, of: &[&str]| {
        let lines = texts(&found[scanner]);
        of.iter().filter(|text| lines.iter().any(|line| line.contains(**text))).count()
    };
    println!("{found}");
    assert_eq!((count("detect_secrets", &leaks), texts(&found["detect_secrets"]).len()), (5, 5));
    assert_eq!(count("detect_secrets", &look_alikes), 0);
    for expression in ["trufflehog", "gitleaks"] {
        assert_eq!(count(expression, &leaks), 5, "{expression}");
        assert_eq!(
            count(expression, &look_alikes),
            20,
            "{expression} computes no checksum, and does not say so"
        );
    }
}

/// The published form is written down in several files; it is one.
#[test]
fn every_pattern_for_scanners_is_the_published_one() {
    let guide = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/guides/leaks.md");
    let published = r"\blev_sk_[0-9A-Za-z]{49}\b";
    assert!(std::fs::read_to_string(guide).unwrap().contains(published));
    let file = |name: &str| std::fs::read_to_string(patterns().join(name)).unwrap();
    for name in ["README.md", "gitleaks.toml", "github.md"] {
        assert!(file(name).contains(published), "{name}");
    }
    assert!(file("trufflehog.yaml").contains(&published.replace("lev_", "(lev_").replace("}", "})")));
    assert!(file("detect_secrets_keyward.py").contains(r#"rf"\b{PREFIX}[0-9A-Za-z]{{49}}\b""#));
}

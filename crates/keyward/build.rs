//! Gives the program its commit. Only a release build looks for it: others would be compiled again after each commit.

#[path = "build/commit.rs"]
mod commit;

use commit::Commit;
use std::path::Path;

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-changed=build/commit.rs");
    let release = std::env::var("PROFILE").is_ok_and(|profile| profile == "release");
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let commit = if release { commit::of(&root) } else { None };
    for path in commit.iter().flat_map(|commit| &commit.watched) {
        println!("cargo:rerun-if-changed={}", path.display());
    }
    let built_from = match &commit {
        Some(Commit { name, date, changed, .. }) => {
            let short: String = name.chars().take(12).collect();
            format!("{short} {date}{}", if *changed { ", with changes" } else { "" })
        }
        None if release => "commit unknown".to_owned(),
        None => "debug build".to_owned(),
    };
    println!("cargo:rustc-env=BUILT_FROM={built_from}");
    let (name, date) = commit.map(|commit| (commit.name, commit.date)).unwrap_or_default();
    println!("cargo:rustc-env=BUILT_FROM_COMMIT={name}");
    println!("cargo:rustc-env=BUILT_FROM_DATE={date}");
}

//! Files of a crate that import each other in a circle cannot be read one after the other, and none of them can move alone.
//!
//! An import counts towards the file that defines the name, through any re-export; a re-export in a `mod.rs` or `lib.rs` is a sign on
//! the door and no need. Read are the files under `src`, up to their tests.

mod graph;
mod imports;

use graph::Files;
use std::collections::BTreeMap;
use std::io;
use std::path::Path;

/// So many files may form a circle: what two or three share is seen at a glance.
const MOST: usize = 3;

/// The crates whose largest circle is larger than it may be.
pub(super) fn violations(root: &Path) -> io::Result<Vec<String>> {
    let mut crates: BTreeMap<String, Files> = BTreeMap::new();
    for path in super::files(&root.join("crates"))? {
        let Some((name, place)) = place(path.strip_prefix(root).unwrap_or(&path)) else { continue };
        crates.entry(name).or_default().add(place, imports::read(&super::read(&path)?));
    }
    let largest = crates.iter().map(|(name, files)| (name.as_str(), files.largest_circle()));
    Ok(largest.filter_map(|(name, circle)| judge(name, &circle)).collect())
}

/// The crate of a file, and the file within its `src`.
fn place(path: &Path) -> Option<(String, String)> {
    let text = path.to_str()?.replace('\\', "/");
    let (name, place) = text.strip_prefix("crates/")?.split_once("/src/")?;
    place.ends_with(".rs").then(|| (name.to_owned(), place.to_owned()))
}

fn judge(name: &str, circle: &[String]) -> Option<String> {
    let (files, names) = (circle.len(), circle.join(", "));
    (files > MOST).then(|| {
        format!(
            "{name}: {files} files import each other in a circle, {MOST} may: move what they share to a file of its own ({names})"
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_of_the_crate_whose_src_it_is_in() {
        let of = |path: &str| place(Path::new(path));
        let is = |name: &str, place: &str| Some((name.to_owned(), place.to_owned()));
        assert_eq!(of("crates/keyward/src/cli/run.rs"), is("keyward", "cli/run.rs"));
        assert_eq!(of("crates/keyward/tests/api/main.rs"), None, "tests may do as they like");
        assert_eq!(of("crates/keyward/src/cli/usage.txt"), None);
        assert_eq!(of("xtask/src/main.rs"), None);
    }

    #[test]
    fn a_circle_that_is_too_large_is_named_with_its_files() {
        let judged = |files: usize| judge("a", &(0..files).map(|n| format!("{n}.rs")).collect::<Vec<_>>());
        assert_eq!(judged(MOST), None);
        assert!(
            judged(MOST + 1).is_some_and(|said| said.contains("a: 4 files") && said.contains("0.rs, 1.rs"))
        );
    }
}

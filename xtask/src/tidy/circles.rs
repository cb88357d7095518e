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

/// Crates with a larger circle, and its files. A number here only gets lower.
const LARGER: &[(&str, usize)] =

/// The crates whose largest circle is larger than it may be, and the numbers of [`LARGER`] that are too high.
pub(super) fn violations(root: &Path) -> io::Result<Vec<String>> {
    let mut crates: BTreeMap<String, Files> = BTreeMap::new();
    for path in super::files(&root.join("crates"))? {
        let Some((name, place)) = place(path.strip_prefix(root).unwrap_or(&path)) else { continue };
        crates.entry(name).or_default().add(place, imports::read(&super::read(&path)?));
    }
    let largest = crates.iter().map(|(name, files)| (name.as_str(), files.largest_circle()));
    Ok(largest.filter_map(|(name, circle)| judge(name, &circle, LARGER)).collect())
}

/// The crate of a file, and the file within its `src`.
fn place(path: &Path) -> Option<(String, String)> {
    let text = path.to_str()?.replace('\\', "/");
    let (name, place) = text.strip_prefix("crates/")?.split_once("/src/")?;
    place.ends_with(".rs").then(|| (name.to_owned(), place.to_owned()))
}

fn judge(name: &str, circle: &[String], larger: &[(&str, usize)]) -> Option<String> {
    let listed = larger.iter().find(|(of, _)| *of == name).map(|(_, most)| *most);
    let most = listed.unwrap_or(MOST);
    let files = circle.len();
    if files > most {
        let names = circle.join(", ");
        return Some(format!(
            "{name}: {files} files import each other in a circle, {most} may: move what they share to a file of its own ({names})"
        ));
    }
    let lower = listed.filter(|most| files < *most)?;
    Some(format!(
        "{name}: its largest circle has {files} files now: say so in xtask/src/tidy/circles.rs, where {lower} stands"
    ))
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
    fn a_number_that_is_too_low_or_too_high_is_named() {
        let circle = |files: usize| (0..files).map(|n| format!("{n}.rs")).collect::<Vec<_>>();
        let judged = |files, larger: &[(&str, usize)]| judge("a", &circle(files), larger);
        assert_eq!(judged(3, &[]), None);
        assert!(judged(4, &[]).is_some_and(|told| told.contains("4 files") && told.contains("0.rs, 1.rs")));
        assert_eq!(judged(5, &[("a", 5)]), None);
        assert!(judged(6, &[("a", 5)]).is_some_and(|told| told.contains("6 files")));
        assert!(judged(4, &[("a", 5)]).is_some_and(|told| told.contains("has 4 files now")));
        assert!(judged(4, &[("b", 5)]).is_some_and(|told| told.contains("3 may")));
    }
}

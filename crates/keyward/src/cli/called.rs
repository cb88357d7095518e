//! How a shell calls this program, for lines that people copy: after `cargo run` it is on no PATH.

use std::env;
use std::ffi::OsStr;
use std::path::MAIN_SEPARATOR;

/// The name of the program.
const NAME: &str = "keyward";

/// `keyward` where the PATH has it, and else the path by which it was started.
pub(super) fn name() -> String {
    let started = env::args_os().next();
    // Absent: no folder is searched.
    let searched = env::var_os("PATH").unwrap_or_default();
    called(started.as_deref(), |name| env::split_paths(&searched).any(|folder| folder.join(name).is_file()))
}

fn called(started: Option<&OsStr>, is_on_the_path: impl Fn(&str) -> bool) -> String {
    // Absent: started without a name of its own, or found on the PATH by one.
    let path = started.and_then(OsStr::to_str).filter(|path| path.contains(MAIN_SEPARATOR));
    match path {
        Some(path) if !is_on_the_path(NAME) => as_word(path),
        _ => NAME.to_owned(),
    }
}

/// The path as one word of a shell.
fn as_word(path: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+@%,:".contains(c);
    if path.chars().all(plain) { path.to_owned() } else { format!("'{}'", path.replace('\'', r"'\''")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_that_is_on_no_path_is_called_by_where_it_is() {
        for (started, on_the_path, expected) in [
            (Some("target/release/keyward"), false, "target/release/keyward"),
            (Some("target/release/keyward"), true, "keyward"),
            (Some("keyward"), false, "keyward"),
            (None, false, "keyward"),
            (Some("/home/a b/it's/keyward"), false, r"'/home/a b/it'\''s/keyward'"),
        ] {
            let name = called(started.map(OsStr::new), |_| on_the_path);
            assert_eq!(name, expected, "{started:?}");
        }
    }
}

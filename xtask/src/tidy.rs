//! `cargo xtask tidy`: the house rules that a machine can check. Every violation is one line.

mod arrows;
mod circles;
mod code;
mod fallbacks;
mod links;
mod text;
mod writes;

use crate::command::{Failed, Outcome, cargo};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// Checks every rule and prints what breaks one.
pub(crate) fn check(root: &Path) -> Outcome {
    told(violations(root))
}

/// Writes the lower counts of fallbacks without a reason.
pub(crate) fn lower(root: &Path) -> Outcome {
    told(fallbacks::write(root))
}

fn told(violations: io::Result<Vec<String>>) -> Outcome {
    let violations = match violations {
        Ok(violations) => violations,
        Err(error) => vec![format!("cannot check: {error}")],
    };
    for violation in &violations {
        eprintln!("tidy: {violation}");
    }
    if violations.is_empty() { Ok(()) } else { Err(Failed(1)) }
}

fn violations(root: &Path) -> io::Result<Vec<String>> {
    let mut found = arrows::violations(&metadata(root)?);
    found.extend(text::dependencies_without_reason(&read(&root.join("Cargo.toml"))?));
    for path in [files(&root.join("crates"))?, files(&root.join("xtask"))?].concat() {
        found.extend(source(root, &path)?);
    }
    found.extend(fallbacks::violations(root)?);
    found.extend(circles::violations(root)?);
    for path in pages(root)? {
        found.extend(links::dangling(root, &path, &read(&path)?));
    }
    Ok(found)
}

fn source(root: &Path, path: &Path) -> io::Result<Vec<String>> {
    let bytes = fs::read(path).map_err(|error| at(path, &error))?;
    let Ok(content) = String::from_utf8(bytes) else { return Ok(Vec::new()) };
    let name = path.strip_prefix(root).unwrap_or(path);
    let mut found = Vec::new();
    found.extend(text::too_long(name, &content));
    if name.starts_with("crates") {
        found.extend(text::unfinished(name, &content));
        found.extend(writes::imported(name, &content));
    }
    Ok(found)
}

/// The prose: Markdown at the root, and everything under `docs`.
fn pages(root: &Path) -> io::Result<Vec<PathBuf>> {
    let at_root = entries(root)?.into_iter().filter(|path| path.is_file());
    let docs = root.join("docs");
    let below = if docs.is_dir() { files(&docs)? } else { Vec::new() };
    let markdown = |path: &PathBuf| path.extension().is_some_and(|extension| extension == "md");
    Ok(at_root.chain(below).filter(markdown).collect())
}

fn metadata(root: &Path) -> io::Result<serde_json::Value> {
    let output = cargo(root).args(["metadata", "--format-version", "1", "--no-deps"]).output()?;
    if !output.status.success() {
        return Err(io::Error::other(String::from_utf8_lossy(&output.stderr).trim().to_owned()));
    }
    serde_json::from_slice(&output.stdout).map_err(io::Error::other)
}

/// Every file below a folder, in a fixed order; hidden ones and what is built stay out.
fn files(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for path in entries(folder)? {
        if path.is_dir() { found.extend(files(&path)?) } else { found.push(path) }
    }
    Ok(found)
}

fn entries(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let all = fs::read_dir(folder).map_err(|error| at(folder, &error))?;
    let mut paths = all.map(|entry| entry.map(|entry| entry.path())).collect::<io::Result<Vec<_>>>()?;
    paths.retain(|path| !path.file_name().is_some_and(|name| skipped(&name.to_string_lossy())));
    paths.sort();
    Ok(paths)
}

fn skipped(name: &str) -> bool {
    name.starts_with('.') || name == "target" || name == "node_modules"
}

fn read(path: &Path) -> io::Result<String> {
    fs::read_to_string(path).map_err(|error| at(path, &error))
}

fn at(path: &Path, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{}: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hidden_and_built_folders_are_not_read() {
        assert!(skipped(".git") && skipped("target") && skipped("node_modules"));
        assert!(!skipped("src") && !skipped("targets.rs"));
    }

    #[test]
    fn an_error_names_the_file() {
        let error = read(Path::new("/no/such/file")).unwrap_err();
        assert!(error.to_string().starts_with("/no/such/file: "), "{error}");
    }
}

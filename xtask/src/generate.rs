//! `cargo xtask generate`: the reference pages, and the examples of the OpenAPI document, written by the program itself.

use crate::command::{Failed, Outcome, cargo, run};
use std::path::Path;

const PAGES: [&str; 5] = ["cli", "config", "denials", "errors", "metrics"];

/// Writes every page. That they are up to date is a test of the pages.
pub(crate) fn pages(root: &Path) -> Outcome {
    // The tests ask for every answer that the OpenAPI document tells of, and here write down what they are given.
    let args =
        ["test", "--quiet", "--locked", "-p", "keyward", "--test", "api", "every_answer_of_the_document"];
    run(cargo(root).args(args).env("KEYWARD_WRITE_EXAMPLES", "1"))?;
    let folder = root.join("docs").join("reference");
    for name in PAGES {
        let page = page(root, name)?;
        let path = folder.join(format!("{name}.md"));
        if let Err(error) = std::fs::create_dir_all(&folder).and_then(|()| std::fs::write(&path, page)) {
            eprintln!("{}: {error}", path.display());
            return Err(Failed(1));
        }
    }
    Ok(())
}

fn page(root: &Path, name: &str) -> Result<String, Failed> {
    let args = ["run", "--quiet", "--locked", "-p", "keyward", "--", "reference", name];
    let output = cargo(root).args(args).output().map_err(|error| {
        eprintln!("cargo: {error}");
        Failed(1)
    })?;
    if !output.status.success() {
        eprintln!("{}", String::from_utf8_lossy(&output.stderr));
        return Err(Failed(1));
    }
    String::from_utf8(output.stdout).map_err(|_| Failed(1))
}

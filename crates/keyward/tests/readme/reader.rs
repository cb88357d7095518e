//! Somebody who follows the README from top to bottom: types every line, saves every file, runs every program.

use crate::page::{Block, Command, Page};
use crate::plain::plain;
use crate::programs::{self, KEYWARD, Running, Shown, output, program, program_in};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// Where the page's server listens. The test's own is put in its place.
const ADDRESS: &str = "127.0.0.1:8080";
/// What the page says and this test does not do, because it runs inside the one, and the other builds everything again.
/// Each stands there once, letter for letter, in this order.
const NOT_RUN: [&str; 2] = ["cargo xtask test", "cargo install --locked --path crates/keyward"];
/// How the page starts the demo. The test starts the program that is built already.
const DEMO: &str = "cargo run --release -- demo";
/// Where that puts the program.
const RELEASE: &str = "target/release/keyward";
/// The directory that `init` makes.
const DATA: &str = "keyward-data";

pub(crate) struct Reader {
    /// Other people's clients.
    clients: PathBuf,
    folder: TempDir,
    demo: Running,
    /// The demo's line of JSON.
    sample: Value,
    /// What has been exported.
    variables: BTreeMap<String, String>,
    /// What the last program printed, until a `text` block has been compared with it.
    printed: Option<String>,
    not_run: Vec<String>,
    demo_seen: bool,
}

impl Reader {
    /// With a demo of its own, a folder to work in, and no variable set.
    pub(crate) fn begin() -> Self {
        let clients = programs::clients();
        let folder = tempfile::tempdir().unwrap();
        let mut command = program(KEYWARD);
        command.args(["demo", "--listen", "127.0.0.1:0", "--json"]).env("TMPDIR", folder.path());
        let demo = Running::start(command, Shown::Stdout);
        let sample = serde_json::from_str(&demo.lines(1)).unwrap();
        Self {
            clients,
            folder,
            demo,
            sample,
            variables: BTreeMap::new(),
            printed: None,
            not_run: Vec::new(),
            demo_seen: false,
        }
    }

    /// A line of a `console` block.
    pub(crate) fn types(&mut self, command: &Command) {
        let text = command.text.as_str();
        let printed = if NOT_RUN.contains(&text) {
            self.not_run.push(text.to_owned());
            String::new()
        } else if text == DEMO {
            self.starts_another_demo(command)
        } else if let Some(assignment) = text.strip_prefix("export ") {
            self.exports(command, assignment)
        } else if text.starts_with("keyward serve ") {
            self.serves(command)
        } else {
            let first = text.split(' ').next().unwrap_or_default();
            assert!(["curl", "keyward"].contains(&first), "{}: {first}?", command.place);
            let mut shell = self.program("bash");
            shell.args(["-c", &self.at_the_demo(text)]);
            output(shell)
        };
        assert_eq!(
            plain(&printed),
            plain(&command.output),
            "{}: $ {text}\nprinted:\n{printed}",
            command.place
        );
    }

    /// A `toml` block, whose first line names the file.
    pub(crate) fn saves(&mut self, block: &Block) {
        let name = block.text.lines().next().and_then(|line| line.strip_prefix("# ")).unwrap();
        assert!(block.text.contains(ADDRESS), "{}: where it listens is replaced", block.place);
        fs::write(self.folder.path().join(name), block.text.replace(ADDRESS, "127.0.0.1:0")).unwrap();
    }

    /// A program in TypeScript: compiled as strictly as all of ours, then run.
    pub(crate) fn runs_typescript(&mut self, block: &Block) {
        let (clients, folder) = (self.clients.clone(), self.folder.path().join("ts"));
        let config = json!({
            "extends": clients.join("tsconfig.json"),
            "compilerOptions": {
                "rootDir": ".",
                "outDir": "build",
                "typeRoots": [clients.join("node_modules/@types")],
            },
            "include": ["*.ts"],
        });
        fs::create_dir(&folder).unwrap();
        fs::write(folder.join("package.json"), json!({ "type": "module" }).to_string()).unwrap();
        fs::write(folder.join("tsconfig.json"), config.to_string()).unwrap();
        fs::write(folder.join("deals.ts"), self.at_the_demo(&block.text)).unwrap();
        let mut compile = program("node");
        compile.arg(clients.join("node_modules/typescript/bin/tsc")).current_dir(&folder);
        assert_eq!(output(compile), "");
        self.runs(block, "node", &folder.join("build").join("deals.js"));
    }

    /// A program in Python.
    pub(crate) fn runs_python(&mut self, block: &Block) {
        let file = self.folder.path().join("deals.py");
        fs::write(&file, self.at_the_demo(&block.text)).unwrap();
        self.runs(block, self.clients.join(".venv/bin/python"), &file);
    }

    fn runs(&mut self, block: &Block, name: impl AsRef<Path>, file: &Path) {
        let mut command = self.program(name);
        command.arg(file);
        let before = self.printed.replace(output(command));
        assert_eq!(before, None, "{}: the program before has no text block", block.place);
    }

    /// A `text` block: what the program above it prints.
    pub(crate) fn sees(&mut self, block: &Block) {
        let printed = self.printed.take();
        let printed = printed.unwrap_or_else(|| panic!("{}: output of no program", block.place));
        assert_eq!(plain(&printed), plain(&block.text), "{}", block.place);
    }

    /// The end of the page.
    pub(crate) fn ends(self) {
        assert_eq!(self.printed, None, "the last program has no text block");
        assert_eq!(self.not_run, NOT_RUN);
        assert!(self.demo_seen, "the page does not start the demo");
        assert_eq!(self.demo.stop(), [""; 0]);
        let left = fs::read_dir(self.folder.path()).unwrap().map(|entry| entry.unwrap().file_name());
        let left: Vec<OsString> =
            left.filter(|name| name.to_string_lossy().starts_with("keyward-demo-")).collect();
        assert_eq!(left, [""; 0], "a demo takes its directory away");
    }

    /// The demo as the page starts it, with its listening address from a variable so that 8080 may be taken.
    fn starts_another_demo(&mut self, command: &Command) -> String {
        self.demo_seen = true;
        let arguments = command.text.rsplit_once(" -- ").map(|(_, arguments)| arguments.split(' ')).unwrap();
        let mut demo = self.program(KEYWARD);
        demo.args(arguments).env("KEYWARD_SERVER_LISTEN", "127.0.0.1:0");
        // As right after `cargo run`: the program is where cargo has put it, and not on the PATH.
        demo.env("PATH", "");
        let running = Running::start(demo, Shown::Stdout);
        let printed = running.lines(command.output.lines().count());
        assert_eq!(running.stop(), [""; 0], "{}: the demo prints more", command.place);
        printed.replace(KEYWARD, RELEASE)
    }

    /// `KEY=lev_sk_…  # permission, e-mail address` sets that key of the demo; anything else is set as it stands.
    fn exports(&mut self, command: &Command, assignment: &str) -> String {
        let (name, value) = assignment.split_once('=').unwrap();
        let value = match value.strip_prefix("lev_sk_…") {
            None => self.at_the_demo(value),
            Some(which) => {
                let (permission, email) =
                    which.trim().strip_prefix("# ").and_then(|key| key.split_once(", ")).unwrap();
                let keys = self.sample["api_keys"].as_array().unwrap();
                let key =
                    keys.iter().find(|key| key["permission"] == permission && key["user_email"] == email);
                let key = key.unwrap_or_else(|| panic!("{}: no such key in the demo", command.place));
                key["api_key"].as_str().unwrap().to_owned()
            }
        };
        self.variables.insert(name.to_owned(), value);
        String::new()
    }

    /// Serves, answers, and keeps in the data directory what the page says.
    fn serves(&self, command: &Command) -> String {
        let mut serve = self.program(KEYWARD);
        serve.args(command.text.split(' ').skip(1));
        let running = Running::start(serve, Shown::Stderr);
        let printed = running.lines(command.output.lines().count());
        let address = printed.split("address=").nth(1).and_then(|rest| rest.split(' ').next()).unwrap();
        let mut health = self.program("curl");
        health.args(["-s", "-f", &format!("http://{address}/api/external/v2/health")]);
        output(health);
        let files = fs::read_dir(self.folder.path().join(DATA)).unwrap();
        let mut files: Vec<String> =
            files.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect();
        files.sort();
        assert_eq!(
            files,
            [
                "keyward.db",
                "keyward.db-shm",
                "keyward.db-wal",
                "keyward.db.revocations",
                "keyward.db.sock",
                "root-secret"
            ]
        );
        let page = Page::readme();
        for name in files.iter().map(String::as_str).chain([DATA]) {
            assert!(page.text.contains(&format!("`{name}`")), "the README does not tell of {name}");
        }
        running.stop();
        printed
    }

    fn program(&self, name: impl AsRef<Path>) -> std::process::Command {
        program_in(self.folder.path(), &self.variables, name)
    }

    /// The text with the address of the test's own demo.
    fn at_the_demo(&self, text: &str) -> String {
        let url = self.sample["url"].as_str().unwrap();
        text.replace(ADDRESS, url.strip_prefix("http://").unwrap())
    }
}

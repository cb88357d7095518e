//! Somebody who runs a server by a guide, from top to bottom: saves every file, types every line, starts the server and a client in
//! the background of the shell and awaits their ends.

use crate::page::{Block, Command, Page};
use crate::plain::{found, plain};
use crate::programs::{PATIENCE, ended, program_in};
use std::collections::BTreeMap;
use std::fs::{self, Permissions};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, ExitStatus};
use std::thread::sleep;
use std::time::Duration;
use tempfile::TempDir;

/// What a guide says and this test does not do, because it changes the machine or needs other programs: of every page each line,
/// letter for letter, in this order.
const NOT_RUN: [(&str, &[&str]); 2] = [
    (
        "docs/guides/operating.md",
        &[
            "useradd --system --home-dir /var/lib/keyward --shell /usr/sbin/nologin keyward",
            "install -m 755 target/release/keyward /usr/local/bin/keyward",
            "install -m 644 packaging/systemd/keyward.service /etc/systemd/system/keyward.service",
            "install -d -m 700 -o keyward -g keyward /var/lib/keyward",
            "install -D -m 640 -g keyward keyward.toml /etc/keyward/keyward.toml",
            "runuser -u keyward -- keyward init --config /etc/keyward/keyward.toml --account acme --email you@acme.example",
            "systemctl daemon-reload",
            "systemctl enable --now keyward",
        ],
    ),
    // Scanners, which other tests and `cargo xtask soak leaks` run.
    (
        "docs/guides/leaks.md",
        &[
            "gitleaks dir . --config packaging/leak-patterns/gitleaks.toml",
            "trufflehog filesystem . --config=packaging/leak-patterns/trufflehog.yaml",
            "detect-secrets scan --plugin packaging/leak-patterns/detect_secrets_keyward.py --disable-filter \
             detect_secrets.filters.heuristic.is_indirect_reference",
        ],
    ),
];
/// What may be typed: nothing that reaches out of the folder.
const TYPED: [&str; 10] =
    ["keyward", "curl", "kill", "tail", "stat", "mkdir", "cp", "mv", "promtool", "sort"];
/// What may stand behind a pipe.
const PIPED: [&str; 4] = ["grep", "tail", "promtool", "uniq"];
/// Where a guide's server listens, for clients and for the operator. The test's own are put in their place.
const ADDRESSES: [&str; 2] = ["127.0.0.1:8080", "127.0.0.1:9090"];
/// The folder that a guide works in.
const FOLDER: &str = "/srv/keyward";
/// How the shell names the server in its background.
const JOB: &str = "%1";
/// How it names a client that calls the server meanwhile.
const CLIENT: &str = "%2";
/// Between two looks at something that is awaited.
const LOOK: Duration = Duration::from_millis(20);

pub(crate) struct Operator {
    page: String,
    folder: TempDir,
    /// In place of [`ADDRESSES`].
    addresses: Vec<SocketAddr>,
    server: Option<Background>,
    /// What calls it meanwhile.
    client: Option<Background>,
    /// What has been exported.
    variables: BTreeMap<String, String>,
    /// The key that was shown last.
    key: Option<String>,
    /// The ids of requests that the page shows, and those that were printed in their place.
    ids: BTreeMap<String, String>,
    not_run: Vec<String>,
}

impl Operator {
    /// With a folder that holds a certificate and its key, and leads to what the project ships, and no variable set.
    pub(crate) fn begin(page: &Page) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let made = rcgen::generate_simple_self_signed(vec!["127.0.0.1".to_owned()]).unwrap();
        let key = folder.path().join("key.pem");
        fs::write(folder.path().join("cert.pem"), made.cert.pem()).unwrap();
        fs::write(&key, made.signing_key.serialize_pem()).unwrap();
        fs::set_permissions(&key, Permissions::from_mode(0o600)).unwrap();
        let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../packaging");
        std::os::unix::fs::symlink(shipped, folder.path().join("packaging")).unwrap();
        Self {
            page: page.name.clone(),
            folder,
            addresses: free_addresses(ADDRESSES.len()),
            server: None,
            client: None,
            variables: BTreeMap::new(),
            key: None,
            ids: BTreeMap::new(),
            not_run: Vec::new(),
        }
    }

    /// A `toml` block, whose first line names the file.
    pub(crate) fn saves(&mut self, block: &Block) {
        let name = block.text.lines().next().and_then(|line| line.strip_prefix("# "));
        let name = name.unwrap_or_else(|| panic!("{}: the first line names no file", block.place));
        assert!(!name.contains('/'), "{}: {name} is outside the folder", block.place);
        fs::write(self.folder.path().join(name), self.here(&block.text)).unwrap();
    }

    /// A `sh` block: what this test cannot do.
    pub(crate) fn leaves(&mut self, block: &Block) {
        self.not_run.extend(block.text.lines().map(str::to_owned));
    }

    /// A line of a `console` block.
    pub(crate) fn types(&mut self, command: &Command) {
        let text = command.text.as_str();
        let printed = if let Some(assignment) = text.strip_prefix("export ") {
            self.exports(command, assignment)
        } else if let Some(line) = text.strip_suffix(" &") {
            self.starts(command, line)
        } else if text == format!("wait {JOB}") {
            let server = self.server.take();
            self.awaits(command, server)
        } else if text == format!("wait {CLIENT}") {
            let client = self.client.take();
            self.awaits(command, client)
        } else {
            self.runs(command)
        };
        self.learns(&command.output, &printed);
        assert_eq!(
            plain(&printed),
            plain(&command.output),
            "{}: $ {text}\nprinted:\n{printed}\nthe log:\n{}",
            command.place,
            self.log()
        );
    }

    /// The end of the page.
    pub(crate) fn ends(self) {
        assert!(self.server.is_none(), "{} leaves its server running", self.page);
        assert!(self.client.is_none(), "{} does not await its client", self.page);
        let known = NOT_RUN.iter().find(|(page, _)| *page == self.page).map_or(&[][..], |(_, lines)| lines);
        assert_eq!(self.not_run, known, "{}: what nobody runs", self.page);
    }

    /// `lev_sk_…` is the key that was shown last, whatever a comment says; anything else is set as it stands.
    fn exports(&mut self, command: &Command, assignment: &str) -> String {
        let assignment = assignment.split_once("  #").map_or(assignment, |(assignment, _)| assignment);
        let (name, value) = assignment.split_once('=').unwrap();
        let value = match value {
            "lev_sk_…" => self.key.clone().unwrap_or_else(|| panic!("{}: no key was shown", command.place)),
            value => self.here(value),
        };
        self.variables.insert(name.to_owned(), value);
        String::new()
    }

    /// The server or a client of it, from here on in the background.
    fn starts(&mut self, command: &Command, line: &str) -> String {
        let again = line.starts_with("for n in ") && line.contains("; do curl ");
        let client = again || line.starts_with("curl ");
        assert!(client || line.starts_with("keyward serve "), "{}: in the background?", command.place);
        let place = if client { &self.client } else { &self.server };
        assert!(place.is_none(), "{}: the one before still runs", command.place);
        let mut shell = program_in(self.folder.path(), &self.variables, "bash");
        // A loop is the shell's own; a program takes the shell's place, and its signals.
        let exec = if again { "" } else { "exec " };
        let started = Background(shell.args(["-c", &format!("{exec}{}", self.here(line))]).spawn().unwrap());
        if client {
            self.client = Some(started);
        } else {
            self.server = Some(self.listens(command, started));
        }
        String::new()
    }

    /// The server, once it can be called.
    fn listens(&self, command: &Command, mut server: Background) -> Background {
        let answers = (0..looks()).any(|_| {
            sleep(LOOK);
            assert!(server.0.try_wait().unwrap().is_none(), "{}: it ends\n{}", command.place, self.log());
            TcpStream::connect(self.addresses[0]).is_ok()
        });
        assert!(answers, "{}: it does not listen\n{}", command.place, self.log());
        server
    }

    /// What was started before, and ends by itself or by a signal that it was sent.
    fn awaits(&self, command: &Command, started: Option<Background>) -> String {
        let started = started.unwrap_or_else(|| panic!("{}: nothing runs", command.place));
        let status = started.end().unwrap_or_else(|| panic!("{}: it goes on\n{}", command.place, self.log()));
        assert!(status.success(), "{}: {status}\n{}", command.place, self.log());
        String::new()
    }

    /// Anything that ends by itself. What begins like a refusal of ours must be one, and nothing else may fail.
    fn runs(&self, command: &Command) -> String {
        let text = command.text.as_str();
        for part in text.split(" | ").skip(1) {
            assert!(PIPED.contains(&first_word(part)), "{}: {part}?", command.place);
        }
        assert!(TYPED.contains(&first_word(text)), "{}: {text}?", command.place);
        let mut line = self.here(text);
        if line.contains(JOB) {
            let server = self.server.as_ref().unwrap_or_else(|| panic!("{}: no server runs", command.place));
            line = line.replace(JOB, &server.0.id().to_string());
        }
        if text.starts_with("keyward config check") && !self.names_an_address() {
            line = format!("KEYWARD_SERVER_LISTEN=127.0.0.1:0 {line}");
        }
        for _ in 0..looks() {
            let mut shell = program_in(self.folder.path(), &self.variables, "bash");
            shell.args(["-c", &format!("set -o pipefail; exec 2>&1\n{line}")]);
            let ended = ended(shell);
            let printed = String::from_utf8(ended.stdout).unwrap();
            let printed = printed.replace(self.folder.path().to_str().unwrap(), FOLDER);
            // What the server is to log may take a moment.
            if first_word(text) == "tail" && plain(&printed) != plain(&command.output) {
                sleep(LOOK);
                continue;
            }
            let fails = printed.starts_with("keyward: ") || printed.starts_with("{\"error\":");
            let codes = if fails { 1..=3 } else { 0..=0 };
            let code = ended.status.code().unwrap_or(-1);
            assert!(codes.contains(&code), "{}: $ {text} ended with {code}\n{printed}", command.place);
            return printed;
        }
        panic!("{}: $ {text}\nis not in the log:\n{}", command.place, self.log());
    }

    /// Remembers what a later line of the page may name.
    fn learns(&mut self, shown: &str, printed: &str) {
        self.key = found(printed, "<key>").pop().or_else(|| self.key.take());
        self.ids.extend(found(shown, "<uuid>").into_iter().zip(found(printed, "<uuid>")));
    }

    /// The text with the test's own addresses, and the ids that were printed.
    fn here(&self, text: &str) -> String {
        let addresses = ADDRESSES.iter().zip(&self.addresses);
        let text =
            addresses.fold(text.to_owned(), |text, (page, ours)| text.replace(page, &ours.to_string()));
        self.ids.iter().fold(text, |text, (page, ours)| text.replace(page, ours))
    }

    /// Whether a configuration of the page says where it listens. Else it is the usual address, which any process of this machine
    /// may have.
    fn names_an_address(&self) -> bool {
        let files = fs::read_dir(self.folder.path()).unwrap().map(|entry| entry.unwrap().path());
        let mut files = files.filter(|file| file.extension().is_some_and(|extension| extension == "toml"));
        files.any(|file| fs::read_to_string(file).unwrap().contains("listen = "))
    }

    /// All that the server has logged: the reason, where a line fails.
    fn log(&self) -> String {
        let logs = fs::read_dir(self.folder.path()).unwrap().map(|entry| entry.unwrap().path());
        let logs = logs.filter(|file| file.extension().is_some_and(|extension| extension == "log"));
        logs.map(|file| fs::read_to_string(file).unwrap()).collect()
    }
}

/// A program that this test has started. It is ended with the test.
struct Background(Child);

impl Background {
    /// How it ends, if it does.
    fn end(mut self) -> Option<ExitStatus> {
        (0..looks()).find_map(|_| {
            sleep(LOOK);
            self.0.try_wait().unwrap()
        })
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        // Only where it has not been awaited.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// As many looks are taken at something that is awaited.
fn looks() -> u128 {
    PATIENCE.as_millis() / LOOK.as_millis()
}

fn first_word(line: &str) -> &str {
    line.split(' ').next().unwrap_or_default()
}

/// Addresses that nobody listens on, of ports below those that a system hands out, so that nobody gets one by chance meanwhile.
fn free_addresses(count: usize) -> Vec<SocketAddr> {
    let first = 20_000 + 2 * u16::try_from(std::process::id() % 5_000).unwrap();
    let addresses = (first..32_000).map(|port| SocketAddr::from(([127, 0, 0, 1], port)));
    let free: Vec<SocketAddr> =
        addresses.filter(|address| TcpListener::bind(address).is_ok()).take(count).collect();
    assert_eq!(free.len(), count, "no free port");
    free
}

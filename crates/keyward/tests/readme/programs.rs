//! The programs that the pages use: ours, the shell, and other people's clients.

use crate::promtool::promtool;
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

/// The program under test.
pub(crate) const KEYWARD: &str = env!("CARGO_BIN_EXE_keyward");
/// Nothing on a page takes longer.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// A program that is not disturbed by what is set around the test: no settings of ours, no proxy, one language.
pub(crate) fn program(name: impl AsRef<Path>) -> Command {
    let mut command = Command::new(name.as_ref());
    for (variable, _) in std::env::vars_os() {
        if variable.to_string_lossy().starts_with("KEYWARD_") {
            command.env_remove(variable);
        }
    }
    command.env("NO_PROXY", "127.0.0.1").env("no_proxy", "127.0.0.1").env("LC_ALL", "C").stdin(Stdio::null());
    command
}

/// A program in the folder of a page, with what has been exported there, and with `keyward` and `promtool` to be found.
pub(crate) fn program_in(
    folder: &Path,
    variables: &BTreeMap<String, String>,
    name: impl AsRef<Path>,
) -> Command {
    let (ours, promtool) = (Path::new(KEYWARD), promtool());
    // Of one that is on the PATH there is no folder to name.
    let folders = [ours, &promtool].into_iter().filter_map(|program| program.parent());
    let folders = folders.filter(|folder| folder.is_absolute()).map(Path::to_owned);
    let paths = std::env::var_os("PATH").unwrap_or_default();
    let paths: Vec<PathBuf> = folders.chain(std::env::split_paths(&paths)).collect();
    let mut command = program(name);
    command.current_dir(folder).envs(variables);
    command.env("PATH", std::env::join_paths(paths).unwrap()).env("TMPDIR", folder);
    command
}

/// What a program prints until it ends, and how it ends.
pub(crate) fn ended(command: Command) -> Output {
    ended_within(command, PATIENCE)
}

/// The same for one that takes longer.
pub(crate) fn ended_within(mut command: Command, patience: Duration) -> Output {
    let told = told(&command);
    let (tell, told_back) = channel();
    thread::spawn(move || tell.send(command.output()));
    let ended = told_back.recv_timeout(patience).unwrap_or_else(|_| panic!("no end of {told}"));
    ended.unwrap_or_else(|error| panic!("{told}: {error}; `cargo xtask test` installs what the tests need"))
}

/// What a program prints until it ends. It must end well.
pub(crate) fn output(command: Command) -> String {
    let told = told(&command);
    let Output { status, stdout, stderr } = ended(command);
    let stderr = String::from_utf8_lossy(&stderr);
    assert!(status.success(), "{told}: {status}\n{}{stderr}", String::from_utf8_lossy(&stdout));
    assert_eq!(stderr, "", "{told} complains");
    String::from_utf8(stdout).unwrap()
}

/// Name and arguments, without the environment, where keys are.
fn told(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ")
}

/// What the program says about itself.
pub(crate) fn help(arguments: &[&str]) -> String {
    let mut command = program(KEYWARD);
    command.args(arguments).arg("--help");
    output(command)
}

/// The folder with other people's clients, installed.
pub(crate) fn clients() -> PathBuf {
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/clients");
    let folder = std::env::var_os("KEYWARD_TEST_CLIENTS").map_or_else(beside, PathBuf::from);
    for tool in ["node_modules/typescript/bin/tsc", "node_modules/@types/node", ".venv/bin/python"] {
        let tool = folder.join(tool);
        assert!(tool.exists(), "{} is missing: run `cargo xtask test`, which installs it", tool.display());
    }
    folder.canonicalize().unwrap()
}

/// A program that goes on until it is told to stop.
pub(crate) struct Running {
    child: Child,
    lines: Receiver<String>,
}

/// Where a running program prints what the page shows.
#[derive(Clone, Copy)]
pub(crate) enum Shown {
    /// The demo's credentials.
    Stdout,
    /// The log.
    Stderr,
}

impl Running {
    pub(crate) fn start(mut command: Command, shown: Shown) -> Self {
        match shown {
            Shown::Stdout => command.stdout(Stdio::piped()).stderr(Stdio::null()),
            Shown::Stderr => command.stdout(Stdio::null()).stderr(Stdio::piped()),
        };
        let mut child = command.spawn().unwrap();
        let from: Box<dyn Read + Send> = match shown {
            Shown::Stdout => Box::new(child.stdout.take().unwrap()),
            Shown::Stderr => Box::new(child.stderr.take().unwrap()),
        };
        let (tell, lines) = channel();
        thread::spawn(move || {
            // Read to the end even when nobody listens any more, so that the program is never held up.
            for line in BufReader::new(from).lines().map_while(Result::ok) {
                let _ = tell.send(line);
            }
        });
        Self { child, lines }
    }

    /// The next lines that it prints.
    pub(crate) fn lines(&self, count: usize) -> String {
        let next =
            |_| self.lines.recv_timeout(PATIENCE).expect("the program prints as many lines as the page");
        (0..count).map(next).collect::<Vec<_>>().join("\n")
    }

    /// Stops it as Ctrl-C would. It must end well; what else it printed comes back.
    pub(crate) fn stop(mut self) -> Vec<String> {
        let mut interrupt = program("kill");
        interrupt.args(["-INT", &self.child.id().to_string()]);
        output(interrupt);
        let status = self.child.wait().unwrap();
        assert!(status.success(), "the end: {status}");
        self.lines.iter().collect()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Only after a failed test: `stop` has waited for its end.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

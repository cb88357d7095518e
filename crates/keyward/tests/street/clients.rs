//! The folders below `tests/clients`, what is unpacked below `target/`, and running a program from there within a time.

use crate::support::clean;
use rustix::process::{Pid, Signal, kill_process_group};
use std::io::Read;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::thread::{self, JoinHandle, sleep};
use std::time::Duration;

/// This folder of `tests/clients`. What its lock files name must be installed there: `cargo xtask test` does it.
pub(crate) fn folder(name: &str) -> PathBuf {
    let beside = || workspace().join("tests/clients");
    let folder = std::env::var_os("KEYWARD_TEST_CLIENTS").map_or_else(beside, PathBuf::from).join(name);
    assert!(folder.is_dir(), "no clients at {}; `cargo xtask test` installs them", folder.display());
    folder
}

/// This folder below `target/`, where xtask keeps what it has unpacked and what it has built.
pub(crate) fn target(name: &str) -> PathBuf {
    workspace().join("target").join(name)
}

fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

/// A program in an environment with PATH alone.
pub(crate) fn program(name: impl AsRef<Path>) -> Command {
    let mut command = Command::new(name.as_ref());
    clean(&mut command);
    command
}

/// Where the libraries of Debian's packages were unpacked: `usr/lib/x86_64-linux-gnu`, or as the machine's kind is called.
pub(crate) fn libraries(unpacked: &Path) -> PathBuf {
    let all = std::fs::read_dir(unpacked.join("usr/lib"));
    let all =
        all.unwrap_or_else(|error| panic!("{}: {error}; `cargo xtask test` unpacks it", unpacked.display()));
    let folders = all.map(|entry| entry.unwrap().path());
    folders.into_iter().find(|path| path.to_string_lossy().ends_with("-linux-gnu")).unwrap()
}

/// Runs it until it ends by itself, which it must within this time; else it is ended with all that it has started, which may hold
/// its pipes, and the test fails.
pub(crate) fn ended_within(command: &mut Command, limit: Duration) -> Output {
    // Out of the group of the terminal, it must not wait for what is typed there.
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0);
    let mut child = command.spawn().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let (stdout, stderr) = (all_of(child.stdout.take()), all_of(child.stderr.take()));
    let ended = (0..limit.as_millis() / 10).find_map(|_| {
        sleep(Duration::from_millis(10));
        child.try_wait().unwrap()
    });
    let status = ended.unwrap_or_else(|| {
        // It has not been waited for, so the number is still that of its group.
        kill_process_group(Pid::from_child(&child), Signal::KILL).unwrap();
        child.wait().unwrap()
    });
    let output = Output { status, stdout: stdout.join().unwrap(), stderr: stderr.join().unwrap() };
    assert!(ended.is_some(), "not within {limit:?}: {command:?}: {}", said(&output));
    output
}

/// What it prints, where it must succeed.
pub(crate) fn succeeds(command: &mut Command, limit: Duration) -> String {
    let output = ended_within(command, limit);
    assert!(output.status.success(), "{}: {command:?}: {}", output.status, said(&output));
    String::from_utf8(output.stdout).unwrap()
}

/// The last of what it has printed, on both streams.
pub(crate) fn said(output: &Output) -> String {
    let all = [output.stdout.as_slice(), b"\n", output.stderr.as_slice()].concat();
    let from = all.len().saturating_sub(6_000);
    String::from_utf8_lossy(&all[from..]).into_owned()
}

/// A pipe holds only so much, so it is read while the program runs.
fn all_of(stream: Option<impl Read + Send + 'static>) -> JoinHandle<Vec<u8>> {
    let mut stream = stream.unwrap();
    thread::spawn(move || {
        let mut all = Vec::new();
        stream.read_to_end(&mut all).unwrap();
        all
    })
}

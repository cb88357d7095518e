//! Running other programs: each writes to our own streams, and its exit code becomes ours.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};

/// A step that did not succeed, with the exit code to end with. What went wrong has been printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Failed(pub(crate) u8);

/// How a step ended.
pub(crate) type Outcome = Result<(), Failed>;

/// The folder of the workspace.
pub(crate) fn root() -> PathBuf {
    let here = std::env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from);
    let here = here.unwrap_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")));
    here.parent().map(Path::to_path_buf).unwrap_or(here)
}

/// The cargo that started us, in the folder of the workspace.
pub(crate) fn cargo(root: &Path) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(root);
    command
}

/// Runs to the end. A program that cannot be started, or that a signal ended, counts as exit code 1.
pub(crate) fn run(command: &mut Command) -> Outcome {
    announced(command, Command::status)
}

/// Runs to the end, and prints those lines of its standard output for which this says so.
pub(crate) fn run_reading(command: &mut Command, mut shows: impl FnMut(&str) -> bool) -> Outcome {
    announced(command, |command| {
        let mut child = command.stdout(Stdio::piped()).spawn()?;
        if let Some(mut lines) = child.stdout.take().map(BufReader::new) {
            let mut line = Vec::new();
            // Not by `lines()`: a test may print what is no text.
            while lines.read_until(b'\n', &mut line)? > 0 {
                let text = String::from_utf8_lossy(&line);
                let text = text.strip_suffix('\n').unwrap_or(&text);
                if shows(text) {
                    println!("{text}");
                }
                line.clear();
            }
        }
        child.wait()
    })
}

fn announced(
    command: &mut Command,
    run: impl FnOnce(&mut Command) -> std::io::Result<ExitStatus>,
) -> Outcome {
    let shown = shown(command);
    println!("$ {shown}");
    match run(command) {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(Failed(exit_code(status.code()))),
        Err(error) => {
            eprintln!("{shown}: {error}");
            Err(Failed(1))
        }
    }
}

fn shown(command: &Command) -> String {
    let program = Path::new(command.get_program());
    let name = program.file_name().unwrap_or(program.as_os_str());
    let words = std::iter::once(name).chain(command.get_args());
    words.map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ")
}

fn exit_code(code: Option<i32>) -> u8 {
    code.and_then(|code| u8::try_from(code).ok()).filter(|code| *code != 0).unwrap_or(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_never_ends_with_zero() {
        assert_eq!(exit_code(Some(101)), 101);
        assert_eq!(exit_code(None), 1);
        assert_eq!(exit_code(Some(0)), 1);
        assert_eq!(exit_code(Some(256)), 1);
    }

    #[test]
    fn a_command_is_shown_by_its_name_and_arguments() {
        assert_eq!(shown(Command::new("/usr/bin/npm").arg("ci")), "npm ci");
    }

    #[test]
    fn lines_are_read_on_their_way() {
        let mut seen = Vec::new();
        let outcome =
            run_reading(Command::new("sh").args(["-c", "printf 'one\\n\\377\\ntwo'; exit 7"]), |line| {
                seen.push(line.to_owned());
                false
            });
        assert_eq!(outcome, Err(Failed(7)));
        assert_eq!(seen, ["one", "\u{fffd}", "two"]);
    }

    #[test]
    fn exit_codes_are_passed_on() {
        assert_eq!(run(Command::new("sh").args(["-c", "exit 7"])), Err(Failed(7)));
        assert_eq!(run(&mut Command::new("no-such-program-here")), Err(Failed(1)));
        assert_eq!(run(Command::new("sh").args(["-c", "exit 0"])), Ok(()));
    }
}

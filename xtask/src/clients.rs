//! The packages of the black-box tests, installed beside them from their lock files. Each folder has lock files of its own.

use crate::command::{Failed, Outcome, run};
use std::fs;
use std::path::Path;
use std::process::Command;

/// What the street tests need besides, each in a folder of its own below `tests/clients`.
const STREET: [&str; 4] = ["generators", "sign-in", "mcp-clients", "mcp-clients-1"];
/// Clients of MCP that only the soak runs.
const AGENTS: [&str; 2] = ["mcp-agents", "mcp-agents-1"];

/// Installs what the street tests need.
pub(crate) fn install_street(clients: &Path) -> Outcome {
    STREET.iter().try_for_each(|folder| install(&clients.join(folder)))
}

/// Installs the clients of MCP that only the soak runs.
pub(crate) fn install_agents(root: &Path) -> Outcome {
    AGENTS.iter().try_for_each(|folder| install(&root.join("tests").join("clients").join(folder)))
}

/// Installs what the lock files in this folder name, unless exactly that is there already.
pub(crate) fn install(clients: &Path) -> Outcome {
    if clients.join("package-lock.json").exists() {
        install_npm(clients)?;
    }
    if clients.join("requirements.txt").exists() {
        install_python(clients)?;
    }
    Ok(())
}

fn install_npm(clients: &Path) -> Outcome {
    from_lock(&clients.join("package-lock.json"), &clients.join("node_modules"), || {
        run(Command::new("npm").args(["ci", "--ignore-scripts"]).current_dir(clients))
    })
}

fn install_python(clients: &Path) -> Outcome {
    from_lock(&clients.join("requirements.txt"), &clients.join(".venv"), || {
        run(Command::new("python3").args(["-m", "venv", "--clear", ".venv"]).current_dir(clients))?;
        // Python compiles what is used of it when it is used, which is much less.
        let pip = ["-m", "pip", "--disable-pip-version-check", "install", "--quiet", "--no-compile"];
        let what = ["--require-hashes", "--requirement", "requirements.txt"];
        run(Command::new(clients.join(".venv/bin/python")).args(pip).args(what).current_dir(clients))
    })
}

/// Runs `install` unless the copy of `lock` that the last installation left in `installed` is the same.
pub(crate) fn from_lock(lock: &Path, installed: &Path, install: impl FnOnce() -> Outcome) -> Outcome {
    let stamp = installed.join(".installed-from");
    let wanted = fs::read(lock).map_err(|error| told(lock, &error))?;
    if fs::read(&stamp).is_ok_and(|have| have == wanted) {
        return Ok(());
    }
    install()?;
    fs::write(&stamp, wanted).map_err(|error| told(&stamp, &error))
}

fn told(path: &Path, error: &std::io::Error) -> Failed {
    eprintln!("{}: {error}", path.display());
    Failed(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_file_is_installed_once_and_again_when_it_changes() {
        let folder = std::env::temp_dir().join(format!("keyward-xtask-{}", std::process::id()));
        let (lock, installed) = (folder.join("lock"), folder.join("installed"));
        fs::create_dir_all(&installed).unwrap();
        let mut times = 0;
        let mut install = |outcome: Outcome| {
            from_lock(&lock, &installed, || {
                times += 1;
                outcome
            })
        };

        assert_eq!(install(Ok(())), Err(Failed(1)), "no lock file");
        fs::write(&lock, "one").unwrap();
        assert_eq!(install(Err(Failed(7))), Err(Failed(7)), "a failure leaves no stamp");
        assert_eq!(install(Ok(())), Ok(()));
        assert_eq!(install(Err(Failed(9))), Ok(()), "nothing to do");
        fs::write(&lock, "two").unwrap();
        assert_eq!(install(Ok(())), Ok(()));
        assert_eq!(times, 3);
        fs::remove_dir_all(&folder).unwrap();
    }
}

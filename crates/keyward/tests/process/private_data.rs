//! What other users of the machine could read or replace: data that are open to everyone, and the memory of the server.

use crate::operate::{demo, init, installed, refused_without_change, serve};
use crate::support::{Server, clean, contents, keyward, mode, needs, refused, run, settle, text};
use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::path::Path;
use std::process::Command;

fn set(path: &Path, bits: u32) {
    fs::set_permissions(path, Permissions::from_mode(bits)).unwrap();
}

#[test]
fn data_that_are_open_to_everyone_are_refused_by_server_and_commands() {
    let (home, _) = installed();
    let list = || keyward(&["audit", "--data", text(home.path())]);
    for (bits, words) in [
        (0o777, vec!["is world-writable", "keyward-data", "chmod o-w"]),
        (0o1777, vec!["is world-writable", "keyward-data"]),
    ] {
        set(home.path(), bits);
        for command in [&mut serve(home.path()), &mut list()] {
            refused_without_change(home.path(), command, &words);
        }
        set(home.path(), 0o700);
    }
    for name in ["keyward.db", "keyward.db-wal", "keyward.db-shm", "keyward.db.sock"] {
        let file = home.path().join(name);
        let own = file.exists();
        if !own {
            fs::write(&file, "").unwrap();
        }
        for bits in [0o604, 0o602, 0o666] {
            set(&file, bits);
            for command in [&mut serve(home.path()), &mut list()] {
                refused_without_change(home.path(), command, &["everyone can open", name, "chmod o="]);
            }
        }
        if own { set(&file, 0o600) } else { fs::remove_file(&file).unwrap() }
    }
    // The group is the service's own where an orchestrator gives the files to it.
    set(home.path(), 0o2770);
    set(&home.path().join("keyward.db"), 0o660);
    Server::serve(home.path()).terminate();
}

#[test]
fn in_a_directory_that_everyone_can_write_to_a_folder_below_is_made_private() {
    for bits in [0o777, 0o1777] {
        let place = tempfile::tempdir().unwrap();
        set(place.path(), bits);
        for command in [&mut init(place.path(), &[]), &mut demo(place.path())] {
            let line = refused(command);
            assert!(line.contains("is world-writable"), "{line}");
        }
        assert_eq!(contents(place.path()).len(), 0);
        let below = place.path().join("keyward-data");
        assert!(run(&mut init(&below, &[])).status.success());
        settle(&below);
        assert_eq!(mode(&below), 0o700);
        for name in ["keyward.db", "root-secret"] {
            assert_eq!(mode(&below.join(name)), 0o600, "{name}");
        }
        Server::serve(&below).terminate();
        Server::demo(Some(&place.path().join("demo"))).terminate();
        assert_eq!(mode(&place.path().join("demo")), 0o700);
    }
}

/// The owner of what the system shows of a process: the superuser, where the process is not dumpable (proc(5)).
fn shown_as(process: u32) -> u32 {
    fs::metadata(format!("/proc/{process}/environ")).unwrap().uid()
}

#[test]
fn a_server_leaves_no_core_dump_and_no_other_program_reads_its_memory() {
    needs(Path::new("/proc/self/limits").exists(), "see the limits of processes");
    // As somebody else: of a superuser's process the system always shows the superuser as the owner.
    let nobody = ["--reuid=65534", "--regid=65534", "--clear-groups"];
    let superuser = run(Command::new("setpriv").args(nobody).arg("true")).status.success();
    let home = tempfile::tempdir().unwrap();
    set(home.path(), 0o755);
    let program = home.path().join("keyward");
    fs::copy(env!("CARGO_BIN_EXE_keyward"), &program).unwrap();
    let data = home.path().join("data");
    fs::create_dir(&data).unwrap();
    let mut as_nobody = Command::new(if superuser { "setpriv" } else { "env" });
    if superuser {
        chown(&data, Some(65534), Some(65534)).unwrap();
        as_nobody.args(nobody);
    }
    let command = |arguments: &[&str]| {
        let mut command = Command::new(as_nobody.get_program());
        command.args(as_nobody.get_args()).arg(&program).args(arguments);
        clean(&mut command);
        command
    };
    let mut server = Server::demo_by(command(&Server::demo_arguments(Some(&data))));
    let limits = fs::read_to_string(format!("/proc/{}/limits", server.id())).unwrap();
    let core = limits.lines().find_map(|line| line.strip_prefix("Max core file size")).unwrap();
    assert_eq!(core.split_whitespace().take(2).collect::<Vec<_>>(), ["0", "0"]);
    assert_eq!(shown_as(server.id()), 0, "it is not dumpable");
    // What the server itself has to open, it still can: its socket is at a name of the system for an open directory.
    let listed = run(&mut command(&["audit", "--data", text(&data)]));
    assert!(listed.status.success(), "{listed:?}");
    server.terminate();
}

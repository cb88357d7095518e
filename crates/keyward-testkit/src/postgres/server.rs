//! The process of PostgreSQL, which ends when it is dropped.

use super::unprivileged::Unprivileged;
use super::{must, program};
use std::fs::{self, File};
use std::io;
use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;
use std::process::{Child, Command};
use std::thread::sleep;
use std::time::Duration;

/// Another process may take a port between the look and the use: so many are tried.
const PORTS: u32 = 5;
/// How often it is looked whether it is ready, or has ended, each time after [`PAUSE`].
const LOOKS: u32 = 3_000;
const PAUSE: Duration = Duration::from_millis(10);

/// Its process.
#[derive(Debug)]
pub(super) struct Server(Child);

/// Starts it at a port that is free.
pub(super) fn listening(programs: &Path, directory: &Path, user: &Unprivileged) -> (Server, u16) {
    for _ in 0..PORTS {
        let port = must("a free port", free_port());
        let mut server = Server(must("PostgreSQL begins", serve(programs, directory, user, port)));
        if server.becomes_ready(directory) {
            return (server, port);
        }
        let log = log(directory);
        assert!(log.contains("Address already in use"), "PostgreSQL does not start: {log}");
    }
    panic!("no port stays free for PostgreSQL")
}

impl Server {
    /// Whether it takes connections; `false`: it has ended.
    fn becomes_ready(&mut self, directory: &Path) -> bool {
        let state = directory.join("data").join("postmaster.pid");
        for _ in 0..LOOKS {
            if fs::read_to_string(&state).is_ok_and(|state| state.trim_end().ends_with("ready")) {
                return true;
            }
            if must("it is looked", self.0.try_wait()).is_some() {
                return false;
            }
            sleep(PAUSE);
        }
        panic!("PostgreSQL does not become ready: {}", log(directory))
    }
}

impl Drop for Server {
    /// At once, and by its own hand, so that it leaves no shared memory behind. One that does not end is killed.
    fn drop(&mut self) {
        if matches!(self.0.try_wait(), Ok(None)) {
            let _ = Command::new("kill").args(["-QUIT", &self.0.id().to_string()]).status();
        }
        for _ in 0..LOOKS {
            if !matches!(self.0.try_wait(), Ok(None)) {
                return;
            }
            sleep(PAUSE);
        }
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn log(directory: &Path) -> String {
    // Absent: it has said nothing.
    fs::read_to_string(directory.join("log")).unwrap_or_default()
}

fn serve(programs: &Path, directory: &Path, user: &Unprivileged, port: u16) -> io::Result<Child> {
    let log = File::create(directory.join("log"))?;
    let mut server = program(programs, "postgres", directory);
    server.args(["-D", "data", "-h", "127.0.0.1", "-p", &port.to_string(), "-k"]).arg(directory);
    for setting in ["fsync=off", "full_page_writes=off", "synchronous_commit=off", "shared_buffers=16MB"] {
        server.args(["-c", setting]);
    }
    user.run(&mut server);
    server.stdout(log.try_clone()?).stderr(log).spawn()
}

fn free_port() -> io::Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
}

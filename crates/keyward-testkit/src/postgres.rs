//! A PostgreSQL of a test's own: Debian's programs on a data folder in a temporary directory, with its socket inside and a free port of
//! the loopback. It runs as another user where the test is root, since PostgreSQL refuses root, and ends when it is dropped.
//!
//! Nothing of it outlives a test, so it never waits for the disk.
//!
//! | file | what |
//! | --- | --- |
//! | `postgres/child.rs` | the statements that a store runs for its rules |
//! | `postgres/dialect.rs` | what stands in migrations and statements, as PostgreSQL reads it |
//! | `postgres/prepared.rs` | which statements PostgreSQL prepares |
//! | `postgres/server.rs` | its process |
//! | `postgres/unprivileged.rs` | the user that it runs as |
#![expect(clippy::panic, reason = "a test without its database must end")]

pub mod child;
pub mod dialect;
pub mod prepared;
mod server;
mod unprivileged;

use keyward_core::random::{OsRandom, Random};
use server::{Server, listening};
use std::ffi::OsStr;
use std::fmt::Write;
use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use tempfile::TempDir;
use unprivileged::Unprivileged;

/// The one user of the database, who may do everything in it.
pub const USER: &str = "keyward";
/// Its one database.
pub const DATABASE: &str = "postgres";

/// What is said where it is missing.
const MISSING: &str = "PostgreSQL is missing: install Debian's package postgresql (apt-get install postgresql), or let cargo xtask test do it";
/// Where Debian puts the programs of each version.
const DEBIAN: &str = "/usr/lib/postgresql";
/// The programs that are needed.
const PROGRAMS: [&str; 3] = ["initdb", "postgres", "psql"];

/// A running PostgreSQL.
#[derive(Debug)]
pub struct Postgres {
    // The first: it has ended when its directory goes.
    _server: Server,
    programs: PathBuf,
    directory: TempDir,
    port: u16,
    password: String,
}

impl Postgres {
    /// Makes one, and starts it.
    ///
    /// # Panics
    /// It is missing, or does not start: with what it says.
    #[must_use]
    pub fn start() -> Self {
        // Absent: nothing is on it.
        let path = std::env::var_os("PATH").unwrap_or_default();
        Self::of(Path::new(DEBIAN), &path)
    }

    /// The same of Debian's programs in that directory, or those on a path.
    ///
    /// # Panics
    /// As [`Postgres::start`].
    #[must_use]
    pub fn of(debian: &Path, path: &OsStr) -> Self {
        let programs = programs(debian, path).unwrap_or_else(|| panic!("{MISSING}"));
        let directory = must("a directory for PostgreSQL", TempDir::new());
        let user = Unprivileged::beside(directory.path());
        must("the directory is its own", user.own(directory.path()));
        let password = must("a password", password());
        let found = initialise(&programs, directory.path(), &user, &password);
        assert!(found.status.success(), "PostgreSQL's initdb fails: {}", text(&found.stderr));
        let (server, port) = listening(&programs, directory.path(), &user);
        Self { _server: server, programs, directory, port, password }
    }

    /// Where it listens, beside its socket.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, self.port).into()
    }

    /// The directory of its socket.
    #[must_use]
    pub fn socket_directory(&self) -> &Path {
        self.directory.path()
    }

    /// The password of [`USER`], made for this one.
    #[must_use]
    pub fn password(&self) -> &str {
        &self.password
    }

    /// Executes these statements, up to the first one that fails.
    ///
    /// # Errors
    /// What PostgreSQL says.
    ///
    /// # Panics
    /// Its client cannot be run.
    pub fn execute(&self, sql: &str) -> Result<(), String> {
        let output = self.script(sql, "ON_ERROR_STOP=1");
        output.status.success().then_some(()).ok_or_else(|| text(&output.stderr))
    }

    /// Runs a script by psql.
    fn script(&self, sql: &str, setting: &str) -> Output {
        let script = self.directory.path().join("script.sql");
        must("a script", fs::write(&script, sql));
        let mut psql = program(&self.programs, "psql", self.directory.path());
        psql.args(["-X", "-q", "-U", USER, "-d", DATABASE, "-v", "VERBOSITY=terse", "-v", setting]);
        psql.arg("-h")
            .arg(self.socket_directory())
            .args(["-p", &self.port.to_string()])
            .arg("-f")
            .arg(&script);
        must("psql runs", psql.env("PGPASSWORD", &self.password).output())
    }
}

/// The directory that has all programs: Debian's of the newest version, or one of the PATH.
fn programs(debian: &Path, path: &OsStr) -> Option<PathBuf> {
    let versions = fs::read_dir(debian).into_iter().flatten().filter_map(Result::ok);
    let mut versions: Vec<(u32, PathBuf)> = versions
        .filter_map(|entry| Some((entry.file_name().to_str()?.parse().ok()?, entry.path().join("bin"))))
        .collect();
    versions.sort_unstable();
    let all = versions.into_iter().rev().map(|(_, directory)| directory).chain(std::env::split_paths(path));
    all.into_iter().find(|directory| PROGRAMS.iter().all(|name| directory.join(name).is_file()))
}

/// A program with no settings but those that it is given.
fn program(programs: &Path, name: &str, directory: &Path) -> Command {
    let mut command = Command::new(programs.join(name));
    // Absent: nothing is on it.
    command.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default()).env("LC_ALL", "C");
    command.current_dir(directory).stdin(Stdio::null());
    command
}

fn initialise(programs: &Path, directory: &Path, user: &Unprivileged, password: &str) -> Output {
    let file = directory.join("password");
    must("its password is written", fs::write(&file, password));
    must("it may read that", user.own(&file));
    let mut initdb = program(programs, "initdb", directory);
    initdb.args(["-D", "data", "-U", USER, "-A", "scram-sha-256", "--pwfile", "password"]);
    initdb.args(["-E", "UTF8", "--locale", "C", "--no-sync"]);
    user.run(&mut initdb);
    must("initdb runs", initdb.output())
}

/// One that nobody else on the machine knows: its port is open to all of them.
fn password() -> Result<String, keyward_core::random::RandomError> {
    let mut bytes = [0; 16];
    OsRandom.fill(&mut bytes)?;
    Ok(bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a text does not fail.
        let _ = write!(text, "{byte:02x}");
        text
    }))
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).trim().to_owned()
}

fn must<T, E: std::fmt::Display>(what: &str, result: Result<T, E>) -> T {
    result.unwrap_or_else(|error| panic!("{what}: {error}"))
}

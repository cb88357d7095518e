//! The server: started as a process on a copy of prepared data, with the log, the processor, the memory and the resolver that
//! a siege wants for it.

use super::Failure;
use super::http::Way;
use serde_json::Value;
use std::fs::{File, Permissions, read_to_string};
use std::io::{BufRead, BufReader};
use std::net::{Ipv4Addr, SocketAddr};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;
use tokio::time::sleep;
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

/// Data that servers are started on, each on a copy of its own, and who is in it.
pub(crate) struct Town {
    program: PathBuf,
    home: TempDir,
    line: Value,
}

impl Town {
    /// Has the program's demo make its people, and ends it.
    pub(crate) async fn found(program: &Path) -> Result<Self, Failure> {
        let home = tempfile::tempdir()?;
        let (data, line) = (home.path().join("data"), home.path().join("line"));
        let mut command = bare(program, home.path());
        command.args(["demo", "--json", "--listen", "127.0.0.1:0", "--data"]).arg(&data);
        command.stdout(File::create(&line)?).stderr(File::create(home.path().join("log"))?);
        let mut demo = Ended::new(command.spawn()?);
        let mut said = Value::Null;
        for _ in 0..6_000 {
            sleep(Duration::from_millis(10)).await;
            if let Some(whole) = read_to_string(&line)?.strip_suffix('\n') {
                said = serde_json::from_str(whole)?;
                break;
            }
            if demo.0.try_wait()?.is_some() {
                break;
            }
        }
        if said.is_null() {
            return Err(format!("no demo: {}", read_to_string(home.path().join("log"))?).into());
        }
        demo.terminate().await?;
        Ok(Self { program: program.to_owned(), home, line: said })
    }

    fn list(&self, name: &str) -> &[Value] {
        self.line.get(name).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
    }

    /// The password of one of its people.
    pub(crate) fn password(&self, email: &str) -> &str {
        let user = self.list("users").iter().find(|user| text(user, "email") == email);
        user.map(|user| text(user, "password")).unwrap_or_default()
    }

    /// The key of one of its people.
    pub(crate) fn key(&self, email: &str, permission: &str) -> &str {
        let fits = |key: &&Value| text(key, "user_email") == email && text(key, "permission") == permission;
        self.list("api_keys").iter().find(fits).map(|key| text(key, "api_key")).unwrap_or_default()
    }

    /// All keys.
    pub(crate) fn keys(&self) -> impl Iterator<Item = &str> {
        self.list("api_keys").iter().map(|key| text(key, "api_key"))
    }

    /// Copies the files of its data to there.
    fn copy(&self, to: &Path) -> Result<(), Failure> {
        std::fs::create_dir(to)?;
        std::fs::set_permissions(to, Permissions::from_mode(0o700))?;
        for entry in std::fs::read_dir(self.home.path().join("data"))? {
            let path = entry?.path();
            if let Some(name) = path.file_name().filter(|_| path.is_file()) {
                std::fs::copy(&path, to.join(name))?;
            }
        }
        Ok(())
    }
}

pub(crate) fn text<'v>(value: &'v Value, name: &str) -> &'v str {
    value.get(name).and_then(Value::as_str).unwrap_or_default()
}

/// Where the log goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Log {
    File,
    /// A pipe that is read until the server serves, and never again.
    StuckPipe,
}

/// How a server is started.
pub(crate) struct Start<'s> {
    pub(crate) log: Log,
    pub(crate) tls: bool,
    /// The processor that it has to itself.
    pub(crate) core: Option<usize>,
    /// A memory cgroup that it runs in.
    pub(crate) cgroup: Option<&'s Cgroup>,
    /// A file that stands in for /etc/resolv.conf, in a mount namespace of its own.
    pub(crate) resolver: Option<PathBuf>,
    pub(crate) variables: Vec<(String, String)>,
}

impl Default for Start<'_> {
    fn default() -> Self {
        Self { log: Log::File, tls: false, core: None, cgroup: None, resolver: None, variables: Vec::new() }
    }
}

impl Start<'_> {
    /// The shell that prepares the process and then becomes the server, with the same process id.
    fn script(&self) -> String {
        let mut script = "ulimit -n 65536 2>/dev/null || ulimit -n \"$(ulimit -Hn)\"\n".to_owned();
        if self.cgroup.is_some() {
            script.push_str("echo $$ > \"$SIEGE_CGROUP/cgroup.procs\" || exit 9\n");
        }
        script.push_str("exec ");
        if let Some(core) = self.core {
            script.push_str(&format!("taskset -c {core} "));
        }
        if self.resolver.is_some() {
            script.push_str(
                "unshare -m sh -c 'mount --bind \"$SIEGE_RESOLVER\" /etc/resolv.conf && exec \"$0\" \"$@\"' ",
            );
        }
        script.push_str("\"$0\" \"$@\"");
        script
    }
}

/// A running server. Dropping it ends it.
pub(crate) struct Server {
    child: Ended,
    home: TempDir,
    pub(crate) way: Way,
    /// Holds the pipe that nobody reads open.
    _pipe: Option<BufReader<ChildStderr>>,
}

impl Server {
    pub(crate) async fn start(town: &Town, start: &Start<'_>) -> Result<Self, Failure> {
        let home = tempfile::tempdir()?;
        let (data, log) = (home.path().join("data"), home.path().join("log"));
        town.copy(&data)?;
        let mut command = bare(Path::new("sh"), home.path());
        command.args(["-c", &start.script()]).arg(&town.program);
        command.args(["serve", "--listen", "127.0.0.1:0", "--data"]).arg(&data);
        command.env("KEYWARD_LOG_FORMAT", "json").envs(start.variables.iter().cloned());
        command.envs(start.cgroup.map(|group| ("SIEGE_CGROUP", group.0.as_path())));
        command.envs(start.resolver.as_ref().map(|file| ("SIEGE_RESOLVER", file.as_path())));
        let trusted = if start.tls { Some(certificate(&mut command, home.path())?) } else { None };
        match start.log {
            Log::File => command.stderr(File::create(&log)?),
            Log::StuckPipe => command.stderr(Stdio::piped()),
        };
        let mut child = Ended::new(command.stdout(Stdio::null()).spawn()?);
        let (address, pipe) = match child.0.stderr.take() {
            Some(pipe) => {
                let (address, pipe) = tokio::task::spawn_blocking(|| serving_by_pipe(pipe)).await??;
                (address, Some(pipe))
            }
            None => (serving_by_file(&mut child.0, &log).await?, None),
        };
        Ok(Self { child, home, way: Way::new(address, trusted), _pipe: pipe })
    }

    /// Whether it still runs.
    pub(crate) fn is_alive(&mut self) -> bool {
        matches!(self.child.0.try_wait(), Ok(None))
    }

    /// A figure of its memory in MiB, such as `VmRSS:`; of one that has ended there is none.
    pub(crate) fn memory(&self, name: &str) -> Option<f64> {
        let text = read_to_string(format!("/proc/{}/status", self.child.0.id())).ok()?;
        let line = text.lines().find_map(|line| line.strip_prefix(name))?;
        let kib: u32 = line.trim().trim_end_matches(" kB").parse().ok()?;
        Some(f64::from(kib) / 1024.0)
    }

    /// All that it has logged to its file.
    pub(crate) fn log(&self) -> String {
        let bytes = std::fs::read(self.home.path().join("log")).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// Ends it by SIGTERM; whether that was in order, within 20 s.
    pub(crate) async fn terminate(&mut self) -> Result<(), Failure> {
        self.child.terminate().await
    }
}

/// A certificate that the server shows, and whoever trusts it.
fn certificate(command: &mut Command, home: &Path) -> Result<Arc<ClientConfig>, Failure> {
    let made = rcgen::generate_simple_self_signed(vec!["127.0.0.1".to_owned()])?;
    let (cert, key) = (home.join("cert.pem"), home.join("key.pem"));
    std::fs::write(&cert, made.cert.pem())?;
    std::fs::write(&key, made.signing_key.serialize_pem())?;
    std::fs::set_permissions(&key, Permissions::from_mode(0o600))?;
    command.env("KEYWARD_SERVER_TLS_CERT", cert).env("KEYWARD_SERVER_TLS_KEY", key);
    let mut roots = RootCertStore::empty();
    roots.add(made.cert.der().clone())?;
    let provider = Arc::new(tokio_rustls::rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    Ok(Arc::new(config.with_root_certificates(roots).with_no_client_auth()))
}

/// Where a server says that it serves.
fn serving(line: &str) -> Option<SocketAddr> {
    let event: Value = serde_json::from_str(line).ok()?;
    (text(&event, "message") == "serving").then(|| text(&event, "address").parse().ok())?
}

fn serving_by_pipe(pipe: ChildStderr) -> Result<(SocketAddr, BufReader<ChildStderr>), Failure> {
    let (mut pipe, mut all) = (BufReader::with_capacity(512, pipe), String::new());
    loop {
        let mut line = String::new();
        if pipe.read_line(&mut line)? == 0 {
            return Err(format!("the server ended instead of serving: {all}").into());
        }
        if let Some(address) = serving(&line) {
            return Ok((address, pipe));
        }
        all.push_str(&line);
    }
}

async fn serving_by_file(child: &mut Child, log: &Path) -> Result<SocketAddr, Failure> {
    for _ in 0..3_000 {
        let logged = read_to_string(log)?;
        if let Some(address) = logged.lines().find_map(serving) {
            return Ok(address);
        }
        if let Some(status) = child.try_wait()? {
            return Err(format!("the server ended instead of serving, {status}: {logged}").into());
        }
        sleep(Duration::from_millis(10)).await;
    }
    Err(format!("the server does not serve: {}", read_to_string(log)?).into())
}

/// The program in an environment without variables of ours.
fn bare(program: &Path, home: &Path) -> Command {
    let mut command = Command::new(program);
    command.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default());
    command.env("TMPDIR", home).stdin(Stdio::null());
    command
}

/// A process that ends with its owner.
pub(crate) struct Ended(Child);

impl Ended {
    pub(crate) const fn new(child: Child) -> Self {
        Self(child)
    }

    async fn terminate(&mut self) -> Result<(), Failure> {
        let id = i32::try_from(self.0.id())?;
        let id = rustix::process::Pid::from_raw(id).ok_or("no process id")?;
        rustix::process::kill_process(id, rustix::process::Signal::TERM)?;
        for _ in 0..2_000 {
            if let Some(status) = self.0.try_wait()? {
                return if status.success() { Ok(()) } else { Err(format!("ended with {status}").into()) };
            }
            sleep(Duration::from_millis(10)).await;
        }
        Err("it did not end within 20 s of SIGTERM".into())
    }
}

impl Drop for Ended {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A memory cgroup of our own. Dropping it takes it away, once its process has ended.
pub(crate) struct Cgroup(PathBuf);

impl Cgroup {
    /// One with this bound, by version 1 or 2, whichever can be written to.
    pub(crate) fn make(bytes: u64) -> Option<Self> {
        let name = format!("keyward-siege-{}", std::process::id());
        let kinds =
            [("/sys/fs/cgroup/memory", &["memory.limit_in_bytes"][..]), ("/sys/fs/cgroup", &["memory.max"])];
        kinds.into_iter().find_map(|(root, files)| {
            let path = Path::new(root).join(&name);
            std::fs::create_dir(&path).ok()?;
            let group = Self(path);
            // A write to a file that the kernel did not make would make one.
            let set = |file: &&str| {
                let file = group.0.join(file);
                file.exists() && std::fs::write(file, bytes.to_string()).is_ok()
            };
            files.iter().all(set).then_some(group)
        })
    }
}

impl Drop for Cgroup {
    fn drop(&mut self) {
        // The kernel takes a moment to see that the process has gone.
        for _ in 0..50 {
            std::thread::sleep(Duration::from_millis(20));
            if std::fs::remove_dir(&self.0).is_ok() {
                return;
            }
        }
    }
}

/// A name server that never answers, on a loopback address, and a file for resolv.conf that names it three times, as the
/// defaults of glibc then take 30 s for a name.
pub(crate) struct SilentResolver {
    _socket: std::net::UdpSocket,
    home: TempDir,
}

impl SilentResolver {
    /// None where ports below 1024 or mount namespaces are not ours to use.
    pub(crate) fn listen() -> Option<Self> {
        let socket = std::net::UdpSocket::bind((Ipv4Addr::new(127, 0, 0, 35), 53)).ok()?;
        let home = tempfile::tempdir().ok()?;
        std::fs::write(home.path().join("resolv.conf"), "nameserver 127.0.0.35\n".repeat(3)).ok()?;
        let allowed = Command::new("unshare").args(["-m", "true"]).output().ok()?.status.success();
        allowed.then_some(Self { _socket: socket, home })
    }

    pub(crate) fn file(&self) -> PathBuf {
        self.home.path().join("resolv.conf")
    }
}

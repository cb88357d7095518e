//! Starting the program, talking to it, ending it. Every wait is bounded; only processes started here are ended.

use keyward_sqlite::faults::integrity;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread::{self, sleep};
use std::time::Duration;
use tempfile::TempDir;
use tokio::net::TcpSocket;

pub(crate) const BASE: &str = "/api/external/v2";

/// A command line of the program, in an environment without variables of ours.
pub(crate) fn keyward(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_keyward"));
    command.args(arguments);
    clean(&mut command);
    command
}

/// Lets a server take any number of requests: a test is many callers at one address, in one minute.
pub(crate) fn unlimited(mut command: Command) -> Command {
    for tier in ["FREE", "STANDARD", "ENTERPRISE"] {
        for kind in ["READS", "WRITES"] {
            command.env(format!("KEYWARD_LIMITS_TIERS_{tier}_{kind}"), "unlimited");
        }
    }
    command
        .env("KEYWARD_LIMITS_FAILED_AUTH_PER_MINUTE", "unlimited")
        .env("KEYWARD_LIMITS_VALIDATE_PER_MINUTE", "100000")
        .env("KEYWARD_LIMITS_HEALTH_PER_MINUTE", "100000")
        .env("KEYWARD_LIMITS_SIGN_IN_PER_MINUTE", "1000")
        .env("KEYWARD_LIMITS_REGISTER_PER_MINUTE", "100000")
        .env("KEYWARD_LIMITS_FORMS_PER_MINUTE", "unlimited");
    command
}

/// Takes all variables but PATH away.
pub(crate) fn clean(command: &mut Command) {
    command.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default()).stdin(Stdio::null());
}

/// A path as an argument.
pub(crate) fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// Runs a command that ends by itself.
pub(crate) fn run(command: &mut Command) -> Output {
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // What it prints is taken while it runs: a pipe holds only so much.
    fn all(stream: Option<impl Read + Send + 'static>) -> thread::JoinHandle<Vec<u8>> {
        let mut stream = stream.unwrap();
        thread::spawn(move || {
            let mut all = Vec::new();
            stream.read_to_end(&mut all).unwrap();
            all
        })
    }
    let (stdout, stderr) = (all(child.stdout.take()), all(child.stderr.take()));
    let ended = (0..2_000).find_map(|_| {
        sleep(Duration::from_millis(10));
        child.try_wait().unwrap()
    });
    let status = ended.unwrap_or_else(|| {
        child.kill().unwrap();
        child.wait().unwrap()
    });
    let output = Output { status, stdout: stdout.join().unwrap(), stderr: stderr.join().unwrap() };
    assert!(ended.is_some(), "it did not end: {command:?}: {output:?}");
    output
}

/// Runs a command that must refuse: nothing on standard output, one line on standard error; that line. `exit_codes.rs` has the table
/// of exit codes.
pub(crate) fn refused(command: &mut Command) -> String {
    let output = run(command);
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(matches!(output.status.code(), Some(1..=3)), "{command:?}: {}: {said}", output.status);
    assert!(output.stdout.is_empty(), "{command:?}: {:?}", String::from_utf8_lossy(&output.stdout));
    let line = said.strip_suffix('\n').unwrap_or_else(|| panic!("no whole line: {said:?}"));
    let line = for_people(line);
    assert!(line.starts_with("keyward: ") && !line.contains('\n'), "not one clear line: {said:?}");
    line
}

/// An error as people see it, be it for people or for programs (`--json`).
pub(crate) fn for_people(line: &str) -> String {
    match serde_json::from_str::<Value>(line) {
        Ok(for_programs) => format!("keyward: {}", for_programs["error"]["message"].as_str().unwrap()),
        Err(_) => line.to_owned(),
    }
}

/// Every file below a directory with its mode and content. A socket has none.
pub(crate) fn contents(directory: &Path) -> BTreeMap<PathBuf, (u32, Vec<u8>)> {
    let mut found = BTreeMap::new();
    let mut open = vec![directory.to_owned()];
    while let Some(next) = open.pop() {
        for entry in std::fs::read_dir(&next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else if path.is_file() {
                // Of a running server a file may go between the list and the look; then it is no content.
                match std::fs::read(&path) {
                    Ok(bytes) => drop(found.insert(path.clone(), (mode(&path), bytes))),
                    Err(error) => assert_eq!(error.kind(), io::ErrorKind::NotFound, "{}", path.display()),
                }
            }
        }
    }
    found
}

/// Moves the log that an earlier end may have left into the database, so that the file alone is the database.
pub(crate) fn settle(data: &Path) {
    assert_eq!(integrity(&data.join("keyward.db")).unwrap(), "ok");
    assert!(!data.join("keyward.db-wal").exists());
}

/// The permission bits of a file.
pub(crate) fn mode(path: &Path) -> u32 {
    std::fs::metadata(path).unwrap().permissions().mode() & 0o777
}

/// The memory that a process holds, in bytes.
pub(crate) fn resident(server: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{server}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    Some(line.trim().strip_suffix(" kB")?.parse::<u64>().unwrap() * 1024)
}

/// A running server. Dropping it kills it.
pub(crate) struct Server {
    child: Child,
    logs: TempDir,
    pub(crate) address: SocketAddr,
    /// The line of `demo --json`; null for `serve`.
    pub(crate) line: Value,
}

impl Server {
    /// `demo --json` on a free port without limits, keeping its data in `data` or nowhere.
    pub(crate) fn demo(data: Option<&Path>) -> Self {
        Self::demo_by(unlimited(keyward(&Self::demo_arguments(data))))
    }

    /// The arguments of [`Server::demo`].
    pub(crate) fn demo_arguments(data: Option<&Path>) -> Vec<&str> {
        let mut arguments = vec!["demo", "--json", "--listen", "127.0.0.1:0"];
        arguments.extend(data.map(|data| ["--data", text(data)]).into_iter().flatten());
        arguments
    }

    /// A demo by a command line that holds [`Server::demo_arguments`].
    pub(crate) fn demo_by(command: Command) -> Self {
        Self::start(command, |server| {
            server.line = serde_json::from_str(server.stdout().lines().next()?).unwrap();
            server.line["url"].as_str().map(|url| url.split_once("://").unwrap().1.parse().unwrap())
        })
    }

    /// `serve` on a free port without limits with the database and the root secret in `data`.
    pub(crate) fn serve(data: &Path) -> Self {
        Self::serve_by(unlimited(keyward(&["serve", "--listen", "127.0.0.1:0", "--data", text(data)])))
    }

    /// `serve` by this command line. The log says where it listens.
    pub(crate) fn serve_by(mut command: Command) -> Self {
        command.env("KEYWARD_LOG_FORMAT", "json");
        Self::start(command, |server| {
            let log = server.stderr();
            let mut events = log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
            let serving = events.find(|event| event["message"] == "serving")?;
            serving["address"].as_str().map(|address| address.parse().unwrap())
        })
    }

    fn start(command: Command, find: impl Fn(&mut Self) -> Option<SocketAddr>) -> Self {
        let mut server = Self::spawn(command);
        for _ in 0..6_000 {
            if let Some(address) = find(&mut server) {
                server.address = address;
                return server;
            }
            if let Some(status) = server.child.try_wait().unwrap() {
                panic!("it ended instead of serving, {status}: {}", server.stderr());
            }
            sleep(Duration::from_millis(5));
        }
        panic!("it does not serve: {}", server.stderr());
    }

    /// Starts it and does not wait for anything.
    pub(crate) fn spawn(mut command: Command) -> Self {
        let logs = tempfile::tempdir().unwrap();
        // A throwaway demo that is killed leaves its directory behind: in here it goes with the logs.
        if !command.get_envs().any(|(name, _)| name == "TMPDIR") {
            command.env("TMPDIR", logs.path());
        }
        let file = |name| File::create(logs.path().join(name)).unwrap();
        let child = command.stdout(file("stdout")).stderr(file("stderr")).spawn().unwrap();
        Self { child, logs, address: SocketAddr::from(([127, 0, 0, 1], 0)), line: Value::Null }
    }

    /// All that it has printed.
    pub(crate) fn stdout(&self) -> String {
        std::fs::read_to_string(self.logs.path().join("stdout")).unwrap()
    }

    /// All that it has logged. A thread of the server writes the log, so a line may come a moment after the answer that it is
    /// about: it is waited until nothing more comes.
    pub(crate) fn stderr(&self) -> String {
        let read = || std::fs::read(self.logs.path().join("stderr")).unwrap();
        let mut log = read();
        for _ in 0..40 {
            sleep(Duration::from_millis(25));
            let more = read();
            if more.len() == log.len() {
                break;
            }
            log = more;
        }
        String::from_utf8_lossy(&log).into_owned()
    }

    /// A demo's key.
    pub(crate) fn key(&self, email: &str, account: &str, permission: &str) -> String {
        let fits = |key: &&Value| {
            key["user_email"] == email && key["account"] == account && key["permission"] == permission
        };
        self.line["api_keys"].as_array().unwrap().iter().find(fits).unwrap()["api_key"]
            .as_str()
            .unwrap()
            .to_owned()
    }

    /// The key of the demo's admin of acme.
    pub(crate) fn admin(&self) -> String {
        self.key("admin@acme.example", "acme-capital", "full_access")
    }

    /// A client with this key.
    pub(crate) fn client(&self, key: &str) -> Client {
        Client { address: self.address, key: key.to_owned(), stream: None }
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Sends a signal by its name.
    pub(crate) fn signal(&self, name: &str) {
        let status =
            Command::new("sh").args(["-c", &format!("kill -{name} {}", self.id())]).status().unwrap();
        assert!(status.success());
    }

    /// Whether it has ended.
    pub(crate) fn has_ended(&mut self) -> bool {
        self.child.try_wait().unwrap().is_some()
    }

    /// Waits until it has ended by itself.
    pub(crate) fn wait(&mut self) -> ExitStatus {
        for _ in 0..3_000 {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            sleep(Duration::from_millis(5));
        }
        panic!("it did not end: {}", self.stderr());
    }

    /// Ends it by SIGTERM; that must be in order.
    pub(crate) fn terminate(&mut self) {
        self.signal("TERM");
        let status = self.wait();
        assert_eq!(status.code(), Some(0), "{status}: {}", self.stderr());
    }

    /// Ends it by SIGKILL.
    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A client of HTTP/1.1 that keeps its connection and knows bodies with a Content-Length only.
pub(crate) struct Client {
    address: SocketAddr,
    key: String,
    stream: Option<BufReader<TcpStream>>,
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// Every value of a header.
    pub(crate) fn all(&self, name: &str) -> impl Iterator<Item = &str> {
        let own = self.headers.iter().filter(move |(n, _)| n.eq_ignore_ascii_case(name));
        own.map(|(_, value)| value.as_str())
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&self.body)))
    }

    /// The `data` of an answer that must have this status.
    pub(crate) fn data(&self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", String::from_utf8_lossy(&self.body));
        self.json()["data"].take()
    }

    /// Asserts that it is a refusal in the envelope, by its code.
    pub(crate) fn is_refusal(&self, status: u16, code: &str) {
        let body = self.json();
        assert_eq!((self.status, body["error"]["code"].as_str()), (status, Some(code)), "{body}");
        assert_eq!(body["request_id"].as_str(), self.header("x-request-id"), "{body}");
        assert!(body["error"]["message"].is_string(), "{body}");
    }

    /// Asserts that it says: not now.
    pub(crate) fn is_unavailable(&self) {
        self.is_refusal(503, "SERVICE_UNAVAILABLE");
        let after = self.header("retry-after").map(str::parse::<u32>);
        assert!(matches!(after, Some(Ok(1..))), "Retry-After: {after:?}");
    }
}

impl Client {
    /// Of an address, without a key.
    pub(crate) fn to(address: SocketAddr) -> Self {
        Self { address, key: String::new(), stream: None }
    }

    /// The same client at an address that no other client of this process has.
    pub(crate) fn at_another_address(&self) -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let source = Ipv4Addr::from_bits(0x7f64_0001 + number % 0xf_0000);
        let stream = connect_from(source, self.address).unwrap();
        Self { stream: Some(BufReader::new(stream)), ..Self::again(self) }
    }

    /// The same client on a connection of its own.
    pub(crate) fn again(other: &Self) -> Self {
        Self { address: other.address, key: other.key.clone(), stream: None }
    }

    pub(crate) fn get(&mut self, path: &str) -> Answer {
        self.call("GET", path, &[], b"").unwrap()
    }

    pub(crate) fn post(&mut self, path: &str, body: &Value) -> Answer {
        self.try_post(path, body).unwrap()
    }

    pub(crate) fn try_post(&mut self, path: &str, body: &Value) -> io::Result<Answer> {
        self.call("POST", path, &[("Content-Type", "application/json")], body.to_string().as_bytes())
    }

    /// One request with the key, and these headers besides. A path begins below the API's base.
    pub(crate) fn call(
        &mut self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> io::Result<Answer> {
        let authorization = format!("Bearer {}", self.key);
        let usual = [("Authorization", authorization.as_str()), ("X-Origin-App", "process-test")];
        self.send(method, &format!("{BASE}{path}"), &[&usual, headers].concat(), body)
    }

    /// One request with these headers alone, besides Host and, where there is a body, Content-Length.
    pub(crate) fn send(
        &mut self,
        method: &str,
        target: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> io::Result<Answer> {
        let mut head = format!("{method} {target} HTTP/1.1\r\nHost: {}\r\n", self.address);
        for (name, value) in headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        if !body.is_empty() {
            head.push_str(&format!("Content-Length: {}\r\n", body.len()));
        }
        head.push_str("\r\n");
        let mut stream = match self.stream.take() {
            Some(stream) => stream,
            None => BufReader::new(connect(self.address)?),
        };
        stream.get_mut().write_all(&[head.as_bytes(), body].concat())?;
        let answer = read_answer(&mut stream, method == "HEAD")?;
        if answer.header("connection") != Some("close") {
            self.stream = Some(stream);
        }
        Ok(answer)
    }
}

/// A connection from this address of the loopback network.
pub(crate) fn connect_from(source: Ipv4Addr, address: SocketAddr) -> io::Result<TcpStream> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build()?;
    let stream = runtime.block_on(async {
        let socket = TcpSocket::new_v4()?;
        socket.bind((source, 0).into())?;
        socket.connect(address).await?.into_std()
    })?;
    stream.set_nonblocking(false)?;
    patient(stream)
}

/// Waits until the server asks for the body of a request with `Expect: 100-continue`: then the request has begun.
pub(crate) fn asked_to_go_on(stream: &mut impl Read) {
    let mut going_on = [0; 25];
    stream.read_exact(&mut going_on).unwrap();
    assert_eq!(&going_on, b"HTTP/1.1 100 Continue\r\n\r\n");
}

/// A connection on which nothing waits for ever.
pub(crate) fn connect(address: SocketAddr) -> io::Result<TcpStream> {
    patient(TcpStream::connect(address)?)
}

fn patient(stream: TcpStream) -> io::Result<TcpStream> {
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(Duration::from_secs(20)))?;
    stream.set_write_timeout(Some(Duration::from_secs(20)))?;
    Ok(stream)
}

/// Reads one whole answer.
pub(crate) fn read_answer(stream: &mut impl BufRead, no_body: bool) -> io::Result<Answer> {
    let ended = || io::Error::from(io::ErrorKind::UnexpectedEof);
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line)? == 0 {
            return Err(ended());
        }
        match line.trim_end() {
            "" => break,
            line => lines.push(line.to_owned()),
        }
    }
    let status = lines.first().and_then(|line| line.split(' ').nth(1)?.parse().ok()).ok_or_else(ended)?;
    let headers: Vec<(String, String)> = lines
        .iter()
        .skip(1)
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_owned(), value.trim().to_owned()))
        .collect();
    let mut answer = Answer { status, headers, body: Vec::new() };
    assert!(answer.header("transfer-encoding").is_none(), "{answer:?}");
    let length = answer.header("content-length").map_or(0, |length| length.parse().unwrap());
    if !no_body {
        answer.body.resize(length, 0);
        stream.read_exact(&mut answer.body)?;
    }
    Ok(answer)
}

/// A test that needs a right which this user does not have fails with one line: one that is left out would look like one that held.
pub(crate) fn needs(has_it: bool, right: &str) {
    assert!(
        has_it,
        "missing: the right to {right}; run the tests as root, or where user namespaces are allowed"
    );
}

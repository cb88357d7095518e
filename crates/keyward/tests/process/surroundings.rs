//! The program in surroundings that others make: machines without this and that, and the variables of orchestrators. In each of them
//! each command starts and works, or refuses with a line that is compared.
//!
//! | surroundings | how they are made | where no namespace can be made |
//! | --- | --- | --- |
//! | no root certificates | an empty `/etc/ssl`, and `SSL_CERT_FILE` that names none | the variables alone |
//! | no `/proc` | an empty directory over it | not made |
//! | read-only root, no temporary directory | mounts of a namespace | not made |
//! | PID 1 | a namespace of processes | not made |
//! | another user without an entry, no capabilities | `setpriv`, as root | this user, who has none |
//! | no Unix sockets | a filter of system calls (`tests/rigs/no_unix_sockets.py`) | the same |
//! | 64 MiB | measured: the memory of its own that the server holds after work | the same |
//! | variables of OpenTelemetry, Compose, Kubernetes; locale, time zone | set | the same |

use crate::support::{Client, Server, clean, run, text};
use serde_json::{Value, json};
use std::fs;
use std::net::SocketAddr;
use std::os::unix::fs::chown;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;
use std::thread::{self, sleep};
use std::time::Duration;
use tempfile::TempDir;

/// What is done there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum What {
    Demo,
    Order,
    Backup,
}

/// How surroundings are made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Made {
    AsIs,
    /// By these commands in a namespace of mounts; `$0` is the directory that stays as it is.
    Mounts(&'static str),
    /// As [`Made::Mounts`], and where that cannot be, by the variables alone.
    MountsOrVariables(&'static str),
    FirstProcess,
    AnotherUser,
    WithoutCapabilities,
    /// Through the filter of this name.
    Filter(&'static str),
}

#[derive(Clone, Copy, Debug)]
struct Surroundings {
    name: &'static str,
    made: Made,
    variables: &'static [(&'static str, &'static str)],
    /// What refuses there, and with which line.
    refused: &'static [(What, &'static str)],
    /// What the server does without.
    degraded: &'static [&'static str],
}

const PLAIN: Surroundings =
    Surroundings { name: "", made: Made::AsIs, variables: &[], refused: &[], degraded: &[] };

const WITHOUT_TEMPORARY: &str = "mount --bind /tmp /tmp && mount -o remount,bind,ro /tmp && mount --bind \"$0\" \"$0\" \
     && mount -o remount,bind,rw \"$0\" && mount -t tmpfs -o ro none /var/tmp";

/// The line of an order that finds a server without a socket.
const PRESENT: &str = "keyward: a server that was started for DATA/keyward.db still runs (process N) and does not answer at its socket: \
                       its data directory, the database or the socket was moved or replaced, or it could not make a socket, which its \
                       log says, or its server.orders_socket is another. What is done to the files that are there now would not hold \
                       for it: stop it first";
const IN_USE: &str = "keyward: the database DATA/keyward.db is in use by another process";

const TABLE: &[Surroundings] = &[
    Surroundings {
        name: "no root certificates",
        made: Made::MountsOrVariables("mount -t tmpfs none /etc/ssl"),
        variables: &[("SSL_CERT_FILE", "/nonexistent/ca.pem"), ("SSL_CERT_DIR", "/nonexistent")],
        degraded: &["root_certificates"],
        ..PLAIN
    },
    Surroundings { name: "no /proc", made: Made::Mounts("mount -t tmpfs none /proc"), ..PLAIN },
    Surroundings {
        name: "read-only root",
        made: Made::Mounts("mount --bind \"$0\" \"$0\" && mount -o remount,bind,ro /"),
        variables: &[("TMPDIR", "/")],
        refused: &[(
            What::Demo,
            "keyward: the demo's data cannot be kept in /: read-only filesystem or storage medium; name a directory with --data",
        )],
        ..PLAIN
    },
    Surroundings {
        name: "no temporary directory",
        made: Made::Mounts(WITHOUT_TEMPORARY),
        variables: &[("TMPDIR", "/nonexistent")],
        refused: &[(
            What::Demo,
            "keyward: the demo's data cannot be kept in /nonexistent: entity not found; name a directory with --data",
        )],
        ..PLAIN
    },
    Surroundings { name: "a user without an entry", made: Made::AnotherUser, ..PLAIN },
    Surroundings { name: "no capabilities", made: Made::WithoutCapabilities, ..PLAIN },
    Surroundings { name: "PID 1", made: Made::FirstProcess, ..PLAIN },
    Surroundings {
        name: "no Unix sockets",
        made: Made::Filter("anywhere"),
        refused: &[(What::Order, IN_USE), (What::Backup, IN_USE)],
        degraded: &["orders_socket"],
        ..PLAIN
    },
    Surroundings {
        name: "no Unix sockets on the volume",
        made: Made::Filter("volume"),
        refused: &[(What::Order, PRESENT), (What::Backup, PRESENT)],
        degraded: &["orders_socket"],
        ..PLAIN
    },
    Surroundings { name: "64 MiB", ..PLAIN },
    Surroundings {
        name: "OpenTelemetry's operator for Kubernetes",
        variables: &[
            ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9"),
            ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"),
            ("OTEL_EXPORTER_OTLP_TIMEOUT", "20"),
            ("OTEL_SERVICE_NAME", "keyward"),
            ("OTEL_RESOURCE_ATTRIBUTES", "k8s.pod.name=keyward-0,k8s.namespace.name=default,=,x"),
            ("OTEL_RESOURCE_ATTRIBUTES_POD_NAME", "keyward-0"),
            ("OTEL_PROPAGATORS", "tracecontext,baggage,b3"),
            ("OTEL_TRACES_EXPORTER", "otlp"),
            ("OTEL_METRICS_EXPORTER", "prometheus"),
            ("OTEL_TRACES_SAMPLER", "parentbased_traceidratio"),
            ("OTEL_TRACES_SAMPLER_ARG", "0.25"),
        ],
        ..PLAIN
    },
    Surroundings {
        name: "Aspire",
        variables: &[
            ("OTEL_EXPORTER_OTLP_ENDPOINT", "https://localhost:9"),
            ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"),
            ("OTEL_EXPORTER_OTLP_HEADERS", "x-otlp-api-key=0123456789abcdef"),
            ("OTEL_BLRP_SCHEDULE_DELAY", "1000"),
            ("OTEL_BSP_SCHEDULE_DELAY", "1000"),
            ("OTEL_METRIC_EXPORT_INTERVAL", "1000"),
            ("OTEL_METRICS_EXEMPLAR_FILTER", "trace_based"),
            ("OTEL_TRACES_SAMPLER", "always_on"),
            ("ASPNETCORE_ENVIRONMENT", "Development"),
        ],
        ..PLAIN
    },
    Surroundings {
        name: "ECS with ADOT",
        variables: &[
            ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9"),
            ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/json"),
            ("OTEL_EXPORTER_OTLP_COMPRESSION", "gzip"),
            ("OTEL_EXPORTER_OTLP_TIMEOUT", "20"),
            ("OTEL_TRACES_SAMPLER", "xray"),
            ("OTEL_TRACES_SAMPLER_ARG", "endpoint=http://127.0.0.1:2000"),
            ("OTEL_PROPAGATORS", "xray"),
            ("OTEL_SDK_DISABLED", "0"),
            ("OTEL_BSP_MAX_QUEUE_SIZE", "2147483647"),
            ("ECS_CONTAINER_METADATA_URI_V4", "http://169.254.170.2/v4/x"),
        ],
        ..PLAIN
    },
    Surroundings {
        name: "Compose",
        variables: &[
            ("KEYWARD_IMAGE", "registry.example/keyward"),
            ("KEYWARD_TAG", "1.2.3"),
            ("KEYWARD_VERSION", "1.2.3"),
            ("COMPOSE_PROJECT_NAME", "keyward"),
            ("HOSTNAME", "0123456789ab"),
        ],
        ..PLAIN
    },
    Surroundings {
        name: "services of Kubernetes called keyward and keyward-server",
        variables: &[
            ("KEYWARD_SERVICE_HOST", "10.0.0.10"),
            ("KEYWARD_SERVICE_PORT", "80"),
            ("KEYWARD_SERVICE_PORT_HTTP", "80"),
            ("KEYWARD_PORT", "tcp://10.0.0.10:80"),
            ("KEYWARD_PORT_80_TCP", "tcp://10.0.0.10:80"),
            ("KEYWARD_PORT_80_TCP_PROTO", "tcp"),
            ("KEYWARD_PORT_80_TCP_PORT", "80"),
            ("KEYWARD_PORT_80_TCP_ADDR", "10.0.0.10"),
            ("KEYWARD_SERVER_SERVICE_HOST", "10.0.0.11"),
            ("KEYWARD_SERVER_SERVICE_PORT", "80"),
            ("KEYWARD_SERVER_PORT", "tcp://10.0.0.11:80"),
            ("KEYWARD_SERVER_PORT_80_TCP_ADDR", "10.0.0.11"),
        ],
        ..PLAIN
    },
    Surroundings { name: "locale C", variables: &[("LC_ALL", "C"), ("LANG", "C")], ..PLAIN },
    Surroundings { name: "a time zone", variables: &[("TZ", "Asia/Kathmandu")], ..PLAIN },
    Surroundings { name: "a time zone that there is not", variables: &[("TZ", ":Nowhere/At_All")], ..PLAIN },
];

/// How namespaces are made here: as root, as a root of one's own, or not at all.
fn namespaces() -> Option<&'static [&'static str]> {
    let can = |arguments: &&'static [&'static str]| {
        let mut command = Command::new("unshare");
        run(command.args(*arguments).args(["-m", "mount", "-t", "tmpfs", "none", "/etc"])).status.success()
    };
    [&[][..], &["--map-root-user"]].into_iter().find(can)
}

fn is_root() -> bool {
    String::from_utf8(run(Command::new("id").arg("-u")).stdout).unwrap().trim() == "0"
}

/// One of the table, with a place to work in.
struct Here {
    of: Surroundings,
    /// What stands before the program.
    before: Vec<String>,
    program: PathBuf,
    home: TempDir,
}

const ANOTHER: u32 = 54_321;

impl Here {
    /// `None`: it cannot be made here.
    fn made(of: Surroundings) -> Option<Self> {
        let home = tempfile::tempdir().unwrap();
        let words = |all: &[&str]| all.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
        let mounts = |script: &str, unshare: &[&str]| {
            let script = format!("{script} && exec \"$@\"");
            words(&[&["unshare"], unshare, &["-m", "sh", "-c", &script, text(home.path())]].concat())
        };
        let mut program = PathBuf::from(env!("CARGO_BIN_EXE_keyward"));
        let before = match of.made {
            Made::AsIs => Vec::new(),
            Made::Mounts(script) => mounts(script, namespaces()?),
            Made::MountsOrVariables(script) => {
                namespaces().map(|unshare| mounts(script, unshare)).unwrap_or_default()
            }
            Made::FirstProcess => {
                let own = ["--pid", "--fork", "--mount-proc", "--kill-child"];
                words(&[&["unshare"], namespaces()?, &own].concat())
            }
            Made::AnotherUser if is_root() => {
                // It need not be able to read where the program lies.
                program = home.path().join("keyward");
                copy_program(&program);
                words(&["setpriv", "--reuid=54321", "--regid=54321", "--clear-groups", "--no-new-privs"])
            }
            Made::WithoutCapabilities if is_root() => {
                words(&["setpriv", "--inh-caps=-all", "--bounding-set=-all", "--no-new-privs"])
            }
            Made::AnotherUser | Made::WithoutCapabilities => Vec::new(),
            Made::Filter(name) => {
                let rig = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/rigs/no_unix_sockets.py");
                words(&["python3", text(&rig), name])
            }
        };
        let here = Self { of, before, program, home };
        fs::create_dir(here.at("tmp")).unwrap();
        if of.made == Made::AnotherUser && is_root() {
            for path in [here.home.path(), &here.at("tmp")] {
                chown(path, Some(ANOTHER), Some(ANOTHER)).unwrap();
            }
        }
        Some(here)
    }

    fn at(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let words = self.before.iter().map(String::as_str).chain([text(&self.program)]);
        let words: Vec<&str> = words.chain(arguments.iter().copied()).collect();
        let mut command = Command::new(words[0]);
        command.args(&words[1..]);
        clean(&mut command);
        command.env("TMPDIR", self.at("tmp")).envs(self.of.variables.iter().copied());
        command
    }

    /// A command that is done on the data: it works, or it refuses with its line. What it prints.
    fn does(&self, what: What, arguments: &[&str]) -> Option<String> {
        let data = self.at("data");
        let output = run(&mut self.command(&[arguments, &["--data", text(&data)]].concat()));
        self.judge(what, &output)
    }

    fn judge(&self, what: What, output: &std::process::Output) -> Option<String> {
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        let refused = self.of.refused.iter().find(|(refused, _)| *refused == what);
        let Some((_, line)) = refused else {
            assert!(output.status.success(), "{}: {what:?}: {said}", self.of.name);
            return Some(String::from_utf8(output.stdout.clone()).unwrap());
        };
        assert!(!output.status.success(), "{}: {what:?} was to be refused", self.of.name);
        let seen = message(said.trim_end()).replace(text(&self.at("data")), "DATA");
        assert_eq!(without_number(&seen), *line, "{}: {what:?}", self.of.name);
        None
    }

    /// The demo serves; without a place for its data it says so, and with one it serves too.
    fn demo(&self) {
        let arguments = Server::demo_arguments(None);
        if self.of.refused.iter().any(|(what, _)| *what == What::Demo) {
            assert_eq!(self.judge(What::Demo, &run(&mut self.command(&arguments))), None);
            let data = self.at("demo");
            self.serves_a_demo(&Server::demo_arguments(Some(&data)));
        } else {
            self.serves_a_demo(&arguments);
        }
    }

    fn serves_a_demo(&self, arguments: &[&str]) {
        let mut server = Server::demo_by(self.command(arguments));
        assert_eq!(server.client(&server.admin()).get("/me").status, 200, "{}", self.of.name);
        self.end(&mut server);
    }

    /// `init`; the key that it has made.
    fn init(&self) -> String {
        let data = self.at("data");
        let made =
            ["init", "--json", "--account", "acme", "--email", "ada@acme.example", "--data", text(&data)];
        let output = run(&mut self.command(&made));
        assert!(output.status.success(), "{}: {output:?}", self.of.name);
        let line: Value = serde_json::from_slice(&output.stdout).unwrap();
        line["api_key"]["api_key"].as_str().unwrap().to_owned()
    }

    fn serve(&self) -> Server {
        let data = self.at("data");
        let mut command = self.command(&["serve", "--listen", "127.0.0.1:0", "--data", text(&data)]);
        command.env("KEYWARD_SERVER_ADMIN_LISTEN", "127.0.0.1:0");
        Server::serve_by(command)
    }

    /// It reads and writes, and shows what it does without.
    fn works(&self, server: &Server, key: &str) {
        let mut client = server.client(key);
        for number in 0..30 {
            let made = client.post("/deals", &json!({ "title": format!("deal {number}") }));
            assert_eq!(made.status, 201, "{}", self.of.name);
        }
        assert_eq!(client.get("/deals").json()["pagination"]["total"], 30, "{}", self.of.name);
        let figures = figures(server);
        let traces_may_be = self.of.variables.iter().any(|(name, _)| name.starts_with("OTEL_"));
        for part in ["root_certificates", "orders_socket", "traces", "service_manager"] {
            let shown = figures.contains(&format!("keyward_degraded{{part=\"{part}\"}} 1"));
            let as_said = shown == self.of.degraded.contains(&part);
            assert!(as_said || part == "traces" && traces_may_be, "{}: {part}: {shown}", self.of.name);
        }
    }

    /// Ends a server in order, whatever stands before it.
    fn end(&self, server: &mut Server) {
        let main = main_process(server.id());
        assert!(run(Command::new("sh").args(["-c", &format!("kill -TERM {main}")])).status.success());
        let status = server.wait();
        assert_eq!(status.code(), Some(0), "{}: {status}: {}", self.of.name, server.stderr());
    }

    /// Everything.
    fn goes(&self) {
        self.demo();
        let key = self.init();
        let mut server = self.serve();
        self.works(&server, &key);
        let listed = self.does(What::Order, &["key", "list", "--account", "acme", "--json"]);
        assert!(listed.is_none_or(|listed| listed.contains("ada@acme.example")), "{}", self.of.name);
        let copy = self.at("copy.db");
        if self.does(What::Backup, &["backup", text(&copy)]).is_some() {
            assert!(fs::metadata(&copy).unwrap().len() > 0, "{}", self.of.name);
        }
        let own = private_memory(main_process(server.id()));
        assert!(own.is_none_or(|own| own < 64 << 20), "{}: {own:?} bytes of its own", self.of.name);
        if self.of.made == Made::FirstProcess && is_root() {
            inherits_and_reaps(main_process(server.id()));
        }
        self.end(&mut server);
        // Without a server, an order is carried out on the file.
        let data = self.at("data");
        let listed = run(&mut self.command(&["key", "list", "--account", "acme", "--data", text(&data)]));
        assert!(listed.status.success(), "{}: {listed:?}", self.of.name);
    }
}

/// Copies the program by a process of its own: a file that this one has open for writing, which processes that other threads start
/// inherit, cannot be executed.
pub(crate) fn copy_program(to: &Path) {
    let copied = run(Command::new("cp").arg(env!("CARGO_BIN_EXE_keyward")).arg(to));
    assert!(copied.status.success(), "{copied:?}");
}

/// The line of a refusal, also of one that is JSON.
fn message(said: &str) -> String {
    match serde_json::from_str::<Value>(said) {
        Ok(error) => format!("keyward: {}", error["error"]["message"].as_str().unwrap()),
        Err(_) => said.to_owned(),
    }
}

/// A text with the number of a process taken out.
fn without_number(text: &str) -> String {
    match text.split_once("(process ") {
        Some((before, after)) => {
            format!(
                "{before}(process N{}",
                after.trim_start_matches(|character: char| character.is_ascii_digit())
            )
        }
        None => text.to_owned(),
    }
}

/// The process of the program itself, below what it was started by.
fn main_process(started: u32) -> u32 {
    let read = |path: String| fs::read_to_string(path).unwrap_or_default();
    let mut process = started;
    while read(format!("/proc/{process}/comm")).trim() != "keyward" {
        let below = read(format!("/proc/{process}/task/{process}/children"));
        match below.split_whitespace().next() {
            Some(child) => process = child.parse().unwrap(),
            None => return started,
        }
    }
    process
}

/// The memory that a process holds for itself alone, in bytes.
fn private_memory(process: u32) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:"))?;
    Some(line.trim().strip_suffix(" kB")?.parse::<u64>().unwrap() * 1024)
}

/// The first process of a namespace takes the end of what others leave to it.
fn inherits_and_reaps(process: u32) {
    let children = || fs::read_to_string(format!("/proc/{process}/task/{process}/children")).unwrap();
    let target = process.to_string();
    let leave = ["-t", &target, "-p", "-m", "sh", "-c", "sleep 1 < /dev/null > /dev/null 2>&1 & exit 0"];
    assert!(run(Command::new("nsenter").args(leave)).status.success());
    let until = |inherits: bool| {
        (0..1_000).any(|_| {
            sleep(Duration::from_millis(5));
            children().trim().is_empty() != inherits
        })
    };
    assert!(until(true), "it inherits what was left");
    assert!(until(false), "it stays as a zombie: {}", children());
}

/// The figures of a server whose log says where they are.
fn figures(server: &Server) -> String {
    let log = server.stderr();
    let serving = log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let serving = serving.into_iter().find(|event| event["message"] == "serving").unwrap();
    let address: SocketAddr = serving["admin"].as_str().unwrap().parse().unwrap();
    String::from_utf8(Client::to(address).send("GET", "/metrics", &[], b"").unwrap().body).unwrap()
}

#[test]
fn in_all_surroundings_each_command_works_or_refuses_with_its_line() {
    let waiting = Mutex::new(TABLE.iter());
    let next = || waiting.lock().unwrap().next();
    thread::scope(|scope| {
        // Some of them wait, and two processors have something to do meanwhile.
        for _ in 0..4 {
            scope.spawn(|| {
                while let Some(of) = next() {
                    match Here::made(*of) {
                        Some(here) => here.goes(),
                        None => println!("not made here: {}", of.name),
                    }
                }
            });
        }
    });
}

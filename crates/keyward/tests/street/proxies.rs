//! nginx, HAProxy, Caddy and Apache in front of the server, as people configure them (`tests/clients/proxies`).
//!
//! | mistake | the test that catches it |
//! | --- | --- |
//! | the server closes a connection that a proxy still uses: 502 | `connections_that_rest_behind_four_proxies_lose_no_request` |
//! | a tag that a proxy changed when it compressed names no version any more | `a_tag_still_names_its_version_behind_proxies_that_compress` |
//! | what is compressed here is compressed again, or cannot be read, behind a proxy | the same |
//! | a stop refuses what a proxy sends before it has noticed | `a_stop_with_a_delay_loses_no_request_of_four_proxies` |
//! | these tests would see no loss | `a_connection_that_is_closed_while_it_is_used_is_seen_as_a_loss_behind_each_of_four_proxies`, `a_stop_without_a_second_server_is_seen_as_a_loss_behind_each_of_four_proxies` |

use crate::clients::{folder, libraries, program, target};
use crate::support::{BASE, Server, keyward, text, unlimited};
use flate2::read::GzDecoder;
use reqwest::{Client, Response, StatusCode};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::sleep;
use std::time::Duration;
use tempfile::TempDir;

/// The pauses between two waves of requests, in milliseconds: around the 2 s that proxies keep a connection and the 3 s that the
/// server keeps it.
const PAUSES: [u64; 10] = [1_800, 2_000, 2_950, 1_990, 3_000, 2_010, 3_050, 2_500, 3_200, 1_950];
/// What was asked: how many answers were as they should be, and how many were not, by what was wrong.
type Asked = (usize, BTreeMap<String, usize>);

const DELAY: Duration = Duration::from_secs(3);

#[derive(Clone, Copy, Debug)]
enum Kind {
    Nginx,
    HaProxy,
    Caddy,
    Apache,
}

const KINDS: [Kind; 4] = [Kind::Nginx, Kind::HaProxy, Kind::Caddy, Kind::Apache];

impl Kind {
    const fn template(self) -> &'static str {
        match self {
            Self::Nginx => "nginx.conf",
            Self::HaProxy => "haproxy.cfg",
            Self::Caddy => "Caddyfile",
            Self::Apache => "httpd.conf",
        }
    }

    /// A second server for when the first one is gone, and how that is noticed: nginx and Apache notice a refused connection, HAProxy and
    /// Caddy look at `/readyz`.
    fn second(self, server: SocketAddr, probes: SocketAddr) -> [(&'static str, String); 2] {
        let (port, of_second) = (probes.port(), server);
        match self {
            Self::Nginx => [("SECOND", format!("server {of_second} backup;")), ("CHECK", String::new())],
            Self::HaProxy => [
                ("SECOND", format!("server second {of_second} backup")),
                ("CHECK", format!("check port {port} inter 100ms fall 1")),
            ],
            Self::Caddy => [
                ("SECOND", of_second.to_string()),
                ("CHECK", format!("health_uri /readyz\n\t\thealth_port {port}\n\t\thealth_interval 100ms")),
            ],
            Self::Apache => [
                ("SECOND", format!("BalancerMember \"http://{of_second}\" status=+H")),
                ("CHECK", String::new()),
            ],
        }
    }

    /// Its command line, with the configuration in that directory.
    fn command(self, directory: &Path) -> Command {
        let config = directory.join(self.template());
        let unpacked = target("proxies");
        let mut command = match self {
            Self::Nginx => program("nginx"),
            Self::HaProxy => program(unpacked.join("usr/sbin/haproxy")),
            Self::Caddy => program(unpacked.join("usr/bin/caddy")),
            Self::Apache => program(unpacked.join("usr/sbin/apache2")),
        };
        let config = text(&config);
        match self {
            Self::Nginx => command.args(["-p", text(directory), "-c", config, "-e", "stderr"]),
            Self::HaProxy => command.args(["-db", "-f", config]),
            Self::Caddy => command.args(["run", "--adapter", "caddyfile", "--config", config]),
            // One process, in the foreground.
            Self::Apache => command.args(["-X", "-f", config]),
        };
        let path = format!("{}:/usr/sbin", std::env::var("PATH").unwrap_or_default());
        command.env("PATH", path).env("HOME", directory).env("LD_LIBRARY_PATH", libraries(&unpacked));
        command
    }
}

/// A proxy of this test's own. Dropping it ends it.
struct Proxy {
    kind: Kind,
    child: Child,
    address: SocketAddr,
    directory: TempDir,
}

impl Proxy {
    /// In front of that server, and maybe of a second one.
    fn before(kind: Kind, server: SocketAddr, further: &[(&str, String)]) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let address = free_address();
        let modules = target("proxies").join("usr/lib/apache2/modules");
        let known = [
            ("LISTEN", address.to_string()),
            ("UPSTREAM", server.to_string()),
            ("DIR", text(directory.path()).to_owned()),
            ("MODULES", text(&modules).to_owned()),
        ];
        let template = std::fs::read_to_string(folder("proxies").join(kind.template())).unwrap();
        let all = known.iter().chain(further);
        let filled = all.fold(template, |filled, (name, value)| filled.replace(&format!("@{name}@"), value));
        let filled =
            ["SECOND", "CHECK"].iter().fold(filled, |filled, name| filled.replace(&format!("@{name}@"), ""));
        std::fs::write(directory.path().join(kind.template()), filled).unwrap();
        let log = std::fs::File::create(directory.path().join("log")).unwrap();
        let mut command = kind.command(directory.path());
        command.stdin(Stdio::null()).stdout(log.try_clone().unwrap()).stderr(log);
        let child =
            command.spawn().unwrap_or_else(|error| panic!("{kind:?}: {error}; `cargo xtask test` brings it"));
        let mut proxy = Self { kind, child, address, directory };
        proxy.until_it_listens();
        proxy
    }

    fn until_it_listens(&mut self) {
        for _ in 0..3_000 {
            if TcpStream::connect(self.address).is_ok() {
                return;
            }
            assert!(self.child.try_wait().unwrap().is_none(), "{:?} ended: {}", self.kind, self.log());
            sleep(Duration::from_millis(10));
        }
        panic!("{:?} does not listen: {}", self.kind, self.log());
    }

    fn log(&self) -> String {
        let read = |name: &str| std::fs::read_to_string(self.directory.path().join(name)).unwrap_or_default();
        format!("{}{}", read("log"), read("error_log"))
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}{BASE}{path}", self.address)
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn free_address() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

/// A demo behind proxies of this machine.
fn server(settings: &[(&str, &str)]) -> Server {
    server_at("127.0.0.1:0", settings)
}

fn server_at(listen: &str, settings: &[(&str, &str)]) -> Server {
    let mut command = unlimited(keyward(&["demo", "--json", "--listen", listen]));
    command.env("KEYWARD_SERVER_TRUSTED_PROXIES", "127.0.0.1").envs(settings.iter().copied());
    Server::demo_by(command)
}

/// A client with one connection.
fn client() -> Client {
    let client = Client::builder().no_proxy().pool_max_idle_per_host(1).timeout(Duration::from_secs(30));
    client.build().unwrap()
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
}

/// The headers of a call with this key, by a client that takes gzip.
fn called(request: reqwest::RequestBuilder, key: &str) -> reqwest::RequestBuilder {
    let request = request.header("authorization", format!("Bearer {key}")).header("x-origin-app", "street");
    request.header("accept-encoding", "gzip")
}

fn sends(request: reqwest::RequestBuilder, body: &Value) -> reqwest::RequestBuilder {
    request.header("content-type", "application/json").body(body.to_string())
}

/// Waves of requests through each of the four, with a pause between two waves: in each wave every client reads a deal or makes one, on
/// the connection that it has had from the beginning. How many were asked, and what was not answered as it should be.
async fn in_waves(proxies: &[Proxy], key: &str, (clients, waves): (usize, usize), pauses: &[u64]) -> Asked {
    let people: Vec<(&Proxy, Client)> =
        proxies.iter().flat_map(|proxy| (0..clients).map(move |_| (proxy, client()))).collect();
    let (mut asked, mut wrong) = (0, BTreeMap::new());
    for wave in 0..waves {
        let calls = people.iter().enumerate().map(|(number, (proxy, client))| async move {
            // A proxy repeats no request that might have been carried out, so these are lost where a connection is.
            let makes = (number + wave) % 2 == 0;
            let request = match makes {
                true => {
                    sends(client.post(proxy.url("/deals")), &json!({ "title": format!("{wave}-{number}") }))
                }
                false => client.get(proxy.url("/deals/1")),
            };
            let expected = if makes { StatusCode::CREATED } else { StatusCode::OK };
            match called(request, key).send().await {
                Ok(answer) if answer.status() == expected => {
                    answer.bytes().await.err().map(|error| error.to_string())
                }
                Ok(answer) => Some(format!("{}: {:?}", answer.status(), answer.text().await)),
                Err(error) => Some(format!("{error:?}")),
            }
            .map(|fault| format!("{:?}: {fault}", proxy.kind))
        });
        let answers = futures_util::future::join_all(calls).await;
        asked += answers.len();
        for fault in answers.into_iter().flatten() {
            *wrong.entry(fault).or_insert(0) += 1;
        }
        if wave + 1 < waves {
            let pause = pauses[wave % pauses.len()];
            tokio::time::sleep(Duration::from_millis(pause)).await;
        }
    }
    (asked, wrong)
}

fn no_request_is_lost(clients: usize, waves: usize) {
    let server = server(&[("KEYWARD_SERVER_IDLE_TIMEOUT", "3")]);
    let proxies = KINDS.map(|kind| Proxy::before(kind, server.address, &[]));
    let (asked, wrong) = runtime().block_on(in_waves(&proxies, &server.admin(), (clients, waves), &PAUSES));
    let logs: Vec<String> = proxies.iter().map(Proxy::log).collect();
    assert!(wrong.is_empty(), "of {asked}: {wrong:?}\n{}", logs.join("\n"));
    println!("{asked} requests behind 4 proxies, with pauses of 1.8 to 3.2 s: 0 lost, 0 answers of 502");
}

#[test]
fn connections_that_rest_behind_four_proxies_lose_no_request() {
    no_request_is_lost(25, 10);
}

#[test]
#[ignore = "five minutes: cargo xtask soak street"]
fn proxies_10_000_requests_on_connections_that_rest() {
    no_request_is_lost(25, 100);
}

/// A server that answers the first request on a connection, and closes the connection when it has read a second one. It ends with the
/// process.
fn closes_what_is_used() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for connection in listener.incoming() {
            let Ok(mut connection) = connection else { continue };
            std::thread::spawn(move || {
                let mut request = vec![0; 64 * 1024];
                let read = connection.read(&mut request).unwrap_or(0);
                let made = request.starts_with(b"POST");
                let status = if made { "201 Created" } else { "200 OK" };
                let answer = format!("HTTP/1.1 {status}\r\ncontent-length: 2\r\n\r\n{{}}");
                if read > 0 && connection.write_all(answer.as_bytes()).is_ok() {
                    // Then it is dropped, whatever came.
                    let _ = connection.read(&mut request);
                }
            });
        }
    });
    address
}

#[test]
fn a_connection_that_is_closed_while_it_is_used_is_seen_as_a_loss_behind_each_of_four_proxies() {
    let server = closes_what_is_used();
    for kind in KINDS {
        let proxy = [Proxy::before(kind, server, &[])];
        let (asked, wrong) = runtime().block_on(in_waves(&proxy, "none", (4, 6), &[20]));
        let lost: usize = wrong.values().sum();
        assert!(lost > 0 && lost < asked, "{kind:?}: {lost} of {asked}: {wrong:?}");
        let is_broken = |fault: &String| fault.contains("502") || fault.contains("reqwest::Error");
        assert!(wrong.keys().all(is_broken), "{kind:?}: by nothing but a connection: {wrong:?}");
    }
}

async fn json_of(answer: Response) -> Value {
    let status = answer.status();
    assert!(status.is_success(), "{status}: {}", answer.text().await.unwrap());
    serde_json::from_slice(&unpacked(answer).await).unwrap()
}

/// The body, which must be compressed, and once.
async fn unpacked(answer: Response) -> Vec<u8> {
    assert_eq!(answer.headers()["content-encoding"], "gzip", "{:?}", answer.headers());
    let (bytes, mut plain) = (answer.bytes().await.unwrap(), Vec::new());
    GzDecoder::new(bytes.as_ref()).read_to_end(&mut plain).unwrap();
    plain
}

/// A deal is read, and changed under the tag that came with it.
async fn changes_under_its_tag(proxy: &Proxy, key: &str, deal: usize) {
    let (client, kind) = (client(), proxy.kind);
    let url = proxy.url(&format!("/deals/{deal}"));
    let read = format!("{url}?include=financials,properties,team,pipelines");
    let answer = called(client.get(&read), key).send().await.unwrap();
    let tag = answer.headers()["etag"].clone();
    println!("{kind:?} passes the tag on as {tag:?}");
    let title = json_of(answer).await["data"]["title"].clone();
    let change = |tag: &reqwest::header::HeaderValue| {
        let body = json!({ "title": format!("{title} of {kind:?}") });
        sends(called(client.patch(&url), key).header("if-match", tag), &body)
    };
    let known = called(client.get(&read), key).header("if-none-match", &tag).send().await.unwrap();
    assert_eq!(known.status(), StatusCode::NOT_MODIFIED, "{kind:?}");
    assert_eq!(change(&tag).send().await.unwrap().status(), StatusCode::OK, "{kind:?}");
    assert_eq!(change(&tag).send().await.unwrap().status(), StatusCode::PRECONDITION_FAILED, "{kind:?}");
    let again = called(client.get(&read), key).header("if-none-match", &tag).send().await.unwrap();
    assert_eq!(again.status(), StatusCode::OK, "{kind:?}: it has changed");
}

/// A list is compressed by the server itself, and is not sent again to a client that has it.
async fn lists_are_compressed_once(proxy: &Proxy, key: &str) {
    let (client, url) = (client(), proxy.url("/deals?limit=50&sort=-created_at"));
    let answer = called(client.get(&url), key).send().await.unwrap();
    let tag = answer.headers()["etag"].clone();
    assert!(json_of(answer).await["data"].as_array().is_some_and(|deals| deals.len() > 10));
    let known = called(client.get(&url), key).header("if-none-match", &tag).send().await.unwrap();
    assert_eq!(known.status(), StatusCode::NOT_MODIFIED, "{:?}", proxy.kind);
}

#[test]
fn a_tag_still_names_its_version_behind_proxies_that_compress() {
    let server = server(&[]);
    let proxies = KINDS.map(|kind| Proxy::before(kind, server.address, &[]));
    runtime().block_on(async {
        for (number, proxy) in proxies.iter().enumerate() {
            lists_are_compressed_once(proxy, &server.admin()).await;
            changes_under_its_tag(proxy, &server.admin(), number + 1).await;
        }
    });
}

/// Asks until `end` is set; how many were answered, and what was not.
async fn asks_on(proxy: Arc<Proxy>, end: Arc<AtomicBool>) -> Asked {
    let (client, mut served, mut lost) = (client(), 0, BTreeMap::new());
    while !end.load(Ordering::SeqCst) {
        // Without a credential, since the second server knows none of the first; a POST, which no proxy repeats.
        let request = client.post(proxy.url("/auth/validate-api-key")).header("x-origin-app", "street");
        let fault = match sends(request, &json!({ "api_key": "lev_sk_none" })).send().await {
            Ok(answer) if answer.status() == StatusCode::OK => None,
            Ok(answer) => Some(answer.status().to_string()),
            Err(error) => Some(format!("{error:?}")),
        };
        match fault {
            None => served += 1,
            Some(fault) => *lost.entry(fault).or_insert(0) += 1,
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    (served, lost)
}

/// What clients of these proxies ask around a stop of the first server: what was served and lost behind each.
fn around_a_stop(proxies: Vec<Proxy>, first: &mut Server) -> Vec<(Kind, Asked, String)> {
    let end = Arc::new(AtomicBool::new(false));
    let runtime = runtime();
    let proxies: Vec<_> = proxies.into_iter().map(Arc::new).collect();
    let asking = proxies.iter().flat_map(|proxy| (0..3).map(move |_| Arc::clone(proxy)));
    let asking: Vec<_> =
        asking.map(|proxy| (Arc::clone(&proxy), runtime.spawn(asks_on(proxy, Arc::clone(&end))))).collect();
    sleep(Duration::from_secs(2));
    first.terminate();
    // The first one is gone; what is asked now goes to the second.
    sleep(Duration::from_secs(1));
    end.store(true, Ordering::SeqCst);
    let ended =
        asking.into_iter().map(|(proxy, asked)| (proxy.kind, runtime.block_on(asked).unwrap(), proxy.log()));
    ended.collect()
}

/// How many requests a server has answered, by its own figures.
fn answered(probes: SocketAddr) -> f64 {
    let mut answer = String::new();
    let mut connection = TcpStream::connect(probes).unwrap();
    connection.write_all(b"GET /metrics HTTP/1.0\r\n\r\n").unwrap();
    connection.read_to_string(&mut answer).unwrap();
    let counts = answer.lines().filter(|line| line.starts_with("keyward_requests_total{"));
    counts.map(|line| line.rsplit_once(' ').unwrap().1.parse::<f64>().unwrap()).sum()
}

#[test]
fn a_stop_with_a_delay_loses_no_request_of_four_proxies() {
    let probes = free_address();
    let seconds = DELAY.as_secs().to_string();
    let mut first = server(&[
        ("KEYWARD_SERVER_SHUTDOWN_DELAY", seconds.as_str()),
        ("KEYWARD_SERVER_ADMIN_LISTEN", &probes.to_string()),
    ]);
    // Caddy looks at one port of all its servers.
    let others = SocketAddr::from(([127, 0, 0, 2], probes.port()));
    let second = server_at("127.0.0.2:0", &[("KEYWARD_SERVER_ADMIN_LISTEN", &others.to_string())]);
    let before = |kind: Kind| Proxy::before(kind, first.address, &kind.second(second.address, probes));
    let proxies = KINDS.map(before).into();
    // Both in the delay, which begins after 2 s and lasts for 3.
    let meanwhile = std::thread::spawn(move || {
        sleep(Duration::from_millis(2_300));
        let begin = answered(probes);
        sleep(Duration::from_millis(1_500));
        (begin, answered(probes))
    });
    let mut all = 0;
    for (kind, (served, lost), log) in around_a_stop(proxies, &mut first) {
        assert!(lost.is_empty(), "{kind:?}: {lost:?} of {served}\n{log}");
        assert!(served > 50, "{kind:?}: {served}");
        all += served;
    }
    let (begin, end) = meanwhile.join().unwrap();
    assert!(end > begin, "the server that stops answers during its delay: {begin}, {end}");
    println!("{all} requests of 4 proxies around a stop with a delay of {seconds} s: 0 lost");
}

#[test]
fn a_stop_without_a_second_server_is_seen_as_a_loss_behind_each_of_four_proxies() {
    let mut first = server(&[]);
    let proxies = KINDS.map(|kind| Proxy::before(kind, first.address, &[])).into();
    for (kind, (served, lost), log) in around_a_stop(proxies, &mut first) {
        assert!(served > 0 && !lost.is_empty(), "{kind:?}: {lost:?} of {served}\n{log}");
    }
}

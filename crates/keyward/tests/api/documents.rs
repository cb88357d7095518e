//! Clients that are documents (CIMD), over real sockets: what is fetched, from where, and how often.

use crate::browser::{Browser, VERIFIER, authorize, call, code, text};
use crate::support::TestApp;
use futures_util::future::join_all;
use futures_util::poll;
use keyward::oauth::documents::{DocumentError, Documents, Names, is_public};
use keyward::watch::Degraded;
use keyward_core::BoxFuture;
use keyward_core::address::ClientAddress;
use keyward_core::clock::Timestamp;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use serde_json::{Value, json};
use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

/// An https server for `app.test` that answers what it is told, and counts who comes.
struct Host {
    port: u16,
    met: Arc<AtomicUsize>,
    answer: Arc<Mutex<Vec<u8>>>,
    manner: Arc<Mutex<Manner>>,
    certificate: reqwest::Certificate,
}

/// How a host answers.
#[derive(Clone, Copy)]
enum Manner {
    AtOnce,
    /// A byte now and then, without end.
    Dribbling,
    /// Not at all.
    Silent,
}

impl Host {
    async fn start() -> Self {
        let made = rcgen::generate_simple_self_signed(vec!["app.test".to_owned()]).unwrap();
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(made.signing_key.serialize_der()));
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![made.cert.der().clone()], key)
            .unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (met, answer) = (Arc::new(AtomicUsize::new(0)), Arc::new(Mutex::new(Vec::new())));
        let manner = Arc::new(Mutex::new(Manner::AtOnce));
        let (count, told, how) = (Arc::clone(&met), Arc::clone(&answer), Arc::clone(&manner));
        tokio::spawn(async move {
            let acceptor = TlsAcceptor::from(Arc::new(config));
            while let Ok((stream, _)) = listener.accept().await {
                count.fetch_add(1, Ordering::SeqCst);
                let (acceptor, told, how) = (acceptor.clone(), Arc::clone(&told), Arc::clone(&how));
                tokio::spawn(async move {
                    let Ok(mut stream) = acceptor.accept(stream).await else { return };
                    let _ = stream.read(&mut [0; 4096]).await;
                    let (manner, answer) = (*how.lock().unwrap(), told.lock().unwrap().clone());
                    match manner {
                        Manner::AtOnce => {
                            let _ = stream.write_all(&answer).await;
                            let _ = stream.shutdown().await;
                        }
                        // Until whoever asks has gone.
                        Manner::Silent => {
                            let _ = stream.read(&mut [0; 1]).await;
                        }
                        Manner::Dribbling => {
                            for byte in answer {
                                tokio::time::sleep(Duration::from_millis(100)).await;
                                if stream.write_all(&[byte]).await.is_err() || stream.flush().await.is_err() {
                                    return;
                                }
                            }
                        }
                    }
                });
            }
        });
        let certificate = reqwest::Certificate::from_der(made.cert.der()).unwrap();
        Self { port, met, answer, manner, certificate }
    }

    fn id(&self) -> String {
        self.id_of("client")
    }

    /// Another document of the same host.
    fn id_of(&self, name: &str) -> String {
        format!("https://app.test/{name}.json")
    }

    fn says(&self, status: &str, headers: &str, body: &str) {
        let length = body.len();
        *self.answer.lock().unwrap() =
            format!("HTTP/1.1 {status}\r\ncontent-length: {length}\r\n{headers}\r\n{body}").into_bytes();
    }

    fn says_document(&self, document: &Value) {
        self.says("200 OK", "cache-control: max-age=600\r\n", &document.to_string());
    }
}

/// Names lead to these addresses, the next one each time; loopback may be asked, if that is said.
#[derive(Debug)]
struct Told {
    addresses: Vec<IpAddr>,
    /// Where the host of the test listens, which is not at 443.
    port: u16,
    loopback: bool,
    asked: AtomicUsize,
}

impl Names for Told {
    fn resolve(&self, _: String) -> BoxFuture<'static, std::io::Result<Vec<SocketAddr>>> {
        let turn = self.asked.fetch_add(1, Ordering::SeqCst);
        let address = self.addresses[turn.min(self.addresses.len() - 1)];
        Box::pin(std::future::ready(Ok(vec![(address, self.port).into()])))
    }

    fn may_ask(&self, address: IpAddr) -> bool {
        is_public(address) || self.loopback && address.is_loopback()
    }
}

fn documents(host: &Host, addresses: &[&str], loopback: bool) -> Documents {
    let addresses = addresses.iter().map(|address| address.parse().unwrap()).collect();
    let names = Told { addresses, port: host.port, loopback, asked: AtomicUsize::new(0) };
    Documents::new(Arc::new(names), std::slice::from_ref(&host.certificate), &Degraded::default())
}

const NOW: Duration = Duration::from_secs(1_000);

async fn ask(
    documents: &Documents,
    id: &str,
    at: Duration,
) -> Result<keyward_core::oauth::Client, DocumentError> {
    ask_from([192, 0, 2, 1], documents, id, at).await
}

async fn ask_from(
    from: [u8; 4],
    documents: &Documents,
    id: &str,
    at: Duration,
) -> Result<keyward_core::oauth::Client, DocumentError> {
    documents.client(id, ClientAddress::Known(from.into()), Timestamp::from_unix(1_774_020_645), at).await
}

fn document(id: &str) -> Value {
    json!({
        "client_id": id, "client_name": "Claude Code", "grant_types": ["authorization_code", "refresh_token"],
        "redirect_uris": ["http://localhost/callback", "http://127.0.0.1/callback"], "token_endpoint_auth_method": "none",
    })
}

#[tokio::test]
async fn a_document_is_fetched_kept_and_fetched_again() {
    let host = Host::start().await;
    let documents = documents(&host, &["127.0.0.1"], true);
    let id = host.id();
    host.says_document(&document(&id));
    let client = ask(&documents, &id, NOW).await.unwrap();
    assert!(
        client.may_redirect("http://localhost:53121/callback") && client.refreshes && client.is_by_itself()
    );
    ask(&documents, &id, NOW + Duration::from_secs(599)).await.unwrap();
    assert_eq!(host.met.load(Ordering::SeqCst), 1);
    ask(&documents, &id, NOW + Duration::from_secs(600)).await.unwrap();
    assert_eq!(host.met.load(Ordering::SeqCst), 2);
    // ChatGPT's prefers another way to say who it is, and can do without.
    let mut other = document(&id);
    other["token_endpoint_auth_method"] = json!("private_key_jwt");
    other["token_endpoint_auth_methods_supported"] = json!(["private_key_jwt", "none"]);
    host.says_document(&other);
    ask(&documents, &id, NOW + Duration::from_secs(5_000)).await.unwrap();
}

#[tokio::test]
async fn what_is_no_clients_document_is_not_one() {
    let host = Host::start().await;
    let id = host.id();
    let with = |name: &str, value: Value| {
        let mut document = document(&id);
        document[name] = value;
        document
    };
    let mut at = NOW;
    let documents = documents(&host, &["127.0.0.1"], true);
    for wrong in [
        json!([]),
        json!({}),
        with("client_id", json!("https://app.test/other")),
        with("client_name", json!("")),
        with("client_name", json!(7)),
        with("redirect_uris", json!([])),
        with("redirect_uris", json!(["http://evil.example/"])),
        with("redirect_uris", json!("x")),
        with("client_secret", json!("x")),
        with("token_endpoint_auth_method", json!("client_secret_basic")),
        with("client_name", json!("x".repeat(6_000))),
    ] {
        host.says_document(&wrong);
        assert!(ask(&documents, &id, at).await.is_err(), "{wrong}");
        at += Duration::from_secs(11);
    }
    let good = document(&id).to_string();
    for (status, headers) in [
        ("301 Moved", "location: /client.json\r\n"),
        ("307 Moved", "location: /client.json\r\n"),
        ("404 Not Found", ""),
        ("204 No Content", ""),
        ("500 No", ""),
    ] {
        host.says(status, headers, &good);
        let met = host.met.load(Ordering::SeqCst);
        assert!(ask(&documents, &id, at).await.is_err(), "{status}");
        // Whoever followed would come again.
        assert_eq!(host.met.load(Ordering::SeqCst), met + 1, "{status}");
        at += Duration::from_secs(11);
    }
    // A failure is kept for ten seconds, so that nobody has us ask again and again.
    let met = host.met.load(Ordering::SeqCst);
    for _ in 0..100 {
        assert!(ask(&documents, &id, at - Duration::from_secs(5)).await.is_err());
    }
    assert_eq!(host.met.load(Ordering::SeqCst), met);
    // Doubled members can be read in two ways.
    host.says("200 OK", "", &good.replacen('{', "{\"client_id\":\"x\",", 1));
    assert!(ask(&documents, &id, at).await.is_err());
}

#[tokio::test]
async fn no_private_address_is_ever_asked_whatever_it_is_called() {
    let host = Host::start().await;
    // By its spelling: no name, in any notation.
    let mut spellings: Vec<String> = [
        "127.0.0.1",
        "127.1",
        "127.0.1",
        "0177.0.0.1",
        "0x7f.0.0.1",
        "0x7f000001",
        "2130706433",
        "017700000001",
        "127.0.0.1.",
        "[::1]",
        "[::]",
        "[0:0:0:0:0:0:0:1]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "[::127.0.0.1]",
        "[64:ff9b::7f00:1]",
        "[2002:7f00:1::]",
        "[fe80::1]",
        "[fc00::1]",
        "[fd00:ec2::254]",
        "0.0.0.0",
        "0",
        "10.0.0.1",
        "172.16.0.1",
        "192.168.0.1",
        "169.254.169.254",
        "2852039166",
        "0xa9fea9fe",
        "100.64.0.1",
        "192.0.0.192",
        "198.18.0.1",
        "224.0.0.1",
        "240.0.0.1",
        "255.255.255.255",
        "localhost",
        "localhost.",
        "LOCALHOST",
        "①②⑦.⓪.⓪.①",
        "127。0。0。1",
        "app",
        "app.test.",
        "APP.test",
        "%61pp.test",
        "user@app.test",
        "user:pass@app.test",
        "app.test@127.0.0.1",
        "",
    ]
    .iter()
    .map(|name| format!("https://{name}/client.json"))
    .collect();
    spellings.extend([
        "http://app.test/client.json".to_owned(),
        "https://app.test".to_owned(),
        "https://app.test/".to_owned(),
        "https://app.test/client.json#x".to_owned(),
        "https://app.test/a/../client.json".to_owned(),
        "https://app.test/./client.json".to_owned(),
        "https://app.test\\client.json".to_owned(),
        "HTTPS://app.test/client.json".to_owned(),
        "https:app.test/client.json".to_owned(),
        "https://app.test:0443/client.json".to_owned(),
        "https://app.test:443/client.json".to_owned(),
        "https://app.test:22/client.json".to_owned(),
        "https://app.test:80/client.json".to_owned(),
        "https://app.test:8443/client.json".to_owned(),
        "https://".to_owned(),
        "https:///client.json".to_owned(),
        "ftp://app.test/x".to_owned(),
        "https://app.test/cl ient.json".to_owned(),
        " https://app.test/client.json".to_owned(),
    ]);
    let by_loopback = documents(&host, &["127.0.0.1"], true);
    let mut fetched = 0;
    for id in &spellings {
        fetched += usize::from(!matches!(ask(&by_loopback, id, NOW).await, Err(DocumentError::Id(_))));
    }
    // By where its name leads.
    let private = [
        "127.0.0.1",
        "127.255.255.254",
        "0.0.0.0",
        "10.1.2.3",
        "172.31.255.255",
        "192.168.1.1",
        "169.254.169.254",
        "100.127.255.255",
        "192.0.0.8",
        "192.0.2.1",
        "192.88.99.1",
        "198.51.100.1",
        "198.19.255.255",
        "203.0.113.1",
        "224.0.0.251",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "::ffff:127.0.0.1",
        "::ffff:169.254.169.254",
        "::127.0.0.1",
        "64:ff9b::a9fe:a9fe",
        "64:ff9b:1::808:808",
        "64:ff9b:1:a00:0:100:808:808",
        "2002:7f00:1::",
        "2002:a9fe:a9fe::",
        "fe80::1",
        "fc00::1",
        "fd00:ec2::254",
        "ff02::1",
        "2001::1",
        "2001:db8::1",
        "100::1",
        "3fff::1",
        "fec0::1",
    ];
    for address in private {
        let documents = documents(&host, &[address], false);
        host.says_document(&document(&host.id()));
        let Err(DocumentError::Unreachable(why)) = ask(&documents, &host.id(), NOW).await else {
            panic!("{address}");
        };
        assert!(why.contains("no address of the public internet"), "{address}: {why}");
        assert!(!is_public(address.parse().unwrap()), "{address}");
    }
    // What a name leads to is asked once a fetch, and judged: what it would lead to a moment later changes nothing.
    for (addresses, good) in [(["10.0.0.1", "127.0.0.1"], false), (["127.0.0.1", "127.0.0.9"], true)] {
        let addresses = addresses.map(|address| address.parse().unwrap()).to_vec();
        let port = host.port;
        let names = Arc::new(Told { addresses, port, loopback: true, asked: AtomicUsize::new(0) });
        let trusted = std::slice::from_ref(&host.certificate);
        let rebinding = Documents::new(Arc::clone(&names) as Arc<dyn Names>, trusted, &Degraded::default());
        assert_eq!(ask(&rebinding, &host.id(), NOW).await.is_ok(), good);
        assert_eq!(names.asked.load(Ordering::SeqCst), 1);
    }
    let met = host.met.load(Ordering::SeqCst) - 1;
    println!(
        "spellings fetched: {fetched} of {}; private addresses asked: {met} of {}",
        spellings.len(),
        private.len() + 1
    );
    assert_eq!((fetched, met), (0, 0));
    assert!(spellings.len() >= 60);
    for public in ["93.184.216.34", "8.8.8.8", "2606:4700::1", "2a00:1450::1"] {
        assert!(is_public(public.parse().unwrap()), "{public}");
    }
}

#[tokio::test]
async fn only_port_443_is_asked_and_the_refusal_says_so() {
    let host = Host::start().await;
    let documents = documents(&host, &["127.0.0.1"], true);
    for port in [1, 22, 80, 442, 444, 8443, 65_535] {
        let id = format!("https://app.test:{port}/client.json");
        let refused = ask(&documents, &id, NOW).await.unwrap_err();
        assert_eq!(refused, DocumentError::Id("its port must be 443"), "{port}");
    }
    assert_eq!(host.met.load(Ordering::SeqCst), 0);
}

/// Names that nobody answers for, and hosts that say nothing, take the places of those alone who name them.
#[tokio::test]
async fn an_address_and_a_network_have_a_share_of_the_fetches_that_run_at_once() {
    let host = Host::start().await;
    *host.manner.lock().unwrap() = Manner::Silent;
    let documents = documents(&host, &["127.0.0.1"], true);
    let mut running = Vec::new();
    for n in 0..40_u8 {
        let id = host.id_of(&format!("c{n}"));
        let asking = documents.clone();
        running.push(tokio::spawn(async move { ask_from([198, 51, 100, n / 8], &asking, &id, NOW).await }));
    }
    while running.iter().filter(|one| !one.is_finished()).count() > 16 {
        tokio::task::yield_now().await;
    }
    // Four addresses of this network have four each, and the network has no more.
    assert_eq!(
        ask_from([198, 51, 100, 9], &documents, &host.id_of("x"), NOW).await,
        Err(DocumentError::Busy)
    );
    let (elsewhere, id) = (documents.clone(), host.id_of("good"));
    let elsewhere = tokio::spawn(async move { ask_from([203, 0, 113, 1], &elsewhere, &id, NOW).await });
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert!(!elsewhere.is_finished(), "another network has a place");
    let mut busy = 0;
    for one in running {
        busy += usize::from(one.await.unwrap() == Err(DocumentError::Busy));
    }
    assert_eq!(busy, 24);
    assert!(matches!(elsewhere.await.unwrap(), Err(DocumentError::Unreachable(_))));
    *host.manner.lock().unwrap() = Manner::AtOnce;
    host.says_document(&document(&host.id()));
    ask_from([198, 51, 100, 0], &documents, &host.id(), NOW).await.unwrap();
}

#[tokio::test]
async fn four_networks_that_hold_all_fetches_make_room_for_a_fifth() {
    let host = Host::start().await;
    *host.manner.lock().unwrap() = Manner::Silent;
    let documents = documents(&host, &["127.0.0.1"], true);
    let begin = |from: [u8; 4], name: String| {
        let (asking, id) = (documents.clone(), host.id_of(&name));
        tokio::spawn(async move { ask_from(from, &asking, &id, NOW).await })
    };
    let mut running = Vec::new();
    for n in 0..64_u8 {
        running.push(begin([198, 51, n / 16, n / 4], format!("c{n}")));
    }
    while !(0..64).all(|n| documents.knows(&host.id_of(&format!("c{n}")), NOW)) {
        tokio::task::yield_now().await;
    }
    let from_elsewhere = begin([203, 0, 113, 1], "good".to_owned());
    while !running.iter().any(tokio::task::JoinHandle::is_finished) {
        assert!(!from_elsewhere.is_finished(), "it has a place");
        tokio::task::yield_now().await;
    }
    let mut ended = 0;
    for one in running {
        ended += usize::from(one.await.unwrap() == Err(DocumentError::Busy));
    }
    assert_eq!(ended, 1, "one of theirs was ended for it");
    assert!(matches!(from_elsewhere.await.unwrap(), Err(DocumentError::Unreachable(_))));
    // All places are free again.
    *host.manner.lock().unwrap() = Manner::AtOnce;
    host.says_document(&document(&host.id()));
    ask_from([198, 51, 0, 0], &documents, &host.id(), NOW).await.unwrap();
}

#[tokio::test]
async fn one_fetch_serves_all_who_wait() {
    let host = Host::start().await;
    let (documents, id) = (documents(&host, &["127.0.0.1"], true), host.id());
    host.says_document(&document(&id));
    for (round, at) in [(1, NOW), (2, NOW + Duration::from_secs(600))] {
        let all = join_all((0..64).map(|_| ask(&documents, &id, at))).await;
        assert!(all.iter().all(Result::is_ok), "{all:?}");
        assert_eq!(host.met.load(Ordering::SeqCst), round, "one for 64");
    }
    // Whoever began it may leave.
    let at = NOW + Duration::from_secs(1_200);
    let mut began = Box::pin(ask(&documents, &id, at));
    assert!(poll!(&mut began).is_pending());
    drop(began);
    assert!(documents.knows(&id, at), "it is under way");
    ask(&documents, &id, at).await.unwrap();
    assert_eq!(host.met.load(Ordering::SeqCst), 3);
}

#[tokio::test]
async fn a_host_that_does_not_answer_for_a_while_is_believed_for_a_day() {
    let host = Host::start().await;
    let (documents, id) = (documents(&host, &["127.0.0.1"], true), host.id());
    let after = async |seconds| ask(&documents, &id, NOW + Duration::from_secs(seconds)).await;
    let met = || host.met.load(Ordering::SeqCst);
    host.says_document(&document(&id));
    after(0).await.unwrap();
    host.says("503 Service Unavailable", "", "");
    for (seconds, asked) in [(600, 2), (609, 2), (610, 3), (80_000, 4), (86_399, 5)] {
        after(seconds).await.unwrap();
        assert_eq!(met(), asked, "{seconds}");
    }
    assert!(matches!(after(86_409).await, Err(DocumentError::Unreachable(_))), "a day is over");
    host.says_document(&document(&id));
    after(86_420).await.unwrap();
    // It says that it is gone, and then nothing: what it said before does not count any more.
    host.says("404 Not Found", "", "");
    assert!(matches!(after(87_100).await, Err(DocumentError::Unfit(_))));
    host.says("503 Service Unavailable", "", "");
    assert!(matches!(after(87_111).await, Err(DocumentError::Unreachable(_))));
}

#[tokio::test]
async fn whoever_is_connected_stays_so_while_its_document_cannot_be_had() {
    let host = Host::start().await;
    let id = host.id();
    host.says_document(&document(&id));
    let app = TestApp::with_documents(documents(&host, &["127.0.0.1"], true)).await;
    let own = [("client_id", id.as_str()), ("redirect_uri", "http://localhost:4444/callback")];
    let code = code(&app, "admin", &own).await;
    let redeem =
        |code| [("grant_type", "authorization_code"), own[0], ("code", code), ("code_verifier", VERIFIER)];
    let granted = call(&app, "/oauth/token", &redeem(&code)).await.json();
    app.get("/me").bearer(text(&granted, "access_token")).expect(200).await;
    host.says("503 Service Unavailable", "", "");
    app.clock.advance(2 * 86_400);
    app.clock.pass(Duration::from_secs(2 * 86_400));
    let met = host.met.load(Ordering::SeqCst);
    let pairs = [("grant_type", "refresh_token"), own[0], ("refresh_token", text(&granted, "refresh_token"))];
    let refreshed = call(&app, "/oauth/token", &pairs).await;
    assert_eq!(refreshed.status, 200, "{}", refreshed.text());
    assert_eq!(host.met.load(Ordering::SeqCst), met, "nobody is asked for it");
    let with_secret = [pairs.as_slice(), &[("client_secret", "x")]].concat();
    assert_eq!(call(&app, "/oauth/token", &with_secret).await.json()["error"], "invalid_client");
    // Who is to be let in anew has to wait, and does not forget what it has.
    let page = Browser::new(&app).get(&authorize(&own)).await;
    assert_eq!((page.status.as_u16(), page.text().contains("cannot be had now")), (503, true));
    let waits = call(&app, "/oauth/token", &redeem("kw_code_x")).await;
    assert_eq!((waits.status.as_u16(), waits.header("retry-after")), (503, Some("10")));
    assert_eq!(waits.json()["error"], "temporarily_unavailable");
    // And it can go.
    let refreshed = refreshed.json();
    let token = text(&refreshed, "refresh_token");
    assert_eq!(call(&app, "/oauth/revoke", &[own[0], ("token", token)]).await.status, 200);
    let pairs = [("grant_type", "refresh_token"), own[0], ("refresh_token", token)];
    assert_eq!(call(&app, "/oauth/token", &pairs).await.json()["error"], "invalid_grant");
}

#[tokio::test]
async fn a_host_that_is_slow_or_does_not_end_is_not_waited_for() {
    let host = Host::start().await;
    let (documents, id) = (documents(&host, &["127.0.0.1"], true), host.id());
    // Longer than may be, and it does not say so before.
    let part = "x".repeat(3_000);
    let chunk = format!("bb8\r\n{part}\r\n");
    *host.answer.lock().unwrap() =
        format!("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n{chunk}{chunk}{chunk}0\r\n\r\n")
            .into_bytes();
    let error = ask(&documents, &id, NOW).await.unwrap_err();
    assert_eq!(error, DocumentError::Unfit("it is longer than 5 KiB"));
    // 600 bytes at 10 in a second, and then nothing at all: all of it has 3 seconds.
    host.says("200 OK", "cache-control: max-age=600\r\n", &"x".repeat(500));
    for (manner, after) in [(Manner::Dribbling, 20), (Manner::Silent, 40)] {
        *host.manner.lock().unwrap() = manner;
        let later = NOW + Duration::from_secs(after);
        let error = tokio::time::timeout(Duration::from_secs(10), ask(&documents, &id, later)).await.unwrap();
        assert!(matches!(error, Err(DocumentError::Unreachable(_))), "{error:?}");
    }
}

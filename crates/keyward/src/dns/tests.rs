use super::*;
use hickory_resolver::config::{ConnectionConfig, NameServerConfig, ResolverConfig, ResolverOpts};
use hickory_resolver::proto::op::{Message, OpCode, ResponseCode};
use hickory_resolver::proto::rr::{RData, Record};
use std::net::UdpSocket;
use std::sync::atomic::{AtomicUsize, Ordering};
use tempfile::TempDir;

/// A machine with these two files; `None`: there is no such file.
fn machine(hosts: Option<&str>, servers: Option<&str>) -> (TempDir, Dns) {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, text: Option<&str>| {
        let path = folder.path().join(name);
        if let Some(text) = text {
            std::fs::write(&path, text).unwrap();
        }
        path
    };
    let dns = Dns::of(file("hosts", hosts), file("resolv.conf", servers));
    (folder, dns)
}

/// A machine whose only name server is this socket.
fn asking(socket: &UdpSocket) -> Dns {
    searching(socket, &[], ResolverOpts::default())
}

/// The same, with search domains and options.
fn searching(socket: &UdpSocket, search: &[&str], options: ResolverOpts) -> Dns {
    let address = socket.local_addr().unwrap();
    let mut connection = ConnectionConfig::udp();
    connection.port = address.port();
    let mut server = NameServerConfig::udp(address.ip());
    server.connections = vec![connection];
    let search = search.iter().map(|domain| Name::from_str(domain).unwrap()).collect();
    let servers = Servers::build(ResolverConfig::from_parts(None, search, vec![server]), options);
    let (_folder, dns) = machine(Some("192.0.2.7 named.example\n"), None);
    let hosts = Machine::read(&dns.0.hosts, &dns.0.servers).hosts;
    let stamp = [None, None];
    *dns.0.machine.lock().unwrap() = Some((stamp, Arc::new(Machine { hosts, servers })));
    // The files are gone with their folder, so that they have no stamp.
    dns
}

fn addresses(texts: &[&str]) -> Vec<IpAddr> {
    texts.iter().map(|text| text.parse().unwrap()).collect()
}

#[tokio::test]
async fn localhost_and_the_names_of_the_file_of_hosts_need_no_name_server() {
    let hosts = "# comment\n192.0.2.7 one.example alias\n2001:db8::7 one.example\n203.0.113.9 localhost\n";
    let (_folder, dns) = machine(Some(hosts), None);
    for (name, expected) in [
        ("one.example", addresses(&["192.0.2.7", "2001:db8::7"])),
        ("ONE.example.", addresses(&["192.0.2.7", "2001:db8::7"])),
        ("alias", addresses(&["192.0.2.7"])),
        ("localhost", addresses(&["127.0.0.1", "::1"])),
        ("app.localhost.", addresses(&["127.0.0.1", "::1"])),
    ] {
        assert_eq!(dns.resolve(name).await.unwrap(), expected, "{name}");
    }
}

#[tokio::test]
async fn without_a_usable_resolv_conf_a_lookup_says_so_and_a_new_one_is_read() {
    for servers in [None, Some(""), Some("nameserver nowhere\n")] {
        let (folder, dns) = machine(None, servers);
        let error = dns.resolve("id.example").await.unwrap_err().to_string();
        assert!(error.contains("resolv.conf names no name server that can be asked: "), "{error}");
        // The file of hosts is read again once it has changed.
        std::fs::write(folder.path().join("hosts"), "192.0.2.8 id.example\n").unwrap();
        assert_eq!(dns.resolve("id.example").await.unwrap(), addresses(&["192.0.2.8"]));
    }
    let (_folder, dns) = machine(None, Some("nameserver 127.0.0.1\n"));
    let error = dns.resolve("no name").await.unwrap_err().to_string();
    assert!(error.contains("no name"), "{error}");
}

/// The runtime has one thread for blocking work, and it is taken: a resolver that needs one would never answer.
#[test]
fn a_name_server_that_never_answers_holds_no_thread_and_a_lookup_that_is_given_up_is_over() {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().max_blocking_threads(1).build().unwrap();
    let silent = UdpSocket::bind("127.0.0.1:0").unwrap();
    silent.set_nonblocking(true).unwrap();
    let (release, taken) = std::sync::mpsc::channel::<()>();
    runtime.block_on(async {
        let blocked = tokio::task::spawn_blocking(move || taken.recv());
        let dns = asking(&silent);
        let lookups: Vec<_> = (0..200)
            .map(|n| {
                let dns = dns.clone();
                tokio::spawn(async move {
                    let name = format!("h{n}.hole.example.");
                    tokio::time::timeout(Duration::from_millis(200), dns.resolve(&name)).await.is_err()
                })
            })
            .collect();
        for lookup in lookups {
            assert!(lookup.await.unwrap(), "it is given up");
        }
        assert_eq!(dns.resolve("named.example").await.unwrap(), addresses(&["192.0.2.7"]));
        // Whoever was given up asks no more.
        let asked = || std::iter::from_fn(|| silent.recv(&mut [0; 512]).ok()).count();
        assert!(asked() > 0, "it was asked");
        tokio::time::sleep(Duration::from_millis(2_500)).await;
        assert_eq!(asked(), 0);
        release.send(()).unwrap();
        blocked.await.unwrap().unwrap();
    });
}

#[tokio::test(start_paused = true)]
async fn a_lookup_ends_by_itself() {
    let silent = UdpSocket::bind("127.0.0.1:0").unwrap();
    let dns = asking(&silent);
    let begun = tokio::time::Instant::now();
    let error = dns.resolve("h.hole.example.").await.unwrap_err();
    assert!(begun.elapsed() <= DEADLINE, "{:?}: {error}", begun.elapsed());
}

/// What the name server of a test does with a question.
enum Reply {
    Drops,
    Holds(&'static str),
    NoSuchName,
}

/// Answers for as long as the test lives, and counts the questions.
fn answering(socket: UdpSocket, reply: fn(&str, RecordType) -> Reply) -> Arc<AtomicUsize> {
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    socket.set_nonblocking(true).unwrap();
    let socket = tokio::net::UdpSocket::from_std(socket).unwrap();
    tokio::spawn(async move {
        let mut bytes = [0; 1_500];
        loop {
            let (length, from) = socket.recv_from(&mut bytes).await.unwrap();
            count.fetch_add(1, Ordering::SeqCst);
            let question = Message::from_vec(&bytes[..length]).unwrap();
            let query = question.queries[0].clone();
            let code = |code| Message::error_msg(question.metadata.id, OpCode::Query, code);
            let mut message = match reply(&query.name().to_string(), query.query_type()) {
                Reply::Drops => continue,
                Reply::NoSuchName => code(ResponseCode::NXDomain),
                Reply::Holds(address) => {
                    let address: IpAddr = address.parse().unwrap();
                    let mut message = code(ResponseCode::NoError);
                    message.add_answer(Record::from_rdata(query.name().clone(), 60, RData::from(address)));
                    message
                }
            };
            message.add_query(query);
            socket.send_to(&message.to_vec().unwrap(), from).await.unwrap();
        }
    });
    asked
}

#[tokio::test]
async fn a_resolver_that_drops_questions_for_one_kind_of_address_keeps_no_name_from_being_found() {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let dns = asking(&socket);
    answering(socket, |name, kind| match (name, kind) {
        ("four.example.", RecordType::A) => Reply::Holds("192.0.2.1"),
        ("six.example.", RecordType::AAAA) => Reply::Holds("2001:db8::1"),
        ("denied.example.", RecordType::A) => Reply::Holds("192.0.2.2"),
        ("denied.example.", _) => Reply::NoSuchName,
        ("both.example.", RecordType::A) => Reply::Holds("192.0.2.3"),
        ("both.example.", _) => Reply::Holds("2001:db8::3"),
        _ => Reply::Drops,
    });
    for (name, found) in [
        ("four.example.", vec!["192.0.2.1"]),
        ("six.example.", vec!["2001:db8::1"]),
        ("denied.example.", vec!["192.0.2.2"]),
        ("both.example.", vec!["192.0.2.3", "2001:db8::3"]),
    ] {
        let begun = tokio::time::Instant::now();
        assert_eq!(dns.resolve(name).await.unwrap(), addresses(&found), "{name}");
        let took = begun.elapsed();
        assert!(took < Duration::from_secs(1), "{name} took {took:?}");
    }
}

#[tokio::test]
async fn a_name_is_searched_where_the_machine_says_and_both_kinds_of_address_are_of_one_host() {
    let search = ["a.test.", "b.test."];
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let mut options = ResolverOpts::default();
    options.ndots = 3;
    let dns = searching(&socket, &search, options);
    answering(socket, |name, kind| match (name, kind) {
        ("id.example.a.test.", RecordType::A) => Reply::NoSuchName,
        ("id.example.b.test.", RecordType::A) => Reply::Holds("192.0.2.1"),
        ("id.example.", RecordType::AAAA) => Reply::Holds("2001:db8::1"),
        ("id.example.", RecordType::A) => Reply::Holds("192.0.2.9"),
        ("a.b.c.example.", RecordType::A) => Reply::Holds("192.0.2.5"),
        _ => Reply::Drops,
    });
    let begun = tokio::time::Instant::now();
    assert_eq!(dns.resolve("id.example").await.unwrap(), addresses(&["192.0.2.1"]));
    assert_eq!(dns.resolve("id.example.").await.unwrap(), addresses(&["192.0.2.9", "2001:db8::1"]));
    assert_eq!(dns.resolve("a.b.c.example").await.unwrap(), addresses(&["192.0.2.5"]), "it has three dots");
    let took = begun.elapsed();
    assert!(took < Duration::from_secs(2), "{took:?}");
}

#[tokio::test]
async fn a_name_that_no_server_answers_for_is_over_before_a_clients_document_is() {
    let silent = UdpSocket::bind("127.0.0.1:0").unwrap();
    let dns = asking(&silent);
    let begun = tokio::time::Instant::now();
    dns.resolve("h.hole.example.").await.unwrap_err();
    let took = begun.elapsed();
    assert!((Duration::from_millis(2_300)..Duration::from_millis(2_900)).contains(&took), "{took:?}");
}

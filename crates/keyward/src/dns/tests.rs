use super::*;
use hickory_resolver::config::{ConnectionConfig, NameServerConfig};
use std::net::UdpSocket;
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
    let address = socket.local_addr().unwrap();
    let mut connection = ConnectionConfig::udp();
    connection.port = address.port();
    let mut server = NameServerConfig::udp(address.ip());
    server.connections = vec![connection];
    let servers = build(ResolverConfig::from_parts(None, Vec::new(), vec![server]), ResolverOpts::default());
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

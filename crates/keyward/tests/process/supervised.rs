//! Tasks beside the requests that panic.
//!
//! | mistake | test |
//! | --- | --- |
//! | a server lacks a task for good, and a load balancer sends requests to it | `a_server_without_a_task_that_cannot_begin_again_is_not_ready` |

use crate::support::{Client, Server, keyward, unlimited};
use std::net::{SocketAddr, TcpListener};
use std::thread::sleep;
use std::time::Duration;

/// A demo in whose task a panic is planted.
fn with_panic_in(task: &str) -> (Server, SocketAddr) {
    let admin = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let mut command = unlimited(keyward(&Server::demo_arguments(None)));
    command.env("KEYWARD_SERVER_ADMIN_LISTEN", admin.to_string()).env("KEYWARD_PANIC_IN", task);
    (Server::demo_by(command), admin)
}

fn asked(admin: SocketAddr, path: &str) -> (u16, String) {
    let answer = Client::to(admin).send("GET", path, &[], b"").unwrap();
    (answer.status, String::from_utf8(answer.body).unwrap())
}

/// Waits until the log has this text; the whole log.
fn until_logged(server: &Server, text: &str) -> String {
    for _ in 0..1_000 {
        let log = server.stderr();
        if log.contains(text) {
            return log;
        }
        sleep(Duration::from_millis(10));
    }
    panic!("not logged: {text}\n{}", server.stderr());
}

#[test]
fn a_task_that_panics_begins_again_and_is_logged_counted_and_named() {
    for task in ["uses", "issuer_keys", "place"] {
        let (mut server, admin) = with_panic_in(task);
        let log = until_logged(&server, "a background task panicked; it begins again");
        let line = log.lines().find(|line| line.contains("it begins again")).unwrap();
        assert!(line.contains("ERROR") && line.contains(&format!("task=\"{task}\"")), "{line}");
        let (status, said) = asked(admin, "/readyz");
        let named = format!("ok\nbackground task {task}: panicked 1 times, last at ");
        assert!(status == 200 && said.starts_with(&named), "{status}: {said}");
        let (_, figures) = asked(admin, "/metrics");
        for (other, count) in [(task, 1), ("purge", 0)] {
            let line = format!("keyward_background_panics_total{{task=\"{other}\"}} {count}");
            assert!(figures.lines().any(|found| found == line), "{line}: {figures}");
        }
        assert_eq!(server.client(&server.admin()).get("/me").status, 200, "requests are served");
        server.terminate();
    }
}

#[test]
fn a_server_without_a_task_that_cannot_begin_again_is_not_ready() {
    let (mut server, admin) = with_panic_in("signals");
    until_logged(&server, "cannot begin again; restart the server");
    let (status, said) = asked(admin, "/readyz");
    assert_eq!((status, said.as_str()), (503, "background task signals panicked, and cannot begin again\n"));
    assert_eq!(asked(admin, "/livez").0, 200);
    assert_eq!(server.client(&server.admin()).get("/me").status, 200, "requests are served");
    server.kill();
}

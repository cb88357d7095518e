//! Tasks beside the requests that panic.
//!
//! | mistake | test |
//! | --- | --- |
//! | a task that panics stays dead, without a word | `a_task_that_panics_is_logged_counted_and_named_and_begins_again` |
//! | after a panic no signal, or no command, reaches the server | the same |

use crate::orders::order;
use crate::support::{Client, Server, keyward, unlimited};
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::thread::sleep;
use std::time::Duration;

/// A demo in whose task a panic is planted.
fn with_panic_in(task: &str, home: &Path) -> (Server, SocketAddr) {
    let admin = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let mut command = unlimited(keyward(&Server::demo_arguments(Some(home))));
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
fn a_task_that_panics_is_logged_counted_and_named_and_begins_again() {
    for task in ["uses", "signals", "orders_socket", "presence", "place"] {
        let home = tempfile::tempdir().unwrap();
        let (mut server, admin) = with_panic_in(task, home.path());
        let log = until_logged(&server, "a background task panicked; it begins again");
        let line = log.lines().find(|line| line.contains("it begins again")).unwrap();
        assert!(line.contains("ERROR") && line.contains(&format!("task=\"{task}\"")), "{line}");
        let (status, said) = asked(admin, "/readyz");
        let named = format!("ok\nbackground task {task}: panics 1, the last at ");
        assert!(status == 200 && said.starts_with(&named), "{status}: {said}");
        let (_, figures) = asked(admin, "/metrics");
        let of_task = format!("keyward_background_panics_total{{task=\"{task}\"}} 1");
        for line in [&*of_task, "keyward_background_panics_total{task=\"purge\"} 0", "keyward_panics_total 1"]
        {
            assert!(figures.lines().any(|found| found == line), "{line}: {figures}");
        }
        assert_eq!(server.client(&server.admin()).get("/me").status, 200, "requests are served");
        // After its pause of a second the task is at work: commands and signals arrive.
        sleep(Duration::from_millis(1_500));
        assert!(order(home.path(), &["account", "list"]).is_array(), "{task}");
        server.terminate();
    }
}

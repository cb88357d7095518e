//! The operator's own name, for the audit trail: the user of the operating system who gave an order.
//!
//! Under `sudo` the process is root's or the server's, whoever typed it. Linux remembers who logged in (`loginuid`), and neither a
//! command nor its environment can change that.

use std::fmt::Display;
use std::fs::read_to_string;
use std::sync::Arc;
use tokio::net::UnixStream;

/// Where the names of users are. Those of a directory service are shown by their numbers.
const PASSWD: &str = "/etc/passwd";

/// Who is on the other end of a socket; `None`: the system does not say.
pub(crate) fn of_peer(stream: &UnixStream) -> Option<Arc<str>> {
    // Absent: the trail has the order without a name.
    let peer = stream.peer_cred().ok()?;
    // Absent: of another system or PID namespace, where nobody can say who logged in.
    Some(name(peer.uid(), peer.pid().and_then(login_of)))
}

/// Who runs this process.
pub(crate) fn own() -> Arc<str> {
    name(rustix::process::geteuid().as_raw(), login_of("self"))
}

/// Who logged in, and started a process in the end; `None`: a timer did, or the system does not say.
fn login_of(process: impl Display) -> Option<u32> {
    // Absent: without such a file nobody can say.
    let text = read_to_string(format!("/proc/{process}/loginuid")).ok()?;
    // Absent: the highest number stands for nobody.
    text.trim().parse().ok().filter(|uid| *uid != u32::MAX)
}

fn name(uid: u32, login: Option<u32>) -> Arc<str> {
    // Absent: users have numbers then.
    let passwd = read_to_string(PASSWD).unwrap_or_default();
    in_words(&passwd, uid, login).into()
}

/// `ada`, or `ada as root` where another one logged in than the process belongs to.
fn in_words(passwd: &str, uid: u32, login: Option<u32>) -> String {
    let named = |uid| user_named(passwd, uid);
    match login {
        Some(login) if login != uid => format!("{} as {}", named(login), named(uid)),
        // Absent: who logged in is the one whose process it is, or is not known.
        _ => named(uid),
    }
}

/// The name of a user by a line `name:password:uid:…`.
fn user_named(passwd: &str, uid: u32) -> String {
    let names = |line: &str| {
        let mut fields = line.split(':');
        let name = fields.next().filter(|name| !name.is_empty())?;
        (fields.nth(1)?.parse() == Ok(uid)).then(|| name.to_owned())
    };
    // Absent: without a name, the number names the user.
    passwd.lines().find_map(names).unwrap_or_else(|| format!("uid {uid}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_operator_is_named_by_who_logged_in_and_whose_process_it_is() {
        let passwd =
            "root:x:0:0:root:/root:/bin/sh\nbroken\n:x:7:7::/:\nada:x:1000:1000:Ada,,,:/home/ada:/bin/sh\n";
        let table = [
            (0, None, "root"),
            (0, Some(0), "root"),
            (0, Some(1000), "ada as root"),
            (1000, Some(1000), "ada"),
            (65534, Some(1000), "ada as uid 65534"),
            (7, None, "uid 7"),
        ];
        for (uid, login, words) in table {
            assert_eq!(in_words(passwd, uid, login), words);
        }
        assert_eq!(in_words("", 3, None), "uid 3", "a container without such a file");
    }

    #[tokio::test]
    async fn the_other_end_of_a_socket_is_the_process_that_connected() {
        let (one, _other) = UnixStream::pair().unwrap();
        assert_eq!(of_peer(&one), Some(own()));
    }
}

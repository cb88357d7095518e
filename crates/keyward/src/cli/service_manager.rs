//! What systemd is notified of (sd_notify(3)): a datagram to the socket that `NOTIFY_SOCKET` names, by a path or, behind `@`, by an abstract
//! name. Under `Type=notify-reload` that includes when a reload begins and when it has ended.

use super::stopping::STOP;
use rustix::time::{ClockId, clock_gettime};
use std::ffi::OsStr;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::time::Duration;

/// How long a full socket is waited for; shorter than until the next try, so that threads that wait do not add up.
const PATIENCE: Duration = Duration::from_secs(10);
/// Beyond the longest stop, so that it is not cut at its end.
const SPARE: Duration = Duration::from_secs(2);

/// What becomes of the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// It serves.
    Ready,
    /// It reads its configuration again.
    Reloading,
    /// It has, and the new one holds.
    Reloaded,
    /// It has, and what was in force still holds.
    NotReloaded,
    /// It stops, once it has served on for so long.
    Stopping(Duration),
}

impl State {
    fn message(self, microseconds: i64) -> String {
        match self {
            Self::Ready => "READY=1\n".to_owned(),
            // By the time systemd tells this reload from one that was asked for before.
            Self::Reloading => format!("RELOADING=1\nMONOTONIC_USEC={microseconds}\n"),
            Self::Reloaded => "READY=1\nSTATUS=\n".to_owned(),
            // systemd knows no reload that fails.
            Self::NotReloaded => {
                "READY=1\nSTATUS=The configuration was not reloaded; the log says why.\n".to_owned()
            }
            Self::Stopping(Duration::ZERO) => "STOPPING=1\n".to_owned(),
            // Whatever the unit says: it was not written for this delay.
            Self::Stopping(delay) => {
                format!("STOPPING=1\nEXTEND_TIMEOUT_USEC={}\n", (delay + STOP + SPARE).as_micros())
            }
        }
    }

    /// Says it. It may block for 10 s, where nobody takes it.
    ///
    /// # Errors
    /// What the system says; or that the socket is of a kind that is not known.
    pub(super) fn send(self, socket: &OsStr) -> io::Result<()> {
        let message = self.message(microseconds());
        let own = UnixDatagram::unbound()?;
        own.set_write_timeout(Some(PATIENCE))?;
        own.send_to_addr(message.as_bytes(), &address(socket)?).map(drop)
    }
}

/// The machine's time since its start, as systemd counts it.
fn microseconds() -> i64 {
    let now = clock_gettime(ClockId::Monotonic);
    now.tv_sec.saturating_mul(1_000_000).saturating_add(now.tv_nsec / 1_000)
}

fn address(socket: &OsStr) -> io::Result<SocketAddr> {
    match socket.as_bytes() {
        [b'/', ..] => SocketAddr::from_pathname(socket),
        [b'@', name @ ..] => of_abstract(name),
        // Of another machine (vsock), or of nothing.
        _ => Err(io::ErrorKind::Unsupported.into()),
    }
}

#[cfg(target_os = "linux")]
fn of_abstract(name: &[u8]) -> io::Result<SocketAddr> {
    <SocketAddr as std::os::linux::net::SocketAddrExt>::from_abstract_name(name)
}

#[cfg(not(target_os = "linux"))]
fn of_abstract(_: &[u8]) -> io::Result<SocketAddr> {
    Err(io::ErrorKind::Unsupported.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reload_is_notified_with_its_time_and_how_it_ended_and_a_stop_with_the_time_that_it_takes() {
        assert_eq!(State::Reloading.message(1_234_567), "RELOADING=1\nMONOTONIC_USEC=1234567\n");
        assert_eq!(State::Reloaded.message(1), "READY=1\nSTATUS=\n");
        assert!(State::NotReloaded.message(1).starts_with("READY=1\nSTATUS=The configuration was not"));
        assert_eq!(
            State::Stopping(Duration::from_secs(10)).message(1),
            "STOPPING=1\nEXTEND_TIMEOUT_USEC=30000000\n"
        );
        let first = microseconds();
        assert!(first > 0 && microseconds() >= first);
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn a_socket_is_named_by_a_path_or_by_an_abstract_name() {
        let home = tempfile::tempdir().unwrap();
        let name = format!("@keyward-test-{}", std::process::id());
        let path = home.path().join("notify");
        for socket in [OsStr::new(&name), path.as_os_str()] {
            let systemd = UnixDatagram::bind_addr(&address(socket).unwrap()).unwrap();
            State::Stopping(Duration::ZERO).send(socket).unwrap();
            let mut told = [0; 64];
            let length = systemd.recv(&mut told).unwrap();
            assert_eq!(&told[..length], b"STOPPING=1\n", "{socket:?}");
        }
        for other in ["vsock:2:1234", "relative", ""] {
            assert_eq!(State::Ready.send(OsStr::new(other)).unwrap_err().kind(), io::ErrorKind::Unsupported);
        }
    }
}

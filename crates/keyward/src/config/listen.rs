//! `[server]` `listen` and `admin_listen`: addresses, host names and Unix sockets.

use super::overlap::overlap;
use super::setting::{Given, Kind, Setting};
use super::url_text::is_loopback_host;
use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

/// Something to listen on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Listen {
    /// An address and a port.
    Address(SocketAddr),
    /// A host name, which stands for every address that the system finds for it, and a port.
    Host(String, u16),
    /// A Unix socket.
    Socket(PathBuf),
}

impl Listen {
    /// Reads one. A relative path counts from `base`.
    pub(crate) fn parse(text: &str, base: &Path) -> Result<Self, String> {
        let text = text.trim();
        if let Some(path) = text.strip_prefix("unix:") {
            // Absent: the path stands as it is.
            let path = path.strip_prefix("//").unwrap_or(path);
            return if path.is_empty() { Err(wrong(text)) } else { Ok(Self::Socket(base.join(path))) };
        }
        if let Ok(address) = text.parse() {
            return Ok(Self::Address(address));
        }
        let (host, port) = text.rsplit_once(':').ok_or_else(|| wrong(text))?;
        let port = port.parse().map_err(|_| wrong(text))?;
        if is_host(host) { Ok(Self::Host(host.to_ascii_lowercase(), port)) } else { Err(wrong(text)) }
    }

    /// Whether other machines can reach it. Which addresses a name stands for is known at the start; `localhost` is this machine.
    pub(crate) fn is_outside(&self) -> bool {
        match self {
            Self::Address(address) => !address.ip().to_canonical().is_loopback(),
            Self::Host(host, _) => !is_loopback_host(host),
            Self::Socket(_) => false,
        }
    }

    /// The address, where it is known without asking.
    pub(crate) fn address(&self) -> Option<SocketAddr> {
        match self {
            Self::Address(address) => Some(*address),
            Self::Host(host, port) if is_loopback_host(host) => Some((Ipv4Addr::LOCALHOST, *port).into()),
            Self::Host(..) | Self::Socket(_) => None,
        }
    }

    /// The path of a socket.
    pub(crate) fn socket(&self) -> Option<&Path> {
        match self {
            Self::Socket(path) => Some(path),
            Self::Address(_) | Self::Host(..) => None,
        }
    }

    /// Whether the two cannot be listened on at once.
    pub(crate) fn overlaps(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Socket(one), Self::Socket(other)) => one == other,
            (Self::Host(one, a), Self::Host(other, b)) => one == other && a == b && *a != 0,
            // Absent: of different kinds, or at an address that is not known: they are tried at the start.
            _ => self.address().zip(other.address()).is_some_and(|(one, other)| overlap(one, other)),
        }
    }
}

impl fmt::Display for Listen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(address) => address.fmt(f),
            Self::Host(host, port) => write!(f, "{host}:{port}"),
            Self::Socket(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

impl std::str::FromStr for Listen {
    type Err = String;

    /// For the command line: a relative path counts from the working directory.
    fn from_str(text: &str) -> Result<Self, String> {
        Self::parse(text, Path::new(""))
    }
}

/// A name as of RFC 1123. What is all digits and dots is an address that is none.
fn is_host(host: &str) -> bool {
    let label = |label: &str| {
        !label.is_empty()
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
    };
    host.split('.').all(label) && host.bytes().any(|byte| byte.is_ascii_alphabetic())
}

fn wrong(text: &str) -> String {
    format!(
        "it must be an address with a port, such as 127.0.0.1:8080, [::]:8080 or localhost:8080, or a Unix socket, such as \
         unix:/run/keyward/keyward.sock (got {text:?})"
    )
}

/// Several, of which no two are the same.
fn several(given: Given, base: &Path) -> Result<Vec<Listen>, String> {
    let all: Vec<Listen> =
        given.list()?.iter().map(|text| Listen::parse(text, base)).collect::<Result<_, _>>()?;
    let twice =
        all.iter().enumerate().find(|(index, one)| all.iter().take(*index).any(|other| other == *one));
    match twice {
        Some((_, one)) => Err(format!("{one} is named twice")),
        None => Ok(all),
    }
}

/// One as a text, several as a list.
fn shown(all: &[Listen]) -> Option<Given> {
    match all {
        [] => None,
        [one] => Some(Given::Text(one.to_string())),
        several => Some(Given::List(several.iter().map(ToString::to_string).collect())),
    }
}

/// The settings.
pub(super) const LISTEN: &[Setting] = &[
    Setting {
        section: "server",
        key: "listen",
        about: "What to listen on: an address and a port, a host name and a port, or unix: and the path of a socket; a list, for \
                several. Port 0 lets the system choose. [::] is for IPv6 and IPv4, unless the list names an IPv4 address with the \
                same port. A host name is for all its addresses. A relative path counts from the file that says it.",
        kind: Kind::Texts,
        reloads: false,
        values: &[],
        get: |config| shown(&config.server.listen),
        set: |config, given, base| {
            config.server.listen = several(given, base)?;
            if config.server.listen.is_empty() { Err("it must name at least one".to_owned()) } else { Ok(()) }
        },
    },
    Setting {
        section: "server",
        key: "admin_listen",
        about: "What /metrics, /livez and /readyz are listened for on, in the same forms; without it they are not served. They ask \
                for no credential: keep them where only the operator's machines reach them.",
        kind: Kind::Texts,
        reloads: false,
        values: &[],
        get: |config| shown(&config.server.admin_listen),
        set: |config, given, base| {
            config.server.admin_listen = several(given, base)?;
            Ok(())
        },
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<String, String> {
        Listen::parse(text, Path::new("/etc/keyward")).map(|listen| listen.to_string())
    }

    #[test]
    fn addresses_host_names_and_sockets_are_read() {
        for (text, read) in [
            ("127.0.0.1:8080", "127.0.0.1:8080"),
            ("[::]:8080", "[::]:8080"),
            ("localhost:8080", "localhost:8080"),
            ("Keyward.internal:443", "keyward.internal:443"),
            ("unix:/run/k.sock", "unix:/run/k.sock"),
            ("unix:///run/k.sock", "unix:/run/k.sock"),
            ("unix:k.sock", "unix:/etc/keyward/k.sock"),
        ] {
            assert_eq!(parse(text).as_deref(), Ok(read), "{text}");
        }
    }

    #[test]
    fn what_is_none_is_refused_with_the_forms_there_are() {
        for bad in [
            "",
            "8080",
            ":8080",
            "localhost",
            "localhost:",
            "localhost:70000",
            "300.1.1.1:80",
            "a b:80",
            "unix:",
            "::1:80",
            "a..b:80",
        ] {
            let text = parse(bad).unwrap_err();
            assert!(
                text.contains("localhost:8080") && text.contains("unix:/run") && text.contains(bad),
                "{text}"
            );
        }
    }

    #[test]
    fn a_name_is_outside_unless_it_is_localhost_and_a_socket_is_not() {
        let outside = |text: &str| Listen::parse(text, Path::new("")).unwrap().is_outside();
        for text in ["0.0.0.0:80", "[::]:80", "keyward:80", "192.0.2.1:80", "localhost.example:80"] {
            assert!(outside(text), "{text}");
        }
        for text in ["127.0.0.1:80", "[::1]:80", "localhost:80", "unix:/run/k"] {
            assert!(!outside(text), "{text}");
        }
    }

    #[test]
    fn what_cannot_be_listened_on_at_once_overlaps() {
        let overlap = |one: &str, other: &str| {
            let read = |text| Listen::parse(text, Path::new("")).unwrap();
            read(one).overlaps(&read(other)) && read(other).overlaps(&read(one))
        };
        for (one, other) in [
            ("127.0.0.1:80", "127.0.0.1:80"),
            ("0.0.0.0:80", "127.0.0.1:80"),
            ("[::]:80", "127.0.0.1:80"),
            ("localhost:80", "127.0.0.1:80"),
            ("a.example:80", "a.example:80"),
            ("unix:/run/k", "unix:/run/k"),
        ] {
            assert!(overlap(one, other), "{one} {other}");
        }
        for (one, other) in
            [("127.0.0.1:80", "127.0.0.1:81"), ("127.0.0.1:0", "127.0.0.1:0"), ("unix:/run/k", "unix:/run/l")]
        {
            assert!(!overlap(one, other), "{one} {other}");
        }
    }
}

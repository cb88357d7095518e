//! Who may connect to the Unix sockets that are listened on.

use super::Config;
use super::setting::{Given, Kind, Setting};

/// The Unix sockets that are listened on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sockets {
    /// Their mode.
    pub mode: u32,
    /// Their owner, by name or number; `None`: the server's user.
    pub user: Option<String>,
    /// Their group, by name or number; `None`: the server's.
    pub group: Option<String>,
}

impl Default for Sockets {
    fn default() -> Self {
        Self { mode: 0o660, user: None, group: None }
    }
}

fn mode(text: &str) -> Result<u32, String> {
    // Absent: no mode, which is a mistake.
    let mode = u32::from_str_radix(text, 8).ok().filter(|mode| *mode <= 0o777 && mode & 0o600 == 0o600);
    mode.ok_or_else(|| {
        format!("it must be a mode such as \"660\", with which the server itself can connect (got {text:?})")
    })
}

fn owner(text: &str) -> Result<(Option<String>, Option<String>), String> {
    // Absent: without a colon it is a user alone.
    let (user, group) = text.split_once(':').unwrap_or((text, ""));
    let named = |name: &str| (!name.is_empty()).then(|| name.to_owned());
    match (named(user), named(group)) {
        (None, None) => {
            Err("it must be a user, a group behind a colon, or both: keyward:www-data".to_owned())
        }
        both => Ok(both),
    }
}

/// The settings.
pub(super) const SOCKET_SETTINGS: &[Setting] = &[
    Setting {
        section: "server",
        key: "socket_mode",
        about: "The mode of the Unix sockets that are listened on, in octal digits: who may connect.",
        kind: Kind::Text,
        reloads: false,
        values: &[],
        get: |config| Some(Given::Text(format!("{:o}", config.server.sockets.mode))),
        set: |config, given, _| {
            config.server.sockets.mode = mode(&given.text()?)?;
            Ok(())
        },
    },
    Setting {
        section: "server",
        key: "socket_owner",
        about: "The owner of these sockets: a user, a group behind a colon (:www-data), or both (keyward:www-data), by name or \
                number. Without it: the server's own. Another user needs the right to give files away; a group needs the server's \
                user in it.",
        kind: Kind::Text,
        reloads: false,
        values: &[],
        get: |config| shown_owner(config),
        set: |config, given, _| {
            (config.server.sockets.user, config.server.sockets.group) = owner(&given.text()?)?;
            Ok(())
        },
    },
];

fn shown_owner(config: &Config) -> Option<Given> {
    match (&config.server.sockets.user, &config.server.sockets.group) {
        (None, None) => None,
        (Some(user), None) => Some(Given::Text(user.clone())),
        // Absent: a group alone.
        (user, Some(group)) => Some(Given::Text(format!("{}:{group}", user.as_deref().unwrap_or_default()))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_word_for_sockets_stands_among_the_proxies_and_is_shown_there() {
        let mut all = crate::config::settings::settings();
        let proxies = all.find(|setting| setting.name() == "server.trusted_proxies").unwrap();
        let mut config = Config::default();
        for (given, trusted) in [(vec!["10.0.0.0/8", "unix"], true), (vec!["10.0.0.0/8"], false)] {
            let given = Given::List(given.into_iter().map(str::to_owned).collect());
            (proxies.set)(&mut config, given.clone(), std::path::Path::new("")).unwrap();
            assert_eq!((config.server.trusted_sockets, (proxies.get)(&config)), (trusted, Some(given)));
        }
    }

    #[test]
    fn who_may_connect_to_a_socket_is_read() {
        assert_eq!((mode("660"), mode("0600"), mode("777")), (Ok(0o660), Ok(0o600), Ok(0o777)));
        for bad in ["", "rw", "888", "1777", "066", "-660"] {
            assert!(mode(bad).is_err(), "{bad}");
        }
        let both = |user: &str, group: &str| {
            let named = |name: &str| (!name.is_empty()).then(|| name.to_owned());
            Ok((named(user), named(group)))
        };
        assert_eq!((owner("keyward"), owner(":www-data")), (both("keyward", ""), both("", "www-data")));
        assert_eq!(owner("0:33"), both("0", "33"));
        assert!(owner("").is_err() && owner(":").is_err());
    }
}

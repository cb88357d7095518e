//! How long idle connections are kept, and how long the server serves on when it stops: what stands in front has clocks of its own.

use super::setting::{Given, Kind, Setting};
use std::time::Duration;

/// The settings.
pub(super) const CONNECTIONS: &[Setting] = &[
    Setting {
        section: "server",
        key: "idle_timeout",
        about: "Seconds that a connection stays open between two requests. Without it: 15, and 650 for connections of \
                trusted_proxies. Whatever sends the requests must close first, or it may send one into a connection that is being closed, \
                which a proxy answers with 502: set it above the idle time of what stands in front. Answers of HTTP/1.1 announce it in \
                Keep-Alive; the connection is closed a second later than announced.",
        kind: Kind::Number(1, 86_400),
        reloads: true,
        values: &[],
        get: |config| config.server.idle_timeout.and_then(seconds),
        set: |config, given, _| {
            config.server.idle_timeout = Some(duration(given)?);
            Ok(())
        },
    },
    Setting {
        section: "server",
        key: "shutdown_delay",
        about: "Seconds that the server keeps serving after SIGTERM or SIGINT. Meanwhile /readyz is 503 and new connections are accepted, \
                so that a load balancer takes the server out before it refuses any; answers of HTTP/1.1 say Connection: close. A \
                second signal ends the delay. Set it above the time that the load balancer takes to notice, and let what stops the server \
                wait 18 seconds longer (Kubernetes: terminationGracePeriodSeconds); systemd is asked for that time.",
        kind: Kind::Number(0, 600),
        reloads: true,
        values: &[],
        get: |config| seconds(config.server.shutdown_delay),
        set: |config, given, _| {
            config.server.shutdown_delay = duration(given)?;
            Ok(())
        },
    },
];

fn seconds(duration: Duration) -> Option<Given> {
    // Absent: never, its bounds were looked at; not shown.
    i64::try_from(duration.as_secs()).ok().map(Given::Number)
}

/// Seconds whose bounds have been looked at.
fn duration(given: Given) -> Result<Duration, String> {
    let seconds = given.number()?;
    u64::try_from(seconds).map(Duration::from_secs).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;
    use crate::config::settings::settings;
    use crate::current::Reloadable;
    use std::path::Path;

    #[test]
    fn an_idle_timeout_holds_for_proxies_too_and_without_it_theirs_is_above_what_balancers_keep() {
        let mut config = Config::default();
        let idle = |config: &Config| {
            let now = Reloadable::of(config).unwrap();
            [false, true].map(|by_proxy| now.idle(by_proxy).as_secs())
        };
        assert_eq!(idle(&config), [15, 650]);
        let setting = settings().find(|setting| setting.name() == "server.idle_timeout").unwrap();
        assert_eq!((setting.get)(&config), None);
        (setting.set)(&mut config, Given::Number(3), Path::new("")).unwrap();
        assert_eq!((setting.get)(&config), Some(Given::Number(3)));
        assert_eq!(idle(&config), [3, 3]);
    }
}

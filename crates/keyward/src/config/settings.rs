//! The one table of what can be set.

use super::connections::CONNECTIONS;
use super::limits::LIMITS;
use super::listen::LISTEN;
use super::log::LOG;
use super::oauth::OAUTH;
use super::setting::{Given, Kind, Setting, path, shown_path};
use super::sockets::SOCKET_SETTINGS;
use super::url_text::{origin, public_url};
use keyward_core::address::{ForwardedBy, parse_range};
use keyward_core::api_key::KeyFormat;
use std::time::Duration;

/// Everything that can be set, in the order of the reference page.
pub(super) fn settings() -> impl Iterator<Item = &'static Setting> {
    LISTEN
        .iter()
        .chain(SOCKET_SETTINGS)
        .chain(CONNECTIONS)
        .chain(SETTINGS)
        .chain(LOG)
        .chain(FURTHER)
        .chain(OAUTH)
        .chain(LIMITS)
}

/// Who connects to a Unix socket, among the trusted proxies.
const SOCKETS: &str = "unix";

/// Those before the log's.
const SETTINGS: &[Setting] = &[
    Setting {
        section: "server",
        key: "public_url",
        about: "Where clients reach this server; every URL that it sends begins with it. Plain http is for loopback \
                only, unless allow_plain_http is set. Without it: the address that is listened on.",
        kind: Kind::Text,
        reloads: false,
        values: &[],
        get: |config| config.server.public_url.clone().map(Given::Text),
        set: |config, given, _| {
            config.server.public_url = Some(public_url(&given.text()?)?);
            Ok(())
        },
    },
    Setting {
        section: "server",
        key: "allow_plain_http",
        about: "Whether public_url may begin with http:// for other hosts than this machine. For a private network where nobody \
                else listens, such as that of a Compose file: credentials and cookies cross it unencrypted. Behind a proxy that \
                ends TLS public_url begins with https://, and this setting is not needed.",
        kind: Kind::Flag,
        reloads: false,
        values: &[],
        get: |config| Some(Given::Flag(config.server.allow_plain_http)),
        set: |config, given, _| {
            config.server.allow_plain_http = given.flag()?;
            Ok(())
        },
    },
    Setting {
        section: "server",
        key: "trusted_proxies",
        about: "The address ranges of the proxies in front. Of a request from one of them, the client's address is the \
                rightmost in the header named by `forwarded` that is none of theirs. The header is ignored on requests \
                from any other address. A proxy that sends none, or one that cannot be read, gives a request without an address: it lies in no range \
                of `allowed_ips`, and all such requests share one bucket of each limit by address. The word unix stands for whatever \
                connects to a Unix socket that is listened on.",
        kind: Kind::List,
        reloads: true,
        values: &[],
        get: |config| {
            let ranges = config.server.trusted_proxies.iter().map(ToString::to_string);
            let sockets = config.server.trusted_sockets.then(|| SOCKETS.to_owned());
            Some(Given::List(ranges.chain(sockets).collect()))
        },
        set: |config, given, _| {
            let range = |text: &String| {
                parse_range(text).ok_or_else(|| format!("{text:?} is no address range such as 10.0.0.0/8"))
            };
            let (sockets, ranges): (Vec<_>, Vec<_>) =
                given.list()?.into_iter().partition(|text| text == SOCKETS);
            config.server.trusted_proxies = ranges.iter().map(range).collect::<Result<_, _>>()?;
            config.server.trusted_sockets = !sockets.is_empty();
            Ok(())
        },
    },
    Setting {
        section: "server",
        key: "forwarded",
        about: "The header that the trusted proxies write the client's address into: x-forwarded-for, or forwarded \
                (RFC 7239). The other one is not read.",
        kind: Kind::Text,
        reloads: true,
        values: &["x-forwarded-for", "forwarded"],
        get: |config| Some(Given::Text(config.server.forwarded.header().to_owned())),
        set: |config, given, _| {
            let text = given.text()?;
            let named = ForwardedBy::named(&text);
            config.server.forwarded =
                named.ok_or_else(|| format!("it must be x-forwarded-for or forwarded (got {text})"))?;
            Ok(())
        },
    },
    Setting {
        section: "server",
        key: "proxy_protocol",
        about: "Whether the trusted proxies begin every connection with a header of the PROXY protocol (version 1 or 2). The \
                address in it takes the place of the proxy's own; the header named by `forwarded` is then read only where that \
                address is itself a trusted proxy's. A connection of a trusted proxy without such a header is closed; other \
                clients do not send one.",
        kind: Kind::Flag,
        reloads: true,
        values: &[],
        get: |config| Some(Given::Flag(config.server.proxy_protocol)),
        set: |config, given, _| {
            config.server.proxy_protocol = given.flag()?;
            Ok(())
        },
    },
    Setting {
        section: "server",
        key: "tls_cert",
        about: "The certificate chain (PEM) to serve HTTPS with. A relative path counts from the file that says it. \
                Without it Keyward speaks plain HTTP, for loopback or a proxy that ends TLS.",
        kind: Kind::Path,
        reloads: true,
        values: &[],
        get: |config| config.server.tls_cert.as_deref().map(shown_path),
        set: |config, given, base| {
            config.server.tls_cert = Some(path(given, base)?);
            Ok(())
        },
    },
    Setting {
        section: "server",
        key: "tls_key",
        about: "The certificate's private key (PEM), for its user, or its group, alone.",
        kind: Kind::Path,
        reloads: true,
        values: &[],
        get: |config| config.server.tls_key.as_deref().map(shown_path),
        set: |config, given, base| {
            config.server.tls_key = Some(path(given, base)?);
            Ok(())
        },
    },
    Setting {
        section: "server",
        key: "request_timeout",
        about: "Seconds that a request may take from its head to its answer; then it is answered 503. A write that has \
                begun goes on.",
        kind: Kind::Number(1, 600),
        reloads: true,
        values: &[],
        // Absent: never, its bounds were looked at; not shown.
        get: |config| i64::try_from(config.server.request_timeout.as_secs()).ok().map(Given::Number),
        set: |config, given, _| {
            // Absent: its bounds were looked at; a request would have no time at all.
            let seconds = u64::try_from(given.number()?).unwrap_or_default();
            config.server.request_timeout = Duration::from_secs(seconds);
            Ok(())
        },
    },
    Setting {
        section: "server",
        key: "orders_socket",
        about: "The Unix socket by which keyward key, user, backup and the other commands reach the running server; they find it by this \
                setting too. A relative path counts from the file that says it. Without it: beside the database, with .sock behind its \
                name. Set it where the data are on a file system that knows no Unix sockets; without a socket the server serves, and \
                commands are refused while it runs.",
        kind: Kind::Path,
        reloads: false,
        values: &[],
        get: |config| config.server.orders_socket.as_deref().map(shown_path),
        set: |config, given, base| {
            config.server.orders_socket = Some(path(given, base)?);
            Ok(())
        },
    },
    Setting {
        section: "store",
        key: "url",
        about: "The database: sqlite: and a path. A relative path counts from the file that says it.",
        kind: Kind::Path,
        reloads: false,
        values: &[],
        get: |config| Some(Given::Text(config.store.url.clone())),
        set: |config, given, base| {
            let text = given.text()?;
            let path = text.strip_prefix("sqlite:").filter(|path| !path.is_empty());
            let path = path.ok_or("it must be sqlite: and a path, such as sqlite:keyward-data/keyward.db")?;
            if path.starts_with(':') || path.starts_with("//") {
                // Others write sqlite:///data.db, some of them for a relative path.
                return Err("it must be a file, without // before the path: sqlite:keyward-data/keyward.db counts from the file \
                            that says it, sqlite:/var/lib/keyward/keyward.db from the root"
                    .to_owned());
            }
            config.store.url = format!("sqlite:{}", base.join(path).display());
            Ok(())
        },
    },
    Setting {
        section: "secrets",
        key: "file",
        about: "The root secret's file, for its user alone. A relative path counts from the file that says it. The \
                variable KEYWARD_ROOT_SECRET can hold the file's text instead, also on one line: its versions, separated by \
                semicolons.",
        kind: Kind::Path,
        reloads: false,
        values: &[],
        get: |config| Some(shown_path(&config.secrets.file)),
        set: |config, given, base| {
            config.secrets.file = path(given, base)?;
            Ok(())
        },
    },
    Setting {
        section: "keys",
        key: "prefix",
        about: "What every API key begins with. Keys with another prefix are no longer taken for keys.",
        kind: Kind::Text,
        reloads: false,
        values: &[],
        get: |config| Some(Given::Text(config.keys.prefix.clone())),
        set: |config, given, _| {
            let prefix = given.text()?;
            KeyFormat::new(&prefix).map_err(|error| error.to_string())?;
            config.keys.prefix = prefix;
            Ok(())
        },
    },
];

/// Those behind the log's.
const FURTHER: &[Setting] = &[
    Setting {
        section: "audit",
        key: "keep_days",
        about: "Days that rows of the audit trail are kept. Without it: as long as there is room. Older rows are deleted in \
                small batches.",
        kind: Kind::Number(1, 36_500),
        reloads: false,
        values: &[],
        get: |config| config.audit.keep.changes.map(|days| Given::Number(i64::from(days))),
        set: |config, given, _| {
            config.audit.keep.changes = Some(days(given)?);
            Ok(())
        },
    },
    Setting {
        section: "audit",
        key: "attempts_keep_days",
        about: "Days that rows are kept which strangers cause: registrations of OAuth clients, sign-ins that failed. No longer \
                than keep_days, where that is set.",
        kind: Kind::Number(1, 36_500),
        reloads: false,
        values: &[],
        get: |config| Some(Given::Number(i64::from(config.audit.keep.attempts))),
        set: |config, given, _| {
            config.audit.keep.attempts = days(given)?;
            Ok(())
        },
    },
    Setting {
        section: "cors",
        key: "origins",
        about: "The origins whose pages may call the API and the MCP endpoint from a browser, such as https://app.example.com, or * for \
                all. Empty: none; where public_url is on loopback, pages of this machine may call without it.",
        kind: Kind::List,
        reloads: true,
        values: &[],
        get: |config| Some(Given::List(config.cors.origins.to_vec())),
        set: |config, given, _| {
            let origins = given.list()?;
            origins.iter().try_for_each(|text| origin(text))?;
            config.cors.origins = origins.into();
            Ok(())
        },
    },
    Setting {
        section: "mcp",
        key: "enabled",
        about: "Whether there is an MCP server, at public_url with /mcp: the operations of the API as tools.",
        kind: Kind::Flag,
        reloads: false,
        values: &[],
        get: |config| Some(Given::Flag(config.mcp.enabled)),
        set: |config, given, _| {
            config.mcp.enabled = given.flag()?;
            Ok(())
        },
    },
    Setting {
        section: "mcp",
        key: "output_schemas",
        about: "Whether MCP tools are listed with the schemas of their results, and results hold their data as structured content \
                besides. on is for programs that read results by schema; for a model it costs three times the tokens of the list, \
                and a result holds half as much.",
        kind: Kind::Text,
        reloads: false,
        values: &["off", "on"],
        get: |config| {
            let output_schemas = if config.mcp.output_schemas { "on" } else { "off" };
            Some(Given::Text(output_schemas.to_owned()))
        },
        set: |config, given, _| {
            config.mcp.output_schemas = match given.text()?.as_str() {
                "off" => false,
                "on" => true,
                other => return Err(format!("it must be off or on (got {other})")),
            };
            Ok(())
        },
    },
];

/// A number of days whose bounds have been looked at.
fn days(given: Given) -> Result<u32, String> {
    given.number().and_then(|days| u32::try_from(days).map_err(|error| error.to_string()))
}

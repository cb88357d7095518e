//! The settings of the embedded authorization server.

use super::setting::{Given, Kind, Setting};
use keyward_core::oauth::LONGEST_GRACE_SECONDS;
use keyward_core::oauth::redirect::Schemes;

/// `[oauth]`
pub(super) const OAUTH: &[Setting] = &[
    Setting {
        section: "oauth",
        key: "enabled",
        about: "Whether there is an authorization server, and with it the sign-in page and the console. Its issuer is public_url.",
        kind: Kind::Flag,
        reloads: false,
        values: &[],
        get: |config| Some(Given::Flag(config.oauth.enabled)),
        set: |config, given, _| {
            config.oauth.enabled = given.flag()?;
            Ok(())
        },
    },
    Setting {
        section: "oauth",
        key: "access_token_seconds",
        about: "The life of an access token of our own, in seconds.",
        kind: Kind::Number(60, 86400),
        reloads: false,
        values: &[],
        get: |config| Some(Given::Number(config.oauth.access_token_seconds)),
        set: |config, given, _| {
            config.oauth.access_token_seconds = given.number()?;
            Ok(())
        },
    },
    Setting {
        section: "oauth",
        key: "refresh_token_days",
        about: "An application stays connected for so many days without asking for a new access token; a year at the longest.",
        kind: Kind::Number(1, 365),
        reloads: false,
        values: &[],
        get: |config| Some(Given::Number(config.oauth.refresh_token_days)),
        set: |config, given, _| {
            config.oauth.refresh_token_days = given.number()?;
            Ok(())
        },
    },
    Setting {
        section: "oauth",
        key: "refresh_grace_seconds",
        about: "Seconds for which a refresh token is still taken after it was replaced: it returns the same successor and a new access \
                token. After that its use disconnects the application. Raise it for applications whose processes share one token and \
                refresh it separately, and for those that lose answers; a stolen token that was replaced is useful for as long.",
        kind: Kind::Number(0, LONGEST_GRACE_SECONDS),
        reloads: false,
        values: &[],
        get: |config| Some(Given::Number(config.oauth.refresh_grace_seconds)),
        set: |config, given, _| {
            config.oauth.refresh_grace_seconds = given.number()?;
            Ok(())
        },
    },
    Setting {
        section: "oauth",
        key: "redirect_schemes",
        about: "Schemes of native applications, such as myapp for myapp://callback, that redirect URIs may have. Schemes with a dot \
                (com.example.app) and those of well-known applications are taken without it. Any program of a person's computer can \
                claim a scheme: name those that you know. A client keeps the redirect URIs with which it was made known.",
        kind: Kind::List,
        reloads: false,
        values: &[],
        get: |config| Some(Given::List(config.oauth.redirect_schemes.names().to_vec())),
        set: |config, given, _| {
            let schemes = Schemes::new(given.list()?);
            config.oauth.redirect_schemes = schemes.map_err(|name| {
                format!("{name:?} is no scheme of a native application, such as myapp: lower-case letters, digits, +, - and dots")
            })?;
            Ok(())
        },
    },
];

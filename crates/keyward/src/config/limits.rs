//! What can be set of limits: a part of the one table.

use super::AfterCrash;
use super::setting::{Given, Kind, Setting};
use keyward_core::address::parse_range;
use keyward_core::limits::Rate;

/// The most passwords a minute from one address that can be set: enough for a company behind one, and no way to say that
/// passwords may be guessed.
const MOST_SIGN_INS: i64 = 1_000;

/// `[limits]` and `[limits.tiers.…]`.
pub(super) const LIMITS: &[Setting] = &[
    Setting {
        section: "limits",
        key: "failed_auth_per_minute",
        about: "Credentials that are not accepted, a minute from one address (a /64 of IPv6 is one). What comes beyond is answered 429; a good credential never is. \"unlimited\": any number.",
        kind: Kind::Rate,
        reloads: true,
        values: &[],
        get: |config| Some(shown(config.limits.failed_auth_per_minute)),
        set: |config, given, _| {
            config.limits.failed_auth_per_minute = any_rate(given)?;
            Ok(())
        },
    },
    Setting {
        section: "limits",
        key: "validate_per_minute",
        about: "POST /auth/validate-api-key, a minute from one address.",
        kind: Kind::Number(1, 100000),
        reloads: true,
        values: &[],
        get: |config| Some(Given::Number(i64::from(config.limits.validate_per_minute))),
        set: |config, given, _| {
            config.limits.validate_per_minute = figure(given)?;
            Ok(())
        },
    },
    Setting {
        section: "limits",
        key: "validate_unlimited_from",
        about: "Address ranges whose requests to POST /auth/validate-api-key are not counted and not limited: those of your own back \
                ends that ask about keys. None by default.",
        kind: Kind::List,
        reloads: true,
        values: &[],
        get: |config| {
            let ranges = config.limits.validate_unlimited_from.iter();
            Some(Given::List(ranges.map(ToString::to_string).collect()))
        },
        set: |config, given, _| {
            let range = |text: &String| match parse_range(text) {
                Some(range) if range.prefix_len() == 0 => Err(format!(
                    "{text:?} is every address; name those of your own back ends, such as 10.0.0.0/8"
                )),
                Some(range) => Ok(range),
                None => Err(format!("{text:?} is no address range such as 10.0.0.0/8")),
            };
            config.limits.validate_unlimited_from =
                given.list()?.iter().map(range).collect::<Result<_, _>>()?;
            Ok(())
        },
    },
    Setting {
        section: "limits",
        key: "health_per_minute",
        about: "GET /health, a minute from one address.",
        kind: Kind::Number(1, 100000),
        reloads: true,
        values: &[],
        get: |config| Some(Given::Number(i64::from(config.limits.health_per_minute))),
        set: |config, given, _| {
            config.limits.health_per_minute = figure(given)?;
            Ok(())
        },
    },
    Setting {
        section: "limits",
        key: "sign_in_per_minute",
        about: "Passwords that are tried a minute from one address, and from one browser that its user signed in with before. Further requests get 429. There is no \"unlimited\": passwords are not to be guessed. After five failures in a row at one e-mail address, growing delays up to 15 minutes apply besides.",
        kind: Kind::Number(1, MOST_SIGN_INS),
        reloads: true,
        values: &[],
        get: |config| Some(Given::Number(i64::from(config.limits.sign_in_per_minute))),
        set: |config, given, _| {
            config.limits.sign_in_per_minute = figure(given)?;
            Ok(())
        },
    },
    Setting {
        section: "limits",
        key: "links_per_minute",
        about: "Links to choose a password (/welcome) that are opened or used a minute from one address. Further requests get 429. \"unlimited\": any number.",
        kind: Kind::Rate,
        reloads: true,
        values: &[],
        get: |config| Some(shown(config.limits.links_per_minute)),
        set: |config, given, _| {
            config.limits.links_per_minute = any_rate(given)?;
            Ok(())
        },
    },
    Setting {
        section: "limits",
        key: "register_per_minute",
        about: "OAuth clients that register themselves a minute from one address. What comes beyond is answered 429. \"unlimited\": any number.",
        kind: Kind::Rate,
        reloads: true,
        values: &[],
        get: |config| Some(shown(config.limits.register_per_minute)),
        set: |config, given, _| {
            config.limits.register_per_minute = any_rate(given)?;
            Ok(())
        },
    },
    Setting {
        section: "limits",
        key: "forms_per_minute",
        about: "Requests for tokens (/oauth/token, /oauth/revoke), and forms of browsers that are not signed in, a minute from one address. Further requests get 429. \"unlimited\": any number.",
        kind: Kind::Rate,
        reloads: true,
        values: &[],
        get: |config| Some(shown(config.limits.forms_per_minute)),
        set: |config, given, _| {
            config.limits.forms_per_minute = any_rate(given)?;
            Ok(())
        },
    },
    Setting {
        section: "limits",
        key: "legacy_headers",
        about: "Sends X-RateLimit-Limit, X-RateLimit-Remaining and X-RateLimit-Reset beside RateLimit and RateLimit-Policy, for clients \
                that read only those. X-RateLimit-Reset is the Unix time in seconds at which one more request is admitted.",
        kind: Kind::Flag,
        reloads: true,
        values: &[],
        get: |config| Some(Given::Flag(config.limits.legacy_headers)),
        set: |config, given, _| {
            config.limits.legacy_headers = given.flag()?;
            Ok(())
        },
    },
    Setting {
        section: "limits",
        key: "idempotency_mib",
        about: "MiB of answers to writes with an Idempotency-Key that one account keeps for 24 hours. Beyond that, further such \
                writes get 429 until older responses expire. Writes without the header are unaffected.",
        kind: Kind::Number(1, 1_048_576),
        reloads: false,
        values: &[],
        get: |config| Some(Given::Number(i64::from(config.limits.idempotency_mib))),
        set: |config, given, _| {
            config.limits.idempotency_mib = figure(given)?;
            Ok(())
        },
    },
    Setting {
        section: "limits",
        key: "after_crash",
        about: "What to do after a crash, which loses the counters: forget begins to count anew, strict refuses what is \
                limited until a minute has passed.",
        kind: Kind::Text,
        reloads: false,
        values: &["forget", "strict"],
        get: |config| {
            Some(Given::Text(match config.limits.after_crash {
                AfterCrash::Forget => "forget".to_owned(),
                AfterCrash::Strict => "strict".to_owned(),
            }))
        },
        set: |config, given, _| {
            config.limits.after_crash = match given.text()?.as_str() {
                "forget" => AfterCrash::Forget,
                "strict" => AfterCrash::Strict,
                other => return Err(format!("it must be forget or strict (got {other})")),
            };
            Ok(())
        },
    },
    Setting {
        section: "limits",
        key: "shadow",
        about: "Counts what is over a limit in the metrics, and refuses nothing but sign-ins: to try figures out.",
        kind: Kind::Flag,
        reloads: true,
        values: &[],
        get: |config| Some(Given::Flag(config.limits.shadow)),
        set: |config, given, _| {
            config.limits.shadow = given.flag()?;
            Ok(())
        },
    },
    Setting {
        section: "limits.tiers.free",
        key: "reads",
        about: "Reads (GET and HEAD requests) a minute of an account of tier free, or \"unlimited\".",
        kind: Kind::Rate,
        reloads: true,
        values: &[],
        get: |config| Some(Given::of_rate(config.limits.tiers.free.reads)),
        set: |config, given, _| {
            config.limits.tiers.free.reads = given.rate()?;
            Ok(())
        },
    },
    Setting {
        section: "limits.tiers.free",
        key: "writes",
        about: "Writes (all other requests) a minute of an account of tier free, or \"unlimited\".",
        kind: Kind::Rate,
        reloads: true,
        values: &[],
        get: |config| Some(Given::of_rate(config.limits.tiers.free.writes)),
        set: |config, given, _| {
            config.limits.tiers.free.writes = given.rate()?;
            Ok(())
        },
    },
    Setting {
        section: "limits.tiers.free",
        key: "keys",
        about: "Live API keys of an account of tier free.",
        kind: Kind::Number(1, 10_000),
        reloads: true,
        values: &[],
        get: |config| Some(Given::Number(i64::from(config.limits.tiers.free.keys))),
        set: |config, given, _| {
            config.limits.tiers.free.keys = figure(given)?;
            Ok(())
        },
    },
    Setting {
        section: "limits.tiers.standard",
        key: "reads",
        about: "Reads (GET and HEAD requests) a minute of an account of tier standard, or \"unlimited\".",
        kind: Kind::Rate,
        reloads: true,
        values: &[],
        get: |config| Some(Given::of_rate(config.limits.tiers.standard.reads)),
        set: |config, given, _| {
            config.limits.tiers.standard.reads = given.rate()?;
            Ok(())
        },
    },
    Setting {
        section: "limits.tiers.standard",
        key: "writes",
        about: "Writes (all other requests) a minute of an account of tier standard, or \"unlimited\".",
        kind: Kind::Rate,
        reloads: true,
        values: &[],
        get: |config| Some(Given::of_rate(config.limits.tiers.standard.writes)),
        set: |config, given, _| {
            config.limits.tiers.standard.writes = given.rate()?;
            Ok(())
        },
    },
    Setting {
        section: "limits.tiers.standard",
        key: "keys",
        about: "Live API keys of an account of tier standard.",
        kind: Kind::Number(1, 10_000),
        reloads: true,
        values: &[],
        get: |config| Some(Given::Number(i64::from(config.limits.tiers.standard.keys))),
        set: |config, given, _| {
            config.limits.tiers.standard.keys = figure(given)?;
            Ok(())
        },
    },
    Setting {
        section: "limits.tiers.enterprise",
        key: "reads",
        about: "Reads (GET and HEAD requests) a minute of an account of tier enterprise, or \"unlimited\".",
        kind: Kind::Rate,
        reloads: true,
        values: &[],
        get: |config| Some(Given::of_rate(config.limits.tiers.enterprise.reads)),
        set: |config, given, _| {
            config.limits.tiers.enterprise.reads = given.rate()?;
            Ok(())
        },
    },
    Setting {
        section: "limits.tiers.enterprise",
        key: "writes",
        about: "Writes (all other requests) a minute of an account of tier enterprise, or \"unlimited\".",
        kind: Kind::Rate,
        reloads: true,
        values: &[],
        get: |config| Some(Given::of_rate(config.limits.tiers.enterprise.writes)),
        set: |config, given, _| {
            config.limits.tiers.enterprise.writes = given.rate()?;
            Ok(())
        },
    },
    Setting {
        section: "limits.tiers.enterprise",
        key: "keys",
        about: "Live API keys of an account of tier enterprise.",
        kind: Kind::Number(1, 10_000),
        reloads: true,
        values: &[],
        get: |config| Some(Given::Number(i64::from(config.limits.tiers.enterprise.keys))),
        set: |config, given, _| {
            config.limits.tiers.enterprise.keys = figure(given)?;
            Ok(())
        },
    },
];

/// A figure, or 0 for no limit. Nobody sets that 0: no limit is said in letters.
fn any_rate(given: Given) -> Result<u32, String> {
    Ok(match given.rate()? {
        Rate::PerMinute(figure) => figure,
        Rate::Unlimited => 0,
    })
}

/// It as it is set.
fn shown(figure: u32) -> Given {
    Given::of_rate(if figure == 0 { Rate::Unlimited } else { Rate::PerMinute(figure) })
}

/// A number whose bounds have been looked at.
fn figure(given: Given) -> Result<u32, String> {
    given.number().and_then(|number| u32::try_from(number).map_err(|error| error.to_string()))
}

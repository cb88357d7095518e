use super::*;
use crate::config::{LogFormat, reference, schema, shown};
use keyward_core::limits::Rate;

pub(super) fn with_file(text: &str, variables: &[(&str, &str)]) -> Result<Config, Vec<String>> {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("keyward.toml");
    std::fs::write(&path, text).unwrap();
    let variables = variables.iter().map(|(name, text)| ((*name).to_owned(), text.into())).collect();
    let base = format!("{}/", directory.path().display());
    load(&Flags { file: Some(path), ..Flags::default() }, &variables).map_err(|error| {
        error.0.iter().map(|m| format!("{}: {}", m.place, m.text).replace(&base, "")).collect()
    })
}

#[test]
fn the_later_source_wins() {
    let config = with_file(
        "[server]\nlisten = \"127.0.0.1:1\"\npublic_url = \"https://a.example/\"\ntrusted_proxies = [\"10.0.0.0/8\"]\n\
         [log]\nformat = \"json\"",
        &[("KEYWARD_SERVER_LISTEN", "127.0.0.1:2"), ("KEYWARD_SERVER_TRUSTED_PROXIES", "192.0.2.1, ::1")],
    )
    .unwrap();
    assert_eq!(config.server.address().map(|address| address.port()), Some(2));
    assert_eq!(config.server.public_url.as_deref(), Some("https://a.example"));
    let proxies: Vec<String> = config.server.trusted_proxies.iter().map(ToString::to_string).collect();
    assert_eq!(proxies, ["192.0.2.1/32", "::1/128"]);
    assert_eq!(config.log.format, LogFormat::Json);
    assert_eq!(config.keys.prefix, "lev_sk_");
}

#[test]
fn ten_mistakes_are_told_at_once_each_with_its_line() {
    let text = "surprise = 1\n[server]\nlisten = 8080\nlisen = \"x\"\npublic_url = \"http://api.example.com\"\n\
                trusted_proxies = [\"everyone\"]\n[store]\nurl = \"mysql:x\"\n[keys]\nprefix = \"LEV\"\n\
                [log]\nformat = \"xml\"\nlevel = \"[[[\"\n[magic]\nx = 1\n";
    let mistakes =
        with_file(text, &[("KEYWARD_SECRETS_FILE", "s"), ("KEYWARD_LOG_FORMAT", "yaml")]).unwrap_err();
    assert_eq!(
        mistakes,
        [
            "keyward.toml:1: there is no section [surprise]",
            "keyward.toml:3: server.listen: it must be a text in quotes, or a list of them",
            "keyward.toml:4: there is no lisen in [server]; it has listen, admin_listen, socket_mode, socket_owner, idle_timeout, shutdown_delay, public_url, \
             allow_plain_http, trusted_proxies, \
             forwarded, proxy_protocol, tls_cert, tls_key, request_timeout, \
             orders_socket",
            "keyward.toml:6: server.trusted_proxies: \"everyone\" is no address range such as 10.0.0.0/8",
            "keyward.toml:8: store.url: it must be sqlite: and a path, such as sqlite:keyward-data/keyward.db",
            "keyward.toml:10: keys.prefix: a key prefix is 2 to 32 lower-case letters, digits and underscores, begins \
             with a letter and ends with an underscore",
            "keyward.toml:12: log.format: it must be text or json (got xml)",
            "keyward.toml:13: log.level: \"[[[\" is no level: use error, warn, info, debug, trace or off, or several parts such as \
             info,keyward::request=warn",
            "keyward.toml:14: there is no section [magic]",
            "KEYWARD_LOG_FORMAT: it must be text or json (got yaml)",
            "keyward.toml:5: server.public_url: plain http is for loopback only; use https (got \"http://api.example.com\"). Where it is \
             reached inside a private network alone, server.allow_plain_http = true allows it",
        ]
    );
}

#[test]
fn a_value_is_of_its_kind_and_within_its_bounds() {
    let wrong = |text: &str| with_file(text, &[]).unwrap_err().join("; ");
    for (text, words) in [
        ("[server]\nrequest_timeout = 0", "from 1 to 600"),
        ("[server]\nrequest_timeout = 601", "from 1 to 600"),
        ("[server]\nrequest_timeout = \"30\"", "whole number"),
        ("[server]\nrequest_timeout = 1.5", "whole number"),
        ("[server]\npublic_url = \"https://user:secret@api.example.com\"", "must not hold a user"),
        ("[server]\npublic_url = \"https://api.example.com/#x\"", "without query"),
        ("[limits]\nvalidate_unlimited_from = [\"0.0.0.0/0\"]", "\"0.0.0.0/0\" is every address"),
        ("[limits]\nvalidate_unlimited_from = [\"10.0.0.0/8\", \"::/0\"]", "\"::/0\" is every address"),
        ("[store]\nurl = \"sqlite::memory:\"", "it must be a file"),
        ("[store]\nurl = \"sqlite://x.db\"", "it must be a file"),
        ("[cors]\norigins = [\"https://app.example.com/\"]", "no origin"),
        ("[cors]\norigins = [\"https://App.example.com\"]", "no origin"),
        ("[cors]\norigins = [\"https://app.example.com:443\"]", "no origin"),
        ("[cors]\norigins = [\"app.example.com\"]", "no origin"),
    ] {
        assert!(wrong(text).contains(words), "{text}: {}", wrong(text));
    }
    let good = "[server]\nrequest_timeout = 600\n[cors]\norigins = [\"https://app.example.com:8443\", \"*\"]";
    assert_eq!(with_file(good, &[]).unwrap().server.request_timeout.as_secs(), 600);
    assert_eq!(
        with_file("", &[("KEYWARD_SERVER_REQUEST_TIMEOUT", "7")]).unwrap().server.request_timeout.as_secs(),
        7
    );
}

#[test]
fn settings_that_need_each_other_are_looked_at_together() {
    let wrong = |text: &str, variables: &[(&str, &str)]| with_file(text, variables).unwrap_err();
    assert_eq!(wrong("[server]\ntls_cert = \"c.pem\"", &[]), ["keyward.toml:2: server.tls_key is missing"]);
    let alone = "[server]\nproxy_protocol = true";
    assert!(wrong(alone, &[])[0].starts_with("keyward.toml:2: server.trusted_proxies is missing"));
    assert_eq!(
        wrong("", &[("KEYWARD_SERVER_TLS_KEY", "k.pem")]),
        ["KEYWARD_SERVER_TLS_KEY: server.tls_cert is missing"]
    );
    let open = "[server]\nlisten = \"0.0.0.0:8080\"";
    assert!(wrong(open, &[])[0].starts_with("keyward.toml:2: server.public_url is missing"));
    assert!(with_file(&format!("{open}\npublic_url = \"https://a.example\""), &[]).is_ok());
}

#[test]
fn a_misspelt_variable_is_a_mistake_and_an_orchestrators_is_not() {
    let wrong = with_file("", &[("KEYWARD_SERVER_LISEN", "x"), ("KEYWARD_SEVER_LISTEN", "x")]).unwrap_err();
    assert_eq!(wrong.len(), 2, "{wrong:?}");
    let theirs = [
        ("KEYWARD_SERVICE_HOST", "10.0.0.1"),
        ("KEYWARD_PORT_8080_TCP_PROTO", "tcp"),
        ("KEYWARD_SERVER_PORT", "tcp://10.0.0.1:8080"),
    ];
    assert_eq!(with_file("", &theirs).unwrap().warnings, []);
}

#[test]
fn mistakes_of_syntax_have_lines_too() {
    let mistakes = with_file("[server]\nlisten = \"127.0.0.1:1\nx\n[server]\n", &[]).unwrap_err();
    assert!(mistakes.iter().any(|mistake| mistake.starts_with("keyward.toml:2: ")), "{mistakes:?}");
    let twice = with_file("[log]\nlevel = \"info\"\nlevel = \"warn\"\n", &[]).unwrap_err();
    assert_eq!(twice, ["keyward.toml:3: duplicate key"]);
}

#[test]
fn paths_count_from_the_file() {
    let config = with_file("[store]\nurl = \"sqlite:x.db\"\n[secrets]\nfile = \"/abs\"", &[]).unwrap();
    assert!(config.store.url.ends_with("/x.db") && config.store.url.len() > "sqlite:/x.db".len());
    assert_eq!(config.secrets.file, Path::new("/abs"));
}

#[test]
fn what_is_shown_can_be_read_again() {
    let config =
        with_file("[server]\ntrusted_proxies = [\"10.0.0.0/8\"]\n[log]\nlevel = \"warn\"", &[]).unwrap();
    let again = with_file(&shown(&config, false), &[]).unwrap();
    assert_eq!(shown(&config, false), shown(&again, false));
    // The defaults are all commented out, and say what happens without them.
    let defaults = shown(&Config::default(), true);
    assert!(defaults.lines().all(|line| line.is_empty() || line.starts_with(['#', '['])), "{defaults}");
    assert!(with_file(&defaults, &[]).is_ok());
}

#[test]
fn schema_and_reference_name_every_setting() {
    let schema: serde_json::Value = serde_json::from_str(&schema()).unwrap();
    for setting in settings() {
        let section = setting.section.split('.').fold(&schema, |outer, name| &outer["properties"][name]);
        let property = &section["properties"][setting.key];
        assert_eq!(property["description"], setting.about, "{}", setting.name());
        assert!(reference().contains(&setting.variable()), "{}", setting.name());
    }
    assert_eq!(schema["properties"]["server"]["additionalProperties"], false);
}

#[test]
fn limits_are_figures_or_unlimited_and_stand_in_tables_within_tables() {
    let text = "[limits]\nshadow = true\n[limits.tiers.free]\nreads = 7\nwrites = \"unlimited\"\n";
    let config = with_file(text, &[("KEYWARD_LIMITS_TIERS_ENTERPRISE_READS", "9")]).unwrap();
    let tiers = config.limits.tiers;
    assert_eq!((tiers.free.reads, tiers.free.writes), (Rate::PerMinute(7), Rate::Unlimited));
    assert_eq!((tiers.enterprise.reads, tiers.standard.reads), (Rate::PerMinute(9), Rate::PerMinute(200)));
    assert!(config.limits.shadow);
    let wrong = with_file(
        "[limits]\nshadow = 1\nafter_crash = \"never\"\nvalidate_per_minute = 0\n[limits.tiers.gold]\nreads = 1\n\
         [limits.tiers.free]\nreads = 0\nwrites = \"all\"\nmore = 1\n",
        &[],
    )
    .unwrap_err();
    let lines: Vec<&str> = wrong.iter().map(|mistake| mistake.split(": ").next().unwrap()).collect();
    let at = |line: usize| format!("keyward.toml:{line}");
    assert_eq!(lines, [at(2), at(3), at(4), at(5), at(8), at(9), at(10)], "{wrong:?}");
}

#[test]
fn an_issuer_has_defaults_and_only_two_things_must_be_said() {
    let text = "[[issuers]]\nissuer = \"https://acme.eu.auth0.com/\"\naudience = [\"https://api.acme.example\"]\n\
                [[issuers]]\nissuer = \"http://127.0.0.1:3000/realms/x\"\naudience = [\"a\", \"b\"]\njwks_uri = \"https://k.example/?a=b\"\n\
                algorithms = [\"ES256\", \"EdDSA\"]\naccept_typ = [\"JWT\", \"absent\"]\nleeway_seconds = 0\nmax_token_bytes = 131072\n\
                link = \"verified_email\"\nscopes = \"require\"\nscope_claims = [\"scope\", \"permissions\"]\nmcp_audience = [\"m\"]\nmcp_scopes = [\"openid\", \"deals:read\"]\n\
                email_claim = \"https://acme.example/email\"\nmax_lifetime_seconds = 600\n\
                audience_claim = \"azp\"\npayload_typ = \"Bearer\"\nmcp = true\n\
                scope_prefix = \"api/\"\n[issuers.scope_map]\n\"Deals.Write\" = \"deals:write deals:read\"\n";
    let config = with_file(text, &[]).unwrap();
    let [first, second] = config.issuers.as_slice() else { panic!() };
    let usual = IssuerConfig {
        issuer: "https://acme.eu.auth0.com/".to_owned(),
        audience: vec!["https://api.acme.example".to_owned()],
        ..IssuerConfig::default()
    };
    assert_eq!(*first, usual);
    let rules = second.rules();
    assert_eq!((rules.audiences.len(), rules.algorithms.len(), rules.kinds.len()), (2, 2, 2));
    assert_eq!((rules.leeway, rules.max_bytes, rules.max_lifetime), (0, 131_072, 600));
    assert_eq!(rules.email.claim, "https://acme.example/email");
    assert_eq!(
        (rules.audience_claim, rules.payload_typ, second.mcp),
        (Some("azp"), Some("Bearer"), Some(true))
    );
    assert_eq!((usual.audience_claim, usual.payload_typ, usual.mcp), (None, None, None));
    // One that says nothing is named to MCP clients only where our own server is off.
    assert_eq!([true, false].map(|own| usual.is_for_mcp(own)), [false, true]);
    assert_eq!([true, false].map(|own| second.is_for_mcp(own)), [true, true]);
    assert_eq!(rules.scope_names.scopes("api/Deals.Write").unwrap().to_text(), "deals:read deals:write");
    assert!(shown(&config, false).contains("scope_map = { \"Deals.Write\" = \"deals:read deals:write\" }"));
    assert_eq!(first.scope_claims, ["scope", "scp", "scopes", "permissions"]);
    // What is shown is what is read.
    assert_eq!(with_file(&shown(&config, false), &[]).unwrap().issuers, config.issuers);
    assert_eq!(with_file(&shown(&Config::default(), true), &[]).unwrap().issuers, []);
    let schema: serde_json::Value = serde_json::from_str(&schema()).unwrap();
    let issuers = &schema["properties"]["issuers"]["items"];
    assert_eq!(issuers["required"], serde_json::json!(["issuer", "audience"]));
    assert_eq!(issuers["properties"].as_object().unwrap().len(), ISSUER_SETTINGS.len());
    let reference = reference();
    assert!(ISSUER_SETTINGS.iter().all(|setting| reference.contains(&format!("| `{}` |", setting.key))));
}

#[test]
fn a_name_of_a_scope_stands_for_scopes_of_this_api_or_for_none() {
    let entry = "[[issuers]]\nissuer = \"https://a.example\"\naudience = [\"x\"]\n";
    let told = |line: &str| with_file(&format!("{entry}{line}\n"), &[]).unwrap_err().concat();
    for (line, why) in [
        (
            "scope_map = { \"Deals.Read\" = \"deals:reads\" }",
            "must stand for scopes of this API, which are account:read",
        ),
        ("scope_map = { \"Deals.Read\" = \"\" }", "must stand for scopes of this API"),
        ("scope_map = { \"Deals.Read\" = [\"deals:read\"] }", "must be a table of texts"),
        ("scope_map = [\"Deals.Read\"]", "must be a table of texts"),
        ("scope_map = { \"openid\" = \"deals:read\" }", "OpenID Connect's own"),
        ("scope_map = { \"a b\" = \"deals:read\" }", "no name of a scope"),
        ("scope_prefix = \"a b\"", "no name of a scope"),
        ("scope_prefix = \"\"", "must not be empty"),
        ("scope_claims = []", "at least one item"),
    ] {
        assert!(
            told(line).starts_with("keyward.toml:4: issuers.scope_") && told(line).contains(why),
            "{line}: {}",
            told(line)
        );
    }
}

#[test]
fn every_mistake_about_issuers_is_told_with_its_line() {
    let text = "[[issuers]]\nissuer = \"https://a.example\"\naudience = [\"x\"]\n\
                [[issuers]]\nissuer = \"https://a.example\"\naudience = [\"x\"]\n\
                [[issuers]]\nissuer = \"http://b.example\"\naudience = []\nalgorithms = [\"HS256\"]\nleeway_seconds = 301\n\
                max_token_bytes = \"8k\"\nlink = \"anyone\"\nscopes = \"all\"\naccept_typ = [\"id\"]\njwks_uri = \"ftp://x\"\nemail = \"x\"\naccounts = [\"Acme\"]\n\
                [[issuers]]\naudience = [\"x\"]\n";
    let mistakes = with_file(text, &[("KEYWARD_ISSUERS_ISSUER", "x")]).unwrap_err();
    let keys: Vec<&str> = ISSUER_SETTINGS.iter().map(|setting| setting.key).collect();
    let mut expected: Vec<String> = [
        "keyward.toml:8: issuers.issuer: it must be an https URL without query, such as https://acme.eu.auth0.com/ (http is for \
         loopback only)",
        "keyward.toml:9: issuers.audience: it must have at least one item, and no empty one",
        "keyward.toml:10: issuers.algorithms: it must be of RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384, ES512, EdDSA, Ed25519",
        "keyward.toml:11: issuers.leeway_seconds: it must be a whole number from 0 to 300",
        "keyward.toml:12: issuers.max_token_bytes: it must be a whole number",
        "keyward.toml:13: issuers.link: it must be of invitation, verified_email",
        "keyward.toml:14: issuers.scopes: it must be of ignore, narrow, require",
        "keyward.toml:15: issuers.accept_typ: it must be of at+jwt, JWT, absent",
        "keyward.toml:16: issuers.jwks_uri: it must be an https URL (http is for loopback only)",
    ]
    .map(str::to_owned)
    .to_vec();
    expected.push(format!("keyward.toml:17: there is no email in [[issuers]]; it has {}", keys.join(", ")));
    expected.push("keyward.toml:18: issuers.accounts: \"Acme\" is no slug of an account".to_owned());
    expected.push("keyward.toml:19: issuers.issuer is missing".to_owned());
    expected.push("KEYWARD_ISSUERS_ISSUER: there is no such variable; config.md names them all".to_owned());
    expected.push("keyward.toml:4: issuers.issuer: https://a.example has an entry already".to_owned());
    assert_eq!(mistakes, expected);
    for (text, told) in [
        ("issuers = 1\n", "keyward.toml:1: issuers must be entries: [[issuers]]"),
        ("issuers = [1]\n", "keyward.toml:1: an issuer must be an entry: [[issuers]]"),
        (
            "[issuers]\nissuer = \"https://a.example\"\n",
            "keyward.toml:1: issuers must be entries: [[issuers]]",
        ),
    ] {
        assert_eq!(with_file(text, &[]).unwrap_err(), [told]);
    }
}

/// What the configuration says of a list after it was set empty.
type Look = fn(&Config) -> Vec<String>;

/// Every setting that is a list, and what an empty one means: none of it, which is never more than some of it; or a mistake.
/// For the settings of `[[issuers]]` that may be empty the meaning is that of an entry that leaves them out, and none of them
/// widens what a token may do.
#[test]
fn an_empty_list_never_means_more_than_one_with_items() {
    let all: [(&str, &str, Look); 4] = [
        ("server.trusted_proxies", "10.0.0.0/8", |config| {
            config.server.trusted_proxies.iter().map(ToString::to_string).collect()
        }),
        ("cors.origins", "*", |config| config.cors.origins.to_vec()),
        ("oauth.redirect_schemes", "myapp", |config| config.oauth.redirect_schemes.names().to_vec()),
        ("limits.validate_unlimited_from", "10.0.0.0/8", |config| {
            config.limits.validate_unlimited_from.iter().map(ToString::to_string).collect()
        }),
    ];
    let lists: Vec<String> =
        settings().filter(|setting| setting.kind == Kind::List).map(Setting::name).collect();
    assert_eq!(lists, all.map(|(name, ..)| name), "each list has its line");
    for (name, item, look) in all {
        let (section, key) = name.split_once('.').unwrap();
        let variable = format!("KEYWARD_{section}_{key}").to_uppercase();
        let some = format!("[{section}]\n{key} = [{item:?}]\n");
        assert_eq!(look(&with_file(&some, &[]).unwrap()), [item]);
        let empty = with_file(&format!("[{section}]\n{key} = []\n"), &[]).unwrap();
        assert!(look(&empty).is_empty(), "{name}: nobody");
        // A variable that is there and empty says it too, over the file.
        for nothing in ["", " ", ","] {
            let cleared = with_file(&some, &[(&variable, nothing)]).unwrap();
            assert!(look(&cleared).is_empty() && cleared.warnings.is_empty(), "{variable}={nothing:?}");
        }
    }
    // `None`: a mistake.
    let of_issuers = [
        ("audience", None),
        ("mcp_audience", Some("the name of our own endpoint, and no other")),
        ("mcp_scopes", Some("clients are told none")),
        ("algorithms", None),
        ("accept_typ", None),
        ("accounts", None),
        ("scope_claims", None),
    ];
    let lists: Vec<&str> = ISSUER_SETTINGS
        .iter()
        .filter(|setting| setting.kind == Kind::List)
        .map(|setting| setting.key)
        .collect();
    assert_eq!(lists, of_issuers.map(|(key, _)| key), "each list has its line");
    for (key, meaning) in of_issuers {
        let entry = "[[issuers]]\nissuer = \"https://a.example\"\n";
        let audience = if key == "audience" { "" } else { "audience = [\"x\"]\n" };
        let read = with_file(&format!("{entry}{audience}{key} = []\n"), &[]);
        match meaning {
            None => assert_eq!(read.unwrap_err().len(), 1, "{key}"),
            Some(_) => {
                let left_out = with_file(&format!("{entry}{audience}"), &[]).unwrap();
                assert_eq!(read.unwrap().issuers, left_out.issuers, "{key}");
            }
        }
    }
}

#[test]
fn the_accounts_of_an_issuer_are_all_only_where_nothing_is_said() {
    let entry = "[[issuers]]\nissuer = \"https://a.example\"\naudience = [\"x\"]\n";
    let told = with_file(&format!("{entry}accounts = []\n"), &[]).unwrap_err();
    let expected = "keyward.toml:4: issuers.accounts: an empty list names no account; leave the setting out for all of them, or name one";
    assert_eq!(told, [expected]);
    assert!(with_file(entry, &[]).unwrap().issuers[0].accounts.is_empty(), "all");
    let one = with_file(&format!("{entry}accounts = [\"acme\"]\n"), &[]).unwrap();
    assert_eq!(one.issuers[0].accounts, ["acme"]);
    assert!(!shown(&with_file(entry, &[]).unwrap(), false).contains("accounts"));
}

#[test]
fn a_variable_that_is_set_and_empty_counts_as_not_set_with_a_warning() {
    let file = "[server]\nlisten = \"127.0.0.1:1\"\n[log]\nformat = \"json\"\n[limits]\nshadow = true\nhealth_per_minute = 7\n";
    let empty = settings().filter(|setting| setting.kind != Kind::List).map(Setting::variable);
    let names: Vec<String> = empty.chain(["KEYWARD_ROOT_SECRET".to_owned()]).collect();
    let variables: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), "")).collect();
    let (config, without) = (with_file(file, &variables).unwrap(), with_file(file, &[]).unwrap());
    let settings_alone = |config: &Config| {
        let text = shown(config, false);
        // The paths count from a directory of its own.
        text.lines().filter(|line| !line.contains('/')).map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(settings_alone(&config), settings_alone(&without));
    let mut warned: Vec<&str> = config.warnings.iter().map(|warning| warning.place.as_str()).collect();
    let mut names: Vec<&str> = names.iter().map(String::as_str).collect();
    warned.sort_unstable();
    names.sort_unstable();
    assert_eq!(warned, names);
    assert!(
        config.warnings.iter().all(|warning| warning.text == "it is set and empty, and counts as not set")
    );
    let misspelt = with_file("", &[("KEYWARD_CORS_ORIGIN", "")]).unwrap_err();
    assert_eq!(
        misspelt,
        ["KEYWARD_CORS_ORIGIN: there is no such variable; did you mean KEYWARD_CORS_ORIGINS?"]
    );
}

#[test]
fn a_variable_that_is_not_text_is_a_mistake_whatever_it_is_for() {
    use std::os::unix::ffi::OsStringExt;
    let not_text = std::ffi::OsString::from_vec(vec![b'1', 0xFF]);
    let all = settings().map(Setting::variable).chain(["KEYWARD_ROOT_SECRET".to_owned()]);
    for name in all {
        let variables = Variables::from([(name.clone(), not_text.clone())]);
        let mistakes = load(&Flags::default(), &variables).unwrap_err().0;
        assert_eq!(mistakes, [Mistake { place: name, text: "it must be text in UTF-8".to_owned() }]);
    }
    // The name of a file need not be text, and what is an orchestrator's is not ours.
    for name in ["KEYWARD_CONFIG", "KEYWARD_SERVICE_HOST"] {
        assert!(load(&Flags::default(), &Variables::from([(name.to_owned(), not_text.clone())])).is_ok());
    }
}

#[test]
fn no_limit_is_said_in_letters_and_never_for_passwords() {
    for key in ["failed_auth", "links", "register", "forms"] {
        let (file, variable) =
            (format!("{key}_per_minute"), format!("KEYWARD_LIMITS_{key}_PER_MINUTE").to_uppercase());
        let zero = format!("[limits]\n{file} = 0\n");
        let expected =
            "it must be 1 to 100000 a minute, or \"unlimited\"; 0 is neither: say \"unlimited\" for no limit";
        assert_eq!(
            with_file(&zero, &[]).unwrap_err(),
            [format!("keyward.toml:2: limits.{file}: {expected}")]
        );
        assert_eq!(
            with_file("", &[(&variable, "0")]).unwrap_err(),
            [format!("{variable}: {expected} (got \"0\")")]
        );
        let unlimited = with_file(&format!("[limits]\n{file} = \"unlimited\"\n"), &[]).unwrap();
        assert!(shown(&unlimited, false).contains(&format!("{file} = \"unlimited\"")));
        assert_eq!(with_file("", &[(&variable, "unlimited")]).unwrap().limits, unlimited.limits);
        assert!(shown(&with_file("", &[(&variable, "7")]).unwrap(), false).contains(&format!("{file} = 7")));
    }
    for bad in ["0", "\"unlimited\"", "1001", "-1"] {
        let told = with_file(&format!("[limits]\nsign_in_per_minute = {bad}\n"), &[]).unwrap_err();
        assert!(told[0].contains("it must be a whole number"), "{bad}: {told:?}");
    }
    assert!(with_file("[limits]\nsign_in_per_minute = 1000\n", &[]).is_ok());
}

#[test]
fn the_operator_names_schemes_of_native_applications_and_the_grace_of_a_refresh_token() {
    let usual = with_file("", &[]).unwrap().oauth;
    assert_eq!((usual.refresh_grace_seconds, usual.redirect_schemes.names().len()), (30, 0));
    let set = "[oauth]\nrefresh_grace_seconds = 3600\nredirect_schemes = [\"myapp\", \"web+notes\"]\n";
    let set = with_file(set, &[]).unwrap().oauth;
    assert_eq!(set.refresh_grace_seconds, 3_600);
    assert!(
        set.redirect_schemes.are_fit("myapp://callback") && set.redirect_schemes.are_fit("web+notes://x")
    );
    for wrong in ["javascript", "https", "My App", "myapp://", ""] {
        let mistakes = with_file(&format!("[oauth]\nredirect_schemes = [{wrong:?}]\n"), &[]).unwrap_err();
        assert!(mistakes[0].contains("no scheme of a native application"), "{wrong}: {mistakes:?}");
    }
    for wrong in ["-1", "3601"] {
        assert!(with_file(&format!("[oauth]\nrefresh_grace_seconds = {wrong}\n"), &[]).is_err(), "{wrong}");
    }
}

//! Words that are none, values as files of variables hold them, and what other sources have in their paths.

use super::tests::with_file;
use super::*;
use crate::config::shown;

#[test]
fn what_stands_beside_the_image_in_a_compose_file_is_warned_of_and_stops_nothing() {
    let names = [
        "KEYWARD_VERSION",
        "KEYWARD_TAG",
        "KEYWARD_IMAGE",
        "KEYWARD_DATA_DIR",
        "KEYWARD_HOME",
        "KEYWARD_PORT",
    ];
    let config = with_file("", &names.map(|name| (name, "1"))).unwrap();
    let mut warned: Vec<&str> = config.warnings.iter().map(|warning| warning.place.as_str()).collect();
    warned.sort_unstable();
    let mut names = names.to_vec();
    names.sort_unstable();
    assert_eq!(warned, names);
    assert!(
        config.warnings.iter().all(|warning| warning.text == "there is no such variable, so it sets nothing")
    );
    let file = with_file("", &[("KEYWARD_ROOT_SECRET_FILE", "/run/secrets/root")]).unwrap_err();
    assert!(
        file[0].contains("KEYWARD_SECRETS_FILE names the file"),
        "a new secret must not be made elsewhere: {file:?}"
    );
}

/// Every setting whose values are words: another word is refused, from the file and from a variable, and the words are named.
#[test]
fn a_word_that_is_none_of_a_settings_words_is_refused_and_they_are_named() {
    let refused = |(told, setting): (Vec<String>, String), words: &[&str]| {
        assert_eq!(told.len(), 1, "{setting}: {told:?}");
        assert!(words.iter().all(|word| told[0].contains(word)), "{setting}: {told:?}");
    };
    for setting in settings().filter(|setting| !setting.values.is_empty()) {
        let (name, variable) = (setting.name(), setting.variable());
        let first = setting.values[0];
        for wrong in ["loud", &first.to_uppercase(), &format!("{first}x")] {
            let file = format!("[{}]\n{} = {wrong:?}\n", setting.section, setting.key);
            refused((with_file(&file, &[]).unwrap_err(), name.clone()), setting.values);
            refused((with_file("", &[(&variable, wrong)]).unwrap_err(), name.clone()), setting.values);
        }
        for right in setting.values {
            assert!(with_file("", &[(&variable, right)]).is_ok(), "{name} = {right}");
        }
    }
    for setting in ISSUER_SETTINGS.iter().filter(|setting| !setting.values.is_empty()) {
        let value = if setting.kind == Kind::List { "[\"loud\"]" } else { "\"loud\"" };
        let file = format!(
            "[[issuers]]\nissuer = \"https://a.example\"\naudience = [\"x\"]\n{} = {value}\n",
            setting.key
        );
        refused((with_file(&file, &[]).unwrap_err(), setting.key.to_owned()), setting.values);
    }
    for wrong in [
        "warning",
        "inof",
        "verbose",
        "critical",
        "notice",
        "fatal",
        "loud loud",
        "information",
        "all",
        "err",
        "keyward",
    ] {
        let levels = ["error", "warn", "info", "debug", "trace", "off"];
        let file = format!("[log]\nlevel = {wrong:?}\n");
        refused((with_file(&file, &[]).unwrap_err(), wrong.to_owned()), &levels);
        refused((with_file("", &[("KEYWARD_LOG_LEVEL", wrong)]).unwrap_err(), wrong.to_owned()), &levels);
    }
}

#[test]
fn variables_of_files_with_carriage_returns_and_quotes_mean_what_they_mean_elsewhere() {
    let plain = [
        ("KEYWARD_SERVER_LISTEN", "127.0.0.1:8081"),
        ("KEYWARD_STORE_URL", "sqlite:/x/k.db"),
        ("KEYWARD_SECRETS_FILE", "/x/root secret"),
        ("KEYWARD_OAUTH_ENABLED", "false"),
        ("KEYWARD_SERVER_REQUEST_TIMEOUT", "7"),
        ("KEYWARD_LOG_FORMAT", "json"),
        ("KEYWARD_CORS_ORIGINS", "https://a.example,https://b.example"),
        ("KEYWARD_LIMITS_TIERS_FREE_READS", "unlimited"),
    ];
    let expected = shown(&with_file("", &plain).unwrap(), false);
    for around in [("", "\r"), ("\"", "\""), ("'", "'\r"), ("\"", "\"\n")] {
        let values = plain.map(|(name, value)| (name, format!("{}{value}{}", around.0, around.1)));
        let variables: Vec<(&str, &str)> =
            values.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let read = with_file("", &variables).unwrap();
        assert_eq!((shown(&read, false), read.warnings.len()), (expected.clone(), 0), "{around:?}");
    }
    let flags =
        with_file("", &[("KEYWARD_OAUTH_ENABLED", "False"), ("KEYWARD_LIMITS_SHADOW", "TRUE")]).unwrap();
    assert_eq!((flags.oauth.enabled, flags.limits.shadow), (false, true));
    let list = with_file("", &[("KEYWARD_SERVER_TRUSTED_PROXIES", "[\"10.0.0.0/8\", \"::1\"]")]).unwrap();
    assert_eq!(list.server.trusted_proxies.len(), 2);
}

#[test]
fn a_variable_that_is_refused_is_shown_with_what_is_invisible() {
    for (name, value, words) in [
        ("KEYWARD_SERVER_LISTEN", "8080\r", "(got \"8080\")"),
        ("KEYWARD_OAUTH_ENABLED", "0", "it must be true or false (got \"0\")"),
        (
            "KEYWARD_STORE_URL",
            " sqlite:/data/k.db",
            "a character that is not seen (got \" sqlite:/data/k.db\")",
        ),
        ("KEYWARD_SECRETS_FILE", "/x/\r/root-secret", "(got \"/x/\\r/root-secret\")"),
        ("KEYWARD_LOG_LEVEL", "info\u{a0}", "(got \"info\\u{a0}\")"),
        ("KEYWARD_SERVER_TRUSTED_PROXIES", "['10.0.0.0/8']", "the items with commas between them"),
        ("KEYWARD_STORE_URL", "sqlite:///var/lib/k.db", "sqlite:/var/lib/keyward/keyward.db from the root"),
    ] {
        let told = with_file("", &[(name, value)]).unwrap_err();
        assert!(told[0].starts_with(&format!("{name}: ")) && told[0].contains(words), "{told:?}");
    }
    let secret =
        with_file("", &[("KEYWARD_SERVER_PUBLIC_URL", "https://user:secret@a.example")]).unwrap_err();
    assert!(!secret[0].contains("secret"), "{secret:?}");
}

#[test]
fn a_path_with_a_control_character_is_refused_whichever_source_says_it() {
    let flags = Flags { data: Some(PathBuf::from("/srv/a\tb")), ..Flags::default() };
    let told = load(&flags, &Variables::new()).unwrap_err().0;
    let names: Vec<&str> = told.iter().map(|mistake| mistake.place.as_str()).collect();
    assert_eq!(names, ["store.url", "secrets.file"]);
    assert!(told[1].text.contains("\"/srv/a\\tb/root-secret\""), "{told:?}");
    assert_eq!(with_file("[secrets]\nfile = \"root\\r\"", &[]).unwrap_err().len(), 1);
}

#[test]
fn plain_http_for_other_hosts_needs_a_setting_of_its_own() {
    let url = "[server]\nlisten = \"0.0.0.0:8080\"\npublic_url = \"http://keyward:8080\"\n";
    let told = with_file(url, &[]).unwrap_err();
    assert!(
        told[0].starts_with("keyward.toml:3: server.public_url: plain http is for loopback only"),
        "{told:?}"
    );
    let allowed = with_file(&format!("{url}allow_plain_http = true\n"), &[]).unwrap();
    assert_eq!(allowed.public_url(allowed.server.address()), "http://keyward:8080");
    assert!(allowed.warnings[0].text.contains("is plain http"), "{:?}", allowed.warnings);
}

//! `config check` and `serve` refuse the same configurations, in the same words.

use crate::operate::installed;
use crate::support::{Server, keyward, refused, run, text};
use std::fs;

#[test]
fn what_serve_refuses_of_a_configuration_config_check_refuses_in_the_same_line() {
    let (home, _) = installed();
    let config = home.path().join("keyward.toml");
    let data = "[store]\nurl = \"sqlite:keyward.db\"\n[secrets]\nfile = \"root-secret\"\n";
    let itself = "[server]\npublic_url = \"https://api.example.com\"\n[[issuers]]\nissuer = \"https://api.example.com\"\n\
                  audience = [\"x\"]\n";
    let of_listen = "[server]\nlisten = \"127.0.0.1:18080\"\n[[issuers]]\nissuer = \"http://127.0.0.1:18080\"\naudience = [\"x\"]\n";
    let twice = "[server]\nlisten = \"127.0.0.1:18080\"\nadmin_listen = \"127.0.0.1:18080\"\n";
    let of_every = |admin: &str| {
        let every = "[server]\npublic_url = \"https://api.example.com\"\nlisten = \"[::]:18080\"\n";
        format!("{every}admin_listen = \"{admin}\"\n")
    };
    let (loopback, every) = (of_every("127.0.0.1:18080"), of_every("0.0.0.0:18080"));
    let none = ("KEYWARD_LOG_FORMAT", "text");
    let table = [
        (itself, none, "https://api.example.com, which is this server itself"),
        (of_listen, none, "http://127.0.0.1:18080, which is this server itself"),
        (twice, none, "127.0.0.1:18080 is taken by server.listen"),
        (loopback.as_str(), none, "127.0.0.1:18080 is taken by server.listen"),
        (every.as_str(), none, "0.0.0.0:18080 is taken by server.listen"),
        ("[server]\npublic_url = \"https://api.example.com/{\"\n", none, "server.public_url"),
        ("[server]\npublic_url = \"https://api.example.com/:a\"\n", none, "server.public_url"),
        ("[server]\npublic_url = \"HTTPS://api.example.com\"\n", none, "server.public_url"),
        ("[server]\npublic_url = \"http://api.example.com\"\n", none, "use https"),
        ("[server]\nlisten = \"0.0.0.0:0\"\n", none, "server.public_url is missing"),
        (
            "[server]\nlisten = \"0.0.0.0:0\"\npublic_url = \"http://localhost:8080\"\n",
            none,
            "server.public_url http://localhost:8080 is this machine alone",
        ),
        ("[limits]\nsign_in_per_minute = 0\n", none, "it must be a whole number from 1 to 1000"),
        ("[limits]\nregister_per_minute = 0\n", none, "0 is neither: say \"unlimited\" for no limit"),
        ("[server]\ntls_cert = \"none.pem\"\ntls_key = \"none.pem\"\n", none, "none.pem"),
        ("[server]\ntls_cert = \"none.pem\"\n", none, "server.tls_key is missing"),
        ("[keys]\nprefix = \"no good\"\n", none, "keys.prefix"),
        ("", ("KEYWARD_ROOT_SECRET", "1 short"), "KEYWARD_ROOT_SECRET"),
        ("", ("KEYWARD_LOG_FORMAT", "xml"), "KEYWARD_LOG_FORMAT"),
    ];
    for (written, (variable, value), words) in table {
        fs::write(&config, format!("{written}{data}")).unwrap();
        let said = |command: &[&str]| {
            refused(keyward(&[command, &["--config", text(&config)]].concat()).env(variable, value))
        };
        let line = said(&["config", "check"]);
        assert!(line.contains(words), "{words:?} is missing: {line}");
        assert_eq!(said(&["serve"]), line);
    }
    // The same name is an outside issuer's where this server issues nothing.
    let outside =
        itself.replace("[server]\n", "[oauth]\nenabled = false\n[server]\nlisten = \"127.0.0.1:0\"\n");
    fs::write(&config, format!("{outside}{data}")).unwrap();
    let check = ["config", "check", "--config", text(&config)];
    assert!(run(&mut keyward(&check)).status.success());
    Server::serve_by(keyward(&["serve", "--config", text(&config)])).terminate();
}

//! Ten thousand keys, accounts and users: every list answers its first page quickly.

use crate::orders::order;
use crate::support::{Server, clean, run, settle, text};
use keyward_sqlite::faults::change_by_force;
use std::path::Path;
use std::process::Command;

/// The most that the first page may cost, in seconds of CPU of command and server together. It is ten times of what the
/// release build is held to.
const MOST: f64 = 2.0;

/// As many of each, as rows.
const MANY: &str = "
    WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10000)
        INSERT INTO accounts (slug, name, tier, created_at) SELECT 'many-' || i, 'Many ' || i, 'standard', i FROM n;
    WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10000)
        INSERT INTO users (uuid, email, first_name, last_name, created_at)
        SELECT 'many-' || i, 'many-' || i || '@many.example', 'Many', i, i FROM n;
    INSERT INTO memberships (account_id, user_id, role, created_at)
        SELECT a.id, u.id, 'editor', 1 FROM accounts a JOIN users u ON u.uuid = a.slug;
    INSERT INTO memberships (account_id, user_id, role, created_at)
        SELECT 1, u.id, 'editor', 1 FROM users u WHERE u.uuid LIKE 'many-%';
    INSERT INTO api_keys (account_id, user_id, label, prefix, permission, created_at)
        SELECT m.account_id, m.user_id, 'many', 'lev_sk_many', 'read_only', m.user_id
        FROM memberships m JOIN users u ON u.id = m.user_id WHERE m.account_id > 2 AND u.uuid LIKE 'many-%';
    INSERT INTO api_key_secrets (digest, key_id, pepper_version, created_at)
        SELECT randomblob(32), id, 1, created_at FROM api_keys WHERE label = 'many';
    INSERT INTO audit (at, credential_kind, action, subject_kind, subject_id, origin_app, request_id)
        SELECT id, 'operator', 'api_key.create', 'api_key', id, 'keyward', 'r' FROM api_keys WHERE label = 'many';
    INSERT INTO oauth_clients (client_id, name, redirect_uris, origin, refreshes, created_at)
        SELECT 'many-' || id, 'Many', 'https://app.example/back', 'operator', 1, id FROM api_keys WHERE label = 'many';
";

/// Seconds of CPU that a command and, if there is one, the server use.
fn cost(data: &Path, arguments: &[&str], server: Option<&Server>) -> f64 {
    let of_server = || server.map_or(0.0, |server| used(server.id()));
    let before = of_server();
    let script = r#""$0" "$@" > /dev/null || exit 1; times"#;
    let mut shell = Command::new("sh");
    shell.args(["-c", script, env!("CARGO_BIN_EXE_keyward")]).args(arguments).args(["--data", text(data)]);
    clean(&mut shell);
    let output = run(&mut shell);
    assert!(output.status.success(), "{arguments:?}: {output:?}");
    let times = String::from_utf8(output.stdout).unwrap();
    // The second line is that of the children.
    let children = times.lines().nth(1).unwrap().split_whitespace().map(seconds).sum::<f64>();
    children + of_server() - before
}

/// `0m0.123000s` in seconds.
fn seconds(time: &str) -> f64 {
    let (minutes, seconds) = time.trim_end_matches('s').split_once('m').unwrap();
    minutes.parse::<f64>().unwrap() * 60.0 + seconds.parse::<f64>().unwrap()
}

/// What a process has used so far, by hundredths of a second.
fn used(process: u32) -> f64 {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap();
    let after_name = stat.rsplit_once(") ").unwrap().1;
    let ticks = after_name.split(' ').skip(11).take(2).map(|ticks| ticks.parse::<f64>().unwrap());
    ticks.sum::<f64>() / 100.0
}

#[test]
fn every_list_of_ten_thousand_answers_its_first_page_within_its_cpu() {
    let home = tempfile::tempdir().unwrap();
    let mut server = Server::demo(Some(home.path()));
    server.terminate();
    settle(home.path());
    change_by_force(&home.path().join("keyward.db"), MANY).unwrap();
    let lists: [&[&str]; 12] = [
        &["account", "list"],
        &["user", "list"],
        &["user", "list", "--account", "acme-capital"],
        &["key", "list"],
        &["key", "list", "--account", "many-9999"],
        &["key", "list", "--unused-since", "30d"],
        &["client", "list"],
        &["audit"],
        &["audit", "--subject", "api_key:9000"],
        &["audit", "--action", "user.delete"],
        &["account", "show", "acme-capital"],
        &["user", "show", "many-9999@many.example"],
    ];
    for running in [true, false] {
        let server = running.then(|| Server::serve(home.path()));
        for list in lists {
            let limit = if list.contains(&"show") { &[][..] } else { &["--limit", "500"] };
            let first_page = [list, limit].concat();
            let cost = cost(home.path(), &first_page, server.as_ref());
            assert!(cost < MOST, "{list:?} costs {cost:.2} s, {running}");
        }
        // The last of the keys, whom no earlier page shows.
        let last = order(home.path(), &["key", "list", "--user", "many-9999@many.example"]);
        assert_eq!(last.as_array().unwrap().len(), 1, "{running}");
        // Without a server each page opens the file.
        if running {
            let all = |list| order(home.path(), list).as_array().unwrap().len();
            assert!(all(&["key", "list"]) > 10_000 && all(&["user", "list"]) > 10_000, "and all are there");
        }
    }
}

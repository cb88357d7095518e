//! What the access tokens of somebody else's issuer open: one table for every issuer, over real sockets and on servers of its own.
//! Shared by the tests of the process and by `cargo xtask soak hydra`.
//!
//! `tests/api/token_scopes.rs` has each form of each claim, in tokens that the tests sign. Here the issuer signs, for a person who
//! has signed in and granted what an application asked for. The answers are the same.

use crate::street::http::{Client, Way};
use crate::street::server::{Server, Start, Town};
use crate::street::{Failure, honest};
use serde_json::{Value, json};
use std::fmt;
use std::path::Path;

/// The audience of the tokens.
pub(crate) const AUDIENCE: &str = "https://api.acme.example/api";

/// An issuer that runs.
pub(crate) trait Issuer {
    /// It, as `iss` has it.
    fn url(&self) -> &str;

    /// What its entry in the configuration has beside its URL and the audience.
    fn entry(&self) -> &str;

    /// Whether the scopes that were granted are in `scp`, as a list; otherwise they are in `scope` alone, as text.
    fn writes_scp(&self) -> bool {
        false
    }

    /// Whether its operator can have it add this claim.
    fn can_add(&self, _claim: &str) -> bool {
        true
    }

    /// An access token for the demo's admin, who has granted these scopes, with these claims besides.
    async fn token(&mut self, scopes: &str, claims: &Value) -> Result<String, Failure>;

    /// Its other tokens for the same person, which open nothing: what they are, and each.
    async fn others(&mut self) -> Result<Vec<(&'static str, String)>, Failure>;
}

/// What `/me`, a read, a write, a new key and an invitation are answered.
type Answers = [u16; 5];

const fn expected(letter: u8) -> Answers {
    match letter {
        // The role alone decides, but what outlives the token must stand in it.
        b'.' => [200, 200, 201, 403, 403],
        // The issuer decides, and gives nothing.
        b'-' => [200, 403, 403, 403, 403],
        // It gives to read deals.
        b'r' => [200, 200, 403, 403, 403],
        // It gives to read and write deals.
        b'd' => [200, 200, 201, 403, 403],
        // It gives to read and write deals and to write in the account.
        // A role is given by what names all that the role may do.
        b'w' => [200, 200, 201, 201, 403],
        // Refused: a claim of a wrong type, or scopes in a claim that is not read.
        _ => [401, 401, 401, 401, 401],
    }
}

/// What an entry says of scopes: its name in the report, and the lines.
const MODES: [(&str, &str); 3] = [
    ("narrow", "scopes = \"narrow\""),
    ("require", "scopes = \"require\""),
    ("scope alone", "scope_claims = [\"scope\"]"),
];

/// A token: the scopes that were granted, the claims that the operator of the issuer adds, and what it opens in each mode, where
/// the issuer writes `scope`, and where it writes `scp`.
type Case = (&'static str, Value, [&'static [u8; 3]; 2]);

fn table() -> Vec<Case> {
    let bare = "openid email";
    let read = "openid email deals:read";
    let ours = "openid email deals:read deals:write account:write";
    vec![
        (bare, json!({}), [b".-.", b"---"]),
        (read, json!({}), [b"rrr", b"rrx"]),
        (ours, json!({}), [b"www", b"wwx"]),
        ("openid email crm:write", json!({}), [b"---", b"---"]),
        ("openid email crm:write deals:read", json!({}), [b"rrr", b"rrx"]),
        (bare, json!({ "permissions": ["deals:read"] }), [b"rrx", b"rrx"]),
        // The last permission is taken away.
        (bare, json!({ "permissions": [] }), [b"---", b"---"]),
        (read, json!({ "permissions": [] }), [b"rrr", b"rrx"]),
        (read, json!({ "permissions": ["deals:write"] }), [b"ddx", b"ddx"]),
        (bare, json!({ "permissions": ["erp:write", "deals:read", "DEALS:WRITE"] }), [b"rrx", b"rrx"]),
        (bare, json!({ "permissions": "deals:read,deals:write" }), [b"---", b"---"]),
        (bare, json!({ "permissions": "deals:read\tdeals:write" }), [b"---", b"---"]),
        (bare, json!({ "permissions": null }), [b"xxx", b"xxx"]),
        (bare, json!({ "scopes": "DEALS:READ" }), [b"---", b"---"]),
        (bare, json!({ "scopes": ["https://api.example.com/deals:read"] }), [b"---", b"---"]),
        (ours, json!({ "scopes": { "deals": "read" } }), [b"xxx", b"xxx"]),
        (bare, json!({ "scp": ["deals:read", "crm:write"] }), [b"rrx", b"rrx"]),
        (bare, json!({ "scp": "openid email" }), [b"---", b"---"]),
        (ours, json!({ "scp": { "deals": "read" } }), [b"xxx", b"xxx"]),
    ]
}

/// Names of the table that mean nothing here: logged once each.
const UNKNOWN: [&str; 6] = [
    "crm:write",
    "erp:write",
    "DEALS:WRITE",
    "deals:read,deals:write",
    "DEALS:READ",
    "https://api.example.com/deals:read",
];

/// A token and what it opened in one mode.
struct Row {
    mode: &'static str,
    scopes: &'static str,
    claims: Value,
    expected: Answers,
    got: Answers,
}

/// All rows of an issuer, and what else was not kept.
pub(crate) struct Report {
    rows: Vec<Row>,
    not_logged: Vec<String>,
}

impl Report {
    /// What was not as expected.
    pub(crate) fn faults(&self) -> Vec<String> {
        let wrong = self.rows.iter().filter(|row| row.got != row.expected).map(ToString::to_string);
        wrong.chain(self.not_logged.iter().cloned()).collect()
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{:<12}{:<51}{:<58}{:<27}got, for /me, a read, a write, a key, an invitation",
            "mode", "scopes granted", "claims added", "expected"
        )?;
        for row in &self.rows {
            writeln!(f, "{row}")?;
        }
        write!(f, "{} rows, {} faults", self.rows.len(), self.faults().len())
    }
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { mode, scopes, claims, expected, got } = self;
        let (claims, expected) = (claims.to_string(), format!("{expected:?}"));
        let verdict = if self.got == self.expected { "" } else { " DIFFERS" };
        write!(f, "{mode:<12}{scopes:<51}{claims:<58}{expected:<27}{got:?}{verdict}")
    }
}

/// Sends a token of each case to a server in each mode.
pub(crate) async fn judge(town: &Town, issuer: &mut impl Issuer) -> Result<Report, Failure> {
    let home = tempfile::tempdir()?;
    let mut servers = Vec::new();
    for mode in MODES {
        servers.push((mode.0, serve(town, home.path(), issuer, mode).await?));
    }
    let mut rows = Vec::new();
    for (scopes, claims, [scope, scp]) in table() {
        if can_add_all(issuer, &claims) {
            let token = issuer.token(scopes, &claims).await?;
            let cells = if issuer.writes_scp() { scp } else { scope };
            send(&servers, &mut rows, (scopes, claims, cells), &token).await?;
        }
    }
    for (name, token) in issuer.others().await? {
        send(&servers, &mut rows, (name, Value::Null, b"xxx"), &token).await?;
    }
    Ok(Report { rows, not_logged: not_logged(servers).await? })
}

/// Sends a token to each server, and notes what it opened.
async fn send(
    servers: &[(&'static str, Server)],
    rows: &mut Vec<Row>,
    (scopes, claims, cells): (&'static str, Value, &[u8; 3]),
    token: &str,
) -> Result<(), Failure> {
    for ((mode, server), cell) in servers.iter().zip(cells) {
        let (claims, expected) = (claims.clone(), expected(*cell));
        let got = open(&server.way, token, rows.len()).await?;
        rows.push(Row { mode, scopes, claims, expected, got });
    }
    Ok(())
}

fn can_add_all(issuer: &impl Issuer, claims: &Value) -> bool {
    claims.as_object().is_some_and(|claims| claims.keys().all(|claim| issuer.can_add(claim)))
}

/// A server that trusts the issuer in a mode. The people of the demo come in by their verified addresses.
async fn serve(
    town: &Town,
    home: &Path,
    issuer: &impl Issuer,
    (name, lines): (&str, &str),
) -> Result<Server, Failure> {
    let (config, entry) = (home.join(format!("{name}.toml")), issuer.entry());
    let (url, link) = (issuer.url(), "link = \"verified_email\"");
    let issuer =
        format!("[[issuers]]\nissuer = {url:?}\naudience = [{AUDIENCE:?}]\n{link}\n{entry}\n{lines}\n");
    std::fs::write(&config, issuer)?;
    let mut variables = vec![("KEYWARD_CONFIG".to_owned(), config.to_string_lossy().into_owned())];
    let unlimited = ["TIERS_ENTERPRISE_READS", "TIERS_ENTERPRISE_WRITES", "FAILED_AUTH_PER_MINUTE"];
    variables.extend(unlimited.map(|name| (format!("KEYWARD_LIMITS_{name}"), "unlimited".to_owned())));
    Server::start(town, &Start { variables, ..Start::default() }).await
}

/// The names without a meaning that the server that narrows has not logged once.
async fn not_logged(servers: Vec<(&str, Server)>) -> Result<Vec<String>, Failure> {
    let Some((_, mut narrowing)) = servers.into_iter().next() else { return Ok(Vec::new()) };
    narrowing.terminate().await?;
    let log = narrowing.log();
    let lines = |name: &str| {
        let named = format!("\"scope\":\"{name}\"");
        log.lines().filter(|line| line.contains("tokens name a scope") && line.contains(&named)).count()
    };
    let wrong = UNKNOWN.into_iter().map(|name| (name, lines(name))).filter(|(_, lines)| *lines != 1);
    Ok(wrong
        .map(|(name, lines)| format!("the unknown scope {name:?} is in {lines} lines of the log"))
        .collect())
}

/// What a token opens. `number` keeps invitations apart.
async fn open(way: &Way, token: &str, number: usize) -> Result<Answers, Failure> {
    let key = json!({ "label": "k", "scopes": ["deals:read"] });
    let invitation = json!({ "email": format!("new{number}@acme.example"), "role": "viewer" });
    let asked = [
        ("GET /api/external/v2/me", None),
        ("GET /api/external/v2/deals", None),
        ("POST /api/external/v2/deals", Some(json!({ "title": "By token" }))),
        ("POST /api/external/v2/api-keys", Some(key)),
        ("POST /api/external/v2/account/team", Some(invitation)),
    ];
    let (mut client, mut answers) = (Client::new(way.clone(), honest(0)), [0; 5]);
    for (answer, (line, body)) in answers.iter_mut().zip(asked) {
        let body = body.map_or_else(String::new, |body| body.to_string());
        let authorization = format!("Bearer {token}");
        let headers = [("Authorization", authorization.as_str()), ("Content-Type", "application/json")];
        *answer = client.ask(&request(line, &headers, &body)).await.map_err(|cut| format!("{cut:?}"))?.status;
    }
    Ok(answers)
}

/// The bytes of a request: its method and target, its headers, its body.
pub(crate) fn request(line: &str, headers: &[(&str, &str)], body: &str) -> Vec<u8> {
    let headers: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    let length = body.len();
    format!("{line} HTTP/1.1\r\nHost: 127.0.0.1\r\n{headers}X-Origin-App: tests\r\nContent-Length: {length}\r\n\r\n{body}")
        .into_bytes()
}

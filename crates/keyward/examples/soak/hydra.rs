//! Ory Hydra as an issuer: started in memory, with an application of its own; login and consent are accepted through its admin
//! API, as the login application of an operator does.

use super::issuer::{AUDIENCE, Issuer, request};
use super::street::Failure;
use super::street::browser::Browser;
use super::street::http::{Answer, Client, Cut, Way};
use super::street::server::{Ended, text};
use serde_json::{Value, json};
use std::fs::File;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;
use tempfile::TempDir;
use tokio::time::sleep;
use url::{Url, form_urlencoded::Serializer};

/// Nothing listens there: the code is read from the redirect.
const CALLBACK: &str = "http://127.0.0.1:1/callback";
/// The pages of the login application, which are not there either.
const PAGES: &str = "http://127.0.0.1:1";
const CLIENT: &str = "spa";
/// What the application may ask for: scopes of ours, and one of another API.
const SCOPES: &str = "openid email deals:read deals:write account:write crm:write";
/// The example of RFC 7636, appendix B.
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
/// The claims of a token that its operator may set at its top. Hydra writes `scp` itself, whatever stands here.
const CLAIMS: [&str; 4] = ["email", "email_verified", "permissions", "scopes"];

/// Its setting `strategies.jwt.scope_claim`: the scopes are in `scp`, in `scope`, or in both.
pub(crate) const STYLES: [&str; 3] = ["list", "string", "both"];

/// Addresses that are tried, one after the other.
const ADDRESSES: u32 = 5;

/// A running Hydra. Dropping it ends it.
pub(crate) struct Hydra {
    _child: Ended,
    home: TempDir,
    url: String,
    style: &'static str,
    public: Way,
    admin: Way,
}

/// What an application gets for a person.
struct Tokens {
    access: String,
    id: String,
}

impl Hydra {
    /// Starts it with its scopes written in this style, and registers the application.
    pub(crate) async fn start(program: &Path, style: &'static str) -> Result<Self, Failure> {
        // Between the choice of an address and its use, a connection of somebody else may have taken it.
        for _ in 0..ADDRESSES {
            match Self::start_once(program, style).await {
                Err(error) if error.to_string().contains("address already in use") => {}
                started => return started,
            }
        }
        Err(format!("{ADDRESSES} addresses were taken, one after the other").into())
    }

    async fn start_once(program: &Path, style: &'static str) -> Result<Self, Failure> {
        let home = tempfile::tempdir()?;
        let (public, admin) = (free_address()?, free_address()?);
        let url = format!("http://{public}");
        let config = home.path().join("hydra.json");
        std::fs::write(&config, settings(public, admin, &url, style).to_string())?;
        let mut command = Command::new(program);
        command.env_clear().args(["serve", "all", "--dev", "--sqa-opt-out", "--config"]).arg(&config);
        command.current_dir(home.path()).stdin(Stdio::null()).stdout(Stdio::null());
        let child = Ended::new(command.stderr(File::create(home.path().join("log"))?).spawn()?);
        let [public, admin] = [public, admin].map(|address| Way::new(address, None));
        let mut hydra = Self { _child: child, home, url, style, public, admin };
        hydra.wait().await?;
        hydra.order("POST /admin/clients", &application()).await?;
        Ok(hydra)
    }

    fn log(&self) -> std::io::Result<String> {
        std::fs::read_to_string(self.home.path().join("log"))
    }

    /// Until it is ready.
    async fn wait(&self) -> Result<(), Failure> {
        for _ in 0..600 {
            let mut client = Client::new(self.admin.clone(), Ipv4Addr::LOCALHOST);
            let answer = client.ask(&request("GET /health/ready", &[], "")).await;
            if answer.is_ok_and(|answer| answer.status == 200) {
                return Ok(());
            }
            sleep(Duration::from_millis(100)).await;
            if self.log()?.contains("level=fatal") {
                break;
            }
        }
        let log = self.log()?;
        Err(format!("Hydra does not serve: {log}").into())
    }

    /// An order to its admin API.
    async fn order(&mut self, line: &str, body: &Value) -> Result<Value, Failure> {
        let body = request(line, &[("Content-Type", "application/json")], &body.to_string());
        json_of(ask(&self.admin, &body).await?)
    }

    /// Accepts a login or a consent; where the browser goes then.
    async fn accept(&mut self, what: &str, page: &Answer, body: &Value) -> Result<String, Failure> {
        let challenge = parameter(page, &format!("{what}_challenge"))?;
        let query =
            Serializer::new(String::new()).append_pair(&format!("{what}_challenge"), &challenge).finish();
        let line = format!("PUT /admin/oauth2/auth/requests/{what}/accept?{query}");
        let next = Url::parse(text(&self.order(&line, body).await?, "redirect_to"))?;
        Ok(format!("{}?{}", next.path(), next.query().unwrap_or_default()))
    }

    /// Signs the demo's admin in with a browser of its own; the code that the application is given.
    async fn code(&mut self, scopes: &str, audiences: &[&str], claims: &Value) -> Result<String, Failure> {
        let mut browser = Browser::new(self.public.clone(), Ipv4Addr::LOCALHOST);
        let page = browser.page(&authorization(scopes, audiences)).await.map_err(cut)?;
        let next = self.accept("login", &page, &json!({ "subject": "admin" })).await?;
        let page = browser.page(&next).await.map_err(cut)?;
        let granted: Vec<&str> = scopes.split(' ').collect();
        let session = json!({ "access_token": claims });
        let consent =
            json!({ "grant_scope": granted, "grant_access_token_audience": audiences, "session": session });
        let next = self.accept("consent", &page, &consent).await?;
        parameter(&browser.page(&next).await.map_err(cut)?, "code")
    }

    /// What the application gets for the demo's admin, who grants it these scopes.
    async fn tokens(&mut self, scopes: &str, audiences: &[&str], added: &Value) -> Result<Tokens, Failure> {
        let mut claims = json!({ "email": "admin@acme.example", "email_verified": true });
        if let (Some(claims), Some(added)) = (claims.as_object_mut(), added.as_object()) {
            claims.extend(added.clone());
        }
        let code = self.code(scopes, audiences, &claims).await?;
        let form = [
            ("grant_type", "authorization_code"),
            ("client_id", CLIENT),
            ("redirect_uri", CALLBACK),
            ("code", &code),
            ("code_verifier", VERIFIER),
        ];
        let body = Serializer::new(String::new()).extend_pairs(form).finish();
        let form = [("Content-Type", "application/x-www-form-urlencoded")];
        let answer = json_of(ask(&self.public, &request("POST /oauth2/token", &form, &body)).await?)?;
        Ok(Tokens {
            access: text(&answer, "access_token").to_owned(),
            id: text(&answer, "id_token").to_owned(),
        })
    }
}

impl Issuer for Hydra {
    fn url(&self) -> &str {
        &self.url
    }

    fn entry(&self) -> &str {
        "accept_typ = [\"JWT\"]"
    }

    fn writes_scp(&self) -> bool {
        self.style != "string"
    }

    fn can_add(&self, claim: &str) -> bool {
        CLAIMS.contains(&claim)
    }

    async fn token(&mut self, scopes: &str, claims: &Value) -> Result<String, Failure> {
        Ok(self.tokens(scopes, &[AUDIENCE], claims).await?.access)
    }

    async fn others(&mut self) -> Result<Vec<(&'static str, String)>, Failure> {
        let good = self.tokens("openid email deals:read", &[AUDIENCE], &Value::Null).await?;
        let without = self.tokens("openid email deals:read", &[], &Value::Null).await?;
        Ok(vec![("its ID token", good.id), ("without an audience", without.access)])
    }
}

fn settings(public: SocketAddr, admin: SocketAddr, url: &str, style: &str) -> Value {
    let listen = |address: SocketAddr| json!({ "host": address.ip().to_string(), "port": address.port() });
    json!({
        "dsn": "memory",
        "serve": { "public": listen(public), "admin": listen(admin) },
        "urls": { "self": { "issuer": url }, "login": format!("{PAGES}/login"), "consent": format!("{PAGES}/consent") },
        "secrets": { "system": ["not a secret: it ends with the soak"] },
        "strategies": { "access_token": "jwt", "jwt": { "scope_claim": style } },
        "oauth2": { "allowed_top_level_claims": CLAIMS },
        "log": { "level": "error" },
    })
}

fn application() -> Value {
    json!({
        "client_id": CLIENT,
        "token_endpoint_auth_method": "none",
        "grant_types": ["authorization_code"],
        "response_types": ["code"],
        "redirect_uris": [CALLBACK],
        "scope": SCOPES,
        "audience": [AUDIENCE],
    })
}

/// The target of an authorization request.
fn authorization(scopes: &str, audiences: &[&str]) -> String {
    let audiences = audiences.join(" ");
    let query = [
        ("response_type", "code"),
        ("client_id", CLIENT),
        ("redirect_uri", CALLBACK),
        ("scope", scopes),
        ("audience", &audiences),
        ("state", "the-state-of-the-soak"),
        ("code_challenge", CHALLENGE),
        ("code_challenge_method", "S256"),
    ];
    format!("/oauth2/auth?{}", Serializer::new(String::new()).extend_pairs(query).finish())
}

/// Free until a moment ago.
fn free_address() -> Result<SocketAddr, Failure> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?)
}

async fn ask(way: &Way, request: &[u8]) -> Result<Answer, Failure> {
    Client::new(way.clone(), Ipv4Addr::LOCALHOST).ask(request).await.map_err(cut)
}

fn cut(cut: Cut) -> Failure {
    format!("Hydra did not answer: {cut:?}").into()
}

fn json_of(answer: Answer) -> Result<Value, Failure> {
    match answer.status {
        200..300 => Ok(serde_json::from_slice(&answer.body)?),
        status => Err(format!("Hydra answers {status}: {}", answer.text()).into()),
    }
}

/// A parameter of the address that an answer redirects to.
fn parameter(answer: &Answer, name: &str) -> Result<String, Failure> {
    let to = answer.header("location").ok_or_else(|| format!("no redirect: {}", answer.text()))?;
    let url = Url::parse(to)?;
    let found = url.query_pairs().find(|(own, _)| own == name).map(|(_, value)| value.into_owned());
    found.ok_or_else(|| format!("no {name} in {to}").into())
}

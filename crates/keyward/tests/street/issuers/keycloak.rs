//! Keycloak, with a realm that is set up as the guide says, and with the mapper that has its access tokens hold `nonce`.

use super::Issuer;
use super::curl::{Browser, CALLBACK, authorization, redeemed, serving};
use crate::clients::{program, target};
use serde_json::{Value, json};
use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::Duration;
use tempfile::TempDir;

const AUDIENCE: &str = "https://api.acme.example/api";
/// Of the realm's user and of its administrator.
const PASSWORD: &str = "not-a-secret-it-ends-with-the-test";

pub(super) struct Keycloak {
    home: TempDir,
    address: SocketAddr,
    child: Child,
}

/// Where `cargo xtask soak street` has unpacked it.
fn unpacked() -> PathBuf {
    target("keycloak").join("keycloak")
}

impl Keycloak {
    pub(super) fn start() -> Self {
        let home = tempfile::tempdir().unwrap();
        // What an earlier run left in its database.
        let _ = std::fs::remove_dir_all(unpacked().join("data"));
        let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let child = Self::spawned(&home, address);
        let mut keycloak = Self { home, address, child };
        keycloak.wait();
        keycloak.set_up();
        keycloak
    }

    fn spawned(home: &TempDir, address: SocketAddr) -> Child {
        let log = std::fs::File::create(home.path().join("log")).unwrap();
        let mut command = program(unpacked().join("bin/kc.sh"));
        command.env("HOME", home.path()).env("JAVA_OPTS_KC_HEAP", "-Xms256m -Xmx768m");
        command.env("KC_BOOTSTRAP_ADMIN_USERNAME", "operator").env("KC_BOOTSTRAP_ADMIN_PASSWORD", PASSWORD);
        command.args(["start-dev", "--http-host=127.0.0.1"]).arg(format!("--http-port={}", address.port()));
        command.arg(format!("--hostname=http://{address}"));
        command.stdin(Stdio::null()).stderr(log.try_clone().unwrap()).stdout(log);
        command
            .spawn()
            .unwrap_or_else(|error| panic!("no Keycloak: {error}; `cargo xtask soak street` brings it"))
    }

    fn wait(&mut self) {
        let log = self.home.path().join("log");
        serving(&mut self.child, &format!("http://{}/realms/master", self.address), &log);
    }

    /// A call of its admin API; an answer without a body is null.
    fn call(&self, method: &str, path: &str, body: &Value) -> Value {
        let (browser, base) = (Browser::new(), format!("http://{}", self.address));
        let operator = [
            ("grant_type", "password"),
            ("client_id", "admin-cli"),
            ("username", "operator"),
            ("password", PASSWORD),
        ];
        let token =
            browser.form(&format!("{base}/realms/master/protocol/openid-connect/token"), &operator).json();
        let page =
            browser.json(method, &format!("{base}/admin/realms{path}"), token["access_token"].as_str(), body);
        assert!((200..300).contains(&page.status), "{method} {path}: {} {}", page.status, page.body);
        serde_json::from_str(&page.body).unwrap_or(Value::Null)
    }

    fn set_up(&self) {
        let mapper = |name: &str, kind: &str, config: Value| json!({ "name": name, "protocol": "openid-connect", "protocolMapper": kind, "config": config });
        let audience = json!({ "included.custom.audience": AUDIENCE, "access.token.claim": "true", "id.token.claim": "false" });
        let mappers = [
            mapper("audience", "oidc-audience-mapper", audience),
            mapper("nonce", "oidc-nonce-backwards-compatible-mapper", json!({})),
        ];
        let client = json!({
            "clientId": "spa", "publicClient": true, "standardFlowEnabled": true, "redirectUris": [CALLBACK],
            "protocolMappers": mappers,
        });
        let user = json!({
            "username": "admin", "email": "admin@acme.example", "emailVerified": true, "enabled": true, "firstName": "A",
            "lastName": "D", "credentials": [{ "type": "password", "value": PASSWORD, "temporary": false }],
        });
        let realm = json!({ "realm": "acme", "enabled": true, "sslRequired": "none", "clients": [client], "users": [user] });
        self.call("POST", "", &realm);
    }

    /// Sends SIGTERM to Keycloak, which its shell has become.
    fn ended(&mut self) {
        let _ = Command::new("sh").args(["-c", &format!("kill -TERM {}", self.child.id())]).status();
        for _ in 0..300 {
            if self.child.try_wait().unwrap().is_some() {
                return;
            }
            sleep(Duration::from_millis(100));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Issuer for Keycloak {
    fn url(&self) -> String {
        format!("http://{}/realms/acme", self.address)
    }

    fn audience(&self) -> String {
        AUDIENCE.to_owned()
    }

    fn token(&mut self) -> String {
        let (browser, endpoint) = (Browser::new(), format!("{}/protocol/openid-connect", self.url()));
        let page = browser.get(&authorization(&format!("{endpoint}/auth"), "openid email", &[]));
        let form = page.body.split("action=\"").nth(1).unwrap_or_else(|| panic!("no form: {}", page.body));
        let action = form.split('"').next().unwrap().replace("&amp;", "&");
        let page = browser.form(&action, &[("username", "admin"), ("password", PASSWORD)]);
        redeemed(&browser, &format!("{endpoint}/token"), &page.parameter("code"))
    }

    fn rotate(&mut self) -> bool {
        let realm = self.call("GET", "/acme", &Value::Null);
        let key = json!({
            "name": "rotated", "providerId": "rsa-generated", "providerType": "org.keycloak.keys.KeyProvider",
            "parentId": realm["id"],
            "config": { "priority": ["200"], "enabled": ["true"], "active": ["true"], "algorithm": ["RS256"] },
        });
        self.call("POST", "/acme/components", &key);
        true
    }

    fn restart(&mut self) -> bool {
        self.ended();
        self.child = Self::spawned(&self.home, self.address);
        self.wait();
        true
    }
}

impl Drop for Keycloak {
    fn drop(&mut self) {
        self.ended();
    }
}

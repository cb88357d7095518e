//! What the scopes in the tokens of a real issuer open, with the table of `tests/rigs/issuer.rs`.

use crate::issuer::{AUDIENCE, Issuer, judge};
use crate::outside::{Outside, configured};
use crate::street::Failure;
use crate::street::server::Town;
use crate::support::{keyward, run, text};
use serde_json::Value;
use std::path::Path;
use url::form_urlencoded::byte_serialize;

/// A program of `tests/clients/issuer`, and what its entry needs.
struct Program {
    outside: Outside,
    entry: &'static str,
}

impl Issuer for Program {
    fn url(&self) -> &str {
        &self.outside.issuer
    }

    fn entry(&self) -> &str {
        self.entry
    }

    async fn token(&mut self, scopes: &str, claims: &Value) -> Result<String, Failure> {
        let json: String = byte_serialize(claims.to_string().as_bytes()).collect();
        self.outside.control("POST", &format!("/claims?json={json}"));
        let answer = self.outside.signed_in("admin", scopes);
        Ok(answer["access_token"].as_str().ok_or("no access token")?.to_owned())
    }

    async fn others(&mut self) -> Result<Vec<(&'static str, String)>, Failure> {
        let answer = self.outside.signed_in("admin", "openid email deals:read");
        Ok(vec![("its ID token", answer["id_token"].as_str().ok_or("no ID token")?.to_owned())])
    }
}

/// The same answers as tokens get that the tests sign: `api/token_scopes.rs` has the whole table.
#[tokio::test]
async fn what_a_real_issuer_writes_into_its_tokens_opens_what_it_says_and_nothing_else() {
    let town = Town::found(Path::new(env!("CARGO_BIN_EXE_keyward"))).await.unwrap();
    for (program, entry) in [("oidc.mjs", ""), ("better-auth.mjs", "algorithms = [\"EdDSA\"]")] {
        let mut issuer = Program { outside: Outside::of(program, AUDIENCE), entry };
        let report = judge(&town, &mut issuer).await.unwrap();
        println!("{program}\n{report}");
        assert!(report.faults().is_empty(), "{program}: {:#?}", report.faults());
    }
}

#[test]
fn the_doctor_says_what_narrows_a_token_and_what_it_does_not_understand() {
    let outside = Outside::start();
    let home = tempfile::tempdir().unwrap();
    let config = configured(&home, &outside.issuer, "");
    let file = home.path().join("token");
    let judge = |token: &str| {
        std::fs::write(&file, token).unwrap();
        let arguments =
            ["doctor", "--issuer", &outside.issuer, "--config", text(&config), "--token", text(&file)];
        let output = run(&mut keyward(&arguments));
        (output.status.code(), String::from_utf8(output.stdout).unwrap())
    };
    let (code, said) = judge(&outside.token("admin"));
    assert!(
        code == Some(0) && said.contains("ok     the token is taken; its subject is \"admin\""),
        "{said}"
    );
    assert!(said.contains("nothing narrows the token"), "{said}");
    assert!(said.contains("these are this API's: ") && said.contains("\"deals:read\""), "{said}");
    outside.control("POST", "/claims?json=%7B%22scp%22%3A%5B%22Deals.Read%22%5D%7D");
    let (code, said) = judge(&format!("{}\n", outside.token("admin")));
    assert_eq!(code, Some(0), "{said}");
    let told = "note   scp narrows it to nothing but /me. Not scopes of this API: \"Deals.Read\"";
    assert!(said.contains(told), "{said}");
    let (code, said) = judge("a.b.c");
    assert!(code == Some(1) && said.contains("WRONG  the token is refused, token_malformed"), "{said}");
}

//! Issuers that are not ours, as processes, and a server that trusts them by the entries of `docs/guides/issuers.md`: people sign in
//! there, keys rotate, both sides restart, and clocks differ.
//!
//! | file | what |
//! | --- | --- |
//! | `trusting.rs` | a server with an entry of the guide, on a machine whose clock can differ |
//! | `node.rs` | oidc-provider and better-auth |
//! | `hydra.rs`, `keycloak.rs` | the two that only the soak has |
//! | `curl.rs` | a person with a browser, request by request |
//!
//! `tests/process/outside_*.rs` have what the scopes of the first two open, and their outages.

mod curl;
mod hydra;
mod keycloak;
mod node;
mod trusting;

use trusting::{Entry, Trusting};

/// An issuer that runs.
trait Issuer {
    /// It, as `iss` has it.
    fn url(&self) -> String;
    /// The audience of its tokens.
    fn audience(&self) -> String;
    /// An access token for the demo's admin, who signs in.
    fn token(&mut self) -> String;
    /// Signs with another key from now on, if it can be told to.
    fn rotate(&mut self) -> bool;
    /// Ends, and serves again at the same address with what it had, if it can.
    fn restart(&mut self) -> bool;
}

/// By how much the clocks of the two differ, in seconds: more than is allowed if nothing is said, and less than can be allowed.
const APART: i64 = 120;

/// All that has to hold for an issuer with the guide's entry in this file.
fn holds(issuer: &mut impl Issuer, file: &str) {
    let entry = Entry::of_guide(file, issuer);
    let token = issuer.token();
    every_line_is_needed(&entry, &token);
    let mut trusting = Trusting::start(&entry, 0);
    assert_eq!(trusting.email(&token).as_deref(), Some("admin@acme.example"), "{file}");
    if issuer.rotate() {
        let fresh = issuer.token();
        assert_ne!(kid(&fresh), kid(&token), "{file}: another key signs");
        assert_eq!(
            (trusting.status(&fresh), trusting.status(&token)),
            (200, 200),
            "{file}, after a rotation"
        );
    }
    trusting.restart();
    assert_eq!(trusting.status(&issuer.token()), 200, "{file}, after a restart of the server");
    assert_eq!(trusting.status(&token), 200, "{file}, a token of before");
    if issuer.restart() {
        assert_eq!(trusting.status(&token), 200, "{file}, a token of before the issuer's restart");
        assert_eq!(trusting.status(&issuer.token()), 200, "{file}, after a restart of the issuer");
    }
    clocks_may_differ(issuer, &entry);
}

/// Without the entry, or without a line of it, nobody comes in, and `keyward explain` names the setting.
fn every_line_is_needed(entry: &Entry, token: &str) {
    let told = Trusting::start(&entry.for_another_issuer(), 0).explained(token);
    assert!(told.contains("No [[issuers]] entry has issuer"), "{told}");
    for (setting, rest) in entry.without_each_line() {
        let told = Trusting::start(&rest, 0).explained(token);
        println!("without {setting}: {told}");
        assert!(told.contains(&setting), "without {setting}: {told}");
    }
}

fn clocks_may_differ(issuer: &mut impl Issuer, entry: &Entry) {
    let told = Trusting::start(entry, -APART).explained(&issuer.token());
    assert!(told.contains("leeway_seconds"), "{told}");
    let wide = entry.with("leeway_seconds = 300");
    for ahead in [-APART, APART] {
        assert_eq!(
            Trusting::start(&wide, ahead).status(&issuer.token()),
            200,
            "the clock is {ahead} s ahead"
        );
    }
}

/// The name of the key that signed a token.
fn kid(token: &str) -> String {
    use base64::Engine;
    let head = token.split('.').next().unwrap();
    let head = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(head).unwrap();
    let head: serde_json::Value = serde_json::from_slice(&head).unwrap();
    head["kid"].as_str().unwrap().to_owned()
}

#[test]
fn oidc_provider_is_trusted_by_the_guides_entry_through_rotation_restarts_and_other_clocks() {
    holds(&mut node::Program::start("oidc.mjs"), "oidc-provider.toml");
}

#[test]
fn better_auth_is_trusted_by_the_guides_entry_through_restarts_and_other_clocks() {
    holds(&mut node::Program::start("better-auth.mjs"), "better-auth.toml");
}

#[test]
#[ignore = "Keycloak takes a minute: `cargo xtask soak street keycloak`"]
fn keycloak_is_trusted_by_the_guides_entry_through_rotation_restarts_and_other_clocks() {
    holds(&mut keycloak::Keycloak::start(), "keycloak.toml");
}

#[test]
#[ignore = "Hydra takes ten minutes to build: `cargo xtask soak street hydra`"]
fn hydra_is_trusted_by_the_guides_entry_through_rotation_restarts_and_other_clocks() {
    holds(&mut hydra::Hydra::start(), "hydra.toml");
}

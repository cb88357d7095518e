//! The guide's entries for Auth0, and its tokens in both profiles. Those of the other issuers are in `issuer_guide.rs`.

use keyward::config::{Flags, IssuerConfig, load};
use keyward_core::clock::Timestamp;
use keyward_core::denial::Denial;
use keyward_core::grant::Grant;
use keyward_core::jwt::{KeySet, Token, Verified};
use keyward_core::scope::{Scope, ScopeSet};
use keyward_testkit::START;
use keyward_testkit::issuer::{SigningKey, key_set};
use serde_json::{Value, json};
use std::path::Path;
use std::sync::LazyLock;

/// The text of the file of this name in the guide.
pub(crate) fn block(file: &str) -> String {
    let guide = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/guides/issuers.md");
    let guide = std::fs::read_to_string(guide).unwrap();
    let mark = format!("# {file}\n");
    let block = guide.split("```toml\n").find(|block| block.starts_with(&mark));
    let text = block.unwrap_or_else(|| panic!("no block {file}")).split("```").next().unwrap();
    text.to_owned()
}

/// The entry in a configuration.
pub(crate) fn entry_of(text: &str) -> IssuerConfig {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("keyward.toml");
    std::fs::write(&path, text).unwrap();
    let config = load(&Flags { file: Some(path), ..Flags::default() }, &Default::default()).unwrap();
    config.issuers.into_iter().next().unwrap()
}

/// The entry in the guide's file of this name.
fn entry(file: &str) -> IssuerConfig {
    entry_of(&block(file))
}

const KID: &str = "NjVBRjY5MDlCMUIwNzU4RTA2QzZFMDQ4QzQ2MDAyQjVDNjk1RTM2Qg";

/// One key of each kind for all tokens.
fn key_of(alg: &str) -> SigningKey {
    static ED: LazyLock<SigningKey> = LazyLock::new(|| SigningKey::ed(KID));
    match alg {
        "EdDSA" => ED.clone(),
        _ => SigningKey::rsa(0, KID),
    }
}

/// A token of these claims.
pub(crate) fn token_of(alg: &str, typ: Option<&str>, claims: &Value) -> String {
    let key = key_of(alg);
    let mut header = key.header(typ.unwrap_or_default());
    if typ.is_none() {
        header.as_object_mut().unwrap().remove("typ");
    }
    key.token_of(&header.to_string(), &claims.to_string())
}

/// What the entry makes of a token.
pub(crate) fn judged(entry: &IssuerConfig, alg: &str, text: &str) -> Result<Verified, Denial> {
    let set = KeySet::parse(&key_set(&[&key_of(alg)])).unwrap();
    let token = Token::read(text, entry.max_token_bytes)?;
    let rules = entry.rules();
    rules.header(&token)?;
    rules.claims(&token, set.keys().next().unwrap(), Timestamp::from_unix(START))
}

fn judge(entry: &IssuerConfig, typ: &str, claims: &Value) -> Result<Verified, Denial> {
    judged(entry, "RS256", &token_of("RS256", Some(typ), claims))
}

/// What Auth0 puts into a token for a person of its usual profile.
fn usual(entry: &IssuerConfig) -> Value {
    json!({
        "iss": entry.issuer,
        "sub": "auth0|5f7c8ec7c33c6c004bbafe82",
        "aud": [entry.audience[0], format!("{}userinfo", entry.issuer)],
        "iat": START,
        "exp": START + 86_400,
        "azp": "my_client_id",
        "scope": "openid profile email offline_access",
    })
}

pub(crate) fn add(claims: &mut Value, more: Value) {
    claims.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
}

#[test]
fn the_usual_profile() {
    let entry = entry("auth0.toml");
    assert!(entry.issuer.starts_with("https://") && entry.issuer.ends_with(".auth0.com/"));
    let mut claims = usual(&entry);
    let verified = judge(&entry, "JWT", &claims).unwrap();
    assert_eq!(
        (&*verified.subject, verified.client.as_deref()),
        ("auth0|5f7c8ec7c33c6c004bbafe82", Some("my_client_id"))
    );
    assert_eq!((verified.grant, verified.email.as_deref()), (Grant::FullAccess, None));
    // With the Action of the guide, and permissions of its RBAC.
    add(
        &mut claims,
        json!({
            (entry.email_claim.as_str()): "Alice@acme.example",
            (entry.email_verified_claim.as_str()): true,
            "permissions": ["deals:read", "account:read", "other:thing"],
        }),
    );
    assert!(entry.email_claim.starts_with("https://"), "a name with a namespace");
    let verified = judge(&entry, "JWT", &claims).unwrap();
    assert_eq!(verified.email.as_deref(), Some("alice@acme.example"));
    let both = ScopeSet::NONE.with(Scope::DealsRead).with(Scope::AccountRead);
    assert_eq!(verified.grant, Grant::Fixed(both));
    // One audience as a text; without openid there is no userinfo in it.
    add(&mut claims, json!({ "aud": entry.audience[0] }));
    judge(&entry, "JWT", &claims).unwrap();
    // An ID token: its audience is the client. And a token for userinfo alone.
    let id_token = json!({
        "iss": entry.issuer, "sub": "auth0|1", "aud": "my_client_id", "iat": START, "exp": START + 36_000,
        "nickname": "alice", "email": "alice@acme.example", "email_verified": true, "sid": "s", "nonce": "n",
    });
    assert_eq!(judge(&entry, "JWT", &id_token).unwrap_err(), Denial::TokenAudience);
    let mut meant = id_token.clone();
    add(&mut meant, json!({ "aud": entry.audience[0], "azp": "my_client_id" }));
    assert_eq!(judge(&entry, "JWT", &meant).unwrap_err(), Denial::TokenType);
    add(&mut claims, json!({ "aud": format!("{}userinfo", entry.issuer) }));
    assert_eq!(judge(&entry, "JWT", &claims).unwrap_err(), Denial::TokenAudience);
    // The slash at the end of the issuer.
    let mut claims = usual(&entry);
    add(&mut claims, json!({ "iss": entry.issuer.trim_end_matches('/') }));
    assert_eq!(judge(&entry, "JWT", &claims).unwrap_err(), Denial::TokenIssuer);
}

#[test]
fn the_profile_of_rfc_9068() {
    let entry = entry("auth0-rfc9068.toml");
    let mut claims = usual(&entry);
    claims.as_object_mut().unwrap().remove("azp");
    add(&mut claims, json!({ "client_id": "my_client_id", "jti": "EqQiEwTrXvyWEZVqtpVWZS" }));
    let verified = judge(&entry, "at+jwt", &claims).unwrap();
    assert_eq!(verified.client.as_deref(), Some("my_client_id"));
    // Its other profile is not taken beside it.
    assert_eq!(judge(&entry, "JWT", &usual(&entry)).unwrap_err(), Denial::TokenType);
}

/// The last permission is taken away.
#[test]
fn with_rbac_a_user_without_permissions_has_none_and_without_rbac_the_role_decides() {
    let entry = entry("auth0.toml");
    let grant = |more: Value| {
        let mut claims = usual(&entry);
        add(&mut claims, more);
        judge(&entry, "JWT", &claims).unwrap().grant
    };
    assert_eq!(grant(json!({})), Grant::FullAccess);
    assert_eq!(
        grant(json!({ "permissions": ["deals:read"] })),
        Grant::Fixed(ScopeSet::NONE.with(Scope::DealsRead))
    );
    assert_eq!(grant(json!({ "permissions": [] })), Grant::Fixed(ScopeSet::NONE));
    let asked = json!({ "scope": "openid deals:read" });
    assert_eq!(grant(asked), Grant::Fixed(ScopeSet::NONE.with(Scope::DealsRead)));
}

//! The guide's entries, and tokens of the forms that each issuer gives out: Auth0's in both profiles, and what others write into
//! the claims of scopes.

use keyward::config::{Flags, IssuerConfig, load};
use keyward_core::clock::Timestamp;
use keyward_core::denial::Denial;
use keyward_core::jwt::{KeySet, Token, Verified};
use keyward_core::principal::Grant;
use keyward_core::scope::{Scope, ScopeSet};
use keyward_testkit::START;
use keyward_testkit::issuer::{SigningKey, key_set};
use serde_json::{Value, json};
use std::path::Path;

/// The entry in the guides' file of this name.
fn entry(file: &str) -> IssuerConfig {
    let guides = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/guides");
    let guides =
        ["issuers.md", "token-scopes.md"].map(|page| std::fs::read_to_string(guides.join(page)).unwrap());
    let guide = guides.concat();
    let mark = format!("# {file}\n");
    let block = guide.split("```toml\n").find(|block| block.starts_with(&mark));
    let text = block.unwrap_or_else(|| panic!("no block {file}")).split("```").next().unwrap();
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join(file);
    std::fs::write(&path, text).unwrap();
    let config = load(&Flags { file: Some(path), ..Flags::default() }, &Default::default()).unwrap();
    config.issuers.into_iter().next().unwrap()
}

fn judge(entry: &IssuerConfig, typ: &str, claims: &Value) -> Result<Verified, Denial> {
    judge_as(entry, Some(typ), claims)
}

fn judge_as(entry: &IssuerConfig, typ: Option<&str>, claims: &Value) -> Result<Verified, Denial> {
    let key = SigningKey::rsa(0, "NjVBRjY5MDlCMUIwNzU4RTA2QzZFMDQ4QzQ2MDAyQjVDNjk1RTM2Qg");
    let set = KeySet::parse(&key_set(&[&key])).unwrap();
    let mut header = key.header(typ.unwrap_or_default());
    if typ.is_none() {
        header.as_object_mut().unwrap().remove("typ");
    }
    let text = key.token_of(&header.to_string(), &claims.to_string());
    let token = Token::read(&text, entry.max_token_bytes)?;
    let rules = entry.rules();
    rules.header(&token)?;
    rules.claims(&token, set.keys().next().unwrap(), Timestamp::from_unix(START))
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

fn add(claims: &mut Value, more: Value) {
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

#[test]
fn the_guides_other_entries_read_the_scopes_of_their_issuers() {
    let (role, jwt) = (None, Some("JWT"));
    // The guide's file, `typ`, what the issuer writes, and the scopes that are left; none: the role decides.
    let table = [
        ("hydra.toml", jwt, json!({ "client_id": "c", "scp": ["openid", "deals:read"] }), Some("deals:read")),
        ("hydra.toml", jwt, json!({ "client_id": "c", "scp": ["openid", "offline"] }), Some("")),
        ("hydra.toml", jwt, json!({ "client_id": "c", "scp": [] }), Some("")),
        (
            "okta.toml",
            None,
            json!({ "cid": "c", "uid": "u", "scp": ["openid", "deals:read"] }),
            Some("deals:read"),
        ),
        ("okta.toml", None, json!({ "cid": "c", "uid": "u", "scp": ["openid", "profile"] }), Some("")),
        ("entra.toml", jwt, json!({ "azp": "c", "scp": "Deals.Read" }), Some("deals:read pipelines:read")),
        (
            "entra.toml",
            jwt,
            json!({ "azp": "c", "scp": "User.Read Deals.ReadWrite" }),
            Some("deals:read deals:write pipelines:read"),
        ),
        ("entra.toml", jwt, json!({ "azp": "c", "scp": "access_as_user" }), Some("")),
        (
            "cognito.toml",
            None,
            json!({ "client_id": "c", "scope": "openid api/deals:read" }),
            Some("deals:read"),
        ),
        (
            "cognito.toml",
            None,
            json!({ "client_id": "c", "scope": "aws.cognito.signin.user.admin" }),
            Some(""),
        ),
        ("cognito.toml", None, json!({ "client_id": "c", "scope": "openid email" }), role),
        ("keycloak.toml", jwt, json!({ "azp": "c", "scope": "profile email" }), role),
        (
            "keycloak.toml",
            jwt,
            json!({ "azp": "c", "scope": "profile email deals:read" }),
            Some("deals:read"),
        ),
        ("keycloak.toml", jwt, json!({ "azp": "c" }), role),
    ];
    for (file, typ, more, left) in table {
        let entry = entry(file);
        let mut claims = json!({ "iss": entry.issuer, "aud": entry.audience, "sub": "ada", "iat": START, "exp": START + 300 });
        add(&mut claims, more.clone());
        let grant = judge_as(&entry, typ, &claims).unwrap().grant;
        let expected =
            left.map_or(Grant::FullAccess, |left| Grant::Fixed(ScopeSet::from_text(left).unwrap()));
        assert_eq!(grant, expected, "{file} {more}");
    }
}

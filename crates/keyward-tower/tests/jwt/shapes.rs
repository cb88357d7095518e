//! Access tokens that do not look as RFC 9068 has them, taken where the entry says so; the other tokens of the same issuers are not.

use crate::door::{API, Door, ISSUER, rules, set};
use keyward_core::jwt::{Rules, Typ};
use keyward_testkit::START;
use keyward_testkit::issuer::SigningKey;
use serde_json::{Value, json};

/// How a token with these claims besides is refused by an issuer's rules; `None`: it is taken.
fn refusal(rules: &Rules, typ: Option<&str>, more: &Value) -> Option<&'static str> {
    let key = SigningKey::rsa(0, "k");
    let door = Door::of(vec![(rules.clone(), set(&[&key]))]);
    let mut header = key.header(typ.unwrap_or_default());
    if typ.is_none() {
        header.as_object_mut().unwrap().remove("typ");
    }
    let mut claims = json!({ "iss": ISSUER, "sub": "alice", "iat": START, "exp": START + 300 });
    claims.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    door.ask(&key.token_of(&header.to_string(), &claims.to_string()))
        .err()
        .flatten()
        .map(|denial| denial.word())
}

#[test]
fn without_aud_the_claim_that_the_entry_names_says_whom_a_token_is_for() {
    let (audiences, kinds) = (vec![API.to_owned(), "spa".to_owned()], vec![Typ::Absent]);
    let by_client = Rules { audiences, kinds, audience_claim: Some("client_id"), ..rules(ISSUER) };
    for (claims, word) in [
        // As Cognito writes them, and issuers with an empty list.
        (json!({ "client_id": "spa", "token_use": "access", "scope": "openid" }), None),
        (json!({ "client_id": "spa", "aud": [] }), None),
        // For somebody else.
        (json!({ "client_id": "other", "token_use": "access" }), Some("token_audience")),
        (json!({ "azp": "spa" }), Some("token_audience")),
        (json!({ "client_id": "spa", "aud": "other" }), Some("token_audience")),
        (json!({}), Some("token_audience")),
        // With an `aud` it is judged by that.
        (json!({ "client_id": "other", "aud": API }), None),
        (json!({ "client_id": "spa", "aud": [API, "x"] }), None),
        // ID tokens: their `aud` is the client.
        (json!({ "aud": "spa", "token_use": "id" }), Some("token_type")),
        (json!({ "aud": "spa", "azp": "spa" }), Some("token_type")),
        (json!({ "aud": ["spa"], "client_id": "spa" }), Some("token_type")),
        (json!({ "aud": ["spa", API], "client_id": "spa" }), Some("token_type")),
        (json!({ "aud": "spa", "scope": "openid" }), Some("token_type")),
        // Of another use, or with the marks of an ID token.
        (json!({ "client_id": "spa", "token_use": "id" }), Some("token_type")),
        (json!({ "client_id": "spa", "nonce": "n" }), Some("token_type")),
        (json!({ "client_id": "spa", "at_hash": "h" }), Some("token_type")),
        // A wrong type is never an absent one.
        (json!({ "client_id": "spa", "aud": null }), Some("token_claims")),
        (json!({ "client_id": "spa", "aud": [1] }), Some("token_claims")),
        (json!({ "client_id": ["spa"] }), Some("token_claims")),
        (json!({ "client_id": "spa", "token_use": 1 }), Some("token_claims")),
    ] {
        assert_eq!(refusal(&by_client, None, &claims), word, "{claims}");
    }
    // Unless the entry says so, a token without `aud` is nobody's; and `azp` stands in only where it is named.
    let usual = Rules { audience_claim: None, ..by_client.clone() };
    for claims in [json!({ "client_id": "spa" }), json!({ "client_id": "spa", "aud": [] })] {
        assert_eq!(refusal(&usual, None, &claims), Some("token_audience"), "{claims}");
    }
    let by_party = Rules { audience_claim: Some("azp"), ..by_client };
    assert_eq!(refusal(&by_party, None, &json!({ "azp": "spa" })), None);
    assert_eq!(refusal(&by_party, None, &json!({ "client_id": "spa" })), Some("token_audience"));
    // An ID token for the back end of a mobile application.
    let mobile = json!({ "aud": "spa", "azp": "android" });
    assert_eq!(refusal(&by_party, None, &mobile), Some("token_type"));
    assert_eq!(refusal(&by_party, None, &json!({ "aud": API, "azp": "android" })), Some("token_type"));
    let marked = json!({ "aud": API, "azp": "android", "token_use": "access" });
    assert_eq!(refusal(&by_party, None, &marked), None);
}

#[test]
fn a_nonce_makes_no_id_token_of_what_its_issuer_marks_as_an_access_token() {
    let kinds = vec![Typ::AccessToken, Typ::Jwt];
    let marked = Rules { kinds, payload_typ: Some("Bearer"), ..rules(ISSUER) };
    let with = |more: Value| {
        let mut claims = json!({ "aud": API, "azp": "spa" });
        claims.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        claims
    };
    for (claims, word) in [
        (json!({ "typ": "Bearer" }), None),
        (json!({ "typ": "Bearer", "nonce": "n" }), None),
        (json!({ "typ": "Bearer", "nonce": "n", "at_hash": "h" }), Some("token_type")),
        (json!({ "typ": "Bearer", "c_hash": "h" }), Some("token_type")),
        (json!({ "typ": "Bearer", "events": {} }), Some("token_type")),
        (json!({ "typ": "ID", "nonce": "n" }), Some("token_type")),
        (json!({ "typ": "Refresh" }), Some("token_type")),
        (json!({ "typ": "bearer" }), Some("token_type")),
        (json!({ "nonce": "n" }), Some("token_type")),
        (json!({}), Some("token_type")),
        (json!({ "typ": ["Bearer"] }), Some("token_claims")),
    ] {
        assert_eq!(refusal(&marked, Some("JWT"), &with(claims.clone())), word, "{claims}");
    }
    // Also where the header says what it is.
    assert_eq!(refusal(&marked, Some("at+jwt"), &with(json!({ "typ": "ID" }))), Some("token_type"));
    // Without the setting the claim is not read, and a nonce counts.
    let usual = Rules { payload_typ: None, ..marked };
    assert_eq!(
        refusal(&usual, Some("JWT"), &with(json!({ "typ": "Bearer", "nonce": "n" }))),
        Some("token_type")
    );
    assert_eq!(refusal(&usual, Some("JWT"), &with(json!({ "typ": 7 }))), None);
}

#[test]
fn an_address_is_found_within_another_claim_and_verified_by_a_text() {
    let key = SigningKey::rsa(0, "k");
    let mut nested = rules(ISSUER);
    nested.email.claim = "/ext/email".to_owned();
    nested.email.verified_claim = "/ext/email_verified".to_owned();
    let door = Door::of(vec![(nested, set(&[&key]))]);
    let email = |ext: Value| {
        let mut claims = crate::door::good();
        claims["ext"] = ext;
        door.takes(&key.token(&claims)).email.as_deref().map(str::to_owned)
    };
    let found = Some("ada@acme.example".to_owned());
    for verified in [json!(true), json!("true"), json!("True"), json!("1")] {
        assert_eq!(
            email(json!({ "email": "Ada@acme.example", "email_verified": verified.clone() })),
            found,
            "{verified}"
        );
    }
    for verified in [json!(false), json!("false"), json!("0")] {
        assert_eq!(
            email(json!({ "email": "ada@acme.example", "email_verified": verified.clone() })),
            None,
            "{verified}"
        );
    }
    assert_eq!(email(json!({})), None);
    for wrong in
        [json!(7), json!(null), json!({ "email": 7 }), json!({ "email": "a@b", "email_verified": "yes" })]
    {
        let mut claims = crate::door::good();
        claims["ext"] = wrong.clone();
        assert_eq!(door.refuses(&key.token(&claims)).word(), "token_claims", "{wrong}");
    }
}

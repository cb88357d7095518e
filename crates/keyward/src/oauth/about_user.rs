//! What a client receives about its user, in an ID token and at the userinfo endpoint (OpenID Connect Core §5.1, §5.4).

use keyward_core::account::User;
use keyward_core::oauth::Asked;
use serde_json::{Map, Value, json};

/// The claims for what was granted. A name or a picture that is not known is left out.
pub(super) fn claims(user: &User, granted: Asked) -> Map<String, Value> {
    let mut claims = Map::new();
    if granted.profile {
        let name = user.full_name();
        let given = (&user.first_name, &user.last_name);
        for (claim, text) in [("name", &name), ("given_name", given.0), ("family_name", given.1)] {
            if !text.is_empty() {
                claims.insert(claim.to_owned(), json!(text));
            }
        }
        claims.extend(user.photo_url.as_ref().map(|url| ("picture".to_owned(), json!(url))));
    }
    if granted.email {
        claims.insert("email".to_owned(), json!(user.email));
        // What the operator typed is not verified by that (OpenID Connect Core §5.1).
        claims.insert("email_verified".to_owned(), json!(user.email_verified));
    }
    claims
}

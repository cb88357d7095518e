//! Whom a token is for (RFC 7519 §4.1.3).

use super::compact::Typ;
use super::object::{Object, Wrong};
use super::rules::Rules;
use crate::denial::Denial;
use std::borrow::Cow;

impl Rules {
    /// `aud` must name us, alone or among others. Where a token has none, the claim that the entry names must hold one of our
    /// names: the ids of the clients whose tokens are taken.
    pub(super) fn audience(&self, typ: Typ, object: &Object<'_>) -> Result<(), Denial> {
        let wrong = |Wrong| Denial::TokenClaims;
        // An empty list names nobody, as if it were not there.
        let named = object.text_or_texts("aud").map_err(wrong)?.filter(|named| !named.is_empty());
        let client =
            self.audience_claim.map(|claim| object.text(claim)).transpose().map_err(wrong)?.flatten();
        let is_ours = |name: &Cow<'_, str>| self.audiences.iter().any(|own| own == name);
        match (named, client) {
            (None, Some(client)) if is_ours(&client) => Ok(()),
            (None, _) => Err(Denial::TokenAudience),
            (Some(named), _) if !named.iter().any(is_ours) => Err(Denial::TokenAudience),
            (Some(named), client) if self.audience_claim.is_some() => {
                self.marked(typ, object)?;
                for_another(&named, client.as_ref())
            }
            (Some(_), _) => Ok(()),
        }
    }

    /// By `azp` an ID token can name another client than its `aud` (OpenID Connect Core §2): one that was got in a mobile
    /// application for its back end. So where that claim is read, a token with an `aud` must be marked as an access token.
    fn marked(&self, typ: Typ, object: &Object<'_>) -> Result<(), Denial> {
        let token_use = object.text("token_use").map_err(|Wrong| Denial::TokenClaims)?;
        // Absent: no mark.
        let is_marked = typ == Typ::AccessToken
            || self.payload_typ.is_some()
            || token_use.is_some_and(|one| one == "access");
        if self.audience_claim != Some("azp") || is_marked { Ok(()) } else { Err(Denial::TokenType) }
    }
}

/// With ids of clients among our names, the `aud` of an ID token would do: it is the client itself (OpenID Connect Core §2).
fn for_another(named: &[Cow<'_, str>], client: Option<&Cow<'_, str>>) -> Result<(), Denial> {
    // Absent: the token does not say whose it is, so it may be an ID token.
    let is_another = client.is_some_and(|client| !named.contains(client));
    if is_another { Ok(()) } else { Err(Denial::TokenType) }
}

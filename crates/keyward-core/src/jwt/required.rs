//! The claims besides `iss`, `aud`, `exp` and `sub` without which a token is not taken.
//!
//! RFC 9068 §2.2 requires `iat`, `jti` and `client_id` of a token that says `at+jwt`. `iat` bounds its life, and `client_id` says whose
//! choice of an account it follows; real issuers of such tokens write `azp` instead. Nothing here depends on `jti`, and some of
//! them leave it out, so it may be absent.

use super::compact::Typ;
use crate::denial::Denial;

/// The moment from which a token's life is counted: its `iat`. A token that promises no RFC 9068 may give `nbf` alone. Without
/// either its age is not known, and any age would pass for the longest life that is allowed.
pub(super) fn begun(typ: Typ, issued: Option<i64>, not_before: Option<i64>) -> Result<i64, Denial> {
    let stand_in = not_before.filter(|_| typ != Typ::AccessToken);
    issued.or(stand_in).ok_or(Denial::TokenClaims)
}

/// The client, which a token that says `at+jwt` names: `client_id`, else `azp`.
pub(super) fn client(
    typ: Typ,
    client_id: Option<String>,
    authorized: Option<String>,
) -> Result<Option<String>, Denial> {
    match client_id.or(authorized) {
        None if typ == Typ::AccessToken => Err(Denial::TokenClaims),
        client => Ok(client),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_life_is_counted_from_a_moment_that_the_token_names_and_never_from_now() {
        for (typ, issued, not_before, begins) in [
            (Typ::AccessToken, Some(7), None, Some(7)),
            (Typ::AccessToken, Some(7), Some(9), Some(7)),
            (Typ::AccessToken, None, Some(9), None),
            (Typ::AccessToken, None, None, None),
            (Typ::Jwt, Some(7), None, Some(7)),
            (Typ::Jwt, None, Some(9), Some(9)),
            (Typ::Jwt, None, None, None),
            (Typ::Absent, None, Some(9), Some(9)),
            (Typ::Absent, None, None, None),
        ] {
            assert_eq!(begun(typ, issued, not_before).ok(), begins, "{typ:?} {issued:?} {not_before:?}");
        }
    }

    #[test]
    fn a_token_that_says_at_jwt_names_its_client() {
        let name = |text: &str| Some(text.to_owned());
        for typ in [Typ::AccessToken, Typ::Jwt, Typ::Absent] {
            assert_eq!(client(typ, name("a"), name("b")), Ok(name("a")));
            assert_eq!(client(typ, None, name("b")), Ok(name("b")));
        }
        assert_eq!(client(Typ::AccessToken, None, None), Err(Denial::TokenClaims));
        assert_eq!(client(Typ::Jwt, None, None), Ok(None));
    }
}

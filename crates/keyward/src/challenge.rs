//! The challenge of a 401 (RFC 9110 §11.6.1, RFC 6750 §3).

use keyward_core::denial::Denial;

/// The scheme alone: nothing was sent that could be judged.
const SCHEME: &str = "Bearer realm=\"lev\"";

/// The value of `WWW-Authenticate` for a refusal with 401. It names an error only where a bearer token was sent, and describes it
/// only where the form is what is wrong, so that no client discards a token that nobody looked at.
pub(crate) fn challenge(denial: &Denial) -> String {
    let invalid = || format!("{SCHEME}, error=\"invalid_token\"");
    match (denial, denial.form()) {
        (Denial::CredentialMissing, _) => SCHEME.to_owned(),
        (_, Some(form)) if !form.is_bearer() => SCHEME.to_owned(),
        (_, Some(form)) => format!("{}, error_description=\"{}\"", invalid(), form.description()),
        // Absent: of what was judged only that it is not good is said.
        (_, None) => invalid(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use keyward_core::credential_form::CredentialForm::{Basic, NoScheme, OtherHeader};

    #[test]
    fn a_challenge_names_an_error_only_where_a_bearer_token_was_sent() {
        for plain in [
            Denial::CredentialMissing,
            Denial::CredentialElsewhere(OtherHeader),
            Denial::CredentialMalformed(Basic),
        ] {
            assert_eq!(challenge(&plain), "Bearer realm=\"lev\"", "{plain:?}");
        }
        let bad = "Bearer realm=\"lev\", error=\"invalid_token\"";
        assert_eq!(challenge(&Denial::KeyUnknown), bad);
        let bare = challenge(&Denial::CredentialMalformed(NoScheme));
        assert_eq!(bare, format!("{bad}, error_description=\"{}\"", NoScheme.description()));
    }
}

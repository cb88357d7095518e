//! Where the choice of an account is kept, by the credential that makes it.

use crate::denial::Denial;
use crate::id::AccountId;
use crate::oauth::GrantId;
use crate::principal::{Credential, JwtCredential, TokenOf};
use std::sync::Arc;

/// The choices of one user that are kept. An issuer that gives a client a new name each time that it connects would otherwise fill the
/// memory.
pub const MOST_CHOICES: u32 = 100;

/// Where a choice is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ChoiceKept {
    /// Nowhere: it is so already, or holds for the browser alone.
    Nowhere,
    /// At the grant of our own issuer: for all of its tokens.
    Grant(GrantId),
    /// For the user's tokens of this issuer that this client was issued.
    Client(Arc<str>, Arc<str>),
}

impl ChoiceKept {
    /// Where this credential keeps the choice of an account that its user is a member of.
    ///
    /// # Errors
    /// [`Denial::AccountForeign`]: an API key is bound to another account. [`Denial::Invalid`]: a token names no client, and without one
    /// the choice would move every such application of its user.
    pub fn of(credential: &Credential, account: AccountId) -> Result<Self, Denial> {
        match credential {
            Credential::ApiKey(key) if key.member.account != account => Err(Denial::AccountForeign),
            Credential::ApiKey(_) | Credential::Session(_) => Ok(Self::Nowhere),
            Credential::Jwt(JwtCredential { of, token }) => {
                Self::of_token(*of, &token.issuer, token.client.as_ref())
            }
        }
    }

    fn of_token(of: TokenOf, issuer: &Arc<str>, client: Option<&Arc<str>>) -> Result<Self, Denial> {
        match (of, client) {
            (TokenOf::Grant(grant), _) => Ok(Self::Grant(grant)),
            (TokenOf::Link(_), Some(client)) => Ok(Self::Client(Arc::clone(issuer), Arc::clone(client))),
            (TokenOf::Link(_), None) => Err(Denial::invalid(
                "slug",
                "Nothing can be chosen for this token: it names no client (client_id or azp). Send X-Active-Account with each request",
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::account::Membership;
    use crate::address::ClientAddress;
    use crate::api_key::Digest;
    use crate::clock::Timestamp;
    use crate::grant::Grant;
    use crate::id::KeyId;
    use crate::opaque::TokenDigest;
    use crate::principal::{KeyCredential, SessionCredential};
    use crate::role::Role;

    #[test]
    fn a_key_is_bound_to_its_account_and_a_browser_keeps_its_own_choice() {
        let key = Credential::ApiKey(KeyCredential {
            id: KeyId(1),
            digest: Digest::from_bytes(&[0; 32]).unwrap(),
            current: true,
            from: ClientAddress::Unknown,
            grant: Grant::FullAccess,
            expires_at: None,
            allowed_ips: None,
            member: Membership { account: AccountId(1), role: Role::Viewer },
        });
        let session = Credential::Session(SessionCredential {
            id: 1,
            digest: TokenDigest::of("a token"),
            created_at: Timestamp::FIRST,
            ends_at: Timestamp::FIRST,
        });
        for (credential, account, kept) in [
            (&key, 1, Ok(ChoiceKept::Nowhere)),
            (&key, 2, Err(Denial::AccountForeign)),
            (&session, 1, Ok(ChoiceKept::Nowhere)),
            (&session, 2, Ok(ChoiceKept::Nowhere)),
        ] {
            assert_eq!(ChoiceKept::of(credential, AccountId(account)), kept, "{account}");
        }
    }

    #[test]
    fn a_token_keeps_it_at_its_grant_or_for_its_client() {
        let (issuer, client): (Arc<str>, Arc<str>) = ("https://id.example".into(), "app".into());
        let (grant, link) = (TokenOf::Grant(GrantId(7)), TokenOf::Link(7));
        let kept = |of, client: Option<&Arc<str>>| ChoiceKept::of_token(of, &issuer, client);
        assert_eq!(kept(grant, Some(&client)), Ok(ChoiceKept::Grant(GrantId(7))));
        assert_eq!(kept(grant, None), Ok(ChoiceKept::Grant(GrantId(7))));
        assert_eq!(kept(link, Some(&client)), Ok(ChoiceKept::Client(issuer.clone(), client.clone())));
        assert!(matches!(kept(link, None), Err(Denial::Invalid(_))));
    }
}

//! How a subject becomes a user's: through the store's one `commit`, like every write.

use crate::store::Store;
use keyward_core::BoxFuture;
use keyward_core::address::ClientAddress;
use keyward_core::clock::At;
use keyward_core::denial::Denial;
use keyward_core::effect::{Commit, Context, Ended};
use keyward_core::identity::IssuerAccounts;
use keyward_core::jwt::{Link, Verified};
use keyward_core::permit;
use keyward_core::random::{Random, uuid4};
use keyward_core::write::identity::LinkByEmail;
use keyward_tower::authenticate::Links;
use std::sync::Arc;

/// By the users and invitations of a store.
#[derive(Debug)]
pub struct ByStore {
    pub(super) store: Arc<dyn Store>,
    pub(super) random: Arc<dyn Random>,
    /// What each issuer speaks for.
    pub(super) issuers: IssuerAccounts,
}

impl Links for ByStore {
    fn link<'a>(
        &'a self,
        token: &'a Verified,
        link: Link,
        from: ClientAddress,
    ) -> BoxFuture<'a, Result<(), Denial>> {
        Box::pin(async move {
            let email = token.email.clone().ok_or(Denial::TokenUnlinked)?;
            let effect = LinkByEmail {
                issuer: Arc::clone(&token.issuer),
                subject: Arc::clone(&token.subject),
                email,
                link,
                accounts: Arc::clone(&token.accounts),
                issuers: self.issuers.clone(),
            };
            // It is not what the request asked for, so it has an id of its own.
            let request_id = uuid4(&*self.random).map_err(|_| Denial::Overloaded)?;
            let context = Context { request_id, address: from.known(), origin_app: String::new() };
            let permit = permit::sign_in(token);
            match Commit::<LinkByEmail>::commit(&*self.store, effect, permit, context, None, At::Store).await
            {
                Ok(Ended::Done(..) | Ended::Replayed(_)) => Ok(()),
                Ok(Ended::Refused(denial)) => Err(denial),
                Err(error) => {
                    tracing::error!(%error, "a subject could not be linked");
                    Err(Denial::Overloaded)
                }
            }
        })
    }
}

//! What the operator does to a store, one commit a step.

use super::error::AdminError;
use crate::store::Store;
use keyward_core::api_key::{KeyRing, NewSecret, Settled};
use keyward_core::clock::At;
use keyward_core::effect::{Commit, Context, Effect, Ended};
use keyward_core::id::{AccountId, KeyId, UserId};
use keyward_core::live::Live;
use keyward_core::password;
use keyward_core::permit::operator_named;
use keyward_core::random::{Random, uuid4};
use keyward_core::role::Role;
use keyward_core::secret::Secret;
use keyward_core::tier::Tier;
use keyward_core::write::account::CreateAccount;
use keyward_core::write::key::{IssueKey, PrepareKey};
use keyward_core::write::member::AddMember;
use keyward_core::write::user::CreateUser;
use lev_deals::write::{GivePipelines, SeedDeal, SeedDeals};
use std::sync::{Arc, RwLockReadGuard};

/// Somebody to add.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Person<'a> {
    pub(crate) email: &'a str,
    pub(crate) first_name: &'a str,
    pub(crate) last_name: &'a str,
    pub(crate) title: Option<&'a str>,
}

/// The operator at work.
pub(crate) struct Operator<'s> {
    store: &'s dyn Store,
    ring: &'s KeyRing,
    random: &'s dyn Random,
    name: Option<Arc<str>>,
}

impl<'s> Operator<'s> {
    pub(crate) fn new(store: &'s dyn Store, ring: &'s KeyRing, random: &'s dyn Random) -> Self {
        Self { store, ring, random, name: None }
    }

    /// With the name that the audit trail shows.
    pub(crate) fn named(self, name: Option<Arc<str>>) -> Self {
        Self { name, ..self }
    }

    pub(crate) async fn account(
        &self,
        slug: &str,
        name: &str,
        account_type: Option<&str>,
        tier: Tier,
    ) -> Result<AccountId, AdminError> {
        let account_type = account_type.map(ToOwned::to_owned);
        let account = CreateAccount { slug: slug.to_owned(), name: name.to_owned(), account_type, tier };
        let id = self.commit(account).await?;
        self.pipelines().await.map_err(|error| error.in_part("the account is made"))?;
        Ok(id)
    }

    /// Gives every account that has no pipeline the usual ones, and does not touch a store where all have some: a new one, and after a crash between the two steps, or an update
    /// from a version without pipelines, any other.
    pub(crate) async fn pipelines(&self) -> Result<(), AdminError> {
        if self.store.lacks_pipelines().await.map_err(AdminError::failed)? {
            self.commit(GivePipelines).await?;
        }
        Ok(())
    }

    pub(crate) async fn user(&self, person: &Person<'_>, password: &Secret) -> Result<UserId, AdminError> {
        let hash = password::hash(password, self.random).map_err(AdminError::failed)?;
        self.commit(CreateUser {
            uuid: uuid4(self.random).map_err(AdminError::failed)?.to_string(),
            email: person.email.to_owned(),
            first_name: person.first_name.to_owned(),
            last_name: person.last_name.to_owned(),
            title: person.title.map(ToOwned::to_owned),
            password_hash: Some(hash),
        })
        .await
    }

    pub(crate) async fn member(
        &self,
        account: AccountId,
        user: UserId,
        role: Role,
    ) -> Result<(), AdminError> {
        self.commit(AddMember { account, user, role }).await.map(drop)
    }

    pub(crate) async fn key(
        &self,
        account: AccountId,
        user: UserId,
        label: &str,
        Settled { grant, expires_at, allowed_ips }: Settled,
    ) -> Result<(KeyId, Secret), AdminError> {
        let secret = self.ring.mint(self.random).map_err(AdminError::failed)?;
        let label = label.to_owned();
        let made =
            self.commit(IssueKey { account, user, label, grant, expires_at, allowed_ips, secret }).await?;
        Ok((made.key.id, made.secret))
    }

    /// Makes a key that opens nothing until its secret has reached somebody.
    pub(crate) async fn prepare_key(
        &self,
        account: AccountId,
        user: UserId,
        label: &str,
        Settled { grant, expires_at, allowed_ips }: Settled,
    ) -> Result<(KeyId, NewSecret), AdminError> {
        let (secret, label) = (self.mint()?, label.to_owned());
        let key = IssueKey { account, user, label, grant, expires_at, allowed_ips, secret: secret.clone() };
        Ok((self.commit(PrepareKey(key)).await?.key.id, secret))
    }

    /// A new secret for a key.
    pub(crate) fn mint(&self) -> Result<NewSecret, AdminError> {
        self.ring.mint(self.random).map_err(AdminError::failed)
    }

    /// A new password.
    pub(crate) fn password(&self) -> Result<Secret, AdminError> {
        password::generate(self.random).map_err(AdminError::failed)
    }

    /// The store.
    pub(crate) fn store(&self) -> &dyn Store {
        self.store
    }

    /// What is known now.
    pub(crate) fn live(&self) -> RwLockReadGuard<'_, Live> {
        self.store.directory().read()
    }

    pub(crate) async fn deals(&self, account: AccountId, deals: Vec<SeedDeal>) -> Result<(), AdminError> {
        self.commit(SeedDeals { account, deals }).await.map(drop)
    }

    #[expect(clippy::disallowed_methods, reason = "this is the operator")]
    pub(crate) async fn commit<E: Effect>(&self, effect: E) -> Result<E::Done, AdminError>
    where
        dyn Store + 's: Commit<E>,
    {
        let request_id = uuid4(self.random).map_err(AdminError::failed)?;
        let context = Context { request_id, address: None, origin_app: "keyward".to_owned() };
        let permit = operator_named(self.name.clone());
        match Commit::<E>::commit(self.store, effect, permit, context, None, At::Store).await {
            Ok(Ended::Done(done, _)) => Ok(done),
            // The operator claims nothing, so nothing is answered again.
            Ok(Ended::Replayed(_)) => Err(AdminError::refused("this was done before".to_owned())),
            Ok(Ended::Refused(denial)) => Err(AdminError::Denied(denial)),
            Err(error) => Err(error.into()),
        }
    }
}

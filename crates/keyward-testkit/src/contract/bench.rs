//! What a rule begins with: a store with a few people in it, and commits as callers make them.

use super::store::IdentityStore;
use crate::{START, SeededRandom};
use keyward_core::address::ClientAddress;
use keyward_core::api_key::{KeyFormat, KeyRing, Wanted, WantedGrant};
use keyward_core::clock::{At, Timestamp};
use keyward_core::denial::Denial;
use keyward_core::effect::{Commit, Context, Effect, Ended};
use keyward_core::grant::Grant;
use keyward_core::id::{AccountId, KeyId};
use keyward_core::idempotency::Claim;
use keyward_core::input::Field;
use keyward_core::list::{From, Window};
use keyward_core::permit::{Action, ManageKeys, Permit, RevokeKeys, check, operator};
use keyward_core::principal::{Caller, Principal};
use keyward_core::role::Role;
use keyward_core::root_secret::RootSecret;
use keyward_core::secret::Secret;
use keyward_core::store::StoreError;
use keyward_core::tier::Tier;
use keyward_core::write::account::CreateAccount;
use keyward_core::write::key::{CreateKey, IssueKey, KeyMade, RevokeKey, RotateKey};
use keyward_core::write::member::AddMember;
use keyward_core::write::user::CreateUser;
use std::future::poll_fn;
use std::net::{IpAddr, Ipv4Addr};
use std::pin::pin;
use std::task::Poll;
use uuid::Uuid;

/// A store with one account, an admin and a viewer, each with a key.
pub(super) struct Bench<'s, S> {
    pub(super) store: &'s S,
    pub(super) root: RootSecret,
    pub(super) ring: KeyRing,
    pub(super) random: SeededRandom,
    pub(super) account: AccountId,
    pub(super) admin: KeyMade,
    pub(super) viewer: KeyMade,
}

pub(super) const FROM: ClientAddress = ClientAddress::Known(IpAddr::V4(Ipv4Addr::LOCALHOST));

pub(super) fn at(seconds: i64) -> Timestamp {
    Timestamp::from_unix(START + seconds)
}

pub(super) fn first_page() -> Window {
    Window { limit: 50, from: From::Offset(Vec::new(), 0) }
}

pub(super) fn must<T, E: std::fmt::Debug>(rule: &str, result: Result<T, E>) -> T {
    result.unwrap_or_else(|error| panic!("{rule}: {error:?}"))
}

pub(super) async fn commit<S, E>(
    store: &S,
    effect: E,
    permit: Permit<E::Action>,
    seconds: i64,
) -> Result<E::Done, Denial>
where
    S: Commit<E>,
    E: Effect,
{
    match must("a commit works", commit_with(store, effect, permit, None, seconds).await) {
        Ended::Done(done, _) => Ok(done),
        Ended::Refused(denial) => Err(denial),
        Ended::Replayed(_) => panic!("nothing was claimed"),
    }
}

/// The same, with a claim, and with all that can come of it.
pub(super) async fn commit_with<S, E>(
    store: &S,
    effect: E,
    permit: Permit<E::Action>,
    claim: Option<Claim>,
    seconds: i64,
) -> Result<Ended<E::Done>, StoreError>
where
    S: Commit<E>,
    E: Effect,
{
    let context = Context { request_id: Uuid::nil(), address: None, origin_app: "contract".to_owned() };
    store.commit(effect, permit, context, claim, At::Fixed(at(seconds))).await
}

/// A bench whose store is closed.
pub(super) struct Left {
    root: RootSecret,
    ring: KeyRing,
    random: SeededRandom,
    account: AccountId,
    admin: KeyMade,
    viewer: KeyMade,
}

impl Left {
    /// The bench at the store that was opened again.
    pub(super) fn on<S>(self, store: &S) -> Bench<'_, S> {
        let Self { root, ring, random, account, admin, viewer } = self;
        Bench { store, root, ring, random, account, admin, viewer }
    }
}

impl<S> Bench<'_, S> {
    /// What is left of it when its store is closed.
    pub(super) fn leave(self) -> Left {
        let Self { root, ring, random, account, admin, viewer, .. } = self;
        Left { root, ring, random, account, admin, viewer }
    }
}

/// What every bench begins with: the same secrets each time.
fn begin() -> (SeededRandom, RootSecret, KeyRing) {
    let random = SeededRandom::new(1);
    let root = must("a root secret", RootSecret::generate(&random));
    let format = must("a prefix", KeyFormat::new("lev_sk_"));
    let ring = must("a ring", KeyRing::new(format, &root).ok_or("no version"));
    (random, root, ring)
}

impl<'s, S: IdentityStore> Bench<'s, S> {
    pub(super) async fn new(store: &'s S) -> Self {
        let (random, root, ring) = begin();
        let account = CreateAccount {
            slug: "acme".to_owned(),
            name: "Acme".to_owned(),
            account_type: None,
            tier: Tier::Standard,
        };
        let account = must("an account", commit(store, account, operator(), 0).await);
        let mut keys = Vec::new();
        for (name, role) in [("admin", Role::Admin), ("viewer", Role::Viewer)] {
            let user = CreateUser {
                uuid: name.to_owned(),
                email: format!("{name}@acme.example"),
                first_name: name.to_owned(),
                last_name: String::new(),
                title: None,
                password_hash: None,
            };
            let user = must("a user", commit(store, user, operator(), 0).await);
            must("a member", commit(store, AddMember { account, user, role }, operator(), 0).await);
            let secret = must("a secret", ring.mint(&random));
            let key = IssueKey {
                account,
                user,
                label: name.to_owned(),
                grant: Grant::FullAccess,
                expires_at: None,
                allowed_ips: None,
                secret,
            };
            keys.push(must("a key", commit(store, key, operator(), 0).await));
        }
        let (Some(viewer), Some(admin)) = (keys.pop(), keys.pop()) else { panic!("two keys were made") };
        Self { store, root, ring, random, account, admin, viewer }
    }

    /// The bench of a store that another process has made, whatever has become of its keys since.
    pub(super) async fn again(store: &'s S) -> Self {
        let (random, root, ring) = begin();
        let account = store.directory().read().account_named("acme").map(|account| account.id);
        let account = must("the account", account.ok_or("none"));
        let mut keys = Vec::new();
        for role in [Role::Admin, Role::Viewer] {
            let minted = must("a secret", ring.mint(&random));
            let found = must("its key", store.key_to_end(vec![minted.digest]).await);
            let id = must("its key", found.ok_or("none")).key;
            let key = must("a key", must("a key is read", store.key(id).await).ok_or("none"));
            keys.push(KeyMade { key, role, secret: minted.secret });
        }
        let (Some(viewer), Some(admin)) = (keys.pop(), keys.pop()) else { panic!("two keys were made") };
        Self { store, root, ring, random, account, admin, viewer }
    }

    pub(super) fn admit(&self, secret: &Secret, seconds: i64) -> Result<Caller, Denial> {
        let admitted = self.ring.admit(secret.expose(), FROM, &self.store.directory().read(), at(seconds));
        admitted.map(|admitted| admitted.caller)
    }

    pub(super) fn permit<A: Action>(&self, key: &KeyMade) -> Permit<A> {
        let caller = must("a live key is admitted", self.admit(&key.secret, 0));
        must("a permit", check(Principal::of(caller)))
    }

    pub(super) async fn create(&self, permit: Permit<ManageKeys>, seconds: i64) -> Result<KeyMade, Denial> {
        let secret = must("a secret", self.ring.mint(&self.random));
        let wanted =
            Wanted { grant: WantedGrant::AsMaker, expires_at: Field::Absent, allowed_ips: Field::Absent };
        commit(self.store, CreateKey { label: "new".to_owned(), wanted, secret }, permit, seconds).await
    }

    pub(super) async fn revoke(&self, permit: Permit<RevokeKeys>, key: KeyId) -> Result<bool, Denial> {
        let effect = RevokeKey { key: Some(key), as_sent: key.to_string(), descendants: false };
        commit(self.store, effect, permit, 0).await.map(|revoked| revoked.now)
    }

    /// The admin's key rotates itself, with one of its secrets.
    pub(super) async fn try_rotate(
        &self,
        with: &Secret,
        grace_seconds: i64,
        seconds: i64,
    ) -> Result<Secret, Denial> {
        let secret = must("a secret", self.ring.mint(&self.random));
        let key = self.admin.key.id;
        let effect = RotateKey { key: Some(key), as_sent: key.to_string(), grace_seconds, secret };
        let caller = must("the secret is admitted", self.admit(with, seconds));
        let permit = must("a permit", check(Principal::of(caller)));
        commit(self.store, effect, permit, seconds).await.map(|rotated| rotated.secret)
    }
}

/// Two futures at the same time: both have begun before either ends.
pub(super) async fn both<A: Future, B: Future>(one: A, other: B) -> (A::Output, B::Output) {
    let (mut one, mut other) = (pin!(one), pin!(other));
    let (mut first, mut second) = (None, None);
    poll_fn(move |cx| {
        if first.is_none()
            && let Poll::Ready(output) = one.as_mut().poll(cx)
        {
            first = Some(output);
        }
        if second.is_none()
            && let Poll::Ready(output) = other.as_mut().poll(cx)
        {
            second = Some(output);
        }
        match (first.take(), second.take()) {
            (Some(first), Some(second)) => Poll::Ready((first, second)),
            unfinished => {
                (first, second) = unfinished;
                Poll::Pending
            }
        }
    })
    .await
}

/// Begins something, and waits for it no more.
pub(super) async fn begun(what: impl Future) {
    let mut what = pin!(what);
    poll_fn(|cx| {
        // Whether it is ready at once or later, nobody asks.
        let _ = what.as_mut().poll(cx);
        Poll::Ready(())
    })
    .await;
}

//! What people and clients do who sign in, as the rules of it need it.

use crate::contract::{Bench, IdentityStore, at, commit, must};
use keyward_core::denial::{Denial, OAuthDenial};
use keyward_core::id::UserId;
use keyward_core::oauth::{
    Asked, Client, ClientOrigin, GRACE_SECONDS, GrantId, OAuthGrant, Resources, pkce, refresh,
};
use keyward_core::opaque::TokenDigest;
use keyward_core::password;
use keyward_core::permit::{
    self, Action, EndSignIns, ManageSignIns, Permit, Presented as What, check, operator,
};
use keyward_core::principal::Principal;
use keyward_core::secret::Secret;
use keyward_core::session::{LinkKind, ShownInvitation};
use keyward_core::write::client::CreateClient;
use keyward_core::write::grant::{GiveConsent, RedeemCode, Redeemed, RefreshGrant, Refreshed};
use keyward_core::write::link::{ChoosePassword, IssueLink};
use keyward_core::write::session::StartSession;
use uuid::Uuid;

pub(super) const REDIRECT: &str = "https://app.example/back";
pub(super) const VERIFIER: &str = "a-verifier-that-has-at-least-43-characters-in-it";
pub(super) const DAY: i64 = 86_400;
/// A grant's life without a refresh, with refresh tokens and without, in seconds.
pub(super) const LIVES: (i64, i64) = (30 * DAY, 900);

pub(super) fn refused(denial: OAuthDenial) -> Option<Denial> {
    Some(Denial::OAuth(denial))
}

pub(super) fn client(id: &str, origin: ClientOrigin) -> Client {
    Client {
        id: id.into(),
        name: "App".to_owned(),
        redirect_uris: [REDIRECT.to_owned()].into(),
        origin,
        secret: None,
        refreshes: true,
        created_at: at(0),
    }
}

impl<S: IdentityStore> Bench<'_, S> {
    pub(in crate::contract) async fn link(&self, user: UserId, kind: LinkKind, token: &str, seconds: i64) {
        let effect = IssueLink { user, kind, digest: TokenDigest::of(token) };
        must("a link is made", commit(self.store, effect, operator(), seconds).await);
    }

    /// Whoever has the link chooses a password. The hash stands for one where nobody signs in with it.
    pub(in crate::contract) async fn choose(
        &self,
        token: &str,
        hash: &Secret,
        seconds: i64,
    ) -> Result<usize, Denial> {
        self.choose_and_accept(token, (hash, &[]), seconds).await
    }

    /// The same, with these invitations as its page has shown them.
    pub(in crate::contract) async fn choose_and_accept(
        &self,
        token: &str,
        (hash, accept): (&Secret, &[ShownInvitation]),
        seconds: i64,
    ) -> Result<usize, Denial> {
        let effect =
            ChoosePassword { link: TokenDigest::of(token), hash: hash.clone(), accept: accept.to_vec() };
        let chosen = commit(self.store, effect, permit::present(What::Link), seconds).await?;
        Ok(chosen.joined.len())
    }

    /// The admin has this password from now on.
    pub(in crate::contract) async fn with_password(&self, word: &str) -> (Secret, Secret) {
        let word = Secret::new(word.to_owned());
        let hash = must("a hash", password::hash(&word, &self.random));
        self.link(self.admin.key.user, LinkKind::Reset, "a link", 0).await;
        must("a password is chosen", self.choose("a link", &hash, 0).await);
        (word, hash)
    }

    pub(in crate::contract) async fn start(
        &self,
        proof: password::Proof,
        token: &str,
        seconds: i64,
    ) -> Result<(), Denial> {
        let effect = StartSession { proof, digest: TokenDigest::of(token) };
        commit(self.store, effect, permit::present(What::Password), seconds).await.map(drop)
    }

    /// The admin signs in, and this is its browser.
    pub(in crate::contract) async fn signed_in(&self) {
        let (word, hash) = self.with_password("correct horse battery").await;
        let proof = password::verify(&word, Some((self.admin.key.user, &hash)));
        must("a session begins", self.start(must("it proves", proof.ok_or("no")), "session", 0).await);
    }

    pub(in crate::contract) fn in_person(
        &self,
        token: &str,
        seconds: i64,
    ) -> Result<Permit<ManageSignIns>, Denial> {
        self.of_session(token, seconds)
    }

    pub(in crate::contract) fn in_person_to_end(
        &self,
        token: &str,
        seconds: i64,
    ) -> Result<Permit<EndSignIns>, Denial> {
        self.of_session(token, seconds)
    }

    pub(in crate::contract) fn of_session<A: Action>(
        &self,
        token: &str,
        seconds: i64,
    ) -> Result<Permit<A>, Denial> {
        let live = self.store.directory().read();
        check(Principal::of(live.admit_session(&TokenDigest::of(token), at(seconds))?))
    }

    pub(in crate::contract) async fn registered(&self, id: &str) -> Client {
        let effect = CreateClient(client(id, ClientOrigin::Operator));
        must("a client is made known", commit(self.store, effect, operator(), 0).await).1
    }

    /// The admin's consent to this client, and a code for it: `code` and this number.
    pub(in crate::contract) async fn consent(
        &self,
        to: &Client,
        number: u128,
        seconds: i64,
    ) -> Result<GrantId, Denial> {
        let effect = GiveConsent {
            client: to.clone(),
            asked: Asked { openid: true, ..Asked::usual() },
            resources: Resources { api: true, mcp: false },
            account: Some(self.account),
            bound: true,
            redirect_uri: REDIRECT.to_owned(),
            challenge: pkce::challenge(VERIFIER),
            oidc_nonce: Some("n-1".to_owned()),
            form: Uuid::from_u128(number),
            code: TokenDigest::of(&format!("code {number}")),
            nonce: [7; 16],
            lives: LIVES.0,
        };
        commit(self.store, effect, self.in_person("session", seconds)?, seconds).await.map(|given| given.0.id)
    }

    pub(in crate::contract) async fn redeem_with(
        &self,
        edit: impl FnOnce(&mut RedeemCode),
        number: u128,
        seconds: i64,
    ) -> Result<Redeemed, Denial> {
        let mut effect = RedeemCode {
            code: TokenDigest::of(&format!("code {number}")),
            client: client("app", ClientOrigin::Operator),
            redirect_uri: Some(REDIRECT.to_owned()),
            verifier: VERIFIER.to_owned(),
            resources: None,
            version: 1,
            lives: LIVES,
        };
        edit(&mut effect);
        commit(self.store, effect, permit::present(What::Client), seconds).await
    }

    pub(in crate::contract) async fn redeem(&self, number: u128, seconds: i64) -> Result<Redeemed, Denial> {
        self.redeem_with(|_| {}, number, seconds).await
    }

    /// A grant whose code was redeemed: token 1 is current.
    pub(in crate::contract) async fn granted(&self, to: &Client, number: u128) -> GrantId {
        let id = must("consent is given", self.consent(to, number, 0).await);
        let edit = |effect: &mut RedeemCode| effect.client = to.clone();
        must("a code is redeemed", self.redeem_with(edit, number, 0).await);
        id
    }

    pub(in crate::contract) async fn refresh_with(
        &self,
        edit: impl FnOnce(&mut RefreshGrant),
        (grant, number): (GrantId, u32),
        seconds: i64,
    ) -> Result<Refreshed, Denial> {
        let tokens = refresh::RefreshTokens::new(&self.root);
        let token = must("a token", tokens.token((grant, &[7; 16]), number, 1).ok_or("none"));
        let presented = must("it is read", refresh::Presented::read(token.expose()).ok_or("none"));
        let mut effect = RefreshGrant {
            presented,
            client: "app".into(),
            scopes: None,
            resources: None,
            version: 1,
            lives: LIVES.0,
            grace: GRACE_SECONDS,
        };
        edit(&mut effect);
        commit(self.store, effect, permit::present(What::Client), seconds).await
    }

    pub(in crate::contract) async fn refresh(
        &self,
        grant: GrantId,
        number: u32,
        seconds: i64,
    ) -> Result<Refreshed, Denial> {
        self.refresh_with(|_| {}, (grant, number), seconds).await
    }

    pub(in crate::contract) fn known(&self, grant: GrantId) -> Option<OAuthGrant> {
        self.store.directory().read().grant(grant).cloned()
    }

    pub(in crate::contract) fn is_dead(&self, grant: GrantId) -> bool {
        self.known(grant).is_none()
    }
}

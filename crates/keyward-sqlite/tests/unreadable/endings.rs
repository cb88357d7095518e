//! The endings, and how it is seen that they hold.

use super::home::{ACME, Home, tried};
use keyward_core::api_key::WhoseKeys;
use keyward_core::clock::{Clock, Timestamp};
use keyward_core::effect::{Commit, Effect, Ended};
use keyward_core::idempotency::Claim;
use keyward_core::oauth::refresh::Presented as Token;
use keyward_core::oauth::{Client, ClientOrigin, GRACE_SECONDS};
use keyward_core::opaque::TokenDigest;
use keyward_core::permit::{EndSignIns, ManageTeam, Permit, Presented, RevokeKeys, check, operator, present};
use keyward_core::principal::{Caller, Principal};
use keyward_core::role::Role;
use keyward_core::secret::Secret;
use keyward_core::session::LinkKind;
use keyward_core::store::Upkeep;
use keyward_core::write::client::DeleteClient;
use keyward_core::write::disabling::SetUserDisabled;
use keyward_core::write::erasing::EraseUser;
use keyward_core::write::grant::{Disconnect, RedeemCode, Redeemed, RefreshGrant, Refreshed, RevokeGrant};
use keyward_core::write::identity::LinkIdentity;
use keyward_core::write::key::{RevokeKey, RevokeKeysOf};
use keyward_core::write::link::{ChoosePassword, IssueLink};
use keyward_core::write::member::{RemoveMember, SetRole};
use keyward_core::write::session::EndSession;
use keyward_core::write::signing_key::RemoveSigningKey;
use keyward_core::write::team::{ChangeRole, Dismiss};
use keyward_sqlite::Sqlite;
use keyward_sqlite::faults::number;
use keyward_testkit::{FakeClock, START};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    Disable,
    Delete,
    Remove,
    Dismiss,
    RevokeKey,
    RevokeKeyByAdmin,
    RevokeKeyByUsedClaim,
    RevokeKeysOfUser,
    Disconnect,
    DeleteClient,
    ReplayCode,
    ReuseRefreshToken,
    RevokeGrant,
    ResetPassword,
    SignOut,
    Unlink,
    DismissInvited,
    LowerRole,
    LowerRoleByAdmin,
    LowerOffer,
    RemoveSigningKey,
}

/// What came of it.
pub(crate) enum Outcome {
    Ended,
    Refused(String),
}

impl Ending {
    pub(crate) const ALL: [Self; 21] = [
        Self::Disable,
        Self::Delete,
        Self::Remove,
        Self::Dismiss,
        Self::RevokeKey,
        Self::RevokeKeyByAdmin,
        Self::RevokeKeyByUsedClaim,
        Self::RevokeKeysOfUser,
        Self::Disconnect,
        Self::DeleteClient,
        Self::ReplayCode,
        Self::ReuseRefreshToken,
        Self::RevokeGrant,
        Self::ResetPassword,
        Self::SignOut,
        Self::Unlink,
        Self::DismissInvited,
        Self::LowerRole,
        Self::LowerRoleByAdmin,
        Self::LowerOffer,
        Self::RemoveSigningKey,
    ];
}

async fn outcome<E: Effect>(
    store: &Sqlite,
    effect: E,
    permit: Permit<E::Action>,
    claim: Option<Claim>,
) -> (Outcome, Option<E::Done>)
where
    Sqlite: Commit<E>,
{
    match tried(store, effect, permit, claim).await {
        Ok(Ended::Done(done, _)) if E::changed(&done) => (Outcome::Ended, Some(done)),
        Ok(Ended::Done(..)) => (Outcome::Refused("nothing changed".to_owned()), None),
        Ok(Ended::Replayed(_)) => (Outcome::Refused("replayed".to_owned()), None),
        Ok(Ended::Refused(denial)) => (Outcome::Refused(format!("{denial:?}")), None),
        Err(error) => (Outcome::Refused(format!("{error:?}")), None),
    }
}

impl Home<'_> {
    fn now(&self) -> Timestamp {
        FakeClock::new().now()
    }

    fn team(&self) -> Option<Permit<ManageTeam>> {
        check(Principal::of(self.admin()?)).ok()
    }

    fn in_person(&self, session: TokenDigest) -> Option<Permit<EndSignIns>> {
        let live = self.store().directory().read();
        let caller: Caller = live.admit_session_to_end(&session, self.now()).ok()?;
        check(live.act_in(caller, None, false).ok()?).ok()
    }

    pub(crate) async fn end(&self, ending: Ending) -> Outcome {
        let (store, victim, place) = (self.store(), self.victim(ending), self.place(ending));
        let nobody = || Outcome::Refused("nobody is let in who could act".to_owned());
        let (user, grant) = (victim.user, victim.grant);
        let revoke = RevokeKey { key: Some(victim.key), as_sent: String::new(), descendants: false };
        match ending {
            Ending::Disable => {
                outcome(store, SetUserDisabled { user, disabled: true }, operator(), None).await.0
            }
            Ending::Delete => outcome(store, EraseUser { user }, operator(), None).await.0,
            Ending::Remove => outcome(store, RemoveMember { account: ACME, user }, operator(), None).await.0,
            Ending::Dismiss | Ending::DismissInvited => {
                let user = if ending == Ending::Dismiss { user } else { victim.stranger };
                // Where the account cannot be read its admins are not let in; the operator is.
                let Some(permit) = self.team() else {
                    let removed =
                        outcome(store, RemoveMember { account: ACME, user }, operator(), None).await.0;
                    return if ending == Ending::Dismiss { removed } else { nobody() };
                };
                let effect = Dismiss { user: Some(user), as_sent: String::new() };
                outcome(store, effect, permit, None).await.0
            }
            Ending::RevokeKey => outcome(store, revoke, operator(), None).await.0,
            Ending::RevokeKeyByAdmin => {
                let permit: Option<Permit<RevokeKeys>> =
                    self.admin().and_then(|admin| check(Principal::of(admin)).ok());
                outcome(store, revoke, permit.unwrap_or_else(operator), None).await.0
            }
            // Its answer cannot be read where that is what is spoilt; else it is another write's.
            Ending::RevokeKeyByUsedClaim => {
                match outcome(store, revoke, operator(), Some(self.claim(place))).await.0 {
                    Outcome::Refused(why) if why == "IdempotencyKeyReused" => {
                        let revoke =
                            RevokeKey { key: Some(victim.key), as_sent: String::new(), descendants: false };
                        outcome(store, revoke, operator(), None).await.0
                    }
                    outcome => outcome,
                }
            }
            Ending::RevokeKeysOfUser => {
                let whose = WhoseKeys::User(user);
                let known = store.directory().read().keys_of(whose);
                outcome(store, RevokeKeysOf { whose, known }, operator(), None).await.0
            }
            Ending::Disconnect => {
                let Some(permit) = self.in_person(victim.session) else { return nobody() };
                outcome(store, Disconnect { client: victim.client.as_str().into() }, permit, None).await.0
            }
            Ending::DeleteClient => {
                outcome(store, DeleteClient { id: victim.client.as_str().into() }, operator(), None).await.0
            }
            Ending::ReplayCode => {
                let effect = redeem(&victim.client, &format!("code {place}"));
                match outcome(store, effect, present(Presented::Client), None).await {
                    (Outcome::Ended, Some(Redeemed::Granted { .. })) => {
                        Outcome::Refused("granted".to_owned())
                    }
                    (outcome, _) => outcome,
                }
            }
            Ending::ReuseRefreshToken => {
                let effect = RefreshGrant {
                    presented: Token::read(&format!("kw_refresh_{}.1.1.AAAA", grant.0)).unwrap(),
                    client: victim.client.as_str().into(),
                    scopes: None,
                    resources: None,
                    version: 1,
                    lives: 1_000,
                    grace: GRACE_SECONDS,
                };
                match outcome(store, effect, present(Presented::Client), None).await {
                    (Outcome::Ended, Some(Refreshed::Granted(..))) => Outcome::Refused("granted".to_owned()),
                    (outcome, _) => outcome,
                }
            }
            Ending::RevokeGrant => {
                let effect = RevokeGrant { grant, client: victim.client.as_str().into() };
                outcome(store, effect, present(Presented::Client), None).await.0
            }
            Ending::ResetPassword => {
                let digest = TokenDigest::of("a new link");
                let link = IssueLink { user, kind: LinkKind::Reset, digest };
                match outcome(store, link, operator(), None).await.0 {
                    Outcome::Ended => {}
                    refused @ Outcome::Refused(_) => return refused,
                }
                let hash = Secret::new("another".to_owned());
                let effect = ChoosePassword { link: digest, hash, accept: Vec::new() };
                outcome(store, effect, present(Presented::Link), None).await.0
            }
            Ending::SignOut => {
                let Some(permit) = self.in_person(victim.session) else { return nobody() };
                outcome(store, EndSession, permit, None).await.0
            }
            Ending::Unlink => {
                let (issuer, subject) = ("https://id.example".to_owned(), format!("subject {place}"));
                let effect = LinkIdentity { user, issuer, subject, linked: false };
                outcome(store, effect, operator(), None).await.0
            }
            Ending::LowerRole => {
                outcome(store, SetRole { account: ACME, user, role: Role::Viewer }, operator(), None).await.0
            }
            Ending::LowerRoleByAdmin | Ending::LowerOffer => {
                let Some(permit) = self.team() else { return nobody() };
                let user = if ending == Ending::LowerOffer { victim.stranger } else { user };
                let effect = ChangeRole { user: Some(user), as_sent: String::new(), role: Role::Viewer };
                outcome(store, effect, permit, None).await.0
            }
            Ending::RemoveSigningKey => {
                outcome(store, RemoveSigningKey(victim.signing_key), operator(), None).await.0
            }
        }
    }

    /// Whether any of it can still be used, as far as memory says.
    pub(crate) fn lives(&self, ending: Ending) -> bool {
        let victim = self.victim(ending);
        let key = self.admit(&victim.secret).is_some();
        let live = self.store().directory().read();
        let grant = live.grant(victim.grant).is_some();
        let session = live.admit_session(&victim.session, self.now()).is_ok();
        let role = live.role(ACME, victim.user);
        match ending {
            Ending::Disable => {
                key || grant || session || live.user(victim.user).is_some_and(|user| !user.disabled)
            }
            Ending::Delete => {
                let subject = format!("subject {}", self.place(ending));
                let named = role.is_some() || live.identity("https://id.example", &subject).is_some();
                key || grant || session || named || live.user(victim.user).is_some()
            }
            Ending::Remove | Ending::Dismiss => key || grant || role.is_some(),
            Ending::RevokeKey
            | Ending::RevokeKeyByAdmin
            | Ending::RevokeKeyByUsedClaim
            | Ending::RevokeKeysOfUser => key || live.key(victim.key).is_some(),
            Ending::Disconnect | Ending::ReplayCode | Ending::ReuseRefreshToken | Ending::RevokeGrant => {
                grant
            }
            Ending::DeleteClient => grant || live.client(&victim.client).is_some(),
            Ending::ResetPassword => grant || session,
            Ending::SignOut => session,
            Ending::Unlink => {
                live.identity("https://id.example", &format!("subject {}", self.place(ending))).is_some()
            }
            Ending::DismissInvited => {
                let open = format!("SELECT count(*) FROM invitations WHERE user_id = {}", victim.stranger.0);
                number(&self.path(), &open).unwrap() > 0
            }
            Ending::LowerRole | Ending::LowerRoleByAdmin => role == Some(Role::Editor),
            Ending::LowerOffer => {
                let offered = "SELECT count(*) FROM invitations WHERE role = 'editor' AND user_id";
                number(&self.path(), &format!("{offered} = {}", victim.stranger.0)).unwrap() > 0
            }
            Ending::RemoveSigningKey => live.signing_keys().iter().any(|key| key.id == victim.signing_key),
        }
    }
}

fn redeem(client: &str, code: &str) -> RedeemCode {
    RedeemCode {
        code: TokenDigest::of(code),
        client: Client {
            id: client.into(),
            name: "App".to_owned(),
            redirect_uris: vec!["https://app.example/back".to_owned()].into(),
            origin: ClientOrigin::Operator,
            secret: None,
            refreshes: true,
            created_at: Timestamp::from_unix(START),
        },
        redirect_uri: None,
        verifier: "v".to_owned(),
        resources: None,
        version: 1,
        lives: (1_000, 100),
    }
}

//! What is known of sign-ins here: clients, grants, browsers, signing keys.

use super::Live;
use super::grants::GrantTable;
use super::sessions::SessionTable;
use crate::account::{Account, Membership};
use crate::clock::Timestamp;
use crate::denial::Denial;
use crate::id::UserId;
use crate::jwt::Verified;
use crate::oauth::{Client, GrantId, OAuthGrant};
use crate::opaque::TokenDigest;
use crate::principal::{Caller, Credential, JwtCredential, SessionCredential, TokenOf};
use crate::role::Role;
use crate::session::Session;
use crate::signing::SealedKey;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

#[derive(Debug, Default)]
pub(super) struct SignIns {
    pub(super) clients: HashMap<Arc<str>, Client>,
    pub(super) grants: GrantTable,
    pub(super) sessions: SessionTable,
    pub(super) signing_keys: BTreeMap<i64, SealedKey>,
}

impl Live {
    /// A client that was made known here.
    #[must_use]
    pub fn client(&self, id: &str) -> Option<&Client> {
        self.sign_ins.clients.get(id)
    }

    /// Every client that was made known here.
    pub fn clients(&self) -> impl Iterator<Item = &Client> {
        self.sign_ins.clients.values()
    }

    /// A grant that was not ended.
    #[must_use]
    pub fn grant(&self, id: GrantId) -> Option<&OAuthGrant> {
        self.sign_ins.grants.get(id)
    }

    /// The grants that a person gave and that hold now, oldest first.
    pub fn grants_of(&self, user: UserId, now: Timestamp) -> impl Iterator<Item = &OAuthGrant> {
        self.sign_ins.grants.of(user).filter(move |grant| grant.is_live(now))
    }

    /// The signing keys, oldest first.
    #[must_use]
    pub fn signing_keys(&self) -> Vec<&SealedKey> {
        self.sign_ins.signing_keys.values().collect()
    }

    /// The open invitations of a person into accounts that can be entered, each with the role that it offers.
    pub fn invitations_of(&self, user: UserId, now: Timestamp) -> impl Iterator<Item = (&Account, Role)> {
        let open = self.invited.get(&user).into_iter().flatten();
        let open = open.filter(move |(_, invitation)| invitation.ends_at > now);
        open.filter_map(|(id, invitation)| Some((self.account(*id)?, invitation.role)))
            .filter(|(account, _)| !account.disabled)
    }

    /// Admits the browser with this session, or says why not: known → in time → user active → its end can be judged.
    ///
    /// # Errors
    /// [`Denial::SessionEnded`], [`Denial::UserDisabled`], [`Denial::ClockBehind`].
    pub fn admit_session(&self, digest: &TokenDigest, now: Timestamp) -> Result<Caller, Denial> {
        let caller = self.admit_session_to_end(digest, now)?;
        match &caller.credential {
            Credential::Session(session) => self.clock().judges(session.ends_at, now)?,
            Credential::ApiKey(_) | Credential::Jwt(_) => self.clock().judges_ends()?,
        }
        Ok(caller)
    }

    /// The same for a person who only ends something of their own, which they can whether or not the end of the session can be judged.
    ///
    /// # Errors
    /// [`Denial::SessionEnded`], [`Denial::UserDisabled`].
    pub fn admit_session_to_end(&self, digest: &TokenDigest, now: Timestamp) -> Result<Caller, Denial> {
        let passed = self.clock().passed(now);
        let session = self.sign_ins.sessions.get(digest).filter(|session| passed < session.ends_at);
        let Session { id, digest, user, created_at, ends_at } = *session.ok_or(Denial::SessionEnded)?;
        // Absent: of a user that is not known here a session opens nothing.
        if self.user(user).is_none_or(|user| user.disabled) {
            return Err(Denial::UserDisabled);
        }
        Ok(Caller {
            user,
            credential: Credential::Session(SessionCredential { id, digest, created_at, ends_at }),
        })
    }

    /// Admits the bearer of a token of our own: its grant holds → is the user's and the client's that the token names → user active.
    pub(super) fn admit_by_grant(
        &self,
        id: GrantId,
        token: &Arc<Verified>,
        now: Timestamp,
    ) -> Result<Caller, Denial> {
        let passed = self.clock().passed(now);
        let grant = self.grant(id).filter(|grant| grant.is_live(passed)).ok_or(Denial::GrantEnded)?;
        let user = self.user(grant.user).ok_or(Denial::GrantEnded)?;
        if *user.uuid != *token.subject || token.client.as_deref() != Some(&*grant.client) {
            return Err(Denial::GrantEnded);
        }
        if user.disabled {
            return Err(Denial::UserDisabled);
        }
        let credential = Credential::Jwt(JwtCredential { of: TokenOf::Grant(id), token: Arc::clone(token) });
        Ok(Caller { user: grant.user, credential })
    }

    /// The place of whoever is there in person in the account that is named; in the only one, if none is.
    pub(super) fn of_session(
        &self,
        user: UserId,
        named: Option<&[u8]>,
    ) -> Result<Option<Membership>, Denial> {
        let mut own = self
            .accounts_of(user)
            .map(|(account, role)| (account.slug.as_bytes(), Membership { account: account.id, role }));
        if let Some(named) = named {
            return own
                .find(|(slug, _)| *slug == named)
                .map(|(_, member)| Some(member))
                .ok_or(Denial::AccountForeign);
        }
        Ok(match (own.next(), own.next()) {
            (Some((_, member)), None) => Some(member),
            (None, _) | (_, Some(_)) => None,
        })
    }
}

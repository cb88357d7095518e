//! The bearers of JWTs: whose subject it is, in which account it acts, and whether it could become someone's.

use super::Live;
use crate::account::{Account, Membership};
use crate::clock::Timestamp;
use crate::denial::Denial;
use crate::id::{AccountId, UserId};
use crate::identity::{Addressee, Claimant, Identity, IssuerAccounts};
use crate::jwt::{Link, Verified};
use crate::principal::{Caller, Credential, JwtCredential, Principal, Recognised, TokenOf};
use crate::role::Role;
use std::collections::BTreeMap;
use std::sync::Arc;

impl Live {
    /// Whose subject this is.
    #[must_use]
    pub fn identity(&self, issuer: &str, subject: &str) -> Option<&Identity> {
        self.identities.get(issuer)?.get(subject)
    }

    /// Admits the bearer of a verified token, or says why not: in time → a user's → user active. In which account it acts is
    /// another question: [`Live::act_in`].
    ///
    /// # Errors
    /// [`Denial::TokenExpired`], [`Denial::TokenNotYetValid`], [`Denial::ClockBehind`], [`Denial::TokenUnlinked`],
    /// [`Denial::UserDisabled`].
    pub fn admit_bearer(&self, token: &Arc<Verified>, now: Timestamp) -> Result<Caller, Denial> {
        let clock = self.clock();
        token.good_at(clock.passed(now)).map_err(|denial| clock.or_behind(denial))?;
        match self.admit_in_time(token, now) {
            // Every token has an end. A subject that is nobody's becomes nobody's while that cannot be judged.
            good @ (Ok(_) | Err(Denial::TokenUnlinked)) => {
                clock.judges_ends()?;
                // Of a clock that another thread has found right since, what ended by it has ended.
                let grant = token.grant_id.and_then(|id| self.grant(id));
                // Absent: the token has no grant of ours that could have ended.
                let lives = token.good_at(now).is_ok() && grant.is_none_or(|grant| grant.is_live(now));
                if lives { good } else { Err(Denial::ClockBehind) }
            }
            refused => refused,
        }
    }

    fn admit_in_time(&self, token: &Arc<Verified>, now: Timestamp) -> Result<Caller, Denial> {
        if let Some(grant) = token.grant_id {
            return self.admit_by_grant(grant, token, now);
        }
        let identity = self.identity(&token.issuer, &token.subject).ok_or(Denial::TokenUnlinked)?;
        // A confined issuer learns nothing of who is outside its accounts: to it such a user is nobody.
        if !self.is_of_issuer(token, identity.user, now) {
            return Err(Denial::TokenUnlinked);
        }
        // Absent: a user that is not known is refused as a disabled one is.
        if self.users.get(&identity.user).is_none_or(|user| user.disabled) {
            return Err(Denial::UserDisabled);
        }
        let credential =
            Credential::Jwt(JwtCredential { of: TokenOf::Link(identity.id), token: Arc::clone(token) });
        Ok(Caller { user: identity.user, credential })
    }

    /// Whose token this is, whether or not it is admitted.
    #[must_use]
    pub fn recognise_bearer(&self, token: &Verified) -> Option<Recognised> {
        if let Some(id) = token.grant_id {
            let user = self.grant(id)?.user;
            return Some(Recognised { kind: "grant", id: id.0, user, account: None });
        }
        let identity = self.identity(&token.issuer, &token.subject)?;
        Some(Recognised { kind: "jwt", id: identity.id, user: identity.user, account: None })
    }

    /// Whether a user is in an account that a token's issuer speaks for; or invited into one, and in no other.
    fn is_of_issuer(&self, token: &Verified, user: UserId, now: Timestamp) -> bool {
        if token.accounts.is_empty() {
            return true;
        }
        // Absent: an account that cannot be read is none that it speaks for.
        let reached =
            |account: &AccountId| self.account(*account).is_some_and(|one| token.reaches(&one.slug));
        // A place that cannot be read opens nothing, but the user is not outside for that.
        let unread = self.unread_members.get(&user).into_iter().flat_map(BTreeMap::keys);
        let places = self.members.get(&user).into_iter().flat_map(BTreeMap::keys);
        let (mut outside, mut invited) = (false, self.invitations_of(user, now));
        for account in places.chain(unread) {
            if reached(account) {
                return true;
            }
            outside = true;
        }
        !outside && invited.any(|(account, _)| token.reaches(&account.slug))
    }

    /// Whether a write could make this token's subject a user's, or a user without any account a member: only then is one
    /// begun. By the address that its issuer has verified.
    #[must_use]
    pub fn could_join(&self, token: &Verified, link: Link, issuers: &IssuerAccounts, now: Timestamp) -> bool {
        // Our own subjects are users already.
        if token.grant_id.is_some() {
            return false;
        }
        let by = Claimant { issuer: &token.issuer, accounts: &token.accounts, link, issuers };
        self.addressee(token, now).is_some_and(|user| user.claimed_by(&by).is_some())
    }

    /// The user with the verified address of a token; `None`: nobody whom its subject could be.
    fn addressee(&self, token: &Verified, now: Timestamp) -> Option<Addressee> {
        let user = self.user_named(token.email.as_deref()?).filter(|user| !user.disabled)?;
        let own = self.identity(&token.issuer, &token.subject);
        if own.is_some_and(|own| own.user != user.id) {
            return None;
        }
        let places = self.members.get(&user.id).into_iter().flat_map(BTreeMap::keys);
        let unread = self.unread_members.get(&user.id).into_iter().flat_map(BTreeMap::keys);
        let home = |account: &AccountId| self.account(*account).map(|account| account.slug.clone());
        let subjects = self.subjects_of.get(&user.id).into_iter().flatten();
        let invited = self.invitations_of(user.id, now);
        Some(Addressee {
            linked: own.is_some(),
            known: user.is_known(),
            issuers: subjects.map(|(issuer, _)| Arc::clone(issuer)).collect(),
            homes: places.chain(unread).map(home).collect(),
            invited: invited.map(|(account, _)| (account.id, account.slug.clone())).collect(),
        })
    }

    /// The active accounts that a caller can act in, by id.
    pub fn within_reach<'l>(
        &'l self,
        credential: &Credential,
        user: UserId,
    ) -> impl Iterator<Item = (&'l Account, Role)> {
        let token = match credential {
            Credential::ApiKey(_) | Credential::Session(_) => None,
            Credential::Jwt(jwt) => Some(Arc::clone(&jwt.token)),
        };
        let own = self.accounts_of(user);
        // Absent: a key and a session are bound by their memberships alone, which are read here.
        own.filter(move |(account, _)| token.as_ref().is_none_or(|token| self.reaches(token, account)))
    }

    /// The account in which a caller acts. The first that is set decides: the one that its credential is bound to; the one
    /// that is named (`X-Active-Account`); the one that this user's client has chosen; the only one that the user is in, disabled
    /// accounts and memberships that cannot be read included: a request that was meant for one of them must not act in another.
    /// `needed` says whether there must be one.
    ///
    /// # Errors
    /// [`Denial::AccountForeign`] when the caller is not an active member of the one that decides,
    /// [`Denial::AccountRequired`] when none is set and one is needed.
    pub fn act_in(&self, caller: Caller, named: Option<&[u8]>, needed: bool) -> Result<Principal, Denial> {
        let member = match &caller.credential {
            Credential::ApiKey(key) => {
                let own = || self.account(key.member.account).map(|account| account.slug.as_bytes());
                if named.is_some_and(|named| Some(named) != own()) {
                    return Err(Denial::AccountForeign);
                }
                Some(key.member)
            }
            Credential::Jwt(jwt) => self.of_bearer(caller.user, &jwt.token, named, needed)?,
            Credential::Session(_) => self.of_session(caller.user, named)?,
        };
        match member {
            None if needed => Err(Denial::AccountRequired),
            member => Ok(Principal::within(caller, member)),
        }
    }

    fn of_bearer(
        &self,
        user: UserId,
        token: &Verified,
        named: Option<&[u8]>,
        needed: bool,
    ) -> Result<Option<Membership>, Denial> {
        let member = |account: &Account, role| Membership { account: account.id, role };
        let reached = || self.accounts_of(user).filter(|(account, _)| self.reaches(token, account));
        if let Some(named) = named {
            let mut own = reached();
            let found = own.find(|(account, _)| account.slug.as_bytes() == named);
            return found.map(|(account, role)| Some(member(account, role))).ok_or(Denial::AccountForeign);
        }
        if let Some(chosen) = self.chosen_by(user, token) {
            return match reached()
                .find(|(account, _)| account.id == chosen)
                .map(|(one, role)| member(one, role))
            {
                None if needed => Err(Denial::AccountForeign),
                // Where none is needed, another can be chosen: that is what these operations are for.
                found => Ok(found),
            };
        }
        let mut own = reached();
        Ok(match (own.next(), own.next()) {
            (Some((account, role)), None) if !self.is_left_out(user, token) => Some(member(account, role)),
            // Absent: of several accounts, or of one that could be another, none is chosen.
            _ => None,
        })
    }

    /// Whether a user is in an account besides those of [`Self::accounts_of`] that a token could mean: one that is disabled or
    /// cannot be read, or one by a membership that cannot.
    fn is_left_out(&self, user: UserId, token: &Verified) -> bool {
        let could_mean = |id: &AccountId| match self.account(*id) {
            Some(account) => account.disabled && self.reaches(token, account),
            None => true,
        };
        let unread = self.unread_members.get(&user).is_some_and(|unread| !unread.is_empty());
        unread || self.members.get(&user).is_some_and(|own| own.keys().any(could_mean))
    }

    /// Whether a token can act in an account of its user: its issuer speaks for it, and a grant of our own is not for another.
    #[must_use]
    pub fn reaches(&self, token: &Verified, account: &Account) -> bool {
        match token.grant_id {
            None => token.reaches(&account.slug),
            Some(id) => self.grant(id).is_some_and(|grant| !grant.bound || grant.account == Some(account.id)),
        }
    }

    /// The account that this user's client has chosen.
    #[must_use]
    pub fn chosen_by(&self, user: UserId, token: &Verified) -> Option<AccountId> {
        if let Some(id) = token.grant_id {
            return self.grant(id)?.account;
        }
        // Without a client it would be the choice of every such application.
        let client = token.client.as_deref()?;
        let mut of_user = self.chosen.get(&user)?.iter();
        let chosen = of_user.find(|one| *one.issuer == *token.issuer && *one.client == *client);
        chosen.map(|chosen| chosen.account)
    }
}

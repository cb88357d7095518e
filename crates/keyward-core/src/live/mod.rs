//! The knowledge that every request is judged by: keys, users, accounts and memberships, in memory.
//!
//! A store fills it when it opens and publishes every committed [`Change`] to it before the change is
//! acknowledged, so that in one process a change holds from the next request. Look-ups are synchronous.

mod bearer;
mod ends;
mod grants;
mod keys;
mod sessions;
mod sign_ins;

pub use keys::{RETIRED, RetiredKey};

use crate::account::{Account, Membership, User};
use crate::active_account::ChosenAccount;
use crate::address::ClientAddress;
use crate::api_key::{ApiKey, Digest, KeyFormat, KeySecret, Move, WhoseKeys};
use crate::clock::{ClockWatch, Timestamp};
use crate::denial::Denial;
use crate::id::{AccountId, KeyId, UserId};
use crate::identity::Identity;
use crate::oauth::{Client, Grants, OAuthGrant};
use crate::principal::{Caller, Credential, KeyCredential, Principal, Recognised};
use crate::role::Role;
use crate::session::Session;
use crate::signing::SealedKey;
use crate::team::OpenInvitation;
use keys::Keys;
use sign_ins::SignIns;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError, RwLock, RwLockReadGuard};

/// One committed change of what is known.
#[derive(Clone, Debug)]
pub enum Change {
    /// An account is as given.
    Account(Account),
    /// An account is disabled, whatever else its row holds.
    AccountDisabled(AccountId),
    /// A user is as given.
    User(User),
    /// A user is disabled, whatever else its row holds.
    UserDisabled(UserId),
    /// A link that was sent to a user's address has been used.
    EmailVerified(UserId),
    /// A user is no more: nothing but an address was ever known of it, or it was erased.
    UserGone(UserId),
    /// A user has this role in the account, or (`None`) no place there.
    Member(AccountId, UserId, Option<Role>),
    /// A user has a place in the account that cannot be read: it gives no right.
    MemberUnread(AccountId, UserId),
    /// A key is as given.
    Key(ApiKey),
    /// A secret of a key that is over has this digest.
    Retired(Digest, RetiredKey),
    /// A key's live secrets are exactly these.
    Secrets(KeyId, Vec<KeySecret>),
    /// A key is revoked since then.
    Revoked(KeyId, Timestamp),
    /// A secret has got another digest. Under the one before it is known too for as long as this process lives: requests
    /// that were let in by it may still be on their way.
    Moved(Move),
    /// A subject of an issuer is this user.
    Linked(Identity),
    /// A subject of an issuer is nobody any more.
    Unlinked(Arc<str>, Arc<str>),
    /// A user's client at an outside issuer acts in this account.
    Chosen(ChosenAccount),
    /// What a user's client at that issuer chose is forgotten.
    Unchosen(UserId, Arc<str>, Arc<str>),
    /// A user has this invitation into an account, or (`None`) none.
    Invited(AccountId, UserId, Option<OpenInvitation>),
    /// An OAuth client is as given.
    Client(Client),
    /// An OAuth client is no more.
    ClientGone(Arc<str>),
    /// A grant is as given; one that ended is no more.
    Grant(OAuthGrant),
    /// These grants are no more, whatever else their rows hold.
    GrantsEnded(Grants),
    /// A browser is signed in.
    Session(Session),
    /// The session of that id is no more.
    SessionGone(i64),
    /// No browser is signed in as this user any more.
    SessionsGone(UserId),
    /// A signing key is as given.
    SigningKey(SealedKey),
    /// A signing key is no more.
    SigningKeyGone(i64),
    /// The operator says that this is the time: later ones that were read were wrong.
    ClockAccepted(Timestamp),
}

/// An issuer, and a subject of it.
type Named = (Arc<str>, Arc<str>);

/// What is known now.
#[derive(Debug, Default)]
pub struct Live {
    accounts: HashMap<AccountId, Account>,
    users: HashMap<UserId, User>,
    members: HashMap<UserId, BTreeMap<AccountId, Role>>,
    /// The accounts in which a user has a place that cannot be read.
    unread_members: HashMap<UserId, BTreeMap<AccountId, ()>>,
    keys: Keys,
    emails: HashMap<String, UserId>,
    /// By issuer, by subject.
    identities: HashMap<Arc<str>, HashMap<Arc<str>, Identity>>,
    chosen: HashMap<UserId, Vec<ChosenAccount>>,
    /// The issuers and subjects of each user.
    subjects_of: HashMap<UserId, Vec<Named>>,
    /// Open invitations, with their ends.
    invited: HashMap<UserId, BTreeMap<AccountId, OpenInvitation>>,
    sign_ins: SignIns,
    clock: ClockWatch,
}

impl Live {
    /// Takes a change in.
    pub fn apply(&mut self, change: Change) {
        match change {
            Change::Account(account) => {
                self.accounts.insert(account.id, account);
            }
            Change::AccountDisabled(account) => {
                if let Some(account) = self.accounts.get_mut(&account) {
                    account.disabled = true;
                }
            }
            Change::User(user) => {
                self.emails.insert(user.email.clone(), user.id);
                self.users.insert(user.id, user);
            }
            Change::UserDisabled(user) => {
                if let Some(user) = self.users.get_mut(&user) {
                    user.disabled = true;
                }
            }
            Change::EmailVerified(user) => {
                if let Some(known) = self.users.get_mut(&user) {
                    known.email_verified = true;
                }
            }
            Change::UserGone(user) => {
                if let Some(gone) = self.users.remove(&user) {
                    self.emails.remove(&gone.email);
                }
                // Absent: no subject was this user's.
                for (issuer, subject) in self.subjects_of.remove(&user).unwrap_or_default() {
                    self.identities.get_mut(&issuer).and_then(|subjects| subjects.remove(&subject));
                }
            }
            Change::Member(account, user, role) => {
                take_out(&mut self.unread_members, user, account);
                match role {
                    Some(role) => {
                        self.members.entry(user).or_default().insert(account, role);
                    }
                    None => take_out(&mut self.members, user, account),
                }
            }
            Change::MemberUnread(account, user) => {
                self.unread_members.entry(user).or_default().insert(account, ());
            }
            Change::Key(key) => self.keys.put(key),
            Change::Retired(digest, key) => self.keys.put_retired(digest, key),
            Change::Secrets(key, secrets) => self.keys.set_secrets(key, secrets),
            Change::Revoked(key, _) => self.keys.revoke(key),
            Change::Moved(moved) => self.keys.move_digest(moved),
            Change::Linked(identity) => {
                let named = (Arc::clone(&identity.issuer), Arc::clone(&identity.subject));
                self.subjects_of.entry(identity.user).or_default().push(named);
                let subjects = self.identities.entry(Arc::clone(&identity.issuer)).or_default();
                subjects.insert(Arc::clone(&identity.subject), identity);
            }
            Change::Unlinked(issuer, subject) => {
                let subjects = self.identities.get_mut(&issuer);
                if let Some(Identity { user, .. }) = subjects.and_then(|subjects| subjects.remove(&subject))
                    && let Some(own) = self.subjects_of.get_mut(&user)
                {
                    own.retain(|named| *named != (Arc::clone(&issuer), Arc::clone(&subject)));
                }
            }
            Change::Invited(account, user, Some(invitation)) => {
                self.invited.entry(user).or_default().insert(account, invitation);
            }
            Change::Invited(account, user, None) => take_out(&mut self.invited, user, account),
            Change::Client(client) => {
                self.sign_ins.clients.insert(Arc::clone(&client.id), client);
            }
            Change::ClientGone(id) => {
                self.sign_ins.clients.remove(&id);
            }
            Change::Grant(grant) => self.sign_ins.grants.put(grant),
            Change::GrantsEnded(which) => self.sign_ins.grants.end(&which),
            Change::Session(session) => self.sign_ins.sessions.put(session),
            Change::SessionGone(id) => self.sign_ins.sessions.end(id),
            Change::SessionsGone(user) => self.sign_ins.sessions.end_all_of(user),
            Change::SigningKey(key) => {
                self.sign_ins.signing_keys.insert(key.id, key);
            }
            Change::SigningKeyGone(id) => {
                self.sign_ins.signing_keys.remove(&id);
            }
            Change::ClockAccepted(now) => self.clock.accept(now),
            Change::Chosen(chosen) => {
                let of_user = self.chosen.entry(chosen.user).or_default();
                of_user.retain(|other| (&other.issuer, &other.client) != (&chosen.issuer, &chosen.client));
                of_user.push(chosen);
            }
            Change::Unchosen(user, issuer, client) => {
                let of_user = self.chosen.entry(user).or_default();
                of_user.retain(|other| (&other.issuer, &other.client) != (&issuer, &client));
            }
        }
    }

    /// Admits the bearer of a key's secret, or says why not. The order is part of the contract: exists → revoked
    /// → ended → address → user active → account active → user still a member → its end, if it has one, can be judged.
    ///
    /// # Errors
    /// The first of these that fails.
    pub fn admit(&self, digest: &Digest, from: ClientAddress, now: Timestamp) -> Result<Caller, Denial> {
        let (caller, key, secret) = self.found(digest, from, now)?;
        self.judges_key(key, secret, now)?;
        Ok(caller)
    }

    /// The same for a key that is to end itself, which it can whether or not its end can be judged. A secret in its grace whose end
    /// cannot be judged may not: the key has another secret by now, which is somebody's who may be another.
    ///
    /// # Errors
    /// The first of these that fails.
    pub fn admit_to_end(
        &self,
        digest: &Digest,
        from: ClientAddress,
        now: Timestamp,
    ) -> Result<Caller, Denial> {
        let (caller, _, secret) = self.found(digest, from, now)?;
        match secret.ends_at {
            Some(end) if end <= now => Err(Denial::ClockBehind),
            Some(_) | None => Ok(caller),
        }
    }

    fn found(
        &self,
        digest: &Digest,
        from: ClientAddress,
        now: Timestamp,
    ) -> Result<(Caller, &ApiKey, &KeySecret), Denial> {
        let (key, secret) = self.keys.find(digest)?;
        let passed = self.clock.passed(now);
        if secret.ends_at.is_some_and(|end| end <= passed) {
            return Err(Denial::KeyRotated);
        }
        if key.expires_at.is_some_and(|end| end <= passed) {
            return Err(Denial::KeyExpired);
        }
        if key.allowed_ips.as_deref().is_some_and(|ranges| !from.is_in(ranges)) {
            return Err(Denial::AddressNotAllowed);
        }
        // Absent: a user that is not known is refused as a disabled one is.
        if self.users.get(&key.user).is_none_or(|user| user.disabled) {
            return Err(Denial::UserDisabled);
        }
        // Absent: an account that is not known is refused as a disabled one is.
        if self.accounts.get(&key.account).is_none_or(|account| account.disabled) {
            return Err(Denial::AccountDisabled);
        }
        let role = self.role(key.account, key.user).ok_or(Denial::NotAMember)?;
        let caller = Caller {
            user: key.user,
            credential: Credential::ApiKey(KeyCredential {
                id: key.id,
                digest: secret.digest,
                current: secret.ends_at.is_none(),
                from,
                grant: key.grant,
                expires_at: key.expires_at,
                allowed_ips: key.allowed_ips.clone(),
                member: Membership { account: key.account, role },
            }),
        };
        Ok((caller, key, secret))
    }

    /// Whose key has this secret, whether or not it is admitted: for the operator, who must find a credential that is refused.
    #[must_use]
    pub fn recognise(&self, digest: &Digest) -> Option<Recognised> {
        let key = self.keys.owner(digest)?;
        Some(Recognised { kind: "api_key", id: key.id.0, user: key.user, account: Some(key.account) })
    }

    /// The place of a user in an active account.
    #[must_use]
    pub fn membership(&self, user: UserId, account: AccountId) -> Option<Membership> {
        let active = self.accounts.get(&account).is_some_and(|account| !account.disabled);
        let role = self.role(account, user).filter(|_| active)?;
        Some(Membership { account, role })
    }

    /// A principal with the rights of this moment, by the same credential in the same account.
    ///
    /// # Errors
    /// What the caller would be told if it came now.
    pub fn renew(&self, principal: &Principal, now: Timestamp) -> Result<Principal, Denial> {
        match &principal.credential {
            Credential::ApiKey(key) => self.admit(&key.digest, key.from, now).map(Principal::of),
            Credential::Jwt(jwt) => self.renewed(self.admit_bearer(&jwt.token, now)?, principal),
            Credential::Session(session) => {
                self.renewed(self.admit_session(&session.digest, now)?, principal)
            }
        }
    }

    /// The same for what only ends something of its own: whether the credential's own end has passed need not be known for it.
    ///
    /// # Errors
    /// What the caller would be told if it came now.
    pub fn renew_to_end(&self, principal: &Principal, now: Timestamp) -> Result<Principal, Denial> {
        match &principal.credential {
            Credential::ApiKey(key) => self.admit_to_end(&key.digest, key.from, now).map(Principal::of),
            Credential::Session(session) => {
                let caller = self.admit_session_to_end(&session.digest, now)?;
                self.renewed(caller, principal)
            }
            Credential::Jwt(_) => self.renew(principal, now),
        }
    }

    fn renewed(&self, caller: Caller, before: &Principal) -> Result<Principal, Denial> {
        // The subject was made another user's meanwhile: what that one may do is not what this one asked for.
        if caller.user != before.user {
            return Err(Denial::TokenUnlinked);
        }
        let Some(Membership { account, .. }) = before.member else {
            return Ok(Principal::within(caller, None));
        };
        let member = self.membership(caller.user, account).ok_or(Denial::AccountForeign)?;
        Ok(Principal::within(caller, Some(member)))
    }

    /// The live keys whose current secret has a digest of another version of the root secret.
    #[must_use]
    pub fn unmoved(&self, current: u32, now: Timestamp) -> BTreeSet<KeyId> {
        self.keys.unmoved(current, now)
    }

    /// How many keys that were not revoked end later than `after` and not later than `until`, of all accounts.
    #[must_use]
    pub fn keys_ending(&self, after: Timestamp, until: Timestamp) -> usize {
        self.keys.ending(after, until)
    }

    /// How many live keys begin with another prefix than this form's, by a walk over all.
    #[must_use]
    pub fn keys_of_another_form(&self, form: &KeyFormat, now: Timestamp) -> usize {
        self.keys.of_another_form(form, now)
    }

    /// The role of a user in an account.
    #[must_use]
    pub fn role(&self, account: AccountId, user: UserId) -> Option<Role> {
        self.members.get(&user)?.get(&account).copied()
    }

    /// An account.
    #[must_use]
    pub fn account(&self, id: AccountId) -> Option<&Account> {
        self.accounts.get(&id)
    }

    /// The account of that slug. A walk over all of them: for the operator, not for requests.
    #[must_use]
    pub fn account_named(&self, slug: &str) -> Option<&Account> {
        self.accounts.values().find(|account| account.slug == slug)
    }

    /// The user with that address.
    #[must_use]
    pub fn user_named(&self, email: &str) -> Option<&User> {
        self.users.get(self.emails.get(email)?)
    }

    /// A user.
    #[must_use]
    pub fn user(&self, id: UserId) -> Option<&User> {
        self.users.get(&id)
    }

    /// How many keys are known whole: those that were not revoked, and did not end long ago.
    #[must_use]
    pub fn keys(&self) -> usize {
        self.keys.len()
    }

    /// How many digests of keys that are over are kept: [`RETIRED`] at most.
    #[must_use]
    pub fn retired_digests(&self) -> usize {
        self.keys.retired()
    }

    /// A key, if it was not revoked and did not end long ago.
    #[must_use]
    pub fn key(&self, id: KeyId) -> Option<&ApiKey> {
        self.keys.get(id)
    }

    /// Whether a key has a secret: one whose secret nobody was shown yet has none.
    #[must_use]
    pub fn has_secret(&self, key: KeyId) -> bool {
        self.keys.has_secret(key)
    }

    /// The keys of somebody that were not revoked and did not end long ago. A walk over all of them: for the operator, not for
    /// requests.
    #[must_use]
    pub fn keys_of(&self, whose: WhoseKeys) -> Vec<KeyId> {
        self.keys.of(whose)
    }

    /// The active accounts that a user is a member of, by id.
    pub fn accounts_of(&self, user: UserId) -> impl Iterator<Item = (&Account, Role)> {
        self.members
            .get(&user)
            .into_iter()
            .flatten()
            .filter_map(|(id, role)| Some((self.accounts.get(id)?, *role)))
            .filter(|(account, _)| !account.disabled)
    }

    /// How many keys of an account are live: neither revoked nor past their end.
    #[must_use]
    pub fn live_keys(&self, account: AccountId, now: Timestamp) -> usize {
        self.keys.live_in(account, now)
    }
}

/// Takes one account of a user out, and nothing stays of a user that has none.
fn take_out<T>(of: &mut HashMap<UserId, BTreeMap<AccountId, T>>, user: UserId, account: AccountId) {
    if let Some(own) = of.get_mut(&user) {
        own.remove(&account);
        if own.is_empty() {
            of.remove(&user);
        }
    }
}

/// A use of a key, as it is noted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyUse {
    /// The key.
    pub key: KeyId,
    /// When it was last used.
    pub at: Timestamp,
    /// The digest of its current secret, if that was used since the last flush, and not only one in its grace: an answer that
    /// shows it is kept no longer then.
    pub current: Option<Digest>,
}

/// The shared handle to what is known, and to what was used since the last flush.
#[derive(Clone, Debug, Default)]
pub struct Directory {
    live: Arc<RwLock<Live>>,
    used: Arc<Mutex<HashMap<KeyId, KeyUse>>>,
    moves: Arc<Mutex<HashMap<Digest, Move>>>,
}

impl Directory {
    /// Looks at what is known now. Hold the guard briefly: a change waits for it.
    pub fn read(&self) -> RwLockReadGuard<'_, Live> {
        self.live.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes committed changes in, all at once. For stores, after their commit and before their answer. `changes` is gone through while
    /// the directory is locked, so it reads nothing of it.
    pub fn publish(&self, changes: impl IntoIterator<Item = Change>) {
        let mut changes = changes.into_iter().peekable();
        if changes.peek().is_none() {
            return;
        }
        let mut live = self.live.write().unwrap_or_else(PoisonError::into_inner);
        changes.for_each(|change| live.apply(change));
    }

    /// Of keys whose end has passed before that moment keeps the digests alone. For stores, which have the rest. No request
    /// waits where there is no such key, and else for a few of them at a time.
    pub fn retire_ended(&self, before: Timestamp) {
        while self.read().keys.has_ended(before) {
            self.live.write().unwrap_or_else(PoisonError::into_inner).keys.retire_ended(before);
        }
    }

    /// Notes that a key was used. The note is in memory; a background task writes it in batches.
    pub fn note_use(&self, noted: KeyUse) {
        let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        let last = used.entry(noted.key).or_insert(noted);
        last.at = last.at.max(noted.at);
        last.current = noted.current.or(last.current);
    }

    /// When and how a key was last used, as far as that has not been written yet.
    #[must_use]
    pub fn unwritten_use(&self, key: KeyId) -> Option<KeyUse> {
        self.used.lock().unwrap_or_else(PoisonError::into_inner).get(&key).copied()
    }

    /// The notes since the last flush, for writing.
    #[must_use]
    pub fn unwritten_uses(&self) -> Vec<KeyUse> {
        self.used.lock().unwrap_or_else(PoisonError::into_inner).values().copied().collect()
    }

    /// Notes that a secret was presented whose digest is of the older version. A background task moves it.
    pub fn note_move(&self, noted: Move) {
        self.moves.lock().unwrap_or_else(PoisonError::into_inner).insert(noted.from, noted);
    }

    /// Takes the notes of moves, for writing. A move that is not written after all is noted again at the secret's next use.
    #[must_use]
    pub fn take_moves(&self) -> Vec<Move> {
        let mut moves = self.moves.lock().unwrap_or_else(PoisonError::into_inner);
        moves.drain().map(|(_, noted)| noted).collect()
    }

    /// Forgets notes that have been written; a use noted since then stays.
    pub fn uses_written(&self, written: &[KeyUse]) {
        let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        for one in written {
            if used.get(&one.key) == Some(one) {
                used.remove(&one.key);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grant::Grant;
    use crate::limits::Overrides;
    use crate::tier::Tier;
    use std::net::{IpAddr, Ipv4Addr};

    const NOW: i64 = 1_000;
    const HERE: ClientAddress = ClientAddress::Known(IpAddr::V4(Ipv4Addr::LOCALHOST));

    fn digest() -> Digest {
        Digest::from_bytes(&[7; 32]).unwrap()
    }

    fn key() -> ApiKey {
        ApiKey {
            id: KeyId(1),
            account: AccountId(1),
            user: UserId(1),
            label: "k".to_owned(),
            prefix: "lev_sk_abcd".to_owned(),
            grant: Grant::FullAccess,
            created_at: Timestamp::from_unix(0),
            expires_at: None,
            allowed_ips: None,
            revoked_at: None,
            last_used_at: None,
            made_by: None,
        }
    }

    fn user(disabled: bool) -> User {
        User {
            id: UserId(1),
            uuid: String::new(),
            email: String::new(),
            email_verified: false,
            first_name: "A".to_owned(),
            last_name: String::new(),
            title: None,
            photo_url: None,
            last_login_at: None,
            disabled,
        }
    }

    fn account(disabled: bool) -> Account {
        let (slug, name) = ("a".to_owned(), "A".to_owned());
        Account {
            id: AccountId(1),
            slug,
            name,
            account_type: None,
            tier: Tier::Free,
            overrides: Overrides::default(),
            disabled,
        }
    }

    fn secret(ends_at: Option<i64>) -> Change {
        let ends_at = ends_at.map(Timestamp::from_unix);
        Change::Secrets(
            KeyId(1),
            vec![KeySecret { key: KeyId(1), digest: digest(), pepper_version: 1, ends_at }],
        )
    }

    /// Everything is wrong with the key at first; each change puts one thing right, and the next is told.
    #[test]
    fn the_order_of_verification_is_pinned() {
        let mut live = Live::default();
        let ended = Some(Timestamp::from_unix(NOW));
        let elsewhere: Arc<[_]> = vec![crate::address::parse_range("203.0.113.0/24").unwrap()].into();
        let wrong = ApiKey { expires_at: ended, allowed_ips: Some(elsewhere), ..key() };
        let steps = [
            (Change::Key(wrong.clone()), Denial::KeyUnknown),
            (secret(Some(NOW)), Denial::KeyRotated),
            // A key that was revoked is never live again. It is here to pin that nothing comes before that but that it exists.
            (Change::Revoked(KeyId(1), Timestamp::from_unix(0)), Denial::KeyRevoked),
            (Change::Key(wrong.clone()), Denial::KeyRevoked),
            (secret(Some(NOW)), Denial::KeyRotated),
            (secret(Some(NOW + 1)), Denial::KeyExpired),
            (Change::Key(ApiKey { expires_at: None, ..wrong }), Denial::AddressNotAllowed),
            (Change::Key(key()), Denial::UserDisabled),
            (Change::User(user(true)), Denial::UserDisabled),
            (Change::User(user(false)), Denial::AccountDisabled),
            (Change::Account(account(true)), Denial::AccountDisabled),
            (Change::Account(account(false)), Denial::NotAMember),
        ];
        let admit = |live: &Live| live.admit(&digest(), HERE, Timestamp::from_unix(NOW));
        for (change, denial) in steps {
            live.apply(change);
            assert_eq!(admit(&live).unwrap_err(), denial);
        }
        live.apply(Change::Member(AccountId(1), UserId(1), Some(Role::Viewer)));
        assert_eq!(admit(&live).unwrap().user, UserId(1));
        live.apply(Change::Member(AccountId(1), UserId(1), None));
        assert_eq!(admit(&live).unwrap_err(), Denial::NotAMember);
    }

    #[test]
    fn a_secret_that_was_moved_is_known_by_both_digests_until_it_changes() {
        let mut live = Live::default();
        for change in [
            Change::User(user(false)),
            Change::Account(account(false)),
            Change::Member(AccountId(1), UserId(1), Some(Role::Viewer)),
            Change::Key(key()),
            secret(None),
        ] {
            live.apply(change);
        }
        let now = Timestamp::from_unix(NOW);
        assert_eq!(live.unmoved(2, now), BTreeSet::from([KeyId(1)]));
        let to = Digest::from_bytes(&[8; 32]).unwrap();
        live.apply(Change::Moved(Move { from: digest(), to, version: 2 }));
        assert!(live.unmoved(2, now).is_empty());
        for presented in [digest(), to] {
            let caller = live.admit(&presented, HERE, now).unwrap();
            let Credential::ApiKey(key) = caller.credential else { panic!() };
            assert!(key.digest == to, "what is renewed and compared is the digest of now");
        }
        // And once more: what led to the second leads to the third.
        let third = Digest::from_bytes(&[9; 32]).unwrap();
        live.apply(Change::Moved(Move { from: to, to: third, version: 3 }));
        assert!(live.unmoved(3, now).is_empty());
        for presented in [digest(), to, third] {
            let caller = live.admit(&presented, HERE, now).unwrap();
            let Credential::ApiKey(key) = caller.credential else { panic!() };
            assert!(key.digest == third);
        }
        live.apply(Change::Secrets(KeyId(1), Vec::new()));
        for presented in [digest(), to, third] {
            assert_eq!(live.admit(&presented, HERE, now).unwrap_err(), Denial::KeyUnknown);
        }
        live.apply(Change::Moved(Move { from: digest(), to, version: 2 }));
        assert!(live.recognise(&to).is_none(), "what is gone is not moved");
    }

    #[test]
    fn a_use_noted_during_a_flush_is_not_forgotten() {
        let directory = Directory::default();
        let used = |at, current: bool| KeyUse {
            key: KeyId(1),
            at: Timestamp::from_unix(at),
            current: current.then(digest),
        };
        directory.note_use(used(1, false));
        let written = directory.unwritten_uses();
        directory.note_use(used(2, false));
        directory.uses_written(&written);
        assert_eq!(directory.unwritten_uses(), [used(2, false)]);
        directory.note_use(used(1, true));
        assert_eq!(directory.unwritten_use(KeyId(1)), Some(used(2, true)), "what is older adds only how");
    }
}

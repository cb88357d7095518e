//! Permits: the proof that someone may do something. The next step demands one, so a forgotten check does not
//! compile. Only this module makes them.

use crate::account::Membership;
use crate::clock::Timestamp;
use crate::denial::Denial;
use crate::id::KeyId;
use crate::jwt::Verified;
use crate::live::Live;
use crate::made_by::MadeBy;
use crate::principal::{Credential, Principal};
use crate::role::Role;
use crate::scope::Scope;
use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

/// Something that can be done, as a type.
pub trait Action: Send + Sync + 'static {
    /// The scope that a caller needs; `None`: being authenticated is enough, or no caller may do it at all
    /// (see [`Action::CALLERS`]).
    const SCOPE: Option<Scope>;
    /// The role that a caller needs besides; `None`: any.
    const ROLE: Option<Role> = None;
    /// Whether its scope must stand in the credential literally: see [`crate::principal::Credential::says`].
    const LITERAL: bool = false;
    /// Whether it makes, raises or ends authority: see [`Permit::gives_authority`].
    const AUTHORITY: bool = false;
    /// Whether callers may do it. What only the operator may do says `false`.
    const CALLERS: bool = true;
    /// Whether the caller must be a person in a browser: an application does not give consent.
    const IN_PERSON: bool = false;
    /// Whether it only ends what is the caller's own. Then it need not be known whether the credential's own end has passed.
    const ENDS: bool = false;
}

macro_rules! actions {
    ($($(#[$doc:meta])* $name:ident: $scope:expr),* $(,)?) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug)]
        pub enum $name {}
        impl Action for $name {
            const SCOPE: Option<Scope> = $scope;
        }
    )*};
}

actions! {
    /// Learn about oneself: `/me`.
    SeeSelf: None,
    /// Read the account, its team and its keys.
    ReadAccount: Some(Scope::AccountRead),
    /// Read deals.
    ReadDeals: Some(Scope::DealsRead),
    /// Make, change, move and archive deals, and change their teams.
    WriteDeals: Some(Scope::DealsWrite),
    /// Change the labels of one's own keys, which gives nobody a right.
    LabelKeys: Some(Scope::AccountWrite),
    /// Read pipelines.
    ReadPipelines: Some(Scope::PipelinesRead),
}

/// End a key. A credential may always end itself: [`check_or_itself`].
#[derive(Clone, Copy, Debug)]
pub enum RevokeKeys {}

impl Action for RevokeKeys {
    const SCOPE: Option<Scope> = Some(Scope::AccountWrite);
    const AUTHORITY: bool = true;
}

/// Make and rotate keys: a credential that outlives the one that makes it is not made by one that was given for something else.
#[derive(Clone, Copy, Debug)]
pub enum ManageKeys {}

impl Action for ManageKeys {
    const SCOPE: Option<Scope> = Some(Scope::AccountWrite);
    const LITERAL: bool = true;
    const AUTHORITY: bool = true;
}

/// Invite people into the account, change their roles, and take their places away: its admins.
#[derive(Clone, Copy, Debug)]
pub enum ManageTeam {}

impl Action for ManageTeam {
    const SCOPE: Option<Scope> = Some(Scope::AccountWrite);
    const ROLE: Option<Role> = Some(Role::Admin);
    const AUTHORITY: bool = true;
}

/// Set up accounts, users and memberships: the operator alone.
#[derive(Clone, Copy, Debug)]
pub enum Administer {}

impl Action for Administer {
    const SCOPE: Option<Scope> = None;
    const CALLERS: bool = false;
}

/// Become a user by a token that was verified: whoever brings one.
#[derive(Clone, Copy, Debug)]
pub enum SignIn {}

impl Action for SignIn {
    const SCOPE: Option<Scope> = None;
    const CALLERS: bool = false;
}

/// Begin by presenting something that is no credential of the API: a password, a code, a refresh token, a link. What it proves is
/// judged in the transaction.
#[derive(Clone, Copy, Debug)]
pub enum Present {}

impl Action for Present {
    const SCOPE: Option<Scope> = None;
    const CALLERS: bool = false;
}

/// Make oneself known as an OAuth client: whoever asks, within its limits.
#[derive(Clone, Copy, Debug)]
pub enum Register {}

impl Action for Register {
    const SCOPE: Option<Scope> = None;
    const CALLERS: bool = false;
}

/// Let applications act for oneself; accept an invitation: a person in a browser.
#[derive(Clone, Copy, Debug)]
pub enum ManageSignIns {}

impl Action for ManageSignIns {
    const SCOPE: Option<Scope> = None;
    const IN_PERSON: bool = true;
}

/// Stop applications from acting for oneself; end one's session: a person in a browser.
#[derive(Clone, Copy, Debug)]
pub enum EndSignIns {}

impl Action for EndSignIns {
    const SCOPE: Option<Scope> = None;
    const IN_PERSON: bool = true;
    const ENDS: bool = true;
}

/// What somebody presents who is not known by a credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Presented {
    /// A password.
    Password,
    /// A link that the operator's command printed.
    Link,
    /// A code or a refresh token, as an OAuth client.
    Client,
}

impl Presented {
    /// The word, in the audit trail.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Password => "password",
            Self::Link => "link",
            Self::Client => "oauth_client",
        }
    }
}

/// Who holds a permit.
#[derive(Clone, Debug)]
pub enum Holder {
    /// A caller of the API.
    Principal(Principal),
    /// Whoever brings a verified token whose subject is no user's yet.
    Bearer,
    /// Whoever presents something, to have it judged.
    Presenter(Presented),
    /// The operator, who runs the program: the name of the operating system's user who gave the order, if it is known.
    Operator(Option<Arc<str>>),
    /// The program itself, which keeps things in order.
    Background,
}

/// The proof that its holder may do `A`. Not to be copied: one permit, one deed.
pub struct Permit<A> {
    holder: Holder,
    reach: Reach,
    action: PhantomData<fn() -> A>,
}

/// What a permit reaches besides its holder's own credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reach {
    /// All that `A` reaches.
    Whole,
    /// The same, given for a credential that ends itself: what it loses meanwhile does not stop that.
    WholeAndItself,
    /// Nothing: it was given for a credential that ends itself, and may do no more.
    Itself,
}

/// Lets a caller do `A`, if its effective scopes and its user's role are what `A` needs.
///
/// # Errors
/// [`Denial::ScopeMissing`], [`Denial::RoleMissing`].
pub fn check<A: Action>(principal: Principal) -> Result<Permit<A>, Denial> {
    if !A::CALLERS {
        return Err(Denial::OperatorOnly);
    }
    if A::IN_PERSON && !matches!(principal.credential, Credential::Session(_)) {
        return Err(Denial::InPersonOnly);
    }
    let lacks = |scope: &Scope| !principal.may(*scope) || A::LITERAL && !principal.credential.says(*scope);
    if let Some(scope) = A::SCOPE.filter(lacks) {
        return Err(Denial::ScopeMissing(scope));
    }
    let role = principal.member.map(|member| member.role);
    match A::ROLE {
        Some(needed) if role != Some(needed) => Err(Denial::RoleMissing(needed)),
        // Absent: the action names no role, or its role is the caller's.
        _ => Ok(Permit { holder: Holder::Principal(principal), reach: Reach::Whole, action: PhantomData }),
    }
}

/// As [`check`], and besides lets a credential end itself whatever its scopes are. Where it may do no more than that, its permit
/// reaches nothing else.
///
/// # Errors
/// [`Denial::ScopeMissing`].
pub fn check_or_itself(principal: Principal, target: Option<KeyId>) -> Result<Permit<RevokeKeys>, Denial> {
    if target.is_some_and(|key| principal.credential.is_key(key)) {
        let reach = Reach::of_who_ends_itself::<RevokeKeys>(&principal);
        return Ok(Permit { holder: Holder::Principal(principal), reach, action: PhantomData });
    }
    check(principal)
}

impl Reach {
    /// All that `A` reaches, where the caller could do it to others too.
    fn of_who_ends_itself<A: Action>(principal: &Principal) -> Self {
        match check::<A>(principal.clone()).and_then(|permit| permit.gives_authority()) {
            Ok(()) => Self::WholeAndItself,
            Err(_) => Self::Itself,
        }
    }
}

/// The operator's permit: whoever runs the program may do everything.
#[must_use]
pub fn operator<A: Action>() -> Permit<A> {
    Permit { holder: Holder::Operator(None), reach: Reach::Whole, action: PhantomData }
}

/// The same, for the audit trail with the name of the operating system's user who gave the order.
#[must_use]
pub fn operator_named<A: Action>(name: Option<Arc<str>>) -> Permit<A> {
    Permit { holder: Holder::Operator(name), reach: Reach::Whole, action: PhantomData }
}

/// The permit to keep things in order by itself.
#[must_use]
pub fn background<A: Action>() -> Permit<A> {
    Permit { holder: Holder::Background, reach: Reach::Whole, action: PhantomData }
}

/// The permit to present something: what it proves is judged in the transaction.
#[must_use]
pub fn present(what: Presented) -> Permit<Present> {
    Permit { holder: Holder::Presenter(what), reach: Reach::Whole, action: PhantomData }
}

/// The permit of an application to make itself known.
#[must_use]
pub fn register() -> Permit<Register> {
    Permit { holder: Holder::Presenter(Presented::Client), reach: Reach::Whole, action: PhantomData }
}

/// The permit of a subject to become a user's. The token is the proof that it was verified.
#[must_use]
pub fn sign_in(_: &Verified) -> Permit<SignIn> {
    Permit { holder: Holder::Bearer, reach: Reach::Whole, action: PhantomData }
}

impl<A: Action> Permit<A> {
    /// Who holds it.
    #[must_use]
    pub fn holder(&self) -> &Holder {
        &self.holder
    }

    /// The caller that holds it.
    ///
    /// # Errors
    /// [`Denial::OperatorOnly`] turned around: the operator has no place in an account.
    pub fn principal(&self) -> Result<&Principal, Denial> {
        match &self.holder {
            Holder::Principal(principal) => Ok(principal),
            Holder::Operator(_) | Holder::Background | Holder::Bearer | Holder::Presenter(_) => {
                Err(Denial::AccountRequired)
            }
        }
    }

    /// The holder's place in the request's account.
    ///
    /// # Errors
    /// [`Denial::AccountRequired`] when it has none.
    pub fn member(&self) -> Result<Membership, Denial> {
        self.principal()?.member.ok_or(Denial::AccountRequired)
    }

    /// By what its holder makes something; `None`: by no credential.
    #[must_use]
    pub fn made_by(&self) -> Option<MadeBy> {
        match &self.holder {
            Holder::Principal(principal) => Some(MadeBy::of(&principal.credential)),
            Holder::Operator(_) => Some(MadeBy::Operator),
            Holder::Bearer | Holder::Presenter(_) | Holder::Background => None,
        }
    }

    /// Whether its credential may end itself and nothing else.
    #[must_use]
    pub fn only_itself(&self) -> bool {
        self.reach == Reach::Itself
    }

    /// Whether its credential may make, raise or end authority, if that is what `A` does. A secret in its grace ends nothing but
    /// its own key: who rotated the key has ended that secret, and a leaked one must not outlive itself in a key, a role or an
    /// invitation, nor shut the owner out. An answer that such a secret once had may be sent again: its client may have lost
    /// the one that shows the new secret.
    ///
    /// # Errors
    /// [`Denial::SecretInGrace`].
    pub fn gives_authority(&self) -> Result<(), Denial> {
        match &self.holder {
            Holder::Principal(Principal { credential: Credential::ApiKey(key), .. })
                if A::AUTHORITY && !key.current && !self.only_itself() =>
            {
                Err(Denial::SecretInGrace)
            }
            Holder::Principal(_)
            | Holder::Bearer
            | Holder::Presenter(_)
            | Holder::Operator(_)
            | Holder::Background => Ok(()),
        }
    }

    /// The same permit with the rights of this moment: a credential that ended, a membership or scope that was
    /// lost since the request was let in ends here. `commit` asks this inside its transaction.
    ///
    /// # Errors
    /// What the caller would be told if it came now.
    pub fn renew(self, live: &Live, now: Timestamp) -> Result<Self, Denial> {
        let principal = match self.holder {
            Holder::Operator(_) | Holder::Background | Holder::Bearer | Holder::Presenter(_) => {
                return Ok(self);
            }
            Holder::Principal(principal) => principal,
        };
        let ends_itself = self.reach != Reach::Whole;
        let renewed = if A::ENDS || ends_itself {
            live.renew_to_end(&principal, now)
        } else {
            live.renew(&principal, now)
        }?;
        if ends_itself {
            let reach = match live.renew(&principal, now) {
                Ok(now) => Reach::of_who_ends_itself::<A>(&now),
                Err(_) => Reach::Itself,
            };
            return Ok(Self { holder: Holder::Principal(renewed), reach, ..self });
        }
        check(renewed)
    }
}

impl<A> fmt::Debug for Permit<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Permit").field("holder", &self.holder).field("reach", &self.reach).finish()
    }
}

//! What the contract is about: a store of identity, and where it keeps what it has.

use keyward_core::account::{
    AddMember, AddUser, CreateAccount, CreateUser, EraseUser, RemoveMember, ReserveUser, SetAccountDisabled,
    SetRole, SetTier, SetUserDisabled,
};
use keyward_core::active_account::ChooseAccount;
use keyward_core::api_key::{
    ActivateKey, CreateKey, IssueKey, PrepareKey, RelabelKey, RevokeKey, RevokeKeysOf, RotateKey,
};
use keyward_core::clock::AcceptClock;
use keyward_core::effect::Commit;
use keyward_core::identity::{LinkByEmail, LinkIdentity};
use keyward_core::limits::SetLimits;
use keyward_core::oauth::{
    CreateClient, DeleteClient, Disconnect, GiveConsent, RedeemCode, RefreshGrant, RegisterClient,
    RevokeGrant,
};
use keyward_core::root_secret::{AddVersion, RetireVersion};
use keyward_core::session::{
    AcceptInvitation, ChoosePassword, EndSession, InviteByOperator, IssueLink, NoteFailedSignIns,
    StartSession,
};
use keyward_core::signing::{AddSigningKey, RemoveSigningKey, ResealSigningKey};
use keyward_core::store::{KeyReads, OperatorReads, SignInReads, TeamReads, Upkeep};
use keyward_core::team::{ChangeRole, Dismiss, Invite};

/// A trait that is nothing but others, and that each type has which has all of them: their list is written once.
macro_rules! all_of {
    ($(#[$about:meta])* $name:ident: $($part:path),* $(,)?) => {
        $(#[$about])*
        pub trait $name: $($part +)* {}

        impl<S> $name for S where S: $($part +)* {}
    };
}

all_of! {
/// Everything that a store of identity can do.
IdentityStore:
    Commit<CreateAccount>,
    Commit<CreateUser>,
    Commit<ReserveUser>,
    Commit<AddUser>,
    Commit<AddMember>,
    Commit<RemoveMember>,
    Commit<SetRole>,
    Commit<SetUserDisabled>,
    Commit<SetAccountDisabled>,
    Commit<EraseUser>,
    Commit<IssueKey>,
    Commit<CreateKey>,
    Commit<RotateKey>,
    Commit<RelabelKey>,
    Commit<RevokeKey>,
    Commit<RevokeKeysOf>,
    Commit<SetLimits>,
    Commit<LinkIdentity>,
    Commit<RetireVersion>,
    Commit<AddVersion>,
    Commit<Invite>,
    Commit<ChangeRole>,
    Commit<Dismiss>,
    Commit<IssueLink>,
    Commit<InviteByOperator>,
    Commit<ChoosePassword>,
    Commit<StartSession>,
    Commit<EndSession>,
    Commit<AcceptInvitation>,
    Commit<NoteFailedSignIns>,
    Commit<CreateClient>,
    Commit<RegisterClient>,
    Commit<DeleteClient>,
    Commit<GiveConsent>,
    Commit<RedeemCode>,
    Commit<RefreshGrant>,
    Commit<RevokeGrant>,
    Commit<Disconnect>,
    Commit<AddSigningKey>,
    Commit<RemoveSigningKey>,
    Commit<ResealSigningKey>,
    Commit<ChooseAccount>,
    Commit<LinkByEmail>,
    Commit<SetTier>,
    Commit<PrepareKey>,
    Commit<ActivateKey>,
    Commit<AcceptClock>,
    OperatorReads,
    KeyReads,
    SignInReads,
    TeamReads,
    Upkeep,
}

/// Where a store keeps what it has.
pub trait Home {
    /// The store.
    type Store: IdentityStore;

    /// Opens the store: an empty one the first time, and then the one with all that was written. One at a time is open.
    fn open(&self) -> Self::Store;
}

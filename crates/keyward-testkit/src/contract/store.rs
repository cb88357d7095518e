//! What the contract is about: a store of identity, and where it keeps what it has.

use keyward_core::effect::Commit;
use keyward_core::store::{KeyReads, OperatorReads, SignInReads, TeamReads, Upkeep};
use keyward_core::write::account::{CreateAccount, SetTier};
use keyward_core::write::active_account::ChooseAccount;
use keyward_core::write::client::{CreateClient, DeleteClient, RegisterClient};
use keyward_core::write::clock::AcceptClock;
use keyward_core::write::disabling::{SetAccountDisabled, SetUserDisabled};
use keyward_core::write::erasing::EraseUser;
use keyward_core::write::grant::{Disconnect, GiveConsent, RedeemCode, RefreshGrant, RevokeGrant};
use keyward_core::write::identity::{LinkByEmail, LinkIdentity};
use keyward_core::write::invitation::{AcceptInvitation, InviteByOperator};
use keyward_core::write::key::{
    ActivateKey, CreateKey, IssueKey, PrepareKey, RelabelKey, RevokeKey, RevokeKeysOf, RotateKey,
};
use keyward_core::write::limits::SetLimits;
use keyward_core::write::link::{ChoosePassword, IssueLink};
use keyward_core::write::member::{AddMember, RemoveMember, SetRole};
use keyward_core::write::root_secret::{AddVersion, RetireVersion};
use keyward_core::write::session::{EndSession, NoteFailedSignIns, StartSession};
use keyward_core::write::signing_key::{AddSigningKey, RemoveSigningKey, ResealSigningKey};
use keyward_core::write::team::{ChangeRole, Dismiss, Invite};
use keyward_core::write::user::{AddUser, CreateUser, ReserveUser};

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

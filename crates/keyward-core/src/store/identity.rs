//! Everything that a store of identity can do, as one trait: the list of its effects is written here and nowhere else.

use super::{KeyReads, OperatorReads, SignInReads, TeamReads, Upkeep};
use crate::account::{
    AddMember, AddUser, CreateAccount, CreateUser, EraseUser, RemoveMember, ReserveUser, SetAccountDisabled,
    SetRole, SetTier, SetUserDisabled,
};
use crate::active_account::ChooseAccount;
use crate::api_key::{
    ActivateKey, CreateKey, IssueKey, PrepareKey, RelabelKey, RevokeKey, RevokeKeysOf, RotateKey,
};
use crate::clock::AcceptClock;
use crate::effect::Commit;
use crate::identity::{LinkByEmail, LinkIdentity};
use crate::limits::SetLimits;
use crate::oauth::{
    CreateClient, DeleteClient, Disconnect, GiveConsent, RedeemCode, RefreshGrant, RegisterClient,
    RevokeGrant,
};
use crate::root_secret::{AddVersion, RetireVersion};
use crate::session::{
    AcceptInvitation, ChoosePassword, EndSession, InviteByOperator, IssueLink, NoteFailedSignIns,
    StartSession,
};
use crate::signing::{AddSigningKey, RemoveSigningKey, ResealSigningKey};
use crate::team::{ChangeRole, Dismiss, Invite};

/// Declares a trait that is nothing but others, and that each type has which has all of them: their list is written once.
#[macro_export]
macro_rules! all_of {
    ($(#[$about:meta])* $name:ident: $($part:path),* $(,)?) => {
        $(#[$about])*
        pub trait $name: $($part +)* {}

        impl<S: ?Sized> $name for S where S: $($part +)* {}
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

//! Everything that a store of identity can do, as one trait: the list of its effects is written here and nowhere else.

use crate::effect::Commit;
use crate::store::{KeyReads, OperatorReads, SignInReads, TeamReads, Upkeep};
use crate::write::account::{CreateAccount, SetTier};
use crate::write::active_account::ChooseAccount;
use crate::write::client::{CreateClient, DeleteClient, RegisterClient};
use crate::write::clock::AcceptClock;
use crate::write::disabling::{SetAccountDisabled, SetUserDisabled};
use crate::write::erasing::EraseUser;
use crate::write::grant::{Disconnect, GiveConsent, RedeemCode, RefreshGrant, RevokeGrant};
use crate::write::identity::{LinkByEmail, LinkIdentity};
use crate::write::invitation::{AcceptInvitation, InviteByOperator};
use crate::write::key::{
    ActivateKey, CreateKey, IssueKey, PrepareKey, RelabelKey, RevokeKey, RevokeKeysOf, RotateKey,
};
use crate::write::limits::SetLimits;
use crate::write::link::{ChoosePassword, IssueLink};
use crate::write::member::{AddMember, RemoveMember, SetRole};
use crate::write::root_secret::{AddVersion, RetireVersion};
use crate::write::session::{EndSession, NoteFailedSignIns, StartSession};
use crate::write::signing_key::{AddSigningKey, RemoveSigningKey, ResealSigningKey};
use crate::write::team::{ChangeRole, Dismiss, Invite};
use crate::write::user::{AddUser, CreateUser, ReserveUser};

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

//! The effects whose answers are never sent again, by where they come from. None of them is executed for a request that carries an
//! `Idempotency-Key`, nor for a form of the console that is done once.

use crate::tx::Tx;
use keyward_core::write::account::{CreateAccount, SetTier};
use keyward_core::write::client::{CreateClient, DeleteClient, RegisterClient};
use keyward_core::write::clock::AcceptClock;
use keyward_core::write::disabling::{SetAccountDisabled, SetUserDisabled};
use keyward_core::write::erasing::EraseUser;
use keyward_core::write::grant::{Disconnect, GiveConsent, RedeemCode, RefreshGrant, RevokeGrant};
use keyward_core::write::identity::{LinkByEmail, LinkIdentity};
use keyward_core::write::invitation::{AcceptInvitation, InviteByOperator};
use keyward_core::write::key::{ActivateKey, IssueKey, PrepareKey, RevokeKeysOf};
use keyward_core::write::limits::SetLimits;
use keyward_core::write::link::{ChoosePassword, IssueLink};
use keyward_core::write::member::{AddMember, RemoveMember, SetRole};
use keyward_core::write::root_secret::{AddVersion, RetireVersion};
use keyward_core::write::session::{EndSession, NoteFailedSignIns, StartSession};
use keyward_core::write::signing_key::{AddSigningKey, RemoveSigningKey, ResealSigningKey};
use keyward_core::write::user::{AddUser, CreateUser, ReserveUser};

// The operator's commands.
keyward_core::never_replayed!(
    Tx<'_>: AcceptClock, ActivateKey, AddMember, AddUser, AddVersion, CreateAccount, CreateClient, CreateUser,
    DeleteClient, EraseUser, InviteByOperator, IssueKey, IssueLink, LinkIdentity, PrepareKey, RemoveMember,
    ReserveUser, RetireVersion, RevokeKeysOf, SetAccountDisabled, SetLimits, SetRole, SetTier, SetUserDisabled,
);

// What a person does in a browser, by a form that is used once or that changes nothing the second time.
keyward_core::never_replayed!(
    Tx<'_>: AcceptInvitation, ChoosePassword, Disconnect, EndSession, GiveConsent, StartSession,
);

// What an application presents, or a token that was verified. OAuth answers a repetition in its own way.
keyward_core::never_replayed!(
    Tx<'_>: LinkByEmail, RedeemCode, RefreshGrant, RegisterClient, RevokeGrant,
);

// What the program does on its own.
keyward_core::never_replayed!(
    Tx<'_>: AddSigningKey, NoteFailedSignIns, RemoveSigningKey, ResealSigningKey,
);

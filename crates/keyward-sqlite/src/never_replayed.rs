//! The effects whose answers are never sent again, by where they come from. None of them is executed for a request that carries an
//! `Idempotency-Key`, nor for a form of the console that is done once.

use crate::tx::Tx;
use keyward_core::account::{
    AddMember, AddUser, CreateAccount, CreateUser, EraseUser, RemoveMember, ReserveUser, SetAccountDisabled,
    SetRole, SetTier, SetUserDisabled,
};
use keyward_core::api_key::{ActivateKey, IssueKey, PrepareKey, RevokeKeysOf};
use keyward_core::clock::AcceptClock;
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

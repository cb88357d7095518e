//! What every request shares: the store, the rings of secrets, the clock, randomness.

use crate::body_room::BodyRoom;
use crate::mcp::Mcp;
use crate::oauth::AuthorizationServer;
use crate::pages::Pages;
use crate::reload::Current;
use crate::telemetry::Traces;
use crate::watch::{Metrics, Recent, RequestLog};
use keyward_core::api_key::KeyRing;
use keyward_core::clock::Clock;
use keyward_core::effect::Commit;
use keyward_core::idempotency::Claims;
use keyward_core::list::Cursors;
use keyward_core::live::Directory;
use keyward_core::random::Random;
use keyward_core::rate_limit::Limiter;
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
use keyward_tower::authenticate::Jwts;
use keyward_tower::hygiene::Limits;
use lev_deals::write::{
    ArchiveDeal, CreateDeal, GivePipelines, JoinTeam, LeaveTeam, MoveDeal, SeedDeals, UpdateDeal,
};
use lev_deals::{DealReads, DealUpkeep};
use std::sync::Arc;

/// What handlers see of a store.
pub trait Reads: KeyReads + TeamReads + SignInReads + DealReads {}

impl<S> Reads for S where S: KeyReads + TeamReads + SignInReads + DealReads {}

/// What the program asks of a store: the writes go through their row's `commit`.
pub trait Store:
    Commit<CreateKey>
    + Commit<RotateKey>
    + Commit<RelabelKey>
    + Commit<RevokeKey>
    + Commit<CreateDeal>
    + Commit<UpdateDeal>
    + Commit<ArchiveDeal>
    + Commit<JoinTeam>
    + Commit<LeaveTeam>
    + Commit<MoveDeal>
    + Commit<Invite>
    + Commit<ChangeRole>
    + Commit<Dismiss>
    + Commit<ChooseAccount>
    + Commit<LinkByEmail>
    + Commit<RegisterClient>
    + Commit<GiveConsent>
    + Commit<RedeemCode>
    + Commit<RefreshGrant>
    + Commit<RevokeGrant>
    + Commit<Disconnect>
    + Commit<StartSession>
    + Commit<EndSession>
    + Commit<ChoosePassword>
    + Commit<AcceptInvitation>
    + Commit<NoteFailedSignIns>
    + Reads
    + Upkeep
    + std::fmt::Debug
{
}

impl<S> Store for S where
    S: Commit<CreateKey>
        + Commit<RotateKey>
        + Commit<RelabelKey>
        + Commit<RevokeKey>
        + Commit<CreateDeal>
        + Commit<UpdateDeal>
        + Commit<ArchiveDeal>
        + Commit<JoinTeam>
        + Commit<LeaveTeam>
        + Commit<MoveDeal>
        + Commit<Invite>
        + Commit<ChangeRole>
        + Commit<Dismiss>
        + Commit<ChooseAccount>
        + Commit<LinkByEmail>
        + Commit<RegisterClient>
        + Commit<GiveConsent>
        + Commit<RedeemCode>
        + Commit<RefreshGrant>
        + Commit<RevokeGrant>
        + Commit<Disconnect>
        + Commit<StartSession>
        + Commit<EndSession>
        + Commit<ChoosePassword>
        + Commit<AcceptInvitation>
        + Commit<NoteFailedSignIns>
        + Reads
        + Upkeep
        + std::fmt::Debug
{
}

/// What the operator's commands ask of a store.
pub trait OperatorStore:
    Commit<CreateAccount>
    + Commit<CreateUser>
    + Commit<ReserveUser>
    + Commit<AddUser>
    + Commit<AddMember>
    + Commit<RemoveMember>
    + Commit<SetRole>
    + Commit<SetUserDisabled>
    + Commit<SetAccountDisabled>
    + Commit<EraseUser>
    + Commit<SetTier>
    + Commit<SetLimits>
    + Commit<LinkIdentity>
    + Commit<CreateClient>
    + Commit<DeleteClient>
    + Commit<IssueLink>
    + Commit<InviteByOperator>
    + Commit<AddSigningKey>
    + Commit<RemoveSigningKey>
    + Commit<ResealSigningKey>
    + Commit<RetireVersion>
    + Commit<AddVersion>
    + Commit<AcceptClock>
    + Commit<IssueKey>
    + Commit<PrepareKey>
    + Commit<ActivateKey>
    + Commit<RotateKey>
    + Commit<RevokeKey>
    + Commit<RevokeKeysOf>
    + Commit<SeedDeals>
    + Commit<GivePipelines>
    + DealUpkeep
    + OperatorReads
    + Upkeep
{
}

impl<S> OperatorStore for S where
    S: Commit<CreateAccount>
        + Commit<CreateUser>
        + Commit<ReserveUser>
        + Commit<AddUser>
        + Commit<AddMember>
        + Commit<RemoveMember>
        + Commit<SetRole>
        + Commit<SetUserDisabled>
        + Commit<SetAccountDisabled>
        + Commit<EraseUser>
        + Commit<SetTier>
        + Commit<SetLimits>
        + Commit<LinkIdentity>
        + Commit<CreateClient>
        + Commit<DeleteClient>
        + Commit<IssueLink>
        + Commit<InviteByOperator>
        + Commit<AddSigningKey>
        + Commit<RemoveSigningKey>
        + Commit<ResealSigningKey>
        + Commit<RetireVersion>
        + Commit<AddVersion>
        + Commit<AcceptClock>
        + Commit<IssueKey>
        + Commit<PrepareKey>
        + Commit<ActivateKey>
        + Commit<RotateKey>
        + Commit<RevokeKey>
        + Commit<RevokeKeysOf>
        + Commit<SeedDeals>
        + Commit<GivePipelines>
        + DealUpkeep
        + OperatorReads
        + Upkeep
{
}

/// Shared by all requests.
#[derive(Debug)]
pub struct App {
    /// The store.
    pub store: Arc<dyn Store>,
    /// Makes and admits keys.
    pub ring: KeyRing,
    /// Verifies the tokens of the issuers that are trusted.
    pub jwts: Jwts,
    /// The MCP server.
    pub mcp: Mcp,
    /// The embedded authorization server, if there is one.
    pub oauth: Option<AuthorizationServer>,
    /// Signs and opens cursors.
    pub cursors: Cursors,
    /// Makes claims to one execution.
    pub claims: Claims,
    /// The counters of limits.
    pub limiter: Limiter,
    /// The store's clock, which does not go back.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub random: Arc<dyn Random>,
    /// Where clients reach this server, without a slash at the end. Every URL that is sent begins with it.
    pub public_url: String,
    /// What may change while requests are served.
    pub current: Current,
    /// Where spans go, if anywhere.
    pub traces: Option<Traces>,
    /// What is remembered of requests that were not answered as asked.
    pub recent: Recent,
    /// How requests are logged.
    pub log: RequestLog,
    /// The documentation.
    pub pages: Pages,
    /// The figures.
    pub metrics: Metrics,
    /// The measures of a request.
    pub limits: Limits,
    /// Room for the bodies that are being read.
    pub bodies: BodyRoom,
}

impl App {
    /// What is known now.
    #[must_use]
    pub fn directory(&self) -> &Directory {
        self.store.directory()
    }
}

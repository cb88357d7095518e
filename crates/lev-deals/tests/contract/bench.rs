//! What a rule begins with: a store with two accounts and a few people in it, and what these do as callers.
#![expect(
    clippy::disallowed_methods,
    reason = "the rules are told as the operator and the callers do things"
)]

use super::store::DealStore;
use keyward_core::address::ClientAddress;
use keyward_core::api_key::{KeyFormat, KeyRing};
use keyward_core::clock::{At, Timestamp};
use keyward_core::denial::Denial;
use keyward_core::effect::{Commit, Context, Effect, Ended};
use keyward_core::grant::Grant;
use keyward_core::id::{AccountId, UserId};
use keyward_core::idempotency::Claim;
use keyward_core::json;
use keyward_core::list::{self, From, Listed, Window};
use keyward_core::permit::{
    Action, Administer, Permit, ReadDeals, ReadPipelines, WriteDeals, check, operator,
};
use keyward_core::preconditions::Preconditions;
use keyward_core::principal::Principal;
use keyward_core::query::Query;
use keyward_core::role::Role;
use keyward_core::root_secret::RootSecret;
use keyward_core::store::{AuditQuery, AuditRow, StoreError};
use keyward_core::tier::Tier;
use keyward_core::write::account::CreateAccount;
use keyward_core::write::key::{IssueKey, KeyMade};
use keyward_core::write::member::AddMember;
use keyward_core::write::user::CreateUser;
use keyward_testkit::{START, SeededRandom};
use lev_deals::list::DEALS;
use lev_deals::pipeline::Target;
use lev_deals::write::{ArchiveDeal, CreateDeal, GivePipelines, JoinTeam, LeaveTeam, MoveDeal, UpdateDeal};
use lev_deals::{Deal, DealChanges, DealId, Include, Included, NewDeal, NewTeamMember, Pipeline, TeamMember};
use std::net::{IpAddr, Ipv4Addr};
use uuid::Uuid;

const FROM: ClientAddress = ClientAddress::Known(IpAddr::V4(Ipv4Addr::LOCALHOST));

/// All that can be read with a deal.
pub(crate) const ALL: Include = Include { financials: true, properties: true, team: true, pipelines: true };

/// A store with two accounts, each with pipelines, and their people.
pub(crate) struct Bench<'s, S> {
    pub(crate) store: &'s S,
    pub(crate) people: People,
}

/// Who is there. Each has a key.
pub(crate) struct People {
    pub(crate) root: RootSecret,
    ring: KeyRing,
    pub(crate) random: SeededRandom,
    pub(crate) account: AccountId,
    pub(crate) admin: KeyMade,
    /// Makes the deals of most rules.
    pub(crate) editor: KeyMade,
    /// Another editor, who is on no team.
    pub(crate) second: KeyMade,
    pub(crate) viewer: KeyMade,
    pub(crate) other_account: AccountId,
    /// An admin of the other account.
    pub(crate) stranger: KeyMade,
    /// The editor's key in the other account, of which it is an admin.
    pub(crate) abroad: KeyMade,
}

pub(crate) fn at(seconds: i64) -> Timestamp {
    Timestamp::from_unix(START + seconds)
}

pub(crate) fn after(id: i64, limit: u32) -> Window {
    Window { limit, from: From::After(id) }
}

pub(crate) fn must<T, E: std::fmt::Debug>(rule: &str, result: Result<T, E>) -> T {
    result.unwrap_or_else(|error| panic!("{rule}: {error:?}"))
}

/// A deal to be made, from the body that a client would send.
pub(crate) fn new_deal(body: &str) -> CreateDeal {
    let body = must("a body", json::parse(body.as_bytes()));
    CreateDeal(must("a new deal", NewDeal::read(&body)))
}

pub(crate) fn update(deal: DealId, body: &str, conditions: Preconditions) -> UpdateDeal {
    let body = must("a body", json::parse(body.as_bytes()));
    let changes = must("changes", DealChanges::read(&body));
    UpdateDeal { deal: Some(deal), as_sent: deal.0.to_string(), conditions, changes }
}

pub(crate) fn archive(deal: DealId, conditions: Preconditions) -> ArchiveDeal {
    ArchiveDeal { deal: Some(deal), as_sent: deal.0.to_string(), conditions }
}

pub(crate) fn join(deal: DealId, user: UserId, conditions: Preconditions) -> JoinTeam {
    let member = NewTeamMember { user, role: "closer".to_owned(), is_primary: false };
    JoinTeam { deal: Some(deal), as_sent: deal.0.to_string(), member, conditions }
}

pub(crate) fn leave(deal: DealId, user: UserId, conditions: Preconditions) -> LeaveTeam {
    LeaveTeam {
        deal: Some(deal),
        as_sent: deal.0.to_string(),
        user: Some(user),
        user_as_sent: user.to_string(),
        conditions,
    }
}

/// Without a status: to the pipeline's first.
pub(crate) fn go(deal: DealId, pipeline: i64, status: Option<i64>, conditions: Preconditions) -> MoveDeal {
    let to = Target { pipeline, status };
    MoveDeal { deal: Some(deal), as_sent: deal.0.to_string(), to, conditions }
}

pub(crate) fn if_match(tag: &str) -> Preconditions {
    must("a condition", Preconditions::parse([tag.as_bytes()].into_iter(), std::iter::empty()))
}

pub(crate) fn if_none_match(tag: &str) -> Preconditions {
    must("a condition", Preconditions::parse(std::iter::empty(), [tag.as_bytes()].into_iter()))
}

pub(crate) fn no_deal(deal: DealId) -> Denial {
    Denial::not_found("Deal", &deal.0.to_string())
}

/// The one field that was refused.
pub(crate) fn refused_field<T>(refused: Result<T, Denial>) -> Option<String> {
    let Err(Denial::Invalid(invalid)) = refused else { return None };
    invalid.errors.into_iter().next().map(|error| error.field)
}

pub(crate) async fn commit<S, E>(
    store: &S,
    effect: E,
    permit: Permit<E::Action>,
    seconds: i64,
) -> Result<E::Done, Denial>
where
    S: Commit<E>,
    E: Effect,
{
    match must("a commit works", commit_with(store, effect, permit, None, seconds).await) {
        Ended::Done(done, _) => Ok(done),
        Ended::Refused(denial) => Err(denial),
        Ended::Replayed(_) => panic!("nothing was claimed"),
    }
}

/// The same, with a claim, and with all that can come of it.
pub(crate) async fn commit_with<S, E>(
    store: &S,
    effect: E,
    permit: Permit<E::Action>,
    claim: Option<Claim>,
    seconds: i64,
) -> Result<Ended<E::Done>, StoreError>
where
    S: Commit<E>,
    E: Effect,
{
    let context = Context { request_id: Uuid::nil(), address: None, origin_app: "contract".to_owned() };
    store.commit(effect, permit, context, claim, At::Fixed(at(seconds))).await
}

/// What the operator does.
pub(crate) async fn operate<S, E>(store: &S, effect: E) -> E::Done
where
    S: Commit<E>,
    E: Effect<Action = Administer>,
{
    must("the operator's order", commit(store, effect, operator(), 0).await)
}

pub(crate) async fn new_user<S: DealStore>(store: &S, name: &str) -> UserId {
    let user = CreateUser {
        uuid: name.to_owned(),
        email: format!("{name}@people.example"),
        first_name: name.to_owned(),
        last_name: "Smith".to_owned(),
        title: None,
        password_hash: None,
    };
    operate(store, user).await
}

pub(crate) async fn new_account<S: DealStore>(store: &S, slug: &str) -> AccountId {
    let (slug, name) = (slug.to_owned(), slug.to_owned());
    operate(store, CreateAccount { slug, name, account_type: None, tier: Tier::Standard }).await
}

impl People {
    async fn come<S: DealStore>(store: &S) -> Self {
        let random = SeededRandom::new(1);
        let root = must("a root secret", RootSecret::generate(&random));
        let format = must("a prefix", KeyFormat::new("lev_sk_"));
        let ring = must("a ring", KeyRing::new(format, &root).ok_or("no version"));
        let account = new_account(store, "acme").await;
        let other_account = new_account(store, "globex").await;
        let key = async |account, user, role| {
            operate(store, AddMember { account, user, role }).await;
            let secret = must("a secret", ring.mint(&random));
            let (label, grant) = ("a key".to_owned(), Grant::FullAccess);
            let key = IssueKey { account, user, label, grant, expires_at: None, allowed_ips: None, secret };
            operate(store, key).await
        };
        let admin = key(account, new_user(store, "admin").await, Role::Admin).await;
        let editor = key(account, new_user(store, "editor").await, Role::Editor).await;
        let second = key(account, new_user(store, "second").await, Role::Editor).await;
        let viewer = key(account, new_user(store, "viewer").await, Role::Viewer).await;
        let stranger = key(other_account, new_user(store, "stranger").await, Role::Admin).await;
        let abroad = key(other_account, editor.key.user, Role::Admin).await;
        Self { root, ring, random, account, admin, editor, second, viewer, other_account, stranger, abroad }
    }

    /// The people at a store that was opened again.
    pub(crate) fn on<S>(self, store: &S) -> Bench<'_, S> {
        Bench { store, people: self }
    }
}

impl<'s, S: DealStore> Bench<'s, S> {
    pub(crate) async fn new(store: &'s S) -> Self {
        let people = People::come(store).await;
        operate(store, GivePipelines).await;
        Self { store, people }
    }

    /// The people, when their store is closed.
    pub(crate) fn leave(self) -> People {
        self.people
    }

    pub(crate) fn try_permit<A: Action>(&self, who: &KeyMade) -> Result<Permit<A>, Denial> {
        let live = self.store.directory().read();
        let admitted = self.people.ring.admit(who.secret.expose(), FROM, &live, at(0))?;
        check(Principal::of(admitted.caller))
    }

    pub(crate) fn permit<A: Action>(&self, who: &KeyMade) -> Permit<A> {
        must("a permit", self.try_permit(who))
    }

    /// What somebody does with deals.
    pub(crate) async fn by<E>(&self, who: &KeyMade, effect: E, seconds: i64) -> Result<E::Done, Denial>
    where
        S: Commit<E>,
        E: Effect<Action = WriteDeals>,
    {
        commit(self.store, effect, self.try_permit(who)?, seconds).await
    }

    /// A deal that the editor makes.
    pub(crate) async fn make(&self, body: &str) -> Deal {
        must("a deal is made", self.by(&self.people.editor, new_deal(body), 0).await)
    }

    pub(crate) async fn deal(&self, who: &KeyMade, deal: DealId) -> Option<Deal> {
        let permit = self.permit::<ReadDeals>(who);
        must("a deal is read", self.store.get_deal(&permit, deal, Include::default()).await)
            .map(|(deal, _)| deal)
    }

    /// A deal with all that hangs on it, as the admin sees it.
    pub(crate) async fn whole(&self, deal: DealId) -> (Deal, Included) {
        let permit = self.permit::<ReadDeals>(&self.people.admin);
        let found = must("a deal is read", self.store.get_deal(&permit, deal, ALL).await);
        found.unwrap_or_else(|| panic!("the admin sees every deal of the account"))
    }

    pub(crate) async fn team(&self, who: &KeyMade, deal: DealId) -> Option<Listed<TeamMember>> {
        let permit = self.permit::<ReadDeals>(who);
        must("a team is read", self.store.deal_team(&permit, deal, after(0, 200)).await)
    }

    /// The first page of the deals that a query asks for.
    pub(crate) async fn list(&self, who: &KeyMade, query: &str) -> Listed<(Deal, Included)> {
        self.page(who, query, 0).await
    }

    /// The page after the item of that id, where nothing is sorted.
    pub(crate) async fn page(&self, who: &KeyMade, query: &str, after: i64) -> Listed<(Deal, Included)> {
        let mut query = must("a query", Query::parse(Some(query)));
        let asked = must("a list's query", list::read(&DEALS, &mut query));
        let permit = self.permit::<ReadDeals>(who);
        let (window, include) = (asked.window(after), Include::of(&asked));
        must("a list", self.store.list_deals(&permit, asked.filter, window, include).await)
    }

    /// The ids of that page.
    pub(crate) async fn ids(&self, who: &KeyMade, query: &str) -> Vec<DealId> {
        self.list(who, query).await.items.into_iter().map(|(deal, _)| deal.id).collect()
    }

    /// The pipelines of somebody's account.
    pub(crate) async fn pipelines(&self, who: &KeyMade) -> Vec<Pipeline> {
        let permit = self.permit::<ReadPipelines>(who);
        must("pipelines", self.store.list_pipelines(&permit, after(0, 50)).await).items
    }

    /// The two pipelines of the account.
    pub(crate) async fn both_pipelines(&self) -> (Pipeline, Pipeline) {
        let mut pipelines = self.pipelines(&self.people.admin).await.into_iter();
        let (Some(first), Some(second)) = (pipelines.next(), pipelines.next()) else {
            panic!("an account is given pipelines")
        };
        (first, second)
    }

    /// The rows of the trail with this action, which may end with `*`.
    pub(crate) async fn audit(&self, action: &str) -> Vec<AuditRow> {
        let query = AuditQuery { action: Some(action.to_owned()), ..AuditQuery::first(1_000) };
        must("the audit trail", self.store.audit(query).await).items
    }
}

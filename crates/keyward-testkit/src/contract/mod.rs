//! The contract of every store: each rule is a function that is given a fresh one.
//!
//! A store's own test calls [`keeps`] in a line. A rule that is broken panics with the rule's words.
#![expect(clippy::panic, reason = "a broken rule must end the test that asked")]
#![expect(
    clippy::disallowed_methods,
    reason = "the rules are told as the operator and the callers do things"
)]

mod ending_all;
mod new_users;
mod operating;
mod signing_in;
mod team;

use crate::{START, SeededRandom};
use keyward_core::account::{
    AddMember, AddUser, CreateAccount, CreateUser, EraseUser, RemoveMember, ReserveUser, SetAccountDisabled,
    SetRole, SetUserDisabled,
};
use keyward_core::address::ClientAddress;
use keyward_core::api_key::{
    CreateKey, IssueKey, KeyFormat, KeyMade, KeyRing, RelabelKey, RevokeKey, RevokeKeysOf, RotateKey, Wanted,
    WantedGrant,
};
use keyward_core::clock::{At, Timestamp};
use keyward_core::denial::Denial;
use keyward_core::effect::{Commit, Context, Effect, Ended};
use keyward_core::id::{AccountId, KeyId};
use keyward_core::identity::LinkIdentity;
use keyward_core::input::Field;
use keyward_core::limits::{SetLimits, Tiers};
use keyward_core::list::{From, SortKey, Window};
use keyward_core::live::KeyUse;
use keyward_core::oauth::{
    CreateClient, DeleteClient, Disconnect, GiveConsent, RedeemCode, RefreshGrant, RegisterClient,
    RevokeGrant,
};
use keyward_core::permit::{Action, LabelKeys, ManageKeys, Permit, ReadAccount, RevokeKeys, check, operator};
use keyward_core::preconditions::Preconditions;
use keyward_core::principal::{Caller, Grant, Principal};
use keyward_core::role::Role;
use keyward_core::root_secret::{AddVersion, RetireVersion, RootSecret};
use keyward_core::secret::Secret;
use keyward_core::session::{
    AcceptInvitation, ChoosePassword, EndSession, InviteByOperator, IssueLink, NoteFailedSignIns,
    StartSession,
};
use keyward_core::signing::{AddSigningKey, RemoveSigningKey, ResealSigningKey};
use keyward_core::store::{KeyReads, KeysOf, SignInReads, TeamReads, Upkeep};
use keyward_core::team::{ChangeRole, Dismiss, Invite};
use keyward_core::tier::Tier;
use std::net::{IpAddr, Ipv4Addr};
use uuid::Uuid;

/// Everything that a store of identity can do.
pub trait IdentityStore:
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
    + Commit<IssueKey>
    + Commit<CreateKey>
    + Commit<RotateKey>
    + Commit<RelabelKey>
    + Commit<RevokeKey>
    + Commit<RevokeKeysOf>
    + Commit<SetLimits>
    + Commit<LinkIdentity>
    + Commit<RetireVersion>
    + Commit<AddVersion>
    + Commit<Invite>
    + Commit<ChangeRole>
    + Commit<Dismiss>
    + Commit<IssueLink>
    + Commit<InviteByOperator>
    + Commit<ChoosePassword>
    + Commit<StartSession>
    + Commit<EndSession>
    + Commit<AcceptInvitation>
    + Commit<NoteFailedSignIns>
    + Commit<CreateClient>
    + Commit<RegisterClient>
    + Commit<DeleteClient>
    + Commit<GiveConsent>
    + Commit<RedeemCode>
    + Commit<RefreshGrant>
    + Commit<RevokeGrant>
    + Commit<Disconnect>
    + Commit<AddSigningKey>
    + Commit<RemoveSigningKey>
    + Commit<ResealSigningKey>
    + KeyReads
    + SignInReads
    + TeamReads
    + Upkeep
{
}

impl<S> IdentityStore for S where
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
        + Commit<IssueKey>
        + Commit<CreateKey>
        + Commit<RotateKey>
        + Commit<RelabelKey>
        + Commit<RevokeKey>
        + Commit<RevokeKeysOf>
        + Commit<SetLimits>
        + Commit<LinkIdentity>
        + Commit<RetireVersion>
        + Commit<AddVersion>
        + Commit<Invite>
        + Commit<ChangeRole>
        + Commit<Dismiss>
        + Commit<IssueLink>
        + Commit<InviteByOperator>
        + Commit<ChoosePassword>
        + Commit<StartSession>
        + Commit<EndSession>
        + Commit<AcceptInvitation>
        + Commit<NoteFailedSignIns>
        + Commit<CreateClient>
        + Commit<RegisterClient>
        + Commit<DeleteClient>
        + Commit<GiveConsent>
        + Commit<RedeemCode>
        + Commit<RefreshGrant>
        + Commit<RevokeGrant>
        + Commit<Disconnect>
        + Commit<AddSigningKey>
        + Commit<RemoveSigningKey>
        + Commit<ResealSigningKey>
        + KeyReads
        + SignInReads
        + TeamReads
        + Upkeep
{
}

/// Runs every rule, each on a store from `fresh`.
pub async fn keeps<S: IdentityStore>(fresh: impl Fn() -> S) {
    a_change_holds_from_the_moment_it_is_answered(&Bench::new(&fresh()).await).await;
    a_refusal_changes_nothing(&Bench::new(&fresh()).await).await;
    a_right_that_was_lost_on_the_way_ends_the_write(&Bench::new(&fresh()).await).await;
    a_removed_member_loses_its_keys_for_good(&Bench::new(&fresh()).await).await;
    grace_is_exact_to_the_second_and_two_secrets_live_at_most(&Bench::new(&fresh()).await).await;
    a_secret_in_its_grace_does_not_rotate_its_key(&Bench::new(&fresh()).await).await;
    the_ceiling_of_a_tier_counts_live_keys(&Bench::new(&fresh()).await).await;
    lists_show_what_the_caller_may_see(&Bench::new(&fresh()).await).await;
    a_label_is_changed_by_its_owner_and_found_by_it(&Bench::new(&fresh()).await).await;
    a_store_that_is_well_says_so(&Bench::new(&fresh()).await).await;
    the_last_use_never_goes_back(&Bench::new(&fresh()).await).await;
    team::an_invitation_is_open_for_a_week_and_gives_no_right(&Bench::new(&fresh()).await).await;
    team::a_stranger_whom_nobody_invites_any_more_is_forgotten(&Bench::new(&fresh()).await).await;
    team::a_former_member_is_not_forgotten(&Bench::new(&fresh()).await).await;
    team::an_address_that_was_only_invited_stays_free(&Bench::new(&fresh()).await).await;
    team::invitations_are_bounded(&Bench::new(&fresh()).await).await;
    team::an_account_keeps_an_active_admin(&Bench::new(&fresh()).await).await;
    team::a_team_is_shown_page_by_page(&Bench::new(&fresh()).await).await;
    new_users::a_user_in_two_steps_is_there_after_the_second_or_not_at_all(&Bench::new(&fresh()).await).await;
    new_users::an_invited_stranger_stays_one_until_it_is_made_a_user(&Bench::new(&fresh()).await).await;
    ending_all::an_account_that_is_disabled_admits_nobody_until_it_is_enabled(&Bench::new(&fresh()).await)
        .await;
    ending_all::a_user_who_is_erased_leaves_a_free_address_and_no_right(&Bench::new(&fresh()).await).await;
    operating::every_key_of_somebody_ends_at_once_and_nobody_elses(&Bench::new(&fresh()).await).await;
    operating::limits_of_an_account_go_before_its_tier(&Bench::new(&fresh()).await).await;
    operating::a_subject_is_one_users(&Bench::new(&fresh()).await).await;
    operating::a_secret_moves_to_the_next_version_and_lives_on(&Bench::new(&fresh()).await).await;
    operating::a_version_with_keys_on_it_is_not_retired(&Bench::new(&fresh()).await).await;
    operating::a_secret_in_its_grace_ends_with_its_version(&Bench::new(&fresh()).await).await;
    signing_in::a_session_is_begun_by_the_password_of_now(&Bench::new(&fresh()).await).await;
    signing_in::a_link_is_good_once_and_only_the_last_one(&Bench::new(&fresh()).await).await;
    signing_in::an_operators_invitation_is_accepted_by_its_link_or_in_person(&Bench::new(&fresh()).await)
        .await;
    signing_in::consent_is_given_in_person_where_one_is_a_member_and_once_a_form(&Bench::new(&fresh()).await)
        .await;
    signing_in::a_code_is_good_once_for_a_minute_and_only_for_its_client(&Bench::new(&fresh()).await).await;
    signing_in::a_replaced_refresh_token_lives_half_a_minute_and_then_ends_all(&Bench::new(&fresh()).await)
        .await;
    signing_in::a_replaced_token_has_its_own_grace_however_often_the_family_went_on(
        &Bench::new(&fresh()).await,
    )
    .await;
    signing_in::a_clock_that_went_back_makes_no_replaced_token_good(&Bench::new(&fresh()).await).await;
    signing_in::a_grant_lives_while_it_is_used_and_a_year_at_most(&Bench::new(&fresh()).await).await;
    signing_in::a_grant_that_is_long_over_is_forgotten(&Bench::new(&fresh()).await).await;
    signing_in::a_grant_ends_with_what_it_stands_on(&Bench::new(&fresh()).await).await;
    signing_in::clients_that_register_are_bounded_and_the_same_is_the_same(&Bench::new(&fresh()).await).await;
    signing_in::a_client_that_registers_again_has_its_day_anew(&Bench::new(&fresh()).await).await;
    signing_in::a_flood_of_registrations_thins_the_network_that_holds_most(&Bench::new(&fresh()).await).await;
    signing_in::a_client_that_others_register_too_leaves_the_network_of_a_flood(&Bench::new(&fresh()).await)
        .await;
    signing_in::failed_sign_ins_leave_one_row_for_each_user(&Bench::new(&fresh()).await).await;
    signing_in::a_code_is_known_from_when_it_is_given(&Bench::new(&fresh()).await).await;
    signing_in::signing_keys_are_known_at_once(&Bench::new(&fresh()).await).await;
}

/// A store with one account, an admin and a viewer, each with a key.
struct Bench<'s, S> {
    store: &'s S,
    root: RootSecret,
    ring: KeyRing,
    random: SeededRandom,
    account: AccountId,
    admin: KeyMade,
    viewer: KeyMade,
}

const FROM: ClientAddress = ClientAddress::Known(IpAddr::V4(Ipv4Addr::LOCALHOST));

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_unix(START + seconds)
}

fn first_page() -> Window {
    Window { limit: 50, from: From::Offset(Vec::new(), 0) }
}

fn must<T, E: std::fmt::Debug>(rule: &str, result: Result<T, E>) -> T {
    result.unwrap_or_else(|error| panic!("{rule}: {error:?}"))
}

async fn commit<S, E>(
    store: &S,
    effect: E,
    permit: Permit<E::Action>,
    seconds: i64,
) -> Result<E::Done, Denial>
where
    S: Commit<E>,
    E: Effect,
{
    let context = Context { request_id: Uuid::nil(), address: None, origin_app: "contract".to_owned() };
    match must("a commit works", store.commit(effect, permit, context, None, At::Fixed(at(seconds))).await) {
        Ended::Done(done, _) => Ok(done),
        Ended::Refused(denial) => Err(denial),
        Ended::Replayed(_) => panic!("nothing was claimed"),
    }
}

impl<'s, S: IdentityStore> Bench<'s, S> {
    async fn new(store: &'s S) -> Self {
        let random = SeededRandom::new(1);
        let root = must("a root secret", RootSecret::generate(&random));
        let format = must("a prefix", KeyFormat::new("lev_sk_"));
        let ring = must("a ring", KeyRing::new(format, &root).ok_or("no version"));
        let account = CreateAccount {
            slug: "acme".to_owned(),
            name: "Acme".to_owned(),
            account_type: None,
            tier: Tier::Standard,
        };
        let account = must("an account", commit(store, account, operator(), 0).await);
        let mut keys = Vec::new();
        for (name, role) in [("admin", Role::Admin), ("viewer", Role::Viewer)] {
            let user = CreateUser {
                uuid: name.to_owned(),
                email: format!("{name}@acme.example"),
                first_name: name.to_owned(),
                last_name: String::new(),
                title: None,
                password_hash: None,
            };
            let user = must("a user", commit(store, user, operator(), 0).await);
            must("a member", commit(store, AddMember { account, user, role }, operator(), 0).await);
            let secret = must("a secret", ring.mint(&random));
            let key = IssueKey {
                account,
                user,
                label: name.to_owned(),
                grant: Grant::FullAccess,
                expires_at: None,
                allowed_ips: None,
                secret,
            };
            keys.push(must("a key", commit(store, key, operator(), 0).await));
        }
        let (Some(viewer), Some(admin)) = (keys.pop(), keys.pop()) else { panic!("two keys were made") };
        Self { store, root, ring, random, account, admin, viewer }
    }

    fn admit(&self, secret: &Secret, seconds: i64) -> Result<Caller, Denial> {
        let admitted = self.ring.admit(secret.expose(), FROM, &self.store.directory().read(), at(seconds));
        admitted.map(|admitted| admitted.caller)
    }

    fn permit<A: Action>(&self, key: &KeyMade) -> Permit<A> {
        let caller = must("a live key is admitted", self.admit(&key.secret, 0));
        must("a permit", check(Principal::of(caller)))
    }

    async fn create(&self, permit: Permit<ManageKeys>, seconds: i64) -> Result<KeyMade, Denial> {
        let secret = must("a secret", self.ring.mint(&self.random));
        let wanted =
            Wanted { grant: WantedGrant::AsMaker, expires_at: Field::Absent, allowed_ips: Field::Absent };
        commit(self.store, CreateKey { label: "new".to_owned(), wanted, secret }, permit, seconds).await
    }

    async fn revoke(&self, permit: Permit<RevokeKeys>, key: KeyId) -> Result<bool, Denial> {
        let effect = RevokeKey { key: Some(key), as_sent: key.to_string(), descendants: false };
        commit(self.store, effect, permit, 0).await.map(|revoked| revoked.now)
    }

    /// The admin's key rotates itself, with one of its secrets.
    async fn try_rotate(&self, with: &Secret, grace_seconds: i64, seconds: i64) -> Result<Secret, Denial> {
        let secret = must("a secret", self.ring.mint(&self.random));
        let key = self.admin.key.id;
        let effect = RotateKey { key: Some(key), as_sent: key.to_string(), grace_seconds, secret };
        let caller = must("the secret is admitted", self.admit(with, seconds));
        let permit = must("a permit", check(Principal::of(caller)));
        commit(self.store, effect, permit, seconds).await.map(|rotated| rotated.secret)
    }
}

async fn a_change_holds_from_the_moment_it_is_answered<S: IdentityStore>(bench: &Bench<'_, S>) {
    let made = must("a key is made", bench.create(bench.permit(&bench.admin), 0).await);
    must("a new key is admitted at once", bench.admit(&made.secret, 0));
    must("a key is revoked", bench.revoke(bench.permit(&bench.admin), made.key.id).await);
    assert_eq!(bench.admit(&made.secret, 0).err(), Some(Denial::KeyRevoked), "a revoked key is dead at once");
    let again = must("revoking again works", bench.revoke(bench.permit(&bench.admin), made.key.id).await);
    assert!(!again, "revoking again changes nothing");
    let role = SetRole { account: bench.account, user: bench.viewer.key.user, role: Role::Editor };
    must("a role is changed", commit(bench.store, role, operator(), 0).await);
    let caller = must("the viewer's key lives", bench.admit(&bench.viewer.secret, 0));
    assert_eq!(Principal::of(caller).member.map(|m| m.role), Some(Role::Editor), "a role holds at once");
    let disabled = SetUserDisabled { user: bench.viewer.key.user, disabled: true };
    must("a user is disabled", commit(bench.store, disabled, operator(), 0).await);
    assert_eq!(bench.admit(&bench.viewer.secret, 0).err(), Some(Denial::UserDisabled), "and dead at once");
}

async fn a_refusal_changes_nothing<S: IdentityStore>(bench: &Bench<'_, S>) {
    let twice = CreateAccount {
        slug: "acme".to_owned(),
        name: "Other".to_owned(),
        account_type: None,
        tier: Tier::Free,
    };
    assert!(commit(bench.store, twice, operator(), 0).await.is_err(), "a slug is unique");
    let refused = bench.revoke(bench.permit(&bench.viewer), bench.admin.key.id).await;
    assert!(matches!(refused, Err(Denial::NotFound { .. })), "a viewer does not reach the admin's key");
    must("the admin's key still lives", bench.admit(&bench.admin.secret, 0));
    let live = bench.store.directory().read();
    assert_eq!(
        live.account(bench.account).map(|a| a.name.as_str()),
        Some("Acme"),
        "the account is as it was"
    );
}

async fn a_right_that_was_lost_on_the_way_ends_the_write<S: IdentityStore>(bench: &Bench<'_, S>) {
    // Both were let in while the key lived; the revocation commits first.
    let (late, ending) = (bench.permit::<ManageKeys>(&bench.admin), bench.permit(&bench.admin));
    must("the key ends itself", bench.revoke(ending, bench.admin.key.id).await);
    let refused = bench.create(late, 0).await.err();
    assert_eq!(refused, Some(Denial::KeyRevoked), "a write whose credential died on the way is not executed");

    let late = bench.permit::<ManageKeys>(&bench.viewer);
    let member = RemoveMember { account: bench.account, user: bench.viewer.key.user };
    must("the member is removed", commit(bench.store, member, operator(), 0).await);
    assert_eq!(bench.create(late, 0).await.err(), Some(Denial::KeyRevoked), "nor one whose member left");
}

async fn a_removed_member_loses_its_keys_for_good<S: IdentityStore>(bench: &Bench<'_, S>) {
    let (account, user) = (bench.account, bench.viewer.key.user);
    must("the member is removed", commit(bench.store, RemoveMember { account, user }, operator(), 0).await);
    assert_eq!(bench.admit(&bench.viewer.secret, 0).err(), Some(Denial::KeyRevoked), "its keys are revoked");
    let again = AddMember { account, user, role: Role::Admin };
    must("the member comes back", commit(bench.store, again, operator(), 0).await);
    assert_eq!(bench.admit(&bench.viewer.secret, 0).err(), Some(Denial::KeyRevoked), "and none revives");
    must("other members keep theirs", bench.admit(&bench.admin.secret, 0));
}

async fn grace_is_exact_to_the_second_and_two_secrets_live_at_most<S: IdentityStore>(bench: &Bench<'_, S>) {
    let first = &bench.admin.secret;
    let second = must("a rotation", bench.try_rotate(first, 100, 0).await);
    must("the old secret lives in its grace", bench.admit(first, 99));
    assert_eq!(bench.admit(first, 100).err(), Some(Denial::KeyRotated), "and not a second longer");
    must("the new one lives", bench.admit(&second, 100));
    let third = must("a rotation", bench.try_rotate(&second, 100, 10).await);
    assert_eq!(bench.admit(first, 11).err(), Some(Denial::KeyUnknown), "a third secret ends the first");
    must("the second lives in its own grace", bench.admit(&second, 109));
    assert_eq!(bench.admit(&second, 110).err(), Some(Denial::KeyRotated), "to the second");
    must("the third lives", bench.admit(&third, 111));
}

async fn a_secret_in_its_grace_does_not_rotate_its_key<S: IdentityStore>(bench: &Bench<'_, S>) {
    let first = &bench.admin.secret;
    let second = must("the current secret rotates", bench.try_rotate(first, 100, 0).await);
    let refused = bench.try_rotate(first, 604_800, 10).await.err();
    assert_eq!(refused, Some(Denial::SecretInGrace), "who was replaced does not take the key over");
    assert_eq!(bench.admit(first, 100).err(), Some(Denial::KeyRotated), "nor does it live a second longer");
    must("the current one lives on", bench.admit(&second, 100));
    let third = must("and rotates", bench.try_rotate(&second, 0, 120).await);
    assert_eq!(bench.admit(&second, 120).err(), Some(Denial::KeyRotated), "without grace it ends at once");
    must("and the new one lives", bench.admit(&third, 120));
}

async fn the_ceiling_of_a_tier_counts_live_keys<S: IdentityStore>(bench: &Bench<'_, S>) {
    let mut made = Vec::new();
    for _ in 2..Tiers::default().standard.keys {
        made.push(must("below the ceiling", bench.create(bench.permit(&bench.admin), 0).await));
    }
    let refused = bench.create(bench.permit(&bench.admin), 0).await;
    assert!(matches!(refused, Err(Denial::Invalid(_))), "at the ceiling no key is made");
    let Some(one) = made.first() else { panic!("keys were made") };
    must("one is revoked", bench.revoke(bench.permit(&bench.admin), one.key.id).await);
    must("and its place is free", bench.create(bench.permit(&bench.admin), 0).await);
}

async fn lists_show_what_the_caller_may_see<S: IdentityStore>(bench: &Bench<'_, S>) {
    let list = async |key: &KeyMade, of: KeysOf| -> Vec<KeyId> {
        let permit = bench.permit::<ReadAccount>(key);
        let listed = must("a list", bench.store.list_keys(&permit, of, None, first_page()).await);
        assert_eq!(usize::try_from(listed.total), Ok(listed.items.len()), "the total counts what is seen");
        listed.items.iter().map(|key| key.id).collect()
    };
    let (admin, viewer) = (bench.admin.key.id, bench.viewer.key.id);
    assert_eq!(list(&bench.admin, KeysOf::Caller).await, [admin], "its own");
    assert_eq!(list(&bench.admin, KeysOf::Account).await, [admin, viewer], "an admin: the account's");
    assert_eq!(list(&bench.viewer, KeysOf::Account).await, [viewer], "a viewer: its own, whatever it asks");
    let newest_first = vec![SortKey { field: "id", descending: true }];
    let page = |offset| Window { limit: 1, from: From::Offset(newest_first.clone(), offset) };
    let permit = bench.permit::<ReadAccount>(&bench.admin);
    for (offset, expected, more) in [(0, viewer, true), (1, admin, false)] {
        let listed =
            must("a page", bench.store.list_keys(&permit, KeysOf::Account, None, page(offset)).await);
        let ids: Vec<_> = listed.items.iter().map(|key| key.id).collect();
        assert_eq!((ids, listed.has_more), (vec![expected], more), "the newest first, from {offset}");
    }
}

async fn a_label_is_changed_by_its_owner_and_found_by_it<S: IdentityStore>(bench: &Bench<'_, S>) {
    let key = bench.viewer.key.id;
    let relabel = async |by: &KeyMade, label: &str| {
        let (label, as_sent) = (label.to_owned(), key.to_string());
        let effect = RelabelKey { key: Some(key), as_sent, conditions: Preconditions::NONE, label };
        commit(bench.store, effect, bench.permit::<LabelKeys>(by), 0).await.map(|done| done.now)
    };
    assert!(matches!(relabel(&bench.admin, "theirs").await, Err(Denial::NotFound { .. })), "another's key");
    assert_eq!(relabel(&bench.viewer, "50%_of, it").await, Ok(true), "the owner");
    assert_eq!(relabel(&bench.viewer, "50%_of, it").await, Ok(false), "the same label changes nothing");
    let labelled = async |by: &KeyMade, label: &str| -> Vec<KeyId> {
        let permit = bench.permit::<ReadAccount>(by);
        let asked = bench.store.list_keys(&permit, KeysOf::Account, Some(label.to_owned()), first_page());
        let listed = must("a list", asked.await);
        assert_eq!(usize::try_from(listed.total), Ok(listed.items.len()), "the total counts what is seen");
        listed.items.iter().map(|key| key.id).collect()
    };
    assert_eq!(labelled(&bench.admin, "50%_of, it").await, [key], "to the letter");
    assert!(labelled(&bench.admin, "50%_OF, it").await.is_empty(), "in the same case");
    let one = async |by: &KeyMade, key: KeyId| {
        let permit = bench.permit::<ReadAccount>(by);
        must("a key", bench.store.get_key(&permit, key).await).map(|key| key.label)
    };
    assert_eq!(one(&bench.admin, key).await.as_deref(), Some("50%_of, it"), "an admin sees the account's");
    assert_eq!(one(&bench.viewer, bench.admin.key.id).await, None, "a viewer sees its own");
    must("a key is revoked", bench.revoke(bench.permit(&bench.admin), key).await);
    assert_eq!(one(&bench.admin, key).await, None, "what is revoked is not shown");
}

async fn a_store_that_is_well_says_so<S: IdentityStore>(bench: &Bench<'_, S>) {
    must("the store answers", bench.store.ping().await);
}

async fn the_last_use_never_goes_back<S: IdentityStore>(bench: &Bench<'_, S>) {
    let key = bench.admin.key.id;
    for (written, expected) in [(10, 10), (5, 10), (20, 20)] {
        must(
            "a batch is written",
            bench.store.write_uses(&[KeyUse { key, at: at(written), current: None }]).await,
        );
        let permit = bench.permit::<ReadAccount>(&bench.admin);
        let listed = must("a list", bench.store.list_keys(&permit, KeysOf::Caller, None, first_page()).await);
        let last = listed.items.first().and_then(|key| key.last_used_at);
        assert_eq!(last, Some(at(expected)), "the last use is the latest one");
    }
}

//! A store that executes something else, or answers another outcome.

use super::{Fault, mistake};
use keyward_core::address::ClientAddress;
use keyward_core::api_key::WhoseKeys;
use keyward_core::id::UserId;
use keyward_core::live::Change;
use keyward_core::role::Role;
use keyward_core::scope::{Scope, ScopeSet};
use keyward_core::write::account::CreateAccount;
use keyward_core::write::client::RegisterClient;
use keyward_core::write::disabling::{SetAccountDisabled, SetUserDisabled};
use keyward_core::write::grant::{GiveConsent, RedeemCode, RefreshGrant};
use keyward_core::write::identity::LinkIdentity;
use keyward_core::write::key::{KeyRelabelled, KeyRevoked, RevokeKey, RevokeKeysOf, RotateKey};
use keyward_core::write::limits::SetLimits;
use keyward_core::write::link::ChoosePassword;
use keyward_core::write::member::SetRole;
use keyward_core::write::session::{EndSession, NoteFailedSignIns};
use keyward_core::write::signing_key::AddSigningKey;
use keyward_core::write::team::Dismissed;
use keyward_core::write::user::{AddUser, CreateUser};
use keyward_testkit::contract::{Mistake, edit};
use std::any::Any;

pub(super) const FAULTS: &[Fault] = &[
    mistake(
        "the grace of a secret is a second too long",
        Mistake::Effect(|effect| edit(effect, |rotate: &mut RotateKey| rotate.grace_seconds += 1)),
        "grace_is_exact_to_the_second_and_two_secrets_live_at_most",
        "and not a second longer",
    ),
    mistake(
        "every member becomes a viewer",
        Mistake::Effect(|effect| edit(effect, |set: &mut SetRole| set.role = Role::Viewer)),
        "a_change_holds_from_the_moment_it_is_answered",
        "a role holds at once",
    ),
    mistake(
        "a user who is disabled stays in memory as before",
        Mistake::Done(|done, directory| {
            edit(done, |set: &mut SetUserDisabled| {
                let user = directory.read().user(set.user).cloned();
                let user =
                    user.map(|user| Change::User(keyward_core::account::User { disabled: false, ..user }));
                directory.publish(user);
            });
        }),
        "a_change_holds_from_the_moment_it_is_answered",
        "and dead at once",
    ),
    mistake(
        "a second revocation says that it revoked",
        Mistake::Done(|done, _| edit(done, |revoked: &mut KeyRevoked| revoked.now = true)),
        "a_change_holds_from_the_moment_it_is_answered",
        "revoking again changes nothing",
    ),
    mistake(
        "a label that is the same counts as a change",
        Mistake::Done(|done, _| edit(done, |labelled: &mut KeyRelabelled| labelled.now = true)),
        "a_label_is_changed_by_its_owner_and_found_by_it",
        "the same label changes nothing",
    ),
    mistake(
        "limits of an account are not set",
        Mistake::Effect(|effect| edit(effect, |set: &mut SetLimits| set.overrides.keys = None)),
        "limits_of_an_account_go_before_its_tier",
        "what was said is what is kept",
    ),
    mistake(
        "a subject is linked where it should be taken away",
        Mistake::Effect(|effect| edit(effect, |link: &mut LinkIdentity| link.linked = true)),
        "a_subject_is_one_users",
        "not the viewer's",
    ),
    mistake(
        "the share of one network is all of the room",
        Mistake::Effect(|effect| edit(effect, |new: &mut RegisterClient| new.share = new.most)),
        "a_flood_of_registrations_thins_the_network_that_holds_most",
        "one network has its share",
    ),
    mistake(
        "all clients that register are of one network",
        Mistake::Effect(|effect| {
            edit(effect, |new: &mut RegisterClient| new.network = ClientAddress::Unknown)
        }),
        "a_flood_of_registrations_thins_the_network_that_holds_most",
        "one network has its share",
    ),
    mistake(
        "a client that registers again is another one",
        Mistake::Effect(|effect| edit(effect, |new: &mut RegisterClient| new.same = None)),
        "clients_that_register_are_bounded_and_the_same_is_the_same",
        "is the same client",
    ),
    mistake(
        "a refresh may ask for wider scopes",
        Mistake::Effect(|effect| edit(effect, |refresh: &mut RefreshGrant| refresh.scopes = None)),
        "a_replaced_refresh_token_lives_half_a_minute_and_then_ends_all",
        "what does not fit is refused",
    ),
    mistake(
        "a replaced refresh token has twice its grace",
        Mistake::Effect(|effect| edit(effect, |refresh: &mut RefreshGrant| refresh.grace *= 2)),
        "a_replaced_token_has_its_own_grace_however_often_the_family_went_on",
        "the first one's grace of 30 s is over",
    ),
    mistake(
        "a grant is used a second longer than it lives",
        Mistake::Moment("oauth_grant.refresh", -1),
        "a_grant_lives_while_it_is_used_and_a_year_at_most",
        "without use",
    ),
    mistake(
        "a code is redeemed for any redirect URI",
        Mistake::Effect(|effect| edit(effect, |redeem: &mut RedeemCode| redeem.redirect_uri = None)),
        "a_code_is_good_once_for_a_minute_and_only_for_its_client",
        "what does not fit is refused",
    ),
    mistake(
        "a code is good a second longer",
        Mistake::Moment("oauth_grant.redeem", -1),
        "a_code_is_good_once_for_a_minute_and_only_for_its_client",
        "what does not fit is refused",
    ),
    mistake(
        "a session lives a second longer",
        Mistake::Moment("user.sign_in", 1),
        "a_session_is_begun_by_the_password_of_now",
        "for twelve hours to the second",
    ),
    mistake(
        "a link is good a second longer",
        Mistake::Moment("user.password", -1),
        "a_link_is_good_once_and_only_the_last_one",
        "and not a second longer",
    ),
    mistake(
        "an invitation begins a second too early",
        Mistake::Moment("member.invite", -1),
        "an_invitation_is_open_for_a_week_and_gives_no_right",
        "until its last second",
    ),
    mistake(
        "invitations that were shown are not accepted with the link",
        Mistake::Effect(|effect| edit(effect, |choose: &mut ChoosePassword| choose.accept.clear())),
        "an_operators_invitation_is_accepted_by_its_link_or_in_person",
        "and is a member",
    ),
    mistake(
        "a signing key never stands alone",
        Mistake::Effect(|effect| edit(effect, |add: &mut AddSigningKey| add.alone = false)),
        "signing_keys_are_known_at_once",
        "and then another, alone",
    ),
    mistake(
        "a slug is made of the name",
        Mistake::Effect(|effect| {
            edit(effect, |create: &mut CreateAccount| create.slug = create.name.to_lowercase());
        }),
        "a_refusal_changes_nothing",
        "a slug is unique",
    ),
    mistake(
        "the current secret gives a replaced one a second more",
        Mistake::Effect(|effect| edit(effect, |rotate: &mut RotateKey| rotate.grace_seconds += 1)),
        "a_secret_in_its_grace_does_not_rotate_its_key",
        "nor does it live a second longer",
    ),
    mistake(
        "a former member is nobody any more",
        Mistake::Done(|done, directory| {
            edit(done, |dismissed: &mut Dismissed| directory.publish([Change::UserGone(dismissed.user)]));
        }),
        "a_former_member_is_not_forgotten",
        "its deeds stand in the audit trail",
    ),
    mistake(
        "a user who was only invited stays without a name",
        Mistake::Effect(|effect| edit(effect, |create: &mut CreateUser| create.first_name.clear())),
        "an_address_that_was_only_invited_stays_free",
        "and known by name at once",
    ),
    mistake(
        "a user who is made in two steps has no place",
        Mistake::Effect(|effect| edit(effect, |add: &mut AddUser| add.place = None)),
        "a_user_in_two_steps_is_there_after_the_second_or_not_at_all",
        "without its place",
    ),
    mistake(
        "an account is never enabled again",
        Mistake::Effect(|effect| edit(effect, |set: &mut SetAccountDisabled| set.disabled = true)),
        "an_account_that_is_disabled_admits_nobody_until_it_is_enabled",
        "and its keys are what they were",
    ),
    mistake(
        "everybody's keys end where one user's should",
        Mistake::Effect(|effect| edit(effect, |end: &mut RevokeKeysOf| end.whose = WhoseKeys::All)),
        "every_key_of_somebody_ends_at_once_and_nobody_elses",
        "not in another account",
    ),
    mistake(
        "other scopes are consented to than were asked for",
        Mistake::Effect(|effect| {
            edit(effect, |give: &mut GiveConsent| {
                give.asked.scopes = ScopeSet::NONE.with(Scope::AccountRead)
            });
        }),
        "consent_is_given_in_person_where_one_is_a_member_and_once_a_form",
        "as it was given",
    ),
    mistake(
        "a replaced refresh token is good for as long as a clock went back",
        Mistake::Effect(|effect| edit(effect, |refresh: &mut RefreshGrant| refresh.grace *= 4)),
        "a_clock_that_went_back_makes_no_replaced_token_good",
        "further back the time says nothing",
    ),
    mistake(
        "sign-ins that failed are nobody's",
        Mistake::Done(|done, _| edit(done, |noted: &mut NoteFailedSignIns| noted.user = None)),
        "failed_sign_ins_leave_one_row_for_each_user",
        "right: NoteFailedSignIns { user: Some(",
    ),
    mistake(
        "a revocation is answered and not executed",
        Mistake::Pretended(|effect| {
            let key = effect.downcast_ref::<RevokeKey>()?.key?;
            Some(Box::new(KeyRevoked { key, account: None, now: true, descendants: None }))
        }),
        "a_right_that_was_lost_on_the_way_ends_the_write",
        "a write whose credential died on the way is not executed",
    ),
    mistake(
        "a revoked key lives until later",
        Mistake::Pretended(|effect| {
            let key = effect.downcast_ref::<RevokeKey>()?.key?;
            Some(Box::new(KeyRevoked { key, account: None, now: true, descendants: None }))
        }),
        "a_change_holds_from_the_moment_it_is_answered",
        "a revoked key is dead at once",
    ),
    mistake(
        "the end of a session is answered and not executed",
        Mistake::Pretended(|effect| effect.is::<EndSession>().then(|| Box::new(UserId(1)) as Box<dyn Any>)),
        "a_session_is_begun_by_the_password_of_now",
        "and is dead at once",
    ),
    mistake(
        "every write is done with the operator's right",
        Mistake::OperatorsRight,
        "a_refusal_changes_nothing",
        "a viewer does not reach the admin's key",
    ),
    mistake(
        "an address that is taken is given to another user",
        Mistake::Effect(|effect| {
            edit(effect, |create: &mut CreateUser| {
                create.email = format!("{}@acme.example", create.uuid.replace(' ', "-"));
            });
        }),
        "a_refusal_leaves_no_row",
        "leaves no row",
    ),
];

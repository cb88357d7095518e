//! Faults of tiers, of the account that a user acts in, of keys in two steps, and of a clock that is accepted.

use super::{Fault, mistake, rows};
use keyward_core::id::{AccountId, KeyId};
use keyward_core::live::Change;
use keyward_core::write::account::SetTier;
use keyward_core::write::active_account::{AccountChosen, ChooseAccount};
use keyward_core::write::clock::ClockAccepted;
use keyward_core::write::key::{ActivateKey, KeyActivated};
use keyward_core::write::member::RemoveMember;
use keyward_testkit::contract::{Mistake, edit};
use std::any::Any;

const TIERS: &str = "a_tier_holds_at_once_and_for_its_account_alone";
const WRONG_TIME: &str = "what_was_given_in_a_wrong_time_is_over_and_what_was_before_stays";

/// The second step of a key, as if it was done.
fn activated(effect: &dyn Any) -> Option<Box<dyn Any>> {
    let key = effect.downcast_ref::<ActivateKey>()?.key;
    Some(Box::new(KeyActivated { key, account: AccountId(1) }))
}

pub(super) const FAULTS: &[Fault] = &[
    rows(
        "a tier is not written",
        "CREATE TRIGGER planted AFTER UPDATE OF tier ON accounts
         BEGIN UPDATE accounts SET tier = old.tier WHERE id = old.id; END",
        TIERS,
        "the tier that was said",
    ),
    rows(
        "the tier of every account is set",
        "CREATE TRIGGER planted AFTER UPDATE OF tier ON accounts BEGIN UPDATE accounts SET tier = new.tier; END",
        TIERS,
        "no other account has it",
    ),
    rows(
        "keys end in the rows when a tier is lowered",
        "CREATE TRIGGER planted AFTER UPDATE OF tier ON accounts WHEN new.tier = 'free'
         BEGIN UPDATE api_keys SET revoked_at = 1 WHERE account_id = new.id; END",
        "keys_over_a_lower_ceiling_live_on_and_no_more_are_made",
        "at the ceiling no key is made",
    ),
    mistake(
        "the tier of no account is said to be set",
        Mistake::Pretended(|effect| Some(Box::new(*effect.downcast_ref::<SetTier>()?))),
        "a_tier_of_an_account_that_is_not_there_is_refused",
        "it is not there",
    ),
    mistake(
        "a choice that is the same counts as a change",
        Mistake::Done(|done, _| edit(done, |chosen: &mut AccountChosen| chosen.now = true)),
        "an_account_is_chosen_for_one_user_by_one_client_of_one_issuer",
        "which changes nothing",
    ),
    rows(
        "an account that is disabled is chosen",
        "CREATE TRIGGER planted AFTER UPDATE OF disabled_at ON accounts WHEN new.disabled_at IS NOT NULL
         BEGIN UPDATE accounts SET disabled_at = NULL WHERE id = new.id; END",
        "an_account_is_chosen_only_where_one_is_a_member_and_it_is_open",
        "shut is none of its own",
    ),
    mistake(
        "another account is chosen than the one that was named",
        Mistake::Effect(|effect| edit(effect, |choose: &mut ChooseAccount| choose.slug = "acme".to_owned())),
        "a_key_stays_in_the_account_that_it_is_bound_to",
        "no other, also where its user is a member",
    ),
    mistake(
        "a choice ends with the place",
        Mistake::Done(|done, directory| {
            edit(done, |removed: &mut RemoveMember| {
                let (issuer, client) = ("https://id.example/".into(), "app".into());
                directory.publish([Change::Unchosen(removed.user, issuer, client)]);
            });
        }),
        "a_choice_outlives_the_place_and_opens_nothing_without_it",
        "it acts nowhere, also not in the other",
    ),
    rows(
        "a grant for one account is for all",
        "CREATE TRIGGER planted AFTER INSERT ON oauth_grants BEGIN UPDATE oauth_grants SET bound = 0 WHERE id = new.id; END",
        "a_grant_for_one_account_is_moved_to_no_other",
        "and stays there",
    ),
    rows(
        "every choice of an account is kept",
        "CREATE TRIGGER planted BEFORE DELETE ON active_accounts BEGIN SELECT RAISE(IGNORE); END",
        "a_hundred_choices_of_a_user_are_kept_and_the_oldest_goes_first",
        "the oldest is forgotten",
    ),
    rows(
        "a key that had ended ends again with the wrong time",
        "CREATE TRIGGER planted BEFORE UPDATE OF revoked_at ON api_keys BEGIN SELECT RAISE(IGNORE); END",
        "of_the_keys_of_a_wrong_time_those_with_an_end_are_revoked",
        "and not what had ended",
    ),
    rows(
        "a session of a wrong time stays",
        "CREATE TRIGGER planted BEFORE DELETE ON sessions BEGIN SELECT RAISE(IGNORE); END",
        WRONG_TIME,
        "what was given then is over\n  left: [\"session\"",
    ),
    rows(
        "an invitation of a wrong time stays",
        "CREATE TRIGGER planted BEFORE DELETE ON invitations BEGIN SELECT RAISE(IGNORE); END",
        WRONG_TIME,
        "what was given then is over\n  left: [\"invitation\"",
    ),
    rows(
        "a link of a wrong time stays",
        "CREATE TRIGGER planted BEFORE DELETE ON password_links WHEN (SELECT newest FROM clock) < old.created_at
         BEGIN SELECT RAISE(IGNORE); END",
        WRONG_TIME,
        "what was given then is over\n  left: [\"link\"",
    ),
    mistake(
        "a clock that is right ends a key",
        Mistake::Done(|done, _| edit(done, |accepted: &mut ClockAccepted| accepted.keys.push(KeyId(1)))),
        "a_clock_that_is_right_takes_nothing_back",
        "and ends nothing",
    ),
    mistake(
        "the second step of a key is answered and not executed",
        Mistake::Pretended(activated),
        "a_key_in_two_steps_opens_nothing_before_the_second",
        "it opens at once",
    ),
    mistake(
        "the second step of a key that was taken back is answered",
        Mistake::Pretended(activated),
        "only_a_key_that_waits_for_its_secret_is_given_one",
        "one that was taken back stays so",
    ),
    rows(
        "keys that wait for their secret are not counted",
        "CREATE TRIGGER planted AFTER INSERT ON api_keys BEGIN UPDATE api_keys SET expires_at = 1 WHERE id = new.id; END",
        "the_first_step_of_a_key_is_refused_where_the_key_would_be",
        "those that wait are counted",
    ),
];

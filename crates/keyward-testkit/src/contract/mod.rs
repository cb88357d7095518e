//! The contract of every store: each rule is a function that is given a new one.
//!
//! A store's own test is one line, [`crate::store_contract!`], which makes a test of each rule.
#![expect(clippy::panic, reason = "a broken rule must end the test that asked")]
#![expect(
    clippy::disallowed_methods,
    reason = "the rules are told as the operator and the callers do things"
)]

mod accounts;
mod audit;
mod bench;
mod concurrency;
pub mod crash;
mod ending_all;
mod first_sign_in;
mod idempotency;
mod keys;
mod new_users;
mod operating;
mod operator_reads;
mod reopening;
mod signing_in;
mod store;
mod team;
mod wrong;

use bench::{Bench, FROM, at, begun, both, commit, commit_with, first_page, must};
pub use store::{Home, IdentityStore};
pub use wrong::{Mistake, Wrong, WrongHome, edit};

/// The list of the rules, and what is made of it. Those of `bench` are given a store with a few people in it, those of `home` what
/// opens one.
macro_rules! rules {
    (
        ($d:tt)
        bench { $($module:ident { $($rule:ident,)* })* }
        home { $($place:ident { $($kept:ident,)* })* }
    ) => {
        /// The names of all rules.
        pub const RULES: &[&str] = &[$($(stringify!($rule),)*)* $($(stringify!($kept),)*)*];

        /// Checks one rule in a new home. A rule that is broken panics with the rule's words.
        ///
        /// # Panics
        /// The rule is broken, or there is none with that name.
        pub async fn check_rule<H: Home>(name: &str, home: &H) {
            $($(if name == stringify!($rule) {
                let store = home.open();
                let bench = Bench::new(&store).await;
                return Box::pin($module::$rule(&bench)).await;
            })*)*
            $($(if name == stringify!($kept) {
                return Box::pin($place::$kept(home)).await;
            })*)*
            panic!("there is no rule {name}");
        }

        /// The contract as tests, one for each rule: what stands in the brackets makes a new home ([`Home`]).
        #[macro_export]
        macro_rules! store_contract {
            ($d home:expr) => {
                $($(
                    #[tokio::test]
                    async fn $rule() {
                        $d crate::contract::check_rule(stringify!($rule), &$d home).await;
                    }
                )*)*
                $($(
                    #[tokio::test]
                    async fn $kept() {
                        $d crate::contract::check_rule(stringify!($kept), &$d home).await;
                    }
                )*)*
            };
        }
    };
}

rules! {
    ($)
    bench {
        keys {
            a_change_holds_from_the_moment_it_is_answered,
            a_refusal_changes_nothing,
            a_right_that_was_lost_on_the_way_ends_the_write,
            a_removed_member_loses_its_keys_for_good,
            grace_is_exact_to_the_second_and_two_secrets_live_at_most,
            a_secret_in_its_grace_does_not_rotate_its_key,
            the_ceiling_of_a_tier_counts_live_keys,
            lists_show_what_the_caller_may_see,
            a_label_is_changed_by_its_owner_and_found_by_it,
            a_store_that_is_well_says_so,
            the_last_use_never_goes_back,
        }
        team {
            an_invitation_is_open_for_a_week_and_gives_no_right,
            a_stranger_whom_nobody_invites_any_more_is_forgotten,
            a_former_member_is_not_forgotten,
            an_address_that_was_only_invited_stays_free,
            invitations_are_bounded,
            an_account_keeps_an_active_admin,
            a_team_is_shown_page_by_page,
        }
        new_users {
            a_user_in_two_steps_is_there_after_the_second_or_not_at_all,
            an_invited_stranger_stays_one_until_it_is_made_a_user,
        }
        ending_all {
            an_account_that_is_disabled_admits_nobody_until_it_is_enabled,
            a_user_who_is_erased_leaves_a_free_address_and_no_right,
        }
        operating {
            every_key_of_somebody_ends_at_once_and_nobody_elses,
            limits_of_an_account_go_before_its_tier,
            a_subject_is_one_users,
            a_secret_moves_to_the_next_version_and_lives_on,
            a_version_with_keys_on_it_is_not_retired,
            a_secret_in_its_grace_ends_with_its_version,
        }
        signing_in {
            a_session_is_begun_by_the_password_of_now,
            a_link_is_good_once_and_only_the_last_one,
            an_operators_invitation_is_accepted_by_its_link_or_in_person,
            consent_is_given_in_person_where_one_is_a_member_and_once_a_form,
            a_code_is_good_once_for_a_minute_and_only_for_its_client,
            a_replaced_refresh_token_lives_half_a_minute_and_then_ends_all,
            a_replaced_token_has_its_own_grace_however_often_the_family_went_on,
            a_clock_that_went_back_makes_no_replaced_token_good,
            a_grant_lives_while_it_is_used_and_a_year_at_most,
            a_grant_that_is_long_over_is_forgotten,
            a_grant_ends_with_what_it_stands_on,
            clients_that_register_are_bounded_and_the_same_is_the_same,
            a_client_that_registers_again_has_its_day_anew,
            a_flood_of_registrations_thins_the_network_that_holds_most,
            a_client_that_others_register_too_leaves_the_network_of_a_flood,
            failed_sign_ins_leave_one_row_for_each_user,
            a_code_is_known_from_when_it_is_given,
            signing_keys_are_known_at_once,
            of_two_who_redeem_one_code_the_second_ends_the_grant,
            two_who_refresh_with_one_token_have_the_same_successor,
            of_two_who_use_one_link_one_chooses_a_password,
        }
        idempotency {
            a_write_that_is_repeated_is_done_once_and_answered_byte_for_byte,
            a_repetition_leaves_what_came_after_and_answers_as_then,
            a_claim_that_said_something_else_is_refused_and_changes_nothing,
            a_claim_is_of_one_user_in_one_account_whatever_credential_it_has,
            of_two_repetitions_at_the_same_time_one_is_done,
            a_write_that_was_begun_goes_on_though_its_caller_has_left,
            an_answer_is_not_given_again_to_one_who_lost_the_right_to_it,
            an_answer_about_what_its_owner_no_longer_has_is_not_given_again,
            a_refused_write_leaves_its_claim_free,
            a_secret_is_shown_again_until_it_is_used,
            a_secret_is_shown_again_for_an_hour_to_the_second_and_then_taken_away,
            a_rotation_is_answered_again_to_the_replaced_secret_in_its_grace,
            a_secret_that_was_replaced_or_ended_is_not_shown_again,
            a_secret_is_not_shown_to_a_credential_that_could_not_have_made_it,
            under_a_key_that_could_be_guessed_no_secret_is_kept,
            a_claim_is_free_after_a_day_to_the_second,
            a_purge_takes_what_is_a_day_old_and_nothing_else,
            answers_about_a_person_go_with_it_and_others_stay,
            a_record_is_found_under_the_next_root_secret,
            a_claim_that_a_rotation_overtook_is_to_come_again,
            a_version_is_retired_when_its_answers_are_a_day_old_or_given_up,
        }
        audit {
            what_the_operator_does_to_accounts_and_users_leaves_one_row_each,
            what_the_operator_does_to_keys_and_clients_leaves_one_row_each,
            what_a_key_does_leaves_one_row_each_that_names_it,
            what_a_person_does_who_signs_in_leaves_one_row_each,
            what_a_client_presents_leaves_one_row_each_of_whose_deed_it_was,
            what_a_token_does_leaves_one_row_each_that_names_its_link_or_its_grant,
            the_rows_of_an_account_are_numbered_from_one_without_a_gap,
            what_changes_nothing_leaves_no_row,
            a_refusal_leaves_no_row,
            a_write_that_is_repeated_leaves_one_row,
            no_row_shows_a_secret_or_a_digest,
            the_trail_of_a_user_who_is_erased_stays_without_names,
            each_filter_of_the_trail_gives_the_rows_that_it_names_and_several_hold_together,
            the_pages_of_the_trail_have_each_row_once,
            a_row_that_comes_between_two_pages_is_on_a_later_one,
            rows_that_strangers_cause_are_forgotten_after_their_days_and_changes_are_not,
            rows_are_forgotten_after_their_days_where_the_operator_says_so,
            numbers_and_ids_go_on_after_rows_were_forgotten,
            a_number_is_not_given_again_where_a_later_row_was_forgotten_first,
        }
        accounts {
            a_tier_holds_at_once_and_for_its_account_alone,
            keys_over_a_lower_ceiling_live_on_and_no_more_are_made,
            a_tier_of_an_account_that_is_not_there_is_refused,
            an_account_is_chosen_for_one_user_by_one_client_of_one_issuer,
            an_account_is_chosen_only_where_one_is_a_member_and_it_is_open,
            a_key_stays_in_the_account_that_it_is_bound_to,
            a_choice_outlives_the_place_and_opens_nothing_without_it,
            a_grant_for_one_account_is_moved_to_no_other,
            a_hundred_choices_of_a_user_are_kept_and_the_oldest_goes_first,
            a_key_in_two_steps_opens_nothing_before_the_second,
            only_a_key_that_waits_for_its_secret_is_given_one,
            the_first_step_of_a_key_is_refused_where_the_key_would_be,
            of_the_keys_of_a_wrong_time_those_with_an_end_are_revoked,
            what_was_given_in_a_wrong_time_is_over_and_what_was_before_stays,
            a_clock_that_is_right_takes_nothing_back,
        }
        first_sign_in {
            a_verified_address_makes_a_subject_its_users_once,
            an_address_of_nobody_who_is_active_links_nobody,
            by_invitation_a_stranger_joins_while_the_invitation_is_open,
            an_invitation_into_an_account_that_is_disabled_waits,
            of_several_open_invitations_none_is_accepted,
            who_is_somebody_already_is_moved_into_no_account,
            an_issuer_that_speaks_for_one_account_links_its_people_alone,
            what_one_tenants_issuer_has_said_keeps_nobody_from_another_account,
            while_the_clock_is_behind_nobody_is_linked,
        }
        operator_reads {
            the_pages_of_accounts_have_each_once_also_those_that_are_disabled,
            the_pages_of_users_have_each_once_but_nobody_who_is_erased,
            the_pages_of_keys_have_each_once_one_account_after_the_other,
            one_key_is_shown_whether_or_not_it_is_revoked,
            the_figures_of_an_account_count_what_holds_now,
            what_is_kept_of_a_user_is_shown_whole_and_to_the_second,
            who_is_disabled_is_found_to_be_ended_and_who_is_erased_is_not,
            a_key_is_found_by_every_secret_that_it_had,
            what_is_served_is_as_new_as_the_last_change,
        }
        concurrency {
            of_two_rotations_at_once_one_is_made,
            of_two_keys_for_the_last_place_one_is_made,
            of_two_accounts_with_one_slug_one_is_made,
            of_two_admins_who_demote_each_other_one_stays,
        }
    }
    home {
        reopening {
            keys_and_people_are_as_they_were_when_the_store_was_closed,
            a_write_is_repeated_after_the_store_was_opened_again,
            what_was_used_up_stays_so_when_the_store_is_opened_again,
        }
    }
}

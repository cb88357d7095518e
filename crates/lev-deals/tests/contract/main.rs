//! The contract of every store of deals: each rule is a function that is given a new store, and says what any store must do. The
//! embedded store keeps it.
//!
//! | file | what |
//! | --- | --- |
//! | `store.rs` | what a store of deals can do, and where it keeps what it has |
//! | `bench.rs` | what a rule begins with: two accounts, people, and what they do |
//! | `deals.rs`, `rights.rs`, `once.rs` | rules of a deal: how it changes, who may do what, what happens once |
//! | `related.rs`, `team.rs`, `pipelines.rs` | rules of what hangs on it |
//! | `lists.rs` | rules of lists |
//! | `reopening.rs` | rules of what is there after the store was opened again |
//! | `home.rs` | where the embedded store of these tests keeps what it has |
//! | `faults.rs` | faults that are planted in it, and the rules that find them |
//! | `postgres.rs` | which of its statements PostgreSQL prepares |
//!
//! A store's own test is one line, `deal_contract!`, which makes a test of each rule.

#[cfg(test)]
mod bench;
#[cfg(test)]
mod deals;
#[cfg(test)]
mod faults;
#[cfg(test)]
mod home;
#[cfg(test)]
mod lists;
#[cfg(test)]
mod once;
#[cfg(test)]
mod pipelines;
#[cfg(test)]
mod postgres;
#[cfg(test)]
mod related;
#[cfg(test)]
mod reopening;
#[cfg(test)]
mod rights;
#[cfg(test)]
mod store;
#[cfg(test)]
mod team;

/// The list of the rules, and what is made of it. Those of `bench` are given a store with a few people in it, those of `home`
/// what opens one.
#[cfg(test)]
macro_rules! rules {
    (
        ($d:tt)
        bench { $($module:ident { $($rule:ident,)* })* }
        home { $($place:ident { $($kept:ident,)* })* }
    ) => {
        /// The names of all rules.
        const RULES: &[&str] = &[$($(stringify!($rule),)*)* $($(stringify!($kept),)*)*];

        /// Checks one rule in a new home. A rule that is broken panics with the rule's words.
        async fn check_rule<H: store::DealHome>(name: &str, home: &H) {
            $($(if name == stringify!($rule) {
                let store = home.open();
                let bench = bench::Bench::new(&store).await;
                return Box::pin($module::$rule(&bench)).await;
            })*)*
            $($(if name == stringify!($kept) {
                return Box::pin($place::$kept(home)).await;
            })*)*
            panic!("there is no rule {name}");
        }

        /// The contract as tests, one for each rule: what stands in the brackets makes a new home ([`store::DealHome`]).
        macro_rules! deal_contract {
            ($d home:expr) => {
                $($(
                    #[tokio::test]
                    async fn $rule() {
                        crate::check_rule(stringify!($rule), &$d home).await;
                    }
                )*)*
                $($(
                    #[tokio::test]
                    async fn $kept() {
                        crate::check_rule(stringify!($kept), &$d home).await;
                    }
                )*)*
            };
        }
    };
}

#[cfg(test)]
rules! {
    ($)
    bench {
        deals {
            a_deal_is_made_as_it_was_asked_for_and_its_maker_leads_it,
            a_change_touches_what_was_sent_and_is_a_new_version,
            a_condition_is_held_against_the_state_of_now,
            what_is_no_deal_is_not_found_as_it_was_sent,
            an_archived_deal_is_listed_and_archived_once,
            money_is_kept_to_the_cent,
            a_refused_write_leaves_nothing_of_itself,
            each_effect_leaves_its_row_in_the_trail,
        }
        rights {
            a_role_and_the_team_say_who_sees_and_who_changes,
            what_belongs_to_another_account_is_not_there,
            a_right_that_was_lost_on_the_way_ends_the_change,
            who_left_the_account_sees_nothing_with_an_old_permit,
        }
        once {
            two_who_change_one_version_do_not_both_win,
            who_is_put_on_a_team_twice_at_once_is_on_it_once,
            a_deal_is_made_once_for_one_key,
            each_write_of_a_deal_is_done_once_for_one_key,
            an_answer_is_replayed_only_to_who_still_sees_the_deal,
        }
        team {
            a_team_is_joined_and_left,
            a_team_has_one_primary_member,
            a_team_has_room_for_a_hundred_members_of_the_account,
            who_left_the_account_is_on_no_team,
            a_team_says_what_its_members_may_do_now,
        }
        related {
            figures_are_changed_one_by_one,
            what_hangs_on_a_seeded_deal_comes_back_as_it_was,
            what_hangs_on_a_deal_is_shown_page_by_page,
        }
        pipelines {
            every_account_without_pipelines_is_given_the_usual_ones,
            a_deal_stands_in_one_status_of_each_pipeline,
            a_target_is_a_status_of_a_pipeline_of_the_account,
            pipelines_are_shown_to_the_members_of_their_account,
        }
        lists {
            a_crawl_sees_every_deal_once_and_only_those_in_sight,
            a_sorted_list_has_one_order_over_all_pages,
            filters_leave_those_of_which_every_condition_holds,
            what_is_included_hangs_on_its_own_deal,
        }
    }
    home {
        reopening {
            all_is_there_after_the_store_was_opened_again,
            a_key_that_was_used_before_the_store_was_opened_again_makes_nothing,
        }
    }
}

#[cfg(test)]
deal_contract!(home::Home::new());

//! Faults that are planted in a store, each of which the rule about it must find, by the words that say so: a rule that nothing can
//! break says nothing.

use super::check_rule;
use super::home::Home;
use std::any::Any;
use std::thread;

/// A fault, and who finds it.
struct Planted {
    /// What the store does then.
    what: &'static str,
    /// The statements that make it do so. They are executed before each opening.
    sql: &'static str,
    /// The rules that find it, with the words by which they say so.
    found_by: &'static [(&'static str, &'static str)],
}

const PLANTED: &[Planted] = &[
    Planted {
        what: "a change counts no version",
        sql: "CREATE TRIGGER IF NOT EXISTS fault AFTER UPDATE OF version ON deals WHEN new.version > old.version
              BEGIN UPDATE deals SET version = old.version WHERE id = new.id; END",
        found_by: &[
            ("a_change_touches_what_was_sent_and_is_a_new_version", "it is read like that"),
            ("a_condition_is_held_against_the_state_of_now", "a change is a new state of the deal"),
            ("two_who_change_one_version_do_not_both_win", "one of two wins"),
        ],
    },
    Planted {
        what: "money is kept in whole units",
        sql: "CREATE TRIGGER IF NOT EXISTS fault AFTER INSERT ON deals
              BEGIN UPDATE deals SET loan_amount_cents = loan_amount_cents / 100 * 100 WHERE id = new.id; END",
        found_by: &[("money_is_kept_to_the_cent", "an amount is read as it was written")],
    },
    Planted {
        what: "a deal is another account's",
        sql: "CREATE TRIGGER IF NOT EXISTS fault AFTER INSERT ON deals WHEN new.title = 'Theirs'
              BEGIN UPDATE deals SET owner_account_id = (SELECT min(id) FROM accounts) WHERE id = new.id; END",
        found_by: &[(
            "what_belongs_to_another_account_is_not_there",
            "a list has those of the key's account",
        )],
    },
    Planted {
        what: "everybody of the account is on each team",
        sql: "CREATE TRIGGER IF NOT EXISTS fault AFTER INSERT ON deal_team
              BEGIN INSERT OR IGNORE INTO deal_team (deal_id, user_id, created_at)
              SELECT d.id, m.user_id, 0 FROM deals d JOIN memberships m ON m.account_id = d.owner_account_id
              WHERE d.id = new.deal_id; END",
        found_by: &[
            (
                "a_role_and_the_team_say_who_sees_and_who_changes",
                "a viewer sees nothing of others' deals",
            ),
            ("a_deal_is_made_as_it_was_asked_for_and_its_maker_leads_it", "its maker leads it"),
            ("a_crawl_sees_every_deal_once_and_only_those_in_sight", "all that are seen are counted"),
        ],
    },
    Planted {
        what: "who is off a team is still on it",
        sql: "CREATE TRIGGER IF NOT EXISTS fault AFTER DELETE ON deal_team
              BEGIN INSERT INTO deal_team (deal_id, user_id, created_at) VALUES (old.deal_id, old.user_id, 0); END",
        found_by: &[
            ("a_team_is_joined_and_left", "and sees it no more"),
            ("a_right_that_was_lost_on_the_way_ends_the_change", "who is off the team changes nothing"),
            ("an_answer_is_replayed_only_to_who_still_sees_the_deal", "it is shown no more"),
            ("each_write_of_a_deal_is_done_once_for_one_key", "a change is not answered to everyone"),
        ],
    },
    Planted {
        what: "who left the account is still a member of it",
        sql: "CREATE TRIGGER IF NOT EXISTS fault AFTER DELETE ON memberships
              BEGIN INSERT INTO memberships (account_id, user_id, role, created_at)
              VALUES (old.account_id, old.user_id, old.role, 0); END",
        found_by: &[
            ("who_left_the_account_is_on_no_team", "who left is not shown"),
            ("who_left_the_account_sees_nothing_with_an_old_permit", "who left sees no deal of its teams"),
            ("pipelines_are_shown_to_the_members_of_their_account", "nor is any for who left"),
            (
                "a_team_has_room_for_a_hundred_members_of_the_account",
                "but in place of one who left the account",
            ),
        ],
    },
    Planted {
        what: "a role stays what it was",
        sql: "CREATE TRIGGER IF NOT EXISTS fault AFTER UPDATE OF role ON memberships WHEN new.role <> old.role
              BEGIN UPDATE memberships SET role = old.role
              WHERE account_id = new.account_id AND user_id = new.user_id; END",
        found_by: &[
            ("a_role_and_the_team_say_who_sees_and_who_changes", "who becomes an admin sees all at once"),
            ("a_team_says_what_its_members_may_do_now", "a member may what its role allows now"),
        ],
    },
    Planted {
        what: "who was primary stays so",
        sql: "CREATE TRIGGER IF NOT EXISTS fault BEFORE UPDATE OF is_primary ON deal_team
              BEGIN SELECT RAISE(IGNORE); END",
        found_by: &[("a_team_has_one_primary_member", "it is in place of who was")],
    },
    Planted {
        what: "an archived deal is not",
        sql: "CREATE TRIGGER IF NOT EXISTS fault AFTER UPDATE OF archived_at ON deals WHEN new.archived_at IS NOT NULL
              BEGIN UPDATE deals SET archived_at = NULL WHERE id = new.id; END",
        found_by: &[("an_archived_deal_is_listed_and_archived_once", "it can still be read")],
    },
    Planted {
        what: "a deal does not move on in a pipeline",
        sql: "CREATE TRIGGER IF NOT EXISTS fault BEFORE UPDATE ON deal_pipelines BEGIN SELECT RAISE(IGNORE); END",
        found_by: &[("a_deal_stands_in_one_status_of_each_pipeline", "where it stands already it stays")],
    },
    Planted {
        what: "pipelines are given to another account",
        sql: "CREATE TRIGGER IF NOT EXISTS fault AFTER INSERT ON pipelines
              BEGIN UPDATE pipelines SET owner_account_id = (SELECT min(id) FROM accounts) WHERE id = new.id; END",
        found_by: &[(
            "every_account_without_pipelines_is_given_the_usual_ones",
            "no account lacks pipelines",
        )],
    },
    Planted {
        what: "a property is another deal's",
        sql: "CREATE TRIGGER IF NOT EXISTS fault AFTER INSERT ON deal_properties
              BEGIN UPDATE deal_properties SET deal_id = (SELECT min(id) FROM deals) WHERE id = new.id; END",
        found_by: &[("what_hangs_on_a_deal_is_shown_page_by_page", "a page of properties")],
    },
    Planted {
        what: "a ratio is rounded",
        sql: "CREATE TRIGGER IF NOT EXISTS fault AFTER INSERT ON deal_financials
              BEGIN UPDATE deal_financials SET going_in_cap_rate = round(going_in_cap_rate, 2) WHERE id = new.id; END",
        found_by: &[("what_hangs_on_a_seeded_deal_comes_back_as_it_was", "each figure stands in its place")],
    },
    Planted {
        what: "titles are sorted without regard to case",
        sql: "PRAGMA writable_schema = ON;
              UPDATE sqlite_schema SET sql = replace(sql, 'title TEXT NOT NULL,', 'title TEXT NOT NULL COLLATE NOCASE,')
              WHERE name = 'deals';
              PRAGMA writable_schema = RESET;
              REINDEX deals;",
        found_by: &[("a_sorted_list_has_one_order_over_all_pages", "one order by title")],
    },
    Planted {
        what: "a figure that is not sent is cleared",
        sql: "CREATE TRIGGER IF NOT EXISTS fault AFTER UPDATE OF purchase_price ON deal_financials
              BEGIN UPDATE deal_financials SET land_cost = NULL WHERE id = new.id; END",
        found_by: &[("figures_are_changed_one_by_one", "null clears one, and what was not sent stays")],
    },
    Planted {
        what: "the trail lacks a deed",
        sql: "CREATE TRIGGER IF NOT EXISTS fault AFTER INSERT ON audit WHEN new.action = 'deal.team_remove'
              BEGIN DELETE FROM audit WHERE id = new.id; END",
        found_by: &[("each_effect_leaves_its_row_in_the_trail", "each deed has its row")],
    },
    Planted {
        what: "the answer of a key is not kept",
        sql: "CREATE TRIGGER IF NOT EXISTS fault AFTER INSERT ON idempotency
              BEGIN DELETE FROM idempotency WHERE name = new.name; END",
        found_by: &[
            ("a_deal_is_made_once_for_one_key", "it is not executed again"),
            ("each_write_of_a_deal_is_done_once_for_one_key", "a change is not done again"),
            (
                "a_key_that_was_used_before_the_store_was_opened_again_makes_nothing",
                "it was made before",
            ),
        ],
    },
    Planted {
        what: "places in pipelines are not kept",
        sql: "DELETE FROM deal_pipelines",
        found_by: &[("all_is_there_after_the_store_was_opened_again", "everything is as it was")],
    },
];

/// What a rule says of a store with this fault; `Ok`: it finds nothing.
fn verdict(rule: &'static str, sql: &'static str) -> Result<(), String> {
    let work = move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(check_rule(rule, &Home::with_fault(sql)));
    };
    thread::spawn(work).join().map_err(|panic| words(panic.as_ref()))
}

fn words(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().cloned();
    text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned())).unwrap_or_default()
}

#[test]
fn each_planted_fault_is_found_by_the_rules_about_it() {
    for Planted { what, sql, found_by } in PLANTED {
        for (rule, told) in *found_by {
            let Err(found) = verdict(rule, sql) else { panic!("{rule} does not find that {what}") };
            assert!(found.contains(told), "{rule} should find that {what} by \"{told}\": {found}");
        }
    }
}

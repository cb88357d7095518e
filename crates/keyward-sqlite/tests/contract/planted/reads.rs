//! A store that reads something else, or leaves its upkeep undone.

use super::{Fault, mistake};
use keyward_core::list::From;
use keyward_core::session::LinkKind;
use keyward_core::store::KeysOf;
use keyward_testkit::contract::Mistake;

const LISTS: &str = "lists_show_what_the_caller_may_see";
const LABELS: &str = "a_label_is_changed_by_its_owner_and_found_by_it";
const INVITED: &str = "an_invitation_is_open_for_a_week_and_gives_no_right";
const LINKS: &str = "a_link_is_good_once_and_only_the_last_one";
const CODES: &str = "a_code_is_known_from_when_it_is_given";
const STRANGERS: &str = "a_stranger_whom_nobody_invites_any_more_is_forgotten";

pub(super) const FAULTS: &[Fault] = &[
    mistake(
        "the total of a list is one more than there are",
        Mistake::KeysFound(|listed| listed.total += 1),
        LISTS,
        "the total counts what is seen",
    ),
    mistake(
        "no page has another after it",
        Mistake::KeysFound(|listed| listed.has_more = false),
        LISTS,
        "the newest first, from 0",
    ),
    mistake(
        "every page has another after it",
        Mistake::KeysFound(|listed| listed.has_more = true),
        LISTS,
        "the newest first, from 1",
    ),
    mistake(
        "the order of a list is ignored",
        Mistake::KeysAsked(|_, _, window| {
            if let From::Offset(order, _) = &mut window.from {
                order.clear();
            }
        }),
        LISTS,
        "the newest first, from 0",
    ),
    mistake(
        "an admin sees no more than its own keys",
        Mistake::KeysAsked(|of, _, _| *of = KeysOf::Caller),
        LISTS,
        "an admin: the account's",
    ),
    mistake(
        "who asks for its own keys sees the account's",
        Mistake::KeysAsked(|of, _, _| *of = KeysOf::Account),
        LISTS,
        "failed: its own\n",
    ),
    mistake(
        "a page repeats its first row",
        Mistake::KeysFound(|listed| {
            listed.items.extend(listed.items.first().cloned());
            listed.total += 1;
        }),
        LISTS,
        "failed: its own\n",
    ),
    mistake(
        "a page leaves its first row out",
        Mistake::KeysAsked(|_, _, window| {
            if let From::Offset(_, offset) = &mut window.from {
                *offset += 1;
            }
        }),
        LISTS,
        "the total counts what is seen",
    ),
    mistake("labels are compared without case", Mistake::LabelInAnyCase, LABELS, "in the same case"),
    mistake(
        "a list is not narrowed by the label",
        Mistake::KeysAsked(|_, label, _| *label = None),
        LABELS,
        "to the letter",
    ),
    mistake(
        "a viewer is shown another's key",
        Mistake::KeyOfAnybody(|key| key.revoked_at.is_none()),
        LABELS,
        "a viewer sees its own",
    ),
    mistake(
        "a key that was revoked is shown",
        Mistake::KeyOfAnybody(|key| key.revoked_at.is_some()),
        LABELS,
        "what is revoked is not shown",
    ),
    mistake(
        "the use of a key is not written",
        Mistake::UsesLost,
        "the_last_use_never_goes_back",
        "the last use is the latest one",
    ),
    mistake(
        "an invitation is shown a second longer",
        Mistake::TeamAsked(|_, now| *now = now.plus_seconds(-1)),
        INVITED,
        "and no longer",
    ),
    mistake(
        "an invitation is hidden a second too early",
        Mistake::TeamAsked(|_, now| *now = now.plus_seconds(1)),
        INVITED,
        "until its last second",
    ),
    mistake(
        "every page of the team is the first",
        Mistake::TeamAsked(|window, _| window.from = From::After(0)),
        "a_team_is_shown_page_by_page",
        "right: [UserId(2)]",
    ),
    mistake(
        "a user who is disabled still has a password",
        Mistake::PasswordKept,
        "a_session_is_begun_by_the_password_of_now",
        "and has no password that counts",
    ),
    mistake(
        "a link is shown a second longer",
        Mistake::LinkAsked(|now| *now = now.plus_seconds(-1)),
        LINKS,
        "a week to the second",
    ),
    mistake(
        "every link is an invitation",
        Mistake::LinkFound(|found| {
            if let Some((_, kind)) = found {
                *kind = LinkKind::Invitation;
            }
        }),
        LINKS,
        "another's is not touched",
    ),
    mistake("no code is known", Mistake::CodeKnown(|_| false), CODES, "assertion failed: knows"),
    mistake("every code is known", Mistake::CodeKnown(|_| true), CODES, "assertion failed: !knows"),
    mistake(
        "a digest is not moved to the next version",
        Mistake::MovesLost,
        "a_secret_moves_to_the_next_version_and_lives_on",
        "and by its new one then",
    ),
    mistake("nothing is forgotten", Mistake::NothingForgotten(0), STRANGERS, "nor of one who did not come"),
    mistake(
        "nothing is forgotten, and something is said to be",
        Mistake::NothingForgotten(1),
        STRANGERS,
        "an invitation that is open keeps its user",
    ),
    mistake(
        "what is old is forgotten months too early",
        Mistake::ForgottenEarly(100 * 86_400),
        STRANGERS,
        "an invitation that is open keeps its user",
    ),
    mistake(
        "an invited stranger is never forgotten",
        Mistake::NothingForgotten(0),
        "an_invited_stranger_stays_one_until_it_is_made_a_user",
        "so it is forgotten",
    ),
    mistake(
        "a store that is well does not answer",
        Mistake::NoAnswer,
        "a_store_that_is_well_says_so",
        "the store answers",
    ),
    mistake(
        "a version is not retired although its keys have moved",
        Mistake::MovesLost,
        "a_version_with_keys_on_it_is_not_retired",
        "it names the key",
    ),
    mistake(
        "a secret that was replaced keeps its version",
        Mistake::MovesLost,
        "a_secret_in_its_grace_ends_with_its_version",
        "it does not hold the next rotation up",
    ),
];

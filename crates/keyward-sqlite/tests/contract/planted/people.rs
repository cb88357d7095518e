//! Faults of first sign-ins, and of what the operator reads.

use super::{Fault, mistake, rows};
use keyward_core::identity::IssuerAccounts;
use keyward_core::jwt::Link;
use keyward_core::write::identity::{LinkByEmail, LinkedByEmail};
use keyward_testkit::contract::{Mistake, edit};

const ENABLED: &str =
    "CREATE TRIGGER planted AFTER UPDATE OF disabled_at ON users WHEN new.disabled_at IS NOT NULL
    BEGIN UPDATE users SET disabled_at = NULL WHERE id = new.id; END";
const STAYS_INVITED: &str =
    "CREATE TRIGGER planted BEFORE DELETE ON invitations BEGIN SELECT RAISE(IGNORE); END";
const NOT_REVOKED: &str =
    "CREATE TRIGGER planted BEFORE UPDATE OF revoked_at ON api_keys BEGIN SELECT RAISE(IGNORE); END";
const TO_END: &str = "who_is_disabled_is_found_to_be_ended_and_who_is_erased_is_not";
const DETAILS: &str = "what_is_kept_of_a_user_is_shown_whole_and_to_the_second";
const FIGURES: &str = "the_figures_of_an_account_count_what_holds_now";
const SECRETS: &str = "a_key_is_found_by_every_secret_that_it_had";
const USERS: &str = "the_pages_of_users_have_each_once_but_nobody_who_is_erased";

pub(super) const FAULTS: &[Fault] = &[
    mistake(
        "a subject that is linked is linked again",
        Mistake::Done(|done, _| edit(done, |linked: &mut LinkedByEmail| linked.now = true)),
        "a_verified_address_makes_a_subject_its_users_once",
        "failed: once\n",
    ),
    rows(
        "a subject of who is disabled is linked",
        ENABLED,
        "an_address_of_nobody_who_is_active_links_nobody",
        "who is disabled counts as nobody",
    ),
    rows(
        "an invitation that was accepted stays",
        STAYS_INVITED,
        "by_invitation_a_stranger_joins_while_the_invitation_is_open",
        "the invitation is used up",
    ),
    rows(
        "an account that is disabled is entered",
        "CREATE TRIGGER planted AFTER UPDATE OF disabled_at ON accounts WHEN new.disabled_at IS NOT NULL
         BEGIN UPDATE accounts SET disabled_at = NULL WHERE id = new.id; END",
        "an_invitation_into_an_account_that_is_disabled_waits",
        "it cannot be entered",
    ),
    rows(
        "of several invitations the last one is accepted",
        "CREATE TRIGGER planted BEFORE INSERT ON invitations
         BEGIN DELETE FROM invitations WHERE user_id = new.user_id; END",
        "of_several_open_invitations_none_is_accepted",
        "it is linked, and joins none",
    ),
    mistake(
        "an address is enough where an invitation is needed",
        Mistake::Effect(|effect| edit(effect, |link: &mut LinkByEmail| link.link = Link::VerifiedEmail)),
        "who_is_somebody_already_is_moved_into_no_account",
        "an invitation hands no member over",
    ),
    mistake(
        "an issuer of one account speaks for all",
        Mistake::Effect(|effect| edit(effect, |link: &mut LinkByEmail| link.accounts = [].into())),
        "an_issuer_that_speaks_for_one_account_links_its_people_alone",
        "a member of another account",
    ),
    mistake(
        "what one tenant's issuer has said counts for all",
        Mistake::Effect(|effect| {
            edit(effect, |link: &mut LinkByEmail| link.issuers = IssuerAccounts::default());
        }),
        "what_one_tenants_issuer_has_said_keeps_nobody_from_another_account",
        "and then he comes",
    ),
    mistake(
        "a clock that is behind is believed",
        Mistake::ClockBelieved,
        "while_the_clock_is_behind_nobody_is_linked",
        "an hour is not known to have passed",
    ),
    mistake(
        "the next page of accounts begins too late",
        Mistake::AccountsFound(|page| page.next = page.next.map(|next| next + 1)),
        "the_pages_of_accounts_have_each_once_also_those_that_are_disabled",
        "each once, in the order of their ids",
    ),
    mistake(
        "accounts that are disabled are hidden",
        Mistake::AccountsFound(|page| page.items.retain(|entry| !entry.account.disabled)),
        "the_pages_of_accounts_have_each_once_also_those_that_are_disabled",
        "a page that is not full is the last",
    ),
    mistake(
        "members are listed without their roles",
        Mistake::UsersFound(|page| page.items.iter_mut().for_each(|entry| entry.role = None)),
        USERS,
        "each once, in the order of their ids",
    ),
    rows(
        "who is erased is listed",
        "CREATE TRIGGER planted AFTER UPDATE OF erased_at ON users BEGIN UPDATE users SET erased_at = NULL WHERE id = new.id; END",
        USERS,
        "each once, in the order of their ids",
    ),
    mistake(
        "the next page of keys begins too late",
        Mistake::OperatorKeysFound(|page| page.next = page.next.map(|next| next + 1)),
        "the_pages_of_keys_have_each_once_one_account_after_the_other",
        "the list does not end",
    ),
    rows(
        "a key that was revoked is listed",
        NOT_REVOKED,
        "the_pages_of_keys_have_each_once_one_account_after_the_other",
        "each that was not revoked, once",
    ),
    rows(
        "a key is shown without its end",
        NOT_REVOKED,
        "one_key_is_shown_whether_or_not_it_is_revoked",
        "with its end",
    ),
    mistake(
        "every member is counted as an admin",
        Mistake::FiguresFound(|found| found.iter_mut().for_each(|figures| figures.admins = figures.members)),
        FIGURES,
        "a new one",
    ),
    rows("an admin who is disabled is counted", ENABLED, FIGURES, "who is disabled is a member, and no admin who can act"),
    rows(
        "an application that was ended is shown",
        "CREATE TRIGGER planted BEFORE UPDATE OF ended_at ON oauth_grants BEGIN SELECT RAISE(IGNORE); END",
        DETAILS,
        "what acts for it",
    ),
    rows(
        "a session is shown a second longer",
        "CREATE TRIGGER planted AFTER INSERT ON sessions
         BEGIN UPDATE sessions SET ends_at = ends_at + 1 WHERE id = new.id; END",
        DETAILS,
        "sessions at",
    ),
    mistake(
        "the accounts of a user are not shown",
        Mistake::DetailsFound(|found| found.iter_mut().for_each(|details| details.accounts.clear())),
        DETAILS,
        "where it is",
    ),
    mistake("nobody is found to be ended", Mistake::NobodyToEnd, TO_END, "a user who is disabled"),
    mistake("everybody has a place", Mistake::PlaceFound(|_| true), TO_END, "there is no such place"),
    mistake("everybody has a password", Mistake::HasPassword(|_| true), TO_END, "no password either"),
    rows(
        "the place of who leaves stays",
        "CREATE TRIGGER planted AFTER DELETE ON memberships
         BEGIN INSERT INTO memberships VALUES (old.account_id, old.user_id, old.role, old.created_at, NULL, NULL); END",
        TO_END,
        "a place that was taken away is none",
    ),
    mistake("no secret finds its key", Mistake::NoKeyToEnd, SECRETS, "by the current one"),
    rows(
        "secrets that are over are not kept",
        "CREATE TRIGGER planted BEFORE INSERT ON replaced_secrets BEGIN SELECT RAISE(IGNORE); END",
        SECRETS,
        "by one that is over",
    ),
    mistake(
        "an older change is served than the last one",
        Mistake::ServedFound(|served| served.newest_change -= 1),
        "what_is_served_is_as_new_as_the_last_change",
        "the newest row of the trail",
    ),
];

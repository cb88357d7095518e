//! A store whose rows are not what was written: triggers change them, or keep them as they are.

use super::{Fault, rows};

const LINKS: &str = "a_link_is_good_once_and_only_the_last_one";

pub(super) const FAULTS: &[Fault] = &[
    rows(
        "a link stays when the next one is made",
        "CREATE TRIGGER planted BEFORE DELETE ON password_links BEGIN SELECT RAISE(IGNORE); END",
        LINKS,
        "another link ends the one before",
    ),
    rows(
        "a link that was used stays",
        "CREATE TRIGGER planted BEFORE DELETE ON password_links
         WHEN (SELECT password_hash FROM users WHERE id = old.user_id) IS NOT NULL BEGIN SELECT RAISE(IGNORE); END",
        LINKS,
        "and used up",
    ),
    rows(
        "a code is not marked as redeemed",
        "CREATE TRIGGER planted BEFORE UPDATE OF redeemed_at ON oauth_codes BEGIN SELECT RAISE(IGNORE); END",
        "a_code_is_good_once_for_a_minute_and_only_for_its_client",
        "a used code is told from an unknown one",
    ),
    rows(
        "a code is forgotten when it is redeemed",
        "CREATE TRIGGER planted AFTER UPDATE OF redeemed_at ON oauth_codes
         BEGIN DELETE FROM oauth_codes WHERE digest = new.digest; END",
        "a_code_is_known_from_when_it_is_given",
        "its replay must end the grant",
    ),
    rows(
        "the number of the refresh token does not go up",
        "CREATE TRIGGER planted AFTER UPDATE OF number ON oauth_grants WHEN old.number IS NOT NULL
         BEGIN UPDATE oauth_grants SET number = old.number WHERE id = old.id; END",
        "a_replaced_refresh_token_lives_half_a_minute_and_then_ends_all",
        "the next one",
    ),
    rows(
        "tokens that were replaced before the last one are not kept",
        "CREATE TRIGGER planted AFTER UPDATE OF replaced ON oauth_grants
         BEGIN UPDATE oauth_grants SET replaced = '' WHERE id = old.id; END",
        "a_replaced_token_has_its_own_grace_however_often_the_family_went_on",
        "a refresh is refused: Ok(Reused",
    ),
    rows(
        "the end of a grant is not written",
        "CREATE TRIGGER planted BEFORE UPDATE OF ended_at ON oauth_grants BEGIN SELECT RAISE(IGNORE); END",
        "a_grant_ends_with_what_it_stands_on",
        "which changes nothing the second time",
    ),
    rows(
        "a label is not written",
        "CREATE TRIGGER planted BEFORE UPDATE OF label ON api_keys BEGIN SELECT RAISE(IGNORE); END",
        "a_label_is_changed_by_its_owner_and_found_by_it",
        "the same label changes nothing",
    ),
    rows(
        "a revocation is not written",
        "CREATE TRIGGER planted BEFORE UPDATE OF revoked_at ON api_keys BEGIN SELECT RAISE(IGNORE); END",
        "the_ceiling_of_a_tier_counts_live_keys",
        "and its place is free",
    ),
    rows(
        "the ceiling does not count the keys that there are",
        "CREATE TRIGGER planted AFTER INSERT ON api_keys BEGIN UPDATE api_keys SET expires_at = 1 WHERE id = new.id; END",
        "the_ceiling_of_a_tier_counts_live_keys",
        "at the ceiling no key is made",
    ),
    rows(
        "the last use of a key goes back",
        "CREATE TRIGGER planted AFTER UPDATE OF last_used_at ON api_keys WHEN new.last_used_at = old.last_used_at
         BEGIN UPDATE api_keys SET last_used_at = last_used_at - 5 WHERE id = new.id; END",
        "the_last_use_never_goes_back",
        "the last use is the latest one",
    ),
    rows(
        "an invitation that was taken back stays",
        "CREATE TRIGGER planted BEFORE DELETE ON invitations BEGIN SELECT RAISE(IGNORE); END",
        "an_invitation_is_open_for_a_week_and_gives_no_right",
        "then it is gone",
    ),
    rows(
        "an invitation is open for eight days",
        "CREATE TRIGGER planted AFTER INSERT ON invitations
         BEGIN UPDATE invitations SET expires_at = expires_at + 86400 WHERE id = new.id; END",
        "an_invitation_is_open_for_a_week_and_gives_no_right",
        "and no longer",
    ),
    rows(
        "a membership stays when its user leaves",
        "CREATE TRIGGER planted AFTER DELETE ON memberships
         BEGIN INSERT INTO memberships VALUES (old.account_id, old.user_id, old.role, old.created_at, NULL, NULL); END",
        "a_removed_member_loses_its_keys_for_good",
        "the member comes back",
    ),
    rows(
        "a password is not written",
        "CREATE TRIGGER planted BEFORE UPDATE OF password_hash ON users BEGIN SELECT RAISE(IGNORE); END",
        "a_session_is_begun_by_the_password_of_now",
        "what was chosen is what is kept",
    ),
    rows(
        "a client is not evicted",
        "CREATE TRIGGER planted BEFORE DELETE ON oauth_clients BEGIN SELECT RAISE(IGNORE); END",
        "clients_that_register_are_bounded_and_the_same_is_the_same",
        "there is room for one more",
    ),
    rows(
        "the use of a client is not written",
        "CREATE TRIGGER planted BEFORE UPDATE OF last_used_at ON oauth_clients BEGIN SELECT RAISE(IGNORE); END",
        "clients_that_register_are_bounded_and_the_same_is_the_same",
        "where somebody uses each, none gives way",
    ),
    rows(
        "the network of a client is not kept",
        "CREATE TRIGGER planted AFTER INSERT ON oauth_clients
         BEGIN UPDATE oauth_clients SET network = '' WHERE id = new.id; END",
        "a_flood_of_registrations_thins_the_network_that_holds_most",
        "one network has its share",
    ),
    rows(
        "what a client said of itself is not kept",
        "CREATE TRIGGER planted AFTER INSERT ON oauth_clients
         BEGIN UPDATE oauth_clients SET metadata_digest = NULL WHERE id = new.id; END",
        "clients_that_register_are_bounded_and_the_same_is_the_same",
        "is the same client",
    ),
    rows(
        "a link to a subject is not taken away",
        "CREATE TRIGGER planted BEFORE DELETE ON identities BEGIN SELECT RAISE(IGNORE); END",
        "a_subject_is_one_users",
        "it was there",
    ),
    rows(
        "the address of who is erased stays taken",
        "CREATE TRIGGER planted AFTER UPDATE OF email ON users
         BEGIN UPDATE users SET email = old.email WHERE id = old.id; END",
        "a_user_who_is_erased_leaves_a_free_address_and_no_right",
        "the address is free",
    ),
    rows(
        "the limits of an account are not written",
        "CREATE TRIGGER planted BEFORE UPDATE OF max_keys ON accounts BEGIN SELECT RAISE(IGNORE); END",
        "limits_of_an_account_go_before_its_tier",
        "what was said is what is kept",
    ),
    rows(
        "an invitation ends when the next one is made",
        "CREATE TRIGGER planted BEFORE INSERT ON invitations
         BEGIN UPDATE invitations SET expires_at = created_at WHERE account_id = new.account_id; END",
        "invitations_are_bounded",
        "there is no room",
    ),
    rows(
        "an invited admin counts as one",
        "CREATE TRIGGER planted AFTER INSERT ON invitations WHEN new.role = 'admin'
         BEGIN INSERT INTO memberships VALUES (new.account_id, new.user_id, 'admin', 0, NULL, NULL); END",
        "an_account_keeps_an_active_admin",
        "one who is only invited does not count",
    ),
    rows(
        "an admin who is disabled counts as one",
        "CREATE TRIGGER planted AFTER UPDATE OF disabled_at ON users WHEN new.disabled_at IS NOT NULL
         BEGIN UPDATE users SET disabled_at = NULL WHERE id = new.id; END",
        "an_account_keeps_an_active_admin",
        "and does not count then",
    ),
    rows(
        "a form of consent is answered twice",
        "CREATE TRIGGER planted AFTER INSERT ON oauth_grants
         BEGIN UPDATE oauth_grants SET form = 'of grant ' || new.id WHERE id = new.id; END;
         CREATE TRIGGER other BEFORE INSERT ON oauth_codes
         BEGIN DELETE FROM oauth_codes WHERE digest = new.digest; END",
        "consent_is_given_in_person_where_one_is_a_member_and_once_a_form",
        "a form is answered once",
    ),
    rows(
        "a grant that is long over stays",
        "CREATE TRIGGER planted BEFORE DELETE ON oauth_grants BEGIN SELECT RAISE(IGNORE); END",
        "a_grant_that_is_long_over_is_forgotten",
        "and then no more",
    ),
    rows(
        "a client that registers again has no new day",
        "CREATE TRIGGER planted AFTER UPDATE OF created_at ON oauth_clients
         BEGIN UPDATE oauth_clients SET created_at = old.created_at WHERE id = old.id; END",
        "a_client_that_registers_again_has_its_day_anew",
        "can sign in with it",
    ),
    rows(
        "a client stays in the network that registered it first",
        "CREATE TRIGGER planted AFTER UPDATE OF network ON oauth_clients
         BEGIN UPDATE oauth_clients SET network = old.network WHERE id = old.id; END",
        "a_client_that_others_register_too_leaves_the_network_of_a_flood",
        "it is not of the flood's share",
    ),
];

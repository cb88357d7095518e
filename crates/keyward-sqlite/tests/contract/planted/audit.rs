//! Faults of the audit trail.

use super::{Fault, mistake, rows};
use keyward_testkit::contract::Mistake;
use uuid::Uuid;

const OPERATOR: &str = "what_the_operator_does_to_accounts_and_users_leaves_one_row_each";
const KEY: &str = "what_a_key_does_leaves_one_row_each_that_names_it";
const FILTERS: &str = "each_filter_of_the_trail_gives_the_rows_that_it_names_and_several_hold_together";
const PAGES: &str = "the_pages_of_the_trail_have_each_row_once";
const ATTEMPTS: &str = "rows_that_strangers_cause_are_forgotten_after_their_days_and_changes_are_not";

pub(super) const FAULTS: &[Fault] = &[
    mistake(
        "a row is of another request",
        Mistake::Context(|context| context.request_id = Uuid::nil()),
        OPERATOR,
        "the row of",
    ),
    mistake(
        "a row does not say from where it came",
        Mistake::Context(|context| context.address = None),
        OPERATOR,
        "the row of",
    ),
    mistake(
        "a row does not say by which application",
        Mistake::Context(|context| context.origin_app.clear()),
        OPERATOR,
        "the row of",
    ),
    mistake(
        "a row is shown without its detail",
        Mistake::AuditFound(|page| page.items.iter_mut().for_each(|row| row.detail = None)),
        OPERATOR,
        "the row of",
    ),
    mistake(
        "a repetition leaves a row",
        Mistake::ClaimDropped,
        "a_write_that_is_repeated_leaves_one_row",
        "leaves no row",
    ),
    mistake(
        "the trail of one account shows all",
        Mistake::AuditAsked(|query| query.account = None),
        FILTERS,
        "failed: AuditQuery {",
    ),
    mistake(
        "the trail of one actor shows all",
        Mistake::AuditAsked(|query| query.actor = None),
        FILTERS,
        "failed: AuditQuery {",
    ),
    mistake(
        "the trail about one subject shows all",
        Mistake::AuditAsked(|query| query.subject = None),
        FILTERS,
        "failed: AuditQuery {",
    ),
    mistake(
        "an action is compared without case",
        Mistake::AuditAsked(|query| query.action = query.action.take().map(|action| action.to_lowercase())),
        FILTERS,
        "failed: AuditQuery {",
    ),
    mistake(
        "the end of a time belongs to it",
        Mistake::AuditAsked(|query| query.until = query.until.map(|until| until.plus_seconds(1))),
        FILTERS,
        "failed: AuditQuery {",
    ),
    mistake(
        "the beginning of a time does not belong to it",
        Mistake::AuditAsked(|query| query.since = query.since.plus_seconds(1)),
        FILTERS,
        "failed: AuditQuery {",
    ),
    mistake(
        "the first rows are read where the last were asked for",
        Mistake::AuditAsked(|query| query.newest = false),
        FILTERS,
        "newest: true",
    ),
    mistake(
        "a page of the trail begins with the last row of the one before",
        Mistake::AuditAsked(|query| query.after -= 1),
        PAGES,
        "the next page begins behind this one",
    ),
    mistake(
        "a page of the trail leaves out the row behind the one before",
        Mistake::AuditAsked(|query| query.after += i64::from(query.after > 0)),
        "a_row_that_comes_between_two_pages_is_on_a_later_one",
        "each row once, the new one last",
    ),
    mistake(
        "a page of the trail is longer than was asked for",
        Mistake::AuditAsked(|query| query.limit += 1),
        PAGES,
        "AuditQuery {",
    ),
    mistake(
        "a row of strangers is forgotten a second too early",
        Mistake::ForgottenEarly(1),
        ATTEMPTS,
        "kept for two days to the second",
    ),
    mistake("rows of strangers are never forgotten", Mistake::NothingForgotten(0), ATTEMPTS, "and no longer"),
    rows(
        "the row of a write is lost",
        "CREATE TRIGGER planted AFTER INSERT ON audit BEGIN DELETE FROM audit WHERE id = new.id; END",
        OPERATOR,
        "leaves one row: []",
    ),
    rows(
        "a write leaves two rows",
        "CREATE TRIGGER planted AFTER INSERT ON audit
         BEGIN INSERT INTO audit (at, credential_kind, action, subject_kind, subject_id, origin_app, request_id)
         VALUES (new.at, new.credential_kind, new.action, new.subject_kind, new.subject_id, new.origin_app, new.request_id); END",
        OPERATOR,
        "leaves one row: [AuditRow {",
    ),
    rows(
        "a row does not say who it was",
        "CREATE TRIGGER planted AFTER INSERT ON audit BEGIN UPDATE audit SET actor_user_id = NULL WHERE id = new.id; END",
        KEY,
        "the row of",
    ),
    rows(
        "a row names another credential",
        "CREATE TRIGGER planted AFTER INSERT ON audit
         BEGIN UPDATE audit SET credential_id = new.subject_id WHERE id = new.id; END",
        KEY,
        "the row of",
    ),
    rows(
        "the name of the operator is not kept",
        "CREATE TRIGGER planted AFTER INSERT ON audit BEGIN UPDATE audit SET operator = NULL WHERE id = new.id; END",
        OPERATOR,
        "the row of",
    ),
    rows(
        "the numbers of an account's rows have gaps",
        "CREATE TRIGGER planted AFTER INSERT ON audit
         BEGIN UPDATE audit SET account_seq = new.account_seq + 1 WHERE id = new.id; END",
        "the_rows_of_an_account_are_numbered_from_one_without_a_gap",
        "the row of",
    ),
    rows(
        "the digest of a new key stands in its row",
        "CREATE TRIGGER planted AFTER INSERT ON audit WHEN new.action = 'api_key.create'
         BEGIN UPDATE audit SET detail = (SELECT '\"' || hex(digest) || '\"' FROM api_key_secrets
         WHERE key_id = new.subject_id) WHERE id = new.id; END",
        "no_row_shows_a_secret_or_a_digest",
        "failed: AuditRow {",
    ),
    rows(
        "the trail still names a user who was erased",
        "CREATE TRIGGER planted BEFORE UPDATE OF detail ON audit BEGIN SELECT RAISE(IGNORE); END",
        "the_trail_of_a_user_who_is_erased_stays_without_names",
        "nothing names the person",
    ),
    rows(
        "changes are forgotten with what strangers cause",
        "CREATE TRIGGER planted AFTER DELETE ON audit BEGIN DELETE FROM audit; END",
        ATTEMPTS,
        "and no longer",
    ),
    rows(
        "what strangers cause is kept like a change",
        "CREATE TRIGGER planted AFTER INSERT ON audit BEGIN UPDATE audit SET attempt = NULL WHERE id = new.id; END",
        ATTEMPTS,
        "and no longer",
    ),
    rows(
        "the number of a forgotten row is given again",
        "CREATE TRIGGER planted BEFORE UPDATE OF audit_forgotten ON accounts BEGIN SELECT RAISE(IGNORE); END",
        "numbers_and_ids_go_on_after_rows_were_forgotten",
        "the number is the next one",
    ),
    rows(
        "a number is given again where a later row was forgotten first",
        "CREATE TRIGGER planted BEFORE UPDATE OF audit_forgotten ON accounts BEGIN SELECT RAISE(IGNORE); END",
        "a_number_is_not_given_again_where_a_later_row_was_forgotten_first",
        "and its number with it",
    ),
    mistake(
        "a change is forgotten a second too early",
        Mistake::ForgottenEarly(1),
        "rows_are_forgotten_after_their_days_where_the_operator_says_so",
        "what is younger than three days",
    ),
    rows(
        "a client that registers again leaves a row",
        "CREATE TRIGGER planted AFTER UPDATE OF created_at ON oauth_clients
         BEGIN INSERT INTO audit (at, credential_kind, action, subject_kind, subject_id, origin_app, request_id)
         VALUES (new.created_at, 'x', 'x', 'x', 1, 'x', 'x'); END",
        "what_changes_nothing_leaves_no_row",
        "leaves no row",
    ),
    rows(
        "who presents something is nobody",
        "CREATE TRIGGER planted AFTER INSERT ON audit BEGIN UPDATE audit SET actor_user_id = NULL WHERE id = new.id; END",
        "what_a_client_presents_leaves_one_row_each_of_whose_deed_it_was",
        "the row of",
    ),
    rows(
        "a row does not name the link of a token",
        "CREATE TRIGGER planted AFTER INSERT ON audit WHEN new.credential_kind = 'jwt'
         BEGIN UPDATE audit SET credential_id = NULL WHERE id = new.id; END",
        "what_a_token_does_leaves_one_row_each_that_names_its_link_or_its_grant",
        "the row of",
    ),
    rows(
        "each key that ends leaves a row",
        "CREATE TRIGGER planted AFTER UPDATE OF revoked_at ON api_keys
         BEGIN INSERT INTO audit (at, credential_kind, action, subject_kind, subject_id, origin_app, request_id)
         VALUES (new.revoked_at, 'operator', 'api_key.revoke', 'api_key', new.id, 'x', 'x'); END",
        "what_the_operator_does_to_keys_and_clients_leaves_one_row_each",
        "leaves one row",
    ),
    rows(
        "who signs in by a password is nobody",
        "CREATE TRIGGER planted AFTER INSERT ON audit WHEN new.credential_kind = 'password'
         BEGIN UPDATE audit SET actor_user_id = NULL WHERE id = new.id; END",
        "what_a_person_does_who_signs_in_leaves_one_row_each",
        "the row of",
    ),
];

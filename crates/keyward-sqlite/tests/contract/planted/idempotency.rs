//! Faults of writes that are repeated.

use super::{Fault, mistake, rows};
use keyward_core::write::root_secret::RetireVersion;
use keyward_testkit::contract::{Mistake, edit};

const ONCE: &str = "a_write_that_is_repeated_is_done_once_and_answered_byte_for_byte";
const HOUR: &str = "a_secret_is_shown_again_for_an_hour_to_the_second_and_then_taken_away";
const USED: &str = "a_secret_is_shown_again_until_it_is_used";
const DAY: &str = "a_claim_is_free_after_a_day_to_the_second";
const PURGE: &str = "a_purge_takes_what_is_a_day_old_and_nothing_else";

pub(super) const FAULTS: &[Fault] = &[
    mistake("claims are not looked at", Mistake::ClaimDropped, ONCE, "the answer of then"),
    mistake(
        "of two repetitions at the same time both are done",
        Mistake::ClaimDropped,
        "of_two_repetitions_at_the_same_time_one_is_done",
        "the other waits, or has its answer",
    ),
    mistake(
        "a write is not begun where its caller has left",
        Mistake::BegunForWhoWaits,
        "a_write_that_was_begun_goes_on_though_its_caller_has_left",
        "the first one has done it",
    ),
    mistake(
        "another request with the same key is answered like the first",
        Mistake::FingerprintIgnored,
        "a_claim_that_said_something_else_is_refused_and_changes_nothing",
        "another request",
    ),
    mistake(
        "every claim is the same",
        Mistake::OneClaim,
        "a_claim_is_of_one_user_in_one_account_whatever_credential_it_has",
        "each has its own",
    ),
    mistake(
        "a repetition has no ETag",
        Mistake::Replayed(|answer| answer.etag = None),
        "a_repetition_leaves_what_came_after_and_answers_as_then",
        "with the ETag of then",
    ),
    mistake(
        "a repetition is answered by 200 whatever the first answer was",
        Mistake::Replayed(|answer| answer.status = 200),
        ONCE,
        "the answer of then",
    ),
    mistake(
        "a repetition is answered without a look at the right to it",
        Mistake::AnsweredFromMemory,
        "an_answer_is_not_given_again_to_one_who_lost_the_right_to_it",
        "a viewer sees no answer",
    ),
    mistake(
        "a repetition is answered without a look at what it is about",
        Mistake::AnsweredFromMemory,
        "an_answer_about_what_its_owner_no_longer_has_is_not_given_again",
        "and no longer",
    ),
    mistake("a secret that was used is shown again", Mistake::AnsweredFromMemory, USED, "from the use on"),
    mistake(
        "a secret is shown to a narrower credential",
        Mistake::AnsweredFromMemory,
        "a_secret_is_not_shown_to_a_credential_that_could_not_have_made_it",
        "its user has it",
    ),
    mistake(
        "a secret is shown again under a key that could be guessed",
        Mistake::AnsweredFromMemory,
        "under_a_key_that_could_be_guessed_no_secret_is_kept",
        "not again",
    ),
    mistake(
        "a refusal is kept",
        Mistake::RefusalKept,
        "a_refused_write_leaves_its_claim_free",
        "another request may have the claim",
    ),
    mistake(
        "a use is not written, and the secret shown again",
        Mistake::UsesLost,
        USED,
        "and after it was written",
    ),
    mistake(
        "answers with secrets are never taken away",
        Mistake::NothingPurged,
        HOUR,
        "the secret is taken away",
    ),
    mistake("old answers are never taken away", Mistake::NothingPurged, PURGE, "the older one is taken"),
    mistake("answers are taken away a second too early", Mistake::PurgedEarly(1), PURGE, "nothing is old"),
    mistake(
        "a version is retired with the answers under it",
        Mistake::Effect(|effect| edit(effect, |retire: &mut RetireVersion| retire.forget_answers = true)),
        "a_version_is_retired_when_its_answers_are_a_day_old_or_given_up",
        "an answer is kept under it",
    ),
    rows(
        "the record of a claim is lost",
        "CREATE TRIGGER planted BEFORE INSERT ON idempotency BEGIN SELECT RAISE(IGNORE); END",
        ONCE,
        "the answer of then",
    ),
    rows(
        "the record of a claim is never old",
        "CREATE TRIGGER planted AFTER INSERT ON idempotency
         BEGIN UPDATE idempotency SET completed_at = completed_at + 86400 WHERE name = new.name; END",
        DAY,
        "a new write",
    ),
    rows(
        "the record of a claim is old a second too early",
        "CREATE TRIGGER planted AFTER INSERT ON idempotency
         BEGIN UPDATE idempotency SET completed_at = completed_at - 1 WHERE name = new.name; END",
        DAY,
        "kept a day",
    ),
    rows(
        "a secret is shown a second longer than an hour",
        "CREATE TRIGGER planted AFTER INSERT ON idempotency
         BEGIN UPDATE idempotency SET completed_at = completed_at + 1 WHERE name = new.name; END",
        HOUR,
        "and no longer",
    ),
    rows(
        "the answer of a claim is changed",
        "CREATE TRIGGER planted AFTER INSERT ON idempotency WHEN new.salt IS NULL
         BEGIN UPDATE idempotency SET body = CAST(body || x'20' AS BLOB) WHERE name = new.name; END",
        ONCE,
        "the answer of then",
    ),
    rows(
        "the answer of a secret that was replaced is kept",
        "CREATE TRIGGER planted BEFORE UPDATE OF body ON idempotency BEGIN SELECT RAISE(IGNORE); END",
        "a_secret_that_was_replaced_or_ended_is_not_shown_again",
        "it is not the key's any more",
    ),
    rows(
        "the answers about a person stay when it is erased",
        "CREATE TRIGGER planted BEFORE DELETE ON idempotency BEGIN SELECT RAISE(IGNORE); END",
        "answers_about_a_person_go_with_it_and_others_stay",
        "nothing is kept of who was erased",
    ),
    rows(
        "all answers go when a person is erased",
        "CREATE TRIGGER planted AFTER DELETE ON idempotency BEGIN DELETE FROM idempotency; END",
        "answers_about_a_person_go_with_it_and_others_stay",
        "an answer about a key stays",
    ),
    rows(
        "the use of a replaced secret takes the answer away",
        "CREATE TRIGGER planted AFTER UPDATE OF last_used_at ON api_keys
         BEGIN UPDATE idempotency SET body = NULL, salt = NULL WHERE subject_id = new.id; END",
        "a_rotation_is_answered_again_to_the_replaced_secret_in_its_grace",
        "nor when it is written",
    ),
    rows(
        "a new version of the root secret takes all answers away",
        "CREATE TRIGGER planted AFTER INSERT ON root_secret_versions BEGIN DELETE FROM idempotency; END",
        "a_record_is_found_under_the_next_root_secret",
        "failed: an answer\n",
    ),
    mistake(
        "a claim that a rotation overtook is done again",
        Mistake::ClaimDropped,
        "a_claim_that_a_rotation_overtook_is_to_come_again",
        "the first one is put off",
    ),
];

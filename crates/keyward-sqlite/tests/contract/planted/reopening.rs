//! Faults of a store that is opened again: it is not what it was when it was closed.

use super::super::home::Home;
use super::{Fault, reopened};
use keyward_sqlite::Sqlite;
use keyward_sqlite::faults::change_by_force;
use keyward_testkit::contract;
use std::cell::Cell;

const PEOPLE: &str = "keys_and_people_are_as_they_were_when_the_store_was_closed";
const AGAIN: &str = "a_write_is_repeated_after_the_store_was_opened_again";
const USED_UP: &str = "what_was_used_up_stays_so_when_the_store_is_opened_again";

/// The home of a store that changes what it has each time that it is opened again.
pub(super) struct Reopened {
    home: Home,
    sql: &'static str,
    is_new: Cell<bool>,
}

impl Reopened {
    pub(super) fn new(sql: &'static str) -> Self {
        Self { home: Home::new(), sql, is_new: Cell::new(true) }
    }
}

impl contract::Home for Reopened {
    type Store = Sqlite;

    fn open(&self) -> Sqlite {
        if !self.is_new.replace(false) {
            change_by_force(&self.home.path(), self.sql).unwrap();
        }
        self.home.open()
    }
}

pub(super) const FAULTS: &[Fault] = &[
    reopened(
        "secrets are forgotten when the store is closed",
        "DELETE FROM api_key_secrets",
        PEOPLE,
        "the new secret lives",
    ),
    reopened(
        "a grace is over when the store is opened again",
        "UPDATE api_key_secrets SET ends_at = 1 WHERE ends_at IS NOT NULL",
        PEOPLE,
        "the old one in its grace",
    ),
    reopened(
        "a grace is longer after the store was opened again",
        "UPDATE api_key_secrets SET ends_at = ends_at + 1 WHERE ends_at IS NOT NULL",
        PEOPLE,
        "to the second",
    ),
    reopened(
        "a revocation is forgotten when the store is closed",
        "UPDATE api_keys SET revoked_at = NULL",
        PEOPLE,
        "what was revoked is",
    ),
    reopened(
        "a role is the one that its member came with",
        "UPDATE memberships SET role = 'viewer'",
        PEOPLE,
        "with its role",
    ),
    reopened(
        "the last use of a key is forgotten when the store is closed",
        "UPDATE api_keys SET last_used_at = NULL",
        PEOPLE,
        "and its last use",
    ),
    reopened(
        "an account is enabled when the store is opened again",
        "UPDATE accounts SET disabled_at = NULL",
        PEOPLE,
        "left: (Some(false), Some(false))",
    ),
    reopened(
        "a user is enabled when the store is opened again",
        "UPDATE users SET disabled_at = NULL",
        PEOPLE,
        "and stays so",
    ),
    reopened(
        "answers are forgotten when the store is closed",
        "DELETE FROM idempotency",
        AGAIN,
        "the answer of then, byte for byte",
    ),
    reopened(
        "an answer has no ETag after the store was opened again",
        "UPDATE idempotency SET etag = NULL",
        AGAIN,
        "the answer of then, byte for byte",
    ),
    reopened(
        "a write leaves its row again when the store is opened again",
        "INSERT INTO audit (at, credential_kind, action, subject_kind, subject_id, origin_app, request_id)
         SELECT at, credential_kind, action, subject_kind, subject_id, origin_app, request_id FROM audit",
        AGAIN,
        "and no row more in the trail",
    ),
    reopened(
        "links are forgotten when the store is closed",
        "DELETE FROM password_links",
        USED_UP,
        "the last one",
    ),
    reopened(
        "what was counted is forgotten when the store is closed",
        "DELETE FROM limit_windows",
        USED_UP,
        "what was counted",
    ),
    reopened(
        "what was counted is there again after it was taken",
        "DELETE FROM limit_windows; INSERT INTO limit_windows VALUES ('bucket', x'0000000100000002');
         UPDATE limit_state SET saved_at_ms = 5",
        USED_UP,
        "and taken once",
    ),
];

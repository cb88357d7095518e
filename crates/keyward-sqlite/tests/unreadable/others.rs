//! What else ends something, or is written for many rows at once: a sign-in that sweeps, an accepted clock, uses and digests of keys.

use super::home::{ACME, Home, Template, tried};
use super::spoil::{TABLES, columns};
use keyward_core::api_key::{Digest, Move};
use keyward_core::clock::Timestamp;
use keyward_core::effect::Ended;
use keyward_core::id::{KeyId, UserId};
use keyward_core::live::KeyUse;
use keyward_core::opaque::TokenDigest;
use keyward_core::password;
use keyward_core::permit::{Presented, operator, present};
use keyward_core::secret::Secret;
use keyward_core::store::Upkeep;
use keyward_core::write::clock::AcceptClock;
use keyward_core::write::disabling::SetAccountDisabled;
use keyward_core::write::session::StartSession;
use keyward_sqlite::faults::{change_by_force, number, spoil};
use keyward_testkit::{FakeClock, START, SeededRandom};
use rusqlite::Connection;

/// A session that was over for long goes, also where its own row cannot be read, and whatever stands in the rows of others.
#[tokio::test]
async fn no_row_that_cannot_be_read_stops_the_sweep_of_a_sign_in() {
    let template = Template::new().await;
    let word = Secret::new("a long word".to_owned());
    let hash = password::hash(&word, &SeededRandom::new(3)).unwrap();
    let proof = password::verify(&word, Some((UserId(1), &hash))).unwrap();
    let tables = ["sessions", "users", "memberships", "oauth_grants", "password_links", "audit"];
    for spoilt in tables.into_iter().flat_map(|table| columns(&template.path, table)) {
        let mut home = Home::new(&template);
        let known = format!("UPDATE users SET password_hash = '{}' WHERE id = 1", hash.expose());
        change_by_force(&home.path(), &known).unwrap();
        home.spoil(&spoilt);
        spoil(
            &home.path(),
            "sessions",
            "UPDATE sessions SET digest = 'x', created_at = 'never' WHERE id = 50",
        )
        .unwrap();
        home.open();
        let effect = StartSession { proof: proof.clone(), digest: TokenDigest::of("a new session") };
        let begun = tried(home.store(), effect, present(Presented::Password), None).await;
        assert!(matches!(begun, Ok(Ended::Done(..))), "{spoilt}: {begun:?}");
        let left = number(&home.path(), "SELECT count(*) FROM sessions WHERE id = 50").unwrap();
        assert_eq!(left, 0, "{spoilt}");
    }
}

/// What was made in a time that is taken back ends, whatever stands in the rows.
#[tokio::test]
async fn no_row_that_cannot_be_read_stops_an_accepted_clock() {
    let template = Template::new().await;
    let to = START - 6_000;
    for spoilt in TABLES.into_iter().flat_map(|(table, ..)| columns(&template.path, table)) {
        let mut home = Home::new(&template);
        let grace = format!("UPDATE api_key_secrets SET ends_at = {} WHERE key_id = 5", START + 1_000);
        change_by_force(&home.path(), &grace).unwrap();
        home.spoil(&spoilt);
        spoil(&home.path(), "clock", "UPDATE clock SET newest = 'never'").unwrap();
        let clock = FakeClock::new();
        clock.advance(-6_000);
        home.open_at(clock);
        let effect = AcceptClock { to: Timestamp::from_unix(to) };
        let accepted = tried(home.store(), effect, operator(), None).await;
        let Ok(Ended::Done(accepted, _)) = accepted else { panic!("{spoilt}: {accepted:?}") };
        assert!(accepted.unread && accepted.to.unix() == to, "{spoilt}: {accepted:?}");
        let live = home.store().directory().clock();
        assert!(!live.is_behind(), "{spoilt}");
        for what in [
            format!("sessions WHERE created_at > {to}"),
            format!("password_links WHERE created_at > {to}"),
            format!("oauth_grants WHERE created_at > {to} AND typeof(ended_at) <> 'integer'"),
            format!("invitations WHERE created_at > {to}"),
            format!("idempotency WHERE completed_at > {to} AND salt IS NOT NULL"),
            format!("api_key_secrets WHERE key_id = 5 AND ends_at > {to}"),
        ] {
            let left = number(&home.path(), &format!("SELECT count(*) FROM {what}")).unwrap();
            assert_eq!(left, 0, "{spoilt}: {what}");
        }
        assert!(home.store().counts_answers_right().await.unwrap(), "{spoilt}");
    }
}

/// Else its write would be executed again.
#[tokio::test]
async fn no_record_of_a_write_goes_because_it_cannot_be_read_when_a_clock_is_accepted() {
    let template = Template::new().await;
    for spoilt in columns(&template.path, "idempotency") {
        let mut home = Home::new(&template);
        change_by_force(&home.path(), "UPDATE idempotency SET salt = NULL, body = x'7b7d'").unwrap();
        home.spoil(&spoilt);
        let records = names(&home, "SELECT name FROM idempotency WHERE salt IS NULL");
        let clock = FakeClock::new();
        clock.advance(-6_000);
        home.open_at(clock);
        let effect = AcceptClock { to: Timestamp::from_unix(START - 6_000) };
        let accepted = tried(home.store(), effect, operator(), None).await;
        assert!(matches!(accepted, Ok(Ended::Done(..))), "{spoilt}");
        let kept = names(&home, "SELECT name FROM idempotency");
        assert!(records.iter().all(|name| kept.contains(name)), "{spoilt}");
    }
}

fn names(home: &Home<'_>, sql: &str) -> Vec<rusqlite::types::Value> {
    let connection = Connection::open(home.path()).unwrap();
    let mut statement = connection.prepare(sql).unwrap();
    let names = statement.query_map([], |row| row.get(0)).unwrap();
    names.map(Result::unwrap).collect()
}

#[tokio::test]
async fn the_use_of_a_key_is_noted_whatever_stands_in_the_rows_of_others() {
    let template = Template::new().await;
    for spoilt in columns(&template.path, "api_keys") {
        let mut home = Home::new(&template);
        home.open();
        home.spoil(&spoilt);
        let at = Timestamp::from_unix(START + 7);
        let uses = [2, 1, 3].map(|key| KeyUse { key: KeyId(key), at, current: None });
        home.store().write_uses(&uses).await.unwrap_or_else(|error| panic!("{spoilt}: {error:?}"));
        let noted = number(&home.path(), "SELECT last_used_at FROM api_keys WHERE id = 1").unwrap();
        assert_eq!(noted, START + 7, "{spoilt}");
    }
}

#[tokio::test]
async fn a_digest_moves_whatever_stands_in_the_rows_of_others() {
    let template = Template::new().await;
    for spoilt in columns(&template.path, "api_key_secrets") {
        let mut home = Home::new(&template);
        let connection = Connection::open(home.path()).unwrap();
        let digest = |key: i64| -> Digest {
            let sql = "SELECT digest FROM api_key_secrets WHERE key_id = ?1";
            let bytes: Vec<u8> = connection.query_row(sql, [key], |row| row.get(0)).unwrap();
            Digest::from_bytes(&bytes).unwrap()
        };
        let moves = [2_u8, 1, 3].map(|key| Move {
            from: digest(key.into()),
            to: Digest::from_bytes(&[key; 32]).unwrap(),
            version: 2,
        });
        drop(connection);
        home.open();
        home.spoil(&spoilt);
        home.store().move_digests(moves.to_vec()).await.unwrap_or_else(|error| panic!("{spoilt}: {error:?}"));
        let moved = "SELECT pepper_version FROM api_key_secrets WHERE key_id = 1";
        assert_eq!(number(&home.path(), moved).unwrap(), 2, "{spoilt}");
    }
}

/// An account is shut whatever stands in its row, and stays so when the row is put right.
#[tokio::test]
async fn no_row_that_cannot_be_read_stops_an_account_from_being_disabled() {
    let template = Template::new().await;
    for spoilt in columns(&template.path, "accounts") {
        for before in [true, false] {
            let mut home = Home::new(&template);
            if before {
                home.spoil(&spoilt);
            }
            home.open();
            if !before {
                home.spoil(&spoilt);
            }
            let disabled = SetAccountDisabled { account: ACME, disabled: true };
            let ended = tried(home.store(), disabled, operator(), None).await;
            assert!(matches!(ended, Ok(Ended::Done(..))), "{spoilt} {before}: {ended:?}");
            assert!(home.admin().is_none(), "{spoilt} {before}: at once");
            home.close();
            home.put_right(&spoilt);
            home.open();
            assert!(home.admin().is_none(), "{spoilt} {before}: once the row can be read");
            let rows = "SELECT count(*) FROM accounts WHERE typeof(disabled_at) = 'integer'";
            assert_eq!(number(&home.path(), rows).unwrap(), 1, "{spoilt} {before}");
        }
    }
}

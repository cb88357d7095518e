//! Sweeps, the names of rows that are left out, and a store that does not say which root secret it belongs to.

use super::home::{Home, Template, open};
use super::spoil::columns;
use keyward_core::clock::{At, Timestamp};
use keyward_core::store::{OperatorReads, Retention, SignInReads, Upkeep};
use keyward_sqlite::OpenError;
use keyward_sqlite::faults::{change_by_force, number};
use keyward_testkit::START;

const SWEPT: [&str; 9] = [
    "audit",
    "sessions",
    "oauth_grants",
    "oauth_codes",
    "password_links",
    "invitations",
    "idempotency",
    "users",
    "accounts",
];

/// What is over by far is taken away, whatever stands in the rows beside it.
#[tokio::test]
async fn no_row_that_cannot_be_read_stops_a_sweep() {
    let template = Template::new().await;
    let later = At::Fixed(Timestamp::from_unix(START + 400 * 86_400));
    let keep = Retention { changes: Some(1), attempts: 1 };
    for spoil in SWEPT.into_iter().flat_map(|table| columns(&template.path, table)) {
        let mut home = Home::new(&template);
        home.open();
        home.spoil(&spoil);
        let store = home.store();
        let swept = async || {
            store.forget(later, keep).await.unwrap_or_else(|error| panic!("{spoil}: {error:?}"));
            store.purge(later).await.unwrap_or_else(|error| panic!("{spoil}: {error:?}"));
        };
        for _ in 0..4 {
            swept().await;
        }
        let left = |sql: &str| number(&home.path(), sql).unwrap();
        assert_eq!(left("SELECT count(*) FROM sessions WHERE id = 50"), 0, "{spoil}");
        for table in SWEPT.into_iter().filter(|table| !["accounts", "users", spoil.table].contains(table)) {
            // Codes point to grants, and grants wait for them.
            if (table, spoil.table) == ("oauth_grants", "oauth_codes") {
                continue;
            }
            assert_eq!(left(&format!("SELECT count(*) FROM {table}")), 0, "{spoil}: {table}");
        }
    }
}

#[tokio::test]
async fn rows_that_are_left_out_are_named_by_table_and_id_and_never_by_what_they_hold() {
    let template = Template::new().await;
    let mut home = Home::new(&template);
    let spoilt = "PRAGMA ignore_check_constraints = ON; PRAGMA foreign_keys = OFF;
        UPDATE users SET email = replace(hex(zeroblob(5000)), '00', 'secret') WHERE id = 4;
        UPDATE memberships SET role = 'owner' WHERE user_id = 4;
        UPDATE oauth_grants SET scopes = 'deals:shred' WHERE id = 100;
        UPDATE api_keys SET allowed_ips = 'everywhere' WHERE id = 2;
        UPDATE api_key_secrets SET digest = x'00' WHERE key_id = 3;
        UPDATE sessions SET digest = x'01' WHERE id = 101;";
    change_by_force(&home.path(), spoilt).unwrap();
    home.open();
    let store = home.store();
    let told = store.left_out().told("at the start", 20).unwrap();
    assert_eq!(
        told,
        "6 left out at the start, because they cannot be read: users id 4, memberships account_id 1, user_id 4, api_keys id 2, \
         api_key_secrets key_id 3, oauth_grants id 100, sessions id 101"
    );
    assert_eq!(store.figures().rows_left_out, 6);
    assert!(store.left_out().may_be("oauth_grants", "id 100") && !store.left_out().may_be("users", "id 5"));
    let nonce = store.nonce_to_end(keyward_core::oauth::GrantId(100)).await.unwrap();
    assert_eq!(nonce, Some([0; 16]), "its tokens can still end it");
    let found = store.account_to_end("acme".to_owned()).await.unwrap();
    assert_eq!(found.map(|account| account.0), Some(1));
    assert_eq!(store.user_to_end("nobody@acme.example".to_owned()).await.unwrap(), None);
}

#[tokio::test]
async fn a_store_with_keys_that_does_not_say_its_root_secret_is_not_opened() {
    let template = Template::new().await;
    for spoilt in [
        "DELETE FROM root_secret_versions",
        "PRAGMA ignore_check_constraints = ON; UPDATE root_secret_versions SET check_value = x'ff' || ''",
    ] {
        let home = Home::new(&template);
        change_by_force(&home.path(), spoilt).unwrap();
        let refused = open(&home.path()).err();
        let is_clear = matches!(refused, Some(OpenError::NoSecret | OpenError::WrongSecret(1)));
        assert!(is_clear, "{spoilt}: {refused:?}");
        assert!(!refused.unwrap().to_string().contains('\n'), "one line");
    }
    let empty = "DELETE FROM root_secret_versions; DELETE FROM api_key_secrets; DELETE FROM signing_keys";
    let home = Home::new(&template);
    change_by_force(&home.path(), empty).unwrap();
    assert!(open(&home.path()).is_ok(), "nothing is there that another secret could not open");
}

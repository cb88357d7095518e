//! Faults of a commit that is torn: the judge of crashes finds each.

use super::super::crash::{CrashingHome, Torn};
use super::{Quiet, caught, each};
use keyward_testkit::contract::crash::{case, prepare};
use std::sync::Arc;

/// A fault, and what must catch it.
struct Fault {
    name: &'static str,
    torn: Torn,
    write: &'static str,
    place: &'static str,
    says: &'static str,
}

const FAULTS: &[Fault] = &[
    Fault {
        name: "the row of the audit trail comes in a second transaction",
        torn: Torn::AuditLater,
        write: "relabel a key",
        place: "committed",
        says: "it is there whole, or not at all",
    },
    Fault {
        name: "a write is acknowledged before it is committed",
        torn: Torn::AnswersFirst,
        write: "create a key",
        place: "effect",
        says: "what was acknowledged is there",
    },
    Fault {
        name: "no answer is kept",
        torn: Torn::Triggers(
            "CREATE TRIGGER planted AFTER INSERT ON idempotency
             BEGIN DELETE FROM idempotency WHERE name = new.name; END",
        ),
        write: "rotate a key",
        place: "committed",
        says: "repeated, it is answered as then",
    },
    Fault {
        name: "no answer is kept of what was acknowledged",
        torn: Torn::Triggers(
            "CREATE TRIGGER planted AFTER INSERT ON idempotency
             BEGIN DELETE FROM idempotency WHERE name = new.name; END",
        ),
        write: "invite",
        place: "answered",
        says: "repeated, it is answered as then",
    },
    Fault {
        name: "the answer is kept before the write",
        torn: Torn::KeepsFirst,
        write: "invite",
        place: "claim",
        says: "repeated, it is done",
    },
    Fault {
        name: "a key comes without its secret",
        torn: Torn::Triggers(
            "CREATE TRIGGER planted AFTER INSERT ON api_key_secrets
             BEGIN DELETE FROM api_key_secrets WHERE digest = new.digest; END",
        ),
        write: "create a key",
        place: "published",
        says: "it is there whole, or not at all",
    },
    Fault {
        name: "a user is erased, and its places stay",
        torn: Torn::Triggers(
            "CREATE TRIGGER planted AFTER DELETE ON memberships
             BEGIN INSERT INTO memberships VALUES (old.account_id, old.user_id, old.role, old.created_at, NULL, NULL); END",
        ),
        write: "erase a user",
        place: "committed",
        says: "it is there whole, or not at all",
    },
    Fault {
        name: "a code that was redeemed can be redeemed again",
        torn: Torn::Triggers(
            "CREATE TRIGGER planted AFTER UPDATE OF redeemed_at ON oauth_codes
             BEGIN UPDATE oauth_codes SET redeemed_at = NULL WHERE digest = new.digest; END",
        ),
        write: "redeem a code",
        place: "answered",
        says: "repeated, it is one write",
    },
    Fault {
        name: "the process goes on",
        torn: Torn::Nothing,
        write: "revoke a key",
        place: "no such place",
        says: "the process ends there",
    },
];

#[tokio::test]
async fn each_torn_commit_is_found() {
    let quiet = Quiet::begin().await;
    let missed = each(FAULTS.iter().collect(), async |fault: &'static Fault| {
        let Fault { name, torn, write, place, says } = fault;
        let judge = async || {
            let home = Arc::new(CrashingHome::new(*torn));
            prepare(&*home).await;
            case(&*home, write).await.judge(place).await
        };
        match caught(judge).await {
            Some(words) if words.contains(says) => None,
            Some(words) => Some(format!("{name}: failed with other words than {says:?}: {words}")),
            None => Some(format!("{name}: is not found")),
        }
    })
    .await;
    drop(quiet);
    let missed: Vec<_> = missed.into_iter().flatten().collect();
    assert!(missed.is_empty(), "{}", missed.join("\n"));
}

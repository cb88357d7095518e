//! Floods beside which honest clients are served as before: a small run of `cargo xtask soak siege`, on default limits.
//!
//! Counts are judged as in the soak: no honest request is answered 503, 429 or not at all, and what the server keeps in memory
//! is bounded. Delays are given ten times as much, as the machine has other work too.
//!
//! | finding of the red team | test |
//! | --- | --- |
//! | F1 | `addresses_that_a_stranger_makes_up_change_nothing_for_others` |
//! | F2 | `wrong_passwords_leave_no_memory_behind`, `a_small_machine_survives_wrong_passwords` |
//! | F3 | `unfinished_bodies_leave_room_for_everybody_else`, `half_handshakes_keep_no_one_out` |
//! | F4 | `a_reading_key_at_mcp_takes_nothing_from_other_accounts` |
//! | F7 | `names_that_nobody_answers_for_hold_no_one_up` |
//! | F8 | `wrong_passwords_for_others_starve_no_sign_in`, `wrong_passwords_for_one_person_do_not_lock_a_known_browser_out` |
//! | F10 | `a_log_that_nobody_reads_stops_nothing` |
//! | F12 | `registrations_from_everywhere_leave_room_for_an_honest_client` |
//! | F14 | `control_frames_without_a_request_hold_no_one_up` |
//! | F19 | `refusals_by_the_thousand_hold_no_one_up` |

#[path = "../rigs/siege/mod.rs"]
mod rig;

use crate::street::server::Town;
use rig::{HEAD, SHAPES, Scale, run};
use std::path::Path;
use std::time::Duration;

/// A small run: everything on the processors that are there, among the other tests.
const SMALL: Scale = Scale {
    baseline: Duration::from_millis(1_200),
    flood: Duration::from_millis(2_500),
    settling: Duration::from_millis(500),
    is_small: true,
    pinned: false,
    ratio: 50.0,
    least: 100.0,
    sign_in: Duration::from_secs(20),
};

/// Runs shapes, one after the other, and fails with the figures if anything was not kept.
async fn besieged(shapes: &[&str]) {
    let town = Town::found(Path::new(env!("CARGO_BIN_EXE_keyward"))).await.unwrap();
    let mut missed = Vec::new();
    println!("{HEAD}");
    for name in shapes {
        let shape = SHAPES.into_iter().find(|shape| shape.name == *name).unwrap();
        let row = run(&town, shape, SMALL).await.unwrap();
        println!("{row}");
        missed.extend(
            [row.miscounts(), row.delays()].concat().into_iter().map(|missed| format!("{name}: {missed}")),
        );
    }
    assert!(missed.is_empty(), "{missed:#?}");
}

#[tokio::test]
async fn unfinished_bodies_leave_room_for_everybody_else() {
    besieged(&["bodies-one", "bodies-many", "bodies-empty"]).await;
}

#[tokio::test]
async fn a_reading_key_at_mcp_takes_nothing_from_other_accounts() {
    besieged(&["mcp-bodies", "mcp-messages"]).await;
}

#[tokio::test]
async fn wrong_passwords_leave_no_memory_behind() {
    besieged(&["passwords-64"]).await;
}

#[tokio::test]
async fn a_small_machine_survives_wrong_passwords() {
    besieged(&["passwords-cgroup"]).await;
}

#[tokio::test]
async fn wrong_passwords_for_others_starve_no_sign_in() {
    besieged(&["passwords-220"]).await;
}

#[tokio::test]
async fn wrong_passwords_for_one_person_do_not_lock_a_known_browser_out() {
    besieged(&["passwords-target"]).await;
}

#[tokio::test]
async fn registrations_from_everywhere_leave_room_for_an_honest_client() {
    besieged(&["registrations"]).await;
}

#[tokio::test]
async fn names_that_nobody_answers_for_hold_no_one_up() {
    besieged(&["names-nowhere"]).await;
}

#[tokio::test]
async fn refusals_by_the_thousand_hold_no_one_up() {
    besieged(&["unknown-paths", "bad-keys"]).await;
}

#[tokio::test]
async fn a_log_that_nobody_reads_stops_nothing() {
    besieged(&["log-stuck"]).await;
}

#[tokio::test]
async fn addresses_that_a_stranger_makes_up_change_nothing_for_others() {
    besieged(&["forwarded"]).await;
}

#[tokio::test]
async fn control_frames_without_a_request_hold_no_one_up() {
    besieged(&["pings", "settings"]).await;
}

#[tokio::test]
async fn half_handshakes_keep_no_one_out() {
    besieged(&["handshakes"]).await;
}

#[test]
fn every_shape_of_the_soak_is_in_a_test() {
    let own = include_str!("siege.rs");
    for shape in SHAPES {
        assert!(own.contains(&format!("\"{}\"", shape.name)), "{} is in no test", shape.name);
    }
}

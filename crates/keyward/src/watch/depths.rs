//! How much waits, and what was left out, of parts that are not the store's.

use super::catalog::{BODIES, LOG_LINES_LEFT_OUT, LOG_LINES_WAITING, PASSWORDS_WAITING};
use super::labelled::LookedUp;
use super::metrics::Metrics;
use super::request_line::RequestLog;
use crate::body_room::BodyRoom;
use crate::oauth::AuthorizationServer;
use crate::telemetry;

/// Has them asked for whenever the figures are shown.
pub(crate) fn ask_depths(
    metrics: &mut Metrics,
    log: &RequestLog,
    bodies: &BodyRoom,
    oauth: Option<&AuthorizationServer>,
) {
    metrics.look_up(LookedUp {
        figure: LOG_LINES_WAITING,
        values: || {
            telemetry::lines_waiting().map(|(lane, lines)| ([("lane", lane.to_owned())], lines)).to_vec()
        },
    });
    let floods = log.floods.clone();
    metrics.ask(LOG_LINES_LEFT_OUT, move || floods.left_out());
    let bodies = bodies.clone();
    metrics.ask(BODIES, move || bodies.taken());
    if let Some(oauth) = oauth {
        metrics.ask(PASSWORDS_WAITING, oauth.hashing.waiting());
    }
}

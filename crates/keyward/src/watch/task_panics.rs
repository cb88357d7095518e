//! How often something has panicked.

use super::catalog::{BACKGROUND_PANICS, PANICS};
use super::labelled::LookedUp;
use super::metrics::Metrics;
use crate::background::panics::Panics;
use crate::telemetry;

/// Has that asked for whenever the figures are shown.
pub(crate) fn ask_panics(metrics: &mut Metrics, panics: &Panics) {
    metrics.ask(PANICS, telemetry::panics);
    let own = panics.clone();
    let counts =
        move || own.counts().into_iter().map(|(task, count)| ([("task", task.to_owned())], count)).collect();
    metrics.look_up(LookedUp { figure: BACKGROUND_PANICS, values: counts });
}

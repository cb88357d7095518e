//! The layers of the door, on `http` and tower alone: whatever speaks those can stand behind them.
//!
//! | module | refuses |
//! | --- | --- |
//! | [`hygiene`] | requests that two readers could read in two ways, and headers beyond all measure |
//! | [`authenticate`] | requests without a credential that one of the schemes vouches for |
//! | [`origin_app`] | requests that do not name their application |
//! | [`rate_limit`] | requests that are over a limit |
//!
//! [`authenticate`] and [`rate_limit`] are layers of their own; the others are checks for a [`GateLayer`]. A refusal becomes a response in
//! one place, a [`Refuse`] of yours. The [`Denial`] itself is then in the response's extensions, so that an outer layer
//! can log the reason that the client does not see.

pub mod authenticate;
mod gate;
pub mod hygiene;
pub mod origin_app;
pub mod rate_limit;

pub use gate::{Check, Gate, GateLayer, Passage};

use http::{Extensions, Response};
use keyward_core::denial::Denial;

/// Renders refusals.
pub trait Refuse<B>: Clone + Send + Sync + 'static {
    /// The response for this refusal. `request` holds the extensions of the request, such as its id.
    fn refuse(&self, request: &Extensions, denial: &Denial) -> Response<B>;
}

pub use keyward_core::address::ClientAddress;

/// The refusal with its reason in the extensions.
fn refused<B, R: Refuse<B>>(refuse: &R, request: &Extensions, denial: Denial) -> Response<B> {
    let mut response = refuse.refuse(request, &denial);
    response.extensions_mut().insert(denial);
    response
}

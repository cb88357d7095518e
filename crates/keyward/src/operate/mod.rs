//! What the operator orders, and how it is done: by the running server, which is told over a Unix socket beside the
//! database, or on the file itself when no server runs.

mod addressed;
mod carry_out;
mod clock;
mod desk;
mod explain;
mod keys;
mod left_out;
mod offers;
pub(crate) mod operator;
mod order;
mod place;
pub(crate) mod presence;
mod revoke;
mod secret;
mod shown_once;
mod sign_in;
pub(crate) mod socket;
mod to_end;

pub(crate) use carry_out::{AUDIT_PAGE, carry_out};
pub(crate) use desk::Desk;
pub(crate) use keys::{KeyEnd, NewKey, rights};
pub(crate) use offers::offer;
pub(crate) use order::Order;
pub(crate) use revoke::{KeyText, Whose};
pub(crate) use shown_once::{By, Shows, Told};

//! What the operator orders, and how it is done: by the running server, which is told over a Unix socket beside the
//! database, or on the file itself when no server runs.

mod addressed;
mod audit;
mod carry_out;
mod clock;
mod desk;
mod explain;
mod if_absent;
mod keys;
mod left_out;
mod lists;
mod offers;
pub(crate) mod operator;
mod order;
mod orders_socket;
pub(crate) mod os_user;
mod place;
pub(crate) mod presence;
mod reads;
mod revoke;
mod secret;
mod show;
mod shown_once;
mod sign_in;
pub(crate) mod socket;
mod socket_place;
mod to_end;
mod whole;

pub(crate) use audit::{AuditOrder, MOST as AUDIT_MOST};
pub(crate) use carry_out::carry_out;
pub(crate) use desk::Desk;
pub(crate) use keys::{KeyEnd, NewKey, rights};
pub(crate) use lists::{KeyList, When};
pub(crate) use offers::offer;
pub(crate) use order::Order;
pub(crate) use orders_socket::OrdersSocket;
pub(crate) use revoke::{KeyText, Whose};
pub(crate) use shown_once::{By, Shows, Told};
pub(crate) use socket_place::{SocketPlace, refuse_listened};

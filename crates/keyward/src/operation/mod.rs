//! Operations of the API: what a row of the table is, and how it runs.
//!
//! | file | what |
//! | --- | --- |
//! | `id.rs` | the names of operations |
//! | `row.rs` | what it takes to be let in, and the steps from there to the answer |
//! | `parts.rs` | what operations run with |
//! | `mount.rs`, `verbs.rs` | operations as routes |

mod id;
mod mount;
mod parts;
mod row;
mod verbs;

pub use id::OperationId;
pub(crate) use mount::{Authentication, mount};
pub(crate) use parts::OperationParts;
pub use row::{Access, Row};
pub(crate) use row::{open, read, write, write_admitting};
pub(crate) use verbs::{Verbs, options, refuse, verbs};

//! The rules of the audit trail.
//!
//! | file | what |
//! | --- | --- |
//! | `audit/book.rs` | a trail that is read on, write by write |
//! | `audit/forgotten.rs` | what is forgotten, and when |
//! | `audit/people.rs` | who signs in, and the tokens that they bring |
//! | `audit/reading.rs` | filters and pages |
//! | `audit/trail.rs` | the trail, read whole |
//! | `audit/unwritten.rs` | what leaves no row, and what no row shows |
//! | `audit/writes.rs` | writes that leave rows, and who does them |
//! | `audit/written.rs` | the row that each write leaves |

mod book;
mod forgotten;
mod people;
mod reading;
mod trail;
mod unwritten;
mod writes;
mod written;

pub(super) use forgotten::*;
pub(super) use reading::*;
pub(super) use unwritten::*;
pub(super) use written::*;

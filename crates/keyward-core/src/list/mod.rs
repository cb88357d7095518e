//! Lists: what can be asked of one, in one grammar for all of them.
//!
//! Each list has a [`Grammar`]: which fields can be filtered, by which operators, which can be sorted by, named in `fields`,
//! and what can be included. The query is read by that table, the store's SQL is made from what was read, and the OpenAPI
//! document and the pages are written from the same table.
//!
//! | file | what |
//! | --- | --- |
//! | `grammar.rs` | the tables |
//! | `asked.rs` | reading a query by one |
//! | `filter.rs` | conditions and their values |
//! | `page.rs` | limit, offset, and `pagination` of the answer |
//! | `cursor.rs` | cursors that only their own list accepts |
//! | `project.rs` | an item with the chosen fields only |

mod asked;
mod cursor;
mod filter;
mod grammar;
mod page;
mod project;

pub use asked::{Asked, SortKey, read};
pub use cursor::{CursorList, Cursors};
pub use filter::{Condition, Filter, MAX_VALUES, Operand, Test};
pub use grammar::{FilterField, Grammar, Kind, MAX_SORT_FIELDS, Operator, Paging};
pub use page::{
    CursorPagination, DEFAULT_LIMIT, Found, From, Listed, MAX_LIMIT, MAX_OFFSET, OffsetPagination,
    Pagination, Window,
};
pub use project::project;

//! The documentation, served by the program itself: pages for people, the same as Markdown, and the files for machines.
//!
//! A page is a Markdown file under `pages/`. What can be known from the program is not written there: a line such as
//! `{{operation getDeals}}` is expanded from the OpenAPI document, or from what this server is configured to do. The expanded
//! Markdown is the page's `.md` twin, and becomes its HTML.
//!
//! | file | what |
//! | --- | --- |
//! | `source.rs` | the Markdown files and the samples, as they lie in the program |
//! | `expand.rs`, `tables.rs` | directives, and the tables that they become |
//! | `html.rs`, `layout.rs` | Markdown to HTML, and the frame around it |
//! | `mcp.rs` | blocks, buttons and tools of the page about MCP clients |
//! | `explorer.rs` | what the explorer on a page knows |
//! | `site.rs` | every file with its content |
//! | `serve.rs` | answering with them |

mod expand;
mod explorer;
mod html;
mod layout;
mod mcp;
mod serve;
mod site;
mod source;
mod tables;

pub use serve::Pages;
pub(crate) use serve::routes;

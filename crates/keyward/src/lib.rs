//! The program: the door in front of the Lev External API v2.
//!
//! Read [`stack`] first: what happens to a request, in order. Then [`routes`]: every operation in one table. A
//! handler is a file under `api/<resource>/<verb>.rs`; `problem.rs` alone knows how a refusal looks in HTTP.
//! [`server`] builds all of it.
//!
//! | folder | what |
//! | --- | --- |
//! | `api` | the handlers of the API's operations |
//! | `operation` | what a row of the table is, and how it runs |
//! | `transport` | connections: HTTP and TLS, deadlines, ceilings, addresses |
//! | `oauth`, `browser`, `console` | the authorization server, requests of browsers, the pages of people |
//! | `mcp` | the operations as tools of MCP |
//! | `issuers` | outside issuers, and their keys |
//! | `document`, `pages` | the OpenAPI document, and the documentation that is made from it |
//! | `config` | what can be set |
//! | `operate` | the operator's commands, as the server or the command line carries them out |
//! | `background` | the tasks beside the requests |
//! | `watch`, `telemetry` | metrics and what is remembered of requests; log and traces |
//! | `cli`, `demo` | the command line, and its sample data |

mod active_account;
mod api;
mod background;
mod base_path;
pub mod body_room;
mod boxed;
mod browser;
mod call;
mod callers;
mod challenge;
pub mod cli;
pub mod config;
mod console;
mod cross_origin;
pub mod current;
mod demo;
mod dns;
pub mod document;
mod environment;
mod exit;
#[cfg(feature = "fault-injection")]
mod fault_clock;
mod files;
pub mod issuers;
mod limits;
pub mod mcp;
pub mod oauth;
mod observe;
mod opened;
mod operate;
mod operation;
mod outgoing;
mod own_thread;
pub mod pages;
mod problem;
pub mod reload;
mod representation;
pub mod routes;
mod secret_file;
mod secret_mode;
pub mod server;
pub mod shared;
mod site;
pub mod stack;
pub mod store;
pub mod telemetry;
mod time_limit;
pub mod transport;
mod transport_security;
mod version;
pub mod watch;

pub use problem::Problem;

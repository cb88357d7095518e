//! Other people's programs against the real server: `cargo test -p keyward --all-features --test street`. What they are written
//! in and installed from stands in `tests/clients`; `cargo xtask test` installs it and runs these, `cargo xtask soak street`
//! runs those that are ignored because they take long.
//!
//! | file | what |
//! | --- | --- |
//! | `generators.rs` | clients that generators make of the OpenAPI document: compiled, and a round of calls |
//! | `proxies.rs` | nginx, HAProxy, Caddy and Apache in front |
//! | `issuers.rs` | issuers that are not ours, as processes |
//! | `sign_in.rs` | applications that sign people in here |
//! | `mcp_clients.rs` | clients of MCP, and what converts our tools for models |
//! | `clients.rs` | where the clients are, and running one |

#[cfg(test)]
mod clients;
#[cfg(test)]
mod generators;
#[cfg(test)]
mod issuers;
#[cfg(test)]
mod mcp_clients;
#[cfg(test)]
mod proxies;
#[cfg(test)]
mod sign_in;
#[cfg(test)]
#[path = "../process/support.rs"]
#[expect(dead_code, reason = "the tests of the process use the rest")]
mod support;

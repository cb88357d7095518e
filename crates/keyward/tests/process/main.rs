//! The program as its users see it: a process with arguments, files, standard streams and a port.
//!
//! | file | what |
//! | --- | --- |
//! | `support.rs` | starting the program, talking to it, ending it |
//! | `supervised.rs` | tasks beside the requests that panic |
//! | `demo.rs` | `keyward demo` |
//! | `operate.rs` | `init`, `serve`, signals, and every refusal to start |
//! | `private_data.rs`, `config_check.rs` | data and memory that others could read; what `config check` refuses |
//! | `config_here.rs` | what `config check` sees of this machine, and what a deployment brings with it |
//! | `environment.rs` | variables that are empty or not text, addresses that other machines reach |
//! | `orders.rs` | the operator's orders beside a running server |
//! | `orders_of_sign_in.rs` | the same of people, applications and signing keys |
//! | `shown_once.rs` | secrets that are shown once, to somebody or to nobody |
//! | `rotation.rs` | the rotation of the root secret |
//! | `moved.rs` | data that are moved, replaced or rolled back under a server |
//! | `restore.rs` | yesterday's copy, and what ended since |
//! | `copies.rs` | copies, restores and empty files: success is reported by who has looked |
//! | `exit_codes.rs` | how commands end, for scripts |
//! | `lists.rs`, `many.rs` | lists and people: pages, filters, one account, one user, the audit trail; the same with ten thousand of each |
//! | `degraded.rs` | what the server does without: root certificates, its socket, a secret's mode that others chose |
//! | `explain.rs` | what became of a request |
//! | `key_endings.rs` | keys that end by their text, and every key of somebody |
//! | `leaks.rs` | the patterns for secret scanners, by detect-secrets and by their regular expressions |
//! | `kill.rs` | `kill -9` under load |
//! | `once.rs` | writes that happen once, with the rig of `tests/rigs/once.rs` |
//! | `faults.rs` | a locked and a full database |
//! | `disk.rs` | a disk that is full at the start, and one that is slow at the stop |
//! | `listening.rs` | several addresses, host names, Unix sockets |
//! | `unreadable_rows.rs` | rows that cannot be read: named, and what they stand for ended all the same |
//! | `unreadable_told.rs` | rows that lists leave out, and a recorded time that cannot be read: where both are named |
//! | `wire.rs` | what a client can write on a socket |
//! | `attack.rs` | bodies, lengths, hosts and headers that lie, hostile names, unsafe first starts |
//! | `clock.rs` | the machine's clock goes back or ahead, between starts and under a server |
//! | `closing.rs` | connections that the server closes, and says so |
//! | `proxy_protocol.rs` | the PROXY protocol in front of connections |
//! | `siege.rs` | floods with honest clients beside them, with the rigs of `tests/rigs/street` and `tests/rigs/siege` |
//! | `garbage.rs` | structured garbage over all routes, with the rig of `tests/rigs/garbage` |
//! | `http2.rs`, `frames.rs` | HTTP/2, and what a hostile client can do with its frames |
//! | `watching.rs` | figures, alert rules and the dashboard, judged by promtool |
//! | `log_output.rs` | the log in a file that is rotated, and its levels in the journal |
//! | `surroundings.rs` | the program in surroundings that others make: each command works or refuses with its line |
//! | `side_outputs.rs` | a log, a collector, a systemd and others that take nothing of what is written to them |
//! | `proxies.rs` | behind a proxy, nginx among them: whose address a request has |
//! | `service.rs` | under systemd, with a trace collector, and stopping |
//! | `foreign.rs` | TLS and other bytes that are no HTTP, on a plain port |
//! | `tls.rs` | HTTPS and HTTP/2 by curl, and SIGHUP |
//! | `outside.rs` | an issuer that is not ours, as a process, and a server that trusts it |
//! | `outside_issuer.rs`, `outside_keys.rs` | its people and what the doctor says; its rotations and outages |
//! | `outside_scopes.rs` | what the scopes in its tokens open, with the rig of `tests/rigs/issuer.rs` |
//! | `sign_in.rs` | signing in: other people's clients, a browser, `keyward login` |
//! | `mcp.rs` | other people's MCP clients |
//! | `person.rs` | a person with a browser, and the application that it signs in to |
//! | `limits.rs` | exact limits on a real clock, with the judge of `tests/rigs/limits.rs` |
//! | `secrets.rs`, `secrets_of_sign_in.rs`, `search.rs` | no secret in the database or in a log, and how it is looked for |

#[cfg(test)]
mod attack;
#[cfg(test)]
mod clock;
#[cfg(test)]
mod closing;
#[cfg(test)]
mod config_check;
#[cfg(test)]
mod config_here;
#[cfg(test)]
mod copies;
#[cfg(test)]
mod degraded;
#[cfg(test)]
mod demo;
#[cfg(test)]
mod disk;
#[cfg(test)]
mod environment;
#[cfg(test)]
mod exit_codes;
#[cfg(test)]
mod explain;
#[cfg(test)]
mod faults;
#[cfg(test)]
mod foreign;
#[cfg(test)]
mod frames;
#[cfg(test)]
mod garbage;
#[cfg(test)]
mod giving;
#[cfg(test)]
mod http2;
#[cfg(test)]
mod in_front;
#[cfg(test)]
#[path = "../rigs/issuer.rs"]
mod issuer;
#[cfg(test)]
mod key_endings;
#[cfg(test)]
mod kill;
#[cfg(test)]
mod leaks;
#[cfg(test)]
mod limits;
#[cfg(test)]
mod listening;
#[cfg(test)]
mod lists;
#[cfg(test)]
mod log_output;
#[cfg(test)]
mod many;
#[cfg(test)]
mod mcp;
#[cfg(test)]
mod moved;
#[cfg(test)]
mod once;
#[cfg(test)]
mod operate;
#[cfg(test)]
mod orders;
#[cfg(test)]
mod orders_of_sign_in;
#[cfg(test)]
mod outside;
#[cfg(test)]
mod outside_issuer;
#[cfg(test)]
mod outside_keys;
#[cfg(test)]
mod outside_scopes;
#[cfg(test)]
mod person;
#[cfg(test)]
mod private_data;
#[cfg(test)]
#[path = "../rigs/promtool.rs"]
mod promtool;
#[cfg(test)]
mod proxies;
#[cfg(test)]
mod proxy_protocol;
#[cfg(test)]
mod restore;
#[cfg(test)]
mod rotation;
#[cfg(test)]
mod search;
#[cfg(test)]
mod secrets;
#[cfg(test)]
mod secrets_of_sign_in;
#[cfg(test)]
mod service;
#[cfg(test)]
mod shown_once;
#[cfg(test)]
mod side_outputs;
#[cfg(test)]
mod siege;
#[cfg(test)]
mod sign_in;
#[cfg(test)]
#[path = "../rigs/street/mod.rs"]
mod street;
#[cfg(test)]
mod supervised;
#[cfg(test)]
mod support;
#[cfg(test)]
mod surroundings;
#[cfg(test)]
mod tls;
#[cfg(test)]
mod unreadable_rows;
#[cfg(test)]
mod unreadable_told;
#[cfg(test)]
mod watching;
#[cfg(test)]
mod wire;

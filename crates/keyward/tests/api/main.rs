//! The API as its callers see it: personas speak HTTP to the whole stack, each test on a database of its own.

#[cfg(test)]
mod account_choice;
#[cfg(test)]
mod attack;
#[cfg(test)]
mod auth0;
#[cfg(test)]
mod authority;
#[cfg(test)]
mod bad_input;
#[cfg(test)]
mod bodies;
#[cfg(test)]
mod browser;
#[cfg(test)]
mod clock;
#[cfg(test)]
mod clock_behind;
#[cfg(test)]
mod collection;
#[cfg(test)]
mod consent;
#[cfg(test)]
mod console;
#[cfg(test)]
mod console_forms;
#[cfg(test)]
mod cross_origin;
#[cfg(test)]
mod deals;
#[cfg(test)]
mod descendants;
#[cfg(test)]
mod document;
#[cfg(test)]
mod documents;
#[cfg(test)]
mod doors;
#[cfg(test)]
mod end_session;
#[cfg(test)]
mod foreign_pages;
#[cfg(test)]
mod full_disk;
#[cfg(test)]
mod generators;
#[cfg(test)]
mod hanging;
#[cfg(test)]
mod hygiene;
#[cfg(test)]
mod idempotency;
#[cfg(test)]
mod invitations;
#[cfg(test)]
mod issuer;
#[cfg(test)]
mod issuer_guide;
#[cfg(test)]
mod jwt;
#[cfg(test)]
mod key_life;
#[cfg(test)]
mod keys;
#[cfg(test)]
mod limits;
#[cfg(test)]
mod list_headers;
#[cfg(test)]
mod lists;
#[cfg(test)]
mod log;
#[cfg(test)]
mod matrix;
#[cfg(test)]
mod mcp;
#[cfg(test)]
mod mcp_clients;
#[cfg(test)]
mod mcp_misuse;
#[cfg(test)]
mod mcp_models;
#[cfg(test)]
mod me;
#[cfg(test)]
mod nulls;
#[cfg(test)]
mod oauth;
#[cfg(test)]
mod oauth_requests;
#[cfg(test)]
mod order;
#[cfg(test)]
mod pages;
#[cfg(test)]
mod panics;
#[cfg(test)]
mod passwords;
#[cfg(test)]
mod preconditions;
#[cfg(test)]
mod representation;
#[cfg(test)]
mod request_defaults;
#[cfg(test)]
mod rights;
#[cfg(test)]
mod street_clients;
#[cfg(test)]
mod support;
#[cfg(test)]
mod team;
#[cfg(test)]
mod time_limit;
#[cfg(test)]
mod token_scopes;
#[cfg(test)]
mod unreadable;
#[cfg(test)]
mod userinfo;
#[cfg(test)]
mod validate;
#[cfg(test)]
mod ways_out;

//! The words and the rules of the door. No I/O, no async runtime, no web framework, no SQL.
//!
//! Read in this order:
//!
//! | module | what it says |
//! | --- | --- |
//! | [`principal`] | who is calling, by which credential, in which account |
//! | [`scope`], [`grant`], [`role`], [`tier`], [`limits`] | what a credential, a member and an account may do at most |
//! | [`account`], [`team`], [`identity`], [`active_account`] | accounts, users, memberships, teams, which user an outside issuer's subject is, and where it acts |
//! | [`audited_by`] | by whom and by what a write was done, for the audit trail |
//! | [`permit`] | the proof that its holder may do this action; only this module makes one: [`permit::check`] for a caller, its other functions for who is none |
//! | [`authority`], [`made_by`] | who may give which role, and by which credential something was made that gives rights |
//! | [`denial`], [`credential_form`] | every reason to say no, with its stable word, code and public text; forms in which no credential is read |
//! | [`api_key`] | format, digests, verification and bounds of API keys |
//! | [`jwt`] | what an access token must be, whose keys are believed, which tokens were found good |
//! | [`oauth`], [`session`], [`known_browser`], [`form`], [`signing`] | the embedded authorization server: clients, grants, browsers that are signed in, browsers that were, keys that sign |
//! | [`live`] | the knowledge that every request is judged by: keys, users, accounts, memberships |
//! | [`idempotency`] | a write that is executed once, and its answer sent again |
//! | [`rate_limit`] | exact limits: windows, buckets, and what a client is told |
//! | [`effect`], [`preconditions`] | a write as a value, the states in which it may be executed, and the one `commit` that executes it |
//! | [`mod@write`] | each write; nothing else here imports them |
//! | [`envelope`], [`header`], [`header_text`], [`query`], [`json`], [`input`], [`money`] | the shapes on the wire |
//! | [`list`] | what a list can be asked, and how it goes on |
//! | [`store`], [`left_out`] | what a store can read, what it means when it fails, and which of its rows cannot be read |
//! | [`root_secret`], [`secret`], [`opaque`], [`password`] | secrets, and what is derived from them |
//! | [`log_subject`] | the subject of a token as the log shows it |
//! | [`share`] | a shared pool with a share for each of its users |
//! | [`swap`] | a value that is replaced as a whole while others read it |
//! | [`clock`], [`random`], [`id`], [`address`] | arguments that elsewhere are ambient |
//!
//! Arrows point here: layers, stores and the program depend on this crate, and it on none of them.

pub mod account;
pub mod active_account;
pub mod address;
pub mod api_key;
pub mod audited_by;
pub mod authority;
pub mod clock;
pub mod credential_form;
pub mod denial;
pub mod effect;
pub mod envelope;
pub mod form;
pub mod grant;
pub mod header;
pub mod header_text;
pub mod id;
pub mod idempotency;
pub mod identity;
pub mod input;
pub mod json;
pub mod jwt;
pub mod known_browser;
pub mod left_out;
pub mod limits;
pub mod list;
pub mod live;
pub mod log_subject;
pub mod made_by;
pub mod money;
pub mod oauth;
pub mod opaque;
pub mod password;
pub mod permit;
pub mod preconditions;
pub mod principal;
pub mod query;
pub mod random;
pub mod rate_limit;
pub mod role;
pub mod root_secret;
pub mod scope;
pub mod secret;
pub mod session;
pub mod share;
pub mod signing;
pub mod store;
pub mod swap;
pub mod team;
pub mod tier;
pub mod write;

use std::future::Future;
use std::pin::Pin;

/// A boxed future, so that the traits of this crate stay object-safe.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

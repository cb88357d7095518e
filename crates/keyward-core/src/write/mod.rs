//! Each write as a value: what it takes ([`crate::effect::Effect`]), what it comes to, and what its answer and its audit row say.
//!
//! Nothing else in this crate imports these: what is known can be read without what changes it. A store executes them.
//!
//! | module | what is written |
//! | --- | --- |
//! | [`account`], [`limits`] | an account, what it has paid for, and what it may have instead |
//! | [`user`], [`member`] | a user, and its place in an account, by the operator |
//! | [`disabling`], [`erasing`] | accounts and users that are shut, and users that are erased |
//! | [`team`], [`invitation`] | the team of an account, by its admins; invitations by the operator, and accepting one |
//! | [`identity`], [`active_account`] | which user an outside issuer's subject is, and in which account its requests act |
//! | [`key`] | API keys: made, prepared, rotated, labelled, revoked |
//! | [`session`], [`link`] | sessions of browsers, sign-ins that failed, and links by which a password is chosen |
//! | [`client`], [`grant`] | OAuth clients; consent, codes, refresh tokens, and the end of a grant |
//! | [`signing_key`], [`root_secret`] | keys that sign, and versions of the root secret |
//! | [`clock`] | the time that the operator accepts |
//! | [`store`] | all of them, as one trait |

pub mod account;
pub mod active_account;
pub mod client;
pub mod clock;
pub mod disabling;
pub mod erasing;
pub mod grant;
pub mod identity;
pub mod invitation;
pub mod key;
pub mod limits;
pub mod link;
pub mod member;
pub mod root_secret;
pub mod session;
pub mod signing_key;
pub mod store;
pub mod team;
pub mod user;

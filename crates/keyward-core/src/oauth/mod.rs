//! The rules of the embedded authorization server (OAuth 2.1): clients, redirect URIs, PKCE, grants, refresh tokens.
//!
//! The way of a sign-in: a [`Client`] sends a person with a [`redirect`] URI and a [`pkce`] challenge; the person signs in and
//! [gives consent](crate::write::grant::GiveConsent), which makes an [`OAuthGrant`] and a code for it; the client
//! [redeems the code](crate::write::grant::RedeemCode) once; from then on the grant has a [`refresh`] token whose number rises with each
//! use. Whatever ends the grant ends every access token that names it.

mod client;
mod client_name;
mod code;
mod family;
mod grant;
pub mod pkce;
pub mod redirect;
pub mod refresh;
mod registered;
mod replaced;
mod words;

pub use client::{Client, ClientOrigin, KEYWARD_CLI, keyward_cli};
pub use client_name::is_client_name;
pub use code::{CodeOutline, CodeRequest, CodeUse, Redemption, StoredCode};
pub use family::{Family, Refresh, StoredFamily};
pub use grant::{
    EndedGrant, GRACE_SECONDS, GrantEnd, GrantId, Grants, LONGEST_DAYS, LONGEST_GRACE_SECONDS, OAuthGrant,
    Resources, is_of_another,
};
pub use registered::{ClientRoom, IdleClients};
pub use replaced::Replaced;
pub use words::{Asked, Identity, changes, sees};

//! Requires `X-Origin-App`: the calling application's name, 1 to 64 of `[A-Za-z0-9._-]`.
//!
//! It identifies the caller in logs, usage and audit; it proves nothing. The [`OriginApp`] goes into the request's
//! extensions.

use crate::Check;
use http::{HeaderValue, Request};
use keyward_core::denial::Denial;
use keyward_core::header::origin_app;
use std::sync::Arc;

/// The name of the calling application, in the request's extensions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OriginApp(pub Arc<str>);

/// The check of this module.
#[derive(Clone, Copy, Debug)]
pub struct RequireOriginApp;

impl<B> Check<B> for RequireOriginApp {
    fn check(&self, request: &mut Request<B>) -> Result<(), Denial> {
        let name = Arc::from(origin_app(request.headers().get("x-origin-app").map(HeaderValue::as_bytes))?);
        request.extensions_mut().insert(OriginApp(name));
        Ok(())
    }
}

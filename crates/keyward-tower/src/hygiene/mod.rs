//! Refuses what two readers could read in two ways, before anything looks at it.
//!
//! HTTP libraries are lenient where an edge must not be: hyper passes on two `Host` fields, none at all, and names
//! that differ only in `_` and `-`. The rules, in this order:
//!
//! 1. the request target and the fields are at most [`Limits::header_bytes`] bytes, in at most
//!    [`Limits::header_fields`] fields (else 431);
//! 2. an HTTP/1.1 request has exactly one valid `Host` (RFC 9112 §3.2), which an absolute-form target must equal
//!    (§3.2.2);
//! 3. field names hold no underscore, since gateways turn `-` into `_` and back;
//! 4. each of [`keyward_core::header::SINGLE`] stands at most once;
//! 5. the path is plain: no `//`, no `.` or `..` segment, no backslash, no control or non-ASCII byte, and no percent
//!    escape of a slash, backslash, dot, percent sign or control character (RFC 3986 §6);
//! 6. a declared body is at most [`Limits::body_bytes`] bytes (else 413).
//!
//! Caveat: what hyper itself repairs is invisible here. Of a request with both `Content-Length` and
//! `Transfer-Encoding` it drops the first, and it takes bare line feeds for line ends. Whoever serves HTTP/1.1 and sees
//! the raw head can put [`AmbiguousFraming`] into the request's extensions, which is refused before all else; whoever does
//! not must close the connection after a request with `Transfer-Encoding` (RFC 9112 §6.1).
//!
//! ```
//! use http::{Extensions, Request, Response};
//! use keyward_core::denial::Denial;
//! use keyward_tower::{GateLayer, Refuse, hygiene::Hygiene};
//! use tower::{Layer, ServiceExt, service_fn};
//!
//! #[derive(Clone)]
//! struct Plain;
//! impl Refuse<String> for Plain {
//!     fn refuse(&self, _: &Extensions, denial: &Denial) -> Response<String> {
//!         Response::builder().status(400).body(denial.message()).unwrap()
//!     }
//! }
//!
//! # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
//! let inner = service_fn(async |_: Request<String>| Ok::<_, std::convert::Infallible>(Response::new(String::new())));
//! let door = GateLayer::new(Hygiene::default(), Plain).layer(inner);
//! let twice = Request::get("/").header("host", "a").header("host", "b").body(String::new()).unwrap();
//! let answer = door.oneshot(twice).await.unwrap();
//! assert_eq!(answer.body(), "Header Host must be sent only once");
//! assert!(answer.extensions().get::<Denial>().is_some());
//! # });
//! ```

mod rules;

use crate::Check;
use http::Request;
use keyward_core::denial::Denial;

/// The measures of a request. Set the HTTP library's own limits above these, so that these answer.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Fields of the head.
    pub header_fields: usize,
    /// Bytes of the request target and of all field names and values.
    pub header_bytes: usize,
    /// Bytes of a body, as declared by `Content-Length`. Whoever reads the body must apply it again.
    pub body_bytes: usize,
}

impl Default for Limits {
    /// 100 fields, 32 KiB of head, 256 KiB of body.
    fn default() -> Self {
        Self { header_fields: 100, header_bytes: 32 * 1024, body_bytes: 256 * 1024 }
    }
}

/// Why the head as it was sent can be read in two ways, from whoever saw it, in the request's extensions.
#[derive(Clone, Copy, Debug)]
pub struct AmbiguousFraming(pub &'static str);

/// The check of this module, with these measures.
#[derive(Clone, Copy, Debug, Default)]
pub struct Hygiene(pub Limits);

impl<B> Check<B> for Hygiene {
    fn check(&self, request: &mut Request<B>) -> Result<(), Denial> {
        if let Some(AmbiguousFraming(reason)) = request.extensions().get() {
            return Err(Denial::FramingAmbiguous(reason));
        }
        rules::check(request, self.0)
    }
}

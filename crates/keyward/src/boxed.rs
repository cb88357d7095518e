//! A whole HTTP service in a box.

use axum::body::Body;
use http::{Request, Response};
use std::convert::Infallible;
use tower::util::BoxCloneSyncService;

/// A whole HTTP service in a box: without boxes the types of the stack would not end.
pub type Boxed = BoxCloneSyncService<Request<Body>, Response<Body>, Infallible>;

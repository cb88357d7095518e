//! `GET /health`: public.

use crate::call::{Call, Reply};
use crate::problem::Problem;
use serde_json::json;

pub(crate) async fn handle(mut call: Call) -> Result<Reply, Problem> {
    call.finish_query()?;
    let at = call.now();
    Ok(Reply::new(&json!({ "status": "ok", "version": env!("CARGO_PKG_VERSION"), "timestamp": at })))
}

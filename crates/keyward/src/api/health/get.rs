//! `GET /health`: public.

use crate::call::{Call, Reply};
use crate::problem::Problem;
use keyward_core::clock::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

/// The API answers.
#[derive(Serialize, ToSchema)]
pub(crate) struct Health {
    /// Always `ok`.
    status: &'static str,
    /// The version of the program that serves.
    version: &'static str,
    /// The server's time.
    #[schema(value_type = String, format = DateTime)]
    timestamp: Timestamp,
}

pub(crate) async fn handle(mut call: Call) -> Result<Reply, Problem> {
    call.finish_query()?;
    let at = call.now();
    Ok(Reply::new(&Health { status: "ok", version: env!("CARGO_PKG_VERSION"), timestamp: at }))
}

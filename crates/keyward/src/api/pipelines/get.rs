//! `GET /pipelines/{pipeline_id}`: one pipeline with its statuses.

use crate::call::{Call, Reply};
use crate::problem::Problem;
use keyward_core::denial::Denial;
use keyward_core::id;
use keyward_core::permit::{Permit, ReadPipelines};

pub(crate) async fn handle(mut call: Call, permit: Permit<ReadPipelines>) -> Result<Reply, Problem> {
    call.finish_query()?;
    let found = match id::parse(call.path_id()) {
        Some(id) => call.reads().get_pipeline(&permit, id).await?,
        None => None,
    };
    Ok(Reply::new(&found.ok_or_else(|| Denial::not_found("Pipeline", call.path_id()))?))
}

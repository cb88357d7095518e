//! `GET /pipelines`: the account's pipelines with their statuses.

use crate::call::{Call, Reply};
use crate::problem::Problem;
use keyward_core::list::CursorList;
use keyward_core::permit::{Permit, ReadPipelines};
use lev_deals::list::PIPELINES;

pub(crate) async fn handle(mut call: Call, permit: Permit<ReadPipelines>) -> Result<Reply, Problem> {
    let asked = call.ask(&PIPELINES)?;
    let list = CursorList { name: PIPELINES.name, account: permit.member()?.account, filter: "" };
    let window = call.window(list, &asked)?;
    let listed = call.reads().list_pipelines(&permit, window).await?;
    let pagination = call.pagination(list, &asked, &listed, |pipeline| pipeline.id);
    Ok(Reply::page(&listed.items, &pagination))
}

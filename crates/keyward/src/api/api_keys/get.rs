//! `GET /api-keys/{key_id}`: one key as in the list, with its `ETag`. Never a secret.

use crate::call::{Call, Reply};
use crate::problem::Problem;
use keyward_core::denial::Denial;
use keyward_core::id::KeyId;
use keyward_core::permit::{Permit, ReadAccount};

pub(crate) async fn handle(mut call: Call, permit: Permit<ReadAccount>) -> Result<Reply, Problem> {
    call.finish_query()?;
    let found = match KeyId::parse(call.path_id()) {
        Some(id) => call.reads().get_key(&permit, id).await?,
        None => None,
    };
    let absent = || Denial::not_found("API key", call.path_id());
    let key = found.ok_or_else(absent)?;
    // A key's user left between the two looks: its key is revoked, and no longer to be shown.
    let role = call.live().role(key.account, key.user).ok_or_else(absent)?;
    Ok(Reply::new(&key.view(role)).with_etag(key.etag(role)))
}

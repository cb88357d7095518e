//! `GET /api-keys`: the caller's own keys; with `all=true` an admin's whole account. Never a secret.

use crate::call::{Call, Reply};
use crate::problem::Problem;
use keyward_core::api_key::KeyView;
use keyward_core::denial::Denial;
use keyward_core::page::{OffsetPagination, take_limit, take_offset};
use keyward_core::permit::{Permit, ReadAccount};
use keyward_core::role::Role;
use keyward_core::store::KeysOf;

pub(crate) async fn handle(mut call: Call, permit: Permit<ReadAccount>) -> Result<Reply, Problem> {
    let all = call.query.take_flag("all")?;
    // Who may ask is judged before the rest of what is asked.
    if all && !permit.principal()?.is_admin() {
        return Err(Denial::RoleMissing(Role::Admin).into());
    }
    let limit = take_limit(&mut call.query)?;
    let offset = take_offset(&mut call.query)?;
    call.finish_query()?;
    let of = if all { KeysOf::Account } else { KeysOf::Caller };
    let listed = call.reads().list_keys(&permit, of, limit, offset).await?;
    let live = call.live();
    let keys: Vec<KeyView<'_>> = listed
        .items
        .iter()
        // A key's user left between the two looks: its key is revoked, and no longer to be listed.
        .filter_map(|key| Some(key.view(live.role(key.account, key.user)?)))
        .collect();
    let pagination = OffsetPagination { total: listed.total, limit, offset, has_more: listed.has_more };
    Ok(Reply::page(&keys, &pagination))
}

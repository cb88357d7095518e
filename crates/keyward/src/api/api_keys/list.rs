//! `GET /api-keys`: the caller's own keys; with `all=true` an admin's whole account. Never a secret.

use crate::call::{Call, Reply};
use crate::problem::Problem;
use keyward_core::api_key::KeyView;
use keyward_core::denial::Denial;
use keyward_core::list::{CursorList, FilterField, Grammar, Kind, Operator, Paging};
use keyward_core::permit::{Permit, ReadAccount};
use keyward_core::role::Role;
use keyward_core::store::KeysOf;

/// What the list can be asked.
pub(crate) const KEYS: Grammar = Grammar {
    paging: Paging::Offset,
    filters: &[FilterField { name: "label", kind: Kind::Text, operators: &[Operator::Eq] }],
    ..Grammar::plain("api keys")
};

pub(crate) async fn handle(mut call: Call, permit: Permit<ReadAccount>) -> Result<Reply, Problem> {
    let all = call.query.take_flag("all")?;
    // Who may ask is judged before the rest of what is asked.
    if all && !permit.principal()?.is_admin() {
        return Err(Denial::RoleMissing(Role::Admin).into());
    }
    let asked = call.ask(&KEYS)?;
    let of = if all { KeysOf::Account } else { KeysOf::Caller };
    let label = asked.filter.text("label").map(str::to_owned);
    let listed = call.reads().list_keys(&permit, of, label, asked.window(0)).await?;
    let live = call.live();
    let keys: Vec<KeyView<'_>> = listed
        .items
        .iter()
        // A key's user left between the two looks: its key is revoked, and no longer to be listed.
        .filter_map(|key| Some(key.view(live.role(key.account, key.user)?)))
        .collect();
    let list = CursorList { name: KEYS.name, account: permit.member()?.account, filter: "" };
    let pagination = call.pagination(list, &asked, &listed, |key| key.id.0);
    Ok(Reply::page(&keys, &pagination))
}

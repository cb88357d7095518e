//! Every operation in one table: its id, verb, path, what it takes to be let in, and its handler.
//!
//! To add one: a variant of [`OperationId`] (`operation/id.rs`), a row in [`table`], a handler under `api/`. The access matrix in the
//! tests does not compile until it knows the new one.

pub use crate::operation::{Access, OperationId, Row};

use crate::api::{account, api_keys, auth, deals, health, me, pipelines};
use crate::operation::{open, read, write, write_admitting};
use http::Method;
use keyward_core::permit::{ReadAccount, ReadDeals, ReadPipelines, SeeSelf};
use keyward_core::rate_limit::Purpose;

/// Every operation.
#[must_use]
#[rustfmt::skip]
pub fn table() -> Vec<Row> {
    use OperationId::*;
    const GET: Method = Method::GET;
    const POST: Method = Method::POST;
    const PATCH: Method = Method::PATCH;
    const DELETE: Method = Method::DELETE;
    vec![
        open(GetHealth, GET, "/health", (false, Purpose::Health), health::get::handle),
        open(PostAuthValidateApiKey, POST, "/auth/validate-api-key", (true, Purpose::Validate), auth::validate_api_key::handle),
        read::<SeeSelf, _, _>(GetMe, GET, "/me", me::get::handle).without_account(),
        read::<ReadAccount, _, _>(GetMeAccounts, GET, "/me/accounts", me::accounts::handle).without_account(),
        write(PatchMeActiveAccount, PATCH, "/me/active-account", me::active_account::handle).without_account(),
        read::<ReadAccount, _, _>(GetAccountTeam, GET, "/account/team", account::team::list),
        write(PostAccountTeam, POST, "/account/team", account::team::invite),
        write(PatchAccountTeamUserId, PATCH, "/account/team/{user_id}", account::team::change),
        write(DeleteAccountTeamUserId, DELETE, "/account/team/{user_id}", account::team::dismiss),
        read::<ReadAccount, _, _>(GetApiKeys, GET, "/api-keys", api_keys::list::handle),
        write(PostApiKeys, POST, "/api-keys", api_keys::create::handle),
        read::<ReadAccount, _, _>(GetApiKeysKeyId, GET, "/api-keys/{key_id}", api_keys::get::handle),
        write(PatchApiKeysKeyId, PATCH, "/api-keys/{key_id}", api_keys::relabel::handle),
        write(PostApiKeysKeyIdRotate, POST, "/api-keys/{key_id}/rotate", api_keys::rotate::handle),
        write_admitting(DeleteApiKeysKeyId, DELETE, "/api-keys/{key_id}", api_keys::revoke::admit, api_keys::revoke::handle).ends_itself(),
        read::<ReadDeals, _, _>(GetDeals, GET, "/deals", deals::list::handle),
        write(PostDeals, POST, "/deals", deals::create::handle),
        read::<ReadDeals, _, _>(GetDealsDealId, GET, "/deals/{deal_id}", deals::get::handle),
        write(PatchDealsDealId, PATCH, "/deals/{deal_id}", deals::update::handle),
        write(DeleteDealsDealId, DELETE, "/deals/{deal_id}", deals::archive::handle),
        read::<ReadDeals, _, _>(GetDealsDealIdFinancials, GET, "/deals/{deal_id}/financials", deals::financials::handle),
        read::<ReadDeals, _, _>(GetDealsDealIdProperties, GET, "/deals/{deal_id}/properties", deals::properties::handle),
        read::<ReadDeals, _, _>(GetDealsDealIdTeam, GET, "/deals/{deal_id}/team", deals::team::list),
        write(PostDealsDealIdTeam, POST, "/deals/{deal_id}/team", deals::team::join),
        write(DeleteDealsDealIdTeamUserId, DELETE, "/deals/{deal_id}/team/{user_id}", deals::team::leave),
        write(PostDealsDealIdPipeline, POST, "/deals/{deal_id}/pipeline", deals::pipeline::handle),
        read::<ReadPipelines, _, _>(GetPipelines, GET, "/pipelines", pipelines::list::handle),
        read::<ReadPipelines, _, _>(GetPipelinesPipelineId, GET, "/pipelines/{pipeline_id}", pipelines::get::handle),
    ]
}

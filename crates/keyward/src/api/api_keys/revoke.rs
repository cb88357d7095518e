//! `DELETE /api-keys/{key_id}`: ends a key for good, from the next request on. A key may always end itself. With
//! `descendants=true` what it made ends with it.

use crate::call::Call;
use crate::problem::Problem;
use keyward_core::denial::Denial;
use keyward_core::id::KeyId;
use keyward_core::permit::{Permit, RevokeKeys, check_or_itself};
use keyward_core::principal::Principal;
use keyward_core::write::key::RevokeKey;

pub(crate) fn admit(principal: Principal, path_id: &str) -> Result<Permit<RevokeKeys>, Denial> {
    check_or_itself(principal, KeyId::parse(path_id))
}

pub(crate) fn handle(call: &Call, _: &Permit<RevokeKeys>) -> Result<RevokeKey, Problem> {
    call.no_members()?;
    Ok(RevokeKey {
        key: KeyId::parse(call.path_id()),
        as_sent: call.path_id().to_owned(),
        descendants: call.flag,
    })
}

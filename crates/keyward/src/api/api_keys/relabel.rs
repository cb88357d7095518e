//! `PATCH /api-keys/{key_id}`: another label for one of the caller's own keys, and nothing else of it.

use crate::call::Call;
use crate::problem::Problem;
use keyward_core::denial::Denial;
use keyward_core::id::KeyId;
use keyward_core::input::Fields;
use keyward_core::permit::{LabelKeys, Permit};
use keyward_core::write::key::RelabelKey;

pub(crate) fn handle(call: &Call, _: &Permit<LabelKeys>) -> Result<RelabelKey, Problem> {
    let mut fields = Fields::of(call.body()?).map_err(Denial::Invalid)?;
    let label = take(&mut fields);
    for name in ["expires_at", "allowed_ips", "permission", "scopes"] {
        let way_out = format!("{name} is set when a key is made; make a new key with POST /api-keys");
        fields.refuse(name, &way_out);
    }
    fields.finish().map_err(Denial::Invalid)?;
    let label = label.ok_or_else(|| Denial::invalid("label", "label is required"))?;
    let (key, as_sent) = (KeyId::parse(call.path_id()), call.path_id().to_owned());
    Ok(RelabelKey { key, as_sent, conditions: call.conditions.clone(), label })
}

/// Takes the members of the body.
pub(crate) fn take(fields: &mut Fields<'_>) -> Option<String> {
    let label = fields.string("label", 1, 255);
    fields.required("label", label)
}

//! `POST /api-keys`: a key for the caller itself, never wider than the credential that makes it.

use crate::call::Call;
use crate::problem::Problem;
use ipnet::IpNet;
use keyward_core::address::parse_range;
use keyward_core::api_key::{Wanted, WantedGrant};
use keyward_core::clock::Timestamp;
use keyward_core::denial::Denial;
use keyward_core::input::{Field, Fields};
use keyward_core::permit::{ManageKeys, Permit};
use keyward_core::scope::Scope;
use keyward_core::write::key::CreateKey;

/// The most ranges that a key may name.
pub(crate) const MAX_RANGES: usize = 100;

pub(crate) fn handle(call: &Call, _: &Permit<ManageKeys>) -> Result<CreateKey, Problem> {
    let (label, wanted) = read(call)?;
    Ok(CreateKey { label, wanted, secret: call.mint()? })
}

fn read(call: &Call) -> Result<(String, Wanted), Denial> {
    let mut fields = Fields::of(call.body()?).map_err(Denial::Invalid)?;
    let (label, wanted) = take(&mut fields);
    fields.finish().map_err(Denial::Invalid)?;
    let label = label.ok_or_else(|| Denial::invalid("label", "label is required"))?;
    Ok((label, wanted))
}

/// Takes the members of the body.
pub(crate) fn take(fields: &mut Fields<'_>) -> (Option<String>, Wanted) {
    let label = fields.string("label", 1, 255);
    let label = fields.required("label", label);
    let grant = grant(fields);
    let expires_at = fields.timestamp("expires_at").map(Timestamp::from_unix);
    let allowed_ips = allowed_ips(fields);
    (label, Wanted { grant, expires_at, allowed_ips })
}

fn grant(fields: &mut Fields<'_>) -> WantedGrant {
    // Null names no right, and what is not named would be all of the maker's.
    let permission = fields.choice("permission", &["full_access", "read_only"]);
    fields.not_null("permission", &permission);
    let scopes = fields.choices("scopes", Scope::NAMES);
    fields.not_null("scopes", &scopes);
    fields.apart("permission", "scopes", "permission and scopes cannot be combined; send one of them");
    match (permission.value(), scopes.value()) {
        (Some("full_access"), _) => WantedGrant::FullAccess,
        (Some(_), _) => WantedGrant::ReadOnly,
        (None, Some(names)) => WantedGrant::Scopes(names.into_iter().filter_map(Scope::parse).collect()),
        (None, None) => WantedGrant::AsMaker,
    }
}

fn allowed_ips(fields: &mut Fields<'_>) -> Field<Vec<IpNet>> {
    let texts = match fields.strings("allowed_ips", MAX_RANGES) {
        Field::Absent => return Field::Absent,
        Field::Null => return Field::Null,
        Field::Value(texts) => texts,
    };
    let ranges: Option<Vec<IpNet>> = texts.iter().map(|text| parse_range(text)).collect();
    if ranges.is_none() {
        fields.fail(
            "allowed_ips",
            "allowed_ips must be address ranges such as 203.0.113.0/24 or 2001:db8::/32",
        );
    }
    // Absent: noted as a mistake above, so the body is refused.
    Field::Value(ranges.unwrap_or_default())
}

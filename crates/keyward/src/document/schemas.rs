//! The shapes of answers, from the types that are serialised.

use super::shapes;
use crate::api::{auth, health, me};
use keyward_core::api_key::KeyView;
use keyward_core::denial::Code;
use keyward_core::list::{CursorPagination, OffsetPagination};
use keyward_core::team::TeamMemberView;
use keyward_core::write::active_account::ActiveAccount;
use keyward_core::write::key::{RevokedKeyView, ShownKey};
use lev_deals::financials::Financials;
use lev_deals::pipeline::Pipeline;
use lev_deals::write::Moved;
use lev_deals::{DealView, Property, TeamMember};
use serde_json::{Map, Value, json};
use utoipa::ToSchema;

/// Every shape by its name.
pub(super) fn components() -> Map<String, Value> {
    let mut all = Map::new();
    all.insert("Error".to_owned(), error());
    all.insert("Deleted".to_owned(), deleted());
    add::<health::get::Health>(&mut all);
    add::<auth::validate_api_key::Validation>(&mut all);
    add::<me::get::Me<'_>>(&mut all);
    add::<me::accounts::Memberships<'_>>(&mut all);
    add::<me::get::MeNowhere<'_>>(&mut all);
    add::<ActiveAccount<'_>>(&mut all);
    add::<TeamMemberView<'_>>(&mut all);
    add::<KeyView<'_>>(&mut all);
    add::<ShownKey<'_>>(&mut all);
    add::<RevokedKeyView>(&mut all);
    add::<DealView<'_>>(&mut all);
    all.insert("DealFinancials".to_owned(), Financials::schema());
    add::<Property>(&mut all);
    add::<TeamMember>(&mut all);
    add::<Pipeline>(&mut all);
    add::<Moved>(&mut all);
    add::<CursorPagination>(&mut all);
    add::<OffsetPagination>(&mut all);
    shapes::settle_all(&mut all);
    with_financials(&mut all);
    with_either(&mut all);
    // What `fields` may have left members out of: none but the id is sure.
    if let Some(mut partial) = all.get("Deal").cloned() {
        if let Some(members) = partial.as_object_mut() {
            members.insert("required".to_owned(), json!(["id"]));
            members.insert(
                "description".to_owned(),
                json!("A deal with the fields that were asked for; all of them, if nothing was said."),
            );
        }
        all.insert("PartialDeal".to_owned(), partial);
    }
    all.values_mut().for_each(shapes::open);
    all
}

/// Answers that have one of two shapes.
fn with_either(all: &mut Map<String, Value>) {
    let pages = "How the list goes on: by `cursor` and `next_cursor`, or by `offset` where `sort` was sent.";
    let paging = all.get("CursorPagination").zip(all.get("OffsetPagination"));
    if let Some(either) = paging.map(|(cursor, offset)| shapes::either(cursor, offset, pages)) {
        all.insert("Pagination".to_owned(), either);
    }
    let caller = "Who calls, where, and what it may do now. A JWT that names no account, where its user has several or none, gets \
                  `user` and `available_accounts`; every other credential gets all but `available_accounts`.";
    if let Some(nowhere) = all.shift_remove("CurrentUserWithoutAccount")
        && let Some(slot) = all.get_mut("CurrentUser")
    {
        *slot = shapes::either(slot, &nowhere, caller);
    }
}

/// A deal's financials are a record of their own, or null.
fn with_financials(all: &mut Map<String, Value>) {
    let reference = json!({ "$ref": "#/components/schemas/DealFinancials" });
    if let Some(Value::Object(slot)) =
        all.get_mut("Deal").and_then(|deal| deal.pointer_mut("/properties/financials"))
    {
        slot.remove("type");
        slot.insert("oneOf".to_owned(), json!([reference, { "type": "null" }]));
    }
}

fn add<T: ToSchema>(all: &mut Map<String, Value>) {
    let mut named = vec![(T::name().into_owned(), T::schema())];
    T::schemas(&mut named);
    for (name, schema) in named {
        all.insert(name, serde_json::to_value(schema).unwrap_or_default());
    }
}

fn error() -> Value {
    json!({
        "type": "object",
        "description": "Every error has this form, and no `timestamp`.",
        "required": ["request_id", "error"],
        "properties": {
            "request_id": { "type": "string", "format": "uuid", "description": "The request's id, as in `X-Request-Id`." },
            "error": {
                "type": "object",
                "required": ["code", "message"],
                "properties": {
                    "code": {
                        "type": "string",
                        "description": "Does not change. More may come.",
                        "x-extensible-enum": Code::ALL.iter().map(|code| code.name()).collect::<Vec<_>>(),
                    },
                    "message": { "type": "string", "description": "For people; may change." },
                    "details": {
                        "type": "object",
                        "description": "Only where there is something for a machine to read.",
                        "properties": {
                            "reason": {
                                "type": "string",
                                "description": "Of a 409: how it does not fit. More may come.",
                                "x-extensible-enum": ["idempotency_key_reused", "idempotency_in_progress", "secret_already_shown"],
                            },
                            "hint": { "type": "string", "description": "What to send instead, where the form of a header is wrong. For people." },
                            "key_id": { "type": "integer", "format": "int64", "description": "Of `secret_already_shown`: the key." },
                            "fields": {
                                "type": "array",
                                "description": "Of a 422: every field at fault.",
                                "items": {
                                    "type": "object",
                                    "required": ["field", "message"],
                                    "properties": {
                                        "field": { "type": "string", "description": "The member, or `body`." },
                                        "message": { "type": "string", "description": "The rule." },
                                    },
                                },
                            },
                        },
                    },
                },
            },
        },
    })
}

fn deleted() -> Value {
    json!({
        "type": "object",
        "description": "It is gone, now or already before.",
        "required": ["deleted"],
        "properties": { "deleted": { "type": "boolean", "description": "Always true." } },
    })
}

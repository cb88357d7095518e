//! What the members of bodies mean, and what opens the document.

use crate::routes::OperationId;
use serde_json::Value;

/// Before everything.
pub(super) const INTRODUCTION: &str = "Every call carries `Authorization: Bearer <api_key_or_jwt>` and `X-Origin-App`. A success is \
     `{request_id, timestamp, data}`, with `pagination` for lists; an error is `{request_id, error: {code, message}}`, with \
     `details` where there is something for a machine to read. Times are whole seconds of UTC, ids positive integers up to \
     2^53 - 1, money JSON numbers with at most two decimal places. No text may contain NUL. Objects in responses may get more \
     members: ignore those that you do not know. Sets marked `x-extensible-enum` are open: take a value that you do not know as a \
     name.";

/// Of the credential.
pub(super) const BEARER: &str = "An API key, `lev_sk_…`, made by `POST /api-keys`; or a JWT access token of an \
     issuer that this server trusts. The server tells which it is.";

/// Writes into a body's schema what each member means.
pub(super) fn describe_members(id: OperationId, schema: &mut Value) {
    let Some(properties) = schema.get_mut("properties").and_then(Value::as_object_mut) else { return };
    for (name, member) in properties {
        describe_members(id, member);
        if let (Some(about), Some(member)) = (about(id, name), member.as_object_mut()) {
            member.insert("description".to_owned(), Value::from(about));
        }
    }
}

/// What a member of a body means. A test asks it of every one.
fn about(id: OperationId, member: &str) -> Option<&'static str> {
    Some(match (id, member) {
        (_, "api_key") => "The key to look at.",
        (_, "slug") => "The slug of the account.",
        (_, "email") => "Whom to invite.",
        (OperationId::PostAccountTeam, "role") => "The role that is offered.",
        (_, "role") => "The new role.",
        (_, "label") => "A name for people; not blank.",
        (_, "permission") => {
            "A preset whose rights follow those of the user: `full_access`, or `read_only`. Not together with `scopes`; \
             without both, what the maker has."
        }
        (_, "scopes") => {
            "The scopes that the key has at most. Not together with `permission`. Keyward's own."
        }
        (_, "expires_at") => {
            "When the key ends: a time with `Z` or an offset, in the future, up to the year 9999. A fraction of a second is \
             rounded down. Absent: not before its maker does. Keyward's own."
        }
        (_, "allowed_ips") => {
            "The address ranges that the key may be used from, such as `203.0.113.0/24`. Keyward's own."
        }
        (_, "grace_seconds") => "How long the secret before lives on, in seconds.",
        (_, "title") => "What the deal is called; not blank.",
        (_, "loan_amount") => "The loan, with at most two decimal places.",
        (_, "loan_type") => "What kind of loan it is.",
        (_, "transaction_type") => "What the loan is for.",
        (_, "business_plan") => "What is planned with the property.",
        (_, "description") => "Free text.",
        (_, "estimated_close_date") => "When the deal is expected to close.",
        (_, "deal_financials") => {
            "Figures of the deal. Absent ones stay as they are, null clears one. Later edition."
        }
        (_, "pipeline_ids") => "The pipelines that the deal begins in, at their first status. Later edition.",
        (_, "purchase_price") => "What the property costs, with at most two decimal places.",
        (_, "estimated_value") => "What the property is worth, with at most two decimal places.",
        (_, "total_cost") => "What it costs in all, with at most two decimal places.",
        (_, "total_cost_basis") => "The cost basis in all, with at most two decimal places.",
        (_, "land_cost") => "What the land costs, with at most two decimal places.",
        (_, "user_id") => "A member of the account.",
        (_, "deal_role") => {
            "What the member does on this deal, such as `closer`; `originator` if nothing is said."
        }
        (_, "is_primary") => "Whether this is who to ask first.",
        (_, "pipeline_id") => "A pipeline of the account.",
        (_, "pipeline_status_id") => "A status of that pipeline; its first if nothing is said.",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use crate::config::LimitsConfig;
    use crate::document::document;
    use serde_json::Value;

    /// By itself, by what it refers to, or, where it can be null, beside that.
    fn says_what_it_means(property: &Value) -> bool {
        let or_null = property.get("oneOf").and_then(Value::as_array);
        property.get("description").is_some()
            || property.get("$ref").is_some()
            || or_null.is_some_and(|all| all.iter().any(|one| one.get("description").is_some()))
    }

    /// Every property, parameter and operation says what it means.
    #[test]
    fn nothing_is_without_words() {
        fn walk(at: &str, value: &Value, silent: &mut Vec<String>) {
            match value {
                Value::Object(members) => {
                    if let Some(Value::Object(properties)) =
                        members.get("properties").filter(|_| !at.ends_with("properties"))
                    {
                        for (name, property) in properties {
                            let told = says_what_it_means(property);
                            if !told
                                && !["data", "pagination", "error"].contains(&name.as_str())
                                && !at.ends_with("not")
                            {
                                silent.push(format!("{at}.{name}"));
                            }
                        }
                    }
                    for (name, member) in members.iter().filter(|(name, _)| *name != "example") {
                        walk(&format!("{at}.{name}"), member, silent);
                    }
                }
                Value::Array(items) => items.iter().for_each(|item| walk(at, item, silent)),
                _ => {}
            }
        }
        let mut silent = Vec::new();
        walk("", &document("http://keyward.test", &LimitsConfig::default()), &mut silent);
        assert_eq!(silent, Vec::<String>::new());
    }
}

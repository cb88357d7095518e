//! Ending keys after a leak: one by the text of its secret, or every key of somebody in one transaction.

use super::desk::Desk;
use super::error::AdminError;
use super::operator::Operator;
use super::to_end;
use super::whose::{KeyText, Whose};
use keyward_core::api_key::{KeyOfSecret, Replaced, WhoseKeys};
use keyward_core::id::KeyId;
use keyward_core::made_by::MadeBy;
use keyward_core::secret::Secret;
use keyward_core::write::key::{RevokeKey, RevokeKeysOf};
use serde_json::{Map, Value, json};

const UNKNOWN: &str = "no key here has or had this secret, as far as that is kept, so no request with it is accepted; it may be a \
                       key of another server";

/// Ends a key.
pub(super) async fn by_id(
    operator: &Operator<'_>,
    key: KeyId,
    descendants: bool,
) -> Result<Value, AdminError> {
    let mut told = Map::from_iter([("id".to_owned(), json!(key))]);
    end(operator, key, descendants, &mut told).await?;
    Ok(Value::Object(told))
}

/// Ends it and says so, with what ended besides.
async fn end(
    operator: &Operator<'_>,
    key: KeyId,
    descendants: bool,
    told: &mut Map<String, Value>,
) -> Result<(), AdminError> {
    let done = operator.commit(RevokeKey { key: Some(key), as_sent: key.to_string(), descendants }).await?;
    told.insert("revoked".to_owned(), json!(true));
    told.insert("was_live".to_owned(), json!(done.now));
    if let Some(made) = &done.descendants {
        told.insert("descendants".to_owned(), made.told());
    }
    Ok(())
}

/// Ends the key that has this secret, or had it, whatever has replaced it: who has a secret of a key can give it another one.
pub(super) async fn by_text(desk: &Desk, text: &KeyText, descendants: bool) -> Result<Value, AdminError> {
    let found = key_of(desk, &text.0).await?.ok_or_else(|| AdminError::not_found(UNKNOWN))?;
    let mut told = about(desk, found.key).await;
    told.extend(of_secret(found));
    end(&desk.operator(), found.key, descendants, &mut told).await?;
    Ok(Value::Object(told))
}

/// Whether it is the key's current one; if not, since when and by what it was replaced, as far as that is recorded.
fn of_secret(found: KeyOfSecret) -> Map<String, Value> {
    let secret = |which: &str| ("secret".to_owned(), json!(which));
    let Some(Replaced { at, by }) = found.replaced else { return Map::from_iter([secret("current")]) };
    let by = by.map(MadeBy::view);
    Map::from_iter([
        secret("replaced"),
        ("replaced_at".to_owned(), json!(at)),
        ("replaced_by".to_owned(), json!(by)),
    ])
}

/// The key that has, or had, this secret: by the database, which has those too that memory left out, unless memory, which admits
/// it, says another.
async fn key_of(desk: &Desk, text: &Secret) -> Result<Option<KeyOfSecret>, AdminError> {
    let digests = desk.ring.digests(text.expose());
    let digests = digests
        .map_err(|_| AdminError::refused("this is not a whole key: its length or its checksum is wrong"))?;
    let found = desk.store.key_to_end(digests).await?;
    let known = desk.ring.recognise(text.expose(), &desk.store.directory().read());
    let known = known.map(|known| KeyId(known.id));
    match found {
        // Absent: memory has left the key out, or forgotten it.
        Some(found) if known.is_none_or(|known| known == found.key) => Ok(Some(found)),
        // Absent: memory alone knows it, or nobody does.
        _ => Ok(known.map(|key| KeyOfSecret { key, replaced: None })),
    }
}

/// Which key it is, as far as its row can be read.
async fn about(desk: &Desk, id: KeyId) -> Map<String, Value> {
    let mut told = Map::from_iter([("id".to_owned(), json!(id))]);
    // Absent: only less is told; the key ends by its id.
    let Ok(Some(key)) = desk.store.key(id).await else { return told };
    let live = desk.store.directory().read();
    let account = live.account(key.account).map(|account| account.slug.as_str());
    let user = live.user(key.user).map(|user| user.email.as_str());
    for (name, value) in [("label", Some(key.label.as_str())), ("account", account), ("user_email", user)] {
        told.extend(value.map(|value| (name.to_owned(), json!(value))));
    }
    told
}

/// Ends every key of somebody; the ids of those that this ended.
pub(super) async fn all_of(operator: &Operator<'_>, whose: &Whose) -> Result<Value, AdminError> {
    let whose = match whose {
        Whose::User(user) => WhoseKeys::User(to_end::user(operator, user).await?),
        Whose::Account(account) => WhoseKeys::Account(to_end::account(operator, account).await?),
        Whose::Member { user, account } => {
            WhoseKeys::Member(to_end::account(operator, account).await?, to_end::user(operator, user).await?)
        }
        Whose::All => WhoseKeys::All,
    };
    let known = operator.live().keys_of(whose);
    let done = operator.commit(RevokeKeysOf { whose, known }).await?;
    Ok(json!({ "revoked": done.keys, "count": done.keys.len() }))
}

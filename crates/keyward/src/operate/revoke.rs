//! Ending keys after a leak: one by the text of its secret, or every key of somebody in one transaction.

use super::carry_out::said;
use super::desk::Desk;
use super::operator::Operator;
use super::to_end;
use crate::cli::CliError;
use keyward_core::api_key::{KeyOfSecret, Replaced, WhoseKeys};
use keyward_core::id::KeyId;
use keyward_core::made_by::MadeBy;
use keyward_core::secret::Secret;
use keyward_core::write::key::{RevokeKey, RevokeKeysOf};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value, json};

/// The text of a key's secret, as an order holds it. It is not printed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct KeyText(pub(crate) Secret);

impl Serialize for KeyText {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(self.0.expose())
    }
}

impl<'de> Deserialize<'de> for KeyText {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        String::deserialize(from).map(|text| Self(Secret::new(text)))
    }
}

/// Whose keys end. Nothing stands for all of them but the word.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum Whose {
    /// A user's, in every account.
    User(String),
    /// An account's.
    Account(String),
    /// A user's in one account.
    Member { user: String, account: String },
    /// All that there are.
    All,
}

const UNKNOWN: &str = "no key here has or had this secret, as far as that is kept, so no request with it is accepted; it may be a \
                       key of another server";

/// Ends a key.
pub(super) async fn by_id(operator: &Operator<'_>, key: KeyId, descendants: bool) -> Result<Value, CliError> {
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
) -> Result<(), CliError> {
    let done = operator.commit(RevokeKey { key: Some(key), as_sent: key.to_string(), descendants }).await?;
    told.insert("revoked".to_owned(), json!(true));
    told.insert("was_live".to_owned(), json!(done.now));
    if let Some(made) = &done.descendants {
        told.insert("descendants".to_owned(), made.told());
    }
    Ok(())
}

/// Ends the key that has this secret, or had it, whatever has replaced it: who has a secret of a key can give it another one.
pub(super) async fn by_text(desk: &Desk, text: &KeyText, descendants: bool) -> Result<Value, CliError> {
    let found = key_of(desk, &text.0).await?.ok_or_else(|| CliError::not_found(UNKNOWN))?;
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
async fn key_of(desk: &Desk, text: &Secret) -> Result<Option<KeyOfSecret>, CliError> {
    let digests = desk.ring.digests(text.expose());
    let digests =
        digests.map_err(|_| said("this is not a whole key: its length or its checksum is wrong"))?;
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
pub(super) async fn all_of(operator: &Operator<'_>, whose: &Whose) -> Result<Value, CliError> {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::operate::Order;

    #[test]
    fn the_text_of_a_key_travels_in_its_order_and_is_printed_nowhere() {
        let order = Order::KeyRevokeText {
            text: KeyText(Secret::new("lev_sk_hidden".to_owned())),
            descendants: false,
        };
        let sent = serde_json::to_string(&order).unwrap();
        assert_eq!(sent, r#"{"order":"key_revoke_text","text":"lev_sk_hidden"}"#);
        assert_eq!(serde_json::from_str::<Order>(&sent).unwrap(), order);
        assert!(!format!("{order:?}").contains("hidden"), "{order:?}");
    }

    #[test]
    fn nothing_but_the_word_stands_for_every_key() {
        let read = |whose: Value| {
            serde_json::from_value::<Order>(json!({ "order": "key_revoke_all", "whose": whose })).ok()
        };
        assert_eq!(read(json!("all")), Some(Order::KeyRevokeAll { whose: Whose::All }));
        let member = json!({ "member": { "user": "u", "account": "a" } });
        assert!(read(member).is_some() && read(json!({ "user": "u" })).is_some());
        for bad in [
            json!(null),
            json!({}),
            json!(""),
            json!({ "user": null }),
            json!({ "member": { "user": "u" } }),
            json!({ "member": { "user": "u", "account": "a", "all": true } }),
        ] {
            assert_eq!(read(bad.clone()), None, "{bad}");
        }
    }
}

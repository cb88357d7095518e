//! Which keys an order ends.

use keyward_core::secret::Secret;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::operate::Order;
    use serde_json::{Value, json};

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

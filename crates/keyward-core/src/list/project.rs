//! An item with the chosen fields only.

use serde::de::{Deserializer, MapAccess, Visitor};
use serde::ser::{SerializeMap, Serializer};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use std::fmt;

/// The item with those of its members that `keep` wants, in their order. Their values stay as they were written: money is
/// not led through a float.
#[must_use]
pub fn project<T: Serialize>(item: &T, keep: impl Fn(&str) -> bool) -> Option<Box<RawValue>> {
    // Absent: never, our shapes always serialise; nothing is shown then.
    let text = serde_json::to_string(item).ok()?;
    // Absent: the same.
    let mut members: Members<'_> = serde_json::from_str(&text).ok()?;
    members.0.retain(|(name, _)| keep(name));
    // Absent: the same.
    serde_json::value::to_raw_value(&members).ok()
}

/// The members of an object, in order, their values untouched.
struct Members<'t>(Vec<(String, &'t RawValue)>);

impl<'t> Deserialize<'t> for Members<'t> {
    fn deserialize<D: Deserializer<'t>>(from: D) -> Result<Self, D::Error> {
        struct Walk;
        impl<'t> Visitor<'t> for Walk {
            type Value = Members<'t>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'t>>(self, mut map: A) -> Result<Members<'t>, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }
        from.deserialize_map(Walk)
    }
}

impl Serialize for Members<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut map = to.serialize_map(Some(self.0.len()))?;
        for (name, value) in &self.0 {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_keep_their_order_and_their_digits() {
        #[derive(Serialize)]
        struct Item {
            id: i64,
            amount: Box<RawValue>,
            title: &'static str,
            more: Vec<i64>,
        }
        let amount = RawValue::from_string("90071992547409.91".to_owned()).unwrap();
        let item = Item { id: 1, amount, title: "a", more: vec![1, 2] };
        let shown = |keep: &[&str]| project(&item, |name| keep.contains(&name)).unwrap().get().to_owned();
        assert_eq!(shown(&["amount", "id"]), r#"{"id":1,"amount":90071992547409.91}"#);
        assert_eq!(shown(&["more"]), r#"{"more":[1,2]}"#);
        assert_eq!(shown(&[]), "{}");
    }
}

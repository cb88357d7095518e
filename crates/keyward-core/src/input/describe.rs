//! The JSON Schema of a body, told by its own reader: the reader runs once with nothing to read, and each of its questions
//! leaves a line. So what is documented is what is read.

use crate::input::Fields;
use crate::money::Cents;
use serde_json::{Map, Number, Value, json};
use std::ops::RangeInclusive;
use std::str::FromStr;

/// What the questions of a reader say of its body.
#[derive(Debug, Default)]
pub(super) struct Described {
    properties: Map<String, Value>,
    required: Vec<Value>,
    not_empty: bool,
}

/// The JSON Schema (2020-12) of the body that `reader` reads.
pub fn describe<T>(reader: impl FnOnce(&mut Fields<'_>) -> T) -> Value {
    let mut fields =
        Fields { members: &[], asked: Vec::new(), errors: Vec::new(), described: Some(Described::default()) };
    reader(&mut fields);
    // Absent: never, it was put in above.
    fields.described.unwrap_or_default().into_schema()
}

impl Described {
    /// A member that is asked for. It may be null until a rule says otherwise.
    pub(super) fn member(&mut self, name: &str, schema: Value) {
        self.properties.insert(name.to_owned(), or_null(schema));
    }

    /// The member must be there.
    pub(super) fn required(&mut self, name: &str) {
        self.required.push(Value::from(name));
        self.not_null(name);
    }

    /// The member must not be null.
    pub(super) fn not_null(&mut self, name: &str) {
        if let Some(schema) = self.properties.get_mut(name) {
            *schema = without_null(schema.take());
        }
    }

    /// There must be a member.
    pub(super) fn not_empty(&mut self) {
        self.not_empty = true;
    }

    fn into_schema(self) -> Value {
        let mut schema = Map::new();
        schema.insert("type".to_owned(), json!("object"));
        schema.insert("properties".to_owned(), Value::Object(self.properties));
        if !self.required.is_empty() {
            schema.insert("required".to_owned(), Value::Array(self.required));
        }
        if self.not_empty {
            schema.insert("minProperties".to_owned(), json!(1));
        }
        schema.insert("additionalProperties".to_owned(), json!(false));
        Value::Object(schema)
    }
}

fn or_null(mut schema: Value) -> Value {
    if let Some(kind) = schema.get_mut("type") {
        *kind = json!([kind.take(), "null"]);
    }
    if let Some(Value::Array(values)) = schema.get_mut("enum") {
        values.push(Value::Null);
    }
    schema
}

fn without_null(mut schema: Value) -> Value {
    if let Some(kind) = schema.get_mut("type")
        && let Some(first) = kind.get_mut(0).map(Value::take)
    {
        *kind = first;
    }
    if let Some(Value::Array(values)) = schema.get_mut("enum") {
        values.retain(|value| !value.is_null());
    }
    schema
}

/// That text must hold no NUL, and where it must not be empty not be blank, is said in words: a pattern for it is read by some
/// languages only, and their clients refuse every value, or do not compile.
pub(super) fn string(min_chars: usize, max_chars: usize) -> Value {
    let mut schema = Map::from_iter([("type".to_owned(), json!("string"))]);
    if min_chars > 0 {
        schema.insert("minLength".to_owned(), json!(min_chars));
    }
    if max_chars < usize::MAX {
        schema.insert("maxLength".to_owned(), json!(max_chars));
    }
    Value::Object(schema)
}

pub(super) fn email() -> Value {
    json!({ "type": "string", "format": "email", "maxLength": 254 })
}

pub(super) fn choice(allowed: &[&str]) -> Value {
    json!({ "type": "string", "enum": allowed })
}

pub(super) fn integer(range: &RangeInclusive<i64>) -> Value {
    let mut schema = Map::from_iter([("type".to_owned(), json!("integer"))]);
    if *range.start() > i64::MIN {
        schema.insert("minimum".to_owned(), json!(range.start()));
    }
    if *range.end() < i64::MAX {
        schema.insert("maximum".to_owned(), json!(range.end()));
    }
    let fits = i32::try_from(*range.start()).is_ok() && i32::try_from(*range.end()).is_ok();
    schema.insert("format".to_owned(), json!(if fits { "int32" } else { "int64" }));
    Value::Object(schema)
}

/// That it has at most two decimal places is said in words: `multipleOf: 0.01` would be refused by those who divide in binary.
pub(super) fn money() -> Value {
    // Absent: the document names no greatest amount; `Cents` refuses a greater one.
    let most = Number::from_str(&Cents::MAX.to_json_text()).map_or(Value::Null, Value::Number);
    json!({ "type": "number", "format": "double", "minimum": 0, "maximum": most })
}

pub(super) fn date() -> Value {
    json!({ "type": "string", "format": "date" })
}

pub(super) fn time() -> Value {
    json!({ "type": "string", "format": "date-time" })
}

pub(super) fn array(items: Value, max_items: usize) -> Value {
    json!({ "type": "array", "items": items, "minItems": 1, "maxItems": max_items })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reader_tells_what_it_reads() {
        let schema = describe(|fields| {
            let title = fields.string("title", 1, 9);
            fields.required("title", title);
            let colour = fields.choice("colour", &["red", "blue"]);
            fields.not_null("colour", &colour);
            fields.money("amount");
            fields.integer("size", 1..=i64::MAX);
            fields.boolean("old");
            fields.date("on");
            fields.integers("ids", 1..=9, 3);
            fields.object("more", |more| more.boolean("big"));
            fields.apart("colour", "size", "");
            fields.not_empty("");
        });
        let expected = json!({
            "type": "object",
            "properties": {
                "title": {"type": "string", "minLength": 1, "maxLength": 9},
                "colour": {"type": "string", "enum": ["red", "blue"]},
                "amount": {"type": ["number", "null"], "format": "double", "minimum": 0, "maximum": 90_071_992_547_409.9},
                "size": {"type": ["integer", "null"], "format": "int64", "minimum": 1},
                "old": {"type": ["boolean", "null"]},
                "on": {"type": ["string", "null"], "format": "date"},
                "ids": {"type": ["array", "null"], "items": {"type": "integer", "format": "int32", "minimum": 1, "maximum": 9}, "minItems": 1, "maxItems": 3},
                "more": {
                    "type": "object",
                    "properties": {"big": {"type": ["boolean", "null"]}},
                    "additionalProperties": false
                },
            },
            "required": ["title"],
            "minProperties": 1,
            "additionalProperties": false
        });
        assert_eq!(schema, expected);
    }
}

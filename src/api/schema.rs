//! JSON types that describe themselves: what a program sends or gets, and its schema, are one definition.

use serde_json::{Map, Value, json};

/// A type with a JSON Schema (draft 2020-12, as OpenAPI 3.1 has it).
pub(super) trait Schema {
    fn schema() -> Value;

    /// Whether a member of this type is always there.
    const IS_REQUIRED: bool = true;

    /// Whether this value is left out of JSON.
    fn is_left_out(&self) -> bool {
        false
    }
}

/// For serde, which wants a function.
pub(super) fn is_left_out(value: &impl Schema) -> bool {
    value.is_left_out()
}

impl Schema for String {
    fn schema() -> Value {
        json!({ "type": "string" })
    }
}

impl Schema for bool {
    fn schema() -> Value {
        json!({ "type": "boolean" })
    }
}

impl Schema for u64 {
    fn schema() -> Value {
        json!({ "type": "integer", "minimum": 0 })
    }
}

/// Any JSON.
impl Schema for Value {
    fn schema() -> Value {
        json!({})
    }
}

/// A JSON object with any members.
impl Schema for Map<String, Value> {
    fn schema() -> Value {
        json!({ "type": "object" })
    }
}

impl<T: Schema> Schema for Option<T> {
    fn schema() -> Value {
        T::schema()
    }

    const IS_REQUIRED: bool = false;

    fn is_left_out(&self) -> bool {
        self.is_none()
    }
}

impl<T: Schema> Schema for Vec<T> {
    fn schema() -> Value {
        json!({ "type": "array", "items": T::schema() })
    }
}

/// Defines a JSON object: a struct that serde reads and writes, and its [`Schema`] with the comments as descriptions.
macro_rules! object {
    ($(#[doc = $about:literal])+ $name:ident { $($(#[doc = $says:literal])+ $field:ident: $kind:ty,)+ }) => {
        $(#[doc = $about])+
        #[derive(Debug, serde::Serialize, serde::Deserialize)]
        #[serde(deny_unknown_fields)]
        pub(super) struct $name {
            $(
                $(#[doc = $says])+
                #[serde(skip_serializing_if = "crate::api::schema::is_left_out")]
                pub $field: $kind,
            )+
        }

        impl crate::api::schema::Schema for $name {
            fn schema() -> serde_json::Value {
                use crate::api::schema::{Schema, described, member};
                let mut properties = serde_json::Map::new();
                let mut required: Vec<&str> = Vec::new();
                $(
                    let name = stringify!($field).trim_start_matches("r#");
                    properties.insert(name.into(), described(<$kind as Schema>::schema(), concat!($($says),+)));
                    if <$kind as Schema>::IS_REQUIRED {
                        required.push(name);
                    }
                )+
                member(concat!($($about),+), properties, &required)
            }
        }
    };
}
pub(super) use object;

/// A schema with a description.
pub(super) fn described(mut schema: Value, says: &str) -> Value {
    schema["description"] = says.trim().into();
    schema
}

/// The schema of an object.
pub(super) fn member(about: &str, properties: Map<String, Value>, required: &[&str]) -> Value {
    let mut schema = json!({
        "type": "object",
        "description": about.trim(),
        "properties": properties,
    });
    if !required.is_empty() {
        schema["required"] = json!(required);
    }
    schema
}

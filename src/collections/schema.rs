//! The JSON Schema of a collection: which records it allows, and which fields the form of a record has.
//!
//! Danger: schemas are typed by people. References outside the schema are refused, patterns run in linear time, and
//! size and depth are those of a record.

use jsonschema::{PatternOptions, Validator};
use serde_json::Value;
use thiserror::Error;

use super::json::{JsonProblem, RecordData};

/// The most problems of one record that are listed.
const MAX_PROBLEMS: usize = 20;

/// The most fields of a form.
const MAX_FIELDS: usize = 100;

/// A schema that can be used.
pub struct RecordSchema {
    /// As it is stored.
    pub document: Value,
    validator: Validator,
}

/// Why a text is no schema that can be used.
#[derive(Debug, Error)]
pub enum SchemaProblem {
    #[error(transparent)]
    Json(#[from] JsonProblem),
    #[error("This is not a JSON Schema that can be used: {0}")]
    Schema(String),
}

/// What is wrong with one member of a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordProblem {
    /// The place as a JSON Pointer (RFC 6901); empty for the record itself.
    pub pointer: String,
    pub message: String,
}

/// A field of the form of a record, for a property of the schema whose value is no array and no object.
#[derive(Clone, Debug, PartialEq)]
pub struct RecordField {
    pub name: String,
    pub label: String,
    pub hint: String,
    pub kind: FieldKind,
    pub is_required: bool,
}

#[derive(Clone, Debug, PartialEq)]
pub enum FieldKind {
    Text,
    /// Text with line breaks: the schema allows more than 200 characters.
    LongText,
    Number,
    Integer,
    Boolean,
    /// One of these texts.
    Choice(Vec<String>),
}

impl RecordSchema {
    /// Reads what a person typed.
    pub fn parse(typed: &str) -> Result<RecordSchema, SchemaProblem> {
        RecordSchema::of(RecordData::parse(typed)?.value())
    }

    /// Prepares a stored schema.
    pub fn of(document: Value) -> Result<RecordSchema, SchemaProblem> {
        let options = jsonschema::options().with_pattern_options(PatternOptions::regex()).should_validate_formats(true);
        let validator = options.build(&document).map_err(|error| SchemaProblem::Schema(error.to_string()))?;
        Ok(RecordSchema { document, validator })
    }

    /// What is wrong with a record; empty if it fits.
    pub fn problems(&self, data: &RecordData) -> Vec<RecordProblem> {
        let value = data.value();
        let problems = self.validator.iter_errors(&value).take(MAX_PROBLEMS);
        problems
            .map(|error| RecordProblem {
                pointer: error.instance_path().to_string(),
                message: error.masked_with("the value").to_string(),
            })
            .collect()
    }

    /// The fields of a form that can hold every record that fits; `None` if a property needs JSON.
    pub fn fields(&self) -> Option<Vec<RecordField>> {
        let properties = self.document.get("properties")?.as_object()?;
        if properties.is_empty() || properties.len() > MAX_FIELDS {
            return None;
        }
        let required: Vec<&str> = self
            .document
            .get("required")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect();
        properties.iter().map(|(name, property)| field(name, property, required.contains(&name.as_str()))).collect()
    }

    /// The properties whose values can be put in order, for the members of a new collection.
    pub fn sortable(&self) -> Vec<String> {
        let properties = self.document.get("properties").and_then(Value::as_object);
        let fields = properties.into_iter().flatten().filter_map(|(name, property)| field(name, property, false));
        fields.map(|field| field.name).collect()
    }
}

fn field(name: &str, property: &Value, is_required: bool) -> Option<RecordField> {
    let text = |key: &str| property.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
    let kind = match (property.get("enum").and_then(Value::as_array), text("type").as_str()) {
        (Some(values), "string" | "") => {
            FieldKind::Choice(values.iter().map(|value| value.as_str().map(str::to_owned)).collect::<Option<_>>()?)
        }
        (None, "string") if property.get("maxLength").and_then(Value::as_u64).is_some_and(|max| max > 200) => {
            FieldKind::LongText
        }
        (None, "string") => FieldKind::Text,
        (None, "number") => FieldKind::Number,
        (None, "integer") => FieldKind::Integer,
        (None, "boolean") => FieldKind::Boolean,
        _ => return None,
    };
    let label = Some(text("title")).filter(|title| !title.is_empty()).unwrap_or_else(|| name.to_owned());
    Some(RecordField { name: name.to_owned(), label, hint: text("description"), kind, is_required })
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOOK: &str = r#"{
        "type": "object", "required": ["title"], "additionalProperties": false,
        "properties": {
            "title": { "type": "string", "title": "Title", "description": "As on the cover", "maxLength": 80 },
            "about": { "type": "string", "maxLength": 4000 },
            "pages": { "type": "integer", "minimum": 1 },
            "price": { "type": "number" },
            "lent": { "type": "boolean" },
            "shelf": { "enum": ["A", "B"] }
        }
    }"#;

    fn problems(schema: &str, record: &str) -> Vec<String> {
        let schema = RecordSchema::parse(schema).expect("a schema");
        let problems = schema.problems(&RecordData::parse(record).expect("a record"));
        problems.into_iter().map(|problem| format!("{} {}", problem.pointer, problem.message)).collect()
    }

    #[test]
    fn a_record_is_checked_and_its_values_are_not_repeated() {
        assert!(problems(BOOK, r#"{"title": "Emil", "pages": 12}"#).is_empty());
        assert_eq!(problems(BOOK, r#"{"pages": 12}"#).len(), 1);
        let found = problems(BOOK, r#"{"title": "secret words".., "pages": 0}"#.replace("..", "").as_str());
        assert!(found[0].starts_with("/pages ") && found[0].contains('1'), "{found:?}");
        let found = problems(BOOK, r#"{"title": 7, "extra": "secret words"}"#);
        assert_eq!(found.len(), 2, "{found:?}");
        assert!(found.iter().all(|problem| !problem.contains("secret words")), "{found:?}");
    }

    #[test]
    fn a_form_has_the_plain_properties() {
        let fields = RecordSchema::parse(BOOK).expect("a schema").fields().expect("a form");
        let kinds: Vec<(&str, &FieldKind)> = fields.iter().map(|field| (field.name.as_str(), &field.kind)).collect();
        let shelf = FieldKind::Choice(vec!["A".into(), "B".into()]);
        assert_eq!(kinds.len(), 6);
        for (name, kind) in [
            ("title", FieldKind::Text),
            ("about", FieldKind::LongText),
            ("pages", FieldKind::Integer),
            ("price", FieldKind::Number),
            ("lent", FieldKind::Boolean),
            ("shelf", shelf),
        ] {
            assert!(kinds.contains(&(name, &kind)), "{name}: {kinds:?}");
        }
        let title = fields.iter().find(|field| field.name == "title").expect("title");
        assert_eq!((title.label.as_str(), title.hint.as_str(), title.is_required), ("Title", "As on the cover", true));
        let nested = r#"{"properties": {"a": {"type": "object"}, "b": {"type": "string"}}}"#;
        let nested = RecordSchema::parse(nested).expect("a schema");
        assert_eq!((nested.fields(), nested.sortable()), (None, vec!["b".to_owned()]));
    }

    #[test]
    fn a_schema_that_cannot_be_used_is_refused() {
        for text in [
            r#"{"type": "strnig"}"#,
            r#"{"properties": 7}"#,
            r#"{"$ref": "https://example.org/schema.json"}"#,
            r#"{"$ref": "file:///etc/passwd"}"#,
            r#"{"pattern": "(", "type": "string"}"#,
            r#"{"properties": {"a": {"pattern": "(a+)+\\1$"}}}"#,
            "[]",
            "{",
        ] {
            assert!(RecordSchema::parse(text).is_err(), "{text}");
        }
    }
}

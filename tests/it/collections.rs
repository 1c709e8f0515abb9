//! Collections: their settings, their connector, and what becomes of both.

mod connector;
mod deleting;
mod settings;

fn error(field: &str, message: &str) -> Vec<(String, String)> {
    vec![(field.to_string(), message.to_string())]
}

const BOOK: &str = r#"{"type": "object", "required": ["title"], "properties": {"title": {"type": "string"}, "pages": {"type": "integer"}}}"#;

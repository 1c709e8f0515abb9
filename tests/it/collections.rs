//! Collections: their settings, their records, their connector, and what becomes of them.

mod connector;
mod deleting;
mod export;
mod import;
mod records;
mod settings;

use connectory::access::Permission::{CallConnectors, ViewConnectors};

use crate::support::{Browser, TestApp};

fn error(field: &str, message: &str) -> Vec<(String, String)> {
    vec![(field.to_string(), message.to_string())]
}

const BOOK: &str = r#"{"type": "object", "required": ["title"], "properties": {"title": {"type": "string"}, "pages": {"type": "integer"}}}"#;

/// A person who may change records, and one who only sees them.
async fn people(app: &TestApp) -> (Browser, Browser) {
    (app.person(&[ViewConnectors, CallConnectors]).await, app.person(&[ViewConnectors]).await)
}

/// The only record of the database.
async fn the_record(app: &TestApp) -> String {
    app.value("SELECT id FROM records").await
}

//! Collections, made as their page makes them.

use connectory::access::Actor;
use connectory::audit::Change;
use connectory::categories;
use connectory::collections::{self, NewCollection, RecordSchema, RecordSettings};
use connectory::connectors::{self, Details, Method, NewConnector, Stewardship};
use uuid::Uuid;

use super::TestApp;

impl TestApp {
    /// Creates a collection with this schema, or without one if that is empty, and gives its id. Its key is the name's
    /// slug.
    pub async fn collection(&self, name: &str, schema: &str) -> Uuid {
        let details = Details {
            name: connectors::parse_name(name).expect("a name"),
            display_name: String::new(),
            description: format!("What {name} is for"),
            base_url: None,
            enabled: true,
            stewardship: Stewardship::default(),
        };
        let categories = vec![categories::GENERATED];
        let connector = NewConnector { id: Uuid::now_v7(), key: None, details, method: Method::Bearer, categories };
        let schema = (!schema.is_empty()).then(|| RecordSchema::parse(schema).expect("a schema"));
        let members = schema.as_ref().map_or(Vec::new(), RecordSchema::sortable);
        let new = NewCollection { connector, records: RecordSettings { schema, members } };
        let (mut conn, by) = (self.conn().await, Actor::command_line());
        let change = &mut Change { conn: &mut conn, by: &by, now: self.clock.now() };
        collections::insert(change, &self.vault, &self.public_url, &new).await.expect("a new collection");
        new.connector.id
    }
}

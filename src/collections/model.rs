//! What a collection is.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Text, Timestamptz, Uuid as SqlUuid};
use serde_json::Value;

use super::schema::{RecordSchema, SchemaProblem};
use crate::connectors::{Connector, ConnectorId, NewConnector};
use crate::web::{Column, Row};

/// The most members by which records can be sorted and filtered: each costs every save a row.
pub const MAX_MEMBERS: usize = 8;

/// The address of the records of the collection with this key.
pub fn records_path(key: &str) -> String {
    format!("/api/v1/collections/{key}/records")
}

/// A collection as it is stored.
pub struct Collection {
    /// Has its name, description and rights.
    pub connector: Connector,
    pub settings: Settings,
}

/// The columns of a collection.
#[derive(Queryable, Selectable)]
#[diesel(table_name = crate::db::schema::collections)]
pub struct Settings {
    schema: Option<Value>,
    /// By which records can be sorted and filtered.
    pub members: Vec<String>,
    pub version: i32,
    pub updated_at: DateTime<Utc>,
    pub updated_by: String,
}

impl Settings {
    /// The schema of the records; `None` if every JSON object is one.
    pub fn schema(&self) -> Result<Option<RecordSchema>, SchemaProblem> {
        self.schema.clone().map(RecordSchema::of).transpose()
    }

    /// Whether this is the schema.
    pub fn has_schema(&self, schema: &RecordSchema) -> bool {
        self.schema.as_ref() == Some(&schema.document)
    }

    /// The names of the properties of the schema.
    pub fn properties(&self) -> impl Iterator<Item = &str> {
        let properties = self.schema.as_ref().and_then(|schema| schema.get("properties")?.as_object());
        properties.into_iter().flatten().map(|(name, _)| name.as_str())
    }

    /// Whether the schema says that this member is a text, so that what is typed to compare with it is one.
    pub fn is_text(&self, member: &str) -> bool {
        self.property(member).is_some_and(|property| match (property.get("type"), property.get("enum")) {
            (Some(Value::Array(types)), _) => types.iter().any(|kind| kind == "string"),
            (Some(kind), _) => kind == "string",
            (None, Some(Value::Array(values))) => values.iter().all(Value::is_string),
            (None, _) => false,
        })
    }

    /// Whether the schema says that this member is something else than a text.
    pub fn is_typed(&self, member: &str) -> bool {
        self.property(member).is_some() && !self.is_text(member)
    }

    #[cfg(test)]
    pub fn with_schema(schema: Option<&RecordSchema>) -> Settings {
        Settings {
            schema: schema.map(|schema| schema.document.clone()),
            members: Vec::new(),
            version: 1,
            updated_at: DateTime::UNIX_EPOCH,
            updated_by: String::new(),
        }
    }

    fn property(&self, member: &str) -> Option<&Value> {
        self.schema.as_ref()?.get("properties")?.get(member)
    }

    /// The schema as it is stored, indented for people; empty without one.
    pub fn schema_text(&self) -> String {
        self.schema.as_ref().map_or(String::new(), |schema| format!("{schema:#}"))
    }
}

/// A collection that does not exist yet.
pub struct NewCollection {
    /// Its connector, without base URL.
    pub connector: NewConnector,
    pub records: RecordSettings,
}

/// What a form says of the records.
pub struct RecordSettings {
    pub schema: Option<RecordSchema>,
    pub members: Vec<String>,
}

/// A collection as the list shows it.
#[derive(QueryableByName)]
pub(super) struct ListRow {
    #[diesel(sql_type = SqlUuid)]
    pub id: ConnectorId,
    #[diesel(sql_type = Text)]
    pub key: String,
    #[diesel(sql_type = Text)]
    pub name: String,
    /// The beginning of the description.
    #[diesel(sql_type = Text)]
    pub description: String,
    /// The members by which records can be sorted, with commas.
    #[diesel(sql_type = Text)]
    pub members: String,
    #[diesel(sql_type = Timestamptz)]
    pub updated_at: DateTime<Utc>,
}

impl Row for ListRow {
    const NOUN: [&'static str; 2] = ["collection", "collections"];
    const COLUMNS: &'static [Column<ListRow>] = &[
        Column::text("name", "Name", "name", |row| &row.name),
        Column::text("description", "Description", "description", |row| &row.description),
        Column::text("members", "Members", "members", |row| &row.members),
        Column::time("modified", "Modified", "updated_at", |row| row.updated_at),
    ];

    fn id(&self) -> ConnectorId {
        self.id
    }
}

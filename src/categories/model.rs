//! What a category is.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use uuid::Uuid;

use crate::db::{StoredValueError, known, text_enum};
use crate::name::{Name, NameProblem};
use crate::web::{Column, Row};

/// The longest name of a category, in characters.
const LONGEST_NAME: usize = 100;

/// The name of a category.
pub fn parse_name(typed: &str) -> Result<Name, NameProblem> {
    Name::parse(typed, LONGEST_NAME)
}

pub type CategoryId = Uuid;

text_enum! {
    /// Whether a category can be given to connectors.
    pub enum CategoryStatus {
        Active = "active", "Active";
        Inactive = "inactive", "Inactive";
    }
}

/// A checked form.
pub(super) struct CheckedCategory {
    pub name: Name,
    pub status: CategoryStatus,
}

/// A category as it is stored.
#[derive(Queryable, QueryableByName, Selectable)]
#[diesel(table_name = crate::db::schema::categories)]
pub(super) struct Category {
    pub id: CategoryId,
    pub name: String,
    status: String,
    built_in: Option<String>,
    pub connectors: i64,
    pub version: i32,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
    pub updated_by: String,
}

impl Row for Category {
    const NOUN: [&'static str; 2] = ["category", "categories"];
    const COLUMNS: &'static [Column<Category>] = &[
        Column::text("name", "Name", "name", |row| &row.name),
        Column::text("status", "Status", "status", |row| &row.status),
        Column::number("connectors", "Data connectors", "connectors", |row| row.connectors),
        Column::time("modified", "Modified", "updated_at", |row| row.updated_at),
        Column::time("created", "Created", "created_at", |row| row.created_at),
    ];

    fn id(&self) -> CategoryId {
        self.id
    }
}

impl Category {
    pub fn status(&self) -> Result<CategoryStatus, StoredValueError> {
        known("categories.status", self.id, CategoryStatus::parse(&self.status))
    }

    /// The same for the list, which shows one that cannot be read as such; the log has it.
    pub fn shown_status(&self) -> Option<CategoryStatus> {
        self.status().inspect_err(StoredValueError::log).ok()
    }

    pub fn is_built_in(&self) -> bool {
        self.built_in.is_some()
    }
}
